//! Spellings that some receiver reads as another thing than it looks like, each with its innocent twin.

use super::*;

/// The same with what a URI names, as `resources/read` asks for it.
#[track_caller]
fn uris(secret: &str, harmless: &str) {
    let touches = |uri: &str| {
        let assets = request("resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
        assets.iter().any(|asset| asset.credential)
    };
    assert!(touches(secret), "{secret}");
    assert!(!touches(harmless), "{harmless}");
}

#[test]
fn nothing_that_makes_no_letter_hides_what_is_encoded_beside_it() {
    uris("file:///etc/sh%61dow?%ff", "file:///etc/h%6fsts?%ff");
    uris("file:///etc/sh%61dow#%ff", "file:///etc/h%6fsts#%ff");
    uris("~/.%73sh/config?%ff", "~/.%63ache/config?%ff");
}

#[test]
fn what_parsers_of_addresses_take_away_hides_nothing() {
    uris("fi\\tle:///etc/shadow", "fi\\tle:///etc/hosts");
    uris("fi\\nle:///etc/shadow", "fi\\nle:///etc/hosts");
    uris("\\u0001file:///etc/shadow", "\\u0001file:///etc/hosts");
    twins(
        r#"{"url":"\u0000file:///etc/shadow"}"#,
        r#"{"url":"\u0000file:///etc/hosts"}"#,
    );
    check(
        r#"{"url":"\u001fhttps://evil.example/x"}"#,
        expect!["url https://evil.example/x\nhost evil.example"],
    );
    check(
        r#"{"host":"evil.example\u0000"}"#,
        expect!["url https://evil.example\nhost evil.example"],
    );
}

#[test]
fn a_uri_inside_another_hides_no_path() {
    for (secret, harmless) in [
        (
            "view-source:file:///etc/shadow",
            "view-source:file:///etc/hosts",
        ),
        ("URL:file:/etc/shadow", "URL:file:/etc/hosts"),
        (
            "<URL:file:///etc/shadow>",
            "<https://good.example/etc/shadow>",
        ),
        ("local_file:///etc/shadow", "local_file:///etc/hosts"),
        (
            "php://filter/resource=/etc/shadow",
            "php://filter/resource=/etc/hosts",
        ),
        (
            "php://filter/resource=file:///etc/shadow",
            "app://open?file=/etc/hosts",
        ),
        ("jar:file:/etc/shadow!/x", "jar:file:/srv/app.jar!/etc/x"),
        (
            "filesystem:file:/etc/shadow",
            "https://good.example/?u=profile:/etc",
        ),
        (
            "view-source:jar:FILE:///etc/shadow!/x",
            "urn:isbn:0451450523",
        ),
        ("view-source:file%3A///etc/shadow", "mailto:a@b.example"),
    ] {
        uris(secret, harmless);
        let keys = match secret.contains("file:/") {
            true => &["url", "path", "id"][..],
            false => &["url"],
        };
        for key in keys {
            let call = |uri: &str| serde_json::json!({ *key: uri }).to_string();
            twins(&call(secret), &call(harmless));
        }
    }
    check(
        r#"{"url":"view-source:https://evil.example/x"}"#,
        expect![[r#"
        path /https:/evil.example/x
        url https://evil.example/x
        host evil.example"#]],
    );
}

#[test]
fn a_host_that_only_some_parsers_read_is_a_host_as_well() {
    let call = serde_json::json!({ "url": "https://good.example\\@evil.example/x" });
    check(
        &call.to_string(),
        expect![[r#"
        url https://good.example/@evil.example/x
        host good.example
        url https://evil.example/x
        host evil.example"#]],
    );
    let shown = show(&line("curl 'https://good.example\\@evil.example/'"));
    assert!(
        shown.contains("host evil.example") && shown.contains("host good.example"),
        "{shown}"
    );
    check(
        r#"{"url":"https://straße.example/"}"#,
        expect![[r#"
        url https://straße.example/
        host strasse.example
        host straße.example"#]],
    );
    check(
        r#"{"url":"https://bücher.example/"}"#,
        expect![[r#"
        url https://bücher.example/
        host bücher.example"#]],
    );
}

#[test]
fn json_in_a_string_is_read_as_a_server_may_read_it() {
    twins(
        r#"{"input":"{\"path\":\"\\u002fetc\\u002fshadow\"}"}"#,
        r#"{"input":"{\"path\":\"\\u002fetc\\u002fhosts\"}"}"#,
    );
    twins(
        r#"{"options":"{\"path\":\"\\/etc\\/shadow\"}"}"#,
        r#"{"options":"{\"path\":\"\\/etc\\/hosts\"}"}"#,
    );
    twins(
        r#"{"a":"[\"{\\\"path\\\":\\\"\\\\u002fetc/shadow\\\"}\"]"}"#,
        r#"{"a":"[\"{\\\"path\\\":\\\"\\\\u002fetc/hosts\\\"}\"]"}"#,
    );
}

#[test]
fn a_directory_that_a_line_names_gives_bare_words_a_place() {
    for (secret, harmless) in [
        ("cd /etc && cat shadow", "cd /etc && cat hosts"),
        ("cd /etc; cat sudoers", "cd /etc; cat motd"),
        ("tar -C /etc -cf - shadow", "tar -C /etc -cf - hosts"),
        ("find /etc -name shadow", "find /etc -name hosts"),
        ("cat$IFS/etc/shadow", "cat$IFS/etc/hosts"),
        ("cat${IFS}/etc/shadow", "cat${IFS%??}/etc/hosts"),
        ("cat$IFS$HOME/.aws/credentials", "cat$IFS$HOME/.aws-notes"),
    ] {
        let line = |command: &str| serde_json::json!({ "command": command }).to_string();
        twins(&line(secret), &line(harmless));
    }
    twins(
        r#"{"cwd":"/etc","command":"cat shadow"}"#,
        r#"{"cwd":"/etc","command":"cat hosts"}"#,
    );
}

#[test]
fn a_here_string_hides_no_path() {
    for (secret, harmless) in [
        ("bash <<< 'cat ~/.aws/credentials'", "bash <<< 'cat ~/aws'"),
        ("xargs cat <<< ~/.aws/credentials", "xargs cat <<< ~/aws"),
        (
            "{ bash; } <<<'cat .aws/credentials'",
            "{ bash; } <<<'cat aws'",
        ),
        (
            "while read f; do cat $f; done <<< /etc/shadow",
            "while read f; do cat $f; done <<< /etc/hosts",
        ),
        (
            "python3 <<< \"open('/etc/shadow')\"",
            "jq . <<< '{\"a\":1}'",
        ),
        (
            "cd /etc; xargs cat <<< shadow",
            "cd /etc; xargs cat <<< hosts",
        ),
    ] {
        let line = |command: &str| serde_json::json!({ "command": command }).to_string();
        twins(&line(secret), &line(harmless));
    }
}

#[test]
fn a_variable_that_holds_nothing_and_one_set_elsewhere_hide_no_path() {
    for (secret, harmless) in [
        ("cat ~/.a$@ws/credentials", "cat ~/.a$@ws-notes"),
        ("cat ~/.a$1ws/credentials", "awk '{print $1}' notes"),
        ("cat ~/.a${x}ws/credentials", "cp \"$f\" ~/out/${f%.txt}.md"),
        ("cat /etc/sh${z}adow", "cat /etc/h${z}osts"),
        ("cat ${X:-/etc}/shadow", "cat ${X:-/etc}/hosts"),
        (
            "cat ${X:-${Y:-/etc}}/shadow",
            "ls ${XDG_CONFIG_HOME:-$HOME/.config}/git",
        ),
        ("cat ${PATH:+/etc}/shadow", "echo ${PATH:+:}/x"),
        (
            "cat ${HOME:0:1}etc${HOME:0:1}shadow",
            "cat $HOME/etc/shadow",
        ),
        ("cat$IFS$9/etc/shadow", "cat$IFS$9/etc/hosts"),
        (
            "export X=/etc; cat $X/shadow",
            "export X=/etc; cat $X/hosts",
        ),
        (
            "declare -r X=/etc; cat $X/shadow",
            "declare -r X=/srv; cat $X/shadow",
        ),
        (
            "if true; then X=/etc; fi; cat $X/shadow",
            "make CC=/etc X=1; cat $X/shadow",
        ),
        (
            "X=/etc; X=/tmp cat $X/shadow",
            "X=/srv; X=/tmp cat $X/shadow",
        ),
        (
            "for d in /etc /tmp; do cat $d/shadow; done",
            "for d in a b; do cat $d/c; done",
        ),
        ("cat /etc/@(shadow)", "ls *.@(png|jpg)"),
        ("cat /etc/{sha{dow,x},y}", "cat src/{a,b{c,d}}.rs"),
        ("cat ~/.ss{h..h}/config", "touch f{1..9}.txt"),
    ] {
        let line = |command: &str| serde_json::json!({ "command": command }).to_string();
        twins(&line(secret), &line(harmless));
    }
    let shown = show(&line("c${x}url evil.example"));
    assert!(shown.contains("host evil.example"), "{shown}");
}

#[test]
fn wide_numbers_are_addresses_to_programs_of_the_network() {
    for command in [
        "curl 2852039166/latest",
        "wget 0xa9fea9fe",
        "nc 0xa9fea9fe 80",
    ] {
        let call = format!(r#"{{"name":"t","arguments":{{"command":"{command}"}}}}"#);
        let hosts = show(&request("tools/call", &call));
        assert!(hosts.contains("host 169.254.169.254"), "{command}: {hosts}");
        assert!(!hosts.contains("host 0."), "{command}: {hosts}");
    }
}

/// What a command line touches.
fn line(command: &str) -> Vec<Asset> {
    let call = serde_json::json!({ "name": "t", "arguments": { "command": command } });
    request("tools/call", &call.to_string())
}

#[test]
fn a_connection_is_followed_where_options_send_it() {
    for command in [
        "curl --resolve good.example:443:203.0.113.9 https://good.example",
        "curl --connect-to good.example:443:203.0.113.9:443 https://good.example",
        "curl --connect-to ::203.0.113.9: https://good.example",
        "curl -x203.0.113.9:3128 https://good.example",
        "curl --proxy=203.0.113.9 https://good.example",
        "wget -e use_proxy=yes -e https_proxy=203.0.113.9:80 https://good.example",
        "ssh -J a@good.example,b@203.0.113.9:22 good.example",
        "ssh -L 8080:203.0.113.9:80 good.example",
        "ssh -o ProxyJump=203.0.113.9 good.example",
        "socat - TCP:203.0.113.9:443",
        "curl --resolve good.example:443:3405803785 https://good.example",
    ] {
        let shown = show(&line(command));
        assert!(shown.contains("host 203.0.113.9"), "{command}: {shown}");
    }
    let six = "curl --resolve 'good.example:443:[2001:db8::9]' https://good.example";
    let shown = show(&line(six));
    assert!(shown.contains("host 2001:db8::9"), "{shown}");
    let shown = show(&line("curl -o out.json https://good.example/a.json"));
    assert!(!shown.contains("host out"), "{shown}");
}

#[test]
fn an_address_whose_host_curl_chooses_is_read_as_the_worst() {
    let worst = |command: &str| {
        let assets = line(command);
        assets
            .iter()
            .any(|asset| asset.kind == AssetKind::Other("too-many".to_owned()))
    };
    assert!(worst("curl 'https://evi[k-m].example/x'"));
    assert!(worst("curl 'evi[k-m].example/x'"));
    let both = show(&line("curl 'https://{good,evil}.example/x'"));
    assert!(both.contains("host evil.example"), "{both}");
    assert!(!worst("curl 'https://good.example/{a,b}?c=[1-9]'"));
    assert!(!worst("curl 'https://[2001:db8::9]/x'"));
    assert!(!worst("curl https://good.example -d '{\"a\":[1.5]}'"));
    assert!(!worst("curl https://good.example -H 'X: {a.b}'"));
    assert!(!worst(
        "curl -G https://good.example -d 'filter[user.id]=5'"
    ));
}

#[test]
fn words_with_wildcards_are_marked_where_a_shell_reads_them() {
    let wild = |assets: &[Asset], form: &str| {
        let mut wild = assets.iter().filter(|asset| asset.wild);
        wild.any(|asset| asset.value == form || asset.aliases.iter().any(|alias| alias == form))
    };
    assert!(wild(&line("cat /srv/a*"), "/srv/a*"));
    assert!(wild(&line("cd /srv && cat a?c"), "/srv/a?c"));
    assert!(wild(&line("/bin/c?t x"), "c?t"));
    let call = r#"{"name":"t","arguments":{"path":"/srv/[id].tsx"}}"#;
    for calm in [line("cat /srv/a"), request("tools/call", call)] {
        assert!(calm.iter().all(|asset| !asset.wild), "{calm:?}");
    }
}

#[test]
fn what_a_wildcard_leaves_open_is_read_as_the_worst() {
    let secret = |command: &str| line(command).iter().any(|asset| asset.credential);
    for command in [
        "cat ~/.ss[[:alpha:]]/config",
        "cat ~/.ss[]h]/config",
        "/bin/ba?h -c 'cat ~/.ssh/id_rsa'",
        "$SHELL -c 'cat ~/.ssh/id_rsa'",
    ] {
        assert!(secret(command), "{command}");
    }
    assert!(!secret("cat src/[id]/page.tsx"));
    let shown = show(&line("cat .en[!x]"));
    assert!(shown.contains(".en[!x]"), "{shown}");
    let wild = line("cd /et? && cat shadow");
    assert!(wild.iter().any(|asset| asset.wild), "{wild:?}");
    // A directory that no system opens is no reason to keep as many copies of it as there are words.
    let long = format!("cd /{}; cat a b c", "x".repeat(5000));
    let assets = line(&long);
    assert!(
        assets
            .iter()
            .all(|asset| asset.aliases.iter().all(|form| form.len() < 5000))
    );
}

#[test]
fn a_proxy_in_the_environment_is_a_host() {
    for command in [
        "https_proxy=203.0.113.9:3128 curl https://good.example",
        "env HTTPS_PROXY=http://203.0.113.9:3128 curl https://good.example",
    ] {
        let shown = show(&line(command));
        assert!(shown.contains("host 203.0.113.9"), "{command}: {shown}");
    }
}

#[test]
fn many_words_in_long_directories_are_read_as_the_worst() {
    let worst = |words: usize, letters: usize| {
        let words: Vec<String> = (0..words).map(|n| format!("a{n}")).collect();
        let line = line(&format!(
            "cd /{}; cat {}",
            "x".repeat(letters),
            words.join(" ")
        ));
        line.iter()
            .any(|asset| matches!(asset.kind, AssetKind::Other(_)))
    };
    assert!(!worst(200, 40));
    assert!(worst(400, 4000));
}

#[test]
fn no_name_of_an_argument_hides_a_command_from_a_tool_that_runs_it() {
    let secret = |tool: &str, key: &str, value: &str| {
        let call = serde_json::json!({ "name": tool, "arguments": { key: value } });
        request("tools/call", &call.to_string())
            .iter()
            .any(|asset| asset.credential)
    };
    for (tool, key, line) in [
        ("run_shell", "text", "cat ~/.aws/credentials"),
        ("run_shell", "text", "LANG=C cat .aws/credentials"),
        ("run_command", "message", "cat ~/.aws/credentials"),
        ("shell", "to", "cat ~/.aws/credentials"),
        ("shell", "host", "cat ~/.aws/credentials"),
        ("interact_with_process", "input", "cat .aws/credentials"),
        ("bash", "source", "cat .aws/credentials"),
        ("bash", "code", "LANG=C cat .aws/credentials"),
        ("execute_command", "target", "cat .aws/credentials"),
        ("tmux_send_keys", "keys", "cat .aws/credentials"),
        ("send_input", "text", "cat .aws/credentials"),
        ("run", "text", "cat .aws/credentials"),
        ("run_task", "text", "cat .aws/credentials"),
        ("bash", "source", "/srv/a b.sh .aws/credentials"),
        ("t", "source", "cat .aws/credentials"),
        ("t", "to", "cat .aws/credentials"),
    ] {
        assert!(secret(tool, key, line), "{tool} {key} {line}");
        assert!(!secret(tool, key, "cat notes.md"), "{tool} {key}");
    }
    tool(
        "terminal",
        r#"{"cwd":"/home/u/My Documents/x y"}"#,
        expect![[r#"
            path /home/u/My Documents/x y
            path /home/u/My"#]],
    );
    for (tool, key, text) in [
        ("send_message", "text", "look at ~/.aws/credentials"),
        ("write_file", "content", "cat ~/.aws/credentials"),
        (
            "bash",
            "description",
            "Explains what ~/.aws/credentials holds",
        ),
        (
            "run_agent",
            "prompt",
            "never touch ~/.aws/credentials or .env",
        ),
        (
            "run_agent",
            "message",
            "never touch ~/.aws/credentials or .env",
        ),
        (
            "process_document",
            "body",
            "Keys live in ~/.aws/credentials",
        ),
        (
            "get_user_input",
            "message",
            "Where is ~/.aws/credentials kept?",
        ),
    ] {
        assert!(!secret(tool, key, text), "{tool} {key} {text}");
    }
}

#[test]
fn what_a_uri_says_behind_its_path_vouches_for_nothing() {
    for uri in [
        "file:///etc/passwd?/../../../srv/app/a",
        "file:///etc/passwd#/../../../srv/app/a",
        "fs:///etc/passwd?/../../../srv/app/a",
    ] {
        let assets = request("resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
        let first = assets.iter().find(|asset| asset.kind.word() == "path");
        assert_eq!(
            first.map(|path| path.value.as_str()),
            Some("/etc/passwd"),
            "{uri}"
        );
    }
}

#[test]
fn an_address_without_a_scheme_names_its_host() {
    for url in [
        "//a.evil.example/x",
        "///a.evil.example/x",
        r"\\\\a.evil.example\\x",
        r"/\\a.evil.example",
    ] {
        let found = request(
            "tools/call",
            &format!(r#"{{"name":"t","arguments":{{"url":"{url}"}}}}"#),
        );
        let host = |asset: &Asset| asset.kind.word() == "host" && asset.value == "a.evil.example";
        assert!(found.iter().any(host), "{url}: {}", show(&found));
    }
}
