//! The statistical model: what it weighs is in `passage.rs`, how it was trained in `lab/`.
//!
//! Integers only, so that every machine gives the same score. Two tables of signed bytes: weights of
//! meanings and weights of words, each summed over a passage and divided by the root of how many there
//! were. What words say of all passages is known from one sum along the text, so most passages are
//! settled by a subtraction; meanings are looked at where they could still turn the score.

use std::ops::Range;

use clawdefender_sdk::Kind;

use crate::lexicon::CONCEPTS;
use crate::passage::{Beside, Features, Known, MEANINGS, NUMBER, WORDS, Wording, spoken};
use crate::surface::Surface;
use crate::token::Tokens;

/// A model ready to score. Scores are in steps of 1/[`STEPS`] logit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// By [`Bench`]: the score of a passage that says nothing.
    pub biases: [i32; BENCHES],
    /// What one unit of a weight of meanings, and of words, is worth: steps / 65,536.
    pub units: [i32; 2],
    /// What all meanings of a passage together can add at most.
    pub meant_most: i32,
    /// By [`Bench`]: from which score on a passage is probable, and from which sure.
    pub thresholds: [[i32; 2]; BENCHES],
    pub meanings: Vec<i8>,
    pub words: Vec<i8>,
}

/// Steps of one logit.
pub const STEPS: i32 = 16;
/// Passages with fewer meanings or words are divided by the roots of these: a single one proves little.
pub const FEWEST: [usize; 2] = [8, 8];
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

    /// A feature of meaning has a weight that holds everywhere and one of its bench, in the same table:
    /// the number of the second is that of the first with these bits turned.
    pub fn shift(self) -> usize {
        match self {
            Self::Content => 0x2c5b,
            Self::Definition => 0x5a3d,
            Self::Prompt => 0x7196,
        }
    }
}

/// What is scored: the text, its threshold, and memory that is reused.
struct Look<'t> {
    tokens: &'t Tokens,
    /// What the words before each word weigh together, and how many they are.
    said: Vec<(i32, u32)>,
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
        let mut numbers = [0; BENCHES + 3];
        for slot in &mut numbers {
            *slot = number()?;
        }
        let [
            content,
            definition,
            prompt,
            of_meaning,
            of_words,
            meant_most,
        ] = numbers;
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
            biases: [content, definition, prompt],
            units: [of_meaning, of_words],
            meant_most,
            thresholds,
            meanings,
            words,
        })
    }

    /// What [`Model::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let concepts = i32::try_from(CONCEPTS.len()).unwrap_or(i32::MAX);
        let head = [FORMAT, concepts];
        let numbers = head.iter().chain(&self.biases).chain(&self.units);
        let numbers = numbers.chain([&self.meant_most]);
        for number in numbers.chain(self.thresholds.iter().flatten()) {
            bytes.extend(number.to_le_bytes());
        }
        let weights = self.meanings.iter().chain(&self.words);
        bytes.extend(weights.map(|weight| weight.cast_unsigned()));
        let sum = fnv(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// What the words before each word weigh together, and how many count: one that comes again within
    /// a passage does not. One entry more than words.
    fn said(&self, tokens: &Tokens) -> Vec<(i32, u32)> {
        let weight = |at: usize| self.words.get(at).map_or(0, |weight| i32::from(*weight));
        let mut wording = Wording::default();
        let mut known = Known::default();
        let each = tokens.all.iter().enumerate().map(|(at, token)| {
            let ((own, hashes), again) = known.of(tokens.letters(token), at, || {
                let mut own = 0;
                let hashes = wording.alone(tokens.letters(token), |at| own += weight(at));
                (own, hashes)
            });
            (own, hashes, again || hashes == NUMBER)
        });
        // Two passes: in a small loop the processor waits for many weights at once.
        let each: Vec<_> = each.collect();
        let mut beside = Beside::default();
        let (mut sum, mut count) = (0, 0);
        let mut said = Vec::with_capacity(each.len() + 1);
        said.push((sum, count));
        for (own, hashes, again) in each {
            if !again {
                sum += own;
                count += 1;
            }
            beside.take(hashes, again, |at| sum += weight(at));
            said.push((sum, count));
        }
        said
    }

    /// What words say of a passage, its bench's bias included.
    fn of_words(&self, look: &Look, words: &Range<usize>) -> i32 {
        let until = |at: usize| look.said.get(at).copied().unwrap_or_default();
        let ((before, first), (after, last)) = (until(words.start), until(words.end));
        let (said, count) = (after - before, (last - first) as usize);
        let bias = self.biases.get(look.bench.index());
        let [_, unit] = self.units;
        let [_, fewest] = FEWEST;
        bias.copied().unwrap_or_default() + share(said, unit, count.max(fewest))
    }

    /// The score of a stretch of words, or `None` when it is below `least`.
    fn score(&self, look: &mut Look, words: Range<usize>) -> Option<i32> {
        let said = self.of_words(look, &words);
        if said + self.meant_most < look.least {
            return None;
        }
        look.features.fill(look.tokens, words, look.english);
        let weight = |at: usize| self.meanings.get(at).map_or(0, |weight| i32::from(*weight));
        let numbers = &look.features.numbers;
        let shift = look.bench.shift();
        let meant = numbers
            .iter()
            .map(|number| usize::from(*number))
            .map(|at| weight(at) + weight(at ^ shift))
            .sum();
        let [unit, _] = self.units;
        let [fewest, _] = FEWEST;
        let meant = share(meant, unit, numbers.len().max(fewest));
        let score = said + meant.min(self.meant_most);
        (score >= look.least).then_some(score)
    }

    /// The passages of a text that reach the lower threshold of the bench, each narrowed to the sentences
    /// that carry it, until `found` has heard enough and says no.
    pub fn find(
        &self,
        tokens: &Tokens,
        sentences: &[Range<usize>],
        passages: &[Range<usize>],
        bench: Bench,
        english: u64,
        mut found: impl FnMut(Scored) -> bool,
    ) {
        let [least, _] = self.of_bench(bench);
        let mut look = Look {
            tokens,
            said: self.said(tokens),
            english,
            bench,
            least,
            features: Features::default(),
        };
        let mut last: Option<Scored> = None;
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
            if let Some(last) = &mut last
                && whole.start < last.words.end
            {
                last.score = last.score.max(score);
                continue;
            }
            let narrow = self.narrow(&mut look, sentences);
            let words = narrow.unwrap_or(whole);
            let language = spoken(tokens, words.clone());
            let before = last.replace(Scored {
                words,
                score,
                language,
            });
            if before.is_some_and(|before| !found(before)) {
                return;
            }
        }
        if let Some(last) = last {
            found(last);
        }
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
const MAGIC: &[u8] = b"CDIM";
const FORMAT: i32 = 5;

/// A sum of weights over the root of `count`, in steps.
fn share(sum: i32, unit: i32, count: usize) -> i32 {
    let count = u32::try_from(count.clamp(1, 0xffff)).unwrap_or(0xffff);
    let root = i64::from((count << 16).isqrt());
    let share = i64::from(sum) * i64::from(unit) / (root << 8);
    i32::try_from(share).unwrap_or(if share < 0 {
        i32::MIN / 4
    } else {
        i32::MAX / 4
    })
}

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
            biases: [-40, -41, -42],
            units: [30, 40],
            meant_most: 50,
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
    fn a_sum_is_divided_by_the_root_of_its_count() {
        assert_eq!(share(1_000, 65_536, 4), 500);
        assert_eq!(share(-1_000, 65_536, 100), -100);
        assert_eq!(share(i32::MAX, i32::MAX, 1), i32::MAX / 4);
        assert_eq!(share(5, 65_536, 0), 5);
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
