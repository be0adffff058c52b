//! Policies of the predecessor, converted.

use super::*;

const OLD: &str = r#"
[rules.block_ssh]
description = "Block SSH keys"
action = "block"
message = "SSH keys are off limits"
priority = 2
[rules.block_ssh.match]
resource_path = ["~/.ssh/*", "*.pem"]

[rules."prompt shell"]
action = "prompt"
priority = 1
[rules."prompt shell".match]
tool_name = ["bash", "shell_*"]

[rules.allow_projects]
action = "allow"
priority = 0
[rules.allow_projects.match]
resource_path = ["~/Projects/*"]

[rules.off]
action = "block"
enabled = false
[rules.off.match]
tool_name = "x"

[rules.exec]
action = "block"
[rules.exec.match]
event_type = ["exec"]
tool_name = ["y"]

[rules.rest]
action = "log"
priority = 9
[rules.rest.match]
any = true
"#;

#[test]
fn an_old_policy_becomes_one_that_reads_and_means_the_same() {
    let imported = import(OLD).unwrap();
    let policy = Policy::parse(&imported.text, "imported.toml", Path::new(HOME))
        .unwrap_or_else(|error| panic!("{error}\n{}", imported.text));
    let answers = |words| answer(&policy, words);
    assert_eq!(
        answers("tool-call path=/home/u/.ssh/id_rsa"),
        "deny block-ssh-3"
    );
    assert_eq!(
        answers("tool-call path=/home/u/.ssh/deep/er"),
        "deny block-ssh-3"
    );
    assert_eq!(answers("tool-call path=/srv/a.pem"), "deny block-ssh-3");
    assert_eq!(answers("tool-call tool=shell_run"), "ask prompt-shell-2");
    assert_eq!(answers("tool-call tool=x"), "log rest-4");
    assert_eq!(answers("tool-call tool=y"), "log rest-4");
    assert_eq!(
        policy.rule("block-ssh-3").unwrap().reason,
        "SSH keys are off limits"
    );
}

#[test]
fn blocking_grows_to_any_depth_and_allowing_does_not() {
    let text = import(OLD).unwrap().text;
    assert!(text.contains(r#""~/.ssh/**""#), "{text}");
    assert!(text.contains(r#""~/Projects/*""#), "{text}");
}

#[test]
fn what_could_not_be_carried_over_is_said() {
    let notes = import(OLD).unwrap().notes.join("\n");
    for expect in [
        "strictest does",
        "any depth",
        "off-",
        "was disabled",
        "`event_type` never matched",
    ] {
        assert!(notes.contains(expect), "{expect}: {notes}");
    }
}

#[test]
fn a_name_that_a_server_chose_cannot_write_rules() {
    let old = "[rules.\"x\\\"]\\n[[rule]]\\nid = \\\"evil\\\"\"]\naction = \"allow\"\n\
               [rules.\"x\\\"]\\n[[rule]]\\nid = \\\"evil\\\"\".match]\ntool_name = \"a\\\"\\nb\"\n";
    let imported = import(old).unwrap();
    let policy = Policy::parse(&imported.text, "p.toml", Path::new(HOME)).unwrap();
    assert!(policy.rule("evil").is_none());
    assert_eq!(
        policy.rules().iter().filter(|rule| !rule.builtin).count(),
        1
    );
}

#[test]
fn what_is_no_old_policy_is_refused() {
    assert!(matches!(import("x ="), Err(ImportError::Syntax(_))));
    assert!(matches!(import("version = 1\n"), Err(ImportError::Empty)));
    assert!(matches!(
        import("[rules.a]\naction=\"block\"\npattern=\"x\""),
        Err(ImportError::Syntax(_))
    ));
    assert!(matches!(
        import("[rules.a]\naction=\"permit\""),
        Err(ImportError::Syntax(_))
    ));
}
