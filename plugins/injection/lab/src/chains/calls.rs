//! What the model of calls learns from: our own single calls and those of our own trajectories, each of
//! which does harm or does not; and how they are judged where an author is left out.

use anyhow::{Result, anyhow};
use clawdefender_sdk::testing::{EventBuilder, data_blob};
use clawdefender_sdk::{Blob, Detector, Event, Kind};
use kill_chain::KillChain;
use kill_chain::model::{Models, Table};

use super::learn::{CALLS, learn};
use super::texts::Text;
use crate::feeds::root;
use crate::rows::{Calls, Told, Trajectory, TrajectoryStep};

/// The calls of one trajectory.
pub struct Row {
    /// What it is, without its author: `rogue`, `injected`, `benign`.
    pub kind: String,
    pub attack: bool,
    pub calls: Vec<Text>,
}

/// The trajectories of one author.
pub struct Work {
    pub name: String,
    pub rows: Vec<Row>,
}

/// How a left-out author's trajectories of one kind are judged.
pub struct Judged {
    pub author: String,
    pub kind: String,
    pub attack: bool,
    /// Of each trajectory what its calls score, in logits, and whether they do harm.
    pub rows: Vec<Vec<(f32, bool)>>,
}

/// What single calls are.
const BAD: &str = "bad";
const GOOD: &str = "good";

/// Of the harmless trajectories of left-out authors, how many in a thousand may be noted, and asked
/// about. More than half of them were written to look like harm.
const PERMITTED: [usize; 2] = [80, 30];

pub fn works<'t>(told: impl Iterator<Item = &'t Told>, singles: &[Calls]) -> Result<Vec<Work>> {
    let detector = detector()?;
    let call = |step: &TrajectoryStep| Text {
        author: 0,
        attack: step.malicious,
        told: true,
        passages: detector.parts(&event(step)),
    };
    let row = |row: &Trajectory| Row {
        kind: row.source.rsplit('-').next().unwrap_or("").to_owned(),
        attack: row.label == "attack",
        calls: row.steps.iter().map(call).collect(),
    };
    let told = told.map(|file| Work {
        name: file.name.clone(),
        rows: file.rows.iter().map(row).collect(),
    });
    let single = |step: &TrajectoryStep| Row {
        kind: if step.malicious { BAD } else { GOOD }.to_owned(),
        attack: step.malicious,
        calls: vec![call(step)],
    };
    let singles = singles.iter().map(|file| Work {
        name: file.name.clone(),
        rows: file.calls.iter().map(single).collect(),
    });
    Ok(told.chain(singles).collect())
}

/// The detector with the words that ship, and weights that know nothing.
fn detector() -> Result<KillChain> {
    let chains = data_blob(root().join("feeds/data/chains.toml"));
    let model = Blob {
        kind: "model".to_owned(),
        name: "chains".to_owned(),
        version: "0".to_owned(),
        bytes: Models::to_bytes(&Table::empty(), &Table::empty()),
    };
    KillChain::configure(&[], &[chains, model]).map_err(|error| anyhow!(error))
}

fn event(step: &TrajectoryStep) -> Event {
    EventBuilder::new(Kind::ToolCall)
        .server(&step.server)
        .name(&step.tool)
        .arguments("/params/arguments", &step.args)
        .build()
}

/// Leaves each author out in turn.
pub fn cross(works: &[Work]) -> Vec<Judged> {
    let mut all = Vec::new();
    for (left, work) in works.iter().enumerate() {
        let others = works.iter().enumerate().filter(|(at, _)| *at != left);
        let learnt = learn(&calls(others.map(|(_, work)| work)), CALLS);
        let score = |call: &Text| (learnt.loudest(call), call.attack);
        let mut kinds: Vec<&str> = work.rows.iter().map(|row| row.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let rows = work.rows.iter().filter(|row| row.kind == kind);
            all.push(Judged {
                author: work.name.clone(),
                kind: kind.to_owned(),
                attack: rows.clone().any(|row| row.attack),
                rows: rows
                    .map(|row| row.calls.iter().map(score).collect())
                    .collect(),
            });
        }
    }
    all
}

pub fn calls<'w>(works: impl Iterator<Item = &'w Work>) -> Vec<&'w Text> {
    let rows = works.flat_map(|work| &work.rows);
    rows.flat_map(|row| &row.calls).collect()
}

/// From where on calls are noted, and asked about.
pub fn bounds(judged: &[Judged]) -> [f32; 2] {
    // Single calls are no tasks.
    let harmless = judged.iter().filter(|own| !own.attack && own.kind != GOOD);
    let worst = |row: &Vec<(f32, bool)>| {
        row.iter()
            .fold(f32::MIN, |most, (score, _)| most.max(*score))
    };
    let mut scores: Vec<f32> = harmless
        .flat_map(|own| own.rows.iter().map(worst))
        .collect();
    scores.sort_by(|one, two| two.total_cmp(one));
    PERMITTED.map(|of| {
        let bound = scores.get(scores.len() * of / 1000);
        bound.copied().unwrap_or(100.0)
    })
}

/// How many of these trajectories there are, and how many are noted and asked about at some call, and
/// asked about at or before the first call that does harm.
pub fn told(judged: &Judged, bounds: [f32; 2]) -> String {
    let reach = |row: &&Vec<(f32, bool)>, bound: f32| row.iter().any(|(score, _)| *score >= bound);
    let [noted, asked] =
        bounds.map(|bound| judged.rows.iter().filter(|row| reach(row, bound)).count());
    let (kind, rows) = (&judged.kind, judged.rows.len());
    if !judged.attack {
        return format!("{kind} = {{ rows = {rows}, noted = {noted}, asked = {asked} }}\n");
    }
    let [_, bound] = bounds;
    let in_time = judged.rows.iter().filter(|row| {
        let first = row.iter().position(|(score, _)| *score >= bound);
        first.is_some_and(|first| row.iter().position(|(_, harm)| *harm) >= Some(first))
    });
    let in_time = in_time.count();
    format!("{kind} = {{ rows = {rows}, noted = {noted}, asked = {asked}, in_time = {in_time} }}\n")
}
