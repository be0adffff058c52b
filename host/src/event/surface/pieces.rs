//! Which parts of a message are events of their own, by method and by what the message holds.
//!
//! Entries of lists, input requests and responses, deferred results and the pages that an error
//! asks to open are carved out; the rest of the message is the first piece. A member of an
//! unexpected type is not carved, so it stays in the rest and is seen there.

use super::super::Kind;
use super::texts::Shape;
use super::{Asked, Part};
use crate::mcp::json::{Member, Node};

/// One part of a message, to become one event.
pub struct Piece<'n, 'a> {
    pub node: Option<&'n Node<'a>>,
    /// RFC 6901, from the message's root.
    pub pointer: String,
    /// The member that holds it, when its key was chosen by the sender.
    pub key: Option<&'n Member<'a>>,
    pub kind: Kind,
    pub name: String,
    pub part: Part,
    pub shape: Shape,
}

/// The pieces of a request's or a notification's params.
pub fn of_params<'n, 'a>(method: &str, params: Option<&'n Node<'a>>) -> Vec<Piece<'n, 'a>> {
    let mut pieces = Vec::new();
    let pointer = "/params";
    let mut main = Piece::whole(
        params,
        pointer,
        request_kind(method),
        request_name(method, params),
    );
    if main.kind == Kind::Elicitation || main.kind == Kind::Sampling {
        main.name = String::new();
    }
    let known = KNOWN.contains(&method)
        || ["tasks/", "notifications/"]
            .iter()
            .any(|family| method.starts_with(family));
    main.shape = match main.kind {
        // Whatever a method of somebody's own does, it does it with these.
        Kind::Other(_) if !known => Shape::Arguments,
        Kind::Sampling | Kind::Elicitation | Kind::Notice => Shape::Protocol,
        _ => Shape::Request,
    };
    pieces.push(main);
    if let Some(node) = params {
        input_responses(node, pointer, &mut pieces);
    }
    pieces
}

/// What a notification about a task carries of its answer.
pub fn of_task<'n, 'a>(
    task: Option<&Asked>,
    params: Option<&'n Node<'a>>,
    pieces: &mut Vec<Piece<'n, 'a>>,
) {
    if let Some(main) = pieces.first_mut() {
        main.name = task.map(|task| task.name.clone()).unwrap_or_default();
    }
    if let Some(node) = params {
        let unknown = Asked {
            method: TOOL.to_owned(),
            name: String::new(),
            deferred: None,
        };
        deferred(task.unwrap_or(&unknown), node, "/params", pieces);
    }
}

/// The pieces of a result that answers `asked`.
pub fn of_result<'n, 'a>(asked: &Asked, result: &'n Node<'a>, pointer: &str) -> Vec<Piece<'n, 'a>> {
    // The result of a task is the result of the request that made it.
    if let ("tasks/result", Some(method)) = (asked.method.as_str(), &asked.deferred) {
        let of = Asked {
            method: method.clone(),
            name: asked.name.clone(),
            deferred: None,
        };
        return of_result(&of, result, pointer);
    }
    let method = asked.method.as_str();
    let mut main = Piece::whole(
        Some(result),
        pointer,
        result_kind(method, result),
        asked.name.clone(),
    );
    if main.kind == Kind::Elicitation {
        main.shape = Shape::Answer;
    }
    let mut pieces = vec![main];
    if let Some((list, kind, name)) = LISTS
        .iter()
        .find(|(m, ..)| *m == method)
        .map(|(_, l, k, n)| (*l, k, *n))
    {
        entries(result, pointer, list, kind, name, &mut pieces);
    }
    if method.starts_with("tasks/") {
        let of = Asked {
            method: asked.deferred.clone().unwrap_or_else(|| TOOL.to_owned()),
            name: asked.name.clone(),
            deferred: None,
        };
        deferred(&of, result, pointer, &mut pieces);
    }
    input_requests(result, pointer, &mut pieces);
    pieces
}

/// The pieces of an error that answers `asked`.
pub fn of_error<'n, 'a>(asked: &Asked, error: &'n Node<'a>, pointer: &str) -> Vec<Piece<'n, 'a>> {
    let kind = match asked.deferred.as_ref().unwrap_or(&asked.method).as_str() {
        TOOL | "tasks/result" | "tasks/get" => Kind::ToolResult,
        _ => Kind::Notice,
    };
    let mut main = Piece::whole(Some(error), pointer, kind, asked.name.clone());
    main.shape = Shape::Error;
    let mut pieces = vec![main];
    // Source: MCP 2025-11-25, client/elicitation: error -32042 lists pages to open in `data`.
    if let Some(data) = error.get("data") {
        let first = pieces.len();
        entries(
            data,
            &format!("{pointer}/data"),
            "elicitations",
            &Kind::Elicitation,
            "",
            &mut pieces,
        );
        pieces
            .iter_mut()
            .skip(first)
            .for_each(|piece| piece.part = Part::Whole);
    }
    pieces
}

impl<'n, 'a> Piece<'n, 'a> {
    /// A member of the envelope that the protocol does not know, as a part of a message of `kind`.
    pub fn beside(member: &'n Member<'a>, kind: Kind, name: String) -> Self {
        Self {
            node: Some(&member.node),
            pointer: format!("/{}", token(&member.key)),
            key: Some(member),
            kind,
            name,
            part: Part::Whole,
            shape: Shape::Arguments,
        }
    }

    fn whole(node: Option<&'n Node<'a>>, pointer: &str, kind: Kind, name: String) -> Self {
        let (pointer, shape) = (pointer.to_owned(), Shape::Protocol);
        Self {
            node,
            pointer,
            key: None,
            kind,
            name,
            part: Part::Whole,
            shape,
        }
    }
}

fn entries<'n, 'a>(
    holder: &'n Node<'a>,
    pointer: &str,
    list: &str,
    kind: &Kind,
    name: &str,
    pieces: &mut Vec<Piece<'n, 'a>>,
) {
    let array = format!("{pointer}/{list}");
    for (index, node) in holder
        .get(list)
        .and_then(Node::as_array)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let name = text_of(Some(node), name);
        let mut piece = Piece::whole(Some(node), &format!("{array}/{index}"), kind.clone(), name);
        piece.part = Part::Entry {
            array: array.clone(),
            index,
        };
        pieces.push(piece);
    }
}

/// `inputRequests` inside a result: what used to be requests from the server.
///
/// Source: MCP 2026-07-28, multi round-trip requests.
fn input_requests<'n, 'a>(result: &'n Node<'a>, pointer: &str, pieces: &mut Vec<Piece<'n, 'a>>) {
    for member in members(result, "inputRequests") {
        let method = text_of(Some(&member.node), "method");
        let pointer = format!("{pointer}/inputRequests/{}", token(&member.key));
        let mut piece = Piece::whole(
            Some(&member.node),
            &pointer,
            request_kind(&method),
            String::new(),
        );
        piece.key = Some(member);
        pieces.push(piece);
    }
}

/// `inputResponses` inside params: the answers, told apart by what they hold.
fn input_responses<'n, 'a>(params: &'n Node<'a>, pointer: &str, pieces: &mut Vec<Piece<'n, 'a>>) {
    for member in members(params, "inputResponses") {
        let holds = |key: &str| member.node.get(key).is_some();
        let (kind, shape) = if holds("action") {
            (Kind::Elicitation, Shape::Answer)
        } else if holds("roots") {
            (Kind::Other("roots/list".to_owned()), Shape::Protocol)
        } else {
            (Kind::Sampling, Shape::Protocol)
        };
        let pointer = format!("{pointer}/inputResponses/{}", token(&member.key));
        let mut piece = Piece::whole(Some(&member.node), &pointer, kind, String::new());
        (piece.key, piece.shape) = (Some(member), shape);
        pieces.push(piece);
    }
}

/// What a task's status inlines: the result or the error that the call did not have yet.
fn deferred<'n, 'a>(
    asked: &Asked,
    status: &'n Node<'a>,
    pointer: &str,
    pieces: &mut Vec<Piece<'n, 'a>>,
) {
    if let Some(result) = status.get("result") {
        pieces.extend(of_result(asked, result, &format!("{pointer}/result")));
    }
    if let Some(error) = status.get("error") {
        pieces.extend(of_error(asked, error, &format!("{pointer}/error")));
    }
    if pointer == "/params" {
        input_requests(status, pointer, pieces);
    }
}

fn request_kind(method: &str) -> Kind {
    match method {
        TOOL => Kind::ToolCall,
        "completion/complete" => Kind::Completion,
        "sampling/createMessage" => Kind::Sampling,
        "elicitation/create" => Kind::Elicitation,
        _ if NOTICES.contains(&method) => Kind::Notice,
        _ => Kind::Other(method.to_owned()),
    }
}

fn request_name(method: &str, params: Option<&Node<'_>>) -> String {
    match method {
        "completion/complete" => {
            let about = params.and_then(|p| p.get("ref"));
            let name = text_of(about, "name");
            if name.is_empty() {
                text_of(about, "uri")
            } else {
                name
            }
        }
        _ if method.starts_with("resources/") || method.starts_with("notifications/resources/") => {
            text_of(params, "uri")
        }
        _ => text_of(params, "name"),
    }
}

fn result_kind(method: &str, result: &Node<'_>) -> Kind {
    let holds = |key: &str| result.get(key).is_some();
    match method {
        "initialize" | "server/discover" => Kind::ServerInstructions,
        TOOL => Kind::ToolResult,
        "resources/read" => Kind::ResourceContent,
        "prompts/get" => Kind::PromptContent,
        "tasks/result" | "tasks/get" if holds("content") || holds("structuredContent") => {
            Kind::ToolResult
        }
        _ if method.starts_with("tasks/") => Kind::Notice,
        "completion/complete" | "sampling/createMessage" | "elicitation/create" => {
            request_kind(method)
        }
        _ => Kind::Other(method.to_owned()),
    }
}

fn members<'n, 'a>(holder: &'n Node<'a>, key: &str) -> &'n [Member<'a>] {
    holder
        .get(key)
        .and_then(Node::as_object)
        .unwrap_or_default()
}

fn text_of(node: Option<&Node<'_>>, key: &str) -> String {
    node.and_then(|n| n.get(key))
        .and_then(Node::as_str)
        .unwrap_or("")
        .to_owned()
}

/// One reference token of a JSON pointer.
pub fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a task runs as far as anyone knows: no revision has tasks for much else.
const TOOL: &str = "tools/call";

/// Lists whose entries are definitions: method, member, kind, the member that names an entry.
const LISTS: &[(&str, &str, Kind, &str)] = &[
    ("tools/list", "tools", Kind::ToolDefinition, "name"),
    ("prompts/list", "prompts", Kind::PromptDefinition, "name"),
    (
        "resources/list",
        "resources",
        Kind::ResourceDefinition,
        "uri",
    ),
    (
        "resources/templates/list",
        "resourceTemplates",
        Kind::ResourceDefinition,
        "uriTemplate",
    ),
];

/// The protocol's own requests, besides those with a kind of their own.
const KNOWN: &[&str] = &[
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "logging/setLevel",
    "roots/list",
    "subscriptions/listen",
];

const NOTICES: &[&str] = &[
    "notifications/message",
    "notifications/progress",
    "notifications/cancelled",
    "notifications/tasks",
    "notifications/tasks/status",
    "notifications/elicitation/complete",
    "notifications/resources/updated",
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/roots/list_changed",
    "notifications/initialized",
    "notifications/subscriptions/acknowledged",
];
