//! Phrases: combinations of meanings that are a claim in any language, such as "drop" + "prior" +
//! "order" within one sentence. They are data; here they are read and looked for.

use std::ops::Range;

use clawdefender_sdk::Severity;
use serde::Deserialize;

use crate::lexicon::{Lexicon, concept};
use crate::rules::rule;
use crate::signature::Level;
use crate::surface::Surface;
use crate::token::{Gap, Token, Tokens};

/// A phrase as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub id: String,
    pub rule: String,
    /// Each is a concept, or several with `|` between them, of which one is enough. Each must be
    /// met by another word.
    pub needs: Vec<String>,
    /// Concepts that excuse it when they occur between the words.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Concepts that turn it around when they stand beside the word that meets the first need, or up to
    /// two words before it: "don't forget the instructions". "Not ask to" does so, too.
    #[serde(default)]
    pub turned_by: Vec<String>,
    /// Words from the first to the last one at most.
    pub within: usize,
    /// No comma, colon or bracket stands between its words.
    #[serde(default)]
    pub joined: bool,
    /// The word that meets the first need comes before the others.
    #[serde(default)]
    pub leads: bool,
    /// The words stand in the order of the needs.
    #[serde(default)]
    pub in_order: bool,
    /// Only in these languages; in all when absent. Where the verb stands last, it can't lead.
    #[serde(default)]
    pub languages: Vec<String>,
    pub severity: Level,
    pub confidence: u8,
    /// Where it applies; everywhere when absent.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
}

/// A phrase ready to be looked for.
#[derive(Debug)]
pub struct Phrase {
    pub id: String,
    pub rule: String,
    pub severity: Severity,
    pub confidence_pct: u8,
    pub surfaces: Vec<Surface>,
    needs: Vec<u64>,
    unless: u64,
    turned_by: u64,
    within: usize,
    joined: bool,
    leads: bool,
    in_order: bool,
    languages: u64,
    /// Languages that give a word per character.
    unspaced: u64,
    english: u64,
}

/// Where a phrase was met.
#[derive(Debug, PartialEq, Eq)]
pub struct Met {
    /// Words from the first to the last one.
    pub words: Range<usize>,
    /// The languages that have all of them.
    pub languages: u64,
}

impl Phrase {
    /// # Errors
    /// One sentence naming what is not usable.
    pub fn new(source: &Source, lexicon: &Lexicon) -> Result<Self, String> {
        if rule(&source.rule).is_none() {
            return Err(format!("{}: unknown rule {:?}", source.id, source.rule));
        }
        if !(1..=MAX_NEEDS).contains(&source.needs.len()) || source.confidence > 100 {
            return Err(format!(
                "{}: 1 to {MAX_NEEDS} needs and a confidence of at most 100",
                source.id
            ));
        }
        let mask = |names: &str| {
            names.split('|').try_fold(0u64, |mask, name| {
                concept(name)
                    .map(|bit| mask | 1 << bit)
                    .ok_or_else(|| format!("{}: no concept {name:?}", source.id))
            })
        };
        let mask_of_all = |names: &[String]| {
            names
                .iter()
                .try_fold(0, |all, name| Ok::<_, String>(all | mask(name)?))
        };
        Ok(Self {
            id: source.id.clone(),
            rule: source.rule.clone(),
            severity: source.severity.into(),
            confidence_pct: source.confidence,
            surfaces: source.surfaces.clone(),
            needs: source
                .needs
                .iter()
                .map(|n| mask(n))
                .collect::<Result<_, _>>()?,
            unless: mask_of_all(&source.unless)?,
            turned_by: mask_of_all(&source.turned_by)?,
            within: source.within,
            joined: source.joined,
            leads: source.leads,
            in_order: source.in_order,
            unspaced: UNSPACED.iter().fold(0, |all, name| all | lexicon.bit(name)),
            english: lexicon.bit("en"),
            languages: match source.languages.as_slice() {
                [] => u64::MAX,
                some => some.iter().fold(0, |all, name| all | lexicon.bit(name)),
            },
        })
    }

    pub fn applies(&self, surface: Surface) -> bool {
        surface.is_among(&self.surfaces)
    }

    /// Whether a sentence with these concepts can hold it.
    pub fn possible(&self, concepts: u64) -> bool {
        self.needs.iter().all(|need| need & concepts != 0)
    }

    /// The first place in `sentence` where all needs are met close together in one language.
    /// `hits` are the words of the sentence that mean anything.
    pub fn find(&self, tokens: &Tokens, hits: &[usize]) -> Option<Met> {
        // Where each need was met last, and in which languages.
        let mut last: [Option<(usize, u64)>; MAX_NEEDS] = [None; MAX_NEEDS];
        for at in hits {
            let token = tokens.all.get(*at)?;
            let wanted = |need: &u64| need & token.concepts != 0;
            // One word meets one need: the one that waits, or else the one that was met longest ago.
            let open = self
                .needs
                .iter()
                .zip(&last)
                .enumerate()
                .filter(|(_, (need, _))| wanted(need))
                .filter(|(index, _)| {
                    !self.leads || *index == 0 || last.first().is_some_and(Option::is_some)
                })
                .min_by_key(|(_, (_, met))| met.map(|met| met.0));
            let Some((index, _)) = open else { continue };
            if index == 0 && self.turned(tokens, *at) {
                continue;
            }
            if let Some(slot) = last.get_mut(index) {
                *slot = Some((*at, token.languages));
            }
            let met = last.get(..self.needs.len()).unwrap_or_default();
            let Some(first) = met.iter().map(|met| met.map(|met| met.0)).min().flatten() else {
                continue;
            };
            let languages = met
                .iter()
                .flatten()
                .fold(self.languages, |all, met| all & met.1);
            // Without spaces a word is two characters or so.
            let within = match languages & self.unspaced {
                0 => self.within,
                _ => 2 * self.within,
            };
            let near = at - first < within;
            let places = met.iter().flatten().map(|met| met.0);
            let ordered = !self.in_order || places.is_sorted();
            let words = first..*at + 1;
            if near
                && ordered
                && self.are_spoken(languages, tokens, words.clone())
                && !self.excused(tokens, words)
            {
                return Some(Met {
                    words: first..at + 1,
                    languages,
                });
            }
        }
        None
    }

    /// Whether one of `languages` explains as many of the words as English does: an English sentence
    /// holds words that mean something elsewhere by chance.
    fn are_spoken(&self, languages: u64, tokens: &Tokens, words: Range<usize>) -> bool {
        let meaning = tokens.all.get(words).unwrap_or_default().iter();
        let (mut of_these, mut of_english) = (0, 0);
        for word in meaning.filter(|word| word.concepts != 0) {
            of_these += usize::from(word.languages & languages != 0);
            of_english += usize::from(word.languages & self.english != 0);
        }
        languages != 0 && of_these >= of_english
    }

    /// Up to two words before, or the next one: languages put their "not" on either side. Three before when
    /// those between only ask: "should not ask to show", but not "do not hesitate to show".
    fn turned(&self, tokens: &Tokens, at: usize) -> bool {
        let word = |at: usize| tokens.all.get(at);
        let means = |at: usize| word(at).is_some_and(|word| word.concepts & self.turned_by != 0);
        let joined = |at: usize| word(at).is_some_and(|word| word.gap == Gap::Space);
        if self.turned_by == 0 {
            return false;
        }
        let reach = word(at).map_or(0, |word| word.reach);
        let mut next = at + 1;
        while word(next).is_some_and(|word| word.start < reach) {
            next += 1;
        }
        let before = |at: &usize| at.checked_sub(1).filter(|_| joined(*at));
        let before: Vec<usize> = std::iter::successors(before(&at), before).take(3).collect();
        let is = |at: Option<&usize>, among: &[&str]| {
            let word = at.and_then(|at| word(*at));
            word.is_some_and(|word| among.contains(&tokens.letters(word)))
        };
        let asks = is(before.first(), &["to"]) && is(before.get(1), &ASKING);
        let most = if asks { 3 } else { 2 };
        before.into_iter().take(most).any(means) || (joined(next) && means(next))
    }

    fn excused(&self, tokens: &Tokens, words: Range<usize>) -> bool {
        let words = tokens.all.get(words).unwrap_or_default();
        let between = words
            .get(1..words.len().saturating_sub(1))
            .unwrap_or_default();
        // What belongs to the first stem excuses nothing: "do not follow" holds "follow".
        let reach = words.first().map_or(0, |word| word.reach);
        let parted = words
            .iter()
            .skip(1)
            .any(|word| word.gap >= Gap::Mark && word.gap != Gap::Line);
        let unless = |word: &Token| word.start >= reach && word.concepts & self.unless != 0;
        (self.joined && parted) || between.iter().any(unless)
    }
}

/// What a text that is judged does, in the words of who says what it must not do.
const ASKING: [&str; 5] = ["ask", "try", "attempt", "request", "instruct"];
/// Languages written without spaces between words.
const UNSPACED: [&str; 3] = ["zh", "ja", "th"];
const MAX_NEEDS: usize = 5;
