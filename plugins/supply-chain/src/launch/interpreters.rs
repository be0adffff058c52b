//! Node, and what it loads before a script.

use super::options::Takes;
use super::programs::{is_runner, is_script};
use super::shell::SUBSTITUTED;
use super::{Reader, Role, Source, program_name, tables};
use crate::package::Ecosystem::Npm;

impl Reader {
    pub(super) fn node(&mut self, words: &[String], role: Role, depth: u32) {
        let walk = tables::NODE.walk(words, 1);
        self.found.ambiguous |= walk.ambiguous;
        self.given(&walk.given, Npm, role, depth);
        if role == Role::Main && walk.value(Takes::Code).is_none() && !walk.positionals.is_empty() {
            self.source(Source::Path);
        }
        if let Some(script) = walk
            .positionals
            .first()
            .and_then(|first| words.get(first.index..))
        {
            let name = script.first().map(|word| program_name(word));
            if name.is_some_and(|name| is_runner(&name))
                && let Some(depth) = depth.checked_sub(1)
            {
                self.command(script, Role::Extra, depth);
            }
        }
    }
}

/// Whether a module that is loaded first is a file or an address: a bare name, such as
/// `dotenv/config`, is a package's.
pub fn is_file(module: &str) -> bool {
    let bare = module.strip_prefix("node:").unwrap_or(module);
    bare.starts_with(['.', '/', '~', '$'])
        || bare.contains(['\\', ':', SUBSTITUTED])
        || (!bare.contains('/') && is_script(bare))
}
