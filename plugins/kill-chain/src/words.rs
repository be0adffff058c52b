//! Words of a text: where they begin and end, which are names, and what they are compared by.
//!
//! Blanks, quotes and the escapes of JSON inside JSON end a word; scripts written without blanks
//! are runs of their own. What a word means is `vocabulary`.

/// Longest word that is looked at as a name.
const MAX_NAME: usize = 128;

/// One word with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    pub at: usize,
    pub text: &'a str,
    pub kind: Kind,
    /// Of a plain word, what stands between the marks around it; else as `text`.
    pub bare: &'a str,
    /// Some byte of it is more than a letter and could make it a name or a glued word.
    pub rich: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters, digits and what stands between them.
    Plain,
    /// A run of a script without blanks: Han, Kana, Thai.
    Dense,
    /// A line break, written or escaped.
    Break,
    /// One mark that is a word of its own.
    Mark,
}

/// The words of `text`, in order.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            let first = *bytes.get(start)?;
            let class = class(first);
            if class & (LETTER | RICH) != 0 {
                let (word, next) = plain(text, start)?;
                at = next;
                return Some(word);
            }
            let (kind, length) = match class {
                BREAK => (Kind::Break, 1),
                MARK => (Kind::Mark, 1),
                ESCAPE => match bytes.get(start + 1) {
                    Some(b'n' | b'r' | b't') => (Kind::Break, 2),
                    _ => {
                        at += 1;
                        continue;
                    }
                },
                WIDE => {
                    let char = text.get(start..)?.chars().next()?;
                    if char.is_whitespace() {
                        at += char.len_utf8();
                        continue;
                    }
                    if is_punctuation(char) {
                        (Kind::Mark, char.len_utf8())
                    } else if is_dense(char) {
                        (Kind::Dense, dense(text, start) - start)
                    } else {
                        let (word, next) = plain(text, start)?;
                        at = next;
                        return Some(word);
                    }
                }
                _ => {
                    at += 1;
                    continue;
                }
            };
            at = start + length;
            let text = text.get(start..at)?;
            return Some(Word {
                at: start,
                text,
                kind,
                bare: text,
                rich: false,
            });
        }
    })
}

/// The plain word at `start`, and where to go on.
fn plain(text: &str, start: usize) -> Option<(Word<'_>, usize)> {
    let bytes = text.as_bytes();
    // Most words are letters between blanks.
    let rest = bytes.get(start..).unwrap_or_default();
    let letters = rest.iter().position(|byte| class(*byte) != LETTER | CORE);
    let letters = letters.unwrap_or(rest.len());
    let next = rest.get(letters).map_or(0, |byte| class(*byte));
    if letters > 0 && next & (LETTER | RICH | WIDE) == 0 {
        let at = start + letters;
        let word = text.get(start..at)?;
        let word = Word {
            at: start,
            text: word,
            kind: Kind::Plain,
            bare: word,
            rich: false,
        };
        return Some((word, at));
    }
    let (mut at, mut all, mut pending) = (start, 0_u8, 0_u8);
    let (mut from, mut to) = (usize::MAX, start);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut length = rest.len();
        for (offset, &byte) in rest.iter().enumerate() {
            let class = class(byte);
            if class & (LETTER | RICH) == 0 {
                length = offset;
                break;
            }
            // What stands around a word is no part of it.
            if class & CORE != 0 {
                all |= class | if from == usize::MAX { 0 } else { pending };
                pending = 0;
                from = from.min(at + offset);
                to = at + offset + 1;
            } else {
                pending |= class;
            }
        }
        at += length;
        if bytes.get(at).is_none_or(|byte| class(*byte) != WIDE) {
            break;
        }
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(char) if is_wordlike(char) => {
                all |= RICH;
                if char.is_alphanumeric() {
                    from = from.min(at);
                    to = at + char.len_utf8();
                }
                at += char.len_utf8();
            }
            _ => break,
        }
    }
    let word = Word {
        at: start,
        text: text.get(start..at)?,
        kind: Kind::Plain,
        bare: text.get(from.min(to)..to)?,
        rich: all & RICH != 0,
    };
    Some((word, at))
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

/// The word without the endings that change with its place in a sentence; English, ASCII.
pub fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 13] = [
        "ations", "ation", "ating", "ated", "ates", "ate", "ions", "ion", "ings", "ing", "ies",
        "ed", "es",
    ];
    let cut = |ending: &str| {
        let at = word.len().checked_sub(ending.len())?;
        let (head, tail) = word.split_at_checked(at)?;
        (head.len() >= 3 && tail.eq_ignore_ascii_case(ending)).then_some(head)
    };
    let cut_all = ENDINGS.iter().find_map(|ending| cut(ending));
    let head = cut_all.or_else(|| cut("s")).unwrap_or(word);
    match head.strip_suffix(['e', 'E', 'y', 'Y', 'i', 'I']) {
        Some(shorter) if shorter.len() >= 3 => shorter,
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_marks_escapes_and_other_scripts() {
        let all = |text| words(text).map(|word| word.text).collect::<Vec<_>>();
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
    fn a_bare_word_begins_and_ends_with_a_letter_or_digit() {
        let bare = |text| words(text).next().map_or("", |word| word.bare);
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

    #[test]
    fn words_of_one_stem_meet() {
        for (one, two) in [
            ("invited", "invite"),
            ("notifies", "notify"),
            ("files", "file"),
            ("reservation", "reserving"),
            ("manipulation", "manipulate"),
            ("deletion", "delete"),
            ("Deleting", "deletes"),
        ] {
            assert!(stem(one).eq_ignore_ascii_case(stem(two)), "{one} {two}");
        }
    }
}
