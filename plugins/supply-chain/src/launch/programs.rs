//! The package runners and installers: which words of theirs name what is fetched.

use super::options::{Style, Table, Takes, Walk};
use super::verbs::Act;
use super::wrapper::is_wrapper;
use super::{Reader, Role, Source, tables, verbs};
use crate::package::Ecosystem::{self, Cargo, Go, Npm, Oci, Pypi, Rubygems};

/// A shorter beginning of a verb is never the only one.
const SHORTEST_VERB: usize = 3;

/// Whether a command may start with it.
pub fn is_launcher(name: &str) -> bool {
    is_runner(name) || is_wrapper(name)
}

/// The same of a word with a path and an ending; most words are told by their length alone.
pub fn may_start(word: &str) -> bool {
    const LONGEST_NAME: usize = 32;
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || b"./\\~".contains(byte);
    word.len() > 1
        && word.as_bytes().first().is_some_and(letter)
        && (word.len() <= LONGEST_NAME || word.contains(['/', '\\']))
        && word
            .as_bytes()
            .last()
            .is_some_and(u8::is_ascii_alphanumeric)
        && is_launcher(&super::program_name(word))
}

/// Whether it fetches packages, or runs code that may.
pub fn is_container(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "docker",
        "podman",
        "nerdctl",
        "finch",
        "container",
        "docker-compose",
        "podman-compose",
    ];
    NAMES.contains(&name)
}

pub fn is_runner(name: &str) -> bool {
    const NAMES: [&str; 42] = [
        "volta",
        "nlx",
        "npx",
        "npm",
        "pnpm",
        "pnpx",
        "pnx",
        "yarn",
        "yarnpkg",
        "bun",
        "bunx",
        "uv",
        "uvx",
        "pipx",
        "pip",
        "pip3",
        "deno",
        "dx",
        "docker",
        "podman",
        "nerdctl",
        "finch",
        "container",
        "cargo",
        "go",
        "gem",
        "bundle",
        "node",
        "nodejs",
        "py",
        "poetry",
        "pdm",
        "pipenv",
        "hatch",
        "rye",
        "easy_install",
        "pip-run",
        "kubectl",
        "dotnet",
        "cargo-binstall",
        "docker-compose",
        "podman-compose",
    ];
    NAMES.contains(&name) || is_python(name) || is_pip(name)
}

/// Whether it names a file that an interpreter runs.
pub fn is_script(word: &str) -> bool {
    [".js", ".mjs", ".cjs", ".ts", ".py", ".sh"]
        .iter()
        .any(|end| word.ends_with(end))
}

pub fn is_python(name: &str) -> bool {
    let version = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    name == "py" || version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_pip(name: &str) -> bool {
    let version = name.strip_prefix("pip");
    version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

impl Reader {
    pub(super) fn program(
        &mut self,
        name: &str,
        program: &str,
        words: &[String],
        role: Role,
        depth: u32,
    ) {
        match name {
            "npx" => self.act(Act::Run, &tables::NPM, Npm, words, role, depth),
            "pnpx" | "pnx" => self.act(Act::Run, &tables::PNPM, Npm, words, role, depth),
            "bunx" => self.act(Act::Run, &tables::BUN, Npm, words, role, depth),
            "uvx" => self.act(Act::Run, &tables::UV, Pypi, words, role, depth),
            "npm" => self.verb(verbs::NPM, &tables::NPM, Npm, words, role, depth),
            "pnpm" => self.verb(verbs::PNPM, &tables::PNPM, Npm, words, role, depth),
            "yarn" | "yarnpkg" => self.verb(verbs::YARN, &tables::YARN, Npm, words, role, depth),
            "bun" => {
                for code in words.iter().filter(|word| word.contains(['"', '\''])) {
                    self.bun_imports(code);
                }
                self.verb(verbs::BUN, &tables::BUN, Npm, words, role, depth);
            }
            "uv" => self.verb(verbs::UV, &tables::UV, Pypi, words, role, depth),
            "pipx" => self.verb(verbs::PIPX, &tables::PIPX, Pypi, words, role, depth),
            "cargo" => self.verb(verbs::CARGO, &tables::CARGO, Cargo, words, role, depth),
            "go" => self.verb(verbs::GO, &tables::GO, Go, words, role, depth),
            "gem" => self.verb(verbs::GEM, &tables::GEM, Rubygems, words, role, depth),
            "bundle" => self.verb(verbs::BUNDLE, &tables::GEM, Rubygems, words, role, depth),
            "poetry" | "pdm" | "pipenv" | "hatch" | "rye" => {
                self.verb(verbs::PROJECT, &tables::UV, Pypi, words, role, depth);
            }
            "easy_install" | "pip-run" => {
                self.act(Act::Install, &tables::PIP, Pypi, words, role, depth);
            }
            "cargo-binstall" => {
                self.act(Act::Install, &tables::CARGO, Cargo, words, role, depth);
            }
            "kubectl" => self.verb(
                verbs::KUBECTL,
                &verbs::IMAGE_OPTION,
                Oci,
                words,
                role,
                depth,
            ),
            "dotnet" => self.verb(verbs::DOTNET, &verbs::IMAGE_OPTION, Oci, words, role, depth),
            "docker" | "podman" | "nerdctl" | "finch" | "container" => {
                self.verb(verbs::DOCKER, &tables::DOCKER, Oci, words, role, depth);
            }
            "docker-compose" | "podman-compose" => {
                self.verb(verbs::COMPOSE, &tables::COMPOSE, Oci, words, role, depth);
            }
            "export" | "declare" | "typeset" | "readonly" | "set" | "setx" | "setenv" => {
                self.exports(words, role, depth);
            }
            "volta" => self.verb(verbs::VOLTA, &tables::NPM, Npm, words, role, depth),
            "nlx" => self.act(Act::Run, &tables::NPM, Npm, words, role, depth),
            "deno" => self.deno(words, role, depth),
            "dx" => self.dx(words, role, depth),
            "node" | "nodejs" | "tsx" | "ts-node" => self.node(words, role, depth),
            _ if is_pip(name) => self.verb(verbs::PIP, &tables::PIP, Pypi, words, role, depth),
            _ if is_python(name) => self.python(words, role, depth),
            _ => self.unknown(program, role),
        }
    }

    /// Finds the verb, then acts on what follows. Options before the verb count as well.
    pub(super) fn verb(
        &mut self,
        verbs: &[(&str, Act)],
        table: &Table,
        ecosystem: Ecosystem,
        words: &[String],
        role: Role,
        depth: u32,
    ) {
        // `cargo +nightly install x`.
        let toolchain = words.first().is_some_and(|word| word.starts_with('+'));
        let words = words.get(usize::from(toolchain)..).unwrap_or_default();
        let walk = table.walk(words, 1);
        if walk.positionals.is_empty() {
            self.given(&walk.given, ecosystem, Role::Extra, depth);
        }
        for found in &walk.positionals {
            let Some((word, rest)) = words.get(found.index..).and_then(<[String]>::split_first)
            else {
                continue;
            };
            let named = |(names, _): &&(&str, Act)| names.split(' ').any(|name| name == word);
            // npm completes `npm exe` to `npm exec`, as long as nothing else begins so.
            let short = |(names, _): &&(&str, Act)| {
                table.style == Style::Npm
                    && word.len() >= SHORTEST_VERB
                    && names.split(' ').any(|name| name.starts_with(word.as_str()))
            };
            let found_verb = verbs
                .iter()
                .find(named)
                .or_else(|| verbs.iter().find(short));
            let Some((_, act)) = found_verb else {
                if found.sure && role == Role::Main && is_script(word) {
                    self.source(Source::Path);
                    // `bun -r ./first.ts server.ts`.
                    self.given(&walk.given, ecosystem, Role::Extra, depth);
                }
                continue;
            };
            if !self.work(rest.len()) {
                return;
            }
            self.found.ambiguous |= walk.ambiguous;
            let before = named_packages(&walk);
            self.given(&walk.given, ecosystem, role, depth);
            match act {
                Act::Again(verbs) => self.verb(verbs, table, ecosystem, rest, role, depth),
                Act::Other(verbs, table) => self.verb(verbs, table, ecosystem, rest, role, depth),
                Act::With(act, table) => self.act(**act, table, ecosystem, rest, role, depth),
                // The package was named before the verb: `pnpm --package=evil dlx good`.
                Act::Run | Act::RunAnywhere if before => {
                    let walk = table.walk(rest, 1);
                    self.given(&walk.given, ecosystem, role, depth);
                }
                act => self.act(*act, table, ecosystem, rest, role, depth),
            }
        }
    }

    fn act(
        &mut self,
        act: Act,
        table: &Table,
        ecosystem: Ecosystem,
        words: &[String],
        role: Role,
        depth: u32,
    ) {
        let wanted = if matches!(
            act,
            Act::Run | Act::Create | Act::Local | Act::Wrap | Act::Inside
        ) {
            1
        } else {
            usize::MAX
        };
        let walk = table.walk(words, wanted);
        self.found.ambiguous |= walk.ambiguous;
        self.given(&walk.given, ecosystem, role, depth);
        let named = named_packages(&walk);
        let mut positionals = walk.positionals.iter().filter_map(|p| words.get(p.index));
        match act {
            Act::Run if ecosystem == Oci => self.image(&walk, words, role, depth),
            Act::Run => {
                for word in positionals.filter(|_| !named) {
                    self.package(word, ecosystem, role);
                }
            }
            Act::RunAnywhere => {
                let sure = walk
                    .positionals
                    .iter()
                    .position(|p| p.sure)
                    .map_or(usize::MAX, |at| at + 1);
                for word in positionals.take(sure).filter(|_| !named) {
                    self.package(word, ecosystem, role);
                }
            }
            Act::Install => {
                let version = walk.value(Takes::Version);
                for word in positionals {
                    match (word.split_once(':'), version) {
                        (Some(("npm" | "jsr", _)), _) if ecosystem == Npm => {
                            self.deno_target(word, role);
                        }
                        (_, Some(version)) if !word.contains('@') => {
                            self.package(&format!("{word}@{version}"), ecosystem, role);
                        }
                        _ => self.package(word, ecosystem, role),
                    }
                }
            }
            Act::Require => {
                let version = walk.value(Takes::Version);
                for word in positionals {
                    if let Some(version) = version {
                        self.package(&format!("{word}@{version}"), ecosystem, role);
                        continue;
                    }
                    match (word.split_once('@'), ecosystem) {
                        (Some((name, version)), Cargo) => {
                            self.package(&format!("{name}@^{version}"), ecosystem, role);
                        }
                        _ => self.package(word, ecosystem, role),
                    }
                }
            }
            Act::Configure => {
                let words: Vec<&str> = positionals.map(String::as_str).collect();
                self.configure(&words);
            }
            Act::Create => {
                for word in positionals {
                    self.package(&creator(word), ecosystem, role);
                }
            }
            Act::Inside => self.inside_of(&walk, words, role, depth),
            Act::Inject => {
                for word in positionals.skip(1) {
                    self.package(word, ecosystem, Role::Extra);
                }
            }
            Act::Local => {
                let script = positionals.next();
                let distant = script.is_some_and(|word| word.contains("://"));
                let python = script.is_some_and(|word| is_python(&super::program_name(word)));
                let at = walk
                    .positionals
                    .first()
                    .map_or(words.len(), |p| p.index + 1);
                if walk.value(Takes::Module).is_some() {
                    self.shadowed("", role, depth);
                }
                if distant {
                    self.source(Source::Url);
                } else if python && ecosystem == Pypi {
                    // `uv run python -m NAME`.
                    self.python(words.get(at..).unwrap_or_default(), role, depth);
                } else if role == Role::Main
                    && (walk.value(Takes::Module).is_some() || script.is_some())
                {
                    self.source(Source::Path);
                }
            }
            Act::Wrap => {
                let at = walk.positionals.first().map_or(words.len(), |p| p.index);
                if let Some(depth) = depth.checked_sub(1) {
                    self.command(words.get(at..).unwrap_or_default(), role, depth);
                }
            }
            Act::Source => {
                for word in positionals.filter(|word| word.contains("://")) {
                    self.registry(word);
                }
            }
            Act::Manifest => {
                for word in positionals {
                    self.manifest(word, role);
                }
            }
            Act::Later(verbs) => {
                let named = |word: &String| {
                    verbs
                        .iter()
                        .any(|(names, _)| names.split(' ').any(|name| name == word))
                };
                if let Some(at) = words.iter().position(named) {
                    let rest = words.get(at..).unwrap_or_default();
                    self.verb(verbs, table, ecosystem, rest, role, depth);
                }
            }
            Act::Again(_) | Act::Other(..) | Act::With(..) | Act::Options => {}
        }
    }

    /// `set registry URL`, `set registry=URL`, `set global.index-url URL`.
    fn configure(&mut self, words: &[&str]) {
        let words = words.strip_prefix(&["set"]).unwrap_or(words);
        let (key, value) = match words {
            [pair] => pair.split_once('=').unwrap_or((pair, "")),
            [key, value, ..] => (*key, *value),
            [] => return,
        };
        const KEYS: [&str; 9] = [
            "registry",
            "index-url",
            "npmregistryserver",
            "find-links",
            "userconfig",
            "globalconfig",
            "goproxy",
            "gosumdb",
            "index",
        ];
        let key = key.to_ascii_lowercase();
        if (key.ends_with("strict-ssl") && value == "false") || key.ends_with("trusted-host") {
            self.unverified();
        }
        let decides = KEYS.iter().any(|end| key.ends_with(end))
            || key.starts_with("mirror.")
            || key.starts_with("repositories.");
        if decides && !value.is_empty() {
            self.registry(value);
        }
    }

    /// `dependencies.evil=1.0.0`, `overrides.good=npm:evil`.
    fn manifest(&mut self, word: &str, role: Role) {
        let Some((key, value)) = word.split_once('=') else {
            return;
        };
        let (list, name) = key
            .split_once('.')
            .or_else(|| key.split_once('['))
            .unwrap_or((key, ""));
        if list.ends_with("ependencies") || matches!(list, "overrides" | "resolutions") {
            let name = name.trim_matches(['[', ']', '"', '\'']);
            self.package(&format!("{name}@{value}"), Npm, role);
        }
    }
}

fn named_packages(walk: &Walk) -> bool {
    walk.given
        .iter()
        .any(|(takes, _)| matches!(takes, Takes::Package | Takes::Script))
        && !walk.unsure_package
}

/// The package that `npm create` runs: `foo` → `create-foo`, `@s` → `@s/create`, `@s/foo@1` →
/// `@s/create-foo@1`.
pub fn creator(word: &str) -> String {
    match word.strip_prefix('@') {
        None => format!("create-{word}"),
        Some(rest) => match rest.split_once('/') {
            Some((scope, name)) => format!("@{scope}/create-{name}"),
            None => match rest.split_once('@') {
                Some((scope, version)) => format!("@{scope}/create@{version}"),
                None => format!("@{rest}/create"),
            },
        },
    }
}
