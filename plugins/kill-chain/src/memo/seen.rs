//! A memo as it is read back: borrowed, with every length checked, because an attacker may have
//! shaped what it describes.

use super::{
    ACCOUNT, CARD, CARRIED_HEADER, HEADER, MAX_BYTES, MAX_SECRETS, ORDER_HEADER, SECRET_HEADER,
    SHORT, TOOL, VERSION,
};
use crate::action::{Actions, Shape, flag};

/// A memo as read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
    pub tool: u32,
    /// The lists, one after the other.
    lists: &'a [u8],
    /// Where each of them ends but the last: 250 memos are read per event, so this stays small.
    ends: [u16; 8],
}

/// The lists of a memo, in the order in which they are written.
#[derive(Clone, Copy)]
enum List {
    Objects,
    Hosts,
    Reported,
    Orders,
    Secrets,
    Content,
    Hits,
    Carried,
    Tools,
}

/// One order as read.
#[derive(Clone, Copy, Debug)]
pub struct OrderSeen<'a> {
    pub actions: Actions,
    pub signs: u16,
    words: &'a [u8],
}

/// One secret as read.
#[derive(Clone, Copy, Debug)]
pub struct SecretSeen<'a> {
    pub stride: u8,
    pub hosts: [u32; 2],
    prints: &'a [u8],
}

impl OrderSeen<'_> {
    pub fn has(&self, word: u32) -> bool {
        let (words, _) = self.words.as_chunks::<4>();
        words.contains(&word.to_le_bytes())
    }

    pub fn words(&self) -> impl ExactSizeIterator<Item = u32> + use<'_> {
        words(self.words)
    }
}

impl<'a> SecretSeen<'a> {
    pub fn prints(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.prints)
    }
}

impl<'a> Seen<'a> {
    /// `None` for bytes that this version did not write.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        #[rustfmt::skip]
        let (
            &[
                version, places, f0, f1, a0, a1, a2, a3, t0, t1, t2, t3, objects, hosts, reported,
                o0, o1, s0, s1, c0, c1, h0, h1, k0, k1, n0, n1,
            ],
            rest,
        ) = bytes.split_first_chunk::<HEADER>()?;
        let word = |low, high| usize::from(u16::from_le_bytes([low, high]));
        let lens = [
            usize::from(objects) * 4,
            usize::from(hosts) * 4,
            usize::from(reported) * 4,
            word(o0, o1),
            word(s0, s1),
            word(c0, c1) * 4,
            word(h0, h1) * 4,
            word(k0, k1),
        ];
        let mut ends = [0; 8];
        let mut all = 0;
        for (end, length) in ends.iter_mut().zip(lens) {
            all += length;
            *end = all as u16;
        }
        let fits = rest.len() <= MAX_BYTES as usize && all + word(n0, n1) * TOOL == rest.len();
        if version != VERSION || !fits {
            return None;
        }
        Some(Self {
            actions: Actions(u32::from_le_bytes([a0, a1, a2, a3])),
            flags: u16::from_le_bytes([f0, f1]),
            places,
            tool: u32::from_le_bytes([t0, t1, t2, t3]),
            lists: rest,
            ends,
        })
    }

    fn list(&self, list: List) -> &'a [u8] {
        let number = list as usize;
        let end = |at: usize| self.ends.get(at).map(|end| usize::from(*end));
        let from = number.checked_sub(1).and_then(end).unwrap_or(0);
        let to = end(number).unwrap_or(self.lists.len());
        self.lists.get(from..to).unwrap_or_default()
    }

    pub fn shape(&self) -> Shape {
        Shape {
            actions: self.actions,
            flags: self.flags,
            places: self.places,
        }
    }

    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub fn objects(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.list(List::Objects))
    }

    pub fn hosts(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.list(List::Hosts))
    }

    pub fn reported(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.list(List::Reported))
    }

    /// The orders, up to the first that does not fit.
    pub fn orders(&self) -> impl Iterator<Item = OrderSeen<'a>> + use<'a> {
        let mut rest = self.list(List::Orders);
        std::iter::from_fn(move || {
            let (&[a, b, c, d, s0, s1, count], after) = rest.split_first_chunk::<ORDER_HEADER>()?;
            let (words, after) = after.split_at_checked(usize::from(count) * 4)?;
            rest = after;
            let actions = Actions(u32::from_le_bytes([a, b, c, d]));
            Some(OrderSeen {
                actions,
                signs: u16::from_le_bytes([s0, s1]),
                words,
            })
        })
    }

    pub fn holds_orders(&self) -> bool {
        !self.list(List::Orders).is_empty()
    }

    /// What looked secret; what a public page holds is no secret.
    pub fn secrets(&self) -> impl Iterator<Item = SecretSeen<'a>> + use<'a> {
        let own = if self.is(flag::PUBLIC) {
            &[]
        } else {
            self.list(List::Secrets)
        };
        secrets(own).filter(|secret| secret.stride < ACCOUNT)
    }

    /// Numbers of cards and accounts.
    pub fn numbers(&self) -> impl Iterator<Item = SecretSeen<'a>> + use<'a> {
        let all = secrets(self.list(List::Secrets));
        all.filter(|secret| matches!(secret.stride, CARD | ACCOUNT))
    }

    /// The short prints of some of the secrets, in order; each with the first print that the same
    /// value has among the secrets.
    pub fn short(&self) -> impl Iterator<Item = (u32, SecretSeen<'a>)> + use<'a> {
        let all = secrets(self.list(List::Secrets)).filter(|secret| secret.stride == SHORT);
        all.filter_map(|secret| {
            let (first, prints) = secret.prints.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*first), SecretSeen { prints, ..secret }))
        })
    }

    /// Prints of what a public page holds.
    pub fn public(&self) -> impl Iterator<Item = u32> + use<'a> {
        let own = if self.is(flag::PUBLIC) {
            self.list(List::Secrets)
        } else {
            &[]
        };
        secrets(own).flat_map(|secret| secret.prints())
    }

    pub fn content(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.list(List::Content))
    }

    pub fn hits(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.list(List::Hits))
    }

    pub fn carries(&self) -> bool {
        !self.list(List::Carried).is_empty()
    }

    /// Older steps: milliseconds since the Unix epoch, hash of the server's name, memo. Up to the
    /// first that does not fit; one that can't be read is left out.
    pub fn carried(&self) -> impl Iterator<Item = (u64, u32, Seen<'a>)> + use<'a> {
        let mut rest = self.list(List::Carried);
        let all = std::iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<CARRIED_HEADER>()?;
            let &[a, b, c, d, e, f, g, h, s0, s1, s2, s3, l0, l1] = head;
            let length = usize::from(u16::from_le_bytes([l0, l1]));
            let (memo, after) = after.split_at_checked(length)?;
            rest = after;
            let at_ms = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            Some((at_ms, u32::from_le_bytes([s0, s1, s2, s3]), memo))
        });
        all.filter_map(|(at_ms, server, memo)| Some((at_ms, server, Seen::decode(memo)?)))
    }

    pub fn tools(&self) -> impl Iterator<Item = (u32, Actions)> + use<'a> {
        let (tools, _) = self.list(List::Tools).as_chunks::<TOOL>();
        tools.iter().map(|&[a, b, c, d, e, f, g, h]| {
            let actions = Actions(u32::from_le_bytes([e, f, g, h]));
            (u32::from_le_bytes([a, b, c, d]), actions)
        })
    }
}

fn secrets(mut rest: &[u8]) -> impl Iterator<Item = SecretSeen<'_>> {
    let all = std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<SECRET_HEADER>()?;
        let &[stride, count, a0, a1, a2, a3, b0, b1, b2, b3] = head;
        let (prints, after) = after.split_at_checked(usize::from(count) * 4)?;
        rest = after;
        Some(SecretSeen {
            stride,
            hosts: [
                u32::from_le_bytes([a0, a1, a2, a3]),
                u32::from_le_bytes([b0, b1, b2, b3]),
            ],
            prints,
        })
    });
    all.take(MAX_SECRETS)
}

fn words(bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> + use<'_> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| u32::from_le_bytes(word))
}
