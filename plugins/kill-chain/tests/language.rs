//! The language of chains: what a file of one's own can say, and what is refused.

#![allow(clippy::unwrap_used, reason = "a broken test may panic")]

mod story;

use clawdefender_sdk::{Blob, Detector};
use kill_chain::KillChain;
use story::{Story, data, line, model, tell};

/// A file that adds one chain to the shipped ones.
fn own(steps: &str) -> Blob {
    let text = format!(
        r#"{{"chains": [{{"id": "own", "title": "Mine.", "severity": "medium", "confidence": 50,
            "attack": [], "within_s": 600, "max_steps": 50, "steps": {steps}}}]}}"#
    );
    Blob {
        kind: "killchain".into(),
        name: "own".into(),
        version: "1".into(),
        bytes: text.into_bytes(),
    }
}

/// Whether the chain `own` with these steps is found at the last event.
#[track_caller]
fn check(steps: &str, events: &[&str], found: bool) {
    let detector = KillChain::configure(&[], &[data(), model(), own(steps)]).unwrap();
    let mut story = Story::with(detector);
    let mut last = String::new();
    for event in events {
        match event.strip_prefix("wait ") {
            Some(seconds) => story.wait_s(seconds.parse().unwrap()),
            None => last = tell(&mut story, event),
        }
    }
    assert_eq!(last.contains("own:medium"), found, "{last}");
}

const LIST: &str = "files list_directory path=/p";
const DELETE: &str = "files delete_file path=/p/a";
const ASK: &str = "chat invite_user user=fred";

#[test]
fn a_file_of_ones_own_adds_chains() {
    let steps = r#"[{"action": ["list"]}, {"action": ["delete"]}]"#;
    check(steps, &[LIST, DELETE], true);
    check(steps, &[DELETE, LIST], false);
}

#[test]
fn what_must_not_lie_between_is_looked_for_between() {
    let steps =
        r#"[{"action": ["list"]}, {"action": ["delete"], "without": {"action": ["permission"]}}]"#;
    check(steps, &[LIST, DELETE], true);
    check(steps, &[LIST, ASK, DELETE], false);
    check(steps, &[ASK, LIST, DELETE], true);
    check(steps, &[LIST, ASK, LIST, DELETE], true);
}

#[test]
fn a_step_can_have_to_follow_soon() {
    let steps = r#"[{"action": ["list"]}, {"action": ["delete"], "soon_s": 60}]"#;
    check(steps, &[LIST, "wait 30", DELETE], true);
    check(steps, &[LIST, "wait 90", DELETE], false);
    check(steps, &[LIST, "wait 90", LIST, DELETE], true);
}

#[test]
fn a_decoy_hides_no_step_of_a_long_chain() {
    let steps = r#"[{"action": ["list"]}, {"action": ["permission"]}, {"action": ["delete"], "server": "other"}]"#;
    let shell = "sh run_command command=rm a";
    check(steps, &[LIST, ASK, LIST, ASK, LIST, shell], true);
    check(steps, &[ASK, LIST, shell], false);
}

#[test]
fn files_that_cannot_be_meant_are_refused() {
    let refused = |steps: &str| KillChain::configure(&[], &[data(), model(), own(steps)]).is_err();
    assert!(refused("[]"));
    assert!(refused(r#"[{}]"#));
    assert!(refused(r#"[{"action": ["fly"]}]"#));
    assert!(refused(r#"[{"action": ["list"], "soon_s": 5}]"#));
    assert!(refused(
        r#"[{"action": ["list"]}, {"action": ["delete"], "without": {"action": ["list"], "server": "same"}}]"#
    ));
    // Without the shipped file there is no lexicon.
    assert!(KillChain::configure(&[], &[model(), own(r#"[{"action": ["list"]}]"#)]).is_err());
    let twice = own(r#"[{"action": ["list"]}]"#);
    assert!(KillChain::configure(&[], &[data(), model(), twice.clone(), twice]).is_err());
}

#[test]
fn a_refusal_says_which_chain_of_which_file() {
    let said = |steps: &str| {
        let refused = KillChain::configure(&[], &[data(), model(), own(steps)]);
        refused.err().unwrap_or_default()
    };
    let unknown = said(r#"[{"action": ["fly"]}]"#);
    assert!(
        unknown.starts_with("killchain data own: chain 1: unknown variant `fly`"),
        "{unknown}"
    );
    assert_eq!(
        said("[]"),
        "killchain data own: chain 1: chain own: has 0 steps, must be 1 to 8"
    );
    let twice = own(r#"[{"action": ["list"]}]"#);
    let refused = KillChain::configure(&[], &[data(), model(), twice.clone(), twice]);
    assert_eq!(
        refused.err().unwrap(),
        "killchain data own: chain 1: another chain has the id own"
    );
}

#[test]
fn a_flood_is_linear_and_bounded() {
    let mut story = Story::begin();
    for number in 0..1_500_u32 {
        story.call(
            "files",
            "list_directory",
            &[("path", &format!("/p/{number}"))],
        );
        story.call("chat", "invite_user", &[("user", &number.to_string())]);
    }
    assert!(story.recent.len() <= 250);
    assert_eq!(
        line(&story.call("files", "read_file", &[("path", "/p/a")])),
        ""
    );
}
