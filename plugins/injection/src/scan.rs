//! Where to look: one pass over a text finds all known words, and a signature's expression only
//! runs in the windows where all the words it needs stand close together.
//!
//! Clean text pays for the pass alone. Text stuffed with key words pays for bounded windows, not
//! for an automaton that grows with what the attacker writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use clawdefender_sdk::Kind;
use clawdefender_sdk::canonical::unaccented;

use crate::signature::{Artifact, ListKey, Signature};
use crate::surface::Surface;
use crate::window::Needs;

/// Compiled signatures and the automaton over all their words.
pub struct Scanner {
    signatures: Vec<Signature>,
    /// Per signature, what it needs.
    needs: Vec<Needs>,
    words: AhoCorasick,
    /// Per pattern of `words`, the lists it belongs to.
    lists_of: Vec<Vec<usize>>,
    lists: usize,
    /// English words alone, the longest first: where to cut what was run together.
    english: AhoCorasick,
    /// English words backwards and in rot13: a sign of that disguise.
    disguised: AhoCorasick,
}

/// What a scan saw that is worth unveiling.
pub struct Hints {
    pub words_seen: bool,
}

impl Scanner {
    /// # Errors
    /// One sentence for the operator naming what can't be compiled.
    pub fn new(artifacts: Vec<Artifact>) -> Result<Self, String> {
        let mut signatures = Vec::new();
        let mut numbers: BTreeMap<ListKey, usize> = BTreeMap::new();
        let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut needs = Vec::new();
        for artifact in &artifacts {
            for signature in artifact.compile()? {
                let mut needed = Vec::new();
                for key in &signature.needs {
                    let next = numbers.len();
                    let number = *numbers.entry(key.clone()).or_insert(next);
                    needed.push(number);
                    for spelling in artifact.list(key).iter().flat_map(|word| spellings(word)) {
                        let lists = words.entry(spelling).or_default();
                        if !lists.contains(&number) {
                            lists.push(number);
                        }
                    }
                }
                needs.push(Needs::new(&signature, needed));
                signatures.push(signature);
            }
        }
        let english: Vec<String> = artifacts
            .iter()
            .filter_map(|artifact| artifact.words.get("en"))
            .flat_map(|lists| lists.values().flatten())
            .flat_map(|words| words.trim_end_matches('|').split(' '))
            .filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .map(str::to_owned)
            .collect();
        let english = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(english)
            .map_err(|error| error.to_string())?;
        let (patterns, lists_of): (Vec<String>, Vec<Vec<usize>>) = words.into_iter().unzip();
        let build = |patterns: &[String]| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::DFA))
                .build(patterns)
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            english,
            words: build(&patterns)?,
            disguised: build(&crate::disguise::telltales())?,
            signatures,
            needs,
            lists_of,
            lists: numbers.len(),
        })
    }

    /// Calls `found` for every match, with bytes of `text`.
    pub fn scan<'s>(
        &'s self,
        text: &str,
        kind: &Kind,
        mut found: impl FnMut(&'s Signature, Range<usize>),
    ) -> Hints {
        let plain = Plain::of(text);
        let mut hits: Vec<Vec<usize>> = Vec::new();
        for hit in self.words.find_overlapping_iter(plain.text.as_bytes()) {
            if hits.is_empty() {
                hits.resize_with(self.lists, Vec::new);
            }
            for list in self
                .lists_of
                .get(hit.pattern().as_usize())
                .into_iter()
                .flatten()
            {
                if let Some(list) = hits.get_mut(*list) {
                    list.push(hit.start());
                }
            }
        }
        if hits.is_empty() {
            return Hints { words_seen: false };
        }
        let surface = Surface::of(kind);
        for (signature, needs) in self.signatures.iter().zip(&self.needs) {
            if !signature.surfaces.is_empty()
                && !signature.surfaces.contains(&surface)
                && surface != Surface::Outgoing
            {
                continue;
            }
            let mut matches = 0;
            for window in needs.windows(&plain.text, &hits) {
                let mut at = window.start;
                let Some(haystack) = plain.text.get(..window.end) else {
                    continue;
                };
                while let Some(hit) = signature.regex.find_at(haystack, at) {
                    found(signature, plain.source(hit.range()));
                    matches += 1;
                    at = hit.end();
                    if matches >= MAX_MATCHES || hit.is_empty() {
                        break;
                    }
                }
                if matches >= MAX_MATCHES {
                    break;
                }
            }
        }
        Hints { words_seen: true }
    }

    /// How many words in `text` read as English ones backwards or in rot13.
    pub fn telltales(&self, text: &str) -> impl Iterator<Item = usize> {
        self.disguised
            .find_overlapping_iter(text)
            .map(|hit| hit.pattern().as_usize())
            .take(64)
    }

    /// The English words in `text`, leftmost and longest first, not overlapping.
    pub fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        self.english.find_iter(text).map(|hit| hit.range())
    }
}

/// Matches of one signature in one text that are reported.
const MAX_MATCHES: usize = 8;

/// A text without accents on Latin letters, with the way back.
struct Plain<'t> {
    text: Cow<'t, str>,
    /// After a changed letter: (offset here, offset in the source), ascending.
    steps: Vec<(usize, usize)>,
}

impl<'t> Plain<'t> {
    fn of(text: &'t str) -> Self {
        if text.is_ascii() {
            return Self {
                text: Cow::Borrowed(text),
                steps: Vec::new(),
            };
        }
        let mut plain = String::with_capacity(text.len());
        let mut steps = Vec::new();
        for (at, letter) in text.char_indices() {
            let bare = unaccented(letter);
            plain.push(bare);
            if bare.len_utf8() != letter.len_utf8() {
                steps.push((plain.len(), at + letter.len_utf8()));
            }
        }
        Self {
            text: Cow::Owned(plain),
            steps,
        }
    }

    fn source(&self, range: Range<usize>) -> Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }

    fn offset(&self, at: usize) -> usize {
        let after = self.steps.partition_point(|step| step.0 <= at);
        match after.checked_sub(1).and_then(|index| self.steps.get(index)) {
            Some((here, source)) => source + (at - here),
            None => at,
        }
    }
}

/// What the automaton looks for: the longest part of a listed word, in the cases it occurs in.
fn spellings(word: &str) -> Vec<String> {
    let stem = word.strip_suffix('|').unwrap_or(word);
    let longest = stem
        .split(' ')
        .max_by_key(|part| part.len())
        .unwrap_or(stem);
    let mut spellings = vec![longest.to_lowercase()];
    if !longest.is_ascii() {
        let mut letters = longest.chars();
        let capital: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        spellings.extend([capital, longest.to_uppercase()]);
    }
    spellings.dedup();
    spellings
}
