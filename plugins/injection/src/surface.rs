//! Which kinds of events a signature looks at, and how far a claim about them can go.

use clawdefender_sdk::{Kind, Severity};

/// A group of event kinds that mean the same to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// What a server says about itself and its tools, prompts and resources.
    Definition,
    /// What it returns, asks, logs: all of what follows.
    Content,
    /// What it returns, apart from prompts: data that has no business to give orders.
    Result,
    /// A prompt, which may well say how to answer.
    Prompt,
    /// What goes out: arguments of a call, a guarded agent's question.
    Outgoing,
}

impl Surface {
    pub fn of(kind: &Kind) -> Self {
        match kind {
            Kind::ToolDefinition
            | Kind::PromptDefinition
            | Kind::ResourceDefinition
            | Kind::ServerInstructions => Self::Definition,
            Kind::ToolCall | Kind::GuardCheck | Kind::ServerLaunch => Self::Outgoing,
            Kind::PromptContent => Self::Prompt,
            _ => Self::Result,
        }
    }

    /// Whether what is said of this one holds for `other`.
    pub fn covers(self, other: Self) -> bool {
        self == other || (self == Self::Content && matches!(other, Self::Result | Self::Prompt))
    }

    /// Whether something that was written for `surfaces`, or for all when there are none, applies
    /// here. What goes out is looked at for everything.
    pub fn is_among(self, surfaces: &[Self]) -> bool {
        surfaces.is_empty()
            || self == Self::Outgoing
            || surfaces.iter().any(|surface| surface.covers(self))
    }

    /// The user's own words are no injection; they are worth a note at most.
    pub fn ceiling(self) -> Severity {
        match self {
            Self::Definition | Self::Content | Self::Result | Self::Prompt => Severity::Critical,
            Self::Outgoing => Severity::Low,
        }
    }
}
