//! Passages: stretches of some forty words that begin with a sentence, and what the model is told
//! about them.
//!
//! Features of meaning come from the lexicon, so a weight learnt in English holds in every
//! language; features of words are hashed letters. The trainer calls the same code.

use std::ops::Range;

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
pub const WORDS: usize = 1 << 19;

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

/// Meanings after one that are paired with it.
const REACH: usize = 6;

/// Letters of a word at most. Chosen: longer ones are digests, tables and what was run together.
const LETTERS: usize = 24;
/// Digits that a number, an id or a code has at least; they are half of it or more.
const MANY_DIGITS: usize = 2;
/// Stands for the hash of those and of words of ASCII that are longer than [`LETTERS`]. They have no
/// features of their own and count as words that came again, so that a table of them weighs no more
/// than one.
pub const NUMBER: [u32; 2] = [HASH, !HASH];
/// Letters of a run that is a feature. Chosen by the figures of left-out sources: runs of three to five
/// find less and cost more.
const RUN: usize = 4;

/// Letters that a word begins with, its edge included.
const BEGINNING: usize = 5;
/// Odd numbers without a pattern, one for each letter of a run.
const PRIMES: [u32; RUN] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f];

/// What is weighed of words: of each alone the word and its runs of [`RUN`] letters, its edges
/// included, and of neighbours the pairs. All digits are one letter.
#[derive(Default)]
pub struct Wording {
    /// The letters of a word, with what stands for its edges.
    letters: Vec<u32>,
}

/// The pairs of neighbours.
#[derive(Default)]
pub struct Beside {
    /// The hash of the last word and of how it begins.
    last: [u32; 2],
    /// Whether the last word is one that came again.
    again: bool,
}

impl Wording {
    /// Calls `emit` with the number of each feature of the word itself, and tells its hash.
    pub fn alone(&mut self, word: &str, mut emit: impl FnMut(usize)) -> [u32; 2] {
        self.letters.clear();
        self.letters.push(EDGE);
        let mut digits = 0;
        let letters = word.chars().take(LETTERS + 1).map(|letter| match letter {
            '0'..='9' => {
                digits += 1;
                u32::from('0')
            }
            other => u32::from(other),
        });
        self.letters.extend(letters);
        let length = self.letters.len() - 1;
        let is_code = digits >= MANY_DIGITS && digits * 2 >= length;
        // Above ASCII it may be a clause of a script that parts no words.
        if is_code || (length > LETTERS && word.is_ascii()) {
            return NUMBER;
        }
        self.letters.truncate(LETTERS + 1);
        self.letters.push(EDGE);
        let (mut whole, mut begins) = (HASH, 0);
        for (index, letter) in self.letters.iter().enumerate() {
            whole = mix(whole, *letter);
            if index < BEGINNING {
                begins = !whole;
            }
        }
        emit(number(whole));
        for run in self.letters.windows(RUN) {
            // No step waits for the one before.
            let sum = run.iter().zip(PRIMES).fold(0u32, |sum, (letter, prime)| {
                sum.wrapping_add(letter.wrapping_mul(prime))
            });
            emit(number(sum));
        }
        [whole, begins]
    }
}

impl Beside {
    /// Calls `emit` with the number of each feature of a word and the one before it, unless it comes
    /// `again` right after another one that does.
    pub fn take(&mut self, [whole, begins]: [u32; 2], again: bool, mut emit: impl FnMut(usize)) {
        let [last, began] = self.last;
        if !(again && self.again) {
            emit(number(
                last.rotate_left(5).wrapping_add(whole) ^ 0x5bd1_e995,
            ));
            emit(number(
                began.rotate_left(7).wrapping_add(begins) ^ 0xcc9e_2d51,
            ));
        }
        self.last = [whole, begins];
        self.again = again;
    }
}

/// Words of a text by a few places: what was found out about a word that comes again, and where it stood
/// last. Depends on nothing but the text.
pub struct Known<'t, T>(Vec<Option<(&'t str, usize, T)>>);

/// Places for words. Chosen: ordinary text of a few KB has fewer different ones.
const PLACES: usize = 512;

impl<T> Default for Known<'_, T> {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(PLACES).collect())
    }
}

impl<'t, T: Clone> Known<'t, T> {
    /// What `look` says of the word, and whether the same word stood at most a passage before.
    pub fn of(&mut self, word: &'t str, at: usize, look: impl FnOnce() -> T) -> (T, bool) {
        let bytes = word.as_bytes();
        let sum = bytes.iter().fold(bytes.len(), |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        let Some(place) = self.0.get_mut(sum % PLACES) else {
            return (look(), false);
        };
        if let Some((known, last, said)) = place
            && *known == word
        {
            let again = at - *last <= PASSAGE;
            *last = at;
            return (said.clone(), again);
        }
        let said = look();
        *place = Some((word, at, said.clone()));
        (said, false)
    }
}

/// What stands for the edge of a word: no letter.
const EDGE: u32 = 0x11_0000;
/// FNV-1a, 32 bits, a letter at a time.
const HASH: u32 = 0x811c_9dc5;

fn mix(hash: u32, letter: u32) -> u32 {
    (hash ^ letter).wrapping_mul(0x0100_0193).rotate_left(9)
}

fn number(hash: u32) -> usize {
    let mixed = (hash ^ (hash >> 15)).wrapping_mul(0x85eb_ca77);
    (mixed ^ (mixed >> 13)) as usize & (WORDS - 1)
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
    fn a_word_counts_once_within_a_passage() {
        let mut known = Known::default();
        let mut looked = 0;
        let mut again = Vec::new();
        for (at, word) in [(0, "rules"), (1, "ignore"), (40, "rules"), (90, "rules")] {
            let (said, came) = known.of(word, at, || {
                looked += 1;
                word.len()
            });
            assert_eq!(said, word.len());
            again.push(came);
        }
        assert_eq!((looked, again), (2, vec![false, false, true, false]));
    }

    #[test]
    fn a_word_shares_features_with_its_kin_and_none_with_a_stranger() {
        let features = |word: &str| {
            let mut all = std::collections::BTreeSet::new();
            Wording::default().alone(word, |at| _ = all.insert(at));
            all
        };
        let shared = |one, other| features(one).intersection(&features(other)).count();
        assert!(shared("instruction", "instructions") >= 8);
        assert_eq!(shared("instruction", "weather"), 0);
        assert!(features("2026").is_empty() && features("0x2f9c2").is_empty());
        assert!(!features("22ignore").is_empty());
        assert!(features(&"mv".repeat(13)).is_empty() && !features(&"བོ".repeat(13)).is_empty());
        // Short ones are known whole.
        assert_eq!(features("a").len(), 1);
    }
}
