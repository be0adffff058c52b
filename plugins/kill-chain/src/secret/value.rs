//! What a value is by its characters: one that could be a secret, code, words, a random run.

use std::ops::Range;

use super::MIN_VALUE;
use crate::secret_words::LETTERS;

/// Shortest run that looks random without a name: the chance that a word or path does is small.
const MIN_RANDOM: usize = 16;

/// Whether it could be a secret, by its characters alone.
pub fn is_value(value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let others = value.bytes().any(|byte| !byte.is_ascii_alphabetic());
    let path = value.starts_with(['/', '.', '~', '$']);
    value.len() >= MIN_VALUE && letters && others && kinds(value) >= 5 && !path
}

/// Letters alone that could be a password.
pub fn is_passphrase(value: &str) -> bool {
    value.len() >= LETTERS
        && value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && kinds(value) >= 6
}

/// Digits and both cases all over it, or a long number in hex.
pub fn is_random(value: &str) -> bool {
    let count = |is: fn(&u8) -> bool| value.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let mixed =
        digits >= 2 && count(u8::is_ascii_lowercase) >= 2 && count(u8::is_ascii_uppercase) >= 2;
    let hex =
        value.len() >= 32 && digits >= 6 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-~".contains(&byte);
    let path = value.starts_with(['/', '.', '~', '$', '-']);
    value.len() >= MIN_RANDOM
        && (mixed || hex)
        && !path
        && value.bytes().all(word)
        && !value.contains("//")
}

/// Whether the token is an expression of a program: a call, a member, a variable.
pub fn is_code(text: &str, token: &Range<usize>) -> bool {
    let value = text.get(token.clone()).unwrap_or_default();
    let next = text.as_bytes().get(token.end);
    // `{db-password.value}` is put in later.
    let before = token
        .start
        .checked_sub(1)
        .and_then(|at| text.as_bytes().get(at));
    if matches!(next, Some(b'(' | b'[' | b'{')) || before == Some(&b'{') {
        return true;
    }
    let value = value.trim_end_matches(['.', '!', '?']);
    let name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !is_random(part)
    };
    value.split('.').count() >= 2 && value.split('.').all(name)
}

/// Words and small numbers in a row: `tls-cert-2024`, `app_secrets_v2`.
pub fn is_plain_words(value: &str) -> bool {
    let mut parts = value.split(['-', '_', '.', '/']);
    let is_word = |part: &str| {
        let letters = part.bytes().take_while(u8::is_ascii_alphabetic).count();
        let digits = part.len() - letters;
        let cases = part
            .get(1..)
            .is_none_or(|rest| !rest.bytes().any(|byte| byte.is_ascii_uppercase()));
        part.bytes().skip(letters).all(|byte| byte.is_ascii_digit())
            && ((letters >= 2 && digits <= 1) || (letters <= 1 && digits <= 4 && !part.is_empty()))
            && (cases || digits == 0)
    };
    parts.clone().count() >= 2 && parts.all(is_word)
}

/// Whether a text is `NAME=value` line by line, as the environment and its files are.
pub fn is_environment(text: &str) -> bool {
    let is_pair = |line: &str| {
        let line = line
            .trim()
            .trim_start_matches("export ")
            .trim_start_matches("declare -x ");
        line.is_empty()
            || line.starts_with('#')
            || line.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
    };
    text.contains('=') && text.lines().all(is_pair)
}

/// How many different bytes there are.
fn kinds(value: &str) -> usize {
    let mut distinct = [false; 256];
    let new = |byte: &u8| {
        let seen = distinct.get_mut(usize::from(*byte));
        seen.is_some_and(|seen| !std::mem::replace(seen, true))
    };
    value.bytes().filter(new).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_values() {
        let code = |text: &str| {
            let end = text.find(['(', ' ']).unwrap_or(text.len());
            is_code(text, &(0..end))
        };
        for text in [
            "getTokenFromHeader(req)",
            "process.env.AUTH_TOKEN2",
            "random_password.db1.result",
            "user.password_hash",
            "hashPassword2(input)",
        ] {
            assert!(code(text), "{text}");
        }
        for text in [
            "q8Zr4TnV0bXw7LmP",
            "SG.x9Kd4Lp8Ns3Tz6Rb1Qw.a8Kd4Lp8Ns3Tz6Rb",
            "pa55w0rd!x",
            "1a.2b.3c",
        ] {
            assert!(!code(text), "{text}");
        }
    }

    #[test]
    fn what_a_template_puts_in_is_no_value() {
        let text = "Password={pg1-password.value}";
        assert!(is_code(text, &(10..text.len() - 1)));
        let text = "Password='pg1-password.v4lue'";
        assert!(!is_code(text, &(10..text.len() - 1)));
    }

    #[test]
    fn words_in_a_row_are_no_run() {
        for text in [
            "tls-cert-2024",
            "app-secrets-v2",
            "marketing-campaign",
            "my_app_key",
        ] {
            assert!(is_plain_words(text) && !is_random(text), "{text}");
        }
        for text in [
            "7hQm2Vx9Kd4Lp8Ns3Tz6Rb1",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        ] {
            assert!(!is_plain_words(text) && is_random(text), "{text}");
        }
        assert!(!is_random("/usr/local/Bin22/AbCdEf"));
        assert!(!is_plain_words("hR7wQ2xN9vLk4mZp"));
    }

    #[test]
    fn an_environment_is_pairs_line_by_line() {
        assert!(is_environment("# x\nPORT=3000\nexport NODE_ENV=test\n"));
        assert!(!is_environment("hello\nA=b") && !is_environment("words only"));
    }
}
