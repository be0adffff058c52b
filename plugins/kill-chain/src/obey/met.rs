//! Which words of a call an order has.
//!
//! Of most orders a call has no word, and of none many: so the call's words are numbered once, each word
//! of an order is looked up among them, and all else is asked of bits.

use super::COVERED;
use crate::action::Actions;
use crate::memo::OrderSeen;
use crate::order::sign;
use crate::print::{Bits, NAME, plain};

/// The distinct words of a call; elsewhere they are called by their place here.
pub struct Numbered {
    /// Sorted.
    words: Vec<u32>,
    /// The same, of whatever kind: says no to most other words.
    sieve: Bits,
}

/// Words of which it is asked how many an order has.
#[derive(Default)]
pub struct Counted {
    /// A bit for each.
    bits: Vec<u64>,
    /// Those that come again, as often as they do.
    again: Vec<usize>,
    /// How many they are, those that come again included.
    pub length: usize,
}

impl Counted {
    pub fn of(list: &[u32], all: &Numbered) -> Self {
        let length = list.len();
        let mut counted = Self {
            bits: vec![0; all.words.len().div_ceil(64)],
            again: Vec::new(),
            length,
        };
        for word in list.iter().map(|word| all.number(word)) {
            match is_set(&counted.bits, word) {
                true => counted.again.push(word),
                false => set(&mut counted.bits, word),
            }
        }
        counted
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many of them are among these, or these.
    pub fn among(&self, these: &[u64], those: &[u64]) -> usize {
        if these.is_empty() && those.is_empty() {
            return 0;
        }
        let among = |(at, own): (usize, &u64)| {
            let [one, other] = [these, those].map(|bits| bits.get(at).copied().unwrap_or(0));
            (own & (one | other)).count_ones()
        };
        let once: u32 = self.bits.iter().enumerate().map(among).sum();
        if self.again.is_empty() {
            return once as usize;
        }
        let is_among = |word: &&usize| is_set(these, **word) || is_set(those, **word);
        once as usize + self.again.iter().filter(is_among).count()
    }

    /// Whether this many of them are most of them.
    pub fn is_covered(&self, hits: usize) -> bool {
        hits * COVERED.1 >= self.length * COVERED.0
    }
}

/// An order, and which words of the call it has.
pub struct Met {
    pub actions: Actions,
    pub signs: u16,
    /// A bit for each that it has as it is.
    same: Vec<u64>,
    /// A bit for each that it has as it is or as a name.
    pub like: Vec<u64>,
    /// Whether it has any.
    pub any: bool,
}

impl Met {
    pub fn has(&self, word: &usize) -> bool {
        self.any && is_set(&self.same, *word)
    }

    pub fn is_loud(&self) -> bool {
        self.signs & (sign::OVERT | sign::CALLED) != 0
    }
}

impl Numbered {
    pub fn of(mut words: Vec<u32>) -> Self {
        words.sort_unstable();
        words.dedup();
        let mut sieve = Bits::with_capacity(words.len());
        words.iter().for_each(|word| sieve.insert(plain(*word)));
        Self { words, sieve }
    }

    /// The place of one of these words.
    pub fn number(&self, word: &u32) -> usize {
        self.words.partition_point(|own| own < word)
    }

    /// What an order has of these words.
    pub fn meet(&self, order: &OrderSeen<'_>) -> Met {
        let mut met = Met {
            actions: order.actions,
            signs: order.signs,
            same: Vec::new(),
            like: Vec::new(),
            any: false,
        };
        let may_have = |word: &u32| self.sieve.may_have(plain(*word));
        for word in order.words().filter(may_have) {
            if !met.any {
                let length = self.words.len().div_ceil(64);
                (met.same, met.like) = (vec![0; length], vec![0; length]);
                met.any = true;
            }
            if let Ok(at) = self.words.binary_search(&word) {
                set(&mut met.same, at);
                set(&mut met.like, at);
            }
            if word & NAME != 0
                && let Ok(at) = self.words.binary_search(&(word & !NAME))
            {
                set(&mut met.like, at);
            }
        }
        met
    }
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

pub fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memo::Memo;
    use crate::memo::Seen;
    use crate::order::Order;

    /// Xorshift, so that the words are the same each time.
    fn words(seed: u32, count: usize) -> Vec<u32> {
        let mut state = seed;
        let each = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            // Few, so that many are shared, of every kind.
            (state % 397) << 2 | state >> 9 & 3
        });
        each.take(count).collect()
    }

    #[test]
    fn what_an_order_has_of_a_call_is_what_comparing_word_by_word_finds() {
        for seed in 1..200_u32 {
            let many = |more: u32, count: usize| words(seed * 31 + more, count);
            let values = [many(3, 150), Vec::new(), many(4, 1), many(5, 64)];
            let asked = Numbered::of(values.concat());
            let order = |more: u32, signs: u16| Order {
                actions: Actions(0),
                signs,
                words: many(more, 30),
            };
            let orders = vec![order(6, 0), order(7, sign::OVERT), order(8, sign::CALLED)];
            let memo = Memo {
                orders,
                ..Memo::default()
            };
            let bytes = memo.encode();
            let seen = Seen::decode(&bytes).unwrap();
            let met: Vec<Met> = seen.orders().map(|order| asked.meet(&order)).collect();
            assert_eq!(met.len(), 3);
            let has = |order: &OrderSeen<'_>, word: u32| order.has(word) || order.has(word | NAME);
            let all: Vec<_> = seen.orders().collect();
            for (order, own) in all.iter().zip(&met) {
                for (at, word) in asked.words.iter().enumerate() {
                    assert_eq!(own.has(&at), order.has(*word), "{word}");
                    assert_eq!(is_set(&own.like, at), has(order, *word), "{word}");
                }
                for value in &values {
                    let counted = Counted::of(value, &asked);
                    let one = value.iter().filter(|word| has(order, **word)).count();
                    assert_eq!(counted.among(&own.like, &[]), one);
                    let any = |word: &&u32| has(order, **word) || has(&all[1], **word);
                    let two = value.iter().filter(any).count();
                    assert_eq!(counted.among(&own.like, &met[1].like), two);
                }
            }
        }
    }
}
