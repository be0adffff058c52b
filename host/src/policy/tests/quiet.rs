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

const ODD: &str = "quiet = [\"chain.odd\"]";
const FROM_OPS: &str = "[servers.ops]\nquiet = \"chain.odd\"";

#[test]
fn a_quiet_finding_is_logged_with_what_would_have_been_done() {
    let medium = "tool-call finding=chain.odd:medium:90";
    said("balanced", "", medium, "ask finding:chain.odd");
    said("balanced", ODD, medium, "log finding:chain.odd would ask");
    said(
        "strict",
        ODD,
        "tool-result finding=chain.odd:medium:90",
        "log finding:chain.odd would deny",
    );
    said(
        "strict",
        ODD,
        "tool-result finding=chain.odd:low:90",
        "log finding:chain.odd would ask",
    );
    // The question that `strict` asks of every call is not about the finding.
    said("strict", ODD, medium, "ask default:strict would deny");
    said("monitor", "", medium, "log finding:chain.odd would ask");
    said("monitor", ODD, medium, "log finding:chain.odd");
    // Nothing is quieter than it would be anyway.
    said(
        "balanced",
        ODD,
        "tool-call finding=chain.odd:low:90",
        "log finding:chain.odd",
    );
}

#[test]
fn what_a_detector_is_sure_of_is_never_quiet() {
    for severity in ["high", "critical"] {
        for profile in ["balanced", "strict"] {
            let words = format!("tool-call finding=chain.odd:{severity}:90");
            said(profile, ODD, &words, "deny finding:chain.odd");
        }
    }
    // One that counts as medium because nobody is sure of it is.
    said(
        "balanced",
        ODD,
        "tool-call finding=chain.odd:high:49",
        "log finding:chain.odd would ask",
    );
    said(
        "balanced",
        ODD,
        "tool-call finding=chain.odd:critical:49",
        "deny finding:chain.odd",
    );
}

#[test]
fn only_the_rule_and_the_server_that_are_named_are_quiet() {
    let other = "tool-call server=ops finding=chain.other:medium:90";
    said("balanced", ODD, other, "ask finding:chain.other");
    said(
        "balanced",
        FROM_OPS,
        "tool-call server=ops finding=chain.odd:medium:90",
        "log finding:chain.odd would ask",
    );
    for server in ["files", "ops2", "Ops"] {
        let words = format!("tool-call server={server} finding=chain.odd:medium:90");
        said("balanced", FROM_OPS, &words, "ask finding:chain.odd");
    }
    // A quiet finding speaks for no other one.
    let both = "tool-call server=ops finding=chain.odd:medium:90 finding=chain.other:medium:90";
    said("balanced", FROM_OPS, both, "ask finding:chain.other");
    let worse = "tool-call server=ops finding=chain.odd:medium:90 finding=chain.odd:high:90";
    said("balanced", FROM_OPS, worse, "deny finding:chain.odd");
}

#[test]
fn rules_and_credentials_say_what_they_said() {
    let rule = "[[rule]]\nid = \"r\"\naction = \"deny\"\nmatch = { finding = \"chain.odd\" }";
    said(
        "balanced",
        &format!("{ODD}\n{rule}"),
        "tool-call finding=chain.odd:medium:90",
        "deny r",
    );
    let secret = "tool-call path=/home/u/.ssh/id_rsa cred finding=chain.odd:medium:90";
    let policy = read(&format!("version = 1\nprofile = \"balanced\"\n{ODD}\n")).unwrap();
    let (event, findings) = scene(secret);
    assert_eq!(decide(&policy, &event, &findings).action, Action::Deny);
}

#[test]
fn a_fault_is_no_quieter() {
    let policy = read(&format!(
        "version = 1\nprofile = \"balanced\"\n{FROM_OPS}\n"
    ))
    .unwrap();
    assert_eq!(policy.on_fault("ops"), OnFault::Deny);
    assert_eq!(
        policy.quiet().collect::<Vec<_>>(),
        [("chain.odd", Some("ops"))]
    );
    assert_eq!(policy.fault_tolerant_servers().count(), 0);
}

#[test]
fn what_could_be_quiet_about_more_than_it_says_is_an_error() {
    for (quiet, wrong) in [
        (
            "quiet = [\"chain.*\"]",
            "p.toml:3:9: \"chain.*\" can't be kept quiet",
        ),
        ("quiet = \"chain\"", "\"chain\" can't be kept quiet"),
        ("quiet = \"chain.\"", "\"chain.\" can't be kept quiet"),
        ("quiet = \"*\"", "\"*\" can't be kept quiet"),
        (
            "quiet = [\"chain.odd\", \"finding:chain.odd\"]",
            "\"finding:chain.odd\" can't be kept quiet",
        ),
        ("quiet = []", "an empty list matches nothing"),
        ("quiet = true", "expected a string or a list of strings"),
        (
            "[servers.ops]\nquiet = [\"a b.c\"]",
            "p.toml:4:9: \"a b.c\" can't be kept quiet",
        ),
        (
            "[servers.ops]",
            "server \"ops\" has neither `on_fault` nor `quiet`",
        ),
        (
            "[servers.ops]\nquite = [\"chain.odd\"]",
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
