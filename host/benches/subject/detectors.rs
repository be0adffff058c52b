//! The detectors that ship, from the seed inside the binary: verified, loaded, configured.

use clawdefender::feed::Feeds;
use clawdefender::judge::now_ms;
use clawdefender::plugin::{CodeCache, Detector, Package};
use clawdefender_trust::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Their packages, with the settings that the daemon gives them.
pub fn packages() -> Vec<Package> {
    let home = tempfile::tempdir().unwrap();
    let now = Timestamp::from_unix(i64::try_from(now_ms() / 1000).unwrap()).unwrap();
    let feeds = Feeds::open(&home.path().join("feeds"), now).unwrap();
    let key = BTreeMap::from([("fingerprint-key".to_owned(), "5a".repeat(32))]);
    feeds.packages(&BTreeMap::from([("kill-chain".to_owned(), key)]))
}

pub fn load(packages: &[Package]) -> Vec<Arc<Detector>> {
    let home = tempfile::tempdir().unwrap();
    let cache = CodeCache::open(home.path()).unwrap();
    let load = |package| Arc::new(Detector::load(package, &cache, 1).unwrap());
    packages.iter().map(load).collect()
}
