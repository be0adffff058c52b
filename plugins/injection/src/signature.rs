//! The signature artifact: how it is written, read and turned into regular expressions.
//!
//! A pattern is a Rust regular expression with a few words of its own. `{name}` is any word of the
//! list `name` of the signature's language (or of `any`), with its endings; `{..}` is a gap inside
//! one sentence, `{.}` a short one, `{_}` what stands between two neighbouring words.

use std::collections::BTreeMap;

use clawdefender_sdk::Severity;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::lexicon::Words;
use crate::phrase;
use crate::rules::rule;
use crate::surface::Surface;

/// A file as `cargo xtask feed build` makes it from `feeds/data/injection*.toml`. There can be
/// several; together they are one set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Word lists of the signatures by language, then by name.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    pub signature: Vec<Source>,
    /// Words by what they mean.
    #[serde(default)]
    pub lexicon: Vec<Words>,
    /// Combinations of meanings.
    #[serde(default)]
    pub phrase: Vec<phrase::Source>,
}

/// A signature as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub id: String,
    pub rule: String,
    pub language: String,
    pub pattern: String,
    pub severity: Level,
    pub confidence: u8,
    /// Where it applies; everywhere when absent.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
    /// The lists that every match contains, when the pattern names others that are optional.
    #[serde(default)]
    pub needs: Vec<String>,
    /// A list whose words excuse a match when one stands before it in the same sentence, up to a
    /// semicolon: "detects".
    #[serde(default)]
    pub unless: Option<String>,
    /// A text that must match, and one that must not: checked when the feed is built.
    pub positive: String,
    pub negative: String,
}

/// A severity as it is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// A compiled signature.
#[derive(Debug)]
pub struct Signature {
    pub id: String,
    pub rule: String,
    pub language: String,
    pub severity: Severity,
    pub confidence_pct: u8,
    pub surfaces: Vec<Surface>,
    /// Keys of the lists that every match contains.
    pub needs: Vec<ListKey>,
    /// Matches contain them in this order.
    pub ordered: bool,
    pub regex: Regex,
    unless: Option<Regex>,
}

impl Signature {
    /// Whether what stands before `at` in its sentence excuses a match there.
    pub fn excuses(&self, text: &str, at: usize) -> bool {
        let Some(unless) = &self.unless else {
            return false;
        };
        let before = text.get(..at).unwrap_or_default();
        let sentence = before.rsplit(['.', '!', '?', ';', '\n']).next();
        unless.is_match(sentence.unwrap_or_default())
    }
}

/// Language and name of a word list.
pub type ListKey = (String, String);

impl Artifact {
    /// # Errors
    /// One sentence naming what can't be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// # Errors
    /// One sentence naming the first signature that is not usable.
    pub fn compile(&self) -> Result<Vec<Signature>, String> {
        self.signature
            .iter()
            .map(|source| {
                self.compile_one(source)
                    .map_err(|why| format!("{}: {why}", source.id))
            })
            .collect()
    }

    fn compile_one(&self, source: &Source) -> Result<Signature, String> {
        if rule(&source.rule).is_none() {
            return Err(format!("unknown rule {:?}", source.rule));
        }
        if source.confidence > 100 {
            return Err(format!("confidence {} is over 100", source.confidence));
        }
        let (pattern, mut named) = self.expand(source)?;
        if !source.needs.is_empty() {
            named = source
                .needs
                .iter()
                .map(|name| self.key(source, name))
                .collect::<Result<_, _>>()?;
        }
        if named.is_empty() {
            return Err("a pattern needs at least one word list to be looked for".into());
        }
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .size_limit(REGEX_BYTES)
                .dfa_size_limit(REGEX_BYTES)
                .build()
                .map_err(|error| error.to_string())
        };
        let regex = build(&pattern)?;
        let unless = match &source.unless {
            Some(name) => Some(build(&alternatives(self.list(&self.key(source, name)?)))?),
            None => None,
        };
        Ok(Signature {
            id: source.id.clone(),
            rule: source.rule.clone(),
            language: source.language.clone(),
            severity: source.severity.into(),
            confidence_pct: source.confidence,
            surfaces: source.surfaces.clone(),
            needs: named,
            ordered: source.needs.is_empty() && !source.pattern.contains("(?:"),
            regex,
            unless,
        })
    }

    /// The regular expression, and the lists it names.
    fn expand(&self, source: &Source) -> Result<(String, Vec<ListKey>), String> {
        let mut out = String::new();
        let mut named = Vec::new();
        let mut rest = source.pattern.as_str();
        while let Some((plain, tail)) = rest.split_once('{') {
            out.push_str(plain);
            let (word, tail) = tail.split_once('}').ok_or("a { without its }")?;
            match word {
                // Unbounded here, bounded by the window: counted repetitions make huge automata.
                // A point inside a word (".ssh", "a.example") ends no sentence.
                ".." => out.push_str(r"(?:[^.!?;。！？।]|\.[a-zA-Z0-9])*?"),
                "." => out.push_str(r"[^.!?;。！？।]{0,16}?"),
                "_" => out.push_str(r#"[ \t\r\n*_`"',:\-]{1,4}"#),
                // A repetition of the expression language itself.
                _ if word.starts_with(|first: char| first.is_ascii_digit()) => {
                    out.push_str(&format!("{{{word}}}"));
                }
                name => {
                    let key = self.key(source, name)?;
                    out.push_str(&alternatives(self.list(&key)));
                    named.push(key);
                }
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok((out, named))
    }

    fn key(&self, source: &Source, name: &str) -> Result<ListKey, String> {
        [source.language.as_str(), "any"]
            .into_iter()
            .find(|language| {
                self.words
                    .get(*language)
                    .is_some_and(|lists| lists.contains_key(name))
            })
            .map(|language| (language.to_owned(), name.to_owned()))
            .ok_or_else(|| format!("no word list {name:?}"))
    }

    /// The words of a list.
    pub fn list(&self, key: &ListKey) -> &[String] {
        self.words
            .get(&key.0)
            .and_then(|lists| lists.get(&key.1))
            .map_or(&[], Vec::as_slice)
    }
}

/// Bytes for one compiled pattern. The largest shipped one needs about a third (measured).
const REGEX_BYTES: usize = 2 << 20;

/// A list as an alternation. Latin and Cyrillic words are stems and take any ending, unless they
/// are closed with `|`; other scripts have no endings that the gap would not cover.
fn alternatives(words: &[String]) -> String {
    let each: Vec<String> = words.iter().map(|word| alternative(word)).collect();
    format!("(?:{})", each.join("|"))
}

fn alternative(word: &str) -> String {
    let (stem, closed) = match word.strip_suffix('|') {
        Some(stem) => (stem, true),
        None => (word, false),
    };
    let pieces: Vec<String> = stem.split(' ').map(regex::escape).collect();
    let body = pieces.join(r#"[ \t\r\n*_"'\-]+"#);
    let boundary = |letter: Option<char>| match letter {
        Some(letter) if letter.is_ascii_alphanumeric() => r"(?-u:\b)",
        _ => "",
    };
    let ending = match stem.chars().next_back() {
        _ if closed => boundary(stem.chars().next_back()),
        Some(letter) if letter.is_ascii_alphabetic() => "[a-z]*",
        Some('\u{400}'..='\u{52f}') => "[а-яёіїєґ]*",
        _ => "",
    };
    format!("{}{body}{ending}", boundary(stem.chars().next()))
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}
