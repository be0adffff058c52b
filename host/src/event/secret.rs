//! Secrets written in a text: where they are, and the text without them.
//!
//! Known forms first, then values that call themselves a password or token, then runs too random to
//! be words. Made for what we keep and show: hiding a word too many costs nothing here. Whether a
//! secret may travel is for detectors and policy.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Where secrets lie in `text` and what each one is, in order and without overlap.
pub fn secrets(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    for (kind, pattern) in FORMS.iter() {
        for captures in pattern.captures_iter(text) {
            if let Some(span) = captures.name("s").or_else(|| captures.get(0)) {
                found.push((span.range(), kind));
            }
        }
    }
    if let Some(runs) = RUNS.as_ref() {
        let random = runs.find_iter(text).filter(|run| is_random(run.as_str()));
        found.extend(random.map(|run| (run.range(), "high-entropy")));
    }
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

static RUNS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_=-]{32,}").ok());

/// Forms that issuers document for their own tokens. The group `s`, where there is one, is the secret.
static FORMS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let forms = [
        (
            "private-key",
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}-----|\z)",
        ),
        ("aws-key-id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        (
            "github-token",
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
        ),
        ("gitlab-token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("api-key", r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"),
        ("google-key", r"\bAIza[A-Za-z0-9_-]{35}"),
        (
            "slack-token",
            r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}",
        ),
        ("npm-token", r"\bnpm_[A-Za-z0-9]{30,}"),
        ("pypi-token", r"\bpypi-[A-Za-z0-9_-]{30,}"),
        (
            "jwt",
            r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        ),
        (
            "url-password",
            r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:(?P<s>[^\s/@]+)@",
        ),
        (
            "authorization",
            r"(?i)\b(?:bearer|basic)\s+(?P<s>[A-Za-z0-9._~+/=-]{12,})",
        ),
        (
            "named-secret",
            r#"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|credential)s?["']?\s*(?:=>|[:=])\s*(?P<s>"[^"\n]+"|'[^'\n]+'|[^\s"',;&}]{4,})"#,
        ),
    ];
    forms
        .into_iter()
        .filter_map(|(kind, form)| Some((kind, Regex::new(form).ok()?)))
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
        assert_eq!(FORMS.len(), 13);
        assert!(RUNS.is_some());
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
