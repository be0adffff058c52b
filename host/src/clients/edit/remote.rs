//! Servers that a client reaches by URL: turned into a command of ours that does, and back.
//!
//! Only words change places, so everything between them stays. `"url": U` becomes
//! `"command": us, "args" :[…, "--url", U, "--entry", …]`, and `"headers"` becomes `"env"`: its
//! values, which are secrets, stay where they are, and each name moves into the arguments beside
//! the variable that takes its place. `--entry` says how the entry named its URL and its type.

use std::ops::Range;
use std::path::Path;

use super::{Splice, arguments, literal, object, prop, quoted, slice, string};
use crate::upstream::Address;
use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

/// Keys that name a URL, in this order of trust. Source: documentation of Claude Code, Cursor,
/// Windsurf (`serverUrl`) and Gemini CLI (`httpUrl`), as of November 2026.
const URL_KEYS: [&str; 3] = ["url", "serverUrl", "httpUrl"];

/// What a client does with a server however it is reached. Anything else keeps an entry as it is.
const EITHER_WAY: [&str; 7] = [
    "alwaysAllow",
    "autoApprove",
    "description",
    "disabled",
    "disabledTools",
    "enabled",
    "timeout",
];

const VARIABLE: &str = "MCP_HEADER_";

/// Names that the bridge sets itself and so refuses.
const OWN_HEADERS: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

struct Remote<'o, 't> {
    key: &'static str,
    url: &'o ObjectProp<'t>,
    kind: Option<&'o ObjectProp<'t>>,
    headers: Option<&'o ObjectProp<'t>>,
    transport: Option<&'static str>,
}

/// Whether an entry is reached by URL at all.
pub(super) fn is_remote(entry: &Object<'_>) -> bool {
    URL_KEYS.iter().any(|key| prop(entry, key).is_some())
}

/// The URL of an entry that is reached by one.
pub(super) fn url<'t>(entry: &'t Object<'_>) -> Result<&'t str, &'static str> {
    let mut urls = URL_KEYS.iter().filter_map(|key| prop(entry, key));
    let url = urls.next().ok_or("it has neither a command nor a URL")?;
    if urls.next().is_some() {
        return Err("it has more than one URL");
    }
    let url = literal(&url.value).ok_or("its URL is no text")?;
    Ok(url.value.as_ref())
}

/// Why an entry can't be turned into a command; `None` if it can.
pub(super) fn obstacle(text: &str, entry: &Object<'_>) -> Option<&'static str> {
    read(text, entry).err()
}

/// Whether these are arguments of ours for a server over HTTP.
pub(super) fn is_wrapped(args: &[&str]) -> bool {
    matches!(args, ["proxy", "--server", _, "--url", _, ..])
}

pub(super) fn wrap(
    text: &str,
    server: &str,
    entry: &Object<'_>,
    exe: &Path,
) -> Option<Vec<Splice>> {
    let remote = read(text, entry).ok()?;
    let url = literal(&remote.url.value)?;
    let kind = remote.kind.and_then(|kind| literal(&kind.value));
    let how = match kind {
        Some(kind) => quoted(&format!("{}:{}", remote.key, kind.value)),
        None => quoted(remote.key),
    };
    let mut args = vec![
        quoted("proxy"),
        quoted("--server"),
        quoted(server),
        quoted("--url"),
        slice(text, url)?.to_owned(),
        quoted("--entry"),
        how,
    ];
    if let Some(transport) = remote.transport {
        args.extend([quoted("--transport"), quoted(transport)]);
    }
    let mut splices = Vec::new();
    if let Some(headers) = remote.headers {
        splices.push((key_range(headers), quoted("env")));
        for (n, header) in members(headers)?.iter().enumerate() {
            let variable = format!("{VARIABLE}{n}");
            let name = text.get(key_range(header))?;
            let name = name.strip_suffix('"')?;
            args.extend([quoted("--header-env"), format!("{name}={variable}\"")]);
            splices.push((key_range(header), quoted(&variable)));
        }
    }
    if let Some(kind) = kind {
        splices.push((kind.range.start..kind.range.end, quoted("stdio")));
    }
    splices.push((key_range(remote.url), quoted("command")));
    let us = quoted(exe.to_str()?);
    splices.push((
        url.range.start..url.range.end,
        format!("{us}{}{}]", super::ADDED_ARGS, args.join(", ")),
    ));
    Some(splices)
}

/// Undoes [`wrap`], also after a client has written the entry anew.
pub(super) fn unwrap(text: &str, entry: &Object<'_>) -> Option<Vec<Splice>> {
    let at = |key: &str| {
        entry
            .properties
            .iter()
            .position(|prop| prop.name.as_str() == key)
    };
    let (command_at, args_at) = (at("command")?, at("args")?);
    let (command, args) = (
        entry.properties.get(command_at)?,
        entry.properties.get(args_at)?,
    );
    let words = arguments(entry)?;
    let after = |flag: &str| {
        let at = words.iter().position(|word| word.value == flag)?;
        words.get(at + 1)
    };
    let url = slice(text, after("--url")?)?;
    let how = &after("--entry")?.value;
    let (key, kind) = match how.split_once(':') {
        Some((key, kind)) => (key, Some(kind)),
        None => (how.as_ref(), None),
    };
    // What came beside us since would be there twice.
    if prop(entry, key).is_some()
        || (prop(entry, "env").is_some() && prop(entry, "headers").is_some())
    {
        return None;
    }
    let mut splices = vec![(key_range(command), quoted(key))];
    if args_at == command_at + 1 {
        splices.push((command.value.start()..args.range.end, url.to_owned()));
    } else {
        splices.push((
            command.value.range().start..command.value.range().end,
            url.to_owned(),
        ));
        splices.push((with_comma(entry, args_at)?, String::new()));
    }
    if let (Some(kind), Some(now)) = (kind, string(entry, "type")) {
        splices.push((now.range.start..now.range.end, quoted(kind)));
    }
    if let Some(env) = prop(entry, "env") {
        let names: Vec<(&str, String)> = words
            .iter()
            .zip(words.iter().skip(1))
            .filter(|(flag, _)| flag.value == "--header-env")
            .filter_map(|(_, header)| {
                let (name, _) = slice(text, header)?.rsplit_once('=')?;
                let (_, variable) = header.value.rsplit_once('=')?;
                Some((variable, format!("{name}\"")))
            })
            .collect();
        splices.push((key_range(env), quoted("headers")));
        let name_of = |member: &ObjectProp<'_>| {
            let variable = member.name.as_str();
            let found = names.iter().find(|(known, _)| *known == variable);
            found.map(|(_, name)| name.clone())
        };
        let members = members(env)?;
        if members.iter().all(|member| name_of(member).is_some()) {
            for member in members {
                splices.push((key_range(member), name_of(member)?));
            }
        } else {
            // Somebody added variables since; they were for us and are no headers.
            let kept: Vec<String> = members
                .iter()
                .filter_map(|member| {
                    let value = text.get(member.value.start()..member.value.end())?;
                    Some(format!("{}: {value}", name_of(member)?))
                })
                .collect();
            splices.push((
                env.value.start()..env.value.end(),
                format!("{{ {} }}", kept.join(", ")),
            ));
        }
    }
    Some(splices)
}

fn read<'o, 't>(text: &str, entry: &'o Object<'t>) -> Result<Remote<'o, 't>, &'static str> {
    let mut remote = None;
    let (mut kind, mut headers) = (None, None);
    for property in &entry.properties {
        let name = property.name.as_str();
        if text.get(key_range(property)) != Some(quoted(name).as_str()) {
            return Err("it has a key that is written with escapes");
        }
        if let Some(key) = URL_KEYS.iter().find(|key| **key == name) {
            if remote.replace((*key, property)).is_some() {
                return Err("it has more than one URL");
            }
        } else if name == "type" {
            kind = Some(property);
        } else if name == "headers" {
            headers = Some(property);
        } else if !EITHER_WAY.contains(&name) {
            return Err("it has settings, such as a login, that only the client itself can use");
        }
    }
    let (key, url) = remote.ok_or("it has no URL")?;
    let address = literal(&url.value).ok_or("its URL is no text")?;
    // Clients replace variables in arguments as they do in URLs.
    if !address.value.contains("${") && Address::parse(&address.value).is_err() {
        return Err("its URL is neither https nor on this machine");
    }
    let word = match kind {
        None => None,
        Some(kind) => {
            let word = literal(&kind.value).ok_or("its type is no text")?;
            if slice(text, word) != Some(quoted(&word.value).as_str()) {
                return Err("its type is written with escapes");
            }
            Some(word.value.as_ref())
        }
    };
    let transport = match (word, key) {
        (Some("sse"), _) => Some("sse"),
        (Some("http" | "streamable-http" | "streamableHttp"), _) | (None, "httpUrl") => {
            Some("http")
        }
        (None, _) => None,
        (Some(_), _) => return Err("its type is not known"),
    };
    if let Some(headers) = headers {
        check_headers(headers)?;
    }
    Ok(Remote {
        key,
        url,
        kind,
        headers,
        transport,
    })
}

fn check_headers(headers: &ObjectProp<'_>) -> Result<(), &'static str> {
    let mut seen: Vec<String> = Vec::new();
    for header in members(headers).ok_or("its headers are no object")? {
        if literal(&header.value).is_none() {
            return Err("a header's value is no text");
        }
        let name = header.name.as_str().to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err("a header's name can't be sent");
        }
        if OWN_HEADERS.contains(&name.as_str()) || name.starts_with("mcp-") {
            return Err("it sets a header of the connection or the protocol");
        }
        if seen.contains(&name) {
            return Err("it has a header twice");
        }
        seen.push(name);
    }
    Ok(())
}

fn members<'o, 't>(property: &'o ObjectProp<'t>) -> Option<&'o [ObjectProp<'t>]> {
    match &property.value {
        Value::Object(object) => Some(&object.properties),
        _ => None,
    }
}

fn key_range(property: &ObjectProp<'_>) -> Range<usize> {
    property.name.start()..property.name.end()
}

/// A member and the comma that joins it: the one before, or the one after if it comes first.
pub(super) fn with_comma(object: &Object<'_>, index: usize) -> Option<Range<usize>> {
    let member = object.properties.get(index)?;
    let before = index
        .checked_sub(1)
        .and_then(|at| object.properties.get(at));
    Some(match (before, object.properties.get(index + 1)) {
        (Some(before), _) => before.range.end..member.range.end,
        (None, Some(next)) => member.range.start..next.range.start,
        (None, None) => member.range.start..member.range.end,
    })
}

/// The names of the headers that an entry sends, if it sends any.
pub(super) fn sends_headers(entry: &Object<'_>) -> bool {
    object(entry, "headers").is_some_and(|headers| !headers.properties.is_empty())
}

#[cfg(test)]
mod tests;
