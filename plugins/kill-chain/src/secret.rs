//! Finds values that look like secrets in what a tool returned.
//!
//! Precision before recall: a commit hash, a cursor or a placeholder must not become a secret. A
//! credential file as a whole is known by its place (`facts`), not here.

use std::ops::Range;

use crate::lexicon::SecretWords;

/// Shortest value taken from a `name = value` pair. Below that prints say little.
const MIN_VALUE: usize = 8;
/// Shortest signed token of three parts.
const MIN_JWT: usize = 40;
/// A text with more secrets than this is a dump; the first ones represent it.
const MAX_FOUND: usize = 64;

/// Byte ranges of values in `text` that look secret.
pub fn find(text: &str, words: &SecretWords) -> Vec<Range<usize>> {
    let mut found = key_blocks(text);
    let mut previous: Option<Range<usize>> = None;
    for token in tokens(text) {
        if found.len() >= MAX_FOUND {
            break;
        }
        let named = previous
            .as_ref()
            .filter(|key| {
                let between = text.as_bytes().get(key.end..token.start);
                between.is_some_and(assigns)
            })
            .and_then(|key| text.get(key.clone()))
            .is_some_and(|key| words.names_secret(key));
        if named || token.len() >= words.shortest().min(MIN_JWT) {
            let value = text.get(token.clone()).unwrap_or_default();
            if words.has_shape(value) || is_jwt(value) || (named && is_value(value, words)) {
                found.push(token.clone());
            }
        }
        previous = Some(token);
    }
    found
}

fn key_blocks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text
        .get(from..)
        .and_then(|rest| rest.find("-----BEGIN "))
        .map(|at| at + from)
    {
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let end = rest.find("-----END ").unwrap_or(rest.len()) + start;
        if line
            .get(..line.len().min(64))
            .is_some_and(|line| line.contains("PRIVATE KEY"))
            && found.len() < MAX_FOUND
        {
            found.push(start + line.len().min(end - start)..end);
        }
        from = end.max(start + 11);
    }
    found
}

fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        let start = from + bytes.get(from..)?.iter().position(|&byte| in_token(byte))?;
        let length = bytes.get(start..)?.iter().position(|&byte| !in_token(byte));
        from = length.map_or(bytes.len(), |length| start + length);
        Some(start..from)
    })
}

fn in_token(byte: u8) -> bool {
    IN_TOKEN
        .get(usize::from(byte))
        .is_some_and(|inside| *inside)
}

/// Asked of every byte, so it is looked up.
const IN_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = matches!(
                byte as u8,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' | b'+' | b'~'
                    | b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*'
            );
        }
        byte += 1;
    }
    table
};

/// Whether `between` makes a pair of its neighbours: `=`, `:`, `": "`.
fn assigns(between: &[u8]) -> bool {
    between.len() <= 6
        && between.iter().any(|byte| matches!(byte, b'=' | b':'))
        && !between.contains(&b'\n')
}

fn is_value(value: &str, words: &SecretWords) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let others = value.bytes().any(|byte| !byte.is_ascii_alphabetic());
    let mut distinct = [false; 256];
    let kinds = value
        .bytes()
        .filter(|&byte| {
            distinct
                .get_mut(usize::from(byte))
                .is_some_and(|seen| !std::mem::replace(seen, true))
        })
        .count();
    let path = value.starts_with(['/', '.', '~', '$']);
    value.len() >= MIN_VALUE
        && letters
        && others
        && kinds >= 5
        && !path
        && !words.is_placeholder(value)
}

fn is_jwt(value: &str) -> bool {
    value.starts_with("eyJ")
        && value.len() >= MIN_JWT
        && value.bytes().filter(|&byte| byte == b'.').count() == 2
}
