//! What docs/security-keys.md tells the owner to type, typed by a test with keys of its own; and
//! what must not work at each point.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

use std::path::Path;
use std::process::{Command, Output};

/// The blocks that are marked as drills, in their order.
fn drills() -> Vec<String> {
    let page = include_str!("../../docs/security-keys.md");
    page.split("<!-- drill -->\n```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .map(|block| {
            let lines = block.lines();
            let commands = lines.map(|line| line.strip_prefix("$ ").expect("a command"));
            commands.collect::<Vec<_>>().join("\n")
        })
        .collect()
}

struct Owner {
    folder: tempfile::TempDir,
}

impl Owner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("feeds")).unwrap();
        Self { folder }
    }

    /// Runs lines as a shell does, with `cargo xtask` being the program under test.
    fn shell(&self, script: &str) -> Output {
        let script = format!("set -e\ncargo() {{ shift; \"$XTASK\" \"$@\"; }}\n{script}\n");
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .env("XTASK", env!("CARGO_BIN_EXE_xtask"))
            .output()
            .unwrap()
    }

    #[track_caller]
    fn does(&self, script: &str) -> String {
        let ended = self.shell(script);
        let said = String::from_utf8(ended.stdout).unwrap();
        let complained = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{script}\n{said}\n{complained}");
        said
    }

    #[track_caller]
    fn cannot(&self, script: &str, why: &str) {
        let ended = self.shell(script);
        let complained = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{script} worked");
        assert!(complained.contains(why), "{script}\n{complained}");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn what_the_page_says_works_and_what_a_thief_tries_does_not() {
    let owner = Owner::new();
    let drills = drills();
    let [ceremony, publish, rotate, lost, code, fresh] = drills.as_slice() else {
        panic!("{} drills on the page", drills.len());
    };

    owner.does(ceremony);
    owner.cannot(ceremony, "an existing key is never overwritten");

    let said = owner.does(publish);
    assert!(said.contains("good: feed official stable"), "{said}");
    let feed_key = std::fs::read_to_string(owner.path("KEYS/feed.key")).unwrap();
    let from_environment = format!(
        "FEED_KEY={} && export FEED_KEY && cargo xtask feed sign release --key env:FEED_KEY",
        feed_key.trim()
    );
    let signed = std::fs::read(owner.path("release/manifest.dsse.json")).unwrap();
    owner.does(&from_environment);
    let again = std::fs::read(owner.path("release/manifest.dsse.json")).unwrap();
    assert_eq!(
        signed, again,
        "one key, one signature, wherever it comes from"
    );

    // The current key alone names no successor.
    owner.does("cargo xtask keygen --out THIEF --name t");
    owner.cannot(
        "cargo xtask feed rotate release --root feeds/root.json --next KEYS/feed.key --fresh \"$(cat THIEF/t.pub)\"",
        "is not the pinned next key",
    );
    // Nor does the next key name one that had an office.
    owner.cannot(
        "cargo xtask feed rotate release --root feeds/root.json --next KEYS/next.key --fresh \"$(cat KEYS/code.pub)\"",
        "is refused",
    );
    assert_eq!(
        std::fs::read(owner.path("release/manifest.dsse.json")).unwrap(),
        signed,
        "what was published is still there"
    );

    let said = owner.does(rotate);
    assert!(said.contains("it rotates the keys to epoch 2\n"), "{said}");
    // The dead key signs nothing any more.
    owner.does("cp -r release stolen; cargo xtask feed sign stolen --key KEYS/feed.key");
    owner.cannot(
        "cargo xtask feed verify stolen --root feeds/root.json",
        "is refused",
    );

    let said = owner.does(lost);
    assert!(said.contains("clients call this an emergency"), "{said}");
    assert!(said.contains("followed the link to epoch 2"), "{said}");
    // Without the link nobody gets from the first epoch to the third.
    owner.does("cp -r release short; rm short/rotations/2.dsse.json");
    owner.cannot(
        "cargo xtask feed verify short --root old-root.json",
        "the link to epoch 2 is missing",
    );
    // A link of somebody else is no link.
    owner
        .does("cp -r release forged; cp forged/rotations/3.dsse.json forged/rotations/2.dsse.json");
    owner.cannot(
        "cargo xtask feed verify forged --root old-root.json",
        "the link to epoch 2 is refused",
    );

    owner.does(code);
    // The old code key's word is worth nothing under the new root, and the new one's under the old.
    owner.does("cp -r renewed old-word; cargo xtask feed endorse old-word --key KEYS/code.key; cargo xtask feed sign old-word --key KEYS/next-2.key");
    owner.cannot(
        "cargo xtask feed verify old-word --root new-root.json",
        "is refused",
    );
    owner.cannot(
        "cargo xtask feed verify renewed --root feeds/root.json",
        "is refused",
    );

    // A key that had an office in an earlier epoch gets none again, whoever asks for it.
    owner.cannot(
        "cargo xtask feed build --root feeds/root.json --out again; cargo xtask feed endorse again --key KEYS/code.key; cargo xtask feed rotate again --root feeds/root.json --next KEYS/next-3.key --fresh \"$(cat KEYS/feed.pub)\"",
        "is refused",
    );
    owner.does(fresh);
    for stolen in ["next-2", "next-3"] {
        owner.does(&format!(
            "rm -rf theirs; cp -r fresh theirs; cargo xtask feed sign theirs --key KEYS/{stolen}.key"
        ));
        owner.cannot(
            "cargo xtask feed verify theirs --root fresh-root.json",
            "is refused",
        );
        owner.cannot(
            &format!("cargo xtask feed root --current KEYS/feed-4.pub --next KEYS/{stolen}.pub --code KEYS/code-2.pub --epoch 4 --retired \"$(cat KEYS/{stolen}.pub)\" --out bad-root.json"),
            "twice",
        );
    }
}

#[test]
fn the_same_moment_gives_the_same_feed() {
    let owner = Owner::new();
    owner.does(&drills()[0]);
    let build = "cargo xtask feed build --root feeds/root.json --issued 2026-11-22T06:00:00Z --out";
    owner.does(&format!("{build} one; {build} two"));
    assert_eq!(tree(&owner.path("one")), tree(&owner.path("two")));
}

/// Every file below, with its bytes.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        for entry in std::fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                all.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}
