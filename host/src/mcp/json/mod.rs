//! Strict JSON over the original bytes: one reading, or none.
//!
//! Every node knows its byte span, so edits can be spliced into the original. Whatever two
//! parsers could read differently (duplicate keys, lone surrogates, huge numbers, stray bytes) is
//! refused here. What a message *means* is decided in [`super::message`], not here.

mod parse;
mod walk;

use std::borrow::Cow;
use std::ops::Range;

pub use parse::parse;
pub use walk::{Path, Role, Step, Text};

/// One JSON value and where it lies in the bytes it was parsed from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// Bytes of the literal itself, quotes or brackets included, whitespace around it not.
    pub span: Range<usize>,
    pub value: Value<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// The lexeme: converting would lose digits that the receiver may keep.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// In written order; keys are unique.
    Object(Vec<Member<'a>>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member<'a> {
    pub key: Cow<'a, str>,
    /// Bytes of the key's literal, quotes included.
    pub key_span: Range<usize>,
    pub node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The member named `key`, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        let members = self.as_object()?;
        members
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.node)
    }

    /// The node at an RFC 6901 pointer such as `/params/arguments/0`; `""` is this node.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Node<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |node, token| match &node.value {
                Value::Array(items) => items.get(index(token)?),
                Value::Object(_) if token.contains('~') => {
                    node.get(&token.replace("~1", "/").replace("~0", "~"))
                }
                Value::Object(_) => node.get(token),
                _ => None,
            })
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_array(&self) -> Option<&[Node<'a>]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_object(&self) -> Option<&[Member<'a>]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// This node's own bytes within `original`, the bytes it was parsed from.
    #[must_use]
    pub fn raw<'b>(&self, original: &'b [u8]) -> Option<&'b [u8]> {
        original.get(self.span.clone())
    }
}

/// An array index as RFC 6901 writes it: decimal, no sign, no leading zero.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}

/// How much JSON one message may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: usize,
    /// Containers within containers; values above [`Limits::DEEPEST`] count as that.
    pub max_depth: usize,
    /// Values, containers included.
    pub max_nodes: usize,
    /// Bytes of the pointers to all values together: who takes a message apart writes them out, so
    /// a long key above many values would cost far more memory than the message has.
    pub max_pointers: usize,
}

impl Limits {
    /// The parser recurses, so depth has a ceiling that no setting can lift. Chosen: eight times
    /// what clients in the field need, and far below what a 2 MiB thread stack holds.
    pub const DEEPEST: usize = 512;
}

impl Default for Limits {
    /// 128 levels is where `serde_json` stops too; the rest is chosen: above any real message.
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            max_depth: 128,
            max_nodes: 1_000_000,
            max_pointers: 64 << 20,
        }
    }
}

/// Why bytes were refused. `at` is a byte offset into the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("{len} bytes of json, limit {limit}")]
    TooLong { len: usize, limit: usize },
    #[error("no json value")]
    Empty,
    #[error("json starts with a byte order mark")]
    Bom,
    #[error("invalid utf-8 at byte {at}")]
    Utf8 { at: usize },
    #[error("json ends too early, at byte {at}")]
    CutOff { at: usize },
    #[error("unexpected byte at {at}")]
    Unexpected { at: usize },
    #[error("something follows the json value at byte {at}")]
    Trailing { at: usize },
    #[error("duplicate key at byte {at}")]
    DuplicateKey { at: usize },
    #[error("lone surrogate at byte {at}")]
    LoneSurrogate { at: usize },
    #[error("unknown escape at byte {at}")]
    Escape { at: usize },
    #[error("raw control character at byte {at}")]
    Control { at: usize },
    #[error("NaN or Infinity at byte {at}")]
    NotANumber { at: usize },
    #[error("malformed number at byte {at}")]
    Number { at: usize },
    #[error("number with a leading zero at byte {at}")]
    LeadingZero { at: usize },
    #[error("number beyond the range of a double at byte {at}")]
    NumberRange { at: usize },
    #[error("number of {len} characters at byte {at}, limit {limit}")]
    NumberLength { at: usize, len: usize, limit: usize },
    #[error("nested deeper than {limit} at byte {at}")]
    TooDeep { at: usize, limit: usize },
    #[error("more than {limit} values at byte {at}")]
    TooManyNodes { at: usize, limit: usize },
    #[error("pointers of more than {limit} bytes in all, at byte {at}")]
    Pointers { at: usize, limit: usize },
}

#[cfg(test)]
mod tests;
