//! Server-sent events: a stream cut into events whose bytes stay as they came.
//!
//! What a client dispatches and what is judged must be the same, and readers differ: in what ends a
//! line, in fields they don't know, in data of several lines. So an event is handed out only when it
//! is whole, and one that some reader would read differently is written anew.
//!
//! Source: WHATWG HTML, server-sent events, "parsing an event stream".

/// One event, or a comment that keeps the connection alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came, blank line included.
    raw: Vec<u8>,
    /// Every reader takes the bytes for this event and nothing else.
    plain: bool,
    /// The last `event` field; empty means `message`.
    pub name: String,
    /// The `data` fields joined by newlines. `None`: no such field, so nothing is dispatched.
    pub data: Option<Vec<u8>>,
    /// The last `id` field, from which a client may resume.
    pub id: Option<String>,
    /// The last `retry` field, in milliseconds.
    pub retry: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("an event longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("an event field that is not UTF-8")]
    Encoding,
}

/// Cuts a stream into events, however it arrives.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    buffer: Vec<u8>,
    /// Where the event that is being read begins; what lies before was handed out.
    start: usize,
    /// Where the line that is being read begins.
    line: usize,
    /// How much of `buffer` is known to hold no line end beyond `line`.
    searched: usize,
    /// Lines of this stream end with a carriage return alone.
    returns: bool,
    started: bool,
    fields: Fields,
}

#[derive(Debug, Default)]
struct Fields {
    name: String,
    data: Option<Vec<u8>>,
    id: Option<String>,
    retry: Option<String>,
    /// A field was seen, so what follows belongs to it until the blank line.
    any: bool,
    /// Something was seen that readers don't agree on.
    odd: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    /// `limit`: the longest event in bytes, all its lines counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            start: 0,
            line: 0,
            searched: 0,
            returns: false,
            started: false,
            fields: Fields::default(),
        }
    }

    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        // Once per arrival, not per event, or many small events would move their successors often.
        self.buffer.drain(..self.start);
        self.line -= self.start;
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether something was begun and not ended: at the end of a stream it is dropped.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.buffer.len() > self.start
    }

    /// The next whole event, if it has arrived. A comment outside of any event is handed out at
    /// once, because it is what keeps a connection alive.
    ///
    /// # Errors
    /// [`SseError`]; the stream can't be followed any further then.
    pub fn next_event(&mut self) -> Result<Option<Event>, SseError> {
        if !self.started {
            if self.buffer.len() < BOM.len() && BOM.starts_with(&self.buffer) {
                return Ok(None);
            }
            self.started = true;
            if self.buffer.starts_with(BOM) {
                // Not passed on: one reader skips it, another reads it as part of a name.
                self.start = BOM.len();
                self.begin_line(BOM.len());
            }
        }
        while let Some((end, next)) = self.line_end() {
            if next == end + 1 && self.buffer.get(end) == Some(&b'\r') {
                // Readers that know only newlines would read on.
                self.returns = true;
                self.fields.odd = true;
            }
            let line = self.buffer.get(self.line..end).unwrap_or_default();
            let (blank, comment) = (line.is_empty(), line.starts_with(b":"));
            if !blank {
                self.fields.add(line)?;
            }
            self.begin_line(next);
            if self.line - self.start > self.limit {
                return Err(SseError::TooLong { limit: self.limit });
            }
            if blank || (comment && !self.fields.any) {
                return Ok(Some(self.take()));
            }
        }
        if self.buffer.len() - self.start > self.limit {
            return Err(SseError::TooLong { limit: self.limit });
        }
        Ok(None)
    }

    /// Where the current line ends, and where the next one begins.
    fn line_end(&mut self) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr2(b'\n', b'\r', rest) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + offset;
        match (self.buffer.get(end), self.buffer.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => Some((end, end + 2)),
            // Its newline is probably on the way. A stream that has none is not kept waiting.
            (Some(b'\r'), None) if !self.returns => {
                self.searched = end;
                None
            }
            _ => Some((end, end + 1)),
        }
    }

    fn begin_line(&mut self, at: usize) {
        self.line = at;
        self.searched = at;
    }

    /// What was read up to the current line, as an event.
    fn take(&mut self) -> Event {
        let raw = self.buffer.get(self.start..self.line).unwrap_or_default();
        let raw = raw.to_vec();
        self.start = self.line;
        let fields = std::mem::take(&mut self.fields);
        Event {
            plain: !fields.odd && !has_other_break(&raw),
            raw,
            name: fields.name,
            data: fields.data,
            id: fields.id,
            retry: fields.retry,
        }
    }
}

impl Fields {
    fn add(&mut self, line: &[u8]) -> Result<(), SseError> {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => line.split_at(colon),
            None => {
                // A field without a value, which few servers write.
                self.odd = true;
                (line, [].as_slice())
            }
        };
        if name.is_empty() {
            self.odd |= std::str::from_utf8(value).is_err();
            return Ok(());
        }
        self.any = true;
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8(value.to_vec()).map_err(|_| SseError::Encoding);
        match name {
            b"data" => self.add_data(value),
            b"event" => self.name = text()?,
            // A NUL makes the field void, says the standard; some readers take it all the same.
            b"id" if !value.contains(&0) => self.id = Some(text()?),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = Some(text()?);
            }
            // What one reader skips another may take for something.
            _ => self.odd = true,
        }
        Ok(())
    }

    fn add_data(&mut self, value: &[u8]) {
        match &mut self.data {
            Some(data) => {
                // Readers that take each line for a message of its own exist.
                self.odd = true;
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }
}

impl Event {
    /// The bytes to forward when the event passes: as they came, if every reader takes them for
    /// the event that was judged. Else the event is written anew.
    #[must_use]
    pub fn passed(self) -> Vec<u8> {
        if self.plain {
            return self.raw;
        }
        self.with(self.data.as_deref())
    }

    /// The event with other data, JSON or a word, on one line, under the same name and id.
    #[must_use]
    pub fn with(&self, data: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut field = |name: &str, value: &str| {
            if !has_other_break(value.as_bytes()) {
                out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
            }
        };
        if !self.name.is_empty() {
            field("event", &self.name);
        }
        if let Some(id) = &self.id {
            field("id", id);
        }
        if let Some(retry) = &self.retry {
            field("retry", retry);
        }
        if let Some(data) = data {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&one_line(data));
            out.push(b'\n');
        }
        out.push(b'\n');
        out
    }
}

/// Line breaks that the standard of event streams does not know and other readers do, in UTF-8.
///
/// Source: Unicode 16, UAX #14 and Python's `str.splitlines`: VT, FF, FS, GS, RS, NEL, LS, PS.
fn other_break(bytes: &[u8]) -> Option<(usize, char)> {
    match bytes {
        [byte @ (0x0b | 0x0c | 0x1c..=0x1e), ..] => Some((1, char::from(*byte))),
        [0xc2, 0x85, ..] => Some((2, '\u{85}')),
        [0xe2, 0x80, 0xa8, ..] => Some((3, '\u{2028}')),
        [0xe2, 0x80, 0xa9, ..] => Some((3, '\u{2029}')),
        _ => None,
    }
}

fn has_other_break(bytes: &[u8]) -> bool {
    // The first bytes of all of them; common text has none, so this is one quick pass.
    let first = |byte: &u8| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e | 0xc2 | 0xe2);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(first) {
        rest = rest.get(at..).unwrap_or_default();
        if other_break(rest).is_some() {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// JSON without any line break: between its parts a break is a space, within a string it is an
/// escape of the same meaning.
fn one_line(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 16);
    let mut rest = data;
    while let Some((byte, tail)) = rest.split_first() {
        if let Some((length, found)) = other_break(rest) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(found)).as_bytes());
            rest = rest.get(length..).unwrap_or_default();
        } else {
            // Strict JSON has no raw line break within a string.
            out.push(if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            });
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests;
