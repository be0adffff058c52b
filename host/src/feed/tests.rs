//! The clock and the disk, as far as somebody else can turn them: each test is an attack of the feed's
//! threat table. Time is passed in, so nobody waits. The feed is a third party's, whose keys the test
//! has; the official one goes the same way.

use super::*;
use crate::download::Progress;
use clawdefender_trust::{
    ABI, ArtifactEntry, Document, PublicKey, Revoked, SecretKey, Sha256Digest, endorse,
    host_version, seal_manifest,
};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const LIST: &[u8] = br#"{"packages":[]}"#;

/// Nothing here starts a detector: its bytes only have to be endorsed.
const CODE: &[u8] = b"a component";

fn list() -> ArtifactEntry {
    ArtifactEntry {
        kind: Kind::Blocklist,
        name: "acme.list".parse().unwrap(),
        version: "1".parse().unwrap(),
        abi: None,
        schema: Some(1),
        detector: Some(acme()),
        sha256: Sha256Digest::of(LIST),
        length: LIST.len() as u64,
        entries: None,
        required: true,
        endorsement: None,
        limits: None,
    }
}

fn detector() -> ArtifactEntry {
    let mut entry = ArtifactEntry {
        kind: Kind::Detector,
        name: acme(),
        abi: Some(ABI),
        schema: None,
        detector: None,
        sha256: Sha256Digest::of(CODE),
        length: CODE.len() as u64,
        ..list()
    };
    entry.endorsement = Some(endorse(&entry, &key()).unwrap());
    entry
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&[7; 32])
}

/// A day from the feed's beginning on, which is a day after the seed was made.
fn day(number: i64) -> Timestamp {
    static MADE: OnceLock<Timestamp> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let now = "2020-01-01T00:00:00Z".parse().unwrap();
        Feeds::open(folder.path(), now).unwrap().made
    });
    made.plus_seconds((number + 1) * 86_400)
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("web")).unwrap();
        Self { folder }
    }

    fn web(&self) -> PathBuf {
        self.folder.path().join("web")
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.folder.path().join("feeds/acme").join(name)
    }

    fn open(&self, now: Timestamp) -> Feeds {
        Feeds::open(&self.folder.path().join("feeds"), now).unwrap()
    }

    /// Publishes a version that lives for ten days.
    fn publish(&self, version: u64, issued: Timestamp) {
        let manifest = Manifest {
            document: Document::Feed,
            spec: 1,
            feed_id: "acme".parse().unwrap(),
            channel: "stable".parse().unwrap(),
            key_epoch: 1,
            version,
            issued,
            expires: issued.plus_days(10),
            next_public_key: SecretKey::from_bytes(&[8; 32]).public(),
            min_host: host_version(),
            critical: Vec::new(),
            artifacts: vec![detector(), list()],
            revoked: Revoked::default(),
            downgrades: Vec::new(),
        };
        for bytes in [LIST, CODE] {
            let blob = self.web().join(Sha256Digest::of(bytes).place());
            fs::create_dir_all(blob.parent().unwrap()).unwrap();
            fs::write(blob, bytes).unwrap();
        }
        let envelope = seal_manifest(&manifest, &[&key()]).unwrap();
        fs::write(self.web().join("manifest.dsse.json"), envelope).unwrap();
    }

    /// With version 1, issued on day 0, live since.
    fn installed(&self) -> Feeds {
        self.publish(1, day(0));
        let mut feeds = self.open(day(0));
        let key: PublicKey = key().public();
        let source = Source::parse(self.web().to_str().unwrap(), None).unwrap();
        let progress = Progress::default();
        let again = Some(self.web().display().to_string());
        let staged = wait(feeds.stage_install(&source, key, again, day(0), &progress)).unwrap();
        feeds.commit(staged).unwrap();
        feeds
    }

    /// Looks in the folder and takes what is newer. Whether anything was.
    fn update(&self, feeds: &mut Feeds, now: Timestamp) -> Result<bool, FeedError> {
        let from = self.web().display().to_string();
        self.update_from(feeds, &from, None, now)
            .map(|(changed, _)| changed)
    }

    fn update_from(
        &self,
        feeds: &mut Feeds,
        from: &str,
        tag: Option<&Tag>,
        now: Timestamp,
    ) -> Result<(bool, Option<Tag>), FeedError> {
        let progress = Progress::default();
        let places = [from.to_owned()];
        let offer = wait(feeds.stage_update(&acme(), &places, None, tag, now, &progress));
        let offer = offer.map_err(|mut wrong| wrong.remove(0))?;
        let changed = offer.staged.is_some();
        if let Some(staged) = offer.staged {
            feeds.commit(staged)?;
        }
        Ok((changed, offer.tag))
    }
}

fn acme() -> Name {
    "acme".parse().unwrap()
}

fn wait<R>(work: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// The version that is live.
fn live(feeds: &Feeds) -> Option<u64> {
    feeds.live.get(&acme()).map(|live| live.manifest.version)
}

/// What is said about the feed, oldest first.
fn said(feeds: &Feeds) -> Vec<&str> {
    let own = feeds.alerts().iter().filter(|alert| alert.feed == "acme");
    own.map(|alert| alert.code.as_str()).collect()
}

/// What becomes known about the feed when the clock shows `now`.
fn look(feeds: &mut Feeds, now: Timestamp) -> Vec<String> {
    let fresh = feeds.look_at_the_clock(now).into_iter();
    let own = fresh.filter(|alert| alert.feed == "acme");
    own.map(|alert| alert.code).collect()
}

#[test]
fn freeze_by_an_old_feed_that_is_still_valid_becomes_stale_and_stays_in_use() {
    let place = Place::new();
    let mut feeds = place.installed();
    // The same old feed is all that anybody serves.
    assert!(!place.update(&mut feeds, day(9)).unwrap());
    assert!(look(&mut feeds, day(9)).is_empty());
    let frozen = place.update(&mut feeds, day(10)).unwrap_err();
    assert!(matches!(
        frozen,
        FeedError::Refused(Refusal::Expired { .. })
    ));
    assert_eq!(look(&mut feeds, day(10)), ["stale"]);
    assert!(look(&mut feeds, day(23)).is_empty(), "once");
    assert_eq!(look(&mut feeds, day(24)), ["stale-long"]);
    assert_eq!(live(&feeds), Some(1), "old data is better than none");
    let status = feeds.status().into_iter().find(|one| one.feed == "acme");
    assert!(status.unwrap().stale);
    assert_eq!(said(&place.open(day(24))), ["stale", "stale-long"]);
    // A new one ends it.
    place.publish(2, day(24));
    assert!(place.update(&mut feeds, day(24)).unwrap());
    assert!(said(&feeds).is_empty());
}

/// A mirror that serves a folder with tags; while `stubborn` it answers everything with 304.
struct Mirror {
    url: String,
    stubborn: Arc<AtomicBool>,
    tagged: Arc<AtomicUsize>,
}

impl Mirror {
    fn of(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stubborn, tagged) = (Arc::default(), Arc::default());
        let mirror = Self {
            url,
            stubborn: Arc::clone(&stubborn),
            tagged: Arc::clone(&tagged),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let asked = |line: &String| line.to_lowercase().starts_with("if-none-match");
                tagged.fetch_add(
                    head.iter().filter(|line| asked(line)).count(),
                    Ordering::SeqCst,
                );
                let name = head[0].split(' ').nth(1).unwrap();
                let body = fs::read(folder.join(name.trim_start_matches('/'))).unwrap_or_default();
                let said = if stubborn.load(Ordering::SeqCst) {
                    b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec()
                } else {
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\netag: \"1\"\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
                    );
                    [head.into_bytes(), body].concat()
                };
                let _ = stream.write_all(&said);
            }
        });
        mirror
    }
}

#[test]
fn endless_304_hides_no_staleness_and_is_not_believed_after_expiry() {
    let place = Place::new();
    let mut feeds = place.installed();
    let mirror = Mirror::of(place.web());
    place.publish(2, day(1));
    let ask =
        |feeds: &mut Feeds, tag: Option<&Tag>, now| place.update_from(feeds, &mirror.url, tag, now);
    let (changed, tag) = ask(&mut feeds, None, day(1)).unwrap();
    assert!(changed && tag.is_some());
    mirror.stubborn.store(true, Ordering::SeqCst);
    place.publish(3, day(8));
    // Nobody's signature: it says "nothing newer", and no more.
    let (changed, same) = ask(&mut feeds, tag.as_ref(), day(8)).unwrap();
    assert!(!changed && same == tag);
    assert_eq!(mirror.tagged.load(Ordering::SeqCst), 1);
    assert!(look(&mut feeds, day(10)).is_empty());
    // Time for something new: the tag is not sent any more, and 304 is no answer to that.
    assert!(ask(&mut feeds, tag.as_ref(), day(11)).is_err());
    assert_eq!(mirror.tagged.load(Ordering::SeqCst), 1);
    assert_eq!(look(&mut feeds, day(11)), ["stale"]);
    assert_eq!(live(&feeds), Some(2));
    mirror.stubborn.store(false, Ordering::SeqCst);
    assert!(ask(&mut feeds, tag.as_ref(), day(11)).unwrap().0);
    assert_eq!(live(&feeds), Some(3));
    assert!(said(&feeds).is_empty());
}

#[test]
fn clock_set_back_makes_nothing_fresh_and_lets_nothing_old_in() {
    let place = Place::new();
    let mut feeds = place.installed();
    place.publish(2, day(20));
    place.update(&mut feeds, day(20)).unwrap();
    assert_eq!(look(&mut feeds, day(31)), ["stale"]);
    // Back to a day on which it was fresh: what was said stays said.
    assert!(look(&mut feeds, day(21)).is_empty());
    assert_eq!(said(&feeds), ["stale"]);
    // Signed time that was seen is a floor: at the clock's day 2 this one would still be good.
    place.publish(3, day(1));
    for now in [day(2), day(-5 * 365)] {
        let old = place.update(&mut feeds, now).unwrap_err();
        assert!(matches!(
            old,
            FeedError::Refused(Refusal::Expired { now, .. }) if now == day(20)
        ));
    }
    // Also after a start with the wrong clock, when only the disk remembers.
    let mut feeds = place.open(day(-5 * 365));
    assert_eq!(live(&feeds), Some(2));
    let old = place.update(&mut feeds, day(-5 * 365)).unwrap_err();
    assert!(matches!(old, FeedError::Refused(Refusal::Expired { .. })));
}

#[test]
fn clock_set_forward_loses_nothing_and_bars_nothing_later() {
    let place = Place::new();
    let mut feeds = place.installed();
    place.publish(2, day(1));
    let far = day(10 * 365);
    let expired = place.update(&mut feeds, far).unwrap_err();
    assert!(matches!(
        expired,
        FeedError::Refused(Refusal::Expired { .. })
    ));
    assert_eq!(look(&mut feeds, far), ["stale", "stale-long"]);
    assert_eq!(live(&feeds), Some(1));
    let mut feeds = place.open(far);
    assert_eq!(
        live(&feeds),
        Some(1),
        "nothing is unloaded at a start either"
    );
    // No time that nobody signed was kept: the right clock finds everything as it was.
    assert!(place.update(&mut feeds, day(1)).unwrap());
    assert_eq!(live(&feeds), Some(2));
    assert!(said(&place.open(day(1))).is_empty());
}

#[test]
fn feed_from_the_future_is_not_taken_and_raises_no_floor() {
    let place = Place::new();
    let mut feeds = place.installed();
    place.publish(9, day(3));
    let future = place.update(&mut feeds, day(1)).unwrap_err();
    assert!(matches!(
        future,
        FeedError::Refused(Refusal::FutureIssued { .. })
    ));
    place.publish(2, day(1));
    assert!(place.update(&mut feeds, day(1)).unwrap());
}

#[test]
fn pack_swapped_between_check_and_use_changes_nothing_in_use() {
    let place = Place::new();
    place.installed();
    let feeds = place.open(day(1));
    let pack = fs::read(place.kept("current.feedpack")).unwrap();
    let mut other = pack.clone();
    let last = other.len() - 3;
    other[last] ^= 1;
    // Both ways in which a file can be another one: by its name, and in its place.
    for swap in [true, false] {
        if swap {
            fs::remove_file(place.kept("current.feedpack")).unwrap();
        }
        fs::write(place.kept("current.feedpack"), &other).unwrap();
        let used = &feeds.live.get(&acme()).unwrap().artifacts;
        let used: Vec<&[u8]> = used.iter().map(|one| &*one.bytes).collect();
        assert_eq!(used, [CODE, LIST], "what was checked is what is used");
    }
    // It is not handed on as if it were what is live, and the next start refuses it.
    assert!(feeds.export(&acme()).is_err());
    let feeds = place.open(day(1));
    assert_eq!(live(&feeds), None);
    assert_eq!(said(&feeds), ["stored-refused"]);
    fs::write(place.kept("current.feedpack"), pack).unwrap();
    assert_eq!(live(&place.open(day(1))), Some(1));
}

#[test]
fn link_planted_in_the_store_is_not_followed() {
    let place = Place::new();
    place.installed();
    for (name, code) in [
        ("state.json", "state-reset"),
        ("current.feedpack", "stored-refused"),
    ] {
        let elsewhere = place.folder.path().join(name);
        fs::rename(place.kept(name), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, place.kept(name)).unwrap();
        let feeds = place.open(day(1));
        assert_eq!((live(&feeds), said(&feeds)), (None, vec![code]), "{name}");
        fs::remove_file(place.kept(name)).unwrap();
        fs::rename(&elsewhere, place.kept(name)).unwrap();
    }
    assert_eq!(live(&place.open(day(1))), Some(1));
}

#[test]
fn link_in_place_of_a_folder_of_the_store_is_not_written_through() {
    let place = Place::new();
    place.installed();
    let shelf = shelf::Shelf::of(&place.folder.path().join("feeds"), &acme());
    let elsewhere = place.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.kept("rotations")).unwrap();
    let refused = shelf.keep_link(2, b"link");
    assert!(
        matches!(refused, Err(ShelfError::Planted(_))),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn an_update_leaves_the_log_room_on_the_disk() {
    let place = Place::new();
    place.installed();
    let shelf = shelf::Shelf::of(&place.folder.path().join("feeds"), &acme());
    shelf.room(1 << 10).unwrap();
    let full = shelf.room(u64::MAX / 2);
    assert!(matches!(full, Err(ShelfError::Full { .. })), "{full:?}");
}
