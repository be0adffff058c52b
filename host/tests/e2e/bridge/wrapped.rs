//! An entry with a URL in a client's configuration: wrapped, started as the client would, put back.

use super::patient;
use crate::kit::{Client, Daemon, Far};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

#[test]
fn a_wrapped_url_works_as_the_client_would_start_it_and_is_put_back() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let path = home.user().join(".cursor/mcp.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let config = format!(
        "{{\r\n\t\"mcpServers\": {{\r\n\t\t\"far\": {{ \"url\": \"{}\", \"headers\": {{ \"Authorization\": \"Bearer s3cret-77\" }} }},\r\n\t\t\"own\": {{ \"url\": \"https://own.example/mcp\", \"auth\": {{ \"CLIENT_ID\": \"c\" }} }}\r\n\t}}\r\n}}\r\n",
        web.url
    );
    fs::write(&path, &config).unwrap();
    let dry = home.cli(&["wrap", "--all", "--dry-run"]).done();
    assert!(
        dry.out.contains("--url") && dry.err.contains("own in cursor is left as it is"),
        "{dry:?}"
    );
    home.cli(&["wrap", "--all"]).done();
    let now: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let entry = &now["mcpServers"]["far"];
    assert!(!entry["args"].to_string().contains("s3cret"), "{entry:#}");
    let mut command = Command::new(entry["command"].as_str().unwrap());
    command.args(
        entry["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap()),
    );
    for (name, value) in entry["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let mut client = Client::start(home.lend(&mut command));
    client.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    client.close();
    assert_eq!(
        web.requests()[0]["headers"]["authorization"],
        "Bearer s3cret-77"
    );
    let servers = home.status()["servers"].clone();
    let states: Vec<(&str, &str)> = servers
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            (
                server["server"].as_str().unwrap(),
                server["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(states, [("far", "wrapped"), ("own", "remote")]);
    fs::remove_dir_all(home.root().join("journal")).unwrap();
    home.cli(&["unwrap", "--all"]).done();
    assert_eq!(fs::read_to_string(&path).unwrap(), config);
}
