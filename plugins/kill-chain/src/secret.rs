//! Finds values that look like secrets in what a tool returned.
//!
//! Precision before recall: a commit hash, a cursor or a placeholder must not become a secret. A
//! credential file as a whole is known by its place (`facts`), not here.

use std::ops::Range;

use crate::secret_words::SecretWords;
use crate::words::{Kind, Word};

/// Shortest value taken from a `name = value` pair. Below that prints say little.
const MIN_VALUE: usize = 8;
/// Longest name of such a pair.
const MAX_NAME: usize = 48;
/// What may stand between them, in bytes.
const MAX_BETWEEN: usize = 6;
/// Shortest signed token of three parts.
const MIN_JWT: usize = 40;
/// A text with more secrets than this is a dump; the first ones represent it.
const MAX_FOUND: usize = 64;
const BEGIN: &[u8] = b"-----BEGIN";

/// Looks for secrets in one text, word by word. A value lies in one word; what names it is looked
/// for before it only when the value itself could be one.
pub struct Hunt<'a> {
    text: &'a str,
    words: &'a SecretWords,
    blocks: Vec<Range<usize>>,
    values: Vec<Range<usize>>,
    /// Where the last block of a key ended.
    block_end: usize,
}

impl<'a> Hunt<'a> {
    pub fn new(text: &'a str, words: &'a SecretWords) -> Self {
        Self {
            text,
            words,
            blocks: Vec::new(),
            values: Vec::new(),
            block_end: 0,
        }
    }

    /// Looks at the next word.
    #[inline]
    pub fn look(&mut self, word: &Word) {
        let least = match word.kind {
            // Letters alone can have a shape, but are no value.
            Kind::Letters => self.words.shortest(),
            Kind::Plain => MIN_VALUE,
            _ => return,
        };
        if word.end - word.at >= least {
            self.look_closely(word);
        }
    }

    /// Byte ranges of the values that look secret.
    pub fn found(self) -> impl Iterator<Item = Range<usize>> {
        self.blocks.into_iter().chain(self.values).take(MAX_FOUND)
    }

    #[inline(never)]
    fn look_closely(&mut self, word: &Word) {
        let bytes = self.text.as_bytes();
        let own = bytes.get(word.at..word.end).unwrap_or_default();
        if own.ends_with(BEGIN) && bytes.get(word.end) == Some(&b' ') {
            self.block(word.end - BEGIN.len());
        }
        let mut at = word.at;
        while let Some(token) = next_token(bytes, at, word.end) {
            at = token.end;
            if self.values.len() < MAX_FOUND && self.is_secret(&token) {
                self.values.push(token);
            }
        }
    }

    fn is_secret(&self, token: &Range<usize>) -> bool {
        if token.len() < MIN_VALUE.min(self.words.shortest()) {
            return false;
        }
        let value = self.text.get(token.clone()).unwrap_or_default();
        let shaped = token.len() >= self.words.shortest().min(MIN_JWT)
            && (self.words.has_shape(value) || is_jwt(value));
        shaped
            || (is_value(value) && self.is_named(token.start) && !self.words.is_placeholder(value))
    }

    /// Whether what stands before `value` makes it the value of a name for secrets.
    fn is_named(&self, value: usize) -> bool {
        let bytes = self.text.as_bytes();
        let ends = |at: usize, inside: bool, most: usize| {
            let from = at.saturating_sub(most);
            let before = bytes.get(from..at).unwrap_or_default();
            let last = before.iter().rposition(|&byte| in_token(byte) == inside);
            last.map(|last| from + last + 1)
        };
        let Some(end) = ends(value, true, MAX_BETWEEN + 1) else {
            return false;
        };
        if !assigns(bytes.get(end..value).unwrap_or_default()) {
            return false;
        }
        let name = ends(end, false, MAX_NAME + 1).unwrap_or(end.saturating_sub(MAX_NAME + 1))..end;
        let name = self.text.get(name).filter(|name| name.len() <= MAX_NAME);
        name.is_some_and(|name| self.words.names_secret(name))
    }

    /// Notes the block of a key that begins at `start`.
    fn block(&mut self, start: usize) {
        if start < self.block_end || self.blocks.len() >= MAX_FOUND {
            return;
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let end = rest.find("-----END ").unwrap_or(rest.len()) + start;
        if line
            .get(..line.len().min(64))
            .is_some_and(|line| line.contains("PRIVATE KEY"))
        {
            self.blocks.push(start + line.len().min(end - start)..end);
        }
        self.block_end = end.max(start + BEGIN.len() + 1);
    }
}

/// The token that begins at `from` or later, before `end`.
fn next_token(bytes: &[u8], from: usize, end: usize) -> Option<Range<usize>> {
    let rest = bytes.get(from..end)?;
    let start = rest.iter().position(|&byte| in_token(byte))?;
    let rest = rest.get(start..)?;
    let length = rest.iter().position(|&byte| !in_token(byte));
    let start = from + start;
    Some(start..length.map_or(end, |length| start + length))
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
    between.len() <= MAX_BETWEEN
        && between.iter().any(|byte| matches!(byte, b'=' | b':'))
        && !between.contains(&b'\n')
}

/// Whether it could be a secret, by its characters alone.
fn is_value(value: &str) -> bool {
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
    value.len() >= MIN_VALUE && letters && others && kinds >= 5 && !path
}

fn is_jwt(value: &str) -> bool {
    value.starts_with("eyJ")
        && value.len() >= MIN_JWT
        && value.bytes().filter(|&byte| byte == b'.').count() == 2
}
