//! A shell line taken apart into the words a program would get.
//!
//! Good enough to see what a line touches, not to run it: quotes, escapes, pipes, substitutions,
//! redirections, assignments and braces. Where shells disagree (a backslash on Windows) a word
//! keeps both readings. Which words are paths or hosts is for [`super::assets`] to say.

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
}

/// Splits `script` into simple commands, those inside substitutions included.
pub fn commands(script: &str) -> Vec<Simple> {
    let mut found = Vec::new();
    lex(script, 0, &mut found);
    let mut known = HashMap::new();
    for simple in &mut found {
        simple.finish(&mut known);
    }
    found.retain(|simple| *simple != Simple::default());
    found
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
    fn finish(&mut self, known: &mut HashMap<String, String>) {
        let leading = self
            .words
            .iter()
            .take_while(|word| assignment(word).is_some())
            .count();
        for word in self.words.drain(..leading).collect::<Vec<_>>() {
            if let Some((name, value)) = assignment(&word) {
                let value = substitute(value, known);
                if known.len() < MAX_VARIABLES {
                    known.insert(name.to_owned(), value.clone());
                }
                self.assigned.push((name.to_owned(), value));
            }
        }
        let plain = |word: &String| braces(&substitute(word, known));
        self.words = self.words.iter().flat_map(plain).collect();
        self.redirected = self.redirected.iter().flat_map(plain).collect();
        // A variable may hold the program and its words.
        if let Some(first) = self
            .words
            .first()
            .filter(|word| word.contains(' '))
            .cloned()
            && known.values().any(|value| *value == first)
        {
            let mut split: Vec<String> = first.split_whitespace().map(str::to_owned).collect();
            split.extend(self.words.drain(1..));
            self.words = split;
        }
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

/// Replaces `$name` and `${name}` by what the same line assigned.
fn substitute(word: &str, known: &HashMap<String, String>) -> String {
    let mut out = word.to_owned();
    if !word.contains('$') || known.is_empty() {
        return out;
    }
    // Longest first, so that `$ab` is not read as `$a` and a `b`.
    let mut names: Vec<_> = known.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, value) in names {
        out = out
            .replace(&format!("${{{name}}}"), value)
            .replace(&format!("${name}"), value);
        if out.len() > MAX_WORD_BYTES {
            return word.to_owned();
        }
    }
    out
}

/// `a{b,c}d` as `abd` and `acd`. At most [`MAX_BRACES`] words; past that the word stays as it is.
fn braces(word: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![word.to_owned()];
    while let Some(next) = open.pop() {
        let choice = next.find('{').and_then(|start| {
            let end = start + next.get(start..)?.find('}')?;
            let list = next.get(start + 1..end)?;
            let dollar = next.get(..start)?.ends_with('$');
            (list.contains(',') && !dollar && !list.contains('{')).then_some((start, end, list))
        });
        match choice {
            Some((start, end, list)) => {
                let (before, after) = (next.get(..start), next.get(end + 1..));
                for part in list.split(',').rev() {
                    open.push(format!(
                        "{}{part}{}",
                        before.unwrap_or(""),
                        after.unwrap_or("")
                    ));
                }
            }
            None => done.push(next),
        }
        if open.len() + done.len() > MAX_BRACES {
            return vec![word.to_owned()];
        }
    }
    done
}

/// Chosen: `sh -c "bash -c \"$(…)\""` is three.
const MAX_DEPTH: usize = 8;
const MAX_BRACES: usize = 64;
/// Past it a value is still seen where it is assigned, not where it is used.
const MAX_VARIABLES: usize = 64;
const MAX_WORD_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests;
