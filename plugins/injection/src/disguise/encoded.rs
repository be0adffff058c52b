//! Encodings with an alphabet of their own: base64, hex, percent, HTML entities, backslashes.

use std::ops::Range;

use super::{Unveiled, readable};
use crate::place::Place;

/// Shorter runs are ids and words; 24 base64 letters carry 18 bytes.
pub const MIN_RUN: usize = 24;
/// Fewer escapes are ordinary punctuation.
pub const MIN_ESCAPES: usize = 4;

pub fn base64_and_hex(text: &str, found: &mut Vec<Unveiled>) {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    for range in runs(text, is_letter) {
        let run = text.get(range.clone()).unwrap_or_default();
        if run.len() < MIN_RUN {
            continue;
        }
        let decoded = match hex(run).and_then(readable) {
            Some(text) => Some((text, "hex")),
            None => base64(run).and_then(readable).map(|text| (text, "base64")),
        };
        if let Some((text, name)) = decoded {
            found.push(Unveiled {
                text,
                place: Place::Whole(range),
                name,
            });
        }
    }
}

/// Percent-encoded words: `%69%67…` or `ignore%20all%20…`.
pub fn percent(text: &str, found: &mut Vec<Unveiled>) {
    for range in runs(text, |byte| !byte.is_ascii_whitespace() && byte != b'"') {
        let word = text.get(range.clone()).unwrap_or_default();
        if word.matches('%').count() < MIN_ESCAPES {
            continue;
        }
        let mut bytes = Vec::with_capacity(word.len());
        let mut rest = word.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            match (first, tail.get(..2).and_then(hex_byte)) {
                (b'%', Some(byte)) => {
                    bytes.push(byte);
                    rest = tail.get(2..).unwrap_or_default();
                }
                (b'+', _) => {
                    bytes.push(b' ');
                    rest = tail;
                }
                _ => {
                    bytes.push(first);
                    rest = tail;
                }
            }
        }
        if let Some(text) = readable(bytes) {
            found.push(Unveiled {
                text,
                place: Place::Whole(range),
                name: "percent",
            });
        }
    }
}

/// `&#105;&#x67;…`
pub fn entities(text: &str, found: &mut Vec<Unveiled>) {
    escapes(text, "&#", "html-entities", found, |tail| {
        let (body, _) = tail.get(..tail.len().min(10))?.split_once(';')?;
        let code = match body.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => body.parse().ok()?,
        };
        Some((code, body.len() + 1))
    });
}

/// `\u0069\u0067…` and `\x69\x67…`
pub fn backslashes(text: &str, found: &mut Vec<Unveiled>) {
    escapes(text, "\\u", "unicode-escapes", found, |tail| {
        Some((u32::from_str_radix(tail.get(..4)?, 16).ok()?, 4))
    });
    escapes(text, "\\x", "hex-escapes", found, |tail| {
        Some((u32::from_str_radix(tail.get(..2)?, 16).ok()?, 2))
    });
}

/// Replaces every escape between the first and the last one.
fn escapes(
    text: &str,
    mark: &str,
    name: &'static str,
    found: &mut Vec<Unveiled>,
    read: impl Fn(&str) -> Option<(u32, usize)>,
) {
    let mut out = String::new();
    let mut span: Option<Range<usize>> = None;
    let mut count = 0;
    for (at, _) in text.match_indices(mark) {
        let body = at + mark.len();
        let Some((code, length)) = text.get(body..).and_then(&read) else {
            continue;
        };
        let Some(letter) = char::from_u32(code) else {
            continue;
        };
        let from = span.as_ref().map_or(at, |span| span.end);
        let between = text.get(from..at).unwrap_or_default();
        // Far apart, they are no disguise of one passage.
        if between.len() > 64 {
            if count >= MIN_ESCAPES {
                break;
            }
            (span, count) = (None, 0);
            out.clear();
        } else {
            out.push_str(between);
        }
        out.push(letter);
        count += 1;
        let start = span.map_or(at, |span| span.start);
        span = Some(start..body + length);
    }
    if let Some(span) = span.filter(|_| count >= MIN_ESCAPES)
        && let Some(text) = readable(out.into_bytes())
    {
        found.push(Unveiled {
            text,
            place: Place::Whole(span),
            name,
        });
    }
}

/// Maximal runs of bytes in the class. Only cuts at ASCII, so the ranges are whole characters as
/// long as the class holds all or none of the bytes above ASCII.
fn runs(text: &str, class: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        let rest = bytes.get(at..)?;
        let start = at + rest.iter().position(|byte| class(*byte))?;
        let length = bytes
            .get(start..)?
            .iter()
            .take_while(|byte| class(**byte))
            .count();
        at = start + length;
        Some(start..at)
    })
}

fn hex(run: &str) -> Option<Vec<u8>> {
    let digits = run.strip_prefix("0x").unwrap_or(run).as_bytes();
    if digits.len() % 2 == 1 {
        return None;
    }
    digits.chunks(2).map(hex_byte).collect()
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

/// Standard and URL alphabets, with or without padding.
fn base64(run: &str) -> Option<Vec<u8>> {
    let letters = run.trim_end_matches('=').as_bytes();
    if letters.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(letters.len() * 3 / 4);
    for group in letters.chunks(4) {
        let mut bits = 0u32;
        for letter in group {
            bits = bits << 6 | base64_digit(*letter)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, first, second, third] = bits.to_be_bytes();
        out.extend([first, second, third].into_iter().take(group.len() - 1));
    }
    Some(out)
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
    use super::*;

    fn first(unveil: impl Fn(&str, &mut Vec<Unveiled>), text: &str) -> Option<(String, Place)> {
        let mut found = Vec::new();
        unveil(text, &mut found);
        found
            .into_iter()
            .next()
            .map(|piece| (piece.text, piece.place))
    }

    #[test]
    fn base64_of_prose_is_read_with_and_without_padding() {
        for run in ["dGhpcyBpcyBhIHNlbnRlbmNlIQ==", "dGhpcyBpcyBhIHNlbnRlbmNlIQ"] {
            let (text, place) = first(base64_and_hex, &format!("x {run} y")).unwrap();
            assert_eq!(
                (text.as_str(), place),
                ("this is a sentence!", Place::Whole(2..2 + run.len()))
            );
        }
    }

    #[test]
    fn digests_and_paths_are_not_text() {
        assert!(
            first(
                base64_and_hex,
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            )
            .is_none()
        );
        assert!(first(base64_and_hex, "/usr/share/doc/packages/readme/changelog").is_none());
    }

    #[test]
    fn escapes_are_read() {
        let hex: String = "hidden words".bytes().map(|b| format!("{b:02x}")).collect();
        assert_eq!(first(base64_and_hex, &hex).unwrap().0, "hidden words");
        assert_eq!(
            first(percent, "a%20few%20small%20words%20here").unwrap().0,
            "a few small words here"
        );
        let entities_text: String = "hidden words".bytes().map(|b| format!("&#{b};")).collect();
        assert_eq!(first(entities, &entities_text).unwrap().0, "hidden words");
        let escaped: String = "hidden words"
            .bytes()
            .map(|b| format!("\\u{b:04x}"))
            .collect();
        assert_eq!(first(backslashes, &escaped).unwrap().0, "hidden words");
    }
}
