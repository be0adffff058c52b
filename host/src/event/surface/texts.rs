//! The strings of one piece of a message, each with the part it plays, the numbers among arguments
//! that could name something, the switches among them, and the hints of a tool.
//!
//! Walks any JSON. Known members of the protocol give their strings a role; below an unknown member
//! every key and every string counts. Encoded media longer than [`MAX_MEDIA_BYTES`] is the one thing
//! that is cut, and the event then says so in `cut`. JSON inside strings is read as far as there is
//! room in the message.

use clawdefender_sdk::canonical::canonical;
use std::borrow::Cow;

use super::super::{Role, Text};
use super::media::{MAX_MEDIA_BYTES, is_media, is_shown, said};
use super::members::{protocol_member, schema_member};
use super::opaque::{is_token, speaks};
use super::pieces::token;
use crate::mcp::json::{self, Limits, Member, Node, Value};

/// What kind of JSON a node is, which says how to read its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An object of the protocol, or a string of it that has no role of its own.
    Protocol,
    /// A block of content, or an object that holds some: its `data` and `blob` are media.
    Block,
    /// The params of a request: an unknown member may be an argument to somebody.
    Request,
    /// The answer to an elicitation: its `content` is data that a person typed.
    Answer,
    /// A JSON-RPC error.
    Error,
    Arguments,
    Schema,
    /// A map from names to schemas.
    Properties,
    /// Base64 by contract.
    Media,
    /// The same, of a type that clients show as text.
    ShownMedia,
    /// True or false: what a server says its tool does.
    Hint,
    /// Anything; its strings have this role.
    Data(Role),
}

pub struct Collector<'c> {
    pointer: String,
    /// Where nodes start that are pieces, ascending.
    cuts: &'c [usize],
    texts: Vec<Text>,
    attrs: Vec<(String, String)>,
    top: bool,
    /// How deep it is in JSON inside strings.
    nested: usize,
    /// Bytes that the texts of such JSON may still take.
    room: usize,
    spilled: bool,
}

/// What was found in one piece.
pub struct Collected {
    pub texts: Vec<Text>,
    pub attrs: Vec<(String, String)>,
    /// Bytes that are left for JSON inside the strings of other pieces.
    pub room: usize,
    /// There was more JSON inside strings than there was room for.
    pub spilled: bool,
}

impl<'c> Collector<'c> {
    pub fn new(pointer: &str, cuts: &'c [usize], room: usize) -> Self {
        Self {
            pointer: pointer.to_owned(),
            cuts,
            texts: Vec::new(),
            attrs: Vec::new(),
            top: true,
            nested: 0,
            room,
            spilled: false,
        }
    }

    pub fn finish(self) -> Collected {
        Collected {
            texts: self.texts,
            attrs: self.attrs,
            room: self.room,
            spilled: self.spilled,
        }
    }

    /// A key that the sender chose, at the pointer of its value.
    pub fn key(&mut self, member: &Member<'_>) {
        self.push(Role::Key, &member.key, Some(member.key_span.clone()));
    }

    pub fn walk(&mut self, node: &Node<'_>, shape: &Shape) {
        if !std::mem::replace(&mut self.top, false) && self.is_cut(node) {
            return;
        }
        match &node.value {
            Value::Number(number) if *shape == Shape::Arguments => {
                if let Some(digits) = naming(number) {
                    self.push(Role::Argument, &digits, None);
                } else if is_switch(&node.value) {
                    self.switch(number);
                }
            }
            Value::Bool(value) if matches!(shape, Shape::Hint | Shape::Arguments) => {
                self.switch(if *value { "true" } else { "false" });
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.string(text, node.span.clone(), shape),
            Value::Array(items) => {
                // A switch without a name says nothing, and of these lists can have millions.
                let named = items.iter().enumerate();
                for (index, item) in named.filter(|(_, item)| !is_switch(&item.value)) {
                    self.below(&index.to_string(), |this| this.walk(item, shape));
                }
            }
            Value::Object(members) => {
                let shown = is_shown(node.get("mimeType").and_then(Node::as_str));
                for member in members {
                    // A carved member takes its key along.
                    if self.is_cut(&member.node) {
                        continue;
                    }
                    let (known, mut inner) = shape.member(&member.key);
                    if shown && inner == Shape::Media {
                        inner = Shape::ShownMedia;
                    }
                    self.below(&token(&member.key), |this| {
                        if !known {
                            this.key(member);
                        }
                        this.walk(&member.node, &inner);
                    });
                }
            }
        }
    }

    /// Whether something is so: nothing that a rule, a path or a command could be about.
    fn switch(&mut self, word: &str) {
        self.push(Role::Other("protocol".to_owned()), word, None);
    }

    fn is_cut(&self, node: &Node<'_>) -> bool {
        self.cuts.binary_search(&node.span.start).is_ok()
    }

    fn below(&mut self, token: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(token);
        walk(self);
        self.pointer.truncate(length);
    }

    fn string(&mut self, text: &str, literal: std::ops::Range<usize>, shape: &Shape) {
        let role = match shape {
            Shape::Protocol
            | Shape::Block
            | Shape::Request
            | Shape::Answer
            | Shape::Properties
            | Shape::Hint => Role::Content,
            Shape::Error => Role::Error,
            Shape::Arguments => Role::Argument,
            Shape::Schema => Role::Schema,
            // The sender says that it is opaque; what it says besides decides.
            Shape::Data(Role::Token) if !is_token(text) => Role::Content,
            Shape::Data(role) => role.clone(),
            // Text that calls itself media is text.
            Shape::Media | Shape::ShownMedia if !is_media(text) => Role::Content,
            Shape::Media | Shape::ShownMedia => {
                for said in said(text, *shape == Shape::ShownMedia) {
                    self.push(Role::Content, &said, None);
                }
                if speaks(text) {
                    return self.push(Role::Content, text, Some(literal));
                }
                let kept = text.get(..MAX_MEDIA_BYTES).unwrap_or(text);
                if kept.len() < text.len() {
                    self.attrs
                        .push(("cut".to_owned(), format!("{} {}", text.len(), self.pointer)));
                }
                return self.push(Role::Token, kept, Some(literal));
            }
        };
        self.push(role, text, Some(literal));
        if *shape == Shape::Arguments {
            self.inside(text);
        }
    }

    /// The strings of JSON that stands in a string among arguments: some servers parse it there.
    fn inside(&mut self, text: &str) {
        let text = text.trim();
        if self.nested >= MAX_NESTED
            || self.spilled
            || text.len() > MAX_INNER_BYTES
            || !text.starts_with(['{', '['])
        {
            return;
        }
        if let Ok(root) = json::parse(text.as_bytes(), &Limits::default()) {
            self.nested += 1;
            // Nothing of it has a place of its own in the message.
            let (cuts, before) = (std::mem::take(&mut self.cuts), self.texts.len());
            self.walk(&root, &Shape::Arguments);
            self.cuts = cuts;
            for text in self.texts.iter_mut().skip(before) {
                text.literal = None;
            }
            self.nested -= 1;
        }
    }

    fn push(&mut self, role: Role, text: &str, literal: Option<std::ops::Range<usize>>) {
        if self.nested > 0 {
            // A long key in front of many short values costs far more than the message has.
            let needed = self.pointer.len() + text.len() + TEXT_BYTES;
            self.spilled |= needed > self.room;
            if self.spilled {
                return;
            }
            self.room -= needed;
        }
        self.texts.push(Text {
            pointer: self.pointer.clone(),
            role,
            original: text.to_owned(),
            canonical: canonical(text),
            literal,
        });
    }
}

impl Shape {
    /// Whether `key` is the protocol's own word here, and the shape of what it holds.
    fn member(&self, key: &str) -> (bool, Shape) {
        let data = |role| (false, Shape::Data(role));
        match self {
            Shape::Protocol => protocol_member(key).map_or(data(Role::Content), |s| (true, s)),
            Shape::Block => match key {
                "data" | "blob" => (true, Shape::Media),
                key => protocol_member(key).map_or(data(Role::Content), |s| (true, s)),
            },
            Shape::Request => {
                protocol_member(key).map_or((false, Shape::Arguments), |shape| (true, shape))
            }
            Shape::Answer => match key {
                "content" => (true, Shape::Arguments),
                key => protocol_member(key).map_or(data(Role::Content), |s| (true, s)),
            },
            Shape::Error => match key {
                "code" | "message" | "data" => (true, Shape::Data(Role::Error)),
                _ => data(Role::Error),
            },
            Shape::Arguments => (false, Shape::Arguments),
            Shape::Schema => schema_member(key).map_or(data(Role::Schema), |s| (true, s)),
            Shape::Properties => (false, Shape::Schema),
            Shape::Media | Shape::ShownMedia | Shape::Hint => data(Role::Content),
            Shape::Data(role) => data(role.clone()),
        }
    }
}

/// Whether a value only says that something is so.
fn is_switch(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Number(number) => matches!(*number, "0" | "1"),
        _ => false,
    }
}

/// The digits of a number among arguments that could name something: an account, an order, a
/// telephone. `1e5` and `100000.0` are the same number to whoever gets them.
fn naming(number: &str) -> Option<Cow<'_, str>> {
    let whole = number.bytes().all(|b| b.is_ascii_digit());
    let digits = match whole {
        true => Cow::Borrowed(number),
        false => {
            let value: f64 = number.parse().ok()?;
            let exact = value.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&value);
            Cow::Owned(exact.then(|| format!("{value:.0}"))?)
        }
    };
    (digits.len() >= MIN_NUMBER_DIGITS).then_some(digits)
}

/// JSON inside strings is read so deep, and up to this length. Chosen: arguments of a call that come as
/// text are short.
const MAX_NESTED: usize = 2;
const MAX_INNER_BYTES: usize = 64 << 10;
/// What one text takes besides its letters, about.
const TEXT_BYTES: usize = size_of::<Text>();
/// Chosen: shorter numbers are amounts and places in lists, which name nothing, and many.
const MIN_NUMBER_DIGITS: usize = 5;
/// Up to here every whole number is one of its own. Source: IEEE 754, binary64: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
