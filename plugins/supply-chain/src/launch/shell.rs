//! Takes a shell command line apart into simple commands.
//!
//! It understands quotes, escapes, operators, redirections and substitutions well enough to find
//! every command that would run. It expands nothing: that something *would* expand is the answer.

use super::lexer::{Lexer, Variables};
use super::program_name;

/// Stands in a word for what a substitution would leave there; no package name can contain it.
pub const SUBSTITUTED: char = '\u{fffc}';

/// Stands behind [`SUBSTITUTED`] for which substitution it was, so that `x=$(curl …); eval "$x"`
/// shows; there are as many such characters as nobody gave a meaning to.
pub fn mark(index: usize) -> Option<char> {
    const FIRST: u32 = 0xe000;
    const COUNT: usize = 6400;
    let index = u32::try_from(index.min(COUNT - 1)).ok()?;
    char::from_u32(FIRST + index)
}

#[derive(Debug, Default)]
pub struct Script {
    pub commands: Vec<Simple>,
    pub nested: Vec<Nested>,
    /// A variable, glob-free substitution or arithmetic decides part of it at run time.
    pub expands: bool,
    /// A value that may be stale was put in.
    pub unsure: bool,
    /// More values of variables stand in it than are put in.
    pub cut: bool,
    /// The name of a program that downloads stands somewhere in it.
    pub fetches: bool,
}

#[derive(Debug, Default)]
pub struct Simple {
    pub words: Vec<String>,
    /// Its input is the output of the command before it.
    pub piped: bool,
    /// Files that its output goes to.
    pub written: Vec<String>,
    /// Subshells around it.
    pub inner: u32,
}

/// The text of `$(…)`, `` `…` ``, `<(…)` or a here-document.
#[derive(Debug)]
pub struct Nested {
    pub text: String,
    /// Index of the command that it is part of.
    pub parent: usize,
    pub kind: NestedKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestedKind {
    Substitution,
    /// `>(…)`: it gets what the command prints.
    Sink,
    /// A here-document: text, unless what takes it runs it.
    Here,
}

impl Script {
    /// Takes a script apart; what it sets is kept in `variables`. The bytes that values of variables
    /// add to it are taken from `budget`.
    pub fn lex(text: &str, variables: &mut Variables, budget: &mut usize) -> Self {
        let mut script = Lexer::new(text, variables, budget).run();
        script.fetches = super::fetchers::fetches(text);
        script
    }

    /// The same without values that may be stale.
    pub fn lex_strict(text: &str, variables: &mut Variables, budget: &mut usize) -> Self {
        Lexer::new(text, variables, budget).strict().run()
    }
}

impl Simple {
    /// What `echo` or `printf` prints; nothing for every other program.
    pub fn printed(&self) -> &[String] {
        match self.words.split_first() {
            Some((program, words)) if matches!(program.as_str(), "echo" | "printf") => words,
            _ => &[],
        }
    }

    /// Whether it is an `xargs` behind another command.
    pub fn is_fed(&self) -> bool {
        self.piped && self.is_xargs()
    }

    pub fn is_xargs(&self) -> bool {
        let first = self.words.first();
        first.is_some_and(|word| program_name(word) == "xargs")
    }

    /// Bytes of what [`Self::fed`] would make.
    pub fn fed_bytes(&self, input: &[String]) -> usize {
        let all: usize = input.iter().map(|word| word.len() + 1).sum();
        let places = |word: &String| word.matches("{}").count() * all + word.len();
        all + self.words.iter().map(places).sum::<usize>()
    }

    /// The command that `xargs` makes of the words that are handed to it.
    pub fn fed(&self, input: &[String]) -> Option<Vec<String>> {
        if !self.is_fed() || input.is_empty() {
            return None;
        }
        Some(self.filled(input))
    }

    /// Its words with others where `{}` stands, and behind them.
    pub fn filled(&self, input: &[String]) -> Vec<String> {
        let all = input.join(" ");
        let words = self.words.iter().map(|word| word.replace("{}", &all));
        words.chain(input.iter().cloned()).collect()
    }
}

/// `NAME=value` before a command.
pub fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{Script, Variables};

    fn lex(text: &str) -> Script {
        Script::lex(text, &mut Variables::new(), &mut 1024)
    }

    fn commands(text: &str) -> Vec<Vec<String>> {
        let script = lex(text);
        script
            .commands
            .into_iter()
            .map(|command| command.words)
            .collect()
    }

    #[test]
    fn every_simple_command_is_found() {
        assert_eq!(
            commands("a b|c; d && e 'f g' >out 2>&1"),
            [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e", "f g"]]
        );
        assert_eq!(commands("a\\ b \"c\\\"d\" # e"), [vec!["a b", "c\"d"]]);
        assert_eq!(commands("a\n\nb &"), [vec!["a"], vec!["b"]]);
        assert!(commands("  ").is_empty());
    }
}
