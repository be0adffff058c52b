//! Configuration files of real clients: wrapped, started as the client would, and put back.

use crate::kit::{Client, Daemon, Home, Script, text};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// As people and clients write them: an order, comments and spacing of their own.
fn configs(home: &Home, command: &[String]) -> Vec<(std::path::PathBuf, String)> {
    let (program, arguments) = (json!(command[0]), json!(command[1..]));
    let claude = format!(
        "{{\n  \"numStartups\": 7,\n  \"mcpServers\": {{\n    \"files\": {{ \"type\": \"stdio\", \"command\": {program},\n      \"args\": {arguments}, \"env\": {{ \"A\": \"b\" }} }},\n    \"far\": {{ \"type\": \"http\", \"url\": \"https://far.example/mcp\" }}\n  }}\n}}"
    );
    let cursor = format!(
        "\u{feff}{{\r\n\t\"mcpServers\": {{ // mine\r\n\t\t\"files\": {{\"command\":{program},\"args\":{arguments}}}\r\n\t}}\r\n}}\r\n"
    );
    vec![
        (home.user().join(".claude.json"), claude),
        (home.user().join(".cursor/mcp.json"), cursor),
    ]
}

/// The server's entry, as a client reads it.
fn entry(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let plain: String = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(|line| line.replace("// mine", ""))
        .collect();
    let config: Value = serde_json::from_str(&plain).unwrap();
    config["mcpServers"]["files"].clone()
}

#[test]
fn a_wrapped_server_works_and_unwrapping_restores_every_byte() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let server = Script::echo(&["say"]).install(&home, "files");
    let configs = configs(&home, &server.command());
    for (path, content) in &configs {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    home.cli(&["wrap", "--all"]).done();
    for (path, content) in &configs {
        assert_ne!(&std::fs::read_to_string(path).unwrap(), content);
        let entry = entry(path);
        let mut command = Command::new(entry["command"].as_str().unwrap());
        command.args(
            entry["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|argument| argument.as_str().unwrap()),
        );
        let mut client = Client::start(home.lend(&mut command)).greeted();
        let said = format!("through {}", path.file_name().unwrap().to_str().unwrap());
        assert_eq!(text(&client.call("say", json!({ "text": said }))), said);
        client.close();
        assert!(server.saw(&said));
        assert!(
            home.records("method:tools/call")
                .iter()
                .any(|record| record["server"] == "files")
        );
    }
    home.cli(&["wrap", "--all"]).done();
    home.cli(&["unwrap", "--all"]).done();
    for (path, content) in &configs {
        assert_eq!(
            &std::fs::read_to_string(path).unwrap(),
            content,
            "{}",
            path.display()
        );
    }
}

#[test]
fn unwrapping_needs_neither_a_daemon_nor_our_files() {
    let home = Home::new();
    let server = Script::echo(&["say"]).install(&home, "files");
    let configs = configs(&home, &server.command());
    for (path, content) in &configs {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    home.cli(&["wrap", "--all"]).done();
    std::fs::remove_dir_all(home.root()).unwrap();
    home.cli(&["unwrap", "--all"]).done();
    for (path, content) in &configs {
        assert_eq!(
            &std::fs::read_to_string(path).unwrap(),
            content,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_project_can_not_choose_who_judges_its_servers() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let project = home.user().join(".mcp.json");
    let elsewhere = home.file("elsewhere");
    let entry = |variables: Value| {
        json!({ "mcpServers": {
            "files": { "command": "npx", "args": ["files"], "env": variables },
            "posing": { "command": "./tools/clawdefender", "args": ["bridge", "https://x.example"] },
            "both": { "command": "npx", "url": "https://x.example/mcp" },
        } })
        .to_string()
    };
    let read =
        || -> Value { serde_json::from_str(&std::fs::read_to_string(&project).unwrap()).unwrap() };
    std::fs::write(&project, entry(json!({ "CLAWDEFENDER_HOME": elsewhere }))).unwrap();
    let told = home.cli(&["wrap", "--all", "--json"]).done().json();
    let remarks = told["remarks"].to_string();
    assert!(
        remarks.contains("files in claude-code is left as it is: its env"),
        "{remarks}"
    );
    assert!(
        remarks.contains("both in claude-code is left as it is"),
        "{remarks}"
    );
    let servers = &read()["mcpServers"];
    assert_eq!(servers["files"]["command"], "npx");
    assert_eq!(servers["posing"]["args"][3], "--");
    let line = home.cli(&["status"]).out;
    assert!(line.contains("1 wrapped · 2 not wrapped"), "{line}");

    // Added after it was wrapped.
    std::fs::write(&project, entry(json!({}))).unwrap();
    home.cli(&["wrap", "--all"]).done();
    let mut edited = read();
    edited["mcpServers"]["files"]["env"]["HOME"] = json!("/tmp/x");
    std::fs::write(&project, edited.to_string()).unwrap();
    let told = home.cli(&["wrap", "--all"]).done();
    assert!(told.err.contains("NOT protected"), "{told:?}");
    let line = home.cli(&["status"]).out;
    assert!(
        line.contains("files       claude-code: wrapped and not protected"),
        "{line}"
    );
    home.cli(&["unwrap", "--all"]).done();
    assert_eq!(read()["mcpServers"]["files"]["command"], "npx");
}

#[test]
fn what_only_a_url_has_is_refused_with_a_command() {
    let home = Home::new();
    for option in [
        ["--header", "X-Region: eu"],
        ["--header-env", "Authorization=HOME"],
        ["--ca-file", "ca.pem"],
        ["--transport", "sse"],
    ] {
        let words = ["proxy", "--server", "x", option[0], option[1], "--", "true"];
        let ended = home.cli(&words);
        assert_eq!(ended.code, 2, "{option:?}: {ended:?}");
        assert!(ended.err.contains("--url"), "{ended:?}");
    }
}
