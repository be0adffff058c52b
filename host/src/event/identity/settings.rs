//! Settings that launchers read from files of the folder where they are started, told as the
//! variables that would say the same.
//!
//! A folder that was cloned can choose another registry for `npx` without a word of it in the
//! command. Only what changes where packages come from, or brings code, is told; never a credential.
//! What stands in the user's own files is the user's choice and is not told.

use super::disk::text;
use super::script;
use super::yarnrc::{classic, yarnrc};
use crate::event::Launch;
use std::path::{Path, PathBuf};

/// Folders above the start that are looked at. Chosen: deeper than projects lie.
const MAX_FOLDERS: usize = 32;
/// Settings that are told at most. Chosen: more than any honest file has.
const MAX_SETTINGS: usize = 64;

/// What a file sets; `None` when it can't be read.
type Reader = fn(&str) -> Option<Vec<(String, String)>>;

/// The settings of `launch`, by the names of variables, those that win first. A variable that is set
/// wins over a file, as it does for the launchers.
pub(super) fn of_files(launch: &Launch, home: &Path) -> Vec<(String, String)> {
    let start = Path::new(&launch.cwd);
    let above = || {
        let folders = start.ancestors().take(MAX_FOLDERS);
        folders.take_while(|folder| *folder != home)
    };
    let runs = |names: &[&str]| {
        let mut words = launch.argv.iter();
        words.any(|word| names.iter().any(|name| word.contains(name)))
    };
    let mut found = Vec::new();
    let mut read = |path: PathBuf, reader: Reader, source: &str| {
        match text(&path).as_deref().and_then(reader) {
            Some(settings) => found.extend(settings),
            // A launcher that is less strict may read what we can't: then it says "elsewhere".
            None if path.symlink_metadata().is_ok() => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                found.push((source.to_owned(), format!("unreadable {name}")));
            }
            None => {}
        }
    };
    // Source: npm-config(7), npmrc(5): the nearest folder with a package is the project.
    if runs(&["npm", "npx", "pnx", "yarn", "bun", "deno"]) {
        let has = |folder: &Path, name: &str| folder.join(name).exists();
        let project = above().find(|at| has(at, "package.json") || has(at, "node_modules"));
        for folder in above().take(1).chain(project) {
            read(folder.join(".npmrc"), npmrc, "npm_config_registry");
        }
    }
    // Source: yarn's documentation of .yarnrc.yml, and of .yarnrc of its version 1: every folder
    // above counts.
    for folder in above().filter(|_| runs(&["yarn"])) {
        read(
            folder.join(".yarnrc.yml"),
            yarnrc,
            "YARN_NPM_REGISTRY_SERVER",
        );
        read(folder.join(".yarnrc"), classic, "YARN_REGISTRY");
    }
    // Source: bun's documentation of bunfig.toml.
    for folder in above().take(1).filter(|_| runs(&["bun"])) {
        read(folder.join("bunfig.toml"), bunfig, "BUN_CONFIG_REGISTRY");
    }
    // Source: uv's documentation of configuration files: commands of `uv tool` heed no project's.
    let is_tool = |word: &String| word == "tool" || word.ends_with("uvx");
    if runs(&["uv"]) && !launch.argv.iter().any(is_tool) {
        for folder in above() {
            let files = ["uv.toml", "pyproject.toml"].map(|name| folder.join(name));
            // A project without a word for uv is no end of its search.
            let heeded = |path: &PathBuf| match text(path).as_deref().and_then(uv) {
                Some(settings) => !settings.is_empty() || path.ends_with("uv.toml"),
                None => path.symlink_metadata().is_ok(),
            };
            if files.iter().any(heeded) {
                for path in files {
                    read(path, uv, "UV_INDEX_URL");
                }
                break;
            }
        }
    }
    let mut needed = Vec::new();
    let scripts = script::metadata(launch);
    for block in scripts.blocks {
        let settings = uv(&block).zip(script::dependencies(&block));
        let Some((settings, dependencies)) = settings else {
            found.push(("UV_INDEX_URL".to_owned(), "unreadable script".to_owned()));
            continue;
        };
        found.extend(settings);
        needed.extend(Some(dependencies).filter(|all| !all.is_empty()));
    }
    if scripts.unread {
        found.push(("UV_INDEX_URL".to_owned(), "unreadable script".to_owned()));
    }
    let is_set = |name: &str| {
        let mut variables = launch.env.iter();
        variables.any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let mut settings: Vec<(String, String)> = Vec::new();
    for (name, value) in found {
        let known = settings
            .iter()
            .any(|known| (&known.0, &known.1) == (&name, &value));
        if !known && !is_set(&name) && settings.len() < MAX_SETTINGS {
            settings.push((name, value));
        }
    }
    // uv has no such variable, so one that is set hides nothing.
    if !needed.is_empty() {
        settings.push(("UV_WITH".to_owned(), needed.join("\n")));
    }
    settings
}

/// What is told when the disk does not say in time what the files hold: each launcher may be led
/// elsewhere.
pub(super) fn unread() -> Vec<(String, String)> {
    [
        "npm_config_registry",
        "YARN_NPM_REGISTRY_SERVER",
        "BUN_CONFIG_REGISTRY",
        "UV_INDEX_URL",
    ]
    .map(|name| (name.to_owned(), "unreadable settings".to_owned()))
    .into()
}

/// Lines of `key = value` or `key: value` before the first section; a key of npm's may have a colon.
fn lines(text: &str) -> impl Iterator<Item = (String, &str)> {
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| {
        let comment = line.starts_with(['#', ';']);
        let parts = line.split_once('=').or_else(|| line.split_once(':'));
        let (key, value) = parts.filter(|_| !comment)?;
        let key = key.trim().trim_end_matches("[]").to_lowercase();
        Some((key, value.trim().trim_matches(['"', '\''])))
    })
}

fn npmrc(text: &str) -> Option<Vec<(String, String)>> {
    let told = |key: &str| {
        matches!(key, "registry" | "node-options" | "script-shell") || key.ends_with(":registry")
    };
    let settings = lines(text)
        .filter(|(key, _)| told(key))
        .map(|(key, value)| {
            let key = match key.starts_with('@') {
                true => key,
                false => key.replace('-', "_"),
            };
            (format!("npm_config_{key}"), value.to_owned())
        })
        .collect();
    Some(settings)
}

fn bunfig(text: &str) -> Option<Vec<(String, String)>> {
    let table = text.parse::<toml::Table>().ok()?;
    let install = |key: &str| table.get("install")?.get(key);
    let url = |found: &toml::Value| match found.as_str() {
        Some(url) => Some(url.to_owned()),
        None => Some(found.get("url")?.as_str()?.to_owned()),
    };
    let registry = install("registry").and_then(url);
    let registry = registry.map(|url| ("BUN_CONFIG_REGISTRY".to_owned(), url));
    let scopes = install("scopes").and_then(toml::Value::as_table);
    let scopes = scopes.into_iter().flatten().filter_map(|(scope, found)| {
        let name = format!("npm_config_@{}:registry", scope.trim_start_matches('@'));
        Some((name, url(found)?))
    });
    let own = ["ca", "cafile"]
        .into_iter()
        .find(|key| install(key).is_some());
    let own = own.map(|key| ("npm_config_strict_ssl".to_owned(), key.to_owned()));
    let preload = table
        .get("preload")
        .map(words)
        .filter(|words| !words.is_empty());
    let preload = preload.map(|words| ("NODE_OPTIONS".to_owned(), format!("--require {words}")));
    let told = registry.into_iter().chain(preload);
    Some(told.chain(scopes).chain(own).collect())
}

/// `uv.toml`, or the part of `pyproject.toml` that is uv's.
fn uv(text: &str) -> Option<Vec<(String, String)>> {
    let table = text.parse::<toml::Table>().ok()?;
    let part = table.get("tool").and_then(|tool| tool.get("uv"));
    let of = |key: &str| match part {
        Some(part) => part.get(key),
        None => table.get(key),
    };
    let mut settings = Vec::new();
    for (key, name) in [
        ("index-url", "UV_INDEX_URL"),
        ("extra-index-url", "UV_EXTRA_INDEX_URL"),
        ("find-links", "UV_FIND_LINKS"),
    ] {
        let words = of(key).map(words).filter(|words| !words.is_empty());
        settings.extend(words.map(|words| (name.to_owned(), words)));
    }
    let listed = of("index").and_then(toml::Value::as_array);
    let urls = listed
        .into_iter()
        .flatten()
        .filter_map(|index| index.get("url")?.as_str());
    let urls: Vec<&str> = urls.collect();
    if !urls.is_empty() {
        settings.push(("UV_INDEX".to_owned(), urls.join(" ")));
    }
    Some(settings)
}

/// A string, or the strings of a list, with spaces between them.
fn words(value: &toml::Value) -> String {
    match value {
        toml::Value::String(word) => word.clone(),
        toml::Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(toml::Value::as_str).collect();
            words.join(" ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::launch;
    use super::*;
    use std::fs;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.0.path().join("home/ws/deep")).unwrap();
            for (path, text) in files {
                let path = tree.0.path().join("home").join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            tree
        }

        fn read(&self, argv: &[&str], env: &[(&str, &str)]) -> Vec<String> {
            let home = self.0.path().join("home");
            let launch = launch(argv, env, &home.join("ws/deep"));
            of_files(&launch, &home)
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect()
        }
    }

    #[test]
    fn a_project_chooses_a_registry_for_npm() {
        let tree = Tree::new(&[
            ("ws/package.json", "{}"),
            (
                "ws/.npmrc",
                "; theirs\nregistry = \"https://r.example/\"\n@acme:registry=https://a.example\n\
                 //r.example/:_authToken=s3cret\nnode-options=--require ./x.js\nfund=false\n",
            ),
            ("ws/deep/.npmrc", "script-shell=/tmp/sh"),
            (".npmrc", "registry=https://the-users-own.example"),
        ]);
        let told = [
            "npm_config_script_shell=/tmp/sh",
            "npm_config_registry=https://r.example/",
            "npm_config_@acme:registry=https://a.example",
            "npm_config_node_options=--require ./x.js",
        ];
        assert_eq!(tree.read(&["npx", "-y", "x"], &[]), told);
        assert!(tree.read(&["/srv/tool"], &[]).is_empty());
        // A variable wins.
        let set = [("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org")];
        let left = tree.read(&["sh", "-c", "npx x"], &set);
        assert_eq!(left, [told[0], told[2], told[3]]);
        // A folder above that is no project says nothing.
        let tree = Tree::new(&[("ws/.npmrc", "registry=https://r.example")]);
        assert!(tree.read(&["npx", "x"], &[]).is_empty());
    }

    #[test]
    fn other_launchers_read_files_as_well() {
        let tree = Tree::new(&[
            (
                "ws/.yarnrc.yml",
                "npmRegistryServer: \"https://y.example\"\nnpmScopes:\n  a:\n    npmRegistryServer: z\n",
            ),
            (
                "ws/deep/bunfig.toml",
                "preload = [\"./a.ts\"]\n[install]\nregistry = { url = \"https://b.example\" }\n\
             cafile = \"ca.pem\"\n[install.scopes]\na = \"https://a.example\"\n\
             \"@b\" = { token = \"s3cret\", url = \"https://s.example\" }\nc = { token = \"x\" }\n",
            ),
            (
                "ws/pyproject.toml",
                "[project]\nname = \"x\"\n[[tool.uv.index]]\nurl = \"https://u.example\"\n",
            ),
        ]);
        let read = |argv: &[&str]| tree.read(argv, &[]);
        assert_eq!(
            read(&["yarn", "dlx", "x"]),
            [
                "YARN_NPM_REGISTRY_SERVER=https://y.example",
                "YARN_NPM_REGISTRY_SERVER=z"
            ]
        );
        assert_eq!(
            read(&["bunx", "x"]),
            [
                "BUN_CONFIG_REGISTRY=https://b.example",
                "NODE_OPTIONS=--require ./a.ts",
                "npm_config_@b:registry=https://s.example",
                "npm_config_@a:registry=https://a.example",
                "npm_config_strict_ssl=cafile"
            ]
        );
        assert_eq!(read(&["uv", "run", "x"]), ["UV_INDEX=https://u.example"]);
        assert!(read(&["uvx", "x"]).is_empty());
        assert!(read(&["/srv/tool"]).is_empty());
    }

    #[test]
    fn a_script_says_what_it_needs_and_from_where() {
        let script =
            "# /// script\n# dependencies = ['a==1', 'b']\n# [tool.uv]\n# index-url = 'u'\n# ///\n";
        let tree = Tree::new(&[
            ("ws/deep/x.py", script),
            ("ws/deep/bad.py", "# /// script\n# ][\n# ///\n"),
        ]);
        let told = ["UV_INDEX_URL=u", "UV_WITH=a==1\nb"];
        assert_eq!(tree.read(&["uv", "run", "x.py"], &[]), told);
        let set = [("UV_WITH", "c"), ("UV_INDEX_URL", "v")];
        assert_eq!(tree.read(&["uv", "run", "x.py"], &set), told[1..]);
        assert_eq!(
            tree.read(&["uv", "run", "bad.py"], &[]),
            ["UV_INDEX_URL=unreadable script"]
        );
        assert!(tree.read(&["python", "x.py"], &[]).is_empty());
    }

    #[test]
    fn a_file_that_cant_be_read_is_not_taken_for_one_that_says_nothing() {
        let large = format!("#{}\nregistry=https://r.example", " ".repeat(1 << 20));
        let tree = Tree::new(&[
            ("ws/deep/bunfig.toml", "]]"),
            ("ws/deep/uv.toml", "\0"),
            ("ws/.npmrc", &large),
            ("ws/package.json", "{}"),
        ]);
        fs::create_dir(tree.0.path().join("home/ws/deep/.yarnrc.yml")).unwrap();
        for (program, told) in [
            ("npx", "npm_config_registry=unreadable .npmrc"),
            ("bunx", "BUN_CONFIG_REGISTRY=unreadable bunfig.toml"),
            ("uv", "UV_INDEX_URL=unreadable uv.toml"),
            ("yarn", "YARN_NPM_REGISTRY_SERVER=unreadable .yarnrc.yml"),
        ] {
            let read = tree.read(&[program, "x"], &[]);
            assert!(read.iter().any(|line| line == told), "{program}: {read:?}");
        }
    }

    #[test]
    fn a_disk_that_does_not_answer_says_elsewhere() {
        let tree = Tree::new(&[("ws/package.json", "{}")]);
        let launch = launch(&["npx", "x"], &[], tree.0.path());
        let told = super::super::told(&launch, None);
        let registry = told
            .env
            .iter()
            .find(|(name, _)| name == "npm_config_registry");
        assert_eq!(registry.unwrap().1, "unreadable settings");
        assert_eq!(
            super::super::told(&launch, Some(Vec::new())).env,
            launch.env
        );
    }

    #[test]
    fn lines_that_make_no_sense_hold_nothing_up() {
        let tree = Tree::new(&[
            ("ws/.npmrc", "registry\n=\n[x]\nregistry=in-a-section\n"),
            ("ws/package.json", "{}"),
        ]);
        assert!(tree.read(&["npx", "x"], &[]).is_empty());
    }

    #[test]
    fn a_project_says_it_in_any_spelling_of_toml() {
        for text in [
            "[ tool . uv ]\nindex-url = 'u'",
            "tool = { uv = { index-url = 'u' } }",
        ] {
            let tree = Tree::new(&[("ws/pyproject.toml", text)]);
            assert_eq!(
                tree.read(&["uv", "run", "x"], &[]),
                ["UV_INDEX_URL=u"],
                "{text}"
            );
        }
    }
}
