//! What an override silences, and everything that it does not.

use super::*;

fn made(package: &str, advisory: &str, from_ms: u64, until_ms: u64) -> Override {
    Override {
        id: "o1".to_owned(),
        advisory: advisory.to_owned(),
        package: package.to_owned(),
        reason: "why".to_owned(),
        by: "uid 1".to_owned(),
        made_ms: from_ms,
        expires_ms: until_ms,
    }
}

fn advisory(rule: &str, package: Option<&str>, refs: &[&str]) -> Finding {
    Finding {
        package: package.map(str::to_owned),
        refs: refs.iter().map(|id| (*id).to_owned()).collect(),
        ..finding(&format!("{rule}:critical:99:malicious-package"))
    }
}

/// What becomes of findings at the moment 10.
#[track_caller]
fn check(overrides: &[Override], mut findings: Vec<Finding>, expect: &str) {
    let (event, _) = scene("server-launch");
    mark(overrides, &mut findings, 10);
    let decision = decide(&policy("balanced", &[]), &event, &findings);
    let answer = format!("{:?} {}", decision.action, decision.rule).to_lowercase();
    assert_eq!(answer, expect, "{overrides:?}");
}

#[test]
fn it_reaches_one_advisory_about_one_package_while_it_holds() {
    let about = || vec![advisory("bad", Some("npm:x@1.0.0"), &["CVE-1", "GHSA-1"])];
    check(&[], about(), "deny finding:bad");
    check(
        &[made("npm:x@1.0.0", "CVE-1", 1, 11)],
        about(),
        "log override:o1",
    );
    check(
        &[made("npm:x@1.0.0", "GHSA-1", 10, 11)],
        about(),
        "log override:o1",
    );
    for other in [
        made("npm:x@1.0.1", "CVE-1", 1, 11),
        made("npm:x", "CVE-1", 1, 11),
        made("npm:y@1.0.0", "CVE-1", 1, 11),
        made("npm:x@1.0.0", "CVE-2", 1, 11),
        made("npm:x@1.0.0", "CVE-1", 1, 10),
        made("npm:x@1.0.0", "CVE-1", 11, 20),
    ] {
        check(&[other], about(), "deny finding:bad");
    }
    let ours = || [made("npm:x@1.0.0", "CVE-1", 1, 11)];
    let nameless = vec![advisory("bad", None, &["CVE-1"])];
    check(&ours(), nameless, "deny finding:bad");
    let unnumbered = vec![advisory("bad", Some("npm:x@1.0.0"), &[])];
    check(&ours(), unnumbered, "deny finding:bad");
}

#[test]
fn other_findings_and_rules_count_as_before() {
    let ours = [made("npm:x@1.0.0", "CVE-1", 1, 11)];
    let both = vec![
        advisory("bad", Some("npm:x@1.0.0"), &["CVE-1"]),
        advisory("worse", Some("npm:x@1.0.0"), &["CVE-2"]),
    ];
    check(&ours, both, "deny finding:worse");
    let (event, _) = scene("server-launch");
    let mut found = vec![advisory("bad", Some("npm:x@1.0.0"), &["CVE-1"])];
    mark(&ours, &mut found, 10);
    let rule = r#"id="r", action="deny", match={kind="server-launch"}"#;
    let decision = decide(&policy("balanced", &[rule]), &event, &found);
    assert_eq!(
        (decision.action, decision.rule.as_str()),
        (Action::Deny, "r")
    );
    let told = ("override:o1".to_owned(), Action::Log);
    assert!(decision.losers.contains(&told), "{decision:?}");
    let strict = decide(&policy("strict", &[]), &event, &found);
    assert_eq!(strict.action, Action::Ask, "the question of strict stays");
}

#[test]
fn a_detector_can_not_say_that_it_was_overridden() {
    let mut found = vec![advisory("bad", Some("npm:x@1.0.0"), &["CVE-1"])];
    found[0].overridden = Some("mine".to_owned());
    check(&[], found, "deny finding:bad");
}
