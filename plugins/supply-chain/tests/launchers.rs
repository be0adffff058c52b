//! What is read from a command line, compared with what the real launcher then fetches.
//!
//! The launchers run in a network namespace of their own, in which only a registry of this test
//! exists: nothing of a public registry can be fetched, and what is served does nothing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use supply_chain::launch;
use supply_chain::package::Spec;

/// The newest version of every package that the registry has; the tag `next` is another.
const LATEST: &str = "2.0.0";
const NEXT: &str = "1.0.1";

/// Commands of npm, and of uv and pip.
const COMMANDS: &[&str] = &[
    "npx -y a-tool@1.0.0",
    "npx --yes a-tool",
    "npx -y a-tool@next",
    "npx -y @s/a-tool@1.0.1 --flag -p not-this",
    "npx -y -p b-tool@1.0.0 other",
    "npx --package=b-tool@1.0.0 --yes -- other --package=not-this",
    "npx -y -p a-tool@1.0.0 -p b-tool@1.0.1 a-tool",
    "npx -y -- a-tool@1.0.0 -p not-this",
    "npx -y a-tool@npm:b-tool@1.0.0",
    "npx --loglevel silent -y a-tool@1.0.0",
    "npm exec -y -- a-tool@1.0.0 --flag",
    "npm exec --yes --package=b-tool@1.0.1 -- other",
    "npm x -y a-tool@1.0.1",
    "npm install a-tool@1.0.0 b-tool@1.0.1",
    "npm i --save-dev alias@npm:b-tool@1.0.1",
    "npm --yes exec a-tool@1.0.0",
    "uvx a-tool@1.0.0",
    "uvx a-tool",
    "uvx --from b-tool==1.0.1 other",
    "uvx --with b-tool==1.0.0 a-tool@1.0.1 --from not-this",
    "uvx -q --refresh A_Tool@1.0.0",
    "uv tool run --from b-tool==1.0.0 other",
    "uv tool run a-tool@1.0.1",
    "uv run --no-project --with b-tool==1.0.1 python -c pass",
    "python3 -m pip install --target HOME/t a-tool==1.0.1",
    "pip3 install --no-deps --target HOME/t a.tool==1.0.0 b-tool",
];

#[test]
fn launchers_fetch_what_is_read_from_their_words() {
    let apart = Command::new("unshare").args(["-rn", "true"]).status();
    if !apart.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this system forbids user namespaces, so launchers can't be kept apart");
        return;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let programs = target.join("references/venv/bin");
    assert!(
        programs.join("uvx").exists(),
        "no uvx; cargo xtask test --prepare installs the references"
    );
    let argv: Vec<Vec<String>> = COMMANDS
        .iter()
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    let cases: Vec<_> = argv
        .iter()
        .map(|argv| serde_json::json!({ "argv": argv, "env": {} }))
        .collect();
    let path = std::env::var("PATH").unwrap();
    let mut child = Command::new("unshare")
        .arg("-rn")
        .arg(programs.join("python"))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/reference/launchers.py"
        ))
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(&serde_json::to_vec(&cases).unwrap())
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let fetched: Vec<BTreeSet<String>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut wrong = Vec::new();
    for (argv, fetched) in argv.iter().zip(&fetched) {
        let read = read(argv);
        if &read != fetched {
            wrong.push(format!("{argv:?}: read {read:?}, fetched {fetched:?}"));
        }
    }
    assert_eq!(fetched.len(), COMMANDS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The packages that the words name, in the versions that this registry has for them.
fn read(argv: &[String]) -> BTreeSet<String> {
    let found = launch::launch(argv, &[]);
    let version = |spec: &Spec| match spec {
        Spec::Exact(version) => version.clone(),
        Spec::Tag(tag) if tag == "next" => NEXT.to_owned(),
        _ => LATEST.to_owned(),
    };
    let named = found.candidates.iter().map(|candidate| {
        let ecosystem = candidate.ecosystem;
        let name = ecosystem.normalise(&candidate.name);
        format!("{}:{name}@{}", ecosystem.id(), version(&candidate.spec))
    });
    named.collect()
}
