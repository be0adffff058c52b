//! Findings under each profile, rules that name findings, and faults.

use super::*;
use crate::event::{Fault, FaultKind};

#[track_caller]
fn finding_is(severity: &str, confidence: u8, balanced: &str, strict: &str, monitor: &str) {
    let words = format!("tool-result finding=x:{severity}:{confidence}");
    check("balanced", &[], &words, &format!("{balanced} finding:x"));
    check("strict", &[], &words, &format!("{strict} finding:x"));
    check("monitor", &[], &words, &format!("log finding:x{monitor}"));
}

#[test]
fn severity_decides_by_profile() {
    finding_is("critical", 90, "deny", "deny", " would deny");
    finding_is("high", 90, "deny", "deny", " would deny");
    finding_is("medium", 90, "ask", "deny", " would ask");
    finding_is("low", 90, "log", "ask", "");
    finding_is("info", 90, "log", "log", "");
}

#[test]
fn a_doubtful_finding_counts_one_less() {
    finding_is("critical", 49, "deny", "deny", " would deny");
    finding_is("high", 50, "deny", "deny", " would deny");
    finding_is("high", 49, "ask", "deny", " would ask");
    finding_is("medium", 50, "ask", "deny", " would ask");
    finding_is("medium", 49, "log", "ask", "");
    finding_is("low", 49, "log", "log", "");
    finding_is("info", 0, "log", "log", "");
}

#[test]
fn the_worst_of_several_findings_wins() {
    let two = "tool-result finding=a:low:90 finding=b:critical:90";
    check("balanced", &[], two, "deny finding:b");
    let other = "tool-result finding=b:critical:90 finding=a:low:90";
    check("balanced", &[], other, "deny finding:b");
    check(
        "balanced",
        &[],
        "tool-result finding=a:low:90 finding=b:info:90",
        "log finding:a",
    );
}

#[test]
fn a_harmless_finding_does_not_spare_the_question_of_strict() {
    check(
        "strict",
        &[],
        "tool-call finding=x:info:90",
        "ask default:strict",
    );
    check(
        "strict",
        &[],
        "tool-result finding=x:info:90",
        "log finding:x",
    );
}

#[test]
fn rules_match_findings_by_category_severity_detector_and_rule() {
    let found = "tool-result finding=inj.role:low:90:prompt-injection:injection";
    hits(r#"category="prompt-injection""#, found);
    hits(r#"severity="low""#, found);
    hits(r#"severity="info""#, found);
    hits(r#"detector="injection""#, found);
    hits(r#"finding="inj.*""#, found);
    for other in [
        r#"category="kill-chain""#,
        r#"severity="medium""#,
        r#"detector="chain""#,
        r#"finding="role.*""#,
    ] {
        let rule = format!(r#"id="r", action="deny", match={{{other}}}"#);
        check("balanced", &[&rule], found, "log finding:inj.role");
    }
    misses(r#"severity="info""#, "tool-result");
}

#[test]
fn finding_fields_must_hold_for_one_and_the_same_finding() {
    let rule = r#"id="r", action="deny", match={category="kill-chain", severity="medium"}"#;
    let split = "tool-result finding=a:low:90:kill-chain finding=b:medium:90:obfuscation";
    check("balanced", &[rule], split, "ask finding:b");
    let one = "tool-result finding=a:medium:90:kill-chain finding=b:low:90:obfuscation";
    check("balanced", &[rule], one, "deny r");
}

#[test]
fn an_exception_for_one_finding_does_not_excuse_another() {
    let rule = r#"id="r", action="deny", match={severity="low"}, unless={finding="known.*"}"#;
    check(
        "balanced",
        &[rule],
        "tool-result finding=known.a:low:90",
        "log finding:known.a",
    );
    let both = "tool-result finding=known.a:low:90 finding=new.b:low:90";
    check("balanced", &[rule], both, "deny r");
}

#[test]
fn what_a_detector_calls_its_rule_cannot_break_a_line() {
    let (event, mut findings) = scene("tool-result finding=x:high:90");
    findings[0].rule = "a\nb\u{1b}[2Jé".to_owned();
    let decision = decide(&policy("balanced", &[]), &event, &findings);
    assert_eq!(decision.rule, "finding:a_b__2J_");
}

fn fault(kind: FaultKind) -> Fault {
    Fault {
        part: "injection".to_owned(),
        kind,
        detail: "secret detail".to_owned(),
    }
}

fn settled(action: Action, kinds: &[FaultKind], on_fault: OnFault) -> Decision {
    let decision = Decision {
        action,
        ..Decision::deny("r", "because")
    };
    settle(
        decision,
        &kinds.iter().map(|kind| fault(*kind)).collect::<Vec<_>>(),
        on_fault,
    )
}

const DETECTOR_FAULTS: [FaultKind; 6] = [
    FaultKind::Trap,
    FaultKind::Deadline,
    FaultKind::Memory,
    FaultKind::Output,
    FaultKind::Missing,
    FaultKind::Overload,
];

#[test]
fn a_fault_denies_whatever_policy_said() {
    for kind in DETECTOR_FAULTS {
        for action in [Action::Allow, Action::Log, Action::Redact, Action::Ask] {
            let decision = settled(action, &[kind], OnFault::Deny);
            assert_eq!(
                (decision.action, decision.rule.as_str()),
                (Action::Deny, "fault:injection")
            );
            assert_eq!(decision.losers, [("r".to_owned(), action)]);
            assert!(!decision.reason.contains("secret"));
        }
    }
}

#[test]
fn without_faults_nothing_changes() {
    for action in [
        Action::Allow,
        Action::Log,
        Action::Redact,
        Action::Ask,
        Action::Deny,
    ] {
        for on_fault in [OnFault::Deny, OnFault::Allow] {
            let decision = settled(action, &[], on_fault);
            assert_eq!((decision.action, decision.losers.len()), (action, 0));
        }
    }
}

#[test]
fn a_tolerated_fault_passes_visibly() {
    for kind in DETECTOR_FAULTS {
        let decision = settled(Action::Allow, &[kind], OnFault::Allow);
        assert_eq!(
            (decision.action, decision.would),
            (Action::Log, Some(Action::Deny))
        );
        assert_eq!(
            decision.losers,
            [("fault:injection".to_owned(), Action::Deny)]
        );
        assert_eq!(
            settled(Action::Ask, &[kind], OnFault::Allow).action,
            Action::Ask
        );
        assert_eq!(
            settled(Action::Deny, &[kind], OnFault::Allow).action,
            Action::Deny
        );
    }
}

#[test]
fn a_lost_record_or_policy_denies_whatever_was_chosen() {
    for kind in [FaultKind::Audit, FaultKind::Policy] {
        for on_fault in [OnFault::Deny, OnFault::Allow] {
            assert_eq!(
                settled(Action::Allow, &[kind], on_fault).action,
                Action::Deny
            );
        }
    }
    let both = [FaultKind::Trap, FaultKind::Audit];
    assert_eq!(
        settled(Action::Allow, &both, OnFault::Allow).action,
        Action::Deny
    );
}

#[test]
fn a_denial_keeps_its_own_reason_beside_a_fault() {
    let decision = settled(Action::Deny, &[FaultKind::Trap], OnFault::Deny);
    assert_eq!(
        (decision.rule.as_str(), decision.reason.as_str()),
        ("r", "because")
    );
    assert_eq!(decision.losers.len(), 1);
}

#[test]
fn faults_are_tolerated_by_server_or_by_monitor() {
    let servers = "[servers.calm]\non_fault = \"allow\"\n[servers.firm]\non_fault = \"deny\"\n";
    let read = |profile: &str| {
        let text = format!("version = 1\nprofile = \"{profile}\"\n{servers}");
        Policy::parse(&text, "policy.toml", Path::new(HOME)).unwrap()
    };
    let balanced = read("balanced");
    assert_eq!(balanced.on_fault("calm"), OnFault::Allow);
    assert_eq!(balanced.on_fault("firm"), OnFault::Deny);
    assert_eq!(balanced.on_fault("other"), OnFault::Deny);
    assert_eq!(
        balanced.fault_tolerant_servers().collect::<Vec<_>>(),
        ["calm"]
    );
    assert_eq!(read("strict").on_fault("other"), OnFault::Deny);
    assert_eq!(read("monitor").on_fault("firm"), OnFault::Allow);
}
