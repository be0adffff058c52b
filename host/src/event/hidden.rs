//! Which texts of an event are secrets by where they stand, whatever they look like.
//!
//! A value alone does not say that it is a password; its key, the option before it, or the name
//! beside it does. Used for what is kept and shown only.

use std::collections::HashSet;

use super::named::{is_count, is_secret_name};
use super::secret::secrets;
use super::{Asset, Event, Role, Text};

/// The secrets among the texts of one event.
pub struct Hidden<'e> {
    event: &'e Event,
    texts: HashSet<usize>,
}

impl<'e> Hidden<'e> {
    pub fn of(event: &'e Event) -> Self {
        let texts = &event.texts;
        let pairs: HashSet<&str> = texts
            .iter()
            .filter(|text| text.role != Role::Key && text.original.len() <= MAX_NAME_BYTES)
            .filter_map(|text| {
                let (holder, key) = text.pointer.rsplit_once('/')?;
                let names = ["name", "key", "header", "variable"];
                let names = names.iter().any(|name| name.eq_ignore_ascii_case(key));
                (names && is_secret_name(&text.original)).then_some(holder)
            })
            .collect();
        let mut before: Option<&Text> = None;
        let hidden = texts.iter().enumerate().filter_map(|(index, text)| {
            let last = before.replace(text);
            let is_value = match &text.role {
                Role::Key | Role::Name | Role::Description | Role::Uri => false,
                Role::Other(word) => word != "protocol",
                _ => true,
            };
            let hidden = is_value
                && (is_below_secret(&text.pointer, &text.original)
                    || is_paired(&text.pointer, &pairs)
                    || last.is_some_and(|last| is_given(last, text)));
            hidden.then_some(index)
        });
        let texts = hidden.collect();
        Self { event, texts }
    }

    pub fn has(&self, text: usize) -> bool {
        self.texts.contains(&text)
    }

    /// Whether an asset would tell a secret. What is touched must be seen, so a known place of
    /// credentials and what is spelled as a path or an address stay.
    pub fn tells(&self, asset: &Asset) -> bool {
        let told = |index: &usize| {
            let text = self.event.texts.get(*index);
            let text = text.map_or("", |text| text.original.as_str());
            let from = asset.text == Some(*index);
            // The words of a launch don't say which of them an asset is from.
            let from =
                from || asset.text.is_none() && !text.is_empty() && asset.value.ends_with(text);
            from && !is_place(text)
        };
        !asset.credential && self.texts.iter().any(told)
    }
}

/// Whether a key on the way to a value, or its own, says that it is a secret.
pub fn is_below_secret(pointer: &str, value: &str) -> bool {
    let mut before = "";
    let mut keys = pointer.split('/');
    while let Some(key) = keys.next() {
        let held = std::mem::replace(&mut before, key);
        // Ids of requests, chosen by their sender; what they ask is no secret.
        let is_id = ["inputRequests", "inputResponses"].contains(&held);
        if is_id || !is_secret_name(key) || is_count(key, value) {
            continue;
        }
        let mut below = keys.clone();
        // A schema only describes what is called so, but for what it holds of it.
        let described = SCHEMAS.contains(&held) && below.clone().next().is_some();
        if !described || below.any(|key| VALUES.contains(&key)) {
            return true;
        }
    }
    false
}

fn is_paired(pointer: &str, pairs: &HashSet<&str>) -> bool {
    pointer
        .rsplit_once('/')
        .is_some_and(|(holder, key)| key.eq_ignore_ascii_case("value") && pairs.contains(holder))
}

/// Whether a word of a list is what the option before it is given: `--token`, `abc`.
fn is_given(option: &Text, text: &Text) -> bool {
    let list = |text: &'_ Text| {
        text.pointer
            .rsplit_once('/')
            .map(|(list, at)| (list.len(), at.parse::<usize>().is_ok()))
    };
    let follows = option.original.starts_with('-')
        && option.original.len() <= MAX_NAME_BYTES
        && list(option) == list(text)
        && list(text).is_some_and(|(length, item)| {
            item && option.pointer.get(..length) == text.pointer.get(..length)
        });
    if !follows {
        return false;
    }
    let near = text
        .original
        .chars()
        .take(MAX_NAME_BYTES)
        .collect::<String>();
    let line = format!("{} {near}", option.original);
    secrets(&line)
        .iter()
        .any(|(span, kind)| OPTIONS.contains(kind) && span.start > option.original.len())
}

/// A path or an address as people write it, no secret that begins with a slash.
fn is_place(text: &str) -> bool {
    let drive = text
        .get(1..3)
        .is_some_and(|mark| mark == ":\\" || mark == ":/");
    text.starts_with("~/")
        || text
            .strip_prefix('/')
            .is_some_and(|rest| rest.contains('/'))
        || text.contains("://")
        || drive
}

const SCHEMAS: &[&str] = &["properties", "patternProperties", "$defs", "definitions"];
const VALUES: &[&str] = &["default", "const", "example", "examples", "value"];
/// Kinds of secrets that an option makes of the word behind it.
const OPTIONS: &[&str] = &["named-secret", "user-password"];
const MAX_NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: &str, innocent: &str) {
        assert!(is_below_secret(secret, "12ab"), "{secret} is one");
        assert!(!is_below_secret(innocent, "12ab"), "{innocent} is none");
    }

    #[test]
    fn a_key_names_what_is_below_it() {
        check("/params/arguments/password", "/params/arguments/path");
        check(
            "/params/arguments/login/api_key",
            "/params/arguments/login/user",
        );
        check(
            "/params/arguments/passwords/0",
            "/params/arguments/passwordless/0",
        );
        check(
            "/params/arguments/json/password",
            "/params/arguments/json/pageToken",
        );
        check(
            "/result/structuredContent/credentials/user",
            "/result/nextCursor",
        );
        check("/env/GITHUB_TOKEN", "/env/PATH");
        let schema = "/result/tools/0/inputSchema/properties/password";
        check(
            &format!("{schema}/default"),
            &format!("{schema}/description"),
        );
        check(
            "/a/properties/password",
            "/params/inputRequests/secret/params/message",
        );
        assert!(!is_below_secret("/params/arguments/max_tokens", "64000"));
    }

    #[test]
    fn a_place_is_no_secret() {
        assert!(is_place("~/.aws/x") && is_place("/etc/app/key") && is_place("C:\\keys\\a"));
        assert!(!is_place("/hunter22") && !is_place("hunter/22") && !is_place("a:b"));
    }
}
