//! Variables that replace what is written in argv.

use super::options::{Table, Takes};
use super::{MAX_DEPTH, Opaque, Reader, Role, tables};
use crate::package::Ecosystem::{self, Npm, Pypi};

/// Launchers that read each of their options from a variable, too.
const PREFIXES: [(&str, &Table, Ecosystem); 5] = [
    ("npm_config_", &tables::NPM, Npm),
    ("pnpm_config_", &tables::PNPM, Npm),
    ("uv_", &tables::UV, Pypi),
    ("pip_", &tables::PIP, Pypi),
    ("pipx_", &tables::PIP, Pypi),
];

impl Reader {
    pub(super) fn environment(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "bun_config_registry"
            | "yarn_npm_registry_server"
            | "yarn_registry"
            | "uv_index_url"
            | "corepack_npm_registry"
            | "npm_registry"
            | "jsr_url"
            | "goproxy"
            | "pip_config_file"
            | "yarn_rc_filename"
            | "gosumdb"
            | "gonosumdb"
            | "gonosumcheck"
            | "docker_host"
            | "npm_config_prefix"
            | "npm_config_replace_registry_host" => {
                return self.registry(value);
            }
            "goflags" if value.contains("-mod") || value.contains("-overlay") => {
                return self.registry(value);
            }
            "node_options" if brings_code(value) => return self.opaque(Opaque::Script),
            "ld_preload" | "dyld_insert_libraries" | "bash_env" | "npm_config_script_shell" => {
                return self.opaque(Opaque::Script);
            }
            _ => {}
        }
        let cargo = name.starts_with("cargo_registries_") || name.starts_with("cargo_source_");
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
                let whole = matches!(takes, Takes::Script | Takes::Hook | Takes::Registry);
                let values = if whole { vec![value] } else { values.collect() };
                let given: Vec<_> = values.into_iter().map(|value| (takes, value)).collect();
                self.given(&given, ecosystem, Role::Main, MAX_DEPTH);
            }
        }
    }
}

/// Whether options for Node make it run something else first.
pub fn brings_code(options: &str) -> bool {
    ["require", "-r ", "import", "loader", "data:", "://"]
        .iter()
        .any(|word| options.contains(word))
}
