//! The readings of a text on its way out: as written, backwards, percent, base64, base32 and hex.
//!
//! Readings of readings are followed to a small depth and a fixed number of bytes, so that nested
//! encodings are found and bombs are not built. Compression and encryption are not undone.

/// How many encodings deep.
const DEPTH: u32 = 3;
/// Shortest run worth decoding.
const RUN: usize = 12;

/// Calls `read` with each reading of `text`; together they stay under `budget` bytes.
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
    // Backwards once only: twice is the text itself. Its encodings are read too.
    if depth == DEPTH {
        let reversed: Vec<u8> = text.iter().rev().copied().collect();
        descend(&reversed, depth - 1, budget, read);
    }
    if let Some(plain) = percent(text) {
        descend(&plain, depth - 1, budget, read);
    }
    for (alphabet, bits, offsets) in [
        (base64 as fn(u8) -> Char, 6, 4),
        (base32 as fn(u8) -> Char, 5, 1),
        (hex as fn(u8) -> Char, 4, 2),
    ] {
        for run in runs(text, alphabet) {
            for offset in 0..offsets.min(run.len()) {
                let bytes = unpack(run.get(offset..).unwrap_or_default(), bits, alphabet);
                // Raw base64 of prose is rarely text again; prints need letters and digits anyway.
                if bytes.iter().filter(|byte| byte.is_ascii_graphic()).count() * 2 >= bytes.len() {
                    descend(&bytes, depth - 1, budget, read);
                }
            }
        }
    }
}

/// What a character is in an encoding.
#[derive(Clone, Copy, PartialEq)]
enum Char {
    Digit(u8),
    /// Allowed between digits: line breaks, separators.
    Gap,
    Foreign,
}

fn base64(byte: u8) -> Char {
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
fn base32(byte: u8) -> Char {
    match byte.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Char::Digit(upper - b'A'),
        b'2'..=b'7' => Char::Digit(byte - b'2' + 26),
        b'\n' | b'\r' | b'.' => Char::Gap,
        _ => Char::Foreign,
    }
}

fn hex(byte: u8) -> Char {
    match byte {
        b'0'..=b'9' => Char::Digit(byte - b'0'),
        b'a'..=b'f' => Char::Digit(byte - b'a' + 10),
        b'A'..=b'F' => Char::Digit(byte - b'A' + 10),
        b'\n' | b'\r' | b'.' | b':' | b' ' | b'\\' | b'x' => Char::Gap,
        _ => Char::Foreign,
    }
}

fn runs(text: &[u8], alphabet: fn(u8) -> Char) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| alphabet(byte) == Char::Foreign)
        .filter(|run| run.len() >= RUN)
}

fn unpack(run: &[u8], bits: u32, alphabet: fn(u8) -> Char) -> Vec<u8> {
    let (mut held, mut count) = (0_u32, 0_u32);
    let mut bytes = Vec::with_capacity(run.len() * bits as usize / 8);
    for &byte in run {
        let Char::Digit(digit) = alphabet(byte) else {
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
            found |= bytes
                .windows(hidden.len())
                .any(|part| part == hidden.as_bytes());
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
    fn readings_stay_within_their_budget() {
        let text = "QUFB".repeat(5_000);
        let mut read = 0;
        readings(text.as_bytes(), &mut 30_000, &mut |bytes| {
            read += bytes.len()
        });
        assert!(read <= 30_000, "{read}");
    }
}
