//! Where a script's own text goes: into files, to a command as its words, or to what runs it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::lexer::Variables;
use super::shell::{NestedKind, SUBSTITUTED, Script, Simple, mark};
use crate::effort;

/// How a command is told to read a list of requirements.
const LISTS: [&str; 3] = ["-r", "--requirement", "--requirements"];
/// What such a list is called when it has no name of its own.
pub const LIST: &str = "requirements.txt";
/// A longer output is no list of words.
const MAX_WORDS_BYTES: usize = 1024;

impl Simple {
    /// The files in which it leaves what it reads or prints; a list of requirements that it reads
    /// from its input is one, too.
    pub fn keeps(&self) -> Vec<&str> {
        effort::spend(self.words.len());
        let mut files: Vec<&str> = self.written.iter().map(String::as_str).collect();
        files.extend(self.copies());
        files.extend(self.lists().any(is_input).then_some(LIST));
        files
    }

    /// The files in which it leaves what it reads, by their names among its words.
    pub fn copies(&self) -> Vec<&str> {
        let (name, rest) = self.effective();
        let plain = rest.iter().map(String::as_str);
        let mut plain = plain.filter(|word| !word.starts_with('-'));
        match name.as_str() {
            "tee" | "sponge" => plain.collect(),
            "dd" => plain.filter_map(|word| word.strip_prefix("of=")).collect(),
            "cp" | "install" if rest.iter().any(|word| is_input(word)) => {
                plain.next_back().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The lists of requirements that it reads.
    fn lists(&self) -> impl Iterator<Item = &str> {
        let mut wanted = false;
        self.words.iter().filter_map(move |word| {
            let glued = LISTS.iter().find_map(|option| word.strip_prefix(option));
            let glued = glued.map(|value| value.trim_start_matches('='));
            let value = if std::mem::take(&mut wanted) {
                Some(word.as_str())
            } else {
                glued.filter(|value| !value.is_empty())
            };
            wanted = LISTS.contains(&word.as_str());
            value
        })
    }

    /// Whether the substitution with this mark is a list of requirements that it reads.
    pub fn lists_mark(&self, mark: char) -> bool {
        effort::spend(self.words.len());
        self.lists().any(|list| list.contains(mark))
    }

    /// Its words with those of an output in the place of a substitution.
    pub fn with_output(&self, mark: char, output: &str) -> Option<Vec<String>> {
        let fits = output.len() <= MAX_WORDS_BYTES && !output.trim().is_empty();
        if !fits || !self.words.iter().any(|word| word.contains(mark)) {
            return None;
        }
        let mut words = Vec::new();
        for word in &self.words {
            effort::spend(word.len() + 1);
            match word.contains(mark) {
                true => {
                    let word = word.replace([SUBSTITUTED, mark], &format!("{output} "));
                    words.extend(word.split_whitespace().map(str::to_owned));
                }
                false => words.push(word.clone()),
            }
        }
        Some(words)
    }

    /// The words that it prints, as they come out.
    pub fn prints(&self) -> Cow<'_, [String]> {
        let words = self.printed();
        match words.iter().any(|word| word.contains('\\')) {
            true => words.iter().map(|word| unescaped(word)).collect(),
            false => Cow::Borrowed(words),
        }
    }

    /// The text of its output, given the words that it prints.
    pub fn text(&self, words: &[String]) -> String {
        if self.words.first().is_none_or(|name| name != "printf") {
            return words.join(" ");
        }
        let Some((format, values)) = words.split_first() else {
            return String::new();
        };
        let parts = format.split("%s");
        if values.is_empty() || parts.count() != values.len() + 1 {
            return words.join("\n");
        }
        let mut text = String::new();
        let mut values = values.iter();
        for part in format.split("%s") {
            text.push_str(part);
            text.push_str(values.next().map_or("", String::as_str));
        }
        text
    }
}

impl Script {
    /// For each command the one that keeps what it prints or reads: itself, or a later part of its
    /// pipeline.
    pub fn keepers(&self) -> Vec<Option<usize>> {
        let mut keeper = None;
        let mut found: Vec<Option<usize>> = Vec::new();
        for (at, command) in self.commands.iter().enumerate().rev() {
            if !command.keeps().is_empty() {
                keeper = Some(at);
            }
            found.push(keeper);
            if !command.piped {
                keeper = None;
            }
        }
        found.reverse();
        found
    }

    /// What stands in words for the substitutions whose text is run later: `x=$(…); eval "$x"`.
    pub fn run_marks(&self) -> BTreeSet<char> {
        let mut marks = BTreeSet::new();
        for text in self.commands.iter().flat_map(Simple::run_texts) {
            effort::spend(text.len());
            if text.contains(SUBSTITUTED) {
                marks.extend(text.chars().filter(|c| !c.is_alphanumeric()));
            }
        }
        marks
    }

    /// What a script prints, as far as it says so itself.
    pub fn output(text: &str) -> String {
        let script = Self::lex(text, &mut Variables::new(), &mut 0);
        let here = script.nested.iter();
        let here = here.filter(|nested| nested.kind == NestedKind::Here);
        let printed = script
            .commands
            .iter()
            .map(|command| command.text(&command.prints()));
        let all: Vec<String> = printed
            .chain(here.map(|nested| nested.text.clone()))
            .collect();
        all.join("\n").trim().to_owned()
    }

    pub fn mark_of(index: usize) -> char {
        mark(index).unwrap_or(SUBSTITUTED)
    }
}

fn is_input(word: &str) -> bool {
    matches!(word, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// `\n`, `\x6e` and `\156` as what they stand for.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let (radix, longest) = match (c, chars.peek()) {
            ('\\', Some('x')) => (16, 2),
            ('\\', Some('0')) => (8, 4),
            ('\\', Some('1'..='7')) => (8, 3),
            ('\\', Some(next)) => {
                plain.push(match next {
                    'n' | 'r' | 'v' | 'f' => '\n',
                    't' => '\t',
                    '\\' => '\\',
                    _ => {
                        plain.push(c);
                        continue;
                    }
                });
                chars.next();
                continue;
            }
            _ => {
                plain.push(c);
                continue;
            }
        };
        if radix == 16 {
            chars.next();
        }
        let mut code = 0;
        for _ in 0..longest {
            let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            code = code * radix + digit;
            chars.next();
        }
        plain.extend(char::from_u32(code));
    }
    plain
}
