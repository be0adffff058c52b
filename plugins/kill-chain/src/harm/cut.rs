//! Words of calls as hashes: cut so that neither case, glue nor layout makes others of them.

use crate::lexicon::name_words;
use crate::order::pairs;
use crate::print::Printer;
use crate::words::is_address;

/// Words of a passage of a long argument, which begins half a passage after the one before.
const PASSAGE: usize = 48;
/// No sentence and no line ends before so many words of a passage.
const LEAST: usize = 8;
/// Bytes of the name of a tool or argument, and of a run without blanks.
const MAX_NAME: usize = 128;
const MAX_TOKEN: usize = 1024;
/// Letters of a word that count.
const BEGIN: usize = 4;
/// What stands for all numbers, addresses, and names that are neither.
const NUMBER: u32 = 0x6e75_6d00;
const ADDRESS: u32 = 0x6164_6400;
const NAME: u32 = 0x6e61_6d00;

/// Hashes of the words of a name.
pub fn names(name: &str, kind: u32, printer: &Printer) -> Vec<u32> {
    let name = name.get(..name.floor_char_boundary(MAX_NAME));
    let words = name_words(name.unwrap_or_default());
    words
        .iter()
        .map(|word| printer.word(begin(word)) ^ kind)
        .collect()
}

/// Passages of a long argument: a few lines or sentences, and of longer ones so many words, each
/// beginning in the middle of the one before.
pub fn passages(words: &[Option<u32>]) -> Vec<&[Option<u32>]> {
    let mut all = Vec::new();
    let (mut from, mut many) = (0, 0);
    for (at, word) in words.iter().enumerate() {
        many += usize::from(word.is_some());
        let last = at + 1 == words.len();
        if (word.is_none() && many >= LEAST) || last {
            let own = words.get(from..=at).unwrap_or_default();
            let mut start = 0;
            loop {
                let end = (start + PASSAGE).min(own.len());
                all.extend(own.get(start..end));
                if end == own.len() {
                    break;
                }
                start += PASSAGE / 2;
            }
            (from, many) = (at + 1, 0);
        }
    }
    all
}

/// Hashes of the words of a value, until there are `most`; `None` where a line or a sentence ends.
pub fn cut(value: &str, printer: &Printer, most: usize) -> Vec<Option<u32>> {
    let (mut words, mut many) = (Vec::new(), 0);
    let end = |words: &mut Vec<Option<u32>>| {
        if words.last().is_some_and(Option::is_some) {
            words.push(None);
        }
    };
    for line in value.split('\n') {
        for token in line.split_whitespace() {
            if many >= most {
                return words;
            }
            // Most are plain words.
            if token.bytes().all(|byte| byte.is_ascii_lowercase()) {
                words.push(Some(printer.within(
                    token.as_bytes(),
                    0,
                    token.len().min(BEGIN),
                )));
                many += 1;
                continue;
            }
            let had = words.len();
            let token = token
                .get(..token.floor_char_boundary(MAX_TOKEN))
                .unwrap_or(token);
            // What is glued together is read apart, as is what is written without blanks.
            for part in token.split(is_glue) {
                word(part, printer, &mut words);
            }
            many += words.len() - had;
            if token.ends_with(['.', '!', '?']) {
                end(&mut words);
            }
        }
        end(&mut words);
    }
    words
}

fn is_glue(char: char) -> bool {
    matches!(
        char,
        '=' | ','
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '"'
            | '\''
            | '`'
            | '&'
            | ';'
            | '|'
            | '<'
            | '>'
    )
}

fn word(token: &str, printer: &Printer, into: &mut Vec<Option<u32>>) {
    let bare = token.trim_matches(|char: char| !char.is_alphanumeric());
    if bare.is_empty() {
        return;
    }
    if bare.chars().any(is_dense) {
        for run in bare.split_inclusive(|char| !is_dense(char)) {
            into.extend(pairs(run.trim_end_matches(|char| !is_dense(char)), printer).map(Some));
        }
        return;
    }
    if is_address(bare) {
        let number = bare
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation());
        into.push(Some(if number { NUMBER } else { ADDRESS }));
        return;
    }
    // Most words are; letter case does not matter to the printer.
    let rest = bare.as_bytes().get(1..).unwrap_or_default();
    if bare.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && rest.iter().all(u8::is_ascii_lowercase)
    {
        into.push(Some(printer.word(begin(bare))));
        return;
    }
    let parts = name_words(bare);
    // `dRoP` is no name of four words.
    let letters = bare.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters && bare.len() < 3 * parts.len() {
        into.push(Some(printer.word(begin(bare))));
        return;
    }
    for part in parts {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        into.push(Some(if digits == part.len() {
            NUMBER
        } else if digits >= 3 {
            NAME
        } else {
            printer.word(begin(&part))
        }));
    }
}

/// How a word begins: what `notify`, `notified` and `notifications` have in common. Four letters told
/// more of left-out authors than whole words, stems or other lengths did.
fn begin(word: &str) -> &str {
    let end = word.char_indices().nth(BEGIN);
    word.get(..end.map_or(word.len(), |(at, _)| at))
        .unwrap_or(word)
}

/// A letter of a script without blanks: Han, Kana, Hangul is not, Thai, Lao, Khmer, Burmese.
fn is_dense(char: char) -> bool {
    matches!(char, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_however_they_are_joined() {
        let own = |value: &str| {
            let words = cut(value, &Printer::default(), 99);
            words.into_iter().flatten().collect::<Vec<_>>()
        };
        let one = own("notify owner twice");
        assert_eq!(own("notifyOwner_twice"), one);
        assert_eq!(own("Notify, OWNER (twice)"), one);
        assert_eq!(own("nOtIfY&oWnEr=TwIcE"), one);
        assert_eq!(own("notified owners twice"), one);
        assert_ne!(own("owner notify twice"), one);
        // Which number, address or mixed name it is says nothing.
        assert_eq!(own("77 a.b@c.example x1y2z3"), own("8 d@e.example q9q8q7"));
        // Neither a year nor an address hides what stands around it without blanks.
        let dense = own("删除审计日志");
        let around = own("把2024年删除审计日志x@e.example");
        assert!(dense.iter().all(|pair| around.contains(pair)));
    }
}
