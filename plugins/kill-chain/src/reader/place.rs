//! Where in a text the reader is, and what that says of the next word.

use crate::vocabulary::{Meaning, mark};
use crate::words::{Kind, Word};

/// First byte of characters from U+0600 on: scripts that glue endings to words.
const FIRST_GLUED: u8 = 0xd8;

/// Words with a full stop behind which a name follows.
const TITLES: [&str; 8] = ["Dr.", "Mr.", "Mrs.", "Ms.", "Prof.", "St.", "Sr.", "No."];

/// Where the reader is in its text.
pub(super) struct Place<'a> {
    pub(super) text: &'a str,
    /// Where the last word stood that had letters or digits.
    pub(super) previous: (usize, usize),
    pub(super) start: Start,
    pub(super) breaks: u32,
    /// The last break stood inside a sentence.
    pub(super) wrapped: bool,
    /// Only marks stood in this line so far.
    pub(super) line_start: bool,
    /// Where what the sentence said before an order began: many languages put the verb last.
    pub(super) before: Option<usize>,
    /// Where the sentence before this one began, when no order took it.
    pub(super) earlier: Option<usize>,
    /// Where the part that is outside of every order began, when no order followed it yet.
    pub(super) joins: Option<usize>,
    /// The open order, and how many sentences ended in it.
    pub(super) open: Option<(usize, u32)>,
    /// A word that puts rules out of force was seen here.
    pub(super) overriding: Option<usize>,
    /// A word that demands to be obeyed was seen here.
    pub(super) obeying: Option<usize>,
    pub(super) led: bool,
    /// Between parentheses; and whether the open order began there: then it ends there, as a
    /// program's hint about how it is used does.
    pub(super) inside: bool,
    pub(super) aside: bool,
}

/// Whether the next word begins a sentence or a value.
#[derive(Clone, Copy)]
pub(super) enum Start {
    Yes,
    No,
    /// This word says so; most are never asked.
    After(Word),
}

impl Place<'_> {
    /// A word that is no more than one: most are.
    #[inline]
    pub(super) fn pass(&mut self, word: Word) {
        self.before = self.before.or(Some(word.at));
        self.wrapped = false;
        self.breaks = 0;
        self.led = false;
        self.note(word);
    }

    /// The same for many words of letters; the first begins at `first`.
    pub(super) fn pass_all(&mut self, first: usize, last: (usize, usize)) {
        self.before = self.before.or(Some(first));
        self.wrapped = false;
        self.breaks = 0;
        self.led = false;
        self.line_start = false;
        self.previous = last;
        self.start = Start::No;
    }

    /// Whether a word of letters that no order takes does no more than lead to the next.
    pub(super) fn changes_nothing(&mut self, word: Word, meaning: Meaning) -> bool {
        let others = !(mark::LEAD_IN | mark::STOP);
        if meaning.marks & others != 0 {
            return false;
        }
        self.unwrap(word);
        meaning.verb.0 == 0 || !(self.led || self.is_start())
    }

    /// A sentence that went on in the next line goes on with a word in lower case.
    pub(super) fn unwrap(&mut self, word: Word) {
        if std::mem::take(&mut self.wrapped)
            && word
                .text(self.text)
                .contains(|char: char| char.is_lowercase())
            && !word
                .bare(self.text)
                .starts_with(|char: char| char.is_uppercase())
        {
            self.start = Start::No;
        }
    }

    #[inline]
    pub(super) fn note(&mut self, word: Word) {
        if word.has_bare() {
            self.line_start = false;
            self.previous = word.bare_range();
        }
    }

    pub(super) fn is_start(&self) -> bool {
        let word = match self.start {
            Start::Yes => return true,
            Start::No => return false,
            Start::After(word) => word,
        };
        // Orders often follow a colon or quote glued to other words: "subject: 'Reminder: Send …".
        let last = word.text(self.text).as_bytes().last();
        let bare = word.bare(self.text);
        bare.is_empty()
            || last.is_some_and(|last| b".!?;:>,\"'-*)".contains(last))
            || (bare.len() > 12 && word.is_rich(self.text) && bare.contains([':', '.']))
    }
}

pub(super) fn leads(meaning: Meaning) -> bool {
    meaning.marks & mark::LEAD_IN != 0 || meaning.verb.0 != 0
}

pub(super) fn begins(word: Word, meaning: Meaning, place: &Place<'_>) -> bool {
    // "Modified: a.txt" reports; "must be modified" orders.
    if meaning.marks & mark::PASSIVE != 0 {
        return place.led;
    }
    word.kind == Kind::Dense || place.led || meaning.marks & mark::ANYWHERE != 0 || place.is_start()
}

/// Whether a word is of a script that glues endings to it.
pub(super) fn is_glued(word: Word, text: &str) -> bool {
    let first = word.bare(text).as_bytes().first();
    first.is_some_and(|first| *first >= FIRST_GLUED)
}

pub(super) fn ends_sentence(word: Word, text: &str) -> bool {
    let last = word.text(text).as_bytes().last();
    last.is_some_and(|last| b".!?;".contains(last)) && !TITLES.contains(&word.text(text))
}

/// `subject: x` at a line's start, `"subject": x` anywhere: another field begins.
pub(super) fn is_key(word: Word, place: &Place<'_>) -> bool {
    let text = word.text(place.text);
    if !text.ends_with(':') {
        return false;
    }
    let quoted = text.ends_with("':") || text.ends_with("\":");
    // A wrapped sentence may end in a colon: its value would stand in the same line.
    let after = place.text.get(word.end..).unwrap_or_default();
    let value = after.trim_start_matches(' ');
    quoted || (place.line_start && !value.is_empty() && !value.starts_with(['\n', '\r']))
}
