//! How `audit show` tells what led to a finding.

use super::escape::{escape, excerpt};
use super::moment;
use crate::audit::{Stop, Timeline};
use std::fmt::Write as _;

/// One block for each finding that has steps, oldest step first.
pub(super) fn render(timelines: &[Timeline]) -> String {
    let mut screen = String::new();
    for timeline in timelines {
        let _ = writeln!(screen, "timeline   {}", heading(timeline));
        let last = timeline.steps.len();
        for (at, step) in timeline.steps.iter().enumerate() {
            let _ = writeln!(screen, "  step {:<3} {}", at + 1, row(step, at + 1 == last));
        }
        let known = timeline.steps.iter().filter(|step| step.in_log).count();
        if known < last {
            let _ = writeln!(screen, "           {known} of {last} steps are in the log");
        }
    }
    screen
}

/// `secret-read-then-send: secret, files → web, within 12 s`.
fn heading(timeline: &Timeline) -> String {
    let fact = |name: &str| timeline.facts.get(name).map(|value| excerpt(value, 120));
    let mut parts = Vec::new();
    parts.extend(fact("flow"));
    if let (Some(from), Some(to)) = (fact("from"), fact("to")) {
        parts.push(format!("{from} → {to}"));
    }
    parts.extend(fact("within_s").map(|seconds| format!("within {seconds} s")));
    let parts = parts.join(", ");
    match fact("chain") {
        Some(chain) if parts.is_empty() => chain,
        Some(chain) => format!("{chain}: {parts}"),
        None => parts,
    }
}

fn row(step: &Stop, last: bool) -> String {
    let Some(at_ms) = step.at_ms.filter(|_| step.in_log) else {
        return format!("event {} is not in the log", escape(&step.id));
    };
    let mut row = format!(
        "{} · {} {} · {}",
        moment::local(at_ms),
        excerpt(&step.server, 40),
        excerpt(&step.name, 60),
        escape(&step.kind)
    );
    if !step.actions.is_empty() {
        let _ = write!(row, " · {}", excerpt(&step.actions, 80));
    }
    if last {
        row.push_str(" · this call");
    } else {
        let _ = write!(row, " · call {}", escape(&step.call));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_names_each_step_and_says_which_are_lost() {
        let stop = |id: &str, in_log: bool| Stop {
            id: id.into(),
            in_log,
            call: id.into(),
            at_ms: in_log.then_some(1_700_000_000_000),
            server: "files".into(),
            name: "read\u{1b}[2J".into(),
            kind: "tool-result".into(),
            actions: "read-secret".into(),
        };
        let facts = [
            ("chain", "secret-then-send"),
            ("flow", "secret"),
            ("from", "files"),
            ("to", "web"),
            ("within_s", "12"),
        ];
        let timeline = Timeline {
            finding: 0,
            facts: facts
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            steps: vec![stop("aaaa", false), stop("bbbb", true), stop("cccc", true)],
        };
        let shown = render(&[timeline]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[0],
            "timeline   secret-then-send: secret, files → web, within 12 s"
        );
        assert_eq!(lines[1], "  step 1   event aaaa is not in the log");
        assert!(
            lines[2].ends_with(" · files read⟨U+001B⟩[2J · tool-result · read-secret · call bbbb"),
            "{}",
            lines[2]
        );
        assert!(
            lines[3].ends_with("read-secret · this call"),
            "{}",
            lines[3]
        );
        assert_eq!(lines[4], "           2 of 3 steps are in the log");
        assert_eq!(render(&[]), "");
    }
}
