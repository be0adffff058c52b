//! What is written comes back, and nothing else is believed.

use super::*;
use crate::advisory::{Artifact, Entry, Kind, Level};
use crate::effort::{self, Sequence};
use crate::package::Ecosystem::{Npm, Oci, Pypi};
use crate::version::{Affected, Range};

fn entry(id: &str, ecosystem: &str, name: &str, affected: Affected) -> Entry {
    Entry {
        id: id.to_owned(),
        aliases: Vec::new(),
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        kind: Kind::Malicious,
        severity: Level::Critical,
        summary: "s".to_owned(),
        source: "https://x.example".to_owned(),
        ranges: affected.ranges,
        versions: affected.versions,
        expression: affected.expression,
        withdrawn: None,
    }
}

fn artifact(entries: Vec<Entry>) -> Artifact {
    let names = vec!["left-pad".to_owned(), "@s/p".to_owned()];
    Artifact {
        entries,
        well_known: [("npm".to_owned(), names)].into(),
        neighbours: [("pypi".to_owned(), vec!["Left_Pad".to_owned()])].into(),
    }
}

fn open(entries: Vec<Entry>) -> Shard {
    Shard::open(compile(&artifact(entries)).unwrap()).unwrap()
}

fn range(introduced: &str, fixed: Option<&str>, last: Option<&str>) -> Range {
    Range {
        introduced: introduced.to_owned(),
        fixed: fixed.map(str::to_owned),
        last_affected: last.map(str::to_owned),
    }
}

fn some_entries() -> Vec<Entry> {
    let mixed = Affected {
        ranges: vec![
            range("0", Some("1.2.3"), None),
            range("2.0.0", None, Some("2.1.0")),
            range("3.0.0", None, None),
        ],
        versions: vec!["2.5.0".to_owned()],
        expression: Some("^4.0.0".to_owned()),
    };
    let mut many = entry("GHSA-aaaa-bbbb-cccc", "npm", "@s/many", mixed);
    many.aliases = ["CVE-2026-0001", "CVE-2026-12345", "MAL-2025-47"]
        .map(str::to_owned)
        .to_vec();
    many.kind = Kind::Vulnerable;
    many.severity = Level::Medium;
    let every = Affected::every_version;
    let mut entries = vec![
        many,
        entry("MAL-2025-190909", "pypi", "Bad_Thing", every()),
        entry("CVE-2017-16074", "npm", "twice", every()),
        entry("CD-2025-0001", "npm", "twice", every()),
    ];
    for n in 0..200 {
        entries.push(entry(
            &format!("MAL-2024-{n}"),
            "npm",
            &format!("p{n}"),
            every(),
        ));
    }
    entries
}

#[test]
fn what_is_written_comes_back() {
    let entries = some_entries();
    let shard = open(entries.clone());
    assert_eq!(shard.entries(), 204 + 3);
    assert_eq!(
        shard.names(),
        [
            (Names::WellKnown, Npm, "@s/p"),
            (Names::WellKnown, Npm, "left-pad"),
            (Names::Neighbours, Pypi, "left-pad")
        ]
    );
    for entry in &entries {
        let ecosystem = Ecosystem::parse(&entry.ecosystem).unwrap();
        let known = shard.look_up(ecosystem, &entry.name);
        let found = known.iter().find(|known| known.ids.contains(&entry.id));
        let found = found.unwrap_or_else(|| panic!("{}", entry.id));
        assert_eq!(found.affected, entry.affected());
        assert_eq!((found.kind, found.level), (entry.kind, entry.severity));
        assert!(entry.aliases.iter().all(|alias| found.ids.contains(alias)));
    }
    assert_eq!(shard.look_up(Npm, "twice").len(), 2);
    assert_eq!(shard.look_up(Pypi, "bad.thing").len(), 1);
    assert!(shard.look_up(Npm, "bad-thing").is_empty());
    assert!(shard.look_up(Npm, "p200").is_empty());
}

#[test]
fn the_order_of_the_source_does_not_change_the_bytes() {
    let mut entries = some_entries();
    let one = compile(&artifact(entries.clone())).unwrap();
    entries.reverse();
    assert_eq!(one, compile(&artifact(entries)).unwrap());
}

#[test]
fn what_can_never_match_or_claims_an_unpublished_digest_is_not_published() {
    let refused = |entry: Entry| compile(&artifact(vec![entry])).unwrap_err().to_string();
    let nothing = entry("MAL-2025-1", "npm", "p", Affected::default());
    assert!(refused(nothing).contains("no version at all"));
    let versions = |text: &str| Affected {
        versions: vec![text.to_owned()],
        ..Affected::default()
    };
    let banana = entry("MAL-2025-1", "npm", "p", versions("banana"));
    assert!(refused(banana).contains("can't be read"));
    let backwards = Affected {
        ranges: vec![range("2.0.0", Some("1.0.0"), None)],
        ..Affected::default()
    };
    assert!(refused(entry("MAL-2025-1", "npm", "p", backwards)).contains("before it begins"));
    let hex = "0123456789abcdef".repeat(4);
    let mut image = entry(
        "MAL-2025-1",
        "oci",
        "x/y",
        versions(&format!("sha256:{hex}")),
    );
    assert!(refused(image.clone()).contains("digest"));
    image.source = format!("https://registry.example/x/y@sha256:{hex}");
    assert_eq!(open(vec![image]).look_up(Oci, "docker.io/x/y").len(), 1);
    let mut withdrawn = entry("MAL-2025-1", "npm", "p", Affected::every_version());
    withdrawn.withdrawn = Some("2026-01-01T00:00:00Z".to_owned());
    assert!(open(vec![withdrawn]).look_up(Npm, "p").is_empty());
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let good = compile(&artifact(some_entries())).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(Shard::open(bad).is_err(), "byte {at} bit {bit}");
        }
    }
    for length in 0..good.len() {
        assert!(Shard::open(good[..length].to_vec()).is_err(), "{length}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(Shard::open(longer).is_err());
    assert_eq!(
        Shard::open(b"{\"entries\":[]}".to_vec()).unwrap_err(),
        ShardError::Magic
    );
}

fn with_good_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= HEADER {
        let sum = checksum(&bytes).to_le_bytes();
        bytes[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&sum);
    }
    bytes
}

#[test]
fn damage_behind_a_good_checksum_never_panics_and_never_clears_a_package() {
    let entries = some_entries();
    let good = compile(&artifact(entries.clone())).unwrap();
    let start = HEADER + 4 * ((1 << open(entries).bits) + 1);
    let mut random = Sequence(0x2545_f491);
    for _ in 0..4_000 {
        let mut bad = good.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bad.len());
            bad[at] = u8::try_from(random.below(256)).unwrap();
        }
        if let Ok(shard) = Shard::open(with_good_checksum(bad)) {
            for name in ["twice", "@s/many", "p7", "never-listed"] {
                let _ = shard.look_up(Npm, name);
            }
        }
    }
    // A length that runs past its bucket hides what comes after it: that is "possible" for all.
    let mut bad = good.clone();
    for at in start..bad.len() - 60 {
        bad[at] = 0xff;
    }
    let shard = Shard::open(with_good_checksum(bad)).unwrap();
    assert_eq!(shard.look_up(Npm, "twice"), [Known::unreadable()]);
}

#[test]
fn arbitrary_bytes_never_panic() {
    let mut random = Sequence(77);
    for round in 0..20_000 {
        let mut bytes: Vec<u8> = (0..random.below(160))
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        // Half of them get past the door.
        if round % 2 == 0 && bytes.len() > 40 {
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
            bytes[12..16].copy_from_slice(&u32::try_from(random.below(3)).unwrap().to_le_bytes());
            bytes[20..24].copy_from_slice(&u32::try_from(random.below(99)).unwrap().to_le_bytes());
            bytes = with_good_checksum(bytes);
        }
        if let Ok(shard) = Shard::open(bytes) {
            let _ = shard.look_up(Npm, "p");
        }
    }
}

#[test]
fn ids_come_back_letter_by_letter() {
    for id in [
        "MAL-2025-190909",
        "MAL-2025-0047",
        "CVE-2026-1",
        "CVE-2026-0001",
        "CVE-1999-0001",
        "CVE-2099-0001",
        "RUSTSEC-2025-0154",
        "GO-2024-2611",
        "GHSA-cxm3-wv7p-598c",
        "GHSA-2222-2222-2222",
        "GHSA-xxxx-xxxx-xxxx",
        "GHSA-aaaa-bbbb-cccc",
        "GHSA-cxm3-wv7p",
        "CD-2025-0001",
        "MAL-2025-190909-2",
        "MAL-2025-4294967295",
        "MAL-2025-4294967296",
    ] {
        let shard = open(vec![entry(id, "npm", "p", Affected::every_version())]);
        assert_eq!(shard.look_up(Npm, "p")[0].ids, [id]);
    }
}

/// What opening and one question may cost for each byte of a shard: the checksum, the index twice
/// for each of its places, the lists twice, and at most all records.
const PER_BYTE: usize = 8;
const OVERHEAD: usize = 512;

#[track_caller]
fn check_effort(bytes: Vec<u8>) {
    let length = bytes.len();
    let cost = effort::of(|| {
        let Ok(shard) = Shard::open(bytes) else {
            return;
        };
        let _ = (
            shard.names().len(),
            shard.entries(),
            shard.look_up(Npm, "twice"),
        );
    });
    assert!(
        cost <= PER_BYTE * length + OVERHEAD,
        "{cost} for {length} bytes"
    );
}

#[test]
fn no_bytes_cost_more_than_their_length() {
    let good = compile(&artifact(some_entries())).unwrap();
    let read = effort::of(|| Shard::open(good.clone()));
    assert!(read >= good.len(), "what it costs is not counted: {read}");
    let mut random = Sequence(0x05a5);
    check_effort(good.clone());
    for round in 0..3_000 {
        let mut bad = good.clone();
        match round % 3 {
            // Cut.
            0 => bad.truncate(random.below(good.len())),
            // A few bits flipped.
            1 => {
                for _ in 0..=random.below(6) {
                    let at = random.below(bad.len());
                    bad[at] ^= 1 << random.below(8);
                }
            }
            // One stretch overwritten with random bytes, or with one byte.
            _ => {
                let (one, other) = (random.below(bad.len()), random.below(bad.len()));
                let same = u8::try_from(random.below(256)).unwrap();
                let alike = random.below(2) == 0;
                for byte in &mut bad[one.min(other)..one.max(other)] {
                    *byte = if alike {
                        same
                    } else {
                        u8::try_from(random.below(256)).unwrap()
                    };
                }
                // Still a shard of this format.
                bad[..12].copy_from_slice(&good[..12]);
            }
        }
        check_effort(bad.clone());
        check_effort(with_good_checksum(bad));
    }
}

/// Numbers that promise more than there is: a length, a count of names, of versions, of places.
#[test]
fn no_number_is_believed_beyond_the_bytes_behind_it() {
    let good = compile(&artifact(some_entries())).unwrap();
    for at in 8..good.len() {
        for stretch in [1, 2, 4, 5] {
            let mut bad = good.clone();
            let end = (at + stretch).min(bad.len());
            bad[at..end].fill(0xff);
            check_effort(with_good_checksum(bad));
        }
    }
}
