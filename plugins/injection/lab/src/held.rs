//! Sets that are held out: our own sentences that no model is ever trained on, written before the
//! rules that were to find them. They say how far an idea carries over to words it was not made of.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::feeds::root;
use crate::rows::{Row, Source, hex, kind_named};

/// `lab/own/held.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    set: Vec<Set>,
    many: Vec<Many>,
}

/// English sentences about one kind of place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    name: String,
    kind: String,
    attack: Vec<String>,
    harmless: Vec<String>,
}

/// Sentences of another language, as results of tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    language: String,
    attack: Vec<String>,
    harmless: Vec<String>,
}

/// How the names of these sources begin.
pub const HELD: &str = "held-";

/// The sets as sources that weights are not trained on: one per set and one per language.
pub fn held() -> Result<Vec<Source>> {
    let path = root().join("plugins/injection/lab/own/held.toml");
    read(&path).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<Source>> {
    let text = std::fs::read_to_string(path)?;
    let sha256 = hex(&Sha256::digest(&text));
    let file: File = toml::from_str(&text)?;
    let sets = file.set.into_iter().map(|set| {
        (
            set.name,
            "en".to_owned(),
            set.kind,
            set.attack,
            set.harmless,
        )
    });
    let many = file.many.into_iter().map(|many| {
        let (name, kind) = (many.language.clone(), "tool-result".to_owned());
        (name, many.language, kind, many.attack, many.harmless)
    });
    let sources = sets.chain(many);
    Ok(sources
        .map(|(name, language, kind, attack, harmless)| {
            let name = format!("{HELD}{name}");
            let attacks = attack.into_iter().map(|text| (true, text));
            let harmless = harmless.into_iter().map(|text| (false, text));
            let row = |(number, (attack, text)): (usize, (bool, String))| Row {
                id: format!("{name}-{number}"),
                source: name.clone(),
                language: language.clone(),
                kind: kind_named(&kind),
                attack,
                weight: 1.0,
                text,
            };
            Source {
                rows: attacks.chain(harmless).enumerate().map(row).collect(),
                name: name.clone(),
                ships: false,
                licence: "this project's".into(),
                sha256: sha256.clone(),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::own;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_held_out_is_not_among_what_is_trained_on() {
        let trained: BTreeSet<String> = own()
            .unwrap()
            .into_iter()
            .flat_map(|source| source.rows)
            .map(|row| row.text)
            .collect();
        let held = held().unwrap();
        assert!(held.iter().all(|source| !source.ships));
        for row in held.iter().flat_map(|source| &source.rows) {
            assert!(!trained.contains(&row.text), "{}", row.text);
        }
    }
}
