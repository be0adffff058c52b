//! Addresses and accounts that a content gives, in an order or not, and who its head names.

use crate::KillChain;
use crate::action::Action;
use crate::order::{Order, sign};
use crate::vocabulary::{mark, pair};
use crate::words::{Kind, Word, forms, is_address, words, words_from};

/// Where words stand that may be addresses, in bytes.
pub type Spots = Vec<(usize, usize)>;

/// Fields of a message's head that say who reads it anyway, and how far behind their name an
/// address may stand, in bytes.
const HEADS: [&str; 9] = [
    "from",
    "sender",
    "to",
    "cc",
    "reply-to",
    "recipient",
    "recipients",
    "von",
    "an",
];
const MAX_FIELD: usize = 120;
/// Addresses that are kept of one event: who gives more tells of people, not where to send.
const MAX_MENTIONS: usize = 12;
/// How far around an address what presses or redirects is looked for, in bytes.
const AROUND: usize = 240;
/// Words that may be addresses, looked at before the telling ones are chosen.
const MAX_SPOTS: usize = 64;
const MIN_LENGTH: usize = 8;
const MIN_DIGITS: usize = 6;
/// Words beside which a long number is an account, and how far before it, in bytes.
const BEFORE: usize = 80;
const ACCOUNTS: [&str; 8] = [
    "IBAN", "iban", "ccount", "onto", "uenta", "ompte", "счет", "账",
];

impl KillChain {
    /// Notes a word that may be an address or account: few words are, so the texts need no further
    /// reading for them.
    #[inline]
    pub(crate) fn spot(&self, text: &str, word: &Word, spots: &mut Spots) {
        if word.kind == Kind::Plain && word.end - word.at >= MIN_LENGTH {
            let own = text.as_bytes().get(word.at..word.end).unwrap_or_default();
            let digits = || own.iter().filter(|byte| byte.is_ascii_digit()).count() >= MIN_DIGITS;
            if (own.contains(&b'@') || digits()) && spots.len() < MAX_SPOTS {
                spots.push((word.at, word.end));
            }
        }
    }

    /// The addresses of a text as one order each that asks nothing; of a text that has many the
    /// ones beside which something presses.
    pub(crate) fn mentions(&self, text: &str, spots: &Spots, into: &mut Vec<Order>) {
        let actions = [Action::Send, Action::Pay, Action::Permission]
            .into_iter()
            .collect();
        let mails = self
            .addresses(text, spots)
            .filter(|(_, at)| !is_head(text, *at));
        for (name, at) in mails.chain(accounts(text, spots)) {
            let words = forms(name).map(|form| self.printer.name(form)).collect();
            let order = Order {
                actions,
                signs: sign::MENTION | self.pressing(text, at),
                words,
            };
            if !into.contains(&order) {
                into.push(order);
            }
        }
        into.sort_by_key(|order| order.signs & (sign::URGENT | sign::REDIRECT) == 0);
        into.truncate(MAX_MENTIONS);
    }

    /// Hashes of the mail addresses that the head of a message gives.
    pub(crate) fn correspondents(&self, text: &str, spots: &Spots) -> impl Iterator<Item = u32> {
        let mails = self
            .addresses(text, spots)
            .filter(|(_, at)| is_head(text, *at));
        mails.map(|(mail, _)| self.printer.word(mail))
    }

    /// The mail addresses of `text` with their places.
    fn addresses<'t>(
        &self,
        text: &'t str,
        spots: &Spots,
    ) -> impl Iterator<Item = (&'t str, usize)> {
        let inside = |char: char| char.is_ascii_alphanumeric() || "._%+-".contains(char);
        spots.iter().filter_map(move |&(from, to)| {
            let word = text.get(from..to)?;
            let (before, after) = word.split_once('@')?;
            let name = before.len() - before.trim_end_matches(inside).len();
            let length = after.find(|char| !inside(char)).unwrap_or(after.len());
            let host = after.get(..length)?.trim_end_matches(['.', '-']);
            let start = from + before.len() - name;
            let mail = text.get(start..from + before.len() + 1 + host.len())?;
            (name > 0 && host.contains('.')).then_some((mail, start))
        })
    }

    /// What presses or redirects around `at`, as signs.
    fn pressing(&self, text: &str, at: usize) -> u16 {
        let mut from = at.saturating_sub(AROUND);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let mut to = text.len().min(at + AROUND);
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        // Of its own paragraph only.
        let before = text.get(from..at).unwrap_or_default();
        from = before.rfind("\n\n").map_or(from, |gap| from + gap);
        let after = text.get(at..to).unwrap_or_default();
        to = after.find("\n\n").map_or(to, |gap| at + gap);
        let part = text.get(from..to).unwrap_or_default();
        let (mut signs, mut previous) = (0, 0);
        for word in words(part) {
            let hash = word.hash(part, &self.printer);
            let marks = self.vocabulary.meaning(hash).marks;
            let two = match marks & mark::SECOND {
                0 => 0,
                _ => self.vocabulary.presses(previous, hash),
            };
            signs |= if marks & mark::URGENT != 0 {
                sign::URGENT
            } else {
                0
            };
            signs |= if two & pair::REDIRECT != 0 {
                sign::REDIRECT
            } else {
                0
            };
            previous = hash;
        }
        signs
    }
}

/// The accounts of `text` with their places.
fn accounts<'t>(text: &'t str, spots: &Spots) -> impl Iterator<Item = (&'t str, usize)> {
    spots.iter().filter_map(move |&(from, to)| {
        let word = words_from(text.get(..to)?, from).next()?;
        let name = word.bare(text);
        let account = is_address(name) && !name.contains(['@', '/', ':', '-', '.']);
        let mut start = from.saturating_sub(BEFORE);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let before = text.get(start..from)?;
        let told = ACCOUNTS.iter().any(|word| before.contains(word));
        (account && name.len() >= MIN_LENGTH && told && !is_head(text, from))
            .then_some((name, from))
    })
}

/// Whether the address at `at` stands in a field of a message's head.
fn is_head(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit(['\n', '{']).next().unwrap_or_default();
    let mut cut = line.len().saturating_sub(MAX_FIELD);
    while !line.is_char_boundary(cut) {
        cut += 1;
    }
    let field = line.get(cut..).unwrap_or_default();
    let field = field
        .rsplit(", \"")
        .next()
        .unwrap_or(field)
        .to_ascii_lowercase();
    let field = field.trim_start_matches([' ', '"', '\'', '-', '{']);
    HEADS.iter().any(|head| {
        let rest = field.strip_prefix(head);
        rest.is_some_and(|rest| rest.starts_with([':', '"', '\'']))
    })
}
