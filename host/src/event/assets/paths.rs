//! Which strings are paths, and where they lead.

use super::super::AssetKind;
use super::super::credential::is_credential;
use super::super::place::{Place, Written, looks_like_path};
use super::super::{programs, shell::program};
use super::lines::names_program;
use super::{Finder, MAX_BASES, MAX_NESTED, MAX_UNTOLD_BYTES, is_file_name};

/// Bytes of paths that are made of words and the directories of one message. Chosen: four thousand words
/// in a directory of a hundred letters.
pub(super) const MAX_JOINED_BYTES: usize = 512 << 10;
/// Source: Linux opens no longer path (`PATH_MAX`).
const MAX_BASE_BYTES: usize = 4096;

impl Finder<'_> {
    /// A value whose key says that it is a path: one, or several with something between them.
    pub(super) fn path_value(&mut self, text: &str) {
        self.path(text);
        self.wrapped_files(text);
        for piece in text
            .split([',', ';', '\n', '|', '\t', ' '])
            .filter(|p| p.len() < text.len())
        {
            if looks_like_path(piece) {
                self.path(piece);
            }
        }
        if text.trim_start().starts_with(['{', '[']) {
            self.quoted(text);
        }
    }

    pub(super) fn whole_path(&mut self, text: &str) -> bool {
        let is = looks_like_path(text);
        if is {
            self.path(text);
        }
        is
    }

    /// A word that neither its name nor its form calls a path, and that would lead to a credential
    /// or out of the directory if the server took it for one: `.ssh/id_rsa`, `x/../../etc/shadow`.
    pub(super) fn hidden_path(&mut self, text: &str) {
        let text = text.trim();
        let marked = text.contains(['/', '\\', '.', '%']) || text.starts_with("id_");
        if !marked || text.len() > MAX_UNTOLD_BYTES || text.contains(char::is_whitespace) {
            return;
        }
        self.wrapped_files(text);
        let climbs = text
            .split(['/', '\\'])
            .any(|part| part == ".." || part.to_ascii_lowercase().contains("%2e"));
        let leads = || {
            let base = self.bases.first().map_or("/", String::as_str);
            let place = self.places.locate(text, Written::Plain, base);
            place.is_some_and(|place| is_credential(&place, self.places))
        };
        if climbs || leads() {
            self.path(text);
        }
    }

    /// `view-source:file:///etc/shadow`, where nothing says that it is an address.
    fn wrapped_files(&mut self, text: &str) {
        let short = text.len() <= MAX_UNTOLD_BYTES;
        if short && text.to_ascii_lowercase().contains("file:/") {
            self.files(text);
        }
    }

    /// What a program text quotes: `open('/etc/shadow')`, `open(".env")`, `system("cat .env")`.
    pub(super) fn code(&mut self, code: &str) {
        self.quoted(code);
        for piece in pieces(code) {
            if names_program(piece, true) && !programs::is_program(&program(piece)) {
                self.script(piece, MAX_NESTED);
            }
            if is_file_name(piece) && self.located.insert((piece.to_owned(), usize::MAX, false)) {
                self.hidden_path(piece);
            }
        }
    }

    /// What a text quotes that is a path or a line by its form: `{"path":"~/.ssh"}`.
    pub(super) fn quoted(&mut self, text: &str) {
        for piece in pieces(text) {
            if piece.len() < text.trim().len() && looks_like_path(piece) && piece.len() > 1 {
                self.path(piece);
            } else if piece.len() < text.len()
                && programs::is_program(&program(piece.split(' ').next().unwrap_or("")))
                && piece.contains(' ')
            {
                self.script(piece, MAX_NESTED);
            }
        }
    }

    pub(super) fn add_base(&mut self, directory: &str) {
        if directory.len() > MAX_BASE_BYTES {
            return self.too_many();
        }
        let base = self.bases.last().cloned().unwrap_or_default();
        if self.bases.len() < MAX_BASES
            && let Some(place) = self.places.locate(directory, Written::Plain, &base)
            && !self.bases.contains(&place.value)
        {
            self.bases.push(place.value);
        }
    }

    pub(super) fn path(&mut self, raw: &str) {
        self.path_written(raw, Written::Plain);
    }

    pub(super) fn path_written(&mut self, raw: &str, written: Written) {
        let seen_from = (raw.to_owned(), self.bases.len(), self.shell);
        if !self.located.insert(seen_from) {
            return;
        }
        let (first, more) = self
            .bases
            .split_first()
            .map_or(("/", &[][..]), |(b, m)| (b.as_str(), m));
        // Long directories times many words would cost minutes.
        let cost = more.iter().map(|base| base.len() + raw.len()).sum();
        let Some(left) = self.joined.checked_sub(cost) else {
            return self.too_many();
        };
        self.joined = left;
        let Some(mut place) = self.places.locate(raw, written, first) else {
            return;
        };
        for base in more {
            if let Some(other) = self.places.locate(raw, written, base) {
                let all = std::iter::once(other.value).chain(other.aliases);
                let Place { value, aliases } = &mut place;
                all.for_each(|path| {
                    if path != *value && !aliases.contains(&path) {
                        aliases.push(path);
                    }
                });
            }
        }
        let credential = is_credential(&place, self.places);
        self.push(AssetKind::Path, place.value, place.aliases, credential);
    }
}

/// What stands between quotation marks.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'', '`', '\\']).map(str::trim)
}
