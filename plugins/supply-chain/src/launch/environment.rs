//! Variables that replace what is written in argv.

use super::options::{Table, Takes};
use super::shell::is_assignment;
use super::{MAX_DEPTH, Opaque, Reader, Role, python, tables};
use crate::package::Ecosystem::{self, Cargo, Go, Jsr, Maven, Npm, Oci, Pypi, Rubygems};
use std::collections::BTreeSet;

/// Launchers that read each of their options from a variable, too.
const PREFIXES: [(&str, &Table, Ecosystem); 5] = [
    ("npm_config_", &tables::NPM, Npm),
    ("pnpm_config_", &tables::PNPM, Npm),
    ("uv_", &tables::UV, Pypi),
    ("pip_", &tables::PIP, Pypi),
    ("pipx_", &tables::PIPX, Pypi),
];

/// Whose settings a variable holds, by how its name begins: the packages that they are about, and
/// the programs that read them. All other variables concern everybody.
const FAMILIES: [(&[&str], &[Ecosystem], &[&str]); 10] = [
    (
        &[
            "npm_",
            "pnpm_",
            "yarn_",
            "bun_",
            "corepack_",
            "jsr_",
            "node_",
        ],
        &[Npm, Jsr],
        &[
            "npm", "npx", "pnpm", "pnpx", "pnx", "yarn", "yarnpkg", "bun", "bunx", "corepack",
            "node", "nodejs", "deno", "jsr", "tsx",
        ],
    ),
    (
        &["uv_", "pip_", "pipx_", "python"],
        &[Pypi],
        &[
            "uv", "uvx", "pip", "pip3", "pipx", "pipenv", "poetry", "pdm", "hatch", "rye",
            "python", "python3", "py",
        ],
    ),
    (
        &["goproxy", "gosumdb", "gonosum", "goflags"],
        &[Go],
        &["go"],
    ),
    (&["cargo_", "rustc"], &[Cargo], &["cargo"]),
    (
        &["docker_", "container_host", "compose_"],
        &[Oci],
        &["docker", "podman", "nerdctl", "compose"],
    ),
    (&["perl5"], &[], &["perl"]),
    (&["ruby"], &[Rubygems], &["ruby", "gem", "bundle"]),
    (
        &["java_", "_java_", "jdk_java_"],
        &[Maven],
        &["java", "javaw", "jbang", "mvn", "gradle"],
    ),
    (&["dotnet_"], &[], &["dotnet", "dnx"]),
    (&["zdotdir"], &[], &["zsh"]),
];

/// Variables that choose a registry or a settings file.
const REGISTRIES: [&str; 20] = [
    "bun_config_registry",
    "yarn_npm_registry_server",
    "yarn_registry",
    "uv_index_url",
    "corepack_npm_registry",
    "npm_registry",
    "jsr_url",
    "goproxy",
    "pip_config_file",
    "yarn_rc_filename",
    "gosumdb",
    "gonosumdb",
    "gonosumcheck",
    "docker_host",
    "npm_config_prefix",
    "npm_config_replace_registry_host",
    "npm_config_disturl",
    "uv_python_install_mirror",
    "uv_pypy_install_mirror",
    "container_host",
];

/// Variables that say whose certificate isn't looked at, and the value that says that all are.
const UNVERIFIED: [(&str, &str); 6] = [
    ("node_tls_reject_unauthorized", "1"),
    ("npm_config_strict_ssl", "true"),
    ("yarn_enable_strict_ssl", "true"),
    ("uv_insecure_host", ""),
    ("pip_trusted_host", ""),
    ("goinsecure", ""),
];

/// How the names of variables begin that choose a registry of Cargo's.
const CARGO_REGISTRIES: [&str; 2] = ["cargo_registries_", "cargo_source_"];

/// Variables that bring code with them.
const CODE: [&str; 14] = [
    "ld_preload",
    "ld_audit",
    "gconv_path",
    "zdotdir",
    "dotnet_startup_hooks",
    "rustc_wrapper",
    "rustc_workspace_wrapper",
    "cargo_build_rustc_wrapper",
    "yarn_yarn_path",
    "npm_config_git",
    "dyld_insert_libraries",
    "bash_env",
    "npm_config_script_shell",
    "bun_inspect_preload",
];

/// Variables that hold options for an interpreter.
const OPTIONS: [&str; 2] = ["node_options", "bun_options"];

/// Variables that hold options for other interpreters, and how those begin that bring code.
const OTHER_OPTIONS: [(&str, &[&str]); 5] = [
    ("perl5opt", &["-M", "-m", "-I", "-d"]),
    ("rubyopt", &["-r", "-I"]),
    ("java_tool_options", JAVA_AGENTS),
    ("_java_options", JAVA_AGENTS),
    ("jdk_java_options", JAVA_AGENTS),
];
const JAVA_AGENTS: &[&str] = &[
    "-javaagent",
    "-agentpath",
    "-agentlib",
    "-Xbootclasspath",
    "@",
];

/// Where the loader looks for libraries first; only a folder that others write in says something,
/// as half of all machines have one of these set.
const LIBRARY_PATHS: [&str; 3] = [
    "ld_library_path",
    "dyld_library_path",
    "dyld_framework_path",
];

/// A name of every kind of variable that is heeded here: whoever tells us of a launch must tell
/// these as well.
pub fn heeded() -> Vec<String> {
    let starts = PREFIXES.iter().map(|(prefix, ..)| *prefix);
    let starts = starts.chain(CARGO_REGISTRIES);
    let names = REGISTRIES.into_iter().chain(CODE);
    let names = names.chain(python::VARIABLES).chain(OPTIONS);
    let names = names.chain(UNVERIFIED.iter().map(|(name, _)| *name));
    let names = names.chain(OTHER_OPTIONS.iter().map(|(name, _)| *name));
    let names = names.chain(LIBRARY_PATHS);
    let names = names.chain(["goflags", "npm_config_@s:registry", "compose_file"]);
    names
        .map(str::to_owned)
        .chain(starts.map(|start| format!("{start}x")))
        .collect()
}

impl Reader {
    /// Reads the variables that concern what this command starts. Where that can't be told, all do.
    pub(super) fn environments(&mut self, argv: &[String], env: &[(String, String)]) {
        self.variables.extend(env.iter().cloned());
        let mut plain = Self {
            variables: self.variables.clone(),
            ..Self::default()
        };
        plain.command(argv, Role::Main, MAX_DEPTH);
        let found = plain.found;
        let unsure = found.candidates.is_empty() || found.ambiguous || found.opaque.is_some();
        let words: BTreeSet<&str> = argv
            .iter()
            .flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()))
            .collect();
        let concerns = |name: &str| {
            let mut families = FAMILIES.iter();
            let family = families.find(|(starts, ..)| {
                let mut starts = starts.iter();
                starts.any(|start| name.starts_with(start))
            });
            family.is_none_or(|(_, ecosystems, programs)| {
                let mut started = found.candidates.iter().map(|one| one.ecosystem);
                started.any(|ecosystem| ecosystems.contains(&ecosystem))
                    || programs.iter().any(|program| words.contains(program))
            })
        };
        let heeds = python::heeds(argv);
        for (name, value) in env {
            let lower = name.to_ascii_lowercase();
            let unsure = unsure && !(python::is_variable(&lower) && heeds.another);
            if heeds.variable(&lower) && (unsure || concerns(&lower)) {
                self.environment(name, value, Role::Main, MAX_DEPTH);
            }
        }
    }

    /// What the assignments before a command change, and what stays set for it.
    pub(super) fn assignments(
        &mut self,
        assigned: &[String],
        command: &[String],
        role: Role,
        depth: u32,
    ) {
        if assigned.is_empty() {
            return;
        }
        let heeds = python::heeds(command);
        for (name, value) in assigned.iter().filter_map(|word| word.split_once('=')) {
            if heeds.variable(&name.to_ascii_lowercase()) {
                self.environment(name, value, role, depth);
            }
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What a shell sets for everything that it starts later: `export A=b`, `set -gx A b`, and
    /// `set A=b` of cmd.
    pub(super) fn exports(&mut self, words: &[String], role: Role, depth: u32) {
        let mut words = words.iter().filter(|word| !word.starts_with(['-', '/']));
        let Some(first) = words.next() else {
            return;
        };
        // `setenv NAME,VALUE` is made out of a line of PowerShell.
        if let Some((name, value)) = first.split_once(',').filter(|_| !is_assignment(first)) {
            return self.environment(name, value, role, depth);
        }
        if !is_assignment(first) {
            if let Some(value) = words.next() {
                self.environment(first, value, role, depth);
            }
            return;
        }
        for (name, value) in std::iter::once(first)
            .chain(words)
            .filter_map(|word| word.split_once('='))
        {
            self.environment(name, value, role, depth);
        }
    }

    /// What a variable changes. Which program heeds it isn't known, so a package that it names is
    /// never certainly the one.
    pub(super) fn environment(&mut self, name: &str, value: &str, role: Role, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            known if REGISTRIES.contains(&known) => return self.registry(value),
            "goflags" if value.contains("-mod") || value.contains("-overlay") => {
                return self.registry(value);
            }
            known if OPTIONS.contains(&known) && brings_code(value) => {
                return self.opaque(Opaque::Script);
            }
            known if CODE.contains(&known) || python::brings_code(known, value) => {
                return self.opaque(Opaque::Script);
            }
            known if LIBRARY_PATHS.contains(&known) && value.split(':').any(is_anybodys) => {
                return self.opaque(Opaque::Script);
            }
            "compose_file" => return self.compose_files(value, role),
            _ => {}
        }
        if let Some((_, safe)) = UNVERIFIED.iter().find(|(known, _)| *known == name) {
            if !value.is_empty() && value != *safe {
                self.unverified();
            }
            return;
        }
        if let Some((_, starts)) = OTHER_OPTIONS.iter().find(|(known, _)| *known == name) {
            let brings = |word: &str| starts.iter().any(|start| word.starts_with(start));
            if value.split_whitespace().any(brings) {
                self.opaque(Opaque::Script);
            }
            return;
        }
        let cargo = CARGO_REGISTRIES.iter().any(|start| name.starts_with(start));
        if cargo || name.ends_with(":registry") {
            return self.registry(value);
        }
        for (prefix, table, ecosystem) in PREFIXES {
            let Some(key) = name.strip_prefix(prefix) else {
                continue;
            };
            let option = format!("--{}", key.replace('_', "-"));
            let takes = table.takes(&option);
            if let Some(takes) = takes.filter(|takes| *takes != Takes::Module) {
                // npm parts the values of a list by empty lines, the others by spaces.
                let values = value.split(['\n', ' ']).filter(|part| !part.is_empty());
                let whole = matches!(
                    takes,
                    Takes::Script | Takes::Hook | Takes::Registry | Takes::Brings
                );
                let values = if whole { vec![value] } else { values.collect() };
                let given: Vec<_> = values.into_iter().map(|value| (takes, value)).collect();
                let known = self.found.candidates.len();
                self.given(&given, ecosystem, role, depth);
                self.found.ambiguous |= self.found.candidates.len() > known;
            }
        }
    }
}

/// Whether a folder is one in which everybody may write, or the one where the command starts.
fn is_anybodys(folder: &str) -> bool {
    let shared = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp"];
    shared.iter().any(|start| folder.starts_with(start)) || folder.starts_with('.')
}

/// Whether options for Node or Bun make it run something else first. Node takes quotes and escapes
/// out of its variable: `"-r" ./x.js`.
pub fn brings_code(options: &str) -> bool {
    const SAYS_SO: [&str; 8] = [
        "require",
        "import",
        "loader",
        "preload",
        "data:",
        "://",
        "-config",
        "snapshot-blob",
    ];
    let plain = options.replace(['"', '\\'], "");
    let mut words = plain.split_whitespace();
    SAYS_SO.iter().any(|word| plain.contains(word))
        || words.any(|word| word.starts_with("-r") || word.starts_with("-c="))
}

#[cfg(test)]
mod tests {
    use super::super::launch;

    #[test]
    fn settings_of_another_ecosystem_say_nothing_about_a_launch() {
        let at = |argv: &[&str], name: &str, value: &str| {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            launch(&argv, &[(name.to_owned(), value.to_owned())])
        };
        let elsewhere = "https://r.example";
        let npx = ["npx", "-y", "x@1.0.0"];
        for name in [
            "PIP_INDEX_URL",
            "PIP_FIND_LINKS",
            "UV_INDEX_URL",
            "GOPROXY",
            "DOCKER_HOST",
        ] {
            assert!(at(&npx, name, elsewhere).identity().is_some(), "{name}");
        }
        let uvx = ["uvx", "x==1.0.0"];
        for name in ["npm_config_registry", "NODE_OPTIONS", "YARN_REGISTRY"] {
            assert!(
                at(&uvx, name, "https://r.example --require x")
                    .identity()
                    .is_some(),
                "{name}"
            );
        }
        for (argv, name) in [
            (&npx[..], "npm_config_registry"),
            (&uvx[..], "PIP_FIND_LINKS"),
            (&uvx[..], "UV_INDEX_URL"),
            // What a script starts, or a variable, counts as well.
            (
                &["sh", "-c", "npx x@1.0.0; uvx y==1.0"][..],
                "PIP_INDEX_URL",
            ),
            (&["sh", "-c", "npx x@1.0.0; $LATER"][..], "PIP_INDEX_URL"),
        ] {
            assert!(
                at(argv, name, elsewhere).registry.is_some(),
                "{argv:?} {name}"
            );
        }
        assert!(at(&npx, "LD_PRELOAD", "/x.so").identity().is_none());
        // A launcher without a package of its own reads its settings, and one that is not known could.
        for (argv, name) in [
            (
                &["sh", "-c", "npx x@1.0.0; pip install -r list.txt"][..],
                "PIP_INDEX_URL",
            ),
            (&["/opt/server"][..], "PIP_INDEX_URL"),
            (&["npx", "--yes"][..], "npm_config_registry"),
        ] {
            assert!(
                at(argv, name, elsewhere).registry.is_some(),
                "{argv:?} {name}"
            );
        }
        // What the host read in a script.
        let script = ["uv", "run", "server.py"];
        let needed = at(
            &script,
            "UV_WITH",
            "a>=1,<2\nevil==1.0\nd@git+https://g.example/d",
        );
        let names: Vec<_> = needed.candidates.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["a", "evil"]);
        assert!(needed.sources.contains(&super::super::Source::Git));
        let named = at(&["npx", "--yes"], "npm_config_package", "evil@1.0.0");
        assert!(named.candidates.iter().any(|one| one.name == "evil"));
    }
}
