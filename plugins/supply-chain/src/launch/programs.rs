//! The package runners and installers: what each verb fetches and which words name it.

use super::options::{Table, Takes, Walk};
use super::wrapper::is_wrapper;
use super::{Opaque, Reader, Role, Source, tables};
use crate::package::Ecosystem::{self, Cargo, Go, Jsr, Npm, Oci, Pypi, Rubygems};

/// Whether a command may start with it.
pub fn is_launcher(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        "npx", "npm", "pnpm", "pnpx", "yarn", "yarnpkg", "bun", "bunx", "uv", "uvx", "pipx", "pip",
        "pip3", "deno", "docker", "podman", "nerdctl", "cargo", "go", "gem", "bundle", "node",
        "py",
    ];
    NAMES.contains(&name) || is_python(name) || is_pip(name) || is_wrapper(name)
}

/// Whether it names a file that an interpreter runs.
pub fn is_script(word: &str) -> bool {
    [".js", ".mjs", ".cjs", ".ts", ".py", ".sh"]
        .iter()
        .any(|end| word.ends_with(end))
}

fn is_python(name: &str) -> bool {
    let version = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    name == "py" || version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_pip(name: &str) -> bool {
    let version = name.strip_prefix("pip");
    version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// What a verb does with its positionals.
#[derive(Clone, Copy)]
enum Act {
    /// Runs the first as a package, unless an option names the package.
    Run,
    /// The same, but options are read up to `--`: npm exec.
    RunAnywhere,
    /// Installs all.
    Install,
    /// Writes requirements: a version is the least that is wanted, not the one.
    Require,
    /// Changes a setting: `config set registry URL`.
    Configure,
    /// Runs `create-NAME`.
    Create,
    /// Runs a local file or project command.
    Local,
    /// Installs into an environment that the first names: pipx inject.
    Inject,
    /// The next word is a verb of this one.
    Again(&'static [(&'static str, Act)]),
}

const NPM: &[(&str, Act)] = &[
    ("exec x", Act::RunAnywhere),
    (
        "install i in ins inst insta instal isnt isnta isntal isntall add update up",
        Act::Install,
    ),
    ("install-test it", Act::Install),
    ("create init innit", Act::Create),
    ("config c set", Act::Configure),
];
const PNPM: &[(&str, Act)] = &[
    ("dlx", Act::Run),
    ("add install i update up", Act::Install),
    ("create", Act::Create),
    ("config c set", Act::Configure),
];
const YARN: &[(&str, Act)] = &[
    ("dlx", Act::Run),
    ("add", Act::Install),
    ("create", Act::Create),
    ("global", Act::Again(&[("add", Act::Install)])),
    ("config", Act::Configure),
];
const BUN: &[(&str, Act)] = &[
    ("x", Act::Run),
    ("add install i a update", Act::Install),
    ("create c", Act::Create),
    ("run", Act::Local),
];
const UV: &[(&str, Act)] = &[
    (
        "tool",
        Act::Again(&[("run", Act::Run), ("install upgrade", Act::Install)]),
    ),
    ("x", Act::Run),
    ("run", Act::Local),
    ("add", Act::Install),
    ("pip", Act::Again(&[("install download", Act::Install)])),
];
const PIPX: &[(&str, Act)] = &[
    ("run", Act::Run),
    ("install upgrade", Act::Install),
    ("inject", Act::Inject),
];
const PIP: &[(&str, Act)] = &[
    ("install download wheel", Act::Install),
    ("config", Act::Configure),
];
const CARGO: &[(&str, Act)] = &[("install binstall", Act::Install), ("add", Act::Require)];
const GEM: &[(&str, Act)] = &[
    ("install i update", Act::Install),
    ("exec", Act::Run),
    ("add", Act::Require),
];
const GO: &[(&str, Act)] = &[("run", Act::Run), ("install get", Act::Install)];
const DOCKER: &[(&str, Act)] = &[
    ("run create", Act::Run),
    ("container", Act::Again(&[("run create", Act::Run)])),
    ("pull", Act::Install),
    ("image", Act::Again(&[("pull", Act::Install)])),
];

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
            "pnpx" => self.act(Act::Run, &tables::PNPM, Npm, words, role, depth),
            "bunx" => self.act(Act::Run, &tables::BUN, Npm, words, role, depth),
            "uvx" => self.act(Act::Run, &tables::UV, Pypi, words, role, depth),
            "npm" => self.verb(NPM, &tables::NPM, Npm, words, role, depth),
            "pnpm" => self.verb(PNPM, &tables::PNPM, Npm, words, role, depth),
            "yarn" | "yarnpkg" => self.verb(YARN, &tables::YARN, Npm, words, role, depth),
            "bun" => self.verb(BUN, &tables::BUN, Npm, words, role, depth),
            "uv" => self.verb(UV, &tables::UV, Pypi, words, role, depth),
            "pipx" => self.verb(PIPX, &tables::PIP, Pypi, words, role, depth),
            "cargo" => self.verb(CARGO, &tables::CARGO, Cargo, words, role, depth),
            "go" => self.verb(GO, &tables::GO, Go, words, role, depth),
            "gem" | "bundle" => self.verb(GEM, &tables::GEM, Rubygems, words, role, depth),
            "docker" | "podman" | "nerdctl" => {
                self.verb(DOCKER, &tables::DOCKER, Oci, words, role, depth);
            }
            "deno" => self.deno(words, role),
            "node" | "nodejs" | "tsx" | "ts-node" => self.script_file(&tables::NODE, words, role),
            _ if is_pip(name) => self.verb(PIP, &tables::PIP, Pypi, words, role, depth),
            _ if is_python(name) => self.python(words, role, depth),
            _ => self.unknown(program, role),
        }
    }

    /// Finds the verb, then acts on what follows. Options before the verb count as well.
    fn verb(
        &mut self,
        verbs: &[(&str, Act)],
        table: &Table,
        ecosystem: Ecosystem,
        words: &[String],
        role: Role,
        depth: u32,
    ) {
        let walk = table.walk(words, 1);
        for found in &walk.positionals {
            let Some((word, rest)) = words.get(found.index..).and_then(<[String]>::split_first)
            else {
                continue;
            };
            let named = |(names, _): &&(&str, Act)| names.split(' ').any(|name| name == word);
            let Some((_, act)) = verbs.iter().find(named) else {
                if found.sure && role == Role::Main && is_script(word) {
                    self.source(Source::Path);
                }
                continue;
            };
            if !found.sure && !self.start() {
                return;
            }
            self.found.ambiguous |= walk.ambiguous;
            let before = named_packages(&walk);
            self.given(&walk.given, ecosystem, role, depth);
            match act {
                Act::Again(verbs) => self.verb(verbs, table, ecosystem, rest, role, depth),
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
        let wanted = if matches!(act, Act::Run | Act::Create | Act::Local) {
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
                        (Some(("npm" | "jsr", _)), _) => self.deno_target(word, role),
                        (_, Some(version)) if !word.contains('@') => {
                            self.package(&format!("{word}@{version}"), ecosystem, role);
                        }
                        _ => self.package(word, ecosystem, role),
                    }
                }
            }
            Act::Require => {
                for word in positionals {
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
            Act::Inject => {
                for word in positionals.skip(1) {
                    self.package(word, ecosystem, Role::Extra);
                }
            }
            Act::Local => {
                if role == Role::Main
                    && (walk.value(Takes::Module).is_some() || positionals.next().is_some())
                {
                    self.source(Source::Path);
                }
            }
            Act::Again(_) => {}
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
        let key = key.to_ascii_lowercase();
        if ["registry", "index-url", "npmregistryserver"]
            .iter()
            .any(|end| key.ends_with(end))
            && !value.is_empty()
        {
            self.registry(value);
        }
    }

    /// An image, and the command that runs inside it.
    fn image(&mut self, walk: &Walk, words: &[String], role: Role, depth: u32) {
        for found in &walk.positionals {
            let Some((image, rest)) = words.get(found.index..).and_then(<[String]>::split_first)
            else {
                continue;
            };
            self.package(image, Oci, role);
            let Some(depth) = depth.checked_sub(1) else {
                return self.opaque(Opaque::Convoluted);
            };
            if found.sure {
                let entry = walk.value(Takes::Entry).map(str::to_owned);
                let inner: Vec<String> = entry.into_iter().chain(rest.iter().cloned()).collect();
                self.command(&inner, Role::Extra, depth);
            }
        }
    }

    fn python(&mut self, words: &[String], role: Role, depth: u32) {
        let walk = tables::PYTHON.walk(words, 1);
        self.found.ambiguous |= walk.ambiguous;
        self.given(&walk.given, Pypi, role, depth);
        let Some(module) = walk.value(Takes::Module) else {
            if role == Role::Main && !walk.positionals.is_empty() {
                self.source(Source::Path);
            }
            return;
        };
        let at = words
            .iter()
            .position(|word| word.ends_with(module))
            .map_or(0, |at| at + 1);
        let rest = words.get(at..).unwrap_or_default();
        match module {
            "pip" => self.verb(PIP, &tables::PIP, Pypi, rest, role, depth),
            "pipx" => self.verb(PIPX, &tables::PIP, Pypi, rest, role, depth),
            "uv" => self.verb(UV, &tables::UV, Pypi, rest, role, depth),
            _ => {
                // Installed already; which distribution holds the module is not written here, but
                // most carry its name.
                self.source(Source::Path);
                self.found.ambiguous = true;
                let top = module.split('.').next().unwrap_or_default();
                self.guess(&top.replace('_', "-"));
            }
        }
    }

    fn script_file(&mut self, table: &Table, words: &[String], role: Role) {
        let walk = table.walk(words, 1);
        self.found.ambiguous |= walk.ambiguous;
        if walk.value(Takes::Code).is_some() {
            self.opaque(Opaque::Script);
        } else if role == Role::Main && !walk.positionals.is_empty() {
            self.source(Source::Path);
        }
    }

    fn deno(&mut self, words: &[String], role: Role) {
        let walk = tables::DENO.walk(words, usize::MAX);
        self.found.ambiguous |= walk.ambiguous;
        let mut words = walk.positionals.iter().filter_map(|p| words.get(p.index));
        match words.next().map(String::as_str) {
            Some("run" | "x" | "serve" | "create") => {
                if let Some(word) = words.next() {
                    self.deno_target(word, role);
                }
            }
            Some("install" | "add" | "i") => {
                for word in words {
                    self.deno_target(word, role);
                }
            }
            Some("eval") => self.opaque(Opaque::Script),
            Some("task" | "test" | "compile" | "fmt" | "lint" | "check" | "repl") | None => {}
            Some(word) => self.deno_target(word, role),
        }
    }

    /// `npm:@s/p@1/bin`, `jsr:@a/b@1`, a URL or a file.
    fn deno_target(&mut self, word: &str, role: Role) {
        match word.split_once(':') {
            Some(("npm", rest)) => self.package(without_subpath(rest), Npm, role),
            Some(("jsr", rest)) => self.package(without_subpath(rest), Jsr, role),
            Some(("http" | "https", _)) => self.source(Source::Url),
            _ => self.source(Source::Path),
        }
    }
}

fn named_packages(walk: &Walk) -> bool {
    walk.given
        .iter()
        .any(|(takes, _)| matches!(takes, Takes::Package | Takes::Script))
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

/// The package that `npm create` runs: `foo` → `create-foo`, `@s` → `@s/create`, `@s/foo@1` →
/// `@s/create-foo@1`.
fn creator(word: &str) -> String {
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
