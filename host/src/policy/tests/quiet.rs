//! What a user keeps quiet: which findings, from whom, and what no such line can do.

use super::*;
use crate::policy::PolicyError;

fn read(text: &str) -> Result<Policy, PolicyError> {
    Policy::parse(text, "p.toml", Path::new(HOME))
}

/// `quiet` is the file after its profile.
#[track_caller]
fn said(profile: &str, quiet: &str, words: &str, expect: &str) {
    let policy = read(&format!("version = 1\nprofile = \"{profile}\"\n{quiet}\n"));
    let policy = policy.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        answer(&policy, words),
        expect,
        "{profile} {quiet:?} {words}"
    );
}

const ODD: &str = "quiet = [\"kill-chain.rogue\"]";
const FROM_OPS: &str = "[servers.ops]\nquiet = \"kill-chain.rogue\"";

#[test]
fn a_quiet_finding_is_logged_with_what_would_have_been_done() {
    let medium = "tool-call finding=kill-chain.rogue:medium:90";
    said("balanced", "", medium, "ask finding:kill-chain.rogue");
    said("balanced", ODD, medium, "log quiet:kill-chain.rogue");
    said(
        "strict",
        ODD,
        "tool-result finding=kill-chain.rogue:medium:90",
        "log quiet:kill-chain.rogue",
    );
    said(
        "strict",
        ODD,
        "tool-result finding=kill-chain.rogue:low:90",
        "log quiet:kill-chain.rogue",
    );
    // The question that `strict` asks of every call is not about the finding.
    said("strict", ODD, medium, "ask default:strict");
    said(
        "monitor",
        "",
        medium,
        "log finding:kill-chain.rogue would ask",
    );
    said("monitor", ODD, medium, "log quiet:kill-chain.rogue");
    // Nothing is quieter than it would be anyway.
    said(
        "balanced",
        ODD,
        "tool-call finding=kill-chain.rogue:low:90",
        "log finding:kill-chain.rogue",
    );
}

#[test]
fn what_a_detector_is_sure_of_is_never_quiet() {
    for severity in ["high", "critical"] {
        for profile in ["balanced", "strict"] {
            let words = format!("tool-call finding=kill-chain.rogue:{severity}:90");
            said(profile, ODD, &words, "deny finding:kill-chain.rogue");
        }
    }
    // Not even one that counts as medium because its confidence is low.
    let words = "tool-call finding=kill-chain.rogue:high:49";
    said("balanced", ODD, words, "ask finding:kill-chain.rogue");
}

#[test]
fn only_the_rule_and_the_server_that_are_named_are_quiet() {
    let other = "tool-call server=ops finding=kill-chain.pattern:medium:90";
    said("balanced", ODD, other, "ask finding:kill-chain.pattern");
    said(
        "balanced",
        FROM_OPS,
        "tool-call server=ops finding=kill-chain.rogue:medium:90",
        "log quiet:kill-chain.rogue",
    );
    for server in ["files", "ops2", "Ops"] {
        let words = format!("tool-call server={server} finding=kill-chain.rogue:medium:90");
        said("balanced", FROM_OPS, &words, "ask finding:kill-chain.rogue");
    }
    // A quiet finding speaks for no other one.
    let both = "tool-call server=ops finding=kill-chain.rogue:medium:90 finding=kill-chain.pattern:medium:90";
    said("balanced", FROM_OPS, both, "ask finding:kill-chain.pattern");
    let worse =
        "tool-call server=ops finding=kill-chain.rogue:medium:90 finding=kill-chain.rogue:high:90";
    said("balanced", FROM_OPS, worse, "deny finding:kill-chain.rogue");
}

#[test]
fn rules_and_credentials_say_what_they_said() {
    let rule =
        "[[rule]]\nid = \"r\"\naction = \"deny\"\nmatch = { finding = \"kill-chain.rogue\" }";
    said(
        "balanced",
        &format!("{ODD}\n{rule}"),
        "tool-call finding=kill-chain.rogue:medium:90",
        "deny r",
    );
    let secret = "tool-call path=/home/u/.ssh/id_rsa cred finding=kill-chain.rogue:medium:90";
    let policy = read(&format!("version = 1\nprofile = \"balanced\"\n{ODD}\n")).unwrap();
    let (event, findings) = scene(secret);
    assert_eq!(decide(&policy, &event, &findings).action, Action::Deny);
}

#[test]
fn the_record_says_what_was_kept_quiet() {
    let policy = read(&format!("version = 1\nprofile = \"balanced\"\n{ODD}\n")).unwrap();
    let (event, findings) = scene("tool-call finding=kill-chain.rogue:medium:90");
    let decision = decide(&policy, &event, &findings);
    let asked = ("finding:kill-chain.rogue".to_owned(), Action::Ask);
    assert_eq!(
        (decision.would, decision.losers),
        (None, vec![asked.clone()])
    );
    assert!(decision.reason.contains("quiet"), "{}", decision.reason);
    // Also where something else wins, as a person's override of another finding does.
    let mut both = findings.clone();
    both.extend(scene("tool-call finding=kill-chain.pattern:medium:90").1);
    let decision = decide(&policy, &event, &both);
    assert_eq!(decision.rule, "finding:kill-chain.pattern");
    assert!(decision.losers.contains(&asked), "{:?}", decision.losers);
}

#[test]
fn a_fault_denies_beside_a_quiet_finding() {
    let policy = read(&format!(
        "version = 1\nprofile = \"balanced\"\n{FROM_OPS}\n"
    ))
    .unwrap();
    let (event, findings) = scene("tool-call server=ops finding=kill-chain.rogue:medium:90");
    let decision = decide(&policy, &event, &findings);
    let fault = crate::event::Fault {
        part: "kill-chain".to_owned(),
        kind: crate::event::FaultKind::Deadline,
        detail: String::new(),
    };
    let settled = settle(decision, &[fault], policy.on_fault("ops"));
    assert_eq!(settled.action, Action::Deny);
    let quiet: Vec<_> = policy.quiet().collect();
    assert_eq!(quiet, [("kill-chain.rogue", Some("ops"))]);
    assert_eq!(policy.fault_tolerant_servers().count(), 0);
}

#[test]
fn what_could_be_quiet_about_more_than_it_says_is_an_error() {
    for rule in [
        "kill-chain.*",
        "*",
        "kill-chain",
        "finding:kill-chain.rogue",
        "kill-chain.rouge",
        // Facts, each of which a person accepts one by one.
        "kill-chain.pattern",
        "kill-chain.exfiltration",
        "injection.override",
        "supply-chain.malicious",
        "supply-chain.vulnerable",
        "pins.version",
        "pins.content",
        "feed.stale-unknown",
    ] {
        let error = read(&format!(
            "version = 1\nprofile = \"balanced\"\nquiet = [\"kill-chain.rogue\", \"{rule}\"]\n"
        ));
        let error = error.map(|_| ()).unwrap_err().to_string();
        let wrong = format!("p.toml:3:9: \"{rule}\" can't be kept quiet");
        assert!(error.contains(&wrong), "{error}");
    }
    for (quiet, wrong) in [
        ("quiet = []", "an empty list matches nothing"),
        ("quiet = true", "expected a string or a list of strings"),
        (
            "[servers.ops]\nquiet = [\"a.b\"]",
            "p.toml:4:9: \"a.b\" can't be kept quiet",
        ),
        (
            "[servers.ops]",
            "p.toml:3:1: server \"ops\" has neither `on_fault` nor `quiet`",
        ),
        (
            "[servers.ops]\nquite = [\"kill-chain.rogue\"]",
            "unknown field `quite`",
        ),
    ] {
        let error = read(&format!("version = 1\nprofile = \"balanced\"\n{quiet}\n"));
        let error = error.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(wrong), "{quiet}: {error}");
    }
}

#[test]
fn a_policy_that_is_quiet_is_another_policy() {
    let [loud, quiet] = ["", ODD]
        .map(|quiet| read(&format!("version = 1\nprofile = \"balanced\"\n{quiet}\n")).unwrap());
    assert_ne!(loud.version(), quiet.version());
}
