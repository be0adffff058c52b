//! A shell line taken apart into the words a program would get.
//!
//! Good enough to see what a line touches, not to run it: quotes, escapes, pipes, substitutions,
//! redirections, assignments and braces. Where shells disagree (a backslash on Windows) a word
//! keeps both readings. Which words are paths or hosts is for [`super::assets`] to say.

use std::borrow::Cow;
use std::collections::HashMap;

/// One simple command: `NAME=value … program word … > file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    pub assigned: Vec<(String, String)>,
    /// The program first, after quote removal, braces and known variables.
    pub words: Vec<String>,
    /// Files behind `<` and `>`.
    pub redirected: Vec<String>,
    /// Other readings of its words, and the words of a comment.
    pub also: Vec<String>,
    /// What some word of it stands for was too long to be written out.
    pub unread: bool,
}

/// Splits `script` into simple commands, those inside substitutions included.
pub fn commands(script: &str) -> Vec<Simple> {
    let mut found = Vec::new();
    lex(&separated(script), 0, &mut found);
    let mut expansion = Expansion {
        known: HashMap::new(),
        left: MAX_EXPANDED_BYTES,
    };
    for simple in &mut found {
        simple.finish(&mut expansion);
    }
    found.retain(|simple| *simple != Simple::default());
    found
}

/// `$IFS` in any form parts words where it is not quoted; where it is, reading it so only finds more.
fn separated(script: &str) -> Cow<'_, str> {
    if !script.contains("IFS") {
        return Cow::Borrowed(script);
    }
    let mut out = String::new();
    let mut rest = script;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let plain = after
            .strip_prefix("IFS")
            .filter(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        let braced = after
            .strip_prefix("{IFS")
            .and_then(|inner| inner.split_once('}'))
            .map(|(_, behind)| behind);
        match plain.or(braced) {
            Some(behind) => {
                out.push(' ');
                rest = behind;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The name a program is looked up by: `/usr/bin/curl` and `CURL.EXE` are `curl`.
pub fn program(word: &str) -> String {
    let name = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(word)
        .to_lowercase();
    let bare = [".exe", ".cmd", ".bat"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    bare.map_or(name.clone(), str::to_owned)
}

impl Simple {
    /// Moves leading assignments out of the words and replaces what they and braces stand for.
    fn finish(&mut self, expansion: &mut Expansion) {
        let leading = self
            .words
            .iter()
            .take_while(|word| assignment(word).is_some())
            .count();
        for word in self.words.drain(..leading).collect::<Vec<_>>() {
            if let Some((name, value)) = assignment(&word) {
                let value = self.or_unread(value, expansion.substitute(value), str::to_owned);
                self.unread |= !expansion.learn(name, &value);
                self.assigned.push((name.to_owned(), value));
            }
        }
        for list in [
            Self::words as fn(&mut Self) -> &mut Vec<String>,
            Self::redirected,
        ] {
            let mut plain = Vec::new();
            for word in std::mem::take(list(self)) {
                let all = expansion.expand(&word);
                plain.extend(self.or_unread(&word, all, |word| vec![word.to_owned()]));
            }
            *list(self) = plain;
        }
        // A variable may hold the program and its words.
        if let Some(first) = self
            .words
            .first()
            .filter(|word| word.contains(' '))
            .cloned()
            && expansion.known.values().any(|value| *value == first)
        {
            let mut split: Vec<String> = first.split_whitespace().map(str::to_owned).collect();
            split.extend(self.words.drain(1..));
            self.words = split;
        }
    }

    fn words(&mut self) -> &mut Vec<String> {
        &mut self.words
    }

    fn redirected(&mut self) -> &mut Vec<String> {
        &mut self.redirected
    }

    /// What a word stands for; where that could not be written out, the word itself.
    fn or_unread<T>(&mut self, word: &str, read: Option<T>, plain: impl Fn(&str) -> T) -> T {
        self.unread |= read.is_none();
        read.unwrap_or_else(|| plain(word))
    }

    fn take_word(&mut self, word: &mut Word, target: &mut Target) {
        if !word.started {
            return;
        }
        let done = std::mem::take(word);
        if let Some(windows) = done.with_backslashes {
            self.also.push(windows);
        }
        match std::mem::replace(target, Target::Word) {
            Target::Word => self.words.push(done.text),
            Target::File => self.redirected.push(done.text),
            Target::Marker => {}
        }
    }
}

#[derive(Default)]
struct Word {
    text: String,
    /// Set once a backslash was dropped that Windows would have kept.
    with_backslashes: Option<String>,
    /// Quotes make a word even when nothing is between them.
    started: bool,
}

impl Word {
    fn push(&mut self, c: char) {
        self.started = true;
        self.text.push(c);
        if let Some(windows) = &mut self.with_backslashes {
            windows.push(c);
        }
    }

    /// A backslash before `c`, outside single quotes.
    fn escape(&mut self, c: char) {
        let text = &self.text;
        self.with_backslashes
            .get_or_insert_with(|| text.clone())
            .push('\\');
        self.push(c);
    }
}

/// What the next word is for.
enum Target {
    Word,
    File,
    /// The end marker of a here-document.
    Marker,
}

fn lex(script: &str, depth: usize, found: &mut Vec<Simple>) {
    let mut simple = Simple::default();
    let mut word = Word::default();
    let mut target = Target::Word;
    let mut inner: Vec<String> = Vec::new();
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                word.started = true;
                while let Some(quoted) = chars.next().filter(|c| *c != '\'') {
                    word.push(quoted);
                }
            }
            '"' => {
                word.started = true;
                while let Some(quoted) = chars.next().filter(|c| *c != '"') {
                    match quoted {
                        '\\' => match chars.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                            Some('\n') | None => {}
                            Some(kept) => {
                                word.push('\\');
                                word.push(kept);
                            }
                        },
                        '`' => inner.push(until(&mut chars, '`')),
                        '$' if chars.peek() == Some(&'(') => inner.push(parenthesised(&mut chars)),
                        quoted => word.push(quoted),
                    }
                }
            }
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                word.started = true;
                ansi_c(&mut chars).chars().for_each(|c| word.push(c));
            }
            '$' if chars.peek() == Some(&'"') => {}
            '$' if chars.peek() == Some(&'(') => {
                word.started = true;
                inner.push(parenthesised(&mut chars));
            }
            '$' if chars.peek() == Some(&'{') => {
                word.push('$');
                for c in chars.by_ref() {
                    word.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
            '`' => {
                word.started = true;
                inner.push(until(&mut chars, '`'));
            }
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(escaped) => word.escape(escaped),
                None => word.push('\\'),
            },
            '<' | '>' => {
                // `2>file`: the number is not a word.
                if word.text.chars().all(|c| c.is_ascii_digit()) {
                    word = Word::default();
                }
                simple.take_word(&mut word, &mut target);
                match (c, chars.peek()) {
                    (_, Some('(')) => inner.push(parenthesised(&mut chars)),
                    ('<', Some('<')) => {
                        while chars.next_if(|c| matches!(c, '<' | '-')).is_some() {}
                        target = Target::Marker;
                    }
                    _ => {
                        while chars
                            .next_if(|c| matches!(c, '>' | '<' | '&' | '|'))
                            .is_some()
                        {}
                        target = Target::File;
                    }
                }
            }
            '#' if !word.started => {
                let comment: String = chars.by_ref().take_while(|c| *c != '\n').collect();
                simple
                    .also
                    .extend(comment.split_whitespace().map(str::to_owned));
                found.push(std::mem::take(&mut simple));
            }
            ';' | '&' | '|' | '\n' | '(' | ')' => {
                simple.take_word(&mut word, &mut target);
                found.push(std::mem::take(&mut simple));
            }
            c if c.is_whitespace() => simple.take_word(&mut word, &mut target),
            c => word.push(c),
        }
    }
    simple.take_word(&mut word, &mut target);
    found.push(simple);
    if depth < MAX_DEPTH {
        inner
            .iter()
            .for_each(|script| lex(script, depth + 1, found));
    } else {
        // Deeper than anyone nests on purpose: the words still count, unparsed.
        let also = inner
            .iter()
            .flat_map(|s| s.split_whitespace())
            .map(str::to_owned)
            .collect();
        found.push(Simple {
            also,
            ..Simple::default()
        });
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads `(…)` with the parentheses inside it, quotes respected.
fn parenthesised(chars: &mut Chars<'_>) -> String {
    let mut open = 0_usize;
    let mut quote = None;
    let mut text = String::new();
    for c in chars.by_ref() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '(') => {
                open += 1;
                if open == 1 {
                    continue;
                }
            }
            (None, ')') => {
                open = open.saturating_sub(1);
                if open == 0 {
                    break;
                }
            }
            _ => {}
        }
        text.push(c);
    }
    text
}

fn until(chars: &mut Chars<'_>, end: char) -> String {
    chars.by_ref().take_while(|c| *c != end).collect()
}

/// The inside of `$'…'`: `\x2e`, `\056`, `\u002e` and the letter escapes.
fn ansi_c(chars: &mut Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next().filter(|c| *c != '\'') {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let Some(kind) = chars.next() else { break };
        let (radix, most, first) = match kind {
            'x' => (16, 2, None),
            'u' => (16, 4, None),
            'U' => (16, 8, None),
            '0'..='7' => (8, 3, Some(kind)),
            'n' | 'r' | 't' => {
                text.push(' ');
                continue;
            }
            other => {
                text.push(other);
                continue;
            }
        };
        let mut digits: String = first.into_iter().collect();
        while digits.len() < most
            && let Some(digit) = chars.next_if(|c| c.is_digit(radix))
        {
            digits.push(digit);
        }
        text.extend(
            u32::from_str_radix(&digits, radix)
                .ok()
                .and_then(char::from_u32),
        );
    }
    text
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let starts = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    (starts && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some((name, value))
}

/// What one script has assigned, and how much may still be written out.
struct Expansion {
    known: HashMap<String, String>,
    /// Bytes.
    left: usize,
}

impl Expansion {
    /// Whether there was room for it.
    fn learn(&mut self, name: &str, value: &str) -> bool {
        let room = self.known.len() < MAX_VARIABLES || self.known.contains_key(name);
        if room {
            self.known.insert(name.to_owned(), value.to_owned());
        }
        room
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    /// Every word that `word` stands for.
    fn expand(&mut self, word: &str) -> Option<Vec<String>> {
        let word = self.substitute(word)?;
        self.braces(word)
    }

    /// Replaces `$name` and `${name}` by what the same script assigned.
    fn substitute(&mut self, word: &str) -> Option<String> {
        if self.known.is_empty() || !word.contains('$') {
            return Some(word.to_owned());
        }
        let mut out = String::new();
        let mut rest = word;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let braced = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'));
            let (name, behind) = braced.unwrap_or_else(|| {
                let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = after.find(|c| !letter(c)).unwrap_or(after.len());
                after.split_at_checked(end).unwrap_or((after, ""))
            });
            match self.known.get(name).map(String::len) {
                Some(bytes) => {
                    self.spend(bytes)?;
                    out.push_str(self.known.get(name).map_or("", String::as_str));
                    rest = behind;
                }
                None => {
                    out.push('$');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        Some(out)
    }

    /// `a{b,c}d` as `abd` and `acd`.
    fn braces(&mut self, word: String) -> Option<Vec<String>> {
        let mut done = Vec::new();
        let mut open = vec![word];
        while let Some(next) = open.pop() {
            let choice = next.find('{').and_then(|start| {
                let end = start + next.get(start..)?.find('}')?;
                let list = next.get(start + 1..end)?;
                let dollar = next.get(..start)?.ends_with('$');
                (list.contains(',') && !dollar && !list.contains('{')).then_some((start, end, list))
            });
            match choice {
                Some((start, end, list)) => {
                    let before = next.get(..start).unwrap_or("");
                    let after = next.get(end + 1..).unwrap_or("");
                    for part in list.split(',').rev() {
                        self.spend(before.len() + part.len() + after.len())?;
                        open.push(format!("{before}{part}{after}"));
                    }
                }
                None => done.push(next),
            }
            if open.len() + done.len() > MAX_BRACES {
                return None;
            }
        }
        Some(done)
    }
}

/// Chosen: `sh -c "bash -c \"$(…)\""` is three.
const MAX_DEPTH: usize = 8;
/// Words of one braced word, and variables of one script. Chosen: more than people write by hand.
const MAX_BRACES: usize = 256;
const MAX_VARIABLES: usize = 256;
/// What variables and braces of one script may add. Chosen: far above what a line is written for.
const MAX_EXPANDED_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
