//! Rewrites server entries inside a client's JSON text: pure, text in, text out.
//!
//! Only spans of the parsed text are replaced, so comments, order, indentation, line ends and the
//! byte order mark stay as they were, and undoing gives the same bytes. Of files only one thing is
//! asked: whether a command leads to this program.
//!
//! A file may lie in a project that somebody else wrote. So an entry counts as routed through us only
//! when it starts this very program, and what can't be routed safely is left alone and says why.

mod remote;
mod start;

pub use start::{Listed, Start, list};

use std::ops::Range;
use std::path::Path;

use jsonc_parser::ast::{Object, ObjectProp, StringLit, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Where server entries live: keys from the root, `*` for every key.
pub type Root = &'static [&'static str];

/// One server entry as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub server: String,
    pub state: State,
    /// Not wrapped, reached by URL and sending no header: it may want a login in the browser, which
    /// only the client itself can do.
    pub bare_url: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    NotWrapped,
    Wrapped,
    /// Wrapped, but by a program at another place than this one, or one that only has our name.
    /// `wrap` puts this one in its place.
    Drifted,
    /// Wrapped by the predecessor; `unwrap` undoes it, `wrap` puts us in its place.
    Predecessor,
    /// Reached by URL in a way that no command can say, and why.
    Remote(&'static str),
    /// Launched by a command, and why it is not safe to put us in front.
    Obstacle(&'static str),
    /// Routed through us, and why that does not protect.
    Exposed(&'static str),
    /// Routed through us in words that somebody chose; nothing is to be changed.
    Ours,
    /// No command, or arguments that aren't all strings.
    Unsupported,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("{line}:{column}: not valid JSON")]
    Syntax { line: usize, column: usize },
    #[error("{line}:{column}: the same key twice")]
    Duplicate { line: usize, column: usize },
}

const MARKERS: [&str; 2] = ["_clawdefender_original", "_clawai_original"];
const BOM: char = '\u{feff}';
/// Written with the odd space when an entry had no arguments, so that undoing can tell that from an
/// empty list.
const ADDED_ARGS: &str = ", \"args\" :[";

/// The servers in `text`.
///
/// # Errors
/// [`EditError`] when the text can't be read in one way only.
pub fn entries(text: &str, roots: &[Root], exe: &Path) -> Result<Vec<Entry>, EditError> {
    let mut found = Vec::new();
    visit(text, roots, |text, server, entry| {
        let state = state(text, entry, exe);
        found.push(Entry {
            server: server.to_owned(),
            state,
            bare_url: state == State::NotWrapped
                && remote::is_remote(entry)
                && !remote::sends_headers(entry),
        });
        Vec::new()
    })?;
    Ok(found)
}

/// Puts us in front of every selected server that is launched by a command or reached by URL, also
/// where another program of our name or the predecessor is now.
///
/// # Errors
/// See [`entries`].
pub fn wrap(
    text: &str,
    roots: &[Root],
    exe: &Path,
    selected: impl Fn(&str) -> bool,
) -> Result<String, EditError> {
    let bare = visit(text, roots, |text, server, entry| {
        match state(text, entry, exe) {
            State::Predecessor if selected(server) => undo_predecessor(text, entry),
            _ => None,
        }
        .unwrap_or_default()
    })?;
    visit(&bare, roots, |text, server, entry| {
        match state(text, entry, exe) {
            _ if !selected(server) => None,
            State::Drifted => point_at(entry, exe).map(|us| vec![us]),
            State::NotWrapped if prop(entry, "command").is_none() => {
                remote::wrap(text, server, entry, exe)
            }
            State::NotWrapped => wrap_entry(text, server, entry, exe),
            _ => None,
        }
        .unwrap_or_default()
    })
}

/// Takes us, or the predecessor, away from every selected server. Needs no other knowledge.
///
/// # Errors
/// See [`entries`].
pub fn unwrap(
    text: &str,
    roots: &[Root],
    exe: &Path,
    selected: impl Fn(&str) -> bool,
) -> Result<String, EditError> {
    visit(text, roots, |text, server, entry| {
        match state(text, entry, exe) {
            _ if !selected(server) => None,
            State::Wrapped | State::Drifted | State::Predecessor | State::Exposed(_) => {
                undo_predecessor(text, entry).or_else(|| match form(&words(entry)?)? {
                    Form::Command => unwrap_entry(text, entry),
                    Form::Url => remote::unwrap(text, entry),
                })
            }
            _ => None,
        }
        .unwrap_or_default()
    })
}

type Splice = (Range<usize>, String);

/// A member where a server's entry belongs.
struct Found<'t> {
    server: &'t str,
    /// The last key on the way that the root leaves open: a project's folder.
    under: Option<&'t str>,
    value: &'t Value<'t>,
    /// Where its name begins, in bytes.
    at: usize,
}

fn visit(
    whole: &str,
    roots: &[Root],
    mut edit: impl FnMut(&str, &str, &Object<'_>) -> Vec<Splice>,
) -> Result<String, EditError> {
    walk(whole, roots, |text, found| match found.value {
        Value::Object(entry) => edit(text, found.server, entry),
        _ => Vec::new(),
    })
}

fn walk(
    whole: &str,
    roots: &[Root],
    mut edit: impl FnMut(&str, &Found<'_>) -> Vec<Splice>,
) -> Result<String, EditError> {
    let text = whole.strip_prefix(BOM).unwrap_or(whole);
    let position = |offset: usize| {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line..).map_or(0, |line| line.chars().count()) + 1;
        (before.matches('\n').count() + 1, column)
    };
    // Comments and trailing commas are what clients' own parsers take; nothing looser.
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        let (line, column) = position(error.range().start);
        EditError::Syntax { line, column }
    })?;
    let mut servers = Vec::new();
    if let Some(Value::Object(root)) = &parsed.value {
        for path in roots {
            descend(root, path, None, &mut servers).map_err(|offset| {
                let (line, column) = position(offset);
                EditError::Duplicate { line, column }
            })?;
        }
    }
    let mut splices = Vec::new();
    for found in &servers {
        splices.extend(edit(text, found));
    }
    splices.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(whole.len() + 256);
    out.push_str(whole.get(..whole.len() - text.len()).unwrap_or_default());
    let mut done = 0;
    for (range, new) in splices {
        out.push_str(text.get(done..range.start).unwrap_or_default());
        out.push_str(&new);
        done = range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(out)
}

/// Collects the entries under `path`; the offset of a key that an object on the way has twice.
fn descend<'t>(
    object: &'t Object<'t>,
    path: &[&str],
    under: Option<&'t str>,
    servers: &mut Vec<Found<'t>>,
) -> Result<(), usize> {
    let mut seen = std::collections::HashSet::new();
    for prop in &object.properties {
        // Programs disagree on which of two equal keys counts, so we would edit the wrong one.
        if !seen.insert(prop.name.as_str()) {
            return Err(prop.range.start);
        }
    }
    let Some((step, rest)) = path.split_first() else {
        for prop in &object.properties {
            if let Value::Object(entry) = &prop.value {
                descend(entry, &["\u{0}"], None, &mut Vec::new())?;
            }
            servers.push(Found {
                server: prop.name.as_str(),
                under,
                value: &prop.value,
                at: prop.range.start,
            });
        }
        return Ok(());
    };
    for prop in object
        .properties
        .iter()
        .filter(|prop| *step == "*" || prop.name.as_str() == *step)
    {
        if let Value::Object(inner) = &prop.value {
            let under = if *step == "*" {
                Some(prop.name.as_str())
            } else {
                under
            };
            descend(inner, rest, under, servers)?;
        }
    }
    Ok(())
}

fn state(text: &str, entry: &Object<'_>, exe: &Path) -> State {
    if undo_predecessor(text, entry).is_some() {
        return risk(entry).map_or(State::Predecessor, State::Exposed);
    }
    let Some(command) = string(entry, "command") else {
        return match remote::is_remote(entry) {
            true => remote::obstacle(text, entry).map_or(State::NotWrapped, State::Remote),
            false => State::Unsupported,
        };
    };
    let Some(words) = words(entry) else {
        return State::Unsupported;
    };
    let command = Path::new(command.value.as_ref());
    let us = super::file::same(command, exe);
    let named_us = command.file_stem().and_then(|stem| stem.to_str()) == Some("clawdefender");
    let routed = match form(&words) {
        Some(_) if us => Some(State::Wrapped),
        Some(_) if named_us => Some(State::Drifted),
        // No other command of ours may stand here: `bridge` is a connection past everything.
        None if us && words.first() == Some(&"proxy") => Some(State::Ours),
        _ => None,
    };
    match (routed, risk(entry)) {
        (Some(_), Some(why)) => State::Exposed(why),
        (Some(state), None) => state,
        (None, Some(why)) => State::Obstacle(why),
        (None, None) => State::NotWrapped,
    }
}

/// How our arguments say where the server is.
#[derive(Clone, Copy)]
enum Form {
    Command,
    Url,
}

/// The form of arguments that `wrap` writes.
fn form(words: &[&str]) -> Option<Form> {
    match words {
        ["proxy", "--server", _, "--", _, ..] => Some(Form::Command),
        _ if remote::is_wrapped(words) => Some(Form::Url),
        _ => None,
    }
}

/// Why an entry with a command can go past the daemon of this user although we are in front.
fn risk(entry: &Object<'_>) -> Option<&'static str> {
    if remote::is_remote(entry) {
        return Some("it has a command and a URL, and which of them counts is the client's choice");
    }
    // Source: documentation of Cursor, as of November 2026.
    if prop(entry, "envFile").is_some() {
        return Some(
            "its variables come from a file (envFile), and could name another daemon; write them into env",
        );
    }
    match prop(entry, "env").map(|env| &env.value) {
        None | Some(Value::NullKeyword(_)) => None,
        Some(Value::Object(env)) => env
            .properties
            .iter()
            .any(|variable| chooses_judge(variable.name.as_str()))
            .then_some(
                "its env has CLAWDEFENDER_*, HOME, LD_* or DYLD_*, which choose the daemon that judges it or run code in our program; a server gets such a variable with the command `env NAME=VALUE program`",
            ),
        Some(_) => Some("its env is no object"),
    }
}

/// Whether a variable says where our files are, or what is loaded into our program.
///
/// Sources: `config::Home`; ld.so(8), dyld(1).
fn chooses_judge(variable: &str) -> bool {
    let starts = |start: &&str| variable.starts_with(start);
    variable == "HOME" || ["CLAWDEFENDER_", "LD_", "DYLD_"].iter().any(starts)
}

/// Names this program as the command.
fn point_at(entry: &Object<'_>, exe: &Path) -> Option<Splice> {
    let range = string(entry, "command")?.range;
    Some((range.start..range.end, quoted(exe.to_str()?)))
}

fn wrap_entry(text: &str, server: &str, entry: &Object<'_>, exe: &Path) -> Option<Vec<Splice>> {
    let command = string(entry, "command")?;
    let original = slice(text, command)?;
    let lead = format!(
        "\"proxy\", \"--server\", {}, \"--\", {original}",
        quoted(server)
    );
    let put_us = point_at(entry, exe)?;
    let put_args = match prop(entry, "args").map(|prop| &prop.value) {
        None => (
            command.range.end..command.range.end,
            format!("{ADDED_ARGS}{lead}]"),
        ),
        Some(Value::Array(args)) => {
            let inside = args.range.start + 1;
            let comma = if args.elements.is_empty() { "" } else { "," };
            (inside..inside, format!("{lead}{comma}"))
        }
        Some(_) => return None,
    };
    Some(vec![put_us, put_args])
}

fn unwrap_entry(text: &str, entry: &Object<'_>) -> Option<Vec<Splice>> {
    let command = string(entry, "command")?;
    let args = prop(entry, "args")?;
    let Value::Array(list) = &args.value else {
        return None;
    };
    let original = list.elements.get(4)?;
    let put_back = (
        command.range.start..command.range.end,
        text.get(original.start()..original.end())?.to_owned(),
    );
    let after = text.get(original.end()..list.range.end)?;
    let added = text.get(command.range.end..list.range.start + 1) == Some(ADDED_ARGS);
    let removed = match list.elements.get(5) {
        None if added && after == "]" => command.range.end..list.range.end,
        // A client may have written a line or a comment between; what follows the comma is kept.
        Some(next) => {
            let gap = after.len() - after.trim_start().len();
            let comma = after.trim_start().starts_with(',');
            let end = if comma {
                original.end() + gap + 1
            } else {
                next.start()
            };
            list.range.start + 1..end
        }
        None => {
            let gap = after.len() - after.trim_start().len();
            let comma = usize::from(after.trim_start().starts_with(','));
            list.range.start + 1..original.end() + if comma == 1 { gap + 1 } else { 0 }
        }
    };
    Some(vec![put_back, (removed, String::new())])
}

/// The predecessor kept `{command, args}` beside what it wrote. `None` when there is nothing that it
/// could have kept.
fn undo_predecessor(text: &str, entry: &Object<'_>) -> Option<Vec<Splice>> {
    let index = entry
        .properties
        .iter()
        .position(|prop| MARKERS.contains(&prop.name.as_str()))?;
    let marker = entry.properties.get(index)?;
    let Value::Object(kept) = &marker.value else {
        return None;
    };
    let (now, original) = (string(entry, "command")?, string(kept, "command")?);
    let mut splices = vec![(
        now.range.start..now.range.end,
        slice(text, original)?.to_owned(),
    )];
    arguments(kept)?;
    match (prop(entry, "args"), prop(kept, "args")) {
        (Some(now), kept) => {
            let list = |args: &ObjectProp<'_>| text.get(args.value.start()..args.value.end());
            let original = kept.map_or(Some("[]"), list)?;
            splices.push((now.value.start()..now.value.end(), original.to_owned()));
        }
        (None, None) => {}
        (None, Some(_)) => return None,
    }
    splices.push((remote::with_comma(entry, index)?, String::new()));
    Some(splices)
}

fn prop<'o, 't>(object: &'o Object<'t>, key: &str) -> Option<&'o ObjectProp<'t>> {
    object
        .properties
        .iter()
        .find(|prop| prop.name.as_str() == key)
}

fn string<'o, 't>(object: &'o Object<'t>, key: &str) -> Option<&'o StringLit<'t>> {
    literal(&prop(object, key)?.value)
}

fn object<'o, 't>(object: &'o Object<'t>, key: &str) -> Option<&'o Object<'t>> {
    match &prop(object, key)?.value {
        Value::Object(inner) => Some(inner),
        _ => None,
    }
}

fn literal<'o, 't>(value: &'o Value<'t>) -> Option<&'o StringLit<'t>> {
    match value {
        Value::StringLit(literal) => Some(literal),
        _ => None,
    }
}

/// The arguments, none if the key is absent; `None` if they aren't a list of strings.
fn arguments<'o, 't>(entry: &'o Object<'t>) -> Option<Vec<&'o StringLit<'t>>> {
    match prop(entry, "args").map(|prop| &prop.value) {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list.elements.iter().map(literal).collect(),
        Some(_) => None,
    }
}

fn words<'o>(entry: &'o Object<'_>) -> Option<Vec<&'o str>> {
    let args = arguments(entry)?;
    Some(args.iter().map(|arg| arg.value.as_ref()).collect())
}

fn slice<'t>(text: &'t str, literal: &StringLit<'_>) -> Option<&'t str> {
    text.get(literal.range.start..literal.range.end)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
