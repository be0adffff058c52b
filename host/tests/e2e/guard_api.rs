//! The guard API answers whoever has the token, and nobody else.

use crate::kit::{Daemon, Home, wait_for};
use serde_json::Value;
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
