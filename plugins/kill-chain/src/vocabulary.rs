//! What single words mean in an order: verbs, what introduces them, what makes them insistent.
//!
//! Built once from the data's `[lexicon.orders]`; asked of every word of every result, so it is one
//! table by hash. Words of one meaning share a concept, across languages.

use serde::Deserialize;

use crate::action::{Action, Actions};
use crate::print::Printer;
use crate::stem::stem;

/// The lists as written in `feeds/data/chains.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Words before a verb that make it an order.
    lead_ins: Vec<String>,
    /// Words that put other instructions out of force, when one of `rules` follows.
    overrides: Vec<String>,
    rules: Vec<String>,
    /// Words that only somebody who talks to a language model uses.
    addressees: Vec<String>,
    /// Words for programs that read for somebody; they are other things, too.
    called: Vec<String>,
    /// Words before one of `called` that make it the one who is spoken to.
    callers: Vec<String>,
    /// Words behind one that say what it has to do.
    duties: Vec<String>,
    /// Two words that speak to whoever handles the text.
    called_pairs: Vec<String>,
    /// Words that press: one alone says little.
    urgent: Vec<String>,
    /// The same in two words.
    urgent_pairs: Vec<String>,
    /// Words that demand to be obeyed, and what follows them when an order is put above all others.
    obeys: Vec<String>,
    obeyed_pairs: Vec<String>,
    /// Two words that say that something goes elsewhere from now on.
    redirect_pairs: Vec<String>,
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
    /// Participles: what is to be done to stands before them.
    #[serde(default)]
    passive: bool,
}

/// What one word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    pub verb: Actions,
    pub marks: u16,
    /// Hash that stands for all words of this meaning; 0 where the word stands for itself.
    concept: u32,
}

impl Meaning {
    /// Of whom an order speaks to: what stood before belongs to it.
    pub fn spoken() -> Self {
        Self {
            marks: mark::ANYWHERE,
            ..Self::default()
        }
    }

    /// Of the name of a program that reads.
    pub fn program() -> Self {
        Self {
            marks: mark::CALLED,
            ..Self::default()
        }
    }

    /// Neither a verb nor one of several words for one thing.
    pub fn is_subject(self) -> bool {
        self.verb.0 == 0 && self.concept == 0
    }
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
    /// What stood before it belongs to the order.
    pub const PASSIVE: u16 = 256;
    /// Demands to be obeyed.
    pub const OBEY: u16 = 512;
    /// A program that reads, or something else of that name.
    pub const CALLED: u16 = 1024;
}

/// What two words in a row say, as bits.
pub mod pair {
    pub const URGENT: u8 = 1;
    pub const ORDER: u8 = 2;
    pub const REDIRECT: u8 = 4;
    pub const CALLED: u8 = 8;
}

#[derive(Debug)]
pub struct Vocabulary {
    slots: Vec<(u32, Meaning)>,
    mask: usize,
    /// One bit per known word, by the top of its hash: most words of a text are not here.
    known: Vec<u64>,
    /// The same for words that can begin an order or make one insistent.
    acting: Vec<u64>,
    pairs: Vec<(u32, u32, u8)>,
    callers: Vec<u32>,
    duties: Vec<u32>,
    /// Verbs and marks of scripts without blanks, found inside a run.
    dense: Dense,
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
            (&self.obeys, mark::OBEY),
            (&self.called, mark::CALLED),
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
                marks: (u16::from(group.anywhere) * mark::ANYWHERE)
                    | (u16::from(group.passive) * mark::PASSIVE),
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
        let urgent = self.urgent_pairs.iter().map(|pair| (pair, pair::URGENT));
        let orders = self.obeyed_pairs.iter().map(|pair| (pair, pair::ORDER));
        let redirects = self
            .redirect_pairs
            .iter()
            .map(|pair| (pair, pair::REDIRECT));
        let calls = self.called_pairs.iter().map(|pair| (pair, pair::CALLED));
        for (pair, kind) in urgent.chain(orders).chain(redirects).chain(calls) {
            let Some((first, second)) = pair.split_once(' ') else {
                continue;
            };
            pairs.push((printer.word(first), printer.word(second), kind));
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
            callers: self.callers.iter().map(|word| printer.word(word)).collect(),
            duties: self.duties.iter().map(|word| printer.word(word)).collect(),
            dense: Dense::new(dense),
            acting: vec![0; KNOWN_BITS / 64],
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
        let acts = meaning.verb.0 != 0 || meaning.marks & !mark::STOP != 0;
        for (bits, counts) in [(&mut self.known, true), (&mut self.acting, acts)] {
            if let Some(word) = bits.get_mut(word).filter(|_| counts) {
                *word |= bit;
            }
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

    /// Whether the word with this hash may begin an order or make one insistent.
    #[inline]
    pub fn acts(&self, hash: u32) -> bool {
        let (word, bit) = place(hash);
        self.acting.get(word).is_some_and(|word| word & bit != 0)
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
        self.dense.each(run, |meaning| {
            all.verb = all.verb.union(meaning.verb);
            all.marks |= meaning.marks;
        });
        if all.verb.0 != 0 {
            all.marks |= mark::ANYWHERE;
        }
        all
    }

    /// What two words in a row say, as bits of [`pair`].
    pub fn presses(&self, first: u32, second: u32) -> u8 {
        let own = self
            .pairs
            .iter()
            .filter(|(one, two, _)| (*one, *two) == (first, second));
        own.fold(0, |all, (.., kind)| all | kind)
    }

    /// Whether a word makes the program behind it the one who is spoken to.
    pub fn calls(&self, hash: u32) -> bool {
        self.callers.contains(&hash)
    }

    /// Whether a word behind a program says what it has to do.
    pub fn binds(&self, hash: u32) -> bool {
        self.duties.contains(&hash)
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

/// Words that are found anywhere inside a run, by the two characters they begin with.
#[derive(Debug)]
struct Dense {
    /// Sorted by those.
    words: Vec<(u64, String, Meaning)>,
    /// One bit per beginning: most characters of a text begin no word.
    begins: Vec<u64>,
}

impl Dense {
    fn new(words: Vec<(String, Meaning)>) -> Self {
        let mut begins = vec![0; KNOWN_BITS / 64];
        let mut sorted = Vec::with_capacity(words.len());
        for (word, meaning) in words {
            let mut chars = word.chars();
            let Some(first) = chars.next() else { continue };
            // A word of one character is found by it alone.
            let key = key(first, chars.next());
            let (at, bit) = place(spread(key));
            if let Some(bits) = begins.get_mut(at) {
                *bits |= bit;
            }
            sorted.push((key, word, meaning));
        }
        sorted.sort_by(|one, two| (one.0, &one.1).cmp(&(two.0, &two.1)));
        Self {
            words: sorted,
            begins,
        }
    }

    /// Calls `found` with the meaning of each word in `run`.
    fn each(&self, run: &str, mut found: impl FnMut(&Meaning)) {
        let mut rest = run.chars();
        loop {
            let here = rest.as_str();
            let Some(first) = rest.next() else { return };
            let second = rest.clone().next();
            for key in [key(first, None), key(first, second)] {
                let (at, bit) = place(spread(key));
                if self.begins.get(at).is_none_or(|bits| bits & bit == 0) {
                    continue;
                }
                let from = self.words.partition_point(|(held, ..)| *held < key);
                self.words
                    .iter()
                    .skip(from)
                    .take_while(|(held, ..)| *held == key)
                    .filter(|(_, word, _)| here.starts_with(word.as_str()))
                    .for_each(|(.., meaning)| found(meaning));
            }
        }
    }
}

fn key(first: char, second: Option<char>) -> u64 {
    u64::from(u32::from(first)) << 32 | second.map_or(0, |second| u64::from(u32::from(second)))
}

fn spread(key: u64) -> u32 {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
