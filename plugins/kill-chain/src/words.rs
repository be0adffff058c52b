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
            let kind = match class(*bytes.get(start)?) {
                Class::Blank => {
                    at += 1;
                    continue;
                }
                Class::Break => Kind::Break,
                Class::Mark => Kind::Mark,
                Class::Escape => match bytes.get(start + 1) {
                    Some(b'n' | b'r' | b't') => {
                        at += 2;
                        let text = text.get(start..at)?;
                        return Some(Word {
                            at: start,
                            text,
                            kind: Kind::Break,
                        });
                    }
                    _ => {
                        at += 1;
                        continue;
                    }
                },
                Class::Letter => Kind::Plain,
                Class::Wide => {
                    let char = text.get(start..)?.chars().next()?;
                    if char.is_whitespace() {
                        at += char.len_utf8();
                        continue;
                    }
                    if is_dense(char) {
                        Kind::Dense
                    } else {
                        Kind::Plain
                    }
                }
            };
            at = match kind {
                Kind::Break => start + 1,
                Kind::Mark => start + text.get(start..)?.chars().next()?.len_utf8(),
                Kind::Plain | Kind::Dense => end(text, start, kind == Kind::Dense),
            };
            let text = text.get(start..at)?;
            return Some(Word {
                at: start,
                text,
                kind,
            });
        }
    })
}

/// Where the word that begins at `at` ends.
fn end(text: &str, mut at: usize, dense: bool) -> usize {
    let bytes = text.as_bytes();
    loop {
        if !dense {
            let rest = bytes.get(at..).unwrap_or_default();
            at += rest
                .iter()
                .position(|byte| class(*byte) != Class::Letter)
                .unwrap_or(rest.len());
        }
        let wide = bytes
            .get(at)
            .is_some_and(|byte| class(*byte) == Class::Wide);
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(char) if wide && !char.is_whitespace() && is_dense(char) == dense => {
                at += char.len_utf8();
            }
            _ => return at,
        }
    }
}

/// Of a script that puts no blanks between words. Source: Unicode blocks; Hangul is spaced.
fn is_dense(char: char) -> bool {
    matches!(char, '\u{0e00}'..='\u{0eff}' | '\u{2e80}'..='\u{2fff}' | '\u{3040}'..='\u{a4cf}'
        | '\u{f900}'..='\u{faff}' | '\u{ff21}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Blank,
    Break,
    /// A word of its own.
    Mark,
    Escape,
    /// Part of a character outside ASCII.
    Wide,
}

fn class(byte: u8) -> Class {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Wide)
}

/// Asked of every byte, so it is looked up.
const CLASSES: [Class; 256] = {
    let mut table = [Class::Wide; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'\n' => Class::Break,
                b'<' | b'|' => Class::Mark,
                b'\\' => Class::Escape,
                b' ' | b'\t' | b'\x0b' | b'\x0c' | b'\r' => Class::Blank,
                _ => Class::Letter,
            };
        }
        byte += 1;
    }
    table
};

/// The word without what stands around it.
pub fn bare(word: &str) -> &str {
    let outside = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let bytes = word.as_bytes();
    let start = bytes.iter().take_while(|byte| outside(byte)).count();
    let ending = bytes.get(start..).unwrap_or_default();
    let after = ending.iter().rev().take_while(|byte| outside(byte)).count();
    let inner = word.get(start..word.len() - after).unwrap_or_default();
    if inner.is_ascii() {
        return inner;
    }
    inner.trim_matches(|char: char| !char.is_alphanumeric())
}

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
    const ENDINGS: [&str; 7] = ["ations", "ation", "ings", "ing", "ies", "ed", "es"];
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
            ("Deleting", "deletes"),
        ] {
            assert!(stem(one).eq_ignore_ascii_case(stem(two)), "{one} {two}");
        }
    }
}
