//! Fingerprints of values: how the detector recognises a secret later without keeping it.
//!
//! A text is reduced to its letters and digits, lower case, so that quotes, spaces, line breaks and
//! dots put between do not matter; each run of eight becomes a 32-bit hash. The source keeps a
//! winnowed part (Schleimer, Wilkerson, Aiken, "Winnowing", SIGMOD 2003); the sink is read at every
//! offset, so any shared run of eleven characters shares a kept hash.
//!
//! The hashes carry a key from the settings, but they are not a vault: who has the memo, the key
//! and time can guess short values. Undoing encodings is `decode`.

/// Characters per hash.
const GRAM: usize = 8;
/// Characters per short hash.
pub const SHORT: usize = 6;
/// Characters looked at together.
const BLOCK: usize = 1024;
/// Every so many consecutive hashes keep at least one.
const WINDOW: usize = 4;

/// The two lowest bits of a hash that orders are compared by: what it stands for. An ordinary word
/// has neither.
pub const NAME: u32 = 1;
pub const NUMBER: u32 = 2;
const KINDS: u32 = NAME | NUMBER;

/// Makes hashes; the key keeps memos of different installations apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer {
    key: u64,
}

impl Printer {
    pub fn new(key: &str) -> Self {
        Self {
            key: if key.is_empty() {
                0
            } else {
                fnv(key.as_bytes())
            },
        }
    }

    /// Hash of a whole word or name, letter case folded.
    ///
    /// Eight bytes at a time; setting bit 5 folds the case of letters, and what it confuses besides
    /// (`_` and DEL, say) does not matter here.
    pub fn word(&self, word: &str) -> u32 {
        self.within(word.as_bytes(), 0, word.len())
    }

    /// The same of `bytes[from..to]`: what follows there is read and masked.
    #[inline]
    pub fn within(&self, bytes: &[u8], from: usize, to: usize) -> u32 {
        let begin = self.key ^ FNV ^ to.saturating_sub(from) as u64;
        match bytes.get(from..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) if from + 8 > to => {
                let kept = !(u64::MAX << (8 * to.saturating_sub(from)));
                mix(begin ^ ((u64::from_le_bytes(*chunk) & kept) | FOLD))
            }
            _ => {
                let (chunks, rest) = bytes.get(from..to).unwrap_or_default().as_chunks::<8>();
                let mut hash = begin;
                for chunk in chunks {
                    hash = (hash ^ (u64::from_le_bytes(*chunk) | FOLD)).wrapping_mul(SPREAD);
                    hash ^= hash >> 32;
                }
                let last = rest
                    .iter()
                    .rev()
                    .fold(0, |last, &byte| (last << 8) | u64::from(byte));
                mix(hash ^ (last | FOLD))
            }
        }
    }

    /// Hash of a distinct name.
    pub fn name(&self, name: &str) -> u32 {
        plain(self.word(name)) | NAME
    }

    /// Hash of an ordinary word, or of a number.
    pub fn plain(&self, word: &str) -> u32 {
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        plain(self.word(word)) | if number { NUMBER } else { 0 }
    }

    /// Every hash of `bytes`, in order.
    pub fn grams(&self, bytes: &[u8], mut found: impl FnMut(u32)) {
        windows(bytes, |window| found(mix(window ^ self.key)));
    }

    /// Every hash of `bytes` read forwards and backwards, in no order.
    pub fn grams_both_ways(&self, bytes: &[u8], mut found: impl FnMut(u32)) {
        windows(bytes, |window| {
            found(mix(window ^ self.key));
            found(mix(window.swap_bytes() ^ self.key));
        });
    }

    /// Calls `found` with each hash of `bytes`, read forwards and backwards, that may be among the
    /// `known` ones, and with its place among all of them; returns how many there are.
    pub fn met(&self, bytes: &[u8], known: &Bits, mut found: impl FnMut(usize, u32)) -> usize {
        let (words, key) = (known.words.as_slice(), self.key);
        let mut at = 0;
        windows(bytes, |window| {
            let both = [mix(window ^ key), mix(window.swap_bytes() ^ key)];
            // Hardly any is known, so both directions are asked at once.
            let [forwards, backwards] = both.map(|hash| known_bit(words, hash));
            if (forwards | backwards) & 1 != 0 {
                for (hash, place) in both.into_iter().zip(at + 1..) {
                    if known.may_have(hash) {
                        found(place, hash);
                    }
                }
            }
            at += 2;
        });
        at
    }

    /// The hash of each run of six letters and digits, in order.
    pub fn shorts(&self, bytes: &[u8]) -> Vec<u32> {
        let folded = bytes
            .iter()
            .filter_map(|byte| FOLDED.get(usize::from(*byte)));
        let row: Vec<u8> = folded.copied().filter(|byte| *byte != 0).collect();
        let hash = |run: &[u8; SHORT]| {
            let run = run
                .iter()
                .fold(1, |run, byte| (run << 8) | u64::from(*byte));
            mix(run ^ self.key)
        };
        row.array_windows().map(hash).collect()
    }

    /// Adds the hashes of `text` that are kept to `kept`.
    pub fn keep(&self, text: &str, kept: &mut Vec<u32>) {
        let mut ring = [u32::MAX; WINDOW];
        let (mut seen, mut last) = (0_usize, None);
        self.grams(text.as_bytes(), |hash| {
            if let Some(slot) = ring.get_mut(seen % WINDOW) {
                *slot = hash;
            }
            seen += 1;
            let least = ring.iter().copied().min();
            if seen >= WINDOW && least != last {
                last = least;
                kept.extend(least);
            }
        });
        // Shorter than one window: keep what there is.
        if seen < WINDOW {
            kept.extend(ring.iter().take(seen));
        }
    }
}

impl Printer {
    /// The same of a text that people write, without its addresses: who opens a link from a mail
    /// takes nothing out of the mail.
    pub fn keep_passages(&self, text: &str, kept: &mut Vec<u32>) {
        let ends = |char: char| char.is_whitespace() || matches!(char, '<' | '>' | '"' | '(' | ')');
        let mut from = 0;
        let next = |rest: &str| {
            let bare = rest.match_indices("www.").find(|(at, _)| {
                rest.get(..*at)
                    .is_some_and(|before| before.is_empty() || before.ends_with(ends))
            });
            let full = rest.find("://");
            full.into_iter().chain(bare.map(|(at, _)| at)).min()
        };
        while let Some(mark) = text.get(from..).and_then(next) {
            let mark = from + mark;
            let before = text.get(from..mark).unwrap_or_default();
            let start = before.rfind(ends).map_or(from, |at| from + at);
            self.keep(text.get(from..start).unwrap_or_default(), kept);
            let rest = text.get(mark..).unwrap_or_default();
            from = mark + rest.find(ends).unwrap_or(rest.len());
        }
        self.keep(text.get(from..).unwrap_or_default(), kept);
    }
}

/// Calls `found` with each run of eight letters and digits.
fn windows(bytes: &[u8], mut found: impl FnMut(u64)) {
    // In blocks, the letters and digits of each in a row: what stands between them then costs no
    // guess per character. Each block begins with the end of the one before.
    let mut row = [0_u8; GRAM - 1 + BLOCK];
    let mut held = 0;
    for block in bytes.chunks(BLOCK) {
        for &byte in block {
            let folded = FOLDED.get(usize::from(byte)).copied().unwrap_or(0);
            if let Some(slot) = row.get_mut(held) {
                *slot = folded;
            }
            held += usize::from(folded != 0);
        }
        let filled = row.get(..held).unwrap_or_default();
        for run in filled.array_windows::<GRAM>() {
            let window = u64::from_be_bytes(*run);
            // One character eight times over says nothing: padding, rulers, blanks.
            if window != window.rotate_left(8) {
                found(window);
            }
        }
        let end = held.saturating_sub(GRAM - 1);
        row.copy_within(end..held, 0);
        held -= end;
    }
}

/// Letters in lower case, digits, bytes of characters outside ASCII; 0 is left out.
const FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let own = byte as u8;
        if own.is_ascii_alphanumeric() || own >= 0x80 {
            #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
            {
                table[byte] = own.to_ascii_lowercase();
            }
        }
        byte += 1;
    }
    table
};

/// The hash as that of an ordinary word.
pub fn plain(hash: u32) -> u32 {
    hash & !KINDS
}

/// Sorts, removes doubles and keeps at most `most`: the smallest, so that two readings of one text
/// keep the same ones.
pub fn settle(hashes: &mut Vec<u32>, most: usize) {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.truncate(most);
}

/// A set of hashes that seems to hold a few more than were put in: two bits of one word for each,
/// so that nearly all that is asked is answered by one look (Bloom, "Space/time trade-offs in hash
/// coding with allowable errors", CACM 1970).
pub struct Bits {
    /// A power of two of them.
    words: Vec<u64>,
}

impl Bits {
    /// For so many hashes: about one in a thousand others seems to be among them.
    pub fn with_capacity(hashes: usize) -> Self {
        let words = hashes.next_power_of_two().clamp(MIN_WORDS, MAX_WORDS);
        Self {
            words: vec![0; words],
        }
    }

    #[inline]
    pub fn insert(&mut self, hash: u32) {
        let at = self.place(hash);
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (hash & 63) | 1 << (hash >> 26);
        }
    }

    #[inline]
    pub fn may_have(&self, hash: u32) -> bool {
        // The first bit alone says no to nearly all.
        let word = self.words.get(self.place(hash)).copied().unwrap_or(0);
        word >> (hash & 63) & 1 != 0 && word >> (hash >> 26) & 1 != 0
    }

    fn place(&self, hash: u32) -> usize {
        place(&self.words, hash)
    }
}

#[inline]
fn place(words: &[u64], hash: u32) -> usize {
    (hash >> 6) as usize & words.len().wrapping_sub(1)
}

/// The first bit of `hash`, below others.
#[inline]
fn known_bit(words: &[u64], hash: u32) -> u64 {
    words.get(place(words, hash)).copied().unwrap_or(0) >> (hash & 63)
}

/// 2 KiB, so that of few hashes hardly any other seems to be one; and 256 KiB: what stays near the
/// processor.
const MIN_WORDS: usize = 256;
const MAX_WORDS: usize = 32 * 1024;
const FNV: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;
const FOLD: u64 = 0x2020_2020_2020_2020;
/// The golden ratio in 64 bits, odd (Knuth, multiplicative hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// Spreads 64 bits over 32 (the finaliser of MurmurHash3).
fn mix(mut value: u64) -> u32 {
    value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (value >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<u32> {
        let mut hashes = Vec::new();
        Printer::default().grams(text.as_bytes(), |hash| hashes.push(hash));
        hashes
    }

    #[test]
    fn a_shared_run_of_eleven_shares_a_kept_hash() {
        let mut kept = Vec::new();
        Printer::default().keep("qwerty7zKp2LmX9vTs41asdf", &mut kept);
        for start in 0..13 {
            let run = &"qwerty7zKp2LmX9vTs41asdf"[start..start + 11];
            assert!(all(run).iter().any(|hash| kept.contains(hash)), "{run}");
        }
    }

    #[test]
    fn case_and_separators_do_not_matter_but_letters_do() {
        assert_eq!(all("AbCd-1234.xY"), all("a b c d 1 2 3 4 x y"));
        assert!(!all("abcd1234xz").contains(&all("abcd1234xy")[2]));
    }

    #[test]
    fn installations_with_other_keys_keep_other_hashes() {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        Printer::new("a").keep("correcthorsebattery", &mut one);
        Printer::new("b").keep("correcthorsebattery", &mut two);
        assert!(one.iter().all(|hash| !two.contains(hash)));
    }

    #[test]
    fn a_long_text_has_the_prints_of_its_parts() {
        let text: String = (0..900).map(|number| format!("{number}-")).collect();
        let long = all(&text);
        let letters = text.bytes().filter(u8::is_ascii_digit).count();
        assert_eq!(long.len(), letters - 7);
        for from in [0, BLOCK - 20, BLOCK - 8, BLOCK, 2 * BLOCK - 11] {
            let part = all(&text[from..from + 30]);
            assert!(long.windows(part.len()).any(|own| own == part), "{from}");
        }
    }

    #[test]
    fn a_set_has_what_was_put_in_and_hardly_more() {
        let hash = |number: u64| mix(number);
        let mut bits = Bits::with_capacity(1000);
        (0..1000).for_each(|number| bits.insert(hash(number)));
        assert!((0..1000).all(|number| bits.may_have(hash(number))));
        let more = (1000..101_000).filter(|number| bits.may_have(hash(*number)));
        assert!(more.count() < 250);
        assert!(!Bits::with_capacity(0).may_have(7));
    }

    #[test]
    fn padding_leaves_no_print() {
        assert!(all("aaaaaaaaaaaaaaaaaaaa").is_empty());
    }
}
