//! Versions: of an artifact, of the detector contract, of this host. Ordered, so that going back
//! can be refused.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::refusal::Malformed;
use crate::text::as_text;

/// The detector contract that this host serves: the package and version in `wit/detector.wit`.
pub const ABI: Abi = Abi { major: 1, minor: 0 };

/// The version of this host, which `min_host` is measured against.
///
/// All crates of the workspace share one version, so this crate's is the host's.
#[must_use]
pub fn host_version() -> semver::Version {
    let part = |text: &str| text.parse().unwrap_or(0);
    // Without its pre-release part: 1.4.0-rc.1 serves feeds that ask for 1.4.0.
    semver::Version::new(
        part(env!("CARGO_PKG_VERSION_MAJOR")),
        part(env!("CARGO_PKG_VERSION_MINOR")),
        part(env!("CARGO_PKG_VERSION_PATCH")),
    )
}

/// An artifact's version: a semantic version (`2.3.1`) or a plain counter (`41`).
///
/// Build metadata is refused, since it would give one rank two names.
#[derive(Clone)]
pub struct ArtifactVersion {
    text: String,
    // Boxed: a refusal carries two versions and travels in every `Result`.
    rank: Box<semver::Version>,
}

impl ArtifactVersion {
    /// The text as signed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for ArtifactVersion {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for ArtifactVersion {}

impl PartialOrd for ArtifactVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ArtifactVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl fmt::Display for ArtifactVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ArtifactVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ArtifactVersion {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let counter = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let full = if counter {
            format!("{text}.0.0")
        } else {
            text.to_owned()
        };
        let rank: semver::Version = full.parse().map_err(|_| Malformed::Version)?;
        if !rank.build.is_empty() || text.len() > 64 {
            return Err(Malformed::Version);
        }
        Ok(Self {
            text: text.to_owned(),
            rank: Box::new(rank),
        })
    }
}

as_text!(ArtifactVersion);

/// A version of the detector contract, written `clawdefender:detector@MAJOR.MINOR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Abi {
    /// Changes when old components break.
    pub major: u32,
    /// Grows when new components may need more.
    pub minor: u32,
}

impl Abi {
    const PACKAGE: &str = "clawdefender:detector@";

    /// Whether a host that serves `self` can run a component built for `wanted`.
    #[must_use]
    pub fn serves(self, wanted: Self) -> bool {
        self.major == wanted.major && wanted.minor <= self.minor
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", Self::PACKAGE, self.major, self.minor)
    }
}

impl fmt::Debug for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Abi {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let version = text.strip_prefix(Self::PACKAGE).ok_or(Malformed::Abi)?;
        let (major, minor) = version.split_once('.').ok_or(Malformed::Abi)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| Malformed::Abi);
        let abi = Self {
            major: number(major)?,
            minor: number(minor)?,
        };
        if abi.to_string() != text {
            return Err(Malformed::Abi); // leading zeros and plus signs
        }
        Ok(abi)
    }
}

as_text!(Abi);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_semantic_versions_are_ordered() {
        let v = |text: &str| text.parse::<ArtifactVersion>().unwrap();
        assert!(v("9") < v("10") && v("2.3.1") < v("2.10.0") && v("1.0.0-rc.1") < v("1.0.0"));
        for wrong in ["", "1.2", "v1.0.0", "1.0.0+b", "01", "-1", "1.0.0 "] {
            assert!(wrong.parse::<ArtifactVersion>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_serves_its_major_up_to_its_minor() {
        let abi = |text: &str| text.parse::<Abi>().unwrap();
        let host = abi("clawdefender:detector@1.2");
        assert!(
            host.serves(abi("clawdefender:detector@1.2"))
                && host.serves(abi("clawdefender:detector@1.0"))
        );
        assert!(!host.serves(abi("clawdefender:detector@1.3")));
        assert!(
            !host.serves(abi("clawdefender:detector@0.9"))
                && !host.serves(abi("clawdefender:detector@2.0"))
        );
        for wrong in [
            "1.0",
            "clawdefender:detector@1",
            "clawdefender:detector@01.0",
            "other:detector@1.0",
        ] {
            assert!(wrong.parse::<Abi>().is_err(), "{wrong}");
        }
    }
}
