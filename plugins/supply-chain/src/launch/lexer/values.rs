//! Values of variables: where they are set, where they are put in, and when they may be stale.

use super::super::shell::is_assignment;
use super::{Lexer, MAX_VALUE_BYTES};

impl Lexer<'_> {
    /// `$NAME`, `${NAME}`, `${NAME:-other}`.
    pub(super) fn variable(&mut self, quoted: bool) {
        let start = self.at;
        let braced = self.peek() == Some('{');
        self.at += usize::from(braced);
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
            self.at += 1;
        }
        if let Some(c) = self.peek().filter(|c| name.is_empty() && "@*".contains(*c)) {
            name.push(c);
            self.at += 1;
        }
        let mut other = None;
        let mut stale = self.variables.contains_key(&stale_key(&name));
        if braced {
            let rest = self.brace_rest(quoted);
            let text = rest.trim_start_matches(':');
            other = text.strip_prefix(['-', '=', '+']).map(str::to_owned);
            // `${V%1}` is another value, and `${V+x}` is not V's.
            stale |= !rest.is_empty();
        }
        let value = self.variables.get(&name).cloned().or(other);
        self.script.unsure |= stale && value.is_some();
        let value = value.filter(|_| !(stale && self.strict));
        let value = value.filter(|value| value.len() <= MAX_VALUE_BYTES);
        let affordable = |value: &String| {
            let budget = self.budget.checked_sub(value.len())?;
            Some((self.values_left.checked_sub(1)?, budget))
        };
        let left = value.as_ref().and_then(affordable);
        self.script.cut |= value.is_some() && left.is_none();
        match (value, left) {
            (Some(value), Some((left, budget))) => {
                self.values_left = left;
                *self.budget = budget;
                self.used.push(stale_key(&name));
                // `"$@"` keeps its words apart.
                if quoted && name != "@" {
                    return self.push_str(&value);
                }
                let mut words = value.split_whitespace();
                self.push_str(words.next().unwrap_or_default());
                for word in words {
                    self.end_word();
                    self.push_str(word);
                }
            }
            _ => {
                self.push('$');
                let written = self.chars.get(start..self.at).unwrap_or_default();
                let written: String = written.iter().collect();
                self.push_str(&written);
            }
        }
    }

    /// What follows the name in `${…}`, without quotes; commands in it are noted, they run. Where
    /// it isn't closed, all that follows is read as if there was no bracket.
    fn brace_rest(&mut self, quoted: bool) -> String {
        let Some(end) = self.brace_end(quoted) else {
            return String::new();
        };
        let outer = self.word.take();
        let mut double = quoted;
        while self.at < end
            && let Some(c) = self.next()
        {
            match (c, self.peek()) {
                ('\\', Some(next)) => {
                    self.at += 1;
                    self.push(next);
                }
                ('\'', _) if !double => {
                    let text = self.until('\'');
                    self.push_str(&text);
                }
                ('"', _) => double = !double,
                ('`', _) | ('$', Some('(' | '[')) => self.expansion(c, true),
                ('$', Some('\'')) if !double => {
                    self.at += 1;
                    self.ansi_quoted();
                }
                (c, _) => self.push(c),
            }
        }
        self.at = end + 1;
        std::mem::replace(&mut self.word, outer).unwrap_or_default()
    }

    pub(super) fn keep(&mut self, word: String) {
        let inner = self.inner;
        let Some(command) = self.script.commands.last_mut() else {
            return;
        };
        if command.words.is_empty() {
            command.inner = inner;
        }
        let first = command.words.first().map(String::as_str);
        let last = command.words.last().map(String::as_str);
        const NAMES: [&str; 6] = ["read", "unset", "mapfile", "readarray", "getopts", "let"];
        let given = self.names || matches!(last, Some("for" | "select" | "-v"));
        self.names |= NAMES.contains(&word.as_str());
        let mut stale: Vec<&str> = Vec::new();
        if given || word.contains("+=") {
            stale.extend(
                word.split('=')
                    .next()
                    .map(|name| name.trim_end_matches('+')),
            );
        }
        // `V=1 program $V`: only the program has it.
        if self.assigns && !is_assignment(&word) {
            self.assigns = false;
            stale.extend(
                command
                    .words
                    .iter()
                    .filter_map(|word| word.split('=').next()),
            );
        }
        for name in stale {
            self.variables.insert(stale_key(name), String::new());
        }
        let sets = match first {
            None => true,
            Some(first) => {
                is_assignment(first)
                    || ["export", "declare", "local", "readonly", "set", "typeset"].contains(&first)
            }
        };
        if sets
            && is_assignment(&word)
            && let Some((name, value)) = word.split_once('=')
        {
            let before = self.variables.insert(name.to_owned(), value.to_owned());
            let again = before.is_some_and(|before| before != value);
            if again || self.inner > 0 || self.depends {
                self.variables.insert(stale_key(name), String::new());
            }
        }
        if let (Some("alias"), Some((name, value))) = (first, word.split_once('=')) {
            self.variables.insert(alias_key(name), value.to_owned());
        }
        command.words.push(word);
    }
}

/// Under which it is noted that a variable's value may not be the last one.
fn stale_key(name: &str) -> String {
    format!("stale {name}")
}

/// Under which an alias is kept; no variable can be called so.
pub fn alias_key(name: &str) -> String {
    format!("alias {name}")
}
