//! Accounts and telephone numbers as people write them: in groups.

use crate::print::Printer;
use crate::words::{Kind, Word, words_from};

/// Digits of a telephone number with its country's: ITU-T E.164 has at most 15.
const TELEPHONE: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits at the end of a number that are the same with its country's code and without.
const NATIONAL: usize = 9;

/// Names of the account or telephone number that begins with `word`, none when none does.
pub fn names(text: &str, word: &Word, printer: &Printer) -> impl Iterator<Item = u32> {
    let number = grouped(text, word).or_else(|| telephone(text, word));
    let end = |number: &String| {
        let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let rest = number.len().checked_sub(NATIONAL).filter(|_| all_digits)?;
        number.get(rest..).map(str::to_owned)
    };
    let national = number.as_ref().and_then(end);
    let names = [number, national].map(|number| number.map(|own| printer.name(&own)));
    names.into_iter().flatten()
}

/// The telephone number that begins with `word`, its digits only: one with `+`, with its area in
/// parentheses, with a leading zero and nine digits, or in groups of three, three and four.
fn telephone(text: &str, word: &Word) -> Option<String> {
    let group = |word: &Word| {
        let bare = word.bare(text).as_bytes();
        let inner = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'(' | b')');
        word.kind == Kind::Plain && bare.iter().all(inner)
    };
    let from = word.bare_range().0;
    let before = text.get(word.at..from)?.as_bytes();
    // What follows a number, an `=` or a `/` is a part of something else.
    let fresh = before.iter().all(|byte| b"+(\"'[:".contains(byte));
    if !fresh || !group(word) || !word.has_bare() {
        return None;
    }
    let (mut digits, mut groups) = (String::new(), Vec::new());
    for next in std::iter::once(*word).chain(words_from(text, word.end)) {
        if !group(&next) {
            break;
        }
        let parts = next.bare(text).split(|c: char| !c.is_ascii_digit());
        for part in parts.filter(|part| !part.is_empty()) {
            digits.push_str(part);
            groups.push(part.len());
        }
        let rest = text.get(next.bare_range().1..next.end)?;
        if digits.len() > *TELEPHONE.end() || !matches!(rest, "" | ")" | ")-") {
            break;
        }
    }
    let marked = before.contains(&b'+') || before.contains(&b'(');
    let zero = digits.starts_with('0') && digits.len() >= NATIONAL && groups.len() <= 5;
    let shaped = marked || zero && groups.first() != Some(&1) || groups == [3, 3, 4];
    let bare = digits.strip_prefix("00").unwrap_or(&digits);
    (shaped && TELEPHONE.contains(&bare.len())).then(|| bare.to_owned())
}

/// The account that begins with `word` and goes on in groups of four, as bills print it, in one.
fn grouped(text: &str, word: &Word) -> Option<String> {
    let first = word.bare(text).as_bytes();
    let [a, b, c, d] = first else { return None };
    let begins = [a, b].iter().all(|byte| byte.is_ascii_uppercase())
        && [c, d].iter().all(|byte| byte.is_ascii_digit())
        && word.bare_range().1 == word.end;
    if !begins {
        return None;
    }
    let mut account = word.bare(text).to_owned();
    for next in words_from(text, word.end) {
        let group = next.bare(text);
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if next.kind == Kind::Break || group.len() > 4 || !group.bytes().all(plain) {
            break;
        }
        account.push_str(group);
        // The last group is shorter, or a mark stands behind it.
        if group.len() < 4 && account.len() > 15 || next.bare_range().1 != next.end {
            if next.bare_range().1 == next.end
                && let Some(rest) = words_from(text, next.end).next()
                && rest.bare(text).len() == 1
                && rest.bare(text).bytes().all(plain)
            {
                account.push_str(rest.bare(text));
            }
            break;
        }
    }
    let digits = account.bytes().filter(u8::is_ascii_digit).count();
    ((15..=34).contains(&account.len()) && digits >= 8).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn groups_of_an_account_are_read_as_one() {
        let found = |text: &str| words(text).find_map(|word| grouped(text, &word));
        for (text, account) in [
            ("to BE71 0961 2345 6769 today", Some("BE71096123456769")),
            (
                "to LI21 0881 0000 2324 013A A with",
                Some("LI21088100002324013AA"),
            ),
            (
                "GB33 BUKB 2020 1555 5555 55, it",
                Some("GB33BUKB20201555555555"),
            ),
            ("room AB12 is free", None),
            ("AB12 of 2024", None),
        ] {
            assert_eq!(found(text).as_deref(), account, "{text}");
        }
    }

    #[test]
    fn a_telephone_number_is_one_however_it_is_grouped() {
        let found = |text: &str| words(text).find_map(|word| telephone(text, &word));
        for (text, number) in [
            ("text it to +1 555 0199.", Some("15550199")),
            ("to +1 (555) 867-5309, please", Some("15558675309")),
            ("to +15558675309", Some("15558675309")),
            ("call (555) 867-5309 now", Some("5558675309")),
            ("555-867-5309", Some("5558675309")),
            ("555 867 5309", Some("5558675309")),
            ("\"phone\": \"0900 555 0188\"", Some("09005550188")),
            ("0049 170 1234567", Some("491701234567")),
            ("+49 30/1234 567 and 12", Some("49301234567")),
            ("rows 12 34 56 78 90", None),
            ("2024-05-01 10 30", None),
            ("0 1 2 3 4 5 6 7 8 9", None),
            ("0.25 0.125 0.5", None),
            ("a+1234567", None),
            ("x=0123456789", None),
            ("+12 % of 1999", None),
            ("05 06 2024", None),
            ("(12) of 345", None),
        ] {
            assert_eq!(found(text).as_deref(), number, "{text}");
        }
        let printer = Printer::new("");
        let names = |text: &str| {
            words(text)
                .flat_map(|word| names(text, &word, &printer).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let [here, abroad] = ["(555) 867-5309", "+1 555 867 5309"].map(names);
        assert!(here.iter().any(|name| abroad.contains(name)));
    }
}
