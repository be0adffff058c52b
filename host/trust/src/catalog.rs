//! The catalog of models: which files a person may fetch by name, and what each must be, to its
//! last byte. Fetching and keeping them is the host's.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{ArtifactVersion, Name, Sha256Digest};

/// The most models in one catalog. Chosen: more than anybody curates by hand.
const MAX_MODELS: usize = 256;
/// The longest model, 64 GiB. Chosen: above what runs on one person's machine.
const MAX_MODEL_BYTES: u64 = 64 << 30;
/// The longest URL or sentence of an entry, in bytes. Chosen.
const MAX_TEXT_BYTES: usize = 512;

/// Models that can be fetched, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// In the order of the file.
    pub models: Vec<Model>,
}

/// One file that is known before it is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What people and consumers call it.
    pub name: Name,
    /// Of the model, as its publisher counts.
    pub version: ArtifactVersion,
    /// Where it is: https, a revision that does not move; or [`Sha256Digest::place`], when the feed
    /// that has this catalog has the file, too.
    pub url: String,
    /// In bytes, exactly.
    pub length: u64,
    /// Of the exact bytes.
    pub sha256: Sha256Digest,
    /// An SPDX expression, or the name of the publisher's own licence.
    pub licence: String,
    /// `gguf`, `onnx`, …: what a consumer must understand.
    pub format: Name,
    /// Who says that the digest is right, and where: no sum without an account of it.
    pub source: String,
}

/// Why some bytes are no catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Not the expected form.
    #[error("catalog: {0}")]
    Syntax(String),
    /// More than anybody means.
    #[error("the catalog has {found} models, at most {MAX_MODELS} are read")]
    TooMany {
        /// How many it has.
        found: usize,
    },
    /// Whose file would be kept?
    #[error("the catalog has two models called {0}")]
    Twice(Name),
    /// A member that can't be used as it is.
    #[error("model {name}: `{field}` must be {must}")]
    Field {
        /// Of the model.
        name: Name,
        /// Which member.
        field: &'static str,
        /// What is right.
        must: &'static str,
    },
}

impl Catalog {
    /// Reads a published catalog.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CatalogError> {
        let catalog: Self = serde_json::from_slice(bytes)
            .map_err(|error| CatalogError::Syntax(error.to_string()))?;
        catalog.check()?;
        Ok(catalog)
    }

    /// What types can't say: bounds, no name twice, texts of one line.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn check(&self) -> Result<(), CatalogError> {
        if self.models.len() > MAX_MODELS {
            let found = self.models.len();
            return Err(CatalogError::TooMany { found });
        }
        let mut seen = HashSet::new();
        for model in &self.models {
            if !seen.insert(&model.name) {
                return Err(CatalogError::Twice(model.name.clone()));
            }
            model.check()?;
        }
        Ok(())
    }

    /// The model of that name.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<&Model> {
        self.models.iter().find(|model| model.name == *name)
    }
}

impl Model {
    /// Whether the feed that has the catalog has the file as well, as one of its own artifacts.
    #[must_use]
    pub fn is_in_the_feed(&self) -> bool {
        self.url == self.sha256.place()
    }

    fn check(&self) -> Result<(), CatalogError> {
        let line = |text: &str| {
            !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.contains(char::is_control)
        };
        let lengths = 1..=MAX_MODEL_BYTES;
        [
            ("url", "one line", line(&self.url)),
            (
                "length",
                "between 1 byte and 64 GiB",
                lengths.contains(&self.length),
            ),
            ("licence", "one line", line(&self.licence)),
            ("source", "one line", line(&self.source)),
        ]
        .into_iter()
        .find(|(_, _, right)| !right)
        .map_or(Ok(()), |(field, must, _)| {
            let name = self.name.clone();
            Err(CatalogError::Field { name, field, must })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Model {
        Model {
            name: name.parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            url: "https://models.example/m.gguf".to_owned(),
            length: 3,
            sha256: Sha256Digest::of(b"abc"),
            licence: "MIT".to_owned(),
            format: "gguf".parse().unwrap(),
            source: "hashed by the test".to_owned(),
        }
    }

    fn check(models: Vec<Model>) -> Result<Catalog, CatalogError> {
        Catalog::parse(&serde_json::to_vec(&Catalog { models }).unwrap())
    }

    #[test]
    fn a_catalog_reads_back_and_finds_by_name() {
        let catalog = check(vec![model("a"), model("b")]).unwrap();
        assert_eq!(catalog.find(&"b".parse().unwrap()), Some(&model("b")));
        assert_eq!(check(Vec::new()).unwrap(), Catalog::default());
    }

    #[test]
    fn only_the_place_of_its_own_bytes_is_inside_the_feed() {
        let mut model = model("a");
        assert!(!model.is_in_the_feed());
        model.url = model.sha256.place();
        assert!(model.is_in_the_feed());
        model.url = Sha256Digest::of(b"other").place();
        assert!(!model.is_in_the_feed());
    }

    #[test]
    fn what_cannot_be_kept_or_shown_is_refused() {
        let one = |change: fn(&mut Model)| {
            let mut model = model("a");
            change(&mut model);
            check(vec![model])
        };
        assert!(check(vec![model("a"), model("a")]).is_err());
        assert!(one(|model| model.length = 0).is_err());
        assert!(one(|model| model.length = u64::MAX).is_err());
        assert!(one(|model| model.licence = "MIT\n\u{1b}[2J".to_owned()).is_err());
        assert!(one(|model| model.source = String::new()).is_err());
        assert!(one(|model| model.url = "x".repeat(600)).is_err());
        let many = (0..=MAX_MODELS).map(|n| model(&format!("m{n}"))).collect();
        assert_eq!(check(many), Err(CatalogError::TooMany { found: 257 }));
        for text in ["", "[]", r#"{"models":[],"x":1}"#, r#"{"models":[{}]}"#] {
            assert!(Catalog::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
