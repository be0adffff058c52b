//! The gate before a new generation: examples of our own that its detectors must find, and others
//! that they must leave alone. Source: the feed's threat table, row 28.
//!
//! A feed that is signed and gutted, or that would stop everything, is held here. The examples are
//! part of the program, so no feed can change them.

use super::start;
use crate::config::Home;
use crate::event::Severity;
use crate::judge::inspect::Inspector;
use crate::plugin::Set;
use crate::policy::{Policy, Profile};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One example a line.
const EXAMPLES: &str = include_str!("gate.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example<'e> {
    expect: Expect,
    /// As `inspect` reads it.
    #[serde(borrow)]
    input: &'e RawValue,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    /// At least one finding of `medium` or worse.
    Found,
    /// No finding of `medium` or worse, and no fault.
    Quiet,
}

/// Whether the detectors of one feed may go live. Those of the official feed must find what there is
/// to find; a third party's need only leave alone what is harmless.
///
/// # Errors
/// How many examples they got wrong and which come first.
pub(super) fn pass(set: Set, is_official: bool, home: &Home) -> Result<(), String> {
    if set.detectors().is_empty() && !is_official {
        return Ok(());
    }
    let policy = Policy::builtin(Profile::Monitor, home.user());
    let places = start::places(home);
    let inspector = Inspector {
        set: &set,
        policy: &policy,
        places: &places,
        max_frame_bytes: 1 << 20,
    };
    let (mut missed, mut alarmed) = (Vec::new(), Vec::new());
    for line in EXAMPLES.lines().filter(|line| !line.is_empty()) {
        let Example { expect, input } =
            serde_json::from_str(line).map_err(|error| format!("the gate's examples: {error}"))?;
        let answer = inspector.answer(input.get());
        let id = answer.json.get("id").map(ToString::to_string);
        let id = id.unwrap_or_default();
        if answer.decision.is_none() || !answer.faults.is_empty() {
            return Err(format!("no answer to example {id}"));
        }
        let found = answer
            .findings
            .iter()
            .any(|finding| finding.severity >= Severity::Medium);
        match expect {
            Expect::Found if !found && is_official => missed.push(id),
            Expect::Quiet if found => alarmed.push(id),
            _ => {}
        }
    }
    let some = |ids: &[String]| ids.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if !missed.is_empty() {
        return Err(format!(
            "it misses {} known attacks: {}",
            missed.len(),
            some(&missed)
        ));
    }
    if !alarmed.is_empty() {
        return Err(format!(
            "it would stop {} harmless messages: {}",
            alarmed.len(),
            some(&alarmed)
        ));
    }
    Ok(())
}
