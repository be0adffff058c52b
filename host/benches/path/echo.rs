//! The server at the far end: reads a request, answers with its text, nothing else.

use serde_json::{Value, json};
use std::io::{BufRead, Write};

pub fn serve() {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let Some(id) = request.get("id") else {
            continue;
        };
        let result = match request.get("method").and_then(Value::as_str) {
            Some("initialize") => json!({
                "protocolVersion": "2025-06-18",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "echo", "version": "1" },
            }),
            Some("tools/list") => json!({ "tools": [{
                "name": "echo",
                "description": "Returns its text.",
                "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } } },
            }] }),
            _ => json!({ "content": [{
                "type": "text",
                "text": request.pointer("/params/arguments/text"),
            }] }),
        };
        // In an order of our own, which `calls.rs` compares with.
        let answer = format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"result\":{result}}}\n");
        output.write_all(answer.as_bytes()).unwrap();
        output.flush().unwrap();
    }
}
