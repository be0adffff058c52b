//! One labelled trajectory: calls, what they returned where that is known, and which are harmful.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The agent does what the attacker wants.
    Attack,
    /// A result carries an attack, the agent ignores it: every call is the user's.
    Exposed,
    Benign,
}

/// A trajectory, whatever format its row had.
pub struct Row {
    pub id: String,
    /// Source, and suite where the source has several.
    pub suite: String,
    pub label: Label,
    pub calls: Vec<Call>,
}

pub struct Call {
    pub server: String,
    pub tool: String,
    pub arguments: Value,
    pub result: Option<String>,
    /// The attacker's call, not the user's.
    pub malicious: bool,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    source: String,
    label: Label,
    kind: String,
    suite: Option<String>,
    steps: Option<Vec<StepLine>>,
    body: Option<Body>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    suite: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Calls {
        calls: Vec<StepLine>,
        malicious_from: Option<usize>,
    },
    One {
        name: String,
        arguments: Value,
    },
}

#[derive(Deserialize)]
struct StepLine {
    server: Option<String>,
    tool: String,
    #[serde(default)]
    args: Value,
    result: Option<String>,
    #[serde(default)]
    malicious: bool,
}

/// First or last words of tools that only look.
const LOOKING: [&str; 12] = [
    "get", "list", "read", "search", "find", "check", "view", "show", "fetch", "query", "lookup",
    "count",
];

impl Row {
    /// `None` for a row of another kind.
    pub fn read(line: &str) -> Result<Option<Self>> {
        let other: Value = serde_json::from_str(line)?;
        let kind = other.get("kind").and_then(Value::as_str).unwrap_or("");
        if !matches!(kind, "trajectory" | "tool-call") {
            return Ok(None);
        }
        let line: Line = serde_json::from_value(other)?;
        let suite = match line.suite.or(line.meta.suite) {
            Some(suite) => format!("{}/{suite}", line.source),
            None => line.source,
        };
        let attack = line.label == Label::Attack;
        let calls = match (line.steps, line.body) {
            (Some(steps), _) => steps.into_iter().map(|step| (step, false)).collect(),
            (
                None,
                Some(Body::Calls {
                    calls,
                    malicious_from,
                }),
            ) => calls
                .into_iter()
                .enumerate()
                .map(|(at, call)| (call, malicious_from.is_some_and(|from| at >= from)))
                .collect(),
            (None, Some(Body::One { name, arguments })) => {
                let call = StepLine {
                    server: None,
                    tool: name,
                    args: arguments,
                    result: None,
                    malicious: attack,
                };
                vec![(call, attack)]
            }
            (None, None) => {
                return Err(anyhow::anyhow!("has neither steps nor body"))
                    .context(format!("a {} row", line.kind));
            }
        };
        Ok(Some(Self {
            id: line.id,
            suite,
            label: line.label,
            calls: calls.into_iter().map(Call::from).collect(),
        }))
    }

    /// The first of the attacker's calls that does more than look; the last if all only look.
    pub fn harmful(&self) -> Option<usize> {
        let looks = |call: &Call| {
            let words = words(&call.tool);
            let ends = [words.first(), words.last()].into_iter().flatten();
            ends.into_iter()
                .any(|word| LOOKING.contains(&word.as_str()))
        };
        let attackers = || {
            self.calls
                .iter()
                .enumerate()
                .filter(|(_, call)| call.malicious)
        };
        attackers()
            .find(|(_, call)| !looks(call))
            .or_else(|| attackers().next_back())
            .map(|(at, _)| at)
    }
}

/// The words of a tool's name, lower case: of `records.search`, `list_users`, `ReadMail`.
fn words(tool: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for char in tool.chars() {
        if char.is_uppercase() && before.is_lowercase() || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            last.extend(char.to_lowercase());
        }
        before = char;
    }
    words.retain(|word| !word.is_empty());
    words
}

impl From<(StepLine, bool)> for Call {
    fn from((line, malicious): (StepLine, bool)) -> Self {
        let (server, tool) = match (line.server, line.tool.split_once('/')) {
            (Some(server), _) => (server, line.tool),
            (None, Some((server, tool))) => (server.to_owned(), tool.to_owned()),
            (None, None) => ("server".to_owned(), line.tool),
        };
        Self {
            server,
            tool,
            arguments: line.args,
            result: line.result,
            malicious: line.malicious || malicious,
        }
    }
}
