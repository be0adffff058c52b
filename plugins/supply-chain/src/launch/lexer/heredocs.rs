//! Redirections, and here-documents among them: where one ends, and what a shell runs inside it.
//!
//! Its end is found exactly as Bash 5.2 finds it (tried out): one line too few or too many would be
//! read as commands, or commands as its text.

use super::super::shell::{Nested, NestedKind};
use super::Lexer;
use super::matching::MAX_NESTED;

/// The word behind `<<`.
#[derive(Debug, PartialEq, Eq)]
pub struct Marker {
    /// The line that ends the text.
    end: String,
    /// A part of it is quoted, so nothing in the text expands.
    quoted: bool,
    /// `<<-`: tabs before a line don't count.
    tabs: bool,
}

impl Lexer<'_> {
    /// Drops the operator, the digit before it and the file, which is remembered if written to.
    pub(super) fn redirection(&mut self, operator: char) {
        let digits = |word: &String| word.chars().all(|c| c.is_ascii_digit());
        if self.word.as_ref().is_some_and(digits) {
            self.word = None;
        }
        self.end_word();
        let start = self.at;
        while self.peek().is_some_and(|c| "<>&|".contains(c)) {
            self.at += 1;
        }
        let more = self.at - start;
        if operator == '<' && more == 2 {
            // A here-string is one more word that the program gets.
            return;
        }
        if operator == '<' && more == 1 && self.chars.get(start) == Some(&'<') {
            // Two signs of an arithmetic expression are no redirection.
            if !self.in_arithmetic()
                && !self.compound
                && let Some(marker) = self.marker(MAX_NESTED)
            {
                self.heredocs.push((marker, self.current()));
            }
            return;
        }
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        let mut file = String::new();
        while let Some(c) = self.peek() {
            if "'\"".contains(c)
                && let Some(text) = self.plainly_quoted(c)
            {
                self.at += text.len() + 2;
                file.extend(text);
                continue;
            }
            if c.is_whitespace() || ";|&()<>\"'$`".contains(c) {
                break;
            }
            file.push(c);
            self.at += 1;
        }
        if operator == '>'
            && let Some(command) = self.script.commands.last_mut()
        {
            command.written.push(file);
        }
    }

    /// The text between the quote that is next and its twin, when nothing in it means more.
    fn plainly_quoted(&self, quote: char) -> Option<Vec<char>> {
        let rest = self.chars.get(self.at + 1..)?;
        let text = rest.get(..rest.iter().position(|c| *c == quote)?)?;
        crate::effort::spend(text.len());
        let plain = !text.iter().any(|c| "$`\\\n".contains(*c));
        plain.then(|| text.to_vec())
    }

    /// Reads the word behind `<<`, a word like any other but that nothing in it expands.
    pub(super) fn marker(&mut self, depth: u32) -> Option<Marker> {
        let tabs = self.peek() == Some('-');
        self.at += usize::from(tabs);
        loop {
            match (self.peek(), self.chars.get(self.at + 1)) {
                (Some(' ' | '\t'), _) => self.at += 1,
                (Some('\\'), Some('\n')) => self.at += 2,
                _ => break,
            }
        }
        let outer = self.word.take();
        let mut quoted = false;
        while let Some(c) = self.peek().filter(|c| !" \t\n;|&()<>".contains(*c)) {
            self.at += 1;
            quoted |= "'\"\\".contains(c);
            match (c, self.peek()) {
                ('\'', _) => {
                    let text = self.until('\'');
                    self.push_str(&text);
                }
                ('"', _) => self.quoted_marker(),
                ('\\', _) => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => self.push(c),
                },
                ('$', Some('\'')) => {
                    self.at += 1;
                    quoted = true;
                    self.ansi_quoted();
                }
                ('$', Some('"')) => {}
                ('$', Some('(' | '{' | '[')) | ('`', _) => {
                    let start = self.at - 1;
                    let closer = match (c, self.peek()) {
                        ('`', _) => '`',
                        (_, Some('(')) => ')',
                        (_, Some('{')) => '}',
                        _ => ']',
                    };
                    self.at += usize::from(c == '$');
                    if let Some(depth) = self.deeper(depth) {
                        self.matching(closer, depth);
                    }
                    let text = self.text(start, self.at);
                    self.push_str(&text);
                }
                (c, _) => self.push(c),
            }
        }
        let end = std::mem::replace(&mut self.word, outer);
        end.map(|end| Marker { end, quoted, tabs })
    }

    /// A part of a marker in double quotes, in which nothing expands.
    fn quoted_marker(&mut self) {
        self.push_str("");
        while let Some(c) = self.next().filter(|c| *c != '"') {
            let next = self.peek().filter(|_| c == '\\');
            match next {
                Some('\n') => self.at += 1,
                Some(next) if "$`\"\\".contains(next) => {
                    self.at += 1;
                    self.push(next);
                }
                _ => self.push(c),
            }
        }
    }

    /// The text of a here-document that begins here, and whether its end was found. Inside `$(…)`
    /// a bracket behind the marker closes both.
    pub(super) fn body(&mut self, marker: &Marker, substituted: bool) -> (String, bool) {
        let mut body = String::new();
        while self.peek().is_some() {
            while marker.tabs && self.peek() == Some('\t') {
                self.at += 1;
            }
            let start = self.at;
            let line = self.line(!marker.quoted);
            if line == marker.end {
                return (body, true);
            }
            let rest = line.strip_prefix(marker.end.as_str());
            if substituted && rest.is_some_and(|rest| rest.contains(')')) {
                self.at = start + marker.end.chars().count();
                return (body, true);
            }
            body.push_str(&line);
            body.push('\n');
        }
        (body, false)
    }

    /// One line; where it may, it goes on behind a backslash at its end.
    fn line(&mut self, joins: bool) -> String {
        let mut line = String::new();
        while let Some(c) = self.next().filter(|c| *c != '\n') {
            let next = self.peek().filter(|_| joins && c == '\\');
            if next == Some('\n') {
                self.at += 1;
                continue;
            }
            line.push(c);
            if let Some(next) = next {
                line.push(next);
                self.at += 1;
            }
        }
        line
    }

    /// The bodies of here-documents: a program's input, which a shell would run.
    pub(super) fn read_heredocs(&mut self) {
        for (marker, parent) in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let (text, ended) = self.body(&marker, false);
            // What follows one without an end is part of the first.
            if ended || !self.unended {
                let expands = (!marker.quoted).then(|| text.clone());
                let kind = NestedKind::Here;
                self.script.nested.push(Nested { text, parent, kind });
                if let Some(text) = expands {
                    self.substituted_in(&text, parent);
                }
            }
            // Nobody writes one without an end, so this may be none: what follows is read as
            // commands, too.
            if !ended {
                self.unended = true;
                let read = self.at - start;
                if self.ahead_left > 0 {
                    self.at = start;
                }
                self.script.cut |= self.ahead_left == 0;
                self.ahead_left = self.ahead_left.saturating_sub(read);
                return;
            }
        }
    }

    /// What a shell runs in text that it expands as if in double quotes.
    fn substituted_in(&mut self, text: &str, parent: usize) {
        if !text.contains(['$', '`']) {
            return;
        }
        let chars = std::mem::replace(&mut self.chars, text.chars().collect());
        let at = std::mem::take(&mut self.at);
        let arithmetic = std::mem::take(&mut self.arithmetic);
        let word = self.word.take();
        let known = self.script.nested.len();
        while let Some(c) = self.next() {
            match (c, self.peek()) {
                ('\\', _) => drop(self.next()),
                ('`', _) | ('$', Some('(' | '[')) => self.expansion(c, true),
                _ => {}
            }
        }
        for nested in self.script.nested.iter_mut().skip(known) {
            nested.parent = parent;
        }
        (self.chars, self.at, self.arithmetic) = (chars, at, arithmetic);
        self.word = word;
    }
}
