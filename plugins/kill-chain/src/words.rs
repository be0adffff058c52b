//! Words of a text: where they begin and end, which are names, and what they are compared by.
//!
//! Blanks, quotes and the escapes of JSON inside JSON end a word; scripts written without blanks
//! are runs of their own. What a word means is `vocabulary`.

use crate::print::Printer;

/// Longest word that is looked at as a name.
const MAX_NAME: usize = 128;

/// One word with its place in the text it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub at: usize,
    pub end: usize,
    pub kind: Kind,
    /// Of a plain word, what stands between the marks around it; else all of it.
    from: usize,
    to: usize,
    /// It holds a character outside ASCII.
    wide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ASCII letters between blanks: most words.
    Letters,
    /// Letters, digits and what stands between them.
    Plain,
    /// A run of a script without blanks: Han, Kana, Thai.
    Dense,
    /// A line break, written or escaped.
    Break,
    /// One mark that is a word of its own.
    Mark,
}

impl Word {
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.at..self.end).unwrap_or_default()
    }

    pub fn bare<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.from..self.to).unwrap_or_default()
    }

    pub fn bare_range(&self) -> (usize, usize) {
        (self.from, self.to)
    }

    pub fn has_bare(&self) -> bool {
        self.from < self.to
    }

    /// Hash of what is bare of it.
    pub fn hash(&self, text: &str, printer: &Printer) -> u32 {
        printer.within(text.as_bytes(), self.from, self.to)
    }

    /// Whether some byte of it is more than a letter and could make it a name or a glued word.
    pub fn is_rich(&self, text: &str) -> bool {
        let bare = || self.bare(text).as_bytes().iter();
        self.kind == Kind::Plain && (self.wide || bare().any(|byte| class(*byte) & RICH != 0))
    }

    fn of(kind: Kind, at: usize, end: usize) -> Self {
        Self {
            at,
            end,
            kind,
            from: at,
            to: end,
            wide: false,
        }
    }
}

/// The words of `text`, in order.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// The words of `text` from the one that begins at `at`.
pub fn words_from(text: &str, at: usize) -> Words<'_> {
    Words { text, at }
}

pub struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl Words<'_> {
    /// Goes past words of ASCII letters and the blanks before them while they are shorter than
    /// `least`, end at a blank and do not say anything, as `says` tells of their place. Returns
    /// where the first begins and the place of the last.
    #[inline]
    pub fn skip_plain(
        &mut self,
        least: usize,
        says: impl Fn(usize, usize) -> bool,
    ) -> Option<(usize, (usize, usize))> {
        let bytes = self.text.as_bytes();
        let mut passed: Option<(usize, (usize, usize))> = None;
        loop {
            let mut start = self.at;
            while bytes.get(start) == Some(&b' ') {
                start += 1;
            }
            let end = letters(bytes, start);
            let is_plain = end > start
                && end - start < least
                && matches!(bytes.get(end), Some(b' ' | b'\n'))
                && !says(start, end);
            if !is_plain {
                return passed;
            }
            self.at = end;
            passed = Some((passed.map_or(start, |(first, _)| first), (start, end)));
        }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    #[inline]
    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        let word = loop {
            match class(*bytes.get(start)?) {
                0 => start += 1,
                BREAK => break Word::of(Kind::Break, start, start + 1),
                MARK => break Word::of(Kind::Mark, start, start + 1),
                ESCAPE => match bytes.get(start + 1) {
                    Some(b'n' | b'r' | b't') => break Word::of(Kind::Break, start, start + 2),
                    _ => start += 1,
                },
                WIDE => match special(self.text, start)? {
                    Ok(word) => break word,
                    Err(blank) => start += blank,
                },
                _ => break plain(self.text, start),
            }
        };
        self.at = word.end;
        Some(word)
    }
}

/// The word that begins at `start` with a character outside ASCII, or how long a blank it is.
#[inline(never)]
fn special(text: &str, start: usize) -> Option<Result<Word, usize>> {
    let char = text.get(start..)?.chars().next()?;
    let length = char.len_utf8();
    Some(if char.is_whitespace() {
        Err(length)
    } else if is_punctuation(char) {
        Ok(Word::of(Kind::Mark, start, start + length))
    } else if is_dense(char) {
        Ok(Word::of(Kind::Dense, start, dense(text, start)))
    } else {
        Ok(wide(text, start))
    })
}

/// The plain word at `start`.
#[inline]
fn plain(text: &str, start: usize) -> Word {
    let bytes = text.as_bytes();
    let letters = letters(bytes, start);
    let next = bytes.get(letters).map_or(0, |byte| class(*byte));
    if letters > start && next & (LETTER | RICH | WIDE) == 0 {
        return Word::of(Kind::Letters, start, letters);
    }
    rough(text, start, letters)
}

/// The plain word at `start`, which is more than the letters up to `letters`.
fn rough(text: &str, start: usize, letters: usize) -> Word {
    let bytes = text.as_bytes();
    let rest = bytes.get(letters..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|byte| class(*byte) & (LETTER | RICH) == 0);
    let end = length.map_or(bytes.len(), |length| letters + length);
    if bytes.get(end).is_some_and(|byte| class(*byte) == WIDE) {
        return wide(text, start);
    }
    // What stands around a word is no part of it.
    let own = bytes.get(start..end).unwrap_or_default();
    let core = |byte: &u8| class(*byte) & CORE != 0;
    let mut word = Word::of(Kind::Plain, start, end);
    match own.iter().position(core) {
        Some(first) => {
            let last = own.iter().rposition(core).unwrap_or(first);
            word.from = start + first;
            word.to = start + last + 1;
        }
        None => word.to = start,
    }
    word
}

/// Where the ASCII letters that begin at `start` end. Eight bytes at a time: bit 7 of each byte of
/// a sum says whether the byte is at least, or past, a bound.
#[inline]
fn letters(bytes: &[u8], start: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let chunk = u64::from_le_bytes(*chunk);
        let folded = (chunk | (0x20 * ONES)) & !HIGH;
        let from_a = folded + u64::from(0x80 - b'a') * ONES;
        let past_z = folded + u64::from(0x7f - b'z') * ONES;
        let others = !(from_a & !past_z & !chunk) & HIGH;
        at += others.trailing_zeros() as usize / 8;
        if others != 0 {
            return at;
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic());
    length.map_or(bytes.len(), |length| at + length)
}

/// The plain word at `start`, which holds characters outside ASCII.
#[inline(never)]
fn wide(text: &str, start: usize) -> Word {
    let bytes = text.as_bytes();
    let (mut at, mut from, mut to) = (start, usize::MAX, start);
    let mut is_wide = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut length = rest.len();
        for (offset, &byte) in rest.iter().enumerate() {
            let class = class(byte);
            if class & (LETTER | RICH) == 0 {
                length = offset;
                break;
            }
            if class & CORE != 0 {
                from = from.min(at + offset);
                to = at + offset + 1;
            }
        }
        at += length;
        if bytes.get(at).is_none_or(|byte| class(*byte) != WIDE) {
            break;
        }
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(char) if is_wordlike(char) => {
                is_wide = true;
                if char.is_alphanumeric() {
                    from = from.min(at);
                    to = at + char.len_utf8();
                }
                at += char.len_utf8();
            }
            _ => break,
        }
    }
    Word {
        at: start,
        end: at,
        kind: Kind::Plain,
        from: from.min(to),
        to,
        wide: is_wide,
    }
}

/// Where the run of a dense script that begins at `start` ends.
fn dense(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(|char| !is_dense(char)).unwrap_or(rest.len());
    start + length
}

fn is_wordlike(char: char) -> bool {
    !char.is_whitespace() && !is_dense(char) && !is_punctuation(char)
}

fn is_punctuation(char: char) -> bool {
    matches!(char, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
}

/// Of a script that puts no blanks between words. Source: Unicode blocks; Hangul is spaced.
fn is_dense(char: char) -> bool {
    matches!(char, '\u{0e00}'..='\u{0eff}' | '\u{2e80}'..='\u{2fff}' | '\u{3040}'..='\u{a4cf}'
        | '\u{f900}'..='\u{faff}' | '\u{ff21}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Part of a word.
const LETTER: u8 = 1;
/// Part of a word that makes it more than letters: digits, marks, glue.
const RICH: u8 = 2;
/// A letter or digit: a word begins and ends with one.
const CORE: u8 = 4;
const BREAK: u8 = 8;
/// A word of its own.
const MARK: u8 = 16;
const ESCAPE: u8 = 32;
/// Part of a character outside ASCII.
const WIDE: u8 = 64;

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(WIDE)
}

/// Asked of every byte, so it is looked up; 0 is a blank.
const CLASSES: [u8; 256] = {
    let mut table = [WIDE; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'\n' => BREAK,
                b'<' | b'|' => MARK,
                b'\\' => ESCAPE,
                b' ' | b'\t' | b'\x0b' | b'\x0c' | b'\r' => 0,
                b'a'..=b'z' | b'A'..=b'Z' => LETTER | CORE,
                b'0'..=b'9' => RICH | CORE,
                b'!' | b'?' | b';' | b'-' | b'*' | b'`' | b'~' => LETTER,
                _ => RICH,
            };
        }
        byte += 1;
    }
    table
};

/// What a word is glued together from: `to=a@b.example`, `send(x)`.
pub fn parts(word: &str) -> impl Iterator<Item = &str> {
    let glue = |char: char| {
        matches!(
            char,
            '=' | ',' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\''
        )
    };
    word.split(glue).filter(|part| !part.is_empty())
}

/// Distinct enough that using it is no chance: an address, a file, an identifier, a long number.
pub fn is_name(word: &str) -> bool {
    if !(6..=MAX_NAME).contains(&word.len()) {
        return false;
    }
    let (mut letters, mut digits, mut marks) = (0, 0, false);
    let mut previous = b' ';
    for byte in word.bytes() {
        letters += usize::from(byte.is_ascii_alphabetic());
        digits += usize::from(byte.is_ascii_digit());
        marks |= matches!(byte, b'@' | b'_' | b'/');
        // A dot between letters; between digits it is a number.
        marks |= previous == b'.' && byte.is_ascii_alphabetic();
        previous = byte;
    }
    if letters == 0 {
        return digits >= 7 && !is_date(word);
    }
    marks || (digits >= 2 && !is_date(word)) || (digits == 1 && word.len() >= 8)
}

/// A name that something can be sent to: mail address, URL, host, account.
pub fn is_address(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.contains('@') || name.contains("://") || name.starts_with("www.") || digits >= 6
}

/// `2024-05-01`, `2024/05/01T10:00`: common to everything that happened that day.
fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.first_chunk::<5>().is_some_and(|&[a, b, c, d, mark]| {
        [a, b, c, d].iter().all(u8::is_ascii_digit) && matches!(mark, b'-' | b'/')
    })
}

/// A name as written, of an address also its host, of a path also its last part.
pub fn forms(name: &str) -> impl Iterator<Item = &str> {
    let plain = name
        .split_once("://")
        .map_or(name, |(_, rest)| rest)
        .trim_end_matches('/');
    let host = plain
        .split(['/', '?', '#'])
        .next()
        .filter(|host| *host != plain && host.contains('.'));
    let tail = plain
        .rsplit_once('/')
        .map(|(_, tail)| tail)
        .filter(|tail| is_name(tail));
    std::iter::once(plain).chain(host).chain(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_marks_escapes_and_other_scripts() {
        let all = |text| words(text).map(|word| word.text(text)).collect::<Vec<_>>();
        assert_eq!(
            all(" a<b>|c  d\n\n é\u{a0}ü\u{2028}x "),
            ["a", "<", "b>", "|", "c", "d", "\n", "\n", "é", "ü", "x"]
        );
        assert_eq!(
            all("hi\\nSend \\\"x\\\""),
            ["hi", "\\n", "Send", "\"x", "\""]
        );
        assert_eq!(all("转到DE44账户"), ["转到", "DE44", "账户"]);
        assert_eq!(all("\u{3000} \t"), Vec::<&str>::new());
    }

    #[test]
    fn plain_words_are_passed_up_to_the_first_that_says_something() {
        let text = "all is well and send it to x.\nbye";
        let mut run = words(text);
        let says = |from: usize, to: usize| text.get(from..to) == Some("send");
        assert_eq!(run.skip_plain(99, says), Some((0, (12, 15))));
        assert_eq!(run.next().map(|word| word.text(text)), Some("send"));
        assert_eq!(run.skip_plain(99, says), Some((21, (24, 26))));
        assert_eq!(run.next().map(|word| word.text(text)), Some("x."));
        assert_eq!(run.skip_plain(99, says), None);
        assert_eq!(words("long words").skip_plain(4, |_, _| false), None);
    }

    #[test]
    fn a_bare_word_begins_and_ends_with_a_letter_or_digit() {
        let bare = |text| words(text).next().map_or("", |word| word.bare(text));
        for (word, inner) in [
            ("'a.b',", "a.b"),
            ("«Ünü!»", "Ünü"),
            ("-…é…-x-", "é…-x"),
            ("…\"", ""),
            ("--", ""),
            ("", ""),
        ] {
            assert_eq!(bare(word), inner, "{word}");
        }
    }

    #[test]
    fn names_are_addresses_and_identifiers_and_no_dates() {
        for name in [
            "a@b.co",
            "www.x.example",
            "DE4450",
            "new_pw",
            "report.pdf",
            "4915112345678",
        ] {
            assert!(is_name(name), "{name}");
        }
        for word in [
            "2024-05-01",
            "2024-05-01T10:00",
            "well-known",
            "1,250.00",
            "e.g",
            "Friday",
        ] {
            assert!(!is_name(word), "{word}");
        }
    }
}
