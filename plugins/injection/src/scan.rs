//! Where to look: one pass over a text finds all known words, and a signature's expression only
//! runs in the windows where all the words it needs stand close together.
//!
//! Clean text pays for the pass alone. Text stuffed with key words pays for bounded windows, not
//! for an automaton that grows with what the attacker writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use clawdefender_sdk::Kind;
use clawdefender_sdk::canonical::unaccented;

use crate::disguise;
use crate::effort;
use crate::finder::Finder;
use crate::mention::Mention;
use crate::quota::Quota;
use crate::signature::{Artifact, ListKey, Signature};
use crate::surface::Surface;
use crate::window::Needs;

/// Compiled signatures and what finds their words.
pub struct Scanner {
    signatures: Vec<Signature>,
    /// Per signature, what it needs.
    needs: Vec<Needs>,
    words: Finder,
    /// The number after the last list: from here on, "lists" are single telltale words of a
    /// disguise, such as English backwards or in rot13.
    disguised: usize,
    /// English words alone, the longest first: where to cut what was run together.
    english: AhoCorasick,
}

/// What a scan saw that is worth unveiling.
#[derive(Default)]
pub struct Hints {
    /// Telltales of [`disguise::telltales`] that occur: number, and the byte after it.
    pub told: Vec<(usize, usize)>,
    /// The spelling alphabet is used.
    pub spelt: bool,
    /// The text speaks of ciphers.
    pub cipher: bool,
}

/// Where the words of each list end.
pub struct Hits {
    /// A bit per list.
    present: Vec<u64>,
    /// List and end of the word, ascending.
    all: Vec<(usize, usize)>,
}

impl Hits {
    fn add(&mut self, list: usize, end: usize) {
        if let Some(word) = self.present.get_mut(list / 64) {
            *word |= 1 << (list % 64);
        }
        self.all.push((list, end));
    }

    fn has(&self, list: usize) -> bool {
        self.present
            .get(list / 64)
            .is_some_and(|word| word >> (list % 64) & 1 == 1)
    }

    /// Hits of this list and all after it.
    fn since(&self, list: usize) -> &[(usize, usize)] {
        let start = self.all.partition_point(|hit| hit.0 < list);
        self.all.get(start..).unwrap_or_default()
    }

    /// Hits of one list, ascending by end.
    pub fn of(&self, list: usize) -> &[(usize, usize)] {
        let start = self.all.partition_point(|hit| hit.0 < list);
        let end = self.all.partition_point(|hit| hit.0 <= list);
        self.all.get(start..end).unwrap_or_default()
    }
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
                    for word in artifact.list(key) {
                        let lists = words.entry(word.clone()).or_default();
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
        let disguised = numbers.len();
        for (telltale, number) in disguise::telltales() {
            words.entry(telltale).or_default().push(disguised + number);
        }
        let words = Finder::new(&words)?;
        Ok(Self {
            english,
            words,
            signatures,
            needs,
            disguised,
        })
    }

    /// Calls `found` for every match, with bytes of `text` and how it stands there.
    pub fn scan<'s>(
        &'s self,
        text: &str,
        kind: &Kind,
        mut found: impl FnMut(&'s Signature, Range<usize>, Mention),
    ) -> Hints {
        let plain = Plain::of(text);
        let hits = self.hits(&plain.text);
        // Every signature needs a word, and most short texts have none.
        if hits.all.is_empty() {
            return Hints::default();
        }
        let surface = Surface::of(kind);
        for (signature, needs) in self.signatures.iter().zip(&self.needs) {
            let elsewhere = !surface.is_among(&signature.surfaces);
            if elsewhere || !needs.lists.iter().all(|list| hits.has(*list)) {
                continue;
            }
            let windows = needs.windows(&plain.text, &hits);
            let matches = windows.into_iter().flat_map(|window| {
                let haystack = plain.text.get(..window.end).unwrap_or_default();
                effort::add(window.len() / WINDOW_SHARE);
                let mut at = window.start;
                std::iter::from_fn(move || {
                    let hit = signature.regex.find_at(haystack, at)?;
                    at = hit.end();
                    // An empty match would repeat for ever.
                    (!hit.is_empty()).then_some(hit.range())
                })
            });
            let mut quota = Quota::new(MAX_MATCHES);
            for range in matches {
                if signature.excuses(&plain.text, range.start) {
                    continue;
                }
                let range = plain.source(range);
                if let Some(mention) = quota.keep(&signature.rule, text, &range, surface) {
                    found(signature, range, mention);
                }
                if quota.is_full() {
                    break;
                }
            }
        }
        let told = hits.since(self.disguised).iter();
        Hints::of(
            told.map(|(list, end)| (list - self.disguised, plain.offset(*end)))
                .collect(),
        )
    }

    fn hits(&self, text: &str) -> Hits {
        let mut hits = Hits {
            present: vec![0; (self.disguised + disguise::TELLTALES) / 64 + 1],
            all: Vec::with_capacity(text.len() / 64),
        };
        self.words.find(text, |list, end| hits.add(list, end));
        hits.all.sort_unstable();
        hits
    }

    /// The English words in `text`, leftmost and longest first, not overlapping.
    pub fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        self.english.find_iter(text).map(|hit| hit.range())
    }
}

/// A byte of a window costs this part of what it costs to read one: measured, 1.5 to 12 ns.
const WINDOW_SHARE: usize = 8;
/// Matches of one signature in one text that are reported, said and mentioned ones apart.
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
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.bytes().position(|byte| !byte.is_ascii());
            let (ascii, rest) = rest.split_at(length.unwrap_or(rest.len()));
            at += ascii.len();
            plain.push_str(ascii);
            let Some(letter) = rest.chars().next() else {
                break;
            };
            let bare = unaccented(letter);
            plain.push(bare);
            at += letter.len_utf8();
            if bare.len_utf8() != letter.len_utf8() {
                steps.push((plain.len(), at));
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
