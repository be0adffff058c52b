//! The trained artifact: two tables of weights, of passages and of calls, in one file.

use crate::harm::Harm;
use crate::tone::Tone;

const MAGIC: &[u8; 4] = b"cdtn";
/// Of features, weights and file together.
const FORMAT: u32 = 2;
const HEADER: usize = 8;
/// Bias, unit and two thresholds.
const NUMBERS: usize = 16;
const TABLE: usize = NUMBERS + WEIGHTS;
/// One byte a weight. Chosen by the figures of left-out authors (docs/kill-chains.md).
pub const BITS: u32 = 16;
pub const WEIGHTS: usize = 1 << BITS;
/// Spreads bits: 2^32 divided by the golden ratio.
const SPREAD_32: u32 = 0x9e37_79b1;

/// Both models of the detector.
pub struct Models {
    pub tone: Tone,
    pub harm: Harm,
}

/// Weights of features by their number, and how sums of them become scores.
#[derive(Clone, Debug)]
pub struct Table {
    pub bias: f32,
    /// Logits of one step of a weight.
    pub unit: f32,
    /// Two, not falling; of what is for the model to say.
    pub thresholds: [f32; 2],
    pub weights: Vec<i8>,
}

impl Models {
    /// Reads an artifact's bytes.
    ///
    /// # Errors
    /// One sentence: why these are no models.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |why: &str| format!("the model {why}");
        let rest = bytes.strip_prefix(MAGIC).and_then(|rest| {
            let (format, rest) = rest.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*format), rest))
        });
        let Some((format, rest)) = rest else {
            return Err(wrong("is damaged: wrong beginning"));
        };
        if format != FORMAT {
            return Err(wrong("has another format"));
        }
        let tables = rest.split_at_checked(TABLE);
        let Some((tone, harm)) = tables.filter(|(_, harm)| harm.len() == TABLE) else {
            return Err(wrong("is damaged: wrong length"));
        };
        Ok(Self {
            tone: Tone(Table::parse(tone).map_err(wrong)?),
            harm: Harm(Table::parse(harm).map_err(wrong)?),
        })
    }

    /// The bytes of an artifact with these tables.
    pub fn to_bytes(tone: &Table, harm: &Table) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + 2 * TABLE);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        for table in [tone, harm] {
            let [low, high] = table.thresholds;
            for number in [table.bias, table.unit, low, high] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(table.weights.iter().map(|weight| weight.cast_unsigned()));
        }
        bytes
    }
}

impl Table {
    /// One that knows nothing: no passage and no call ever reaches its thresholds.
    pub fn empty() -> Self {
        Self {
            bias: -100.0,
            unit: 1.0,
            thresholds: [100.0; 2],
            weights: vec![0; WEIGHTS],
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let number = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes))
        };
        let [bias, unit, low, high] = [0, 4, 8, 12].map(number);
        let sound = [bias, unit, low, high].iter().all(|own| own.is_finite());
        if !sound || unit <= 0.0 || high < low {
            return Err("has impossible numbers");
        }
        let weights = bytes.get(NUMBERS..).unwrap_or_default();
        Ok(Self {
            bias,
            unit,
            thresholds: [low, high],
            weights: weights.iter().map(|byte| byte.cast_signed()).collect(),
        })
    }

    #[inline(always)]
    pub fn weight(&self, feature: u32) -> i32 {
        let weight = self.weights.get(feature as usize).copied();
        i32::from(weight.unwrap_or(0))
    }

    /// The score of `features` many features whose weights sum up to `sum`, in logits.
    pub fn score(&self, sum: i32, features: u32) -> f32 {
        self.bias + self.unit * sum as f32 / root(features)
    }
}

/// Fewer features are weighed as if they were so many: two words prove nothing.
const FEWEST: f32 = 48.0;

/// What the sum of so many features is divided by.
pub fn root(features: u32) -> f32 {
    (features as f32).max(FEWEST).sqrt()
}

/// Two features as one, before it gets its number.
pub fn pair(first: u32, second: u32) -> u32 {
    (first.rotate_left(7) ^ second).wrapping_mul(SPREAD_32)
}

/// The number of a feature's weight.
pub fn slot(hash: u32) -> u32 {
    hash.wrapping_mul(SPREAD_32) >> (32 - BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_no_model() {
        let table = Table {
            bias: 0.0,
            unit: 0.1,
            thresholds: [0.0, 1.0],
            weights: vec![3; WEIGHTS],
        };
        let bytes = Models::to_bytes(&table, &Table::empty());
        assert!(Models::parse(&bytes).is_ok());
        for end in [0, 3, HEADER, HEADER + TABLE, bytes.len() - 1] {
            assert!(Models::parse(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Models::parse(&[bytes.clone(), vec![0]].concat()).is_err());
        for table in [HEADER, HEADER + TABLE] {
            // No number; no unit; thresholds that fall.
            for (at, with) in [
                (0, f32::NAN),
                (4, 0.0),
                (4, -1.0),
                (8, 1e9),
                (12, f32::INFINITY),
            ] {
                let mut other = bytes.clone();
                other[table + at..table + at + 4].copy_from_slice(&f32::to_le_bytes(with));
                assert!(Models::parse(&other).is_err(), "{table} {at} {with}");
            }
        }
        for at in [0, 4] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(Models::parse(&other).is_err(), "{at}");
        }
    }
}
