//! Secrets written in a text: where they are, and the text without them.
//!
//! Known forms first, then values that call themselves a password or token, then runs too random to
//! be words. Made for what we keep and show: hiding a word too many costs nothing here. Whether a
//! secret may travel is for detectors and policy.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::named::is_secret_name;

/// Where secrets lie in `text` and what each one is, in order and without overlap.
pub fn secrets(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    for form in FORMS.iter().filter(|form| form.may_be_in(text)) {
        let mut at = 0;
        while let Some(captures) = form.pattern.captures_at(text, at) {
            let whole = captures.get(0).map_or(at..at, |whole| whole.range());
            at = whole.end.max(at + 1);
            // Where a name decides, what follows another one may still hold a secret's.
            let name = captures.name("n");
            if let Some(name) = name.filter(|name| !is_secret_name(name.as_str())) {
                at = name.end();
            } else {
                let span = captures.name("s").map_or(whole, |span| span.range());
                found.push((span, form.kind));
            }
            if at > text.len() {
                break;
            }
        }
    }
    let random = runs(text).filter(|run| text.get(run.clone()).is_some_and(is_random));
    found.extend(random.map(|run| (run, "high-entropy")));
    // Of two that overlap the earlier one wins, then the longer.
    found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut end = 0;
    found.retain(|(span, _)| {
        let apart = span.start >= end && !span.is_empty();
        if apart {
            end = span.end;
        }
        apart
    });
    found
}

/// The text with each secret replaced by `[redacted:KIND]`.
pub fn redact_secrets(text: &str) -> Cow<'_, str> {
    let found = secrets(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (span, kind) in found {
        out.push_str(text.get(from..span.start).unwrap_or(""));
        out.push_str("[redacted:");
        out.push_str(kind);
        out.push(']');
        from = span.end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    Cow::Owned(out)
}

/// A run of letters that no language and no plain number makes.
fn is_random(run: &str) -> bool {
    let has = |test: fn(&u8) -> bool| run.as_bytes().iter().any(test);
    if run.bytes().all(|b| b.is_ascii_hexdigit()) {
        // 40 digits name a git object; 64 are a digest as often as a key, and the key decides.
        return run.len() >= 48
            && has(u8::is_ascii_alphabetic)
            && bits_per_byte(run) >= MIN_HEX_BITS;
    }
    let mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    // A path is a run of words.
    let words = run
        .bytes()
        .filter(|b| matches!(b, b'/' | b'-' | b'_'))
        .count()
        * 6
        > run.len();
    mixed && !words && bits_per_byte(run) >= MIN_BITS
}

/// Shannon entropy of the bytes of `run`.
fn bits_per_byte(run: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in run.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(run.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Chosen: 32 random base64 letters have about 4.5 bits each, identifiers of that length under 4.
const MIN_BITS: f64 = 4.2;
/// Chosen: 48 random hex digits have about 3.7, repeated letters far less.
const MIN_HEX_BITS: f64 = 3.0;

/// Shorter runs are words and ids.
const MIN_RUN: usize = 32;

/// Every maximal run of at least [`MIN_RUN`] letters, digits and `+/_=-`.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let is_inside = |at: usize| {
        bytes.get(at).is_some_and(
            |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'_' | b'=' | b'-'),
        )
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        // A run that begins at `at` or later and is long enough covers this byte, so most bytes of
        // ordinary text are never looked at.
        while at + MIN_RUN <= bytes.len() {
            let probe = at + MIN_RUN - 1;
            if !is_inside(probe) {
                at = probe + 1;
                continue;
            }
            let start = (at..probe).rev().find(|place| !is_inside(*place));
            let start = start.map_or(at, |outside| outside + 1);
            at = (probe..bytes.len())
                .find(|place| !is_inside(*place))
                .unwrap_or(bytes.len());
            if at - start >= MIN_RUN {
                return Some(start..at);
            }
        }
        None
    })
}

/// How issuers write their tokens.
struct Form {
    kind: &'static str,
    /// The group `s`, where there is one, is the secret; if `n` is a secret's name, where there is one.
    pattern: Regex,
    /// No shorter text holds one.
    min_bytes: usize,
    /// What every text with one holds, sought before the expression is run.
    sign: Sign,
}

enum Sign {
    /// The expression itself begins with letters that are sought fast.
    Own,
    /// One of these bytes.
    Bytes(u8, u8),
    /// One of these words, in any case.
    Words(&'static [&'static str]),
}

impl Form {
    fn may_be_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.len() >= self.min_bytes
            && match self.sign {
                Sign::Own => self.pattern.is_match(text),
                Sign::Bytes(one, other) => memchr::memchr2(one, other, bytes).is_some(),
                // Outside ASCII a letter can be the other case of an ASCII one ("ſ").
                Sign::Words(words) => {
                    !text.is_ascii() || words.iter().any(|word| holds(bytes, word.as_bytes()))
                }
            }
    }
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else {
        return true;
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), bytes).any(|at| {
        bytes
            .get(at..at + word.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(word))
    })
}

/// Forms that issuers document for their own tokens.
static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let forms = [
        (
            "private-key",
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}-----|\z)",
            27,
            Sign::Own,
        ),
        (
            "aws-key-id",
            r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
            20,
            Sign::Own,
        ),
        (
            "github-token",
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
            24,
            Sign::Own,
        ),
        ("gitlab-token", r"\bglpat-[A-Za-z0-9_-]{20,}", 26, Sign::Own),
        (
            "api-key",
            r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
            19,
            Sign::Own,
        ),
        ("google-key", r"\bAIza[A-Za-z0-9_-]{35}", 39, Sign::Own),
        (
            "slack-token",
            r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}",
            15,
            Sign::Own,
        ),
        ("npm-token", r"\bnpm_[A-Za-z0-9]{30,}", 34, Sign::Own),
        ("pypi-token", r"\bpypi-[A-Za-z0-9_-]{30,}", 35, Sign::Own),
        (
            "jwt",
            r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
            21,
            Sign::Own,
        ),
        (
            "url-password",
            // The path that a server may read in such an address has it as well.
            r"(?:[A-Za-z][A-Za-z0-9+.-]*://|^/)[^\s/:@]*:(?P<s>[^\s/@]+)@",
            4,
            Sign::Bytes(b'@', b'@'),
        ),
        (
            "authorization",
            r"(?i)\b(?:bearer|basic)\s+(?P<s>[A-Za-z0-9._~+/=-]{12,})",
            18,
            Sign::Words(&["bearer", "basic"]),
        ),
        (
            "named-secret",
            r#"(?i)(?:password|passwd|passphrase|passcode|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|credential)s?\\*["']?\s*(?:=>|[:=])\s*(?P<s>\\+"[^"\n]*?[^"\\\n]\\+"|"(?:\\.|[^"\\\n])+(?:"|\z)|'[^'\n]+'|[^\s"',;&}\\]{4,})"#,
            7,
            Sign::Bytes(b'=', b':'),
        ),
        (
            "named-secret",
            r#"(?i)\b(?:pin|t?otp|cv[vc]2?)\\*["']?\s*(?:=>|[:=])\s*\\*["']?(?P<s>[0-9]{3,10})\b"#,
            7,
            Sign::Bytes(b'=', b':'),
        ),
        (
            // A variable or a header, written as a pair.
            "named-secret",
            r#"(?i)"(?:name|key|header|variable)\\*"\s*:\s*\\*"(?P<n>[^"\\]{1,128})\\*"\s*,\s*\\*"value\\*"\s*:\s*(?P<s>\\+"[^"\n]*?[^"\\\n]\\+"|"(?:\\.|[^"\\\n])+(?:"|\z))"#,
            25,
            Sign::Words(&["value"]),
        ),
        (
            "named-secret",
            r#"(?i)(?:^|[\s"'`(])--?(?P<n>[a-z0-9_-]*(?:password|passwd|passphrase|passcode|pwd|pass|pin|otp|secret|token|credential|key)s?)[ \t]+(?:\\\n[ \t]*)?(?P<s>"(?:\\.|[^"\\\n])+(?:"|\z)|'[^'\n]+(?:'|\z)|[^\s"';&|<>-][^\s"';&|<>]*)"#,
            6,
            Sign::Bytes(b'-', b'-'),
        ),
        (
            // Two numbers are a user and a group.
            "user-password",
            r#"(?:^|[\s"'`(])(?:-[a-zA-Z]{0,6}u[ \t]+|-[uU]|--(?:proxy-)?user(?:[ \t]+|=))["']?[^\s:"'/]*[^\s:"'/0-9][^\s:"'/]*:(?P<s>[^\s:"'/\\][^\s"']*)"#,
            5,
            Sign::Bytes(b'-', b'-'),
        ),
        (
            // Programs that take a password under one letter.
            "option-password",
            r#"\b(?:(?:mysql\w*|mariadb[\w-]*|7z[ar]?)\b[^\n;|&]*?\s-p|(?:sshpass|mongo\w*|(?:docker|podman|nerdctl)\s+login)\b[^\n;|&]*?\s-p[ \t=]*|mosquitto_\w+\b[^\n;|&]*?\s-P[ \t]+|redis-cli\b[^\n;|&]*?\s-a[ \t]+|(?:plink|pscp|psftp)\b[^\n;|&]*?\s-pw[ \t]+)(?P<s>"[^"\n]+"|'[^'\n]+'|[^\s"';&|<>]+)"#,
            6,
            Sign::Bytes(b'-', b'-'),
        ),
    ];
    forms
        .into_iter()
        .filter_map(|(kind, form, min_bytes, sign)| {
            Some(Form {
                kind,
                pattern: Regex::new(form).ok()?,
                min_bytes,
                sign,
            })
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: &str, redacted: &str) {
        assert_eq!(redact_secrets(secret), redacted);
    }

    #[track_caller]
    fn kept(innocent: &str) {
        assert_eq!(redact_secrets(innocent), innocent);
    }

    /// Tokens are put together here so that no scanner takes this file for a leak.
    fn made(prefix: &str, length: usize) -> String {
        let letters = "a8Zk2Qw9Lm4Xc7Vb1Nr6Ty3Hg5Jf0DsPe"
            .chars()
            .cycle()
            .take(length);
        prefix.chars().chain(letters).collect()
    }

    #[test]
    fn every_form_compiles() {
        assert_eq!(FORMS.len(), 18);
    }

    #[test]
    fn runs_are_found_wherever_they_begin_and_end() {
        let long = "a8Zk2Qw9Lm4Xc7Vb1Nr6Ty3Hg5Jf0DsPe+/_=-";
        for before in 0..70 {
            for (length, found) in [(31, 0), (32, 1), (33, 1), (38, 1)] {
                let run = long.get(..length).unwrap();
                let text = format!("{} {run}. {run}", "é ".repeat(before));
                let all: Vec<_> = runs(&text).map(|range| text.get(range).unwrap()).collect();
                assert_eq!(all, vec![run; found * 2], "{before} before {length}");
            }
        }
    }

    #[test]
    fn the_shortest_of_each_form_is_long_enough_to_be_looked_for() {
        for shortest in [
            "a://:b@",
            "pwd=abcd",
            "token:'a'",
            "basic abcdefghijkl",
            "BEARER\tabcdefghijkl",
            "pin=123",
            "-pin a",
            "-ua:b",
            "7z -pa",
        ] {
            assert_eq!(secrets(shortest).len(), 1, "{shortest}");
        }
        for (prefix, length) in [
            ("ghp_", 20),
            ("github_pat_", 20),
            ("glpat-", 20),
            ("sk-", 16),
            ("AIza", 35),
            ("xoxb-", 10),
            ("xapp-", 10),
            ("npm_", 30),
            ("pypi-", 30),
        ] {
            let token = made(prefix, length);
            assert_eq!(secrets(&token), [(0..token.len(), secrets(&token)[0].1)]);
        }
        let jwt = format!("{}.{}.", made("eyJ", 8), made("", 8));
        assert_eq!(secrets(&jwt), [(0..jwt.len(), "jwt")]);
        let key = format!("-----BEGIN {} KEY-----", "PRIVATE");
        assert_eq!(secrets(&key), [(0..key.len(), "private-key")]);
    }

    #[test]
    fn known_forms_are_hidden_and_their_surroundings_kept() {
        check(
            &format!("id {} end", "AKIA".to_owned() + "ABCDEFGHIJ234567"),
            "id [redacted:aws-key-id] end",
        );
        check(&made("ghp_", 36), "[redacted:github-token]");
        check(&made("gho_", 36), "[redacted:github-token]");
        check(&made("sk-", 40), "[redacted:api-key]");
        check(&made("xoxb-", 30), "[redacted:slack-token]");
        check(
            &format!("a {}.{}.x b", made("eyJ", 20), made("eyJ", 20)),
            "a [redacted:jwt] b",
        );
        let key = format!(
            "x -----BEGIN OPENSSH {0} KEY-----\nAAAA\n-----END OPENSSH {0} KEY----- y",
            "PRIVATE"
        );
        check(&key, "x [redacted:private-key] y");
        check(
            "postgres://app:hunter22@db.local/x",
            "postgres://app:[redacted:url-password]@db.local/x",
        );
        check("/app:hunter22@db/x", "/app:[redacted:url-password]@db/x");
        check(
            "password=hunter22&x=1",
            "password=[redacted:named-secret]&x=1",
        );
        check(
            r#"{"api_key": "abc def"}"#,
            r#"{"api_key": [redacted:named-secret]}"#,
        );
        check("TOKEN='a b'", "TOKEN=[redacted:named-secret]");
        check(
            &format!("v {} w", made("", 48)),
            "v [redacted:high-entropy] w",
        );
        check(&"0123456789abcdef".repeat(4), "[redacted:high-entropy]");
    }

    #[test]
    fn options_of_programs_hide_what_they_are_given() {
        check(
            "mysql -u root -psup3rpw --password othersecret && curl -u bob:curlpw99 https://a.example",
            "mysql -u root -p[redacted:option-password] --password [redacted:named-secret] && curl -u bob:[redacted:user-password] https://a.example",
        );
        check(
            "x --api-key 'a b' -v",
            "x --api-key [redacted:named-secret] -v",
        );
        check(
            r#"bash --rcfile a --key "b --token c""#,
            r#"bash --rcfile a --key "b --token [redacted:named-secret]""#,
        );
        check(
            "docker login -u me -p abc r.example",
            "docker login -u me -p [redacted:option-password] r.example",
        );
        check(
            "sshpass -pabc ssh h",
            "sshpass -p[redacted:option-password] ssh h",
        );
        kept("mysql -u root -p shop");
        kept("mkdir -p a/b && cp -p x y && ssh -p 2222 h");
        kept("docker run -u 1000:1000 -p 80:80 x");
        kept("git push -u origin main:main");
        kept("srv --max-tokens-per-call 9 --key server.pem --next-token abc --token --verbose");
    }

    #[test]
    fn secrets_in_json_within_text_are_hidden() {
        check(
            r#"{"a":"{\"password\":\"x y\",\"b\":1}"}"#,
            r#"{"a":"{\"password\":[redacted:named-secret],\"b\":1}"}"#,
        );
        check(
            r#"{"password":"a\"bcdef","b":1}"#,
            r#"{"password":[redacted:named-secret],"b":1}"#,
        );
        check(
            r#"[{"name":"DB_PASSWORD","value":"grapefruit"},{"name":"HOME","value":"/home/u"}]"#,
            r#"[{"name":"DB_PASSWORD","value":[redacted:named-secret]},{"name":"HOME","value":"/home/u"}]"#,
        );
        check(r#"{"pin":"4711"}"#, r#"{"pin":"[redacted:named-secret]"}"#);
        kept(r#"{"pin":13,"spin":"1234"}"#);
    }

    #[test]
    fn a_key_that_was_cut_off_is_still_hidden() {
        check(
            &format!("-----BEGIN {} KEY-----\nMIIE", "PRIVATE"),
            "[redacted:private-key]",
        );
    }

    #[test]
    fn ordinary_text_stays() {
        kept("The password must be long. Tokens are counted per request.");
        kept("commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        kept("/usr/share/some-Long-Path1/with/many/Parts2/and/more/words/in/It3.txt");
        kept("-----BEGIN CERTIFICATE-----");
        kept("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        kept("skate-park and task-based work");
        kept("https://example.org:8080/a@b");
    }
}
