//! Which host a secret belongs to, by where it stands; and whether a call only passes on the address
//! that it is part of.

use clawdefender_sdk::Event;

use crate::KillChain;
use crate::action::{Action, Actions, flag};
use crate::facts::{self, Facts, host_of};
use crate::flow::Leak;
use crate::past::Past;

/// How far from a secret the address that it belongs to may stand, in bytes.
const NEAR: usize = 1024;
/// Objects around a secret that are looked at: headers stand in one of their own.
const OBJECTS: usize = 3;
/// Longest text that is looked at for links. Chosen: longer ones may carry it where nobody looks.
const MAX_TEXT: usize = 16 * 1024;
/// What the name of a token has that opens more than its link.
const KEYS: [&str; 7] = [
    "access", "auth", "refresh", "api", "bearer", "session", "id_",
];

/// Parts of addresses by which somebody gets into an account: whoever has one is its owner.
const ACCOUNT: [&str; 12] = [
    "reset", "passw", "verif", "confirm", "activat", "login", "signin", "sign-in", "magic",
    "recover", "auth", "sso",
];

impl KillChain {
    /// Hash of the host of the address that `at` lies in; 0 when it lies in none.
    pub(crate) fn host_around(&self, text: &str, at: usize) -> u32 {
        let start = text.get(..at).and_then(|before| before.rfind(ends));
        let word = text
            .get(start.map_or(0, |start| start + 1)..)
            .unwrap_or_default();
        let word = word
            .trim_start_matches(ends)
            .split(ends)
            .next()
            .unwrap_or_default();
        let host = word.find("://").and_then(|_| host_of(word));
        host.map_or(0, |host| self.host(host))
    }

    /// Hash of the only host that a member such as `"url"` names in the objects around `at`, the
    /// innermost that name any; outside of objects, of all addresses in its line. 0 when there is
    /// none, or several.
    pub(crate) fn host_beside(&self, text: &str, at: usize) -> u32 {
        let from = text.ceil_char_boundary(at.saturating_sub(NEAR));
        let to = text.floor_char_boundary((at + NEAR).min(text.len()));
        let before = text.get(from..at).unwrap_or_default();
        let after = text.get(at..to).unwrap_or_default();
        let opens = levels(before.char_indices().rev(), '{');
        let mut objects = opens.zip(levels(after.char_indices(), '}')).peekable();
        if objects.peek().is_none() {
            let (start, end) = line(before, after);
            let parts = before.get(start..).into_iter().chain(after.get(..end));
            let words = parts.flat_map(|part| part.split(ends));
            return self.only_host(words.filter(|word| word.contains("://")));
        }
        for (start, end) in objects.take(OBJECTS) {
            let inner = before.get(start + 1..).into_iter().chain(after.get(..end));
            let own = members(inner);
            let marks = own.match_indices("://");
            let named = marks.filter_map(|(mark, _)| named_address(&own, mark));
            let leads = |(key, _): &(&str, &str)| {
                self.lexicon.is_host_key(key) || self.lexicon.usage.is_route_key(key)
            };
            let mut addresses = named.filter(leads).map(|(_, address)| address).peekable();
            if addresses.peek().is_some() {
                return self.only_host(addresses);
            }
        }
        0
    }

    /// Hash of the host of all these addresses.
    fn only_host<'t>(&self, addresses: impl Iterator<Item = &'t str>) -> u32 {
        let mut hosts = addresses.map(|word| host_of(word).map_or(0, |host| self.host(host)));
        let first = hosts.next().unwrap_or(0);
        match hosts.all(|host| host == first) {
            true => first,
            false => 0,
        }
    }

    fn host(&self, host: &str) -> u32 {
        self.printer.word(&host.to_ascii_lowercase())
    }

    /// Whether a message to a person has the secret only as the token of the very link that it came
    /// in, which leads into no account: links are made to be passed on.
    pub(crate) fn is_link(&self, event: &Event, facts: &Facts, leak: &Leak) -> bool {
        let [part, _] = leak.hosts;
        if part == 0 || leak.is_short || !facts.is_talk() || !facts.hosts.is_empty() {
            return false;
        }
        leak.texts.iter().all(|text| {
            let text = event.texts.get(usize::from(*text));
            let text = text.map(facts::seen).filter(|text| text.len() <= MAX_TEXT);
            let bare = text.map(|text| self.without_tokens(text, part));
            bare.is_some_and(|bare| !self.carries(&bare, leak))
        })
    }

    /// The text without the tokens of links to one host.
    fn without_tokens(&self, text: &str, host: u32) -> String {
        let words = text.split_inclusive(ends).map(|word| {
            let is_own = word.starts_with("http")
                && word.contains("://")
                && host_of(word).is_some_and(|own| self.host(own) == host);
            let (address, query) = word.split_once('?').filter(|_| is_own)?;
            let lower = word.to_ascii_lowercase();
            if ACCOUNT.iter().any(|part| lower.contains(part)) {
                return None;
            }
            let fields = query.split('&').filter(|field| !is_token(field));
            let mut bare = address.to_owned();
            fields.for_each(|field| bare.extend(["?", field]));
            Some(bare)
        });
        let whole = text.split_inclusive(ends);
        let all = words.zip(whole);
        all.flat_map(|(bare, whole)| [bare.unwrap_or_else(|| whole.to_owned()), " ".to_owned()])
            .collect()
    }

    /// Whether a tool that shares things gave it.
    pub(crate) fn is_shared(&self, past: &Past<'_>, leak: &Leak) -> bool {
        let memo = |at: usize| past.memos.get(at).and_then(Option::as_ref);
        let Some(answer) = memo(leak.at) else {
            return false;
        };
        let shares: Actions = [Action::Permission, Action::Send].into_iter().collect();
        let before = past.memos.iter().take(leak.at).flatten();
        let mut asked = before.filter(|memo| memo.tool == answer.tool);
        let asked = asked.next_back().filter(|memo| !memo.is(flag::RESULT));
        let mails = answer.actions.has(Action::ReadUntrusted);
        !mails && asked.is_some_and(|call| call.actions.meets(shares))
    }
}

/// What an address ends at.
fn ends(char: char) -> bool {
    char.is_whitespace() || "\"'<>`()".contains(char)
}

/// `token=…`, `secret_token=…`: the field of a link that opens what it leads to.
fn is_token(field: &str) -> bool {
    let name = field.split_once('=').map_or("", |(name, _)| name);
    let name = name.to_ascii_lowercase();
    name.ends_with("token") && !KEYS.iter().any(|key| name.contains(key))
}

/// Where the objects begin or end that are open where the characters start, from the inside.
fn levels(chars: impl Iterator<Item = (usize, char)>, mark: char) -> impl Iterator<Item = usize> {
    let other = if mark == '{' { '}' } else { '{' };
    let mut open = 0_usize;
    chars.filter_map(move |(at, char)| {
        if char == other {
            open += 1;
        } else if char == mark {
            let is_outer = open == 0;
            open = open.saturating_sub(1);
            return is_outer.then_some(at);
        }
        None
    })
}

/// What an object holds itself, without the objects in it: who writes a comment writes none of the
/// members beside it.
fn members<'t>(parts: impl Iterator<Item = &'t str>) -> String {
    let mut depth = 0_usize;
    let own = parts.flat_map(str::chars).filter(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    own.collect()
}

/// The name and the value of a member that is one address, with its `://` at `mark`; quotes may be
/// escaped.
fn named_address(text: &str, mark: usize) -> Option<(&str, &str)> {
    let before = text.get(..mark)?;
    let open = before.rfind('"')?;
    let scheme = before.get(open + 1..)?;
    let value = text.get(open + 1..)?.split(['"', '\\']).next()?;
    let gap = |char: char| char.is_whitespace() || char == '\\';
    let name = before.get(..open)?.trim_end_matches(gap);
    let name = name.strip_suffix(':')?.trim_end_matches(gap);
    let name = name.strip_suffix('"')?.trim_end_matches(gap);
    let is_whole = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !value.contains(char::is_whitespace);
    is_whole.then_some((name.rsplit('"').next()?, value))
}

/// Where the line around a place begins in what is before it, and ends behind it. One that ends in
/// `\` goes on.
fn line(before: &str, after: &str) -> (usize, usize) {
    let breaks = |part: &str, at: usize| {
        let line = part.get(..at).unwrap_or_default().trim_end_matches('\r');
        !line.ends_with('\\')
    };
    let start = before
        .rmatch_indices('\n')
        .find(|(at, _)| breaks(before, *at));
    let end = after.match_indices('\n').find(|(at, _)| breaks(after, *at));
    (
        start.map_or(0, |(at, _)| at + 1),
        end.map_or(after.len(), |(at, _)| at),
    )
}
