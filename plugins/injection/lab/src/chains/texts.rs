//! What the model learns from: our own trajectories, the results that the injection detector learns
//! from, and harmless texts of others.

use std::path::Path;

use anyhow::Result;
use clawdefender_sdk::Kind;
use kill_chain::tone::sentences;

use crate::packages::packages;
use crate::rows::{Source, TOLD, Told, load, own, told};

/// A result, and whether it carries an order to a program.
pub struct Text {
    pub author: usize,
    pub attack: bool,
    /// It is of a trajectory.
    pub told: bool,
    /// Of each passage the numbers of its features.
    pub passages: Vec<Vec<u32>>,
}

/// Who wrote texts: a file of trajectories, or a source.
pub struct Author {
    pub name: String,
    pub kind: AuthorKind,
    pub licence: String,
    pub sha256: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AuthorKind {
    Trajectories,
    /// Sentences of ours: always learnt from.
    Sentences,
    /// Harmless texts of others.
    Others,
}

#[derive(Default)]
pub struct Texts {
    pub authors: Vec<Author>,
    pub all: Vec<Text>,
    /// The trajectories, their results taken out.
    pub told: Vec<Told>,
}

impl Texts {
    /// Everything; `data` is a folder as for the injection detector.
    pub fn read(data: &Path) -> Result<Self> {
        let mut texts = Self::default();
        for mut file in told()? {
            texts.authors.push(Author {
                name: file.name.clone(),
                kind: AuthorKind::Trajectories,
                licence: "this project's".to_owned(),
                sha256: file.sha256.clone(),
            });
            for result in std::mem::take(&mut file.results) {
                texts.add(result.carries, &result.text);
            }
            texts.told.push(file);
        }
        for source in own()?.into_iter().filter(|own| own.name != TOLD) {
            texts.take(source, AuthorKind::Sentences);
        }
        let others = load(data)?.into_iter().chain(packages()?);
        for mut source in others.filter(|source| source.ships) {
            source.rows.retain(|row| !row.attack);
            texts.take(source, AuthorKind::Others);
        }
        Ok(texts)
    }

    /// Forgets what this author told, if anything.
    pub fn leave_out(&mut self, name: &str) {
        let at = self.authors.iter().position(|own| own.name == name);
        self.all.retain(|text| Some(text.author) != at);
    }

    fn take(&mut self, source: Source, kind: AuthorKind) {
        let results = source
            .rows
            .iter()
            .filter(|row| row.kind == Kind::ToolResult);
        let results: Vec<_> = results.collect();
        if results.is_empty() {
            return;
        }
        self.authors.push(Author {
            kind,
            name: source.name,
            licence: source.licence,
            sha256: source.sha256,
        });
        for row in results {
            self.add(row.attack, &row.text);
        }
    }

    /// Adds a text of the newest author.
    fn add(&mut self, attack: bool, text: &str) {
        let kind = self.authors.last().map(|author| author.kind);
        let passages = sentences(text).into_iter().map(|own| own.features);
        self.all.push(Text {
            author: self.authors.len().saturating_sub(1),
            attack,
            told: kind == Some(AuthorKind::Trajectories),
            passages: passages.collect(),
        });
    }
}
