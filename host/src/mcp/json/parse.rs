//! The parser itself: recursive descent, depth bounded, no byte read twice in vain.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{JsonError, Limits, Member, Node, Value};

/// Reads exactly one JSON value (RFC 8259) and nothing else.
///
/// # Errors
/// The first reason to refuse, in the order the bytes give it; see [`JsonError`].
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Node<'a>, JsonError> {
    if bytes.len() > limits.max_bytes {
        return Err(JsonError::TooLong {
            len: bytes.len(),
            limit: limits.max_bytes,
        });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::Bom);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8 {
        at: error.valid_up_to(),
    })?;
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        nodes: 0,
        pointer: 0,
        pointers: 0,
        max_pointers: limits.max_pointers,
        max_depth: limits.max_depth.min(Limits::DEEPEST),
        max_nodes: limits.max_nodes,
    };
    parser.space();
    if parser.peek().is_none() {
        return Err(JsonError::Empty);
    }
    let node = parser.value()?;
    parser.space();
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(JsonError::Trailing { at: parser.at }),
    }
}

/// Objects up to this size are compared pairwise; above, keys go through a seeded hash set.
/// Measured habit of the field: most objects have fewer members, and 28 length checks cost less
/// than one hash set.
const PAIRWISE_KEYS: usize = 8;

/// The longest double written out in full has 309 digits before the point; more is no number that
/// anyone computes with.
const MAX_NUMBER_BYTES: usize = 512;

/// A slash and the digits of an index; few arrays have more than a million elements.
const INDEX_BYTES: usize = 7;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    nodes: usize,
    /// Bytes of the pointer to where it is, and of those to all values so far.
    pointer: usize,
    pointers: usize,
    max_pointers: usize,
    max_depth: usize,
    max_nodes: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// What is wrong where `at` stands: the end, or a byte that can't be here.
    fn wrong(&self) -> JsonError {
        match self.peek() {
            None => JsonError::CutOff { at: self.at },
            Some(_) => JsonError::Unexpected { at: self.at },
        }
    }

    fn slice(&self, from: usize, to: usize) -> Result<&'a str, JsonError> {
        // Both ends stand beside ASCII bytes, so this is always a character boundary.
        self.text.get(from..to).ok_or(JsonError::Utf8 { at: from })
    }

    fn value(&mut self) -> Result<Node<'a>, JsonError> {
        self.nodes += 1;
        if self.nodes > self.max_nodes {
            return Err(JsonError::TooManyNodes {
                at: self.at,
                limit: self.max_nodes,
            });
        }
        self.pointers += self.pointer;
        if self.pointers > self.max_pointers {
            return Err(JsonError::Pointers {
                at: self.at,
                limit: self.max_pointers,
            });
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'"') => Value::String(self.string()?),
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b'N' | b'I') => return Err(JsonError::NotANumber { at: start }),
            _ => return Err(self.wrong()),
        };
        Ok(Node {
            span: start..self.at,
            value,
        })
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.wrong());
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn nested(
        &mut self,
        body: fn(&mut Self) -> Result<Value<'a>, JsonError>,
    ) -> Result<Value<'a>, JsonError> {
        self.depth += 1;
        // What an index takes; a key adds its own length.
        self.pointer += INDEX_BYTES;
        if self.depth > self.max_depth {
            return Err(JsonError::TooDeep {
                at: self.at,
                limit: self.max_depth,
            });
        }
        self.at += 1;
        self.space();
        let value = body(self)?;
        self.depth -= 1;
        self.pointer -= INDEX_BYTES;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value<'a>, JsonError> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.closes(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value<'a>, JsonError> {
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            members.push(self.member()?);
            if self.closes(b'}')? {
                refuse_duplicates(&members)?;
                return Ok(Value::Object(members));
            }
        }
    }

    fn member(&mut self) -> Result<Member<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong());
        }
        let start = self.at;
        let key = self.string()?;
        let key_span = start..self.at;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.wrong());
        }
        self.at += 1;
        self.space();
        self.pointer += key.len();
        let node = self.value()?;
        self.pointer -= key.len();
        Ok(Member {
            key,
            key_span,
            node,
        })
    }

    /// Steps over what follows an element: true at the closing bracket, false after a comma.
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.wrong()),
        }
    }

    /// A string literal; borrowed unless it holds an escape.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let (chunk, closed) = self.plain()?;
        if closed {
            return Ok(Cow::Borrowed(chunk));
        }
        let mut decoded = String::from(chunk);
        loop {
            decoded.push(self.escape()?);
            let (chunk, closed) = self.plain()?;
            decoded.push_str(chunk);
            if closed {
                return Ok(Cow::Owned(decoded));
            }
        }
    }

    /// Text up to the next quote (stepped over, true) or backslash (stepped over, false).
    fn plain(&mut self) -> Result<(&'a str, bool), JsonError> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let found = memchr::memchr2(b'"', b'\\', rest);
        let len = found.unwrap_or(rest.len());
        let chunk = rest.get(..len).unwrap_or_default();
        // A fold without early exit lets the compiler test many bytes at once.
        if chunk.iter().fold(false, |any, byte| any | (*byte < 0x20)) {
            let offset = chunk
                .iter()
                .position(|byte| *byte < 0x20)
                .unwrap_or_default();
            return Err(JsonError::Control { at: start + offset });
        }
        self.at = start + len;
        if found.is_none() {
            return Err(JsonError::CutOff { at: self.at });
        }
        let closed = self.peek() == Some(b'"');
        self.at += 1;
        Ok((self.slice(start, start + len)?, closed))
    }

    /// One escape; `at` stands after its backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at - 1;
        let Some(byte) = self.peek() else {
            return Err(self.wrong());
        };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(JsonError::Escape { at: start }),
        })
    }

    /// `\uXXXX` or a surrogate pair of them; `at` stands after the first `u`.
    fn unicode(&mut self, start: usize) -> Result<char, JsonError> {
        let first = self.hex4(start)?;
        if let Some(char) = char::from_u32(first) {
            return Ok(char);
        }
        let lone = JsonError::LoneSurrogate { at: start };
        let paired = self
            .text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|b| b.starts_with(b"\\u"));
        if first >= 0xdc00 || !paired {
            return Err(lone);
        }
        let second_at = self.at;
        self.at += 2;
        let second = self.hex4(second_at)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(lone)
    }

    fn hex4(&mut self, escape_at: usize) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.wrong());
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(JsonError::Escape { at: escape_at });
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if let Some(b'0'..=b'9') = self.peek() {
                    return Err(JsonError::LeadingZero { at: start });
                }
            }
            Some(b'1'..=b'9') => self.digits(start)?,
            Some(b'N' | b'I') => return Err(JsonError::NotANumber { at: start }),
            None => return Err(self.wrong()),
            Some(_) => return Err(JsonError::Number { at: start }),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits(start)?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits(start)?;
        }
        let len = self.at - start;
        if len > MAX_NUMBER_BYTES {
            return Err(JsonError::NumberLength {
                at: start,
                len,
                limit: MAX_NUMBER_BYTES,
            });
        }
        let lexeme = self.slice(start, self.at)?;
        // Without an exponent, 308 digits stay below the largest double.
        let suspect = exponent || len > 308;
        if suspect && !lexeme.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(JsonError::NumberRange { at: start });
        }
        Ok(lexeme)
    }

    /// One or more digits.
    fn digits(&mut self, number_at: usize) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            None => Err(self.wrong()),
            Some(_) => Err(JsonError::Number { at: number_at }),
        }
    }
}

/// Keys are compared decoded: `te\u0078t` is `text`.
fn refuse_duplicates(members: &[Member<'_>]) -> Result<(), JsonError> {
    let duplicate = if members.len() <= PAIRWISE_KEYS {
        members.iter().enumerate().find(|(index, member)| {
            members
                .iter()
                .take(*index)
                .any(|earlier| earlier.key == member.key)
        })
    } else {
        // Seeded per set, so nobody can choose keys that all land in one bucket.
        let mut seen = HashSet::with_capacity(members.len());
        members
            .iter()
            .enumerate()
            .find(|(_, member)| !seen.insert(&*member.key))
    };
    match duplicate {
        None => Ok(()),
        Some((_, member)) => Err(JsonError::DuplicateKey {
            at: member.key_span.start,
        }),
    }
}
