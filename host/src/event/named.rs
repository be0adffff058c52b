//! Names of things that are secret: keys of data, variables, options of programs.
//!
//! A table, nothing more. It is read before something is kept or shown, so a wrong guess hides a
//! word too many; what is counted, paged through or only described has names of its own and stays.

/// Whether a value under this name is a secret, however the words of the name are joined.
pub fn is_secret_name(name: &str) -> bool {
    if name.len() > MAX_NAME_BYTES {
        return false;
    }
    let words = words(name);
    let mut whole = words.concat();
    let bare = whole.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    whole.truncate(bare);
    let mut stem = whole.as_str();
    for suffix in SUFFIXES {
        stem = stem.strip_suffix(suffix).unwrap_or(stem);
    }
    let last = words.iter().rev().find(|word| !is_suffix(word));
    if last.is_some_and(|word| LAST.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
        || WHOLE.contains(&stem)
    {
        return true;
    }
    let one = stem.strip_suffix('s').unwrap_or(stem);
    if [stem, one]
        .iter()
        .any(|stem| ENDS.iter().any(|end| stem.ends_with(end)))
    {
        return true;
    }
    let token = stem.strip_suffix("token").or(one.strip_suffix("token"));
    token.is_some_and(|of| !PAGED.iter().any(|end| of.ends_with(end)))
}

/// Whether a value under a secret's name says how many there are: `tokens: 1200`.
pub fn is_count(name: &str, value: &str) -> bool {
    let counted = name.to_ascii_lowercase().ends_with("tokens");
    counted && value.len() <= MAX_COUNT_DIGITS && value.bytes().all(|b| b.is_ascii_digit())
}

/// The words of a name in small letters: `dbPassword`, `DB_PASSWORD` and `db-password` are two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        let begins = small && letter.is_uppercase();
        small = letter.is_lowercase() || letter.is_ascii_digit();
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_suffix(word: &str) -> bool {
    SUFFIXES.contains(&word) || word.bytes().all(|b| b.is_ascii_digit())
}

/// What is said of a secret, behind its name, and leaves it one.
const SUFFIXES: &[&str] = &[
    "value",
    "confirmation",
    "confirm",
    "repeat",
    "again",
    "hash",
];

/// Names that end so, in one word or several.
const ENDS: &[&str] = &[
    "password",
    "passwort",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "seedphrase",
    "recoveryphrase",
    "recoverycode",
    "pincode",
    "authorization",
    "setcookie",
];

/// Last words that other words could end with.
const LAST: &[&str] = &[
    "pin", "pass", "otp", "totp", "cvv", "cvc", "jwt", "mnemonic",
];

/// Names that are secret only alone.
const WHOLE: &[&str] = &["auth", "bearer", "cookie", "cookies"];

/// What stands before `token` where it says how far somebody has read, or marks a place in a text.
const PAGED: &[&str] = &[
    "page",
    "pagination",
    "next",
    "previous",
    "prev",
    "progress",
    "continuation",
    "sync",
    "cursor",
    "resume",
    "cancellation",
    "pad",
    "eos",
    "bos",
    "unk",
    "mask",
    "stop",
    "per",
];

const MAX_NAME_BYTES: usize = 128;
/// Chosen: fewer than a billion.
const MAX_COUNT_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: &str, innocent: &str) {
        assert!(is_secret_name(secret), "{secret} is a secret's name");
        assert!(!is_secret_name(innocent), "{innocent} is none");
    }

    #[test]
    fn secrets_are_told_by_their_names() {
        check("password", "password_length");
        check("dbPassword2", "password_policy");
        check("DB_PASSWORD", "passwordless");
        check("new_password_confirmation", "forgot_password_url");
        check("X-Api-Key", "api_key_id");
        check("apiKey", "keyboard");
        check("APIKey", "key");
        check("api_keys", "public_key");
        check("passphrase", "phrase");
        check("pin", "spin");
        check("card_pin", "mapping");
        check("client_secret", "secret_name");
        check("aws_secret_access_key", "aws_region");
        check("token", "max_tokens_per");
        check("access_token", "next_page_token");
        check("accessToken", "nextPageToken");
        check("refreshTokens", "progressToken");
        check("GITHUB_TOKEN", "tokenizer");
        check("Authorization", "authorized");
        check("credentials", "credential_type");
        check("db_pass", "bypass_cache");
        check("pass", "compass");
        check("otp", "option");
        check("Set-Cookie", "cookie_policy");
    }

    #[test]
    fn a_number_of_tokens_is_no_secret() {
        assert!(is_count("max_tokens", "120000"));
        assert!(is_count("maxTokens", "4"));
        assert!(!is_count("tokens", "abc"));
        assert!(!is_count("token", "471199"));
    }
}
