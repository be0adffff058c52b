//! What a tool does by its definition: its description, its parameters and its hints.
//!
//! Whoever runs a server writes these, so they only ever add actions to those that the tool's name
//! gives: a tool that calls itself harmless stays what it is called. What was added is kept as a
//! memo, because a call comes without the definition.

use clawdefender_sdk::{Event, Role, Text};

use crate::action::{Action, Actions, flag};
use crate::facts::seen;
use crate::lexicon::{Lexicon, name_words};
use crate::memo::Seen;
use crate::order::{Order, sign};
use crate::print::Printer;
use crate::reader::Reader;
use crate::vocabulary::{Vocabulary, mark};
use crate::words::{Kind, words};

/// Tools of one list, and of one server in the history, that are remembered: whoever names more
/// must not push out what others did. Chosen: a quarter of the history.
pub const MAX_KEPT: usize = 64;
/// Bytes of a description that are read, and phrases of it: what a tool does is said first.
const MAX_READ: usize = 600;
/// Bytes of all descriptions of one tool that are looked at for orders.
const MAX_ORDERS_READ: usize = 16 * 1024;
const MAX_PHRASES: usize = 12;
/// Words of a phrase behind its verb.
const REACH: usize = 5;
/// Characters at the beginning of a run without blanks in which its verb is looked for.
const DENSE: usize = 4;
const MAX_PARAMETERS: usize = 64;

/// A tool of a server, as memos name it.
pub fn key(server: &str, tool: &str, printer: &Printer) -> u32 {
    printer.word(server).rotate_left(16) ^ printer.word(tool)
}

/// What the definition in `event` adds to the name of its tool.
pub fn adds(
    event: &Event,
    lexicon: &Lexicon,
    vocabulary: &Vocabulary,
    printer: &Printer,
) -> Actions {
    let named = lexicon.tool(&name_words(&event.name));
    let mut all = Actions::default();
    let mut parameters: Vec<String> = Vec::new();
    for text in &event.texts {
        let (place, pointer) = place(&text.pointer);
        match (place, &text.role) {
            (Place::Parameters, Role::Key) if parameters.len() < MAX_PARAMETERS => {
                parameters.push(name_words(seen(text)).join("_"));
            }
            (Place::Itself, Role::Description) => {
                all = all.union(described(seen(text), lexicon, vocabulary, printer));
            }
            (Place::Itself, _) if hints(pointer, text) => all.add(Action::Change),
            _ => {}
        }
    }
    all = all.union(lexicon.parameters(&parameters));
    let kept = all.0 & definable().0;
    Actions(kept & !named.0)
}

/// What a definition tells its reader to do, when it talks past the user or says where to send
/// something: tools are used as they say, and only that is more than a manual.
pub fn orders(event: &Event, vocabulary: &Vocabulary, printer: &Printer) -> Vec<Order> {
    let mut reader = Reader::new(vocabulary, printer);
    let texts = event
        .texts
        .iter()
        .filter(|text| text.role == Role::Description);
    let mut left = MAX_ORDERS_READ;
    for text in texts {
        let text = seen(text);
        if text.len() <= left {
            left -= text.len();
            reader.read(text, usize::MAX, |_| {});
        }
    }
    let mut orders = reader.finish();
    orders.retain(is_loud);
    orders
}

/// Whether an order is more than a manual has.
pub fn is_loud(order: &Order) -> bool {
    order.signs & (sign::OVERT | sign::PLACE) != 0
}

/// What memos say of the tool that `event` calls, or whose answer it is.
pub fn known(memos: &[Option<Seen<'_>>], key: u32) -> Actions {
    let tools = memos.iter().flatten().flat_map(Seen::tools);
    tools
        .filter(|(tool, _)| *tool == key)
        .fold(Actions::default(), |all, (_, actions)| all.union(actions))
}

/// Whether there is room for one more tool of the server, and this one is not yet known.
pub fn is_worth(
    event: &Event,
    (adds, orders): (Actions, bool),
    key: u32,
    past: &[(&str, Option<Seen<'_>>)],
) -> bool {
    let first = event.texts.first().map_or("", |text| text.pointer.as_str());
    let own = past.iter().filter(|(server, memo)| {
        *server == event.server.name && memo.as_ref().is_some_and(|memo| memo.is(flag::DEFINED))
    });
    let newest = past.iter().rev().take(past.len() / 2 + 1);
    let mut tools = newest
        .filter_map(|(_, memo)| memo.as_ref())
        .flat_map(Seen::tools);
    (adds.0 != 0 || orders)
        && index(first) < MAX_KEPT
        && own.count() < MAX_KEPT
        && !tools.any(|(tool, actions)| tool == key && actions.0 & adds.0 == adds.0)
}

/// What a definition may add. Nothing that a chain takes for an excuse, and nothing that no chain
/// asks of a tool.
fn definable() -> Actions {
    use Action::{
        Account, Change, Delete, Fetch, Pay, Permission, ReadFile, ReadSecret, ReadUntrusted,
        Schedule, Send, Shell, Write,
    };
    [
        Account,
        Change,
        Delete,
        Fetch,
        Pay,
        Permission,
        ReadFile,
        ReadSecret,
        ReadUntrusted,
        Schedule,
        Send,
        Shell,
        Write,
    ]
    .into_iter()
    .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The tool's own title, description and hints.
    Itself,
    Parameters,
    Elsewhere,
}

/// Where a text of a definition stands, and its pointer within the entry.
fn place(pointer: &str) -> (Place, &str) {
    let entry = pointer.strip_prefix("/result/tools/").unwrap_or(pointer);
    let inner = entry.split_once('/').map_or("", |(_, inner)| inner);
    let place = if inner.starts_with("inputSchema/") {
        Place::Parameters
    } else if inner.starts_with("outputSchema/") {
        Place::Elsewhere
    } else {
        Place::Itself
    };
    (place, inner)
}

/// The position of the entry in its list.
fn index(pointer: &str) -> usize {
    let entry = pointer.strip_prefix("/result/tools/").unwrap_or("0");
    let number = entry.split('/').next().unwrap_or("0");
    number.parse().unwrap_or(0)
}

/// Whether a hint says that the tool changes something. Hints that deny it say nothing.
fn hints(pointer: &str, text: &Text) -> bool {
    let value = text.original.as_str();
    match pointer {
        "annotations/destructiveHint" => value == "true",
        "annotations/readOnlyHint" => value == "false",
        _ => false,
    }
}

/// What the phrases of a description say: a verb where a sentence begins or after a lead-in, and
/// the words behind it.
fn described(text: &str, lexicon: &Lexicon, vocabulary: &Vocabulary, printer: &Printer) -> Actions {
    let mut end = text.len().min(MAX_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let mut all = Actions::default();
    let (mut begins, mut hit) = (true, false);
    let mut phrases = 0;
    for word in words(text) {
        if phrases == MAX_PHRASES {
            break;
        }
        match word.kind {
            Kind::Break | Kind::Mark => begins = true,
            Kind::Dense => {
                let run = word.text(text);
                let first = run
                    .char_indices()
                    .nth(DENSE)
                    .map_or(run.len(), |(at, _)| at);
                let verb = vocabulary.inside(run.get(..first).unwrap_or_default()).verb;
                all = all.union(clear(verb));
            }
            Kind::Letters | Kind::Plain => {
                let verb = word.bare(text).to_lowercase();
                if begins && !verb.is_empty() {
                    let rest: Vec<String> = words(text.get(word.end..).unwrap_or_default())
                        .take_while(|next| next.kind != Kind::Mark)
                        .take(REACH)
                        .map(|next| {
                            next.bare(text.get(word.end..).unwrap_or_default())
                                .to_lowercase()
                        })
                        .take_while(|next| !lexicon.ends_phrase(next))
                        .collect();
                    let said = lexicon.phrase(&verb, &rest);
                    hit = said.0 != 0;
                    all = all.union(said);
                    let meaning = vocabulary.meaning(printer.word(&verb));
                    if meaning.marks & mark::ANYWHERE != 0 || meaning.verb == Action::Delete.bit() {
                        all = all.union(clear(meaning.verb));
                    }
                    phrases += 1;
                }
                let last = word.text(text).as_bytes().last();
                // "Create, update and delete" goes on, "by name, email or id" does not.
                begins = last.is_some_and(|last| b".!?;:)*-/".contains(last))
                    || (hit && last == Some(&b','))
                    || lexicon.leads_phrase(&verb);
            }
        }
    }
    all
}

/// Of what a verb of another language may mean, what it means in a definition.
fn clear(verb: Actions) -> Actions {
    match verb {
        // "Change", "update": nearly as often a noun.
        verb if verb.has(Action::Account) => Actions::default(),
        // "Send" money or a message: the parameters say which.
        verb if verb.has(Action::Send) => Action::Send.bit(),
        verb => verb,
    }
}
