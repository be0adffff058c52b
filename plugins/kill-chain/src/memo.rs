//! What the detector leaves with a step, and how it reads that back.
//!
//! The host stores memos and an attacker may have shaped what they describe, so a memo is read with
//! every length checked and one that does not fit exactly is no memo. Never a value, only hashes.

use crate::action::{Actions, flag};
use crate::order::{MAX_ALL_WORDS, MAX_ORDERS, Order};

/// Format of the bytes; another number is not read.
const VERSION: u8 = 3;
const HEADER: usize = 23;
/// Actions, signs and number of words of one order.
const ORDER_HEADER: usize = 6;
/// A tool and its actions.
const TOOL: usize = 8;

/// The most of each list. Together with the header under the 4096 bytes the host allows.
pub const MAX_OBJECTS: usize = 32;
pub const MAX_SECRETS: usize = 384;
pub const MAX_CONTENT: usize = 256;
pub const MAX_HITS: usize = 64;
pub const MAX_BYTES: u32 = 4096;

/// One event, reduced to what a later event may be compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memo {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
    /// Hash of the tool's name: pairs a result with its call.
    pub tool: u32,
    /// Hashes of file names.
    pub objects: Vec<u32>,
    /// What the content told its reader to do.
    pub orders: Vec<Order>,
    /// Prints of what looked secret.
    pub secrets: Vec<u32>,
    /// Prints of private content.
    pub content: Vec<u32>,
    /// Prints of secrets of which this event carried out a part.
    pub hits: Vec<u32>,
    /// Tools, as `definition` names them, and what their definitions add; as many as fit.
    pub tools: Vec<(u32, Actions)>,
}

/// A memo as read: borrowed, checked.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
    pub tool: u32,
    objects: &'a [u8],
    orders: &'a [u8],
    secrets: &'a [u8],
    content: &'a [u8],
    hits: &'a [u8],
    tools: &'a [u8],
}

impl Memo {
    pub fn encode(&self) -> Vec<u8> {
        let objects = clip(&self.objects, MAX_OBJECTS);
        let secrets = clip(&self.secrets, MAX_SECRETS);
        let content = clip(&self.content, MAX_CONTENT);
        let hits = clip(&self.hits, MAX_HITS);
        let mut orders = Vec::new();
        let mut left = MAX_ALL_WORDS;
        for order in clip(&self.orders, MAX_ORDERS) {
            let words = clip(&order.words, left.min(usize::from(u8::MAX)));
            left -= words.len();
            orders.extend(order.actions.0.to_le_bytes());
            orders.extend([order.signs, words.len() as u8]);
            put(words, &mut orders);
        }
        let words = objects.len() + secrets.len() + content.len() + hits.len();
        let without = HEADER + orders.len() + words * 4;
        let left = (MAX_BYTES as usize).saturating_sub(without) / TOOL;
        let tools = clip(&self.tools, left);
        let mut bytes = Vec::with_capacity(without + tools.len() * TOOL);
        bytes.extend([VERSION, self.places]);
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.actions.0.to_le_bytes());
        bytes.extend(self.tool.to_le_bytes());
        bytes.push(objects.len() as u8);
        for list in [
            orders.len(),
            secrets.len(),
            content.len(),
            hits.len(),
            tools.len(),
        ] {
            bytes.extend((list as u16).to_le_bytes());
        }
        put(objects, &mut bytes);
        bytes.extend(orders);
        for list in [secrets, content, hits] {
            put(list, &mut bytes);
        }
        for (tool, actions) in tools {
            put(&[*tool, actions.0], &mut bytes);
        }
        bytes
    }
}

/// One order as read.
#[derive(Clone, Copy, Debug)]
pub struct OrderSeen<'a> {
    pub actions: Actions,
    pub signs: u8,
    words: &'a [u8],
}

impl OrderSeen<'_> {
    pub fn has(&self, word: u32) -> bool {
        let (words, _) = self.words.as_chunks::<4>();
        words.contains(&word.to_le_bytes())
    }
}

impl<'a> Seen<'a> {
    /// `None` for bytes that this version did not write.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (
            &[
                version,
                places,
                f0,
                f1,
                a0,
                a1,
                a2,
                a3,
                t0,
                t1,
                t2,
                t3,
                objects,
                o0,
                o1,
                s0,
                s1,
                c0,
                c1,
                h0,
                h1,
                n0,
                n1,
            ],
            rest,
        ) = bytes.split_first_chunk::<HEADER>()?;
        let lens = [
            usize::from(objects) * 4,
            usize::from(u16::from_le_bytes([o0, o1])),
            usize::from(u16::from_le_bytes([s0, s1])) * 4,
            usize::from(u16::from_le_bytes([c0, c1])) * 4,
            usize::from(u16::from_le_bytes([h0, h1])) * 4,
            usize::from(u16::from_le_bytes([n0, n1])) * TOOL,
        ];
        if version != VERSION || lens.iter().sum::<usize>() != rest.len() {
            return None;
        }
        let [objects, orders, secrets, content, hits, _] = lens;
        let (objects, rest) = rest.split_at_checked(objects)?;
        let (orders, rest) = rest.split_at_checked(orders)?;
        let (secrets, rest) = rest.split_at_checked(secrets)?;
        let (content, rest) = rest.split_at_checked(content)?;
        let (hits, tools) = rest.split_at_checked(hits)?;
        Some(Self {
            actions: Actions(u32::from_le_bytes([a0, a1, a2, a3])),
            flags: u16::from_le_bytes([f0, f1]),
            places,
            tool: u32::from_le_bytes([t0, t1, t2, t3]),
            objects,
            orders,
            secrets,
            content,
            hits,
            tools,
        })
    }

    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub fn objects(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.objects)
    }

    /// The orders, up to the first that does not fit.
    pub fn orders(&self) -> impl Iterator<Item = OrderSeen<'a>> + use<'a> {
        let mut rest = self.orders;
        std::iter::from_fn(move || {
            let (&[a, b, c, d, signs, count], after) = rest.split_first_chunk::<ORDER_HEADER>()?;
            let (words, after) = after.split_at_checked(usize::from(count) * 4)?;
            rest = after;
            let actions = Actions(u32::from_le_bytes([a, b, c, d]));
            Some(OrderSeen {
                actions,
                signs,
                words,
            })
        })
    }

    pub fn holds_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Prints of secrets; those of a public page are no secrets.
    pub fn secrets(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(if self.is(flag::PUBLIC) {
            &[]
        } else {
            self.secrets
        })
    }

    pub fn public(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(if self.is(flag::PUBLIC) {
            self.secrets
        } else {
            &[]
        })
    }

    pub fn content(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.content)
    }

    pub fn hits(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.hits)
    }

    pub fn tools(&self) -> impl Iterator<Item = (u32, Actions)> + use<'a> {
        let (tools, _) = self.tools.as_chunks::<TOOL>();
        tools.iter().map(|&[a, b, c, d, e, f, g, h]| {
            let actions = Actions(u32::from_le_bytes([e, f, g, h]));
            (u32::from_le_bytes([a, b, c, d]), actions)
        })
    }
}

fn clip<T>(list: &[T], most: usize) -> &[T] {
    list.get(..list.len().min(most)).unwrap_or_default()
}

fn put(words: &[u32], bytes: &mut Vec<u8>) {
    words
        .iter()
        .for_each(|word| bytes.extend(word.to_le_bytes()));
}

fn words(bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> + use<'_> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| u32::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;

    fn full() -> Memo {
        Memo {
            actions: Action::Send.bit(),
            flags: flag::SECRET,
            places: 3,
            tool: 77,
            objects: (0..99).collect(),
            orders: vec![
                Order {
                    actions: Action::Pay.bit(),
                    signs: 1,
                    words: (0..90).collect(),
                };
                30
            ],
            secrets: (0..900).collect(),
            content: (0..900).collect(),
            hits: (0..900).collect(),
            tools: vec![(7, Action::Pay.bit()); 900],
        }
    }

    #[test]
    fn the_fullest_memo_fits_and_reads_back() {
        let bytes = full().encode();
        assert!(bytes.len() <= MAX_BYTES as usize, "{}", bytes.len());
        let seen = Seen::decode(&bytes).unwrap();
        assert_eq!(seen.objects().count(), MAX_OBJECTS);
        let first = seen.orders().next().unwrap();
        assert!(first.has(89) && !first.has(90) && first.actions == Action::Pay.bit());
        assert_eq!(seen.orders().count(), MAX_ORDERS);
        assert_eq!(seen.secrets().last(), Some(383));
        assert_eq!(
            (seen.content().len(), seen.hits().len()),
            (MAX_CONTENT, MAX_HITS)
        );
        // What is left is theirs, and an emptier memo has room for many.
        assert!(seen.tools().count() >= 12);
        let tools = Memo {
            tools: vec![(7, Action::Pay.bit()); 400],
            ..Memo::default()
        };
        let bytes = tools.encode();
        let tools: Vec<_> = Seen::decode(&bytes).unwrap().tools().collect();
        assert_eq!(tools, vec![(7, Action::Pay.bit()); 400]);
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        let bytes = full().encode();
        for end in 0..bytes.len() {
            assert!(Seen::decode(&bytes[..end]).is_none(), "{end}");
        }
        assert!(Seen::decode(&[bytes, vec![0]].concat()).is_none());
        assert!(Seen::decode(&[9; 23]).is_none());
    }

    #[test]
    fn prints_of_a_public_page_are_no_secrets() {
        let memo = Memo {
            flags: flag::PUBLIC,
            secrets: vec![1, 2],
            ..Memo::default()
        };
        let bytes = memo.encode();
        let seen = Seen::decode(&bytes).unwrap();
        assert_eq!((seen.secrets().len(), seen.public().len()), (0, 2));
    }
}
