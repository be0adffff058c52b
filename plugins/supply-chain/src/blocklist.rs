//! The threat data of one instance: all shards that it was given.

use clawdefender_sdk::Blob;

use crate::package::{Ecosystem, Spec};
use crate::shard::{Known, Names, Shard};
use crate::version::{self, Answer};

/// Everything loaded, ready to be asked.
#[derive(Debug)]
pub struct Blocklist {
    shards: Vec<Shard>,
}

impl Blocklist {
    /// Takes every blocklist among `blobs`.
    ///
    /// # Errors
    /// When there is none at all, or one that is damaged: no data is never "clean".
    pub fn load(blobs: Vec<Blob>) -> Result<Self, String> {
        let mut shards = Vec::new();
        for blob in blobs.into_iter().filter(|blob| blob.kind == "blocklist") {
            let shard = Shard::open(blob.bytes)
                .map_err(|error| format!("blocklist {} can't be read: {error}", blob.name))?;
            shards.push(shard);
        }
        if shards.is_empty() {
            return Err("no blocklist was given".to_owned());
        }
        Ok(Self { shards })
    }

    /// Every name on a list.
    pub fn names(&self) -> impl Iterator<Item = (Names, Ecosystem, &str)> {
        self.shards.iter().flat_map(Shard::names)
    }

    /// The advisories that reach this spec, the certain and the possible.
    pub fn look_up(&self, ecosystem: Ecosystem, name: &str, spec: &Spec) -> Vec<(Known, Answer)> {
        let known = self.shards.iter().flat_map(|s| s.look_up(ecosystem, name));
        known
            .filter_map(|known| {
                let answer = version::evaluate(ecosystem, spec, &known.affected);
                (answer != Answer::NotAffected).then_some((known, answer))
            })
            .collect()
    }

    /// Whether any advisory speaks of this package, whatever its version.
    pub fn knows(&self, ecosystem: Ecosystem, name: &str) -> bool {
        let any = |shard: &Shard| !shard.look_up(ecosystem, name).is_empty();
        self.shards.iter().any(any)
    }
}
