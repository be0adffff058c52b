//! What this detector can claim: rule ids, what they mean, and what is known about them.

use clawdefender_sdk::{Category, Finding, Kind, Severity, Span, View};

use crate::rank;
use crate::surface::Surface;

/// One kind of claim.
pub struct Rule {
    pub id: &'static str,
    category: &'static str,
    pub summary: &'static str,
    pub message: &'static str,
    /// OWASP LLM Top 10 2025 (LLM…), MITRE ATLAS (AML.T…).
    pub refs: &'static [&'static str],
}

impl Rule {
    pub fn category(&self) -> Category {
        match self.category {
            "tool-poisoning" => Category::ToolPoisoning,
            "data-exfiltration" => Category::DataExfiltration,
            "obfuscation" => Category::Obfuscation,
            _ => Category::PromptInjection,
        }
    }
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// A finding of this rule with its words, but no place yet.
pub fn finding(id: &str, severity: Severity, sure_pct: u8) -> Finding {
    let known = rule(id);
    let category = known.map_or(Category::Obfuscation, Rule::category);
    Finding::new(id, category, severity, sure_pct)
        .message(known.map_or("", |rule| rule.message))
        .refs(known.map_or(&[][..], |rule| rule.refs).iter().copied())
}

/// More hides in a text of `bytes` than is read.
pub fn too_disguised(text: usize, view: View, bytes: usize, kind: &Kind) -> Finding {
    let ceiling = Surface::of(kind).ceiling();
    let severity = match rank(ceiling) < rank(Severity::Medium) {
        true => ceiling,
        false => Severity::Medium,
    };
    finding("injection.too-disguised", severity, 80).span(Span::new(text, view, 0..bytes))
}

/// In the order in which findings are reported.
pub const RULES: &[Rule] = &[
    Rule {
        id: "injection.override",
        category: "prompt-injection",
        summary: "Tells the model to drop or replace the instructions it was given.",
        message: "The text tells the model to drop or replace its instructions.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.impersonation",
        category: "prompt-injection",
        summary: "Pretends to be the user, the system or another turn of the conversation.",
        message: "The text pretends to come from the user, the system or another turn.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.role",
        category: "prompt-injection",
        summary: "Gives the model a new role or an unrestricted mode.",
        message: "The text gives the model a new role or lifts its restrictions.",
        refs: &["LLM01", "AML.T0054"],
    },
    Rule {
        id: "injection.secrecy",
        category: "prompt-injection",
        summary: "Asks the model to hide something from the user.",
        message: "The text asks the model to hide something from the user.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.exfil",
        category: "data-exfiltration",
        summary: "Asks the model to send or embed data it should not give away.",
        message: "The text asks for data to be sent where it does not belong.",
        refs: &["LLM01", "LLM02", "AML.T0057"],
    },
    Rule {
        id: "injection.exfil-link",
        category: "data-exfiltration",
        summary: "An image or link whose address has a slot for the conversation's data.",
        message: "An image or link has a slot for data from the conversation.",
        refs: &["LLM01", "LLM02", "AML.T0077"],
    },
    Rule {
        id: "injection.prompt-leak",
        category: "prompt-injection",
        summary: "Asks for the system prompt or hidden instructions.",
        message: "The text asks for the system prompt or hidden instructions.",
        refs: &["LLM07", "AML.T0056"],
    },
    Rule {
        id: "injection.tool-poisoning",
        category: "tool-poisoning",
        summary: "A description that steers the use of other tools or smuggles data in arguments.",
        message: "The text steers other tools or smuggles data through arguments.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.likely",
        category: "prompt-injection",
        summary: "Reads like instructions to the model, by the statistical model.",
        message: "The text reads like instructions to the model.",
        refs: &["LLM01", "AML.T0051"],
    },
    Rule {
        id: "injection.encoded-order",
        category: "obfuscation",
        summary: "Tells the model to decode something and to act on what it says.",
        message: "The text tells the model to decode something and to act on it.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.hidden-text",
        category: "obfuscation",
        summary: "Text in characters that no reader sees.",
        message: "Text is hidden in characters that no reader sees.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.disguised-text",
        category: "obfuscation",
        summary: "Letters under piles of marks, or of many scripts in one word.",
        message: "Text is written so that no filter reads it.",
        refs: &["LLM01", "AML.T0051.001"],
    },
    Rule {
        id: "injection.too-disguised",
        category: "obfuscation",
        summary: "More is encoded in a text than is read.",
        message: "More is encoded in the text than could be read.",
        refs: &["LLM01"],
    },
];
