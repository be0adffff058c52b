//! Which packages are kept: those that a word certainly names, and those that it may.

use super::{CANDIDATE_WORK, Candidate, Reader, Role, Source, Target, target};
use crate::package::{Ecosystem, Spec};

impl Candidate {
    /// The package that a word names, or where else it leads.
    pub fn read(text: &str, ecosystem: Ecosystem, role: Role, guess: bool) -> Result<Self, Source> {
        match target(text, ecosystem) {
            Target::Registry {
                ecosystem,
                name,
                spec,
                alias,
            } => Ok(Self {
                ecosystem,
                name,
                spec,
                role,
                alias,
                guess,
            }),
            Target::Elsewhere(source) => Err(source),
        }
    }
}

impl Reader {
    pub(super) fn package(&mut self, text: &str, ecosystem: Ecosystem, role: Role) {
        let found = Candidate::read(text, ecosystem, role, false);
        // `x@npm:1`, `x@npm:v1` and `x@npm:next` are versions of x to yarn, and packages to npm that are
        // called so.
        if let Some((name, word)) = text.split_once("@npm:")
            && ecosystem == Ecosystem::Npm
            && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !word.contains('@')
        {
            match &found {
                Ok(found) if found.alias => self.guess(&format!("{name}@{word}")),
                _ => self.guess(word),
            }
        }
        match found {
            Ok(candidate) => {
                self.source(Source::Registry);
                self.push(candidate);
            }
            Err(source) => self.source(source),
        }
    }

    pub(super) fn guess(&mut self, word: &str) {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            let found = Candidate::read(word, ecosystem, Role::Extra, true).ok();
            if let Some(found) = found.filter(|found| found.ecosystem.is_legal(&found.name)) {
                self.push(found);
            }
        }
    }

    /// The same of a word that names one version, which hardly any other word does, unless it is
    /// known already what package that is.
    pub(super) fn guess_pinned(&mut self, word: &str) {
        let ecosystem = if word.contains("==") {
            Ecosystem::Pypi
        } else {
            Ecosystem::Npm
        };
        let found = Candidate::read(word, ecosystem, Role::Extra, true).ok();
        let exact = |found: &Candidate| matches!(found.spec, Spec::Exact(_));
        let Some(found) = found.filter(exact) else {
            // `corepack use pnpm@https://…`.
            if word.contains("@https://") || word.contains("@http://") {
                self.source(Source::Url);
            }
            return;
        };
        let mut certain = self.found.candidates.iter().filter(|known| !known.guess);
        let known = certain.any(|known| known.name == found.name);
        if !known && found.ecosystem.is_legal(&found.name) {
            self.push(found);
        }
    }

    /// Keeps a package once; a reading that is sure of it counts before a guess.
    pub(super) fn push(&mut self, candidate: Candidate) {
        if candidate.name.is_empty() {
            return;
        }
        let Candidate { name, spec, .. } = &candidate;
        let key = (
            candidate.ecosystem,
            name.clone(),
            spec.clone(),
            candidate.guess,
        );
        if !self.seen.contains(&key) && self.work(CANDIDATE_WORK) {
            self.seen.insert(key);
            self.found.candidates.push(candidate);
        }
    }
}
