//! Who wins: actions, exceptions, and what an `allow` can and can't do.

use super::*;

const DENY: &str = r#"id="d", action="deny", match={tool="t"}"#;
const ASK: &str = r#"id="a", action="ask", match={tool="t"}"#;
const LOG: &str = r#"id="l", action="log", match={tool="t"}"#;
const ALLOW: &str = r#"id="ok", action="allow", match={tool="t"}"#;
const REDACT: &str = r#"id="r", action="redact", match={tool="t"}"#;

#[test]
fn the_strictest_wins_at_any_position() {
    check("balanced", &[ALLOW, LOG, ASK, DENY], "tool-call", "deny d");
    check("balanced", &[DENY, ASK, LOG, ALLOW], "tool-call", "deny d");
    check("balanced", &[ALLOW, ASK, LOG], "tool-call", "ask a");
    check("balanced", &[ASK, ALLOW], "tool-call", "ask a");
    check("balanced", &[LOG, ALLOW], "tool-call", "log l");
    check("balanced", &[ALLOW], "tool-call", "allow ok");
    check(
        "balanced",
        &[REDACT, ALLOW, LOG],
        "tool-result text=x",
        "redact r",
    );
    let ask = r#"id="a", action="ask", match={tool="t", kind="tool-result"}"#;
    check("balanced", &[REDACT, ask], "tool-result text=x", "ask a");
    check("balanced", &[REDACT, DENY], "tool-result text=x", "deny d");
}

#[test]
fn between_equals_the_most_specific_wins_and_then_the_first() {
    let wide = r#"id="wide", action="deny", match={server="*"}"#;
    let narrow = r#"id="narrow", action="deny", match={server="*", tool="t"}"#;
    let also = r#"id="also", action="deny", match={server="files", tool="t"}"#;
    check("balanced", &[wide, narrow], "tool-call", "deny narrow");
    check("balanced", &[narrow, wide], "tool-call", "deny narrow");
    check("balanced", &[narrow, also], "tool-call", "deny narrow");
    check("balanced", &[also, narrow], "tool-call", "deny also");
}

#[test]
fn losers_are_kept() {
    let (event, findings) = scene("tool-call finding=x.y:low:90");
    let decision = decide(&policy("balanced", &[ALLOW, ASK, DENY]), &event, &findings);
    let losers: Vec<_> = decision
        .losers
        .iter()
        .map(|(id, action)| (id.as_str(), *action))
        .collect();
    assert_eq!(
        losers,
        [
            ("a", Action::Ask),
            ("finding:x.y", Action::Log),
            ("ok", Action::Allow)
        ]
    );
}

#[test]
fn allow_never_beats_a_denial_or_a_finding() {
    let all = r#"id="all", action="allow", match={server="*"}"#;
    check(
        "balanced",
        &[all],
        "tool-call path=/k cred",
        "deny credentials",
    );
    check(
        "strict",
        &[all],
        "tool-call path=/k cred",
        "deny credentials",
    );
    check(
        "balanced",
        &[all],
        "tool-call finding=x:high:90",
        "deny finding:x",
    );
    check(
        "strict",
        &[all],
        "tool-call finding=x:medium:90",
        "deny finding:x",
    );
    check("strict", &[all], "tool-call", "allow all");
}

#[test]
fn allow_replaces_the_question_of_strict_only_when_it_covers_all_that_is_touched() {
    let work = r#"id="work", action="allow", match={path="~/work/**"}"#;
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/work/a",
        "allow work",
    );
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/work/a path=/home/u/work/b",
        "allow work",
    );
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/work/a path=/etc/passwd",
        "ask default:strict",
    );
    check(
        "strict",
        &[work],
        "tool-call path=/etc/passwd path=/home/u/work/a",
        "ask default:strict",
    );
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/workshop/a",
        "ask default:strict",
    );
    check("strict", &[work], "tool-call", "ask default:strict");
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/work/a other=",
        "ask default:strict",
    );
    check(
        "strict",
        &[work],
        "tool-call path=/home/u/work/a host=x.example",
        "allow work",
    );
    let hosts = r#"id="h", action="allow", match={host="*.ok.example"}"#;
    check("strict", &[hosts], "tool-call host=a.ok.example", "allow h");
    check(
        "strict",
        &[hosts],
        "tool-call host=a.ok.example host=evil.example",
        "ask default:strict",
    );
    let git = r#"id="g", action="allow", match={command="git"}"#;
    check("strict", &[git], "tool-call cmd=git", "allow g");
    check(
        "strict",
        &[git],
        "tool-call cmd=git cmd=curl",
        "ask default:strict",
    );
    let soft = r#"id="s", action="allow", match={argument={mode="soft"}}"#;
    check("strict", &[soft], "tool-call arg.mode=soft", "allow s");
    check(
        "strict",
        &[soft],
        "tool-call arg.mode=soft arg.x/mode=force",
        "ask default:strict",
    );
}

#[test]
fn a_symbolic_link_in_an_allowed_place_vouches_for_nothing() {
    let work = r#"id="work", action="allow", match={path="~/work/**"}"#;
    let link = "tool-call path=/etc/shadow alias=/home/u/work/link";
    check("strict", &[work], link, "ask default:strict");
    let real = "tool-call path=/home/u/work/a alias=/srv/work/a";
    check("strict", &[work], real, "allow work");
}

#[test]
fn a_log_rule_that_covers_a_part_logs_without_replacing_the_question() {
    let log = r#"id="l", action="log", match={path="/p/**"}"#;
    check("balanced", &[log], "tool-call path=/p/a path=/q", "log l");
    check(
        "strict",
        &[log],
        "tool-call path=/p/a path=/q",
        "ask default:strict",
    );
    check("strict", &[log], "tool-call path=/p/a", "log l");
}

#[test]
fn unless_excepts_only_what_it_covers() {
    let rule = r#"id="r", action="deny", match={path="~/**"}, unless={path="~/work/**"}"#;
    check("balanced", &[rule], "tool-call path=/home/u/x", "deny r");
    check(
        "balanced",
        &[rule],
        "tool-call path=/home/u/work/x",
        "allow default:balanced",
    );
    let decoy = "tool-call path=/home/u/work/x path=/home/u/.profile";
    check("balanced", &[rule], decoy, "deny r");
    let unrelated = "tool-call path=/home/u/work/x path=/tmp/y";
    check("balanced", &[rule], unrelated, "allow default:balanced");
    let link = "tool-call path=/home/u/.profile alias=/home/u/work/x";
    check("balanced", &[rule], link, "deny r");
}

#[test]
fn unless_on_a_field_that_match_does_not_name_must_cover_all_of_it() {
    let rule = r#"id="r", action="deny", match={tool="t"}, unless={path="/tmp/**"}"#;
    check(
        "balanced",
        &[rule],
        "tool-call path=/tmp/a",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[rule],
        "tool-call path=/tmp/a path=/etc/b",
        "deny r",
    );
    check("balanced", &[rule], "tool-call", "deny r");
}

#[test]
fn unless_fields_must_all_hold() {
    let rule =
        r#"id="r", action="ask", match={tool="t"}, unless={server="a", host="*.ok.example"}"#;
    check(
        "balanced",
        &[rule],
        "tool-call server=a host=x.ok.example",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[rule],
        "tool-call server=b host=x.ok.example",
        "ask r",
    );
    check(
        "balanced",
        &[rule],
        "tool-call server=a host=x.evil.example",
        "ask r",
    );
}

#[test]
fn a_denial_that_only_a_call_is_excepted_from_is_about_calls() {
    let rule = r#"id="r", action="deny", match={tool="t"}, unless={argument={mode="dry-run"}}"#;
    for (event, expected) in [
        ("tool-call", "deny r"),
        ("tool-call arg.mode=dry-run", "allow default:balanced"),
        // It ran: to say now that it was blocked would be a lie.
        ("tool-result text=x", "allow default:balanced"),
        ("tool-definition text=x", "allow default:balanced"),
    ] {
        check("balanced", &[rule], event, expected);
    }
    let always = r#"id="r", action="deny", match={tool="t"}"#;
    check("balanced", &[always], "tool-definition text=x", "deny r");
}

#[test]
fn a_link_in_a_rule_is_followed_where_the_rule_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("real")).unwrap();
    std::os::unix::fs::symlink("real", root.join("link")).unwrap();
    let root = root.display();
    for pattern in ["link/**", "link", "link/*", "link/a*"] {
        let deny = format!(r#"id="r", action="deny", match={{path="{root}/{pattern}"}}"#);
        let touched = match pattern {
            "link" => format!("{root}/real"),
            _ => format!("{root}/real/a"),
        };
        check(
            "balanced",
            &[&deny],
            &format!("tool-call path={touched}"),
            "deny r",
        );
        let other = format!("tool-call path={root}/realm");
        check("balanced", &[&deny], &other, "allow default:balanced");
        // Who can exchange the link would choose what is allowed.
        let allow = format!(r#"id="r", action="allow", match={{path="{root}/{pattern}"}}"#);
        let strict = format!("tool-call path={touched}");
        check("strict", &[&allow], &strict, "ask default:strict");
    }
}

#[test]
fn a_nested_namesake_of_an_argument_excuses_nothing() {
    let rule = r#"id="r", action="ask", match={tool="t"}, unless={argument={mode="dry-run"}}"#;
    check(
        "balanced",
        &[rule],
        "tool-call arg.mode=dry-run",
        "allow default:balanced",
    );
    // Beside it may stand what makes no text, a switch or a small number.
    check("balanced", &[rule], "tool-call arg.mode/0=dry-run", "ask r");
    check("balanced", &[rule], "tool-call arg.mode/x=dry-run", "ask r");
    check(
        "balanced",
        &[rule],
        "tool-call arg.decoy/mode=dry-run",
        "ask r",
    );
    check(
        "balanced",
        &[rule],
        "tool-call arg.mode=dry-run arg.x/mode=force",
        "ask r",
    );
    check("balanced", &[rule], "tool-call", "ask r");
    let pointer =
        r#"id="r", action="ask", match={tool="t"}, unless={argument={"/x/mode"="dry-run"}}"#;
    check(
        "balanced",
        &[pointer],
        "tool-call arg.x/mode=dry-run",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[pointer],
        "tool-call arg.mode=dry-run",
        "ask r",
    );
}

#[test]
fn an_allow_rule_touched_by_its_exception_allows_nothing() {
    let rule = r#"id="ok", action="allow", match={tool="t"}, unless={path="~/.*/**"}"#;
    check("strict", &[rule], "tool-call path=/home/u/a", "allow ok");
    check(
        "strict",
        &[rule],
        "tool-call path=/home/u/.x/a",
        "ask default:strict",
    );
    check(
        "strict",
        &[rule],
        "tool-call path=/home/u/a path=/home/u/.x/a",
        "ask default:strict",
    );
}

#[test]
fn redact_without_anything_to_redact_denies() {
    check("balanced", &[REDACT], "tool-call", "deny r");
    check(
        "balanced",
        &[REDACT],
        "tool-call finding=x:low:90",
        "deny r",
    );
    check(
        "balanced",
        &[REDACT],
        "tool-call finding=x:low:90 span",
        "redact r",
    );
    // What can't be replaced must not go on beside what was.
    for number in [
        "tool-call number=4929001234567 finding=x:low:90 span",
        "tool-result number=4929001234567 text=x finding=x:low:90 span",
    ] {
        check("balanced", &[REDACT], number, "deny r");
    }
    check("balanced", &[REDACT], "tool-result", "deny r");
    check("balanced", &[REDACT], "tool-result text=x", "redact r");
}

#[test]
fn explain_names_the_criterion_that_failed() {
    let rules = [
        r#"id="near", action="deny", match={tool="t", path="/p/**"}"#,
        r#"id="far", action="deny", match={tool="u", path="/p/**"}"#,
        r#"id="excepted", action="deny", match={tool="t"}, unless={server="files"}"#,
        r#"id="half", action="allow", match={path="/q"}"#,
        r#"id="won", action="ask", match={tool="t"}"#,
    ];
    let (event, findings) = scene("tool-call path=/q path=/r");
    let explanation = explain(&policy("strict", &rules), &event, &findings);
    let near: Vec<_> = explanation
        .near
        .iter()
        .map(|miss| (miss.rule.rule.as_str(), miss.criterion))
        .collect();
    let mine: Vec<_> = near
        .into_iter()
        .filter(|(id, _)| !id.starts_with("cred"))
        .collect();
    assert_eq!(
        mine,
        [
            ("near", "path"),
            ("excepted", "unless"),
            ("half", "not all")
        ]
    );
    let matched: Vec<_> = explanation
        .matched
        .iter()
        .map(|rule| rule.rule.as_str())
        .collect();
    assert_eq!(matched, ["won"]);
    assert_eq!(explanation.matched[0].source, "policy.toml:8:6");
    assert_eq!(explanation.decision.rule, "won");
}

#[test]
fn rule_indexes_are_their_positions() {
    let policy = policy("balanced", &[DENY, ASK]);
    for (position, rule) in policy.rules().iter().enumerate() {
        assert_eq!(rule.index, position);
        assert_eq!(
            policy.rule(&rule.id).map(|found| found.index),
            Some(position)
        );
    }
    assert!(policy.rules()[0].builtin && !policy.rule("d").unwrap().builtin);
}
