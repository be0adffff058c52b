//! Programs that only start another one: what they wrap is what runs.

use super::lexer::alias_key;
use super::options::{Table, Takes};
use super::reads::{Reads, reads};
use super::shell::is_assignment;
use super::{Opaque, Reader, Role, Source, Target, programs, tables, target, verbs};
use crate::effort;
use crate::package::Ecosystem;

/// So many bytes of one word count as another word: `sudo sudo … --aaaa` is looked at from every
/// start. Chosen so that words as people write them cost nothing more.
const LONG_WORD: usize = 24;

/// How a wrapper leads to its command.
enum Leads {
    /// After its options and this many words of its own.
    After(&'static Table, usize),
    /// After `--`; without one, anywhere.
    Dashes,
    /// The same, but the command may begin before a `--` of its own.
    Anywhere,
    /// As a script in one word, or as the remaining words.
    Cmd,
    Shell,
    PowerShell,
    Env,
    Nix,
    /// As a template, filled with each word after `:::`.
    Parallel,
}

fn wrapper(name: &str) -> Option<Leads> {
    Some(match name {
        "env" => Leads::Env,
        "exec" => Leads::After(&verbs::EXEC, 0),
        "sudo" | "doas" => Leads::After(&tables::SUDO, 0),
        "nice" | "ionice" => Leads::After(&tables::NICE, 0),
        "time" | "command" | "nohup" | "unbuffer" | "catchsegv" => Leads::After(&tables::TIME, 0),
        "stdbuf" => Leads::After(&tables::STDBUF, 0),
        "xvfb-run" => Leads::After(&tables::XVFB, 0),
        "setsid" | "dumb-init" | "tini" | "caffeinate" | "corepack" | "winpty" => {
            Leads::After(&tables::WRAPPER, 0)
        }
        "timeout" | "gtimeout" => Leads::After(&tables::TIMEOUT, 1),
        "chroot" => Leads::After(&tables::WRAPPER, 1),
        "fnm" | "asdf" => Leads::After(&tables::FNM, 1),
        "direnv" => Leads::After(&tables::FNM, 2),
        // What stands before the dashes is a name or a tool, and may well be called like a launcher.
        "clawdefender" | "mise" => Leads::Dashes,
        "op" | "doppler" | "dotenv" | "dotenvx" | "infisical" | "nvm" | "devbox" | "flox"
        | "systemd-run" | "bwrap" | "firejail" | "xargs" | "wsl" | "conda" | "micromamba"
        | "pixi" | "concurrently" | "watch" => Leads::Anywhere,
        "parallel" => Leads::Parallel,
        "nix" | "nix-shell" => Leads::Nix,
        "cmd" => Leads::Cmd,
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "fish" | "rbash" | "mksh" | "csh"
        | "tcsh" | "nu" | "xonsh" | "elvish" => Leads::Shell,
        "powershell" | "pwsh" => Leads::PowerShell,
        _ => return None,
    })
}

/// Whether it starts another program.
pub fn is_wrapper(name: &str) -> bool {
    wrapper(name).is_some()
}

/// The words behind `--`, unless that may belong to what is wrapped: `nvm exec npx -y p -- x`.
fn behind_dashes<'a>(leads: &Leads, words: &'a [String]) -> Option<&'a [String]> {
    let at = words.iter().position(|word| word == "--");
    effort::spend(at.unwrap_or(words.len()) + 1);
    let at = at?;
    let before = words.get(..at).unwrap_or_default();
    let own = matches!(leads, Leads::Anywhere) && before.iter().any(|w| programs::may_start(w));
    words.get(at + 1..).filter(|_| !own)
}

/// What a command turns out to start behind all its wrappers, as far as that shows without reading
/// it; `likely` says which words may be a program where options that nobody knows stand before it.
pub fn unwrapped(words: &[String], likely: impl Fn(&str) -> bool) -> &[String] {
    const KEYWORDS: [&str; 10] = [
        "then", "do", "else", "elif", "if", "while", "until", "!", "{", "busybox",
    ];
    let mut words = words;
    // Who wraps more often is told elsewhere.
    for _ in 0..super::MAX_DEPTH {
        let assigned = words.iter().take_while(|word| is_assignment(word)).count();
        words = words.get(assigned..).unwrap_or_default();
        let Some((first, rest)) = words.split_first() else {
            break;
        };
        let name = super::program_name(first);
        let any = || {
            let unlikely = |word: &&String| !likely(word);
            let at = rest.iter().take_while(unlikely).count();
            effort::spend(at + 1);
            (at < rest.len()).then_some(at)
        };
        let table = |table: &Table, own: usize| {
            let walk = table.walk(rest, own + 1);
            let sure = walk.positionals.get(own).map(|found| found.index);
            if walk.ambiguous { any().or(sure) } else { sure }
        };
        let at = match wrapper(&name) {
            _ if KEYWORDS.contains(&name.as_str()) => Some(0),
            _ if name == "xargs" => table(&tables::XARGS, 0),
            Some(Leads::After(options, own)) => table(options, own),
            Some(Leads::Env) => table(&tables::ENV, 0).map(|at| {
                let set = rest.iter().skip(at).take_while(|word| word.contains('='));
                at + set.count()
            }),
            Some(leads @ (Leads::Dashes | Leads::Anywhere)) => {
                let behind = behind_dashes(&leads, rest);
                behind.map_or_else(any, |behind| Some(rest.len() - behind.len()))
            }
            _ => break,
        };
        words = at.and_then(|at| rest.get(at..)).unwrap_or_default();
    }
    words
}

impl Reader {
    /// Reads one command: its wrappers, then what they wrap, then whatever else its words start.
    pub(super) fn command(&mut self, argv: &[String], role: Role, depth: u32) {
        let long = argv
            .iter()
            .map(|word| word.len() / LONG_WORD)
            .sum::<usize>();
        if !self.work(argv.len() + long) {
            return;
        }
        let assigned = argv.iter().take_while(|word| is_assignment(word)).count();
        let (assignments, argv) = argv.split_at(assigned);
        self.assignments(assignments, argv, role, depth);
        let Some((program, words)) = argv.split_first() else {
            return self.inside(Reads::Words, assignments, depth);
        };
        let name = super::program_name(program);
        let Some(below) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        let alias = (!self.variables.is_empty()).then(|| alias_key(program));
        if let Some(line) = alias.and_then(|key| self.variables.remove(&key)) {
            let mut all = shlex::split(&line).unwrap_or_default();
            all.extend_from_slice(words);
            return self.command(&all, role, below);
        }
        match wrapper(&name) {
            None => self.program(&name, program, words, role, depth),
            Some(leads) => self.wrapped(&leads, words, role, below),
        }
        self.inside(Reads::Words, assignments, below);
        // `"command": "npx -y x"` is one word, and some clients hand it to a shell.
        let whole = program.contains(char::is_whitespace) && !programs::is_launcher(&name);
        let reads = reads(&name, words);
        let container = programs::is_container(&name);
        let container = std::mem::replace(&mut self.container, container);
        self.inside(reads, if whole { argv } else { words }, below);
        self.container = container;
    }

    fn wrapped(&mut self, leads: &Leads, words: &[String], role: Role, depth: u32) {
        match leads {
            Leads::After(table, own) => self.behind(table, *own, words, role, depth),
            Leads::Dashes => {
                self.tools(words);
                match behind_dashes(leads, words) {
                    Some(rest) => self.command(rest, role, depth),
                    None => self.scan(words, role, depth),
                }
            }
            Leads::Anywhere => match behind_dashes(leads, words) {
                Some(rest) => self.command(rest, role, depth),
                None => self.scan(words, role, depth),
            },
            Leads::Parallel => self.parallel(words, role, depth),
            Leads::Env => self.env(words, role, depth),
            Leads::Nix => self.nix(words, role, depth),
            Leads::Shell => self.shell(words, role, depth),
            Leads::Cmd => self.cmd(words, role, depth),
            Leads::PowerShell => self.powershell(words, role, depth),
        }
    }

    /// `mise use npm:evil@1.0.0`: tools by the name of whoever packs them.
    fn tools(&mut self, words: &[String]) {
        for word in words.iter().take_while(|word| *word != "--") {
            let (backend, name) = word.split_once(':').unwrap_or_default();
            let ecosystem = match backend {
                "npm" => Ecosystem::Npm,
                "pipx" => Ecosystem::Pypi,
                "cargo" => Ecosystem::Cargo,
                "gem" => Ecosystem::Rubygems,
                "go" => Ecosystem::Go,
                _ => continue,
            };
            self.package(name, ecosystem, Role::Extra);
        }
    }

    fn parallel(&mut self, words: &[String], role: Role, depth: u32) {
        let Some(at) = words.iter().position(|word| word.starts_with(":::")) else {
            return self.scan(words, role, depth);
        };
        self.found.ambiguous = true;
        let template = words.get(..at).unwrap_or_default().join(" ");
        for value in words.iter().skip(at + 1) {
            let places = template.matches("{}").count().max(1);
            if !self.work(template.len() + places * value.len()) {
                return;
            }
            let line = if template.contains("{}") {
                template.replace("{}", value)
            } else {
                format!("{template} {value}")
            };
            #[cfg(test)]
            self.made([&line]);
            self.script(&line, role, depth);
        }
    }

    fn behind(&mut self, table: &Table, own: usize, words: &[String], role: Role, depth: u32) {
        let walk = table.walk(words, own + 1);
        match walk.positionals.get(own) {
            Some(first) if !walk.ambiguous => {
                self.command(words.get(first.index..).unwrap_or_default(), role, depth);
            }
            Some(_) => self.scan(words, role, depth),
            None => {}
        }
    }

    fn env(&mut self, words: &[String], role: Role, depth: u32) {
        let walk = tables::ENV.walk(words, 1);
        if let Some(split) = walk.value(Takes::Words) {
            if !self.work(split.len()) {
                return;
            }
            // `env -S` splits like a shell without expanding anything but `${NAME}`.
            let mut all = shlex::split(split).unwrap_or_default();
            if all.is_empty() || split.contains('$') {
                self.opaque(Opaque::Script);
            }
            let at = walk
                .positionals
                .first()
                .map_or(words.len(), |first| first.index);
            all.extend(words.iter().skip(at).cloned());
            return self.command(&all, role, depth);
        }
        match walk.positionals.first() {
            Some(first) if !walk.ambiguous => {
                // `env` takes any name, a shell only some.
                let words = words.get(first.index..).unwrap_or_default();
                let set = words.iter().take_while(|word| word.contains('=')).count();
                let (set, words) = words.split_at(set);
                self.assignments(set, words, role, depth);
                self.command(words, role, depth);
            }
            Some(_) => self.scan(words, role, depth),
            None => {}
        }
    }

    /// `nix run FLAKE`, `nix shell FLAKE -c COMMAND …`, `nix-shell --run 'COMMAND …'`.
    fn nix(&mut self, words: &[String], role: Role, depth: u32) {
        for (at, word) in words.iter().enumerate() {
            let rest = words.get(at + 1..).unwrap_or_default();
            match word.as_str() {
                "--" => return,
                // Where a name is looked for: `-I nixpkgs=https://…`.
                path if path.starts_with("nixpkgs=") => self.registry(path),
                "-c" => return self.command(rest, role, depth),
                "--run" | "--command" => match rest {
                    [line, ..] if line.contains(' ') => return self.script(line, role, depth),
                    _ => return self.command(rest, role, depth),
                },
                flake => {
                    if let Target::Elsewhere(source) = target(flake, Ecosystem::Npm) {
                        self.source(source);
                    }
                }
            }
        }
    }

    fn shell(&mut self, words: &[String], role: Role, depth: u32) {
        // `-lc` bundles; whatever stands after a bundle with `c` is the script.
        let walk = tables::SHELL.walk(words, usize::MAX);
        let mut positionals = walk.positionals.iter();
        let given = positionals
            .clone()
            .filter_map(|found| words.get(found.index));
        match walk.value(Takes::Script) {
            Some(text) => {
                // Behind the script stand `$0`, `$1` and so on.
                let given: Vec<String> = given.cloned().collect();
                for (at, word) in given.iter().enumerate() {
                    self.variables.insert(at.to_string(), word.clone());
                }
                let all = given.get(1..).unwrap_or_default().join(" ");
                for name in ["@", "*"] {
                    self.variables.insert(name.to_owned(), all.clone());
                }
                self.script(text, role, depth);
            }
            None if positionals.next().is_some() => self.source(Source::Path),
            None => self.opaque(Opaque::Script),
        }
        if walk.ambiguous && walk.value(Takes::Script).is_none() {
            self.scan(words, role, depth);
        }
    }

    /// `cmd /c LINE`: the switches may be glued to each other and to the line.
    fn cmd(&mut self, words: &[String], role: Role, depth: u32) {
        let found = words.iter().enumerate().find_map(|(at, word)| {
            let mut switches = word.strip_prefix('/')?.split('/');
            let line = switches.find_map(|switch| {
                let lower = switch.to_ascii_lowercase();
                lower.starts_with(['c', 'k', 'r']).then(|| switch.get(1..))
            })??;
            Some((at, line))
        });
        let Some((at, glued)) = found else {
            return self.opaque(Opaque::Script);
        };
        let rest = words.get(at + 1..).unwrap_or_default();
        let glued = (!glued.is_empty()).then(|| glued.to_owned());
        let mut rest: Vec<String> = glued
            .into_iter()
            .chain(rest.iter().cloned())
            .map(|word| word.replace('^', ""))
            .collect();
        // `@npx` runs without being shown.
        if let Some(first) = rest.first_mut() {
            *first = first.trim_start_matches('@').to_owned();
        }
        if let [line] = rest.as_slice() {
            return self.script(&as_shell(line), role, depth);
        }
        if rest
            .iter()
            .any(|word| word.contains(['&', '|', '%', '<', '>']))
        {
            self.opaque(Opaque::Script);
            return self.script(&as_shell(&rest.join(" ")), role, depth);
        }
        match rest.split_first() {
            // `start "" /b npx …` has words of its own.
            Some((first, _)) if first.eq_ignore_ascii_case("start") => {
                self.scan(&rest, role, depth);
            }
            Some((first, called)) if first.eq_ignore_ascii_case("call") => {
                self.command(called, role, depth);
            }
            _ => self.command(&rest, role, depth),
        }
    }

    /// A program that no table knows.
    pub(super) fn unknown(&mut self, program: &str, role: Role) {
        if role == Role::Main && (program.contains(['/', '\\']) || programs::is_script(program)) {
            self.source(Source::Path);
        }
    }
}

/// A line for `cmd` with the shell's separators and variables.
fn as_shell(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (at, part) in line.replace('\\', "/").split(['%', '!']).enumerate() {
        let name = !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if at % 2 == 1 && name {
            text.push_str(&format!("${{{part}}}"));
        } else {
            text.push_str(if at % 2 == 1 { "%" } else { "" });
            text.push_str(part);
        }
    }
    text
}
