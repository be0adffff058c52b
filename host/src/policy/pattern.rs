//! Patterns: globs, paths, hosts. Each says yes or no to one canonical value.
//!
//! Values are canonical before they come here. Of patterns only those of paths are resolved, once.

use std::net::IpAddr;
use std::path::Path;

use super::wildcard;
use crate::event::international::ascii;
use crate::event::place::{Disk, Links};
use globset::{GlobBuilder, GlobMatcher};

/// Source: the supply-chain detector's words for registries.
const ECOSYSTEMS: [&str; 8] = [
    "npm", "pypi", "oci", "jsr", "cargo", "go", "maven", "rubygems",
];

/// A list of globs; one match is enough.
#[derive(Clone, Debug)]
pub(super) struct Globs {
    written: Vec<Glob>,
    /// Of paths: what lies behind the links in them when the rule was read. It can accuse and not
    /// vouch, because who can exchange a link would choose what is allowed.
    behind: Vec<Glob>,
}

#[derive(Clone, Debug)]
enum Glob {
    /// Without wildcards: most patterns, and no regular expression to run.
    Exact(String),
    Wild(GlobMatcher),
}

impl Globs {
    /// Globs over plain words: `*` also matches `/`, because tool names may contain one.
    pub(super) fn words(patterns: &[String]) -> Result<Self, (String, String)> {
        Self::compile(patterns, false, |pattern| Ok(vec![pattern.to_owned()]))
    }

    /// Accounts and mail addresses, in any case.
    pub(super) fn accounts(patterns: &[String]) -> Result<Self, (String, String)> {
        Self::compile(patterns, false, |pattern| Ok(vec![pattern.to_lowercase()]))
    }

    /// `ecosystem:name`, with a version or without, or an origin.
    pub(super) fn packages(patterns: &[String]) -> Result<Self, (String, String)> {
        Self::compile(patterns, false, |pattern| {
            if !pattern.contains(':') && !pattern.starts_with(['*', '?', '[', '{']) {
                return Err("packages are written ecosystem:name, like npm:left-pad".to_owned());
            }
            let (ecosystem, name) = pattern.split_once(':').unwrap_or_default();
            let is_word =
                !ecosystem.is_empty() && ecosystem.bytes().all(|b| b.is_ascii_alphanumeric());
            if is_word
                && !ECOSYSTEMS.contains(&ecosystem)
                && !["http", "https"].contains(&ecosystem)
            {
                return Err(format!("ecosystems are {}", ECOSYSTEMS.join(", ")));
            }
            // As commands are read: the registries take these spellings for one.
            let folded = match ecosystem {
                "npm" | "jsr" | "oci" => name.to_lowercase(),
                "pypi" | "cargo" => name.to_lowercase().replace(['_', '.'], "-"),
                _ => return Ok(vec![pattern.to_owned()]),
            };
            // A dot is part of a version.
            let folded = match name.rsplit_once('@').filter(|(name, _)| !name.is_empty()) {
                Some((_, version)) => {
                    let (name, _) = folded.rsplit_once('@').unwrap_or_default();
                    format!("{name}@{version}")
                }
                None => folded,
            };
            Ok(vec![pattern.to_owned(), format!("{ecosystem}:{folded}")])
        })
    }

    /// Program names: no directory, no arguments.
    pub(super) fn commands(patterns: &[String]) -> Result<Self, (String, String)> {
        Self::compile(patterns, false, |pattern| {
            if pattern.contains(['/', '\\']) || pattern.contains(char::is_whitespace) {
                return Err("commands are matched by program name".to_owned());
            }
            Ok(vec![pattern.to_owned()])
        })
    }

    /// Paths: `*` stays inside one component, `**` crosses them, `DIR/**` includes `DIR` itself.
    pub(super) fn paths(patterns: &[String], home: &Path) -> Result<Self, (String, String)> {
        let prepare = |pattern: &str| {
            let absolute = expand_home(pattern, home)?;
            let anchored = absolute.starts_with('/')
                || absolute == "**"
                || absolute.starts_with("**/")
                || drive_letter(&absolute);
            if !anchored {
                return Err("it can never match an absolute path".to_owned());
            }
            if absolute.split('/').any(|part| part == ".." || part == ".") {
                return Err("`.` and `..` never occur in a canonical path".to_owned());
            }
            let directory = absolute.strip_suffix("/**").map(str::to_owned);
            let trimmed = match absolute.strip_suffix('/') {
                Some(rest) if !rest.is_empty() => rest.to_owned(),
                _ => absolute,
            };
            Ok(directory
                .filter(|directory| !directory.is_empty())
                .into_iter()
                .chain([trimmed])
                .collect::<Vec<_>>())
        };
        let mut globs = Self::compile(patterns, true, prepare)?;
        globs.behind = Self::compile(patterns, true, |pattern| {
            Ok(prepare(pattern)?
                .iter()
                .filter_map(|one| behind_links(one))
                .collect())
        })?
        .written;
        Ok(globs)
    }

    pub(super) fn is_match(&self, value: &str) -> bool {
        self.written.iter().any(|glob| glob.is_match(value))
    }

    /// Whether `value` is meant, be it under another name that a link gives it.
    pub(super) fn accuses(&self, value: &str) -> bool {
        let mut all = self.written.iter().chain(&self.behind);
        all.any(|glob| glob.is_match(value))
    }

    /// Whether a shell may make something that matches of `word`.
    pub(super) fn may_match(&self, word: &str) -> bool {
        let mut all = self.written.iter().chain(&self.behind);
        all.any(|glob| match glob {
            Glob::Exact(pattern) => wildcard::meet(pattern, word),
            Glob::Wild(matcher) => wildcard::meet(matcher.glob().glob(), word),
        })
    }

    fn compile(
        patterns: &[String],
        literal_separator: bool,
        prepare: impl Fn(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, (String, String)> {
        let mut globs = Vec::new();
        for pattern in patterns {
            let refuse = |why: String| (pattern.clone(), why);
            if pattern.is_empty() {
                return Err(refuse("it is empty".to_owned()));
            }
            for prepared in prepare(pattern).map_err(refuse)? {
                globs.push(if prepared.contains(['*', '?', '[', ']', '{', '}', '\\']) {
                    let glob = GlobBuilder::new(&prepared)
                        .literal_separator(literal_separator)
                        .backslash_escape(true)
                        .build()
                        .map_err(|error| refuse(error.kind().to_string()))?;
                    Glob::Wild(glob.compile_matcher())
                } else {
                    Glob::Exact(prepared)
                });
            }
        }
        Ok(Self {
            written: globs,
            behind: Vec::new(),
        })
    }
}

impl Glob {
    fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Exact(word) => word == value,
            Self::Wild(matcher) => matcher.is_match(value),
        }
    }
}

/// The pattern with the links in its plain beginning followed; `None` when there are none.
fn behind_links(pattern: &str) -> Option<String> {
    let wild = |part: &&str| part.contains(['*', '?', '[', ']', '{', '}', '\\']);
    let plain: Vec<&str> = pattern.split('/').take_while(|part| !wild(part)).collect();
    let plain = plain.join("/");
    let real = Disk.resolve(Path::new(&plain))?;
    let real = real.to_str().filter(|_| plain.starts_with('/'))?;
    let rest = pattern.strip_prefix(plain.as_str())?;
    (real != plain).then(|| format!("{}{rest}", globset::escape(real.trim_end_matches('/'))))
}

fn expand_home(pattern: &str, home: &Path) -> Result<String, String> {
    let Some(rest) = pattern.strip_prefix('~') else {
        return Ok(pattern.to_owned());
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err("another user's home cannot be named with `~`".to_owned());
    }
    let home = home
        .to_str()
        .filter(|home| home.starts_with('/') || drive_letter(home));
    let home = home.ok_or("the home directory is not known, so `~` means nothing")?;
    // The home directory's own name may contain a wildcard; it is meant as it is.
    Ok(format!(
        "{}{rest}",
        globset::escape(home.trim_end_matches('/'))
    ))
}

fn drive_letter(path: &str) -> bool {
    let mut start = path.chars();
    start
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && start.next() == Some(':')
        && start.next() == Some('/')
}

/// A host by name, by address, or everything below a name. Names are in the letters of the name system.
#[derive(Clone, Debug)]
pub(super) enum Host {
    Any,
    Exact(String),
    Address(IpAddr),
    /// With its leading dot, so that `*.a.example` cannot match `evila.example`.
    Below(String),
}

impl Host {
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let lower = ascii(pattern);
        if lower == "*" {
            return Ok(Self::Any);
        }
        if let Some(address) = address(&lower) {
            return Ok(Self::Address(address));
        }
        let (name, below) = match lower.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (lower.as_str(), false),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !name.split('.').all(label) {
            return Err("it is no host name, no address and no `*.` suffix".to_owned());
        }
        Ok(if below {
            Self::Below(format!(".{name}"))
        } else {
            Self::Exact(name.to_owned())
        })
    }

    pub(super) fn is_match(&self, host: &str) -> bool {
        let lower = ascii(host);
        let host = lower.strip_suffix('.').unwrap_or(&lower);
        match self {
            Self::Any => true,
            Self::Exact(name) => name == host,
            Self::Address(wanted) => address(host) == Some(*wanted),
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }
}

fn address(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    inner.parse().ok()
}
