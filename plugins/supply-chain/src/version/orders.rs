//! The orders of crates.io, Go, Maven and RubyGems, as their own documentation gives them.

use super::Answer::{Affected as Yes, NotAffected as No, Possible as Maybe};
use super::{Affected, Range, compare, evaluate, is_exact};
use crate::package::Ecosystem::{self, Cargo, Go, Maven, Rubygems};
use crate::package::Spec;

/// Each comes before the next; what stands together, separated by `=`, is equal.
#[track_caller]
fn ascending(ecosystem: Ecosystem, versions: &str) {
    let steps: Vec<Vec<&str>> = versions
        .split_whitespace()
        .map(|step| step.split('=').collect())
        .collect();
    for (at, low) in steps.iter().enumerate() {
        for a in low {
            for b in low {
                assert!(compare(ecosystem, a, b).unwrap().is_eq(), "{a} = {b}");
            }
            for b in steps[at + 1..].iter().flatten() {
                assert!(compare(ecosystem, a, b).unwrap().is_lt(), "{a} < {b}");
                assert!(compare(ecosystem, b, a).unwrap().is_gt(), "{b} > {a}");
            }
        }
    }
}

#[test]
fn maven() {
    ascending(
        Maven,
        "1-alpha 1-beta 1-milestone 1-rc=1-cr 1-snapshot 1=1.0=1-ga=1-final=1.0.0 1-sp 1-abc 1-1 1.0.1 1.1",
    );
    ascending(
        Maven,
        "1.0-alpha1=1-a1=1.0.0-alpha-1 1.0-alpha2 1.0-alpha10 1.0-beta-1 1.0-m3 1.0-rc1 1.0",
    );
    ascending(Maven, "1.foo=1-foo 1-1 1.1 1.2 1.10 2 2.0.1 20240303");
    ascending(
        Maven,
        "4.1.9.Final=4.1.9 4.1.10.Final 4.1.100.Final=4.1.100.GA",
    );
    ascending(Maven, "2.14.0-rc1 2.14.0 2.14.1 2.15.0");
    ascending(Maven, "31.0-android 31.0-jre 31.1-android");
    ascending(Maven, "1.0.0.x 1.0.0-1 1.0.0.1");
    // Words with something behind them, as Maven 3.8 orders them.
    for steps in [
        "1.m-1 1-m-1",
        "1.rc-1 1.0.M1",
        "1.sp-1 1-rc",
        "0.GA.1 0.1",
        "3.M.1 3.M01",
        "1.a.1 1.a1",
        "1.0.RC1 1.0.RC.1",
        "1.0 1.0_1 1.0.1",
        "1.0 1.0+b",
        "6_x 6.x",
        "1.0.Final=1.0 1.0.Final-redhat-1",
        "1.0.final-1=1.0-1",
        "1.0.Beta2-SNAPSHOT 1.0.Beta2",
        "2.0.0.M5=2.0.0-M5 2.0.0.RC1 2.0.0.RC1-1",
    ] {
        ascending(Maven, steps);
    }
    assert!(!is_exact(Maven, "[1.0,2.0)"));
    assert!(!is_exact(Maven, ""));
}

#[test]
fn rubygems() {
    ascending(
        Rubygems,
        "1.0.a 1.0.a.2 1.0.b1 1.0=1=1.0.0 1.0.1 1.1.a 1.1 1.10 2.0.0.rc1 2.0.0.rc2 2.0.0",
    );
    ascending(
        Rubygems,
        "5.0.0.beta1=5.0.0.beta.1 5.0.0.beta1.1 5.0.0.rc1 5.0.0",
    );
    ascending(Rubygems, "1.13.0-x86=1.13.0.pre.x86 1.13.0");
    ascending(Rubygems, "1.8.2.a10 1.8.2.b1 1.8.2");
    for bad in ["junk", "1.0\n2.0", "1..2", "1.2 3.4", "", ">= 1.0", "~> 2"] {
        assert!(!is_exact(Rubygems, bad), "{bad:?}");
    }
}

#[test]
fn crates_and_go_have_semver() {
    ascending(
        Cargo,
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0=1.0.0+b",
    );
    ascending(
        Go,
        "v0.0.0-20191109021931-daa7c04131f5 v0.1.0 v1.2.3=1.2.3 v2.0.0+incompatible v2.0.1",
    );
}

#[test]
fn osv_evaluation_with_each_order() {
    let from = |introduced: &str, fixed: &str| Affected {
        ranges: vec![Range {
            introduced: introduced.to_owned(),
            fixed: Some(fixed.to_owned()),
            last_affected: None,
        }],
        ..Affected::default()
    };
    for (ecosystem, version, affected, expected) in [
        (Maven, "2.14.1", from("2.0-beta9", "2.15.0"), Yes),
        (Maven, "2.0-beta8", from("2.0-beta9", "2.15.0"), No),
        (Maven, "2.15.0", from("2.0-beta9", "2.15.0"), No),
        (Maven, "ver(sion)", from("0", "2.15.0"), Maybe),
        (Rubygems, "6.0.0.rc2", from("0", "6.0.0"), Yes),
        (Rubygems, "6.0.0", from("0", "6.0.0"), No),
        (Rubygems, "what?", from("0", "6.0.0"), Maybe),
        (Cargo, "0.3.0", from("0", "0.3.1"), Yes),
        (Cargo, "0.3.1", from("0", "0.3.1"), No),
        (Go, "v1.3.0", from("0", "1.3.1"), Yes),
        (Go, "v1.3.1", from("0", "1.3.1"), No),
    ] {
        let spec = Spec::Exact(version.to_owned());
        assert_eq!(evaluate(ecosystem, &spec, &affected), expected, "{version}");
    }
    for (range, expected) in [
        ("^0.3.1", No),
        ("0.3", Maybe),
        (">=0.3.1, <0.5", No),
        ("0.2.9", Yes),
        ("*", Maybe),
    ] {
        let spec = Spec::Range(range.to_owned());
        assert_eq!(
            evaluate(Cargo, &spec, &from("0", "0.3.1")),
            expected,
            "{range}"
        );
    }
    let spec = Spec::Range("~> 6.0".to_owned());
    assert_eq!(evaluate(Rubygems, &spec, &from("0", "6.0.0")), Maybe);
}
