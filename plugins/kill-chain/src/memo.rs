//! What the detector leaves with a step.
//!
//! The host stores memos; one that does not fit exactly is no memo. Never a value, only hashes. How
//! a memo is read back is in `seen`; what is moved on before it is forgotten is `keep`.

mod seen;

use crate::action::{Actions, Shape};
use crate::order::{self, Order};
use crate::reader::{MAX_HEARD, MAX_HEARD_WORDS};

pub use seen::{OrderSeen, SecretSeen, Seen};

/// Format of the bytes; another number is not read, so a memo of an older version counts as none.
const VERSION: u8 = 6;
pub const HEADER: usize = 27;
/// Actions, signs and number of words of one order.
pub const ORDER_HEADER: usize = 7;
/// Kind, number of prints and two hosts of one secret.
pub const SECRET_HEADER: usize = 10;
/// Time, server and length of one step that is carried.
const CARRIED_HEADER: usize = 14;
/// A tool and its actions.
const TOOL: usize = 8;

/// The most of each list. Together with the header under the 4096 bytes the host allows.
pub const MAX_OBJECTS: usize = 32;
pub const MAX_HOSTS: usize = 6;
pub const MAX_REPORTED: usize = 8;
pub const MAX_SECRETS: usize = 32;
/// Prints of all secrets, and of one.
pub const MAX_PRINTS: usize = 336;
pub const MAX_OWN_PRINTS: usize = 192;
pub const MAX_CONTENT: usize = 224;
/// Chosen: what 24 pieces of eleven letters leave in either way, and few enough that 250 calls of
/// them are sorted in a small part of the deadline.
pub const MAX_HITS: usize = 160;
/// A `stride`: the prints are the short ones of a value that is kept as a secret of its own, too.
pub const SHORT: u8 = u8::MAX;
/// The prints are those of the number of a card, and of an account.
pub const CARD: u8 = u8::MAX - 1;
pub const ACCOUNT: u8 = u8::MAX - 2;
/// Orders, and words of all of them.
const MAX_ORDERS: usize = order::MAX_ORDERS + MAX_HEARD;
const MAX_ALL_WORDS: usize = order::MAX_ALL_WORDS + MAX_HEARD_WORDS;
/// Bytes of steps that are carried; private content makes room for them.
pub const MAX_CARRIED: usize = 1600;
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
    /// Hashes of the hosts that a call asked, when they may return what goes back to them.
    pub hosts: Vec<u32>,
    /// What this call already reported, so that the like is not reported at every later one.
    pub reported: Vec<u32>,
    /// What the content told its reader to do.
    pub orders: Vec<Order>,
    /// What looked secret.
    pub secrets: Vec<Secret>,
    /// Prints of private content.
    pub content: Vec<u32>,
    /// Prints of secrets of which this event carried out a part.
    pub hits: Vec<u32>,
    /// Older steps that would be forgotten without this.
    pub carried: Vec<Carried>,
    /// Tools, as `definition` names them, and what their definitions add; as many as fit.
    pub tools: Vec<(u32, Actions)>,
}

/// The prints of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// 0 for a value; else how many kept prints of a whole text one of these stands for, from 1; or
    /// [`CARD`] or [`ACCOUNT`]; or [`SHORT`], then the first print is the first one of the secret that it is the same value as,
    /// and the others are in the order of the value.
    pub stride: u8,
    /// Hashes of the host whose address holds the secret, and of the one that returned it; 0: none.
    pub hosts: [u32; 2],
    pub prints: Vec<u32>,
}

/// A step of the past that lives on in a newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Hash of the server's name.
    pub server: u32,
    /// Its memo, without what it carried itself.
    pub memo: Vec<u8>,
}

impl Memo {
    pub fn shape(&self) -> Shape {
        Shape {
            actions: self.actions,
            flags: self.flags,
            places: self.places,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let objects = clip(&self.objects, MAX_OBJECTS);
        let hosts = clip(&self.hosts, MAX_HOSTS);
        let reported = clip(&self.reported, MAX_REPORTED);
        let orders = self.orders();
        let secrets = self.secrets();
        let words = objects.len() + hosts.len() + reported.len();
        let own = HEADER + orders.len() + secrets.len() + words * 4;
        let carried = self.carried((MAX_BYTES as usize).saturating_sub(own));
        let left = (MAX_BYTES as usize).saturating_sub(own + carried.len());
        let hits = clip(&self.hits, MAX_HITS.min(left / 4));
        let left = left - hits.len() * 4;
        let content = clip(&self.content, MAX_CONTENT.min(left / 4));
        let tools = clip(&self.tools, (left - content.len() * 4) / TOOL);
        let mut bytes = Vec::with_capacity(MAX_BYTES as usize - left + content.len() * 4);
        bytes.extend([VERSION, self.places]);
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.actions.0.to_le_bytes());
        bytes.extend(self.tool.to_le_bytes());
        bytes.extend([objects.len() as u8, hosts.len() as u8, reported.len() as u8]);
        for length in [
            orders.len(),
            secrets.len(),
            content.len(),
            hits.len(),
            carried.len(),
            tools.len(),
        ] {
            bytes.extend((length as u16).to_le_bytes());
        }
        for list in [objects, hosts, reported] {
            put(list, &mut bytes);
        }
        bytes.extend(orders);
        bytes.extend(secrets);
        put(content, &mut bytes);
        put(hits, &mut bytes);
        bytes.extend(carried);
        for (tool, actions) in tools {
            put(&[*tool, actions.0], &mut bytes);
        }
        bytes
    }

    fn orders(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut left = MAX_ALL_WORDS;
        for order in clip(&self.orders, MAX_ORDERS) {
            let words = clip(&order.words, left.min(usize::from(u8::MAX)));
            left -= words.len();
            bytes.extend(order.actions.0.to_le_bytes());
            bytes.extend(order.signs.to_le_bytes());
            bytes.push(words.len() as u8);
            put(words, &mut bytes);
        }
        bytes
    }

    fn secrets(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut left = MAX_PRINTS;
        for secret in clip(&self.secrets, MAX_SECRETS) {
            let prints = clip(&secret.prints, left.min(MAX_OWN_PRINTS));
            if prints.is_empty() {
                continue;
            }
            left -= prints.len();
            bytes.extend([secret.stride, prints.len() as u8]);
            put(&secret.hosts, &mut bytes);
            put(prints, &mut bytes);
        }
        bytes
    }

    fn carried(&self, room: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for carried in &self.carried {
            if bytes.len() + CARRIED_HEADER + carried.memo.len() <= room.min(MAX_CARRIED) {
                bytes.extend(carried.at_ms.to_le_bytes());
                bytes.extend(carried.server.to_le_bytes());
                bytes.extend((carried.memo.len() as u16).to_le_bytes());
                bytes.extend(&carried.memo);
            }
        }
        bytes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Action, flag};

    fn full() -> Memo {
        Memo {
            actions: Action::Send.bit(),
            flags: flag::SECRET,
            places: 3,
            tool: 77,
            objects: (0..99).collect(),
            hosts: (0..99).collect(),
            reported: (0..99).collect(),
            orders: vec![
                Order {
                    actions: Action::Pay.bit(),
                    signs: 1,
                    words: (0..90).collect(),
                };
                30
            ],
            secrets: vec![
                Secret {
                    stride: 0,
                    hosts: [5, 6],
                    prints: (0..11).collect(),
                };
                90
            ],
            content: (0..900).collect(),
            hits: Vec::new(),
            carried: Vec::new(),
            tools: vec![(7, Action::Pay.bit()); 900],
        }
    }

    #[test]
    fn the_fullest_memo_fits_and_reads_back() {
        let bytes = full().encode();
        assert!(bytes.len() <= MAX_BYTES as usize, "{}", bytes.len());
        let seen = Seen::decode(&bytes).unwrap();
        assert_eq!(seen.objects().count(), MAX_OBJECTS);
        assert_eq!(seen.hosts().count(), MAX_HOSTS);
        assert_eq!(seen.reported().count(), MAX_REPORTED);
        let first = seen.orders().next().unwrap();
        assert!(first.has(89) && !first.has(90) && first.actions == Action::Pay.bit());
        assert_eq!(seen.orders().count(), MAX_ORDERS);
        let secrets: Vec<_> = seen.secrets().collect();
        assert_eq!(secrets.len(), MAX_PRINTS.div_ceil(11));
        assert_eq!(
            (secrets[0].hosts, secrets[0].prints().last()),
            ([5, 6], Some(10))
        );
        assert_eq!(seen.content().len(), MAX_CONTENT);
        // What is left is theirs, and an emptier memo has room for many.
        assert!(seen.tools().count() >= 5);
        let tools = Memo {
            tools: vec![(7, Action::Pay.bit()); 400],
            ..Memo::default()
        };
        let bytes = tools.encode();
        let tools: Vec<_> = Seen::decode(&bytes).unwrap().tools().collect();
        assert_eq!(tools, vec![(7, Action::Pay.bit()); 400]);
    }

    #[test]
    fn the_pieces_that_a_call_carried_have_room_beside_all_else_that_a_call_has() {
        let memo = Memo {
            orders: Vec::new(),
            secrets: Vec::new(),
            hits: (0..900).collect(),
            ..full()
        };
        let bytes = memo.encode();
        let hits: Vec<u32> = Seen::decode(&bytes).unwrap().hits().collect();
        let first: Vec<u32> = (0..MAX_HITS as u32).collect();
        assert_eq!(hits, first);
    }

    #[test]
    fn what_is_carried_has_room_in_the_fullest_memo() {
        let own = Memo {
            tool: 9,
            secrets: full().secrets.into_iter().take(14).collect(),
            ..Memo::default()
        };
        let step = Carried {
            at_ms: 1 << 40,
            server: 3,
            memo: own.encode(),
        };
        let memo = Memo {
            carried: vec![step.clone(), step],
            ..full()
        };
        let bytes = memo.encode();
        assert!(bytes.len() <= MAX_BYTES as usize, "{}", bytes.len());
        let seen = Seen::decode(&bytes).unwrap();
        let carried: Vec<_> = seen.carried().collect();
        assert_eq!(carried.len(), 1, "a second one of this length does not fit");
        let (at_ms, server, own) = carried[0];
        assert_eq!((at_ms, server, own.tool), (1 << 40, 3, 9));
        assert!(seen.content().len() < MAX_CONTENT);
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        let bytes = full().encode();
        for end in 0..bytes.len() {
            assert!(Seen::decode(&bytes[..end]).is_none(), "{end}");
        }
        assert!(Seen::decode(&[bytes, vec![0]].concat()).is_none());
        assert!(Seen::decode(&[9; 27]).is_none());
        assert!(Seen::decode(&[3; 23]).is_none(), "an older version");
    }

    #[test]
    fn prints_of_a_public_page_are_no_secrets() {
        let memo = Memo {
            flags: flag::PUBLIC,
            secrets: vec![Secret {
                prints: vec![1, 2],
                ..Secret::default()
            }],
            ..Memo::default()
        };
        let bytes = memo.encode();
        let seen = Seen::decode(&bytes).unwrap();
        assert_eq!((seen.secrets().count(), seen.public().count()), (0, 2));
    }
}
