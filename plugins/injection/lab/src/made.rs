//! Sentences with slots, filled by chance from a fixed seed: how a few hundred phrases of ours become
//! a few thousand rows, always the same ones.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::chance::Chance;

/// A file of `lab/own/made`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    #[serde(default = "english")]
    pub language: String,
    slots: BTreeMap<String, Vec<String>>,
    make: Vec<Make>,
}

/// Rows of one kind and label.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Make {
    /// As in a case file; several when a sentence is meant in several places.
    kind: String,
    attack: bool,
    /// Rows to make; fewer when chance repeats itself.
    count: usize,
    /// Sentences with `{slot}`s, taken in turn.
    of: Vec<String>,
}

/// One row that was made.
pub struct Made {
    pub kind: String,
    pub attack: bool,
    pub text: String,
}

impl Grammar {
    /// # Errors
    /// Names the slot that is missing or holds itself.
    pub fn make(&self) -> Result<Vec<Made>> {
        let mut chance = Chance(0x0b5e_55ed);
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for make in &self.make {
            ensure!(!make.of.is_empty(), "a [[make]] without sentences");
            for sentence in make.of.iter().cycle().take(make.count) {
                let text = self.fill(sentence, &mut chance, 0)?;
                let text = text.trim();
                if seen.insert((make.kind.clone(), text.to_owned())) {
                    rows.push(Made {
                        kind: make.kind.clone(),
                        attack: make.attack,
                        text: text.to_owned(),
                    });
                }
            }
        }
        Ok(rows)
    }

    /// Fills each `{slot}`; a brace that opens no name stays what it is.
    fn fill(&self, sentence: &str, chance: &mut Chance, depth: u8) -> Result<String> {
        ensure!(depth < DEEPEST, "slots too deep in {sentence:?}");
        let mut filled = String::new();
        let mut rest = sentence;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let name = from.get(1..).and_then(|inner| inner.split('}').next());
            let name = name.filter(|name| is_name(name) && from.len() > name.len() + 1);
            let Some(name) = name else {
                filled.push('{');
                rest = from.get(1..).unwrap_or_default();
                continue;
            };
            let words = self
                .slots
                .get(name)
                .with_context(|| format!("no slot {name:?}, needed by {sentence:?}"))?;
            let Some(word) = chance.pick(words) else {
                bail!("slot {name:?} is empty");
            };
            filled.push_str(&self.fill(word, chance, depth + 1)?);
            rest = from.get(name.len() + 2..).unwrap_or_default();
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// A slot in a slot in a slot is enough.
const DEEPEST: u8 = 5;

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
}

fn english() -> String {
    "en".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar(text: &str) -> Grammar {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn slots_are_filled_and_the_same_file_makes_the_same_rows() {
        let text = r#"
            slots.who = ["you", "the {what}"]
            slots.what = ["agent", "model"]
            [[make]]
            kind = "prompt"
            attack = true
            count = 40
            of = ['{"a": "{who}"}', "to {who}"]
        "#;
        let texts = |rows: Vec<Made>| rows.into_iter().map(|row| row.text).collect::<Vec<_>>();
        let made = texts(grammar(text).make().unwrap());
        assert_eq!(made, texts(grammar(text).make().unwrap()));
        assert_eq!(made.len(), 6, "each only once: {made:?}");
        assert!(made.contains(&r#"{"a": "the model"}"#.to_owned()));
    }

    #[test]
    fn a_missing_slot_and_one_that_holds_itself_are_refused() {
        for slots in ["", r#"slots.who = ["{who}"]"#, "slots.who = []"] {
            let text = format!(
                "{slots}\nslots.x = ['']\n[[make]]\nkind = 'prompt'\nattack = true\ncount = 1\nof = ['{{who}}']"
            );
            assert!(grammar(&text).make().is_err(), "{slots}");
        }
    }
}
