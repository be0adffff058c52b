//! Runs of letters and digits that are text in another alphabet: hex, binary, base32, base64.

use super::survey::runs;
use super::{Finds, hex_byte, promising, readable};

/// Shorter runs are ids and words; 24 base64 letters carry 18 bytes.
pub const MIN_RUN: usize = 24;
/// Bytes decoded before the rest is worth it.
const TASTE: usize = 24;

pub fn runs_of_letters(text: &str, found: &mut Finds) {
    let bytes = text.as_bytes();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let mut done = 0;
    for mut range in runs(bytes.len(), MIN_RUN, |at| {
        bytes.get(at).is_some_and(is_letter)
    }) {
        if range.start < done {
            continue;
        }
        // Mail and certificates break long runs into lines of one length.
        let line = range.len();
        let next = |end: usize| {
            let rest = bytes.get(end..)?;
            let start = end + rest.iter().take(MAX_BREAK + 1).position(is_letter)?;
            let letters = bytes.get(start..)?.iter().take(line + 1);
            let next = start..start + letters.take_while(|byte| is_letter(byte)).count();
            let follows = next.len() <= line && is_break(text.get(end..start)?);
            follows.then_some(next)
        };
        let mut lines = vec![range.clone()];
        while lines.last().is_some_and(|last| last.len() == line)
            && let Some(next) = next(range.end)
        {
            range.end = next.end;
            lines.push(next);
        }
        done = range.end;
        let joined: String;
        let run = match lines.as_slice() {
            [one] => text.get(one.clone()).unwrap_or_default(),
            many => {
                let parts = many.iter().filter_map(|line| text.get(line.clone()));
                joined = parts.collect();
                &joined
            }
        };
        if let Some((text, name)) = decode(run) {
            found.add(name, range, text);
        } else if lines.len() > 1 {
            // Lines of one length by chance.
            for line in lines {
                let run = text.get(line.clone()).unwrap_or_default();
                if let Some((text, name)) = decode(run) {
                    found.add(name, line, text);
                }
            }
        }
    }
}

/// A line break with the white space around it.
fn is_break(between: &str) -> bool {
    let rest = between.trim_matches([' ', '\t', '>']);
    matches!(rest, "\n" | "\r\n") && between.len() <= MAX_BREAK
}

/// Bytes between two lines.
const MAX_BREAK: usize = 16;

/// The text behind a run in the first alphabet that gives one.
fn decode(run: &str) -> Option<(String, &'static str)> {
    let text = |bytes: Option<Vec<u8>>| bytes.and_then(wide_or_plain);
    text(hex(run))
        .map(|text| (text, "hex"))
        .or_else(|| text(binary(run)).map(|text| (text, "binary")))
        .or_else(|| text(base32(run)).map(|text| (text, "base32")))
        .or_else(|| text(base64(run)).map(|text| (text, "base64")))
        .or_else(|| {
            // After the last "/" or "=" of an address or an assignment.
            let at = run.trim_end_matches('=').rfind(['/', '='])?;
            let tail = run.get(at + 1..)?;
            let long = tail.len() >= MIN_RUN;
            long.then(|| text(base64(tail)))?
                .map(|text| (text, "base64"))
        })
}

/// Text in UTF-8, or in UTF-16 of mostly Latin letters, as PowerShell takes it.
fn wide_or_plain(bytes: Vec<u8>) -> Option<String> {
    let wide = bytes.len() >= 16 && bytes.chunks_exact(2).all(|pair| pair.last() == Some(&0));
    match wide {
        true => readable(bytes.iter().step_by(2).copied().collect()),
        false => readable(bytes),
    }
}

/// Decodes group by group; gives up early on what is no text.
fn collect<'g>(
    size: usize,
    groups: impl Iterator<Item = &'g [u8]>,
    decode: impl Fn(&[u8], &mut Vec<u8>) -> Option<()>,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(size.min(4 * TASTE));
    let mut tasted = false;
    for group in groups {
        decode(group, &mut out)?;
        if !tasted && out.len() >= TASTE {
            tasted = true;
            let wide = out.iter().skip(1).step_by(2).all(|byte| *byte == 0);
            if !wide && !promising(&out) {
                return None;
            }
        }
    }
    Some(out)
}

fn hex(run: &str) -> Option<Vec<u8>> {
    let digits = run.strip_prefix("0x").unwrap_or(run).as_bytes();
    if digits.len() % 2 == 1 {
        return None;
    }
    collect(digits.len() / 2, digits.chunks(2), |pair, out| {
        out.push(hex_byte(pair)?);
        Some(())
    })
}

fn binary(run: &str) -> Option<Vec<u8>> {
    if run.len() < 64 || !run.len().is_multiple_of(8) {
        return None;
    }
    collect(run.len() / 8, run.as_bytes().chunks(8), |bits, out| {
        let bits = std::str::from_utf8(bits).ok()?;
        out.push(u8::from_str_radix(bits, 2).ok()?);
        Some(())
    })
}

/// RFC 4648, in capitals or in small letters, with or without padding.
fn base32(run: &str) -> Option<Vec<u8>> {
    let letters = run.trim_end_matches('=').as_bytes();
    let small = letters.first()?.is_ascii_lowercase();
    collect(letters.len() * 5 / 8, letters.chunks(8), |group, out| {
        let mut bits = 0u64;
        for letter in group {
            let digit = match letter {
                b'A'..=b'Z' if !small => letter - b'A',
                b'a'..=b'z' if small => letter - b'a',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u64::from(digit);
        }
        bits <<= 5 * (8 - group.len());
        let bytes = bits.to_be_bytes().into_iter().skip(3);
        out.extend(bytes.take(group.len() * 5 / 8));
        Some(())
    })
}

/// Standard and URL alphabets, with or without padding.
fn base64(run: &str) -> Option<Vec<u8>> {
    let letters = run.trim_end_matches('=').as_bytes();
    if letters.len() % 4 == 1 {
        return None;
    }
    collect(letters.len() * 3 / 4, letters.chunks(4), |group, out| {
        let mut bits = 0u32;
        for letter in group {
            bits = bits << 6 | base64_digit(*letter)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, first, second, third] = bits.to_be_bytes();
        out.extend([first, second, third].into_iter().take(group.len() - 1));
        Some(())
    })
}

fn base64_digit(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::Unveiled;
    use super::super::tests::pieces;
    use super::*;
    use crate::place::Place;

    fn read(text: &str) -> Vec<Unveiled> {
        pieces(text, runs_of_letters)
    }

    #[track_caller]
    fn check(run: &str, name: &str, text: &str) {
        let around = format!("x {run} y");
        let found = read(&around);
        let [piece] = found.as_slice() else {
            panic!("{} pieces in {run}", found.len());
        };
        assert_eq!((piece.name, piece.text.as_str()), (name, text));
        assert_eq!(piece.place, Place::Whole(2..2 + run.len()));
    }

    #[test]
    fn every_alphabet_is_read() {
        check(
            "dGhpcyBpcyBhIHNlbnRlbmNlIQ==",
            "base64",
            "this is a sentence!",
        );
        check(
            "dGhpcyBpcyBhIHNlbnRlbmNlIQ",
            "base64",
            "this is a sentence!",
        );
        check(
            "dABoAGUAIABzAGEAbQBlACAAaABlAHIAZQA=",
            "base64",
            "the same here",
        );
        check(
            "ORUGKIDTMFWWKIDBM5QWS3RANBSXEZI=",
            "base32",
            "the same again here",
        );
        check(
            "orugkidtmfwwkidbm5qws3ranbsxezi",
            "base32",
            "the same again here",
        );
        let hex: String = "hidden words".bytes().map(|b| format!("{b:02x}")).collect();
        check(&hex, "hex", "hidden words");
        let bits: String = "hidden words".bytes().map(|b| format!("{b:08b}")).collect();
        check(&bits, "binary", "hidden words");
    }

    #[test]
    fn a_run_that_is_broken_into_lines_is_one() {
        let run = "dGhpcyBpcyBhIHNlbnRlbmNl\nIHRoYXQgZ29lcyBvbiBhbmQg\r\nb24gZm9yIGxpbmVz";
        check(
            run,
            "base64",
            "this is a sentence that goes on and on for lines",
        );
    }

    #[test]
    fn digests_and_paths_and_images_are_not_text() {
        for text in [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "/usr/share/doc/packages/readme/changelog",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
            "sha512-9f3rKVpW6h1nQmS0yq2LxDkTgUeBvCzA7jHs5wXo4iMlRtYbEaPdFqGuJnNcKv8Zx",
        ] {
            assert!(read(text).is_empty(), "{text}");
        }
    }
}
