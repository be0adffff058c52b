//! A word while its letters are read.

#[derive(Default)]
pub(super) struct Word {
    pub text: String,
    /// Set once a backslash was dropped that Windows would have kept.
    pub with_backslashes: Option<String>,
    /// Quotes make a word even when nothing is between them.
    pub started: bool,
}

impl Word {
    pub fn push(&mut self, c: char) {
        self.started = true;
        self.text.push(c);
        if let Some(windows) = &mut self.with_backslashes {
            windows.push(c);
        }
    }

    /// A letter between quotes or behind a backslash; `open` counts braces of variables there. Braces and
    /// commas of others stand for themselves and not for several words.
    pub fn push_quoted(&mut self, c: char, open: &mut usize) {
        let kept = match c {
            '{' if self.text.ends_with('$') => {
                *open += 1;
                c
            }
            '}' if *open > 0 => {
                *open -= 1;
                c
            }
            c if *open == 0 => QUOTED
                .iter()
                .find(|(plain, _)| *plain == c)
                .map_or(c, |(_, quoted)| *quoted),
            c => c,
        };
        self.push(kept);
    }

    /// A backslash before `c`, outside single quotes.
    pub fn escape(&mut self, c: char) {
        let text = &self.text;
        self.with_backslashes
            .get_or_insert_with(|| text.clone())
            .push('\\');
        self.push_quoted(c, &mut 0);
    }
}

/// What stands for a quoted brace or comma while a line is read. Source: Unicode 16, 23.7, noncharacters.
const QUOTED: [(char, char); 3] = [('{', '\u{fdd0}'), (',', '\u{fdd1}'), ('}', '\u{fdd2}')];

pub(super) fn restored(word: &mut String) {
    for (plain, quoted) in QUOTED {
        if word.contains(quoted) {
            *word = word.replace(quoted, plain.encode_utf8(&mut [0; 4]));
        }
    }
}
