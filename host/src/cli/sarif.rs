//! A scan as a SARIF 2.1.0 log, for code scanning and editors.
//!
//! Source: OASIS SARIF 2.1.0. Messages are our own words; names that somebody else wrote are
//! escaped, because viewers show them as text.

use super::escape::{escape, excerpt};
use super::scan::{Problem, Scanned};
use crate::event::{Finding, Severity};
use crate::policy::{Action, Decision};
use clawdefender_trust::Sha256Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The log of one scan. `summaries` is what each rule says of itself.
pub fn log(scanned: &[Scanned], problems: &[Problem], summaries: &[(String, String)]) -> Value {
    let mut rules: BTreeMap<&str, &str> = BTreeMap::new();
    for server in scanned {
        for finding in &server.findings {
            let known = summaries.iter().find(|(id, _)| *id == finding.rule);
            let summary = known.map_or("A detector's finding.", |(_, summary)| summary);
            rules.insert(&finding.rule, summary);
        }
        if let Some(decision) = by_policy(server) {
            rules.insert(&decision.rule, "A rule of the policy.");
        }
    }
    let ids: Vec<&str> = rules.keys().copied().collect();
    let results: Vec<Value> = scanned
        .iter()
        .flat_map(|server| results(server, &ids))
        .collect();
    let described: Vec<Value> = rules
        .iter()
        .map(|(id, summary)| json!({ "id": id, "shortDescription": { "text": summary } }))
        .collect();
    let notifications: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "level": "error",
                "message": { "text": format!("This configuration can't be read: {}", excerpt(&problem.error, 500)) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&problem.path) } } }],
            })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ClawDefender",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": problems.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn results(server: &Scanned, ids: &[&str]) -> Vec<Value> {
    let name = excerpt(&server.server, 80);
    let found = server.findings.iter().map(|finding| {
        let text = format!("Server {name}: {}", excerpt(&finding.message, 300));
        let mut result = result(
            server,
            ids,
            &finding.rule,
            level(finding),
            &text,
            finding.refs.join(" ").as_str(),
        );
        if let (Some(id), Some(members)) = (&finding.overridden, result.as_object_mut()) {
            let why = format!("override {}", escape(id));
            members.insert(
                "suppressions".into(),
                json!([{ "kind": "external", "status": "accepted", "justification": why }]),
            );
        }
        result
    });
    let decided = by_policy(server).map(|decision| {
        let text = format!(
            "Server {name} would not start: {}.",
            escape(&decision.reason)
        );
        result(server, ids, &decision.rule, "error", &text, "")
    });
    found.chain(decided).collect()
}

/// A denial that no finding explains.
fn by_policy(server: &Scanned) -> Option<&Decision> {
    let decision = server.decision.as_ref()?;
    let denied = decision.action == Action::Deny || decision.would == Some(Action::Deny);
    (denied && !decision.rule.starts_with("finding:")).then_some(decision)
}

fn result(
    server: &Scanned,
    ids: &[&str],
    rule: &str,
    level: &str,
    text: &str,
    refs: &str,
) -> Value {
    let place = [&server.path, &server.server, rule, refs].join("\n");
    let project = server.project.as_deref().unwrap_or_default();
    let fingerprint = Sha256Digest::of(format!("{place}\n{project}").as_bytes()).to_string();
    let refs: Vec<&str> = refs.split_whitespace().collect();
    json!({
        "ruleId": rule,
        "ruleIndex": ids.iter().position(|id| *id == rule),
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&server.path) },
            "region": { "startLine": server.line },
        } }],
        "partialFingerprints": { "clawdefenderScan/v1": fingerprint },
        "properties": { "client": server.client, "package": server.package, "advisories": refs },
    })
}

/// Source: SARIF 2.1.0, 3.27.10.
fn level(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Source: RFC 3986, section 2.3; RFC 8089.
fn uri(path: &str) -> String {
    let mut uri = String::from("file://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scan::Pin;
    use crate::event::Category;

    fn scanned() -> Scanned {
        let finding = |rule: &str, severity, overridden: Option<&str>| Finding {
            detector: "supply-chain".into(),
            rule: rule.into(),
            category: Category("malicious-package".into()),
            severity,
            confidence_pct: 99,
            message: "npm:x is known to be malicious in this version.".into(),
            spans: Vec::new(),
            steps: Vec::new(),
            refs: vec!["MAL-1".into()],
            package: Some("npm:x@1.0.0".into()),
            overridden: overridden.map(str::to_owned),
            attrs: std::collections::BTreeMap::new(),
        };
        Scanned {
            client: "cursor",
            path: "/home/ü/a b%.json".into(),
            line: 7,
            project: None,
            server: "bad\u{1b}[2J".into(),
            state: "not-wrapped",
            pin: Pin::Pinned,
            package: Some("npm:x@1.0.0".into()),
            known: None,
            identity: None,
            installed: None,
            decision: Some(Decision::deny("my-rule", "because")),
            findings: vec![
                finding("supply-chain.malicious", Severity::Critical, None),
                finding("supply-chain.unpinned", Severity::Info, Some("o1")),
            ],
            notes: Vec::new(),
            hit: true,
        }
    }

    #[test]
    fn a_log_has_what_the_standard_requires() {
        let problem = Problem {
            path: "/p".into(),
            error: "/p:1:1: not valid JSON".into(),
        };
        let summaries = [(
            "supply-chain.malicious".to_owned(),
            "A package that is known to do harm.".to_owned(),
        )];
        let log = log(&[scanned()], &[problem], &summaries);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        // Required: tool.driver.name (3.19.8), a rule's id (3.49.3), a result's message (3.27.11),
        // an invocation's executionSuccessful (3.20.14), a notification's message (3.58.5).
        assert_eq!(run["tool"]["driver"]["name"], "ClawDefender");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let results = run["results"].as_array().unwrap();
        assert_eq!((rules.len(), results.len()), (3, 3));
        for result in results {
            assert!(result["message"]["text"].is_string());
            // 3.27.6: the index and the id name the same rule.
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(
                place["artifactLocation"]["uri"],
                "file:///home/%C3%BC/a%20b%25.json"
            );
            assert_eq!(place["region"]["startLine"], 7);
            let level = result["level"].as_str().unwrap();
            assert!(["none", "note", "warning", "error"].contains(&level));
        }
        assert_eq!(results[1]["suppressions"][0]["kind"], "external");
        assert_eq!(results[0].get("suppressions"), None);
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let told = &invocation["toolExecutionNotifications"][0]["message"]["text"];
        assert!(told.as_str().unwrap().contains("1:1"));
        assert!(!log.to_string().contains("\\u001b"));
    }

    #[test]
    fn a_clean_scan_is_an_empty_list_and_not_a_missing_one() {
        let log = log(&[], &[], &[]);
        assert_eq!(log["runs"][0]["results"], json!([]));
        assert_eq!(
            log["runs"][0]["invocations"][0]["executionSuccessful"],
            true
        );
    }
}
