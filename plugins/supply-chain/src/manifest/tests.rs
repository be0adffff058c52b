//! One line of each kind of file, and what must be read of it.

use super::*;
use crate::package::Spec;

#[track_caller]
fn check(path: &str, content: &str, expected: &str) {
    let text = |key: &str, original: &str| Text {
        pointer: format!("/params/arguments/{key}"),
        role: Role::Argument,
        original: original.to_owned(),
        canonical: None,
        attrs: Vec::new(),
    };
    let found = written(&[text("path", path), text("content", content)]);
    let commands = found.commands.iter().flat_map(|found| &found.candidates);
    let all = found.wanted.iter().chain(&found.locked).chain(commands);
    let facts: Vec<String> = all
        .map(|candidate| {
            let spec = match &candidate.spec {
                Spec::None => String::new(),
                Spec::Exact(text) | Spec::Range(text) | Spec::Tag(text) => format!(" {text}"),
            };
            format!("{}:{}{spec}", candidate.ecosystem.id(), candidate.name)
        })
        .collect();
    let has = facts.iter().any(|fact| fact == expected);
    assert!(
        has || (expected.is_empty() && facts.is_empty()),
        "{path}: {facts:?}"
    );
}

/// Files that name a package and its version in a way of their own, and lock files of other ages.
#[test]
fn pins_are_found_in_whatever_way_they_are_written() {
    for (path, content, expected) in [
        (
            "setup.cfg",
            "install_requires =\n  evil == 1.0.0\n",
            "pypi:evil 1.0.0",
        ),
        ("tox.ini", "deps = evil[x]==1.0.0", "pypi:evil 1.0.0"),
        (
            "environment.yml",
            "- pip:\n  - evil==1.0.0",
            "pypi:evil 1.0.0",
        ),
        (
            ".pre-commit-config.yaml",
            "additional_dependencies: ['evil==1.0.0']",
            "pypi:evil 1.0.0",
        ),
        (
            "Pipfile.lock",
            r#"{"default":{"evil":{"hashes":["x"],"version":"==1.0.0"}}}"#,
            "pypi:evil 1.0.0",
        ),
        (
            "Pipfile.lock",
            r#"{"default":{"evil":{"editable":true,"extra":{"a":{}},"n":1,"version":"==1.0.0"}}}"#,
            "pypi:evil 1.0.0",
        ),
        (
            "package-lock.json",
            r#"{"dependencies":{"evil":{"dev":true,"requires":{"a":"^1"},"version":"1.0.0"}}}"#,
            "npm:evil 1.0.0",
        ),
        (
            "server.py",
            "# /// script\n# dependencies = [\n#   'evil==1.0.0',\n# ]\n# ///\n",
            "pypi:evil 1.0.0",
        ),
        (
            "run",
            "#!/usr/bin/env -S uv run --script\n# /// script\n# dependencies = ['evil[x]>=1']\n# ///",
            "pypi:evil >=1",
        ),
        (
            "server.py",
            "# dependencies = [\"evil\"]\nimport evil",
            "pypi:evil",
        ),
        ("server.py", "# see 'evil==1.0.0'\nimport evil", ""),
        (
            "deno.json",
            r#"{"imports":{"x":"npm:@s/evil@1.0.0"}}"#,
            "npm:@s/evil 1.0.0",
        ),
        (
            "deno.lock",
            r#"{"npm":{"evil@1.0.0":{}}}"#,
            "npm:evil 1.0.0",
        ),
        (
            "pnpm-workspace.yaml",
            "catalog:\n  evil: 1.0.0",
            "npm:evil 1.0.0",
        ),
        (
            "pnpm-workspace.yaml",
            "overrides:\n  good: npm:evil@1.0.0",
            "npm:evil 1.0.0",
        ),
        ("mise.toml", "\"npm:evil\" = \"1.0.0\"", "npm:evil 1.0.0"),
        (".tool-versions", "npm:evil 1.0.0", "npm:evil 1.0.0"),
        (
            "npm-shrinkwrap.json",
            r#"{"dependencies":{"evil":{"version":"1.0.0"}}}"#,
            "npm:evil 1.0.0",
        ),
        (
            "package-lock.json",
            r#"{"node_modules/good":{"name":"evil","version":"1.0.0"}}"#,
            "npm:evil 1.0.0",
        ),
        ("pnpm-lock.yaml", "  /@s/evil/1.0.0:\n", "npm:@s/evil 1.0.0"),
        (
            "yarn.lock",
            "  resolution: \"evil@npm:1.0.0\"",
            "npm:evil 1.0.0",
        ),
        // Nothing that names one version.
        ("tox.ini", "deps = evil>=1.0.0\n# evil", ""),
        ("deno.json", r#"{"imports":{"x":"npm:evil"}}"#, ""),
        ("environment.yml", "name: evil", ""),
        ("notes.cfg", "evil==1.0.0", ""),
    ] {
        check(path, content, expected);
    }
}

#[test]
fn packages_in_written_files_are_found() {
    for (path, content, expected) in [
        (
            "/w/package.json",
            r#"{"dependencies":{"evil":"1.0.0"}}"#,
            "npm:evil 1.0.0",
        ),
        (
            "package.json",
            r#"    "good": "npm:evil@1.0.0","#,
            "npm:evil 1.0.0",
        ),
        (
            "package.json",
            r#""good": "https://u@REGISTRY.npmjs.org/evil/-/evil-1.0.0.tgz""#,
            "npm:evil 1.0.0",
        ),
        (
            "package.json",
            r#""scripts":{"postinstall":"npx evil@1.0.0"}"#,
            "npm:evil 1.0.0",
        ),
        (
            "package-lock.json",
            "\"node_modules/a/node_modules/evil\": {\n \"version\": \"1.0.0\",",
            "npm:evil 1.0.0",
        ),
        (
            "yarn.lock",
            "evil@^1.0.0:\n  version \"1.0.0\"\n",
            "npm:evil 1.0.0",
        ),
        (
            "yarn.lock",
            "\"@s/evil@npm:^1.0.0\":\n  version: 1.0.0\n",
            "npm:@s/evil 1.0.0",
        ),
        (
            "pnpm-lock.yaml",
            "packages:\n\n  evil@1.0.0:\n    resolution: {}",
            "npm:evil 1.0.0",
        ),
        (
            "pnpm-lock.yaml",
            "  /@s/evil@1.0.0(react@18.0.0):\n",
            "npm:@s/evil 1.0.0",
        ),
        (
            "bun.lock",
            r#""evil": ["evil@1.0.0", "", {}]"#,
            "npm:evil 1.0.0",
        ),
        (
            "requirements.txt",
            "good\nevil==1.0.0  # why\n",
            "pypi:evil 1.0.0",
        ),
        (
            "requirements-dev.txt",
            "evil[x]==1.0.0 \\\n    --hash=sha256:0",
            "pypi:evil 1.0.0",
        ),
        (
            "pyproject.toml",
            "dependencies = [\n  \"evil==1.0.0\",\n]",
            "pypi:evil 1.0.0",
        ),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\nevil = \"1.0.0\"",
            "pypi:evil 1.0.0",
        ),
        (
            "uv.lock",
            "[[package]]\nname = \"evil\"\nversion = \"1.0.0\"\n",
            "pypi:evil 1.0.0",
        ),
        ("Cargo.toml", "evil = \"1.0.0\"", "cargo:evil ^1.0.0"),
        (
            "Cargo.toml",
            "evil = { version = \"1.0.0\", features = [] }",
            "cargo:evil ^1.0.0",
        ),
        (
            "Cargo.lock",
            "name = \"evil\"\nversion = \"1.0.0\"",
            "cargo:evil 1.0.0",
        ),
        (
            "go.mod",
            "require example.com/evil v1.0.0",
            "go:example.com/evil v1.0.0",
        ),
        (
            "go.mod",
            "require (\n\texample.com/evil v1.0.0 // indirect\n)",
            "go:example.com/evil v1.0.0",
        ),
        ("Gemfile", "gem 'evil', '1.0.0'", "rubygems:evil 1.0.0"),
        ("Gemfile.lock", "    evil (1.0.0)", "rubygems:evil 1.0.0"),
        (
            "Dockerfile",
            "FROM --platform=x evil/img:1 AS b\nRUN npm i -g evil@1.0.0",
            "oci:evil/img 1",
        ),
        (
            "Dockerfile",
            "FROM good\nRUN npm i -g evil@1.0.0",
            "npm:evil 1.0.0",
        ),
        (
            "compose.yaml",
            "  s:\n    image: evil/img:1\n",
            "oci:evil/img 1",
        ),
        (
            ".github/workflows/ci.yml",
            "    - run: |\n        npx evil@1.0.0\n",
            "npm:evil 1.0.0",
        ),
        (
            ".mcp.json",
            r#"{"mcpServers":{"x":{"command":"npx","args":["-y","evil@1.0.0"]}}}"#,
            "npm:evil 1.0.0",
        ),
        (
            ".mcp.json",
            "{\n  \"command\": \"npx\",\n  \"args\": [\n    \"-y\",\n    \"evil@1.0.0\"\n  ]\n}",
            "npm:evil 1.0.0",
        ),
        (
            ".mcp.json",
            r#"{"args":["-y","evil@1.0.0"],"command":"npx"}"#,
            "npm:evil 1.0.0",
        ),
        (
            "x.txt",
            r#"{"mcpServers":{"x":{"command":"uvx","args":["evil@1.0.0"]}}}"#,
            "pypi:evil 1.0.0",
        ),
        (
            "config.toml",
            "command = \"npx\"\nargs = [\"-y\", \"evil@1.0.0\"]",
            "npm:evil 1.0.0",
        ),
        (
            "config.yaml",
            "cmd: npx\nargs:\n  - -y\n  - evil@1.0.0\n",
            "npm:evil 1.0.0",
        ),
        (
            "devcontainer.json",
            r#""postCreateCommand": "pip install evil==1.0.0""#,
            "pypi:evil 1.0.0",
        ),
        (
            "settings.json",
            r#""mcp":{"servers":{"x":{"command":"cmd","args":["/c","npx","evil@1.0.0"]}}}"#,
            "npm:evil 1.0.0",
        ),
        (
            "x.sh",
            "#!/bin/sh\nset -e\nnpx evil@1.0.0\n",
            "npm:evil 1.0.0",
        ),
        (
            "p",
            "--- a/package.json\n+++ b/package.json\n@@ -1 +1 @@\n-  \"good\": \"1\"\n+  \"evil\": \"1.0.0\"",
            "npm:evil 1.0.0",
        ),
        (
            "p",
            "--- a/package.json\n+++ b/package.json\n@@ -1 +1 @@\n-  \"evil\": \"1.0.0\"",
            "",
        ),
        (
            "notes.md",
            "Run `npx evil@1.0.0` and `pip install evil==1.0.0`.",
            "",
        ),
        ("main.py", "import evil", ""),
        (
            "package.json",
            r#"{"d":"say \"x","dependencies":{"evil":" 1.0.0"}}"#,
            "npm:evil 1.0.0",
        ),
        (
            ".mcp.json",
            r#"{"command":"npx","args":["-y","e\u0076il\u00401.0.0"]}"#,
            "npm:evil 1.0.0",
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = [\"good[x]\", 'evil']",
            "pypi:evil",
        ),
        (
            "pyproject.toml",
            "[project.optional-dependencies]\ndev = [\n  \"good\", # one ]\n  \"evil\",\n]",
            "pypi:evil",
        ),
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"evil\"]",
            "pypi:evil",
        ),
        ("setup.py", "setup(install_requires=['evil'])", "pypi:evil"),
        (
            "setup.py",
            "setup(extras_require={\n 'dev': ['evil'],\n})",
            "pypi:evil",
        ),
        ("pyproject.toml", "    \"evil\",\n", "pypi:evil"),
        (
            "pyproject.toml",
            "[project]\nname = \"evil\"\nversion = \"1.0.0\"\nkeywords = [\"evil\"]\n\
             [project.scripts]\nevil = \"evil:main\"\n[tool.hatch]\npackages = [\"evil\"]",
            "",
        ),
        (
            "setup.py",
            "venv = os.environ['VIRTUAL_ENV']\nsetup(name='evil', packages=['evil'], \
             entry_points={'x': ['evil=evil:main']})",
            "",
        ),
        (
            "Cargo.toml",
            "[dependencies]\nevil = \"=1.3.0\"",
            "cargo:evil 1.3.0",
        ),
        (
            "Cargo.toml",
            "[target.'cfg(unix)'.dependencies.evil]\nversion = \"1.0.0\"\nfeatures = [\"x\"]",
            "cargo:evil ^1.0.0",
        ),
        (
            "Cargo.toml",
            "[package]\nname = \"evil\"\nversion = \"1.0.0\"\nedition = \"2024\"",
            "",
        ),
    ] {
        check(path, content, expected);
    }
}

#[test]
fn lines_end_and_go_on_where_their_tools_say_so() {
    let list = |content: &str, expected: &str| check("requirements.txt", content, expected);
    for end in [
        "\r", "\r\n", "\u{b}", "\u{c}", "\u{1c}", "\u{85}", "\u{2028}",
    ] {
        list(&format!("a==1{end}evil==1.0.0"), "pypi:evil 1.0.0");
    }
    list("\u{feff}evil==1.0.0", "pypi:evil 1.0.0");
    list("ev\\\nil==1.0.0", "pypi:evil 1.0.0");
    list("evil\\\r\n==1.0.0\\\n# x\nb", "pypi:evil 1.0.0");
    list("a==1 # \\\nevil==1.0.0\t# x", "pypi:evil 1.0.0");
    list("# a \\\nevil==1.0.0\n", "pypi:evil 1.0.0");
    list("# evil==1.0.0\n # evil \\\n", "");
    for content in [
        "RUN npm i -g \\\n    # pinned\n    evil@1.0.0",
        "RUN npm i -g \\ \n\n  evil@1.0.0",
        "RUN npm i -g ev\\\nil@1.0.0",
        "# escape=`\nRUN npm i -g `\n # pinned\n evil@1.0.0",
        "# see C:\\\nRUN npm i -g evil@1.0.0",
    ] {
        check("Dockerfile", content, "npm:evil 1.0.0");
    }
    check(
        "Dockerfile",
        "RUN npm ci \\\n  # speaks of evil@1.0.0\n  && ls",
        "",
    );
}

#[test]
fn locked_packages_are_found_by_their_real_names_in_any_order() {
    let lock = |content: &str, expected: &str| check("uv.lock", content, expected);
    lock(
        "[[package]]\nversion = \"1.0.0\"\nname = \"evil\"",
        "pypi:evil 1.0.0",
    );
    lock(
        "[[package]]\nversion = \"1.0.0\"\n\n[[package]]\nname = \"evil\"",
        "",
    );
    lock(
        "[[package]]\nname = \"evil\"\n[metadata]\nversion = \"1.0.0\"",
        "",
    );
    for key in [
        "\"x@npm:evil@^1.0.0\"",
        "\"x@npm:evil@1\", \"x@npm:evil@^1.0.0\"",
    ] {
        let entry = format!("{key}:\n  version \"1.0.0\"\n  resolved \"x\"");
        check("yarn.lock", &entry, "npm:evil 1.0.0");
    }
    let scoped = "\"x@npm:@s/evil@^1.0.0\":\n  version \"1.0.0\"";
    check("yarn.lock", scoped, "npm:@s/evil 1.0.0");
}

#[test]
fn a_text_is_read_as_the_file_beside_it() {
    let named = |rows: &[(&str, &str)]| {
        let texts: Vec<Text> = rows
            .iter()
            .map(|(key, original)| Text {
                pointer: format!("/params/arguments/{key}"),
                role: Role::Argument,
                original: (*original).to_owned(),
                canonical: None,
                attrs: Vec::new(),
            })
            .collect();
        let found = written(&texts);
        found.wanted.len() + found.locked.len()
    };
    let (json, lines) = (r#"{"evil": "1.0.0"}"#, "one\ntwo\n");
    let files = |first: &str, second: &str| {
        named(&[
            ("files/0/path", first),
            ("files/0/content", json),
            ("files/1/path", second),
            ("files/1/content", lines),
        ])
    };
    assert_eq!(files("package.json", "notes.md"), 1);
    assert_eq!(files("x.md", "requirements.txt"), 2);
    assert_eq!(files("notes.md", "other.md"), 0);
    // Further down, elsewhere, and as a key.
    let edit = |path| named(&[("path", path), ("edits/0/new_text", json)]);
    assert_eq!(edit("/my work/package.json"), 1);
    assert_eq!(named(&[("a/path", "package.json"), ("b/text", json)]), 1);
    assert_eq!(named(&[("files/package.json", json)]), 1);
    // Nobody knows which of two files it is for.
    let two = [
        ("a/path", "package.json"),
        ("c/path", "x.md"),
        ("b/text", json),
    ];
    assert_eq!(named(&two), 0);
    // Another name beside it hides nothing.
    let label = [
        ("path", "package.json"),
        ("edit/label", "x.md"),
        ("edit/new", json),
    ];
    assert_eq!(named(&label), 1);
}

#[test]
fn what_is_not_read_to_the_end_is_said() {
    let many = "\"p\": \"1.0.0\",\n".repeat(MAX_PACKAGES + 1);
    let text = |original: String| Text {
        pointer: "/params/arguments/x".to_owned(),
        role: Role::Argument,
        original,
        canonical: None,
        attrs: Vec::new(),
    };
    let found = written(&[text("package.json".to_owned()), text(many)]);
    assert!(found.cut);
    assert_eq!(found.wanted.len(), MAX_PACKAGES);
    let long = " ".repeat(MAX_BYTES + 1);
    assert!(written(&[text("package.json".to_owned()), text(long)]).cut);
}
