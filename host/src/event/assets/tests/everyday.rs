//! What agents do all day and is no access to credentials, beside what is.

use super::*;

#[test]
fn what_a_coding_agent_looks_for_all_day_is_no_credential() {
    let of_files = [
        ("search_files", "pattern", "*.json"),
        ("Glob", "pattern", "**/*.json"),
        ("Grep", "glob", "*.{json,txt,conf}"),
        ("list", "path", "src/*.db"),
    ];
    let lines = [
        "find . -name '*.json' | head",
        "cat *.json",
        "rm -f build/*.txt",
        "grep -rn --include='*.conf' listen .",
        "prettier --write 'src/**/*.{ts,json}'",
        "rg 'process.env' -g '!node_modules'",
        "rsync -av --exclude .env --exclude .git ./ backup/",
        "tar czf app.tgz --exclude=.env .",
        "zip -r app.zip . -x '*.git*' '.env'",
        "git rm --cached .env && git check-ignore .env",
        "ls -d .*",
        "node --env-file=.env server.js",
        "alias ll='ls -la'",
        "for f in *.json; do jq . \"$f\"; done",
        "python3 -c 'import glob; print(glob.glob(\"*.json\"))'",
    ]
    .map(|line| ("run_command", "command", line));
    for (tool, key, value) in of_files.into_iter().chain(lines) {
        let call = serde_json::json!({ "name": tool, "arguments": { key: value } });
        let assets = request("tools/call", &call.to_string());
        let found = assets.iter().any(|asset| asset.credential);
        assert!(!found, "{tool} {value}: {}", show(&assets));
    }
}

#[test]
fn a_word_beside_what_is_left_out_is_touched() {
    for line in [
        "rsync -a --exclude .git .env backup/",
        "rsync -a --exclude ~/.ssh x y",
        "zip app.zip -x a.txt -r .env",
        "git rm .env",
        "git add .env",
        "git show HEAD:.env",
        "dd if=.env",
        "cat .e??",
        "$(echo cat) .env",
        "alias x='cat .env'; x",
        "base64 --exclude .env",
        "git check-ignore x; cat .env",
    ] {
        let call = serde_json::json!({ "name": "run_command", "arguments": { "command": line } });
        let assets = request("tools/call", &call.to_string());
        let found = assets.iter().any(|asset| asset.credential);
        assert!(found, "{line}: {}", show(&assets));
    }
}

#[test]
fn what_a_search_leaves_out_is_not_touched() {
    for key in ["exclude", "excludePatterns", "ignore_globs"] {
        for (touched, plain) in [
            ("~/.ssh", ".ssh"),
            ("/home/u/.aws/credentials", "**/.aws/credentials"),
            ("x/../../../home/u/.ssh/id_rsa", "*.{pem,key}"),
            ("a; cat .env", ".env"),
        ] {
            let with = |value: &str| format!(r#"{{"path":"/srv/app","{key}":["{value}"]}}"#);
            twins(&with(touched), &with(plain));
        }
    }
    // Neither what may be read for names, nor what a shell gets.
    let read = r#"{"ignore_file":".env"}"#;
    twins(read, r#"{"ignore_file":".gitignore"}"#);
    let line = request(
        "tools/call",
        r#"{"name":"run_shell","arguments":{"exclude":".env"}}"#,
    );
    assert!(line.iter().any(|asset| asset.credential), "{}", show(&line));
}
