//! How much and how slowly a client may send.

use super::{Served, read};
use crate::api::Limits;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

impl Served {
    fn head(&self, headers: &str) -> String {
        let (host, token) = (self.address, &self.token);
        format!(
            "POST /api/v1/inspect HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{headers}\r\n"
        )
    }
}

fn object(length: usize) -> String {
    format!("{{\"text\":\"{}\"}}", "x".repeat(length - 11))
}

#[test]
fn a_declared_length_that_is_too_large_is_refused_before_the_body() {
    let served = Served::new();
    served
        .raw(served.head("Content-Length: 4194305\r\n"))
        .refused(413, "too-large");
    served
        .raw(served.head("Content-Length: 99999999999\r\n"))
        .refused(413, "too-large");
    let fits = object(4 << 20);
    served
        .raw(served.head("Content-Length: 4194304\r\n") + &fits)
        .is(200);
}

#[test]
fn a_client_that_writes_all_before_it_reads_learns_why_it_was_refused() {
    let served = Served::new();
    for length in [5 << 20, 24 << 20] {
        let head = served.head(&format!("Content-Length: {length}\r\n"));
        served.raw(head + &object(length)).refused(413, "too-large");
    }
}

#[test]
fn chunks_are_counted_while_they_come() {
    let limits = Limits {
        body_bytes: 64,
        ..Limits::default()
    };
    let served = Served::within(limits);
    let chunked = |bodies: &[&str]| {
        let chunks: String = bodies
            .iter()
            .map(|body| format!("{:x}\r\n{body}\r\n", body.len()))
            .collect();
        served.head("Transfer-Encoding: chunked\r\n") + &chunks
    };
    // Without the last chunk: who waits for the end would wait forever.
    served
        .raw(chunked(&[&"x".repeat(40), &"x".repeat(40)]))
        .refused(413, "too-large");
    let whole = object(64);
    served
        .raw(chunked(&[&whole[..30], &whole[30..]]) + "0\r\n\r\n")
        .is(200);
}

#[test]
fn a_length_in_two_ways_is_not_guessed_at() {
    let served = Served::new();
    let got = served.raw(served.head("Content-Length: 5\r\nContent-Length: 7\r\n") + "{}     ");
    assert_eq!(got.status, 400);
    assert!(served.guard.lines.lock().unwrap().is_empty());
}

#[test]
fn slow_headers_lose_their_connection_and_quick_ones_do_not() {
    let served = Served::within(Limits {
        header_read: Duration::from_secs(2),
        ..Limits::default()
    });
    let mut slow = served.connect();
    slow.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: ")
        .unwrap();
    let mut said = Vec::new();
    match slow.read_to_end(&mut said) {
        Ok(_) => assert!(
            !said.starts_with(b"HTTP/1.1 2"),
            "{}",
            String::from_utf8_lossy(&said)
        ),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    served.get("/health").is(200);
}

#[test]
fn a_body_that_does_not_come_is_answered_and_not_waited_for() {
    let served = Served::within(Limits {
        request: Duration::from_secs(2),
        ..Limits::default()
    });
    served
        .raw(served.head("Content-Length: 20\r\n") + "{\"text\":")
        .refused(408, "slow");
    served
        .raw(served.head("Content-Length: 20\r\n") + &object(20))
        .is(200);
}

#[test]
fn pipelined_requests_are_judged_one_by_one() {
    let served = Served::new();
    let (host, token) = (served.address, &served.token);
    let good = format!(
        "GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let bad = format!("GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut stream = served.connect();
    stream
        .write_all(format!("{good}{bad}{good}").as_bytes())
        .unwrap();
    assert_eq!([(); 3].map(|()| read(&mut stream).status), [200, 401, 200]);
}

#[test]
fn the_next_connection_is_told_when_all_places_are_taken() {
    let served = Served::within(Limits {
        connections: 2,
        ..Limits::default()
    });
    let request = format!(
        "GET /api/v1/health HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        served.address, served.token
    );
    let mut kept: Vec<_> = (0..2).map(|_| served.connect()).collect();
    for stream in &mut kept {
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(read(stream).status, 200);
    }
    served.get("/health").refused(503, "busy");
    drop(kept);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while served.get("/health").status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "places were not given back"
        );
    }
}

#[test]
fn an_old_connection_is_closed_at_its_next_pause() {
    let served = Served::within(Limits {
        connection: Duration::from_secs(2),
        ..Limits::default()
    });
    let request = format!(
        "GET /api/v1/health HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        served.address, served.token
    );
    let mut stream = served.connect();
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(read(&mut stream).status, 200);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn too_many_or_too_long_headers_are_refused() {
    let served = Served::new();
    let many: String = (0..100)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    assert_eq!(served.raw(served.head(&many)).status, 431);
    assert_eq!(
        served
            .raw(served.head(&format!("X: {}\r\n", "y".repeat(40 << 10))))
            .status,
        431
    );
}
