//! Where a part of a script ends that begins with a bracket: quotes, substitutions, comments and
//! here-documents in it may hold brackets that close nothing.

use super::Lexer;
use super::heredocs::Marker;
use crate::effort;

/// How deep arithmetic and here-documents in each other are looked through.
pub const MAX_NESTED: u32 = 4;
/// Letters of a keyword that is looked for before a word.
const MAX_WORD: usize = 64;
/// Behind these a command begins.
const KEYWORDS: [&str; 9] = [
    "then", "do", "else", "elif", "if", "while", "until", "time", "!",
];

// What is open, by what closes it. Some have the same end and other rules.
const COMMAND: char = ')';
const ARITHMETIC: char = 'a';
/// `x=(…)`.
const COMPOUND: char = 'c';
const BRACE: char = '}';
/// `"${…}"`, in which a single quote is only a letter.
const QUOTED_BRACE: char = 'q';
const SUBSCRIPT: char = ']';
const ANSI: char = 'A';

impl Lexer<'_> {
    /// Reads up to the bracket that closes a substitution, and over it.
    pub(super) fn until_closed(&mut self) -> String {
        let start = self.at;
        let end = self.matching(COMMAND, MAX_NESTED).unwrap_or(self.at);
        self.text(start, end)
    }

    /// The same for `${…}`; nothing is read where it isn't closed.
    pub(super) fn brace_end(&mut self, quoted: bool) -> Option<usize> {
        let first = if quoted { QUOTED_BRACE } else { BRACE };
        self.ahead(|lexer| lexer.matching(first, MAX_NESTED))
    }

    /// Where the `]` stands that closes the `[` before.
    pub(super) fn subscript_end(&mut self, depth: u32) -> Option<usize> {
        let depth = self.deeper(depth)?;
        self.ahead(|lexer| lexer.matching(SUBSCRIPT, depth))
    }

    /// Where the last bracket of `((…))` stands whose first one was read; `None` where it is a
    /// subshell in another.
    pub(super) fn arithmetic_end(&mut self, depth: u32) -> Option<usize> {
        if self.peek() != Some('(') {
            return None;
        }
        let depth = self.deeper(depth)?;
        self.ahead(|lexer| {
            lexer.at += 1;
            lexer.matching(ARITHMETIC, depth)?;
            (lexer.peek() == Some(')')).then_some(lexer.at)
        })
    }

    /// How deep it may go on; that it goes too deep is said where it could hide something.
    pub(super) fn deeper(&mut self, depth: u32) -> Option<u32> {
        self.script.cut |= depth == 0 && self.shifts;
        depth.checked_sub(1)
    }

    /// Looks ahead, as long as not too much was looked at in this way.
    fn ahead(&mut self, look: impl FnOnce(&mut Self) -> Option<usize>) -> Option<usize> {
        if self.ahead_left == 0 {
            self.script.cut |= self.shifts;
            return None;
        }
        let start = self.at;
        let end = look(self);
        self.ahead_left = self.ahead_left.saturating_sub(self.at - start);
        self.at = start;
        end
    }

    /// Reads up to what closes `first` and over it; where that stands, or `None` at the text's end.
    pub(super) fn matching(&mut self, first: char, depth: u32) -> Option<usize> {
        let mut open = vec![first];
        let mut heredocs: Vec<Marker> = Vec::new();
        let mut cases: Vec<usize> = Vec::new();
        while let Some(c) = self.next() {
            let top = *open.last()?;
            if c == '\\' && top != '\'' {
                self.next();
                continue;
            }
            let quoted = matches!(top, '"' | QUOTED_BRACE);
            match (top, c) {
                ('\'' | ANSI, '\'')
                | ('"', '"')
                | ('`', '`')
                | (BRACE | QUOTED_BRACE, '}')
                | (SUBSCRIPT, ']')
                | (ARITHMETIC | COMPOUND, ')') => drop(open.pop()),
                (COMMAND, ')') if cases.last() != Some(&open.len()) => drop(open.pop()),
                ('\'' | ANSI | '`', _) => {}
                (_, '$') => open.extend(self.expansion_ahead(quoted, depth)),
                (_, '`' | '"') => open.push(c),
                ('"' | QUOTED_BRACE, _) => {}
                (_, '\'') => open.push(c),
                (ARITHMETIC, '(') => open.push(ARITHMETIC),
                (SUBSCRIPT, '[') | (COMPOUND, '[') => open.push(SUBSCRIPT),
                (COMMAND, '(') => {
                    let before = self.at.checked_sub(2).and_then(|at| self.chars.get(at));
                    if before == Some(&'=') {
                        open.push(COMPOUND);
                    } else if !self.over_arithmetic(depth) {
                        open.push(COMMAND);
                    }
                }
                (COMMAND | COMPOUND, '#') if self.begins_word(self.at - 1) => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                (COMMAND, '<') if self.peek() == Some('<') => {
                    self.at += 1;
                    if self.peek() == Some('<') {
                        self.at += 1;
                    } else {
                        heredocs.extend(self.marker(depth));
                    }
                }
                (COMMAND, '[') if self.is_subscript(self.at - 1) => {
                    self.at = self.subscript_end(depth).unwrap_or(self.at);
                }
                (COMMAND, '\n') => {
                    for marker in heredocs.drain(..) {
                        self.body(&marker, true);
                    }
                }
                (COMMAND, 'c') if self.is_keyword("case") => cases.push(open.len()),
                (COMMAND, 'e') if self.is_keyword("esac") => {
                    cases.pop_if(|level| *level == open.len());
                }
                _ => {}
            }
            if open.is_empty() {
                return Some(self.at - 1);
            }
        }
        None
    }

    /// What is open behind a `$`, if anything.
    fn expansion_ahead(&mut self, quoted: bool, depth: u32) -> Option<char> {
        let opens = match self.peek()? {
            '(' => COMMAND,
            '{' if quoted => QUOTED_BRACE,
            '{' => BRACE,
            '[' => SUBSCRIPT,
            '\'' if !quoted => ANSI,
            _ => return None,
        };
        self.at += 1;
        (opens != COMMAND || !self.over_arithmetic(depth)).then_some(opens)
    }

    /// Goes over `((…))` whose first bracket was read.
    fn over_arithmetic(&mut self, depth: u32) -> bool {
        let end = self.arithmetic_end(depth);
        self.at = end.map_or(self.at, |end| end + 1);
        end.is_some()
    }

    fn begins_word(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.chars.get(at));
        before.is_none_or(|c| c.is_whitespace() || ";&|()<>".contains(*c))
    }

    /// Whether a keyword stands here whose first letter was read.
    fn is_keyword(&self, keyword: &str) -> bool {
        let start = self.at - 1;
        let word = self.chars.get(start..).unwrap_or_default();
        let mut word = word.iter();
        let same = keyword.chars().all(|c| word.next() == Some(&c));
        same && word
            .next()
            .is_none_or(|c| !c.is_alphanumeric() && !"_-=.".contains(*c))
            && self.begins_word(start)
            && self.begins_command(start)
    }

    /// Whether the `[` here stands behind the name of an array that is assigned to.
    pub(super) fn is_subscript(&self, at: usize) -> bool {
        let before = self.chars.get(..at).unwrap_or_default();
        let name = before.iter().rev();
        let name = name.take_while(|c| c.is_ascii_alphanumeric() || **c == '_');
        let length = name.count();
        effort::spend(length);
        let start = at - length;
        let first = before.get(start);
        first.is_some_and(|c| !c.is_ascii_digit())
            && self.begins_word(start)
            && self.begins_command(start)
    }

    /// Whether nothing but assignments and redirections stands before this place in its command.
    fn begins_command(&self, at: usize) -> bool {
        let before = self.chars.get(..at).unwrap_or_default();
        let blanks = before.iter().rev().take_while(|c| matches!(c, ' ' | '\t'));
        let length = blanks.count();
        effort::spend(length);
        let before = before.get(..at - length).unwrap_or_default();
        match before.last() {
            None | Some('\n' | ';' | '&' | '|' | '(' | ')' | '{' | '`') => true,
            Some(_) => {
                let word = before.iter().rev().take(MAX_WORD);
                let word = word.take_while(|c| !c.is_whitespace() && !";&|()".contains(**c));
                let word: String = word.collect();
                effort::spend(word.len());
                let word: String = word.chars().rev().collect();
                KEYWORDS.contains(&word.as_str()) || word.contains(['=', '>', '<'])
            }
        }
    }
}
