//! The strings of one piece of a message, each with the part it plays, the numbers among arguments
//! that could name something, the switches among them, and the hints of a tool.
//!
//! Walks any JSON. Known members of the protocol give their strings a role; below an unknown member
//! every key and every string counts. Encoded media longer than [`MAX_MEDIA_BYTES`] is the one thing
//! that is cut, and the event then says so in `cut`.

use clawdefender_sdk::canonical::canonical;
use std::borrow::Cow;

use super::super::{Role, Text};
use super::pieces::token;
use crate::mcp::json::{self, Limits, Member, Node, Value};
use data_encoding::BASE64_NOPAD;

/// What kind of JSON a node is, which says how to read its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An object of the protocol, or a string of it that has no role of its own.
    Protocol,
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
}

impl<'c> Collector<'c> {
    pub fn new(pointer: &str, cuts: &'c [usize]) -> Self {
        Self {
            pointer: pointer.to_owned(),
            cuts,
            texts: Vec::new(),
            attrs: Vec::new(),
            top: true,
            nested: 0,
        }
    }

    pub fn finish(self) -> (Vec<Text>, Vec<(String, String)>) {
        (self.texts, self.attrs)
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
                for member in members {
                    // A carved member takes its key along.
                    if self.is_cut(&member.node) {
                        continue;
                    }
                    let (known, inner) = shape.member(&member.key);
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
            Shape::Protocol | Shape::Request | Shape::Answer | Shape::Properties | Shape::Hint => {
                Role::Content
            }
            Shape::Error => Role::Error,
            Shape::Arguments => Role::Argument,
            Shape::Schema => Role::Schema,
            Shape::Data(role) => role.clone(),
            // Text that calls itself media is text.
            Shape::Media if !is_base64(text) => Role::Content,
            Shape::Media => {
                if let Some(said) = said(text) {
                    self.push(Role::Content, &said, None);
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
            Shape::Media | Shape::Hint => data(Role::Content),
            Shape::Data(role) => data(role.clone()),
        }
    }
}

fn protocol_member(key: &str) -> Option<Shape> {
    let role = |role| Some(Shape::Data(role));
    match key {
        "name" | "model" | "logger" => role(Role::Name),
        "description" | "title" => role(Role::Description),
        "uri" | "url" | "uriTemplate" | "websiteUrl" | "src" => role(Role::Uri),
        "cursor" | "nextCursor" | "requestState" | "taskId" | "progressToken" | "requestId"
        | "elicitationId" | "toolUseId" | "id" | "subscriptionId" => role(Role::Token),
        "value" => role(Role::Argument),
        "arguments" | "input" => Some(Shape::Arguments),
        "inputSchema" | "outputSchema" | "requestedSchema" => Some(Shape::Schema),
        "data" | "blob" => Some(Shape::Media),
        "readOnlyHint" | "destructiveHint" | "idempotentHint" | "openWorldHint" => {
            Some(Shape::Hint)
        }
        "structuredContent" | "_meta" | "capabilities" | "metadata" => {
            Some(Shape::Data(Role::Content))
        }
        _ if OBJECTS.contains(&key) => Some(Shape::Protocol),
        _ if CONSTANTS.contains(&key) => role(Role::Other("protocol".to_owned())),
        _ => None,
    }
}

fn schema_member(key: &str) -> Option<Shape> {
    match key {
        "description" | "title" | "$comment" => Some(Shape::Data(Role::Description)),
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Some(Shape::Properties)
        }
        "$ref" | "$schema" | "$id" | "$dynamicRef" => Some(Shape::Data(Role::Uri)),
        _ if SUBSCHEMAS.contains(&key) => Some(Shape::Schema),
        _ if SCHEMA_WORDS.contains(&key) => Some(Shape::Data(Role::Schema)),
        _ => None,
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

/// What encoded media says where it is text after all, whatever it is called: clients show text to
/// the model.
fn said(base64: &str) -> Option<String> {
    let kept = base64.get(..MAX_MEDIA_BYTES).unwrap_or(base64);
    let letters: Vec<u8> = kept
        .bytes()
        .filter(|byte| *byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    // A last letter alone, and bits that say nothing, are passed over as decoders do.
    let whole = letters.len() - usize::from(letters.len() % 4 == 1);
    let mut lenient = BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let bytes = lenient
        .encoding()
        .ok()?
        .decode(letters.get(..whole)?)
        .ok()?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // Cut within a letter.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    (!text.chars().any(control)).then(|| text.to_owned())
}

fn is_base64(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= MIN_MEDIA_BYTES && text.bytes().all(letter)
}

/// JSON inside strings is read so deep, and up to this length. Chosen: arguments of a call that come as
/// text are short.
const MAX_NESTED: usize = 2;
const MAX_INNER_BYTES: usize = 64 << 10;
/// Chosen: enough for magic bytes, metadata and small pictures; what is cut is opaque bytes.
pub const MAX_MEDIA_BYTES: usize = 64 << 10;
/// Chosen: shorter numbers are amounts and places in lists, which name nothing, and many.
const MIN_NUMBER_DIGITS: usize = 5;
/// Up to here every whole number is one of its own. Source: IEEE 754, binary64: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
/// Chosen: below it a word of text could pass for base64.
const MIN_MEDIA_BYTES: usize = 64;

/// Members of the protocol that hold text or further members of the protocol.
const OBJECTS: &[&str] = &[
    "content",
    "contents",
    "text",
    "resource",
    "messages",
    "message",
    "systemPrompt",
    "instructions",
    "serverInfo",
    "clientInfo",
    "icons",
    "annotations",
    "execution",
    "tools",
    "prompts",
    "resources",
    "resourceTemplates",
    "roots",
    "ref",
    "argument",
    "context",
    "completion",
    "values",
    "reason",
    "statusMessage",
    "task",
    "tasks",
    "params",
    "modelPreferences",
    "hints",
    "toolChoice",
    "stopSequences",
    "inputRequests",
    "inputResponses",
    "result",
    "error",
    "isError",
    "total",
    "hasMore",
    "progress",
    "ttl",
    "ttlMs",
    "size",
    "priority",
    "maxTokens",
    "temperature",
    "pollInterval",
    "required",
    "costPriority",
    "speedPriority",
    "intelligencePriority",
    "notifications",
];

/// Members of the protocol whose values the protocol fixes. They are seen all the same.
const CONSTANTS: &[&str] = &[
    "type",
    "role",
    "mimeType",
    "resultType",
    "level",
    "action",
    "status",
    "protocolVersion",
    "version",
    "method",
    "theme",
    "sizes",
    "audience",
    "lastModified",
    "lastUpdatedAt",
    "createdAt",
    "includeContext",
    "mode",
    "stopReason",
    "taskSupport",
    "cacheScope",
    "supportedVersions",
];

const SUBSCHEMAS: &[&str] = &[
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];

const SCHEMA_WORDS: &[&str] = &[
    "type",
    "format",
    "pattern",
    "default",
    "enum",
    "enumNames",
    "const",
    "examples",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "dependentRequired",
    "readOnly",
    "writeOnly",
    "deprecated",
    "nullable",
    "contentEncoding",
    "contentMediaType",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
];
