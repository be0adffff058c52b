//! Servers over HTTP behind `proxy --url`: real ones answer as they do directly, bad ones are told
//! from good ones, and nothing reaches them that was not allowed.

mod answers;
mod guarded;
mod same;
mod wrapped;

use crate::kit::{Client, Far, Home};
use serde_json::{Value, json};
use std::process::Command;

/// A home where a detector that a busy machine keeps past its deadline stops nothing: what passes
/// over HTTP, and how, is the question here.
fn patient() -> Home {
    let home = Home::new();
    home.policy("[servers.far]\non_fault = \"allow\"");
    home
}

fn proxy(home: &Home, url: &str, more: &[&str]) -> Command {
    let mut arguments = vec!["proxy", "--server", "far", "--url", url];
    arguments.extend(more);
    home.program(&arguments)
}

/// A session with the scripted server, past its handshake and what the server says on its own.
#[track_caller]
fn open(home: &Home, web: &Far, more: &[&str]) -> Client {
    let mut client = Client::start(&mut proxy(home, &web.url, more));
    let answer = client.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "e2e", "version": "1" } }),
    );
    assert!(answer["result"].is_object(), "{answer:#}");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(client.message()["params"]["data"], "on its own");
    client
}

#[track_caller]
fn refused(answer: &Value, part: &str) {
    let message = answer["error"]["message"].as_str();
    let message = message.unwrap_or_else(|| panic!("no error: {answer:#}"));
    assert!(message.contains(part), "{answer:#}");
}
