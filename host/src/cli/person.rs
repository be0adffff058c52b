//! What only a person does: at a terminal, and with a word typed once more.

use super::exit::{Exit, Failure};
use std::io::{BufRead, IsTerminal, Read, Write};

/// Refuses where nobody could type.
///
/// # Errors
/// [`Failure`] with [`Exit::Human`].
pub fn at_terminal() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    let message = "this is done by a person at a terminal";
    Err(Failure::new(Exit::Human, "terminal", message).into())
}

/// Asks for `word` once more, which the person is told to be `what`, and reads at most one short line.
///
/// # Errors
/// [`Failure`] with [`Exit::Human`] when something else was typed.
pub fn types(what: &str, word: &str) -> anyhow::Result<()> {
    const MAX_LINE_BYTES: u64 = 4096;
    let mut out = std::io::stderr().lock();
    write!(out, "Type {what} to go on: ")?;
    out.flush()?;
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_LINE_BYTES)
        .read_line(&mut typed)?;
    if typed.trim() == word {
        return Ok(());
    }
    let message = "it was not typed, so nothing was changed";
    Err(Failure::new(Exit::Human, "not-confirmed", message).into())
}
