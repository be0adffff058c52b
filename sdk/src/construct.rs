//! Short ways to make and read the generated types, so that a detector reads like what it means.
//!
//! Nothing here decides or looks anything up.

use std::ops::Range;

use crate::detector::{
    Category, Event, Finding, Info, Kind, Report, Rule, Severity, Span, Text, View,
};

impl Finding {
    /// A claim by `rule`, which [`Info::rules`] must list.
    pub fn new(
        rule: impl Into<String>,
        category: Category,
        severity: Severity,
        confidence_pct: u8,
    ) -> Self {
        Self {
            rule: rule.into(),
            category,
            severity,
            confidence_pct: confidence_pct.min(100),
            message: String::new(),
            spans: Vec::new(),
            steps: Vec::new(),
            refs: Vec::new(),
            attrs: Vec::new(),
        }
    }

    /// One plain sentence. Never put text from the event in it: an attacker may have written that.
    pub fn message(mut self, sentence: impl Into<String>) -> Self {
        self.message = sentence.into();
        self
    }

    /// Where it was seen; call again for further places.
    pub fn span(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }

    /// The past event number `index` of those handed to the detector is part of it. Saturates.
    pub fn step(mut self, index: usize) -> Self {
        self.steps.push(u32::try_from(index).unwrap_or(u32::MAX));
        self
    }

    /// What is known by these identifiers: CVE-…, GHSA-…, AML.T…, LLM01.
    pub fn refs<R: Into<String>>(mut self, refs: impl IntoIterator<Item = R>) -> Self {
        self.refs.extend(refs.into_iter().map(Into::into));
        self
    }

    /// A fact for the record that has no field of its own.
    pub fn attr(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attrs.push((name.into(), value.into()));
        self
    }
}

impl Span {
    /// Bytes `range` of the event's text number `text`, in its form `view`. Offsets saturate; the
    /// host bounds texts far below 4 GiB.
    pub fn new(text: usize, view: View, range: Range<usize>) -> Self {
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            text: offset(text),
            view,
            start: offset(range.start),
            end: offset(range.end),
        }
    }
}

impl Report {
    /// Nothing found, nothing to remember.
    pub fn clean() -> Self {
        Self::with(Vec::new())
    }

    /// These findings, nothing to remember.
    pub fn with(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            memo: None,
            attrs: Vec::new(),
        }
    }

    /// Leaves `memo` with this event; it comes back as a step.
    pub fn remember(mut self, memo: Vec<u8>) -> Self {
        self.memo = Some(memo);
        self
    }
}

impl Info {
    /// A detector that wants all kinds of events, no history, and leaves no memo.
    pub fn new(id: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            version: version.into(),
            rules: Vec::new(),
            kinds: Vec::new(),
            history: 0,
            memo_bytes: 0,
            attrs: Vec::new(),
        }
    }

    /// A rule that findings may name.
    pub fn rule(
        mut self,
        id: impl Into<String>,
        category: Category,
        summary: impl Into<String>,
    ) -> Self {
        let rule = Rule {
            id: id.into(),
            category,
            summary: summary.into(),
            attrs: Vec::new(),
        };
        self.rules.push(rule);
        self
    }

    /// Only these kinds of events.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds.extend(kinds);
        self
    }
}

impl Event {
    /// Each text as a reader perceives it: `(index, view, text)`, canonical where that differs.
    pub fn text_views(&self) -> impl Iterator<Item = (usize, View, &str)> {
        self.texts.iter().enumerate().map(|(index, text)| {
            let (view, content) = text.perceived();
            (index, view, content)
        })
    }

    /// The host's attribute `name`, if set.
    pub fn attr(&self, name: &str) -> Option<&str> {
        attr(&self.attrs, name)
    }
}

impl Text {
    /// The canonical form where it differs, else the original.
    pub fn perceived(&self) -> (View, &str) {
        match &self.canonical {
            Some(canonical) => (View::Canonical, canonical),
            None => (View::Original, &self.original),
        }
    }
}

impl Kind {
    /// The word used in cases, policies and records.
    pub fn word(&self) -> &str {
        match self {
            Self::ToolCall => "tool-call",
            Self::ToolResult => "tool-result",
            Self::ToolDefinition => "tool-definition",
            Self::PromptDefinition => "prompt-definition",
            Self::ResourceDefinition => "resource-definition",
            Self::ServerInstructions => "server-instructions",
            Self::ResourceContent => "resource-content",
            Self::PromptContent => "prompt-content",
            Self::Completion => "completion",
            Self::Sampling => "sampling",
            Self::Elicitation => "elicitation",
            Self::Notice => "notice",
            Self::GuardCheck => "guard-check",
            Self::ServerLaunch => "server-launch",
            Self::Other(method) => method,
        }
    }

    /// The kind that `word` names; [`Kind::Other`] for any other word.
    pub fn from_word(word: &str) -> Self {
        const NAMED: [Kind; 14] = [
            Kind::ToolCall,
            Kind::ToolResult,
            Kind::ToolDefinition,
            Kind::PromptDefinition,
            Kind::ResourceDefinition,
            Kind::ServerInstructions,
            Kind::ResourceContent,
            Kind::PromptContent,
            Kind::Completion,
            Kind::Sampling,
            Kind::Elicitation,
            Kind::Notice,
            Kind::GuardCheck,
            Kind::ServerLaunch,
        ];
        NAMED
            .into_iter()
            .find(|kind| kind.word() == word)
            .unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// The value of attribute `name` in a list of pairs, if set.
pub fn attr<'a>(attrs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attrs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}
