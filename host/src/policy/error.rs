//! What can be wrong with a policy file, where, and what to write instead.
//!
//! These messages go to the person who wrote the file, never to a client.

/// One thing wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {problem}")]
pub struct PolicyError {
    /// The file's name as the reader knows it.
    pub source_name: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub problem: Box<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{0}")]
    Syntax(String),
    #[error("policy version {found} is not supported, expected 1")]
    Version { found: i64 },
    #[error("rule id {id:?} is not 1 to 64 of a-z A-Z 0-9 . _ -")]
    BadId { id: String },
    #[error("rule id {id:?} is already used{}", if *.builtin { " by the profile" } else { " above" })]
    DuplicateId { id: String, builtin: bool },
    #[error("rule {id:?} has no criterion, so it would match everything or nothing")]
    NoCriterion { id: String },
    #[error("rule {id:?} has an empty `{field}`")]
    EmptyField { id: String, field: &'static str },
    #[error("rule {id:?}: {pattern:?} is no usable `{field}`: {why}")]
    BadPattern {
        id: String,
        field: &'static str,
        pattern: String,
        why: String,
    },
    #[error("rule {id:?} allows what a finding named, but `allow` never beats a finding")]
    AllowsFinding { id: String },
    #[error("rule {id:?} has a reason with line breaks, control characters or over 300 bytes")]
    BadReason { id: String },
    #[error(
        "{rule:?} can't be kept quiet: that is for rules of models, `injection.likely` and `kill-chain.rogue`"
    )]
    BadQuiet { rule: String },
    #[error("server {server:?} has neither `on_fault` nor `quiet`")]
    EmptyServer { server: String },
    /// The predecessor's format.
    #[error("this is an old policy: `[rules.NAME]` tables are not read")]
    OldFormat,
    /// The form the predecessor documented and read as an empty policy.
    #[error("`[[rule]]` with `{key}` beside `action` never had an effect and is not read")]
    PhantomRule { key: String },
}

impl PolicyError {
    /// What to write instead, when that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.problem.as_ref() {
            Problem::Syntax(message) => return renamed_key(message),
            Problem::Version { .. } => "write `version = 1`",
            Problem::BadId { .. } => "a short name such as `no-prod-writes`",
            Problem::DuplicateId { .. } => "every rule needs an id of its own; records refer to it",
            Problem::NoCriterion { .. } | Problem::EmptyField { .. } => {
                "name at least one value, for example `[rule.match]` with `tool = \"write_file\"`; \
                 to match every message write `server = \"*\"`"
            }
            Problem::BadPattern { field: "path", .. } => {
                "a path starts with `/`, `~/` or `**/`; `*` is one level, `**` is any depth"
            }
            Problem::BadPattern { field: "host", .. } => {
                "write `api.example.com`, or `*.example.com` for what lies below it"
            }
            Problem::BadPattern {
                field: "command", ..
            } => "write the program's name alone: `curl`, not `/usr/bin/curl -s`",
            Problem::BadPattern { .. } => return None,
            Problem::AllowsFinding { .. } => {
                "put the exception into the rule that blocks, as `[rule.unless]`"
            }
            Problem::BadReason { .. } => "one short sentence",
            Problem::BadQuiet { .. } => {
                "answer its questions, or accept an advisory: `clawdefender override --help`"
            }
            Problem::EmptyServer { .. } => {
                "write `on_fault = \"deny\"`, or `quiet` with the rules to be quiet about"
            }
            Problem::OldFormat => {
                "convert it: `clawdefender policy import OLD.toml`, then review the result"
            }
            Problem::PhantomRule { .. } => {
                "criteria belong below `[rule.match]`; arguments are \
                 `argument = { NAME = \"glob\" }`"
            }
        };
        Some(hint.to_owned())
    }

    pub(super) fn at(text: &str, source_name: &str, offset: usize, problem: Problem) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            source_name: source_name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before
                .get(line_start..)
                .map_or(0, |line| line.chars().count())
                + 1,
            problem: Box::new(problem),
        }
    }
}

/// Keys of the predecessor, and what they are called here.
const RENAMED: [(&str, &str); 6] = [
    ("tool_name", "tool"),
    ("resource_path", "path"),
    ("event_type", "kind"),
    ("message", "reason"),
    ("args", "argument"),
    ("arguments", "argument"),
];

fn renamed_key(message: &str) -> Option<String> {
    RENAMED
        .iter()
        .find(|(old, _)| message.contains(&format!("unknown field `{old}`")))
        .map(|(old, new)| format!("`{old}` is called `{new}` here"))
}
