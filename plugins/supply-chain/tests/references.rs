//! Our reading of versions and ranges against the reference implementations: npm's semver and
//! Python's packaging, on versions that are made up the same way on every run.
//!
//! Order must be the same. A range may be read wider than it is, never narrower: "not affected"
//! needs that no version in it is, "affected" that every one is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use supply_chain::launch::{Target, target};
use supply_chain::package::{Ecosystem, Spec};
use supply_chain::version::{self, Affected, Answer, Range};

/// What a reference says, by the index of version and range.
#[derive(Deserialize)]
struct Reference {
    valid: Vec<bool>,
    /// What is taken for one version when it is asked for.
    loose: Vec<bool>,
    order: Vec<Vec<Option<i8>>>,
    readable: Vec<bool>,
    contains: Vec<Vec<bool>>,
}

/// Where `cargo xtask test --prepare` puts the references.
fn prepared() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("references")
}

fn ask(mut program: Command, versions: &[String], ranges: &[String]) -> Reference {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program:?}: {error}; cargo xtask test --prepare installs the references")
        });
    let question = serde_json::json!({ "versions": versions, "ranges": ranges });
    let mut input = child.stdin.take().unwrap();
    input.write_all(question.to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{program:?} failed; cargo xtask test --prepare installs the references"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn script(name: &str) -> String {
    format!("{}/tests/reference/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A fixed linear congruential sequence.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn number(&mut self) -> &'static str {
        self.one(&["0", "1", "2", "3", "9", "10", "11", "2025"])
    }
}

fn npm_version(random: &mut Sequence) -> String {
    const PRE: [&str; 12] = [
        "",
        "",
        "",
        "",
        "-0",
        "-alpha",
        "-alpha.1",
        "-alpha.beta",
        "-rc.2",
        "-rc.10",
        "-1.2",
        "-x-y",
    ];
    const BUILD: [&str; 6] = ["", "", "", "", "+b", "+1.2-3"];
    const LEAD: [&str; 10] = ["", "", "", "", "", "", "", "v", "=", "0"];
    let core = [random.number(), random.number(), random.number()].join(".");
    let (lead, pre, build) = (random.one(&LEAD), random.one(&PRE), random.one(&BUILD));
    format!("{lead}{core}{pre}{build}")
}

fn npm_range(random: &mut Sequence) -> String {
    let whole = |random: &mut Sequence| {
        format!(
            "{}.{}.{}",
            random.number(),
            random.number(),
            random.number()
        )
    };
    let part = |random: &mut Sequence| {
        let full = whole(random);
        match random.below(4) {
            0 => full.split('.').next().unwrap_or_default().to_owned(),
            1 => full
                .rsplit_once('.')
                .map_or(full.clone(), |(a, _)| a.to_owned()),
            _ => full,
        }
    };
    match random.below(12) {
        8 => format!(
            "<{} ={}.x.{}",
            part(random),
            random.number(),
            random.number()
        ),
        9 => format!("{}.x.{}", random.number(), random.number()),
        10 => format!("{}-beta", part(random)),
        11 => format!("{} =>{} {}", part(random), part(random), random.number()),
        0 => format!("^{}", part(random)),
        1 => format!("~{}", part(random)),
        2 => format!(">={} <{}", part(random), part(random)),
        3 => format!("{} - {}", whole(random), part(random)),
        4 => format!("{} || {}", part(random), part(random)),
        5 => format!("<={}", part(random)),
        6 => format!(">{}", npm_version(random).trim_start_matches(['v', '='])),
        _ => format!("{}.x", random.number()),
    }
}

fn pypi_version(random: &mut Sequence) -> String {
    const EPOCH: [&str; 8] = ["", "", "", "", "", "", "", "1!"];
    const PRE: [&str; 11] = [
        "", "", "", "", "a1", "b2", "rc1", "-rc.1", "RC2", "alpha", "c3",
    ];
    const POST: [&str; 8] = ["", "", "", "", "", ".post1", "-1", ".rev2"];
    const DEV: [&str; 6] = ["", "", "", "", ".dev1", "dev"];
    const LOCAL: [&str; 8] = ["", "", "", "", "", "", "+cu118", "+1.2"];
    let mut release = random.number().to_owned();
    for _ in 0..random.below(4) {
        release = format!("{release}.{}", random.number());
    }
    let parts = [random.one(&EPOCH), &release, random.one(&PRE)];
    let (post, dev, local) = (random.one(&POST), random.one(&DEV), random.one(&LOCAL));
    format!("{}{post}{dev}{local}", parts.concat())
}

fn pypi_range(random: &mut Sequence) -> String {
    let version = |random: &mut Sequence| {
        let version = pypi_version(random);
        version.split('+').next().unwrap_or_default().to_owned()
    };
    let release = |random: &mut Sequence| format!("{}.{}", random.number(), random.number());
    match random.below(10) {
        7 => format!("~={}", random.number()),
        8 => format!("=={},=={}", version(random), version(random)),
        9 => format!("==={}", version(random)),
        0 => format!(">={}", version(random)),
        1 => format!("<{}", version(random)),
        2 => format!(">={},<{}", version(random), version(random)),
        3 => format!("=={}.*", release(random)),
        4 => format!("~={}", release(random)),
        5 => format!(">{},!={}", version(random), version(random)),
        _ => format!("<={}", version(random)),
    }
}

fn spec(ecosystem: Ecosystem, text: &str) -> Option<Spec> {
    let glue = if ecosystem == Ecosystem::Npm {
        "p@"
    } else {
        "p"
    };
    match target(&format!("{glue}{text}"), ecosystem) {
        Target::Registry { spec, .. } => Some(spec),
        Target::Elsewhere(_) => None,
    }
}

/// Compares all answers; `make` and `range` draw what is asked about.
fn compare(
    ecosystem: Ecosystem,
    program: Command,
    make: fn(&mut Sequence) -> String,
    range: fn(&mut Sequence) -> String,
) {
    let mut random = Sequence(0x2545_f491);
    let versions: Vec<String> = (0..160).map(|_| make(&mut random)).collect();
    let ranges: Vec<String> = (0..160).map(|_| range(&mut random)).collect();
    let reference = ask(program, &versions, &ranges);
    let valid: Vec<usize> = (0..versions.len())
        .filter(|at| reference.valid[*at])
        .collect();
    assert!(valid.len() > 100, "only {} versions are valid", valid.len());

    for (at, text) in versions.iter().enumerate() {
        let exact = version::is_exact(ecosystem, text);
        assert!(exact || !reference.valid[at], "{text} is a version");
        assert!(!exact || reference.loose[at], "{text} is no version");
    }
    for a in &valid {
        for b in &valid {
            let expected = reference.order[*a][*b].unwrap().cmp(&0);
            let found = version::compare(ecosystem, &versions[*a], &versions[*b]);
            assert_eq!(
                found,
                Some(expected),
                "{} and {}",
                versions[*a],
                versions[*b]
            );
        }
    }

    let (mut certain, mut asked) = (0, 0);
    for _ in 0..1_000 {
        // A stretch between two versions, sometimes with its end inside, and a range to ask for.
        let (low, high) = (
            valid[random.below(valid.len())],
            valid[random.below(valid.len())],
        );
        let last = random.below(3) == 0;
        let bound = Some(versions[high].clone());
        let affected = Affected {
            ranges: vec![Range {
                introduced: versions[low].clone(),
                fixed: bound.clone().filter(|_| !last),
                last_affected: bound.filter(|_| last),
            }],
            ..Affected::default()
        };
        let inside = |at: usize| {
            let order = |a: usize, b: usize| reference.order[a][b].unwrap();
            order(low, at) <= 0
                && if last {
                    order(at, high) <= 0
                } else {
                    order(at, high) < 0
                }
        };
        for at in &valid {
            let spec = Spec::Exact(versions[*at].clone());
            let expected = if inside(*at) {
                Answer::Affected
            } else {
                Answer::NotAffected
            };
            let found = version::evaluate(ecosystem, &spec, &affected);
            assert_eq!(found, expected, "{} in {affected:?}", versions[*at]);
        }
        let wanted = random.below(ranges.len());
        if !reference.readable[wanted] {
            continue;
        }
        let Some(spec) = spec(ecosystem, &ranges[wanted]) else {
            panic!("{} is a range", ranges[wanted]);
        };
        let answer = version::evaluate(ecosystem, &spec, &affected);
        for at in valid.iter().filter(|at| reference.contains[wanted][**at]) {
            let wrong = match answer {
                Answer::NotAffected => inside(*at),
                Answer::Affected => !inside(*at),
                Answer::Possible => false,
            };
            let (range, version) = (&ranges[wanted], &versions[*at]);
            assert!(!wrong, "{range} holds {version}, {affected:?}: {answer:?}");
        }
        asked += 1;
        certain += usize::from(answer != Answer::Possible);
    }
    // "Possible" for everything would be right and of no use.
    assert!(
        certain * 5 > asked,
        "{certain} of {asked} ranges got a certain answer"
    );
}

#[test]
fn npm_agrees_with_semver() {
    let mut node = Command::new("node");
    let semver = prepared().join("node/node_modules/semver");
    node.arg(script("npm.cjs")).arg(semver);
    compare(Ecosystem::Npm, node, npm_version, npm_range);
}

#[test]
fn pypi_agrees_with_packaging() {
    let mut python = Command::new(prepared().join("venv/bin/python"));
    python.arg(script("pypi.py"));
    compare(Ecosystem::Pypi, python, pypi_version, pypi_range);
}
