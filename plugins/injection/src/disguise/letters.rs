//! Spellings that put other letters in place of each: leetspeak, rot13, rot47, atbash, Caesar's
//! shift by any number, and text written backwards.

use std::ops::Range;

use super::signs::SPELLING;
use super::{Finds, ceil};
use crate::place::Place;
use crate::scan::{Hints, Scanner};

/// English words that nearly every attack in these disguises contains.
const TELLING: [&str; 10] = [
    "ignore",
    "disregard",
    "instructions",
    "previous",
    "system prompt",
    "reveal",
    "password",
    "secret",
    "override",
    "forget",
];

type Respell = fn(char) -> char;

/// How a whole passage can be respelt so that each letter stays where it is.
const SPELLINGS: [(&str, Respell); 3] = [("rot13", rot13), ("atbash", atbash), ("rot47", rot47)];

/// Words that speak of ciphers, so that any shift is worth a try.
const CIPHERS: [&str; 7] = [
    "caesar", "cipher", "decod", "decrypt", "deciph", "rot1", "shifted",
];

/// Numbers of telltales: [`TELLING`] in each of [`SPELLINGS`], then backwards, then the spelling
/// alphabet, then [`CIPHERS`].
pub const TELLTALES: usize = CIPHER + 1;
const BACKWARDS: usize = SPELLINGS.len() * TELLING.len();
const SPELT: usize = BACKWARDS + TELLING.len();
const CIPHER: usize = SPELT + 1;

/// Words to look for, and the number that each stands for.
pub fn telltales() -> Vec<(String, usize)> {
    let mut all = Vec::new();
    for (index, word) in TELLING.iter().enumerate() {
        for (spelling, (_, respell)) in SPELLINGS.iter().enumerate() {
            let respelt = word.chars().map(respell).collect();
            all.push((respelt, spelling * TELLING.len() + index));
        }
        all.push((word.chars().rev().collect(), BACKWARDS + index));
    }
    // The others are everyday words, or short.
    let rare = SPELLING.iter().filter(|word| {
        matches!(
            word.as_bytes(),
            [b'n' | b'o' | b'r' | b't' | b's' | b'f' | b'u', ..]
        )
    });
    all.extend(rare.map(|word| (format!("{word}|"), SPELT)));
    all.extend(CIPHERS.iter().map(|word| ((*word).to_owned(), CIPHER)));
    all
}

impl Hints {
    /// Takes the telltales that the scanner met: number and end, ascending by number.
    pub fn of(told: Vec<(usize, usize)>) -> Self {
        let count = |number| told.iter().filter(|(other, _)| *other == number).count();
        Self {
            spelt: count(SPELT) >= 3,
            cipher: count(CIPHER) > 0,
            told,
        }
    }

    /// Where telling words in one spelling stand, if there are two different ones: one alone
    /// occurs by chance.
    fn passage(&self, first: usize, text: &str) -> Option<Range<usize>> {
        let of_spelling = first..first + TELLING.len();
        let told = || {
            self.told
                .iter()
                .filter(|told| of_spelling.contains(&told.0))
        };
        let start = told().map(|told| told.1).min()?;
        let end = told().map(|told| told.1).max()?;
        let one = told().next()?.0;
        told().any(|told| told.0 != one).then(|| {
            let start = ceil(text, start.saturating_sub(AROUND));
            start..ceil(text, end + AROUND)
        })
    }
}

/// Bytes before the end of the first telling word, and after the last one, that are read too.
const AROUND: usize = 400;

/// Passages in other letters or backwards.
pub fn respelt(text: &str, hints: &Hints, found: &mut Finds) {
    for (index, (name, respell)) in SPELLINGS.iter().enumerate() {
        if let Some(range) = hints.passage(index * TELLING.len(), text) {
            let said = text.get(range.clone()).unwrap_or_default();
            found.put(
                name,
                Place::Shift(range.start),
                said.chars().map(respell).collect(),
            );
        }
    }
    if let Some(range) = hints.passage(BACKWARDS, text) {
        let said = text.get(range.clone()).unwrap_or_default();
        let words = said
            .split_inclusive(char::is_whitespace)
            .map(word_backwards);
        found.put("words-reversed", Place::Shift(range.start), words.collect());
        found.add("reversed", range, said.chars().rev().collect());
    }
    if hints.cipher || !is_natural(text) {
        shifted(text, found);
    }
}

/// The letters backwards, the white space at the end still there.
fn word_backwards(word: &str) -> String {
    let letters = word.trim_end();
    let rest = word.get(letters.len()..).unwrap_or_default();
    letters.chars().rev().chain(rest.chars()).collect()
}

fn rot13(letter: char) -> char {
    turned(letter, 13)
}

fn turned(letter: char, by: u8) -> char {
    let turn = |base: u8| char::from(base + (letter as u8 - base + by) % 26);
    match letter {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        other => other,
    }
}

fn atbash(letter: char) -> char {
    match letter {
        'a'..='z' => char::from(b'a' + b'z' - letter as u8),
        'A'..='Z' => char::from(b'A' + b'Z' - letter as u8),
        other => other,
    }
}

fn rot47(letter: char) -> char {
    match letter {
        '!'..='~' => char::from(b'!' + (letter as u8 - b'!' + 47) % 94),
        other => other,
    }
}

/// Whether the first letters have the vowels that any language has.
fn is_natural(text: &str) -> bool {
    let (mut letters, mut vowels) = (0, 0);
    for byte in text.bytes().take(SAMPLE) {
        let [letter, vowel] = match byte | 0x20 {
            b'a' | b'e' | b'i' | b'o' => [1, 1],
            b'a'..=b'z' => [1, 0],
            _ => [0, 0],
        };
        letters += letter;
        vowels += vowel;
    }
    letters < MIN_SHIFTED || vowels * 4 >= letters
}

const SAMPLE: usize = 64;
/// Fewer letters fit some shift by chance.
const MIN_SHIFTED: usize = 16;

/// Stretches that only a shift of the alphabet makes English.
fn shifted(text: &str, found: &mut Finds) {
    let mut at = 0;
    for line in text.split_inclusive(['\n', ':', '"', '`', '“', '”']) {
        let range = at..at + line.len();
        at = range.end;
        if line.len() < MIN_SHIFTED {
            continue;
        }
        let Some(by) = shift_of(line) else { continue };
        let said = line.chars().map(|letter| turned(letter, by)).collect();
        found.put("shifted", Place::Shift(range.start), said);
    }
}

/// The shift that turns these letters into likely ones, if they are not likely as they are.
fn shift_of(line: &str) -> Option<u8> {
    let mut counts = [0usize; 26];
    for byte in line.bytes().filter(u8::is_ascii_alphabetic) {
        if let Some(count) = counts.get_mut(usize::from((byte | 0x20) - b'a')) {
            *count += 1;
        }
    }
    let all: usize = counts.iter().sum();
    if all < MIN_SHIFTED {
        return None;
    }
    let like = |counts: &[usize], likely: &[usize]| -> usize {
        let each = counts.iter().zip(likely);
        each.map(|(count, likely)| count * likely).sum()
    };
    let likeness = |by: u8| {
        let (first, last) = LIKELY.split_at(usize::from(by));
        let (here, around) = counts.split_at(last.len());
        (like(here, last) + like(around, first)) / all
    };
    // No order of these letters is likelier than the most frequent ones standing for the likeliest.
    let mut sorted = counts;
    sorted.sort_unstable();
    if like(&sorted, &LIKELIEST) / all < likeness(0) + CLEARLY {
        return None;
    }
    let best = (1..26).max_by_key(|by| likeness(*by))?;
    (likeness(best) >= LIKE_ENGLISH && likeness(best) >= likeness(0) + CLEARLY).then_some(best)
}

/// How usual each letter is in English: 16 times the logarithm of its share in parts per thousand.
///
/// Source: measured letter frequencies as any handbook of ciphers gives them; English text has 92
/// on average, letters by chance 72.
const LIKELY: [usize; 26] = [
    102, 63, 77, 87, 112, 71, 69, 95, 98, 16, 48, 85, 73, 97, 100, 68, 0, 95, 96, 104, 77, 53, 73,
    16, 69, 0,
];
/// The same in ascending order.
const LIKELIEST: [usize; 26] = [
    0, 0, 16, 16, 48, 53, 63, 68, 69, 69, 71, 73, 73, 77, 77, 85, 87, 95, 95, 96, 97, 98, 100, 102,
    104, 112,
];
const LIKE_ENGLISH: usize = 85;
const CLEARLY: usize = 12;

/// Digits and marks read as letters.
pub fn leet(text: &str, scanner: &Scanner, found: &mut Finds) {
    for range in leet_passages(text) {
        let said = text.get(range.clone()).unwrap_or_default();
        for said in unleeted(said, scanner) {
            found.put("leetspeak", Place::Shift(range.start), said);
        }
    }
}

/// Leetspeak as letters. 1 is i or l, in each word what gives more of a known one; where words were
/// run together, a second text has the other one.
pub fn unleeted(text: &str, scanner: &Scanner) -> Vec<String> {
    let read = |text: &str, one| -> String { text.chars().map(|c| unleet(c, one)).collect() };
    let known = |text: &str| scanner.words(text).map(|word| word.len()).max();
    let (mut said, mut second, mut together) = (String::new(), String::new(), false);
    for written in text.split_inclusive(char::is_whitespace) {
        let parts = match written.split_once('@') {
            // An address rather than an a.
            Some((name, host)) if name.len() > 3 && host.trim_end().len() > 3 => [name, "@", host],
            _ => [written, "", ""],
        };
        for word in parts {
            let readings = match word {
                "@" => ["@".to_owned(), String::new()],
                _ => ['i', 'l'].map(|one| read(word, one)),
            };
            let [first, other] = match &readings {
                [i, l] if word.contains(['1', '!', '|']) && known(l) > known(i) => [l, i],
                [i, l] => [i, l],
            };
            said.push_str(first);
            let is_long = word.len() >= LONG && other != first;
            together |= is_long;
            second.push_str(if is_long { other } else { first });
        }
    }
    match together {
        true => vec![said, second],
        false => vec![said],
    }
}

fn unleet(letter: char, one: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}

/// Stretches in which words with digits for letters stand close together.
fn leet_passages(text: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut here: Option<(Range<usize>, usize)> = None;
    let mut plain = 0;
    let finish = |here: Option<(Range<usize>, usize)>, all: &mut Vec<Range<usize>>| {
        if let Some((range, _)) = here.filter(|(_, words)| *words >= MIN_LEET) {
            let start = ceil(text, range.start.saturating_sub(BESIDE));
            let start = start.max(all.last().map_or(0, |last| last.end));
            all.push(start..ceil(text, (range.end + BESIDE).min(text.len())));
        }
    };
    for word in super::runs(text, |byte| !byte.is_ascii_whitespace()) {
        let letters = text.get(word.clone()).unwrap_or_default();
        if is_leet(letters) {
            // Words that were run together are as good as many.
            let weight = 1 + letters.len() / 10;
            let (range, words) = here.take().unwrap_or((word.clone(), 0));
            here = Some((range.start..word.end, words + weight));
            plain = 0;
            continue;
        }
        plain += usize::from(letters.bytes().any(|byte| byte.is_ascii_alphabetic()));
        if plain > MAX_PLAIN {
            finish(here.take(), &mut all);
        }
    }
    finish(here, &mut all);
    all
}

/// Letters, and among them digits that look like some.
pub fn is_leet(word: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'@' | b'$');
    if !word.bytes().any(is_digit) {
        return false;
    }
    let word =
        word.trim_matches(|letter: char| matches!(letter, '.' | ',' | ':' | ';' | '?' | '"'));
    let (mut letters, mut digits, mut row) = (0, 0, 0);
    let (mut others, mut capitals, mut beyond) = (false, false, false);
    for (at, byte) in word.bytes().enumerate() {
        row = if byte.is_ascii_digit() { row + 1 } else { 0 };
        beyond |= matches!(byte, b'g'..=b'z' | 0x80..);
        match byte {
            b'a'..=b'z' | 0x80.. => letters += 1,
            b'A'..=b'Z' => {
                letters += 1;
                capitals |= at > 0;
            }
            b'0'..=b'9' | b'@' | b'$' => digits += 1,
            b'!' | b'|' | b'+' | b'-' | b'\'' => {}
            // Code, assignments, addresses.
            _ => return false,
        }
        // Numbers with their units and names, and digits that look like no letter.
        others |= row > 2 || matches!(byte, b'2' | b'6');
    }
    // Base64 has capitals anywhere, and digests no letter after f.
    let run_together = word.len() >= LONG && letters * 4 >= word.len() && !capitals && beyond;
    letters > 1 && digits > 0 && (run_together || (!others && letters + 1 >= digits))
}

const MIN_LEET: usize = 3;
/// The longest English words are shorter.
const LONG: usize = 28;
/// Ordinary words between two of a passage.
const MAX_PLAIN: usize = 3;
/// Bytes on both sides that are read with a passage.
const BESIDE: usize = 48;

#[cfg(test)]
mod tests {
    use super::super::tests::pieces;
    use super::*;

    #[test]
    fn telltales_are_the_words_in_disguise() {
        let words: Vec<String> = telltales().into_iter().map(|(word, _)| word).collect();
        for word in ["vtaber", "rtmliv", ":8?@C6", "snoitcurtsni", "november|"] {
            assert!(words.contains(&word.to_owned()), "{word}");
        }
        assert!(telltales().iter().all(|(_, number)| *number < TELLTALES));
    }

    #[test]
    fn every_shift_is_undone() {
        let plain = "the quick answer is that nobody reads these lines twice";
        for by in 1..26 {
            let hidden: String = plain.chars().map(|letter| turned(letter, by)).collect();
            let found = pieces(&format!("read this: {hidden}"), shifted);
            assert_eq!(found.len(), 1, "{by}");
            assert_eq!(found[0].text.trim(), plain);
        }
        assert!(pieces(plain, shifted).is_empty());
    }

    #[test]
    fn natural_text_is_not_tried() {
        for text in [
            "Das ist ein Satz in einer anderen Sprache.",
            "short",
            "привет",
        ] {
            assert!(is_natural(text), "{text}");
        }
        assert!(!is_natural("wkh txlfn dqvzhu lv wkdw qrergb uhdgv"));
    }

    #[test]
    fn leet_keeps_every_offset_and_leaves_the_rest_alone() {
        let scanner = Scanner::new(Vec::new()).unwrap();
        let leet = |text: &str, found: &mut Finds| leet(text, &scanner, found);
        let words = "and so on ".repeat(20);
        let text = format!("{words}1gn0r3 é4ll th3 5m411 prin7 {words}");
        let found = pieces(&text, leet);
        let at = text.find("1gn0r3").unwrap();
        let [piece] = found.as_slice() else {
            panic!("{} pieces", found.len());
        };
        let here = piece.text.find("ignore éall the smaii print").unwrap();
        assert_eq!(piece.place.source(here..here + 1), at..at + 1);
        assert!(piece.text.len() < 140);
        assert!(pieces("a3f2c1 9b4d6e 77ab21 c0ffee", leet).is_empty());
        let digests = "fix 3467088c4dc4a4ee07b622d40c0428646c85dbba and d3becc5d0d94844cd99206dd30aa54f8193aa725 too ";
        assert!(pieces(&digests.repeat(4), leet).is_empty());
        assert!(pieces("PHN2ZyBmaWxsPSIjRkZGRkZGIiB4bWxucz0iaHR0cDovL3d3dy53", leet).is_empty());
    }

    #[test]
    fn words_can_stand_backwards_one_by_one() {
        assert_eq!(word_backwards("erongi \n"), "ignore \n");
    }
}
