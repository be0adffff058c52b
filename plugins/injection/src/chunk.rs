//! A long text in stretches that are examined one after the other, so that memory is asked for by
//! the stretch and not by the text.

use std::ops::Range;

/// Stretches of `text` in order, none longer than [`LONGEST`].
///
/// Neighbours share [`SHARED`] bytes, so that a passage lies whole in one of them, and are cut at
/// white space. What has none, such as an encoded file, is cut into whole groups of any encoding.
pub fn chunks(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut next = (!text.is_empty()).then_some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let whole = text.len() - start <= LONGEST;
        if whole {
            next = None;
            return Some(start..text.len());
        }
        let (end, following) = cut(text, start);
        next = Some(following);
        Some(start..end)
    })
}

/// Where the stretch that begins at `start` ends, and where the next one begins.
fn cut(text: &str, start: usize) -> (usize, usize) {
    let space = |range: Range<usize>| {
        let found = text.as_bytes().get(range.clone()).unwrap_or_default();
        let at = found.iter().rposition(u8::is_ascii_whitespace);
        at.map(|at| range.start + at + 1)
    };
    let most = start + LONGEST;
    if let Some(end) = space(start + LONGEST / 2..most) {
        let following = space(end - 2 * SHARED..end - SHARED).unwrap_or(end);
        return (end, following);
    }
    let from = space(start..start + LONGEST / 2).unwrap_or(start);
    let mut end = from + (most - from) / GROUPS * GROUPS;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (end, end)
}

/// Bytes of one stretch. Chosen: its words take some 2 MB, and a detector may have 32 MiB.
const LONGEST: usize = 256 << 10;
/// Bytes at least that two neighbours share: more than a passage of 40 long words.
const SHARED: usize = 1 << 10;
/// A multiple of the letters in one group of base64, base32, base85, hex and binary.
const GROUPS: usize = 40 * 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) -> Vec<Range<usize>> {
        let all: Vec<_> = chunks(text).collect();
        let mut covered = 0;
        for range in &all {
            assert!(range.len() <= LONGEST && range.start <= covered && range.end > covered);
            assert!(text.get(range.clone()).is_some());
            covered = range.end;
        }
        assert_eq!(covered, text.len());
        all
    }

    #[test]
    fn every_byte_is_in_a_stretch_and_words_stay_whole() {
        assert!(check("").is_empty());
        assert_eq!(check("short").len(), 1);
        let text = "some words in a row ".repeat(50_000);
        for pair in check(&text).windows(2) {
            assert!(pair[0].end - pair[1].start >= SHARED);
            assert!(text[..pair[1].start].ends_with(' ') && text[..pair[0].end].ends_with(' '));
        }
    }

    #[test]
    fn what_has_no_space_is_cut_into_whole_groups() {
        let text = format!("file: {}", "QUJD".repeat(200_000));
        for range in check(&text).iter().skip(1) {
            assert_eq!((range.start - 6) % GROUPS, 0);
        }
        check(&"漢字".repeat(200_000));
    }
}
