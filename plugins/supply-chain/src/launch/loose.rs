//! Finds commands in text of any kind: source code, configuration, a line for another shell.
//!
//! Nothing is known about the language, so quotes, commas and brackets only part words. What counts
//! is that a launcher's name is followed by its words, in the same line or the same brackets:
//! `run(["npx", "-y", "x"])`, `"command": "npx", "args": ["-y", "x"]`, `system('npx -y x')`.

use super::{program_name, programs};
use crate::effort;

/// Words of one command. What is longer becomes several commands, so that every word is read by
/// somebody; how many there are is bounded by what reading them costs.
const MAX_WORDS: usize = 64;
/// Words that all parts of a long command begin with: its launcher, its verb, its options.
const HEAD_WORDS: usize = 6;

/// Every launcher in the text with the words behind it.
pub fn commands(text: &str) -> Vec<Vec<String>> {
    effort::spend(text.len());
    let mut finder = Finder::default();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        match c {
            '\\' if next.is_some_and(|c| "'\"`\n\r".contains(c)) => {
                chars.next();
                finder.end_word();
            }
            '\'' | '"' | '`' => finder.end_word(),
            '\n' => {
                let before = finder.before;
                finder.end_word();
                if finder.depth <= 0 && !",([{:\\".contains(before) {
                    finder.end_line(text.get(at + 1..).unwrap_or_default());
                }
            }
            c if c.is_whitespace() => finder.end_word(),
            '(' | '{' => finder.opens(c),
            '[' if finder.is_open() && finder.word.ends_with(char::is_alphanumeric) => {
                finder.word.push(c);
            }
            '[' => finder.opens(c),
            ']' if finder.word.contains('[') => finder.word.push(c),
            ')' | ']' | '}' => finder.closes(c),
            ',' => finder.end_word(),
            '<' | '>' | '!' if !finder.word.is_empty() && next.is_some_and(is_version) => {
                finder.word.push(c);
            }
            ';' | '|' | '&' | '<' | '>' => {
                finder.end_word();
                if finder.depth == 0 {
                    finder.close();
                }
            }
            ':' if next.is_none_or(|c| c.is_whitespace() || "[{'\"".contains(c)) => finder.key(),
            '=' if finder.word.is_empty() => finder.key(),
            c => finder.word.push(c),
        }
        if !c.is_whitespace() {
            finder.before = c;
        }
    }
    finder.end_word();
    finder.close();
    finder.found
}

fn is_version(c: char) -> bool {
    c == '=' || c.is_ascii_digit()
}

#[derive(Default)]
struct Finder {
    found: Vec<Vec<String>>,
    /// The launcher and its words so far; empty when there is none.
    open: Vec<String>,
    word: String,
    /// Brackets opened since the launcher.
    depth: i32,
    /// The last list in brackets, for a program that is named after its arguments.
    list: Vec<String>,
    listing: bool,
    /// The last character that is no space.
    before: char,
}

impl Finder {
    fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if self.is_open() && self.open.len() >= MAX_WORDS {
            self.cut();
        }
        if self.is_open() {
            if word != "-" {
                self.open.push(word);
            }
            return;
        }
        if let Some(launcher) = launcher(&word) {
            self.open.push(launcher);
            self.depth = 0;
        } else if self.listing {
            self.list.push(word);
        }
    }

    /// Ends a part of a long command. The next goes on with the same list of packages, and with
    /// the launcher that stood late in this part; code goes on without a command.
    fn cut(&mut self) {
        let part = self.open.clone();
        if part.iter().all(|word| may_be_package(word)) {
            self.open.truncate(HEAD_WORDS);
        } else {
            self.open.clear();
        }
        let later = part.get(MAX_WORDS / 2..).unwrap_or_default();
        if let Some(at) = later.iter().position(|word| launcher(word).is_some()) {
            self.open.extend(later.iter().skip(at).cloned());
        }
        if !self.is_open() {
            self.depth = 0;
        }
        self.found.push(part);
    }

    /// What was just read names a value and is none itself.
    fn key(&mut self) {
        if !self.word.is_empty() {
            self.word.clear();
        } else if self.before != '=' && self.open.pop().is_some() && self.open.is_empty() {
            self.depth = 0;
        }
    }

    fn opens(&mut self, bracket: char) {
        self.end_word();
        self.depth += i32::from(self.is_open());
        if bracket != '(' {
            self.list.clear();
            self.listing = bracket == '[';
        }
    }

    fn closes(&mut self, bracket: char) {
        self.end_word();
        self.listing &= bracket != ']';
        if self.is_open() {
            self.depth -= 1;
            if self.depth < 0 {
                self.close();
            }
        }
        if bracket == '}' {
            self.list.clear();
        }
    }

    /// A list with dashes goes on, and so does a command whose arguments have a key of their own.
    fn end_line(&mut self, rest: &str) {
        let rest = rest.trim_start();
        let arguments = rest.trim_start_matches(['"', '\'']);
        let goes_on =
            rest.starts_with("- ") || (self.open.len() == 1 && arguments.starts_with("args"));
        if !goes_on {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.len() == 1 {
            for word in std::mem::take(&mut self.list) {
                if self.open.len() >= MAX_WORDS {
                    self.found.push(self.open.clone());
                    self.open.truncate(HEAD_WORDS);
                }
                self.open.push(word);
            }
        }
        let words = std::mem::take(&mut self.open);
        if words.len() > 1 {
            self.found.push(words);
        }
        self.depth = 0;
    }
}

/// Whether a word may stand in a list of packages and the options around them.
fn may_be_package(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@/._-+~^<>=!*[]:".contains(&byte);
    word.bytes().all(plain) && word.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// The launcher that a word names, perhaps behind `NAME=` or a sigil.
fn launcher(word: &str) -> Option<String> {
    let word = word.rsplit('=').next()?;
    let word = word.trim_start_matches(['!', ':', '@', '$', '%', '-']);
    // `pip.main([…])`, `pip._internal.main([…])`.
    let word = if word.starts_with("pip.") {
        "pip"
    } else {
        word
    };
    let may_be = word.len() < 64 || word.contains(['/', '\\']);
    (may_be && programs::is_runner(&program_name(word))).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::commands;
    use std::fmt::Write as _;

    #[test]
    fn no_word_of_a_long_command_is_dropped() {
        let many = |count: usize| {
            (0..count).fold(String::new(), |mut all, n| {
                write!(all, "'p{n}@1.0.0', ").unwrap();
                all
            })
        };
        let code = |count: usize| "=> x() ".repeat(count);
        for text in [
            format!("run(['npm', 'install', {}'evil'])", many(63)),
            format!("run(['npm', 'install', {}'evil'])", many(1000)),
            format!(
                "run(['npm', 'install', {}'npx', {}'evil'])",
                many(40),
                many(70)
            ),
            format!(
                "{{'args': ['install', {}'evil'], 'command': 'npm'}}",
                many(300)
            ),
            format!("pip install {} \\\n evil", "a==1 ".repeat(200)),
        ] {
            let found = commands(&text);
            let read = found
                .iter()
                .any(|words| words[1] == "install" && words.last().unwrap() == "evil");
            assert!(read, "{:?}", found.last());
            assert!(found.iter().all(|words| words.len() <= 64));
        }
        for text in [
            format!("node({}, run('npx', 'evil'))", code(100)),
            // The launcher stands where the first part ends.
            format!("node({}z, z, npx evil)", code(30)),
            format!("node({}npx evil)", code(31)),
            format!("{}npx evil", "node(a, b); ".repeat(300)),
        ] {
            let found = commands(&text);
            let read = found
                .iter()
                .any(|words| words.windows(2).any(|two| two == ["npx", "evil"]));
            assert!(read, "{:?}", found.last());
        }
    }
}
