//! Accounts as bills print them: in groups of four.

use crate::words::{Kind, Word, words_from};

/// The account that begins with `word` and goes on in groups of four, as bills print it, in one.
pub fn grouped(text: &str, word: &Word) -> Option<String> {
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
}
