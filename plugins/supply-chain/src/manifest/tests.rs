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
    ] {
        check(path, content, expected);
    }
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
