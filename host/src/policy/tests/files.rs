//! What is wrong with a file, where, and what to write instead.

use super::*;

/// The error's text, its hint after ` | `.
#[track_caller]
fn refused(text: &str, expect: &str) {
    let error = match Policy::parse(text, "p.toml", Path::new(HOME)) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    };
    let hint = error
        .hint()
        .map(|hint| format!(" | {hint}"))
        .unwrap_or_default();
    let found = format!("{error}{hint}");
    assert!(
        found.contains(expect),
        "{found:?} does not contain {expect:?}"
    );
}

#[track_caller]
fn refused_rule(rule: &str, expect: &str) {
    refused(
        &format!("version = 1\nprofile = \"strict\"\n[[rule]]\n{rule}\n"),
        expect,
    );
}

#[track_caller]
fn accepted(text: &str) {
    if let Err(error) = Policy::parse(text, "p.toml", Path::new(HOME)) {
        panic!("{error}");
    }
}

#[test]
fn a_file_may_be_only_a_profile() {
    accepted("version = 1\nprofile = \"monitor\"\n");
    accepted(
        "version = 1\nprofile = \"strict\"\n[[rule]]\nid = \"a\"\naction = \"log\"\n[rule.match]\ntool = \"x\"\n",
    );
}

#[test]
fn version_and_profile_are_required_and_known() {
    refused("", "p.toml:1:1: missing field `version`");
    refused("version = 1\n", "missing field `profile`");
    refused(
        "version = 2\nprofile = \"strict\"\n",
        "p.toml:1:11: policy version 2 is not supported",
    );
    refused(
        "version = 1\nprofile = \"loose\"\n",
        "p.toml:2:11: unknown variant `loose`",
    );
    refused("version = 1\nprofile =\n", "p.toml:2:");
}

#[test]
fn unknown_keys_are_errors_everywhere() {
    refused(
        "version = 1\nprofile = \"strict\"\nx = 1\n",
        "p.toml:3:1: unknown field `x`",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\npriority=1",
        "p.toml:6:1: unknown field `priority`",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\n[rule.match]\ntools=\"x\"",
        "p.toml:7:1: unknown field `tools`",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={tool=\"x\"}\n[rule.unless]\ntoool=\"x\"",
        "unknown field `toool`",
    );
    refused(
        "version=1\nprofile=\"strict\"\n[servers.a]\non_faults=\"deny\"\n",
        "unknown field `on_faults`",
    );
    refused(
        "version=1\nprofile=\"strict\"\ndefault=\"allow\"\n",
        "unknown field `default`",
    );
}

#[test]
fn keys_of_the_predecessor_are_translated() {
    let rule = |key: &str| format!("id=\"a\"\naction=\"deny\"\n[rule.match]\n{key}=[\"x\"]");
    refused_rule(&rule("tool_name"), "`tool_name` is called `tool` here");
    refused_rule(
        &rule("resource_path"),
        "`resource_path` is called `path` here",
    );
}

#[test]
fn values_of_the_wrong_type_are_errors() {
    refused_rule(
        "id=\"a\"\naction=\"block\"\nmatch={tool=\"x\"}",
        "p.toml:5:8: unknown variant `block`",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={tool=1}",
        "expected a string or a list of strings",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={tool=[]}",
        "an empty list matches nothing",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={severity=\"bad\"}",
        "unknown variant `bad`",
    );
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={credential=\"yes\"}",
        "expected a boolean",
    );
}

#[test]
fn a_rule_without_a_criterion_is_an_error() {
    refused_rule(
        "id=\"a\"\naction=\"deny\"",
        "p.toml:4:4: rule \"a\" has no criterion",
    );
    refused_rule(
        "id=\"a\"\naction=\"allow\"\n[rule.match]",
        "has no criterion",
    );
    refused_rule(
        "id=\"a\"\naction=\"allow\"\n[rule.unless]\ntool=\"x\"",
        "has no criterion",
    );
}

#[test]
fn an_empty_exception_is_an_error() {
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nmatch={tool=\"x\"}\n[rule.unless]",
        "empty `unless`",
    );
}

#[test]
fn ids_are_plain_and_unique() {
    refused_rule(
        "id=\"a:b\"\naction=\"deny\"\nmatch={tool=\"x\"}",
        "rule id \"a:b\" is not",
    );
    refused_rule(
        "id=\"\"\naction=\"deny\"\nmatch={tool=\"x\"}",
        "rule id \"\" is not",
    );
    let twice = "id=\"a\"\naction=\"deny\"\nmatch={tool=\"x\"}\n[[rule]]\nid=\"a\"\naction=\"deny\"\nmatch={tool=\"y\"}";
    refused_rule(twice, "p.toml:8:4: rule id \"a\" is already used above");
    refused_rule(
        "id=\"credentials\"\naction=\"log\"\nmatch={tool=\"x\"}",
        "already used by the profile",
    );
}

#[test]
fn patterns_that_can_never_match_are_errors() {
    let with = |criterion: &str| format!("id=\"a\"\naction=\"deny\"\nmatch={{{criterion}}}");
    refused_rule(
        &with(r#"path="secrets/**""#),
        "can never match an absolute path | a path starts",
    );
    refused_rule(&with(r#"path="*""#), "can never match");
    refused_rule(
        &with(r#"path="/a/../b""#),
        "never occur in a canonical path",
    );
    refused_rule(&with(r#"path="~root/x""#), "another user's home");
    refused_rule(
        &with(r#"path="/a/[b""#),
        "p.toml:6:13: rule \"a\": \"/a/[b\" is no usable `path`",
    );
    refused_rule(&with(r#"tool="{a""#), "is no usable `tool`");
    refused_rule(&with(r#"tool="""#), "it is empty");
    refused_rule(
        &with(r#"host="https://a.example/x""#),
        "is no usable `host`",
    );
    refused_rule(&with(r#"host="a.*.example""#), "is no usable `host`");
    refused_rule(&with(r#"host="a.example:443""#), "is no usable `host`");
    refused_rule(&with(r#"host="*evil.example""#), "is no usable `host`");
    refused_rule(
        &with(r#"command="/usr/bin/curl""#),
        "matched by program name | write the program's",
    );
    refused_rule(&with(r#"command="curl -s""#), "matched by program name");
    refused_rule(&with(r#"kind="tool-calls""#), "expected one of tool-call,");
    refused_rule(&with(r#"direction="up""#), "expected one of to-server");
}

#[test]
fn a_home_that_is_not_known_is_an_error_only_for_rules_that_need_it() {
    let rule = |path: &str| {
        format!(
            "version=1\nprofile=\"strict\"\nrule=[{{id=\"a\",action=\"deny\",match={{path=\"{path}\"}}}}]"
        )
    };
    assert!(Policy::parse(&rule("~/x"), "p.toml", Path::new("")).is_err());
    assert!(Policy::parse(&rule("/x"), "p.toml", Path::new("")).is_ok());
}

#[test]
fn an_allow_rule_cannot_name_findings() {
    refused_rule(
        "id=\"a\"\naction=\"allow\"\nmatch={finding=\"x\"}",
        "`allow` never beats a finding | put the exception",
    );
    accepted(
        "version=1\nprofile=\"strict\"\nrule=[{id=\"a\",action=\"log\",match={finding=\"x\"}}]",
    );
}

#[test]
fn a_reason_is_one_short_line() {
    refused_rule(
        "id=\"a\"\naction=\"deny\"\nreason=\"a\\nb\"\nmatch={tool=\"x\"}",
        "p.toml:6:8: rule \"a\" has a reason",
    );
    let long = "x".repeat(301);
    refused_rule(
        &format!("id=\"a\"\naction=\"deny\"\nreason=\"{long}\"\nmatch={{tool=\"x\"}}"),
        "over 300",
    );
}

#[test]
fn check_lists_every_rule_that_is_wrong() {
    let text = "version=1\nprofile=\"strict\"\nrule=[\n{id=\"a\",action=\"deny\"},\n{id=\"b\",action=\"deny\",match={path=\"x\"}},\n{id=\"c\",action=\"deny\",match={tool=\"x\"}}]";
    let lines: Vec<usize> = Policy::check(text, "p.toml", Path::new(HOME))
        .iter()
        .map(|error| error.line)
        .collect();
    assert_eq!(lines, [4, 5]);
    assert!(Policy::check("version=1\nprofile=\"strict\"", "p.toml", Path::new(HOME)).is_empty());
}

#[test]
fn columns_count_characters() {
    refused(
        "version = 1\nprofile = \"strict\"\nrule = [{id=\"a\", reason=\"é\", action=\"x\"}]",
        "p.toml:3:37:",
    );
}

#[test]
fn old_policies_are_recognised() {
    let old = "[rules.block_ssh]\naction = \"block\"\n[rules.block_ssh.match]\nresource_path = [\"~/.ssh/*\"]\n";
    refused(
        old,
        "`[rules.NAME]` tables are not read | convert it: `clawdefender policy import",
    );
    let phantom = "[[rule]]\ntool = \"exec\"\nargs.command = \"*rm*\"\naction = \"deny\"\n";
    refused(
        phantom,
        "beside `action` never had an effect and is not read | criteria belong below `[rule.match]`",
    );
    let with_head = format!("version = 1\nprofile = \"strict\"\n{phantom}");
    refused(
        &with_head,
        "p.toml:5:1: `[[rule]]` with `args` beside `action`",
    );
    refused(
        "version = 1\nprofile = \"strict\"\n[[rule]]\nargs.x = \"y\"\naction = \"deny\"\n",
        "with `args` beside",
    );
}

#[test]
fn the_example_in_the_documentation_reads() {
    let page = include_str!("../../../../docs/policy.md");
    let example = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let policy = Policy::parse(example.unwrap(), "p.toml", Path::new(HOME)).unwrap();
    let run = "tool-call server=db-1 tool=migrate arg.database=prod-eu";
    assert_eq!(answer(&policy, run), "ask no-prod-writes");
    assert_eq!(
        answer(&policy, &format!("{run} arg.mode=dry-run")),
        "allow default:balanced"
    );
    assert_eq!(policy.on_fault("weather"), OnFault::Allow);
}
