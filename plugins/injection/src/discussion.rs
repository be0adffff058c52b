//! Whether the sentence around a match talks about attacks or introduces an example.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Does the sentence of `within`, which stands between `before` and `after`, talk about attacks, or does
/// what leads up to it announce an example? Other sentences don't count: nearly any page has the words
/// somewhere.
pub fn is_discussed(before: &str, within: &str, after: &str) -> bool {
    let lead = lead(before, within.chars().next());
    let rest = after.get(..sentence_end(after)).unwrap_or_default();
    ATTACK.is_in(lead) || ATTACK.is_in(rest) || EXAMPLE.introduces(lead)
}

/// The sentence so far, and the one that announced it with a colon, over the items of a list.
fn lead(before: &str, next: Option<char>) -> &str {
    let mut start = sentence_start(before, next);
    loop {
        let line = before.get(start..).unwrap_or_default();
        let earlier = before.get(..start).unwrap_or_default().trim_end();
        let above = sentence_start(earlier.trim_end_matches([':', '：']), Some(' '));
        let announced = earlier.ends_with([':', '：']);
        let listed = is_item(line) && is_item(earlier.get(above..).unwrap_or_default());
        if announced {
            return before.get(above..).unwrap_or_default();
        }
        if !listed || above >= start {
            return line;
        }
        start = above;
    }
}

/// Begins like an item of a list.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['-', '*', '•', '|', '>', '+'])
        || line.starts_with(|c: char| c.is_ascii_digit())
}

/// Where the last sentence of `text` begins, when `next` follows it.
fn sentence_start(text: &str, mut next: Option<char>) -> usize {
    for (at, letter) in text.char_indices().rev() {
        if ends_sentence(text.get(..at).unwrap_or_default(), letter, next) {
            return at + letter.len_utf8();
        }
        next = Some(letter);
    }
    0
}

/// Where the first sentence of `text` ends.
fn sentence_end(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|next| next.1);
        if ends_sentence(text.get(..at).unwrap_or_default(), letter, next) {
            return at;
        }
    }
    text.len()
}

/// A full stop that is followed by white space, and none of an abbreviation such as "e.g."; a line's
/// end, but for one that only wraps.
fn ends_sentence(before: &str, letter: char, next: Option<char>) -> bool {
    let mut back = before.chars().rev();
    let last = back.next();
    match letter {
        '!' | '?' | '.' => {
            next.is_none_or(char::is_whitespace)
                && !(letter == '.' && (back.next() == Some('.') || before.ends_with("np")))
        }
        '。' | '！' | '？' | '।' => true,
        '\n' => {
            let wraps = last.is_some_and(|last| last.is_alphanumeric() || last == ',')
                && next.is_some_and(char::is_lowercase);
            !wraps
        }
        _ => false,
    }
}

/// A list of stems; one that could not be compiled has no words, and then nothing counts.
struct Stems(LazyLock<Option<AhoCorasick>>);

static ATTACK: Stems = Stems(LazyLock::new(|| built(ATTACKS)));
static EXAMPLE: Stems = Stems(LazyLock::new(|| built(EXAMPLES)));

fn built(stems: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(stems)
        .ok()
}

impl Stems {
    /// Where they stand at the beginning of a word.
    fn found<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        let words = self.0.as_ref().into_iter();
        words
            .flat_map(move |words| words.find_iter(text))
            .map(|hit| hit.range())
            .filter(move |word| begins(text, word) && !in_address(text, word))
    }

    fn is_in(&self, text: &str) -> bool {
        self.found(text).next().is_some()
    }

    /// Does one stand right before the end of `lead`, but for signs, or for a few words and then a
    /// colon or a mark that opens a quotation?
    fn introduces(&self, lead: &str) -> bool {
        self.found(lead).any(|word| {
            let gap = lead.get(word.end..).unwrap_or_default();
            // The word's own ending: "detect" in "detects".
            let gap = gap.trim_start_matches(char::is_alphabetic);
            let bare = !gap.contains(char::is_alphanumeric);
            let opened = gap
                .trim_end()
                .ends_with([':', '：', '"', '\'', '“', '„', '‘', '«', '「', '`', '(']);
            bare || (opened && gap.len() <= MAX_GAP)
        })
    }
}

/// Bytes from a word that announces an example to the example.
const MAX_GAP: usize = 48;

/// A stem of Latin or Cyrillic letters begins a word. Others are joined to what stands before.
fn begins(text: &str, word: &Range<usize>) -> bool {
    let stem = text.get(word.clone()).unwrap_or_default();
    let spaced = stem
        .starts_with(|c: char| c.is_ascii_alphanumeric() || ('\u{400}'..'\u{530}').contains(&c));
    let lead = text.get(..word.start).unwrap_or_default();
    !spaced || !lead.ends_with(char::is_alphanumeric)
}

/// Part of an address, such as "attacker@…" or "evil-attack.example", which discusses nothing.
fn in_address(text: &str, word: &Range<usize>) -> bool {
    let lead = text
        .get(..word.start)
        .unwrap_or_default()
        .chars()
        .next_back();
    let rest = text.get(word.end..).unwrap_or_default();
    let mut rest = rest
        .trim_start_matches(|c: char| c.is_ascii_alphanumeric())
        .chars();
    let next = rest.next();
    let ends_sentence = rest.next().is_none_or(char::is_whitespace);
    matches!(lead, Some('@' | '.' | '-'))
        || next == Some('@')
        || (next == Some('.') && !ends_sentence)
}

/// Stems that show talk about attacks, in the languages where such documents are common.
const ATTACKS: &[&str] = &[
    "phrases like",
    "prompts like",
    "attack",
    "cyberattack",
    "injection",
    "jailbreak",
    "adversar",
    "malicious",
    "vulnerab",
    "exploit",
    "cve-",
    "red team",
    "red-team",
    "hypothetical",
    "test case",
    "parametrize",
    "def test_",
    "fell for",
    "angriff",
    "attaque",
    "ataque",
    "attacco",
    "атак",
    "攻击",
    "攻撃",
    "공격",
    "هجوم",
    "हमल",
    "saldırı",
    "serangan",
    "tấn công",
];

/// Stems that announce an example, or something that was found. Ordinary text is full of them, so they
/// count only right before it.
const EXAMPLES: &[&str] = &[
    "for example",
    "example for",
    "literal string",
    "quoted",
    "e.g.",
    "for instance",
    "such as",
    "payload",
    "detect",
    "classif",
    "snippet",
    "\"matched\"",
    "\"label\"",
    "benchmark",
    "refuse to",
    "attempts to",
    "tries to",
    "par exemple",
    "por ejemplo",
    "por exemplo",
    "zum beispiel",
    "beispielsweise",
    "ad esempio",
    "например",
    "наприклад",
    "例如",
    "比如",
    "例えば",
    "예를 들어",
    "مثال",
    "उदाहरण",
    "ornegin",
    "örneğin",
    "na przykład",
    "np.",
    "misalnya",
    "contohnya",
    "ví dụ",
];
