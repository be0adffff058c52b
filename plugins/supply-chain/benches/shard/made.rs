//! Made-up advisories in the proportions of OpenSSF's: four packages of five are bad as a whole, the
//! others in two versions, and every tenth has an id of GitHub's as well.

use supply_chain::advisory::{Artifact, Entry, Kind, Level};
use supply_chain::version::Range;

/// The name of a package: the first are listed, all others are not.
pub fn name(number: usize) -> String {
    format!("made-up-{number:x}")
}

pub fn artifact(packages: usize) -> Artifact {
    Artifact {
        entries: (0..packages).map(entry).collect(),
        ..Artifact::default()
    }
}

fn entry(number: usize) -> Entry {
    let whole = !number.is_multiple_of(5);
    let everything = Range {
        introduced: "0".to_owned(),
        fixed: None,
        last_affected: None,
    };
    let ecosystem = if number.is_multiple_of(8) {
        "pypi"
    } else {
        "npm"
    };
    Entry {
        id: format!("MAL-2025-{number}"),
        aliases: (number % 10 == 1)
            .then(|| ghsa(number))
            .into_iter()
            .collect(),
        ecosystem: ecosystem.to_owned(),
        name: name(number),
        kind: Kind::Malicious,
        severity: Level::Critical,
        summary: "made up".to_owned(),
        source: "https://x.example".to_owned(),
        ranges: whole.then_some(everything).into_iter().collect(),
        versions: match whole {
            true => Vec::new(),
            false => vec!["1.0.0".to_owned(), format!("1.2.{}", number % 100)],
        },
        expression: None,
        withdrawn: None,
    }
}

fn ghsa(number: usize) -> String {
    const DIGITS: &[u8; 20] = b"23456789cfghjmpqrvwx";
    let mut left = number;
    let mut part = || -> String {
        (0..4)
            .map(|_| {
                let digit = DIGITS.get(left % DIGITS.len()).copied().unwrap_or_default();
                left /= DIGITS.len();
                char::from(digit)
            })
            .collect()
    };
    format!("GHSA-{}-{}-{}", part(), part(), part())
}
