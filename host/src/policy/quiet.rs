//! Quiet: rules of detectors that a user has heard enough of, everywhere or from one server.
//!
//! Such a finding is logged instead of asked about or denied, unless it is high or critical: what a
//! detector is sure of can't be switched off by its name.

use std::collections::BTreeSet;

use toml::Spanned;

use crate::event::Severity;

use super::error::{PolicyError, Problem};
use super::file::List;
use super::rule::Origin;

/// Ids of detectors' rules, each with the server whose messages are meant, or `None` for all.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet(BTreeSet<(String, Option<String>)>);

impl Quiet {
    pub(super) fn take(
        &mut self,
        list: Option<Spanned<List>>,
        server: Option<&str>,
        origin: &Origin,
    ) -> Result<(), PolicyError> {
        let Some(list) = list else { return Ok(()) };
        let at = list.span().start;
        for rule in list.into_inner().0 {
            if !is_rule(&rule) {
                return Err(origin.error(at, Problem::BadQuiet { rule }));
            }
            self.0.insert((rule, server.map(str::to_owned)));
        }
        Ok(())
    }

    /// Whether a finding of this rule, of at most this severity, is only logged.
    pub(super) fn covers(&self, rule: &str, severity: Severity, server: &str) -> bool {
        if self.0.is_empty() || severity > Severity::Medium {
            return false;
        }
        let mut of_rule = self.0.iter().filter(|(quiet, _)| quiet == rule);
        of_rule.any(|(_, of)| of.as_deref().is_none_or(|of| of == server))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let all = self.0.iter();
        all.map(|(rule, server)| (rule.as_str(), server.as_deref()))
    }
}

/// The id of one rule: `DETECTOR.RULE`. No wildcards, so that a rule that comes later is heard.
fn is_rule(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let named = id
        .split_once('.')
        .is_some_and(|(of, rule)| !of.is_empty() && !rule.is_empty());
    named && id.len() <= 128 && id.chars().all(allowed)
}
