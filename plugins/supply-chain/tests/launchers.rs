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

/// Commands of npm, pnpm, yarn (`yarn@4` is the newer one, and read as `yarn`), Bun and Deno, and of
/// uv, pip and pipx, which fetch exactly what is read.
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
    "pnpm dlx a-tool@1.0.0",
    "pnpm dlx a-tool",
    "pnpm dlx a-tool@next",
    "pnpx a-tool@1.0.1",
    "pnpm dlx @s/a-tool@1.0.1 --flag -p not-this",
    "pnpm dlx --package b-tool@1.0.0 other",
    "pnpm --package=b-tool@1.0.0 dlx other",
    "pnpm dlx a-tool@npm:b-tool@1.0.0",
    "pnpm -s dlx a-tool@1.0.1",
    "pnpm add a-tool@1.0.0 alias@npm:b-tool@1.0.1",
    "pnpx --package=b-tool@1.0.1 other",
    "yarn@4 dlx a-tool",
    "yarn@4 dlx a-tool@next",
    "yarn@4 dlx -q @s/a-tool@1.0.1 --flag -p not-this",
    "yarn@4 dlx -p b-tool@1.0.0 other",
    "yarn@4 dlx --package b-tool@1.0.0 -p a-tool@1.0.0 other",
    "yarn@4 dlx a-tool@npm:b-tool@1.0.0",
    "yarn add a-tool@1.0.0 @s/b-tool@1.0.1",
    "yarn add --dev a-tool@next",
    "yarn add alias@npm:b-tool@1.0.1",
    "yarn --silent add a-tool",
    "bunx a-tool",
    "bunx a-tool@next",
    "bunx @s/a-tool@1.0.1 --flag -p not-this",
    "bunx -p b-tool@1.0.0 other",
    "bunx --package=b-tool@1.0.0 other",
    "bunx --bun a-tool@1.0.0",
    "bunx a-tool@npm:b-tool@1.0.0",
    "bun x --silent a-tool@1.0.1",
    "bun add a-tool@1.0.0 alias@npm:b-tool@1.0.1",
    "pipx run a-tool",
    "pipx run --spec b-tool==1.0.1 other",
    "pipx run --spec=b-tool==1.0.0 other --spec not-this",
    "pipx run -q A_Tool==1.0.1",
    "pipx run --with b-tool==1.0.0 a-tool==1.0.1",
    "pipx install a-tool==1.0.1",
    "pipx run --python python3 a-tool==1.0.0",
    "deno run -A npm:a-tool",
    "deno run -A npm:a-tool@next",
    "deno run -A npm:@s/a-tool@1.0.1/other --flag -p not-this",
    "deno run --allow-read=. --allow-net npm:a-tool@1.0.0/run.js",
    "deno -A npm:a-tool@1.0.1",
    "deno run -A --env-file npm:a-tool@1.0.0",
    "deno x -A npm:b-tool@1.0.1",
    "deno x -A a-tool",
    "deno x -A @s/a-tool@1.0.1/other",
    "deno x -A -p b-tool@1.0.0 other",
    "deno x -A --package=npm:b-tool@1.0.0 other",
    "deno add npm:a-tool@1.0.0 b-tool@1.0.1",
    "deno install -gA -n x npm:a-tool@1.0.0",
    "npx -y npm:a-tool@1.0.0",
    "npm exe -y a-tool@1.0.1",
    "npm install-te a-tool@1.0.0",
    "pnpm dlx npm:b-tool@1.0.0",
    "uvx --with b-tool>=2,<3 a-tool@1.0.0",
    "uvx --no-sources-package c-tool a-tool@1.0.0",
    "pipx run --fetch-missing-python a-tool==1.0.0",
    "pipx install -f a-tool==1.0.1",
    "pipx run --cooldown 0 a-tool==1.0.1",
];

/// Commands of which more may be read than is fetched: options that nobody knows, which most
/// launchers refuse, and words that may be packages.
const DOUBTFUL: &[&str] = &[
    "bun create thing@1.0.0",
    "pnpm dlx --brand-new a-tool@1.0.0 b-tool@1.0.0",
    "pnpm dlx -p b-tool@1.0.0 other",
    "yarn@4 dlx --brand-new a-tool@1.0.0",
    "yarn add --brand-new a-tool@1.0.0 b-tool@1.0.0",
    "bunx --brand-new a-tool@1.0.0 b-tool@1.0.0",
    "pipx run --brand-new a-tool==1.0.0",
    "deno run --brand-new npm:a-tool@1.0.0",
    "deno run -A npm:a-tool@1.0.0 npm:b-tool@1.0.0",
    "npx -y --brand-new a-tool@1.0.0 b-tool@1.0.0",
    "npx -y --package= a-tool@1.0.0",
    "npx -y -pa-tool@1.0.0 other@1.0.0",
    "npx -y -n a-tool@1.0.0 b-tool@1.0.0",
    "npm i -n a-tool@1.0.0",
    "yarn@4 dlx a-tool@npm:next",
    "deno create -y npm:thing@1.0.0",
    "deno eval import('npm:a-tool@1.0.0')",
    "bun -e import'a-tool'",
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
    let lines = COMMANDS.iter().chain(DOUBTFUL);
    let argv: Vec<Vec<String>> = lines
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
        .arg(target.join("references/node/node_modules"))
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
    for (at, (argv, fetched)) in argv.iter().zip(&fetched).enumerate() {
        let read = read(argv);
        let sure = at < COMMANDS.len();
        let right = if sure {
            &read == fetched && !fetched.is_empty()
        } else {
            read.is_superset(fetched)
        };
        if !right {
            wrong.push(format!("{argv:?}: read {read:?}, fetched {fetched:?}"));
        }
    }
    assert_eq!(fetched.len(), argv.len());
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
