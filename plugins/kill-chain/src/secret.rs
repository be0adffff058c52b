//! Finds values that look like secrets in what a tool returned.
//!
//! Precision before recall: a commit hash, a cursor or a placeholder must not become a secret. A
//! credential file as a whole is known by its place (`facts`), not here.

mod invitation;
mod number;
mod scheme;
mod value;

use std::ops::Range;

use value::{is_code, is_passphrase, is_plain_words, is_value};

pub use number::Number;
pub use value::{is_environment, is_random};

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
/// How far before a value a sentence may name it, in bytes.
const MAX_SAID: usize = 80;
/// Words between a secret and its name in a sentence.
const SAYING: [&str; 9] = [
    "is", "is:", "ist", "lautet", "est", "es", "to", "was", "now",
];
/// Longest text that is looked at for words that open a wallet, and how many there must be.
/// Source: BIP 39 has 12 to 24 words of 3 to 8 letters.
const MAX_PHRASE_TEXT: usize = 4 * 1024;
const MIN_PHRASE: usize = 12;
const BEGIN: &[u8] = b"-----BEGIN";
/// Numbers of cards and accounts of one text: more of them are a dump.
const MAX_NUMBERS: usize = 16;

/// Looks for secrets in one text, word by word. A value lies in one word; what names it is looked
/// for before it only when the value itself could be one.
pub struct Hunt<'a> {
    text: &'a str,
    words: &'a SecretWords,
    /// The text was asked of a place for secrets: what looks random needs no name.
    asked: bool,
    blocks: Vec<Range<usize>>,
    values: Vec<Range<usize>>,
    numbers: Vec<(Range<usize>, Number)>,
    /// Where the last block of a key ended.
    block_end: usize,
}

impl<'a> Hunt<'a> {
    pub fn new(text: &'a str, words: &'a SecretWords, asked: bool) -> Self {
        Self {
            text,
            words,
            asked,
            blocks: Vec::new(),
            values: Vec::new(),
            numbers: Vec::new(),
            block_end: 0,
        }
    }

    /// Looks at the next word.
    #[inline]
    pub fn look(&mut self, word: &Word) {
        let least = match word.kind {
            // Letters alone can have a shape or be a password.
            Kind::Letters => self.words.shortest(),
            Kind::Plain => MIN_VALUE,
            _ => return,
        };
        if word.end - word.at >= least {
            self.look_closely(word);
        } else if word.kind == Kind::Plain {
            self.number(word.bare_range().0);
        }
    }

    /// Notes the number of a card or account that begins at `at`.
    #[inline]
    fn number(&mut self, at: usize) {
        let bytes = self.text.as_bytes();
        if number::may_begin(bytes.get(at..).unwrap_or_default()) {
            let room = MAX_NUMBERS - self.numbers.len().min(MAX_NUMBERS);
            self.numbers
                .extend(number::at(bytes, at).into_iter().take(room));
        }
    }

    /// Byte ranges of what is the number of a card or an account; of cards only where the text
    /// speaks of them.
    pub fn numbers(&self) -> impl Iterator<Item = (&Range<usize>, Number)> {
        let is_card = |number: Number| number == Number::Card;
        let cards = self.numbers.iter().any(|(_, number)| is_card(*number))
            && self.words.speaks_of_cards(self.text);
        let numbers = self.numbers.iter().map(|(range, number)| (range, *number));
        numbers.filter(move |(_, number)| cards || !is_card(*number))
    }

    /// Byte ranges of the values that look secret.
    pub fn found(mut self) -> impl Iterator<Item = Range<usize>> {
        self.phrases();
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
            self.number(token.start);
            if self.values.len() >= MAX_FOUND {
                return;
            }
            if let Some(password) = self.in_address(&token) {
                self.values.push(password);
            } else if self.is_secret(&token) {
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
        if shaped {
            return true;
        }
        // The cheap questions first: most tokens are words.
        let meant = if is_value(value) {
            (self.asked && is_random(value))
                || self.is_named(token)
                || self.is_said(token.start)
                || scheme::is_meant(self.text, token)
        } else {
            self.is_password(token, value)
        };
        meant
            && !is_code(self.text, token)
            && !self.words.is_placeholder(value)
            // Where secrets were asked for it is one of them.
            && (self.asked || !self.invites(token))
    }

    /// A password of letters alone: only where nothing but a password is meant.
    fn is_password(&self, token: &Range<usize>, value: &str) -> bool {
        let ends = self.text.as_bytes().get(token.end);
        value.len() >= self.words.shortest()
            && ends.is_none_or(|byte| b"\n\r\"',<|".contains(byte))
            && is_passphrase(value)
            && self
                .name(token.start)
                .is_some_and(|name| self.words.names_password(name))
    }

    /// Whether what stands before `value` makes it the value of a name for secrets.
    fn is_named(&self, token: &Range<usize>) -> bool {
        let Some(name) = self.name(token.start) else {
            return false;
        };
        let own = self.text.get(token.clone()).unwrap_or_default();
        // `secretName: tls-cert-2024` names a secret and is none; a password may be words.
        self.words.names_secret(name) && (self.words.names_password(name) || !is_plain_words(own))
    }

    /// Whether it is the password of a meeting, which everybody has who is invited.
    fn invites(&self, token: &Range<usize>) -> bool {
        let name = self.name_at(token.start);
        name.is_some_and(|name| invitation::is_password(self.text, &name, token, self.words))
    }

    /// The name that `value` is given to, by a mark between them.
    fn name(&self, value: usize) -> Option<&str> {
        self.text.get(self.name_at(value)?)
    }

    fn name_at(&self, value: usize) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let end = token_end(bytes, value, MAX_BETWEEN + 1)?;
        let between = bytes.get(end..value).unwrap_or_default();
        let start = token_start(bytes, end, MAX_NAME + 1);
        let element =
            between == b">" && start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'<');
        if !assigns(between) && !element {
            return None;
        }
        (end - start <= MAX_NAME && self.text.is_char_boundary(start)).then_some(start..end)
    }

    /// "The password of the database is …".
    fn is_said(&self, value: usize) -> bool {
        let bytes = self.text.as_bytes();
        let Some(end) = token_end(bytes, value, 3) else {
            return false;
        };
        let verb = self
            .text
            .get(token_start(bytes, end, 8)..end)
            .unwrap_or_default();
        if !SAYING.contains(&verb) {
            return false;
        }
        let from = head(self.text, end.saturating_sub(MAX_SAID));
        let before = self.text.get(from..end).unwrap_or_default();
        let sentence = before.rsplit(['\n', '.', ';']).next().unwrap_or_default();
        sentence
            .split(' ')
            .any(|word| self.words.names_password(word) && word.len() <= 12)
    }

    /// The password in `scheme://user:password@host`.
    fn in_address(&self, token: &Range<usize>) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        if token.start.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b':') {
            return None;
        }
        let own = bytes.get(token.clone())?;
        let length = own.iter().rposition(|&byte| byte == b'@')?;
        let colon = token.start.checked_sub(1)?;
        let user = token_start(bytes, colon, MAX_NAME);
        let scheme = bytes.get(..user)?.ends_with(b":") && bytes.get(user..)?.starts_with(b"//");
        let range = token.start..token.start + length;
        let value = self.text.get(range.clone())?;
        let strong = value.len() >= MIN_VALUE && (is_value(value) || is_passphrase(value));
        (scheme && strong && !self.words.is_placeholder(value)).then_some(range)
    }

    /// Words in a row that open a wallet, behind a name for them.
    fn phrases(&mut self) {
        if self.text.len() > MAX_PHRASE_TEXT {
            return;
        }
        for name in ["seed", "Seed", "nemonic", "ecovery phrase"] {
            for (at, name) in self.text.match_indices(name).take(4) {
                let rest = self.text.get(at + name.len()..).unwrap_or_default();
                let lead = rest.trim_start_matches(|char: char| " :=\"'`".contains(char));
                let lead = lead
                    .strip_prefix("phrase")
                    .or_else(|| lead.strip_prefix("words"))
                    .unwrap_or(lead);
                let lead = lead.trim_start_matches(|char: char| " :=\"'`\n".contains(char));
                let from = self.text.len() - lead.len();
                let word = |word: &&str| {
                    (3..=8).contains(&word.len())
                        && word.bytes().all(|byte| byte.is_ascii_lowercase())
                };
                let words: Vec<&str> = lead.split([' ', ',']).take_while(word).take(24).collect();
                if words.len() >= MIN_PHRASE {
                    let length = words.iter().map(|word| word.len() + 1).sum::<usize>() - 1;
                    self.blocks.push(from..from + length);
                }
            }
        }
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

/// Where the token before `at` ends, at most `most` bytes away.
fn token_end(bytes: &[u8], at: usize, most: usize) -> Option<usize> {
    let from = at.saturating_sub(most);
    let before = bytes.get(from..at).unwrap_or_default();
    let last = before.iter().rposition(|&byte| in_token(byte))?;
    Some(from + last + 1)
}

/// Where the token that ends at `end` begins, at most `most` bytes before.
fn token_start(bytes: &[u8], end: usize, most: usize) -> usize {
    let from = end.saturating_sub(most);
    let before = bytes.get(from..end).unwrap_or_default();
    let last = before.iter().rposition(|&byte| !in_token(byte));
    last.map_or(from, |last| from + last + 1)
}

/// The next place at or after `at` where a character begins.
fn head(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Whether `between` makes a pair of its neighbours: `=`, `:`, `": "`, ` | `.
fn assigns(between: &[u8]) -> bool {
    between.len() <= MAX_BETWEEN
        && between
            .iter()
            .any(|byte| matches!(byte, b'=' | b':' | b'|'))
        && !between.contains(&b'\n')
}

fn is_jwt(value: &str) -> bool {
    value.starts_with("eyJ")
        && value.len() >= MIN_JWT
        && value.bytes().filter(|&byte| byte == b'.').count() == 2
}
