//! A rule, compiled from what the file says; everything that could make it useless is an error.

use std::path::Path;

use toml::Spanned;

use crate::event::Direction;

use super::Action;
use super::criteria::{Criterion, FindingIs};
use super::error::{PolicyError, Problem};
use super::file::{List, RawCriteria, RawRule};
use super::pattern::{Globs, Host};

/// One rule of a policy, the profile's or the user's.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub action: Action,
    pub reason: String,
    /// Position in [`super::Policy::rules`]: stable for one policy version, for counters.
    pub index: usize,
    /// `policy.toml:14:6`, or `profile NAME`.
    pub source: String,
    /// From a shipped profile.
    pub builtin: bool,
    pub(super) when: Vec<Criterion>,
    pub(super) unless: Vec<Criterion>,
}

/// What compiling a rule needs to know about its file.
pub(super) struct Origin<'a> {
    pub text: &'a str,
    pub source_name: &'a str,
    pub home: &'a Path,
    pub builtin: bool,
}

impl Origin<'_> {
    pub(super) fn error(&self, offset: usize, problem: Problem) -> PolicyError {
        PolicyError::at(self.text, self.source_name, offset, problem)
    }
}

impl Rule {
    pub(super) fn compile(
        raw: RawRule,
        index: usize,
        origin: &Origin,
    ) -> Result<Self, PolicyError> {
        let at = raw.id.span().start;
        let id = raw.id.into_inner();
        if !is_id(&id) {
            return Err(origin.error(at, Problem::BadId { id }));
        }
        let reason = match raw.reason {
            Some(reason) if !is_sentence(reason.get_ref()) => {
                return Err(origin.error(reason.span().start, Problem::BadReason { id }));
            }
            Some(reason) => reason.into_inner(),
            None => format!("matched rule {id}"),
        };
        let mut when = criteria(raw.when, &id, origin)?;
        if when.is_empty() {
            return Err(origin.error(at, Problem::NoCriterion { id }));
        }
        let says_which_way = |criterion: &Criterion| {
            matches!(
                criterion,
                Criterion::Kind(_) | Criterion::Direction(_) | Criterion::Finding(_)
            )
        };
        let names_findings = when
            .iter()
            .any(|criterion| matches!(criterion, Criterion::Finding(_)));
        if raw.action == Action::Allow && names_findings {
            return Err(origin.error(at, Problem::AllowsFinding { id }));
        }
        let says_it = when.iter().any(says_which_way);
        let excepts = raw.unless.is_some();
        let unless = match raw.unless {
            Some(raw) => criteria(raw, &id, origin)?,
            None => Vec::new(),
        };
        if excepts && unless.is_empty() {
            return Err(origin.error(
                at,
                Problem::EmptyField {
                    id,
                    field: "unless",
                },
            ));
        }
        // A person who allowed a call must not be asked about its result again, and a tool that needs a
        // person must not vanish from the list. What only a call can be excepted by is about calls, or
        // a call that passed would be told, when it has run, that it was blocked.
        let argument = |criterion: &Criterion| matches!(criterion, Criterion::Argument(..));
        let about_calls = match raw.action {
            Action::Ask => true,
            Action::Deny => unless.iter().any(argument),
            _ => false,
        };
        if about_calls && !says_it {
            let acting = [Direction::ToServer, Direction::Local];
            when.push(Criterion::Direction(
                acting.map(|way| way.word().to_owned()).into(),
            ));
        }
        let here = origin.error(at, Problem::OldFormat);
        let source = if origin.builtin {
            origin.source_name.to_owned()
        } else {
            format!("{}:{}:{}", here.source_name, here.line, here.column)
        };
        let (action, builtin) = (raw.action, origin.builtin);
        Ok(Self {
            id,
            action,
            reason,
            index,
            source,
            builtin,
            when,
            unless,
        })
    }
}

/// The words of [`crate::event::Kind`], without methods.
const KINDS: [&str; 14] = [
    "tool-call",
    "tool-result",
    "tool-definition",
    "prompt-definition",
    "resource-definition",
    "server-instructions",
    "resource-content",
    "prompt-content",
    "completion",
    "sampling",
    "elicitation",
    "notice",
    "guard-check",
    "server-launch",
];

const DIRECTIONS: [&str; 3] = ["to-server", "to-client", "local"];

fn criteria(raw: RawCriteria, id: &str, origin: &Origin) -> Result<Vec<Criterion>, PolicyError> {
    let globs = |field, list: Option<Spanned<List>>, compile: fn(&[String]) -> Compiled<Globs>| {
        list.map(|list| compiled(field, list, id, origin, compile))
            .transpose()
    };
    let words = Globs::words as fn(&[String]) -> Compiled<Globs>;

    let mut criteria = Vec::new();
    criteria.extend(globs("server", raw.server, words)?.map(Criterion::Server));
    criteria.extend(globs("tool", raw.tool, words)?.map(Criterion::Tool));
    criteria.extend(closed("kind", raw.kind, &KINDS, id, origin)?.map(Criterion::Kind));
    criteria.extend(
        closed("direction", raw.direction, &DIRECTIONS, id, origin)?.map(Criterion::Direction),
    );
    criteria.extend(globs("method", raw.method, words)?.map(Criterion::Method));
    if let Some(list) = raw.path {
        let path = |patterns: &[String]| Globs::paths(patterns, origin.home);
        criteria.push(Criterion::Path(compiled("path", list, id, origin, path)?));
    }
    if let Some(list) = raw.host {
        criteria.push(Criterion::Host(compiled("host", list, id, origin, hosts)?));
    }
    criteria.extend(globs("command", raw.command, Globs::commands)?.map(Criterion::Command));
    criteria.extend(globs("package", raw.package, Globs::packages)?.map(Criterion::Package));
    criteria.extend(globs("account", raw.account, Globs::accounts)?.map(Criterion::Account));
    for (key, list) in raw.argument {
        if key.is_empty() || key == "/" {
            let problem = Problem::EmptyField {
                id: id.to_owned(),
                field: "argument",
            };
            return Err(origin.error(list.span().start, problem));
        }
        let values = compiled("argument", list, id, origin, words)?;
        criteria.push(Criterion::Argument(key, values));
    }
    let finding = FindingIs {
        category: globs("category", raw.category, words)?,
        at_least: raw.severity,
        detector: globs("detector", raw.detector, words)?,
        rule: globs("finding", raw.finding, words)?,
    };
    let named = finding.category.is_some()
        || finding.at_least.is_some()
        || finding.detector.is_some()
        || finding.rule.is_some();
    criteria.extend(named.then_some(Criterion::Finding(finding)));
    criteria.extend(raw.credential.map(Criterion::Credential));
    Ok(criteria)
}

/// A compiled field, or the pattern that is wrong and why.
type Compiled<T> = Result<T, (String, String)>;

fn compiled<T>(
    field: &'static str,
    list: Spanned<List>,
    id: &str,
    origin: &Origin,
    compile: impl Fn(&[String]) -> Compiled<T>,
) -> Result<T, PolicyError> {
    let at = list.span().start;
    compile(&list.into_inner().0).map_err(|(pattern, why)| {
        origin.error(
            at,
            Problem::BadPattern {
                id: id.to_owned(),
                field,
                pattern,
                why,
            },
        )
    })
}

fn hosts(patterns: &[String]) -> Compiled<Vec<Host>> {
    let parse = |pattern: &String| Host::parse(pattern).map_err(|why| (pattern.clone(), why));
    patterns.iter().map(parse).collect()
}

fn closed(
    field: &'static str,
    list: Option<Spanned<List>>,
    words: &[&str],
    id: &str,
    origin: &Origin,
) -> Result<Option<Vec<String>>, PolicyError> {
    let known = |patterns: &[String]| match patterns
        .iter()
        .find(|pattern| !words.contains(&pattern.as_str()))
    {
        Some(unknown) => Err((
            unknown.clone(),
            format!("expected one of {}", words.join(", ")),
        )),
        None => Ok(patterns.to_vec()),
    };
    list.map(|list| compiled(field, list, id, origin, known))
        .transpose()
}

/// No colon: `default:`, `finding:` and `fault:` are the host's own.
fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&id.len()) && id.chars().all(allowed)
}

fn is_sentence(reason: &str) -> bool {
    (1..=300).contains(&reason.len()) && !reason.chars().any(char::is_control)
}
