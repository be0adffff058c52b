//! Which packages a command would fetch and run.
//!
//! The input is argv as it would be executed, never a joined string. Wherever a launcher could be
//! read in two ways, every reading becomes a candidate: too many look-ups cost microseconds, a
//! missed one costs the machine. Nothing is resolved on disk here, and nothing is judged.

mod address;
mod candidates;
mod deno;
mod download;
mod encoded;
mod environment;
mod fetched_code;
mod fetchers;
mod handed;
mod images;
mod interpreters;
mod lexer;
mod loose;
mod options;
mod powershell;
mod programs;
mod python;
mod quoted;
mod reads;
mod running;
mod scripts;
mod shell;
mod spec;
mod tables;
mod verbs;
mod wrapper;

pub use environment::heeded;
pub use programs::may_start;
pub use shell::is_assignment;
pub use spec::{Target, target};

use std::collections::BTreeSet;

use crate::package::{Ecosystem, Spec};
use options::Takes;

/// How deep commands may be wrapped into each other before we stop reading and say so.
const MAX_DEPTH: u32 = 8;
/// How much is read for one command: its bytes, the words at every place where a command may start,
/// and [`CANDIDATE_WORK`] for each package. Chosen by measurement (docs/supply-chain.md): the worst
/// scripts that we could think of then stay below the detector's deadline. A command that needs more
/// is a finding itself.
const MAX_WORK: usize = 128 * 1024;
/// What looking up one package is worth, in bytes read.
const CANDIDATE_WORK: usize = 96;

/// What a command line turned out to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    pub candidates: Vec<Candidate>,
    /// Where the things that run come from, each once, the main one first.
    pub sources: Vec<Source>,
    /// Another registry than the public one may answer. Never proof that the public one does not.
    pub registry: Option<Registry>,
    /// The command can be read in more than one way.
    pub ambiguous: bool,
    pub opaque: Option<Opaque>,
    /// Files that a script writes itself, by name, with what it writes.
    pub writes: Vec<(String, String)>,
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
    /// It is certainly installed beside, or runs inside, the main one.
    Beside,
    /// It may come along.
    Extra,
}

impl Role {
    /// What comes along with a package of this role.
    fn beside(self) -> Self {
        match self {
            Self::Main | Self::Beside => Self::Beside,
            Self::Extra => Self::Extra,
        }
    }
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
    /// Whoever answers, its certificate isn't looked at.
    Unverified,
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

/// Reads a server's launch, wherever it happens.
pub fn launch(argv: &[String], env: &[(String, String)]) -> Extraction {
    launch_in(argv, env, "")
}

/// Reads a server's launch in the folder `cwd`; "" when that isn't known.
pub fn launch_in(argv: &[String], env: &[(String, String)], cwd: &str) -> Extraction {
    let mut reader = Reader {
        sheltered: python::is_sheltered(cwd),
        ..Reader::default()
    };
    reader.environments(argv, env);
    reader.command(argv, Role::Main, MAX_DEPTH);
    reader.found
}

/// Reads a shell command line.
pub fn script(text: &str) -> Extraction {
    let mut reader = Reader::default();
    reader.script(text, Role::Main, MAX_DEPTH);
    reader.found
}

/// Reads source code that is about to run, in any language.
pub fn code(text: &str) -> Extraction {
    let mut reader = Reader::default();
    reader.source_code(text, MAX_DEPTH);
    reader.found
}

/// Reads text of any kind that may hold commands: a configuration, a script of any language. The
/// caller bounds the text; what is bounded here is what the commands in it need.
pub fn mentions(text: &str) -> Extraction {
    let mut reader = Reader::default();
    reader.work_left += text.len();
    reader.loose(text, MAX_DEPTH);
    if reader.work_left == 0 {
        reader.opaque(Opaque::Convoluted);
    }
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
    work_left: usize,
    /// Every word is being tried as a start, so nobody else needs to.
    scanning: bool,
    /// What is read may well be no command: running out of work or a download in it proves nothing.
    doubtful: bool,
    /// A word that names one version is looked up, whatever it is to the command.
    guesses: bool,
    /// What the script prints is run by what takes its output.
    output_runs: bool,
    variables: lexer::Variables,
    /// The words that are read are those of a program that starts containers.
    container: bool,
    /// It starts in a folder where only an administrator can write.
    sheltered: bool,
    seen: BTreeSet<(Ecosystem, String, Spec, bool)>,
    /// Bytes of the words that were made out of what is read.
    #[cfg(test)]
    made: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            found: Extraction::default(),
            work_left: MAX_WORK,
            scanning: false,
            doubtful: false,
            guesses: true,
            output_runs: false,
            variables: lexer::Variables::new(),
            container: false,
            sheltered: false,
            seen: BTreeSet::new(),
            #[cfg(test)]
            made: 0,
        }
    }
}

impl Reader {
    #[cfg(test)]
    fn made<'a>(&mut self, words: impl IntoIterator<Item = &'a String>) {
        self.made += words.into_iter().map(String::len).sum::<usize>();
    }

    /// Whether this much may still be read; if not, that is said.
    fn work(&mut self, amount: usize) -> bool {
        let left = self.work_left.checked_sub(amount);
        self.work_left = left.unwrap_or_default();
        if left.is_none() {
            self.opaque(Opaque::Convoluted);
        }
        left.is_some()
    }

    fn registry(&mut self, value: &str) {
        const PUBLIC: [&str; 8] = [
            "https://registry.npmjs.org",
            "https://registry.yarnpkg.com",
            "https://pypi.org/simple",
            "https://npm.jsr.io",
            "https://proxy.golang.org",
            "https://proxy.golang.org,direct",
            "docker-mcp",
            "docker-mcp.yaml",
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

    fn unverified(&mut self) {
        self.found.registry = self.found.registry.max(Some(Registry::Unverified));
    }

    fn source(&mut self, source: Source) {
        if !self.found.sources.contains(&source) {
            self.found.sources.push(source);
        }
    }

    fn opaque(&mut self, why: Opaque) {
        let why = if self.doubtful { Opaque::Script } else { why };
        self.found.opaque = self.found.opaque.max(Some(why));
        self.found.ambiguous = true;
    }

    fn given(&mut self, given: &[(Takes, &str)], ecosystem: Ecosystem, role: Role, depth: u32) {
        for (takes, value) in given {
            match takes {
                // `go mod edit -replace=good=evil@v1`.
                Takes::Package if ecosystem == Ecosystem::Go => {
                    let last = value.rsplit('=').next().unwrap_or(value);
                    self.package(last, ecosystem, role);
                }
                // `deno x -p npm:evil good`.
                Takes::Package if value.starts_with("npm:") || value.starts_with("jsr:") => {
                    self.deno_target(value, role);
                }
                // npm 11 fetches the package of this name for `--package=`.
                Takes::Package if value.is_empty() && ecosystem == Ecosystem::Npm => {
                    self.package("undefined", ecosystem, role);
                }
                Takes::Package => self.package(value, ecosystem, role),
                Takes::Words => {
                    if !self.work(value.len()) {
                        return;
                    }
                    let words = shlex::split(value).unwrap_or_default();
                    let pip = ["pip", "install"].map(str::to_owned);
                    let words: Vec<String> = pip.into_iter().chain(words).collect();
                    #[cfg(test)]
                    self.made(&words);
                    match depth.checked_sub(1) {
                        Some(depth) => self.command(&words, role, depth),
                        None => self.opaque(Opaque::Convoluted),
                    }
                }
                Takes::Extra => {
                    for part in spec::listed(value) {
                        self.package(part, ecosystem, role.beside());
                    }
                }
                Takes::Registry => self.registry(value),
                Takes::Unverified => self.unverified(),
                Takes::Script => {
                    self.opaque(Opaque::Script);
                    self.script(value, role, depth);
                    if let Some(first) = value.split_whitespace().next() {
                        self.guess(first);
                    }
                }
                Takes::Code => {
                    self.opaque(Opaque::Script);
                    self.source_code(value, depth);
                }
                Takes::Hook => {
                    if environment::brings_code(value) {
                        self.opaque(Opaque::Script);
                    }
                }
                Takes::Preload => {
                    if interpreters::is_file(value) {
                        self.opaque(Opaque::Script);
                    }
                }
                Takes::Servers => self.servers(value),
                Takes::Brings => self.opaque(Opaque::Script),
                Takes::Settings => {
                    self.registry(value);
                    self.opaque(Opaque::Script);
                }
                Takes::Local if value.starts_with("oci://") => {
                    let image = value.trim_start_matches("oci://");
                    self.package(image, Ecosystem::Oci, role);
                }
                Takes::Git => self.source(Source::Git),
                Takes::Local => self.source(match target(value, Ecosystem::Npm) {
                    Target::Elsewhere(source) => source,
                    Target::Registry { .. } => Source::Path,
                }),
                Takes::Flag | Takes::Value | Takes::Version | Takes::Module | Takes::Entry => {}
            }
        }
    }
}

/// `npx` for `/usr/local/bin/npx`, `C:\node\NPX.CMD`, `npx.exe` and `npx-cli.js`.
fn program_name(word: &str) -> String {
    let base = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    // npm starts its own files with `node …/npx-cli.js`.
    const ENDINGS: [&str; 9] = [
        ".exe", ".cmd", ".bat", ".com", ".ps1", "-cli.js", ".js", ".cjs", ".mjs",
    ];
    let stem = ENDINGS.iter().find_map(|ending| base.strip_suffix(ending));
    let stem = stem.unwrap_or(&base);
    // `corepack npm@10`, `npx pnpm@9 dlx …`.
    match stem.split_once('@') {
        Some((name, _)) if programs::is_runner(name) => name.to_owned(),
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod any;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod brought;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;
