//! Lines come out whole and in order, however they were written and wherever they stop.

use std::io;

use super::*;

/// Hands out at most `step` bytes per read and counts reads.
struct Drip<'a> {
    bytes: &'a [u8],
    step: usize,
    reads: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(7) {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = self.step.min(into.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(len);
        into[..len].copy_from_slice(now);
        self.bytes = later;
        Ok(len)
    }
}

fn lines(bytes: &[u8], step: usize, max_bytes: usize) -> Vec<String> {
    let mut reader = FrameReader::new(Drip {
        bytes,
        step,
        reads: 0,
    });
    let mut lines = Vec::new();
    loop {
        lines.push(match reader.next(max_bytes) {
            Ok(Some(frame)) => String::from_utf8(frame.raw.to_vec()).unwrap(),
            Ok(None) => return lines,
            Err(error) => error.to_string(),
        });
    }
}

#[track_caller]
fn check(bytes: &str, max_bytes: usize, expect: &[&str]) {
    for step in [1, 2, 3, 7, usize::MAX] {
        assert_eq!(
            lines(bytes.as_bytes(), step, max_bytes),
            expect,
            "{bytes:?} by {step}"
        );
    }
}

#[test]
fn lines_keep_every_byte() {
    check("{}\n", 9, &["{}\n"]);
    check("{}\r\n\n [1]\r\n", 9, &["{}\r\n", "\n", " [1]\r\n"]);
    check("", 9, &[]);
}

#[test]
fn the_json_of_a_line_excludes_one_line_end_only() {
    let json = |raw: &'static [u8]| Frame { raw }.json();
    assert_eq!(json(b"{}\n"), b"{}");
    assert_eq!(json(b"{}\r\n"), b"{}");
    assert_eq!(json(b"{}\r\r\n"), b"{}\r");
    assert_eq!(json(b"\n"), b"");
    assert!(Frame { raw: b" \r\n" }.is_blank());
    assert!(!Frame { raw: b"x\n" }.is_blank());
}

#[test]
fn a_line_at_the_limit_passes_and_one_byte_more_does_not() {
    let long = "line longer than 3 bytes";
    check("abc\n", 3, &["abc\n"]);
    check("abcd\n", 3, &[long]);
    check(
        "abcdefghi\nabc\nabcd\nx\n",
        3,
        &[long, "abc\n", long, "x\n"],
    );
    check("abcdefghi", 3, &[long]);
}

#[test]
fn a_close_inside_a_line_is_told_apart_from_a_close_between_lines() {
    check(
        "a\nbc",
        9,
        &["a\n", "peer closed inside a line, after 2 bytes"],
    );
    check("a\n", 9, &["a\n"]);
}

#[test]
fn a_huge_line_is_known_by_its_id_and_digest_and_takes_no_more_memory_than_the_limit() {
    let line = |fill: usize| {
        let text = io::repeat(b'x').take(fill as u64);
        (&br#"{"result":""#[..])
            .chain(text)
            .chain(&br#"","id":7}"#[..])
    };
    let mut whole = Vec::new();
    line(20 << 20).read_to_end(&mut whole).unwrap();
    let mut reader = FrameReader::new(line(20 << 20).chain(&b"\nnext\n"[..]));
    let Err(FrameError::TooLong { limit: 1000, line }) = reader.next(1000) else {
        panic!("taken");
    };
    assert_eq!(line.len, whole.len() as u64);
    assert_eq!(line.sha256, <[u8; 32]>::from(Sha256::digest(&whole)));
    assert_eq!(line.salvaged, crate::mcp::salvage::salvage(&whole));
    assert!(line.salvaged.id.is_some());
    assert!(reader.buffer.len() <= READ_BYTES);
    assert_eq!(reader.next(1000).unwrap().unwrap().raw, b"next\n");
    assert!(reader.next(1000).unwrap().is_none());
}

#[test]
fn a_thousand_pipelined_lines_arrive_in_order_from_few_reads() {
    let written: String = (0..1000).map(|n| format!("{{\"id\":{n}}}\n")).collect();
    let mut reader = FrameReader::new(Drip {
        bytes: written.as_bytes(),
        step: usize::MAX,
        reads: 0,
    });
    for n in 0..1000 {
        assert_eq!(reader.has_line(), n > 0, "{n}");
        let frame = reader.next(100).unwrap().unwrap();
        assert_eq!(frame.json(), format!("{{\"id\":{n}}}").as_bytes());
    }
    assert_eq!(reader.inner.reads, 1);
    assert!(!reader.has_line());
}

#[test]
fn a_large_message_grows_the_buffer_and_gives_it_back() {
    let large = vec![b'x'; 8 << 20];
    let written = [&large[..], b"\nsmall\n"].concat();
    let mut reader = FrameReader::new(Drip {
        bytes: &written,
        step: 50_000,
        reads: 0,
    });
    assert_eq!(
        reader.next(16 << 20).unwrap().unwrap().json().len(),
        8 << 20
    );
    assert_eq!(reader.next(16 << 20).unwrap().unwrap().json(), b"small");
    assert!(reader.next(16 << 20).unwrap().is_none());
    assert!(reader.buffer.len() <= KEEP_BYTES);
}
