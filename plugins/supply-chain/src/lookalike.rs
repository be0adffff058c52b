//! Names that are made to be mistaken for a well-known one.
//!
//! Four tricks: the same letters (other separators, a scope flattened into the name, characters
//! that look alike), one slip of the finger, a reassuring word added, and a scope that sounds like a
//! well-known one. Which names are worth
//! imitating is data, and so are honest names that happen to be close to one of them.
//!
//! A neighbour in the same npm scope is no imitation: a scope has one owner.

mod letters;

use std::collections::{BTreeMap, BTreeSet};

use crate::package::Ecosystem;
use crate::shard::Names;
use letters::{Edit, other_readings, skeleton, slip};

/// Shorter names have too many innocent neighbours.
const MIN_LENGTH: usize = 5;
/// npm's limit; anything longer imitates nothing.
const MAX_LENGTH: usize = 214;
/// A well-known name that carries a digit at its end is imitated without it, too, if this long.
const MIN_STEM: usize = 8;

/// Words that are added to borrow trust. Chosen among those that honest packages rarely add:
/// `-utils` or `-cli` would speak against hundreds of them.
const AFFIXES: [(&str, &str); 28] = [
    ("node-", ""),
    ("official-", ""),
    ("py-", ""),
    ("python-", ""),
    ("real-", ""),
    ("", "-beta"),
    ("", "-darwin"),
    ("", "-darwin-lite"),
    ("", "-dev"),
    ("", "-fix"),
    ("", "-fixed"),
    ("", "-js"),
    ("", "-latest"),
    ("", "-linux"),
    ("", "-lite"),
    ("", "-new"),
    ("", "-node"),
    ("", "-npm"),
    ("", "-official"),
    ("", "-original"),
    ("", "-patched"),
    ("", "-plus"),
    ("", "-pro"),
    ("", "-python"),
    ("", "-stable"),
    ("", "-updated"),
    ("", ".js"),
    ("", "js"),
];
/// The shortest well-known name that an affix is looked for on.
const MIN_AFFIXED: usize = 6;

/// The shortest scope that is compared with well-known ones; and the shortest that nobody would put
/// before a name of their own. Chosen by the ten thousand most used names (docs/supply-chain.md).
const MIN_SCOPE: usize = 7;
const MIN_FLAT_SCOPE: usize = 16;

/// Those of them that nobody adds but to vouch for a package: they count on the same letters, too.
const VOUCHING: [(&str, &str); 6] = [
    ("official-", ""),
    ("real-", ""),
    ("", "-official"),
    ("", "-original"),
    ("", "-patched"),
    ("", "-fixed"),
];
/// Words that are added to a scope to borrow its trust.
const SCOPE_AFFIXES: [(&str, &str); 15] = [
    ("official-", ""),
    ("the-", ""),
    ("real-", ""),
    ("", "-official"),
    ("", "-ai"),
    ("", "ai"),
    ("", "-mcp"),
    ("", "-sdk"),
    ("", "-server"),
    ("", "-servers"),
    ("", "-js"),
    ("", "js"),
    ("", "-team"),
    ("", "-org"),
    ("", "-npm"),
];
/// So many letters that two scopes begin with make them kin, where the rest of the name is the same.
const MIN_KIN: usize = 6;
/// The shortest of such rests, with its stroke: everybody has a `/core`.
const MIN_KIN_BODY: usize = 7;
/// The same where the scope says no more than that it is about MCP.
const MIN_FLAT_BODY: usize = 10;
/// Added to the name of a package for MCP, which few honest ones do.
const MCP_AFFIXES: [&str; 6] = ["-secure", "-auth", "-proxy", "-sdk", "-mcp", "2"];
/// How a name imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    SameLetters,
    Slip,
    Affix,
    Scope,
}

/// The names worth imitating, and what they look like at a glance.
#[derive(Debug, Default)]
pub struct WellKnown {
    honest: BTreeSet<(Ecosystem, String)>,
    targets: BTreeSet<(Ecosystem, String)>,
    /// Scopes of honest names: whoever owns one may call anything in it what they like.
    honest_scopes: BTreeSet<String>,
    /// Well-known scopes, and what they look like at a glance.
    scopes: BTreeMap<String, Vec<char>>,
    /// The scopes of well-known names, by what stands behind them.
    bodies: BTreeMap<String, Vec<Vec<char>>>,
    /// By the length of the skeleton: a slip changes it by one at most.
    glances: BTreeMap<(Ecosystem, usize), Vec<Glance>>,
}

#[derive(Debug)]
struct Glance {
    skeleton: Vec<char>,
    scope: Option<String>,
}

impl WellKnown {
    pub fn new<'a>(names: impl Iterator<Item = (Names, Ecosystem, &'a str)>) -> Self {
        let mut known = Self::default();
        for (list, ecosystem, name) in names {
            known.honest.insert((ecosystem, name.to_owned()));
            known.honest_scopes.extend(scope(name).map(str::to_owned));
            if list == Names::WellKnown {
                known.targets.insert((ecosystem, name.to_owned()));
                known.glance(ecosystem, name);
                if let Some(scope) = scope(name) {
                    known.scopes.insert(scope.to_owned(), scope_skeleton(scope));
                    let body = name.get(scope.len()..).unwrap_or_default();
                    let scopes = known.bodies.entry(body.to_owned()).or_default();
                    scopes.push(scope_skeleton(scope));
                }
            }
        }
        known
    }

    fn glance(&mut self, ecosystem: Ecosystem, name: &str) {
        let whole = skeleton(name);
        let digits = whole
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_digit())
            .count();
        let stem = whole.get(..whole.len() - digits).unwrap_or_default();
        let stem = (digits > 0 && stem.len() >= MIN_STEM).then(|| stem.to_vec());
        for skeleton in std::iter::once(whole).chain(stem) {
            let glances = self.glances.entry((ecosystem, skeleton.len())).or_default();
            glances.push(Glance {
                skeleton,
                scope: scope(name).map(str::to_owned),
            });
        }
    }

    /// How this name could be mistaken for a well-known one.
    pub fn imitated(&self, ecosystem: Ecosystem, name: &str) -> Option<Trick> {
        if name.len() > MAX_LENGTH {
            return None;
        }
        let name = (ecosystem, ecosystem.normalise(name));
        if self.honest.contains(&name) {
            return None;
        }
        self.mistaken(&name)
            .or_else(|| self.affixed(&name))
            .or_else(|| self.scoped(&name.1))
    }

    /// Anything in `@model-context-protocol`, and `modelcontextprotocol-anything` without a scope.
    fn scoped(&self, name: &str) -> Option<Trick> {
        let hit = match scope(name) {
            Some(scope) if self.honest_scopes.contains(scope) => false,
            Some(scope) => {
                let body = name.get(scope.len()..).unwrap_or_default();
                let letters = scope_skeleton(scope);
                let same_body = self.bodies.get(body).into_iter().flatten();
                let same_body = same_body.filter(|_| body.len() >= MIN_KIN_BODY);
                let mut kin =
                    same_body.filter(|known| are_kin(known, &letters) || borrows_mcp(scope, body));
                kin.next().is_some()
                    || self.adds_to_scope(scope)
                    || letters.len() >= MIN_SCOPE
                        && self.scopes.values().any(|known| {
                            let edit = slip(known, &letters);
                            edit.is_some_and(|edit| known.len() >= edit.min_length())
                        })
            }
            None => {
                let letters = skeleton(name);
                let mut long = self.scopes.values().filter(|s| s.len() >= MIN_FLAT_SCOPE);
                long.any(|scope| letters.len() > scope.len() && letters.starts_with(scope))
            }
        };
        hit.then_some(Trick::Scope)
    }

    /// `@modelcontextprotocol-ai`, `@official-playwright`.
    fn adds_to_scope(&self, scope: &str) -> bool {
        let plain = scope.trim_start_matches('@');
        SCOPE_AFFIXES.iter().any(|(before, after)| {
            let core = plain
                .strip_prefix(before)
                .and_then(|core| core.strip_suffix(after));
            core.is_some_and(|core| {
                core.len() >= MIN_AFFIXED && self.scopes.contains_key(&format!("@{core}"))
            })
        })
    }

    fn mistaken(&self, (ecosystem, name): &(Ecosystem, String)) -> Option<Trick> {
        let skeleton = skeleton(name);
        if other_readings(&skeleton).any(|other| self.is_known(*ecosystem, &other, scope(name))) {
            return Some(Trick::SameLetters);
        }
        let near = skeleton.len().saturating_sub(1)..=skeleton.len() + 1;
        let mut slipped = None;
        for length in near {
            let glances = self.glances.get(&(*ecosystem, length));
            for known in glances.into_iter().flatten() {
                if known.scope.is_some() && known.scope.as_deref() == scope(name) {
                    continue;
                }
                match slip(&known.skeleton, &skeleton) {
                    Some(Edit::None) if length >= MIN_LENGTH => return Some(Trick::SameLetters),
                    Some(edit) if length >= edit.min_length() => slipped = Some(Trick::Slip),
                    _ => {}
                }
            }
        }
        slipped
    }

    /// Whether exactly these letters are a well-known name's.
    fn is_known(&self, ecosystem: Ecosystem, letters: &[char], scope: Option<&str>) -> bool {
        let glances = self.glances.get(&(ecosystem, letters.len()));
        let mut glances = glances.into_iter().flatten();
        letters.len() >= MIN_LENGTH
            && glances.any(|known| {
                known.skeleton == letters && (scope.is_none() || known.scope.as_deref() != scope)
            })
    }

    fn affixed(&self, (ecosystem, name): &(Ecosystem, String)) -> Option<Trick> {
        let hit = AFFIXES.iter().any(|(before, after)| {
            name.strip_prefix(before)
                .and_then(|name| name.strip_suffix(after))
                .is_some_and(|core| {
                    core.len() >= MIN_AFFIXED
                        && self.targets.contains(&(*ecosystem, core.to_owned()))
                })
        });
        let core = MCP_AFFIXES.iter().find_map(|end| name.strip_suffix(end));
        let mcp = core.is_some_and(|core| {
            core.contains("mcp") && self.targets.contains(&(*ecosystem, core.to_owned()))
        });
        // `playwright-mcp-official` borrows from `@playwright/mcp`.
        let vouched = VOUCHING.iter().any(|(before, after)| {
            let core = name
                .strip_prefix(before)
                .and_then(|name| name.strip_suffix(after));
            core.is_some_and(|core| self.is_known(*ecosystem, &skeleton(core), scope(core)))
        });
        (hit || mcp || vouched).then_some(Trick::Affix)
    }
}

/// `@mcp/server-filesystem`, `@mcp-server/…`; not `@somebody-mcp/server`.
fn borrows_mcp(scope: &str, body: &str) -> bool {
    let mut parts = scope.trim_start_matches('@').split('-');
    body.len() >= MIN_FLAT_BODY && parts.any(|part| part == "mcp")
}

/// Whether two different scopes begin alike, or one is in the other.
fn are_kin(one: &[char], other: &[char]) -> bool {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let ends = |long: &[char], short: &[char]| short.len() >= MIN_KIN && long.ends_with(short);
    same >= MIN_KIN || ends(one, other) || ends(other, one)
}

/// A digit at the end of a scope is a letter's twin like any other: `@modelcontextprotoco1`.
fn scope_skeleton(scope: &str) -> Vec<char> {
    let mut letters = skeleton(&format!("{scope}/a"));
    letters.pop();
    letters
}

fn scope(name: &str) -> Option<&str> {
    name.starts_with('@').then(|| name.split('/').next())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ecosystem::{Npm, Pypi};
    use Trick::{Affix, SameLetters, Scope, Slip};

    fn known() -> WellKnown {
        let names = [
            (Npm, "@modelcontextprotocol/server-filesystem"),
            (Npm, "@modelcontextprotocol/server-github"),
            (Npm, "mcp-remote"),
            (Npm, "react-router-dom"),
            (Npm, "@tsconfig/node18"),
            (Pypi, "mcp-server-fetch"),
            (Pypi, "beautifulsoup4"),
            (Pypi, "requests"),
            (Pypi, "colorama"),
            (Pypi, "async"),
        ];
        let neighbours = [
            (Names::Neighbours, Pypi, "grequests"),
            (Names::Neighbours, Npm, "@modelcontextprotocols/honest"),
        ];
        let well_known = names.map(|(ecosystem, name)| (Names::WellKnown, ecosystem, name));
        WellKnown::new(well_known.into_iter().chain(neighbours))
    }

    #[test]
    fn tricks_are_seen_and_neighbours_are_not() {
        for (ecosystem, name, trick) in [
            (Npm, "mcp-rem0te", Some(SameLetters)),
            (Npm, "mcp-rem\u{43e}te", Some(SameLetters)),
            (Npm, "mcpremote", Some(SameLetters)),
            (Npm, "mcp_remote", Some(SameLetters)),
            (Npm, "modelcontextprotocol-server-github", Some(SameLetters)),
            (
                Npm,
                "@model-context-protocol/server-github",
                Some(SameLetters),
            ),
            (Npm, "@model-context-protocol/anything", Some(Scope)),
            (Npm, "@modelcontextprotoco1/anything", Some(Scope)),
            (Npm, "@modelcontextprotocal/anything", Some(Scope)),
            (Npm, "modelcontextprotocol-anything", Some(Scope)),
            (Npm, "model-context-protocol-anything", Some(Scope)),
            (Npm, "@acme/model-context", None),
            (Npm, "@modelcontextprotocols/anything", None),
            (Npm, "@modelcontextprotocoll/anything", Some(Scope)),
            (Npm, "@tsconfigs/anything", None),
            (Npm, "mcp-remotte", Some(Slip)),
            (Npm, "mcp-reomte", Some(Slip)),
            (Npm, "mcp-rmote", Some(Slip)),
            (Npm, "@modelcontextprotocal/server-filesystem", Some(Slip)),
            (Npm, "mcp-remote-official", Some(Affix)),
            (Npm, "react-router-dom.js", Some(Affix)),
            (Pypi, "mcp-server-fetchh", Some(Slip)),
            (Pypi, "asycn", Some(Slip)),
            (Pypi, "colurama", Some(Slip)),
            (Pypi, "requeats", Some(Slip)),
            (Pypi, "r4quests", Some(Slip)),
            (Pypi, "beautifulsoop", Some(Slip)),
            (Pypi, "requests-darwin-lite", Some(Affix)),
            (Npm, "mcp-remote", None),
            (Npm, "@tsconfig/node20", None),
            (Npm, "@tsconfig/node1", None),
            (Npm, "@acme/server-filesystem", None),
            (Npm, "mcp-remote-server", None),
            (Npm, "@modelcontextprotocol/server-gitlab", None),
            (Pypi, "mcp_server.fetch", None),
            (Pypi, "mcp-server-time", None),
            (Pypi, "grequests", None),
            (Pypi, "beautifulsoup5", None),
            (Npm, "requests", None),
            (Npm, "mcp", None),
            (Npm, "", None),
        ] {
            assert_eq!(known().imitated(ecosystem, name), trick, "{name}");
        }
    }
}
