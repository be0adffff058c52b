//! One frame: parsed strictly, matched with its link, taken apart into events, each weighed.
//!
//! Nothing is recorded, asked or forwarded here. The link's open requests do change: an answer
//! closes its request before anyone can act on it.

use super::broken::{MAX_BROKEN, broken, malformed};
use super::content::content;
use super::history::Histories;
use super::weigh::{Weighed, weigh};
use crate::event::surface::{self, Context, Draft, Part};
use crate::event::{Direction, Kind, place::Places};
use crate::link::{Asked, End, Link, Task};
use crate::mcp::era::Era;
use crate::mcp::json::{self, Limits, Node};
use crate::mcp::message::{self, Batches, Id, Incoming, Message, Outcome};
use crate::mcp::salvage::salvage;
use crate::plugin::Set;
use crate::policy::{Action, Decision, Policy};

/// What an examination reads and never changes.
pub struct Bench<'b> {
    pub set: &'b Set,
    pub policy: &'b Policy,
    pub histories: &'b Histories,
    pub places: &'b Places,
    pub now_ms: u64,
    pub max_frame_bytes: usize,
}

/// What kind of message it was, and what must be known to answer for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Request {
        id: Id,
        asked: Asked,
    },
    Notification {
        method: String,
    },
    Response {
        id: Id,
        asked: Asked,
        failed: bool,
    },
    /// An answer to nothing that is open.
    Unsolicited {
        id: Option<Id>,
    },
    /// A batch: its requests, so that each can be answered, and the requests that it answers.
    Batch {
        requests: Vec<(Id, Asked)>,
        answers: Vec<(Id, Asked)>,
    },
    /// Not to be understood in one way only.
    Malformed {
        code: i32,
        /// Whom to tell, from a lenient reading: requests of the sender, under their ids where
        /// those could be read.
        owed: Vec<Option<Id>>,
        /// The requests that now never get their answer.
        unanswered: Vec<(Id, Asked)>,
    },
}

/// A frame with everything that was said about it.
#[derive(Debug)]
pub struct Examined {
    pub call: String,
    pub from: End,
    pub shape: Shape,
    pub parts: Vec<(Part, Weighed)>,
    /// The strictest of what concerns the whole frame.
    pub decision: Decision,
    /// Protocol revision that an initialize result names.
    pub revision: Option<String>,
    /// Tasks that were made: their ids and what they answer.
    pub tasks: Vec<(String, Task)>,
    /// Open requests that a cancellation closes; more than one only in a batch.
    pub cancelled: Vec<(Id, Asked)>,
    /// What a person's answer is bound to: params or result without what is another one in every
    /// try. Only filled when a person is asked.
    pub content: Vec<u8>,
}

/// Source: JSON-RPC 2.0, section 5.1.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

/// Examines one frame of `link`.
pub fn examine(
    bench: &Bench<'_>,
    link: &mut Link,
    from: End,
    call: String,
    bytes: &[u8],
) -> Examined {
    let limits = Limits {
        max_bytes: bench.max_frame_bytes,
        ..Limits::default()
    };
    if let Some(at) = line_end_inside(bytes) {
        let why = format!("carriage return at byte {at}, where some readers end a line");
        return malformed(link, from, call, bytes, PARSE_ERROR, &why);
    }
    let root = match json::parse(bytes, &limits) {
        Ok(root) => root,
        Err(error) => return malformed(link, from, call, bytes, PARSE_ERROR, &error.to_string()),
    };
    let batches = match link.revision.as_deref() {
        Some("2025-03-26") => Batches::Allowed,
        _ => Batches::Refused,
    };
    match message::read_incoming(&root, batches) {
        Ok(Incoming::One(one)) => single(bench, link, from, call, bytes, (&root, &one, 1)),
        Ok(Incoming::Batch(all)) => {
            let items = root.as_array().unwrap_or_default();
            let all: Vec<_> = items.iter().zip(&all).collect();
            batch(bench, link, from, call, bytes, &all)
        }
        Err(error) => {
            let why = error.to_string();
            match root.as_array() {
                Some(items) if !items.is_empty() => {
                    let items = items.iter().filter_map(|item| item.raw(bytes));
                    let salvaged = items.take(MAX_BROKEN).map(salvage).collect();
                    broken(link, from, call, INVALID_REQUEST, salvaged, &why)
                }
                _ => malformed(link, from, call, bytes, INVALID_REQUEST, &why),
            }
        }
    }
}

/// Where a carriage return stands that no newline follows. It is white space to JSON and the end of
/// a line to many readers (Python's and Node's own, Java's, .NET's), so that what stands behind it
/// could be a message of its own to them. Pairs, as in bodies that are written for people, are the
/// end of a line to all.
fn line_end_inside(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'))
}

fn single(
    bench: &Bench<'_>,
    link: &mut Link,
    from: End,
    call: String,
    bytes: &[u8],
    (node, one, of): (&Node<'_>, &Message<'_, '_>, usize),
) -> Examined {
    let cwd = link.launch.cwd.clone();
    let mut context = context(bench, link, &cwd, from, &call);
    context.beside = message::beside(node);
    // A batch is one frame, and has no more room than another.
    context.room /= of.max(1);
    let mut cancelled = Vec::new();
    let mut revision = None;
    let mut task = None;
    let (shape, drafts) = match one {
        Message::Request { id, method, params } => {
            let mut drafts = surface::of_request(&context, method, *params);
            let task = method
                .starts_with("tasks/")
                .then(|| task_of(link, from, *params))
                .flatten();
            if let (Some(task), Some(main)) = (&task, drafts.first_mut()) {
                main.event.name.clone_from(&task.name);
            }
            let asked = Asked {
                method: (*method).to_owned(),
                name: drafts
                    .first()
                    .map(|draft| draft.event.name.clone())
                    .unwrap_or_default(),
                task,
                call: call.clone(),
                stateless: Era::of(*params) == Era::Stateless,
                question: None,
            };
            if let Err(error) = link.open(from, id, asked.clone()) {
                let shape = Shape::Malformed {
                    code: INVALID_REQUEST,
                    owed: vec![Some(id.clone())],
                    unanswered: Vec::new(),
                };
                return refused(call, from, shape, "protocol:request-id", &error.to_string());
            }
            (
                Shape::Request {
                    id: id.clone(),
                    asked,
                },
                drafts,
            )
        }
        Message::Notification { method, params } => {
            if *method == "notifications/cancelled"
                && let Some(id) = params
                    .and_then(|params| params.get("requestId"))
                    .and_then(|id| Id::read(id).ok())
            {
                cancelled.extend(link.forget(from, &id).map(|asked| (id, asked)));
            }
            // Told to whom the task runs for.
            let task = task_of(link, from.other(), *params).map(|task| surface::Asked {
                method: task.method,
                name: task.name,
                deferred: None,
            });
            let drafts = surface::of_notification(&context, method, *params, task.as_ref());
            (
                Shape::Notification {
                    method: (*method).to_owned(),
                },
                drafts,
            )
        }
        Message::Response { id, outcome } => match link.close(from, id) {
            Some(asked) => {
                if let (Outcome::Result(result), "initialize") = (outcome, asked.method.as_str()) {
                    revision = result
                        .get("protocolVersion")
                        .and_then(Node::as_str)
                        .map(str::to_owned);
                }
                task = made_task(&asked, outcome);
                let drafts = answer(&context, &asked, outcome);
                let failed = matches!(outcome, Outcome::Error(_));
                (
                    Shape::Response {
                        id: id.clone(),
                        asked,
                        failed,
                    },
                    drafts,
                )
            }
            None => {
                let shape = Shape::Unsolicited {
                    id: Some(id.clone()),
                };
                return refused(
                    call,
                    from,
                    shape,
                    "protocol:unsolicited",
                    "it answers no open request",
                );
            }
        },
        Message::Stray { error } => {
            let asked = Asked {
                method: String::new(),
                name: String::new(),
                call: call.clone(),
                stateless: false,
                question: None,
                task: None,
            };
            (
                Shape::Unsolicited { id: None },
                answer(&context, &asked, &Outcome::Error(error)),
            )
        }
    };
    let parts = judge_all(bench, link, drafts);
    let decision = overall(bench.policy, link, &shape, &parts);
    let asks = parts
        .iter()
        .any(|(_, weighed)| weighed.decision.action == Action::Ask);
    let content = if asks {
        content(bytes, one)
    } else {
        Vec::new()
    };
    Examined {
        call,
        from,
        shape,
        parts,
        decision,
        revision,
        tasks: task.into_iter().collect(),
        cancelled,
        content,
    }
}

/// A batch is one frame: what stops one of its messages stops all of them.
fn batch(
    bench: &Bench<'_>,
    link: &mut Link,
    from: End,
    call: String,
    bytes: &[u8],
    all: &[(&Node<'_>, &Message<'_, '_>)],
) -> Examined {
    let mut requests = Vec::new();
    let mut answers = Vec::new();
    let mut parts = Vec::new();
    let (mut cancelled, mut tasks) = (Vec::new(), Vec::new());
    let mut decision: Option<Decision> = None;
    for (index, one) in all.iter().enumerate() {
        let (node, message) = *one;
        let message = (node, message, all.len());
        let part = single(
            bench,
            link,
            from,
            format!("{call}.b{index}"),
            bytes,
            message,
        );
        match part.shape {
            Shape::Request { id, asked } => requests.push((id, asked)),
            Shape::Response { id, asked, .. } => answers.push((id, asked)),
            _ => {}
        }
        cancelled.extend(part.cancelled);
        tasks.extend(part.tasks);
        let mut stricter = part.decision;
        // An element can't be held or changed alone.
        if matches!(stricter.action, Action::Ask | Action::Redact) {
            stricter.action = Action::Deny;
        }
        if decision
            .as_ref()
            .is_none_or(|strictest| stricter.action > strictest.action)
        {
            decision = Some(stricter);
        }
        // Inside a batch a list can't be cut: an entry to hide stops the batch.
        for (place, weighed) in part.parts {
            if place != Part::Whole && weighed.decision.action >= Action::Redact {
                let mut entry = weighed.decision.clone();
                entry.action = Action::Deny;
                decision = Some(entry);
            }
            parts.push((Part::Whole, weighed));
        }
    }
    let decision = decision.unwrap_or_else(|| Decision::deny("protocol:batch", "an empty batch"));
    Examined {
        call,
        from,
        shape: Shape::Batch { requests, answers },
        parts,
        decision,
        revision: None,
        tasks,
        cancelled,
        content: Vec::new(),
    }
}

fn answer(context: &Context<'_>, asked: &Asked, outcome: &Outcome<'_, '_>) -> Vec<Draft> {
    let asked = surface::Asked {
        method: asked.method.clone(),
        name: asked.name.clone(),
        deferred: asked.task.as_ref().map(|task| task.method.clone()),
    };
    match outcome {
        Outcome::Result(result) => surface::of_result(context, &asked, result),
        Outcome::Error(error) => surface::of_error(context, &asked, error),
    }
}

/// The task that params speak of, run for `asker`.
fn task_of(link: &Link, asker: End, params: Option<&Node<'_>>) -> Option<Task> {
    let id = params?.get("taskId")?.as_str()?;
    link.task(asker, id).cloned()
}

/// A result that is not there yet: the id under which it will be.
///
/// Source: MCP 2025-11-25, `CreateTaskResult.task`; the tasks extension's `resultType: "task"`.
fn made_task(asked: &Asked, outcome: &Outcome<'_, '_>) -> Option<(String, Task)> {
    let Outcome::Result(result) = outcome else {
        return None;
    };
    let inline = result.get("resultType").and_then(Node::as_str) == Some("task");
    let holder = result.get("task").or(inline.then_some(*result))?;
    let id = holder.get("taskId")?.as_str()?.to_owned();
    // What a task's own methods say of it is no new one.
    let made = !asked.method.starts_with("tasks/");
    made.then(|| {
        let (method, name) = (asked.method.clone(), asked.name.clone());
        (id, Task { method, name })
    })
}

fn context<'c>(bench: &Bench<'c>, link: &Link, cwd: &'c str, from: End, call: &str) -> Context<'c> {
    Context {
        id: call.to_owned(),
        at_ms: bench.now_ms,
        link: link.id.clone(),
        client: link.client.label.clone(),
        server: link.server.clone(),
        direction: match from {
            End::Client => Direction::ToServer,
            End::Server => Direction::ToClient,
        },
        cwd,
        places: bench.places,
        beside: Vec::new(),
        room: surface::room(),
    }
}

fn judge_all(bench: &Bench<'_>, link: &Link, drafts: Vec<Draft>) -> Vec<(Part, Weighed)> {
    let history = bench.histories.of(&link.client.key);
    drafts
        .into_iter()
        .map(|draft| {
            (
                draft.part,
                weigh(bench.set, bench.policy, draft.event, &history),
            )
        })
        .collect()
}

/// The strictest decision about the frame as a whole. Entries of a list are cut out one by one and
/// don't count, but calling what was cut out does.
fn overall(policy: &Policy, link: &Link, shape: &Shape, parts: &[(Part, Weighed)]) -> Decision {
    let strictest = parts
        .iter()
        .filter(|(part, _)| *part == Part::Whole)
        .map(|(_, weighed)| &weighed.decision)
        .reduce(|strictest, next| {
            if next.action > strictest.action {
                next
            } else {
                strictest
            }
        });
    let decision = strictest.cloned().unwrap_or_else(|| Decision {
        action: Action::Allow,
        rule: format!("default:{}", policy.profile().word()),
        reason: "the frame carries nothing to judge as a whole".into(),
        would: None,
        losers: Vec::new(),
    });
    if let Some(rule) = link.refused() {
        return Decision::deny(rule, "the server was not allowed to start");
    }
    // A server may run what comes without an id, as long as it has a method.
    let hidden = match shape {
        Shape::Request { asked, .. } => is_hidden(link, &asked.method, &asked.name),
        Shape::Notification { method } => parts
            .iter()
            .any(|(_, weighed)| is_hidden(link, method, &weighed.event.name)),
        _ => false,
    };
    if hidden {
        return Decision::deny("hidden", "its definition was refused before");
    }
    decision
}

/// Whether a message of this method names what was taken out of a list.
fn is_hidden(link: &Link, method: &str, name: &str) -> bool {
    let kinds: &[Kind] = match method {
        "tools/call" => &[Kind::ToolDefinition],
        "prompts/get" => &[Kind::PromptDefinition],
        "completion/complete" => &[Kind::PromptDefinition, Kind::ResourceDefinition],
        method if method.starts_with("resources/") => &[Kind::ResourceDefinition],
        _ => &[],
    };
    kinds
        .iter()
        .any(|kind| link.is_hidden(&hidden_name(kind, name)))
}

/// A definition's name among the hidden ones: a tool may have the name of a prompt.
pub(super) fn hidden_name(kind: &Kind, name: &str) -> String {
    format!("{} {name}", kind.word())
}

pub(super) fn refused(call: String, from: End, shape: Shape, rule: &str, why: &str) -> Examined {
    let decision = Decision::deny(rule, why);
    Examined {
        call,
        from,
        shape,
        parts: Vec::new(),
        decision,
        revision: None,
        tasks: Vec::new(),
        cancelled: Vec::new(),
        content: Vec::new(),
    }
}
