//! The readings of a text on its way out: as written, backwards, percent, base64, base32, hex,
//! characters as numbers.
//!
//! Readings of readings are followed to a small depth and a fixed number of bytes, so that nested
//! encodings are found and bombs are not built. Compression and encryption are not undone.

mod escape;

/// How many encodings deep.
const DEPTH: u32 = 3;
/// Shortest run worth decoding.
const RUN: usize = 12;

/// Calls `read` with each reading of `text`; together they stay under `budget` bytes. A reader looks
/// at what it gets in both directions, so only encodings are turned around here.
pub fn readings(text: &[u8], budget: &mut usize, read: &mut impl FnMut(&[u8])) {
    descend(text, DEPTH, budget, read);
}

fn descend(text: &[u8], depth: u32, budget: &mut usize, read: &mut impl FnMut(&[u8])) {
    let text = text.get(..text.len().min(*budget)).unwrap_or_default();
    if text.is_empty() {
        return;
    }
    *budget -= text.len();
    read(text);
    if depth == 0 {
        return;
    }
    if let Some(plain) = percent(text) {
        descend(&plain, depth - 1, budget, read);
    }
    if let Some(plain) = escape::escapes(text) {
        descend(&plain, depth - 1, budget, read);
    }
    escape::numbers(text, |plain| descend(plain, 0, budget, read));
    for (end, from, encoding) in runs(text) {
        if *budget == 0 {
            return;
        }
        let run = text.get(from..end).unwrap_or_default();
        // Backwards once only: twice is the text itself.
        let reversed: Vec<u8> = match depth {
            DEPTH => run.iter().rev().copied().collect(),
            _ => Vec::new(),
        };
        for run in [run, &reversed] {
            for offset in 0..encoding.offsets.min(run.len()) {
                let bytes = unpack(run.get(offset..).unwrap_or_default(), encoding);
                // Raw base64 of prose is rarely text again; prints need letters and digits anyway.
                if bytes.iter().filter(|byte| byte.is_ascii_graphic()).count() * 2 >= bytes.len() {
                    descend(&bytes, depth - 1, budget, read);
                }
            }
        }
    }
}

/// An alphabet that bytes are written in.
struct Encoding {
    /// Its bit in [`ALPHABETS`].
    bit: u8,
    digit: fn(u8) -> Char,
    bits: u32,
    /// Digits after which bytes begin at a digit again: a run may begin anywhere.
    offsets: usize,
}

const ENCODINGS: [Encoding; 3] = [
    Encoding {
        bit: 1,
        digit: base64,
        bits: 6,
        offsets: 4,
    },
    Encoding {
        bit: 2,
        digit: base32,
        bits: 5,
        offsets: 1,
    },
    Encoding {
        bit: 4,
        digit: hex,
        bits: 4,
        offsets: 2,
    },
];

/// Which encodings a byte can be part of; asked of every byte, so it is looked up.
const ALPHABETS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (b64, b32, hex) = (base64(byte as u8), base32(byte as u8), hex(byte as u8));
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = b64.inside() | b32.inside() << 1 | hex.inside() << 2;
        }
        byte += 1;
    }
    table
};

/// The runs that are long enough to be worth decoding, in the order in which they end.
fn runs(text: &[u8]) -> Vec<(usize, usize, &'static Encoding)> {
    let mut all = Vec::new();
    for encoding in &ENCODINGS {
        let inside = |byte: &u8| {
            let alphabets = ALPHABETS.get(usize::from(*byte));
            alphabets.is_some_and(|alphabets| alphabets & encoding.bit != 0)
        };
        let mut from = 0;
        // Looked at from its end, most of a text that holds no run is passed over.
        while let Some(first) = text.get(from..from + RUN) {
            if let Some(gap) = first.iter().rposition(|byte| !inside(byte)) {
                from += gap + 1;
                continue;
            }
            let rest = text.get(from + RUN..).unwrap_or_default();
            let more = rest.iter().position(|byte| !inside(byte));
            let end = from + RUN + more.unwrap_or(rest.len());
            all.push((end, from, encoding));
            from = end + 1;
        }
    }
    all.sort_by_key(|(end, ..)| *end);
    all
}

/// What a character is in an encoding.
#[derive(Clone, Copy, PartialEq)]
enum Char {
    Digit(u8),
    /// Allowed between digits: line breaks, separators.
    Gap,
    Foreign,
}

impl Char {
    const fn inside(self) -> u8 {
        match self {
            Self::Foreign => 0,
            Self::Digit(_) | Self::Gap => 1,
        }
    }
}

const fn base64(byte: u8) -> Char {
    match byte {
        b'A'..=b'Z' => Char::Digit(byte - b'A'),
        b'a'..=b'z' => Char::Digit(byte - b'a' + 26),
        b'0'..=b'9' => Char::Digit(byte - b'0' + 52),
        b'+' | b'-' => Char::Digit(62),
        b'/' | b'_' => Char::Digit(63),
        b'\n' | b'\r' => Char::Gap,
        _ => Char::Foreign,
    }
}

/// Dots are gaps because names in DNS are cut into labels.
const fn base32(byte: u8) -> Char {
    match byte.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Char::Digit(upper - b'A'),
        b'2'..=b'7' => Char::Digit(byte - b'2' + 26),
        b'\n' | b'\r' | b'.' => Char::Gap,
        _ => Char::Foreign,
    }
}

const fn hex(byte: u8) -> Char {
    match byte {
        b'0'..=b'9' => Char::Digit(byte - b'0'),
        b'a'..=b'f' => Char::Digit(byte - b'a' + 10),
        b'A'..=b'F' => Char::Digit(byte - b'A' + 10),
        b'\n' | b'\r' | b'.' | b':' | b' ' | b'\\' | b'x' => Char::Gap,
        _ => Char::Foreign,
    }
}

/// The text that `run` is base64 of, when it is one.
pub fn base64_text(run: &str) -> Option<String> {
    let all = |byte: u8| base64(byte) != Char::Foreign || byte == b'=';
    let long = run.len() >= RUN && run.bytes().all(all);
    let [encoding, ..] = &ENCODINGS;
    let bytes = long.then(|| unpack(run.as_bytes(), encoding))?;
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains(char::is_control) || text.contains('\n'))
}

fn unpack(run: &[u8], encoding: &Encoding) -> Vec<u8> {
    let bits = encoding.bits;
    let (mut held, mut count) = (0_u32, 0_u32);
    let mut bytes = Vec::with_capacity(run.len() * bits as usize / 8);
    for &byte in run {
        let Char::Digit(digit) = (encoding.digit)(byte) else {
            continue;
        };
        held = (held << bits) | u32::from(digit);
        count += bits;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    bytes
}

fn percent(text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'%') {
        return None;
    }
    let mut plain = Vec::new();
    let mut rest = text;
    let mut decoded = false;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if let (b'%', Some(&[high, low])) = (byte, after.first_chunk::<2>())
            && let (Char::Digit(high), Char::Digit(low)) = (hex(high), hex(low))
        {
            plain.push(high << 4 | low);
            rest = after.get(2..).unwrap_or_default();
            decoded = true;
        } else {
            plain.push(byte);
        }
    }
    decoded.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, hidden: &str) {
        let mut found = false;
        readings(text.as_bytes(), &mut 100_000, &mut |bytes| {
            let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
            found |= [bytes, &reversed].iter().any(|bytes| {
                bytes
                    .windows(hidden.len())
                    .any(|part| part == hidden.as_bytes())
            });
        });
        assert!(found, "{hidden} not read in {text}");
    }

    #[test]
    fn encodings_are_undone_alone_and_nested() {
        check("plain hunter2secret", "hunter2secret");
        check("terces2retnuh", "hunter2secret");
        check("?d=aHVudGVyMnNlY3JldA==", "hunter2secret");
        check("aHVudGVy\nMnNlY3JldA", "hunter2secret");
        check("/u/aHVudGVyMnNlY3JldA", "hunter2secret");
        check("68756e7465723273656372657 4", "hunter2secret");
        check("NB2W45DFOIZHGZL.DOJSXI.", "hunter2secre");
        check("%68%75%6e%74er2secret", "hunter2secret");
        check("YUhWdWRHVnlNbk5sWTNKbGRBPT0=", "hunter2secret");
        check("==AdlJ3YlNnMyVGduVHa", "hunter2secret");
    }

    #[test]
    fn runs_are_found_wherever_they_begin_and_end() {
        let find = |text: &str| {
            let runs = runs(text.as_bytes()).into_iter();
            let all =
                runs.map(|(end, from, encoding)| format!("{}:{}", encoding.bit, &text[from..end]));
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(find("zzzzzzzzzzz"), "");
        assert_eq!(find("_zzzzzzzzzzz"), "1:_zzzzzzzzzzz");
        for lead in 0..30 {
            let text = format!("{}0123456789_Z. 0018abcdef01 ", "!".repeat(lead));
            assert_eq!(
                find(&text),
                "1:0123456789_Z 1:0018abcdef01 4:. 0018abcdef01 ",
                "{lead}"
            );
        }
    }

    #[test]
    fn readings_stay_within_their_budget() {
        let text = "QUFB".repeat(5_000);
        let mut read = 0;
        readings(text.as_bytes(), &mut 30_000, &mut |bytes| {
            read += bytes.len()
        });
        assert!(read <= 30_000, "{read}");
    }
}
