//! A shell line taken apart into the words a program would get.
//!
//! Good enough to see what a line touches, not to run it: quotes, escapes, pipes, substitutions,
//! redirections, assignments and braces. Where shells disagree (a backslash on Windows) a word
//! keeps both readings. Which words are paths or hosts is for [`super::assets`] to say.

mod enclosed;
mod expansion;
mod heredoc;
mod printed;
mod word;

use std::borrow::Cow;

use super::programs::{interprets, is_program, is_program_or_word, precedes_program, runs_input};
use enclosed::{ansi_c, backticked, braced, may_go_on, parenthesised, substitutions};
use expansion::{Expansion, alternatives, assignment};
use word::{Word, restored};

/// One simple command: `NAME=value … program word … > file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    pub assigned: Vec<(String, String)>,
    /// The program first, after quote removal, braces and known variables.
    pub words: Vec<String>,
    /// Files behind `<` and `>`.
    pub redirected: Vec<String>,
    /// What `<<<` gives it to read; in the end it is among the words.
    pub input: Vec<String>,
    /// Other readings of its words, and the words of a comment.
    pub also: Vec<String>,
    /// What some word of it stands for was too long to be written out.
    pub unread: bool,
    /// What it prints goes to the next one.
    pub piped: bool,
}

/// Splits `script` into simple commands, those inside substitutions included. One whose variables can be
/// read in another way is there once more for each.
pub fn commands(script: &str) -> Vec<Simple> {
    let mut found = Vec::new();
    let (script, bodies) = heredoc::cut(script);
    lex(&separated(&script), 0, &mut found);
    let run = !bodies.is_empty() && found.iter().any(Simple::may_run_files);
    let interpreter = printed::interpreter(&found);
    for body in bodies {
        match (run || !body.is_kept, body.expands) {
            (true, _) => printed::lex_line(body.text, interpreter.as_ref(), &mut found),
            (false, true) => substitutions(&body.text)
                .iter()
                .for_each(|script| lex(&separated(script), 1, &mut found)),
            (false, false) => {}
        }
    }
    printed::lex_all(&script, &mut found);
    let mut expansion = Expansion::default();
    let mut all = Vec::new();
    for mut simple in found {
        let others = simple.finish(&mut expansion);
        all.push(simple);
        all.extend(others);
    }
    all.retain(|simple| *simple != Simple::default());
    all.iter_mut().for_each(Simple::restore);
    all
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
    /// Whether it may run lines that it is given to read, or a file that was just written: a shell, an
    /// interpreter, or a program by its path.
    fn may_run_files(&self) -> bool {
        let names = || {
            self.words
                .iter()
                .chain(&self.input)
                .map(|word| program(word))
        };
        let by_path = self.words.first().is_some_and(|word| {
            let name = program(word);
            word.contains(['/', '$', '`', '*', '?'])
                && !is_program(&name)
                && !is_program_or_word(&name)
        });
        by_path
            || self.words.first().is_some_and(String::is_empty)
            || names().any(|name| runs_input(&name) || interprets(&name))
    }

    /// Puts braces and commas back that were quoted.
    fn restore(&mut self) {
        let lists = [
            &mut self.words,
            &mut self.redirected,
            &mut self.input,
            &mut self.also,
        ];
        for word in lists.into_iter().flatten() {
            restored(word);
        }
        for (_, value) in &mut self.assigned {
            restored(value);
        }
    }

    /// Moves leading assignments out of the words and replaces what they and braces stand for. Returns
    /// the other readings.
    fn finish(&mut self, expansion: &mut Expansion) -> Vec<Self> {
        let leading = self
            .words
            .iter()
            .take_while(|word| assignment(word).is_some())
            .count();
        let assigned: Vec<String> = self.words.drain(..leading).collect();
        // Behind the words, so that it is never the program: `<<<'line' bash`.
        self.words.append(&mut self.input);
        let written = Self {
            words: self.words.clone(),
            redirected: self.redirected.clone(),
            ..Self::default()
        };
        for word in &assigned {
            if let Some((name, value)) = assignment(word) {
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
        self.learn(expansion);
        // A variable may hold the program and its words.
        if self
            .words
            .first()
            .is_some_and(|first| expansion.is_value(first))
        {
            split_first(&mut self.words);
        }
        let others = written.others(&assigned, expansion);
        let others = self.or_unread("", others, |_| Vec::new());
        others
            .into_iter()
            .filter(|other| !self.says(other))
            .collect()
    }

    /// Variables that get their values behind a word: `export X=…`, `then X=…`, `for X in …`.
    fn learn(&mut self, expansion: &mut Expansion) {
        let mut fits = true;
        for word in &self.words {
            if let Some((name, value)) = assignment(word) {
                fits &= expansion.learn(name, value);
            }
        }
        let loops = |word: &&String| ["for", "select"].contains(&word.as_str());
        if let Some(at) = self.words.iter().position(|word| loops(&word))
            && let Some(name) = self.words.get(at + 1)
            && self.words.get(at + 2).is_some_and(|word| word == "in")
        {
            for value in self.words.iter().skip(at + 3) {
                fits &= expansion.learn(name, value);
            }
        }
        self.unread |= !fits;
    }

    /// What the words say when variables have any value that the script gave them, or none: one command
    /// for each program that may be meant. `None` when that is too much.
    fn others(&self, assigned: &[String], expansion: &mut Expansion) -> Option<Vec<Self>> {
        let mut words = assigned.iter().chain(&self.words).chain(&self.redirected);
        if !words.any(|word| word.contains('$')) {
            return Some(Vec::new());
        }
        let mut other = Self::default();
        for (name, value) in assigned.iter().filter_map(|word| assignment(word)) {
            let values = expansion.readings(value)?;
            let named = values.into_iter().map(|value| (name.to_owned(), value));
            other.assigned.extend(named);
        }
        for file in &self.redirected {
            other.redirected.extend(expansion.readings(file)?);
        }
        let leads = |word: &&String| precedes_program(word) || assignment(word).is_some();
        let leading = self.words.iter().take_while(leads).count();
        let (before, behind) = self.words.split_at_checked(leading)?;
        let Some((program, rest)) = behind.split_first() else {
            other.words = self.words.clone();
            return Some(vec![other]);
        };
        for word in rest {
            other.words.extend(expansion.readings(word)?);
        }
        let bytes = other.words.iter().chain(&other.redirected).map(String::len);
        let bytes: usize = bytes.sum();
        let mut all = Vec::new();
        for reading in expansion.readings(program)? {
            if !all.is_empty() {
                expansion.spend(bytes)?;
            }
            let mut one = other.clone();
            one.words.insert(0, reading);
            if program.contains('$') {
                split_first(&mut one.words);
            }
            one.words.splice(..0, before.iter().cloned());
            all.push(one);
        }
        Some(all)
    }

    /// Whether all that `other` says is said here.
    fn says(&self, other: &Self) -> bool {
        self.words == other.words
            && self.redirected == other.redirected
            && self.assigned == other.assigned
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
        let mut done = std::mem::take(word);
        // Of an address programs expand the braces by themselves.
        let scheme = done.text.split_once("://").map_or("", |(scheme, _)| scheme);
        if !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
            restored(&mut done.text);
        }
        if let Some(windows) = done.with_backslashes {
            self.also.push(windows);
        }
        match std::mem::replace(target, Target::Word) {
            Target::Word => self.words.push(done.text),
            Target::File => self.redirected.push(done.text),
            Target::Input => self.input.push(done.text),
            Target::Marker => {}
        }
    }
}

/// Makes the program and its words of a first word that holds them all.
fn split_first(words: &mut Vec<String>) {
    if let Some(first) = words.first().filter(|word| word.contains(' ')) {
        let first: Vec<String> = first.split_whitespace().map(str::to_owned).collect();
        words.splice(..1, first);
    }
}

/// What the next word is for.
enum Target {
    Word,
    File,
    /// A here-string.
    Input,
    /// The end marker of a here-document.
    Marker,
}

fn lex(script: &str, depth: usize, found: &mut Vec<Simple>) {
    let mut simple = Simple::default();
    let mut word = Word::default();
    let mut target = Target::Word;
    let mut inner: Vec<String> = Vec::new();
    let begin = found.len();
    let mut unsure = false;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                word.started = true;
                let mut open = 0;
                while let Some(quoted) = chars.next().filter(|c| *c != '\'') {
                    word.push_quoted(quoted, &mut open);
                }
            }
            '"' => {
                word.started = true;
                let mut open = 0;
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
                        '`' => inner.push(backticked(&mut chars)),
                        '$' if chars.peek() == Some(&'(') => {
                            let text = parenthesised(&mut chars);
                            // Where it ends, and so where the quotation does, is not known.
                            let again = may_go_on(&text) && !unsure;
                            simple.unread |= again && depth > MAX_UNSURE;
                            if again {
                                unsure = true;
                                let rest = chars.clone().filter(|c| !"'\"".contains(*c));
                                inner.push(rest.collect());
                            }
                            inner.push(text);
                        }
                        quoted => word.push_quoted(quoted, &mut open),
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
                let text = braced(&mut chars);
                text.chars().for_each(|c| word.push(c));
                inner.extend(substitutions(&text));
                // One that nothing closes is none to a shell that reads it as a marker.
                if !text.ends_with('}') {
                    inner.push(text.trim_start_matches('{').to_owned());
                }
                // A shell may take what follows the first of several ends for the line's.
                let behind = text.split_once('}').map_or("", |(_, behind)| behind);
                if behind.contains(|c: char| c.is_whitespace() || "(;|&`<>".contains(c)) {
                    inner.push(behind.to_owned());
                }
            }
            '`' => {
                word.started = true;
                inner.push(backticked(&mut chars));
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
                        chars.next();
                        target = match chars.next_if(|c| matches!(c, '<' | '-')) {
                            Some('<') => Target::Input,
                            _ => Target::Marker,
                        };
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
            '@' | '?' | '*' | '+' | '!'
                if chars.peek() == Some(&'(') && (word.started || c != '!') =>
            {
                let patterns = parenthesised(&mut chars);
                alternatives(c, &patterns)
                    .chars()
                    .for_each(|c| word.push(c));
                inner.push(patterns);
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
                simple.piped = c == '|' && chars.peek() != Some(&'|') && !simple.words.is_empty();
                found.push(std::mem::take(&mut simple));
            }
            c if c.is_whitespace() => simple.take_word(&mut word, &mut target),
            c => word.push(c),
        }
    }
    simple.take_word(&mut word, &mut target);
    found.push(simple);
    // Who reads a here-string is not always told beside it: `{ bash; } <<< 'line'`.
    let own = found.get(begin..).unwrap_or_default();
    inner.extend(
        own.iter()
            .flat_map(|simple| simple.input.clone())
            .map(|mut line| {
                restored(&mut line);
                line
            }),
    );
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

/// Chosen: `sh -c "bash -c \"$(…)\""` is three.
const MAX_DEPTH: usize = 8;
/// How deep a line may be nested that is read in one more way. Chosen: each doubles what is to be read.
const MAX_UNSURE: usize = 4;
#[cfg(test)]
mod tests;
