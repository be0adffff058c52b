//! Orders where a passage sounds like one, as `tone` hears it.

use super::{Found, MAX_SEEN, MAX_WORDS, Reader};
use crate::account::grouped;
use crate::order::{Order, pairs, sign};
use crate::print::Printer;
use crate::tone::Passage;
use crate::vocabulary::{Meaning, Vocabulary};
use crate::words::{Kind, Word, forms, is_address, is_name, parts, words_from};

/// How far around a passage its words are taken, in bytes. Chosen: what is to be done is often said
/// in the sentence before or behind the one that says who is to do it.
const BESIDE: usize = 160;

impl<'a> Reader<'a> {
    /// Takes notice of passages of `text` that sound like orders to a program: what `read` found
    /// there is one, and so is what it did not find.
    pub fn hear(&mut self, text: &'a str, first: usize, passages: &[Passage]) {
        for passage in passages {
            let sign = match passage.likely {
                true => sign::POSSIBLE | sign::LIKELY,
                false => sign::POSSIBLE,
            };
            let own = self.orders.iter_mut().skip(first);
            for found in own.filter(|own| own.at < passage.to && passage.from < own.end) {
                found.order.signs |= sign;
            }
            let mut order = Order {
                signs: sign,
                ..Order::default()
            };
            let from = around(text, passage.from, false);
            let to = around(text, passage.to, true);
            let (vocabulary, printer) = (self.vocabulary, self.printer);
            for word in words_from(text.get(..to).unwrap_or_default(), from) {
                let meaning = match word.kind {
                    Kind::Dense => vocabulary.inside(word.text(text)),
                    _ => self.meaning(word, text),
                };
                order.actions = order.actions.union(meaning.verb);
                take(&mut order, (word, meaning), text, true, vocabulary, printer);
            }
            if self.orders.len() < 2 * MAX_SEEN {
                self.orders.push(Found {
                    order,
                    at: passage.from,
                    end: passage.to,
                    field: self.field,
                    part: self.part,
                });
            }
        }
    }

    /// How many orders were found so far.
    pub fn found(&self) -> usize {
        self.orders.len()
    }
}

/// Where what belongs to a passage that begins or ends at `at` begins, or ends: within the paragraph.
fn around(text: &str, at: usize, behind: bool) -> usize {
    if behind {
        let to = text.ceil_char_boundary((at + BESIDE).min(text.len()));
        let rest = text.get(at..to).unwrap_or_default();
        rest.find("\n\n").map_or(to, |gap| at + gap)
    } else {
        let from = text.floor_char_boundary(at.saturating_sub(BESIDE));
        let rest = text.get(from..at).unwrap_or_default();
        // A word that is cut is none.
        let word = rest.find(char::is_whitespace).unwrap_or(0);
        let gap = rest.rfind("\n\n");
        from + gap.unwrap_or(if from == 0 { 0 } else { word })
    }
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
        into.extend(pairs(word.text(text), printer));
    } else if !word.is_rich(text) {
        if near {
            into.extend(vocabulary.content(word.bare(text), meaning));
        }
    } else {
        let bare = word.bare(text);
        if let Some(account) = grouped(text, &word) {
            order.signs |= sign::PLACE;
            into.push(printer.name(&account));
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
