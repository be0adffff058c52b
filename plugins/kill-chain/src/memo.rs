//! What the detector leaves with a step, and how it reads that back.
//!
//! The host stores memos and an attacker may have shaped what they describe, so a memo is read with
//! every length checked and one that does not fit exactly is no memo. Never a value, only hashes.

use crate::action::{Actions, flag};

/// Format of the bytes; another number is not read.
const VERSION: u8 = 1;
const HEADER: usize = 20;

/// The most of each list. Together with the header under the 4096 bytes the host allows.
pub const MAX_OBJECTS: usize = 32;
pub const MAX_LEADS: usize = 96;
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
    /// Names that the content told somebody to use, and for which actions.
    pub leads: Vec<(u32, Actions)>,
    /// Prints of what looked secret.
    pub secrets: Vec<u32>,
    /// Prints of private content.
    pub content: Vec<u32>,
    /// Prints of secrets of which this event carried out a part.
    pub hits: Vec<u32>,
}

/// A memo as read: borrowed, checked.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
    pub tool: u32,
    objects: &'a [u8],
    leads: &'a [u8],
    secrets: &'a [u8],
    content: &'a [u8],
    hits: &'a [u8],
}

impl Memo {
    pub fn encode(&self) -> Vec<u8> {
        let objects = clip(&self.objects, MAX_OBJECTS);
        let leads = clip(&self.leads, MAX_LEADS);
        let secrets = clip(&self.secrets, MAX_SECRETS);
        let content = clip(&self.content, MAX_CONTENT);
        let hits = clip(&self.hits, MAX_HITS);
        let words = objects.len() + leads.len() * 2 + secrets.len() + content.len() + hits.len();
        let mut bytes = Vec::with_capacity(HEADER + words * 4);
        bytes.extend([VERSION, self.places]);
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.actions.0.to_le_bytes());
        bytes.extend(self.tool.to_le_bytes());
        bytes.extend([objects.len() as u8, leads.len() as u8]);
        for list in [secrets.len(), content.len(), hits.len()] {
            bytes.extend((list as u16).to_le_bytes());
        }
        objects
            .iter()
            .for_each(|hash| bytes.extend(hash.to_le_bytes()));
        for (hash, actions) in leads {
            bytes.extend(hash.to_le_bytes());
            bytes.extend(actions.0.to_le_bytes());
        }
        for hash in secrets.iter().chain(content).chain(hits) {
            bytes.extend(hash.to_le_bytes());
        }
        bytes
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
                leads,
                s0,
                s1,
                c0,
                c1,
                h0,
                h1,
            ],
            rest,
        ) = bytes.split_first_chunk::<HEADER>()?;
        let lens = [
            usize::from(objects) * 4,
            usize::from(leads) * 8,
            usize::from(u16::from_le_bytes([s0, s1])) * 4,
            usize::from(u16::from_le_bytes([c0, c1])) * 4,
            usize::from(u16::from_le_bytes([h0, h1])) * 4,
        ];
        if version != VERSION || lens.iter().sum::<usize>() != rest.len() {
            return None;
        }
        let [objects, leads, secrets, content, _] = lens;
        let (objects, rest) = rest.split_at_checked(objects)?;
        let (leads, rest) = rest.split_at_checked(leads)?;
        let (secrets, rest) = rest.split_at_checked(secrets)?;
        let (content, hits) = rest.split_at_checked(content)?;
        Some(Self {
            actions: Actions(u32::from_le_bytes([a0, a1, a2, a3])),
            flags: u16::from_le_bytes([f0, f1]),
            places,
            tool: u32::from_le_bytes([t0, t1, t2, t3]),
            objects,
            leads,
            secrets,
            content,
            hits,
        })
    }

    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub fn objects(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.objects)
    }

    pub fn leads(&self) -> impl Iterator<Item = (u32, Actions)> + use<'a> {
        let (pairs, _) = self.leads.as_chunks::<8>();
        pairs.iter().map(|&[a, b, c, d, e, f, g, h]| {
            (
                u32::from_le_bytes([a, b, c, d]),
                Actions(u32::from_le_bytes([e, f, g, h])),
            )
        })
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
}

fn clip<T>(list: &[T], most: usize) -> &[T] {
    list.get(..list.len().min(most)).unwrap_or_default()
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
            leads: (0..200).map(|hash| (hash, Action::Pay.bit())).collect(),
            secrets: (0..900).collect(),
            content: (0..900).collect(),
            hits: (0..900).collect(),
        }
    }

    #[test]
    fn the_fullest_memo_fits_and_reads_back() {
        let bytes = full().encode();
        assert!(bytes.len() <= MAX_BYTES as usize, "{}", bytes.len());
        let seen = Seen::decode(&bytes).unwrap();
        assert_eq!(seen.objects().count(), MAX_OBJECTS);
        assert_eq!(seen.leads().last(), Some((95, Action::Pay.bit())));
        assert_eq!(seen.secrets().last(), Some(383));
        assert_eq!(
            (seen.content().len(), seen.hits().len()),
            (MAX_CONTENT, MAX_HITS)
        );
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        let bytes = full().encode();
        for end in 0..bytes.len() {
            assert!(Seen::decode(&bytes[..end]).is_none(), "{end}");
        }
        assert!(Seen::decode(&[bytes, vec![0]].concat()).is_none());
        assert!(Seen::decode(&[2; 20]).is_none());
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
