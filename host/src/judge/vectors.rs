//! Shows a detector vectors. Of those that came with it, it must say exactly what its author said that
//! it says, here, in this sandbox, with this data. Of others it is counted what it finds.

use super::history::Histories;
use crate::event::{Asset, AssetKind, Direction, Event, Kind, Launch, Role, Server, Text};
use crate::plugin::{Detector, Set, Step};
use clawdefender_sdk::canonical::canonical;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most vectors that are shown. Chosen: ten times what a shipped detector has.
const MOST: usize = 5_000;
/// Longest that showing them may take. Chosen: a thousand times what the shipped ones take.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Vector {
    name: String,
    events: Vec<Shown>,
    expect: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Shown {
    at_ms: u64,
    kind: String,
    direction: String,
    server: String,
    method: String,
    name: String,
    texts: Vec<Said>,
    assets: Vec<Touched>,
    launch: Option<Launch>,
    attrs: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Said {
    pointer: String,
    role: String,
    text: String,
}

#[derive(Deserialize)]
struct Touched {
    kind: String,
    value: String,
    text: Option<usize>,
    credential: bool,
}

/// Shows `detector` every vector. How many there were.
///
/// # Errors
/// One sentence: the vectors can't be read, or which of them the detector does not hold.
pub fn hold(detector: &Arc<Detector>, vectors: &[u8]) -> Result<usize, String> {
    let vectors = read(vectors)?;
    let set = Set::new(vec![Arc::clone(detector)], Vec::new());
    let until = Instant::now() + LONGEST;
    for (number, vector) in vectors.iter().enumerate() {
        let said = play(&set, detector.id(), vector, until)
            .map_err(|fault| format!("vector {} ({}): {fault}", number + 1, vector.name))?;
        if said != vector.expect {
            return Err(format!(
                "vector {} ({}): it said {said:?}, its author {:?}",
                number + 1,
                vector.name,
                vector.expect
            ));
        }
    }
    Ok(vectors.len())
}

/// How often a detector found what there is to find, and was alarmed where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Vectors of which their author says that something is to be found.
    pub attacks: usize,
    pub found: usize,
    /// Vectors of which he says that there is nothing.
    pub harmless: usize,
    pub alarms: usize,
}

/// Counts what `detector` says of vectors, whatever rule it calls it: a newer detector may name a
/// thing more precisely than the author of an older vector did.
///
/// # Errors
/// One sentence: the vectors can't be read, or on which of them the detector failed.
pub fn score(detector: &Arc<Detector>, vectors: &[u8]) -> Result<Score, String> {
    let set = Set::new(vec![Arc::clone(detector)], Vec::new());
    let until = Instant::now() + LONGEST;
    let mut score = Score::default();
    for vector in read(vectors)? {
        let said = play(&set, detector.id(), &vector, until)
            .map_err(|fault| format!("vector {}: {fault}", vector.name))?;
        let (of, hits) = if vector.expect.is_empty() {
            (&mut score.harmless, &mut score.alarms)
        } else {
            (&mut score.attacks, &mut score.found)
        };
        *of += 1;
        *hits += usize::from(!said.is_empty());
    }
    Ok(score)
}

fn read(vectors: &[u8]) -> Result<Vec<Vector>, String> {
    let vectors: Vec<Vector> =
        serde_json::from_slice(vectors).map_err(|error| format!("its vectors: {error}"))?;
    if vectors.is_empty() || vectors.len() > MOST {
        return Err(format!("{} vectors, 1 to {MOST} are taken", vectors.len()));
    }
    Ok(vectors)
}

/// The rules of the findings about a vector's last event.
fn play(
    set: &Set,
    detector: &str,
    vector: &Vector,
    until: Instant,
) -> Result<BTreeSet<String>, String> {
    let histories = Histories::default();
    let mut rules = BTreeSet::new();
    for (number, shown) in vector.events.iter().enumerate() {
        if Instant::now() > until {
            return Err(format!("not done in {} s", LONGEST.as_secs()));
        }
        let event = event(number, shown);
        let inspection = set.inspect(&event, &histories.of("vectors"));
        if let Some(fault) = inspection.faults.first() {
            return Err(fault.detail.clone());
        }
        rules = inspection
            .findings
            .into_iter()
            .map(|finding| finding.rule)
            .collect();
        for (_, memo) in inspection.memos {
            let step = Step {
                id: event.id.clone(),
                at_ms: event.at_ms,
                server: event.server.name.clone(),
                link: event.link.clone(),
                memo,
            };
            histories.keep("vectors", detector, step);
        }
    }
    Ok(rules)
}

fn event(number: usize, shown: &Shown) -> Event {
    Event {
        id: format!("event-{}", number + 1),
        at_ms: shown.at_ms,
        kind: Kind::named(&shown.kind),
        direction: match shown.direction.as_str() {
            "to-server" => Direction::ToServer,
            "to-client" => Direction::ToClient,
            _ => Direction::Local,
        },
        link: format!("link-{}", shown.server),
        client: "vectors".into(),
        server: Server {
            name: shown.server.clone(),
            package: None,
        },
        method: shown.method.clone(),
        name: shown.name.clone(),
        texts: shown
            .texts
            .iter()
            .map(|said| Text {
                pointer: said.pointer.clone(),
                role: Role::named(&said.role),
                canonical: canonical(&said.text),
                original: said.text.clone(),
                literal: None,
            })
            .collect(),
        assets: shown
            .assets
            .iter()
            .map(|touched| Asset {
                kind: AssetKind::named(&touched.kind),
                value: touched.value.clone(),
                text: touched.text,
                aliases: Vec::new(),
                credential: touched.credential,
                wild: false,
            })
            .collect(),
        launch: shown.launch.clone(),
        attrs: shown.attrs.clone(),
    }
}
