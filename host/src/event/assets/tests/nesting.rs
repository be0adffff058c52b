//! Lines within lines: what a shell runs inside a word, and what it runs behind a word of its own.

use super::{request, twins};

fn programs(line: &str) -> Vec<String> {
    let line = serde_json::to_string(line).unwrap();
    let params = format!(r#"{{"name":"t","arguments":{{"command":{line}}}}}"#);
    let commands = request("tools/call", &params)
        .into_iter()
        .filter(|asset| asset.kind.word() == "command");
    commands.map(|asset| asset.value).collect()
}

#[test]
fn what_is_run_inside_a_word_is_read() {
    for line in [
        "echo ${x:-$(cat FILE)}",
        "echo ${x:-`cat FILE`}",
        "y=${x:-$(cat FILE)}",
        "y=${x:-`cat FILE`}",
        "echo ${x:-<(cat FILE)}",
        "echo ${x:?$(cat FILE)}",
        "ls ${a[$(cat FILE)]}",
        "ls ${a[`cat FILE`]}",
        "echo ${x:-${y:-`cat FILE`}}",
        "echo \"${x:-`cat FILE`}\"",
        "echo $(( $(cat FILE) ))",
        "echo `echo \\`cat FILE\\``",
        "echo \"`echo \\`cat FILE\\``\"",
        "echo `echo \\`echo \\\\\\`cat FILE\\\\\\`\\``",
        "eval `echo cat FILE`",
        ">${x:-$(cat FILE)}",
    ] {
        let with = |file: &str| {
            let line = serde_json::to_string(&line.replace("FILE", file)).unwrap();
            format!(r#"{{"command":{line}}}"#)
        };
        twins(&with("~/.ssh/id_rsa"), &with("~/notes"));
    }
}

#[test]
fn what_a_shell_runs_behind_a_word_of_its_own_is_a_command() {
    for line in [
        "{ shred x; }",
        "f() { shred x; }; f",
        "function f { shred x; }; f",
        "eval shred x",
        "eval 'shred x'",
        "coproc shred x",
        "coproc NAME { shred x; }",
        "if a; then b; elif shred x; then c; fi",
        "while shred x; do b; done",
        "! shred x",
        "time -p shred x",
        "( shred x )",
        "case a in b) shred x;; esac",
        "for a in b; do shred $a; done",
        "a && { b || shred x; }",
        "echo ${a:-`shred x`}",
    ] {
        let programs = programs(line);
        assert!(
            programs.iter().any(|name| name == "shred"),
            "{line}: {programs:?}"
        );
    }
}

#[test]
fn what_only_looks_like_a_line_runs_nothing() {
    for line in [
        "echo ${x:-default} ${#a} ${a//x/shred}",
        "echo '{ shred x; }'",
        "echo \"costs \\`shred\\` much\"",
        "eval \"$(ssh-agent -s)\"",
        "git log --format='%h {shred}'",
    ] {
        let programs = programs(line);
        assert!(
            !programs.iter().any(|name| name == "shred"),
            "{line}: {programs:?}"
        );
    }
    let text = r#"{"name":"t","arguments":{"text":"{ \"shred\": `x` }"}}"#;
    let found = request("tools/call", text);
    assert!(found.iter().all(|asset| asset.kind.word() != "command"));
}
