//! What benches inspect: ordinary text of several kinds and one that is stuffed with key words.
//!
//! Generated from word lists and a seed, so that every run reads the same bytes and none is copied
//! from anywhere. How a text is wrapped into a message is the bench's own affair.

/// A small generator of numbers, the same on every machine (xorshift64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }

    fn word(&mut self) -> &'static str {
        self.of(&WORDS)
    }

    fn of(&mut self, words: &[&'static str]) -> &'static str {
        let place = self.below(words.len());
        words.get(place).copied().unwrap_or("word")
    }
}

/// A kind of text: its name and what writes one piece of it.
pub type Kind = (&'static str, fn(&mut Dice, &mut String));

/// The ordinary kinds.
pub const CLEAN: [Kind; 4] = [
    ("prose", prose),
    ("json", json),
    ("code", code),
    ("log", log),
];

/// Text of exactly `bytes` bytes (all ASCII), different for every seed.
pub fn text(kind: Kind, bytes: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut out = String::with_capacity(bytes + 256);
    while out.len() < bytes {
        (kind.1)(&mut dice, &mut out);
    }
    out.truncate(bytes);
    out
}

/// What an attacker would send to make inspection slow: words that signatures start from, in an
/// order that no signature matches.
pub const STUFFED: Kind = ("stuffed", |dice, out| {
    let place = dice.below(BAIT.len());
    out.push_str(BAIT.get(place).copied().unwrap_or("ignore"));
    out.push(' ');
});

/// Sentences, for words in no order at all sound like anything.
pub fn prose(dice: &mut Dice, out: &mut String) {
    let (who, what, place) = (dice.word(), dice.word(), dice.word());
    let (how, which) = (dice.of(&ADJECTIVES), dice.of(&ADJECTIVES));
    let (does, near) = (dice.of(&VERBS), dice.of(&PREPOSITIONS));
    out.push_str(&format!(
        "The {how} {who} {does} the {what} {near} the {which} {place}"
    ));
    if dice.below(2) == 0 {
        let (who, does, what) = (dice.word(), dice.of(&VERBS), dice.word());
        out.push_str(&format!(", while a {who} {does} the {what}"));
    }
    out.push_str(". ");
}

fn json(dice: &mut Dice, out: &mut String) {
    let (name, city, colour) = (dice.word(), dice.word(), dice.word());
    let (id, price) = (dice.below(90_000), dice.below(500));
    out.push_str(&format!(
        "{{\"id\": {id}, \"name\": \"{name} {city}\", \"tags\": [\"{colour}\", \"{city}\"], \"price\": {price}.5, \"open\": true}},\n"
    ));
}

fn code(dice: &mut Dice, out: &mut String) {
    let (name, left, right, limit) = (dice.word(), dice.word(), dice.word(), dice.below(512));
    out.push_str(&format!(
        "fn {name}_{left}({left}: &[u32], {right}: usize) -> Option<u32> {{\n    \
         let {name} = {left}.get({right})?;\n    if *{name} > {limit} {{\n        return None;\n    }}\n    \
         Some({name}.wrapping_add({limit}))\n}}\n\n"
    ));
}

fn log(dice: &mut Dice, out: &mut String) {
    let (second, took, size) = (dice.below(60), dice.below(900), dice.below(90_000));
    let (part, word, port) = (dice.word(), dice.word(), 1024 + dice.below(60_000));
    out.push_str(&format!(
        "2026-03-04T09:17:{second:02}Z INFO {part}::{word} port={port} status=200 took={took}ms bytes={size}\n"
    ));
}

const WORDS: [&str; 54] = [
    "river", "garden", "window", "letter", "market", "winter", "summer", "bridge", "station",
    "meadow", "kitchen", "lantern", "harbour", "village", "mountain", "paper", "silver", "copper",
    "morning", "evening", "report", "quarter", "budget", "meeting", "schedule", "invoice",
    "customer", "product", "version", "release", "branch", "function", "table", "column", "record",
    "value", "index", "average", "chapter", "figure", "result", "sample", "method", "weather",
    "train", "ticket", "hotel", "museum", "recipe", "butter", "flour", "oven", "city", "school",
];

const VERBS: [&str; 12] = [
    "carries", "follows", "gathers", "paints", "builds", "measures", "sorts", "counts", "opens",
    "closes", "turns", "holds",
];

const ADJECTIVES: [&str; 14] = [
    "quiet", "bright", "narrow", "gentle", "round", "early", "late", "small", "large", "green",
    "blue", "yellow", "plain", "steady",
];

const PREPOSITIONS: [&str; 8] = [
    "near", "under", "over", "after", "before", "with", "behind", "beside",
];

const BAIT: [&str; 32] = [
    "ignore",
    "previous",
    "instructions",
    "system",
    "prompt",
    "reveal",
    "secret",
    "password",
    "send",
    "upload",
    "curl",
    "token",
    "forget",
    "rules",
    "you",
    "must",
    "now",
    "user",
    "tell",
    "not",
    "do",
    "important",
    "assistant",
    "override",
    "developer",
    "mode",
    "key",
    "file",
    "hidden",
    "before",
    "using",
    "tool",
];
