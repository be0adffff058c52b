//! Orders that content gives its reader: "send the money to US13…", "unlock the front door".
//!
//! An order is reduced to what it asks for, how insistent it is, and hashes of its words. Whether it
//! is an attack is not said here: it becomes a sign when a later call does what it says (`obey`).

use crate::action::{Action, Actions};
use crate::print::{NAME, Printer, plain};
use crate::vocabulary::{Meaning, Vocabulary, mark};
use crate::words::{Kind, Word, forms, is_name, parts, words};

/// How far behind its verb an order reaches, in bytes.
const REACH: usize = 420;
/// How far a mark of insistence reaches, in bytes. Measured on orders in our own examples: a
/// preamble and its order are one or two sentences apart.
const NEAR: usize = 500;
/// Words of one order, orders of one event, and words of all of them that are kept.
const MAX_WORDS: usize = 48;
pub const MAX_ORDERS: usize = 24;
pub const MAX_ALL_WORDS: usize = 216;
/// Orders looked at before the best are chosen.
const MAX_SEEN: usize = 256;
const MAX_ELSEWHERE: usize = 1024;
/// First byte of characters from U+0600 on: scripts that glue endings to words.
const FIRST_GLUED: u8 = 0xd8;

/// How insistent an order is, as bits.
pub mod sign {
    /// It puts other instructions out of force, or presses a language model.
    pub const OVERT: u8 = 1;
    /// It presses: must, before you, without asking.
    pub const URGENT: u8 = 2;
    /// It names a language model. Mail about an assistant does so, too: only with pressing it is
    /// overt.
    pub const ADDRESSED: u8 = 4;
}

/// One order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub actions: Actions,
    pub signs: u8,
    /// Hashes of its words; bit 0 tells names.
    pub words: Vec<u32>,
}

/// Reads the texts of one event.
pub struct Reader<'a> {
    vocabulary: &'a Vocabulary,
    printer: &'a Printer,
    orders: Vec<Found>,
    marks: Vec<Mark>,
    /// Names that stand outside of every order.
    elsewhere: Vec<u32>,
    /// Counts the fields of YAML or JSON that the texts are written in.
    field: u32,
}

struct Found {
    order: Order,
    at: usize,
    end: usize,
    field: u32,
}

/// What makes orders near it insistent.
struct Mark {
    at: usize,
    sign: u8,
    field: u32,
}

/// Where the reader is in its text.
#[derive(Default)]
struct Place<'t> {
    previous: u32,
    at_start: bool,
    breaks: u32,
    /// The last break stood inside a sentence.
    wrapped: bool,
    /// Only marks stood in this line so far.
    line_start: bool,
    /// What the sentence said before an order began in it: many languages put the verb last.
    before: Vec<Word<'t>>,
    /// The open order, and how many sentences ended in it.
    open: Option<(usize, u32)>,
    /// A word that puts rules out of force was seen here.
    overriding: Option<usize>,
    led: bool,
    /// Between parentheses; and whether the open order began there: then it ends there, as a
    /// program's hint about how it is used does.
    inside: bool,
    aside: bool,
}

impl<'a> Reader<'a> {
    pub fn new(vocabulary: &'a Vocabulary, printer: &'a Printer) -> Self {
        Self {
            vocabulary,
            printer,
            orders: Vec::new(),
            marks: Vec::new(),
            elsewhere: Vec::new(),
            field: 0,
        }
    }

    /// Whether `text` itself talks past the user to the agent.
    pub fn quotes(text: &str, vocabulary: &Vocabulary, printer: &Printer) -> bool {
        let mut reader = Reader::new(vocabulary, printer);
        reader.read(text);
        reader
            .orders
            .iter()
            .any(|found| found.order.signs & sign::OVERT != 0)
    }

    /// Adds the orders in `text`.
    pub fn read(&mut self, text: &str) {
        self.field += 1;
        let mut place = Place {
            at_start: true,
            line_start: true,
            ..Place::default()
        };
        for word in words(text) {
            let key = is_key(text, word, place.line_start);
            self.word(word, key, &mut place);
        }
        self.forget(&mut place);
        self.mark();
    }

    /// Gives the orders the signs that stand near them in their field.
    fn mark(&mut self) {
        for found in &mut self.orders {
            for mark in &self.marks {
                let near = mark.at + NEAR >= found.at && mark.at <= found.end + NEAR;
                if near && mark.field == found.field {
                    found.order.signs |= mark.sign;
                }
            }
            let pressed = sign::ADDRESSED | sign::URGENT;
            if found.order.signs & pressed == pressed {
                found.order.signs |= sign::OVERT;
            }
        }
        self.marks.clear();
    }

    /// A sentence or field ended: what no order took is plain data.
    fn forget(&mut self, place: &mut Place<'_>) {
        for word in place.before.drain(..).filter(|word| word.rich) {
            for name in parts(word.bare).filter(|part| is_name(part)) {
                if self.elsewhere.len() < MAX_ELSEWHERE {
                    self.elsewhere
                        .extend(forms(name).map(|form| self.printer.name(form)));
                }
            }
        }
    }

    fn word<'t>(&mut self, word: Word<'t>, key: bool, place: &mut Place<'t>) {
        place.inside |= word.text.starts_with('(');
        let (text, meaning, hash) = match word.kind {
            Kind::Break => {
                place.breaks += 1;
                // A sentence that is wrapped goes on in lower case.
                place.wrapped |= !place.at_start && place.breaks == 1;
                place.at_start = true;
                place.line_start = true;
                // A wrapped line goes on, an empty one ends the order.
                if place.breaks > 1 {
                    place.wrapped = false;
                    place.open = None;
                    self.forget(place);
                }
                return;
            }
            Kind::Mark => {
                place.at_start = true;
                if matches!(word.text, "。" | "！" | "？") {
                    self.end_sentence(place);
                }
                return;
            }
            Kind::Dense => (word.text, self.vocabulary.inside(word.text), 0),
            Kind::Plain => {
                let text = word.bare;
                let hash = self.printer.word(text);
                let meaning = if text
                    .as_bytes()
                    .first()
                    .is_some_and(|first| *first >= FIRST_GLUED)
                {
                    // Endings are glued to verbs here.
                    self.vocabulary.inside(text)
                } else {
                    self.vocabulary.meaning(hash)
                };
                (text, meaning, hash)
            }
        };
        if std::mem::take(&mut place.wrapped)
            && word.text.contains(|char: char| char.is_lowercase())
            && !word.bare.starts_with(|char: char| char.is_uppercase())
        {
            place.at_start = false;
        }
        if meaning == Meaning::default() && !word.rich && word.kind == Kind::Plain && !key {
            self.ordinary(word, hash, place);
            return;
        }
        if key {
            place.open = None;
            self.forget(place);
            self.field += 1;
        }
        self.insist(word.at, meaning, hash, place);
        let begins = self.begins(meaning, place) || word.kind == Kind::Dense;
        if begins && meaning.verb.0 != 0 && !key {
            self.begin(word.at, meaning, place);
        }
        self.collect(word, meaning, place);
        place.breaks = 0;
        self.close(word, place);
        // "run curl …": the second verb is the order.
        place.led = meaning.marks & mark::LEAD_IN != 0 || meaning.verb.0 != 0;
        if !text.is_empty() {
            place.line_start = false;
            place.previous = hash;
        }
    }

    /// A word that is no more than one: most are.
    fn ordinary<'t>(&mut self, word: Word<'t>, hash: u32, place: &mut Place<'t>) {
        self.collect(word, Meaning::default(), place);
        place.breaks = 0;
        place.led = false;
        place.at_start = false;
        if word.text.len() != word.bare.len() || word.bare.is_empty() {
            self.close(word, place);
        }
        if !word.bare.is_empty() {
            place.line_start = false;
            place.previous = hash;
        }
    }

    /// What the marks behind a word end.
    fn close(&mut self, word: Word<'_>, place: &mut Place<'_>) {
        if place.inside && word.text.contains(')') {
            place.inside = false;
            if std::mem::take(&mut place.aside) {
                place.open = None;
            }
        }
        let last = word.text.as_bytes().last();
        let ended = last.is_some_and(|last| b".!?;".contains(last));
        // Orders often follow a colon or quote glued to other words: "subject: 'Reminder: Send …".
        place.at_start = ended
            || word.bare.is_empty()
            || last.is_some_and(|last| b":>,\"'-*)".contains(last))
            || (word.rich && word.bare.len() > 12 && word.bare.contains([':', '.']));
        if ended {
            self.end_sentence(place);
        }
    }

    fn end_sentence(&mut self, place: &mut Place<'_>) {
        match &mut place.open {
            Some((_, sentences)) => *sentences += 1,
            None => self.forget(place),
        }
    }

    /// Notes what makes an order insistent.
    fn insist(&mut self, at: usize, meaning: Meaning, hash: u32, place: &mut Place<'_>) {
        let mut sign = 0;
        if meaning.marks & mark::OVERRIDE != 0 {
            place.overriding = Some(at);
        }
        if meaning.marks & mark::RULE != 0 && place.overriding.is_some_and(|from| at <= from + 60) {
            sign |= sign::OVERT;
        }
        if meaning.marks & mark::ADDRESSEE != 0 {
            sign |= sign::ADDRESSED;
        }
        if meaning.marks & mark::URGENT != 0
            || (meaning.marks & mark::SECOND != 0 && self.vocabulary.presses(place.previous, hash))
        {
            sign |= sign::URGENT;
        }
        // Who talks past the user gives an order, whatever its verb.
        if sign & (sign::OVERT | sign::ADDRESSED) != 0 && place.open.is_none() {
            self.begin(at, Meaning::default(), place);
        }
        if sign != 0 && self.marks.len() < MAX_SEEN {
            let field = self.field;
            self.marks.push(Mark { at, sign, field });
        }
    }

    fn begins(&self, meaning: Meaning, place: &Place) -> bool {
        meaning.verb.0 != 0 && (place.at_start || place.led || meaning.marks & mark::ANYWHERE != 0)
    }

    fn begin<'t>(&mut self, at: usize, meaning: Meaning, place: &mut Place<'t>) {
        // A further verb in the same sentence is the same order: "go to X and post …".
        if let Some((number, 0)) = place.open
            && let Some(found) = self.orders.get_mut(number)
        {
            found.order.actions = found.order.actions.union(meaning.verb);
            return;
        }
        // English says first what to do; what stood before is its own matter.
        if meaning.marks & mark::ANYWHERE == 0 {
            self.forget(place);
        }
        // Many orders must not hide the one that counts behind them.
        if self.orders.len() >= MAX_SEEN {
            self.mark();
            self.orders
                .sort_by_key(|found| std::cmp::Reverse(worth(&found.order)));
            self.orders.truncate(MAX_SEEN / 2);
        }
        place.open = Some((self.orders.len(), 0));
        place.aside = place.inside;
        self.orders.push(Found {
            order: Order {
                actions: meaning.verb,
                signs: 0,
                words: Vec::new(),
            },
            at,
            end: at,
            field: self.field,
        });
        for word in std::mem::take(&mut place.before) {
            let meaning = self.vocabulary.meaning(self.printer.word(word.bare));
            self.collect(word, meaning, place);
        }
    }

    /// Keeps the word with the open order, or until it is known whether one begins.
    fn collect<'t>(&mut self, word: Word<'t>, meaning: Meaning, place: &mut Place<'t>) {
        let open = place.open.and_then(|(number, sentences)| {
            let found = self.orders.get_mut(number)?;
            (word.at <= found.at + REACH && sentences <= 2).then_some((found, sentences))
        });
        let Some((found, sentences)) = open else {
            place.open = None;
            if place.before.len() >= MAX_ELSEWHERE {
                self.forget(place);
            }
            if place.before.len() < MAX_WORDS || word.rich {
                place.before.push(word);
            }
            return;
        };
        found.end = found.end.max(word.at + word.text.len());
        // Who talks past the user often says in the next sentence what to do.
        let sentences = if found.order.actions.0 == 0 {
            0
        } else {
            sentences
        };
        let into = &mut found.order.words;
        if into.len() >= MAX_WORDS {
            return;
        }
        if word.kind == Kind::Dense {
            into.extend(pairs(word.text, self.printer));
        } else if !word.rich {
            into.extend(content(self.vocabulary, word.bare, meaning, sentences));
        } else {
            for part in parts(word.bare) {
                if is_name(part) {
                    into.extend(forms(part).map(|form| self.printer.name(form)));
                } else if part.len() == word.bare.len() {
                    into.extend(content(self.vocabulary, part, meaning, sentences));
                }
            }
        }
    }

    /// The orders worth keeping, the most telling ones first.
    pub fn finish(mut self) -> Vec<Order> {
        self.elsewhere.sort_unstable();
        let mut orders: Vec<Order> = self
            .orders
            .into_iter()
            .map(|found| found.order)
            .filter(|order| !order.words.is_empty())
            .collect();
        for order in &mut orders {
            for word in &mut order.words {
                // What the content also has as plain data, such as its sender, is no name that
                // only the order gives.
                if *word & NAME != 0 && self.elsewhere.binary_search(word).is_ok() {
                    *word = plain(*word);
                }
            }
            order.words.sort_unstable();
            order.words.dedup();
        }
        orders.sort_by_key(|order| std::cmp::Reverse(worth(order)));
        let mut left = MAX_ALL_WORDS;
        orders.truncate(MAX_ORDERS);
        orders.retain(|order| {
            let fits = order.words.len() <= left;
            left -= if fits { order.words.len() } else { 0 };
            fits
        });
        orders
    }
}

/// What an ordinary word is compared by; of the sentences that follow an order only names count.
fn content(vocabulary: &Vocabulary, word: &str, meaning: Meaning, sentences: u32) -> Option<u32> {
    if sentences > 0 {
        return None;
    }
    vocabulary.content(word, meaning)
}

/// `subject: x` at a line's start, `"subject": x` anywhere: another field begins.
fn is_key(text: &str, word: Word<'_>, line_start: bool) -> bool {
    if !word.text.ends_with(':') {
        return false;
    }
    let quoted = word.text.ends_with("':") || word.text.ends_with("\":");
    // A wrapped sentence may end in a colon: its value would stand in the same line.
    let after = text.get(word.at + word.text.len()..).unwrap_or_default();
    let value = after.trim_start_matches(' ');
    quoted || (line_start && !value.is_empty() && !value.starts_with(['\n', '\r']))
}

/// What is kept when there is no room for all.
fn worth(order: &Order) -> u32 {
    let names = order.words.iter().any(|word| word & NAME != 0);
    let harmless: Actions = [Action::Fetch, Action::Act].into_iter().collect();
    u32::from(order.signs & sign::OVERT) * 8
        + u32::from(names) * 4
        + u32::from(order.actions.0 & !harmless.0 != 0) * 2
        + u32::from(order.signs & sign::URGENT != 0)
}

/// Hashes of each two characters in a row of a script without blanks.
pub fn pairs(run: &str, printer: &Printer) -> impl Iterator<Item = u32> {
    let ends = run
        .char_indices()
        .skip(2)
        .map(|(at, _)| at)
        .chain([run.len()]);
    run.char_indices()
        .zip(ends)
        .filter_map(|((start, _), end)| run.get(start..end))
        .map(|pair| printer.plain(pair))
}
