//! Reads the characters of a shell script once, from the first to the last.
//!
//! Variables that the script itself, or the launch around it, sets to plain text are put in where
//! they are used, so that `P=evil; npx $P` says what it runs. Nothing else is expanded.

mod expansions;
mod heredocs;
mod matching;
mod values;

use crate::effort;
use std::collections::BTreeMap;

use super::shell::{Script, Simple};
use heredocs::Marker;

pub use values::alias_key;

/// What is known about variables, by name.
pub type Variables = BTreeMap<String, String>;

/// Longest value that is put in; longer ones are no names of packages.
const MAX_VALUE_BYTES: usize = 1024;
/// How often values are put in; more is nobody's script.
const MAX_VALUES: u32 = 256;
/// How often each character may be looked at without being read. Chosen: ordinary brackets take one
/// or two looks.
const AHEAD: usize = 4;
/// Words made of one pair of braces.
const MAX_CHOICES: usize = 16;

pub struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    values_left: u32,
    word: Option<String>,
    /// Where in the word the first `{a,b}` stood, and what it holds.
    choices: Option<(usize, Vec<String>)>,
    /// Here-documents that begin after this line, and the commands that read them.
    heredocs: Vec<(Marker, usize)>,
    /// The end of one was not found.
    unended: bool,
    /// Where the last bracket of `((…))` stands that is being read, or was.
    arithmetic: usize,
    /// The words are the elements of an array: `x=(a b)`.
    compound: bool,
    /// How much may still be looked at without being read.
    ahead_left: usize,
    /// `<<` stands somewhere, so what can't be told from arithmetic may hide something.
    shifts: bool,
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
            unended: false,
            arithmetic: 0,
            compound: false,
            ahead_left: AHEAD * (text.len() + MAX_VALUE_BYTES),
            shifts: text.contains("<<"),
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
                // Quotes and comments are none there.
                '\'' | '"' if self.in_arithmetic() => {}
                '#' if self.in_arithmetic() => self.push(c),
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
                '[' if self.assigns_element() => self.subscript(),
                '|' => {
                    let or = self.peek() == Some('|');
                    self.at += usize::from(or || self.peek() == Some('&'));
                    self.end_command(!or);
                    self.depends = true;
                }
                '&' | ';' | '\n' | '(' | ')' => {
                    let compound = c == '(' && self.word.as_ref().is_some_and(|w| w.ends_with('='));
                    self.compound = compound || (self.compound && c != ')');
                    if c == '(' && self.word.is_none() {
                        self.arithmetic();
                    }
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
                    if c == '\n' && !self.in_arithmetic() {
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

    /// The text from one place to another.
    fn text(&self, start: usize, end: usize) -> String {
        let text = self.chars.get(start..end).unwrap_or_default();
        effort::spend(text.len());
        text.iter().collect()
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.next().filter(|c| *c != end) {
            text.push(c);
        }
        text
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

    /// Index of the command that is being read.
    fn current(&self) -> usize {
        self.script.commands.len().saturating_sub(1)
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
