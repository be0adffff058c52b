//! The predecessor's policies: recognised when met, converted when asked to.
//!
//! The conversion is a text for a person to review; it is never loaded by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::error::{PolicyError, Problem};
use super::rule::Origin;

/// A converted policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// A `policy.toml` in today's format.
    pub text: String,
    /// What could not be carried over as it was, one sentence each.
    pub notes: Vec<String>,
}

/// Why an old policy can't be converted.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("not a policy of the old format: {0}")]
    Syntax(String),
    #[error("no `[rules.NAME]` table found")]
    Empty,
}

#[derive(Deserialize)]
struct OldFile {
    #[serde(default)]
    rules: BTreeMap<String, OldRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldRule {
    #[serde(default)]
    description: Option<String>,
    action: OldAction,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    priority: Option<i64>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default, rename = "match")]
    when: OldMatch,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OldAction {
    Allow,
    Block,
    Prompt,
    Log,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldMatch {
    #[serde(default)]
    tool_name: OldList,
    #[serde(default)]
    resource_path: OldList,
    #[serde(default)]
    method: OldList,
    #[serde(default)]
    event_type: OldList,
    #[serde(default)]
    any: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OldList {
    One(String),
    Many(Vec<String>),
}

impl Default for OldList {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OldList {
    fn values(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Converts `[rules.NAME]` tables into `[[rule]]` entries on the `balanced` profile.
///
/// # Errors
/// When `text` is not TOML of that format, or holds no rule.
pub fn import(text: &str) -> Result<Imported, ImportError> {
    let old: OldFile = toml::from_str(text)
        .map_err(|error| ImportError::Syntax(error.message().replace('\n', "; ")))?;
    if old.rules.is_empty() {
        return Err(ImportError::Empty);
    }
    let mut rules: Vec<(String, OldRule)> = old.rules.into_iter().collect();
    rules.sort_by_key(|(_, rule)| rule.priority.unwrap_or(i64::MAX));
    let mut imported = Imported {
        text: "version = 1\nprofile = \"balanced\"\n".to_owned(),
        notes: vec![
            "the first matching rule used to win; now the strictest does, so an `allow` above a \
             `block` no longer wins"
                .to_owned(),
        ],
    };
    for (number, (name, rule)) in rules.iter().enumerate() {
        write_rule(number, name, rule, &mut imported);
    }
    Ok(imported)
}

fn write_rule(number: usize, name: &str, rule: &OldRule, imported: &mut Imported) {
    let id = format!("{}-{}", slug(name), number + 1);
    if !rule.enabled {
        imported.notes.push(format!("{id}: was disabled, left out"));
        return;
    }
    if !rule.when.event_type.values().is_empty() {
        // Dropping the field alone would make the rule match more than it ever did.
        imported.notes.push(format!(
            "{id}: `event_type` never matched a message, left out"
        ));
        return;
    }
    let criteria = criteria(&id, rule, &mut imported.notes);
    if criteria.is_empty() {
        imported
            .notes
            .push(format!("{id}: no criterion that exists today, left out"));
        return;
    }
    let action = match rule.action {
        OldAction::Allow => "allow",
        OldAction::Block => "deny",
        OldAction::Prompt => "ask",
        OldAction::Log => "log",
    };
    let reason = rule.message.as_ref().or(rule.description.as_ref());
    let text = &mut imported.text;
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n[[rule]]\nid = {}\naction = \"{action}\"\n",
        quoted(&id)
    );
    if let Some(reason) = reason
        .map(|reason| sentence(reason))
        .filter(|reason| !reason.is_empty())
    {
        let _ = writeln!(text, "reason = {}", quoted(&reason));
    }
    let _ = write!(text, "[rule.match]\n{criteria}");
}

fn criteria(id: &str, rule: &OldRule, notes: &mut Vec<String>) -> String {
    let old = &rule.when;
    let mut text = String::new();
    let mut field = |key: &str, values: Vec<String>| {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            let _ = writeln!(text, "{key} = [{}]", values.join(", "));
        }
    };
    if old.any {
        field("server", vec!["*".to_owned()]);
    }
    field("tool", old.tool_name.values().to_vec());
    field("method", old.method.values().to_vec());
    let mut paths = Vec::new();
    for path in old.resource_path.values() {
        // One level was the predecessor's mistake: `~/.aws/*` missed `~/.aws/sso/cache`. What is
        // allowed does not grow with it.
        let wider = match path.strip_suffix("/*") {
            Some(directory) if rule.action != OldAction::Allow => {
                notes.push(format!(
                    "{id}: a path ending in `/*` became `/**`, any depth"
                ));
                format!("{directory}/**")
            }
            _ => path.clone(),
        };
        let anchored = wider.starts_with(['/', '~']) || wider.starts_with("**/");
        paths.push(if anchored {
            wider
        } else {
            format!("**/{wider}")
        });
    }
    field("path", paths);
    text
}

fn slug(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let slug: String = name.chars().take(48).map(plain).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() {
        "rule".to_owned()
    } else {
        slug.to_owned()
    }
}

fn sentence(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let end = clean.floor_char_boundary(300);
    clean.get(..end).unwrap_or_default().trim().to_owned()
}

/// A TOML string; names in old files can come from servers, so nothing is pasted raw.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Says it when `error` arose because the file is of an older format.
pub(super) fn recognise(origin: &Origin, error: PolicyError) -> PolicyError {
    let Ok(table) = origin.text.parse::<toml::Table>() else {
        return error;
    };
    let problem = if table.get("rules").is_some_and(toml::Value::is_table) {
        Problem::OldFormat
    } else {
        let rules = table.get("rule").and_then(toml::Value::as_array);
        let phantom = |rule: &toml::Value| {
            let keys = rule.as_table()?;
            let mut misplaced = MISPLACED.into_iter().filter(|key| keys.contains_key(*key));
            // The one that the error points at, so that its position fits its name.
            let named = misplaced
                .clone()
                .find(|key| error.problem.to_string().contains(&format!("`{key}`")));
            named.or_else(|| misplaced.next())
        };
        match rules.into_iter().flatten().find_map(phantom) {
            Some(key) => Problem::PhantomRule {
                key: key.to_owned(),
            },
            None => return error,
        }
    };
    PolicyError {
        problem: Box::new(problem),
        ..error
    }
}

/// Criteria, where only `id`, `action` and `reason` stand.
const MISPLACED: [&str; 7] = [
    "tool", "args", "server", "path", "method", "host", "command",
];
