//! What the variables and braces of a word stand for.
//!
//! A script's own assignments are followed. Of anything else the environment decides, so a variable
//! that the script does not set is read as nothing as well, and one that it sets twice as either.

use std::collections::HashMap;

use super::super::place::is_variable;

/// What one script has assigned, and how much may still be written out.
pub(super) struct Expansion {
    /// Every value that a name was given; the latest is the last.
    known: HashMap<String, Vec<String>>,
    /// Bytes.
    left: usize,
}

impl Default for Expansion {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            left: MAX_EXPANDED_BYTES,
        }
    }
}

impl Expansion {
    /// Whether there was room for it.
    pub(super) fn learn(&mut self, name: &str, value: &str) -> bool {
        if self.known.len() >= MAX_VARIABLES && !self.known.contains_key(name) {
            return false;
        }
        let values = self.known.entry(name.to_owned()).or_default();
        values.retain(|known| known != value);
        let room = values.len() < MAX_WORDS;
        if !room {
            values.pop();
        }
        values.push(value.to_owned());
        room
    }

    pub(super) fn is_value(&self, word: &str) -> bool {
        let mut values = self.known.values();
        values.any(|values| values.last().is_some_and(|last| last == word))
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    /// Every word that `word` stands for as the script was written.
    pub(super) fn expand(&mut self, word: &str) -> Option<Vec<String>> {
        let word = self.substitute(word)?;
        self.braces(word)
    }

    /// Replaces `$name` and `${name}` by what the same script assigned last.
    pub(super) fn substitute(&mut self, word: &str) -> Option<String> {
        if self.known.is_empty() || !word.contains('$') {
            return Some(word.to_owned());
        }
        let mut out = String::new();
        for piece in pieces(word) {
            match piece {
                Piece::Plain(text) => out.push_str(text),
                Piece::Variable(used) => {
                    let plain = used.operation.is_empty();
                    let value = self.known.get(used.name).filter(|_| plain);
                    match value.and_then(|values| values.last()) {
                        Some(value) => {
                            self.left = self.left.checked_sub(value.len())?;
                            out.push_str(value);
                        }
                        None => {
                            out.push('$');
                            out.push_str(used.written);
                        }
                    }
                }
            }
        }
        Some(out)
    }

    /// Every word that `word` may stand for, whatever its variables hold.
    pub(super) fn readings(&mut self, word: &str) -> Option<Vec<String>> {
        let mut plain = self.choose(word, true)?;
        // What stands in the place of a variable may name others: `${a:-${b:-/etc}}`.
        for _ in 0..MAX_ROUNDS {
            let mut next = Vec::new();
            for word in &plain {
                next.extend(self.choose(word, false)?);
            }
            let done = next == plain;
            plain = next;
            if done {
                break;
            }
        }
        let mut all: Vec<String> = Vec::new();
        for word in plain {
            for word in self.braces(word)? {
                if !all.contains(&word) {
                    all.push(word);
                }
            }
            if all.len() > MAX_WORDS {
                return None;
            }
        }
        Some(all)
    }

    /// `word` with each of its variables replaced by all that it may hold, the same wherever the word
    /// names it; `assigned` tells whether the script's own values count.
    fn choose(&mut self, word: &str, assigned: bool) -> Option<Vec<String>> {
        // Each variable of the word, with what it may hold, and which of these every reading took.
        let mut used: Vec<(Use<'_>, Vec<String>)> = Vec::new();
        let mut all = vec![(String::new(), Vec::<usize>::new())];
        for piece in pieces(word) {
            let variable = match piece {
                Piece::Plain(text) => {
                    self.spend(text.len().saturating_mul(all.len() - 1))?;
                    all.iter_mut().for_each(|(word, _)| word.push_str(text));
                    continue;
                }
                Piece::Variable(variable) => variable,
            };
            let known = used.iter().position(|(other, _)| other.is_as(&variable));
            let at = match known {
                Some(at) => at,
                None => {
                    used.push((variable, self.choices(&variable, assigned)?));
                    all = self.multiply(all, used.last()?.1.len())?;
                    used.len() - 1
                }
            };
            let choices = &used.get(at)?.1;
            let chosen = |taken: &[usize]| choices.get(*taken.get(at)?);
            let bytes = all.iter().skip(1).filter_map(|(_, taken)| chosen(taken));
            let bytes = bytes.map(String::len).sum();
            self.spend(bytes)?;
            for (word, taken) in &mut all {
                word.push_str(chosen(taken)?);
            }
        }
        Some(all.into_iter().map(|(word, _)| word).collect())
    }

    /// Each of `all` once for each of `choices` values of one more variable.
    fn multiply(
        &mut self,
        all: Vec<(String, Vec<usize>)>,
        choices: usize,
    ) -> Option<Vec<(String, Vec<usize>)>> {
        if all.len().saturating_mul(choices) > MAX_WORDS {
            return None;
        }
        let bytes: usize = all.iter().map(|(word, _)| word.len()).sum();
        self.spend(bytes.saturating_mul(choices - 1))?;
        let more = (0..choices).flat_map(|choice| {
            all.iter().map(move |(word, taken)| {
                let taken = taken.iter().copied().chain([choice]).collect();
                (word.clone(), taken)
            })
        });
        Some(more.collect())
    }

    /// What a variable may hold; never nothing at all.
    fn choices(&mut self, variable: &Use<'_>, assigned: bool) -> Option<Vec<String>> {
        let mut choices = variable.choices();
        if let Some(values) = self.known.get(variable.name).filter(|_| assigned) {
            // It is set, so that it is nothing only if it was made so.
            choices.retain(|choice| !choice.is_empty());
            self.left = self
                .left
                .checked_sub(values.iter().map(String::len).sum())?;
            choices.extend(values.iter().cloned());
        }
        choices.dedup();
        (!choices.is_empty()).then_some(choices)
    }

    /// `a{b,c}d` as `abd` and `acd`, inner braces after outer ones; `{a..c}` as a wildcard.
    fn braces(&mut self, word: String) -> Option<Vec<String>> {
        let mut done = Vec::new();
        let mut open = vec![word];
        while let Some(next) = open.pop() {
            let Some(group) = Group::first(&next) else {
                done.push(next);
                continue;
            };
            for part in group.parts.iter().rev() {
                let bytes = group.before.len() + part.len() + group.after.len();
                self.spend(bytes)?;
                open.push(format!("{}{part}{}", group.before, group.after));
            }
            if open.len() + done.len() > MAX_WORDS {
                return None;
            }
        }
        Some(done)
    }
}

enum Piece<'a> {
    Plain(&'a str),
    Variable(Use<'a>),
}

/// One variable in a word.
#[derive(Clone, Copy)]
struct Use<'a> {
    /// As it is written, without the dollar.
    written: &'a str,
    name: &'a str,
    /// What braces say beside the name: `:-/etc`.
    operation: &'a str,
}

/// A word at its dollars.
fn pieces(word: &str) -> Vec<Piece<'_>> {
    let ends = closing(word);
    let mut all = Vec::new();
    let mut from = 0;
    let mut seen = 0;
    while let Some(dollar) = word.get(seen..).and_then(|rest| rest.find('$')) {
        let at = seen + dollar;
        seen = at + 1;
        let after = word.get(seen..).unwrap_or("");
        let end = ends.get(&seen).and_then(|end| end.checked_sub(seen));
        if let Some(used) = Use::read(after, end) {
            all.push(Piece::Plain(word.get(from..at).unwrap_or("")));
            all.push(Piece::Variable(used));
            seen += used.written.len();
            from = seen;
        }
    }
    all.push(Piece::Plain(word.get(from..).unwrap_or("")));
    all
}

impl<'a> Use<'a> {
    /// Whether both stand for the same: `$a` and `${a}`.
    fn is_as(&self, other: &Self) -> bool {
        (self.name, self.operation) == (other.name, other.operation)
    }

    /// What follows a dollar, with where its brace is closed; `None` when that is no variable, or one
    /// that always holds something.
    fn read(after: &'a str, end: Option<usize>) -> Option<Self> {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let braced = after.starts_with('{');
        let inside = match braced {
            true => after.get(1..end?)?,
            false => after,
        };
        let from = inside.strip_prefix('!').filter(|_| braced);
        let from = from.unwrap_or(inside);
        let length = match from.chars().next()? {
            '@' | '*' | '!' => 1,
            '0'..='9' if !braced => 1,
            first if letter(first) => from.find(|c| !letter(c)).unwrap_or(from.len()),
            _ => return None,
        };
        let (name, operation) = from.split_at_checked(length)?;
        // `$env:NAME` is PowerShell's.
        if !braced && name.eq_ignore_ascii_case("env") && operation.starts_with(':') {
            return None;
        }
        let bytes = if braced { inside.len() + 2 } else { length };
        Some(Self {
            written: after.get(..bytes)?,
            name,
            operation: if braced { operation } else { "" },
        })
    }

    /// What it may stand for when the script does not set it.
    fn choices(&self) -> Vec<String> {
        // `word` follows the operator; a colon before it adds the case of an empty variable.
        let operation = self.operation.strip_prefix(':').unwrap_or(self.operation);
        let word = |operator: char| operation.strip_prefix(operator);
        let mut all = match (word('-').or(word('=')), word('+')) {
            (Some(word), _) => vec![word],
            (None, Some(word)) => vec![word, ""],
            // The first letter of most variables that are set is the root.
            (None, None) if operation == "0:1" => vec!["/", ""],
            (None, None) => vec![""],
        };
        // A letter of it is none of the places that the variable names.
        let kept = format!("${}", self.written);
        let whole = !self.operation.starts_with(":0");
        if whole && is_variable(self.name) {
            if SET.contains(&self.name) {
                all.retain(|choice| !choice.is_empty());
            }
            all.push(&kept);
        }
        all.into_iter().map(str::to_owned).collect()
    }
}

/// Where the braces behind dollars are closed, by where they are opened.
pub(super) fn closing(word: &str) -> HashMap<usize, usize> {
    let mut open = Vec::new();
    let mut ends = HashMap::new();
    let mut last = ' ';
    for (at, c) in word.char_indices() {
        match c {
            '{' if last == '$' => open.push(at),
            '}' => {
                open.pop().map(|start| ends.insert(start, at));
            }
            _ => {}
        }
        last = c;
    }
    ends
}

pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let starts = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    (starts && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some((name, value))
}

/// The patterns of an extended glob as braces: `@(a|b)` as `{a,b,}`. What may be repeated, or is
/// excluded, is any name as well.
pub(super) fn alternatives(kind: char, patterns: &str) -> String {
    let end = |kind| match kind {
        '+' | '*' | '!' => ",*}",
        _ => ",}",
    };
    let mut open = vec![kind];
    let mut text = String::from("{");
    let mut chars = patterns.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' | '\\' => {}
            '|' => text.push(','),
            '@' | '?' | '*' | '+' | '!' if chars.next_if_eq(&'(').is_some() => {
                open.push(c);
                text.push('{');
            }
            ')' if open.len() > 1 => text.push_str(open.pop().map_or("", end)),
            c => text.push(c),
        }
    }
    open.into_iter().for_each(|kind| text.push_str(end(kind)));
    text
}

/// Braces that stand for several words.
struct Group<'a> {
    before: &'a str,
    parts: Vec<&'a str>,
    after: &'a str,
}

impl<'a> Group<'a> {
    /// The first of a word, with all that it holds.
    fn first(word: &'a str) -> Option<Self> {
        // Open braces: where each stands, whether it is a variable's, and its commas.
        let mut open: Vec<(usize, bool, Vec<usize>)> = Vec::new();
        let mut best: Option<(usize, usize, Vec<usize>)> = None;
        let mut last = ' ';
        for (at, c) in word.char_indices() {
            match c {
                '{' => open.push((at, last == '$', Vec::new())),
                ',' => {
                    if let Some((_, _, commas)) = open.last_mut() {
                        commas.push(at);
                    }
                }
                '}' => {
                    if let Some((start, variable, commas)) = open.pop()
                        && !variable
                        && (!commas.is_empty() || sequence(word.get(start + 1..at)?).is_some())
                    {
                        let outer = best.as_ref().is_none_or(|(first, ..)| start < *first);
                        if outer {
                            best = Some((start, at, commas));
                        }
                    }
                }
                _ => {}
            }
            last = c;
        }
        let (start, end, commas) = best?;
        let parts = match commas.is_empty() {
            true => vec![sequence(word.get(start + 1..end)?)?],
            false => {
                let from = std::iter::once(start).chain(commas.iter().copied());
                let to = commas.iter().copied().chain([end]);
                let part = |(from, to): (usize, usize)| word.get(from + 1..to);
                from.zip(to).filter_map(part).collect()
            }
        };
        Some(Self {
            before: word.get(..start)?,
            parts,
            after: word.get(end + 1..)?,
        })
    }
}

/// What stands for the words of `a..e` and `1..9`.
fn sequence(inside: &str) -> Option<&'static str> {
    let (from, rest) = inside.split_once("..")?;
    let to = rest.split("..").next()?;
    let letter = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic());
    let number = |text: &str| {
        let digits = text.trim_start_matches('-');
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if letter(from) && letter(to) {
        Some("?")
    } else {
        (number(from) && number(to)).then_some("*")
    }
}

/// Variables that are never nothing where programs run.
const SET: &[&str] = &["HOME", "PWD"];
/// Words of one word with braces or variables, and values of one variable. Chosen: more than people
/// write by hand.
const MAX_WORDS: usize = 1024;
pub(super) const MAX_VARIABLES: usize = 256;
/// Chosen: defaults of defaults of defaults.
const MAX_ROUNDS: usize = 4;
/// What variables and braces of one script may add. Chosen: far above what a line is written for.
pub(super) const MAX_EXPANDED_BYTES: usize = 1 << 20;
