//! Event streams, cut in every place.

use super::*;

/// All events of `stream`, fed in pieces of `step` bytes.
fn events(stream: &[u8], step: usize) -> Vec<Event> {
    let mut splitter = Splitter::new(1 << 16);
    let mut found = Vec::new();
    for piece in stream.chunks(step) {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            found.push(event);
        }
    }
    found
}

/// `name|data|id` of each event that has data; the raw bytes of all must be the stream's.
#[track_caller]
fn check(stream: &[u8], expect: &[&str]) {
    for step in 1..=stream.len() {
        let found = events(stream, step);
        let raw: Vec<u8> = found.iter().flat_map(|e| e.raw.clone()).collect();
        assert!(stream.starts_with(&raw), "bytes change at step {step}");
        let seen: Vec<String> = found
            .iter()
            .filter_map(|e| {
                let data = String::from_utf8(e.data.clone()?).unwrap();
                Some(format!(
                    "{}|{data}|{}",
                    e.name,
                    e.id.as_deref().unwrap_or("")
                ))
            })
            .collect();
        assert_eq!(seen, expect, "step {step}");
    }
}

#[test]
fn every_line_end_and_every_cut_gives_the_same_events() {
    for end in ["\n", "\r\n", "\r"] {
        let stream = [
            ": hello",
            "",
            "event: message",
            "id: 1",
            "data: {\"a\":",
            "data:1}",
            "",
            "id: 2",
            "data",
            "",
            "retry: 10",
            "",
            "data: x",
            "",
            "",
        ]
        .join(end);
        check(stream.as_bytes(), &["message|{\"a\":\n1}|1", "||2", "|x|"]);
        check(
            format!("\u{feff}{stream}").as_bytes(),
            &["message|{\"a\":\n1}|1", "||2", "|x|"],
        );
    }
}

#[test]
fn what_has_not_ended_is_not_handed_out() {
    check(b"data: 1\n\ndata: 2\n", &["|1|"]);
    let mut splitter = Splitter::new(100);
    splitter.push(b"data: 2\n");
    assert_eq!(splitter.next_event(), Ok(None));
    assert!(splitter.is_within());
}

#[test]
fn a_comment_is_passed_on_at_once_unless_it_stands_within_an_event() {
    let found = events(b": ping\n: pong\ndata: 1\n: inside\n\n", 1000);
    let raw: Vec<&[u8]> = found.iter().map(|e| e.raw.as_slice()).collect();
    assert_eq!(
        raw,
        [&b": ping\n"[..], b": pong\n", b"data: 1\n: inside\n\n"]
    );
}

#[test]
fn the_newline_of_a_cut_line_end_is_neither_lost_nor_an_event() {
    let mut splitter = Splitter::new(100);
    splitter.push(b"data: 1\r\n\r");
    assert_eq!(
        splitter.next_event().unwrap().unwrap().raw,
        b"data: 1\r\n\r"
    );
    splitter.push(b"\n");
    let rest = splitter.next_event().unwrap().unwrap();
    assert_eq!((rest.raw.as_slice(), rest.data), (&b"\n"[..], None));
    assert!(!splitter.is_within());
}

#[test]
fn a_long_event_is_refused_while_it_arrives() {
    for end in ["", "\n", "\ndata: y\n\n"] {
        let mut splitter = Splitter::new(64);
        splitter.push(format!("data: {}{end}", "x".repeat(80)).as_bytes());
        assert_eq!(splitter.next_event(), Err(SseError::TooLong { limit: 64 }));
    }
    let mut splitter = Splitter::new(64);
    let outcome = (0..20).find_map(|_| {
        splitter.push(b"data: x\n");
        splitter.next_event().err()
    });
    assert_eq!(outcome, Some(SseError::TooLong { limit: 64 }));
}

#[test]
fn fields_of_the_wrong_form_say_nothing() {
    let found = events(
        b"id: a\0b\nretry: 1x\nDATA: no\nevent : no\ndata : no\nx\n\n",
        1000,
    );
    assert_eq!(found.len(), 1);
    let Event {
        name,
        data,
        id,
        retry,
        ..
    } = &found[0];
    assert_eq!((name.as_str(), data, id, retry), ("", &None, &None, &None));
    let mut splitter = Splitter::new(100);
    splitter.push(b"id: \xff\n\n");
    assert_eq!(splitter.next_event(), Err(SseError::Encoding));
}

#[test]
fn line_breaks_of_other_readers_are_written_as_escapes() {
    let plain = b"event: message\ndata: {\"a\":\"\xc3\xa9 \xe2\x82\xac\"}\n\n".to_vec();
    assert_eq!(events(&plain, 1000)[0].clone().passed(), plain);
    for (breaker, escape) in [("\u{2028}", "\\u2028"), ("\u{85}", "\\u0085")] {
        let stream = format!(
            "id: 7\nevent: message{breaker}data: evil\ndata: {{\"a\":\"x{breaker}data: evil\"}}\n\n"
        );
        let event = events(stream.as_bytes(), 1000).remove(0);
        let expect = format!("id: 7\ndata: {{\"a\":\"x{escape}data: evil\"}}\n\n");
        assert_eq!(String::from_utf8(event.passed()).unwrap(), expect);
    }
}

#[test]
fn an_event_with_other_data_keeps_its_name_and_id() {
    let event = events(b"event: message\nid: 9\nretry: 5\ndata: {}\n\n", 1000).remove(0);
    let changed = event.with(Some(b"{\"b\":2}"));
    assert_eq!(
        changed,
        b"event: message\nid: 9\nretry: 5\ndata: {\"b\":2}\n\n"
    );
    assert_eq!(
        events(&changed, 3)[0].data.as_deref(),
        Some(&b"{\"b\":2}"[..])
    );
}
