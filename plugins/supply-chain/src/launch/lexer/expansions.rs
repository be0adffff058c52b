//! What a shell puts in place of `$…` and `` `…` ``, and quotes in which it does so.

use super::super::shell::{Nested, NestedKind, SUBSTITUTED, mark};
use super::matching::MAX_NESTED;
use super::{Lexer, MAX_VALUE_BYTES};

impl Lexer<'_> {
    pub(super) fn double_quoted(&mut self) {
        self.push_str("");
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) if "$`\"\\".contains(c) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                '$' | '`' => self.expansion(c, true),
                c => self.push(c),
            }
        }
    }

    pub(super) fn expansion(&mut self, opener: char, quoted: bool) {
        match (opener, self.peek()) {
            ('`', _) => {
                let mut text = String::new();
                while let Some(c) = self.next().filter(|c| *c != '`') {
                    // Inside, a backslash keeps only what would end or expand it.
                    let escaped = c == '\\' && self.peek().is_some_and(|c| "`\\$".contains(c));
                    text.extend(if escaped { self.next() } else { Some(c) });
                }
                self.substitution(text);
            }
            (_, Some('(')) => {
                self.at += 1;
                match self.arithmetic_end(MAX_NESTED) {
                    Some(end) => {
                        let text = self.text(self.at - 1, end + 1);
                        self.at = end + 1;
                        self.nest(text, false);
                    }
                    None => {
                        let text = self.until_closed();
                        self.substitution(text);
                    }
                }
            }
            // The same as `$((…))` in older scripts.
            (_, Some('[')) => {
                self.at += 1;
                match self.subscript_end(MAX_NESTED) {
                    Some(end) => {
                        let text = format!("(({}))", self.text(self.at, end));
                        self.at = end + 1;
                        self.nest(text, false);
                    }
                    None => self.push_str("$["),
                }
            }
            (_, Some('\'')) if !quoted => {
                self.at += 1;
                self.ansi_quoted();
            }
            (_, Some('"')) if !quoted => {}
            (_, Some(c)) if c.is_alphanumeric() || "_{@*#?!$-".contains(c) => {
                self.script.expands = true;
                self.variable(quoted);
            }
            _ => self.push(opener),
        }
    }

    /// `$'n\x70x'`.
    pub(super) fn ansi_quoted(&mut self) {
        self.push_str("");
        while let Some(c) = self.next().filter(|c| *c != '\'') {
            if c != '\\' {
                self.push(c);
                continue;
            }
            let (radix, longest) = match self.next() {
                Some('x') => (16, 2),
                Some('u') => (16, 4),
                Some('U') => (16, 8),
                Some('0'..='7') => {
                    self.at -= 1;
                    (8, 3)
                }
                Some('n' | 'r' | 't') => {
                    self.push(' ');
                    continue;
                }
                Some(c) => {
                    self.push(c);
                    continue;
                }
                None => return,
            };
            let mut code = 0;
            for _ in 0..longest {
                let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else {
                    break;
                };
                code = code * radix + digit;
                self.at += 1;
            }
            self.word
                .get_or_insert_default()
                .extend(char::from_u32(code));
        }
    }

    pub(super) fn nest(&mut self, text: String, sink: bool) {
        self.push_substituted();
        self.script.expands = true;
        let parent = self.current();
        let kind = if sink {
            NestedKind::Sink
        } else {
            NestedKind::Substitution
        };
        self.script.nested.push(Nested { text, parent, kind });
    }

    /// What stands for the next substitution.
    fn push_substituted(&mut self) {
        self.push(SUBSTITUTED);
        let mark = mark(self.script.nested.len());
        self.word.get_or_insert_default().extend(mark);
    }

    /// `$(…)`: what a plain `echo` would print is put in.
    pub(super) fn substitution(&mut self, text: String) {
        let plain = |c: char| c.is_alphanumeric() || "@=./_- ^~<>[],:+".contains(c);
        let mut printed = ["echo ", "cat <<<", "printf %s "].iter();
        let printed = printed.find_map(|start| text.strip_prefix(start));
        let printed = printed.map(|words| words.trim().trim_matches(['\'', '"']));
        let printed =
            printed.filter(|words| words.len() <= MAX_VALUE_BYTES && words.chars().all(plain));
        match printed {
            Some(words) => {
                self.push_str(words);
                self.script.expands = true;
                let (parent, kind) = (self.current(), NestedKind::Substitution);
                self.script.nested.push(Nested { text, parent, kind });
            }
            None => self.nest(text, false),
        }
    }

    /// Notes the end of `((…))` whose first bracket was read. Dash and others know only subshells,
    /// so what they would read otherwise is read that way, too.
    pub(super) fn arithmetic(&mut self) {
        if self.in_arithmetic() {
            return;
        }
        let Some(end) = self.arithmetic_end(MAX_NESTED) else {
            return;
        };
        self.arithmetic = end;
        let text = self.text(self.at, end);
        if text.contains(['\'', '"', '#']) || text.contains("<<") {
            let (parent, kind) = (self.current(), NestedKind::Substitution);
            self.script.nested.push(Nested { text, parent, kind });
        }
    }

    /// Whether what was read last belongs to `((…))`.
    pub(super) fn in_arithmetic(&self) -> bool {
        self.at <= self.arithmetic
    }

    /// Whether the `[` that was read last begins the index of an array's element that is set.
    pub(super) fn assigns_element(&self) -> bool {
        match &self.word {
            None => self.compound,
            Some(_) => !self.in_arithmetic() && self.is_subscript(self.at - 1),
        }
    }

    /// `[1<<2]`: arithmetic, and one word however it is spaced.
    pub(super) fn subscript(&mut self) {
        self.push('[');
        let end = self.subscript_end(MAX_NESTED).unwrap_or(self.at);
        while self.at < end
            && let Some(c) = self.next()
        {
            match c {
                '$' | '`' => self.expansion(c, true),
                '\'' | '"' => {}
                c => self.push(c),
            }
        }
    }
}
