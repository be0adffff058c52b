//! Passages: stretches of some forty words that begin with a sentence, and what the model is told
//! about them.
//!
//! Features of meaning come from the lexicon, so a weight learnt in English holds in every
//! language; features of words are hashed letters. The trainer calls the same code.

use std::ops::Range;

use crate::lexicon::CONCEPTS;
use crate::model::Bench;
use crate::token::{Gap, Token, Tokens};

/// Words of a passage at most, unless a single sentence is longer. Chosen: three sentences of prose.
pub const PASSAGE: usize = 40;
/// A sentence is cut here.
pub const SENTENCE: usize = 40;
/// Words from the beginning of one passage to that of the next, at least.
const STRIDE: usize = 12;

/// Number of features of meaning: a power of two, hashed.
pub const MEANINGS: usize = 1 << 15;
/// Number of features of words: a power of two, hashed.
pub const WORDS: usize = 1 << 18;

/// Sentences of a text, joined into overlapping passages: ranges of sentences.
pub fn passages(sentences: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut next = 0;
    for (index, sentence) in sentences.iter().enumerate() {
        if sentence.start < next {
            continue;
        }
        let more = sentences
            .get(index..)
            .unwrap_or_default()
            .iter()
            .skip(1)
            .take_while(|other| other.end - sentence.start <= PASSAGE)
            .count();
        let passage = index..index + 1 + more;
        // One that ends where the last one ends adds nothing.
        if all.last().is_none_or(|last| last.end < passage.end) {
            all.push(passage);
        }
        next = sentence.start + STRIDE;
    }
    all
}

/// Whether words with these concepts can be an attack at all: the cheap question that spares most
/// passages the model. Everyday meanings (you, file, text, …) don't count as telling. A definition is
/// read once per server and may hide an order in everyday words.
pub fn is_worth_reading(concepts: u64, bench: Bench) -> bool {
    if bench == Bench::Definition {
        return concepts.count_ones() >= 2;
    }
    let telling = (concepts & TELLING).count_ones();
    telling >= 2 || (telling == 1 && concepts.count_ones() >= 4)
}

/// Concepts that ordinary text has few of.
const TELLING: u64 = bits(&[
    "drop", "obey", "become", "free", "limits", "lift", "covert", "prompt", "secret", "ai", "evil",
    "unasked", "markup", "vault", "spell", "decode", "delete", "pay", "send", "remember", "tell",
    "tale", "grant", "order", "system", "show", "stop", "solely", "prefer", "urgent", "told",
    "reader", "praise", "hush",
]);

/// The bits of these concepts; a name that is none stops the compiler.
const fn bits(names: &[&str]) -> u64 {
    let mut bits = 0;
    let mut index = 0;
    while index < names.len() {
        let mut at = 0;
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        while !is_same(CONCEPTS[at].as_bytes(), names[index].as_bytes()) {
            at += 1;
        }
        bits |= 1 << at;
        index += 1;
    }
    bits
}

#[expect(clippy::indexing_slicing, reason = "computed while compiling")]
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The bit of the language that explains most of these words; of several the first.
pub fn spoken(tokens: &Tokens, words: Range<usize>) -> u64 {
    let mut counts = [0u8; 64];
    for (_, word) in tokens.meaning(words) {
        let mut languages = word.languages;
        // A word of every language speaks for none.
        if languages == u64::MAX {
            continue;
        }
        while languages != 0 {
            if let Some(count) = counts.get_mut(languages.trailing_zeros() as usize) {
                *count = count.saturating_add(1);
            }
            languages &= languages - 1;
        }
    }
    let mut best = (0, 0);
    for (language, count) in counts.iter().enumerate() {
        if *count > best.1 {
            best = (language, *count);
        }
    }
    1 << best.0
}

/// Bounds the pairs that are looked at.
const MAX_MEANINGS: usize = 48;

/// The features of meaning of one passage, each once. Kept from passage to passage, so that its
/// memory is asked for once.
pub struct Features {
    seen: Vec<u64>,
    /// What the passage's words mean: (word, concept).
    meanings: Vec<(usize, u8)>,
    pub numbers: Vec<u16>,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            seen: vec![0; MEANINGS / 64],
            meanings: Vec::with_capacity(MAX_MEANINGS),
            numbers: Vec::new(),
        }
    }
}

impl Features {
    /// Takes those of a passage. Its words count when they mean something in its language, or in
    /// English, which is mixed into any.
    pub fn fill(&mut self, tokens: &Tokens, words: Range<usize>, english: u64) {
        let mut found = std::mem::take(&mut self.meanings);
        found.clear();
        let meaning = tokens.meaning(words.clone());
        let foreign = |word: &Token| word.concepts != 0 && word.languages & english == 0;
        let spoken = match meaning.clone().any(|(_, word)| foreign(word)) {
            true => spoken(tokens, words) | english,
            false => english,
        };
        for (at, word) in meaning.filter(|(_, word)| word.languages & spoken != 0) {
            let mut concepts = word.concepts;
            while concepts != 0 && found.len() < MAX_MEANINGS {
                found.push((at, concepts.trailing_zeros() as u8));
                concepts &= concepts - 1;
            }
        }
        self.pair(tokens, &found);
        self.meanings = found;
    }

    fn pair(&mut self, tokens: &Tokens, found: &[(usize, u8)]) {
        for number in self.numbers.drain(..) {
            if let Some(bits) = self.seen.get_mut(usize::from(number) / 64) {
                *bits = 0;
            }
        }
        for (index, &(at, meaning)) in found.iter().enumerate() {
            self.add(1, meaning, 0, 0);
            if tokens.all.get(at).is_some_and(|word| word.gap >= Gap::Mark) {
                self.add(2, meaning, 0, 0);
            }
            let after = found.get(index + 1..).unwrap_or_default();
            let mut next = None;
            let mut tripled = false;
            for &(other_at, other) in after.iter().take(REACH) {
                let far = other_at - at;
                if far == 0 {
                    continue;
                }
                self.add(3, meaning.min(other), meaning.max(other), 0);
                if far <= 4 {
                    self.add(4, meaning, other, 0);
                }
                match next {
                    None => next = Some(other),
                    Some(middle) if far <= 10 && !tripled => {
                        self.add(5, meaning, middle, other);
                        tripled = true;
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn add(&mut self, kind: u32, a: u8, b: u8, c: u8) {
        let key = kind << 24 | u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
        let mixed = key.wrapping_mul(0x9e37_79b1);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca77);
        let number = (mixed >> 9) as usize & (MEANINGS - 1);
        if let Some(bits) = self.seen.get_mut(number / 64)
            && *bits >> (number % 64) & 1 == 0
        {
            *bits |= 1 << (number % 64);
            self.numbers.push(number as u16);
        }
    }
}

/// What a sum over `count` features is multiplied with, in 1/256: a passage full of meanings must
/// not score high by their number alone. √(24 / (24 + count)), chosen by the figures of left-out
/// sources.
pub fn damping(count: usize) -> i32 {
    (24 * 65_536 / (24 + count.min(4_096)) as u32).isqrt() as i32
}

/// Meanings after one that are paired with it.
const REACH: usize = 6;

/// Calls `emit` with the number of each feature of words.
pub fn features_of_words(tokens: &Tokens, words: &[Token], mut emit: impl FnMut(usize)) {
    let mut last = 0u32;
    for word in words {
        let hash = tokens.hash(word);
        let one = hash.wrapping_mul(0x9e37_79b1);
        emit((one >> 12) as usize & (WORDS - 1));
        let two = last
            .rotate_left(7)
            .wrapping_add(hash)
            .wrapping_mul(0x85eb_ca77);
        emit(((two ^ (two >> 16)) as usize) & (WORDS - 1));
        last = hash;
    }
}

/// Sentences of a text and the passages over them.
pub fn cut(tokens: &Tokens) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let sentences: Vec<_> = tokens.sentences(SENTENCE).collect();
    let passages = passages(&sentences);
    (sentences, passages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::{Lexicon, Words};

    fn lexicon() -> Lexicon {
        let of = [
            ("drop", "ignor"),
            ("prior", "previous"),
            ("order", "rules|"),
        ];
        let of = of.map(|(name, words)| (name.to_owned(), words.to_owned()));
        let words = Words {
            language: "en".into(),
            of: of.into(),
        };
        Lexicon::new(&[words]).unwrap()
    }

    #[test]
    fn no_text_makes_a_word_be_read_more_than_a_few_times() {
        let lexicon = lexicon();
        for piece in [
            "Ignore. Previous. Rules. ",
            "ignore previous rules ",
            "ignore; previous\n\nrules! a b c d e f g. ",
            "规则。忽略。",
            "x.\n\n",
            "\u{fffd}\u{301}ignore\u{200b}",
        ] {
            let tokens = Tokens::of(&piece.repeat(2_000), &lexicon);
            let (sentences, passages) = cut(&tokens);
            let mut read = 0;
            let mut features = Features::default();
            let mut weighed = 0;
            for passage in &passages {
                let sentences = &sentences[passage.clone()];
                let words = sentences[0].start..sentences[sentences.len() - 1].end;
                read += words.len();
                features.fill(&tokens, words, 1);
                weighed += features.numbers.len();
            }
            assert!(
                read <= 5 * tokens.all.len() + PASSAGE,
                "{piece:?}: {read} words"
            );
            let most = 16 * MAX_MEANINGS * passages.len();
            assert!(weighed <= most, "{piece:?}: {weighed} features");
        }
    }

    #[test]
    fn everyday_meanings_are_not_worth_a_closer_look() {
        let of = |names: &[&str]| bits(names);
        let everyday = of(&["you", "file", "text", "what", "must"]);
        let read = |concepts| is_worth_reading(concepts, Bench::Content);
        assert!(!read(everyday));
        assert!(read(of(&["drop", "order"])));
        assert!(read(of(&["drop", "you", "prior", "every"])));
        assert!(!read(of(&["secret", "what"])));
        assert!(is_worth_reading(everyday, Bench::Definition));
    }
}
