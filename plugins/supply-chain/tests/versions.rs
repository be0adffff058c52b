//! The version oracle, row by row, the whole way: from the words of a command and an advisory to
//! the answer. Rows were run against npm's semver 7.8.5, packaging 26.3 or OSV's algorithm.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::BTreeSet;

use clawdefender_sdk::Blob;
use supply_chain::advisory::{Artifact, Entry};
use supply_chain::blocklist::Blocklist;
use supply_chain::launch::{Target, target};
use supply_chain::package::Ecosystem;
use supply_chain::shard;
use supply_chain::version::Answer::{self, Affected, NotAffected, Possible};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Row, ecosystem, what is asked for, the advisory, the answer.
#[rustfmt::skip]
const ROWS: &[(u32, &str, &str, &str, Answer)] = &[
    (1, "npm", "p@0.0.1-a", "from 0", Affected),
    (2, "npm", "p@1.5.0-rc.1", "from 0 fixed 1.5.0", Affected),
    (3, "npm", "p@1.5.0", "from 0 fixed 1.5.0", NotAffected),
    (4, "npm", "p@1.5.0+x", "from 0 fixed 1.5.0", NotAffected),
    (5, "npm", "p@2.1.214", "from 0 last 2.1.214", Affected),
    (6, "npm", "p@2.1.215", "from 0 last 2.1.214", NotAffected),
    (7, "npm", "p@3.1.0", "from 1.0.0 fixed 1.0.2; from 3.0.0 fixed 3.2.5", Affected),
    (8, "npm", "p@2.0.0", "from 1.0.0 fixed 1.0.2; from 3.0.0 fixed 3.2.5", NotAffected),
    (9, "npm", "p@3.1.0", "from 3.0.0 fixed 3.2.5; from 1.0.0 fixed 1.0.2", Affected),
    (10, "npm", "p@v1.2.3", "from 1.2.3 fixed 1.2.4", Affected),
    (11, "npm", "p@1.2.3+b", "versions 1.2.3", Affected),
    (12, "npm", "p@1.0.0-rc.10", "from 1.0.0-rc.2 fixed 1.0.0", Affected),
    (13, "npm", "p@1.0.0-alpha.1", "from 1.0.0-alpha.beta", NotAffected),
    (14, "npm", "p@10.0.0", "from 9.0.0", Affected),
    (15, "npm", "p@1.2", "from 0 fixed 2.0.0", Affected),
    (16, "npm", "p@1.2.3.4", "from 0 fixed 2.0.0", Possible),
    (17, "npm", "p@latest", "versions 2.4.10", Possible),
    (18, "npm", "p", "from 0", Affected),
    (19, "npm", "p", "versions 2.4.10 2.4.11 2.4.12", Possible),
    (20, "npm", "p@^1.0.0", "versions 1.2.3", Possible),
    (21, "npm", "p@~1.1.0", "from 1.2.0", NotAffected),
    (22, "npm", "p@1.2.3", "versions 1.2.3", Affected),
    (23, "npm", "p@^1", "versions 1.5.0-rc.1", Possible),
    (24, "npm", "p@1.0.12", "from 1.0.16", NotAffected),
    (25, "npm", "p@2.1.0", "expr <1.0.0 || >=2.0.0", Affected),
    (26, "npm", "p@1.3.0", "expr ^1.2.0", Affected),
    (27, "npm", "p@1.5.0", "expr >= 1.0.0, < 2.0.0", Affected),
    (28, "npm", "p@9007199254740992.0.0", "from 0 fixed 2.0.0", Possible),
    (30, "npm", "@Scope/Pkg@1.0.0", "@scope/pkg: from 0", Affected),
    (31, "pypi", "p==1.0a1", "from 0 fixed 1.0", Affected),
    (32, "pypi", "p==1.0.dev1", "from 0 fixed 1.0a1", Affected),
    (33, "pypi", "p==1.0.post1", "from 0 fixed 1.0", NotAffected),
    (34, "pypi", "p==1.0.post1", "from 0 last 1.0", NotAffected),
    (35, "pypi", "p==1.0+cu118", "from 0 last 1.0", Affected),
    (36, "pypi", "p==1!0.5", "from 0 fixed 2024.1", NotAffected),
    (37, "pypi", "p==1!1.0", "from 2.0", Affected),
    (38, "pypi", "p==1.2.4.9", "from 0 last 1.2.3", NotAffected),
    (39, "pypi", "p==1.10", "from 1.9 fixed 1.11", Affected),
    (40, "pypi", "p==1.0.0.0", "versions 1", Affected),
    (41, "pypi", "p==1.0-rc.1", "versions 1.0rc1", Affected),
    (41, "pypi", "p@1.0RC1", "versions 1.0rc1", Affected),
    (42, "pypi", "p==1.0-1", "versions 1.0.post1", Affected),
    (43, "pypi", "p==01.002", "versions 1.2", Affected),
    (44, "pypi", "p==2025.7.1", "from 0 fixed 2025.7.1", NotAffected),
    (45, "pypi", "p==1.0-beta-foo", "from 0 fixed 2", Possible),
    (46, "pypi", "Mcp_Server.Fetch==1", "mcp-server-fetch: from 0 fixed 2", Affected),
    (47, "pypi", "p>=0.5", "from 0 fixed 0.5", NotAffected),
    (48, "oci", "img:1.2@DIGEST", "img: versions DIGEST", Affected),
    (49, "oci", "img:1.2", "img: versions DIGEST", Possible),
    (49, "oci", "img", "img: versions DIGEST", Possible),
    (50, "npm", "p@1.0.0", "withdrawn; from 0", NotAffected),
];

/// `NAME: ` first when it is not the one that is asked for, then parts separated by `;`.
fn entry(ecosystem: &str, advisory: &str) -> Entry {
    let (name, parts) = advisory.split_once(": ").unwrap_or(("p", advisory));
    let mut lines = format!(
        "id='CVE-2026-1'\necosystem='{ecosystem}'\nname='{name}'\nkind='malicious'\n\
         severity='high'\nsummary='s'\nsource='https://x.example/{DIGEST}'\n"
    );
    let mut ranges = Vec::new();
    for part in parts.split("; ") {
        let words: Vec<&str> = part.split(' ').collect();
        match words.as_slice() {
            ["versions", versions @ ..] => lines += &format!("versions={versions:?}\n"),
            ["expr", ..] => lines += &format!("expression='{}'\n", &part["expr ".len()..]),
            ["withdrawn"] => lines += "withdrawn='2026-01-01T00:00:00Z'\n",
            ["from", first] => ranges.push(format!("{{introduced='{first}'}}")),
            ["from", first, "fixed", end] => {
                ranges.push(format!("{{introduced='{first}',fixed='{end}'}}"));
            }
            ["from", first, "last", end] => {
                ranges.push(format!("{{introduced='{first}',last_affected='{end}'}}"));
            }
            other => unreachable!("{other:?}"),
        }
    }
    lines += &format!("ranges=[{}]\n", ranges.join(","));
    toml::from_str(&lines).unwrap()
}

fn answer(ecosystem: &str, wanted: &str, entry: Entry) -> Answer {
    let artifact = Artifact {
        entries: vec![entry],
        ..Artifact::default()
    };
    let blob = Blob {
        kind: "blocklist".to_owned(),
        name: "oracle".to_owned(),
        version: "1".to_owned(),
        bytes: shard::compile(&artifact).unwrap(),
    };
    let list = Blocklist::load(vec![blob]).unwrap();
    let ecosystem = Ecosystem::parse(ecosystem).unwrap();
    let Target::Registry { name, spec, .. } = target(wanted, ecosystem) else {
        unreachable!("{wanted} is in no registry");
    };
    let found = list.look_up(ecosystem, &name, &spec);
    found.first().map_or(NotAffected, |(_, answer)| *answer)
}

#[test]
fn every_row_holds() {
    let mut wrong = Vec::new();
    for (row, ecosystem, wanted, advisory, expected) in ROWS {
        let entry = entry(ecosystem, &advisory.replace("DIGEST", DIGEST));
        let found = answer(ecosystem, &wanted.replace("DIGEST", DIGEST), entry);
        if found != *expected {
            wrong.push(format!("V{row} {wanted}, {advisory}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // V29, an advisory that names nothing, is the test below.
    let mut rows: BTreeSet<u32> = ROWS.iter().map(|(row, ..)| *row).collect();
    rows.insert(29);
    assert!(rows.into_iter().eq(1..=50), "a row is missing");
}

#[test]
fn v29_an_advisory_without_versions_is_not_published_and_would_be_possible() {
    let mut nothing = entry("npm", "from 0");
    nothing.ranges.clear();
    let artifact = Artifact {
        entries: vec![nothing],
        ..Artifact::default()
    };
    assert!(shard::compile(&artifact).is_err());
    let spec = supply_chain::package::Spec::Exact("1.0.0".to_owned());
    let empty = supply_chain::version::Affected::default();
    let answer = supply_chain::version::evaluate(Ecosystem::Npm, &spec, &empty);
    assert_eq!(answer, Possible);
}
