//! Secrets that no name with a mark behind it gives: of headers to log in with, of words before a
//! key, and of lines with a shape of their own.
//!
//! All but the last ask for a value that looks random: "bearer authentication" is none.

use std::ops::Range;

use super::value::is_random;

/// Schemes of the header to log in with. Source: the registry of IANA, RFC 6750 and RFC 7617.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];
/// The header with a scheme that is a word of every day elsewhere.
const TOKEN: &str = "authorization: token ";
/// What is called a key in several words, and keys whose names are given to other things, too
/// (accounts of Azure, configurations of Kubernetes).
const KEYS: [&str; 6] = [
    "private key",
    "secret key",
    "api key",
    "access key",
    "accountkey",
    "client-key-data",
];
/// Parts of names of cookies by which somebody stays logged in.
const SESSIONS: [&str; 6] = ["sess", "sid", "auth", "token", "jwt", "remember"];
/// How far before a value these may stand, in bytes.
const NEAR: usize = 32;
/// How far before a cookie its header may begin, in bytes: a browser sends many.
const HEADER: usize = 2048;
/// Letters of the second part of a key of Telegram's, and digits of the first.
const BOT: usize = 35;

/// Whether what stands around `token` makes it a secret.
pub fn is_meant(text: &str, token: &Range<usize>) -> bool {
    let value = text.get(token.clone()).unwrap_or_default();
    let hex = value.strip_prefix("0x").unwrap_or(value);
    if is_random(hex) {
        let near = before(text, token.start, NEAR).to_ascii_lowercase();
        let ends = |end: &str| near.ends_with(end);
        if SCHEMES.iter().any(|own| ends(own)) || ends(TOKEN) || is_key(&near) {
            return true;
        }
        if is_bot(value, &near) || is_cookie(text, token.start) {
            return true;
        }
    }
    is_line(text, token)
}

/// "private key 0x…", "API key: …", "the access key is …".
fn is_key(near: &str) -> bool {
    let marks = |char: char| " :=\"'`*".contains(char);
    let name = near.trim_end_matches(marks);
    let name = name.strip_suffix(" is").unwrap_or(name);
    name.len() < near.len() && KEYS.iter().any(|key| name.ends_with(key))
}

/// `1234567890:AA…`. Source: Telegram's Bot API, "Authorizing your bot".
fn is_bot(value: &str, near: &str) -> bool {
    let id = near.strip_suffix(':').unwrap_or_default();
    let digits = id.bytes().rev().take_while(u8::is_ascii_digit).count();
    value.len() == BOT && value.starts_with("AA") && (8..=10).contains(&digits)
}

/// `Cookie: sessionid=…`, `Set-Cookie: session=…`.
fn is_cookie(text: &str, at: usize) -> bool {
    let line = before(text, at, HEADER);
    let line = line.rsplit('\n').next().unwrap_or_default();
    let Some(pair) = line.strip_suffix('=') else {
        return false;
    };
    let name = pair
        .rsplit([' ', ';', '"', '\''])
        .next()
        .unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let header = ["ookie:", "ookie\":", "ookie':"];
    SESSIONS.iter().any(|part| name.contains(part))
        && header.iter().any(|header| line.contains(header))
}

/// `host:port:database:user:password`. Source: PostgreSQL, "The Password File".
fn is_line(text: &str, token: &Range<usize>) -> bool {
    let ends = text.as_bytes().get(token.end);
    let line = before(text, token.start, 8 * NEAR);
    let line = line.rsplit('\n').next().unwrap_or_default();
    let Some(fields) = line.strip_suffix(':') else {
        return false;
    };
    let mut fields = fields.split(':');
    let all = [(); 4].map(|()| fields.next().unwrap_or_default());
    let [host, port, base, user] = all;
    let number = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
    let plain = |field: &&str| !field.is_empty() && !field.contains([' ', '/', '"', '\t', '{']);
    ends.is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
        && fields.next().is_none()
        && all.iter().all(plain)
        && (port == "*" || (3..=5).contains(&port.len()) && number(port))
        && ![host, base, user].into_iter().any(number)
}

/// At most `most` bytes before `end`, whole characters.
fn before(text: &str, end: usize, most: usize) -> &str {
    let from = text.ceil_char_boundary(end.saturating_sub(most));
    text.get(from..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, meant: bool) {
        let value = text
            .rsplit([' ', ':', '=', '"', '\''])
            .find(|part| part.len() > 7);
        let value = value.unwrap().trim_end_matches(['\n', ';']);
        let at = text.rfind(value).unwrap();
        assert_eq!(is_meant(text, &(at..at + value.len())), meant, "{text}");
    }

    const RANDOM: &str = "q8Zr4TnV0bXw7LmP2sKd9YhJ5uGc3EfA";

    #[test]
    fn headers_to_log_in_with_hold_secrets() {
        check(&format!("Authorization: Bearer {RANDOM}"), true);
        check(&format!("{{\"Authorization\": \"Bearer {RANDOM}\"}}"), true);
        check("Authorization: Basic YWRtaW46WGsyOXZMcThadDc3", true);
        check(&format!("authorization: token {RANDOM}"), true);
        check(&format!("Cookie: theme=dark; sessionid={RANDOM}"), true);
        check(&format!("Set-Cookie: session={RANDOM}"), true);
        check("Authorization: Bearer authentication", false);
        check("The basic configuration2", false);
        check(&format!("the next token {RANDOM}"), false);
        check(&format!("Cookie: consent={RANDOM}"), false);
        check(&format!("session={RANDOM}"), false);
    }

    #[test]
    fn words_before_a_key_name_it() {
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        check(&format!("private key 0x{hex}"), true);
        check(&format!("API key: {RANDOM}"), true);
        check(&format!("the access key is {RANDOM}"), true);
        check(&format!("transaction 0x{hex}"), false);
        check(&format!("public key {RANDOM}"), false);
        check(&format!("AccountKey={RANDOM}"), true);
        check(&format!("    client-key-data: {RANDOM}"), true);
        check("API key: settings-page2", false);
        check("accountKey: ACME-12345", false);
    }

    #[test]
    fn a_bot_and_a_line_of_a_password_file_are_known_by_their_shape() {
        check(
            "bot token 1234567890:AAq8Zr4TnV0bXw7LmP2sKd9YhJ5uGc3EfA1",
            true,
        );
        check("id 1234567890:AAq8Zr4TnV0bXw7LmP2sKd9Y", false);
        check("db.acme.example:5432:shop:app:Xk29vLq8Zt\n", true);
        check("*:*:*:app:Xk29vLq8Zt", true);
        check("main.rs:1204:17:warning:unused_mut2", false);
        check("at 2026-12-01:1204:x:y:unused_mut2 here", false);
    }
}
