//! Which envelopes are read as what, and which are refused.

use super::super::json::{Limits, parse};
use super::*;

fn kind(text: &str, batches: Batches) -> String {
    let node = parse(text.as_bytes(), &Limits::default()).unwrap();
    let one = |message: &Message<'_, '_>| match message {
        Message::Request { id, method, params } => {
            format!("request {id} {method} {}", params.is_some())
        }
        Message::Notification { method, params } => {
            format!("notification {method} {}", params.is_some())
        }
        Message::Response {
            id,
            outcome: Outcome::Result(_),
        } => format!("result {id}"),
        Message::Response {
            id,
            outcome: Outcome::Error(_),
        } => format!("error {id}"),
        Message::Stray { .. } => "stray".to_owned(),
    };
    match read_incoming(&node, batches) {
        Ok(Incoming::One(message)) => one(&message),
        Ok(Incoming::Batch(messages)) => messages.iter().map(one).collect::<Vec<_>>().join(" + "),
        Err(error) => format!("{error:?}"),
    }
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(kind(text, Batches::Refused), expect, "{text}");
}

#[test]
fn every_kind_is_told_apart() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
        "request 1 tools/call true",
    );
    check(
        r#"{"jsonrpc":"2.0","id":"1","method":"ping"}"#,
        r#"request "1" ping false"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":0,"method":"ping","params":null}"#,
        "request 0 ping false",
    );
    check(
        r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
        "notification notifications/x false",
    );
    check(r#"{"jsonrpc":"2.0","id":-3,"result":{}}"#, "result -3");
    check(
        r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":""}}"#,
        "error 3",
    );
    check(
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x","data":[1]}}"#,
        "stray",
    );
    check(
        r#"{"x-vendor":{},"jsonrpc":"2.0","id":3,"result":{}}"#,
        "result 3",
    );
}

#[test]
fn ids_are_strings_or_integers_and_nothing_else() {
    let with = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    for id in [
        "0",
        "-1",
        "18446744073709551616",
        r#""""#,
        r#""0x7""#,
        r#"" 7""#,
    ] {
        check(&with(id), &format!("request {id} m false"));
    }
    for id in ["null", "1.0", "1e0", "1E2", "-0", "{}", "[]", "true"] {
        check(&with(id), "IdType");
    }
    check(&with(&format!("\"{}\"", "i".repeat(1025))), "IdLength");
    check(
        &with(&"7".repeat(300)),
        &format!("request {} m false", "7".repeat(300)),
    );
    check(
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#,
        "IdType",
    );
}

#[test]
fn the_same_digits_as_text_and_as_number_are_two_ids() {
    assert_ne!(Id::Text("7".into()), Id::Integer("7".into()));
    check(
        r#"{"jsonrpc":"2.0","id":"a\n\u0022","method":"m"}"#,
        r#"request "a\n\"" m false"#,
    );
}

#[test]
fn broken_envelopes_are_refused() {
    check("7", "NotAnObject");
    check("{}", "Version");
    check(r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, "Version");
    check(r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, "Version");
    check(r#"{"jsonrpc":"2.0","id":1}"#, "NoKind");
    check(r#"{"jsonrpc":"2.0","result":{}}"#, "IdMissing");
    check(
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
        "MixedKinds",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
        "MixedKinds",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
        "MixedKinds",
    );
    check(r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "Method");
    check(r#"{"jsonrpc":"2.0","id":1,"method":""}"#, "Method");
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#,
        "ParamsType",
    );
    check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "ResultType");
    check(r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, "ErrorShape");
    check(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#,
        "ErrorShape",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#,
        "ErrorShape",
    );
}

#[test]
fn keys_that_another_parser_would_confuse_are_refused_where_the_protocol_names_them() {
    let refused = [
        (r#"{"jsonrpc":"2.0","method":"m","ID":1}"#, "envelope"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","Method":"n"}"#,
            "envelope",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"reſult":{}}"#,
            "envelope",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"result\u0000":{}}"#,
            "envelope",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"Name":"x"}}"#,
            "params",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":1,"X":2}}"#,
            "params",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"Content":[]}}"#,
            "result",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"a","Text":"b"}]}}"#,
            "list entry",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","Message":""}}"#,
            "error",
        ),
    ];
    for (text, object) in refused {
        check(
            text,
            &format!(
                "{:?}",
                MessageError::Lookalike {
                    object: Box::leak(object.into())
                }
            ),
        );
    }
}

#[test]
fn people_may_name_arguments_and_structured_content_as_they_like() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":1,"A":2}}}"#,
        "request 1 tools/call true",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"Text":1,"text":2},"content":[]}}"#,
        "result 1",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"t","inputSchema":{"properties":{"x":{},"X":{}}}}]}}"#,
        "result 1",
    );
}

#[test]
fn batches_pass_only_where_the_revision_has_them() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"}]"#;
    check(batch, "Batch");
    assert_eq!(
        kind(batch, Batches::Allowed),
        "request 1 a false + notification b false"
    );
    assert_eq!(
        kind("[]", Batches::Allowed),
        "BatchSize { len: 0, limit: 100 }"
    );
    assert_eq!(kind(&format!("[{batch}]"), Batches::Allowed), "Batch");
    assert_eq!(
        kind(r#"[{"jsonrpc":"2.0","id":1}]"#, Batches::Allowed),
        "NoKind"
    );
    let many = vec![r#"{"jsonrpc":"2.0","method":"b"}"#; 101].join(",");
    assert_eq!(
        kind(&format!("[{many}]"), Batches::Allowed),
        "BatchSize { len: 101, limit: 100 }"
    );
}

#[test]
fn an_array_is_never_read_as_an_envelope() {
    check(r#"["2.0",1,"tools/call",{},null,null]"#, "Batch");
    assert_eq!(
        kind(r#"["2.0",1,"tools/call",{},null,null]"#, Batches::Allowed),
        "NotAnObject"
    );
}
