//! Properties of a call that make it more or less grave than its action.

use super::Facts;
use crate::action::{Action, flag};
use crate::lexicon::Lexicon;

/// What the keys of the arguments say of where the call works.
#[derive(Default)]
pub(super) struct Keys {
    path: bool,
    cloud: bool,
}

impl Keys {
    pub(super) fn see(&mut self, key: &str, value: &str, lexicon: &Lexicon) {
        let short = value.len() <= 1024 && !value.contains('\n');
        let rooted = value.starts_with(['/', '~', '.']) || value.get(1..3) == Some(":\\");
        let keyed = lexicon.usage.is_path_key(key) && !value.contains("://");
        self.path |= short && (keyed || (rooted && value.len() > 2 && !value.contains(' ')));
        self.cloud |= lexicon.usage.is_cloud_key(key);
    }
}

/// Bytes of a rule or an address. Chosen.
const MAX_RULES: usize = 8192;

impl Facts {
    /// Whether all mail addresses, of which there are several, are of one house.
    pub fn is_among_colleagues(&self) -> bool {
        let mut hosts = self.colleagues.iter();
        let first = hosts.next();
        self.colleagues.len() > 1 && hosts.all(|host| Some(host) == first)
    }

    /// Notes a rule that lets one program be run with more rights.
    pub(super) fn rights(&mut self, value: &str) {
        const RULE: &str = "NOPASSWD:";
        let own = value.get(..value.len().min(MAX_RULES)).unwrap_or_default();
        let mut rules = own.match_indices(RULE).peekable();
        if rules.peek().is_some() {
            self.narrow = rules.all(|(at, _)| {
                let rest = value
                    .get(at + RULE.len()..)
                    .unwrap_or_default()
                    .trim_start();
                let program = rest
                    .split([' ', ',', '\n', '\'', '"'])
                    .next()
                    .unwrap_or_default();
                let name = program.rsplit('/').next().unwrap_or_default();
                let runs = [
                    "sh", "bash", "zsh", "dash", "su", "env", "vi", "vim", "less", "find", "awk",
                ];
                program.starts_with('/') && !runs.contains(&name) && !name.starts_with("p")
            });
        }
    }

    /// Notes an address outside that carries mail addresses along.
    pub(super) fn laden(&mut self, value: &str) {
        if !value.starts_with("http") || value.len() > MAX_RULES {
            return;
        }
        let query = value
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once(['?', '#']));
        let mails = query.map_or(0, |(_, query)| {
            query.matches('@').count() + query.matches("%40").count()
        });
        self.flags |= if mails >= 2 { flag::LADEN } else { 0 };
    }

    /// Whether the call works here, and where work is done.
    pub(super) fn place(&mut self, keys: &Keys) {
        let files = [Action::Write, Action::ReadFile, Action::Search]
            .into_iter()
            .collect();
        self.local = match self.own.has(Action::Shell) {
            true => self.unpiped,
            false => self.own.meets(files) && keys.path && !keys.cloud,
        };
        let others = [
            Action::Send,
            Action::Pay,
            Action::Permission,
            Action::Account,
            Action::Delete,
            Action::Shell,
            Action::Persist,
            Action::ReadSecret,
        ];
        self.workspace = self.local
            && self.actions.has(Action::Write)
            && !self.actions.meets(others.into_iter().collect())
            && self.places == 0;
        self.hosts.sort_unstable();
        self.hosts.dedup();
    }

    /// Whether the answer may hold what goes back to the hosts that are asked.
    pub fn may_log_in(&self) -> bool {
        let shell = self.own.has(Action::Shell);
        !self.hosts.is_empty()
            && ((shell && self.asks_only) || (!shell && self.actions.has(Action::Send)))
    }
}
