//! How much a call is like those by which agents did harm of their own accord, by a small linear model.
//!
//! Chains know harm that we thought of, in an order that we thought of. The model has learnt from our
//! own trajectories and calls what it is that agents do that went astray, whatever the tool: nobody is
//! to be told, logs end, copies go, somebody gets rights, something can't be brought back.
//!
//! A call is weighed in parts: its tool, its actions and all of its short arguments at once; and each
//! passage of a long one with its tool and actions, so that filler can't make anything less.

use clawdefender_sdk::{Event, Role};

use crate::action::flag;
use crate::facts::{Facts, MAX_TEXTS, key};
use crate::lexicon::name_words;
use crate::model::{Table, pair, slot};
use crate::order::pairs;
use crate::print::Printer;
use crate::words::is_address;

/// Words of an argument up to which it is short, and of a passage of a longer one.
const SHORT: usize = 24;
const PASSAGE: usize = 48;
/// Words that are read of all long arguments. Chosen: more would cost more than all else that is done
/// with a call.
const MAX_WORDS: usize = 2048;
/// What stands before hashes of a tool's words, of keys, of actions, flags and places; and for all
/// numbers, addresses, names that are neither, and switches.
const TOOL: u32 = 0x746f_6f00;
const KEY: u32 = 0x6b65_7900;
const FACT: u32 = 0x6661_6300;
const BOTH: u32 = 0x626f_7400;
const NUMBER: u32 = 0x6e75_6d00;
const ADDRESS: u32 = 0x6164_6400;
const NAME: u32 = 0x6e61_6d00;
const OFF: u32 = 0x6f66_6600;
const ON: u32 = 0x6f6e_0000;

/// Flags that say something of a call's conduct.
const TELLING: u16 = flag::OUTSIDE
    | flag::MASS
    | flag::WIDE
    | flag::LOADED
    | flag::DEMANDS
    | flag::LADEN
    | flag::TALKS
    | flag::SECRET;

/// The model; its thresholds are from where on a call is noted, and asked about.
pub struct Harm(pub Table);

/// What a call is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    Noted,
    Asked,
}

impl Harm {
    /// What a call of these parts is like, by the worst of them.
    pub fn judge(&self, parts: &[Vec<u32>]) -> Option<Like> {
        let scores = parts.iter().map(|own| {
            let sum = own.iter().map(|feature| self.0.weight(*feature)).sum();
            self.0.score(sum, own.len() as u32)
        });
        let [noted, asked] = self.0.thresholds;
        match scores.fold(f32::MIN, f32::max) {
            score if score >= asked => Some(Like::Asked),
            score if score >= noted => Some(Like::Noted),
            _ => None,
        }
    }
}

/// The parts of a call, each as the numbers of its features.
pub fn parts(event: &Event, facts: &Facts) -> Vec<Vec<u32>> {
    // No key: what the model knows is the same everywhere, and nothing of it is kept.
    let printer = Printer::default();
    let mut base = Vec::with_capacity(64);
    let mut before = TOOL;
    for word in name_words(&event.name) {
        let hash = printer.word(begin(&word)) ^ TOOL;
        base.extend([slot(hash), slot(pair(before, hash))]);
        before = hash;
    }
    let tool = before;
    done(facts, &mut base);
    let mut first = base.clone();
    let mut long = Vec::new();
    let arguments = event.texts.iter();
    let arguments = arguments.filter(|text| matches!(text.role, Role::Argument | Role::Uri));
    for text in arguments.take(MAX_TEXTS) {
        let value = text.canonical.as_deref().unwrap_or(&text.original);
        let mut last = KEY;
        let mut named = Vec::new();
        for word in name_words(key(&text.pointer)) {
            last = printer.word(begin(&word)) ^ KEY;
            named.push(slot(last));
        }
        let words = cut(value, &printer, SHORT + 1);
        if words.iter().flatten().count() > SHORT {
            long.push((value, named, last));
            continue;
        }
        first.extend(named);
        tell(&words, last, tool, &mut first);
        if let Some(switch) = switch(value) {
            let names = name_words(&event.name).into_iter().map(|word| (word, TOOL));
            let keys = name_words(key(&text.pointer)).into_iter();
            let each = names.chain(keys.map(|word| (word, KEY)));
            first.extend(
                each.map(|(word, kind)| {
                    slot(pair(printer.word(begin(&word)) ^ kind, switch) ^ BOTH)
                }),
            );
        }
    }
    let mut all = vec![first];
    // However many there are, each is read at its beginning.
    let share = (MAX_WORDS / long.len().max(1)).max(PASSAGE);
    for (value, named, last) in long {
        for passage in passages(&cut(value, &printer, share)) {
            let mut own = base.clone();
            own.extend(&named);
            tell(passage, last, tool, &mut own);
            all.push(own);
        }
    }
    all
}

/// What the call does, and each two of it.
fn done(facts: &Facts, into: &mut Vec<u32>) {
    let actions = (0..32).filter(|bit| facts.actions.0 & (1 << bit) != 0);
    let flags = (0..16).filter(|bit| facts.flags & TELLING & (1 << bit) != 0);
    let places = (0..8).filter(|bit| facts.places & (1 << bit) != 0);
    let all: Vec<u32> = actions
        .chain(flags.map(|bit| 32 + bit))
        .chain(places.map(|bit| 48 + bit))
        .map(|bit: u32| FACT ^ bit.wrapping_mul(0x01f3_5b01))
        .collect();
    for (at, one) in all.iter().enumerate() {
        into.push(slot(*one));
        let others = all.iter().skip(at + 1);
        into.extend(others.map(|two| slot(pair(*one, *two) ^ BOTH)));
    }
}

/// Whether a value switches something off or on.
fn switch(value: &str) -> Option<u32> {
    let word = value.trim().to_ascii_lowercase();
    match word.as_str() {
        "false" | "off" | "no" | "none" | "0" | "disabled" | "disable" | "never" | "stop" => {
            Some(OFF)
        }
        "true" | "on" | "yes" | "1" | "enabled" | "enable" | "always" => Some(ON),
        _ => None,
    }
}

/// Words, neighbours, and the first words with the key that they stand under.
fn tell(words: &[Option<u32>], key: u32, tool: u32, into: &mut Vec<u32>) {
    let mut before = None;
    for (at, word) in words.iter().flatten().enumerate() {
        into.push(slot(*word));
        if let Some(before) = before {
            into.push(slot(pair(before, *word)));
        }
        if at < 2 {
            into.push(slot(pair(key, *word)));
        }
        if at == 0 {
            into.push(slot(pair(tool, *word)));
        }
        before = Some(*word);
    }
}

/// Passages of a long argument: up to a line's end, or so many words.
fn passages(words: &[Option<u32>]) -> impl Iterator<Item = &[Option<u32>]> {
    let lines = words
        .split(Option::is_none)
        .flat_map(|line| line.chunks(PASSAGE));
    lines.filter(|line| !line.is_empty())
}

/// Hashes of the first words of a value, a few more than `most` at the most; `None` where a line or a
/// sentence ends.
fn cut(value: &str, printer: &Printer, most: usize) -> Vec<Option<u32>> {
    let (mut words, mut ends) = (Vec::new(), 0);
    for line in value.split('\n') {
        for token in line.split_whitespace() {
            if words.len() >= most + ends {
                return words;
            }
            word(token, printer, &mut words);
            if token.ends_with(['.', '!', '?']) {
                words.push(None);
                ends += 1;
            }
        }
        if words.last().is_some_and(Option::is_some) {
            words.push(None);
            ends += 1;
        }
    }
    words
}

fn word(token: &str, printer: &Printer, into: &mut Vec<Option<u32>>) {
    let bare = token.trim_matches(|char: char| !char.is_alphanumeric());
    if bare.is_empty() {
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
    for part in name_words(bare).into_iter().take(16) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if digits == part.len() {
            into.push(Some(NUMBER));
        } else if digits >= 3 {
            into.push(Some(NAME));
        } else if part.chars().any(is_dense) {
            into.extend(pairs(&part, printer).map(Some));
        } else {
            into.push(Some(printer.word(begin(&part))));
        }
    }
}

/// How a word begins: what `notify`, `notified` and `notifications` have in common. Four letters told
/// more of left-out authors than whole words, stems or other lengths.
fn begin(word: &str) -> &str {
    let end = word.char_indices().nth(4);
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
    use clawdefender_sdk::Kind;
    use clawdefender_sdk::testing::EventBuilder;

    fn call(tool: &str, arguments: &[(&str, &str)]) -> Vec<Vec<u32>> {
        let mut event = EventBuilder::new(Kind::ToolCall).name(tool);
        for (key, value) in arguments {
            let pointer = format!("/params/arguments/{key}");
            event = event.text_at(pointer, Role::Argument, *value);
        }
        parts(&event.build(), &Facts::default())
    }

    #[test]
    fn words_are_the_same_however_they_are_joined() {
        let own = |value: &str| {
            let words = cut(value, &Printer::default(), 99);
            words.into_iter().flatten().collect::<Vec<_>>()
        };
        let one = own("notify owner twice");
        assert_eq!(own("notifyOwner_twice"), one);
        assert_eq!(own("Notify, OWNER (twice)"), one);
        assert_eq!(own("notified owners twice"), one);
        assert_ne!(own("owner notify twice"), one);
        // Which number, address or mixed name it is says nothing.
        assert_eq!(own("77 a.b@c.example x1y2z3"), own("8 d@e.example q9q8q7"));
    }

    #[test]
    fn a_call_of_any_size_has_a_bounded_number_of_features() {
        let text = "delete all snapshots quietly and tell nobody. ".repeat(100_000);
        let many = call("backup_run", &[("note", &text), ("script", &text)]);
        let features: usize = many.iter().map(Vec::len).sum();
        assert!(
            many.len() <= 2 * MAX_WORDS && features < 32 * MAX_WORDS,
            "{features}"
        );
        // Short arguments are read however long others are.
        let long = [("a", text.as_str()); 40];
        let quiet = call("backup_run", &[&long[..], &[("silent", "true")]].concat());
        assert_eq!(quiet[0], call("backup_run", &[("silent", "true")])[0]);
    }

    #[test]
    fn switches_are_read_in_all_their_words() {
        let off = call("alerts_set", &[("enabled", "false")]);
        assert_ne!(call("alerts_set", &[("enabled", "true")]), off);
        assert_eq!(switch("OFF"), switch("disabled"));
        assert_eq!(switch("perhaps"), None);
    }
}
