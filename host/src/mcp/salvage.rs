//! What can still be said about a line that is no message: who waits for it, and under which id.
//!
//! A lenient scan of the outermost object, byte by byte and in constant memory, so that it works on
//! what the strict parser refuses and on lines too long to be held. Only the choice of an error
//! reply ever rests on it; nothing is forwarded or allowed because of what it says.

use super::fold::same;
use super::message::Id;

/// What a refused line seems to have been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    pub nature: Nature,
    /// Absent when it could not be read, and when the line has several.
    pub id: Option<Id>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nature {
    /// No object and no array: a log line that went to the wrong stream.
    #[default]
    Noise,
    /// An array. What is in it is not looked at.
    Batch,
    /// An object that neither asks nor answers.
    Unclear,
    /// It has a method and an id, which may be null.
    Request,
    /// It has a method and no id.
    Notification,
    /// It has a result or an error, and an id that is not null.
    Answer,
}

/// Salvages from a line at hand.
#[must_use]
pub fn salvage(bytes: &[u8]) -> Salvaged {
    let mut scan = Scan::default();
    scan.feed(bytes);
    scan.finish()
}

impl Salvaged {
    /// A line from which exactly this is salvaged: so it travels.
    #[must_use]
    pub fn bones(&self) -> Vec<u8> {
        let id = self.id.as_ref().map_or("{}".into(), Id::to_string);
        match self.nature {
            Nature::Noise => String::new(),
            Nature::Batch => "[]".into(),
            Nature::Unclear => format!(r#"{{"id":{id}}}"#),
            Nature::Request => format!(r#"{{"method":0,"id":{id}}}"#),
            Nature::Notification => r#"{"method":0}"#.into(),
            Nature::Answer => format!(r#"{{"result":0,"id":{id}}}"#),
        }
        .into_bytes()
    }
}

/// A scan of a line that arrives in pieces.
#[derive(Debug, Default)]
pub struct Scan {
    form: Form,
    /// Open containers; the outermost object's own members stand at 1.
    depth: u64,
    /// The outermost object has ended. What else the line has is none of its members.
    over: bool,
    /// Inside a string, and after a backslash in it.
    quoted: bool,
    escaped: bool,
    place: Place,
    /// The literal at depth 1 that is being read, while it may matter.
    literal: Vec<u8>,
    /// The literal is longer than any that matters.
    overlong: bool,
    key: Option<Member>,
    seen: Seen,
}

/// What the line's first byte makes of it.
#[derive(Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Unknown,
    Noise,
    Array,
    Object,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Key,
    Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Id,
    Method,
    Outcome,
}

#[derive(Debug, Default)]
struct Seen {
    ids: u32,
    null: bool,
    id: Option<Id>,
    method: bool,
    outcome: bool,
}

/// The longest literal that can be an id: 1024 bytes, each escaped as six.
const MAX_LITERAL_BYTES: usize = 6 * 1024 + 2;

impl Scan {
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.form {
                Form::Noise | Form::Array => return,
                Form::Object if self.over => return,
                // Most of a long line is text below the outermost object.
                Form::Object if self.quoted && !self.escaped && self.depth != 1 => {
                    match memchr::memchr2(b'"', b'\\', rest) {
                        Some(at) => rest = rest.get(at..).unwrap_or_default(),
                        None => return,
                    }
                }
                Form::Object | Form::Unknown => {}
            }
            let Some((byte, behind)) = rest.split_first() else {
                return;
            };
            self.byte(*byte);
            rest = behind;
        }
    }

    /// What stood there. A line that was cut inside its outermost object names a member last whose
    /// value never ended, as a server's answer does that has a line break within a string: who waits
    /// for it is told all the same.
    #[must_use]
    pub fn finish(mut self) -> Salvaged {
        if self.form == Form::Object && self.place == Place::Value {
            self.value();
        }
        let nature = match self.form {
            Form::Unknown | Form::Noise => Nature::Noise,
            Form::Array => Nature::Batch,
            Form::Object if self.seen.method && (self.seen.ids > 0 || self.seen.null) => {
                Nature::Request
            }
            Form::Object if self.seen.method => Nature::Notification,
            Form::Object if self.seen.outcome && self.seen.ids > 0 => Nature::Answer,
            Form::Object => Nature::Unclear,
        };
        let id = self.seen.id.filter(|_| self.seen.ids == 1);
        Salvaged { nature, id }
    }

    fn byte(&mut self, byte: u8) {
        if self.form == Form::Unknown {
            self.form = match byte {
                // A byte order mark is refused, and yet someone waits for what it stands before.
                b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => Form::Unknown,
                b'{' => Form::Object,
                b'[' => Form::Array,
                _ => Form::Noise,
            };
            self.depth = u64::from(self.form == Form::Object);
            return;
        }
        if self.quoted {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.quoted = false;
                    if self.depth == 1 && self.place == Place::Key {
                        self.key = self.member();
                        self.forget();
                    }
                }
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.quoted = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                // A container in the id's place is no id, but it stands where one should.
                self.depth = self.depth.saturating_add(1);
                self.overlong = true;
            }
            b'}' | b']' if self.depth <= 1 => {
                self.value();
                self.over = true;
            }
            b'}' | b']' => self.depth -= 1,
            b':' if self.depth == 1 => {
                self.place = Place::Value;
                self.forget();
            }
            b',' if self.depth == 1 => {
                self.value();
                self.place = Place::Key;
            }
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth != 1 || self.overlong {
            return;
        }
        if self.literal.len() < MAX_LITERAL_BYTES {
            self.literal.push(byte);
        } else {
            self.overlong = true;
        }
    }

    fn forget(&mut self) {
        self.literal.clear();
        self.overlong = false;
    }

    /// Which member the key literal names, in any spelling that some parser takes for it.
    fn member(&self) -> Option<Member> {
        let key: String = serde_json::from_slice(&self.literal).ok()?;
        [
            ("id", Member::Id),
            ("method", Member::Method),
            ("result", Member::Outcome),
            ("error", Member::Outcome),
        ]
        .into_iter()
        .find(|(name, _)| same(&key, name))
        .map(|(_, member)| member)
    }

    /// The end of a member.
    fn value(&mut self) {
        match self.key.take() {
            // JSON-RPC's way to answer what had no id that could be read: nobody waits for it.
            Some(Member::Id) if self.literal.trim_ascii() == b"null" => self.seen.null = true,
            Some(Member::Id) => {
                self.seen.ids = self.seen.ids.saturating_add(1);
                self.seen.id = (!self.overlong)
                    .then(|| Id::literal(&self.literal))
                    .flatten();
            }
            Some(Member::Method) => self.seen.method = true,
            Some(Member::Outcome) => self.seen.outcome = true,
            None => {}
        }
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, nature: Nature, id: Option<&str>) {
        let whole = salvage(line.as_bytes());
        assert_eq!(whole.nature, nature, "{line}");
        assert_eq!(
            whole.id.as_ref().map(Id::to_string).as_deref(),
            id,
            "{line}"
        );
        let mut drip = Scan::default();
        line.bytes().for_each(|byte| drip.feed(&[byte]));
        assert_eq!(drip.finish(), whole, "byte by byte: {line}");
        assert_eq!(salvage(&whole.bones()), whole, "{line}");
    }

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        use Nature::{Answer, Request};
        check(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Answer, Some("7"));
        check(
            r#"{"result":{"a":[{"id":1}],"t":"\"id\":2,{"},"id":-7}"#,
            Answer,
            Some("-7"),
        );
        check(
            r#" { "error" : [] , "\u0069d" : "x\"y" } "#,
            Answer,
            Some(r#""x\"y""#),
        );
        check(
            r#"{"method":"m","params":{"id":1},"id":0}"#,
            Request,
            Some("0"),
        );
        check(
            r#"{"id":123456789012345678901234567890,"method":"m"}"#,
            Request,
            Some("123456789012345678901234567890"),
        );
    }

    #[test]
    fn what_the_strict_parser_refuses_can_be_answered() {
        use Nature::{Answer, Request};
        check(
            r#"{"id":7,"method":"m","params":{"v":NaN}}"#,
            Request,
            Some("7"),
        );
        check(r#"{"id":7,"method":"m","method":"n"}"#, Request, Some("7"));
        check(
            r#"{"id":7,"result":{"t":"\ud800"},"reſult":1}"#,
            Answer,
            Some("7"),
        );
        check(r#"{"ID":7,"Result\u0000":{}}"#, Answer, Some("7"));
        check(
            r#"{"jsonrpc":"2.0","id":904,"method":"tools/call","#,
            Request,
            Some("904"),
        );
        check(r#"{"id":7,"method":"m"} {"id":8}"#, Request, Some("7"));
        check(
            r#"{"id":7,"result":{}} {"x":1,"id":8,"method":"m"}"#,
            Answer,
            Some("7"),
        );
    }

    #[test]
    fn a_line_that_was_cut_still_says_who_waits_for_it() {
        use Nature::{Answer, Notification, Request, Unclear};
        let whole = r#"{"id":5,"result":{"content":[{"text":"a"#;
        check(whole, Answer, Some("5"));
        check(r#"{"id":5,"result":{"content":[]}"#, Answer, Some("5"));
        check(r#"{"id":5,"result":"#, Answer, Some("5"));
        check(
            r#"{"id":5,"error":{"code":-1,"message":"x"#,
            Answer,
            Some("5"),
        );
        check(r#"{"result":{},"id":5"#, Answer, Some("5"));
        check(r#"{"result":{},"id":"a\"b" "#, Answer, Some(r#""a\"b""#));
        check(r#"{"id":5,"method":"tools/ca"#, Request, Some("5"));
        check(r#"{"id":5,"method":"m","params":{"a":"#, Request, Some("5"));
        check(r#"{"method":"m","id":5"#, Request, Some("5"));
        check(r#"{"id":7"#, Unclear, Some("7"));
        // In doubt, as ever: an id that was cut itself is none.
        check(r#"{"result":{},"id":"ab"#, Answer, None);
        check(r#"{"result":{},"id":-"#, Answer, None);
        check(r#"{"id":5,"result":{},"id":5"#, Answer, None);
        // Nothing that asks or answers stands there.
        check(r#"{"method":"m","params":{"id":5,"#, Notification, None);
        check(r#"{"id":5,"resul"#, Unclear, Some("5"));
        check(r#"{"id":5,"result""#, Unclear, Some("5"));
        check(r#"{"id":null,"error":{"#, Unclear, None);
    }

    #[test]
    fn chatter_that_was_cut_answers_nothing() {
        for line in [
            "{",
            "{\"",
            r#"{"level":"error","error":"no database: "#,
            r#"{"level":"error","error":{"stack":"at line 1"#,
            r#"{"msg":"{\"id\":5,\"result\":"#,
            r#"{"request":{"id":5,"result":{"#,
            "{ id: 5, result: {",
            "{'id': 5, 'result': {",
        ] {
            check(line, Nature::Unclear, None);
        }
        check(
            r#"{"level":"info","id":5,"msg":"half a li"#,
            Nature::Unclear,
            Some("5"),
        );
        check(r#""id": 5, "result": {"#, Nature::Noise, None);
    }

    #[test]
    fn an_id_in_doubt_is_none() {
        use Nature::Request;
        check(r#"{"id":1,"id":2,"method":"m"}"#, Request, None);
        check(r#"{"id":1,"Id":1,"method":"m"}"#, Request, None);
        check(r#"{"id":1.5,"method":"m"}"#, Request, None);
        check(r#"{"id":null,"method":"m"}"#, Request, None);
        check(r#"{"id":{"a":1},"method":"m"}"#, Request, None);
        check(r#"{"id":[1],"method":"m"}"#, Request, None);
        check(r#"{"id":1x,"method":"m"}"#, Request, None);
        check(r#"{"id":1 2,"method":"m"}"#, Request, None);
        check(r#"{"id":-0,"method":"m"}"#, Request, None);
        check(r#"{"id":01,"method":"m"}"#, Request, None);
        let long = format!(r#"{{"id":"{}","method":"m"}}"#, "x".repeat(7000));
        check(&long, Request, None);
        let long = format!(r#"{{"id":"{}","method":"m"}}"#, "x".repeat(1025));
        check(&long, Request, None);
    }

    #[test]
    fn what_neither_asks_nor_answers_is_told_apart() {
        check(r#"{"level":"info","id":7}"#, Nature::Unclear, Some("7"));
        check(
            r#"{"method":"notifications/x"}"#,
            Nature::Notification,
            None,
        );
        check(
            r#"{"level":"error","error":"no database"}"#,
            Nature::Unclear,
            None,
        );
        check(
            r#"{"id":null,"error":{"code":-32700}}"#,
            Nature::Unclear,
            None,
        );
        check(r#"{"id":1.5,"error":{}}"#, Nature::Answer, None);
        check("", Nature::Noise, None);
        check("starting on port 3000", Nature::Noise, None);
        check(r#"[{"id":1}]"#, Nature::Batch, None);
        check("\u{feff}{\"id\":1}", Nature::Unclear, Some("1"));
    }

    #[test]
    fn memory_stays_constant_however_long_the_line_is() {
        let mut scan = Scan::default();
        scan.feed(br#"{"result":""#);
        for _ in 0..1000 {
            scan.feed(&[b'x'; 4096]);
        }
        scan.feed(br#"","deep":"#);
        scan.feed(&[b'['; 100_000]);
        assert!(scan.literal.capacity() <= 2 * MAX_LITERAL_BYTES);
        scan.feed(&[b']'; 100_000]);
        scan.feed(br#","id":"a"}"#);
        assert_eq!(scan.finish().id, Some(Id::Text("a".into())));
    }
}
