//! HTTP by hand, so that a test decides about every byte: a server that does what a closure says,
//! and a client that sends what it is given.

use super::{Home, PATIENCE, wait_for};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as a server saw it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// One answer as a client saw it.
#[derive(Clone, Debug)]
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A server on a port of its own, which closes each connection after one exchange.
pub struct Web {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Web {
    /// `answer` writes whatever it likes to the connection.
    pub fn start(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    fn on(
        listener: TcpListener,
        answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let Some(seen) = request(&mut reader) else {
                        return;
                    };
                    log.lock().unwrap().push(seen.clone());
                    answer(&seen, &mut stream);
                });
            }
        });
        Self { address, seen }
    }

    /// A server that answers each message through `says`, as JSON.
    pub fn json(says: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::start(move |seen, stream| {
            let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
            if message.get("id").is_none() || message.get("method").is_none() {
                return write(stream, "202 Accepted", &[], "");
            }
            let body = says(&message).to_string();
            write(
                stream,
                "200 OK",
                &[("content-type", "application/json")],
                &body,
            );
        })
    }

    /// The same on connections that stay open, for many calls: nothing of them is remembered.
    /// With its answer `says` gives a session for the client, or none.
    pub fn kept(says: impl Fn(&Value) -> (Value, Option<String>) + Send + Sync + 'static) -> Self {
        Self::start(move |first, stream| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut next = Some(first.clone());
            while let Some(seen) = next {
                let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
                let wanted = message.get("id").is_some() && message.get("method").is_some();
                let (mut text, mut body) = ("HTTP/1.1 202 Accepted\r\n".to_owned(), String::new());
                if wanted {
                    let (answer, session) = says(&message);
                    text = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n".to_owned();
                    if let Some(session) = session {
                        text.push_str(&format!("mcp-session-id: {session}\r\n"));
                    }
                    body = answer.to_string();
                }
                text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
                if stream.write_all(text.as_bytes()).is_err() {
                    return;
                }
                next = request(&mut reader);
            }
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn saw(&self, part: &str) -> bool {
        self.seen().iter().any(|seen| seen.body.contains(part))
    }
}

/// Writes a whole answer.
pub fn write(stream: &mut TcpStream, status: &str, headers: &[(&str, &str)], body: &str) {
    let mut text = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    // A client that is gone is what some tests are about.
    let _ = stream.write_all(format!("{text}\r\n{body}").as_bytes());
}

/// Begins an event stream; what follows is written by [`event`].
pub fn begin_stream(stream: &mut TcpStream, headers: &[(&str, &str)]) {
    let mut text =
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n".to_owned();
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
}

/// Writes one event; whether anybody is still there.
pub fn event(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).is_ok()
}

fn request(reader: &mut impl BufRead) -> Option<Seen> {
    let (first, headers) = head(reader)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let length = header(&headers, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen {
        method,
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

fn head(reader: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let first = lines.remove(0);
    let headers = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some((first, headers))
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// An answer that is still coming.
pub struct Coming {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    chunked: bool,
    rest: Vec<u8>,
}

impl Coming {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The next event, its blank line included; `None` at the end of the stream.
    pub fn event(&mut self) -> Option<String> {
        loop {
            let end = self.rest.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let rest = self.rest.split_off(end + 2);
                let event = std::mem::replace(&mut self.rest, rest);
                return Some(String::from_utf8(event).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// What came after the last whole event.
    pub fn rest(&mut self) -> String {
        while self.more() {}
        String::from_utf8(std::mem::take(&mut self.rest)).unwrap()
    }

    /// The data of the next event that has any, as JSON.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        loop {
            let event = self.event().expect("the stream ended");
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            if let Some(data) = data.filter(|data| !data.is_empty()) {
                return serde_json::from_str(data).unwrap_or_else(|_| panic!("no JSON: {data}"));
            }
        }
    }

    fn more(&mut self) -> bool {
        if !self.chunked {
            let mut piece = [0; 4096];
            let count = self.reader.read(&mut piece).unwrap_or(0);
            self.rest.extend_from_slice(&piece[..count]);
            return count > 0;
        }
        let mut size = String::new();
        if self.reader.read_line(&mut size).unwrap_or(0) == 0 {
            return false;
        }
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut piece = vec![0; size + 2];
        if self.reader.read_exact(&mut piece).is_err() {
            return false;
        }
        self.rest.extend_from_slice(&piece[..size]);
        size > 0
    }

    fn whole(mut self) -> Got {
        let length = header(&self.headers, "content-length").map(|length| length.parse().unwrap());
        while length.is_none_or(|length: usize| self.rest.len() < length) && self.more() {}
        Got {
            status: self.status,
            headers: self.headers,
            body: String::from_utf8(self.rest).unwrap(),
        }
    }
}

/// A client of the daemon's HTTP port.
pub struct Http {
    pub address: SocketAddr,
}

impl Http {
    /// Finds out where the daemon of this home listens.
    #[track_caller]
    pub fn of(home: &Home) -> Self {
        let file = home.root().join("run/mcp.json");
        let address = wait_for("MCP over HTTP", || {
            let text = std::fs::read_to_string(&file).ok()?;
            let facts: Value = serde_json::from_str(&text).ok()?;
            facts["address"].as_str()?.parse().ok()
        });
        Self { address }
    }

    /// Sends these bytes on a connection of its own and reads the answer's head.
    #[track_caller]
    pub fn raw(&self, request: &[u8]) -> Coming {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server may answer and close before it has read everything.
        let _ = stream.write_all(request);
        let mut reader = BufReader::new(stream);
        let (first, headers) = head(&mut reader).expect("no answer");
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = header(&headers, "transfer-encoding").is_some();
        Coming {
            status,
            headers,
            reader,
            chunked,
            rest: Vec::new(),
        }
    }

    /// The bytes of a request to `/mcp/NAME`.
    pub fn request(
        &self,
        method: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<u8> {
        let mut text = format!("{method} /mcp/{name} HTTP/1.1\r\n");
        let own = [
            ("host", self.address.to_string()),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("connection", "close".to_owned()),
        ];
        for (key, value) in &own {
            if !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(key))
            {
                text.push_str(&format!("{key}: {value}\r\n"));
            }
        }
        for (key, value) in headers {
            text.push_str(&format!("{key}: {value}\r\n"));
        }
        if method == "POST" {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        format!("{text}\r\n{body}").into_bytes()
    }

    /// Sends these bytes and reads the whole answer.
    #[track_caller]
    pub fn whole(&self, request: &[u8]) -> Got {
        self.raw(request).whole()
    }

    #[track_caller]
    pub fn post(&self, name: &str, headers: &[(&str, &str)], body: &str) -> Got {
        self.open("POST", name, headers, body).whole()
    }

    #[track_caller]
    pub fn open(&self, method: &str, name: &str, headers: &[(&str, &str)], body: &str) -> Coming {
        self.raw(&self.request(method, name, headers, body))
    }

    /// A request's whole answer, whatever the method.
    #[track_caller]
    pub fn ask(&self, method: &str, name: &str, headers: &[(&str, &str)]) -> Got {
        self.open(method, name, headers, "").whole()
    }
}

/// One connection of a client that sends one request after the other.
pub struct Kept(BufReader<TcpStream>);

impl Kept {
    #[track_caller]
    pub fn open(http: &Http) -> Self {
        let stream = TcpStream::connect(http.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request, which must not ask for the connection to be closed, and reads the answer.
    #[track_caller]
    pub fn whole(&mut self, request: &[u8]) -> Got {
        self.0.get_mut().write_all(request).unwrap();
        let (first, headers) = head(&mut self.0).expect("no answer");
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let length = header(&headers, "content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        Got {
            status,
            headers,
            body,
        }
    }
}
