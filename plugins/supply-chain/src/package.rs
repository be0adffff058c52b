//! What a package is called and which version of it was asked for.
//!
//! Name normalisation is done here, per ecosystem, because general libraries get it wrong for our
//! purpose (a purl library keeps the dot of a PyPI name and the case of an npm scope). Ordering of
//! versions is in `version`; how a command names a package is in `launch`.

/// A registry with its own names and its own order of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    Npm,
    Pypi,
    Oci,
    Jsr,
    Cargo,
    Go,
    Maven,
    Rubygems,
}

impl Ecosystem {
    /// Accepts our own ids and the spelling of OSV.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "npm" => Self::Npm,
            "pypi" => Self::Pypi,
            "oci" | "docker" => Self::Oci,
            "jsr" => Self::Jsr,
            "cargo" | "crates.io" => Self::Cargo,
            "go" | "golang" => Self::Go,
            "maven" => Self::Maven,
            "rubygems" | "gem" => Self::Rubygems,
            _ => return None,
        })
    }

    /// The id used in `ecosystem:name`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Oci => "oci",
            Self::Jsr => "jsr",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Maven => "maven",
            Self::Rubygems => "rubygems",
        }
    }

    /// The form under which two spellings of one package meet.
    ///
    /// PyPI follows PEP 503 (runs of `-`, `_`, `.` become one `-`); npm is compared in lower case
    /// because old packages with capitals still exist beside their lower-case imitations; an OCI
    /// name gets the registry and namespace that a container engine would add.
    pub fn normalise(self, name: &str) -> String {
        let lower = name.to_lowercase();
        match self {
            Self::Pypi => separators_to_dash(&lower),
            Self::Cargo => lower.replace('_', "-"),
            Self::Oci => oci_name(&lower),
            // `net/url` and `net/URL` are two modules, `org.a:b` and `org.a:B` two artifacts.
            Self::Go | Self::Maven | Self::Rubygems => name.to_owned(),
            Self::Npm | Self::Jsr => lower,
        }
    }

    /// Whether a name may be repeated in a message: only what the registry would accept.
    pub fn is_legal(self, name: &str) -> bool {
        let body = match self {
            Self::Npm | Self::Jsr => {
                match name.strip_prefix('@').map(|rest| rest.split_once('/')) {
                    Some(Some((scope, body))) if is_npm_part(scope) => body,
                    Some(_) => return false,
                    None => name,
                }
            }
            _ => name,
        };
        let limit = if self == Self::Npm { 214 } else { 128 };
        if name.len() > limit {
            return false;
        }
        match self {
            Self::Npm | Self::Jsr => is_npm_part(body),
            Self::Pypi | Self::Cargo | Self::Rubygems => {
                body.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && body
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            }
            Self::Oci | Self::Go | Self::Maven => {
                body.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && body
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c))
            }
        }
    }
}

/// Which version a command asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spec {
    /// Nothing was said: whatever the registry calls latest.
    None,
    /// One version, or the digest of an image.
    Exact(String),
    /// A range in the ecosystem's own language.
    Range(String),
    /// A name that can point elsewhere tomorrow.
    Tag(String),
}

fn is_npm_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(['.', '-'])
        && part
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
}

fn separators_to_dash(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn oci_name(name: &str) -> String {
    let name = name.strip_prefix("index.docker.io/").unwrap_or(name);
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Ecosystem::{Cargo, Npm, Oci, Pypi};

    #[test]
    fn spellings_of_one_package_meet() {
        assert_eq!(Pypi.normalise("Mcp_Server.Fetch"), "mcp-server-fetch");
        assert_eq!(Pypi.normalise("a-_.b"), "a-b");
        assert_eq!(Npm.normalise("@Scope/Pkg"), "@scope/pkg");
        assert_eq!(Cargo.normalise("replit_ruspty"), "replit-ruspty");
        assert_eq!(Oci.normalise("alpine"), "docker.io/library/alpine");
        assert_eq!(Oci.normalise("mcp/fetch"), "docker.io/mcp/fetch");
        assert_eq!(Oci.normalise("ghcr.io/x/y"), "ghcr.io/x/y");
    }

    #[test]
    fn npm_keeps_separators_apart() {
        assert_ne!(Npm.normalise("cross-env"), Npm.normalise("crossenv"));
        assert_ne!(Npm.normalise("a.b"), Npm.normalise("a-b"));
    }

    #[test]
    fn only_registry_names_are_repeated() {
        assert!(Npm.is_legal("@modelcontextprotocol/server-filesystem"));
        assert!(Pypi.is_legal("mcp-server-git"));
        for bad in [
            "a b",
            "a\n",
            "@x",
            "@/x",
            "",
            "a\u{202e}b",
            "<script>",
            "-rf",
            "@a/b/c",
        ] {
            assert!(!Npm.is_legal(bad), "{bad:?}");
        }
        assert!(!Npm.is_legal(&"a".repeat(215)));
    }
}
