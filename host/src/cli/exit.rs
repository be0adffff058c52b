//! How the program ends: exit codes, and the form in which a failure is told.
//!
//! The codes are an interface that scripts rely on; `clawdefender help exit-codes` documents them.

use super::escape::{self, escape};
use crate::config::{ConfigError, Home};
use crate::proxy::ContactError;
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes, or done.
    Done = 0,
    Failed = 1,
    Usage = 2,
    /// The honest answer is no: denied, unprotected, a chain that is broken.
    No = 3,
    /// A person or a token is needed.
    Human = 4,
    Unreachable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Something that did not work, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub exit: Exit,
    /// A word for programs.
    pub code: String,
    pub message: String,
    /// A command that can be pasted, or one sentence.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// What no daemon answered.
    pub fn contact(error: &ContactError) -> Self {
        match error {
            ContactError::Io(_) => Self::new(
                Exit::Unreachable,
                "daemon-unreachable",
                "the daemon is not running",
            )
            .hint("clawdefender daemon start"),
            ContactError::Protocol { .. } => {
                Self::new(Exit::Unreachable, "daemon-version", error.to_string())
                    .hint("clawdefender daemon stop && clawdefender daemon start")
            }
            ContactError::Unusable { .. } => Self::new(Exit::Failed, "home", error.to_string())
                .hint("export CLAWDEFENDER_HOME=/a/folder/of/yours"),
            ContactError::Config(_) => Self::new(Exit::Failed, "config", error.to_string()),
            _ => Self::new(Exit::Unreachable, "daemon-unreachable", error.to_string())
                .hint("clawdefender daemon logs"),
        }
    }
}

/// Where our files are.
///
/// # Errors
/// A [`Failure`] when the environment does not say.
pub fn home() -> Result<Home, Failure> {
    Home::from_env().map_err(|error| {
        let hint = match error {
            ConfigError::NoHome => "export HOME=/home/YOU",
            _ => "export CLAWDEFENDER_HOME=\"$HOME/.local/share/clawdefender\"",
        };
        Failure::new(Exit::Failed, "home", error.to_string()).hint(hint)
    })
}

/// How an error is told: the exit code, the text for people, the line for programs.
pub fn told(error: &anyhow::Error, as_json: bool) -> (Exit, String) {
    let failure = error.downcast_ref::<Failure>();
    let exit = failure.map_or(Exit::Failed, |failure| failure.exit);
    let code = failure.map_or("failed", |failure| &failure.code);
    let hint = failure.and_then(|failure| failure.hint.as_deref());
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(|cause| escape(&cause.to_string())) {
        // Transparent errors repeat their source.
        if causes.last() != Some(&cause) {
            causes.push(cause);
        }
    }
    if as_json {
        let message = causes.join(": ");
        let error = json!({ "error": { "code": code, "message": message, "hint": hint } });
        return (exit, escape::json(&error.to_string()));
    }
    let mut text = format!(
        "error: {}",
        causes.first().map_or("unknown", String::as_str)
    );
    // Writing to a String cannot fail.
    for cause in causes.iter().skip(1) {
        let _ = write!(text, "\n  cause: {cause}");
    }
    if let Some(hint) = hint {
        let _ = write!(text, "\nhint: {}", escape(hint));
    }
    (exit, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use expect_test::expect;

    #[test]
    fn every_way_to_end_has_its_documented_number() {
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::No,
            Exit::Human,
            Exit::Unreachable,
        ];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_paste() {
        let error = anyhow::Error::from(
            Failure::new(Exit::No, "unprotected", "nothing is protected")
                .hint("clawdefender wrap --all"),
        );
        let (exit, text) = told(&error, false);
        assert_eq!(exit, Exit::No);
        expect![[r#"
            error: nothing is protected
            hint: clawdefender wrap --all"#]]
        .assert_eq(&text);
        expect![[r#"{"error":{"code":"unprotected","hint":"clawdefender wrap --all","message":"nothing is protected"}}"#]]
            .assert_eq(&told(&error, true).1);
    }

    #[test]
    fn causes_are_listed_once_and_escaped() {
        let error = Err::<(), _>(std::io::Error::other("x\u{1b}[2Jy"))
            .context("reading it")
            .unwrap_err();
        let (exit, text) = told(&error, false);
        assert_eq!(exit, Exit::Failed);
        assert_eq!(text, "error: reading it\n  cause: x⟨U+001B⟩[2Jy");
        assert_eq!(told(&error, true).1.lines().count(), 1);
    }

    #[test]
    fn a_missing_daemon_is_told_apart_from_a_broken_configuration() {
        let missing = Failure::contact(&ContactError::Io(std::io::ErrorKind::NotFound.into()));
        assert_eq!(
            (missing.exit, missing.hint.as_deref()),
            (Exit::Unreachable, Some("clawdefender daemon start"))
        );
        assert_eq!(
            Failure::contact(&ContactError::Config(ConfigError::NoHome)).exit,
            Exit::Failed
        );
        assert_eq!(
            Failure::contact(&ContactError::Protocol { theirs: 9 }).code,
            "daemon-version"
        );
    }
}
