//! What the oracle in `tests/versions.rs` does not say.

use super::Answer::{Affected as Yes, NotAffected as No, Possible as Maybe};
use super::*;
use crate::package::Ecosystem::{Npm, Oci, Pypi};
use crate::package::Spec::{Exact, None as Unsaid, Range as InRange, Tag};

fn advisory(text: &str) -> Affected {
    let mut affected = Affected::default();
    for part in text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (key, value) = part.split_once(' ').unwrap();
        match key {
            "versions" => affected.versions = value.split(' ').map(str::to_owned).collect(),
            "expr" => affected.expression = Some(value.to_owned()),
            "from" => {
                let words: Vec<&str> = value.split(' ').collect();
                let end = |name: &str| {
                    words
                        .windows(2)
                        .find(|pair| pair[0] == name)
                        .map(|pair| pair[1].to_owned())
                };
                affected.ranges.push(super::Range {
                    introduced: words[0].to_owned(),
                    fixed: end("fixed"),
                    last_affected: end("last"),
                });
            }
            other => panic!("{other}"),
        }
    }
    affected
}

#[track_caller]
fn check(ecosystem: Ecosystem, spec: Spec, text: &str, expected: Answer) {
    assert_eq!(
        evaluate(ecosystem, &spec, &advisory(text)),
        expected,
        "{spec:?} against {text}"
    );
}

#[test]
fn npm_specs_that_are_no_version_are_never_called_clean_by_mistake() {
    check(Npm, Exact("2.0.0".into()), "expr >= 1.0.0, < 2.0.0", No);
    check(Npm, Tag("1.2.3.4".into()), "from 0 fixed 2.0.0", Maybe);
    check(Npm, InRange("1.2.3.4".into()), "from 0 fixed 2.0.0", Maybe);
    check(Npm, InRange(">=2.0.0".into()), "from 0 fixed 2.0.0", No);
    // What npm leaves out of a range, or takes for a tag.
    for odd in [
        "1.x.2",
        "<3 =0.x.1",
        "1.2-beta",
        ">9.9007199254740991",
        ">1.x-beta,!=2",
    ] {
        check(Npm, InRange(odd.into()), "from 2.0.0", Maybe);
    }
    let hyphen = "1.0.0 - 2.0.0";
    check(Npm, InRange(hyphen.into()), "versions 1.0.0-rc.1", Maybe);
}

#[test]
fn pypi_specifiers_become_intervals() {
    for (spec, text, expected) in [
        (">=0.5", "from 0 fixed 0.5", No),
        (">=0.4", "from 0 fixed 0.5", Maybe),
        ("<0.5", "from 0 fixed 0.5", Yes),
        ("==1.*", "from 2", No),
        ("==1.*", "from 1.0.dev0 fixed 2", Yes),
        ("~=1.4.2", "from 1.5", No),
        ("~=1.4.2", "versions 1.4.9", Maybe),
        ("~=1.4", "from 1.5", Maybe),
        (">=1,<2,!=1.5", "versions 1.5", Maybe),
        (">1,<=2", "from 2", Maybe),
        ("what", "from 2", Maybe),
        // No specifier, and none that anything satisfies.
        ("~=1", "from 2", Maybe),
        ("==1,==3", "from 2", Maybe),
        (">3,<2", "versions 1.0", Maybe),
        ("<1,!=banana", "from 2", Maybe),
    ] {
        check(Pypi, InRange(spec.to_owned()), text, expected);
    }
}

#[test]
fn an_image_is_known_by_its_digest_only() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let listed = format!("versions {}", digest("a"));
    check(Oci, Exact(digest("a")), &listed, Yes);
    check(Oci, Exact(digest("b")), &listed, No);
    // The same content may have a digest of another kind, or one that is written differently.
    let long = format!("sha512:{}", "b".repeat(128));
    for other in [long, digest("A"), "sha256:aa".to_owned()] {
        check(Oci, Exact(other), &listed, Maybe);
    }
    check(Oci, Tag("1.2".into()), "versions sha256:aa", Maybe);
    check(Oci, Unsaid, "versions sha256:aa", Maybe);
}

#[test]
fn an_unreadable_advisory_is_possible_and_a_defect() {
    check(Npm, Exact("1.0.0".into()), "from 0 fixed banana", Maybe);
    check(Npm, InRange("^1".into()), "versions banana", Maybe);
    check(Pypi, Exact("1.0".into()), "versions ban@na", Maybe);
    for (ecosystem, text) in [
        (Npm, ""),
        (Npm, "from 0 fixed banana"),
        (Npm, "from 1.2 fixed 1.3.0"),
        (Npm, "from 0 fixed 1.0.0 last 2.0.0"),
        (Npm, "expr nonsense here"),
        (Pypi, "expr <1"),
        (Pypi, "versions ban@na"),
        (Oci, "versions 1.2"),
    ] {
        assert!(
            defect(ecosystem, &advisory(text)).is_some(),
            "{ecosystem:?} {text}"
        );
    }
    assert_eq!(
        defect(Npm, &advisory("from 0 fixed 1.0.0; versions 2.0.0")),
        None
    );
}
