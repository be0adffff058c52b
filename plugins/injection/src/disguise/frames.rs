//! Encodings that use nearly every visible character: base85 and uuencode.

use super::survey::runs;
use super::{Finds, promising, readable};

/// Shorter ones are words with their punctuation; 35 characters carry 28 bytes.
pub const MIN_STRETCH: usize = 35;

/// Ascii85 as Adobe and Python write it, and the alphabet of RFC 1924 as Git does.
pub fn base85(text: &str, found: &mut Finds) {
    let bytes = text.as_bytes();
    let inside = |at| {
        bytes
            .get(at)
            .is_some_and(|byte: &u8| !byte.is_ascii_whitespace())
    };
    for range in runs(bytes.len(), MIN_STRETCH, inside) {
        let stretch = text.get(range.clone()).unwrap_or_default();
        let bare = stretch.strip_prefix("<~").unwrap_or(stretch);
        let bare = bare.strip_suffix("~>").unwrap_or(bare);
        let quoted = bare.trim_matches(['"', '\'', ',', '.', ':', '[', ']']);
        let said = [
            (bare, "ascii85", ascii85 as Digit),
            (quoted, "base85", rfc1924),
        ];
        let said = said.into_iter().find_map(|(letters, name, digit)| {
            Some((decode(letters.as_bytes(), digit).and_then(readable)?, name))
        });
        if let Some((text, name)) = said {
            found.add(name, range, text);
        }
    }
}

/// The value of a character.
type Digit = fn(u8) -> Option<u8>;

fn ascii85(letter: u8) -> Option<u8> {
    matches!(letter, b'!'..=b'u').then(|| letter - b'!')
}

fn rfc1924(letter: u8) -> Option<u8> {
    let place = match letter {
        b'0'..=b'9' => letter - b'0',
        b'A'..=b'Z' => letter - b'A' + 10,
        b'a'..=b'z' => letter - b'a' + 36,
        _ => {
            let at = b"!#$%&()*+-;<=>?@^_`{|}~"
                .iter()
                .position(|known| *known == letter)?;
            u8::try_from(at).ok()? + 62
        }
    };
    Some(place)
}

fn decode(letters: &[u8], digit: Digit) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut tasted = false;
    for group in letters.chunks(5) {
        let mut number = 0u64;
        for index in 0..5 {
            // A group that is cut short is filled up with the highest digit.
            let value = group.get(index).map_or(Some(84), |letter| digit(*letter))?;
            number = number * 85 + u64::from(value);
        }
        let bytes = u32::try_from(number).ok()?.to_be_bytes();
        out.extend(bytes.into_iter().take(group.len() - 1));
        if !tasted && out.len() >= 16 {
            tasted = true;
            if !promising(&out) {
                return None;
            }
        }
    }
    Some(out)
}

/// Lines of uuencode, with or without `begin` and `end` around them.
pub fn uuencode(text: &str, found: &mut Finds) {
    let mut bytes = Vec::new();
    let (mut start, mut end, mut at) = (0, 0, 0);
    for line in text.split_inclusive('\n').chain([""]) {
        let body = line.trim_end_matches(['\n', '\r']);
        match uu_line(body.as_bytes()) {
            Some(more) => {
                if bytes.is_empty() {
                    start = at;
                }
                bytes.extend(more);
                end = at + body.len();
            }
            None if bytes.len() >= MIN_UU => {
                if let Some(text) = readable(std::mem::take(&mut bytes)) {
                    found.add("uuencode", start..end, text);
                }
            }
            None => bytes.clear(),
        }
        at += line.len();
    }
}

/// Bytes of a passage in uuencode; fewer fit a line by chance.
const MIN_UU: usize = 12;

/// A line's bytes: its first character says how many, the others carry six bits each.
fn uu_line(line: &[u8]) -> Option<Vec<u8>> {
    let (first, body) = line.split_first()?;
    let value = |letter: u8| matches!(letter, 0x20..=0x60).then(|| (letter - 0x20) & 0x3f);
    let count = usize::from(value(*first).filter(|count| *count > 0)?);
    // Mail takes away white space at the end.
    let full = count.div_ceil(3) * 4;
    if body.len() > full + 1 || body.len() + 3 < full {
        return None;
    }
    let mut out = Vec::with_capacity(count + 2);
    for group in body.chunks(4).take(full / 4) {
        let mut bits = 0u32;
        for index in 0..4 {
            bits = bits << 6 | u32::from(value(group.get(index).copied().unwrap_or(b' '))?);
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes);
    }
    out.truncate(count);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::tests::pieces;
    use super::*;

    #[track_caller]
    fn check(unveil: impl Fn(&str, &mut Finds), text: &str, expected: Option<(&str, &str)>) {
        let found = pieces(text, unveil);
        let piece = found.first();
        assert_eq!(
            piece.map(|piece| (piece.name, piece.text.as_str())),
            expected,
            "{text}"
        );
    }

    #[test]
    fn base85_is_read_in_both_alphabets() {
        let said = |name| Some((name, "some hidden words that go on"));
        check(base85, A85, said("ascii85"));
        check(base85, &format!("x <~{A85}~> y"), said("ascii85"));
        check(base85, &format!("x \"{B85}\", y"), said("base85"));
    }

    const A85: &str = "F)Po,+D>J\"A7]X$GAhM4F!,R<@<<W)D]it9";
    const B85: &str = "b8l^BAZTf1WMyt3cW-iJb0BnRVRRs8Zy;}O";

    #[test]
    fn uuencode_is_read_without_its_frame() {
        let line = "<<V]M92!H:61D96X@=V]R9',@=&AA=\"!G;R!O;@";
        check(
            uuencode,
            &format!("see\n{line}\n\nend"),
            Some(("uuencode", "some hidden words that go on")),
        );
        check(
            uuencode,
            "-a\n- b\n# HEADING ONE\n## TWO THREE\nUSAGE: X\n",
            None,
        );
    }

    #[test]
    fn ordinary_stretches_are_no_base85() {
        for text in [
            "https://docs.example/guide/of/many/parts?first=1&second=2",
            "function(e){return e.map((function(t){return t+1}))}",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            check(base85, text, None);
        }
    }
}
