//! Addresses and accounts that a content gives without ordering anything, and who its head names.

use crate::KillChain;
use crate::action::Action;
use crate::order::{Order, sign};
use crate::vocabulary::{mark, pair};
use crate::words::{forms, is_address, words};

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
/// Words beside which a long number is an account.
const ACCOUNTS: [&str; 8] = [
    "IBAN", "iban", "ccount", "onto", "uenta", "ompte", "счет", "账",
];

impl KillChain {
    /// The addresses of the texts as one order each that asks nothing; of a text that has many the
    /// ones beside which something presses.
    pub(crate) fn mentions<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Vec<Order> {
        let mut all: Vec<Order> = Vec::new();
        let actions = [Action::Send, Action::Pay, Action::Permission]
            .into_iter()
            .collect();
        for text in texts {
            let mails = self.addresses(text, |head| !head);
            let accounts = ACCOUNTS.iter().any(|word| text.contains(word));
            let accounts = words(text).filter(|word| accounts && word.is_rich(text));
            let accounts = accounts.map(|word| (word.bare(text), word.at));
            let is_account =
                |name: &str| is_address(name) && !name.contains(['@', '/', ':', '-', '.']);
            let accounts = accounts
                .filter(|(name, at)| name.len() >= 8 && is_account(name) && !is_head(text, *at));
            for (name, at) in mails.chain(accounts).take(MAX_SEEN) {
                let words = forms(name).map(|form| self.printer.name(form)).collect();
                let order = Order {
                    actions,
                    signs: sign::MENTION | self.pressing(text, at),
                    words,
                };
                if !all.contains(&order) {
                    all.push(order);
                }
            }
        }
        all.sort_by_key(|order| order.signs & (sign::URGENT | sign::REDIRECT) == 0);
        all.truncate(MAX_MENTIONS);
        all
    }

    /// The mail addresses of `text` with their places: those that its head gives, or the others, as
    /// `wanted` says of whether the head gives one.
    pub(crate) fn addresses<'t>(
        &self,
        text: &'t str,
        wanted: impl Fn(bool) -> bool,
    ) -> impl Iterator<Item = (&'t str, usize)> {
        let mut from = 0;
        let all = std::iter::from_fn(move || {
            let at = from + text.get(from..)?.find('@')?;
            let inside = |char: char| char.is_ascii_alphanumeric() || "._%+-".contains(char);
            let before = text.get(..at)?;
            let name = before.trim_end_matches(inside);
            let after = text.get(at + 1..)?;
            let length = after.find(|char| !inside(char)).unwrap_or(after.len());
            let host = after.get(..length)?.trim_end_matches(['.', '-']);
            from = at + 1;
            let mail = text.get(name.len()..at + 1 + host.len())?;
            Some((
                mail,
                name.len(),
                mail.len() > host.len() + 1 && host.contains('.'),
            ))
        });
        all.filter(move |(_, at, is_mail)| *is_mail && wanted(is_head(text, *at)))
            .map(|(mail, at, _)| (mail, at))
    }

    /// What presses or redirects around `at`, as signs.
    fn pressing(&self, text: &str, at: usize) -> u8 {
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

/// Addresses that are looked at before the telling ones are chosen.
const MAX_SEEN: usize = 64;

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
