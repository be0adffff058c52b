//! Spellings and the places they lead to.

use super::*;
use expect_test::{Expect, expect};

fn places(case: Case) -> Places {
    Places {
        home: "/home/u".into(),
        ours: vec![],
        case,
        links: Box::new(NoLinks),
    }
}

#[track_caller]
fn check(raw: &str, expect: Expect) {
    let place = places(Case::Sensitive).locate(raw, Written::Plain, "/srv/app");
    let lines = place.map(|p| [vec![p.value], p.aliases].concat().join("\n"));
    expect.assert_eq(&lines.unwrap_or_default());
}

#[test]
fn one_file_is_found_behind_every_spelling() {
    check("~/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("$HOME/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("${HOME}/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("${HOME:-/x}/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("/home/$USER/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("file:///home/u/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check(
        "FILE://localhost/home/u/.ssh/id_rsa",
        expect!["/home/u/.ssh/id_rsa"],
    );
    check("file:/home/u/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check(
        "/srv/app/../../home/u/./.ssh//id_rsa",
        expect!["/home/u/.ssh/id_rsa"],
    );
    check("../../home/u/.ssh/id_rsa", expect!["/home/u/.ssh/id_rsa"]);
    check("'/home/u/.ssh/id_rsa' ", expect!["/home/u/.ssh/id_rsa"]);
    check("~bob/.ssh/id_rsa", expect!["/home/bob/.ssh/id_rsa"]);
    check("~root/.ssh/id_rsa", expect!["/root/.ssh/id_rsa"]);
    check("", expect![""]);
}

#[test]
fn encoded_and_cut_names_keep_every_reading() {
    check(
        "/home/u/%2essh/id_rsa",
        expect![[r#"
            /home/u/%2essh/id_rsa
            /home/u/.ssh/id_rsa"#]],
    );
    check(
        "file:///home/u/%252essh/id_rsa",
        expect![[r#"
            /home/u/.ssh/id_rsa
            /home/u/%2essh/id_rsa
            /home/u/%252essh/id_rsa"#]],
    );
    check(
        "/home/u/.ssh/id_rsa\0.txt",
        expect![[r#"
            /home/u/.ssh/id_rsa
            /home/u/.ssh/id_rsa.txt"#]],
    );
    check(
        "/proc/self/root/home/u/.ssh/id_rsa",
        expect![[r#"
            /proc/self/root/home/u/.ssh/id_rsa
            /home/u/.ssh/id_rsa"#]],
    );
    check(
        "/srv/app/100%/notes.txt",
        expect!["/srv/app/100%/notes.txt"],
    );
}

#[test]
fn windows_spellings_lead_to_one_form() {
    check(
        r"c:\Users\u\.ssh\id_rsa",
        expect![[r#"
            C:/Users/u/.ssh/id_rsa"#]],
    );
    check(r"C:/Users/u/../u/.ssh", expect!["C:/Users/u/.ssh"]);
    check("file:///C:/Users/u/.ssh", expect!["C:/Users/u/.ssh"]);
}

#[test]
fn links_lead_to_the_real_file_and_the_written_one_stays_known() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("secret/deep")).unwrap();
    std::fs::create_dir(root.join("ws")).unwrap();
    std::os::unix::fs::symlink(root.join("secret/deep"), root.join("ws/link")).unwrap();
    let places = Places {
        links: Box::new(Disk),
        ..places(Case::Sensitive)
    };
    let base = root.to_str().unwrap();
    let at = |rest: &str| format!("{base}/{rest}");

    let new_file = places
        .locate("ws/link/new.txt", Written::Plain, base)
        .unwrap();
    assert_eq!(new_file.value, at("secret/deep/new.txt"));
    assert_eq!(new_file.aliases, [at("ws/link/new.txt")]);

    // The disk goes up from where the link leads; a program that normalises first does not.
    let up = places.locate("ws/link/../x", Written::Plain, base).unwrap();
    assert_eq!((up.value, up.aliases), (at("ws/x"), vec![at("secret/x")]));

    let plain = places.locate("ws/notes.txt", Written::Plain, base).unwrap();
    assert_eq!((plain.value, plain.aliases), (at("ws/notes.txt"), vec![]));
}

#[test]
fn a_link_to_what_is_not_there_yet_leads_to_where_a_write_would_put_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("home/.ssh")).unwrap();
    std::fs::create_dir(root.join("repo")).unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
    link("../home/.ssh/authorized_keys", "repo/notes.txt");
    link("notes.txt", "repo/more.txt");
    link("loop-b", "repo/loop-a");
    link("loop-a", "repo/loop-b");
    let places = Places {
        links: Box::new(Disk),
        ..places(Case::Sensitive)
    };
    let base = root.to_str().unwrap();
    let value = |raw: &str| places.locate(raw, Written::Plain, base).unwrap().value;
    let keys = format!("{base}/home/.ssh/authorized_keys");
    assert_eq!(value("repo/notes.txt"), keys);
    assert_eq!(value("repo/more.txt"), keys);
    assert_eq!(value("repo/none/x"), format!("{base}/repo/none/x"));
    assert_eq!(value("repo/loop-a"), format!("{base}/repo/loop-a"));
    let long = "/a".repeat(8 << 20);
    assert_eq!(value(&long), long, "longer than any path: not looked for");
}

#[test]
fn case_matters_only_where_the_disk_says_so() {
    let written = "~/.SSH/Id_Rsa";
    let exact = places(Case::Sensitive)
        .locate(written, Written::Plain, "/")
        .unwrap();
    assert_eq!(exact.aliases, Vec::<String>::new());
    let folded = places(Case::Insensitive)
        .locate(written, Written::Plain, "/")
        .unwrap();
    assert_eq!(folded.aliases, ["/home/u/.ssh/id_rsa"]);
}

#[test]
fn prose_does_not_look_like_a_path() {
    for path in [
        "/etc/hosts",
        "~",
        "~/x",
        "./x",
        "..",
        "$HOME/x",
        "%USERPROFILE%\\x",
        "C:\\x",
        "file:x",
        "%2Fetc",
    ] {
        assert!(looks_like_path(path), "{path}");
    }
    for prose in [
        "and/or",
        "/ divides",
        "~5 minutes",
        "a.b",
        "...",
        "$5",
        "100%",
        "see ~/.ssh",
    ] {
        assert!(!looks_like_path(prose), "{prose}");
    }
}
