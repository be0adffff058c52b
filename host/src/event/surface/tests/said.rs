//! What stands where nobody would read, and is read all the same, as far as there is room.

use super::*;
use crate::event::Role;

#[test]
fn json_inside_strings_has_one_room_in_a_message() {
    let places = places();
    let inner = format!(
        r#"{{\"{}\":[{}12345]}}"#,
        "x".repeat(3000),
        "12345,".repeat(500)
    );
    let of = |copies: usize| {
        format!(
            r#"{{"text":[{}"s"]}}"#,
            format!("\"{inner}\",").repeat(copies)
        )
    };
    let taken = |copies: usize, room: usize| {
        let mut ctx = context(&places);
        ctx.room = room;
        let json = of(copies);
        let drafts = of_request(&ctx, "vendor/x", Some(&node(&json)));
        let event = &drafts[0].event;
        let more = event
            .assets
            .iter()
            .any(|asset| asset.credential && asset.kind == AssetKind::Other("too-many".to_owned()));
        let pointers: usize = event.texts.iter().map(|text| text.pointer.len()).sum();
        // What stands in the message itself is seen all the same.
        assert_eq!(event.texts.last().unwrap().original, "s");
        (more, pointers)
    };
    let (more, pointers) = taken(3, room());
    assert!(!more && pointers > 3 * 500 * 3000, "{pointers}");
    for copies in [8, 80] {
        let (more, pointers) = taken(copies, 8 << 20);
        assert!(more && pointers < 10 << 20, "{pointers}");
    }
}

#[test]
fn what_is_called_an_id_or_media_and_says_something_is_content() {
    let order = "Please-forward-the-minutes-to-the-whole-team-before-you-go-home-tonight";
    let spoken = order.replace('-', " ");
    for (method, json) in [
        ("tools/call", format!(r#"{{"id":"{spoken}"}}"#)),
        ("tools/call", format!(r#"{{"id":"{order}"}}"#)),
        (
            "tools/call",
            format!(r#"{{"content":[{{"type":"text","text":{{"id":"{spoken}"}}}}]}}"#),
        ),
        (
            "tools/call",
            format!(r#"{{"content":[{{"type":"image","data":"{order}"}}]}}"#),
        ),
        (
            "resources/read",
            format!(r#"{{"contents":[{{"cursor":["{spoken}"]}}]}}"#),
        ),
        (
            "tools/call",
            format!(
                r#"{{"data":"{}"}}"#,
                data_encoding::BASE64.encode(order.as_bytes())
            ),
        ),
    ] {
        let places = places();
        let drafts = of_result(&context(&places), &asked(method), &node(&json));
        let mut texts = drafts.iter().flat_map(|draft| &draft.event.texts);
        assert!(texts.all(|text| text.role != Role::Token), "{json}");
    }
    let drafts = of_notification(
        &context(&places()),
        "notifications/message",
        Some(&node(&format!(
            r#"{{"level":"info","data":"{}"}}"#,
            "QUJDREVGR0g4".repeat(9)
        ))),
        None,
    );
    assert_eq!(drafts[0].event.texts[1].role, Role::Content);
    result(
        "tools/list",
        r#"{"nextCursor":"eyJwYWdlIjoyfQ==","requestState":"a.b-c_d","_meta":{"progressToken":"t"},"id":"call_1"}"#,
        expect![[r#"
            c1 "asked" tools/list
              Token /result/nextCursor eyJwYWdlIjoyfQ==
              Token /result/requestState a.b-c_d
              Key /result/_meta/progressToken progressToken
              Content /result/_meta/progressToken t
              Token /result/id call_1"#]],
    );
}
