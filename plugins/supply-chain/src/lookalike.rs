//! Names that are made to be mistaken for a well-known one.
//!
//! Four tricks: the same letters (other separators, a scope flattened into the name, characters
//! that look alike), one slip of the finger, a reassuring word added, and a scope that sounds like a
//! well-known one. Which names are worth
//! imitating is data, and so are honest names that happen to be close to one of them.
//!
//! A neighbour in the same npm scope is no imitation: a scope has one owner.

use std::collections::{BTreeMap, BTreeSet};

use crate::package::Ecosystem;
use crate::shard::Names;

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
                let scope = scope_skeleton(scope);
                scope.len() >= MIN_SCOPE
                    && self.scopes.values().any(|known| {
                        slip(known, &scope).is_some_and(|edit| known.len() >= edit.min_length())
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

    fn mistaken(&self, (ecosystem, name): &(Ecosystem, String)) -> Option<Trick> {
        let skeleton = skeleton(name);
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

    fn affixed(&self, (ecosystem, name): &(Ecosystem, String)) -> Option<Trick> {
        let hit = AFFIXES.iter().any(|(before, after)| {
            name.strip_prefix(before)
                .and_then(|name| name.strip_suffix(after))
                .is_some_and(|core| {
                    core.len() >= MIN_AFFIXED
                        && self.targets.contains(&(*ecosystem, core.to_owned()))
                })
        });
        hit.then_some(Trick::Affix)
    }
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

/// Separators dropped, look-alikes folded.
fn skeleton(name: &str) -> Vec<char> {
    let readable =
        clawdefender_sdk::canonical::canonical(name).map(|view| view.text.to_lowercase());
    let name = readable.as_deref().unwrap_or(name);
    let letters = name.chars().filter(|c| !"-_./@~".contains(*c));
    let mut skeleton: Vec<char> = letters.collect();
    // A digit among letters stands for the letter that it looks like; at the end it counts.
    let digits = skeleton
        .iter()
        .rev()
        .take_while(|c| c.is_ascii_digit())
        .count();
    let body = skeleton.len() - digits;
    for c in skeleton.iter_mut().take(body) {
        *c = match *c {
            '0' => 'o',
            '1' | '!' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            other => other,
        };
    }
    skeleton
}

/// What was done to a name, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    None,
    Swapped,
    Doubled,
    /// A key beside the right one.
    Beside,
    Replaced,
    Left,
    Added,
    /// Left out or added at an end, where a letter is often a word of its own.
    AtAnEnd,
}

impl Edit {
    /// The shortest name of which it counts. Chosen by what the thousand most used names of npm and
    /// PyPI would hold against the next nine thousand (docs/supply-chain.md).
    fn min_length(self) -> usize {
        match self {
            Self::None | Self::Swapped | Self::Doubled => 5,
            Self::Beside | Self::Left => 6,
            Self::Replaced | Self::Added => 8,
            Self::AtAnEnd => 11,
        }
    }
}

/// The one edit that leads from a well-known skeleton to another, if one is enough. A digit that
/// comes, goes or changes makes another package, not a misspelt one: `node18`, `elasticsearch7`.
fn slip(known: &[char], other: &[char]) -> Option<Edit> {
    let (short, long) = if known.len() <= other.len() {
        (known, other)
    } else {
        (other, known)
    };
    if long.len() - short.len() > 1 {
        return None;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let short_rest = short.get(same..)?;
    let long_rest = long.get(same..)?;
    match (short_rest, long_rest) {
        ([], []) => Some(Edit::None),
        ([a, short_tail @ ..], [b, long_tail @ ..]) if short.len() == long.len() => {
            if short_tail == long_tail {
                let letters = !a.is_ascii_digit() && !b.is_ascii_digit();
                let beside = are_neighbours(*a, *b);
                letters.then_some(if beside { Edit::Beside } else { Edit::Replaced })
            } else {
                let swapped = short_tail.first() == Some(b)
                    && long_tail.first() == Some(a)
                    && short_tail.get(1..) == long_tail.get(1..);
                swapped.then_some(Edit::Swapped)
            }
        }
        (rest, [extra, tail @ ..]) if rest == tail && !extra.is_ascii_digit() => {
            let twin = long.get(same.wrapping_sub(1)) == Some(extra) || tail.first() == Some(extra);
            Some(match known.len() < other.len() {
                true if twin => Edit::Doubled,
                _ if same == 0 || tail.is_empty() => Edit::AtAnEnd,
                true => Edit::Added,
                false => Edit::Left,
            })
        }
        _ => None,
    }
}

/// On a QWERTY keyboard.
fn are_neighbours(a: char, b: char) -> bool {
    const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let place = |c| {
        let mut rows = ROWS.iter().enumerate();
        rows.find_map(|(row, keys)| Some((row, keys.find(c)?)))
    };
    match (place(a), place(b)) {
        (Some((row, column)), Some((other_row, other_column))) => {
            row.abs_diff(other_row) <= 1 && column.abs_diff(other_column) <= 1
        }
        _ => false,
    }
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
