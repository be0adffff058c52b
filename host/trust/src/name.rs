//! Names inside a manifest. They are shown and compared, and never become a path.

use std::fmt;
use std::str::FromStr;

use crate::refusal::Malformed;
use crate::text::as_text;

/// `[a-z0-9][a-z0-9._-]{0,63}`: nothing in it can be a path step, an option, or look like another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let first = text.bytes().next().ok_or(Malformed::Name)?;
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let rest = |b: u8| word(b) || matches!(b, b'.' | b'_' | b'-');
        if text.len() > 64 || !word(first) || !text.bytes().all(rest) {
            return Err(Malformed::Name);
        }
        Ok(Self(text.to_owned()))
    }
}

as_text!(Name);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_means_something_to_a_file_system_is_a_name() {
        for wrong in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "C:",
            "a\0",
            "-rf",
            "_x",
            ".hidden",
            "CON",
            "Injection",
            "ｉnjection",
            "іnjection",
            "a b",
            "a\n",
            "%2e%2e",
            "~",
            &"a".repeat(65),
        ] {
            assert_eq!(
                wrong.parse::<Name>().unwrap_err(),
                Malformed::Name,
                "{wrong:?}"
            );
        }
        for right in [
            "injection",
            "pkg-2025",
            "a",
            "0",
            "acme.rules_v2",
            &"a".repeat(64),
        ] {
            assert_eq!(right.parse::<Name>().unwrap().as_str(), right);
        }
    }
}
