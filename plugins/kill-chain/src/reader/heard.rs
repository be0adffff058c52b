//! Orders where a passage sounds like one, as `tone` hears it.

use super::{MAX_WORDS, Reader};
use crate::account;
use crate::order::{Order, pairs, sign};
use crate::print::Printer;
use crate::tone::Passage;
use crate::vocabulary::{Meaning, Vocabulary};
use crate::words::{Kind, Word, forms, is_address, is_name, parts, words_from};

/// How far around a passage its words are taken, in bytes. Chosen: what is to be done is often said
/// in the sentence before or behind the one that says who is to do it.
const BESIDE: usize = 160;

/// Orders that are only heard, of one event, and words of all of them that are kept.
pub const MAX_HEARD: usize = 4;
pub const MAX_HEARD_WORDS: usize = 64;

impl Reader<'_> {
    /// Takes notice of passages of the text that was read last, which sound like orders to a program:
    /// what `read` found there is one, and what it did not find is one as well.
    pub fn hear(&mut self, text: &str, fields: u32, passages: &[Passage]) {
        for passage in passages {
            let sign = match passage.likely {
                true => sign::POSSIBLE | sign::LIKELY,
                false => sign::POSSIBLE,
            };
            let own = self.orders.iter_mut().filter(|own| own.field > fields);
            for found in own.filter(|own| own.at < passage.to && passage.from < own.end) {
                found.order.signs |= sign;
            }
            self.heard
                .push((passage.score, self.heard_order(text, passage, sign)));
        }
        self.heard.sort_by(|one, two| two.0.total_cmp(&one.0));
        self.heard.truncate(MAX_HEARD);
    }

    /// The passage as an order: its own words first, then those behind it and before it.
    fn heard_order(&self, text: &str, passage: &Passage, sign: u16) -> Order {
        let mut order = Order {
            signs: sign,
            ..Order::default()
        };
        let (before, behind) = (before(text, passage.from), behind(text, passage.to));
        let parts = [
            passage.from..passage.to,
            passage.to..behind,
            before..passage.from,
        ];
        for part in parts {
            for word in words_from(text.get(..part.end).unwrap_or_default(), part.start) {
                let meaning = match word.kind {
                    Kind::Dense => self.vocabulary.inside(word.text(text)),
                    _ => self.meaning(word, text),
                };
                order.actions = order.actions.union(meaning.verb);
                let (vocabulary, printer) = (self.vocabulary, self.printer);
                take(&mut order, (word, meaning), text, true, vocabulary, printer);
            }
        }
        order
    }

    /// How many fields were read so far: what is found from here on has a higher number.
    pub fn fields(&self) -> u32 {
        self.field
    }
}

/// Where what belongs to a passage that begins at `at` begins: in its paragraph, at a word.
fn before(text: &str, at: usize) -> usize {
    let from = text.floor_char_boundary(at.saturating_sub(BESIDE));
    let rest = text.get(from..at).unwrap_or_default();
    let gap = rest.rfind("\n\n").or_else(|| match from {
        0 => Some(0),
        _ => rest.find(char::is_whitespace),
    });
    gap.map_or(at, |gap| from + gap)
}

/// Where what belongs to a passage that ends at `at` ends: in its paragraph, at a word.
fn behind(text: &str, at: usize) -> usize {
    let to = text.ceil_char_boundary((at + BESIDE).min(text.len()));
    let rest = text.get(at..to).unwrap_or_default();
    let gap = rest.find("\n\n").or_else(|| match to == text.len() {
        true => Some(rest.len()),
        false => rest.rfind(char::is_whitespace),
    });
    gap.map_or(at, |gap| at + gap)
}

/// Adds a word to an order; what is no name only when it is `near`.
pub(super) fn take(
    order: &mut Order,
    (word, meaning): (Word, Meaning),
    text: &str,
    near: bool,
    vocabulary: &Vocabulary,
    printer: &Printer,
) {
    let into = &mut order.words;
    if into.len() >= MAX_WORDS {
        return;
    }
    if word.kind == Kind::Dense {
        let room = MAX_WORDS - into.len();
        into.extend(pairs(word.text(text), printer).take(room));
    } else if !word.is_rich(text) {
        if near {
            into.extend(vocabulary.content(word.bare(text), meaning));
        }
    } else {
        let bare = word.bare(text);
        for account in account::names(text, &word, printer) {
            order.signs |= sign::PLACE;
            into.push(account);
        }
        for part in parts(bare) {
            // Of the sentences that follow only where something goes.
            if is_name(part) && (near || is_address(part)) {
                let to = is_address(part) && !part.contains("://");
                order.signs |= if to { sign::PLACE } else { 0 };
                into.extend(forms(part).map(|form| printer.name(form)));
            } else if part.len() == bare.len() && near {
                into.extend(vocabulary.content(part, meaning));
            }
        }
    }
}
