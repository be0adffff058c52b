//! Reading for meaning: one text as words, then phrases over its sentences and the model over its
//! passages.

use std::ops::Range;

use clawdefender_sdk::{Kind, Severity};

use crate::lexicon::Lexicon;
use crate::mention::Mention;
use crate::model::{Bench, Model, STEPS};
use crate::passage::cut;
use crate::phrase::Phrase;
use crate::quota::Quota;
use crate::signature::Artifact;
use crate::surface::Surface;
use crate::token::Tokens;
use crate::weigh::LIKELY;

/// The lexicon, what to look for in it, and the model.
pub struct Reading {
    lexicon: Lexicon,
    phrases: Vec<Phrase>,
    model: Model,
    /// The bit of English, which is mixed into any language.
    english: u64,
}

/// Something that was read.
pub struct Found<'r> {
    pub rule: &'r str,
    pub by: &'r str,
    pub language: &'r str,
    pub sure_pct: u8,
    pub severity: Severity,
    /// Bytes of the text.
    pub range: Range<usize>,
    pub mention: Mention,
}

impl Reading {
    /// # Errors
    /// One sentence naming the word or phrase that can't be used.
    pub fn new(artifacts: &[Artifact], model: Model) -> Result<Self, String> {
        let lexicon = Lexicon::new(artifacts.iter().flat_map(|artifact| &artifact.lexicon))?;
        let phrases = artifacts
            .iter()
            .flat_map(|artifact| &artifact.phrase)
            .map(|source| Phrase::new(source, &lexicon))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            english: lexicon.bit("en"),
            lexicon,
            phrases,
            model,
        })
    }

    /// Calls `found` for every phrase met and every passage that the model holds for an attack.
    pub fn read<'r>(&'r self, text: &str, kind: &Kind, mut found: impl FnMut(Found<'r>)) {
        let tokens = Tokens::of(text, &self.lexicon);
        if tokens.concepts == 0 {
            return;
        }
        let (sentences, passages) = cut(&tokens);
        self.phrases(text, &tokens, &sentences, kind, &mut found);
        let bench = Bench::of(kind);
        let [_, sure] = self.model.of_bench(bench);
        let surface = Surface::of(kind);
        let mut quota = Quota::new(MAX_LIKELY);
        self.model.find(
            &tokens,
            &sentences,
            &passages,
            bench,
            self.english,
            |scored| {
                let range = tokens.source(scored.words);
                let Some(mention) = quota.keep(LIKELY, text, &range, surface) else {
                    return true;
                };
                let severity = match scored.score >= sure {
                    true => Severity::High,
                    false => Severity::Medium,
                };
                found(Found {
                    rule: LIKELY,
                    by: "model",
                    language: self.lexicon.language(scored.language).unwrap_or("any"),
                    sure_pct: sure_pct(scored.score),
                    severity,
                    range,
                    mention,
                });
                !quota.is_full()
            },
        );
    }

    fn phrases<'r>(
        &'r self,
        text: &str,
        tokens: &Tokens,
        sentences: &[Range<usize>],
        kind: &Kind,
        found: &mut impl FnMut(Found<'r>),
    ) {
        let surface = Surface::of(kind);
        let here: Vec<&Phrase> = self
            .phrases
            .iter()
            .filter(|phrase| phrase.applies(surface) && phrase.possible(tokens.concepts))
            .collect();
        if here.is_empty() {
            return;
        }
        let mut quota = Quota::new(MAX_MET);
        for sentence in sentences {
            let concepts = tokens.concepts_of(sentence.clone());
            if !here.iter().any(|phrase| phrase.possible(concepts)) {
                continue;
            }
            let hits = tokens.telling(sentence.clone());
            for phrase in here.iter().filter(|phrase| phrase.possible(concepts)) {
                let Some(met) = phrase.find(tokens, hits) else {
                    continue;
                };
                let range = tokens.source(met.words);
                let Some(mention) = quota.keep(&phrase.rule, text, &range, surface) else {
                    continue;
                };
                found(Found {
                    rule: &phrase.rule,
                    by: &phrase.id,
                    language: self.lexicon.language(met.languages).unwrap_or("any"),
                    sure_pct: phrase.confidence_pct,
                    severity: phrase.severity,
                    range,
                    mention,
                });
                if quota.is_full() {
                    return;
                }
            }
        }
    }
}

/// Phrases met in one text that are reported, said and mentioned ones apart: after so many the text is
/// what it is.
const MAX_MET: usize = 32;

/// Passages that the model holds for an attack, likewise.
const MAX_LIKELY: usize = 8;

/// From even odds towards certainty, as a score rises. Integers, so that the sandbox says what a
/// native build says.
fn sure_pct(score: i32) -> u8 {
    let above = score.max(0);
    u8::try_from(50 + 45 * above / (above + 2 * STEPS)).unwrap_or(95)
}
