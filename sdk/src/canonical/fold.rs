//! Look-alike letters: folds each to the script of the word it stands in.
//!
//! A word that mixes scripts is folded to Latin, or to Cyrillic when its unmistakable letters are
//! Cyrillic. A word made only of twins of Latin letters ("раураӏ") is folded when the words beside
//! it are Latin. Everything else, which is all ordinary Russian, Greek or Armenian, is left alone.

use std::ops::Range;

use super::confusables::{Likeness, cyrillic, latin};
use super::{Builder, Canonical};

/// Folds the text of `view`; its anchors follow.
pub(super) fn fold(view: Canonical) -> Canonical {
    if !view.text.chars().any(|letter| latin(letter).is_some()) {
        return view;
    }
    let edits = edits(&view.text);
    if edits.is_empty() {
        return view;
    }
    apply(&view, &edits)
}

/// One letter read as another.
struct Edit {
    at: usize,
    old: char,
    new: char,
}

impl Edit {
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.old.len_utf8()
    }
}

fn edits(text: &str) -> Vec<Edit> {
    let words: Vec<Word> = words(text).collect();
    let mut edits = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index));
        let after = words.get(index + 1);
        let target = word.target(before, after);
        let letters = text.get(word.range.clone()).unwrap_or_default();
        for (offset, old) in letters.char_indices() {
            let new = match (target, latin(old)) {
                (_, Some((new, Likeness::Always))) => Some(new),
                (Some(Script::Latin), Some((new, _))) => Some(new),
                (Some(Script::Cyrillic), None) => cyrillic(old),
                _ => None,
            };
            if let Some(new) = new {
                edits.push(Edit {
                    at: word.range.start + offset,
                    old,
                    new,
                });
            }
        }
    }
    edits
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
}

/// A run of letters with a count of what they could be.
#[derive(Default)]
struct Word {
    range: Range<usize>,
    /// ASCII letters, and the small capitals that are Latin anyway.
    latin: usize,
    /// ASCII letters that no Cyrillic letter looks like.
    only_latin: usize,
    twins: usize,
    loose: usize,
    only_cyrillic: usize,
    other: usize,
}

impl Word {
    fn add(&mut self, letter: char) {
        match latin(letter) {
            Some((_, Likeness::Always)) => self.latin += 1,
            Some((_, Likeness::Twin)) => self.twins += 1,
            Some((_, Likeness::Loose)) => {
                self.loose += 1;
                self.only_cyrillic += usize::from(is_cyrillic(letter));
            }
            None if letter.is_ascii_alphabetic() => {
                self.latin += 1;
                self.only_latin += usize::from(cyrillic(letter).is_none());
            }
            None if is_cyrillic(letter) => {
                self.only_cyrillic += 1;
                self.other += 1;
            }
            None => self.other += 1,
        }
    }

    fn is_latin(&self) -> bool {
        self.latin > 0 && self.twins + self.loose + self.other == 0
    }

    /// The script to fold to, if any.
    fn target(&self, before: Option<&Word>, after: Option<&Word>) -> Option<Script> {
        if self.latin > 0 && self.twins + self.loose + self.only_cyrillic > 0 {
            return Some(if self.only_cyrillic > self.only_latin {
                Script::Cyrillic
            } else {
                Script::Latin
            });
        }
        let all_twins = self.twins > 1 && self.latin + self.loose + self.other == 0;
        let beside_latin = before.or(after).is_some()
            && before.is_none_or(Word::is_latin)
            && after.is_none_or(Word::is_latin);
        (all_twins && beside_latin).then_some(Script::Latin)
    }
}

fn words(text: &str) -> impl Iterator<Item = Word> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while chars
            .next_if(|(_, letter)| !letter.is_alphabetic())
            .is_some()
        {}
        let &(start, _) = chars.peek()?;
        let mut word = Word {
            range: start..start,
            ..Word::default()
        };
        // Digits stay inside a word: "pаssw0rd".
        while let Some((at, letter)) = chars.next_if(|(_, letter)| letter.is_alphanumeric()) {
            if letter.is_alphabetic() {
                word.add(letter);
            }
            word.range.end = at + letter.len_utf8();
        }
        Some(word)
    })
}

fn is_cyrillic(letter: char) -> bool {
    matches!(letter, '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}')
}

fn apply(view: &Canonical, edits: &[Edit]) -> Canonical {
    let mut out = Builder::with_capacity(view.text.len());
    let mut edits = edits.iter().peekable();
    for stretch in view.stretches() {
        let mut at = stretch.canonical.start;
        let mut replaced = String::new();
        while let Some(edit) = edits.next_if(|edit| edit.at < stretch.canonical.end) {
            let same = view.text.get(at..edit.at).unwrap_or_default();
            if stretch.copied {
                out.copy(same);
                out.replace(edit.old.len_utf8(), edit.new.encode_utf8(&mut [0; 4]));
            } else {
                replaced.push_str(same);
                replaced.push(edit.new);
            }
            at = edit.range().end;
        }
        let same = view.text.get(at..stretch.canonical.end).unwrap_or_default();
        if stretch.copied {
            out.copy(same);
        } else {
            replaced.push_str(same);
            out.replace(stretch.original.len(), &replaced);
        }
    }
    let mut folded = out.finish();
    folded.original_len = view.original_len;
    folded
}
