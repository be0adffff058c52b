//! Pins: what is compared, kept, accepted, forgotten and refused.

use super::*;
use crate::event::Launch;
use crate::event::identity::Identity;
use std::sync::Arc;

struct Home {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("audit"), Arc::new(|| 1)).unwrap();
        Self { folder, ledger }
    }

    fn pins(&self) -> Pins {
        let audit = self.folder.path().join("audit");
        Pins::open(Sealed::new(self.path(), &audit, PURPOSE))
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("pins.json")
    }
}

fn launch() -> Launch {
    Launch {
        argv: vec!["npx".into()],
        env: vec![],
        cwd: "/".into(),
        origin: None,
    }
}

fn on_disk(package: Option<&str>, sha256: Option<&str>) -> Identity {
    Identity {
        package: package.map(str::to_owned),
        entry: Some("/x/cli.js".into()),
        sha256: sha256.map(str::to_owned),
        ..Identity::default()
    }
}

fn server(
    name: &str,
    named: Option<&str>,
    package: Option<&str>,
    sha256: Option<&str>,
) -> Candidate {
    Candidate::of(name, &launch(), named, &on_disk(package, sha256)).unwrap()
}

/// The server "mail".
fn mail(named: &str, package: Option<&str>, sha256: Option<&str>) -> Candidate {
    server("mail", Some(named), package, sha256)
}

fn first() -> Candidate {
    mail("npm:mail", Some("npm:mail@1.0.1"), Some("aa"))
}

fn rule(pins: &Pins, now: &Candidate) -> String {
    match pins.standing(&now.server, Some(now)) {
        Standing::New => "new".into(),
        Standing::Same => "same".into(),
        Standing::Changed(finding) => finding.rule,
    }
}

#[test]
fn a_package_does_not_lose_its_pin_by_a_long_name_of_its_file() {
    let deep = Identity {
        entry: Some(format!("/x/node_modules/mail/{}/cli.js", "a".repeat(500))),
        ..on_disk(Some("npm:mail@1.0.2"), Some("bb"))
    };
    let now = Candidate::of("mail", &launch(), Some("npm:mail"), &deep).unwrap();
    let home = Home::new();
    let pins = home.pins();
    pins.allowed(first()).unwrap();
    assert_eq!(rule(&pins, &now), "pins.version");
    // Without a package the file is what is pinned, so it must be told from others.
    assert_eq!(
        Candidate::of(
            "mail",
            &launch(),
            None,
            &Identity {
                package: None,
                ..deep
            }
        ),
        None
    );
}

#[test]
fn what_changed_since_it_was_allowed_is_found() {
    let home = Home::new();
    assert_eq!(rule(&home.pins(), &first()), "new");
    home.pins().allowed(first()).unwrap();
    // A restarted daemon knows it, too.
    let pins = home.pins();
    assert_eq!(rule(&pins, &first()), "same");
    for (now, expected) in [
        (
            mail("npm:mail", Some("npm:mail@1.0.2"), Some("bb")),
            "pins.version",
        ),
        (
            mail("npm:mail", Some("npm:other@1.0.1"), Some("aa")),
            "pins.version",
        ),
        (
            mail("npm:mail", Some("npm:mail@1.0.1"), Some("bb")),
            "pins.content",
        ),
        // One version, written otherwise.
        (
            mail("npm:mail", Some("npm:mail@v1.0.1"), Some("aa")),
            "same",
        ),
        // What is not known is not compared.
        (mail("npm:mail", Some("npm:mail@1.0.1"), None), "same"),
        // Another package under the same name is said.
        (
            mail("npm:post", Some("npm:post@1.0.0"), Some("cc")),
            "pins.other",
        ),
        // Another server of the same package has a pin of its own.
        (
            server("post", Some("npm:mail"), Some("npm:mail@1.0.2"), None),
            "new",
        ),
    ] {
        assert_eq!(rule(&pins, &now), expected, "{now:?}");
    }
    let Standing::Changed(finding) = pins.standing("mail", None) else {
        panic!("it can't be told any more what runs");
    };
    assert_eq!(
        (finding.rule.as_str(), finding.severity),
        ("pins.other", Severity::Info)
    );
    assert_eq!(pins.standing("post", None), Standing::New);
}

#[test]
fn the_version_that_the_command_names_counts_beside_the_one_on_the_disk() {
    let home = Home::new();
    let pins = home.pins();
    let lies = Some("pypi:x@1.0");
    pins.allowed(server("x", Some("pypi:x@2.0"), lies, Some("aa")))
        .unwrap();
    let other = server("x", Some("pypi:x@3.0"), lies, Some("aa"));
    assert_eq!(rule(&pins, &other), "pins.version");
    let Standing::Changed(finding) = pins.standing("x", Some(&other)) else {
        panic!("it changed");
    };
    assert_eq!(
        finding.message,
        "pypi:x@3.0 now, and pypi:x@2.0 when it was last allowed: x."
    );
}

#[test]
fn what_was_known_is_not_forgotten_by_a_launch_that_knows_less() {
    let home = Home::new();
    let pins = home.pins();
    pins.allowed(first()).unwrap();
    // Its folder was gone for one launch.
    let less = mail("npm:mail", Some("npm:mail@1.0.1"), None);
    assert_eq!(rule(&pins, &less), "same");
    pins.allowed(less).unwrap();
    let altered = mail("npm:mail", Some("npm:mail@1.0.1"), Some("bb"));
    assert_eq!(rule(&pins, &altered), "pins.content");
    // What was not known at first is learnt.
    let late = server("late", Some("npm:late@1.0.0"), None, None);
    pins.allowed(late).unwrap();
    let known = server(
        "late",
        Some("npm:late@1.0.0"),
        Some("npm:late@1.0.0"),
        Some("cc"),
    );
    pins.allowed(known).unwrap();
    let altered = server(
        "late",
        Some("npm:late@1.0.0"),
        Some("npm:late@1.0.0"),
        Some("dd"),
    );
    assert_eq!(rule(&pins, &altered), "pins.content");
}

#[test]
fn two_projects_may_have_two_versions() {
    let home = Home::new();
    let pins = home.pins();
    let versions = ["1", "2", "3", "4"].map(|version| {
        let package = format!("npm:mail@{version}");
        mail("npm:mail", Some(&package), Some(version))
    });
    for version in &versions {
        pins.allowed(version.clone()).unwrap();
    }
    assert!(
        versions
            .iter()
            .all(|version| rule(&pins, version) == "same")
    );
    // No more than four: the oldest is asked about again.
    pins.allowed(mail("npm:mail", Some("npm:mail@5"), Some("5")))
        .unwrap();
    assert_eq!(rule(&pins, &versions[0]), "pins.version");
    assert_eq!(rule(&pins, &versions[1]), "same");
}

#[test]
fn a_local_program_may_change_and_an_installed_one_may_not() {
    let home = Home::new();
    let pins = home.pins();
    let own = |sha256| server("own", None, Some("npm:own@1.0.0"), Some(sha256));
    pins.allowed(own("aa")).unwrap();
    let Standing::Changed(finding) = pins.standing("own", Some(&own("bb"))) else {
        panic!("it changed");
    };
    assert_eq!(
        (finding.rule.as_str(), finding.severity),
        ("pins.file", Severity::Info)
    );

    let installed = |version: &str, sha256: &str| {
        let mut identity = on_disk(Some(&format!("npm:x@{version}")), Some(sha256));
        identity.entry = Some("/w/node_modules/x/cli.js".into());
        Candidate::of("x", &launch(), None, &identity).unwrap()
    };
    pins.allowed(installed("1.0.0", "aa")).unwrap();
    assert_eq!(rule(&pins, &installed("1.0.0", "bb")), "pins.content");
    assert_eq!(rule(&pins, &installed("1.0.1", "bb")), "pins.version");
}

#[test]
fn a_server_elsewhere_is_not_pinned() {
    let mut launch = launch();
    launch.origin = Some("https://mcp.example".into());
    let identity = on_disk(None, Some("aa"));
    assert_eq!(Candidate::of("mail", &launch, None, &identity), None);
}

#[test]
fn only_what_was_shown_and_refused_can_be_accepted_and_it_is_recorded() {
    let home = Home::new();
    let pins = home.pins();
    let new = mail("npm:mail", Some("npm:mail@1.0.2"), Some("bb"));
    let accept = |seen: &[What]| pins.accept("mail", seen, "uid 1", &home.ledger);
    pins.allowed(first()).unwrap();
    assert!(matches!(accept(&[]), Err(PinError::NothingRefused)));
    pins.refused(new.clone()).unwrap();
    let seen: Vec<What> = pins.list().unwrap().remove(0).refused.into_iter().collect();
    // The old one starts once more, and somebody slips another in.
    pins.allowed(first()).unwrap();
    let evil = mail("npm:mail", Some("npm:mail@6.6.6"), Some("ee"));
    pins.refused(evil.clone()).unwrap();
    assert!(matches!(accept(&seen), Err(PinError::Meanwhile)));
    assert_eq!(rule(&pins, &evil), "pins.version");
    pins.refused(new.clone()).unwrap();
    let seen: Vec<What> = pins.list().unwrap().remove(0).refused.into_iter().collect();
    assert_eq!(seen[0].package.as_deref(), Some("npm:mail@1.0.2"));
    accept(&seen).unwrap();
    assert_eq!(rule(&home.pins(), &new), "same");
    assert_eq!(rule(&home.pins(), &first()), "same");
    home.ledger.checkpoint().unwrap();
    let query = crate::audit::Query::parse("kind:pin-accepted", 0).unwrap();
    let found = crate::audit::search(&home.folder.path().join("audit"), &query).unwrap();
    assert_eq!(found.count(), 1);
}

#[test]
fn pins_that_are_not_ours_make_every_launch_a_changed_one() {
    let home = Home::new();
    home.pins().allowed(first()).unwrap();
    let text = std::fs::read_to_string(home.path()).unwrap();
    std::fs::write(home.path(), text.replace("1.0.1", "1.0.2")).unwrap();
    let pins = home.pins();
    assert_eq!(rule(&pins, &first()), "pins.unreadable");
    assert_ne!(pins.standing("any", None), Standing::New);
    assert!(pins.allowed(first()).is_err());
    assert!(pins.accept("mail", &[], "uid 1", &home.ledger).is_err());
    // The right file is back: nothing is forgotten.
    std::fs::write(home.path(), &text).unwrap();
    pins.reset("uid 1", &home.ledger).unwrap();
    assert_eq!(rule(&pins, &first()), "same");
    assert!(matches!(
        pins.reset("uid 1", &home.ledger),
        Err(PinError::Sound)
    ));

    std::fs::write(home.path(), "").unwrap();
    let pins = home.pins();
    pins.reset("uid 1", &home.ledger).unwrap();
    assert_eq!(rule(&home.pins(), &first()), "new");
}

#[test]
fn a_missing_file_is_told_from_an_empty_one() {
    let home = Home::new();
    assert!(home.pins().begin().unwrap());
    assert!(!home.pins().begin().unwrap());
}

#[test]
fn a_flood_of_servers_washes_no_pin_out_and_is_said() {
    let home = Home::new();
    let pins = home.pins();
    pins.allowed(first()).unwrap();
    {
        // Without hundreds of syncs of a disk; as long as they can be.
        let mut lock = pins.lock();
        let all = lock.as_mut().unwrap();
        for n in 1..MAX_PINS {
            let name = format!("{n:0>396}");
            let mut pin = Pin::first(server(
                &name,
                Some(&format!("npm:{name}")),
                None,
                Some("aa"),
            ));
            pin.accepted = vec![pin.accepted[0].clone(); 4];
            all.insert(pin.key(), pin);
        }
    }
    let late = server("late", Some("npm:late"), None, Some("aa"));
    assert!(matches!(pins.allowed(late.clone()), Err(PinError::Full)));
    assert_eq!(rule(&pins, &late), "new");
    let changed = mail("npm:mail", Some("npm:mail@1.0.1"), Some("bb"));
    assert_eq!(rule(&pins, &changed), "pins.content");
    // What is refused can still be kept: the file is large enough.
    pins.refused(changed).unwrap();
    pins.remove("mail", "uid 1", &home.ledger).unwrap();
    assert!(matches!(
        pins.remove("mail", "uid 1", &home.ledger),
        Err(PinError::Unknown)
    ));
    pins.allowed(late.clone()).unwrap();
    assert_eq!(rule(&home.pins(), &late), "same");
}

#[test]
fn a_version_in_the_command_is_compared_with_the_one_that_was_on_the_disk() {
    let home = Home::new();
    let pins = home.pins();
    pins.allowed(first()).unwrap();
    // Not fetched yet, so the disk says nothing.
    let other = mail("npm:mail@1.0.0", None, None);
    assert_eq!(rule(&pins, &other), "pins.version");
    let same = mail("npm:mail@1.0.1", None, None);
    assert_eq!(rule(&pins, &same), "same");
    pins.allowed(same).unwrap();
    // And the other way round.
    let unpinned = mail("npm:mail", Some("npm:mail@1.0.0"), Some("bb"));
    assert_eq!(rule(&pins, &unpinned), "pins.version");
}
