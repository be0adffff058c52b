//! `guard/check`: a short question ("may I read this file?") put as the tool call that it stands for.
//!
//! So it meets the same resources, detectors and policy as live traffic, and no second set of rules.

use super::reply::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a policy rule sees as the server of a check.
pub const SERVER: &str = "guard-api";
/// Longest name of an agent, in bytes.
const MAX_AGENT_BYTES: usize = 128;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is to be done; becomes the tool's name.
    action: String,
    /// What it is to be done to: a path, a URL, a command line.
    target: String,
    /// Content that goes along, such as what is to be written or sent.
    text: Option<String>,
    /// What came of it: the action was done, and the question is whether this may be read.
    result: Option<String>,
    /// What the caller calls itself.
    agent: Option<String>,
}

impl Check {
    /// # Errors
    /// [`Refusal::NotUnderstood`].
    pub fn parse(body: &str, agent: Option<&str>) -> Result<Self, Refusal> {
        let mut check: Self = serde_json::from_str(body).map_err(|_| Refusal::NotUnderstood)?;
        if check.action.is_empty() || check.target.is_empty() {
            return Err(Refusal::NotUnderstood);
        }
        if let Some(agent) = agent {
            check.agent = Some(agent.to_owned());
        }
        if check
            .agent
            .as_deref()
            .is_some_and(|agent| !is_agent_name(agent))
        {
            return Err(Refusal::NotUnderstood);
        }
        Ok(check)
    }

    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The `tools/call` request that this stands for.
    pub fn call(&self) -> String {
        let mut arguments = json!({ self.argument(): self.target });
        if let (Some(text), Some(members)) = (&self.text, arguments.as_object_mut()) {
            members.insert("content".to_owned(), json!(text));
        }
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": self.action, "arguments": arguments },
        });
        call.to_string()
    }

    /// The answer to [`Check::call`].
    pub fn result(&self) -> Option<String> {
        let text = self.result.as_ref()?;
        let content = json!([{ "type": "text", "text": text }]);
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": content } });
        Some(answer.to_string())
    }

    /// The argument's name tells what the target is. An action that we don't know says nothing, so
    /// its target is looked at like any other text.
    fn argument(&self) -> &'static str {
        match self.action.as_str() {
            "file_read" | "file_write" | "file_delete" | "file_list" | "read_file"
            | "write_file" | "delete_file" => "path",
            "shell" | "shell_execute" | "exec" | "command" => "command",
            "network" | "network_request" | "fetch" | "http" => "url",
            _ => "target",
        }
    }
}

/// A short answer to a short question. Whatever is not clearly allowed is not.
///
/// # Errors
/// [`Refusal::NotUnderstood`] when the question could not be asked.
pub fn verdict(answer: &Value) -> Result<Value, Refusal> {
    let decision = answer
        .get("decision")
        .and_then(Value::as_str)
        .ok_or(Refusal::NotUnderstood)?;
    // A caller can't redact, and nobody is asked: both would be passing what policy holds back.
    let allowed = matches!(decision, "allow" | "log");
    let findings = answer.get("findings").cloned().unwrap_or_else(|| json!([]));
    // A detector's sentence, when it was its finding that decided; else what the decision says.
    let rule = answer.get("rule").and_then(Value::as_str);
    let found = rule.and_then(|rule| rule.strip_prefix("finding:"));
    let mut all = findings.as_array().into_iter().flatten();
    let sentence = all
        .find(|finding| found.is_some() && finding.get("rule").and_then(Value::as_str) == found)
        .and_then(|finding| finding.get("message"));
    let reason = sentence
        .or_else(|| answer.get("reason"))
        .filter(|reason| reason.is_string())
        .cloned()
        .unwrap_or_else(|| json!(fixed_reason(decision)));
    Ok(json!({
        "allowed": allowed,
        "decision": decision,
        "rule": answer.get("rule").cloned().unwrap_or(Value::Null),
        "reason": reason,
        "findings": findings,
        "call": answer.get("call").cloned().unwrap_or(Value::Null),
    }))
}

fn fixed_reason(decision: &str) -> &'static str {
    match decision {
        "allow" | "log" => "policy lets it pass",
        "redact" => "policy would change it first",
        "ask" => "policy wants a person to be asked",
        _ => "policy forbids it",
    }
}

/// Printable and short: it goes into the record.
pub fn is_agent_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_AGENT_BYTES
        && name
            .chars()
            .all(|letter| letter.is_ascii_graphic() || letter == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn line(body: &str, argument: &str) {
        let check = Check::parse(body, None).unwrap();
        let call: Value = serde_json::from_str(&check.call()).unwrap();
        let pointer = format!("/params/arguments/{argument}");
        assert_eq!(call.pointer(&pointer).unwrap(), "T", "{call}");
        assert_eq!(check.result(), None);
    }

    #[test]
    fn an_action_says_what_its_target_is() {
        line(r#"{"action":"file_read","target":"T"}"#, "path");
        line(r#"{"action":"shell","target":"T"}"#, "command");
        line(r#"{"action":"network","target":"T"}"#, "url");
        line(r#"{"action":"something-else","target":"T"}"#, "target");
    }

    #[test]
    fn text_goes_along_and_the_path_names_the_agent() {
        let check = Check::parse(
            r#"{"action":"file_write","target":"a","text":"b","agent":"me"}"#,
            Some("path"),
        )
        .unwrap();
        assert!(check.call().contains(r#""content":"b""#));
        assert_eq!(check.agent(), Some("path"));
    }

    #[test]
    fn an_unclear_question_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"action":"","target":"x"}"#,
            r#"{"action":"shell","target":""}"#,
            r#"{"action":"shell","target":"x","permissive":true}"#,
            r#"{"action":"shell","target":"x","agent":"a\nb"}"#,
        ] {
            assert_eq!(
                Check::parse(body, None).unwrap_err(),
                Refusal::NotUnderstood,
                "{body}"
            );
        }
    }

    #[test]
    fn the_reason_is_that_of_what_decided() {
        let reason = |rule: &str| {
            let answer = json!({ "decision": "deny", "rule": rule, "reason": "a place of keys",
                "findings": [{ "rule": "injection.likely", "message": "like instructions" },
                             { "rule": "injection.override", "message": "drops them" }] });
            verdict(&answer).unwrap()["reason"].clone()
        };
        assert_eq!(reason("credentials"), "a place of keys");
        assert_eq!(reason("finding:injection.override"), "drops them");
        assert_eq!(reason("finding:of-another"), "a place of keys");
    }

    #[test]
    fn only_allow_and_log_are_allowed() {
        for (decision, allowed) in [
            ("allow", true),
            ("log", true),
            ("redact", false),
            ("ask", false),
            ("deny", false),
            ("new", false),
        ] {
            let answer =
                verdict(&json!({ "decision": decision, "rule": "r", "findings": [] })).unwrap();
            assert_eq!(answer.get("allowed"), Some(&json!(allowed)), "{decision}");
        }
        assert!(verdict(&json!({ "id": 1, "error": "x" })).is_err());
        assert!(verdict(&json!({ "decision": true })).is_err());
    }
}
