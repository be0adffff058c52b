//! The data that ships with the detector, as a test receives it.

use clawdefender_sdk::Blob;
use supply_chain::advisory::Artifact;
use supply_chain::shard;

/// The advisories, as written.
pub const PACKAGES: &str = include_str!("../../../../feeds/data/packages.toml");
const NAMES: &str = include_str!("../../../../feeds/data/names.toml");

/// Everything, as signed.
pub fn blobs() -> Vec<Blob> {
    [("packages", PACKAGES), ("names", NAMES)]
        .map(|(name, source)| Blob {
            kind: "blocklist".to_owned(),
            name: name.to_owned(),
            version: "1".to_owned(),
            bytes: shard::compile(&read(source)).unwrap(),
        })
        .to_vec()
}

/// A source without its head.
pub fn read(source: &str) -> Artifact {
    let mut table: toml::Table = toml::from_str(source).unwrap();
    table.remove("artifact").unwrap();
    table.try_into().unwrap()
}
