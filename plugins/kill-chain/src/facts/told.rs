//! What an order could have said of a call: its words and names, argument by argument.

use super::{Facts, head};
use crate::account;
use crate::lexicon::Lexicon;
use crate::order::pairs;
use crate::print::{Printer, plain};
use crate::reader::Reader;
use crate::vocabulary::Vocabulary;
use crate::words::{self, forms, is_address, is_name, parts, words};

/// Words of one argument, and arguments, that are compared with orders.
const MAX_VALUE_WORDS: usize = 64;
const MAX_VALUES: usize = 32;
/// Words that the names in one argument are made of.
const MAX_PIECES: usize = 4 * MAX_VALUE_WORDS;
/// Mail addresses of a call.
const MAX_MAILS: usize = 32;
/// A longer argument may pass on an overt order that it was given, which is not obeying it.
const MAX_QUOTE: usize = 120;
/// Bytes in which an overt order must begin for that.
const MAX_LOOK: usize = 4096;
/// Blanks of an argument that is no list of names.
const MAX_BLANKS: usize = 5;
/// A longer argument is prose or code.
const MAX_PLAIN: usize = 80;

impl Facts {
    /// Notes where the addresses in an argument lead.
    pub(super) fn addresses(&mut self, value: &str, lexicon: &Lexicon, printer: &Printer) {
        let bytes = value.as_bytes();
        let mut from = 0;
        // Only what holds one of these leads anywhere; it is read with what stands around it.
        while let Some(mark) = address_mark(bytes, from) {
            let before = bytes.get(from..mark).unwrap_or_default();
            let start = before.iter().rposition(u8::is_ascii_whitespace);
            let start = start.map_or(from, |at| from + at);
            let rest = bytes.get(mark..).unwrap_or_default();
            let length = rest.iter().position(u8::is_ascii_whitespace);
            from = length.map_or(bytes.len(), |length| mark + length);
            let run = value.get(start..from).unwrap_or_default();
            for word in words(run).filter(|word| word.is_rich(run)) {
                for part in parts(word.bare(run)) {
                    self.address(part, lexicon);
                    self.mail(part, printer);
                }
            }
        }
    }

    fn mail(&mut self, part: &str, printer: &Printer) {
        if part.contains('@') && !part.contains("://") && self.mails.len() < MAX_MAILS {
            self.mails.push(printer.word(part));
            let host = part.rsplit('@').next().unwrap_or_default();
            self.colleagues.push(printer.word(host));
        }
    }

    /// Keeps what an order could have said of this argument, and where its addresses lead.
    pub(super) fn told(
        &mut self,
        value: &str,
        lexicon: &Lexicon,
        vocabulary: &Vocabulary,
        printer: &Printer,
    ) {
        let quoted =
            value.len() > MAX_QUOTE && Reader::quotes(head(value, MAX_LOOK), vocabulary, printer);
        // A document mentions many names; only where something goes counts there.
        let blanks = value.bytes().filter(|byte| *byte == b' ').count();
        let prose = value.len() > MAX_PLAIN || value.contains('\n');
        // A text that tells of a person is not sent to them.
        let letter = prose || blanks >= MAX_BLANKS;
        let (mut own, named) = (Vec::new(), self.told.names.len());
        let mut pieces = Vec::new();
        for word in words(value) {
            let full = own.len() >= MAX_VALUE_WORDS;
            match word.kind {
                words::Kind::Dense if !full => {
                    own.extend(pairs(word.text(value), printer));
                }
                words::Kind::Plain if word.is_rich(value) => {
                    for name in account::names(value, &word, printer) {
                        self.told.names.push(name);
                        self.told.places.push(name);
                    }
                    for part in parts(word.bare(value)) {
                        self.address(part, lexicon);
                        self.mail(part, printer);
                        let told = letter && part.contains('@') && !part.contains("://");
                        if is_name(part) && !told && (!prose || is_address(part)) {
                            let first = self.told.names.len();
                            let names = forms(part).map(|form| printer.name(form));
                            self.told.names.extend(names);
                            let handle = word.text(value).starts_with('@');
                            if handle || is_script(part) || is_address(part) && !is_number(part) {
                                let names = self.told.names.get(first..).unwrap_or_default();
                                self.told.places.extend(names);
                            }
                            let first = forms(part).next().unwrap_or(part);
                            own.push(plain(printer.word(first)));
                            if !is_address(part) {
                                let marks = ['_', '.', '/', ':', '-'];
                                let says = part.split(marks).filter(|word| word.len() > 2);
                                let words =
                                    says.filter_map(|word| content(word, vocabulary, printer));
                                pieces.extend(words.take(MAX_VALUE_WORDS));
                            }
                        } else if !full && says(part) {
                            own.extend(content(part, vocabulary, printer));
                        }
                    }
                }
                words::Kind::Plain | words::Kind::Letters if !full => {
                    own.extend(content(word.bare(value), vocabulary, printer));
                }
                _ => {}
            }
        }
        if quoted {
            self.told.names.truncate(named);
            return;
        }
        own.truncate(MAX_VALUE_WORDS);
        pieces.truncate(MAX_PIECES);
        if self.told.values.len() < MAX_VALUES {
            self.told.values.push(own);
            self.told.pieces.push(pieces);
        }
    }
}

/// Where the next `.`, `:` or `@` stands, without one of which nothing is an address. Eight bytes at
/// a time: a byte that is zero sets bit 7 of the difference.
fn address_mark(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let is_mark = |byte: &u8| matches!(byte, b'.' | b':' | b'@');
    let rest = bytes.get(from..)?;
    let (chunks, _) = rest.as_chunks::<8>();
    let holds = |chunk: &[u8; 8]| {
        let chunk = u64::from_le_bytes(*chunk);
        [b'.', b':', b'@'].iter().any(|mark| {
            let other = chunk ^ (u64::from(*mark) * ONES);
            other.wrapping_sub(ONES) & !other & HIGH != 0
        })
    };
    let first = chunks.iter().position(holds).unwrap_or(chunks.len()) * 8;
    let rest = rest.get(first..)?;
    Some(from + first + rest.iter().position(is_mark)?)
}

/// A program that is no package of anybody's.
fn is_script(part: &str) -> bool {
    let endings = [
        ".sh", ".ps1", ".bat", ".cmd", ".exe", ".msi", ".run", ".vbs",
    ];
    endings.iter().any(|end| part.ends_with(end))
}

/// The number of a machine.
fn is_number(part: &str) -> bool {
    part.bytes().filter(|byte| *byte == b'.').count() == 3
        && part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether a part of an argument can be compared: a word or a plain number, no date or amount.
fn says(part: &str) -> bool {
    let wordlike = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    part.bytes().any(wordlike) || part.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a word of a call is compared by.
fn content(word: &str, vocabulary: &Vocabulary, printer: &Printer) -> Option<u32> {
    vocabulary.content(word, vocabulary.meaning(printer.word(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mark_of_an_address_is_found_anywhere() {
        for (text, at) in [("", None), ("abcdefghijklmnop", None), ("a@b", Some(1))] {
            assert_eq!(address_mark(text.as_bytes(), 0), at, "{text}");
        }
        for at in 0..40 {
            for mark in [".", ":", "@"] {
                let text = format!("{}{mark}-/\u{ae}é{}", "é/-;".repeat(at), "x".repeat(9));
                assert_eq!(address_mark(text.as_bytes(), 0), text.find(mark), "{text}");
            }
        }
    }
}
