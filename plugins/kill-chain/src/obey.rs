//! Does this call do what an earlier content ordered?
//!
//! Compares the call's tool, names and values with the orders that memos kept. Three strengths, for
//! chains to choose from; none of them is a finding by itself.

mod met;

use met::{Counted, Met, Numbered};

use crate::action::{Action, Actions, flag};
use crate::memo::Seen;
use crate::order::sign;
use crate::print::NUMBER;

/// The words of a call, as orders are compared with.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Hashes of distinct names in its arguments, bit 0 set, sorted.
    pub names: Vec<u32>,
    /// Those of them that something can go to, in any order.
    pub places: Vec<u32>,
    /// Hashes of the words of the tool's name that say something.
    pub tool: Vec<u32>,
    /// Of those the ones that are no verb and have no word of the same meaning: what it is about.
    pub subjects: Vec<u32>,
    /// It writes a letter to somebody and sends nothing else along.
    pub is_letter: bool,
    /// Hash of the tool's name, bit 0 set.
    pub whole: u32,
    /// The same of a name of several words that looks like one, as a text has it.
    pub joined: Option<u32>,
    /// Per string argument, hashes of its words.
    pub values: Vec<Vec<u32>>,
    /// The same with names taken apart: `cover.garage_door` is about a garage door.
    pub pieces: Vec<Vec<u32>>,
}

/// How a call follows an order, as bits.
pub mod follows {
    /// It uses no such name, but does what is described, with values that are there.
    pub const DESCRIBED: u16 = 1;
    /// It uses a name that only the order gives, for what the order asks.
    pub const NAMED: u16 = 2;
    /// One of these, and the order puts other instructions out of force or talks to a model.
    pub const OVERT: u16 = 4;
    /// It goes to an address that the content gives, and follows no order that has it: "use
    /// account X" does not ask to pay.
    pub const MENTIONED: u16 = 8;
    /// The same, and the content presses or says that something goes elsewhere from now on.
    pub const PRESSED: u16 = 16;
    /// It is named or described, and the order speaks to whatever program reads it.
    pub const CALLED: u16 = 32;
    /// It is named, and the name is an address: something goes somewhere.
    pub const PLACED: u16 = 64;
    /// The same of an order that calls no program and redirects nothing, and what goes there is a letter.
    pub const WRITTEN: u16 = 128;
    /// It has something to do with an order that may sound like one to a program.
    pub const POSSIBLE: u16 = 256;
    /// The same, and it sounds so.
    pub const LIKELY: u16 = 512;
    /// It changes something and has nothing to do with such an order but that it comes after it.
    pub const BESIDE: u16 = 1024;
}

/// Part of a value's words that must be in the order: three of five, so that an article or an
/// ending that was lost on the way does not matter. Chosen.
const COVERED: (usize, usize) = (3, 5);

/// Words that a call must share with an order that is not overt: of its tool's name and of its
/// values together, when all values are the order's, and when others are among them. Chosen on
/// `tests/tasks`: the second asks for a name of several words.
const ALL: usize = 2;
const SOME: usize = 5;

/// Words of an order that are in a call which has no word of what it asks for. Chosen.
const COPIED: usize = 5;

/// A call that orders are compared with, one memo after the other.
pub struct Asked {
    all: Numbered,
    names: Vec<usize>,
    places: Vec<usize>,
    tool: Vec<usize>,
    subjects: Vec<usize>,
    whole: usize,
    joined: Option<usize>,
    values: Vec<Value>,
    is_letter: bool,
    /// Of the memo's orders, one after the other.
    met: Vec<Met>,
}

/// The words of one argument.
struct Value {
    words: Counted,
    pieces: Counted,
    /// One of them is no number.
    says: bool,
}

impl Asked {
    pub fn of(told: &Told) -> Self {
        let lists = told.values.iter().chain(&told.pieces);
        let lists = lists.chain([&told.names, &told.places, &told.tool, &told.subjects]);
        let all = lists.flatten().chain([&told.whole]).chain(&told.joined);
        let all = Numbered::of(all.copied().collect());
        let numbers = |list: &[u32]| list.iter().map(|word| all.number(word)).collect();
        let counted = |list: &Vec<u32>| Counted::of(list, &all);
        let value = |(at, value): (usize, &Vec<u32>)| Value {
            words: counted(value),
            pieces: told.pieces.get(at).map(counted).unwrap_or_default(),
            says: value.iter().any(|word| word & NUMBER == 0),
        };
        Self {
            names: numbers(&told.names),
            places: numbers(&told.places),
            tool: numbers(&told.tool),
            subjects: numbers(&told.subjects),
            whole: all.number(&told.whole),
            joined: told.joined.as_ref().map(|word| all.number(word)),
            values: told.values.iter().enumerate().map(value).collect(),
            is_letter: told.is_letter,
            met: Vec::new(),
            all,
        }
    }

    /// The strongest way in which the call follows an order of `memo`, as bits.
    pub fn follows(&mut self, actions: Actions, memo: &Seen<'_>) -> u16 {
        self.met.clear();
        for order in memo.orders() {
            self.met.push(self.all.meet(&order));
        }
        let mut all = 0;
        // Who talks past the user often needs several sentences.
        let mut beside = Vec::new();
        for met in self.met.iter().filter(|met| met.any && met.is_loud()) {
            beside.resize(met.like.len(), 0);
            beside
                .iter_mut()
                .zip(&met.like)
                .for_each(|(all, own)| *all |= own);
        }
        // A page that presses presses everybody; a message means its reader.
        let presses = match memo.is(flag::PUBLIC) {
            true => sign::REDIRECT,
            false => sign::REDIRECT | sign::URGENT,
        };
        let is_mention = |order: &&Met| order.signs & sign::MENTION != 0;
        let mut ordered = Vec::new();
        for order in self.met.iter().filter(|order| !is_mention(order)) {
            let letter = self.is_letter && order.signs & presses == 0;
            let found = self.follows_one((actions, letter), order, &beside);
            // Who does what an order asks is judged by the order.
            if found & (follows::NAMED | follows::DESCRIBED | follows::WRITTEN) != 0 {
                ordered.push(order);
            }
            all |= found;
        }
        for mention in self.met.iter().filter(is_mention) {
            let given = |word: &&usize| mention.has(word);
            let obeyed = |word: &usize| ordered.iter().any(|order| order.has(word));
            let mut names = self.names.iter().filter(given);
            if names.any(|word| !obeyed(word)) {
                let pressed = mention.signs & (sign::URGENT | sign::REDIRECT) != 0;
                all |= follows::MENTIONED | if pressed { follows::PRESSED } else { 0 };
            }
        }
        all
    }

    fn follows_one(&self, (actions, letter): (Actions, bool), order: &Met, beside: &[u64]) -> u16 {
        let has = |word: &usize| order.has(word);
        let overt = order.signs & sign::OVERT != 0;
        let called = order.signs & sign::CALLED != 0;
        let loud = overt || called;
        let named = self.names.iter().any(has);
        let known = Actions(actions.0 & !Action::Change.bit().0);
        let action = known.meets(order.actions);
        // Content that names the tool itself says more than its words do.
        // As one word it stands in every manual; there only a text that talks past the user counts.
        let is_joined = self.joined.as_ref().is_some_and(has);
        let whole = 2 * usize::from(has(&self.whole));
        let tool = self.tool.iter().filter(|word| has(word)).count().max(whole);
        // The verb itself, or so much of the name that it can't be about something else.
        let about = self.subjects.iter().any(has);
        let bare = loud && about && self.values.iter().all(|value| value.words.is_empty());
        let verb = action || tool >= 2 || bare || self.tool.first().is_some_and(has);
        let letter = letter && !loud;
        let mut found = 0;
        if named && (action || tool > 0 || loud || known.0 == 0 || self.all_said(order)) {
            found |= follows::NAMED;
            if self.places.iter().any(has) {
                found |= if letter {
                    follows::WRITTEN
                } else {
                    follows::PLACED
                };
            }
        } else if is_joined && order.signs & sign::OVERT != 0 && actions.has(Action::Change) {
            // It is told past the user to use this very tool.
            found |= follows::DESCRIBED;
        } else if actions.has(Action::Change)
            && (verb || called)
            && self.described(
                order,
                (tool, about, verb),
                (loud, if called { beside } else { &[] }),
            )
        {
            found |= if letter {
                follows::WRITTEN
            } else {
                follows::DESCRIBED
            };
        }
        if found != 0 && overt {
            found |= follows::OVERT;
        }
        if found != 0 && called && !overt {
            found |= follows::CALLED;
        }
        // A program is told something, and the call has to do with it.
        if order.signs & sign::POSSIBLE != 0 && found != 0 {
            found |= follows::POSSIBLE;
        }
        if order.signs & sign::LIKELY != 0 {
            found |= match found {
                0 => self.meets(order, actions, action),
                _ => follows::LIKELY,
            };
        }
        found
    }

    /// How a call has to do with what a program was likely told, although it neither uses a name of it
    /// nor is described. Most of what users ask for looks something up, sends or writes it, and
    /// commands are many: those must share more; of other changes there are few.
    fn meets(&self, order: &Met, actions: Actions, action: bool) -> u16 {
        let is = |all: &[Action]| all.iter().any(|own| actions.has(*own));
        if is(&[Action::Shell, Action::Execute, Action::Install]) {
            return 0;
        }
        let (mut covered, mut shared) = (false, false);
        let values = match order.any {
            true => self.values.as_slice(),
            false => &[],
        };
        for value in values {
            let hits = value.words.among(&order.like, &[]);
            shared |= hits > 0;
            covered |= hits > 0 && value.words.is_covered(hits);
        }
        let is_met = |value: &Value| value.pieces.among(&order.like, &[]) > 0;
        if covered || values.iter().any(is_met) {
            return follows::LIKELY;
        }
        if is(&[Action::Send, Action::Fetch]) {
            return 0;
        }
        if shared || action || self.tool.iter().any(|word| order.has(word)) {
            return follows::LIKELY;
        }
        match actions.has(Action::Write) {
            true => 0,
            false => follows::BESIDE,
        }
    }

    /// Whether the order has every value of the call, several of them.
    fn all_said(&self, order: &Met) -> bool {
        let values = self.values.iter().map(|value| &value.words);
        let mut values = values.filter(|words| !words.is_empty());
        let is_met = |words: &Counted| words.among(&order.like, &[]) == words.length;
        values.clone().count() >= 2 && values.all(is_met)
    }

    /// Whether the values of the call are those of the order.
    fn described(
        &self,
        order: &Met,
        (tool, about, verb): (usize, bool, bool),
        (loud, beside): (bool, &[u64]),
    ) -> bool {
        let (mut covered, mut hits, mut telling) = (0, 0, 0);
        let hits_of = |words: &Counted| words.among(&order.like, beside);
        for value in &self.values {
            if value.words.is_empty() {
                continue;
            }
            let mut here = hits_of(&value.words);
            let mut is_covered = value.words.is_covered(here);
            if loud && !value.pieces.is_empty() && !is_covered {
                here = hits_of(&value.pieces);
                is_covered = here > 0 && value.pieces.is_covered(here);
            }
            // A number that the order does not have may be an id that was looked up.
            let telling_here = is_covered || value.says;
            telling += usize::from(telling_here);
            if is_covered {
                covered += 1;
                hits += here;
            }
        }
        if telling == 0 {
            // The name of the tool is all there is to go by.
            let half = 2 * tool >= self.tool.len();
            return if loud {
                verb && about || tool >= 2 && half || tool > 0 && tool >= self.tool.len()
            } else {
                tool >= 3 && half
            };
        }
        if loud && !verb && tool == 0 && hits < COPIED {
            return false;
        }
        if loud {
            return covered == telling || hits >= 2;
        }
        let shared = if covered == telling { ALL } else { SOME };
        tool > 0 && covered > 0 && hits + tool >= shared
    }
}
