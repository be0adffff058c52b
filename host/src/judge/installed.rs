//! What lies on the disk for a launch, where that is not just what its command names: what is known
//! of it counts, and another package's program in its place is said.
//!
//! A file can call itself anything, so this only accuses: no rule of the policy allows a server
//! because of it.

use super::Weighed;
use super::pins::{finding, shown};
use super::weigh::weigh;
use crate::event::identity::{Identity, bare};
use crate::event::{Asset, AssetKind, Kind, Severity};
use crate::plugin::{NoHistory, Set};
use crate::policy::Policy;

/// Another program than that of the package that the command names.
const SHADOWED: &str = "launch.shadowed";

impl Weighed {
    /// With what is known about what would run from the disk; `named` is the package that the command
    /// names.
    pub fn installed(
        &mut self,
        set: &Set,
        policy: &Policy,
        named: Option<&str>,
        identity: &Identity,
    ) {
        if let Some(named) = named.filter(|named| stands_in(identity, named)) {
            let other = identity.package.as_deref();
            let message = format!(
                "{} runs in place of {}: a program of that name is installed here.",
                other.map_or("a file of no package".to_owned(), |other| shown(other, 200)),
                shown(named, 200),
            );
            self.also(policy, finding(SHADOWED, Severity::Info, message));
        }
        if let Some(package) = looked_up(identity, named) {
            let mut event = self.event.clone();
            event.kind = Kind::GuardCheck;
            event.launch = None;
            event.texts = Vec::new();
            event.assets = vec![asset(package.to_owned(), Vec::new())];
            let seen = weigh(set, policy, event, &NoHistory);
            self.event
                .assets
                .push(asset(String::new(), vec![package.to_owned()]));
            self.faults.extend(seen.faults);
            for finding in seen.findings {
                let is = |known: &crate::event::Finding| {
                    known.rule == finding.rule && known.message == finding.message
                };
                if is_advisory(&finding.category.0) && !self.findings.iter().any(is) {
                    self.findings.push(finding);
                }
            }
            self.settle(policy);
        }
    }
}

/// Whether another package than the named one runs, or a file of none.
fn stands_in(identity: &Identity, named: &str) -> bool {
    match (&identity.package, &identity.entry) {
        (Some(package), _) => !bare(package).eq_ignore_ascii_case(bare(named)),
        (None, Some(_)) => named.starts_with("npm:"),
        (None, None) => false,
    }
}

/// The package on the disk, if something else is known of it than of the one that is named. What lies
/// outside of folders of packages is somebody's own work, whatever it is called; and a package that
/// the launcher renews first may be mended by just that.
fn looked_up<'i>(identity: &'i Identity, named: Option<&str>) -> Option<&'i str> {
    let package = identity.package.as_deref()?;
    let entry = identity.entry.as_deref().unwrap_or("/node_modules/");
    let own = package.starts_with("npm:") && !entry.contains("/node_modules/");
    (!own && !identity.may_renew && named != Some(package)).then_some(package)
}

fn is_advisory(category: &str) -> bool {
    matches!(category, "malicious-package" | "vulnerable-package")
}

fn asset(value: String, aliases: Vec<String>) -> Asset {
    Asset {
        kind: AssetKind::Package,
        value,
        text: None,
        aliases,
        credential: false,
        wild: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(package: Option<&str>, entry: Option<&str>) -> Identity {
        Identity {
            package: package.map(str::to_owned),
            entry: entry.map(str::to_owned),
            ..Identity::default()
        }
    }

    #[test]
    fn another_package_s_program_is_told_from_the_named_one_s() {
        let bin = Some("/w/node_modules/.bin/srv");
        for (package, entry, named, expected) in [
            (Some("npm:other@1.0.0"), None, "npm:srv", true),
            (Some("npm:srv@1.0.0"), None, "npm:srv", false),
            (Some("npm:@A/Srv@1.0.0"), None, "npm:@a/srv@2.0.0", false),
            (None, None, "npm:srv", false),
            (None, bin, "npm:srv", true),
            (None, Some("/tools/x/bin/x"), "pypi:x", false),
        ] {
            let found = identity(package, entry);
            assert_eq!(stands_in(&found, named), expected, "{found:?}");
        }
    }

    #[test]
    fn what_the_disk_has_is_looked_up_when_the_command_does_not_say_it() {
        let installed = Some("/w/node_modules/srv/cli.js");
        let version = Some("npm:srv@1.0.0");
        let check = |found: &Identity, named| looked_up(found, named).is_some();
        let found = identity(version, installed);
        assert!(check(&found, Some("npm:srv")));
        assert!(check(&found, None));
        assert!(!check(&found, version));
        // Nobody's business: it is being written here.
        assert!(!check(&identity(version, Some("/home/u/srv/cli.js")), None));
        assert!(check(&identity(Some("pypi:x@1"), Some("/v/bin/x")), None));
        assert!(check(
            &identity(Some("oci:x@sha256:a"), None),
            Some("oci:x")
        ));
        // npx fetches a newer one first, if there is one.
        let last = Identity {
            may_renew: true,
            ..found
        };
        assert!(!check(&last, Some("npm:srv")));
    }
}
