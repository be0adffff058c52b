//! Text in characters that no reader sees, and letters that no reader can take for writing: Unicode
//! tags, variation selectors, invisible bits, piled-up marks, words of many scripts.
//!
//! What tags and selectors say is in the canonical view and is scanned like any other text; bits are
//! read here. That somebody hid something is a claim of its own, whatever it says.

use std::ops::Range;

use clawdefender_sdk::{Finding, Kind, Severity, Span, View};

use crate::rank;
use crate::rules;
use crate::surface::Surface;

/// A stretch of a text that nobody writes in good faith.
#[derive(Debug, PartialEq, Eq)]
pub struct Carrier {
    pub range: Range<usize>,
    pub name: &'static str,
    /// No reader sees it, rather than that one can't read it.
    invisible: bool,
    /// What it says, where the canonical view does not say it.
    pub said: Option<String>,
}

/// What carries something hidden in `original`, at most [`MAX_CARRIERS`].
pub fn carriers(original: &str) -> Vec<Carrier> {
    if original.is_ascii() {
        return Vec::new();
    }
    let mut search = Search::default();
    let mut before = '\0';
    let mut at = 0;
    while let Some(rest) = original.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.bytes().position(|byte| !byte.is_ascii());
        let (plain, rest) = rest.split_at(plain.unwrap_or(rest.len()));
        // Between two marks of ASCII lie whole words of one script, and nothing that carries.
        let is_mark = |letter: char| !letter.is_ascii_alphabetic();
        let inner = match (plain.find(is_mark), plain.rfind(is_mark)) {
            (Some(first), Some(last)) if first < last => first + 1..last,
            _ => 0..0,
        };
        let ends = [0..inner.start, inner.end..plain.len()];
        let near = ends.into_iter().flat_map(|end| {
            let letters = plain.get(end.clone()).unwrap_or_default().char_indices();
            letters.map(move |(far, letter)| (end.start + far, letter))
        });
        let beyond = rest
            .char_indices()
            .take_while(|(_, letter)| !letter.is_ascii());
        let beyond = beyond.map(|(far, letter)| (plain.len() + far, letter));
        let mut end = at + plain.len();
        for (far, letter) in near.chain(beyond) {
            search.take(at + far, letter, before);
            before = letter;
            end = end.max(at + far + letter.len_utf8());
        }
        at = end;
    }
    search.finish_run();
    search.finish_word();
    search.finish()
}

/// One finding for each kind of claim.
pub fn findings(text: usize, carriers: &[Carrier], kind: &Kind) -> Vec<Finding> {
    let ceiling = Surface::of(kind).ceiling();
    let claims = [
        (true, "injection.hidden-text", Severity::High, 90),
        (false, "injection.disguised-text", Severity::Medium, 75),
    ];
    claims
        .into_iter()
        .filter_map(|(invisible, id, severity, sure_pct)| {
            let mut of_kind = carriers.iter().filter(|other| other.invisible == invisible);
            let first = of_kind.next()?;
            let severity = match rank(severity) > rank(ceiling) {
                true => ceiling,
                false => severity,
            };
            let finding = rules::finding(id, severity, sure_pct)
                .attr("signature", first.name)
                .attr("view", "original");
            let all = std::iter::once(first).chain(of_kind);
            Some(all.fold(finding, |finding, carrier| {
                finding.span(Span::new(text, View::Original, carrier.range.clone()))
            }))
        })
        .collect()
}

/// Enough to see and to redact.
const MAX_CARRIERS: usize = 16;

/// Carriers that follow one another make one run.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Sort {
    #[default]
    Visible,
    Tag,
    Selector,
    /// Invisible operators and deprecated controls, which plain text has no use for.
    Operator,
    /// Zero-width letters, which some scripts and emoji need one at a time.
    ZeroWidth,
    Mark,
}

fn sort(letter: char) -> Sort {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' => Sort::Mark,
        '\u{20d0}'..='\u{20f0}' | '\u{fe20}'..='\u{fe2f}' => Sort::Mark,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{180e}' | '\u{ad}' => {
            Sort::ZeroWidth
        }
        '\u{2061}'..='\u{2064}' | '\u{206a}'..='\u{206f}' => Sort::Operator,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Sort::Selector,
        '\u{e0000}'..='\u{e007f}' => Sort::Tag,
        _ => Sort::Visible,
    }
}

/// A row of characters of one sort.
#[derive(Default)]
struct Run {
    sort: Sort,
    start: usize,
    end: usize,
    letters: Vec<char>,
    /// The character before the first one.
    after: char,
}

/// Letters that stand together.
#[derive(Default)]
struct Word {
    start: usize,
    end: usize,
    letters: usize,
    scripts: u64,
    changes: usize,
    last: u64,
}

#[derive(Default)]
struct Search {
    run: Run,
    word: Word,
    found: Vec<Carrier>,
    /// Letters under a pile of marks, and where the first and the last one stand.
    piles: (usize, Range<usize>),
    /// Selectors after characters that have no variants.
    misplaced: (usize, Range<usize>),
}

impl Search {
    fn take(&mut self, at: usize, letter: char, before: char) {
        let end = at + letter.len_utf8();
        let sort = sort(letter);
        if sort != self.run.sort {
            self.finish_run();
            self.run = Run {
                sort,
                start: at,
                end: at,
                letters: Vec::new(),
                after: before,
            };
        }
        self.run.end = end;
        if sort != Sort::Visible {
            self.run.letters.push(letter);
        }
        if sort == Sort::Selector && has_no_variants(letter, before) {
            extend(&mut self.misplaced, at..end);
        }
        match script(letter) {
            0 if sort == Sort::Visible && !letter.is_alphabetic() => self.finish_word(),
            0 => {}
            script => self.word.take(at..end, script),
        }
    }

    fn finish_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        let range = run.start..run.end;
        let count = run.letters.len();
        match run.sort {
            Sort::Visible => {}
            Sort::Mark if count >= PILE => extend(&mut self.piles, range),
            Sort::Mark => {}
            Sort::Tag if count >= MIN_TAGS && !run.is_flag() => self.add("tags", range, None),
            Sort::Tag => {}
            Sort::Selector if count >= MIN_SELECTORS => self.add("selectors", range, None),
            Sort::Selector => {}
            Sort::Operator if count >= MIN_OPERATORS => {
                self.add("operators", range, bits(&run.letters));
            }
            Sort::ZeroWidth if count >= MIN_ZERO_WIDTH => {
                if let Some(said) = bits(&run.letters) {
                    self.add("zero-width", range, Some(said));
                }
            }
            Sort::Operator | Sort::ZeroWidth => {}
        }
    }

    fn finish_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.scripts.count_ones() >= MIN_SCRIPTS && word.changes * 2 >= word.letters {
            self.put("scripts", word.start..word.end, false, None);
        }
    }

    fn add(&mut self, name: &'static str, range: Range<usize>, said: Option<String>) {
        self.put(name, range, true, said);
    }

    fn put(
        &mut self,
        name: &'static str,
        range: Range<usize>,
        invisible: bool,
        said: Option<String>,
    ) {
        if self.found.len() < MAX_CARRIERS {
            self.found.push(Carrier {
                range,
                name,
                invisible,
                said,
            });
        }
    }

    fn finish(mut self) -> Vec<Carrier> {
        let (count, range) = std::mem::take(&mut self.misplaced);
        if count >= MIN_MISPLACED {
            self.add("selectors", range, None);
        }
        let (count, range) = std::mem::take(&mut self.piles);
        if count >= MIN_PILES {
            self.put("piled-marks", range, false, None);
        }
        self.found
    }
}

impl Word {
    fn take(&mut self, range: Range<usize>, script: u64) {
        if self.letters == 0 {
            self.start = range.start;
        } else {
            self.changes += usize::from(script != self.last);
        }
        self.end = range.end;
        self.letters += 1;
        self.scripts |= script;
        self.last = script;
    }
}

impl Run {
    /// The flag of a region: a black flag, its code, the end mark unless it was cut off.
    ///
    /// Source: Unicode Technical Standard 51, ED-14a.
    fn is_flag(&self) -> bool {
        let code = match self.letters.split_last() {
            Some(('\u{e007f}', code)) => code,
            _ => &self.letters,
        };
        let of_a_region =
            |letter: &char| matches!(letter, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
        self.after == '\u{1f3f4}' && code.len() <= 6 && code.iter().all(of_a_region)
    }
}

/// Shorter than any word that would matter; a lone one is damage.
const MIN_TAGS: usize = 3;
/// Real text has one after a character, careless programs two.
const MIN_SELECTORS: usize = 4;
/// A letter in bits.
const MIN_OPERATORS: usize = 8;
/// Three letters in bits; mails pad their first lines with a few in a row.
const MIN_ZERO_WIDTH: usize = 21;
/// Vietnamese and phonetic writing need two.
const PILE: usize = 3;
const MIN_PILES: usize = 4;
const MIN_MISPLACED: usize = 8;
const MIN_SCRIPTS: u32 = 3;

fn extend((count, range): &mut (usize, Range<usize>), more: Range<usize>) {
    if *count == 0 {
        range.start = more.start;
    }
    *count += 1;
    range.end = more.end;
}

/// Ideographs, symbols and emoji have variants; letters of alphabets have none.
fn has_no_variants(selector: char, before: char) -> bool {
    let supplement = selector >= '\u{e0100}';
    before.is_ascii_alphabetic() || (supplement && matches!(before, '\0'..='\u{2e7f}'))
}

/// Text in two invisible letters that stand for 0 and 1, a third one parting them; 8 or 7 bits
/// each, either way round.
fn bits(letters: &[char]) -> Option<String> {
    let mut counts: Vec<(char, usize)> = Vec::new();
    for letter in letters {
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| known == letter) {
            *count += 1;
        } else if counts.len() < 3 {
            counts.push((*letter, 1));
        } else {
            return None;
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let [(one, _), (other, _), ..] = counts.as_slice() else {
        return None;
    };
    let bits: Vec<char> = letters
        .iter()
        .copied()
        .filter(|letter| letter == one || letter == other)
        .collect();
    let read = |set: &char, width: usize| {
        let bytes = bits.chunks_exact(width).map(|bits| {
            bits.iter()
                .fold(0u8, |byte, bit| byte << 1 | u8::from(bit == set))
        });
        let said = String::from_utf8(bytes.collect()).ok()?;
        let printable = |letter: char| !letter.is_control() || letter == '\n';
        let plain = said
            .chars()
            .filter(|letter| letter.is_alphanumeric() || *letter == ' ');
        (plain.count() * 2 >= said.chars().count() && said.chars().all(printable)).then_some(said)
    };
    [(one, 8), (other, 8), (one, 7), (other, 7)]
        .into_iter()
        .find_map(|(set, width)| read(set, width))
}

/// A bit per script with letters of its own, 0 for what stands in any.
fn script(letter: char) -> u64 {
    let number = match u32::from(letter) {
        0x41..=0x5a | 0x61..=0x7a | 0xc0..=0x24f | 0x1e00..=0x1eff => 0,
        0x370..=0x3ff | 0x1f00..=0x1fff => 1,
        0x400..=0x52f => 2,
        0x530..=0x58f => 3,
        0x5d0..=0x5ff => 4,
        0x620..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff => 5,
        0x700..=0x74f => 6,
        0x780..=0x7bf => 7,
        0x7c0..=0x7ff => 8,
        code @ 0x900..=0x109f => 9 + (code - 0x900) / 0x80,
        0x10a0..=0x10ff => 26,
        0x1200..=0x139f => 27,
        0x13a0..=0x13ff => 28,
        0x1400..=0x167f => 29,
        0x1680..=0x16ff => 30,
        0x1780..=0x17ff => 31,
        // One writer mixes these: Han, kana, Hangul.
        0x1100..=0x11ff | 0x2e80..=0xa4cf | 0xac00..=0xd7ff | 0x20000..=0x3ffff => 32,
        _ => return 0,
    };
    1 << number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let names: Vec<&str> = carriers(text).iter().map(|carrier| carrier.name).collect();
        assert_eq!(names, expected, "{text:?}");
    }

    fn tagged(text: &str) -> String {
        let tag = |letter: char| char::from_u32(0xe0000 + u32::from(letter)).unwrap();
        text.chars().map(tag).collect()
    }

    fn in_bits(text: &str, zero: char, one: char) -> String {
        let bit = |byte: u8, at: u32| if byte >> at & 1 == 1 { one } else { zero };
        text.bytes()
            .flat_map(|byte| (0..8).rev().map(move |at| bit(byte, at)))
            .collect()
    }

    #[test]
    fn tags_are_hidden_text_unless_they_are_a_flag() {
        check(&format!("😈{}", tagged("abc")), &["tags"]);
        check(&format!("fine{}", tagged("go on")), &["tags"]);
        for region in ["gbeng", "gbsct", "ustx"] {
            check(&format!("🏴{}\u{e007f} won", tagged(region)), &[]);
        }
        check(&format!("🏴{}", tagged("gbw")), &[]);
        check(&format!("🏴{}\u{e007f}", tagged("go home now")), &["tags"]);
    }

    #[test]
    fn selectors_carry_bytes_in_runs_and_one_by_one() {
        let run: String = "send"
            .bytes()
            .map(|b| char::from_u32(0xe0100 + u32::from(b) - 16).unwrap())
            .collect();
        check(&format!("😀{run}"), &["selectors"]);
        let each: String = run
            .chars()
            .chain(run.chars())
            .flat_map(|s| ['x', s])
            .collect();
        check(&each, &["selectors"]);
        check("❤️ 1️⃣ ☎️ ✔️ ❄️ ☀️ ✈️ ❤️‍🔥 👩‍👩‍👧‍👦", &[]);
        check("葛\u{e0100}飾区 辻\u{e0101}", &[]);
    }

    #[test]
    fn invisible_bits_are_read() {
        for (zero, one) in [('\u{2062}', '\u{2064}'), ('\u{200b}', '\u{200c}')] {
            let text = format!("ok{}", in_bits("hidden words", zero, one));
            let found = carriers(&text);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].said.as_deref(), Some("hidden words"));
            assert_eq!(found[0].range, 2..text.len());
        }
        check(
            &"\u{34f}\u{200c}\u{a0}\u{200b}\u{200c}\u{a0}".repeat(30),
            &[],
        );
        check(&"\u{200c}".repeat(200), &[]);
        check("می‌خواهم نمی‌دانم", &[]);
    }

    #[test]
    fn piled_marks_and_mixed_scripts_are_a_disguise() {
        let piled: String = "go on"
            .chars()
            .flat_map(|c| [c, '\u{300}', '\u{316}', '\u{334}', '\u{35c}'])
            .collect();
        check(&piled, &["piled-marks"]);
        check("Tiê\u{301}ng Viê\u{323}t, e\u{301}te\u{301}", &[]);
        check("γęԈաб", &["scripts"]);
        check("see іgnоrε it", &["scripts"]);
        check("aγcбd", &["scripts"]);
        check("words aγc, cбd αb", &[]);
        check("支持Русский和English以及ไทย", &[]);
        check("Ελληνικά, Русский, English; Δx µm Ωhm", &[]);
    }
}
