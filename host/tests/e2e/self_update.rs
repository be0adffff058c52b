//! `self-update`: archives made by `cargo xtask dist`, signed with this machine's release key or one
//! that is thrown away, taken from a folder and from a server.

use crate::kit::{Cli, Daemon, Home, Publisher, environment};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that says a version, and completions when asked.
const NEWER: &str = "#!/bin/sh\necho clawdefender 9.0.0\n";

/// One installation and a folder of releases.
struct Place {
    home: Home,
    own: PathBuf,
    dist: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let bin = home.file("bin");
        fs::create_dir(&bin).unwrap();
        let own = bin.join("clawdefender");
        fs::copy(env!("CARGO_BIN_EXE_clawdefender"), &own).unwrap();
        let dist = home.file("dist");
        Self { home, own, dist }
    }

    /// Publishes `program`, signed by the key in `key`.
    fn publish(&self, program: &str, key: &Path, more: &[&str]) {
        let file = self.home.file("new");
        fs::write(&file, program).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let key = key.to_str().unwrap();
        let dist = self.dist.to_str().unwrap();
        let program = file.to_str().unwrap();
        let base = ["dist", "--key", key, "--program", program, "--out", dist];
        xtask(&[&base, more].concat());
    }

    fn archive(&self) -> PathBuf {
        let listed = self.index()["archives"][0]["file"]
            .as_str()
            .unwrap()
            .to_owned();
        self.dist.join(listed)
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.dist.join("latest.json")).unwrap()).unwrap()
    }

    fn set_index(&self, change: impl FnOnce(&mut Value)) {
        let mut index = self.index();
        change(&mut index);
        fs::write(self.dist.join("latest.json"), index.to_string()).unwrap();
    }

    /// Replaces the archive and lets the index say what is there now, as who serves it can.
    fn set_archive(&self, bytes: &[u8]) {
        fs::write(self.archive(), bytes).unwrap();
        self.set_index(|index| {
            index["archives"][0]["length"] = json!(bytes.len());
            index["archives"][0]["sha256"] = json!(clawdefender_trust::Sha256Digest::of(bytes));
        });
    }

    fn update(&self, arguments: &[&str]) -> Cli {
        let mut command = Command::new(&self.own);
        self.home.lend(&mut command);
        let ended = command.args(["self-update", "--json"]).args(arguments);
        let ended = ended.output().unwrap();
        Cli {
            code: ended.status.code().unwrap_or(-1),
            out: String::from_utf8(ended.stdout).unwrap(),
            err: String::from_utf8(ended.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        let before = fs::metadata(&self.own).unwrap().len();
        let ended = self.update(&["--from", self.dist.to_str().unwrap()]);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.err.contains(why), "{ended:?}");
        assert_eq!(fs::metadata(&self.own).unwrap().len(), before);
        let beside = fs::read_dir(self.own.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing is left beside it");
        let record = self.home.records("type:update").pop().expect("a record");
        assert_eq!(record["kind"], "update-refused", "{record:#}");
        assert_eq!(record["decision"]["action"], "deny");
        assert!(record["note"].as_str().unwrap().contains(why), "{record:#}");
    }

    /// The one record of an update to 9.0.0.
    #[track_caller]
    fn begun(&self) {
        let record = self.home.record("type:update");
        let archive = fs::read(self.archive()).unwrap();
        let digest = clawdefender_trust::Sha256Digest::of(&archive).to_string();
        assert_eq!(record["kind"], "update-begun", "{record:#}");
        assert_eq!(record["name"], "9.0.0");
        assert_eq!(record["digest"], digest);
        let note = record["note"].as_str().unwrap();
        let key = clawdefender_trust::SecretKey::from_hex(
            fs::read_to_string(release_key()).unwrap().trim_end(),
        );
        let key = key.unwrap().public().id().to_string();
        let versions = format!("{} to 9.0.0 from ", env!("CARGO_PKG_VERSION"));
        assert!(note.starts_with(&versions) && note.contains(&key), "{note}");
        self.home.verify_audit();
    }
}

#[track_caller]
fn xtask(arguments: &[&str]) {
    let program = environment().folder.with_file_name("debug").join("xtask");
    let ended = Command::new(program).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{arguments:?} {ended:?}");
}

/// The key that the tested build believes.
fn release_key() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name(".dev-root")
        .join("release.key")
}

#[test]
fn a_signed_newer_release_takes_the_place_and_the_old_one_is_kept() {
    let place = Place::new();
    place.publish(NEWER, &release_key(), &[]);
    let publisher = Publisher::of(&place.dist);
    let url = publisher.url();
    let offered = place.update(&["--check", "--from", &url]);
    assert_eq!(offered.code, 3, "{offered:?}");
    assert_eq!(offered.json()["offered"], "9.0.0");

    let updated = place.update(&["--from", &url]).done().json();
    assert_eq!(updated["now"], "9.0.0", "{updated:#}");
    assert_eq!(fs::read_to_string(&place.own).unwrap(), NEWER);
    place.begun();
    let previous = place.own.with_file_name("clawdefender.previous");
    let old = Command::new(&previous).arg("--version").output().unwrap();
    let old = String::from_utf8(old.stdout).unwrap();
    assert!(
        old.starts_with(concat!("clawdefender ", env!("CARGO_PKG_VERSION"))),
        "{old}"
    );
}

#[test]
fn an_update_is_recorded_by_the_daemon_when_one_runs() {
    let place = Place::new();
    let daemon = Daemon::start(&place.home);
    place.publish(NEWER, &release_key(), &[]);
    place
        .update(&["--from", place.dist.to_str().unwrap()])
        .done();
    place.begun();
    drop(daemon);
}

#[test]
fn what_can_not_be_recorded_is_not_done() {
    let place = Place::new();
    place.publish(NEWER, &release_key(), &[]);
    // A log of which nobody knows the key.
    let audit = place.home.root().join("audit");
    fs::create_dir(&audit).unwrap();
    fs::write(audit.join("key.pub"), "none").unwrap();
    let before = fs::metadata(&place.own).unwrap().len();
    let ended = place.update(&["--from", place.dist.to_str().unwrap()]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("nothing was replaced"), "{ended:?}");
    assert_eq!(fs::metadata(&place.own).unwrap().len(), before);
}

#[test]
fn a_release_that_does_not_start_here_is_recorded_as_failed() {
    let place = Place::new();
    place.publish(
        "#!/bin/sh\ntest \"$CLAWDEFENDER_HOME\" || echo clawdefender 9.0.0\n",
        &release_key(),
        &[],
    );
    let ended = place.update(&["--from", place.dist.to_str().unwrap()]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let kinds: Vec<Value> = place.home.records("type:update");
    let kinds: Vec<&Value> = kinds.iter().map(|record| &record["kind"]).collect();
    assert_eq!(kinds, ["update-begun", "update-failed"]);
}

#[test]
fn one_flipped_byte_and_a_cut_archive_are_refused() {
    let place = Place::new();
    place.publish(NEWER, &release_key(), &[]);
    let whole = fs::read(place.archive()).unwrap();
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(place.archive(), &changed).unwrap();
        place.refused("not the one that the index names");
        place.set_archive(&changed);
        place.refused("not signed by the release key");
    }
    place.set_archive(&whole[..whole.len() / 2]);
    place.refused("not signed by the release key");
}

#[test]
fn another_key_is_refused() {
    let place = Place::new();
    let keys = place.home.file("keys");
    xtask(&[
        "keygen",
        "--out",
        keys.to_str().unwrap(),
        "--name",
        "r",
        "--release",
    ]);
    place.publish(NEWER, &keys.join("r.key"), &[]);
    place.refused("not signed by the release key");
}

#[test]
fn an_older_release_is_refused_whatever_the_index_says() {
    let place = Place::new();
    place.publish("#!/bin/sh\necho clawdefender 0.0.9\n", &release_key(), &[]);
    place.refused("is older than");
    place.set_index(|index| index["version"] = json!("9.0.0"));
    place.refused("is older than");
}

#[test]
fn a_release_for_another_target_is_refused() {
    let place = Place::new();
    place.publish(NEWER, &release_key(), &["--target", "z80-unknown-cpm"]);
    let here = place.update(&["--from", place.dist.to_str().unwrap()]);
    assert_eq!(here.code, 1, "not offered for this machine: {here:?}");
    // Whoever serves it can say otherwise; the signature does not.
    let own = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    place.set_index(|index| index["archives"][0]["target"] = json!(own));
    place.refused("the signature is for z80-unknown-cpm");
}

#[test]
fn a_signed_archive_that_leads_out_of_itself_is_refused() {
    let place = Place::new();
    place.publish(NEWER, &release_key(), &[]);
    let mut header = tar::Header::new_ustar();
    let name = b"../../evil";
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_size(0);
    header.set_cksum();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, header.as_bytes()).unwrap();
    std::io::Write::write_all(&mut packed, &[0; 1024]).unwrap();
    let packed = packed.finish().unwrap();

    let comment = fs::read_to_string(place.archive().with_extension("gz.minisig")).unwrap();
    let comment = comment
        .lines()
        .find_map(|line| line.strip_prefix("trusted comment: "));
    let key = fs::read_to_string(release_key()).unwrap();
    let key = clawdefender_trust::SecretKey::from_hex(key.trim_end()).unwrap();
    let signed = clawdefender_trust::sign_release(&packed, comment.unwrap(), &key);
    fs::write(place.archive().with_extension("gz.minisig"), signed).unwrap();
    place.set_archive(&packed);
    place.refused("a name that leads out of it");
}

#[test]
fn nothing_newer_is_said_and_done() {
    let place = Place::new();
    let same = format!(
        "#!/bin/sh\necho clawdefender {}\n",
        env!("CARGO_PKG_VERSION")
    );
    place.publish(&same, &release_key(), &[]);
    let told = place
        .update(&["--from", place.dist.to_str().unwrap()])
        .done();
    assert_eq!(told.json()["updated"], false);
    assert_eq!(place.update(&[]).code, 2, "no source is named anywhere");
}
