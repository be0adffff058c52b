//! The policy file's shape: what TOML may say, before any of it is understood.
//!
//! Unknown keys are errors everywhere, because a mistyped key would otherwise be a rule that
//! silently protects nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{Action, OnFault, Profile};
use crate::event::Severity;

/// A user's `policy.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub version: Spanned<i64>,
    pub profile: Profile,
    pub quiet: Option<Spanned<List>>,
    #[serde(default)]
    pub rule: Vec<RawRule>,
    #[serde(default)]
    pub servers: BTreeMap<String, Spanned<RawServer>>,
}

/// A shipped profile: the same rules, plus what no rule decides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    pub version: Spanned<i64>,
    pub profile: Profile,
    pub default: Action,
    pub findings: Thresholds,
    #[serde(default)]
    pub rule: Vec<RawRule>,
}

/// What a finding of each severity means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thresholds {
    pub critical: Action,
    pub high: Action,
    pub medium: Action,
    pub low: Action,
    pub info: Action,
}

impl Thresholds {
    pub(super) fn all(action: Action) -> Self {
        Self {
            critical: action,
            high: action,
            medium: action,
            low: action,
            info: action,
        }
    }

    pub(super) fn action(&self, severity: Severity) -> Action {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServer {
    pub on_fault: Option<OnFault>,
    pub quiet: Option<Spanned<List>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub id: Spanned<String>,
    pub action: Action,
    #[serde(default)]
    pub reason: Option<Spanned<String>>,
    #[serde(default, rename = "match")]
    pub when: RawCriteria,
    #[serde(default)]
    pub unless: Option<RawCriteria>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCriteria {
    pub server: Option<Spanned<List>>,
    pub tool: Option<Spanned<List>>,
    pub kind: Option<Spanned<List>>,
    pub direction: Option<Spanned<List>>,
    pub method: Option<Spanned<List>>,
    pub path: Option<Spanned<List>>,
    pub host: Option<Spanned<List>>,
    pub command: Option<Spanned<List>>,
    pub package: Option<Spanned<List>>,
    pub account: Option<Spanned<List>>,
    #[serde(default)]
    pub argument: BTreeMap<String, Spanned<List>>,
    pub category: Option<Spanned<List>>,
    pub severity: Option<Severity>,
    pub detector: Option<Spanned<List>>,
    pub finding: Option<Spanned<List>>,
    pub credential: Option<bool>,
}

/// One string or a list of them.
pub(super) struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = List;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a list of strings")
            }
            fn visit_str<E: serde::de::Error>(self, one: &str) -> Result<List, E> {
                Ok(List(vec![one.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element::<String>()? {
                    many.push(one);
                }
                if many.is_empty() {
                    return Err(A::Error::custom("an empty list matches nothing"));
                }
                Ok(List(many))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
