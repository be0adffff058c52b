//! Lock files of npm, yarn, pnpm and Bun, of all ages, read as one: what looks like a name with a
//! version in any of them is looked up.

use super::{Written, pins, quoted};
use crate::package::Ecosystem::Npm;

impl Written {
    pub(super) fn npm_lock(&mut self, text: &str) {
        let mut name = None;
        for (string, is_key) in quoted(text) {
            if let Some((_, inner)) = string.rsplit_once("node_modules/").filter(|_| is_key) {
                name = Some(inner);
            } else if !is_key
                && let Some(name) = name.take_if(|_| text_before_is_version(text, string))
            {
                self.lock(name, string, Npm);
            }
        }
        // `chalk@^5.0.0:` with `version "5.6.1"` below; `/chalk@5.6.1:`, `chalk@5.6.1(peer@1):`.
        let mut name: Option<&str> = None;
        for line in text.lines() {
            let line = line.trim();
            let version = line.strip_prefix("version");
            if let (Some(version), Some(name)) = (version, name) {
                self.lock(name, version.trim_matches([' ', ':', '"', '\'']), Npm);
            }
            let Some(key) = line.strip_suffix(':').or_else(|| {
                line.strip_suffix("{}")
                    .map(|key| key.trim_end().trim_end_matches(':'))
            }) else {
                continue;
            };
            let key = key.trim_matches(['"', '\'']).trim_start_matches('/');
            let key = key.split([',', '(']).next().unwrap_or(key);
            if let Some((at, _)) = key.match_indices('@').find(|(at, _)| *at > 0) {
                let (package, version) = key.split_at(at);
                // `x@npm:evil@^1.0.0` is evil by another name.
                let real = version.trim_start_matches('@').strip_prefix("npm:");
                let real = real.and_then(|real| {
                    let (at, _) = real.match_indices('@').find(|(at, _)| *at > 0)?;
                    Some(real.split_at(at))
                });
                let (package, version) = real.unwrap_or((package, version));
                name = Some(package);
                self.lock(
                    package,
                    version.trim_start_matches('@').trim_start_matches("npm:"),
                    Npm,
                );
            } else if let Some((package, version)) = key.rsplit_once('/') {
                // `/chalk/5.6.1:` of older pnpm.
                self.lock(package, version, Npm);
            }
        }
        // npm's first kind of lock file, and the real name behind an alias in the later ones.
        let mut alias = ("", "");
        for (object, key, value) in pins::fields(text) {
            match key {
                "name" => alias = (object, value),
                "version" if alias.0 == object => self.lock(alias.1, value, Npm),
                "version" if !object.contains("node_modules/") => self.lock(object, value, Npm),
                _ => {}
            }
        }
        // `resolution: "evil@npm:1.0.0"` of newer yarn, also under another name.
        for line in text.lines().map(str::trim) {
            if let Some(found) = line.strip_prefix("resolution:")
                && let Some((package, version)) = found.trim_matches([' ', '"']).split_once("@npm:")
            {
                self.lock(package, version, Npm);
            }
        }
        // `"chalk": ["chalk@5.6.1", …]`.
        for (string, is_key) in quoted(text) {
            if let Some((package, version)) = string.rsplit_once('@').filter(|_| !is_key) {
                self.lock(package, version, Npm);
            }
        }
    }
}

/// Whether `"version": ` stands right before this slice of the text.
fn text_before_is_version(text: &str, slice: &str) -> bool {
    let at = (slice.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..at.saturating_sub(1)).unwrap_or_default();
    let before = before.trim_end();
    before
        .strip_suffix(':')
        .is_some_and(|key| key.trim_end().ends_with("\"version\""))
}
