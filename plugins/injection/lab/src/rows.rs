//! Labelled rows: third-party ones by path, and our own cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clawdefender_sdk::Kind;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::feeds::root;
use crate::made::Grammar;

/// One text and what it is.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub source: String,
    pub language: String,
    pub kind: Kind,
    pub attack: bool,
    /// How much it counts in training, beside what its source does.
    pub weight: f32,
    pub text: String,
}

/// Our own cases are what a feed is held against before it goes live, so they count more than others.
const CASE: f32 = 3.0;

/// A file of rows.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    /// Its licence lets trained weights ship.
    pub ships: bool,
    pub licence: String,
    pub sha256: String,
    pub rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    label: String,
    kind: String,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// Folders that hold texts a detector of injections is asked about.
const FOLDERS: [&str; 3] = ["injection", "tool-poisoning", "benign"];

/// All third-party sources under `folder`.
pub fn load(folder: &Path) -> Result<Vec<Source>> {
    let readme = folder.join("README.md");
    let readme = std::fs::read_to_string(&readme).with_context(|| readme.display().to_string())?;
    let permits = permits(&readme);
    let mut sources = Vec::new();
    for area in FOLDERS {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join(area))
            .with_context(|| folder.join(area).display().to_string())?
            .map(|file| Ok(file?.path()))
            .collect::<Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|end| end == "jsonl"));
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
            let name = file
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
            let (licence, ships) = permits.get(&name).cloned().unwrap_or_default();
            let rows = String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(|line| row(&name, line).transpose())
                .collect::<Result<_>>()
                .with_context(|| file.display().to_string())?;
            sources.push(Source {
                name,
                ships,
                licence,
                sha256: hex(&Sha256::digest(&bytes)),
                rows,
            });
        }
    }
    Ok(sources)
}

fn row(source: &str, line: &str) -> Result<Option<Row>> {
    let line: Line = serde_json::from_str(line)?;
    let kind = match line.kind.as_str() {
        "tool-description" => Kind::ToolDefinition,
        "tool-result" | "raw" => Kind::ToolResult,
        "prompt" => Kind::PromptContent,
        _ => return Ok(None),
    };
    Ok(line.text.map(|text| Row {
        id: line.id,
        source: source.to_owned(),
        language: line.lang.unwrap_or_default(),
        kind,
        attack: line.label == "attack",
        weight: 1.0,
        text,
    }))
}

/// Licence and permission to ship by source, from the README's table.
fn permits(readme: &str) -> BTreeMap<String, (String, bool)> {
    readme
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [_, source, _, _, licence, ships, ..] = cells.as_slice() else {
                return None;
            };
            Some((
                (*source).to_owned(),
                ((*licence).to_owned(), *ships == "yes"),
            ))
        })
        .collect()
}

#[derive(Deserialize)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    expect: Vec<String>,
}

/// Sentences by what they are, for one kind of event.
#[derive(Deserialize)]
struct Sentences {
    #[serde(default)]
    language: String,
    attack: Vec<String>,
    harmless: Vec<String>,
}

/// Our own cases and sentences, one source per language, and what is made of slots, likewise.
pub fn own() -> Result<Vec<Source>> {
    let mut rows = Vec::new();
    let mut digests: BTreeMap<String, Sha256> = BTreeMap::new();
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Ok::<_, anyhow::Error>(text)
    };
    for path in toml_files("plugins/injection/cases")? {
        let text = read(&path)?;
        let language = stem(&path);
        let cases: CaseFile = toml::from_str(&text).with_context(|| path.display().to_string())?;
        for case in cases.case {
            let kind = Kind::from_word(&case.kind);
            let text = case.text.unwrap_or_default().replace(['«', '»'], "");
            rows.push(Row {
                weight: CASE,
                ..of_ours(&language, kind, !case.expect.is_empty(), text)
            });
        }
        digests.entry(language).or_default().update(text.as_bytes());
    }
    let folder = "plugins/injection/lab/own";
    for path in toml_files(&format!("{folder}/english"))? {
        let text = read(&path)?;
        let by_kind: BTreeMap<String, Sentences> =
            toml::from_str(&text).with_context(|| path.display().to_string())?;
        digests
            .entry("en".into())
            .or_default()
            .update(text.as_bytes());
        for (kind, sentences) in by_kind {
            rows.extend(sentences.rows("en", &[&kind]));
        }
    }
    for path in toml_files(&format!("{folder}/many"))? {
        let text = read(&path)?;
        let many: BTreeMap<String, Vec<Sentences>> =
            toml::from_str(&text).with_context(|| path.display().to_string())?;
        for sentences in many.into_values().flatten() {
            // A sentence of unknown origin is judged in the two ways that matter.
            let language = sentences.language.clone();
            digests
                .entry(language.clone())
                .or_default()
                .update(text.as_bytes());
            rows.extend(sentences.rows(&language, &["prompt", "tool-result"]));
        }
    }
    for path in toml_files(&format!("{folder}/made"))? {
        let text = read(&path)?;
        let grammar: Grammar = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let name = format!("made-{}", grammar.language);
        digests.entry(name.clone()).or_default().update(&text);
        let made = grammar.make().with_context(|| path.display().to_string())?;
        rows.extend(made.into_iter().map(|row| Row {
            language: grammar.language.clone(),
            ..of_ours(&name, kind_named(&row.kind), row.attack, row.text)
        }));
    }
    for file in told()? {
        digests
            .entry("told".into())
            .or_default()
            .update(file.sha256.as_bytes());
        rows.extend(file.results.into_iter().map(|result| Row {
            language: "en".to_owned(),
            ..of_ours("told", Kind::ToolResult, result.carries, result.text)
        }));
    }
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for row in rows {
        let source = sources.entry(row.source.clone()).or_insert_with(|| Source {
            name: row.source.clone(),
            ships: true,
            licence: "this project's".into(),
            sha256: digests
                .get(row.source.trim_start_matches("own-"))
                .map(|digest| hex(&digest.clone().finalize()))
                .unwrap_or_default(),
            rows: Vec::new(),
        });
        let id = format!("{}-{}", row.source, source.rows.len());
        source.rows.push(Row { id, ..row });
    }
    Ok(sources.into_values().collect())
}

/// The source that they are for the injection detector.
pub const TOLD: &str = "own-told";

/// A file of our own trajectories, which the kill-chain detector learns from, too.
pub struct Told {
    pub name: String,
    pub licence: String,
    pub sha256: String,
    pub results: Vec<Heard>,
    pub rows: Vec<Trajectory>,
}

/// A result, and whether an order that is obeyed stands in it.
pub struct Heard {
    pub text: String,
    pub carries: bool,
}

/// Calls in a row, and whether some do harm.
#[derive(Deserialize)]
pub struct Trajectory {
    pub source: String,
    pub label: String,
    pub steps: Vec<TrajectoryStep>,
}

#[derive(Deserialize)]
pub struct TrajectoryStep {
    #[serde(default)]
    pub server: String,
    pub tool: String,
    #[serde(default)]
    pub args: serde_json::Value,
    #[serde(default)]
    pub malicious: bool,
    #[serde(default)]
    result: String,
    #[serde(default)]
    carries: bool,
}

/// The results of our own trajectories, but for those that are held out.
pub fn told() -> Result<Vec<Told>> {
    let mut files = Vec::new();
    for path in files_of("plugins/kill-chain/trajectories/own", "jsonl")? {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let (mut results, mut rows) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let mut row: Trajectory =
                serde_json::from_str(line).with_context(|| path.display().to_string())?;
            let attack = row.label == "attack";
            let steps = row.steps.iter_mut().filter(|step| !step.result.is_empty());
            results.extend(steps.map(|step| Heard {
                carries: attack && step.carries,
                text: std::mem::take(&mut step.result),
            }));
            rows.push(row);
        }
        files.push(Told {
            name: stem(&path),
            licence: "this project's".to_owned(),
            sha256: hex(&Sha256::digest(&text)),
            results,
            rows,
        });
    }
    Ok(files)
}

/// The harmless trajectories of others whose licence lets trained weights ship, by what their names
/// begin with: sources of one house tell of the same tasks.
pub fn others_told(folder: &Path) -> Result<Vec<Told>> {
    let readme = folder.join("README.md");
    let readme = std::fs::read_to_string(&readme).with_context(|| readme.display().to_string())?;
    let permits = permits(&readme);
    let mut houses: BTreeMap<String, (Sha256, Told)> = BTreeMap::new();
    let area = folder.join("kill-chain");
    for path in files_in(&area, "jsonl")? {
        let source = stem(&path);
        let Some((licence, true)) = permits.get(&source) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let house = source.split('-').next().unwrap_or_default();
        let (digest, told) = houses.entry(house.to_owned()).or_insert_with(|| {
            let told = Told {
                name: format!("told-{house}"),
                licence: licence.clone(),
                sha256: String::new(),
                results: Vec::new(),
                rows: Vec::new(),
            };
            (Sha256::new(), told)
        });
        digest.update(&text);
        if !told.licence.contains(licence) {
            told.licence = format!("{}, {licence}", told.licence);
        }
        for line in text.lines() {
            let row: Foreign =
                serde_json::from_str(line).with_context(|| path.display().to_string())?;
            if row.label != "benign" || row.kind != "trajectory" {
                continue;
            }
            let steps = row.steps.or(row.body.and_then(|body| body.calls));
            told.rows.push(Trajectory {
                source: "benign".to_owned(),
                label: row.label,
                steps: steps.unwrap_or_default(),
            });
        }
    }
    let houses = houses.into_values().map(|(digest, told)| Told {
        sha256: hex(&digest.finalize()),
        ..told
    });
    Ok(houses.filter(|told| !told.rows.is_empty()).collect())
}

/// A trajectory in one of the two forms that others have.
#[derive(Deserialize)]
struct Foreign {
    label: String,
    kind: String,
    steps: Option<Vec<TrajectoryStep>>,
    body: Option<ForeignBody>,
}

#[derive(Deserialize)]
struct ForeignBody {
    calls: Option<Vec<TrajectoryStep>>,
}

/// A file of single calls, some of which do harm.
pub struct Calls {
    pub name: String,
    pub sha256: String,
    pub calls: Vec<TrajectoryStep>,
}

/// Our own single calls.
pub fn calls() -> Result<Vec<Calls>> {
    let mut files = Vec::new();
    for path in files_of("plugins/kill-chain/trajectories/calls", "jsonl")? {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let calls = text.lines().map(serde_json::from_str);
        files.push(Calls {
            name: format!("calls-{}", stem(&path)),
            sha256: hex(&Sha256::digest(&text)),
            calls: calls
                .collect::<Result<_, _>>()
                .with_context(|| path.display().to_string())?,
        });
    }
    Ok(files)
}

impl Sentences {
    fn rows(self, language: &str, kinds: &[&str]) -> Vec<Row> {
        let mut rows = Vec::new();
        for kind in kinds {
            for (attack, texts) in [(true, &self.attack), (false, &self.harmless)] {
                let row = |text: &String| of_ours(language, kind_named(kind), attack, text.clone());
                rows.extend(texts.iter().map(row));
            }
        }
        rows
    }
}

pub fn kind_named(word: &str) -> Kind {
    match word {
        "prompt" => Kind::PromptContent,
        other => Kind::from_word(other),
    }
}

fn of_ours(language: &str, kind: Kind, attack: bool, text: String) -> Row {
    Row {
        id: String::new(),
        source: format!("own-{language}"),
        language: language.to_owned(),
        kind,
        attack,
        weight: 1.0,
        text,
    }
}

fn toml_files(folder: &str) -> Result<Vec<PathBuf>> {
    files_of(folder, "toml")
}

fn files_of(folder: &str, ending: &str) -> Result<Vec<PathBuf>> {
    files_in(&root().join(folder), ending)
}

fn files_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == ending));
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    stem.map(std::borrow::Cow::into_owned).unwrap_or_default()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
