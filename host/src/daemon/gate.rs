//! The gate before a new generation: examples of our own that its detectors must find, others that
//! they must leave alone, and how many of all our cases they get right. Source: the feed's threat
//! table, row 28.
//!
//! A feed that is signed and gutted, or that would stop everything, is held here. The examples and
//! the cases are part of the program, so no feed can change them.

use super::start;
use crate::config::Home;
use crate::event::Severity;
use crate::judge::inspect::Inspector;
use crate::judge::vectors::{self, Score};
use crate::plugin::{Detector, Set};
use crate::policy::{Policy, Profile};
use clawdefender_trust::{Artifact, Verified};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

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

/// How well the detectors must do on the corpus: the vectors of the seed inside this program, which
/// are the cases of all shipped detectors and which no feed can change.
///
/// The seed itself finds all and is never alarmed, since its detectors hold their own vectors. A newer
/// feed may differ from an older author's opinion in a few.
struct Bar {
    /// The detector whose cases they are.
    class: &'static str,
    /// Of what is to be found it finds at least this much.
    recall_pct: usize,
    /// Of what is harmless it is alarmed by at most this much.
    alarms_pct: usize,
}

/// Chosen: a statistical detector may change its mind about one case in twenty, and about one harmless
/// one in fifty; those that look things up about no harmless one. With the few cases of a kill chain
/// 95 % are all of them.
const BARS: [Bar; 3] = [
    Bar {
        class: "injection",
        recall_pct: 95,
        alarms_pct: 2,
    },
    Bar {
        class: "supply-chain",
        recall_pct: 95,
        alarms_pct: 0,
    },
    Bar {
        class: "kill-chain",
        recall_pct: 95,
        alarms_pct: 0,
    },
];

/// Of all that is harmless a third party's detector may be alarmed by this much. Chosen: as the most
/// of ours.
const GUEST_ALARMS_PCT: usize = 2;

/// Whether the detectors of one feed may go live. Those of the official feed must find what there is
/// to find; a third party's need only leave alone what is harmless. `corpus` is the seed's vectors,
/// by detector.
///
/// # Errors
/// What they got wrong, with figures.
pub(super) fn pass(
    set: &Set,
    is_official: bool,
    corpus: &[Verified<Artifact>],
    home: &Home,
) -> Result<(), String> {
    if set.detectors().is_empty() && !is_official {
        return Ok(());
    }
    hold_examples(set, is_official, home)?;
    if is_official {
        for bar in &BARS {
            let class = bar.class;
            let named = |detector: &&Arc<Detector>| detector.id() == class;
            let detector = set.detectors().iter().find(named);
            let detector = detector.ok_or_else(|| format!("detector {class} is gone"))?;
            let own = corpus.iter().find(|own| own.name.as_str() == class);
            let own = own.ok_or_else(|| format!("the program has no vectors of {class}"))?;
            bar.measure(vectors::score(detector, &own.bytes)?)?;
        }
        return Ok(());
    }
    for detector in set.detectors() {
        let mut all = Score::default();
        for own in corpus {
            let score = vectors::score(detector, &own.bytes)?;
            all.harmless += score.harmless;
            all.alarms += score.alarms;
        }
        few_alarms(detector.id(), all, GUEST_ALARMS_PCT)?;
    }
    Ok(())
}

impl Bar {
    fn measure(&self, score: Score) -> Result<(), String> {
        let Self {
            class, recall_pct, ..
        } = self;
        let Score { attacks, found, .. } = score;
        if found * 100 < attacks * recall_pct {
            return Err(format!(
                "{class} finds {found} of {attacks} known attacks ({}), at least {recall_pct} % must be found",
                share(found, attacks)
            ));
        }
        few_alarms(class, score, self.alarms_pct)
    }
}

fn few_alarms(class: &str, score: Score, most_pct: usize) -> Result<(), String> {
    let Score {
        harmless, alarms, ..
    } = score;
    if alarms * 100 > harmless * most_pct {
        return Err(format!(
            "{class} is alarmed by {alarms} of {harmless} harmless messages ({}), at most {most_pct} % may be",
            share(alarms, harmless)
        ));
    }
    Ok(())
}

fn share(part: usize, whole: usize) -> String {
    let permille = part * 1000 / whole.max(1);
    format!("{}.{} %", permille / 10, permille % 10)
}

/// The examples that must hold one by one, through the whole path of a message.
fn hold_examples(set: &Set, is_official: bool, home: &Home) -> Result<(), String> {
    let policy = Policy::builtin(Profile::Monitor, home.user());
    let places = start::places(home);
    let inspector = Inspector {
        set,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(class: &str, counts: [usize; 4], says: &str) {
        let [attacks, found, harmless, alarms] = counts;
        let score = Score {
            attacks,
            found,
            harmless,
            alarms,
        };
        let bar = BARS.iter().find(|bar| bar.class == class).unwrap();
        assert_eq!(bar.measure(score).err().unwrap_or_default(), says);
    }

    #[test]
    fn a_bar_is_held_to_the_last_case_and_says_its_figures() {
        check("injection", [164, 164, 130, 0], "");
        check("injection", [164, 156, 130, 2], "");
        check(
            "injection",
            [164, 155, 130, 0],
            "injection finds 155 of 164 known attacks (94.5 %), at least 95 % must be found",
        );
        check(
            "injection",
            [164, 164, 130, 3],
            "injection is alarmed by 3 of 130 harmless messages (2.3 %), at most 2 % may be",
        );
        check(
            "kill-chain",
            [2, 1, 2, 0],
            "kill-chain finds 1 of 2 known attacks (50.0 %), at least 95 % must be found",
        );
        check(
            "supply-chain",
            [27, 27, 15, 1],
            "supply-chain is alarmed by 1 of 15 harmless messages (6.6 %), at most 0 % may be",
        );
    }
}
