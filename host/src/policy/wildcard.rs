//! Whether a word with a shell's wildcards may become a name that a rule's pattern matches.
//!
//! Both are taken to mean a little more than they do: a class is any character, alternatives are
//! anything. So the answer can accuse and never vouch.

use crate::event::classes::without_classes;

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This character.
    Is(char),
    /// Any character but `/`.
    One,
    /// Any character but `/` and `.`, and with the star that follows it none at all: shells do not
    /// match a dot that begins a name.
    First,
    /// As many characters as there are, but no `/`.
    Star,
    /// Anything.
    All,
}

/// Comparisons for one word; beyond them a word and a pattern are taken to meet. Chosen: a word of
/// `PATH_MAX` against a pattern of a thousand characters.
const MAX_WORK: usize = 4096 * 1024;

/// How many `**/` of one pattern are told apart; with more it is taken to mean a little more.
const MAX_DEEP: usize = 4;

/// Whether some name fits both `pattern`, a rule's, and `word`, a shell's.
pub(super) fn meet(pattern: &str, word: &str) -> bool {
    // `**/` is nothing, or all up to a stroke: `**/shadow` is no `xshadow`.
    if let Some((before, after)) = pattern.split_once("**/")
        && pattern.matches("**/").count() <= MAX_DEEP
    {
        return meet(&format!("{before}{after}"), word)
            || meet(&format!("{before}**\\/{after}"), word);
    }
    let word = without_classes(word);
    let begins = |text: &str| text.find(['*', '?', '[', '{', '\\']).unwrap_or(text.len());
    let sure = begins(pattern).min(begins(&word));
    if pattern.as_bytes().get(..sure) != word.as_bytes().get(..sure) {
        return false;
    }
    let (pattern, word) = (steps(pattern, false), steps(&word, true));
    if pattern.len().saturating_mul(word.len()) > MAX_WORK {
        return true;
    }
    // From the ends: `after[n]` is whether the rest of the pattern and `word[n..]` meet.
    let mut after = vec![false; word.len() + 3];
    if let Some(last) = after.get_mut(word.len()) {
        *last = true;
    }
    skip_stars(&word, &mut after);
    for step in pattern.iter().rev() {
        let mut now = vec![false; word.len() + 3];
        let many = matches!(step, Step::Star | Step::All);
        for at in (0..=word.len()).rev() {
            let is = |row: &[bool], at: usize| row.get(at).copied().unwrap_or(false);
            let met = match word.get(at) {
                None => many && is(&after, at),
                Some(Step::First) => {
                    is(&now, at + 2)
                        || many && is(&after, at)
                        || fits(*step, Step::First) && is(if many { &now } else { &after }, at + 1)
                }
                Some(Step::Star | Step::All) => {
                    is(&now, at + 1)
                        || many && is(&after, at)
                        || word.get(at).is_some_and(|other| fits(*step, *other)) && is(&after, at)
                }
                Some(other) => {
                    many && is(&after, at)
                        || fits(*step, *other) && is(if many { &now } else { &after }, at + 1)
                }
            };
            if let Some(place) = now.get_mut(at) {
                *place = met;
            }
        }
        after = now;
    }
    after.first().copied().unwrap_or(false)
}

/// At the end of the pattern only what may be nothing can follow.
fn skip_stars(word: &[Step], row: &mut [bool]) {
    for at in (0..word.len()).rev() {
        let next = match word.get(at) {
            Some(Step::Star | Step::All) => at + 1,
            Some(Step::First) => at + 2,
            _ => return,
        };
        let empty = row.get(next).copied().unwrap_or(false);
        if let Some(place) = row.get_mut(at) {
            *place = empty;
        }
    }
}

/// Whether one character fits both.
fn fits(pattern: Step, word: Step) -> bool {
    match (pattern, word) {
        (Step::Is(one), Step::Is(other)) => one == other,
        (Step::All, _) | (_, Step::All) => true,
        (Step::Is('.'), Step::First) => false,
        (_, Step::Is(one)) | (Step::Is(one), _) => one != '/',
        _ => true,
    }
}

fn steps(text: &str, shell: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text.chars().peekable();
    let mut begins = true;
    while let Some(letter) = rest.next() {
        match letter {
            '*' => {
                let mut stars = 1;
                while rest.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                // `a/**/b` is `a/b` too.
                let deep = stars > 1 && (!shell || begins);
                if deep {
                    let _ = rest.next_if_eq(&'/');
                    steps.push(Step::All);
                } else if shell && begins {
                    steps.extend([Step::First, Step::Star]);
                } else {
                    steps.push(Step::Star);
                }
            }
            '?' => steps.push(Step::One),
            '[' => {
                // A bracket right behind the opening one, or behind its `!`, is a member.
                let negated = rest.next_if(|c| "!^".contains(*c)).is_some();
                let member = rest.next_if_eq(&']').is_some();
                let closed = rest.clone().any(|c| c == ']');
                if closed {
                    while rest.next().is_some_and(|c| c != ']') {}
                    steps.push(Step::One);
                } else {
                    steps.push(Step::Is('['));
                    steps.extend(negated.then_some(Step::One));
                    steps.extend(member.then_some(Step::Is(']')));
                }
            }
            '{' if !shell => {
                let mut open = 1;
                while open > 0 {
                    match rest.next() {
                        Some('{') => open += 1,
                        Some('}') => open -= 1,
                        Some(_) => {}
                        None => break,
                    }
                }
                steps.push(Step::All);
            }
            '\\' if !shell => steps.extend(rest.next().map(Step::Is)),
            _ => steps.push(Step::Is(letter)),
        }
        begins = letter == '/';
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_meets_what_its_wildcards_may_stand_for() {
        for (pattern, word) in [
            ("/etc/shadow", "/etc/sha*w"),
            ("/etc/shadow", "/etc/shado?"),
            ("/etc/shadow", "/etc/shado[vw]"),
            ("/etc/shadow", "/e*/s*"),
            ("/etc/shadow", "/???/??????"),
            ("/etc/shadow", "/etc/*"),
            ("/etc/**", "/e?c/passwd"),
            ("/srv/keys/*.pem", "/srv/*/a.p*"),
            ("/srv/{a,b}/x", "/srv/?/x"),
            ("**/secrets/**", "/w/s*s/a.txt"),
            ("/w/.env", "/w/.e*"),
            ("/w/.env", "/w/.*"),
            ("/w/a.b", "/w/*"),
            ("/w/deep/er/x", "/w/**/x"),
            ("/w/x", "/w/**/x"),
            ("/w/[ab]c", "/w/?c"),
            ("cat", "c?t"),
            ("/w/]", "/w/[]]"),
            ("/etc/shadow", "/etc/shado[[:lower:]]"),
            ("/etc/shadow", "/etc/shado[a]w]"),
            ("/etc/shadow", "/etc/shado[!x]"),
        ] {
            assert!(meet(pattern, word), "{pattern} and {word}");
        }
    }

    #[test]
    fn a_word_does_not_meet_what_it_can_never_become() {
        for (pattern, word) in [
            ("/etc/shadow", "/etc/sha*x"),
            ("/etc/shadow", "/etc/shadow?"),
            ("/etc/shadow", "/*"),
            ("/etc/shadow", "/etc/pass*"),
            ("/w/.env", "/w/*"),
            ("/w/.env", "/w/*env"),
            ("/w/.env", "/w/?*v/x"),
            ("**/shadow", "/srv/x*"),
            ("/w/**/b", "/w/x*"),
            ("/w/a/b", "/w/*"),
            ("/w/a/b", "/w/?/?/?"),
            ("/w/secret.tsx", "/w/[slug].tsx"),
            ("/srv/keys/*.pem", "/srv/keys/*.pub"),
            ("cat", "c?rl"),
            ("", "/*"),
        ] {
            assert!(!meet(pattern, word), "{pattern} and {word}");
        }
    }

    /// Against what two regular expressions say about every short name.
    #[test]
    fn short_words_agree_with_all_names_of_a_small_alphabet() {
        let letters = ['a', '.', '/'];
        let mut names = vec![String::new()];
        let mut all = names.clone();
        for _ in 0..4 {
            names = names
                .iter()
                .flat_map(|name| letters.map(|letter| format!("{name}{letter}")))
                .collect();
            all.extend(names.iter().cloned());
        }
        let parts = ["a", ".", "/", "*", "?"];
        let mut words = vec![String::new()];
        for _ in 0..3 {
            let longer: Vec<String> = words
                .iter()
                .flat_map(|word| parts.map(|part| format!("{word}{part}")))
                .collect();
            words.extend(longer);
        }
        words.sort_unstable();
        words.dedup();
        words.retain(|word| !word.contains("**"));
        let shell = |word: &str| {
            let mut pattern = String::from("^");
            for (at, letter) in word.char_indices() {
                let begins = at == 0 || word.as_bytes()[at - 1] == b'/';
                pattern += match (letter, begins) {
                    ('*', true) => "(?:[^/.][^/]*)?",
                    ('*', false) => "[^/]*",
                    ('?', _) => "[^/]",
                    ('.', _) => "\\.",
                    ('a', _) => "a",
                    _ => "/",
                };
            }
            regex::Regex::new(&(pattern + "$")).unwrap()
        };
        let words: Vec<_> = words.iter().map(|word| (word, shell(word))).collect();
        let patterns = ["a/*", "*.a", "a", "?/a", "**/a", ".a", "a/**", "*"];
        for pattern in patterns {
            let rule = globset::GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .unwrap()
                .compile_matcher();
            for (word, is) in &words {
                let could = all
                    .iter()
                    .any(|name| rule.is_match(name) && is.is_match(name));
                // It may only say too much, and without `**` it does not.
                let says = meet(pattern, word);
                assert!(says || !could, "{pattern} and {word}");
                assert!(
                    pattern.contains("**") || says == could,
                    "{pattern} and {word}"
                );
            }
        }
    }
}
