//! Finds commands in text of any kind: source code, configuration, a line for another shell.
//!
//! Nothing is known about the language, so quotes, commas and brackets only part words. What counts
//! is that a launcher's name is followed by its words, in the same line or the same brackets:
//! `run(["npx", "-y", "x"])`, `"command": "npx", "args": ["-y", "x"]`, `system('npx -y x')`.

use super::{program_name, programs};

/// Commands in one text; more is a list of commands, not something that runs them.
const MAX_COMMANDS: usize = 256;
/// Words of one command.
const MAX_WORDS: usize = 64;

/// Every launcher in the text with the words behind it.
pub fn commands(text: &str) -> Vec<Vec<String>> {
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
        if finder.found.len() >= MAX_COMMANDS {
            break;
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
        if self.is_open() {
            if word != "-" && self.open.len() < MAX_WORDS {
                self.open.push(word);
            }
            return;
        }
        if let Some(launcher) = launcher(&word) {
            self.open.push(launcher);
            self.depth = 0;
        } else if self.listing && self.list.len() < MAX_WORDS {
            self.list.push(word);
        }
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
        let mut words = std::mem::take(&mut self.open);
        if words.len() == 1 {
            words.append(&mut self.list);
        }
        if words.len() > 1 {
            self.found.push(words);
        }
        self.depth = 0;
    }
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
