//! Lines and program texts that one part of a script hands to another.

use super::*;

/// Whether the line, as a shell's command, touches a place where credentials live.
fn touches(line: &str) -> (bool, String) {
    let call = serde_json::json!({ "name": "run", "arguments": { "command": line } });
    let assets = request("tools/call", &call.to_string());
    (assets.iter().any(|asset| asset.credential), show(&assets))
}

#[test]
fn what_is_printed_for_something_that_runs_it_is_a_line() {
    for line in [
        "echo 'cat .env' | sh",
        "echo 'cat<.env' | sh",
        "echo 'if cat .env' | sh",
        "printf 'cat .env\\n' | bash -s",
        "echo -e 'cat\\x20.env' | sh",
        "echo -e 'cat\\0040.env' | sh",
        "echo 'cat .env' | sudo sh",
        "echo 'cat .env' | env -i sh",
        "echo 'cat .env' | busybox sh",
        "echo 'cat .env' | $SHELL",
        "echo 'cat .env' | `which sh`",
        "echo 'cat .env' | ssh host sh",
        "echo 'cat .env' | tee x.sh | sh",
        "echo 'cat .env' > x.sh; sh x.sh",
        "mkfifo p; sh < p & echo 'cat .env' > p",
        "{ echo 'cat .env'; } | sh",
        "sh -c \"$(echo 'cat .env')\"",
        "echo \"echo 'cat .env' | sh\" | sh",
        "echo 'cat .env' | at now",
        "echo '* * * * * cat .env' | crontab -",
        "echo Y2F0IC5lbnYK | base64 -d | sh",
        "base64 -d <<< Y2F0IC5lbnYK | sh",
        "echo 63617420 2e656e76 | xxd -r -p | sh",
        "echo 'vne. tac' | rev | sh",
        "echo 'mytool with all of .env' | sh",
        "echo 'mytool .env' > x.sh; sh x.sh",
    ] {
        let (found, seen) = touches(line);
        assert!(found, "{line}: {seen}");
    }
    for line in [
        "echo 'Set your .env first' >> log; sh build.sh",
        "echo 'Missing .env file' > log; python3 build.py",
        "echo 'copy .env.example' | tee log; sh build.sh",
        "test -d x || echo 'there is no .env yet' >&2; sh build.sh",
        "echo 'cat .env' > notes.txt",
        "echo 'cat .env'; sh build.sh",
        "echo \"don't read .env yet\" >> log; bash build.sh",
        "git commit -m 'cat .env was removed' | tee log; sh build.sh",
        "echo 'cat README.md' | sh",
        "echo Y2F0IFJFQURNRQo= | base64 -d | sh",
    ] {
        let (found, seen) = touches(line);
        assert!(!found, "{line}: {seen}");
    }
}

#[test]
fn what_program_texts_quote_is_a_file_or_a_line() {
    for line in [
        "python3 -c 'print(open(\".env\").read())'",
        "echo 'print(open(\".env\").read())' | python3",
        "python3 <<EOF\nprint(open(\".env\").read())\nEOF",
        "node -e 'fs.readFileSync(\"id_rsa\")'",
        "awk 'BEGIN{system(\"cat .env\")}'",
        "perl -e 'exec \"cat .env\"'",
    ] {
        let (found, seen) = touches(line);
        assert!(found, "{line}: {seen}");
    }
    for line in [
        "python3 -c 'print(open(\"README.md\").read())'",
        "python3 -c 'print(\"the .env file is missing\")'",
        "node -e 'console.log(\".envelope\")'",
        "python3 <<EOF\nprint(open(\"a.env.txt\").read())\nEOF",
    ] {
        let (found, seen) = touches(line);
        assert!(!found, "{line}: {seen}");
    }
    twins(
        r#"{"code":"print(open('.env').read())"}"#,
        r#"{"code":"print(open('notes.md').read())"}"#,
    );
}
