//! Which packages a command would fetch and run.
//!
//! The input is argv as it would be executed, never a joined string. Wherever a launcher could be
//! read in two ways, every reading becomes a candidate: too many look-ups cost microseconds, a
//! missed one costs the machine. Nothing is resolved on disk here, and nothing is judged.

mod options;
mod programs;
mod shell;
mod spec;
mod tables;
mod wrapper;

pub use spec::{Target, target};

use crate::package::{Ecosystem, Spec};
use options::Takes;

/// How deep commands may be wrapped into each other before we stop reading and say so.
const MAX_DEPTH: u32 = 8;
/// How many starting points are tried where nothing says where a command starts. Keeps the worst
/// case linear; an honest command line has one or two, and running out is itself reported.
const MAX_STARTS: u32 = 16;

/// What a command line turned out to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    pub candidates: Vec<Candidate>,
    /// Where the things that run come from, the main one first.
    pub sources: Vec<Source>,
    /// Another registry than the public one may answer. Never proof that the public one does not.
    pub registry: Option<Registry>,
    /// The command can be read in more than one way.
    pub ambiguous: bool,
    pub opaque: Option<Opaque>,
}

/// A package that may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub ecosystem: Ecosystem,
    /// As written.
    pub name: String,
    pub spec: Spec,
    pub role: Role,
    /// It hides behind another name: `good@npm:evil@1`.
    pub alias: bool,
    /// Only a word of a script that can't be followed, not a known package argument.
    pub guess: bool,
}

/// What a package is to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its program is what runs.
    Main,
    /// It is installed beside, or runs inside, the main one.
    Extra,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Registry,
    Git,
    Url,
    Path,
}

/// Who else may serve the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registry {
    Other,
    /// Over plain HTTP, so anybody on the way may serve it.
    Plaintext,
}

/// Why a command can't be followed to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opaque {
    /// A shell script with operators or expansions, or inline code.
    Script,
    /// More wrappers or more readings than anybody writes by hand.
    Convoluted,
    /// What runs is downloaded by the command itself: `curl … | sh`.
    Download,
}

/// Reads a server's launch.
pub fn launch(argv: &[String], env: &[(String, String)]) -> Extraction {
    let mut reader = Reader::new();
    for (name, value) in env {
        reader.environment(name, value);
    }
    reader.command(argv, Role::Main, MAX_DEPTH);
    reader.found
}

/// Reads a shell command line.
pub fn script(text: &str) -> Extraction {
    let mut reader = Reader::new();
    reader.script(text, Role::Main, MAX_DEPTH);
    reader.found
}

impl Extraction {
    /// The one package this launch certainly is, if there is exactly one.
    ///
    /// `None` behind an alias, another registry or any ambiguity: a server's identity carries
    /// trust, so a guess is worse than nothing.
    pub fn identity(&self) -> Option<&Candidate> {
        let mut mains = self.candidates.iter().filter(|c| c.role == Role::Main);
        let main = mains.next()?;
        let sure = mains.next().is_none()
            && !self.ambiguous
            && self.opaque.is_none()
            && self.registry.is_none()
            && self.sources.first() == Some(&Source::Registry)
            && !main.alias
            && !main.guess;
        sure.then_some(main)
    }
}

struct Reader {
    found: Extraction,
    starts: u32,
    scanning: bool,
}

impl Reader {
    fn new() -> Self {
        Self {
            found: Extraction::default(),
            starts: MAX_STARTS,
            scanning: false,
        }
    }

    /// Variables that replace what is written in argv.
    fn environment(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "npm_config_registry"
            | "bun_config_registry"
            | "yarn_npm_registry_server"
            | "yarn_registry"
            | "pip_index_url"
            | "pip_extra_index_url"
            | "uv_index_url"
            | "uv_default_index"
            | "uv_index"
            | "uv_extra_index_url"
            | "corepack_npm_registry"
            | "goproxy" => self.registry(value),
            "npm_config_userconfig"
            | "npm_config_globalconfig"
            | "pip_config_file"
            | "uv_config_file" => self.registry(""),
            // `npx` reads every option from here as well.
            "npm_config_package" => self.package(value, Ecosystem::Npm, Role::Main),
            "npm_config_call" => {
                self.opaque(Opaque::Script);
                self.script(value, Role::Main, MAX_DEPTH);
            }
            _ => {}
        }
    }

    fn registry(&mut self, value: &str) {
        const PUBLIC: [&str; 6] = [
            "https://registry.npmjs.org",
            "https://registry.yarnpkg.com",
            "https://pypi.org/simple",
            "https://npm.jsr.io",
            "https://proxy.golang.org",
            "https://proxy.golang.org,direct",
        ];
        if PUBLIC.contains(&value.trim_end_matches('/')) {
            return;
        }
        let kind = if value.starts_with("http://") {
            Registry::Plaintext
        } else {
            Registry::Other
        };
        self.found.registry = self.found.registry.max(Some(kind));
    }

    fn package(&mut self, text: &str, ecosystem: Ecosystem, role: Role) {
        match target(text, ecosystem) {
            Target::Registry {
                ecosystem,
                name,
                spec,
                alias,
            } => {
                self.source(Source::Registry);
                self.push(Candidate {
                    ecosystem,
                    name,
                    spec,
                    role,
                    alias,
                    guess: false,
                });
            }
            Target::Elsewhere(source) => self.source(source),
        }
    }

    fn guess(&mut self, word: &str) {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            if let Target::Registry {
                ecosystem,
                name,
                spec,
                alias,
            } = target(word, ecosystem)
                && ecosystem.is_legal(&name)
            {
                let role = Role::Extra;
                self.push(Candidate {
                    ecosystem,
                    name,
                    spec,
                    role,
                    alias,
                    guess: true,
                });
            }
        }
    }

    fn push(&mut self, candidate: Candidate) {
        if !candidate.name.is_empty() {
            self.found.candidates.push(candidate);
        }
    }

    fn source(&mut self, source: Source) {
        self.found.sources.push(source);
    }

    fn opaque(&mut self, why: Opaque) {
        self.found.opaque = self.found.opaque.max(Some(why));
        self.found.ambiguous = true;
    }

    fn script(&mut self, text: &str, role: Role, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        let script = shell::Script::lex(text);
        if script.runs_download() {
            self.opaque(Opaque::Download);
        }
        if script.expands || script.commands.len() > 1 {
            self.opaque(Opaque::Script);
        }
        for command in &script.commands {
            self.command(&command.words, role, depth);
            // Anything can stand where something expands: each plain word is looked up.
            if script.expands {
                for word in &command.words {
                    if !word.starts_with('-') && !programs::is_launcher(&program_name(word)) {
                        self.guess(word);
                    }
                }
            }
        }
        for nested in &script.nested {
            self.script(&nested.text, Role::Extra, depth);
        }
    }

    /// Looks for a launcher at every word, because nothing says where the command starts.
    fn scan(&mut self, words: &[String], role: Role, depth: u32) {
        self.found.ambiguous = true;
        // A scan that is under way reaches these words itself.
        if std::mem::replace(&mut self.scanning, true) {
            return;
        }
        for (at, word) in words.iter().enumerate() {
            if programs::is_launcher(&program_name(word)) {
                if !self.start() {
                    break;
                }
                self.command(words.get(at..).unwrap_or_default(), role, depth);
            }
        }
        self.scanning = false;
    }

    /// Takes one of the starting points that are left.
    fn start(&mut self) -> bool {
        let left = self.starts.checked_sub(1);
        self.starts = left.unwrap_or_default();
        if left.is_none() {
            self.opaque(Opaque::Convoluted);
        }
        left.is_some()
    }

    fn given(&mut self, given: &[(Takes, &str)], ecosystem: Ecosystem, role: Role, depth: u32) {
        for (takes, value) in given {
            match takes {
                Takes::Package => self.package(value, ecosystem, role),
                Takes::Extra => {
                    for part in value.split(',') {
                        self.package(part, ecosystem, Role::Extra);
                    }
                }
                Takes::Registry => self.registry(value),
                Takes::Script => {
                    self.opaque(Opaque::Script);
                    self.script(value, role, depth);
                    if let Some(first) = value.split_whitespace().next() {
                        self.guess(first);
                    }
                }
                Takes::Code => self.opaque(Opaque::Script),
                Takes::Git => self.source(Source::Git),
                Takes::Local => self.source(Source::Path),
                Takes::Flag
                | Takes::Value
                | Takes::Version
                | Takes::Module
                | Takes::Entry
                | Takes::Words => {}
            }
        }
    }
}

/// `npx` for `/usr/local/bin/npx`, `C:\node\NPX.CMD` and `npx.exe`.
fn program_name(word: &str) -> String {
    let base = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    for ending in [".exe", ".cmd", ".bat", ".com", ".ps1"] {
        if let Some(stem) = base.strip_suffix(ending) {
            return stem.to_owned();
        }
    }
    base
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
