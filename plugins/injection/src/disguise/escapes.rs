//! Escapes: percent, quoted-printable, HTML entities, backslashes.

use std::ops::Range;

use super::{Finds, ceil, hex_byte, readable};

/// Fewer escapes are ordinary punctuation.
pub const MIN_ESCAPES: usize = 4;
/// Bytes between two escapes of one passage.
const NEAR: usize = 64;
/// Bytes on both sides that are read with a passage, which may begin or end inside a word.
const BESIDE: usize = 32;

/// Percent-encoded words: `%69%67…` or `ignore%20all%20…`.
pub fn percent(text: &str, found: &mut Finds) {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"';
    let bytes = text.as_bytes();
    let mut done = 0;
    for at in memchr::memchr_iter(b'%', bytes) {
        if at < done {
            continue;
        }
        let before = bytes.get(done..at).unwrap_or_default();
        let start = done + before.iter().rposition(ends).map_or(0, |last| last + 1);
        let after = bytes.get(at..).unwrap_or_default();
        let end = at + after.iter().position(ends).unwrap_or(after.len());
        done = end;
        let range = start..end;
        let word = text.get(range.clone()).unwrap_or_default();
        if word.matches('%').count() < MIN_ESCAPES {
            continue;
        }
        let mut bytes = Vec::with_capacity(word.len());
        let mut rest = word.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            let (byte, skip) = match (first, tail.get(..2).and_then(hex_byte)) {
                (b'%', Some(byte)) => (byte, 2),
                (b'+', _) => (b' ', 0),
                _ => (first, 0),
            };
            bytes.push(byte);
            rest = tail.get(skip..).unwrap_or_default();
        }
        if let Some(text) = readable(bytes) {
            found.add("percent", range, text);
        }
    }
}

/// `=69=67…` of mail, with lines that end in `=` joined.
pub fn quoted_printable(text: &str, found: &mut Finds) {
    let read = |tail: &str| match tail.as_bytes() {
        [b'\n', ..] => Some((None, 1)),
        [b'\r', b'\n', ..] => Some((None, 2)),
        [high, low, ..] if !high.is_ascii_lowercase() && !low.is_ascii_lowercase() => {
            Some((Some(hex_byte(&[*high, *low])?), 2))
        }
        _ => None,
    };
    escapes(text, '=', "quoted-printable", found, |tail, out| {
        let (byte, length) = read(tail)?;
        out.extend(byte);
        Some(length)
    });
}

/// `&#105;&#x67;…`
pub fn entities(text: &str, found: &mut Finds) {
    escapes(text, '&', "html-entities", found, |tail, out| {
        let head = tail.strip_prefix('#')?;
        let body = until(head, b';', 9)?;
        let code = match body.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => body.parse().ok()?,
        };
        push(char::from_u32(code)?, out);
        // The semicolon may be missing at the very end.
        Some((body.len() + 2).min(tail.len()))
    });
}

/// `\u0069`, `\u{69}`, `\U00000069`, `\x69` and `\151`.
pub fn backslashes(text: &str, found: &mut Finds) {
    escapes(text, '\\', "backslash-escapes", found, |tail, out| {
        let (kind, digits) = (tail.chars().next()?, tail.get(1..)?);
        let (digits, radix, length) = match kind {
            'u' if digits.starts_with('{') => {
                let body = until(digits.get(1..)?, b'}', 7)?;
                (body, 16, body.len() + 3)
            }
            'u' => (digits.get(..4)?, 16, 5),
            'U' => (digits.get(..8)?, 16, 9),
            'x' => {
                out.push(u8::from_str_radix(digits.get(..2)?, 16).ok()?);
                return Some(3);
            }
            '0'..='3' => (tail.get(..3)?, 8, 3),
            _ => return None,
        };
        push(
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)?,
            out,
        );
        Some(length)
    });
}

/// What stands before `mark`, which is among the next few bytes or missing at the text's end.
fn until(text: &str, mark: u8, few: usize) -> Option<&str> {
    match text.bytes().take(few).position(|byte| byte == mark) {
        Some(at) => text.get(..at),
        None => (text.len() < few).then_some(text),
    }
}

fn push(letter: char, out: &mut Vec<u8>) {
    out.extend(letter.encode_utf8(&mut [0; 4]).bytes());
}

/// Replaces the escapes of each passage, from its first to its last one. `read` is given what
/// follows the mark, adds what it stands for, and says how many bytes that were.
fn escapes(
    text: &str,
    mark: char,
    name: &'static str,
    found: &mut Finds,
    read: impl Fn(&str, &mut Vec<u8>) -> Option<usize>,
) {
    let (mut out, mut said) = (Vec::new(), Vec::new());
    let mut span: Range<usize> = 0..0;
    let mut count = 0;
    let mut finish = |span: &Range<usize>, count: &mut usize, out: &mut Vec<u8>| {
        let (start, end) = (
            ceil(text, span.start.saturating_sub(BESIDE)),
            ceil(text, (span.end + BESIDE).min(text.len())),
        );
        let before = text.get(start..span.start).unwrap_or_default();
        let after = text.get(span.end..end).unwrap_or_default();
        let bytes = [before.as_bytes(), &std::mem::take(out), after.as_bytes()].concat();
        if std::mem::take(count) >= MIN_ESCAPES
            && let Some(text) = readable(bytes)
        {
            found.add(name, start..end, text);
        }
    };
    for (at, _) in text.match_indices(mark) {
        // Part of the escape before it.
        if at < span.end {
            continue;
        }
        let body = at + mark.len_utf8();
        if at - span.end > NEAR || count == 0 {
            finish(&span, &mut count, &mut out);
            span = at..at;
        }
        said.clear();
        if let Some(length) = text.get(body..).and_then(|tail| read(tail, &mut said)) {
            out.extend(text.get(span.end..at).unwrap_or_default().bytes());
            out.extend(&said);
            count += 1;
            span.end = body + length;
        }
    }
    finish(&span, &mut count, &mut out);
}

#[cfg(test)]
mod tests {
    use super::super::tests::pieces;
    use super::*;

    #[track_caller]
    fn check(unveil: impl Fn(&str, &mut Finds), text: &str, expected: &[&str]) {
        let found = pieces(text, unveil);
        let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, expected, "{text}");
    }

    #[test]
    fn escapes_are_read() {
        let each = |form: fn(u8) -> String| "hidden words".bytes().map(form).collect::<String>();
        let said = &["hidden words"];
        check(
            percent,
            "a%20few%20small%20words%20here",
            &["a few small words here"],
        );
        check(entities, &each(|b| format!("&#{b};")), said);
        check(entities, &each(|b| format!("&#x{b:x};")), said);
        check(backslashes, &each(|b| format!("\\u{b:04x}")), said);
        check(backslashes, &each(|b| format!("\\u{{{b:x}}}")), said);
        check(backslashes, &each(|b| format!("\\x{b:02x}")), said);
        check(backslashes, &each(|b| format!("\\{b:03o}")), said);
        check(quoted_printable, &each(|b| format!("={b:02X}")), said);
        check(quoted_printable, "=68=69dd=\nen =77ords", said);
    }

    #[test]
    fn passages_far_apart_are_read_each() {
        let one: String = "first one".bytes().map(|b| format!("\\x{b:02x}")).collect();
        let two: String = "second two"
            .bytes()
            .map(|b| format!("\\x{b:02x}"))
            .collect();
        let text = format!("{one}{}{two}", "xy".repeat(45));
        let beside = "xy".repeat(16);
        let texts = [format!("first one{beside}"), format!("{beside}second two")];
        check(backslashes, &text, &[&texts[0], &texts[1]]);
    }

    #[test]
    fn ordinary_marks_are_no_escapes() {
        check(backslashes, r"C:\users\new\temp\xylo\docs\unit\more", &[]);
        check(quoted_printable, "a=12 b=34 c=56 d=78 e=9", &[]);
        check(entities, "&amp;&lt;&gt;&nbsp;&#;&#", &[]);
    }
}
