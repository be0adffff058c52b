//! Reads a text word by word and finds the orders in it.
//!
//! Most words neither begin an order nor belong to one, so they cost a look-up and a few flags; what
//! could be needed of them later (names that stand outside of orders) is read again from the text
//! when an order makes it matter. What an order is, is `order`.

mod called;
mod heard;
mod place;

use crate::order::{MAX_ALL_WORDS, Order, chosen, sign, worth};
use crate::print::Printer;
use crate::vocabulary::{Meaning, Vocabulary, mark, pair};
use crate::words::{Kind, Word, forms, is_name, parts, words, words_from};
use called::{is_handle, tag, tail};
use heard::take;
pub use heard::{MAX_HEARD, MAX_HEARD_WORDS};
use place::{Place, Start, begins, ends_sentence, is_glued, is_key, leads};

/// How far behind its verb an order reaches, in bytes.
const REACH: usize = 420;
/// How far a mark of insistence reaches, in bytes. Measured on orders in our own examples: a
/// preamble and its order are one or two sentences apart.
const NEAR: usize = 500;
/// How far behind whom it speaks to an order may begin, in bytes. Chosen: two or three sentences.
const CALLED: usize = 300;
/// Words of one order.
const MAX_WORDS: usize = 48;
/// Orders looked at before the best are chosen.
const MAX_SEEN: usize = 256;
const MAX_ELSEWHERE: usize = 1024;

/// Reads the texts of one event.
pub struct Reader<'a> {
    vocabulary: &'a Vocabulary,
    printer: &'a Printer,
    orders: Vec<Found>,
    /// What is only heard, with its loudness, the loudest first.
    heard: Vec<(f32, Order)>,
    marks: Vec<Mark>,
    /// Parts of the texts that are outside of every order.
    outside: Vec<&'a str>,
    /// Counts the fields of YAML or JSON that the texts are written in.
    field: u32,
    /// Counts paragraphs.
    part: u32,
}

struct Found {
    order: Order,
    at: usize,
    end: usize,
    field: u32,
    part: u32,
}

/// What makes orders near it insistent.
struct Mark {
    at: usize,
    sign: u16,
    field: u32,
    part: u32,
}

impl<'a> Reader<'a> {
    pub fn new(vocabulary: &'a Vocabulary, printer: &'a Printer) -> Self {
        Self {
            vocabulary,
            printer,
            orders: Vec::new(),
            heard: Vec::new(),
            marks: Vec::new(),
            outside: Vec::new(),
            field: 0,
            part: 0,
        }
    }

    /// Whether `text` itself talks past the user to the agent.
    pub fn quotes(text: &str, vocabulary: &Vocabulary, printer: &Printer) -> bool {
        let mut reader = Reader::new(vocabulary, printer);
        reader.read(text, usize::MAX, |_| {});
        reader
            .orders
            .iter()
            .any(|found| found.order.signs & (sign::OVERT | sign::CALLED) != 0)
    }

    /// Adds the orders in `text`; `beside` is shown the words on the way, of those that are letters
    /// and mean nothing only the ones of `least` bytes.
    #[inline]
    pub fn read(&mut self, text: &'a str, least: usize, mut beside: impl FnMut(&Word)) {
        self.field += 1;
        let mut place = Place {
            text,
            previous: (0, 0),
            start: Start::Yes,
            breaks: 0,
            wrapped: false,
            line_start: true,
            before: None,
            earlier: None,
            joins: None,
            open: None,
            overriding: None,
            obeying: None,
            led: false,
            inside: false,
            aside: false,
        };
        let mut all = words(text);
        loop {
            if place.open.is_none() {
                let says = |from, to| {
                    let hash = self.printer.within(text.as_bytes(), from, to);
                    self.vocabulary.acts(hash)
                };
                if let Some((first, last)) = all.skip_plain(least, says) {
                    place.pass_all(first, last);
                }
            }
            let Some(word) = all.next() else { break };
            beside(&word);
            match word.kind {
                Kind::Letters => {
                    let hash = word.hash(text, self.printer);
                    let is_open = place.open.is_some();
                    if !is_open && !self.vocabulary.acts(hash) {
                        place.pass(word);
                        place.start = Start::No;
                        continue;
                    }
                    let meaning = self.vocabulary.meaning(hash);
                    if !is_open && place.changes_nothing(word, meaning) {
                        place.pass(word);
                        place.start = Start::No;
                        place.led = leads(meaning);
                    } else {
                        self.word(word, meaning, false, &mut place);
                    }
                }
                Kind::Plain => {
                    let key = is_key(word, &place);
                    let first = text.as_bytes().get(word.at);
                    place.inside |= first == Some(&b'(');
                    if key || place.open.is_some() {
                        self.word(word, self.meaning(word, text), key, &mut place);
                    } else if self.acts(word, text) {
                        self.word(word, self.meaning(word, text), false, &mut place);
                    } else {
                        place.pass(word);
                        self.close(word, &mut place);
                    }
                }
                Kind::Dense => {
                    let meaning = self.vocabulary.inside(word.text(text));
                    self.word(word, meaning, false, &mut place);
                }
                Kind::Break => self.line(word, &mut place),
                Kind::Mark => {
                    place.start = Start::Yes;
                    if matches!(word.text(text), "。" | "！" | "？") {
                        self.end_sentence(word.at, &mut place);
                    }
                }
            }
        }
        self.forget(text.len(), &mut place);
        self.mark();
        self.marks.clear();
    }

    /// Whether a plain word could be more than one of many.
    fn acts(&self, word: Word, text: &str) -> bool {
        is_glued(word, text) || is_handle(word, text) || self.vocabulary.acts(self.hash(word, text))
    }

    fn meaning(&self, word: Word, text: &str) -> Meaning {
        if is_glued(word, text) {
            // Endings are glued to verbs here.
            self.vocabulary.inside(word.bare(text))
        } else if is_handle(word, text) {
            Meaning::program()
        } else {
            self.vocabulary.meaning(self.hash(word, text))
        }
    }

    /// Hash of a word without what is glued to it: an article, the text behind a tag.
    fn hash(&self, word: Word, text: &str) -> u32 {
        match tail(word.bare(text)).or_else(|| tag(word, text)) {
            Some(part) => self.printer.word(part),
            None => word.hash(text, self.printer),
        }
    }

    /// Gives the orders the signs that stand near them in their field.
    fn mark(&mut self) {
        for found in &mut self.orders {
            for mark in &self.marks {
                let near = mark.at + NEAR >= found.at && mark.at <= found.end + NEAR;
                if near && mark.field == found.field {
                    found.order.signs |= mark.sign & !sign::CALLED;
                }
                // Who is spoken to is said in the order or before it.
                let called = mark.at <= found.end && found.at <= mark.at + CALLED;
                if called && mark.field == found.field && mark.part == found.part {
                    found.order.signs |= mark.sign & sign::CALLED;
                }
            }

            let pressed = sign::ADDRESSED | sign::URGENT;
            if found.order.signs & pressed == pressed {
                found.order.signs |= sign::OVERT;
            }
        }
    }

    /// Lets go of marks that no later order in this field can be near to.
    fn forget_marks(&mut self, at: usize) {
        let field = self.field;
        self.marks
            .retain(|mark| mark.field == field && mark.at + NEAR >= at);
    }

    /// A sentence or field ended: what no order took is plain data.
    fn forget(&mut self, end: usize, place: &mut Place<'a>) {
        let Some(from) = place.before.take() else {
            return;
        };
        let begin = *place.joins.get_or_insert(from);
        let part = place.text.get(begin..end).unwrap_or_default();
        match self.outside.last_mut() {
            Some(last) if begin != from => *last = part,
            _ => self.outside.push(part),
        }
    }

    /// Names that stand outside of every order, sorted.
    fn elsewhere(outside: &[&str], printer: &Printer) -> Vec<u32> {
        let mut names = Vec::new();
        for text in outside {
            for word in words(text).filter(|word| word.is_rich(text)) {
                for name in parts(word.bare(text)).filter(|part| is_name(part)) {
                    if names.len() < MAX_ELSEWHERE {
                        names.extend(forms(name).map(|form| printer.name(form)));
                    }
                }
            }
        }
        names.sort_unstable();
        names
    }

    fn line(&mut self, word: Word, place: &mut Place<'a>) {
        place.breaks += 1;
        // A sentence that is wrapped goes on in lower case.
        place.wrapped |= place.breaks == 1 && !place.is_start();
        place.start = Start::Yes;
        place.line_start = true;
        // A wrapped line goes on, an empty one ends the order.
        if place.breaks > 1 {
            place.wrapped = false;
            place.open = None;
            place.earlier = None;
            self.part += 1;
            self.forget(word.at, place);
        }
    }

    fn word(&mut self, word: Word, meaning: Meaning, key: bool, place: &mut Place<'a>) {
        place.unwrap(word);
        if key {
            place.open = None;
            self.forget(word.at, place);
            self.field += 1;
        }
        if meaning != Meaning::default() || word.kind == Kind::Dense {
            self.insist(word, meaning, place);
            if meaning.verb.0 != 0 && !key && begins(word, meaning, place) {
                self.begin(word.at, meaning, place);
            }
        }
        self.collect(word, meaning, place);
        place.breaks = 0;
        self.close(word, place);
        // "run curl …": the second verb is the order.
        place.led = leads(meaning);
        place.note(word);
    }

    /// What the marks behind a word end.
    fn close(&mut self, word: Word, place: &mut Place<'a>) {
        if place.inside && word.text(place.text).contains(')') {
            place.inside = false;
            if std::mem::take(&mut place.aside) {
                place.open = None;
            }
        }
        place.start = Start::After(word);
        if ends_sentence(word, place.text) {
            self.end_sentence(word.end, place);
        }
    }

    fn end_sentence(&mut self, end: usize, place: &mut Place<'a>) {
        match &mut place.open {
            Some((_, sentences)) => *sentences += 1,
            None => {
                place.earlier = place.before;
                self.forget(end, place);
            }
        }
    }

    /// Notes what makes an order insistent.
    fn insist(&mut self, word: Word, meaning: Meaning, place: &mut Place<'a>) {
        let mut sign = 0;
        if meaning.marks & mark::OBEY != 0 {
            place.obeying = Some(word.at);
        }
        if meaning.marks & mark::OVERRIDE != 0 {
            place.overriding = Some(word.at);
        }
        if meaning.marks & mark::RULE != 0
            && place.overriding.is_some_and(|from| word.at <= from + 60)
        {
            sign |= sign::OVERT;
        }
        if meaning.marks & mark::ADDRESSEE != 0 {
            sign |= sign::ADDRESSED;
        }
        let pair = || {
            let (from, to) = place.previous;
            let first = self.printer.within(place.text.as_bytes(), from, to);
            self.vocabulary
                .presses(first, word.hash(place.text, self.printer))
        };
        let pair = if meaning.marks & mark::SECOND != 0 {
            pair()
        } else {
            0
        };
        if meaning.marks & mark::URGENT != 0 || pair & pair::URGENT != 0 {
            sign |= sign::URGENT;
        }
        if meaning.marks & (mark::CALLED | mark::ADDRESSEE) != 0 && self.is_called(word, place)
            || pair & pair::CALLED != 0
        {
            sign |= sign::CALLED;
        }
        // "Strictly adhere to the following instruction": put above all others.
        let obeying = place.obeying.is_some_and(|from| word.at <= from + 60);
        if pair & pair::ORDER != 0 && obeying {
            sign |= sign::OVERT;
        }
        // Who talks past the user gives an order, whatever its verb.
        let ended = place.open.is_none_or(|(_, sentences)| sentences > 0);
        let loud = sign & (sign::OVERT | sign::CALLED) != 0;
        let new = place.open.is_none() || (loud && ended);
        if sign & (sign::OVERT | sign::ADDRESSED | sign::CALLED) != 0 && new {
            let called = sign & sign::CALLED != 0;
            // "Folder 7 is a copy. Helper, delete it": what it is about was said before.
            if called
                && let Some(from) = place.earlier.take()
                && place.before.is_none_or(|before| from < before)
            {
                self.outside.pop();
                place.before = Some(from);
            }
            let begun = if called {
                Meaning::spoken()
            } else {
                Meaning::default()
            };
            self.begin(word.at, begun, place);
        }
        if sign != 0 && self.marks.len() >= MAX_SEEN {
            self.mark();
            self.forget_marks(word.at);
        }
        if sign != 0 && self.marks.len() < MAX_SEEN {
            let (field, part) = (self.field, self.part);
            self.marks.push(Mark {
                at: word.at,
                sign,
                field,
                part,
            });
        }
    }

    fn begin(&mut self, at: usize, meaning: Meaning, place: &mut Place<'a>) {
        // A further verb in the same sentence is the same order: "go to X and post …".
        if let Some((number, 0)) = place.open
            && let Some(found) = self.orders.get_mut(number)
        {
            found.order.actions = found.order.actions.union(meaning.verb);
            return;
        }
        // English says first what to do; what stood before is its own matter.
        if meaning.marks & (mark::ANYWHERE | mark::PASSIVE) == 0 {
            self.forget(at, place);
        }
        // Many orders must not hide the one that counts behind them.
        if self.orders.len() >= MAX_SEEN {
            self.mark();
            self.forget_marks(at);
            self.orders
                .sort_by_key(|found| std::cmp::Reverse(worth(&found.order)));
            self.orders.truncate(MAX_SEEN / 2);
        }
        place.open = Some((self.orders.len(), 0));
        place.aside = place.inside;
        place.joins = None;
        self.orders.push(Found {
            order: Order {
                actions: meaning.verb,
                signs: 0,
                words: Vec::new(),
            },
            at,
            end: at,
            field: self.field,
            part: self.part,
        });
        if let Some(from) = place.before.take() {
            self.take_before(from, at, place);
        }
    }

    /// Gives the order that begins at `at` what its sentence said before, the nearest words last.
    fn take_before(&mut self, from: usize, at: usize, place: &mut Place<'a>) {
        let text = place.text.get(..at).unwrap_or_default();
        let plain = |word: &Word| !matches!(word.kind, Kind::Break | Kind::Mark);
        let (mut taken, mut from) = (Vec::new(), from);
        for word in words_from(text, from).filter(plain) {
            if taken.len() >= MAX_ELSEWHERE {
                self.outside.extend(place.text.get(from..word.at));
                taken.clear();
                from = word.at;
            }
            if taken.len() < MAX_WORDS || word.is_rich(text) {
                taken.push(word);
            }
        }
        for word in taken {
            let meaning = self.vocabulary.meaning(word.hash(text, self.printer));
            self.collect(word, meaning, place);
        }
    }

    /// Keeps the word with the open order, or until it is known whether one begins.
    fn collect(&mut self, word: Word, meaning: Meaning, place: &mut Place<'a>) {
        let open = place.open.and_then(|(number, sentences)| {
            let found = self.orders.get_mut(number)?;
            (word.at <= found.at + REACH && sentences <= 2).then_some((found, sentences))
        });
        let Some((found, sentences)) = open else {
            place.open = None;
            place.before = place.before.or(Some(word.at));
            return;
        };
        found.end = found.end.max(word.end);
        // Who talks past the user often says in the next sentence what to do.
        let sentences = if found.order.actions.0 == 0 {
            0
        } else {
            sentences
        };
        let (vocabulary, printer) = (self.vocabulary, self.printer);
        take(
            &mut found.order,
            (word, meaning),
            place.text,
            sentences == 0,
            vocabulary,
            printer,
        );
    }

    /// The orders worth keeping, the most telling ones first.
    pub fn finish(self) -> Vec<Order> {
        let orders = self.orders.into_iter().map(|found| found.order).collect();
        let elsewhere = || Self::elsewhere(&self.outside, self.printer);
        let heard = self.heard.into_iter().map(|(_, order)| order).collect();
        let mut all = chosen(heard, elsewhere, MAX_HEARD_WORDS);
        all.extend(chosen(orders, elsewhere, MAX_ALL_WORDS));
        all
    }
}
