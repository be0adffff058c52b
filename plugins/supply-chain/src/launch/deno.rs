//! Deno: which of its words name what is fetched. Tried with 2.9, see `tests/launchers.rs`.

use super::programs::{creator, is_script};
use super::{Opaque, Reader, Role, Source, tables};
use crate::package::Ecosystem::{Jsr, Npm};

/// Verbs that take a script and then words for it.
const RUNS_A_SCRIPT: [&str; 6] = ["run", "x", "serve", "create", "test", "bench"];
/// Verbs behind which no word is fetched, unless it says `npm:` or `jsr:`.
const FETCHES_NOTHING: [&str; 25] = [
    "task",
    "compile",
    "fmt",
    "lint",
    "check",
    "cache",
    "init",
    "remove",
    "rm",
    "uninstall",
    "outdated",
    "update",
    "audit",
    "doc",
    "info",
    "types",
    "upgrade",
    "publish",
    "why",
    "coverage",
    "bundle",
    "jupyter",
    "lsp",
    "clean",
    "test",
];

impl Reader {
    pub(super) fn deno(&mut self, words: &[String], role: Role, depth: u32) {
        // Behind the script stand the script's own options.
        let first = tables::DENO.walk(words, 1);
        let first = first.positionals.last().and_then(|p| words.get(p.index));
        let verb = first.is_some_and(|word| RUNS_A_SCRIPT.contains(&word.as_str()));
        let own = tables::DENO.walk(words, 1 + usize::from(verb));
        self.found.ambiguous |= own.ambiguous;
        let known = self.found.candidates.len();
        self.given(&own.given, Npm, role, depth);
        let named = self.found.candidates.len() > known;
        let walk = tables::DENO.walk(words, usize::MAX);
        let told = |option: &str| words.iter().any(|word| word == option);
        let mut rest = walk.positionals.iter().filter_map(|p| words.get(p.index));
        match rest.next().map(String::as_str) {
            Some("x") => {
                if let Some(word) = rest.next().filter(|_| !named) {
                    self.deno_package(word, told("--jsr"), role);
                }
            }
            Some("create") => {
                if let Some(word) = rest.next() {
                    self.deno_creator(word, role);
                }
            }
            Some("init") if told("--npm") => {
                if let Some(word) = rest.next() {
                    self.deno_creator(word, role);
                }
            }
            Some("install" | "add" | "i") => {
                // Installed for everybody is one; what follows are its words.
                let short = |word: &String| {
                    let letters = word.strip_prefix('-').unwrap_or_default();
                    !letters.starts_with('-') && letters.contains('g')
                };
                let global = told("--global") || words.iter().any(short);
                let most = if global { 1 } else { usize::MAX };
                for word in rest.take(most) {
                    self.deno_package(word, told("--jsr"), role);
                }
            }
            Some("eval" | "repl") => {
                self.opaque(Opaque::Script);
                for word in words {
                    for part in word.split(['"', '\'', '`']) {
                        if part.starts_with("npm:") || part.starts_with("jsr:") {
                            self.deno_target(part, Role::Extra);
                        }
                    }
                    self.source_code(word, depth);
                }
            }
            Some(word) if FETCHES_NOTHING.contains(&word) => {}
            Some("run" | "serve" | "bench") => {
                if let Some(word) = rest.next() {
                    self.deno_target(word, role);
                }
            }
            Some(word) => self.deno_target(word, role),
            None => {}
        }
        // Whatever the verb and the option, this is fetched.
        for word in words {
            let word = word.rsplit('=').next().unwrap_or(word);
            let create = first.is_some_and(|first| first == "create");
            if word.starts_with("jsr:") || (word.starts_with("npm:") && !create) {
                self.deno_target(word, Role::Extra);
            }
        }
    }

    /// `dx NAME` is `deno x NAME`.
    pub(super) fn dx(&mut self, words: &[String], role: Role, depth: u32) {
        if self.work(words.len()) {
            let verb = std::iter::once("x".to_owned());
            let words: Vec<String> = verb.chain(words.iter().cloned()).collect();
            self.deno(&words, role, depth);
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

    /// The same where a bare name is a package, npm's unless it is told otherwise.
    fn deno_package(&mut self, word: &str, jsr: bool, role: Role) {
        let bare = !word.contains(':') && !word.starts_with(['.', '/', '~']) && !is_script(word);
        if bare {
            let ecosystem = if jsr { Jsr } else { Npm };
            self.package(without_subpath(word), ecosystem, role);
        } else {
            self.deno_target(word, role);
        }
    }

    /// `deno create npm:vite` runs `create-vite`.
    fn deno_creator(&mut self, word: &str, role: Role) {
        if word.starts_with("jsr:") || word.contains("://") {
            return self.deno_target(word, role);
        }
        let name = word.strip_prefix("npm:").unwrap_or(word);
        self.package(&creator(name), Npm, role);
    }
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

#[cfg(test)]
mod tests {
    use super::super::tests::{argv, facts};

    #[test]
    fn bare_names_are_packages_where_deno_takes_them_so() {
        for (line, expected) in [
            ("deno x evil@1.0.0", "npm:evil =1.0.0"),
            ("deno x -A --yes @s/evil@1.0.0/bin x", "npm:@s/evil =1.0.0"),
            ("dx evil", "npm:evil"),
            ("dx -A npm:evil@1.0.0", "npm:evil =1.0.0"),
            ("deno x -p evil@1.0.0 good", "npm:evil =1.0.0"),
            ("deno x --package=npm:evil@1.0.0 good", "npm:evil =1.0.0"),
            ("deno x --jsr @a/evil", "jsr:@a/evil"),
            ("deno add evil@1.0.0 jsr:@a/b", "npm:evil =1.0.0, jsr:@a/b"),
            ("deno install -gA -n x evil -- good", "npm:evil"),
            (
                "deno create npm:evil@1.0.0",
                "npm:create-evil =1.0.0, npm:evil =1.0.0 extra?",
            ),
            (
                "deno eval 'import \"npm:evil@1.0.0\"'",
                "npm:evil =1.0.0 extra, npm:evil =1.0.0 extra?, pypi:evil =1.0.0 extra?, opaque",
            ),
            (
                "deno repl --eval 'import(\"jsr:@a/b\")'",
                "jsr:@a/b extra, opaque",
            ),
            // Files, and verbs that fetch nothing.
            ("deno run evil", "path"),
            ("deno x ./evil.ts", "path"),
            ("deno install -g evil.ts", "path"),
            ("deno remove evil", ""),
            ("deno task evil", ""),
        ] {
            assert_eq!(facts(&argv(line), &[]), expected, "{line}");
        }
    }
}
