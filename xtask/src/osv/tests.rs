//! Each layout as its database writes it, with packages that do not exist.

use super::*;

fn imported(files: &[(&str, &str)]) -> Import {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    import(folder.path()).unwrap()
}

fn only(text: &str) -> Entry {
    let mut import = imported(&[("a/b/x.json", text)]);
    assert_eq!(import.left_out, BTreeMap::new());
    assert_eq!(import.entries.len(), 1);
    import.entries.remove(0)
}

fn said(entry: &Entry) -> String {
    let range = |range: &Range| {
        let end = match (&range.fixed, &range.last_affected) {
            (Some(fixed), _) => format!("{fixed})"),
            (None, Some(last)) => format!("{last}]"),
            (None, None) => ")".to_owned(),
        };
        format!("[{}, {end}", range.introduced)
    };
    let ranges: Vec<String> = entry.ranges.iter().map(range).collect();
    format!(
        "{}:{} {:?} {:?} {} {}",
        entry.ecosystem,
        entry.name,
        entry.kind,
        entry.severity,
        ranges.join(" "),
        entry.versions.join(" ")
    )
}

#[test]
fn malicious_packages() {
    let whole = only(
        r#"{"id":"MAL-2090-1","modified":"2090-01-01T00:00:00Z","summary":"Malicious code",
        "affected":[{"package":{"ecosystem":"npm","name":"no-such-thing"},
          "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
          "versions":["1.0.0","99.9.9"],
          "database_specific":{"cwes":[{"cweId":"CWE-506"}]}}],
        "database_specific":{"malicious-packages-origins":[{"source":"x","versions":["1.0.0"]}]}}"#,
    );
    assert_eq!(said(&whole), "npm:no-such-thing Malicious Critical [0, ) ");
    let some = only(
        r#"{"id":"MAL-2090-2","affected":[{"package":{"ecosystem":"PyPI","name":"No_Such.Thing"},
          "versions":["1.0","1.1rc1"]}]}"#,
    );
    assert_eq!(
        said(&some),
        "pypi:No_Such.Thing Compromised Critical  1.0 1.1rc1"
    );
}

#[test]
fn github_advisories() {
    let hole = only(
        r#"{"id":"GHSA-2222-3333-4444","aliases":["CVE-2090-1"],"summary":"A hole",
        "severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N"}],
        "affected":[{"package":{"ecosystem":"Maven","name":"org.example:thing"},
          "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0"},{"fixed":"2.3.1"}]}]}],
        "database_specific":{"cwe_ids":["CWE-79"],"severity":"MODERATE"}}"#,
    );
    assert_eq!(
        said(&hole),
        "maven:org.example:thing Vulnerable Medium [2.0, 2.3.1) "
    );
    assert_eq!(hole.aliases, ["CVE-2090-1"]);
    let malware = only(
        r#"{"id":"GHSA-2222-3333-5555","affected":[{"package":{"ecosystem":"npm","name":"bad-thing"},
          "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}],
        "database_specific":{"cwe_ids":["CWE-506"],"severity":"CRITICAL"}}"#,
    );
    assert_eq!(malware.kind, Kind::Malicious);
}

#[test]
fn pypa_advisories() {
    let hole = only(
        r#"{"id":"PYSEC-2090-1","details":"d",
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected":[{"package":{"ecosystem":"PyPI","name":"thing","purl":"pkg:pypi/thing"},
          "ranges":[{"type":"GIT","repo":"https://x.example","events":[{"introduced":"0"}]},
                    {"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.4"}]}],
          "versions":["1.0","1.3","1.3.post1","2004d"]}]}"#,
    );
    assert_eq!(said(&hole), "pypi:thing Vulnerable Critical [0, 1.4) ");
}

#[test]
fn rustsec_advisories() {
    let malicious = only(
        r#"{"id":"RUSTSEC-2090-0001","summary":"`thing` was removed for malicious code",
        "affected":[{"package":{"ecosystem":"crates.io","name":"thing"},
          "ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"}]}],"versions":[],
          "database_specific":{"categories":[],"informational":null}}]}"#,
    );
    assert_eq!(said(&malicious), "cargo:thing Malicious Critical [0, ) ");
    let import = imported(&[(
        "RUSTSEC-2090-0002.json",
        r#"{"id":"RUSTSEC-2090-0002","affected":[{"package":{"ecosystem":"crates.io","name":"old"},
          "ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"}]}],
          "database_specific":{"informational":"unmaintained"}}]}"#,
    )]);
    assert!(import.entries.is_empty());
}

#[test]
fn events_in_any_order_become_stretches() {
    let check = |events: &str, expected: &str| {
        let entry = only(&format!(
            r#"{{"id":"GHSA-1","affected":[{{"package":{{"ecosystem":"npm","name":"p"}},
              "ranges":[{{"type":"SEMVER","events":[{events}]}}]}}]}}"#
        ));
        assert_eq!(
            said(&entry),
            format!("npm:p Vulnerable Medium {expected} "),
            "{events}"
        );
    };
    check(
        r#"{"fixed":"3.2.5"},{"introduced":"3.0.0"},{"fixed":"1.0.2"},{"introduced":"1.0.0"}"#,
        "[1.0.0, 1.0.2) [3.0.0, 3.2.5)",
    );
    check(
        r#"{"introduced":"0"},{"last_affected":"2.1.214"}"#,
        "[0, 2.1.214]",
    );
    check(
        r#"{"introduced":"0"},{"introduced":"1.0.0"},{"fixed":"2.0.0"}"#,
        "[0, 2.0.0)",
    );
    check(r#"{"introduced":"0"},{"limit":"2.0.0"}"#, "[0, 2.0.0)");
    check(
        r#"{"introduced":"1.0.0"},{"last_affected":"1.0.0"}"#,
        "[1.0.0, 1.0.0]",
    );
    check(
        r#"{"introduced":"10.0.0"},{"fixed":"9.0.0"},{"introduced":"2.0.0"}"#,
        "[2.0.0, 9.0.0) [10.0.0, )",
    );
}

#[test]
fn what_can_never_match_is_counted_with_its_reason() {
    let affected = |affected: &str| format!(r#"{{"id":"GHSA-1","affected":[{affected}]}}"#);
    let package = |rest: &str| {
        affected(&format!(
            r#"{{"package":{{"ecosystem":"npm","name":"p"}}{rest}}}"#
        ))
    };
    for (text, why) in [
        (package(""), "names no version"),
        (package(r#","versions":["banana"]"#), "names no version"),
        (
            package(r#","ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"x"}]}]"#),
            "bound that can't be read",
        ),
        (
            package(r#","ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]"#),
            "names no version",
        ),
        (
            affected(r#"{"package":{"ecosystem":"Debian:12","name":"p"}}"#),
            "another ecosystem",
        ),
        (affected(r#"{"versions":["1.0.0"]}"#), "a repository"),
        (affected(""), "no package"),
        (
            r#"{"id":"GHSA-1","withdrawn":"2090-01-01T00:00:00Z","affected":[]}"#.to_owned(),
            "withdrawn",
        ),
        (
            affected(r#"{"package":{"ecosystem":"npm","name":"a b"},"versions":["1.0.0"]}"#),
            "registry would refuse",
        ),
    ] {
        let import = imported(&[("x.json", &text)]);
        assert!(import.entries.is_empty(), "{text}");
        let reasons: Vec<_> = import.left_out.into_iter().collect();
        assert!(
            reasons.len() == 1 && reasons[0].0.contains(why),
            "{text}: {reasons:?}"
        );
    }
}

#[test]
fn a_file_that_is_no_advisory_ends_the_import() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.json"), r#"{"name":"x"}"#).unwrap();
    assert!(import(folder.path()).is_err());
    assert!(import(&folder.path().join("absent")).is_err());
}
