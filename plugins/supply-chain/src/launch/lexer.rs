//! Reads the characters of a shell script once, from the first to the last.
//!
//! Variables that the script itself, or the launch around it, sets to plain text are put in where
//! they are used, so that `P=evil; npx $P` says what it runs. Nothing else is expanded.

mod values;

use crate::effort;
use std::collections::BTreeMap;

use super::shell::{Nested, NestedKind, SUBSTITUTED, Script, Simple, mark};

pub use values::alias_key;

/// What is known about variables, by name.
pub type Variables = BTreeMap<String, String>;

/// Longest value that is put in; longer ones are no names of packages.
const MAX_VALUE_BYTES: usize = 1024;
/// How often values are put in; more is nobody's script.
const MAX_VALUES: u32 = 256;
/// Words made of one pair of braces.
const MAX_CHOICES: usize = 16;

pub struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    values_left: u32,
    word: Option<String>,
    /// Where in the word the first `{a,b}` stood, and what it holds.
    choices: Option<(usize, Vec<String>)>,
    /// Ends of here-documents that begin after this line, and the commands that read them.
    heredocs: Vec<(String, usize)>,
    variables: &'a mut Variables,
    /// Bytes that values may still add.
    budget: &'a mut usize,
    /// Values that may be stale are left out.
    strict: bool,
    /// Subshells that are open; a function's body counts for ever.
    inner: u32,
    /// What is read runs only if something before it does, or in a process of its own.
    depends: bool,
    /// The words of this command are names of variables that it sets.
    names: bool,
    /// Under which it would be noted that a value that was put in is stale; a function's body may
    /// run after that.
    used: Vec<String>,
    /// All its words so far are assignments.
    assigns: bool,
    pub script: Script,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &str, variables: &'a mut Variables, budget: &'a mut usize) -> Self {
        let mut script = Script::default();
        script.commands.push(Simple::default());
        Self {
            chars: text.chars().collect(),
            at: 0,
            values_left: MAX_VALUES,
            word: None,
            choices: None,
            heredocs: Vec::new(),
            variables,
            budget,
            strict: false,
            inner: 0,
            depends: false,
            names: false,
            used: Vec::new(),
            assigns: true,
            script,
        }
    }

    /// Leaves out values that may be stale by the time that they are used.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    pub fn run(mut self) -> Script {
        while let Some(c) = self.next() {
            match c {
                '\'' => {
                    let text = self.until('\'');
                    self.push_str(&text);
                }
                '"' => self.double_quoted(),
                // `C:\Windows\…` is no shell's path, and only readable with its backslashes.
                // Before what a shell reads otherwise without a backslash it is one of the shell's.
                '\\' if self.is_drive() && self.peek().is_some_and(is_of_path) => self.push('\\'),
                '\\' => match self.next() {
                    Some('\r') if self.peek() == Some('\n') => self.at += 1,
                    Some('\n') | None => {}
                    Some(c) => self.push(c),
                },
                '$' | '`' => self.expansion(c, false),
                '<' | '>' if self.peek() == Some('(') => {
                    self.at += 1;
                    let text = self.until_closed();
                    self.nest(text, c == '>');
                }
                '<' | '>' => self.redirection(c),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '|' => {
                    let or = self.peek() == Some('|');
                    self.at += usize::from(or || self.peek() == Some('&'));
                    self.end_command(!or);
                    self.depends = true;
                }
                '&' | ';' | '\n' | '(' | ')' => {
                    let and = c == '&' && self.peek() == Some('&');
                    self.at += usize::from(and);
                    self.end_command(false);
                    self.depends = and;
                    if c == '(' {
                        let function = self.peek() == Some(')');
                        self.inner = self.inner.saturating_add(1 + u32::from(function));
                    } else if c == ')' {
                        self.inner = self.inner.saturating_sub(1);
                    }
                    if c == '\n' {
                        self.read_heredocs();
                    }
                }
                '{' if self.choices.is_none() => self.braces(),
                c if c.is_whitespace() => self.end_word(),
                c => self.push(c),
            }
        }
        self.end_command(false);
        if self
            .script
            .commands
            .last()
            .is_some_and(|last| last.words.is_empty())
        {
            self.script.commands.pop();
        }
        let mut used = self.used.iter();
        self.script.unsure |= used.any(|key| self.variables.contains_key(key));
        self.script
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        effort::spend(1);
        self.chars.get(self.at).copied()
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn push_str(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    /// Whether the word begins with the letter of a drive.
    fn is_drive(&self) -> bool {
        let bytes = self.word.as_deref().unwrap_or_default().as_bytes();
        matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic())
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.next().filter(|c| *c != end) {
            text.push(c);
        }
        text
    }

    fn double_quoted(&mut self) {
        self.push_str("");
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) if "$`\"\\".contains(c) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                '$' | '`' => self.expansion(c, true),
                c => self.push(c),
            }
        }
    }

    fn expansion(&mut self, opener: char, quoted: bool) {
        match (opener, self.peek()) {
            ('`', _) => {
                let mut text = String::new();
                while let Some(c) = self.next().filter(|c| *c != '`') {
                    // Inside, a backslash keeps only what would end or expand it.
                    let escaped = c == '\\' && self.peek().is_some_and(|c| "`\\$".contains(c));
                    text.extend(if escaped { self.next() } else { Some(c) });
                }
                self.substitution(text);
            }
            (_, Some('(')) => {
                self.at += 1;
                let text = self.until_closed();
                self.substitution(text);
            }
            (_, Some('\'')) if !quoted => {
                self.at += 1;
                self.ansi_quoted();
            }
            (_, Some('"')) if !quoted => {}
            (_, Some(c)) if c.is_alphanumeric() || "_{@*#?!$-".contains(c) => {
                self.script.expands = true;
                self.variable(quoted);
            }
            _ => self.push(opener),
        }
    }

    /// `$'n\x70x'`.
    fn ansi_quoted(&mut self) {
        self.push_str("");
        while let Some(c) = self.next().filter(|c| *c != '\'') {
            if c != '\\' {
                self.push(c);
                continue;
            }
            let (radix, longest) = match self.next() {
                Some('x') => (16, 2),
                Some('u') => (16, 4),
                Some('U') => (16, 8),
                Some('0'..='7') => {
                    self.at -= 1;
                    (8, 3)
                }
                Some('n' | 'r' | 't') => {
                    self.push(' ');
                    continue;
                }
                Some(c) => {
                    self.push(c);
                    continue;
                }
                None => return,
            };
            let mut code = 0;
            for _ in 0..longest {
                let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else {
                    break;
                };
                code = code * radix + digit;
                self.at += 1;
            }
            self.word
                .get_or_insert_default()
                .extend(char::from_u32(code));
        }
    }

    /// `{npx,-y,evil}`: several words out of one.
    fn braces(&mut self) {
        let mut text = String::new();
        let mut at = self.at;
        let closed = loop {
            match self.chars.get(at) {
                Some('}') => break true,
                Some(c) if !c.is_whitespace() && !"'\"`${;|&<>()".contains(*c) => text.push(*c),
                _ => break false,
            }
            at += 1;
        };
        if closed && text.contains(',') {
            self.at = at + 1;
            let at = self.word.get_or_insert_default().len();
            let choices = text.split(',').take(MAX_CHOICES).map(str::to_owned);
            self.choices = Some((at, choices.collect()));
        } else {
            self.push('{');
        }
    }

    /// Up to the bracket that closes a substitution; brackets in quotes close nothing.
    fn until_closed(&mut self) -> String {
        let mut text = String::new();
        let mut open = 1_u32;
        let mut quote = None;
        let mut heredocs = Vec::new();
        while let Some(c) = self.next() {
            match (quote, c) {
                (None, '<') if self.peek() == Some('<') => heredocs.extend(self.heredoc_ahead()),
                // Quotes and brackets in a here-document are only text.
                (None, '\n') => {
                    text.push(c);
                    for end in heredocs.drain(..) {
                        while self.peek().is_some() {
                            let line = self.until('\n');
                            text.push_str(&line);
                            text.push('\n');
                            if line.trim() == end {
                                break;
                            }
                        }
                    }
                    continue;
                }
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (Some('\''), _) => {}
                (_, '\\') => {
                    text.push(c);
                    text.extend(self.next());
                    continue;
                }
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(c);
        }
        text
    }

    /// The end of the here-document whose second `<` is next.
    fn heredoc_ahead(&self) -> Option<String> {
        let rest = self.chars.get(self.at + 1..).unwrap_or_default();
        let mut rest = rest.iter().skip_while(|c| "- \t".contains(**c)).peekable();
        if rest.peek() == Some(&&'<') {
            return None;
        }
        let word = rest.take_while(|c| c.is_alphanumeric() || "_'\"\\-.".contains(**c));
        let end: String = word
            .inspect(|_| effort::spend(1))
            .filter(|c| !"'\"\\".contains(**c))
            .collect();
        (!end.is_empty()).then_some(end)
    }

    fn nest(&mut self, text: String, sink: bool) {
        self.push_substituted();
        self.script.expands = true;
        let parent = self.current();
        let kind = if sink {
            NestedKind::Sink
        } else {
            NestedKind::Substitution
        };
        self.script.nested.push(Nested { text, parent, kind });
    }

    /// What stands for the next substitution.
    fn push_substituted(&mut self) {
        self.push(SUBSTITUTED);
        let mark = mark(self.script.nested.len());
        self.word.get_or_insert_default().extend(mark);
    }

    /// Index of the command that is being read.
    fn current(&self) -> usize {
        self.script.commands.len().saturating_sub(1)
    }

    /// `$(…)`: what a plain `echo` would print is put in.
    fn substitution(&mut self, text: String) {
        let plain = |c: char| c.is_alphanumeric() || "@=./_- ^~<>[],:+".contains(c);
        let printed = text.strip_prefix("echo ").map(str::trim);
        let printed =
            printed.filter(|words| words.len() <= MAX_VALUE_BYTES && words.chars().all(plain));
        match printed {
            Some(words) => {
                self.push_str(words);
                self.script.expands = true;
                let (parent, kind) = (self.current(), NestedKind::Substitution);
                self.script.nested.push(Nested { text, parent, kind });
            }
            None => self.nest(text, false),
        }
    }

    /// Drops the operator, the digit before it and the file, which is remembered if written to.
    fn redirection(&mut self, operator: char) {
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
        let here = operator == '<' && more == 1 && self.chars.get(start) == Some(&'<');
        if operator == '<' && more == 2 {
            // A here-string is one more word that the program gets.
            return;
        }
        self.at += usize::from(here && self.peek() == Some('-'));
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        let mut file = String::new();
        while let Some(c) = self.peek() {
            if !here
                && "'\"".contains(c)
                && let Some(text) = self.plainly_quoted(c)
            {
                self.at += text.len() + 2;
                file.extend(text);
                continue;
            }
            let quote = here && "'\"\\".contains(c);
            if !quote && (c.is_whitespace() || ";|&()<>\"'$`".contains(c)) {
                break;
            }
            if !quote {
                file.push(c);
            }
            self.at += 1;
        }
        if here && !file.is_empty() {
            self.heredocs.push((file, self.current()));
        } else if operator == '>'
            && let Some(command) = self.script.commands.last_mut()
        {
            command.written.push(file);
        }
    }

    /// The text between the quote that is next and its twin, when nothing in it means more.
    fn plainly_quoted(&self, quote: char) -> Option<Vec<char>> {
        let rest = self.chars.get(self.at + 1..)?;
        let text = rest.get(..rest.iter().position(|c| *c == quote)?)?;
        effort::spend(text.len());
        let plain = !text.iter().any(|c| "$`\\\n".contains(*c));
        plain.then(|| text.to_vec())
    }

    /// The bodies of here-documents: a program's input, which a shell would run.
    fn read_heredocs(&mut self) {
        for (end, parent) in std::mem::take(&mut self.heredocs) {
            let mut body = String::new();
            while self.peek().is_some() {
                let line = self.until('\n');
                if line.trim() == end {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            let (text, kind) = (body, NestedKind::Here);
            self.script.nested.push(Nested { text, parent, kind });
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        let Some((at, choices)) = self.choices.take() else {
            return self.keep(word);
        };
        let (before, after) = word.split_at_checked(at).unwrap_or((&word, ""));
        for choice in choices {
            self.keep(format!("{before}{choice}{after}"));
        }
    }

    fn end_command(&mut self, piped: bool) {
        self.end_word();
        (self.names, self.assigns) = (false, true);
        match self.script.commands.last_mut() {
            Some(last) if last.words.is_empty() => last.piped |= piped,
            _ => self.script.commands.push(Simple {
                piped,
                ..Simple::default()
            }),
        }
    }
}

/// A letter that a name in a path of Windows begins with.
fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || "._-%".contains(c)
}
