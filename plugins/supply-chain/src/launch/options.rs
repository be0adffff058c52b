//! Walks a launcher's options by that launcher's own definition table.
//!
//! An option that the table does not know may or may not eat the next word. Both readings are
//! kept: the word becomes an unsure positional and the walk goes on, marked ambiguous.

use crate::effort;

/// What an option means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Flag,
    /// A value we have no use for.
    Value,
    /// A package whose program will run.
    Package,
    /// Packages that come along; comma-separated in uv.
    Extra,
    Registry,
    /// A host whose certificate isn't looked at.
    Unverified,
    /// The version of the packages that stand without one: `gem install x -v 1`.
    Version,
    /// A shell command line.
    Script,
    /// Source code.
    Code,
    /// A Python module; nothing after it is an option of the interpreter.
    Module,
    /// The program inside an image.
    Entry,
    /// Further words in one string: `env -S`.
    Words,
    Git,
    Local,
    /// Options for an interpreter, which may make it run something else first.
    Hook,
    /// What an interpreter loads first.
    Preload,
    /// A file that brings code, whatever it is called: variables, a snapshot, settings.
    Brings,
    /// Servers of Docker's catalogue, by name or image.
    Servers,
    /// A settings file, which chooses a registry and may bring code.
    Settings,
}

/// The options of one launcher.
pub struct Table {
    pub style: Style,
    /// Space-separated names for each meaning. One that ends in `=` has a value only behind that
    /// sign, and never takes the next word.
    pub options: &'static [(Takes, &'static str)],
}

/// How a launcher reads its argv.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `-abc`, `-oVALUE`, `--long=value`.
    Getopt,
    /// npm's: also `--no-x`, abbreviations, and flags that swallow `true` or `false`.
    Npm,
    /// `-long` as well as `--long`, nothing bundled.
    Single,
    /// Node's: nothing bundled, and `--long_name` is `--long-name`.
    Node,
}

#[derive(Default)]
pub struct Walk<'a> {
    /// Options with a meaning and their values, in order.
    pub given: Vec<(Takes, &'a str)>,
    pub positionals: Vec<Positional>,
    pub ambiguous: bool,
    /// Perhaps no option named a package, so that the first word does.
    pub unsure_package: bool,
}

#[derive(Clone, Copy)]
pub struct Positional {
    pub index: usize,
    /// False when an unknown option before it may have eaten it.
    pub sure: bool,
}

impl Table {
    /// Walks `words` until `wanted` sure positionals were met.
    pub fn walk<'a>(&self, words: &'a [String], wanted: usize) -> Walk<'a> {
        let mut walk = Walk::default();
        let mut sure = 0;
        let mut pending: Option<Takes> = None;
        let mut unknown = false;
        let mut only_positionals = false;
        for (index, word) in words.iter().enumerate() {
            effort::spend(word.len() + 1);
            if let Some(takes) = pending.take() {
                walk.note(takes, word);
                if takes == Takes::Module {
                    return walk;
                }
                continue;
            }
            if only_positionals || word == "-" || !word.starts_with('-') {
                let swallowed =
                    self.style == Style::Npm && matches!(word.as_str(), "true" | "false");
                let certain = only_positionals || !(unknown || swallowed);
                walk.positionals.push(Positional {
                    index,
                    sure: certain,
                });
                walk.ambiguous |= !certain;
                unknown = false;
                sure += usize::from(certain);
                if sure >= wanted {
                    return walk;
                }
                continue;
            }
            if word == "--" {
                only_positionals = true;
                continue;
            }
            match self.read(word) {
                Reading::Known(Takes::Flag, _) => unknown = false,
                Reading::Known(takes, Some(value)) => {
                    walk.note(takes, value);
                    unknown = false;
                    if takes == Takes::Module {
                        return walk;
                    }
                }
                Reading::Known(takes, None) => {
                    pending = Some(takes);
                    unknown = false;
                }
                Reading::Maybe(takes, value) => {
                    walk.note(takes, value);
                    walk.ambiguous = true;
                    walk.unsure_package |= takes == Takes::Package;
                    unknown = value.is_empty();
                }
                Reading::Unknown => {
                    walk.ambiguous = true;
                    unknown = !word.contains('=');
                }
            }
        }
        walk
    }

    /// What an option means, by its full name.
    pub fn takes(&self, option: &str) -> Option<Takes> {
        self.known(option).map(|(takes, _)| takes)
    }

    /// The same, and whether its value may be the next word.
    fn known(&self, option: &str) -> Option<(Takes, bool)> {
        self.options.iter().find_map(|(takes, names)| {
            let mut names = names.split(' ');
            let name = names.find(|name| name.trim_end_matches('=') == option)?;
            Some((*takes, !name.ends_with('=')))
        })
    }

    fn read<'a>(&self, word: &'a str) -> Reading<'a> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let name = match self.style {
            Style::Single if name.starts_with("--") => name.get(1..).unwrap_or(name),
            _ => name,
        };
        let dashes = self.style == Style::Node && name.starts_with("--") && name.contains('_');
        let dashed = dashes.then(|| name.replace('_', "-"));
        let name = dashed.as_deref().unwrap_or(name);
        // pnpm's way to any setting: `--config.registry=URL`.
        let setting = name.strip_prefix("--config.").map(|key| format!("--{key}"));
        let name = setting.as_deref().unwrap_or(name);
        match self.known(name) {
            Some((_, false)) if value.is_none() => return Reading::Known(Takes::Flag, None),
            Some((takes, _)) => return Reading::Known(takes, value),
            None => {}
        }
        // The registry of one scope.
        if name.starts_with("--@") && name.ends_with(":registry") {
            return Reading::Known(Takes::Registry, value);
        }
        if name.starts_with("--") {
            return self.read_long(name, value);
        }
        match self.style {
            Style::Getopt => self.read_bundle(word),
            Style::Npm if name.len() > 2 => self.read_glued(word),
            _ => Reading::Unknown,
        }
    }

    fn read_long<'a>(&self, name: &str, value: Option<&'a str>) -> Reading<'a> {
        if self.style == Style::Npm && name.starts_with("--no-") {
            return Reading::Known(Takes::Flag, None);
        }
        // npm and argparse complete `--pack` to `--package`.
        let completes = |names: &str| names.split(' ').any(|full| full.starts_with(name));
        let found = self.options.iter().find(|(takes, names)| {
            let matter = !matches!(takes, Takes::Flag | Takes::Value);
            matter && name.len() > 3 && completes(names)
        });
        match (found, value) {
            (Some((takes, _)), Some(value)) => Reading::Maybe(*takes, value),
            // Whatever it abbreviates, the next word may be its value or not.
            (Some((Takes::Registry, _)), None) => Reading::Maybe(Takes::Registry, ""),
            _ => Reading::Unknown,
        }
    }

    /// `-it`, `-eK=V`.
    fn read_bundle<'a>(&self, word: &'a str) -> Reading<'a> {
        for (at, letter) in word.char_indices().skip(1) {
            let rest = word.get(at + letter.len_utf8()..).unwrap_or_default();
            match self.takes(&format!("-{letter}")) {
                Some(Takes::Flag) if rest.is_empty() => return Reading::Known(Takes::Flag, None),
                Some(Takes::Flag) => {}
                // `sh -ce CODE` is two flags.
                Some(Takes::Script) => return Reading::Known(Takes::Script, None),
                Some(takes) if rest.is_empty() => return Reading::Known(takes, None),
                Some(takes) => return Reading::Known(takes, Some(rest)),
                None => return Reading::Unknown,
            }
        }
        Reading::Unknown
    }

    /// `-pEVIL`: npm does not read it so today, another version might.
    fn read_glued<'a>(&self, word: &'a str) -> Reading<'a> {
        let letters = word.char_indices().nth(2).map_or(word.len(), |(at, _)| at);
        let (name, rest) = word.split_at(letters);
        match self.takes(name) {
            Some(takes @ (Takes::Package | Takes::Script)) => Reading::Maybe(takes, rest),
            _ => Reading::Unknown,
        }
    }
}

impl<'a> Walk<'a> {
    fn note(&mut self, takes: Takes, value: &'a str) {
        if !matches!(takes, Takes::Flag | Takes::Value) {
            self.given.push((takes, value));
        }
        if takes == Takes::Package && value.is_empty() {
            self.unsure_package = true;
            self.ambiguous = true;
        }
    }

    /// The first value given for `wanted`.
    pub fn value(&self, wanted: Takes) -> Option<&'a str> {
        self.given
            .iter()
            .find(|(takes, _)| *takes == wanted)
            .map(|(_, value)| *value)
    }
}

enum Reading<'a> {
    Known(Takes, Option<&'a str>),
    Maybe(Takes, &'a str),
    Unknown,
}
