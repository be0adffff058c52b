//! Programs that run JavaScript, and fetch what it needs: Node, Deno.

use super::options::Takes;
use super::programs::{creator, is_runner, is_script};
use super::shell::SUBSTITUTED;
use super::{Opaque, Reader, Role, Source, program_name, tables};
use crate::package::Ecosystem::{Jsr, Npm};

impl Reader {
    pub(super) fn node(&mut self, words: &[String], role: Role, depth: u32) {
        let walk = tables::NODE.walk(words, 1);
        self.found.ambiguous |= walk.ambiguous;
        self.given(&walk.given, Npm, role, depth);
        if role == Role::Main && walk.value(Takes::Code).is_none() && !walk.positionals.is_empty() {
            self.source(Source::Path);
        }
        if let Some(script) = walk
            .positionals
            .first()
            .and_then(|first| words.get(first.index..))
        {
            let name = script.first().map(|word| program_name(word));
            if name.is_some_and(|name| is_runner(&name))
                && let Some(depth) = depth.checked_sub(1)
            {
                self.command(script, Role::Extra, depth);
            }
        }
    }

    pub(super) fn deno(&mut self, words: &[String], role: Role, depth: u32) {
        // Behind the script stand the script's own options.
        let first = tables::DENO.walk(words, 1);
        let first = first.positionals.last().and_then(|p| words.get(p.index));
        let verb = first.is_some_and(|word| RUNS_A_SCRIPT.contains(&word.as_str()));
        let own = tables::DENO.walk(words, 1 + usize::from(verb));
        self.given(&own.given, Npm, role, depth);
        let walk = tables::DENO.walk(words, usize::MAX);
        self.found.ambiguous |= own.ambiguous;
        let npm = words.iter().any(|word| word == "--npm");
        let mut rest = walk.positionals.iter().filter_map(|p| words.get(p.index));
        match rest.next().map(String::as_str) {
            Some("run" | "x" | "serve" | "create") => {
                if let Some(word) = rest.next() {
                    self.deno_target(word, role);
                }
            }
            Some("init") if npm => {
                if let Some(word) = rest.next() {
                    self.package(&creator(word), Npm, role);
                }
            }
            Some("install" | "add" | "i") => {
                for word in rest {
                    if npm && !word.contains(':') {
                        self.package(word, Npm, role);
                    } else {
                        self.deno_target(word, role);
                    }
                }
            }
            Some("eval") => self.opaque(Opaque::Script),
            Some(
                "task" | "test" | "compile" | "fmt" | "lint" | "check" | "repl" | "cache" | "init",
            )
            | None => {}
            Some(word) => self.deno_target(word, role),
        }
        // Whatever the verb and the option, this is fetched.
        for word in words {
            let word = word.rsplit('=').next().unwrap_or(word);
            if word.starts_with("npm:") || word.starts_with("jsr:") {
                self.deno_target(word, Role::Extra);
            }
        }
    }

    /// `npm:@s/p@1/bin`, `jsr:@a/b@1`, a URL or a file.
    pub(super) fn deno_target(&mut self, word: &str, role: Role) {
        match word.split_once(':') {
            Some(("npm", rest)) => self.package(without_subpath(rest), Npm, role),
            Some(("jsr", rest)) => self.package(without_subpath(rest), Jsr, role),
            Some(("http" | "https", _)) => self.source(Source::Url),
            _ => self.source(Source::Path),
        }
    }
}

/// Deno's verbs that take a script and then words for it.
const RUNS_A_SCRIPT: [&str; 6] = ["run", "x", "serve", "create", "test", "bench"];

/// Whether a module that is loaded first is a file or an address: a bare name, such as
/// `dotenv/config`, is a package's.
pub fn is_file(module: &str) -> bool {
    let bare = module.strip_prefix("node:").unwrap_or(module);
    bare.starts_with(['.', '/', '~', '$'])
        || bare.contains(['\\', ':', SUBSTITUTED])
        || (!bare.contains('/') && is_script(bare))
}

/// Drops `/bin` after the name and version of a Deno specifier.
fn without_subpath(text: &str) -> &str {
    let text = text.trim_start_matches('/');
    let scoped = usize::from(text.starts_with('@'));
    match text.match_indices('/').nth(scoped) {
        Some((at, _)) => text.get(..at).unwrap_or(text),
        None => text,
    }
}
