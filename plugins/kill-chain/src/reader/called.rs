//! Whom an order speaks to: "agent:", "for agents", "agents must", "@HomeBot".

use super::Reader;
use super::place::Place;
use crate::words::{Kind, Word, words, words_from};

/// Words behind a program in which its duty is looked for.
const DUTY: usize = 5;
/// Bytes before it in which the word that calls it stands.
const BEFORE: usize = 24;
const ARTICLES: [&str; 16] = [
    "the", "die", "den", "der", "das", "dem", "le", "la", "les", "el", "los", "las", "il", "lo",
    "de", "het",
];

/// Words that pretend to be the frame around a text.
const TAGS: [&str; 5] = [
    "system",
    "instructions",
    "instruction",
    "directive",
    "sysprompt",
];

impl Reader<'_> {
    /// Whether the program that `word` may name is spoken to: as "agent:", "for agents",
    /// "agents must", "the agent reading this".
    pub(super) fn is_called(&self, word: Word, place: &Place<'_>) -> bool {
        let own = word.text(place.text);
        let bare = tag(word, place.text).unwrap_or_else(|| word.bare(place.text));
        if TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(bare)) {
            // `<system>`, `[SYSTEM`, `SYSTEM:`
            let (from, _) = word.bare_range();
            let before = from
                .checked_sub(1)
                .and_then(|at| place.text.as_bytes().get(at));
            let loud = bare.len() > 3 && bare.bytes().all(|byte| byte.is_ascii_uppercase());
            return matches!(before, Some(b'<' | b'[')) || loud && own.ends_with(':');
        }
        let hash = |word: &Word| word.hash(place.text, self.printer);
        let begins = place.is_start();
        if word.kind == Kind::Dense
            || is_handle(word, place.text)
            || begins && own.ends_with([',', ':', 's'])
            || own.ends_with(':') && !own.contains('"')
        {
            return true;
        }
        if self.is_called_before(word, place) {
            return true;
        }
        let mut behind = words_from(place.text, word.end).take(DUTY);
        let first = behind.next();
        let doing = first.is_some_and(|next| {
            let next = next.bare(place.text);
            next.len() > 5 && next.ends_with("ing")
        });
        doing
            || first
                .into_iter()
                .chain(behind)
                .take_while(|next| next.kind != Kind::Break)
                .any(|next| self.vocabulary.binds(hash(&next)))
    }

    /// Whether the word before it, or before its article, calls it.
    fn is_called_before(&self, word: Word, place: &Place<'_>) -> bool {
        let mut from = word.at.saturating_sub(BEFORE);
        while !place.text.is_char_boundary(from) {
            from += 1;
        }
        let text = place.text.get(from..word.at).unwrap_or_default();
        let (mut before, mut last) = ("", "");
        for word in words(text).filter(Word::has_bare) {
            before = std::mem::replace(&mut last, word.bare(text));
        }
        let article = ARTICLES.iter().any(|own| own.eq_ignore_ascii_case(last));
        let caller = if article { before } else { last };
        !caller.is_empty() && self.vocabulary.calls(self.printer.word(caller))
    }
}

/// The name of a tag that text is glued to: `<system>The`.
pub(super) fn tag(word: Word, text: &str) -> Option<&str> {
    let (from, _) = word.bare_range();
    let before = from.checked_sub(1).and_then(|at| text.as_bytes().get(at));
    if before != Some(&b'<') {
        return None;
    }
    word.bare(text).split_once('>').map(|(tag, _)| tag)
}

/// What stands behind an article that is glued to it: `l'assistant`.
pub(super) fn tail(bare: &str) -> Option<&str> {
    let mark = |byte: &u8| *byte == b'\'' || *byte >= 0x80;
    if !bare.as_bytes().iter().any(mark) {
        return None;
    }
    let (_, tail) = bare.rsplit_once(['\'', '’'])?;
    (tail.len() >= 4).then_some(tail)
}

/// `@HomeAgent`: a program that is spoken to by its name.
pub(super) fn is_handle(word: Word, text: &str) -> bool {
    const ENDINGS: [&str; 4] = ["agent", "assistant", "bot", "gpt"];
    let (from, _) = word.bare_range();
    let before = from.checked_sub(1).and_then(|at| text.as_bytes().get(at));
    before == Some(&b'@') && {
        let bare = word.bare(text).to_ascii_lowercase();
        !bare.contains('.') && ENDINGS.iter().any(|end| bare.ends_with(end))
    }
}
