//! Criteria: what a rule looks at, and how much of an event it covers.
//!
//! An event can touch many things at once, and an attacker chooses which. So a rule that blocks
//! applies when *any* of them matches, while a rule that allows, and any `unless`, must cover *all*
//! of them: a decoy path beside the real one neither hides it nor excuses it.

use std::cell::Cell;

use crate::event::{
    Asset, AssetKind, Event, Finding, Kind, MORE_PACKAGES, Role, Severity, Text, is_same_key,
};

use super::pattern::{Globs, Host};

/// One field of `match` or `unless`.
#[derive(Clone, Debug)]
pub(super) enum Criterion {
    Server(Globs),
    Tool(Globs),
    Kind(Vec<String>),
    Direction(Vec<String>),
    Method(Globs),
    Path(Globs),
    Host(Vec<Host>),
    Command(Globs),
    Package(Globs),
    Account(Globs),
    Argument(String, Globs),
    Finding(FindingIs),
    Credential(bool),
}

/// The finding fields together: they must hold for one and the same finding.
#[derive(Clone, Debug, Default)]
pub(super) struct FindingIs {
    pub category: Option<Globs>,
    pub at_least: Option<Severity>,
    pub detector: Option<Globs>,
    pub rule: Option<Globs>,
}

/// What a criterion says about one of the things it looks at.
#[derive(Clone, Copy)]
struct Hit {
    /// Some spelling of it matches: enough to block.
    any: bool,
    /// The resolved value matches, in every view: needed to allow or to except.
    sure: bool,
}

/// How far a rule reaches into an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// This criterion failed; `others_held` when it was the only one.
    Miss {
        criterion: &'static str,
        others_held: bool,
    },
    /// It matched, and `unless` excepts all of it.
    Excepted,
    /// Something that the event touches matches.
    Part,
    /// Everything of the kinds that the rule names matches, and nothing is excepted.
    Whole,
}

pub(super) fn cover(
    when: &[Criterion],
    unless: &[Criterion],
    event: &Event,
    findings: &[Finding],
) -> Cover {
    let mut whole = true;
    let mut missed = None;
    let mut held = 0;
    for criterion in when {
        let hits = criterion.hits(event, findings);
        if hits.iter().any(|hit| hit.any) {
            held += 1;
            whole &= hits.iter().all(|hit| hit.sure);
            // Findings come and go with the text, so they never vouch for a whole message.
            whole &= !matches!(criterion, Criterion::Finding(_));
        } else {
            missed = missed.or(Some(criterion.name()));
        }
    }
    if let Some(criterion) = missed {
        return Cover::Miss {
            criterion,
            others_held: held + 1 == when.len(),
        };
    }
    if !unless.is_empty() {
        if unless
            .iter()
            .all(|exception| exception.excepts(when, event, findings))
        {
            return Cover::Excepted;
        }
        let grazed =
            |exception: &Criterion| exception.hits(event, findings).iter().any(|hit| hit.any);
        whole &= !unless.iter().all(grazed);
    }
    if whole { Cover::Whole } else { Cover::Part }
}

impl Criterion {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Tool(_) => "tool",
            Self::Kind(_) => "kind",
            Self::Direction(_) => "direction",
            Self::Method(_) => "method",
            Self::Path(_) => "path",
            Self::Host(_) => "host",
            Self::Command(_) => "command",
            Self::Package(_) => "package",
            Self::Account(_) => "account",
            Self::Argument(..) => "argument",
            Self::Finding(_) => "finding",
            Self::Credential(_) => "credential",
        }
    }

    /// Whether this exception covers everything that made the rule match.
    fn excepts(&self, when: &[Self], event: &Event, findings: &[Finding]) -> bool {
        let hits = self.hits(event, findings);
        let matched = when
            .iter()
            .find(|criterion| criterion.looks_at_the_same(self));
        let relevant: Vec<bool> = match matched {
            Some(criterion) => criterion
                .hits(event, findings)
                .iter()
                .map(|hit| hit.any)
                .collect(),
            None => vec![true; hits.len()],
        };
        let mut concerned = hits
            .iter()
            .zip(relevant)
            .filter(|(_, relevant)| *relevant)
            .peekable();
        concerned.peek().is_some() && concerned.all(|(hit, _)| hit.sure)
    }

    /// Same field, so [`Self::hits`] lists the same things in the same order.
    fn looks_at_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Argument(one, _), Self::Argument(two, _)) => one == two,
            (Self::Credential(one), Self::Credential(two)) => one == two,
            _ => self.name() == other.name(),
        }
    }

    /// One entry for each thing of the event that this field looks at.
    fn hits(&self, event: &Event, findings: &[Finding]) -> Vec<Hit> {
        match self {
            Self::Server(globs) => one(globs.is_match(&event.server.name)),
            Self::Tool(globs) => one(names_a_tool(&event.kind) && globs.is_match(&event.name)),
            Self::Kind(words) => one(words.iter().any(|word| word == event.kind.word())),
            Self::Direction(words) => one(words.iter().any(|word| word == event.direction.word())),
            Self::Method(globs) => one(globs.is_match(&event.method)),
            Self::Path(globs) => names(event, &AssetKind::Path, globs),
            Self::Host(hosts) => assets(event, &AssetKind::Host, |value| {
                hosts.iter().any(|host| host.is_match(value))
            }),
            Self::Command(globs) => names(event, &AssetKind::Command, globs),
            Self::Account(globs) => assets(event, &AssetKind::Account, |account| {
                globs.is_match(&account.to_lowercase())
            }),
            Self::Package(globs) => {
                let is_match = |package: &str| {
                    globs.is_match(package) || globs.is_match(without_version(package))
                };
                let mut hits = assets(event, &AssetKind::Package, is_match);
                let more = AssetKind::Other(MORE_PACKAGES.to_owned());
                if event.assets.iter().any(|asset| asset.kind == more) {
                    // Whoever names more than are listed may be hiding the one that is meant.
                    hits.push(Hit {
                        any: true,
                        sure: false,
                    });
                }
                hits.extend(
                    event
                        .server
                        .package
                        .iter()
                        .flat_map(|own| one(is_match(own))),
                );
                hits
            }
            Self::Argument(key, globs) => {
                let hit = |text: &Text| {
                    let place = place(text, key)?;
                    let original = globs.is_match(&text.original);
                    let canonical = text.canonical.as_ref();
                    let seen = canonical.map_or(original, |seen| globs.is_match(&seen.text));
                    Some(Hit {
                        any: original || seen,
                        sure: original && seen && place == Place::Exact,
                    })
                };
                event.texts.iter().filter_map(hit).collect()
            }
            Self::Finding(is) => findings
                .iter()
                .flat_map(|finding| one(is.is_match(finding)))
                .collect(),
            Self::Credential(true) => event
                .assets
                .iter()
                .flat_map(|asset| one(asset.credential))
                .collect(),
            Self::Credential(false) => one(!event.assets.iter().any(|asset| asset.credential)),
        }
    }
}

impl FindingIs {
    fn is_match(&self, finding: &Finding) -> bool {
        let glob = |globs: &Option<Globs>, value: &str| {
            globs.as_ref().is_none_or(|globs| globs.is_match(value))
        };
        glob(&self.category, &finding.category.0)
            && glob(&self.detector, &finding.detector)
            && glob(&self.rule, &finding.rule)
            && self.at_least.is_none_or(|least| finding.severity >= least)
    }
}

fn one(hit: bool) -> Vec<Hit> {
    vec![Hit {
        any: hit,
        sure: hit,
    }]
}

fn assets(event: &Event, kind: &AssetKind, is_match: impl Fn(&str) -> bool) -> Vec<Hit> {
    assets_or(event, kind, &is_match, &is_match, |_| false)
}

/// Letters of words with wildcards that one field of a rule is compared with, in bytes. Chosen: a
/// thousand times what a line is written for; a pattern takes some milliseconds for it.
const MAX_WILD_BYTES: usize = 64 << 10;

/// Things of which a shell may make others.
fn names(event: &Event, kind: &AssetKind, globs: &Globs) -> Vec<Hit> {
    // Whoever writes more words with wildcards than are compared is read as the worst.
    let left = Cell::new(MAX_WILD_BYTES);
    let may_match = |name: &str| match left.get().checked_sub(name.len()) {
        Some(rest) => {
            left.set(rest);
            globs.may_match(name)
        }
        None => true,
    };
    let vouches = |name: &str| globs.is_match(name);
    let accuses = |name: &str| globs.accuses(name);
    assets_or(event, kind, vouches, accuses, may_match)
}

fn assets_or(
    event: &Event,
    kind: &AssetKind,
    vouches: impl Fn(&str) -> bool,
    accuses: impl Fn(&str) -> bool,
    may_match: impl Fn(&str) -> bool,
) -> Vec<Hit> {
    let hit = |asset: &Asset| match &asset.kind {
        found if found == kind => {
            // An alias is a spelling, a symbolic link perhaps, and what a shell makes of a wildcard is
            // not known: they can accuse, they cannot vouch.
            let sure = vouches(&asset.value);
            let mut forms = std::iter::once(&asset.value).chain(&asset.aliases);
            let any = forms.any(|form| accuses(form) || asset.wild && may_match(form));
            Some(Hit { any, sure })
        }
        // Something without a name here, too much to list for example, may be of any kind.
        AssetKind::Other(_) => Some(Hit {
            any: false,
            sure: false,
        }),
        _ => None,
    };
    event.assets.iter().filter_map(hit).collect()
}

fn names_a_tool(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::ToolCall | Kind::ToolResult | Kind::ToolDefinition | Kind::GuardCheck
    )
}

/// `npm:@scope/name@1.2.3` without its version.
fn without_version(package: &str) -> &str {
    match package.rfind('@') {
        // An `@` right after the ecosystem opens a scope.
        Some(at)
            if !package
                .get(..at)
                .is_some_and(|before| before.ends_with(':')) =>
        {
            package.get(..at).unwrap_or(package)
        }
        _ => package,
    }
}

/// How a text answers to an argument's name.
#[derive(PartialEq, Eq)]
enum Place {
    /// Where the name says: at a pointer, or directly among the arguments.
    Exact,
    /// A part of it, a property of that name further down, or one that only some parsers take for it.
    /// A server may never read it, so it can't vouch.
    Deeper,
}

/// Whether `key` names this argument: a pointer (from the message's root if it starts with
/// `/params/` or `/result/`, else from the arguments), or a property's name at any depth.
fn place(text: &Text, key: &str) -> Option<Place> {
    if text.role == Role::Key {
        return None;
    }
    let pointer = text.pointer.as_str();
    if key.starts_with("/params/") || key.starts_with("/result/") {
        return (pointer == key).then_some(Place::Exact);
    }
    let elsewhere = (text.role == Role::Argument).then_some(pointer);
    let inside = pointer.strip_prefix(ARGUMENTS).or(elsewhere)?;
    if key.starts_with('/') {
        return (inside == key).then_some(Place::Exact);
    }
    let written = |part: &str| part.replace("~1", "/").replace("~0", "~");
    // Some servers take one key for the other; which of them can't be told, so it can't vouch.
    let named = |part: &str| is_same_key(&written(part), key);
    let mut parts = inside.split('/').skip(1);
    let at = parts.clone().position(named)?;
    match (parts.nth(at), parts.next()) {
        // Of a list or an object a server may read another part than this one.
        (Some(part), None) if at == 0 && written(part) == key => Some(Place::Exact),
        _ => Some(Place::Deeper),
    }
}

/// Where the arguments of a call stand in its message.
const ARGUMENTS: &str = "/params/arguments";
