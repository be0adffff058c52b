//! Where commands and words begin and end: quotes, pipes, redirections, `$(…)`, `<<EOF`, comments.

use super::{Command, Found, MAX_COMMANDS, finish};

/// What a substitution or parenthesis interrupts.
struct Outer {
    close: char,
    quote: Option<char>,
    word: String,
    command: Command,
    /// How many commands were known when it began.
    from: usize,
    /// Where the text of a substitution begins.
    inner: Option<usize>,
}

/// Where the next word of a command goes.
#[derive(Clone, Copy, Default, PartialEq)]
enum To {
    #[default]
    Words,
    Writes,
    Reads,
}

struct Lexer<'l> {
    line: &'l str,
    at: usize,
    /// Where lines that belong to `<<EOF` end, when some were seen in this line.
    body_end: Option<usize>,
    quote: Option<char>,
    to: To,
    word: String,
    command: Command,
    outer: Vec<Outer>,
    depth: u32,
}

pub(super) fn lex(line: &str, depth: u32, found: &mut Found) {
    let mut lexer = Lexer {
        line,
        at: 0,
        body_end: None,
        quote: None,
        to: To::Words,
        word: String::new(),
        command: Command::default(),
        outer: Vec::new(),
        depth,
    };
    while let Some(char) = lexer.next() {
        if found.commands.len() >= MAX_COMMANDS || lexer.outer.len() >= MAX_COMMANDS {
            break;
        }
        lexer.char(char, found);
    }
    lexer.end_word();
    finish(&mut lexer.command, false, depth, found);
    while !lexer.outer.is_empty() {
        lexer.resume(line.len(), found);
        lexer.end_word();
        finish(&mut lexer.command, false, depth, found);
    }
}

impl<'l> Lexer<'l> {
    fn next(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn rest(&self) -> &'l str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn char(&mut self, char: char, found: &mut Found) {
        let closes =
            self.quote.is_none() && self.outer.last().is_some_and(|outer| outer.close == char);
        if closes {
            let end = self.at - char.len_utf8();
            self.end_word();
            finish(&mut self.command, false, self.depth, found);
            self.resume(end, found);
            return;
        }
        // A substitution runs inside double quotes too.
        let substitution =
            self.quote != Some('\'') && (char == '`' || (char == '$' && self.peek() == Some('(')));
        if substitution || (self.quote.is_none() && char == '(') {
            if char == '$' {
                self.at += 1;
            }
            self.outer.push(Outer {
                close: if char == '`' { '`' } else { ')' },
                quote: self.quote.take(),
                word: std::mem::take(&mut self.word),
                command: std::mem::take(&mut self.command),
                from: found.commands.len(),
                inner: substitution.then_some(self.at),
            });
            return;
        }
        if self.quote != Some('\'') && char == '$' && self.variable() {
            return;
        }
        match (self.quote, char) {
            (Some(open), _) if char == open => self.quote = None,
            (Some(_), _) => self.word.push(char),
            (None, '"' | '\'') => self.quote = Some(char),
            (None, '\\') => match self.peek() {
                // Only what a shell escapes; the rest is a Windows path.
                Some(next) if next.is_whitespace() || "\"'\\$`;|&".contains(next) => {
                    self.at += next.len_utf8();
                    self.word.extend(Some(next).filter(|next| *next != '\n'));
                }
                _ => self.word.push(char),
            },
            (None, '#') if self.word.is_empty() => {
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                self.at += end;
            }
            (None, '{' | '}') if !self.is_group(char) => self.word.push(char),
            (None, '|' | ';' | '&' | '\n' | ')' | '{' | '}') => {
                // `2>&1` and `&>file` end nothing.
                let redirects = self.to == To::Writes && self.word.is_empty();
                if char == '&' && (redirects || self.peek() == Some('>')) {
                    self.word.extend(redirects.then_some('&'));
                    return;
                }
                self.end_word();
                let pipe = char == '|' && self.peek() != Some('|');
                finish(&mut self.command, pipe, self.depth, found);
                if char == '\n'
                    && let Some(end) = self.body_end.take()
                {
                    self.at = end;
                }
            }
            (None, '>') => {
                if self.word.chars().all(|digit| digit.is_ascii_digit()) {
                    self.word.clear();
                }
                self.end_word();
                self.to = To::Writes;
            }
            (None, '<') => {
                self.end_word();
                self.command.piped = true;
                if self.rest().starts_with("<<") {
                    // A word is handed over.
                    self.at += 2;
                } else if self.rest().starts_with('<') {
                    self.at += 1;
                    self.body(found);
                } else {
                    self.to = To::Reads;
                }
            }
            (None, space) if space.is_whitespace() => self.end_word(),
            (None, _) => self.word.push(char),
        }
    }

    /// `{` and `}` around commands, not in a word or as `{}`.
    fn is_group(&self, char: char) -> bool {
        match char {
            '{' => self.word.is_empty() && self.peek() != Some('}'),
            _ => !self.word.contains('{'),
        }
    }

    /// `${NAME}` is one piece of a word; `$IFS` is a blank.
    fn variable(&mut self) -> bool {
        let rest = self.rest();
        for blank in ["{IFS}", "IFS"] {
            if rest.starts_with(blank) {
                self.at += blank.len();
                if self.quote.is_none() {
                    self.end_word();
                }
                return true;
            }
        }
        let Some(end) = rest.strip_prefix('{').and_then(|inner| inner.find('}')) else {
            return false;
        };
        let name = rest.get(..end + 2).unwrap_or_default();
        if name.contains([' ', '\n', '(']) {
            return false;
        }
        self.word.push('$');
        self.word.push_str(name);
        self.at += name.len();
        true
    }

    /// Takes the lines up to the mark that follows `<<`; the lexer goes past them at the line's end.
    fn body(&mut self, found: &mut Found) {
        let rest = self.rest();
        let lead = rest
            .strip_prefix('-')
            .unwrap_or(rest)
            .trim_start_matches(' ');
        let ends = |char: char| char.is_whitespace() || ";|&)<>".contains(char);
        let mark = lead.split(ends).next().unwrap_or_default();
        let skipped = rest.len() - lead.len() + mark.len();
        let plain = mark.trim_matches(['"', '\'', '\\']);
        if plain.is_empty() {
            return;
        }
        let from = self
            .body_end
            .or_else(|| Some(self.at + rest.find('\n')? + 1));
        self.at += skipped;
        let Some(from) = from else { return };
        let mut end = from;
        let lines = self.line.get(from..).unwrap_or_default();
        let mut after = self.line.len();
        for line in lines.split_inclusive('\n') {
            if line.trim() == plain {
                after = end + line.len();
                break;
            }
            end += line.len();
        }
        let body = self.line.get(from..end).unwrap_or_default();
        self.body_end = Some(after);
        self.command.lines.push_str(body);
        // Without quotes around the mark what stands in `$(…)` runs.
        if plain.len() == mark.len() && self.depth > 0 {
            for part in body.split("$(").skip(1) {
                let inner = part.split(')').next().unwrap_or_default();
                lex(inner, self.depth - 1, found);
            }
        }
    }

    /// Goes on with what was interrupted by what ended at `end`; the last command found is what feeds
    /// it.
    fn resume(&mut self, end: usize, found: &mut Found) {
        let Some(before) = self.outer.pop() else {
            return;
        };
        let feeds = self.command.piped || !before.command.words.is_empty();
        let piped = self.command.piped;
        (self.quote, self.word) = (before.quote, before.word);
        if before.command.words.is_empty() && self.word.is_empty() {
            // A group: what follows takes what it says.
            self.command.piped = piped;
            return;
        }
        self.command = before.command;
        let inner = before.inner.and_then(|from| self.line.get(from..end));
        self.word
            .extend(inner.map(|inner| stand_in(inner, &self.word)));
        let lower = self.word.to_ascii_lowercase();
        if lower.contains("authorization:") || lower.contains("private-token:") {
            let inner = found.commands.iter_mut().skip(before.from);
            inner.for_each(|command| command.login = true);
        }
        if let Some(last) = found.commands.last().filter(|_| feeds) {
            self.command.after.clone_from(&last.program);
            self.command.holds = true;
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        match std::mem::take(&mut self.to) {
            To::Words => self.command.words.push(word),
            // A descriptor is no file.
            To::Writes if word.starts_with('&') => {}
            To::Writes => self.command.writes.push(word),
            To::Reads => {
                self.command.reads.push(word.clone());
                self.command.words.push(word);
            }
        }
    }
}

/// What stands in a word for what the substitution of `inner` leaves there: the same for the same
/// one, so that a file that is named by it is known again. Two characters that nobody gave a meaning
/// to, chosen by its text (FNV-1a); the name of a file that it makes lies where such files do.
fn stand_in(inner: &str, before: &str) -> String {
    let hash = inner.trim().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let program = inner.split_whitespace().next().unwrap_or_default();
    let makes = ["mktemp", "tempfile"].contains(&program);
    let is_whole = before.is_empty() || before.ends_with('=');
    let place = if makes && is_whole { "/tmp/" } else { "" };
    let marks = [hash % PRIVATE, hash / PRIVATE % PRIVATE];
    let marks = marks.map(|mark| char::from_u32(FIRST_PRIVATE + mark).unwrap_or_default());
    place.chars().chain(marks).collect()
}

/// The private use area of Unicode's first plane.
const FIRST_PRIVATE: u32 = 0xe000;
const PRIVATE: u32 = 6400;

/// Whether `char` stands for what a substitution leaves.
pub fn is_stand_in(char: char) -> bool {
    matches!(char, '\u{e000}'..='\u{f8ff}')
}
