//! How much room a blocklist takes: the same bytes on every machine.

#[path = "../benches/shard/made.rs"]
mod made;

use supply_chain::package::Ecosystem;
use supply_chain::shard::{Shard, compile};

/// Of a blocklist of a million packages.
const MAX_BYTES: f64 = 16e6;

#[test]
fn a_million_packages_fit_into_their_budget() {
    // Between these two the table of buckets has one size, so the difference are records.
    const FEW: usize = 35_000;
    const PACKAGES: usize = 50_000;
    let bytes = |packages| compile(&made::artifact(packages)).unwrap().len();
    let each = (bytes(PACKAGES) - bytes(FEW)) as f64 / (PACKAGES - FEW) as f64;
    // At a million the table has 2^16 places.
    let million = each * 1e6 + f64::from(4 << 16);
    assert!(million < MAX_BYTES, "{each} for each");
    let shard = Shard::open(compile(&made::artifact(PACKAGES)).unwrap()).unwrap();
    assert!(!shard.look_up(Ecosystem::Npm, &made::name(1)).is_empty());
    assert!(
        shard
            .look_up(Ecosystem::Npm, &made::name(PACKAGES))
            .is_empty()
    );
}
