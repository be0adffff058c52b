//! Servers that say what a test wants, and what they have seen.

use super::{Home, kit_file};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What a scripted server says. Tools without a result echo their `text` argument.
#[derive(Default)]
pub struct Script {
    tools: Vec<Value>,
    results: Vec<(String, Value)>,
    raw: Vec<(String, String)>,
}

impl Script {
    /// A server with tools that echo.
    pub fn echo(names: &[&str]) -> Self {
        names.iter().fold(Self::default(), |script, name| {
            script.tool(tool(name, "Echoes its text."))
        })
    }

    pub fn tool(mut self, tool: Value) -> Self {
        self.tools.push(tool);
        self
    }

    /// A tool that always answers this text.
    pub fn says(self, name: &str, answer: &str) -> Self {
        let mut script = self.tool(tool(name, "Reads a page."));
        script.results.push((
            name.to_owned(),
            json!({ "content": [{ "type": "text", "text": answer }] }),
        ));
        script
    }

    /// A tool that is answered with this line; `$ID` becomes the request's id.
    pub fn raw(self, name: &str, line: &str) -> Self {
        let mut script = self.tool(tool(name, "Answers oddly."));
        script.raw.push((name.to_owned(), line.to_owned()));
        script
    }

    /// Puts the script into a home, under the server's name.
    pub fn install(self, home: &Home, name: &str) -> Server {
        let script = home.file(&format!("{name}.json"));
        let collect = |pairs: Vec<(String, Value)>| Value::Object(pairs.into_iter().collect());
        let raw = self
            .raw
            .into_iter()
            .map(|(tool, line)| (tool, Value::from(line)))
            .collect();
        let body =
            json!({ "tools": self.tools, "results": collect(self.results), "raw": collect(raw) });
        std::fs::write(&script, body.to_string()).unwrap();
        Server {
            name: name.to_owned(),
            script,
            log: home.file(&format!("{name}.log")),
        }
    }
}

/// A tool with free arguments.
pub fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object" } })
}

/// A scripted server in a home.
pub struct Server {
    pub name: String,
    script: PathBuf,
    log: PathBuf,
}

impl Server {
    pub fn command(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        vec![
            "python3".into(),
            kit_file("server.py"),
            path(&self.script),
            path(&self.log),
        ]
    }

    /// Every line that reached it.
    pub fn seen(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Whether any line that reached it contains `part`.
    pub fn saw(&self, part: &str) -> bool {
        self.seen().iter().any(|line| line.contains(part))
    }
}

/// The first text of a tool result.
#[track_caller]
pub fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {answer:#}"))
}
