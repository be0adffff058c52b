//! What one package argument points at.
//!
//! Each ecosystem's own grammar for "name, perhaps with a version, perhaps something else
//! entirely". A plain split at `@` breaks on scopes, aliases, URLs and digests.

use super::Source;
use super::address::archive;
use crate::effort;
use crate::package::{Ecosystem, Spec};
use crate::version::{is_exact, is_range_npm};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Registry {
        ecosystem: Ecosystem,
        name: String,
        spec: Spec,
        alias: bool,
    },
    Elsewhere(Source),
}

/// Aliases of aliases that are followed.
const MAX_ALIASES: u32 = 4;

/// Reads one package argument as `ecosystem` would.
pub fn target(text: &str, ecosystem: Ecosystem) -> Target {
    effort::spend(text.len());
    let text = text.trim();
    match ecosystem {
        Ecosystem::Npm => npm(text, MAX_ALIASES),
        Ecosystem::Pypi => pypi(text),
        Ecosystem::Oci => oci(text),
        Ecosystem::Rubygems => gem(text),
        Ecosystem::Go if text.starts_with(['.', '/']) || text.ends_with(".go") => {
            Target::Elsewhere(Source::Path)
        }
        Ecosystem::Jsr | Ecosystem::Cargo | Ecosystem::Go | Ecosystem::Maven => {
            let (name, version) = split_version(text);
            registry(ecosystem, name, plain_spec(ecosystem, version))
        }
    }
}

pub fn registry(ecosystem: Ecosystem, name: &str, spec: Spec) -> Target {
    Target::Registry {
        ecosystem,
        name: name.to_owned(),
        spec,
        alias: false,
    }
}

/// npm's package-arg order: alias, git, URL, path, registry. npm takes no alias of an alias, so
/// only so many are followed.
fn npm(text: &str, aliases: u32) -> Target {
    let (name, version) = split_version(text);
    if let Some(target) = archive(text).or_else(|| archive(version)) {
        return target;
    }
    if let Some(source) = elsewhere(text) {
        return Target::Elsewhere(source);
    }
    // `npm:evil` alone is the package itself, and `x@npm:^1` a range of x.
    let Some(aliases) = aliases.checked_sub(1) else {
        return registry(Ecosystem::Npm, name, plain_spec(Ecosystem::Npm, version));
    };
    if let Some(real) = behind_npm(text) {
        return npm(real, aliases);
    }
    if let Some(range) = behind_npm(version).filter(|range| is_range_npm(range)) {
        return registry(Ecosystem::Npm, name, plain_spec(Ecosystem::Npm, range));
    }
    // yarn: `x@patch:x@npm%3A1.0.0#file`.
    if let Some(patched) = version.strip_prefix("patch:") {
        let patched = patched.split('#').next().unwrap_or_default();
        return npm(&patched.replace("%3A", ":").replace("%2F", "/"), aliases);
    }
    if let Some(real) = behind_npm(version) {
        return match npm(real, aliases) {
            Target::Registry { name, spec, .. } => Target::Registry {
                ecosystem: Ecosystem::Npm,
                name,
                spec,
                alias: true,
            },
            other => other,
        };
    }
    if let Some(source) = elsewhere(version) {
        return Target::Elsewhere(source);
    }
    registry(Ecosystem::Npm, name, plain_spec(Ecosystem::Npm, version))
}

/// The requirements of uv's `--with a>=1,<2,b[x,y]`: a comma before a bound or in brackets parts
/// nothing.
pub fn listed(text: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let end = all.char_indices().find(|(at, c)| {
            open = (open || *c == '[') && *c != ']';
            *c == ',' && !open && {
                let next = all.get(at + 1..).unwrap_or_default().trim_start();
                !next.starts_with(['<', '>', '=', '!', '~'])
            }
        });
        let (part, after) = match end {
            Some((at, _)) => (all.get(..at), all.get(at + 1..)),
            None => (Some(all), None),
        };
        rest = after;
        part
    })
}

fn behind_npm(text: &str) -> Option<&str> {
    let start = text.get(..4)?;
    start.eq_ignore_ascii_case("npm:").then(|| text.get(4..))?
}

pub fn plain_spec(ecosystem: Ecosystem, version: &str) -> Spec {
    let version = version.trim();
    if version.is_empty() {
        Spec::None
    } else if is_exact(ecosystem, version) {
        Spec::Exact(version.to_owned())
    } else if is_range_npm(version) {
        Spec::Range(version.to_owned())
    } else {
        Spec::Tag(version.to_owned())
    }
}

/// At the first `@` that does not open a scope.
fn split_version(text: &str) -> (&str, &str) {
    let at = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == '@')
        .map(|(at, _)| at);
    match at {
        Some(at) => (
            text.get(..at).unwrap_or(text),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, ""),
    }
}

fn elsewhere(text: &str) -> Option<Source> {
    const GIT: [&str; 9] = [
        "git+",
        "git:",
        "git@",
        "github:",
        "gitlab:",
        "bitbucket:",
        "gist:",
        "ssh:",
        "git://",
    ];
    let lower = text
        .get(..text.len().min(16))
        .unwrap_or(text)
        .to_ascii_lowercase();
    if GIT.iter().any(|prefix| lower.starts_with(prefix)) {
        return Some(Source::Git);
    }
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let git = text
            .split('#')
            .next()
            .is_some_and(|url| url.ends_with(".git"));
        return Some(if git { Source::Git } else { Source::Url });
    }
    let drive = text
        .get(1..3)
        .is_some_and(|drive| drive == ":\\" || drive == ":/");
    let archive = [".tgz", ".tar.gz", ".tar", ".whl", ".zip"]
        .iter()
        .any(|end| text.ends_with(end) && !text.contains("://"));
    // yarn's own ways to a folder and to a program that makes one.
    let local = ["link:", "workspace:", "portal:", "exec:"]
        .iter()
        .any(|start| lower.starts_with(start));
    // `~1.1.0` is a range, and `~` is any version.
    let home = text.starts_with("~/");
    let path =
        lower.starts_with("file:") || home || text.starts_with(['.', '/']) || text.contains('\\');
    if drive || archive || path || local {
        return Some(Source::Path);
    }
    let repository = text.split('#').next().unwrap_or_default();
    let shorthand = !text.starts_with('@') && !repository.contains([' ', ':', '@']);
    (shorthand && repository.split('/').count() == 2).then_some(Source::Git)
}

/// A requirement as pip and uv read it; uv adds `name@version`.
fn pypi(text: &str) -> Target {
    let text = text.split(';').next().unwrap_or_default().trim();
    let address = text
        .split_once('@')
        .map_or(text, |(_, address)| address.trim());
    if let Some(target) = archive(text).or_else(|| archive(address)) {
        return target;
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = match rest
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((_, rest)) => rest,
        None => rest,
    }
    .trim();
    let odd = text.starts_with(['.', '/', '~']) || text.contains('\\') || name.is_empty();
    if odd || rest.starts_with([':', '/', '+']) || name.ends_with(".whl") || name.ends_with(".gz") {
        return Target::Elsewhere(elsewhere(text).unwrap_or(Source::Path));
    }
    let name = |spec| registry(Ecosystem::Pypi, name, spec);
    if rest.is_empty() {
        return name(Spec::None);
    }
    if let Some(version) = rest.strip_prefix('@').map(str::trim) {
        return match elsewhere(version) {
            Some(source) => Target::Elsewhere(source),
            None if version == "latest" || version.is_empty() => name(Spec::None),
            None if is_exact(Ecosystem::Pypi, version) => name(Spec::Exact(version.to_owned())),
            // uv takes `name@>=1` for a directory of that name.
            None => Target::Elsewhere(Source::Path),
        };
    }
    let rest = rest.trim_start_matches('(').trim_end_matches(')').trim();
    let exact = rest.trim_start_matches("==").trim_start_matches('=').trim();
    if rest.starts_with("==") && is_exact(Ecosystem::Pypi, exact) {
        return name(Spec::Exact(exact.to_owned()));
    }
    name(Spec::Range(rest.to_owned()))
}

/// `gem install NAME[:VERSION]`; a purl writes `NAME@VERSION`.
fn gem(text: &str) -> Target {
    let (name, version) = text.split_once(['@', ':']).unwrap_or((text, ""));
    registry(
        Ecosystem::Rubygems,
        name,
        plain_spec(Ecosystem::Rubygems, version.trim_start_matches(['=', ' '])),
    )
}

/// `[registry/]name[:tag][@digest]`; the digest decides. Podman says where it lies before that.
fn oci(text: &str) -> Target {
    const STORES: [&str; 3] = ["docker://", "docker-daemon:", "containers-storage:"];
    const FILES: [&str; 6] = [
        "docker-archive:",
        "oci-archive:",
        "dir:/",
        "dir:.",
        "oci:/",
        "oci:.",
    ];
    if FILES.iter().any(|start| text.starts_with(start)) {
        return Target::Elsewhere(Source::Path);
    }
    let text = STORES
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .unwrap_or(text);
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let tag = rest
        .get(last..)
        .and_then(|end| end.find(':'))
        .map(|colon| last + colon);
    let (name, tag) = match tag {
        Some(at) => (rest.get(..at).unwrap_or(rest), rest.get(at + 1..)),
        None => (rest, None),
    };
    let spec = match (digest, tag) {
        (Some(digest), _) => Spec::Exact(digest.to_owned()),
        (None, Some(tag)) => Spec::Tag(tag.to_owned()),
        (None, None) => Spec::None,
    };
    registry(Ecosystem::Oci, name, spec)
}
