//! JSON-RPC 2.0 envelopes as MCP uses them: which kind a message is, and its exact id.
//!
//! Borrowing: params, results and errors stay nodes of the parsed message. What a method means is
//! not known here. Matching answers with requests needs memory and lives with the link.

use std::fmt;

use super::fold::lookalike;
use super::json::{Member, Node, Value};

/// One message, of exactly one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'n, 'a> {
    Request {
        id: Id,
        method: &'n str,
        params: Option<&'n Node<'a>>,
    },
    Notification {
        method: &'n str,
        params: Option<&'n Node<'a>>,
    },
    Response {
        id: Id,
        outcome: Outcome<'n, 'a>,
    },
    /// An error about no request in particular, such as one that could not be parsed.
    ///
    /// Source: MCP 2025-11-25 schema, `JSONRPCErrorResponse.id` is optional.
    Stray {
        error: &'n Node<'a>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'n, 'a> {
    Result(&'n Node<'a>),
    Error(&'n Node<'a>),
}

/// A request id, typed exactly: `7` and `"7"` are different requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    Text(String),
    /// The lexeme, so that ids beyond 64 bits stay themselves.
    Integer(String),
}

/// What arrived on one line or in one body.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming<'n, 'a> {
    One(Message<'n, 'a>),
    /// In written order; never empty.
    Batch(Vec<Message<'n, 'a>>),
}

/// Whether the session's revision has batches: only 2025-03-26 does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batches {
    Refused,
    Allowed,
}

/// Reads one message; an array is refused.
///
/// # Errors
/// The first rule of the envelope that `node` breaks.
pub fn read<'n, 'a>(node: &'n Node<'a>) -> Result<Message<'n, 'a>, MessageError> {
    let members = match &node.value {
        Value::Object(members) => members,
        Value::Array(_) => return Err(MessageError::Batch),
        _ => return Err(MessageError::NotAnObject),
    };
    if lookalike(members, &ENVELOPE).is_some() {
        return Err(MessageError::Lookalike { object: "envelope" });
    }
    if node.get("jsonrpc").and_then(Node::as_str) != Some("2.0") {
        return Err(MessageError::Version);
    }
    let id = node.get("id").map(Id::read).transpose()?;
    let (result, error) = (node.get("result"), node.get("error"));
    if let Some(method) = node.get("method") {
        if result.is_some() || error.is_some() {
            return Err(MessageError::MixedKinds);
        }
        let method = method.as_str().ok_or(MessageError::Method)?;
        if method.is_empty() || method.len() > MAX_METHOD_BYTES {
            return Err(MessageError::Method);
        }
        let params = params(node)?;
        return Ok(match id {
            Some(id) => Message::Request { id, method, params },
            None => Message::Notification { method, params },
        });
    }
    match (id, result, error) {
        (_, Some(_), Some(_)) => Err(MessageError::MixedKinds),
        _ if node.get("params").is_some() => Err(MessageError::MixedKinds),
        (_, None, None) => Err(MessageError::NoKind),
        (None, Some(_), None) => Err(MessageError::IdMissing),
        (Some(id), Some(result), None) => {
            check_result(result)?;
            Ok(Message::Response {
                id,
                outcome: Outcome::Result(result),
            })
        }
        (id, None, Some(error)) => {
            check_error(error)?;
            Ok(match id {
                Some(id) => Message::Response {
                    id,
                    outcome: Outcome::Error(error),
                },
                None => Message::Stray { error },
            })
        }
    }
}

/// Members beside those of the envelope: nobody has to read them, and anybody may.
pub fn beside<'n, 'a>(node: &'n Node<'a>) -> Vec<&'n Member<'a>> {
    let members = node.as_object().unwrap_or_default().iter();
    members
        .filter(|member| !ENVELOPE.contains(&&*member.key))
        .collect()
}

/// Reads one message, or a batch where the revision has them.
///
/// # Errors
/// As [`read`], for any element; [`MessageError::BatchSize`] for none or too many.
pub fn read_incoming<'n, 'a>(
    node: &'n Node<'a>,
    batches: Batches,
) -> Result<Incoming<'n, 'a>, MessageError> {
    match (&node.value, batches) {
        (Value::Array(items), Batches::Allowed) => {
            if items.is_empty() || items.len() > MAX_BATCH {
                return Err(MessageError::BatchSize {
                    len: items.len(),
                    limit: MAX_BATCH,
                });
            }
            items
                .iter()
                .map(read)
                .collect::<Result<_, _>>()
                .map(Incoming::Batch)
        }
        _ => read(node).map(Incoming::One),
    }
}

impl Id {
    /// # Errors
    /// Whatever is neither a string nor an integer, or is too long to remember.
    pub fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        match &node.value {
            Value::String(text) => Self::text(text.to_string()),
            Value::Number(lexeme) => Self::integer(lexeme),
            _ => Err(MessageError::IdType),
        }
    }

    /// The id that exactly these bytes write.
    pub(super) fn literal(bytes: &[u8]) -> Option<Self> {
        let node = super::json::parse(bytes, &super::json::Limits::default()).ok()?;
        Self::read(&node).ok()
    }

    fn text(text: String) -> Result<Self, MessageError> {
        if text.len() > MAX_ID_BYTES {
            Err(MessageError::IdLength)
        } else {
            Ok(Self::Text(text))
        }
    }

    fn integer(lexeme: &str) -> Result<Self, MessageError> {
        // `-0` comes back as `0` from most parsers, and would then answer another request.
        if lexeme.contains(['.', 'e', 'E']) || lexeme == "-0" {
            return Err(MessageError::IdType);
        }
        if lexeme.len() > MAX_ID_BYTES {
            return Err(MessageError::IdLength);
        }
        Ok(Self::Integer(lexeme.to_owned()))
    }
}

/// As a JSON literal, quotes and escapes included.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Integer(lexeme) => f.write_str(lexeme),
        }
    }
}

fn params<'n, 'a>(node: &'n Node<'a>) -> Result<Option<&'n Node<'a>>, MessageError> {
    let Some(params) = node.get("params") else {
        return Ok(None);
    };
    match &params.value {
        // Some clients write null for "none"; nobody reads anything else into it.
        Value::Null => Ok(None),
        Value::Object(members) if lookalike(members, &PARAMS).is_some() => {
            Err(MessageError::Lookalike { object: "params" })
        }
        Value::Object(_) => Ok(Some(params)),
        _ => Err(MessageError::ParamsType),
    }
}

fn check_result(result: &Node<'_>) -> Result<(), MessageError> {
    let members = result.as_object().ok_or(MessageError::ResultType)?;
    if lookalike(members, &RESULT).is_some() {
        return Err(MessageError::Lookalike { object: "result" });
    }
    // Blocks, tools, prompts, resources: the protocol names their keys as well.
    let named = members
        .iter()
        .filter(|member| LISTS.contains(&&*member.key));
    for item in named.filter_map(|member| member.node.as_array()).flatten() {
        if item
            .as_object()
            .is_some_and(|item| lookalike(item, &ITEM).is_some())
        {
            return Err(MessageError::Lookalike {
                object: "list entry",
            });
        }
    }
    Ok(())
}

fn check_error(error: &Node<'_>) -> Result<(), MessageError> {
    let members = error.as_object().ok_or(MessageError::ErrorShape)?;
    if lookalike(members, &["code", "message", "data"]).is_some() {
        return Err(MessageError::Lookalike { object: "error" });
    }
    let code = match error.get("code").map(|code| &code.value) {
        Some(Value::Number(lexeme)) => lexeme.parse::<i64>().ok(),
        _ => None,
    };
    match (code, error.get("message").and_then(Node::as_str)) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(MessageError::ErrorShape),
    }
}

/// Source: the TypeScript SDK's own cap on batches.
const MAX_BATCH: usize = 100;
/// Chosen: ids are remembered until answered, so a peer must not choose how much memory that is.
const MAX_ID_BYTES: usize = 1024;
/// Chosen: the longest method of any revision has 44 bytes.
const MAX_METHOD_BYTES: usize = 256;

const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// Members of params that decide what a request does, all revisions.
const PARAMS: [&str; 22] = [
    "_meta",
    "argument",
    "arguments",
    "capabilities",
    "clientInfo",
    "context",
    "cursor",
    "data",
    "inputResponses",
    "level",
    "message",
    "messages",
    "name",
    "protocolVersion",
    "ref",
    "requestState",
    "requestedSchema",
    "systemPrompt",
    "task",
    "taskId",
    "uri",
    "url",
];
/// Members of results that reach a model or a person, all revisions.
const RESULT: [&str; 20] = [
    "_meta",
    "action",
    "capabilities",
    "completion",
    "content",
    "contents",
    "inputRequests",
    "instructions",
    "isError",
    "messages",
    "nextCursor",
    "prompts",
    "protocolVersion",
    "resourceTemplates",
    "resources",
    "resultType",
    "roots",
    "serverInfo",
    "structuredContent",
    "tools",
];
const LISTS: [&str; 8] = [
    "content",
    "contents",
    "messages",
    "prompts",
    "resourceTemplates",
    "resources",
    "roots",
    "tools",
];
const ITEM: [&str; 13] = [
    "_meta",
    "annotations",
    "blob",
    "content",
    "data",
    "description",
    "inputSchema",
    "mimeType",
    "name",
    "outputSchema",
    "text",
    "type",
    "uri",
];

/// Why a well-formed JSON value is no MCP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("message is neither an object nor a batch")]
    NotAnObject,
    #[error("batch where the protocol revision has none")]
    Batch,
    #[error("batch of {len} messages, allowed are 1 to {limit}")]
    BatchSize { len: usize, limit: usize },
    #[error("jsonrpc is not \"2.0\"")]
    Version,
    #[error("id is neither a string nor an integer")]
    IdType,
    #[error("id is longer than {MAX_ID_BYTES} bytes")]
    IdLength,
    #[error("result without an id")]
    IdMissing,
    #[error("method is not a string of 1 to {MAX_METHOD_BYTES} bytes")]
    Method,
    #[error("params is not an object")]
    ParamsType,
    #[error("result is not an object")]
    ResultType,
    #[error("error is not an object with an integer code and a message")]
    ErrorShape,
    #[error("members of more than one kind of message")]
    MixedKinds,
    #[error("none of method, result and error")]
    NoKind,
    #[error("{object} has a key that some parsers take for another")]
    Lookalike { object: &'static str },
}

#[cfg(test)]
mod tests;
