//! Which kinds of events a signature looks at, and how far a claim about them can go.

use clawdefender_sdk::{Kind, Severity};

/// A group of event kinds that mean the same to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// What a server says about itself and its tools, prompts and resources.
    Definition,
    /// What it returns, asks, logs.
    Content,
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
            _ => Self::Content,
        }
    }

    /// The user's own words are no injection; they are worth a note at most.
    pub fn ceiling(self) -> Severity {
        match self {
            Self::Definition | Self::Content => Severity::Critical,
            Self::Outgoing => Severity::Low,
        }
    }
}
