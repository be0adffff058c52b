//! Which sources are left out together, and the passages of their rows.

use std::collections::BTreeMap;

use clawdefender_sdk::canonical::canonical;
use injection::lexicon::Lexicon;
use injection::model::Bench;
use injection::passage::{Beside, Features, Known, NUMBER, Wording, cut};
use injection::token::Tokens;

use crate::held::HELD;
use crate::rows::{Row, Source};

/// What the model sees of one passage: numbers of features.
pub struct Passage {
    pub meanings: Vec<u16>,
    /// As often as they occur.
    pub words: Vec<u32>,
    /// Words that count.
    pub length: usize,
}

/// A row as the trainer sees it: an attack stands in one of its passages, a harmless row has none.
pub struct Bag {
    /// Into the list of sources.
    pub source: usize,
    pub row: usize,
    pub attack: bool,
    pub bench: Bench,
    pub weight: f32,
    pub passages: Vec<Passage>,
}

/// Sources that share authors, templates or payloads.
const RELATED: [&[&str]; 4] = [
    &["agentdojo", "msb", "tool-poisoning-bench"],
    &["garak-encoding", "garak-promptinject"],
    &["cyberseceval-pi", "cyberseceval-mitre-frr"],
    &["atr-rule-tests", "pyrit-jailbreak"],
];

/// The fold of each source: related ones are in the same, the largest are spread first. What is
/// never trained on is in a fold after the last, which leaves nothing else out.
pub fn folds(sources: &[Source], count: usize) -> Vec<usize> {
    let family = |name: &str| {
        // What we wrote in a language stays together, however it was written.
        let name = name
            .strip_prefix("own-")
            .map_or(name, |own| own.trim_start_matches("made-"));
        RELATED
            .iter()
            .find(|names| names.contains(&name))
            .and_then(|names| names.first().copied())
            .unwrap_or(name)
            .to_owned()
    };
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources
        .iter()
        .filter(|source| !source.name.starts_with(HELD))
    {
        *sizes.entry(family(&source.name)).or_default() += source.rows.len();
    }
    let mut families: Vec<(usize, String)> =
        sizes.into_iter().map(|(name, size)| (size, name)).collect();
    families.sort_by(|a, b| b.cmp(a));
    let fold_of: BTreeMap<String, usize> = families
        .into_iter()
        .enumerate()
        .map(|(index, (_, name))| {
            // The largest, our own English, alone: what a model without it says is no measure of others.
            let fold = index
                .checked_sub(1)
                .map_or(0, |index| 1 + index % (count - 1));
            (name, fold)
        })
        .collect();
    sources
        .iter()
        .map(|source| fold_of.get(&family(&source.name)).copied().unwrap_or(count))
        .collect()
}

/// Bags of all rows that can be learnt from in plain text.
pub fn bags(sources: &[Source], lexicon: &Lexicon) -> Vec<Bag> {
    let english = lexicon.bit("en");
    let mut bags = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        for (number, row) in source.rows.iter().enumerate() {
            let of_label = source
                .rows
                .iter()
                .filter(|r| r.attack == row.attack)
                .count();
            bags.push(Bag {
                source: index,
                row: number,
                attack: row.attack,
                bench: Bench::of(&row.kind),
                weight: row.weight * weight(source, of_label, row.attack) * honest(row),
                passages: passages(row, lexicon, english),
            });
        }
    }
    bags
}

/// Weight of a harmless definition: no tool of an honest server may vanish, and attacks on definitions are few.
const DEFINITION: f32 = 3.0;
/// Weight of a row that was made of slots.
const MADE: f32 = 0.05;

/// A templated source of 400 rows must not count 400 times as much as one sentence of ours.
fn weight(source: &Source, rows: usize, attack: bool) -> f32 {
    if source.name.starts_with("own-made-") {
        return MADE;
    }
    if source.name.starts_with("own-") {
        return 1.0;
    }
    match attack {
        true => (60.0 / rows as f32).sqrt().clamp(0.3, 1.5),
        false => 1.0,
    }
}

fn honest(row: &Row) -> f32 {
    match !row.attack && Bench::of(&row.kind) == Bench::Definition {
        true => DEFINITION,
        false => 1.0,
    }
}

fn passages(row: &Row, lexicon: &Lexicon, english: u64) -> Vec<Passage> {
    let text = canonical(&row.text).map_or_else(|| row.text.clone(), |view| view.text);
    let tokens = Tokens::of(&text, lexicon);
    let (sentences, passages) = cut(&tokens);
    let mut features = Features::default();
    let mut wording = Wording::default();
    let mut beside = Beside::default();
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut known = Known::default();
    let of_words: Vec<(Vec<u32>, bool)> = tokens
        .all
        .iter()
        .enumerate()
        .map(|(at, token)| {
            let word = tokens.letters(token);
            let ((mut numbers, hashes), again) = known.of(word, at, || {
                let mut numbers = Vec::new();
                let hashes = wording.alone(word, |at| numbers.push(small(at)));
                (numbers, hashes)
            });
            let again = again || hashes == NUMBER;
            if again {
                numbers.clear();
            }
            beside.take(hashes, again, |at| numbers.push(small(at)));
            (numbers, !again)
        })
        .collect();
    passages
        .into_iter()
        .filter_map(|passage| {
            let sentences = sentences.get(passage)?;
            let range = sentences.first()?.start..sentences.last()?.end;
            features.fill(&tokens, range.clone(), english);
            let of_words = of_words.get(range)?;
            Some(Passage {
                meanings: features.numbers.clone(),
                words: of_words
                    .iter()
                    .flat_map(|(numbers, _)| numbers)
                    .copied()
                    .collect(),
                length: of_words.iter().filter(|(_, counts)| *counts).count(),
            })
        })
        .collect()
}
