//! The password of a video meeting: everybody has it who is invited, so passing it on is no theft.
//!
//! Only a password in a link of a known provider, one that is called a meeting's near such a link,
//! and the member beside `join_url` in what such a provider's tools return. What starts a meeting
//! as its host is none, and neither is a password that only stands near a link.

use std::ops::Range;

use crate::facts::host_of;
use crate::secret_words::SecretWords;

/// How far from a password a link is looked for, in bytes; and links looked at.
const NEAR: usize = 1024;
const MAX_LINKS: usize = 8;
/// The member that a link to join stands in. Source: Zoom's API.
const JOIN: &str = "\"join_url\"";

/// Whether the `value` that `name` is given is a meeting's password.
pub fn is_password(
    text: &str,
    name: &Range<usize>,
    value: &Range<usize>,
    words: &SecretWords,
) -> bool {
    let own = text.get(name.clone()).unwrap_or_default();
    words.names_password(own)
        && (in_link(before(text, value.start), words)
            || is_called(text, name, words) && leads_there(around(text, name, value), words)
            || is_member(text, name, value, words))
}

/// Whether what ends here is one address, at a provider.
fn in_link(before: &str, words: &SecretWords) -> bool {
    let ends = |char: char| char.is_whitespace() || "\"'<>`()".contains(char);
    let word = before.rsplit(ends).next().unwrap_or_default();
    let mut marks = word.matches("://");
    marks.next().is_some()
        && marks.next().is_none()
        && host_of(word).is_some_and(|host| words.is_meeting_host(host))
}

/// `Meeting password: …`, `"zoom_password": …`.
fn is_called(text: &str, name: &Range<usize>, words: &SecretWords) -> bool {
    let before = before(text, name.end);
    let phrase = before.rsplit(['\n', '"', ':', ',', '.']).next();
    let mut parts = phrase.unwrap_or_default().split([' ', '_', '-']).rev();
    parts.next();
    parts.next().is_some_and(|word| words.names_meeting(word))
}

/// Whether name and value are a member of the object that has a link to join, too. A text within
/// JSON has its quotes escaped, so what is told there is no member.
fn is_member(text: &str, name: &Range<usize>, value: &Range<usize>, words: &SecretWords) -> bool {
    let (from, to) = (before(text, name.start), after(text, value.end));
    let object = from.rsplit(['{', '}']).next().unwrap_or_default();
    let rest = to.split(['{', '}']).next().unwrap_or_default();
    let plain = |part: &str| !part.contains("\\\"");
    let joins = |part: &str| {
        let link = part.split_once(JOIN).map_or("", |(_, rest)| rest);
        let link = link.trim_start_matches([' ', ':', '"']);
        let link = link.split('"').next().unwrap_or_default();
        host_of(link).is_some_and(|host| words.is_meeting_host(host))
    };
    object.ends_with('"') && plain(object) && plain(rest) && (joins(object) || joins(rest))
}

fn leads_there(text: &str, words: &SecretWords) -> bool {
    let links = text.match_indices("://").take(MAX_LINKS);
    let mut links = links.filter_map(|(at, _)| text.get(at..));
    links.any(|link| {
        let end = link.find(char::is_whitespace).unwrap_or(link.len());
        let host = link.get(..end).and_then(host_of);
        host.is_some_and(|host| words.is_meeting_host(host))
    })
}

fn around<'t>(text: &'t str, name: &Range<usize>, value: &Range<usize>) -> &'t str {
    let from = name.start - before(text, name.start).len();
    let to = value.end + after(text, value.end).len();
    text.get(from..to).unwrap_or_default()
}

fn before(text: &str, end: usize) -> &str {
    let mut from = end.saturating_sub(NEAR);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..end).unwrap_or_default()
}

fn after(text: &str, from: usize) -> &str {
    let mut end = text.len().min(from + NEAR);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(from..end).unwrap_or_default()
}
