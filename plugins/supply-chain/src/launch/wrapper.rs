//! Programs that only start another one: what they wrap is what runs.

use super::options::{Table, Takes};
use super::shell::is_assignment;
use super::{Opaque, Reader, Role, Source, Target, programs, tables, target};
use crate::package::Ecosystem;

/// How a wrapper leads to its command.
enum Leads {
    /// After its options and this many words of its own.
    After(&'static Table, usize),
    /// After `--`; without one, anywhere.
    AfterDashes,
    /// As a script in one word, or as the remaining words.
    Cmd,
    Shell,
    PowerShell,
    Env,
    Nix,
}

fn wrapper(name: &str) -> Option<Leads> {
    Some(match name {
        "env" => Leads::Env,
        "nice" | "ionice" | "nohup" | "sudo" | "doas" | "stdbuf" | "setsid" | "time" | "exec"
        | "command" | "dumb-init" | "tini" | "caffeinate" | "xvfb-run" | "unbuffer"
        | "catchsegv" | "corepack" | "winpty" => Leads::After(&tables::WRAPPER, 0),
        "timeout" | "gtimeout" | "chroot" | "volta" => Leads::After(&tables::WRAPPER, 1),
        "mise" | "asdf" | "op" | "doppler" | "dotenv" | "dotenvx" | "infisical" | "fnm" | "nvm"
        | "direnv" | "devbox" | "flox" | "clawdefender" | "systemd-run" | "bwrap" | "firejail"
        | "xargs" | "wsl" | "conda" | "micromamba" | "pixi" | "poetry" | "pipenv" | "hatch"
        | "rye" | "pdm" | "concurrently" | "parallel" | "watch" => Leads::AfterDashes,
        "nix" | "nix-shell" => Leads::Nix,
        "cmd" => Leads::Cmd,
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "fish" => Leads::Shell,
        "powershell" | "pwsh" => Leads::PowerShell,
        _ => return None,
    })
}

/// Whether it starts another program.
pub fn is_wrapper(name: &str) -> bool {
    wrapper(name).is_some()
}

impl Reader {
    /// Reads one command: its wrappers, then what they wrap.
    pub(super) fn command(&mut self, argv: &[String], role: Role, depth: u32) {
        let assigned = argv.iter().take_while(|word| is_assignment(word)).count();
        for word in argv.iter().take(assigned) {
            self.assignment(word);
        }
        let Some((program, words)) = argv.get(assigned..).and_then(<[String]>::split_first) else {
            return;
        };
        let name = super::program_name(program);
        let Some(leads) = wrapper(&name) else {
            return self.program(&name, program, words, role, depth);
        };
        let Some(depth) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        match leads {
            Leads::After(table, own) => self.behind(table, own, words, role, depth),
            Leads::AfterDashes => match words.iter().position(|word| word == "--") {
                Some(at) => self.command(words.get(at + 1..).unwrap_or_default(), role, depth),
                None => self.scan(words, role, depth),
            },
            Leads::Env => self.env(words, role, depth),
            Leads::Nix => self.nix(words, role, depth),
            Leads::Shell => self.shell(words, role, depth),
            Leads::Cmd => self.cmd(words, role, depth),
            Leads::PowerShell => {
                self.opaque(Opaque::Script);
                self.script(&words.join(" "), role, depth);
            }
        }
    }

    fn assignment(&mut self, word: &str) {
        if let Some((name, value)) = word.split_once('=') {
            self.environment(name, value);
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
                self.command(words.get(first.index..).unwrap_or_default(), role, depth);
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
        let walk = tables::SHELL.walk(words, 1);
        match (walk.value(Takes::Script), walk.positionals.first()) {
            (Some(text), _) => self.script(text, role, depth),
            (None, Some(_)) => self.source(Source::Path),
            (None, None) => self.opaque(Opaque::Script),
        }
        if walk.ambiguous {
            self.scan(words, role, depth);
        }
    }

    fn cmd(&mut self, words: &[String], role: Role, depth: u32) {
        let run = |word: &String| matches!(word.to_ascii_lowercase().as_str(), "/c" | "/k" | "/r");
        let Some(at) = words.iter().position(run) else {
            return self.opaque(Opaque::Script);
        };
        let rest = words.get(at + 1..).unwrap_or_default();
        match rest {
            [line] => self.script(&line.replace('\\', "/").replace('^', ""), role, depth),
            _ if rest
                .iter()
                .any(|word| word.contains(['&', '|', '%', '<', '>'])) =>
            {
                self.opaque(Opaque::Script);
                self.script(&rest.join(" ").replace('\\', "/"), role, depth);
            }
            _ => {
                // `start "" /b npx …` has words of its own.
                let starts = rest
                    .first()
                    .is_some_and(|word| word.eq_ignore_ascii_case("start"));
                if starts {
                    self.scan(rest, role, depth)
                } else {
                    self.command(rest, role, depth)
                }
            }
        }
    }

    /// A program that no table knows.
    pub(super) fn unknown(&mut self, program: &str, role: Role) {
        if role == Role::Main && (program.contains(['/', '\\']) || programs::is_script(program)) {
            self.source(Source::Path);
        }
    }
}
