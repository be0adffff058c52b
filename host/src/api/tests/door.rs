//! Who gets in: the token, the Host, and no web page.

use super::{Got, Served};
use crate::api::{ApiError, start};
use std::sync::Arc;

impl Served {
    fn authorized(&self, headers: &str) -> Got {
        self.raw(format!(
            "GET /api/v1/health HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            self.address
        ))
    }

    fn hosted(&self, headers: &str) -> Got {
        self.raw(format!(
            "GET /api/v1/health HTTP/1.1\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
            self.token
        ))
    }

    fn page(&self, headers: &str) -> Got {
        self.send(
            "POST",
            "/guard/check",
            &format!("Content-Type: application/json\r\n{headers}"),
            r#"{"action":"shell","target":"ls"}"#,
        )
    }
}

#[test]
fn only_the_whole_token_opens_and_once() {
    let served = Served::new();
    let token = &served.token;
    let half = &token[..32];
    for headers in [
        String::new(),
        "Authorization:\r\n".to_owned(),
        "Authorization: Bearer\r\n".to_owned(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: Bearer{token}\r\n"),
        format!("Authorization: Bearer\t{token}\r\n"),
        format!("Authorization: Bearer {half}\r\n"),
        format!("Authorization: Bearer {token}0\r\n"),
        format!("Authorization: Bearer {token} {token}\r\n"),
        format!("Authorization: Bearer {token},\r\n"),
        format!("Authorization: Bearer {}\r\n", "0".repeat(64)),
        format!("Authorization: Bearer {half}{}\r\n", "0".repeat(32)),
        format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer x\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer \u{e9}{token}\r\n"),
        format!("Cookie: token={token}\r\n"),
    ] {
        let got = served.authorized(&headers);
        got.refused(401, "unauthorized");
        assert!(
            got.head.contains("www-authenticate: bearer\r\n"),
            "{headers}: {}",
            got.head
        );
        assert!(!got.body.contains(token.as_str()));
    }
    for headers in [
        format!("Authorization: Bearer {token}\r\n"),
        format!("authorization: bearer {token}\r\n"),
        format!("Authorization: BEARER   {token}\r\n"),
    ] {
        served.authorized(&headers).is(200);
    }
}

#[test]
fn a_token_in_the_address_opens_nothing() {
    let served = Served::new();
    for name in ["token", "access_token", "bearer"] {
        let request = format!(
            "GET /api/v1/health?{name}={} HTTP/1.1\r\nHost: {}\r\n\r\n",
            served.token, served.address
        );
        served.raw(request).refused(401, "unauthorized");
    }
}

#[test]
fn every_path_needs_the_token_and_none_shows_itself_without() {
    let served = Served::new();
    let paths = [
        "health",
        "status",
        "openapi.yaml",
        "approvals",
        "approvals/abc123",
        "inspect",
        "guard/check",
        "no-such",
    ];
    for path in paths {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let request = format!(
                "{method} /api/v1/{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
                served.address
            );
            served.raw(request).refused(401, "unauthorized");
        }
    }
    served.get("/health").is(200);
}

#[test]
fn only_our_own_names_are_served() {
    let served = Served::new();
    let port = served.address.port();
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.:{port}"),
        format!("127.1:{port}"),
        format!("0.0.0.0:{port}"),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        String::new(),
    ] {
        served
            .hosted(&format!("Host: {host}\r\n"))
            .refused(421, "host");
    }
    for host in [
        format!("127.0.0.1:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
    ] {
        served.hosted(&format!("Host: {host}\r\n")).is(200);
    }
}

#[test]
fn one_host_and_no_other_target() {
    let served = Served::new();
    let address = served.address;
    served.hosted("").refused(400, "host");
    served
        .hosted(&format!("Host: {address}\r\nHost: evil.example\r\n"))
        .refused(400, "host");
    let absolute = format!(
        "GET http://evil.example/api/v1/health HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
        served.token
    );
    served.raw(absolute).refused(421, "host");
    served.hosted(&format!("Host: {address}\r\n")).is(200);
}

#[test]
fn a_web_page_elsewhere_cannot_drive_it() {
    let served = Served::new();
    let address = served.address;
    for headers in [
        "Origin: https://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        "Origin:\r\n".to_owned(),
        format!("Origin: https://{address}\r\n"),
        format!("Origin: http://localhost:{}\r\n", address.port()),
        format!("Origin: http://{address}.evil.example\r\n"),
        format!("Origin: http://{address}\r\nOrigin: http://{address}\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
        format!("Origin: http://{address}\r\nSec-Fetch-Site: cross-site\r\n"),
    ] {
        served.page(&headers).refused(403, "origin");
    }
    for headers in [
        String::new(),
        format!("Origin: http://{address}\r\nSec-Fetch-Site: same-origin\r\n"),
        "Sec-Fetch-Site: none\r\n".to_owned(),
    ] {
        served.page(&headers).is(200);
    }
    assert_eq!(
        served.guard.lines.lock().unwrap().len(),
        3,
        "refused requests reached the guard"
    );
}

#[test]
fn a_preflight_gets_no_permission() {
    let served = Served::new();
    let request = format!(
        "OPTIONS /api/v1/guard/check HTTP/1.1\r\nHost: {}\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        served.address
    );
    served.raw(request).refused(403, "origin");
}

#[test]
fn an_address_beyond_loopback_is_never_listened_on() {
    let served = Served::new();
    let open = |address: &str| {
        start(
            Arc::clone(&served.guard) as _,
            &served.home,
            address.parse().unwrap(),
            served._runtime.handle(),
        )
    };
    assert!(matches!(open("0.0.0.0:0"), Err(ApiError::NotLoopback(_))));
    assert!(matches!(open("[::]:0"), Err(ApiError::NotLoopback(_))));
    assert!(open("127.0.0.1:0").is_ok());
}

#[test]
fn a_truncated_token_file_stops_the_start() {
    let served = Served::new();
    let open = || {
        start(
            Arc::clone(&served.guard) as _,
            &served.home,
            "127.0.0.1:0".parse().unwrap(),
            served._runtime.handle(),
        )
    };
    std::fs::write(served.home.token_file(), "").unwrap();
    assert!(matches!(open(), Err(ApiError::Token(_))));
    std::fs::write(served.home.token_file(), &served.token).unwrap();
    assert!(open().is_ok());
}
