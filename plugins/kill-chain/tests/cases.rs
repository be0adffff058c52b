//! The marked cases, through the harness that every detector author has.

use clawdefender_sdk::testing::{data_blob, run_cases};
use kill_chain::KillChain;

#[test]
fn marked_cases_find_exactly_what_they_say() {
    run_cases::<KillChain>(
        "cases",
        &[],
        vec![
            data_blob("../../feeds/data/chains.toml"),
            data_blob("../../feeds/models/chains.toml"),
        ],
    );
}
