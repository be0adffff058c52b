//! Policy: turns findings and facts into one [`Decision`]. Pure: never asks, writes or reads.

mod criteria;
mod decide;
mod error;
mod explain;
mod file;
mod legacy;
mod load;
mod overrides;
mod pattern;
mod quiet;
mod rule;
mod settle;
#[cfg(test)]
mod tests;
mod wildcard;

pub use decide::decide;
pub use error::{PolicyError, Problem};
pub use explain::{Explanation, NearMiss, RuleRef, explain};
pub use legacy::{ImportError, Imported, import};
pub use load::Policy;
pub use overrides::{Override, mark};
pub use quiet::can_be_quiet;
pub use rule::Rule;
use serde::{Deserialize, Serialize};
pub use settle::settle;

/// What to do, from mildest to strictest; the strictest that applies wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Allow,
    /// Forward and mark the record.
    Log,
    Redact,
    Ask,
    Deny,
}

/// What decides when no rule does, and what findings mean. Each is a file in `profiles/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Blocks nothing; records what `balanced` would have done.
    Monitor,
    Balanced,
    Strict,
}

/// What a failed part means for the message it should have judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    Deny,
    Allow,
}

/// Policy's answer. A value: enforcing it needs an audit receipt as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub action: Action,
    /// The rule that won: a policy rule's id, `finding:RULE`, `quiet:RULE`, `default:PROFILE`, `fault:PART`.
    pub rule: String,
    /// One sentence for the person and the record. Fixed text and ids only.
    pub reason: String,
    /// Under `monitor`: what would have been done otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Action>,
    /// The other rules that matched, with what they wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losers: Vec<(String, Action)>,
}

impl Profile {
    pub const ALL: [Self; 3] = [Self::Monitor, Self::Balanced, Self::Strict];

    /// The word used in policies, records and replies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Balanced => "balanced",
            Self::Strict => "strict",
        }
    }

    /// The shipped text, credential rules included.
    pub fn text(self) -> &'static str {
        match self {
            Self::Monitor => {
                concat!(
                    include_str!("profiles/monitor.toml"),
                    include_str!("profiles/credentials.toml")
                )
            }
            Self::Balanced => {
                concat!(
                    include_str!("profiles/balanced.toml"),
                    include_str!("profiles/credentials.toml")
                )
            }
            Self::Strict => {
                concat!(
                    include_str!("profiles/strict.toml"),
                    include_str!("profiles/credentials.toml")
                )
            }
        }
    }
}

impl Decision {
    /// A denial by the host itself. `rule` is an id like `fault:PART`, `reason` fixed text.
    pub fn deny(rule: &str, reason: &str) -> Self {
        Self {
            action: Action::Deny,
            rule: rule.to_owned(),
            reason: reason.to_owned(),
            would: None,
            losers: Vec::new(),
        }
    }
}
