//! What single words mean in an order: verbs, what introduces them, what makes them insistent.
//!
//! Built once from the data's `[lexicon.orders]`; asked of every word of every result, so it is one
//! table by hash. Words of one meaning share a concept, across languages.

use serde::Deserialize;

use crate::action::{Action, Actions};
use crate::print::Printer;
use crate::words::stem;

/// The lists as written in `feeds/data/chains.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Words before a verb that make it an order.
    lead_ins: Vec<String>,
    /// Words that put other instructions out of force, when one of `rules` follows.
    overrides: Vec<String>,
    rules: Vec<String>,
    /// Words that only somebody who talks to a language model uses.
    addressees: Vec<String>,
    /// Words that press: one alone says little.
    urgent: Vec<String>,
    /// The same in two words.
    urgent_pairs: Vec<String>,
    /// Words that say nothing about what is to be done.
    stops: Vec<String>,
    /// Groups of words of one meaning; the first names it.
    same: Vec<Vec<String>>,
    verbs: Vec<Verbs>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verbs {
    words: Vec<String>,
    action: Vec<Action>,
    /// Forms that only orders have: they need no lead-in.
    #[serde(default)]
    anywhere: bool,
}

/// What one word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    pub verb: Actions,
    pub marks: u16,
    /// Hash that stands for all words of this meaning; 0 where the word stands for itself.
    concept: u32,
}

/// Bits of [`Meaning::marks`].
pub mod mark {
    pub const LEAD_IN: u16 = 1;
    pub const OVERRIDE: u16 = 2;
    pub const RULE: u16 = 4;
    pub const ADDRESSEE: u16 = 8;
    pub const URGENT: u16 = 16;
    pub const STOP: u16 = 32;
    pub const ANYWHERE: u16 = 64;
    /// May be the second word of a pair that presses.
    pub const SECOND: u16 = 128;
}

#[derive(Debug)]
pub struct Vocabulary {
    slots: Vec<(u32, Meaning)>,
    mask: usize,
    /// One bit per known word, by the top of its hash: most words of a text are not here.
    known: Vec<u64>,
    pairs: Vec<(u32, u32)>,
    /// Verbs and marks of scripts without blanks, found inside a run.
    dense: Vec<(String, Meaning)>,
    printer: Printer,
}

/// Bits of the first look: 8 KiB, which stays in the first-level cache.
const KNOWN_BITS: usize = 1 << 16;

fn place(hash: u32) -> (usize, u64) {
    let bit = (hash >> 16) as usize % KNOWN_BITS;
    (bit / 64, 1 << (bit % 64))
}

impl Orders {
    pub fn compile(&self, printer: Printer) -> Vocabulary {
        let mut all: Vec<(String, Meaning)> = Vec::new();
        for (list, marks) in [
            (&self.lead_ins, mark::LEAD_IN),
            (&self.overrides, mark::OVERRIDE),
            (&self.rules, mark::RULE),
            (&self.addressees, mark::ADDRESSEE),
            (&self.urgent, mark::URGENT),
            (&self.stops, mark::STOP),
        ] {
            let meaning = Meaning {
                marks,
                ..Meaning::default()
            };
            all.extend(list.iter().map(|word| (word.clone(), meaning)));
        }
        for group in &self.verbs {
            let meaning = Meaning {
                verb: group.action.iter().copied().collect(),
                marks: if group.anywhere { mark::ANYWHERE } else { 0 },
                concept: 0,
            };
            all.extend(group.words.iter().map(|word| (word.clone(), meaning)));
        }
        for group in &self.same {
            let concept = group.first().map_or(0, |word| printer.plain(stem(word)));
            let meaning = Meaning {
                concept,
                ..Meaning::default()
            };
            all.extend(group.iter().map(|word| (word.clone(), meaning)));
        }
        let mut pairs = Vec::new();
        for pair in &self.urgent_pairs {
            let Some((first, second)) = pair.split_once(' ') else {
                continue;
            };
            pairs.push((printer.word(first), printer.word(second)));
            let meaning = Meaning {
                marks: mark::SECOND,
                ..Meaning::default()
            };
            all.push((second.to_owned(), meaning));
        }
        let dense: Vec<_> = all
            .iter()
            .filter(|(word, _)| word.chars().any(|char| char >= '\u{0600}'))
            .cloned()
            .collect();
        let size = (all.len() * 4).next_power_of_two();
        let mut vocabulary = Vocabulary {
            slots: vec![(0, Meaning::default()); size],
            mask: size - 1,
            known: vec![0; KNOWN_BITS / 64],
            pairs,
            dense,
            printer,
        };
        for (word, meaning) in &all {
            vocabulary.add(printer.word(word), *meaning);
        }
        vocabulary
    }
}

impl Vocabulary {
    fn add(&mut self, hash: u32, meaning: Meaning) {
        let (word, bit) = place(hash);
        if let Some(word) = self.known.get_mut(word) {
            *word |= bit;
        }
        let mut at = hash as usize & self.mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.1 == Meaning::default() || slot.0 == hash {
                slot.0 = hash;
                slot.1.verb = slot.1.verb.union(meaning.verb);
                slot.1.marks |= meaning.marks;
                if slot.1.concept == 0 {
                    slot.1.concept = meaning.concept;
                }
                return;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// What the word with this hash is; nothing for most.
    pub fn meaning(&self, hash: u32) -> Meaning {
        let (word, bit) = place(hash);
        if self.known.get(word).is_none_or(|word| word & bit == 0) {
            return Meaning::default();
        }
        let mut at = hash as usize & self.mask;
        while let Some(&(held, meaning)) = self.slots.get(at) {
            if held == hash || meaning == Meaning::default() {
                return meaning;
            }
            at = (at + 1) & self.mask;
        }
        Meaning::default()
    }

    /// What a run of a script without blanks holds, all of it together.
    pub fn inside(&self, run: &str) -> Meaning {
        let mut all = Meaning::default();
        for (_, meaning) in self
            .dense
            .iter()
            .filter(|(word, _)| run.contains(word.as_str()))
        {
            all.verb = all.verb.union(meaning.verb);
            all.marks |= meaning.marks;
        }
        if all.verb.0 != 0 {
            all.marks |= mark::ANYWHERE;
        }
        all
    }

    pub fn presses(&self, first: u32, second: u32) -> bool {
        self.pairs.contains(&(first, second))
    }

    /// What a word is compared by: its concept, or its stem's hash. `None` for a
    /// word that says nothing.
    pub fn content(&self, word: &str, meaning: Meaning) -> Option<u32> {
        if word.len() < 2 || meaning.marks & mark::STOP != 0 {
            return None;
        }
        if meaning.concept != 0 {
            return Some(meaning.concept);
        }
        Some(self.printer.plain(stem(word)))
    }
}
