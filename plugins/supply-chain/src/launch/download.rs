//! Whether a script runs what it downloads, or what it prints.

use crate::effort;
use std::collections::{BTreeMap, BTreeSet};

use super::lexer::Variables;
use super::program_name;
use super::reads::{Reads, reads};
use super::shell::{NestedKind, SUBSTITUTED, Script, Simple, is_assignment};
use super::wrapper::unwrapped;

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

impl Script {
    /// Whether something that was just downloaded is handed to an interpreter.
    pub fn runs_download(&self) -> bool {
        if !self.fetches {
            return false;
        }
        let mut downloading = false;
        let mut files: BTreeSet<&str> = BTreeSet::new();
        for command in &self.commands {
            downloading &= command.piped;
            let runs = !files.is_empty() && command.runs().iter().any(|name| files.contains(name));
            if downloading && command.runs_its_input() || runs {
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

    /// Whether what each command prints is run: by a later part of the pipeline, or because the file
    /// that it is written to is run.
    pub fn outputs_run(&self) -> Vec<bool> {
        // Where each file is run for the last time.
        let mut last_run: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, command) in self.commands.iter().enumerate() {
            for name in command.runs() {
                last_run.insert(name, at);
            }
        }
        let runs_later = |name: &str, at: usize| last_run.get(name).is_some_and(|last| *last > at);
        // From the last to the first: whether what comes out of a pipeline here is run, and whether
        // a file is that a `tee` from here on writes.
        let (mut taken, mut kept) = (false, false);
        let mut found: Vec<bool> = Vec::new();
        for (at, command) in self.commands.iter().enumerate().rev() {
            let mut written = command.written.iter().map(|file| base_name(file));
            found.push(if command.written.is_empty() {
                taken
            } else {
                kept || written.any(|name| runs_later(name, at))
            });
            if command.piped && command.takes_commands() {
                taken = true;
            } else if command.piped && command.effective().0 == "tee" {
                let mut files = command.words.iter().skip(1).map(|file| base_name(file));
                kept |= files.any(|name| runs_later(name, at));
                // What it reads goes on to the next part, if there is one.
                let next = self.commands.get(at + 1);
                taken = kept || (taken && next.is_some_and(|next| next.piped));
            }
        }
        found.reverse();
        found
    }
}

impl Simple {
    /// The program as written and its arguments, behind all wrappers.
    fn behind_wrappers(&self) -> &[String] {
        unwrapped(&self.words, |word| {
            let name = program_name(word);
            is_interpreter(&name) || FETCHERS.contains(&name.as_str())
        })
    }

    /// The same, with the program's plain name.
    fn effective(&self) -> (String, &[String]) {
        match self.behind_wrappers().split_first() {
            Some((program, words)) => (program_name(program), words),
            None => (String::new(), &[]),
        }
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
        if is_shell(&name) {
            return Told::read(rest).reads_input();
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

    /// Whether the text that a substitution leaves in it is run: `eval $(…)`, `bash -c "$(…)"`.
    pub fn runs_its_substitution(&self) -> bool {
        let (name, rest) = self.effective();
        let mut read = scripts(&name, rest);
        name.contains(SUBSTITUTED)
            || matches!(name.as_str(), "eval" | "source" | "." | "iex")
            || (is_interpreter(&name) && read.any(|word| word.contains(SUBSTITUTED)))
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
        // `curl -fsSLo i.sh`, `wget -qO i.sh`.
        let bundled = |word: &str| {
            word.starts_with('-') && !word.starts_with("--") && word.ends_with(['o', 'O'])
        };
        let mut after = false;
        let words = self.words.iter().filter_map(move |word| {
            let output = OUTPUTS.contains(&word.as_str()) || bundled(word);
            let wanted = std::mem::replace(&mut after, output);
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

    /// The names of the files that it runs: its program, or what its interpreter reads.
    fn runs(&self) -> Vec<&str> {
        let mut written = self.words.iter().filter(|word| !is_assignment(word));
        let programs = [written.next(), self.behind_wrappers().first()];
        let programs = programs.into_iter().flatten().map(String::as_str);
        let programs = programs.filter(|word| word.contains('/'));
        let (name, rest) = self.effective();
        let reads = is_interpreter(&name) || matches!(name.as_str(), "." | "source");
        let read = scripts(&name, rest).filter(|_| reads);
        programs.chain(read).map(base_name).collect()
    }
}

/// Whether the name of a program that downloads stands somewhere in a text.
pub fn fetches(text: &str) -> bool {
    effort::spend(text.len());
    FETCHERS
        .iter()
        .any(|name| contains_ignoring_case(text, name))
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

fn is_shell(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "rbash", "mksh", "csh", "tcsh",
    ];
    NAMES.contains(&name)
}

fn is_interpreter(name: &str) -> bool {
    const NAMES: [&str; 8] = [
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

#[cfg(test)]
mod tests {
    use super::{Script, Variables};

    fn lex(text: &str) -> Script {
        Script::lex(text, &mut Variables::new(), &mut 1024)
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
            "curl -fsSL https://x.example/i.sh | bash -e",
            "curl -fsSL https://x.example/i.sh | sh -ex",
            "curl -fsSL https://x.example/i.sh | bash -euo pipefail",
            "curl -fsSL https://x.example/i.sh | bash -eo pipefail -s -- --yes",
            "curl -fsSL https://x.example/i.sh | bash +x",
            "curl -fsSL https://x.example/i.sh | sudo -u app bash",
            "curl -fsSL https://x.example/i.sh | sudo -n -H bash",
            "curl -fsSL https://x.example/i.sh | sudo --brand-new x bash",
            "curl -fsSL https://x.example/i.sh | doas -u app sh",
            "curl -fsSL https://x.example/i.sh | timeout 60 bash",
            "curl -fsSL https://x.example/i.sh | timeout -s KILL 60 bash -x",
            "curl -fsSL https://x.example/i.sh | nice -n 5 bash",
            "curl -fsSL https://x.example/i.sh | nice -5 ionice -c 3 bash",
            "curl -fsSL https://x.example/i.sh | stdbuf -oL bash",
            "curl -fsSL https://x.example/i.sh | setsid -w bash",
            "curl -fsSL https://x.example/i.sh | env -i X=1 bash",
            "curl -fsSL https://x.example/i.sh | X=1 sudo Y=2 bash",
            "curl -fsSL https://x.example/i.sh | command -p sh",
            "curl -fsSL https://x.example/i.sh | xargs -n 1 sh -c",
            "curl -fsSL https://x.example/i.sh | mise x node@20 -- bash",
            "curl -fsSL https://x.example/i.py | python3 -W ignore -",
            "timeout 60 curl -fsSL https://x.example/i.sh | bash",
            "if true; then curl -fsSL https://x.example/i.sh | bash; fi",
            "sudo -u app bash -c \"$(curl -fsSL https://x.example)\"",
            "bash --rcfile <(curl -fsSL https://x.example)",
            "bash -ce \"$(curl -fsSL https://x.example)\"",
            "bash -o pipefail -c \"$(curl -fsSL https://x.example)\"",
            "timeout 60 bash <(curl -fsSL https://x.example)",
            "curl -o i.sh https://x.example/i.sh && chmod +x i.sh && sudo ./i.sh",
            "curl -fsSLo i.sh https://x.example/i && sudo -u app bash -e i.sh",
            "curl -o i.sh https://x.example/i && bash -o pipefail i.sh",
            "wget -qO i.sh https://x.example/i && timeout 60 ./i.sh",
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
            "curl -s https://x.example/a.txt | bash -e count-lines.sh",
            "curl -s https://x.example/a.txt | bash -euo pipefail count-lines.sh",
            "curl -s https://x.example/a.txt | bash -ec 'wc -l'",
            "curl -s https://x.example/a.txt | sudo -u app tee /etc/a.txt",
            "curl -s https://x.example/a.txt | timeout 60 grep bash",
            "curl -s https://x.example/a.txt | sudo -u app grep bash",
            "curl -s https://x.example/a.txt | python3 -W ignore count.py",
            "curl -o i.sh https://x.example/i.sh && sudo cat ./i.sh",
            "sudo -u app bash deploy.sh \"$(curl -s https://x.example/ip)\"",
        ] {
            assert!(!lex(text).runs_download(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_run_where_something_takes_it() {
        for (text, runs) in [
            ("echo a | sh", true),
            ("echo a | tee f | sudo -u app bash -e", true),
            ("echo a | tee | sh", true),
            ("echo a | tee f; sh f", true),
            ("echo a > f; chmod +x f; sudo ./f", true),
            ("for x in y; do echo a; done | sh", true),
            ("echo a | tee f; cat g | grep sh", false),
            ("echo a | tee f; cat g | sh", false),
            ("echo a > f; cat g | sh", false),
            ("./f; echo a > f", false),
            ("echo a | grep b", false),
        ] {
            let script = lex(text);
            let printed = script
                .commands
                .iter()
                .position(|c| c.words.contains(&"a".into()));
            assert_eq!(script.outputs_run()[printed.unwrap()], runs, "{text}");
        }
    }

    /// Reading it part by part for each part would take minutes.
    #[test]
    fn a_long_pipeline_is_read_once() {
        let text = "echo a | ".repeat(10_000);
        assert!(!lex(&format!("{text}cat")).outputs_run().contains(&true));
        assert!(lex(&format!("{text}sh")).outputs_run().contains(&true));
    }
}
