//! Pins: what is compared, kept, accepted and refused.

use super::pin::bare;
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
        let (path, audit) = (self.path(), self.folder.path().join("audit"));
        Pins::open(Sealed::new(path, &audit, PURPOSE))
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
        unknown: None,
    }
}

fn pin(named: Option<&str>, package: Option<&str>, sha256: Option<&str>) -> Option<Pin> {
    Pin::new("mail", &launch(), named, &on_disk(package, sha256))
}

fn rule(standing: &Standing) -> (&str, &str) {
    match standing {
        Standing::New => ("new", ""),
        Standing::Same => ("same", ""),
        Standing::Changed(finding) => (&finding.rule, &finding.message),
    }
}

#[test]
fn what_changed_since_it_was_allowed_is_found() {
    let home = Home::new();
    let pins = home.pins();
    let first = pin(Some("npm:mail"), Some("npm:mail@1.0.1"), Some("aa")).unwrap();
    assert_eq!(pins.standing("mail", Some(&first)), Standing::New);
    pins.allowed(first.clone()).unwrap();
    // A restarted daemon knows it, too.
    let pins = home.pins();
    assert_eq!(pins.standing("mail", Some(&first)), Standing::Same);

    let cases = [
        (
            pin(Some("npm:mail"), Some("npm:mail@1.0.2"), Some("bb")),
            "pins.version",
        ),
        (pin(Some("npm:mail@1.0.2"), None, None), "pins.version"),
        (
            pin(Some("npm:mail"), Some("npm:other@1.0.1"), Some("aa")),
            "pins.version",
        ),
        (
            pin(Some("npm:mail"), Some("npm:mail@1.0.1"), Some("bb")),
            "pins.content",
        ),
        // What is not known is not compared.
        (pin(Some("npm:mail"), Some("npm:mail@1.0.1"), None), "same"),
        (pin(Some("npm:mail"), None, None), "new"),
        // Another package under the same name is another pin.
        (
            pin(Some("npm:post"), Some("npm:post@1.0.0"), Some("cc")),
            "new",
        ),
    ];
    for (now, expected) in cases {
        let standing = pins.standing("mail", now.as_ref());
        assert_eq!(rule(&standing).0, expected, "{now:?}");
    }
    let changed = pin(Some("npm:mail"), Some("npm:mail@1.0.2"), Some("bb"));
    assert_eq!(
        rule(&pins.standing("mail", changed.as_ref())).1,
        "mail is npm:mail@1.0.2 now; when it was last allowed it was npm:mail@1.0.1."
    );
    // Another server of the same package has a pin of its own.
    let other = Pin::new(
        "post",
        &launch(),
        Some("npm:mail"),
        &on_disk(Some("npm:mail@1.0.2"), None),
    );
    assert_eq!(pins.standing("post", other.as_ref()), Standing::New);
}

#[test]
fn a_local_program_may_change_and_it_is_said() {
    let home = Home::new();
    let pins = home.pins();
    pins.allowed(pin(None, Some("npm:own@1.0.0"), Some("aa")).unwrap())
        .unwrap();
    let now = pin(None, Some("npm:own@1.0.1"), Some("bb"));
    let Standing::Changed(finding) = pins.standing("mail", now.as_ref()) else {
        panic!("it changed");
    };
    assert_eq!(
        (finding.rule.as_str(), finding.severity),
        ("pins.file", Severity::Info)
    );
}

#[test]
fn a_server_elsewhere_is_not_pinned() {
    let mut launch = launch();
    launch.origin = Some("https://mcp.example".into());
    let identity = on_disk(None, Some("aa"));
    assert_eq!(Pin::new("mail", &launch, None, &identity), None);
}

#[test]
fn only_what_was_refused_can_be_accepted_and_it_is_recorded() {
    let home = Home::new();
    let pins = home.pins();
    let old = pin(Some("npm:mail"), Some("npm:mail@1.0.1"), Some("aa")).unwrap();
    let new = pin(Some("npm:mail"), Some("npm:mail@1.0.2"), Some("bb")).unwrap();
    pins.allowed(old).unwrap();
    let nothing = pins.accept("mail", "uid 1", &home.ledger);
    assert!(matches!(nothing, Err(PinError::NothingRefused)));
    pins.refused(new.clone()).unwrap();
    assert_ne!(pins.standing("mail", Some(&new)), Standing::Same);
    let accepted = pins.accept("mail", "uid 1", &home.ledger).unwrap();
    assert_eq!(accepted[0].package.as_deref(), Some("npm:mail@1.0.2"));
    assert_eq!(home.pins().standing("mail", Some(&new)), Standing::Same);
    home.ledger.checkpoint().unwrap();
    let query = crate::audit::Query::parse("kind:pin-accepted", 0).unwrap();
    let found = crate::audit::search(&home.folder.path().join("audit"), &query).unwrap();
    assert_eq!(found.count(), 1);
}

#[test]
fn pins_that_are_not_ours_make_every_launch_a_changed_one() {
    let home = Home::new();
    let same = pin(Some("npm:mail"), Some("npm:mail@1.0.1"), Some("aa")).unwrap();
    home.pins().allowed(same.clone()).unwrap();
    let text = std::fs::read_to_string(home.path()).unwrap();
    std::fs::write(home.path(), text.replace("1.0.1", "1.0.2")).unwrap();
    let pins = home.pins();
    let standing = pins.standing("mail", Some(&same));
    assert_eq!(rule(&standing).0, "pins.unreadable");
    assert!(pins.allowed(same.clone()).is_err());
    assert!(pins.accept("mail", "uid 1", &home.ledger).is_err());
    pins.reset("uid 1", &home.ledger).unwrap();
    assert!(matches!(
        pins.reset("uid 1", &home.ledger),
        Err(PinError::Sound)
    ));
    pins.allowed(same.clone()).unwrap();
    assert_eq!(home.pins().standing("mail", Some(&same)), Standing::Same);
}

#[test]
fn a_flood_of_servers_washes_no_pin_out() {
    let home = Home::new();
    let pins = home.pins();
    let first = pin(Some("npm:mail"), Some("npm:mail@1.0.1"), Some("aa")).unwrap();
    pins.allowed(first.clone()).unwrap();
    {
        // Without a thousand syncs of a disk.
        let mut lock = pins.lock();
        let all = lock.as_mut().unwrap();
        for n in 0..MAX_PINS {
            let mut pin = first.clone();
            pin.server = format!("s{n}");
            all.insert(pin.key(), pin);
        }
    }
    let mut late = first.clone();
    late.server = "late".into();
    pins.allowed(late.clone()).unwrap();
    assert_eq!(pins.standing("late", Some(&late)), Standing::New);
    assert_eq!(pins.standing("mail", Some(&first)), Standing::Same);
    let mut changed = first;
    changed.sha256 = Some("bb".into());
    assert_eq!(
        rule(&pins.standing("mail", Some(&changed))).0,
        "pins.content"
    );
}

#[test]
fn versions_are_cut_from_names_and_scopes_are_not() {
    assert_eq!(bare("npm:@scope/x@1.0.0"), "npm:@scope/x");
    assert_eq!(bare("npm:@scope/x"), "npm:@scope/x");
    assert_eq!(bare("pypi:x@1.0"), "pypi:x");
    assert_eq!(bare("oci:mcp/fetch@sha256:00"), "oci:mcp/fetch");
}
