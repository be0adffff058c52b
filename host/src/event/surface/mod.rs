//! From one parsed message to the events it means, so that no string of it goes unseen.
//!
//! Every string, and every key that is not the protocol's own, lands in exactly one text of one
//! event, whether or not this version knows the method. Which strings are carved out into events
//! of their own is said in `pieces`, what part each string plays in `texts`. Nothing here judges.

mod media;
mod members;
mod opaque;
mod pieces;
mod texts;

use super::assets::{Seen, assets};
use super::place::Places;
use super::{Asset, AssetKind, Direction, Event, Kind, Server};
use crate::mcp::json::{Limits, Member, Node};
use pieces::Piece;
use texts::{Collected, Collector};

/// What is known about a message besides its bytes.
pub struct Context<'a> {
    /// The first event's id; further ones get `.1`, `.2` … behind it.
    pub id: String,
    pub at_ms: u64,
    pub link: String,
    pub client: String,
    pub server: Server,
    pub direction: Direction,
    /// The server's working directory.
    pub cwd: &'a str,
    pub places: &'a Places,
    /// Members of the message beside those that the protocol knows.
    pub beside: Vec<&'a Member<'a>>,
    /// Bytes that the texts of JSON inside strings may take; past them an event touches `too-many`.
    pub room: usize,
}

/// Room for JSON inside the strings of one frame: as much as the pointers of a whole frame take.
pub fn room() -> usize {
    Limits::default().max_pointers
}

/// The request that a result or an error answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    /// Tool, prompt or URI, as in [`Event::name`]; of a task's method, those of the task's request.
    pub name: String,
    /// Of a task's method, the request that the task answers, when it is known.
    pub deferred: Option<String>,
}

/// An event and the part of the message that it speaks about.
#[derive(Clone, Debug)]
pub struct Draft {
    pub event: Event,
    pub part: Part,
}

/// What has to go when the event is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// One element of a list, which can be left out alone.
    Entry {
        array: String,
        index: usize,
    },
}

/// The events of a request. Never empty.
pub fn of_request(ctx: &Context<'_>, method: &str, params: Option<&Node<'_>>) -> Vec<Draft> {
    drafts(ctx, method, pieces::of_params(method, params))
}

/// The events of a notification. A request's method without an id is judged like the request.
/// `task` is what the task answers that it speaks about, if it does.
pub fn of_notification(
    ctx: &Context<'_>,
    method: &str,
    params: Option<&Node<'_>>,
    task: Option<&Asked>,
) -> Vec<Draft> {
    let mut pieces = pieces::of_params(method, params);
    if method.starts_with("notifications/tasks") {
        pieces::of_task(task, params, &mut pieces);
    }
    drafts(ctx, method, pieces)
}

/// The events of a result. Never empty.
pub fn of_result(ctx: &Context<'_>, request: &Asked, result: &Node<'_>) -> Vec<Draft> {
    drafts(
        ctx,
        &request.method,
        pieces::of_result(request, result, "/result"),
    )
}

/// The events of an error. Never empty.
pub fn of_error(ctx: &Context<'_>, request: &Asked, error: &Node<'_>) -> Vec<Draft> {
    drafts(
        ctx,
        &request.method,
        pieces::of_error(request, error, "/error"),
    )
}

fn drafts<'p>(ctx: &'p Context<'p>, method: &str, mut pieces: Vec<Piece<'p, 'p>>) -> Vec<Draft> {
    let main = pieces
        .first()
        .map(|main| (main.kind.clone(), main.name.clone()));
    if let Some((kind, name)) = main {
        let beside = ctx.beside.iter();
        pieces.extend(beside.map(|member| Piece::beside(member, kind.clone(), name.clone())));
    }
    let mut cuts: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| Some(piece.node?.span.start))
        .collect();
    cuts.sort_unstable();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut room = ctx.room;
    for piece in &pieces {
        let mut collector = Collector::new(&piece.pointer, &cuts, room);
        if let Some(member) = piece.key {
            collector.key(member);
        }
        if let Some(node) = piece.node {
            collector.walk(node, &piece.shape);
        }
        let Collected {
            texts,
            attrs,
            room: left,
            spilled,
        } = collector.finish();
        room = left;
        // What is left of a message after carving may be nothing; a message never is.
        if texts.is_empty() && piece.part == Part::Whole && pieces.len() > 1 {
            continue;
        }
        let tool = match piece.kind {
            Kind::ToolCall => piece.name.as_str(),
            _ => "",
        };
        let mut assets = assets(
            &texts,
            &Seen {
                places: ctx.places,
                cwd: ctx.cwd,
                tool,
            },
        );
        if spilled {
            assets.push(too_many());
            room = 0;
        }
        let id = match drafts.len() {
            0 => ctx.id.clone(),
            more => format!("{}.{more}", ctx.id),
        };
        drafts.push(Draft {
            part: piece.part.clone(),
            event: Event {
                id,
                at_ms: ctx.at_ms,
                kind: piece.kind.clone(),
                direction: ctx.direction,
                link: ctx.link.clone(),
                client: ctx.client.clone(),
                server: ctx.server.clone(),
                method: method.to_owned(),
                name: piece.name.clone(),
                texts,
                assets,
                launch: None,
                attrs,
            },
        });
    }
    drafts
}

/// Whoever says more than can be read may be hiding one thing of it: read it as the worst.
fn too_many() -> Asset {
    Asset {
        kind: AssetKind::Other("too-many".to_owned()),
        value: String::new(),
        text: None,
        aliases: Vec::new(),
        credential: true,
        wild: false,
    }
}

#[cfg(test)]
mod tests;
