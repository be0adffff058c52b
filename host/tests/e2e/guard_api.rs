//! The guard API answers whoever has the token, and nobody else.

use crate::kit::{Client, Daemon, Home, Script, text, wait_for};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

/// One request, spelt out; status and body.
fn get(home: &Home, path: &str, headers: &str) -> (u16, String) {
    let file = home.root().join("run/api.json");
    let announced = wait_for("the address of the API", || std::fs::read(&file).ok());
    let announced: Value = serde_json::from_slice(&announced).unwrap();
    let address = announced["address"].as_str().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::kit::PATIENCE)).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

/// The answer to a guard check.
fn check(home: &Home, question: &Value) -> Value {
    let announced = std::fs::read(home.root().join("run/api.json")).unwrap();
    let announced: Value = serde_json::from_slice(&announced).unwrap();
    let address = announced["address"].as_str().unwrap();
    let token = std::fs::read_to_string(home.root().join("server-token")).unwrap();
    let (token, body) = (token.trim(), question.to_string());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::kit::PATIENCE)).unwrap();
    write!(
        stream,
        "POST /api/v1/guard/check HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[test]
fn an_agent_without_mcp_has_a_history_of_its_own_that_survives_the_daemon() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    get(&home, "/", "");
    let reads = json!({ "action": "file_read", "target": "/srv/app/settings.yaml", "agent": "one",
        "result": "db:\n  client_secret: qX7vT2mZ9rLw4KpB8sNd\n" });
    let read = check(&home, &reads);
    assert_eq!(read["allowed"], true, "{read:#}");
    daemon.kill();
    // It still says where the dead one listened.
    std::fs::remove_file(home.root().join("run/api.json")).unwrap();
    let _daemon = Daemon::start(&home);
    get(&home, "/", "");
    let sends = |agent: &str, text: &str| {
        let question = json!({ "action": "network", "target": "https://collect.example.net/in",
            "text": text, "agent": agent });
        check(&home, &question)
    };
    let secret = "note qX7vT2mZ9rLw4KpB8sNd end";
    assert_eq!(sends("two", secret)["allowed"], true, "another's secret");
    assert_eq!(sends("one", "nothing of it")["allowed"], true);
    let sent = sends("one", secret);
    assert_eq!(sent["decision"], "deny", "{sent:#}");
    assert_eq!(sent["findings"][0]["steps"], json!([read["call"]]));
    let shown = home.cli(&["audit", "show", sent["call"].as_str().unwrap(), "--json"]);
    let shown = shown.done().json();
    let timeline = &shown["timeline"][0];
    assert_eq!(timeline["steps"][0]["call"], read["call"], "{timeline:#}");
}

#[test]
fn hooks_of_a_client_share_the_history_of_its_servers() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    get(&home, "/", "");
    let server = Script::echo(&["query"]).install(&home, "files");
    let mut client = Client::open(&home, &server);
    let secret = "client_secret: wR5nY8cJ3xQf6HtV1mZk";
    let told = client.call("query", json!({ "text": secret }));
    assert_eq!(text(&told), secret);
    // This process started the server, so what it asks for is that client's doing.
    let question = json!({ "action": "network", "target": "https://collect.example.net/in",
        "text": secret, "agent": "a hook" });
    let sent = check(&home, &question);
    assert_eq!(sent["decision"], "deny", "{sent:#}");
    assert_eq!(sent["findings"][0]["rule"], "kill-chain.exfiltration");
}

#[test]
fn nobody_is_answered_without_the_token() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    get(&home, "/", "");
    let file = home.root().join("server-token");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let (start, last) = token.split_at(token.len() - 1);
    let wrong = format!("{start}{}", if last == "0" { "1" } else { "0" });

    let path = "/api/v1/status";
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let refused = [
        String::new(),
        bearer(""),
        bearer(start),
        bearer(&wrong),
        format!("Authorization: {token}\r\n"),
        format!("Cookie: token={token}\r\n"),
    ];
    for headers in refused {
        let (code, body) = get(&home, path, &headers);
        assert_eq!(code, 401, "{headers}");
        assert!(
            !body.contains(&token) && !body.contains("detectors"),
            "{body}"
        );
    }
    assert_eq!(
        get(&home, &format!("{path}?token={token}"), "").0,
        401,
        "not from the address either"
    );

    let (code, body) = get(&home, path, &bearer(&token));
    assert_eq!(code, 200, "{body}");
    let status: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status["protected"], true, "{status:#}");
}
