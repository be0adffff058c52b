//! What each route does.

use super::{Served, Value, json};
use crate::api::route::{OPENAPI, TABLE};
use crate::approval::Answer;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn where_it_listens_is_written_for_its_user_only() {
    let served = Served::new();
    let path = served.home.api_file();
    let said: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        said,
        json!({ "address": served.address.to_string(), "pid": std::process::id() })
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn the_document_lists_exactly_the_routes() {
    let mut documented = Vec::new();
    let mut path = "";
    let paths = OPENAPI
        .split("\npaths:\n")
        .nth(1)
        .unwrap()
        .split("\ncomponents:")
        .next()
        .unwrap();
    for line in paths.lines() {
        if let Some(found) = line
            .strip_prefix("  /")
            .and_then(|_| line.trim().strip_suffix(':'))
        {
            path = found;
        } else if let Some(method) = line
            .strip_prefix("    ")
            .and_then(|rest| rest.strip_suffix(':'))
            .filter(|rest| !rest.starts_with(' '))
        {
            documented.push((path.to_owned(), method.to_ascii_uppercase()));
        }
    }
    let served: Vec<_> = TABLE
        .iter()
        .map(|(path, method, _)| ((*path).to_owned(), (*method).to_owned()))
        .collect();
    assert_eq!(documented, served);
}

#[test]
fn the_document_is_served_as_it_is() {
    let got = Served::new().get("/openapi.yaml");
    assert_eq!(got.is(200).body, OPENAPI);
    assert!(got.head.contains("content-type: application/yaml\r\n"));
}

#[test]
fn reads_answer() {
    let served = Served::new();
    assert_eq!(served.get("/health").is(200).json()["status"], "up");
    assert_eq!(
        served.get("/status").is(200).json(),
        json!({ "protected": true })
    );
    assert_eq!(
        served.get("/records/c7f2kq3a").is(200).json()["id"],
        "c7f2kq3a"
    );
    served.get("/records/other").refused(404, "no-record");
    served.get("/records/torn").refused(500, "internal");
    assert_eq!(
        served.get("/approvals").is(200).json()["questions"][0]["id"],
        "abc123"
    );
}

#[test]
fn what_is_not_in_the_table_does_not_exist() {
    let served = Served::new();
    for path in [
        "",
        "/",
        "/healthz",
        "/health/",
        "//health",
        "/HEALTH",
        "/%68ealth",
        "/../v1/health",
        "/approvals/a%2fb",
        "/approvals//",
    ] {
        served.get(path).refused(404, "not-found");
    }
    served
        .raw(format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            served.address, served.token
        ))
        .refused(404, "not-found");
}

#[test]
fn another_method_is_told_which_one_there_is() {
    let served = Served::new();
    for (method, path, allow) in [
        ("POST", "/health", "get"),
        ("DELETE", "/approvals/abc123", "post"),
        ("GET", "/inspect", "post"),
        ("OPTIONS", "/inspect", "post"),
    ] {
        let got = served.send(method, path, "Content-Type: application/json\r\n", "");
        assert!(
            got.refused(405, "method")
                .head
                .contains(&format!("allow: {allow}\r\n")),
            "{}",
            got.head
        );
    }
}

#[test]
fn one_object_is_inspected() {
    let served = Served::new();
    assert_eq!(
        served
            .post("/inspect", "{\"id\":1,\n \"text\":\"hello\"}")
            .is(200)
            .json()["decision"],
        "allow"
    );
    assert_eq!(
        served
            .post("/inspect", r#"{"id":1,"text":"evil"}"#)
            .is(200)
            .json()["decision"],
        "deny"
    );
    served.post("/inspect", "{").refused(400, "body");
}

#[test]
fn lines_are_answered_in_order_and_a_bad_one_does_not_stop_the_rest() {
    let served = Served::new();
    let got = served.send(
        "POST",
        "/inspect",
        "Content-Type: application/x-ndjson\r\n",
        "{\"id\":1}\n\n{\r\n{\"id\":3,\"text\":\"evil\"}",
    );
    let lines: Vec<Value> = got
        .is(200)
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["id"], &lines[0]["decision"]),
        (&json!(1), &json!("allow"))
    );
    assert!(lines[1].get("decision").is_none() && lines[1]["error"].is_string());
    assert_eq!(
        (&lines[2]["id"], &lines[2]["decision"]),
        (&json!(3), &json!("deny"))
    );
    served
        .send(
            "POST",
            "/inspect",
            "Content-Type: application/x-ndjson\r\n",
            &"{}\n".repeat(4097),
        )
        .refused(413, "too-many-lines");
    served
        .send(
            "POST",
            "/inspect",
            "Content-Type: application/x-ndjson\r\n",
            &"{}\n".repeat(4096),
        )
        .is(200);
}

#[test]
fn only_json_is_taken() {
    let served = Served::new();
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json; charset=utf-16\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
    ] {
        served
            .send("POST", "/inspect", kind, "{}")
            .refused(415, "media-type");
    }
    served
        .send(
            "POST",
            "/inspect",
            "Content-Type: Application/JSON; charset=UTF-8\r\n",
            "{}",
        )
        .is(200);
    served
        .send(
            "POST",
            "/guard/check",
            "Content-Type: application/x-ndjson\r\n",
            r#"{"action":"shell","target":"ls"}"#,
        )
        .refused(415, "media-type");
}

#[test]
fn a_body_that_is_not_utf8_is_refused() {
    let served = Served::new();
    let mut request = format!(
        "POST /api/v1/inspect HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n",
        served.address, served.token
    )
    .into_bytes();
    request.extend_from_slice(b"{\"text\":\"\xff\"}");
    served.raw(request).refused(400, "utf-8");
}

#[test]
fn a_check_says_allowed_or_not() {
    let served = Served::new();
    let fine = served.post(
        "/guard/check",
        r#"{"action":"file_read","target":"/home/u/notes.txt","agent":"me"}"#,
    );
    assert_eq!(
        fine.is(200).json(),
        json!({ "allowed": true, "decision": "allow", "rule": "r", "reason": "policy lets it pass", "findings": [], "call": null })
    );
    let evil = served.post(
        "/guard/check",
        r#"{"action":"network","target":"https://evil.example"}"#,
    );
    assert_eq!(evil.is(200).json()["allowed"], false);
    served
        .post("/guard/check", r#"{"action":"shell"}"#)
        .refused(400, "body");
    assert_eq!(
        served.guard.lines.lock().unwrap()[0].1.as_deref(),
        Some("me")
    );
}

#[test]
fn the_predecessors_paths_name_the_agent() {
    let served = Served::new();
    for path in ["/guard/my-agent/check", "/guards/my-agent/check"] {
        served
            .post(path, r#"{"action":"shell","target":"ls"}"#)
            .is(200);
        assert_eq!(
            served
                .guard
                .lines
                .lock()
                .unwrap()
                .pop()
                .unwrap()
                .1
                .as_deref(),
            Some("my-agent")
        );
    }
    served
        .post("/guards/check", r#"{"action":"shell","target":"ls"}"#)
        .is(200);
}

#[test]
fn an_answer_comes_with_the_process_that_gave_it() {
    let served = Served::new();
    served
        .post(
            "/approvals/abc123",
            r#"{"answer":"allow-for","seconds":60}"#,
        )
        .is(200);
    served
        .post("/approvals/abc123", r#"{"answer":"deny"}"#)
        .is(200);
    let pid = cfg!(target_os = "linux").then(std::process::id);
    let expected = [
        Answer::AllowFor {
            duration: Duration::from_secs(60),
        },
        Answer::Deny,
    ]
    .map(|answer| ("abc123".to_owned(), answer, pid));
    assert_eq!(*served.guard.answers.lock().unwrap(), expected);
}

#[test]
fn an_answer_that_is_unclear_never_reaches_the_desk() {
    let served = Served::new();
    for body in [
        "",
        "{}",
        r#"{"answer":"allow"}"#,
        r#"{"answer":"allow-for"}"#,
        r#"{"answer":"allow-for","seconds":-1}"#,
        r#"{"answer":"deny","seconds":5}"#,
        r#"{"answer":"deny","x":1}"#,
        r#"{"answer":"deny","answer":"allow-once"}"#,
    ] {
        served.post("/approvals/abc123", body).refused(400, "body");
    }
    assert!(served.guard.answers.lock().unwrap().is_empty());
}

#[test]
fn refused_answers_say_why() {
    let served = Served::new();
    for (id, status, code) in [
        ("none", 404, "no-question"),
        ("late", 409, "already-answered"),
        ("agents", 403, "self-approval"),
    ] {
        served
            .post(&format!("/approvals/{id}"), r#"{"answer":"allow-once"}"#)
            .refused(status, code);
    }
}

#[test]
fn a_refusal_repeats_nothing_of_the_request() {
    let served = Served::new();
    let mark = "ATTACKERTEXT";
    for got in [
        served.get(&format!("/{mark}")),
        served.post("/inspect", mark),
        served.post("/guard/check", &format!(r#"{{"{mark}":1}}"#)),
        served.post("/approvals/abc123", &format!(r#"{{"answer":"{mark}"}}"#)),
        served.send("GET", "/health", &format!("Origin: http://{mark}\r\n"), ""),
    ] {
        assert!(
            got.status >= 400 && !got.body.contains(mark),
            "{}",
            got.body
        );
    }
}
