//! What a command runs: its input, what a substitution leaves in it, and files.

use super::fetchers::{base_name, is_fetcher};
use super::program_name;
use super::reads::{RELAYS, Reads, reads};
use super::shell::{SUBSTITUTED, Simple, is_assignment};
use super::wrapper::unwrapped;
use crate::effort;

impl Simple {
    /// The program as written and its arguments, behind all wrappers.
    fn behind_wrappers(&self) -> &[String] {
        unwrapped(&self.words, |word| {
            let name = program_name(word);
            is_interpreter(&name) || is_fetcher(&name)
        })
    }

    /// The same, with the program's plain name.
    pub fn effective(&self) -> (String, &[String]) {
        match self.behind_wrappers().split_first() {
            Some((program, words)) => (program_name(program), words),
            None => (String::new(), &[]),
        }
    }

    /// Whether its words may name a package that it fetches.
    pub fn may_fetch(&self) -> bool {
        let (name, rest) = self.effective();
        !matches!(reads(&name, rest), Reads::Text | Reads::Commands) && !is_inside(&name, rest)
    }

    /// Whether it runs what it reads from its input, as shell commands or as words of one.
    pub fn takes_commands(&self) -> bool {
        const TAKE: [&str; 8] = [
            "at", "batch", "parallel", "make", "crontab", ".", "source", "done",
        ];
        let (name, _) = self.effective();
        let feeds = |word: &String| program_name(word) == "xargs";
        let mut known = TAKE.iter().chain(&RELAYS);
        known.any(|known| *known == name) || self.words.iter().any(feeds) || self.runs_its_input()
    }

    /// Whether it runs its input as code of a language that is no shell's.
    pub fn takes_code(&self) -> bool {
        const CODE: [&str; 6] = ["deno", "bun", "node", "perl", "ruby", "php"];
        let (name, _) = self.effective();
        (CODE.contains(&name.as_str()) || name.starts_with("python")) && self.runs_its_input()
    }

    /// `sh`, `bash -s -- x`, `python3 -`; not `python3 -m json.tool` or `bash build.sh`.
    pub fn runs_its_input(&self) -> bool {
        let (name, rest) = self.effective();
        if name == "iex" || name == "invoke-expression" {
            return true;
        }
        if is_shell(&name) {
            return Told::read(rest).reads_input();
        }
        // `source /dev/stdin`, `$SHELL`, `uv run -`, `ssh host bash -s`.
        let first = rest.first().map(String::as_str);
        match name.as_str() {
            "." | "source" => return matches!(first, Some("-" | "/dev/stdin" | "/dev/fd/0")),
            "$shell" | "${shell}" | "$bash" | "${bash}" | "$0" => {
                return Told::read(rest).reads_input();
            }
            "uv" => {
                let told = |wanted: &str| rest.iter().any(|word| word == wanted);
                return told("run") && told("-");
            }
            relay if RELAYS.contains(&relay) => return starts_a_shell(rest),
            _ => {}
        }
        if !is_interpreter(&name) {
            return false;
        }
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-" | "/dev/stdin" => return true,
                // `deno run -`.
                "run" => {}
                "-W" | "-X" if name.starts_with("python") => {
                    words.next();
                }
                option if option.starts_with("--") => {}
                option if option.starts_with('-') => {
                    if option.chars().any(|c| "cemnprC".contains(c)) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
        true
    }

    /// The words that it runs as text.
    pub fn run_texts(&self) -> Vec<&str> {
        let (name, rest) = self.effective();
        let all = || rest.iter().map(String::as_str);
        if matches!(name.as_str(), "eval" | "source" | "." | "iex") || name == "uv" {
            all().collect()
        } else if name.contains(SUBSTITUTED) {
            self.behind_wrappers()
                .first()
                .map(String::as_str)
                .into_iter()
                .collect()
        } else if is_interpreter(&name) {
            scripts(&name, rest).collect()
        } else {
            Vec::new()
        }
    }

    /// Whether it runs the words that it reads: `while read l; do eval "$l"; done`.
    pub fn runs_what_is_read(&self) -> bool {
        let (name, rest) = self.effective();
        name == "eval" && rest.iter().any(|word| word.contains('$'))
    }

    /// Whether the text that a substitution leaves in it is run: `eval $(…)`, `bash -c "$(…)"`.
    pub fn runs_its_substitution(&self) -> bool {
        let (name, rest) = self.effective();
        let mut read = scripts(&name, rest);
        name.contains(SUBSTITUTED)
            || matches!(name.as_str(), "eval" | "source" | "." | "iex")
            || (is_interpreter(&name) && read.any(|word| word.contains(SUBSTITUTED)))
    }

    /// The names of the files that it runs: its program, or what its interpreter reads.
    pub fn runs(&self) -> Vec<&str> {
        const ENDINGS: [&str; 5] = [".exe", ".bat", ".cmd", ".com", ".ps1"];
        let mut written = self.words.iter().filter(|word| !is_assignment(word));
        let programs = [written.next(), self.behind_wrappers().first()];
        let programs = programs.into_iter().flatten().map(String::as_str);
        let is_file = |word: &str| {
            let ending = ENDINGS.iter().any(|end| word.ends_with(end));
            word.contains('/') || ending
        };
        let programs = programs.filter(|word| is_file(word));
        let (name, rest) = self.effective();
        // Windows finds a file by its bare name, and so do these.
        let any = matches!(
            name.as_str(),
            "call" | "start" | "start-process" | "saps" | "cscript" | "wscript" | "msiexec"
        ) || matches!(name.as_str(), "powershell" | "pwsh" | "uv" | "&");
        let all = rest.iter().map(String::as_str).filter(|_| any);
        let reads = is_interpreter(&name) || matches!(name.as_str(), "." | "source");
        let read = scripts(&name, rest).filter(|_| reads);
        programs.chain(read).chain(all).map(base_name).collect()
    }

    /// The program that it runs by its bare name.
    pub fn bare_program(&self) -> Option<&str> {
        let program = self.behind_wrappers().first()?;
        (!program.contains('/')).then_some(program)
    }
}

/// Whether it works on a container that is there already: its words name that, and programs in it.
fn is_inside(name: &str, words: &[String]) -> bool {
    const ENGINES: [&str; 6] = [
        "docker",
        "podman",
        "nerdctl",
        "finch",
        "kubectl",
        "docker-compose",
    ];
    const VERBS: [&str; 8] = [
        "exec", "attach", "logs", "start", "stop", "restart", "rm", "cp",
    ];
    let mut plain = words.iter().filter(|word| !word.starts_with('-')).take(2);
    ENGINES.contains(&name) && plain.any(|word| VERBS.contains(&word.as_str()))
}

/// Whether a shell that reads its input stands among the words, perhaps in one with others.
fn starts_a_shell(words: &[String]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        effort::spend(word.len() + 1);
        if word.contains(' ') {
            let parts: Vec<String> = word.split_whitespace().map(str::to_owned).collect();
            let (first, rest) = parts.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
            return is_shell(&program_name(first)) && Told::read(rest).reads_input();
        }
        let rest = words.get(at + 1..).unwrap_or_default();
        is_shell(&program_name(word)) && Told::read(rest).reads_input()
    })
}

/// What the words of a shell say about its script.
#[derive(Default)]
struct Told<'w> {
    /// The first word that is no option: a file, or code where `-c` stands before it.
    first: Option<&'w str>,
    /// A file that is read before it.
    startup: Option<&'w str>,
    code: bool,
    input: bool,
}

impl<'w> Told<'w> {
    fn read(words: &'w [String]) -> Self {
        let mut told = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            effort::spend(word.len() + 1);
            match word {
                "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" => {
                    told.input = true;
                    break;
                }
                "--rcfile" | "--init-file" => told.startup = words.next(),
                "--command" | "--commands" => told.code = true,
                option if option.starts_with("--") => {}
                option if option.starts_with(['-', '+']) => {
                    told.code |= option.contains('c');
                    told.input |= option.contains('s');
                    if option.ends_with(['o', 'O']) {
                        words.next();
                    }
                }
                word => {
                    told.first = Some(word);
                    break;
                }
            }
        }
        told
    }

    /// Also `xargs sh -c`, which gets its script from the input.
    fn reads_input(&self) -> bool {
        self.first.is_none() || (self.input && !self.code)
    }
}

/// The words of an interpreter that it may read as code.
fn scripts<'w>(name: &str, words: &'w [String]) -> impl Iterator<Item = &'w str> + use<'w> {
    let found = if is_shell(name) {
        let told = Told::read(words);
        [told.startup, told.first]
    } else {
        let mut plain = words.iter().map(String::as_str);
        let first = plain.find(|word| !word.starts_with('-') && *word != "run");
        [first, None]
    };
    found.into_iter().flatten()
}

fn is_shell(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "rbash", "mksh", "csh", "tcsh",
    ];
    NAMES.contains(&name)
}

fn is_interpreter(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "tsx",
        "ts-node",
        "lua",
        "osascript",
        "rscript",
        "julia",
        "deno",
        "bun",
        "node",
        "perl",
        "ruby",
        "php",
        "powershell",
        "pwsh",
    ];
    is_shell(name)
        || NAMES.contains(&name)
        || name
            .strip_prefix("python")
            .is_some_and(|rest| !rest.starts_with('-'))
}
