//! A memo as it is read back: borrowed, with every length checked, because an attacker may have
//! shaped what it describes.

use super::{CARRIED_HEADER, HEADER, MAX_SECRETS, ORDER_HEADER, SECRET_HEADER, TOOL, VERSION};
use crate::action::{Actions, flag};

/// A memo as read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
    pub tool: u32,
    objects: &'a [u8],
    hosts: &'a [u8],
    reported: &'a [u8],
    orders: &'a [u8],
    secrets: &'a [u8],
    content: &'a [u8],
    hits: &'a [u8],
    carried: &'a [u8],
    tools: &'a [u8],
}

/// One order as read.
#[derive(Clone, Copy, Debug)]
pub struct OrderSeen<'a> {
    pub actions: Actions,
    pub signs: u8,
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
        let lens = [
            usize::from(objects) * 4,
            usize::from(hosts) * 4,
            usize::from(reported) * 4,
            usize::from(u16::from_le_bytes([o0, o1])),
            usize::from(u16::from_le_bytes([s0, s1])),
            usize::from(u16::from_le_bytes([c0, c1])) * 4,
            usize::from(u16::from_le_bytes([h0, h1])) * 4,
            usize::from(u16::from_le_bytes([k0, k1])),
            usize::from(u16::from_le_bytes([n0, n1])) * TOOL,
        ];
        if version != VERSION || lens.iter().sum::<usize>() != rest.len() {
            return None;
        }
        let [
            objects,
            hosts,
            reported,
            orders,
            secrets,
            content,
            hits,
            carried,
            _,
        ] = lens;
        let (objects, rest) = rest.split_at_checked(objects)?;
        let (hosts, rest) = rest.split_at_checked(hosts)?;
        let (reported, rest) = rest.split_at_checked(reported)?;
        let (orders, rest) = rest.split_at_checked(orders)?;
        let (secrets, rest) = rest.split_at_checked(secrets)?;
        let (content, rest) = rest.split_at_checked(content)?;
        let (hits, rest) = rest.split_at_checked(hits)?;
        let (carried, tools) = rest.split_at_checked(carried)?;
        Some(Self {
            actions: Actions(u32::from_le_bytes([a0, a1, a2, a3])),
            flags: u16::from_le_bytes([f0, f1]),
            places,
            tool: u32::from_le_bytes([t0, t1, t2, t3]),
            objects,
            hosts,
            reported,
            orders,
            secrets,
            content,
            hits,
            carried,
            tools,
        })
    }

    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub fn objects(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.objects)
    }

    pub fn hosts(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.hosts)
    }

    pub fn reported(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.reported)
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

    /// What looked secret; what a public page holds is no secret.
    pub fn secrets(&self) -> impl Iterator<Item = SecretSeen<'a>> + use<'a> {
        let own = if self.is(flag::PUBLIC) {
            &[]
        } else {
            self.secrets
        };
        secrets(own)
    }

    /// Prints of what a public page holds.
    pub fn public(&self) -> impl Iterator<Item = u32> + use<'a> {
        let own = if self.is(flag::PUBLIC) {
            self.secrets
        } else {
            &[]
        };
        secrets(own).flat_map(|secret| secret.prints())
    }

    pub fn content(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.content)
    }

    pub fn hits(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        words(self.hits)
    }

    /// Older steps: milliseconds since the Unix epoch, hash of the server's name, memo. Up to the
    /// first that does not fit; one that can't be read is left out.
    pub fn carried(&self) -> impl Iterator<Item = (u64, u32, Seen<'a>)> + use<'a> {
        let mut rest = self.carried;
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
        let (tools, _) = self.tools.as_chunks::<TOOL>();
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
