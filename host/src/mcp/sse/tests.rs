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

/// `name|data|id` of each event that has data, and the same again from what is passed on.
#[track_caller]
fn check(stream: &[u8], expect: &[&str]) {
    for step in 1..=stream.len() {
        let found = events(stream, step);
        assert_eq!(told(&found), expect, "step {step}");
        let passed: Vec<u8> = found.into_iter().flat_map(Event::passed).collect();
        let again = events(&passed, step);
        let one_line: Vec<String> = expect.iter().map(|e| e.replace('\n', " ")).collect();
        assert_eq!(told(&again), one_line, "step {step}");
        assert!(again.iter().all(|event| event.plain), "step {step}");
    }
}

fn told(events: &[Event]) -> Vec<String> {
    let told = |e: &Event| {
        let data = String::from_utf8(e.data.clone()?).unwrap();
        let id = e.id.as_deref().unwrap_or("");
        Some(format!("{}|{data}|{id}", e.name))
    };
    events.iter().filter_map(told).collect()
}

/// The bytes that are passed on.
fn passed(stream: &[u8], step: usize) -> String {
    let all: Vec<u8> = events(stream, step)
        .into_iter()
        .flat_map(Event::passed)
        .collect();
    String::from_utf8(all).unwrap()
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
        // After the last carriage return nothing comes that could be its newline.
        let stream = if end == "\r" { stream + "\n" } else { stream };
        check(stream.as_bytes(), &["message|{\"a\":\n1}|1", "||2", "|x|"]);
        let marked = format!("\u{feff}{stream}");
        check(marked.as_bytes(), &["message|{\"a\":\n1}|1", "||2", "|x|"]);
    }
}

#[test]
fn what_every_reader_takes_alike_passes_byte_for_byte() {
    for end in ["\n", "\r\n"] {
        let lines = [
            "event: message",
            "id:7",
            ": note",
            "data: {\"a\":\"\u{e9}\"}",
            "",
            ": ping",
            "id: 8",
            "data: ",
            "",
            "",
        ];
        let stream = lines.join(end);
        for step in 1..=stream.len() {
            assert_eq!(passed(stream.as_bytes(), step), stream, "step {step}");
        }
    }
}

#[test]
fn what_readers_differ_in_does_not_pass_as_it_came() {
    // A byte order mark in another coding, which one reader skips.
    assert_eq!(
        passed(b"\xc3\xaf\xc2\xbb\xc2\xbfdata: {\"evil\":1}\n\n", 100),
        "\n"
    );
    // A carriage return that one reader takes for a space.
    assert_eq!(passed(b"data:\r {\"evil\":1}\n\n", 100), "data: \n\n");
    // Two lines that one reader takes for two messages.
    let nested = b"data: {\"a\":\ndata: {\"evil\":1}\ndata: }\n\n";
    assert_eq!(passed(nested, 100), "data: {\"a\": {\"evil\":1} }\n\n");
    assert_eq!(passed(b"DATA: {\"evil\":1}\n\n", 100), "\n");
    assert_eq!(passed(b": \xff\n", 100), "\n");
    assert_eq!(passed("\u{feff}data: 1\n\n".as_bytes(), 100), "data: 1\n\n");
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
fn a_stream_that_ends_lines_with_a_return_alone_is_not_kept_waiting() {
    let mut splitter = Splitter::new(100);
    splitter.push(b"data: 1\r\r");
    assert_eq!(
        splitter.next_event().unwrap().unwrap().passed(),
        b"data: 1\n\n"
    );
    assert!(!splitter.is_within());
}

#[test]
fn a_line_end_that_is_cut_is_waited_for() {
    let mut splitter = Splitter::new(100);
    splitter.push(b"data: 1\r\n\r");
    assert_eq!(splitter.next_event(), Ok(None));
    splitter.push(b"\n");
    assert_eq!(
        splitter.next_event().unwrap().unwrap().passed(),
        b"data: 1\r\n\r\n"
    );
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
        assert_eq!(String::from_utf8(event.clone().passed()).unwrap(), expect);
        // Also where other data takes the place of what came.
        let other = format!("[\"{breaker}\"]");
        let expect = format!("id: 7\ndata: [\"{escape}\"]\n\n");
        assert_eq!(
            String::from_utf8(event.with(Some(other.as_bytes()))).unwrap(),
            expect
        );
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
