//! Which packages are kept: those that a word certainly names, and those that it may.

use super::{CANDIDATE_WORK, Candidate, Reader, Role, Source, Target, target};
use crate::package::{Ecosystem, Spec};

impl Reader {
    pub(super) fn package(&mut self, text: &str, ecosystem: Ecosystem, role: Role) {
        // `x@npm:1` and `x@npm:next` are versions of x to yarn, and packages to npm that are called so.
        if let Some((name, word)) = text.split_once("@npm:")
            && ecosystem == Ecosystem::Npm
            && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !word.contains('@')
        {
            let digit = word.starts_with(|c: char| c.is_ascii_digit());
            self.guess(&if digit {
                word.to_owned()
            } else {
                format!("{name}@{word}")
            });
        }
        match target(text, ecosystem) {
            Target::Registry {
                ecosystem,
                name,
                spec,
                alias,
            } => {
                self.source(Source::Registry);
                self.push(Candidate {
                    ecosystem,
                    name,
                    spec,
                    role,
                    alias,
                    guess: false,
                });
            }
            Target::Elsewhere(source) => self.source(source),
        }
    }

    pub(super) fn guess(&mut self, word: &str) {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            if let Target::Registry {
                ecosystem,
                name,
                spec,
                alias,
            } = target(word, ecosystem)
                && ecosystem.is_legal(&name)
            {
                let role = Role::Extra;
                self.push(Candidate {
                    ecosystem,
                    name,
                    spec,
                    role,
                    alias,
                    guess: true,
                });
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
        let Target::Registry {
            ecosystem,
            name,
            spec: spec @ Spec::Exact(_),
            alias,
        } = target(word, ecosystem)
        else {
            // `corepack use pnpm@https://…`.
            let address = word.contains("@https://") || word.contains("@http://");
            if address && !self.found.sources.contains(&Source::Url) {
                self.source(Source::Url);
            }
            return;
        };
        let mut certain = self.found.candidates.iter().filter(|known| !known.guess);
        let known = certain.any(|known| known.name == name);
        if !known && ecosystem.is_legal(&name) {
            self.push(Candidate {
                ecosystem,
                name,
                spec,
                role: Role::Extra,
                alias,
                guess: true,
            });
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
