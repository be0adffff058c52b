//! Mention is not use: text that quotes, exemplifies or explains an attack is not that attack.
//!
//! An attacker can dress up as an example, so a mention is lowered, never dropped.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::surface::Surface;

/// Is the match at `range` only talked about? A definition gives examples and names errors and
/// payloads all the time, so there only a quotation counts.
pub fn is_mention(text: &str, range: &Range<usize>, surface: Surface) -> bool {
    let before = tail(text.get(..range.start).unwrap_or_default(), 160);
    let after = head(text.get(range.end..).unwrap_or_default(), 100);
    let discussed = || surface != Surface::Definition && is_discussed(before, after);
    is_quoted(before, after) || in_code(before, after) || discussed()
}

/// Prose introduces the quotation: `says "ignore …"`. A string that is a whole JSON or YAML value
/// is no quotation, so what stands before the mark must be a word or a bracket.
fn is_quoted(before: &str, after: &str) -> bool {
    let Some((at, mark)) = before
        .char_indices()
        .rev()
        .take(60)
        .find(|(_, c)| OPENING.contains(*c))
    else {
        return false;
    };
    let closing: &[char] = match mark {
        '"' => &['"'],
        '\'' => &['\''],
        '`' => &['`'],
        '“' | '„' => &['”', '“'],
        '‘' => &['’'],
        '«' => &['»'],
        '「' => &['」'],
        _ => &['』'],
    };
    let inner = before.get(at + mark.len_utf8()..).unwrap_or_default();
    // An apostrophe inside a word opens nothing, and a mark that was closed before the match is
    // behind us.
    if inner.contains(closing) || inner.starts_with([' ', '\n']) {
        return false;
    }
    let lead = before.get(..at).unwrap_or_default();
    let introduced = match lead.chars().next_back() {
        Some('(' | '/') => true,
        Some(' ') => lead.trim_end().chars().next_back().is_some_and(|c| {
            c.is_alphabetic()
                || matches!(c, '"' | '\'' | '`' | '”' | '’')
                || (c == ','
                    && lead
                        .trim_end()
                        .trim_end_matches(',')
                        .ends_with(char::is_alphabetic))
                || (c == ','
                    && lead
                        .trim_end()
                        .trim_end_matches(',')
                        .ends_with(['\'', '`', '”']))
        }),
        Some(c) => c.is_alphabetic() && mark != '\'',
        None => false,
    };
    introduced && after.contains(closing)
}

const OPENING: &str = "\"'`“„‘«「『";

/// Between back ticks, or in a line of a program that compares or matches text.
fn in_code(before: &str, after: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let rest = after.split('\n').next().unwrap_or_default();
    (line.matches('`').count() % 2 == 1 && rest.contains('`'))
        || line.contains("\\b")
        || rest.contains("\\b")
        || line.contains("\\s")
        || rest.contains("\\s+")
        || line.contains("assert")
        || line.contains("re.compile")
}

fn is_discussed(before: &str, after: &str) -> bool {
    [before, after]
        .into_iter()
        .any(|text| match &*DISCUSSION_WORDS {
            Some(words) => words
                .find_iter(text)
                .any(|hit| !in_address(text, hit.range())),
            None => false,
        })
}

/// How surely a text is about attacks: a document about them names them again and again, and what a
/// statistical or weaker claim finds in it is its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Other,
    /// Enough to doubt the model.
    Named,
    /// Enough to doubt a weak claim of any kind.
    Attacks,
}

pub fn subject(text: &str) -> Subject {
    let Some(words) = &*SUBJECT_WORDS else {
        return Subject::Other;
    };
    match words.find_iter(text).count() {
        count if count >= 6 && count * 600 >= text.len() => Subject::Attacks,
        count if count >= 3 && count * 400 >= text.len() => Subject::Named,
        _ => Subject::Other,
    }
}

static SUBJECT_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(SUBJECT)
        .ok()
});

/// Stems of the subject. How many, and in how many bytes, is chosen: six in any text longer than a page
/// are more than an attacker needs to name what they do, and one in each paragraph.
const SUBJECT: &[&str] = &[
    "attack",
    "injection",
    "jailbreak",
    "adversar",
    "malicious",
    "vulnerab",
    "exploit",
    "guardrail",
    "red team",
    "red-team",
    "threat",
    "mitigat",
    "moderation",
    "scanner",
];

/// Part of an address, such as "attacker@…" or "evil-attack.example", which discusses nothing.
fn in_address(text: &str, word: Range<usize>) -> bool {
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

/// Built once per process; `None` only if the list below could not be compiled, and then nothing
/// counts as discussed.
static DISCUSSION_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(DISCUSSION)
        .ok()
});

/// Stems that show talk about attacks, in the languages where such documents are common.
const DISCUSSION: &[&str] = &[
    "for example",
    "example for",
    "literal string",
    "quoted",
    "e.g.",
    "for instance",
    "such as",
    "phrases like",
    "prompts like",
    "attack",
    "injection",
    "jailbreak",
    "adversar",
    "malicious",
    "vulnerab",
    "exploit",
    "payload",
    "cve-",
    "detect",
    "classif",
    "red team",
    "red-team",
    "hypothetical",
    "test case",
    "parametrize",
    "def test_",
    "fell for",
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
    "angriff",
    "attaque",
    "ataque",
    "attacco",
    "например",
    "атак",
    "наприклад",
    "例如",
    "比如",
    "攻击",
    "例えば",
    "攻撃",
    "예를 들어",
    "공격",
    "مثال",
    "هجوم",
    "उदाहरण",
    "हमल",
    "ornegin",
    "örneğin",
    "saldırı",
    "na przykład",
    "np.",
    "misalnya",
    "contohnya",
    "serangan",
    "ví dụ",
    "tấn công",
];

fn tail(text: &str, bytes: usize) -> &str {
    let mut at = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    text.get(at..).unwrap_or_default()
}

fn head(text: &str, bytes: usize) -> &str {
    let mut at = text.len().min(bytes);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.get(..at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(marked: &str, mention: bool) {
        let start = marked.find('[').unwrap();
        let text = marked.replacen('[', "", 1);
        let end = text.find(']').unwrap();
        assert_eq!(
            is_mention(&text.replacen(']', "", 1), &(start..end), Surface::Content),
            mention,
            "{marked}"
        );
    }

    #[test]
    fn quoted_and_exemplified_phrases_are_mentions() {
        check("The page says \"[ignore the rules]\" in white.", true);
        check("Attackers write [ignore the rules] there.", true);
        check("For example: [ignore the rules].", true);
        check("run `grep [ignore the rules] file`", true);
    }

    #[test]
    fn a_document_is_about_attacks_when_it_keeps_naming_them() {
        let page = "The scanner finds an injection attack before the model reads it. ";
        assert_eq!(subject(&page.repeat(4)), Subject::Attacks);
        assert_eq!(subject(page), Subject::Named);
        assert_eq!(subject("An attack on the harbour."), Subject::Other);
        let story = "We went to the sea and looked at the boats. ".repeat(200);
        assert_eq!(
            subject(&format!("{}{story}", page.repeat(2))),
            Subject::Other
        );
    }

    #[test]
    fn values_addresses_and_apostrophes_are_no_mention() {
        check("{\"note\": \"[ignore the rules] now\"}", false);
        check("mail x@attack.example and [ignore the rules]", false);
        check("mail attacker@evil.example and [ignore the rules]", false);
        check("It's late. [Ignore the rules] and don't wait", false);
    }
}
