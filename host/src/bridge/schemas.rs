//! Which arguments of a tool are repeated in headers, learnt from the lists that passed.
//!
//! Source: MCP 2026-07-28, transports, custom headers from tool parameters (`x-mcp-header`).

use super::headers::encoded;
use super::trouble::note;
use crate::mcp::json::{Node, Value};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::HashMap;

/// What was learnt; bounded, so that a server can't choose how much memory it costs.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    tools: HashMap<String, Vec<Parameter>>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    /// The keys from the arguments down to the value.
    path: Vec<String>,
    header: HeaderName,
}

/// Chosen: a thousand tools with a few such parameters each.
const MAX_BYTES: usize = 256 << 10;

impl Schemas {
    /// Learns from the result of `tools/list`, one page or all. The tools, by their place in it, that
    /// mark their arguments in a way that can't be followed.
    pub(super) fn learn(&mut self, result: &Node<'_>) -> Vec<usize> {
        let mut unusable = Vec::new();
        let tools = result.get("tools").and_then(Node::as_array);
        for (index, tool) in tools.unwrap_or_default().iter().enumerate() {
            let Some(name) = tool.get("name").and_then(Node::as_str) else {
                continue;
            };
            if let Some(old) = self.tools.remove(name) {
                self.bytes = self.bytes.saturating_sub(size(name, &old));
            }
            let mut found = Vec::new();
            let sound = tool
                .get("inputSchema")
                .is_none_or(|schema| collect(schema, &mut Vec::new(), &mut found));
            if !sound {
                note(&format!(
                    "tool {name} is left out: its x-mcp-header can't be followed"
                ));
                unusable.push(index);
                continue;
            }
            let size = size(name, &found);
            if found.is_empty() {
                continue;
            }
            if self.bytes + size > MAX_BYTES {
                note("too many x-mcp-header to remember; calls of some tools are sent without");
                continue;
            }
            self.bytes += size;
            self.tools.insert(name.to_owned(), found);
        }
        unusable
    }

    /// The headers of a call; a value that is absent or null has none.
    pub(super) fn headers(&self, tool: &str, arguments: Option<&Node<'_>>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for parameter in self.tools.get(tool).into_iter().flatten() {
            let value = parameter
                .path
                .iter()
                .try_fold(arguments, |node, key| Some(node?.get(key)))
                .flatten();
            if let Some(value) = value.and_then(written) {
                headers.insert(parameter.header.clone(), value);
            }
        }
        headers
    }
}

fn size(name: &str, parameters: &[Parameter]) -> usize {
    let of = |parameter: &Parameter| {
        parameter.header.as_str().len()
            + parameter
                .path
                .iter()
                .map(|key| key.len() + 24)
                .sum::<usize>()
    };
    name.len() + 48 + parameters.iter().map(of).sum::<usize>()
}

/// Collects what is marked along chains of `properties`; whether all of it is as the specification
/// asks.
fn collect(schema: &Node<'_>, path: &mut Vec<String>, found: &mut Vec<Parameter>) -> bool {
    let Some(properties) = schema.get("properties").and_then(Node::as_object) else {
        return true;
    };
    for property in properties {
        path.push(property.key.to_string());
        if let Some(mark) = property.node.get("x-mcp-header") {
            let kind = property.node.get("type").and_then(Node::as_str);
            let header = mark
                .as_str()
                .filter(|mark| !mark.is_empty())
                .and_then(|mark| format!("mcp-param-{mark}").parse::<HeaderName>().ok());
            let fresh = |header: &HeaderName| found.iter().all(|known| known.header != *header);
            match header.filter(fresh) {
                Some(header) if matches!(kind, Some("string" | "integer" | "boolean")) => {
                    found.push(Parameter {
                        path: path.clone(),
                        header,
                    });
                }
                _ => return false,
            }
        }
        if !collect(&property.node, path, found) {
            return false;
        }
        path.pop();
    }
    true
}

fn written(node: &Node<'_>) -> Option<HeaderValue> {
    match &node.value {
        Value::String(text) => encoded(text),
        Value::Number(lexeme) => encoded(lexeme),
        Value::Bool(true) => encoded("true"),
        Value::Bool(false) => encoded("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::json::{Limits, parse};

    #[track_caller]
    fn check(schema: &str, arguments: &str, usable: bool, expected: &[&str]) {
        let list = format!(r#"{{"tools":[{{"name":"t","inputSchema":{schema}}}]}}"#);
        let mut schemas = Schemas::default();
        let learnt = schemas.learn(&parse(list.as_bytes(), &Limits::default()).unwrap());
        assert_eq!(learnt.is_empty(), usable, "{schema}");
        let arguments = parse(arguments.as_bytes(), &Limits::default()).unwrap();
        let mut headers: Vec<String> = schemas
            .headers("t", Some(&arguments))
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        assert_eq!(headers, expected);
        assert!(schemas.headers("other", Some(&arguments)).is_empty());
    }

    #[test]
    fn marked_arguments_become_headers() {
        let schema = r#"{"properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
            "flag":{"type":"boolean","x-mcp-header":"Flag"},
            "plain":{"type":"string"}}}"#;
        check(
            schema,
            r#"{"region":"größe","deep":{"n":-7},"flag":true,"plain":"x"}"#,
            true,
            &[
                "mcp-param-flag: true",
                "mcp-param-n: -7",
                "mcp-param-region: =?base64?Z3LDtsOfZQ==?=",
            ],
        );
        check(schema, r#"{"region":null,"deep":3}"#, true, &[]);
    }

    #[test]
    fn a_mark_that_breaks_the_rules_is_not_used() {
        for mark in [
            r#""type":"number","x-mcp-header":"A""#,
            r#""type":"string","x-mcp-header":"""#,
            r#""type":"string","x-mcp-header":"a b""#,
            r#""type":"string","x-mcp-header":"a\r\nx: y""#,
            r#""type":"string","x-mcp-header":7"#,
        ] {
            check(
                &format!(r#"{{"properties":{{"a":{{{mark}}}}}}}"#),
                r#"{"a":"v"}"#,
                false,
                &[],
            );
        }
        let twice = r#"{"properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}"#;
        check(twice, r#"{"a":"v","b":"w"}"#, false, &[]);
    }

    #[test]
    fn a_server_cannot_make_it_grow() {
        let mut schemas = Schemas::default();
        for round in 0..100 {
            let tools: Vec<String> = (0..100)
                .map(|n| {
                    format!(
                        r#"{{"name":"t{round}.{n}","inputSchema":{{"properties":{{"{}":{{"type":"string","x-mcp-header":"a"}}}}}}}}"#,
                        "k".repeat(500)
                    )
                })
                .collect();
            let list = format!(r#"{{"tools":[{}]}}"#, tools.join(","));
            schemas.learn(&parse(list.as_bytes(), &Limits::default()).unwrap());
        }
        assert!(schemas.bytes <= MAX_BYTES && schemas.tools.len() > 100);
    }
}
