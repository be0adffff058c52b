//! The statistical model: what it weighs is in `passage.rs`, how it was trained in `lab/`.
//!
//! Integers only, so that every machine gives the same score. Two tables of signed bytes: weights of
//! meanings, which decide alone whether a passage is worth a closer look, and weights of words,
//! which can move the score by a bounded amount and so can't drown the meanings.

use std::ops::Range;

use clawdefender_sdk::Kind;

use crate::lexicon::CONCEPTS;
use crate::passage::{
    Features, MEANINGS, WORDS, damping, features_of_words, is_worth_reading, spoken,
};
use crate::surface::Surface;
use crate::token::Tokens;

/// A model ready to score. Weights and scores are in steps of 1/[`STEPS`] logit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub bias: i32,
    /// By [`Bench`]: what all words of a passage together can add or take away at most.
    pub word_caps: [i32; BENCHES],
    /// By [`Bench`]: from which score on a passage is probable, and from which sure.
    pub thresholds: [[i32; 2]; BENCHES],
    pub meanings: Vec<i8>,
    pub words: Vec<i8>,
}

/// Steps of one logit.
pub const STEPS: i32 = 16;
/// Number of benches.
pub const BENCHES: usize = 3;

/// Which thresholds apply: tools describe themselves in imperatives, users ask in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bench {
    Content,
    Definition,
    Prompt,
}

impl Bench {
    pub fn of(kind: &Kind) -> Self {
        match Surface::of(kind) {
            Surface::Definition => Self::Definition,
            Surface::Prompt | Surface::Outgoing => Self::Prompt,
            Surface::Content | Surface::Result => Self::Content,
        }
    }

    /// Its place in lists by bench.
    pub fn index(self) -> usize {
        match self {
            Self::Content => 0,
            Self::Definition => 1,
            Self::Prompt => 2,
        }
    }

    /// Each feature has a weight that holds everywhere and one of its bench, in the same table: the
    /// number of the second is that of the first with these bits turned, for meanings and words.
    pub fn shift(self) -> [usize; 2] {
        match self {
            Self::Content => [0x2c5b, 0x1_9e37],
            Self::Definition => [0x5a3d, 0x2_c6ef],
            Self::Prompt => [0x7196, 0x3_7a15],
        }
    }
}

/// What is scored: the text, its threshold, and memory that is reused.
struct Look<'t> {
    tokens: &'t Tokens,
    /// The bit of English, which is mixed into any language.
    english: u64,
    bench: Bench,
    least: i32,
    features: Features,
}

/// A passage that reads like an attack.
#[derive(Debug, PartialEq, Eq)]
pub struct Scored {
    /// Words.
    pub words: Range<usize>,
    pub score: i32,
    /// The bit of its language.
    pub language: u64,
}

impl Model {
    /// # Errors
    /// One sentence naming what is damaged or unknown.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (body, sum) = bytes
            .split_last_chunk::<8>()
            .ok_or("the model is cut short")?;
        if fnv(body) != u64::from_le_bytes(*sum) {
            return Err("the model is damaged: its checksum differs".into());
        }
        let mut rest = body;
        let mut take = |count: usize| {
            let (head, tail) = rest
                .split_at_checked(count)
                .ok_or("the model is cut short")?;
            rest = tail;
            Ok::<_, String>(head)
        };
        if take(4)? != MAGIC {
            return Err("this is no model of this detector".into());
        }
        let mut number =
            || Ok::<_, String>(i32::from_le_bytes(take(4)?.try_into().unwrap_or_default()));
        let format = number()?;
        if format != FORMAT {
            return Err(format!("model format {format} is unknown, not {FORMAT}"));
        }
        let concepts = number()?;
        if usize::try_from(concepts) != Ok(CONCEPTS.len()) {
            return Err(format!(
                "the model was trained on {concepts} concepts, this detector has {}",
                CONCEPTS.len()
            ));
        }
        let bias = number()?;
        let mut word_caps = [0; BENCHES];
        for cap in &mut word_caps {
            *cap = number()?;
        }
        let mut thresholds = [[0; 2]; BENCHES];
        for threshold in thresholds.iter_mut().flatten() {
            *threshold = number()?;
        }
        let mut table = |count: usize| {
            let bytes = take(count)?;
            Ok::<_, String>(bytes.iter().map(|byte| byte.cast_signed()).collect())
        };
        let (meanings, words) = (table(MEANINGS)?, table(WORDS)?);
        if !rest.is_empty() {
            return Err("the model is longer than it says".into());
        }
        Ok(Self {
            bias,
            word_caps,
            thresholds,
            meanings,
            words,
        })
    }

    /// What [`Model::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let concepts = i32::try_from(CONCEPTS.len()).unwrap_or(i32::MAX);
        let head = [FORMAT, concepts, self.bias];
        let numbers = head.iter().chain(&self.word_caps);
        for number in numbers.chain(self.thresholds.iter().flatten()) {
            bytes.extend(number.to_le_bytes());
        }
        let weights = self.meanings.iter().chain(&self.words);
        bytes.extend(weights.map(|weight| weight.cast_unsigned()));
        let sum = fnv(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// The score of a stretch of words, or `None` when its meanings alone keep it below `least`.
    fn score(&self, look: &mut Look, words: Range<usize>) -> Option<i32> {
        let tokens = look.tokens;
        if !is_worth_reading(tokens.concepts_of(words.clone()), look.bench) {
            return None;
        }
        look.features.fill(tokens, words.clone(), look.english);
        let weight = |table: &[i8], at: usize| table.get(at).map_or(0, |weight| i32::from(*weight));
        let numbers = &look.features.numbers;
        let [of_meaning, of_words] = look.bench.shift();
        let meant: i32 = numbers
            .iter()
            .map(|number| usize::from(*number))
            .map(|at| weight(&self.meanings, at) + weight(&self.meanings, at ^ of_meaning))
            .sum();
        let mut score = self.bias + ((meant * damping(numbers.len())) >> 8);
        let cap = self
            .word_caps
            .get(look.bench.index())
            .map_or(0, |cap| (*cap).max(0));
        if score + cap < look.least {
            return None;
        }
        let mut said = 0;
        features_of_words(tokens, tokens.all.get(words)?, |at| {
            said += weight(&self.words, at) + weight(&self.words, at ^ of_words);
        });
        score += said.clamp(-cap, cap);
        (score >= look.least).then_some(score)
    }

    /// The passages of a text that reach the lower threshold of the bench, at most [`MAX_FOUND`],
    /// each narrowed to the sentences that carry it.
    pub fn find(
        &self,
        tokens: &Tokens,
        sentences: &[Range<usize>],
        passages: &[Range<usize>],
        bench: Bench,
        english: u64,
    ) -> Vec<Scored> {
        let [least, _] = self.of_bench(bench);
        let mut look = Look {
            tokens,
            english,
            bench,
            least,
            features: Features::default(),
        };
        let mut found: Vec<Scored> = Vec::new();
        for passage in passages {
            let Some(sentences) = sentences.get(passage.clone()) else {
                continue;
            };
            let Some(whole) = span(sentences) else {
                continue;
            };
            let Some(score) = self.score(&mut look, whole.clone()) else {
                continue;
            };
            if let Some(last) = found.last_mut()
                && whole.start < last.words.end
            {
                last.score = last.score.max(score);
                continue;
            }
            let narrow = self.narrow(&mut look, sentences);
            let words = narrow.unwrap_or(whole);
            let languages = spoken(tokens, words.clone());
            found.push(Scored {
                words,
                score,
                language: languages,
            });
            if found.len() == MAX_FOUND {
                break;
            }
        }
        found
    }

    /// The fewest neighbouring sentences that reach `least` alone.
    fn narrow(&self, look: &mut Look, sentences: &[Range<usize>]) -> Option<Range<usize>> {
        (1..sentences.len()).find_map(|count| {
            sentences
                .windows(count)
                .filter_map(span)
                .filter_map(|words| {
                    let score = self.score(look, words.clone())?;
                    Some((score, words))
                })
                .max_by_key(|(score, _)| *score)
                .map(|(_, words)| words)
        })
    }

    pub fn of_bench(&self, bench: Bench) -> [i32; 2] {
        self.thresholds
            .get(bench.index())
            .copied()
            .unwrap_or([i32::MAX; 2])
    }
}

/// Findings of the model in one text; a flood of them adds nothing.
const MAX_FOUND: usize = 8;
const MAGIC: &[u8] = b"CDIM";
const FORMAT: i32 = 3;

fn span(sentences: &[Range<usize>]) -> Option<Range<usize>> {
    Some(sentences.first()?.start..sentences.last()?.end)
}

/// FNV-1a, 64 bits: finds damage, not forgery; the feed's signature does that.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Model {
        Model {
            bias: -40,
            word_caps: [30, 40, 50],
            thresholds: [[1, 2], [3, 4], [5, 6]],
            meanings: vec![1; MEANINGS],
            words: vec![-1; WORDS],
        }
    }

    #[test]
    fn a_model_survives_the_way_into_bytes_and_back() {
        assert_eq!(Model::parse(&small().to_bytes()), Ok(small()));
    }

    #[test]
    fn a_damaged_or_unknown_model_is_refused() {
        let good = small().to_bytes();
        for at in [0, 5, 40, 20_000, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Model::parse(&bad).is_err(), "{at}");
        }
        assert!(Model::parse(&[]).is_err());
        assert!(Model::parse(&good[..good.len() - 9]).is_err());
        // Well formed, but of another format or for another list of concepts.
        for at in [4, 8] {
            let mut other = good[..good.len() - 8].to_vec();
            other[at] += 1;
            let sum = fnv(&other);
            other.extend(sum.to_le_bytes());
            let said = Model::parse(&other).unwrap_err();
            assert!(
                said.contains("format") || said.contains("concepts"),
                "{said}"
            );
        }
    }
}
