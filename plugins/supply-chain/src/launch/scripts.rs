//! Reads scripts, the words that a command hands on, and text of other languages.

use std::borrow::Cow;

use super::reads::Reads;
use super::shell::{NestedKind, Script, Simple};
use super::{
    Extraction, Opaque, Reader, Role, encoded, fetched_code, handed, loose, program_name, programs,
    quoted,
};
use crate::effort;

impl Reader {
    pub(super) fn script(&mut self, text: &str, role: Role, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        // The beginning of a script that is too long is still read.
        let readable = text.floor_char_boundary(self.work_left);
        self.work(text.len());
        let text = text.get(..readable).unwrap_or_default();
        // Where lines end as on Windows, only some who read it go on behind a backslash.
        if text.contains("\\\r\n") && self.work(text.len()) {
            self.script(&text.replace("\\\r\n", "\n"), role, depth);
        }
        let scanning = std::mem::replace(&mut self.scanning, false);
        let output_runs = std::mem::take(&mut self.output_runs);
        let script = Script::lex(text, &mut self.variables, &mut self.work_left);
        if script.cut {
            self.opaque(Opaque::Convoluted);
        }
        #[cfg(test)]
        self.made(script.commands.iter().flat_map(|command| &command.words));
        // What a here-document holds is somebody's text.
        let own = match script.nested.iter().any(|one| one.kind == NestedKind::Here) {
            true => text.split("<<").next().unwrap_or_default(),
            false => text,
        };
        let fetched = || fetched_code::runs_download(own);
        let read_only = || !fetched_code::runs_download(&quoted::without_text(own));
        if script.runs_download() || (fetched() && !read_only()) {
            self.opaque(Opaque::Download);
        }
        if script.expands || script.commands.len() > 1 {
            self.opaque(Opaque::Script);
        }
        // What a variable holds by then isn't known, so the commands are read without it as well.
        if script.unsure && self.work(text.len()) {
            let strict = Script::lex_strict(text, &mut self.variables, &mut self.work_left);
            let pairs = strict.commands.iter().zip(&script.commands);
            for (command, _) in pairs.filter(|(one, other)| one.words != other.words) {
                self.command(&command.words, role, depth);
            }
        }
        let decodes = text.contains("base64") || text.contains("b64");
        let prints = script.commands.iter().any(|c| !c.printed().is_empty());
        let runs = if prints || !script.nested.is_empty() {
            script.outputs_run()
        } else {
            Vec::new()
        };
        let runs = |at: usize| runs.get(at) == Some(&true);
        let known = prints || !script.nested.is_empty();
        let (keepers, marks) = match known {
            true => (script.keepers(), script.run_marks()),
            false => Default::default(),
        };
        let keeper = |at: usize| script.commands.get(keepers.get(at).copied().flatten()?);
        let mut before: Cow<'_, [String]> = Cow::Borrowed(&[]);
        for (at, command) in script.commands.iter().enumerate() {
            self.command(&command.words, role, depth);
            let feeds = !before.is_empty() && command.is_fed();
            if feeds
                && self.work(command.fed_bytes(&before))
                && let Some(words) = command.fed(&before)
            {
                #[cfg(test)]
                self.made(&words);
                self.command(&words, role, depth);
            }
            // Anything can stand where something expands: each plain word is looked up.
            let guesses = script.expands && role == Role::Main && command.may_fetch();
            for word in &command.words {
                if guesses && !word.starts_with('-') && !programs::is_launcher(&program_name(word))
                {
                    self.guess(word);
                }
                if decodes && let Some(text) = encoded::decode(word) {
                    self.script(&text, Role::Extra, depth);
                }
            }
            before = command.prints();
            if !before.is_empty() && (output_runs || runs(at)) {
                self.inside(Reads::Runs, &before, depth);
            }
            if let Some(keeper) = keeper(at).filter(|_| !before.is_empty()) {
                self.keep(keeper, &command.text(&before));
            }
        }
        for (index, nested) in script.nested.iter().enumerate() {
            let mark = Script::mark_of(index);
            let parent = script.commands.get(nested.parent);
            match nested.kind {
                NestedKind::Substitution => {
                    self.output_runs =
                        parent.is_some_and(Simple::runs_its_substitution) || marks.contains(&mark);
                    self.script(&nested.text, Role::Extra, depth);
                    self.output_runs = false;
                    if let Some(parent) = parent {
                        self.hands(&nested.text, parent, mark, depth);
                    }
                }
                NestedKind::Sink => self.script(&nested.text, Role::Extra, depth),
                NestedKind::Here => {
                    let printed = output_runs && parent.is_some_and(|p| p.written.is_empty());
                    let taken = parent.is_none_or(Simple::takes_commands);
                    let next = script.commands.get(nested.parent + 1);
                    let fed = parent.filter(|parent| parent.is_xargs());
                    if let Some(fed) = fed.or(next.filter(|next| next.is_fed())) {
                        self.feed(fed, &nested.text, depth);
                    }
                    if parent.is_some_and(Simple::takes_code) {
                        self.source_code(&nested.text, depth);
                    } else if printed || taken || runs(nested.parent) {
                        self.script(&nested.text, Role::Extra, depth);
                    }
                }
            }
            match keeper(nested.parent) {
                Some(keeper) if nested.kind == NestedKind::Here => self.keep(keeper, &nested.text),
                _ => {
                    if let Some(file) = parent.and_then(|parent| parent.written.last()) {
                        self.found.writes.push((file.clone(), nested.text.clone()));
                    }
                }
            }
        }
        self.scanning = scanning;
    }

    /// Notes the files in which a command leaves a text.
    fn keep(&mut self, keeper: &Simple, text: &str) {
        if !self.work_long(keeper) {
            return;
        }
        for (at, file) in keeper.keeps().into_iter().enumerate() {
            if at > 0 && !self.work(text.len()) {
                break;
            }
            self.found.writes.push((file.to_owned(), text.to_owned()));
        }
    }

    /// Whether a command's words may be looked at once more; only many cost something.
    fn work_long(&mut self, command: &Simple) -> bool {
        const FEW_WORDS: usize = 32;
        let words = command.words.len();
        words <= FEW_WORDS || self.work(words)
    }

    /// The output of a substitution as the list, or as the words, that a launcher gets.
    fn hands(&mut self, text: &str, parent: &Simple, mark: char, depth: u32) {
        if !self.work_long(parent) {
            return;
        }
        let lists = parent.lists_mark(mark);
        let (name, _) = parent.effective();
        if !(lists || programs::is_runner(&name)) || !self.work(text.len()) {
            return;
        }
        let output = Script::output(text);
        if lists {
            let list = (handed::LIST.to_owned(), output);
            self.found.writes.push(list);
        } else if let Some(words) = parent.with_output(mark, &output)
            && self.work(words.iter().map(String::len).sum())
        {
            self.command(&words, Role::Extra, depth);
        }
    }

    /// The command that `xargs` makes of a text.
    fn feed(&mut self, fed: &Simple, text: &str, depth: u32) {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if self.work(fed.fed_bytes(&words)) {
            #[cfg(test)]
            self.made(&words);
            self.command(&fed.filled(&words), Role::Extra, depth);
        }
    }

    /// Looks for a launcher at every word, because nothing says where the command starts.
    pub(super) fn scan(&mut self, words: &[String], role: Role, depth: u32) {
        self.found.ambiguous = true;
        self.every_start(words, role, depth);
    }

    /// What a command hands to other programs: never the command itself, so it takes nothing from
    /// what is certain about it.
    pub(super) fn inside(&mut self, reads: Reads, words: &[String], depth: u32) {
        if reads == Reads::Text {
            return;
        }
        let Extraction {
            ambiguous, opaque, ..
        } = self.found;
        let doubtful = self.doubtful;
        self.doubtful |= reads != Reads::Runs;
        let guesses = std::mem::replace(&mut self.guesses, reads != Reads::Commands);
        self.guesses &= guesses;
        self.every_start(words, Role::Extra, depth);
        self.guesses = guesses;
        self.doubtful = doubtful;
        self.found.ambiguous = ambiguous;
        self.found.opaque = opaque.max(self.found.opaque.filter(|why| *why > Opaque::Script));
    }

    fn every_start(&mut self, words: &[String], role: Role, depth: u32) {
        // A scan that is under way reaches these words itself.
        if std::mem::replace(&mut self.scanning, true) {
            return;
        }
        let mut before = "";
        let mut container = self.container;
        for (at, word) in words.iter().enumerate() {
            if self.work_left == 0 {
                break;
            }
            // What follows is an image, not the program's words.
            let entry = std::mem::replace(&mut before, word) == "--entrypoint";
            container |= programs::is_container(&program_name(word));
            if entry && container && !word.contains(char::is_whitespace) {
                continue;
            }
            effort::spend(word.len() + 1);
            if word.contains(char::is_whitespace) {
                self.script(word, role, depth);
                self.loose(word, depth);
            } else if word.contains(['"', '{', '(']) {
                self.loose(word, depth);
            } else if word.contains("==") || word.get(1..).is_some_and(|w| w.contains('@')) {
                // `some-installer add NAME@VERSION`; and `npx npm@10 install …`.
                if self.guesses {
                    self.guess_pinned(word);
                }
                if programs::may_start(word) {
                    self.command(words.get(at..).unwrap_or_default(), role, depth);
                }
            } else if programs::may_start(word) {
                self.command(words.get(at..).unwrap_or_default(), role, depth);
            }
        }
        self.scanning = false;
    }

    /// Code that is about to run. Deno and Bun fetch what it imports by `npm:`; others mean a script
    /// of a project by that.
    pub(super) fn source_code(&mut self, text: &str, depth: u32) {
        let readable = text.floor_char_boundary(self.work_left);
        if fetched_code::runs_download(text.get(..readable).unwrap_or_default()) {
            self.opaque(Opaque::Download);
        }
        for part in text.split(['"', '\'', '`']) {
            if let Some(name) = part.strip_prefix("npm:") {
                self.guess(name);
            }
        }
        self.loose(text, depth);
        if self.work_left == 0 {
            self.opaque(Opaque::Convoluted);
        }
    }

    /// What Bun fetches for code when it is not installed: all that is imported by a bare name.
    pub(super) fn bun_imports(&mut self, code: &str) {
        let mut before = "";
        for part in code.split(['"', '\'', '`']) {
            let ends = |word: &str| before.trim_end().ends_with(word);
            let imports = ["import", "from", "require(", "import("]
                .into_iter()
                .any(ends);
            if imports && !part.contains(':') && !part.starts_with(['.', '/']) {
                self.guess(part);
            }
            before = part;
        }
    }

    /// Code, configuration, or a line for a shell that has its own rules.
    pub(super) fn loose(&mut self, text: &str, depth: u32) {
        let readable = text.floor_char_boundary(self.work_left);
        self.work(text.len());
        let text = text.get(..readable).unwrap_or_default();
        let (scanning, doubtful) = (self.scanning, self.doubtful);
        self.doubtful = true;
        for words in loose::commands(text) {
            if self.work_left == 0 {
                break;
            }
            self.scanning = false;
            self.command(&words, Role::Extra, depth);
        }
        (self.scanning, self.doubtful) = (scanning, doubtful);
        if text.contains("b64") || text.contains("base64") {
            for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=-_".contains(c))) {
                if let (Some(text), Some(depth)) = (encoded::decode(word), depth.checked_sub(1)) {
                    self.script(&text, Role::Extra, depth);
                    self.loose(&text, depth);
                }
            }
        }
    }
}
