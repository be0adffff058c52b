//! Quiet: what models say that a user has heard enough of, everywhere or from one server.
//!
//! Such a finding is logged instead of asked about or denied, unless its detector calls it high or
//! critical. Only rules that are statistics can be named: each stands for one model, is told where
//! nothing more precise is, and takes no other finding's place. Chains, packages, pins and the like are
//! facts; who accepts one of those answers a question, or makes an override.

use std::collections::BTreeSet;

use toml::Spanned;

use crate::event::{Finding, Severity};

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
            if !can_be_quiet(&rule) {
                return Err(origin.error(at, Problem::BadQuiet { rule }));
            }
            self.0.insert((rule, server.map(str::to_owned)));
        }
        Ok(())
    }

    /// Whether a finding about a message of this server is only logged.
    pub(super) fn covers(&self, finding: &Finding, server: &str) -> bool {
        if self.0.is_empty() || finding.severity > Severity::Medium {
            return false;
        }
        let mut of_rule = self.0.iter().filter(|(quiet, _)| *quiet == finding.rule);
        of_rule.any(|(_, of)| of.as_deref().is_none_or(|of| of == server))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let all = self.0.iter();
        all.map(|(rule, server)| (rule.as_str(), server.as_deref()))
    }
}

/// The rules of models.
const STATISTICAL: [&str; 2] = ["injection.likely", "kill-chain.rogue"];

/// Whether findings of this rule can be kept quiet.
pub fn can_be_quiet(rule: &str) -> bool {
    STATISTICAL.contains(&rule)
}
