//! Orders that content gives its reader: "send the money to US13…", "unlock the front door".
//!
//! An order is reduced to what it asks for, how insistent it is, and hashes of its words. Whether it
//! is an attack is not said here: it becomes a sign when a later call does what it says (`obey`).
//! How orders are found in a text is `reader`.

use crate::action::{Action, Actions};
use crate::print::{NAME, Printer, plain};

/// Orders of one event, and words of all of them that are kept.
pub const MAX_ORDERS: usize = 24;
pub const MAX_ALL_WORDS: usize = 192;

/// How insistent an order is, as bits.
pub mod sign {
    /// It puts other instructions out of force, or presses a language model.
    pub const OVERT: u16 = 1;
    /// It presses: must, before you, without asking.
    pub const URGENT: u16 = 2;
    /// It names a language model. Mail about an assistant does so, too: only with pressing it is
    /// overt.
    pub const ADDRESSED: u16 = 4;
    /// No order: addresses that the content gives beside its own head.
    pub const MENTION: u16 = 8;
    /// It gives an address or account.
    pub const PLACE: u16 = 32;
    /// It says that something goes elsewhere from now on.
    pub const REDIRECT: u16 = 16;
    /// It speaks to whatever program reads the text, not to a person.
    pub const CALLED: u16 = 64;
    /// It may sound like an order to a program, as `tone` hears it.
    pub const POSSIBLE: u16 = 128;
    /// It sounds so.
    pub const LIKELY: u16 = 256;
}

/// One order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub actions: Actions,
    pub signs: u16,
    /// Hashes of its words; bit 0 tells names.
    pub words: Vec<u32>,
}

/// The orders worth keeping, the most telling ones first. `elsewhere` gives the names that the same
/// content also has as plain data, such as its sender: those are no names that only an order gives;
/// `left` words have room.
pub fn chosen(
    mut orders: Vec<Order>,
    elsewhere: impl FnOnce() -> Vec<u32>,
    mut left: usize,
) -> Vec<Order> {
    orders.retain(|order| !order.words.is_empty());
    let mut words = orders.iter().flat_map(|order| &order.words);
    let elsewhere = if words.any(|word| *word & NAME != 0) {
        elsewhere()
    } else {
        Vec::new()
    };
    for order in &mut orders {
        for word in &mut order.words {
            if *word & NAME != 0 && elsewhere.binary_search(word).is_ok() {
                *word = plain(*word);
            }
        }
        order.words.sort_unstable();
        order.words.dedup();
    }
    orders.sort_by_key(|order| std::cmp::Reverse(worth(order)));
    orders.truncate(MAX_ORDERS);
    orders.retain(|order| {
        let fits = order.words.len() <= left;
        left -= if fits { order.words.len() } else { 0 };
        fits
    });
    orders
}

/// What is kept when there is no room for all.
pub fn worth(order: &Order) -> u32 {
    let names = order.words.iter().any(|word| word & NAME != 0);
    let harmless: Actions = [Action::Fetch, Action::Act].into_iter().collect();
    u32::from(order.signs & sign::OVERT != 0) * 8
        + u32::from(order.signs & sign::LIKELY != 0) * 7
        + u32::from(order.signs & sign::CALLED != 0) * 6
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
