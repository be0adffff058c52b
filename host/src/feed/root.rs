//! The official trust root and the seed feed, as compiled in.
//!
//! The values come from `feeds/root.json` in a release and from this machine's development root in a
//! build from source; `build.rs` hands them over. Nothing at run time can change them. Rotated keys
//! are state and live elsewhere; of two roots the higher epoch wins.

use clawdefender_trust::{Malformed, PublicKey, Root, RootFile, RootFileError, RootKeys};

/// The key that signs the official feed in [`EMBEDDED_KEY_EPOCH`].
pub const EMBEDDED_PUBLIC_KEY_HEX: &str = env!("CLAWDEFENDER_ROOT_PUBLIC_KEY");
/// The key that will sign the epoch after.
pub const EMBEDDED_NEXT_PUBLIC_KEY_HEX: &str = env!("CLAWDEFENDER_ROOT_NEXT_PUBLIC_KEY");
/// The keys that endorse detectors, separated by spaces.
pub const EMBEDDED_CODE_KEYS_HEX: &str = env!("CLAWDEFENDER_ROOT_CODE_KEYS");
/// The keys of earlier epochs, separated by spaces: none of them signs or follows again.
pub const EMBEDDED_RETIRED_KEYS_HEX: &str = env!("CLAWDEFENDER_ROOT_RETIRED_KEYS");
/// Which link of the key chain this build starts from.
pub const EMBEDDED_KEY_EPOCH: u64 =
    match u64::from_str_radix(env!("CLAWDEFENDER_ROOT_KEY_EPOCH"), 10) {
        Ok(epoch) => epoch,
        Err(_) => panic!("the key epoch is no number"),
    };
/// Built from source: the root was made by `cargo xtask` on one machine. `status` and `--version`
/// say so.
pub const EMBEDDED_ROOT_IS_DEVELOPMENT: bool =
    !matches!(env!("CLAWDEFENDER_ROOT_DEVELOPMENT").as_bytes(), b"false");

/// The signed seed feed, a `.feedpack`. Verify it like any other, in reload mode: it may be stale.
pub const SEED: &[u8] = include_bytes!(env!("CLAWDEFENDER_SEED_PACK"));

// The second wall: build.rs has refused this before.
const _: () = assert!(
    !(EMBEDDED_ROOT_IS_DEVELOPMENT && option_env!("CLAWDEFENDER_RELEASE_BUILD").is_some()),
    "a release build refuses a development trust root"
);

/// The compiled-in root.
///
/// # Errors
/// [`RootFileError`] when the build was given something that is no root: then nothing is believed.
pub fn official_root() -> Result<Root, RootFileError> {
    let key = |hex: &str| hex.parse::<PublicKey>().map_err(syntax);
    RootFile {
        feed_id: env!("CLAWDEFENDER_ROOT_FEED_ID").parse().map_err(syntax)?,
        channel: env!("CLAWDEFENDER_ROOT_CHANNEL").parse().map_err(syntax)?,
        development: EMBEDDED_ROOT_IS_DEVELOPMENT,
        keys: Some(RootKeys {
            epoch: EMBEDDED_KEY_EPOCH,
            current: key(EMBEDDED_PUBLIC_KEY_HEX)?,
            next: key(EMBEDDED_NEXT_PUBLIC_KEY_HEX)?,
            code: EMBEDDED_CODE_KEYS_HEX
                .split_whitespace()
                .map(key)
                .collect::<Result<_, _>>()?,
            retired: EMBEDDED_RETIRED_KEYS_HEX
                .split_whitespace()
                .map(key)
                .collect::<Result<_, _>>()?,
        }),
    }
    .root()
}

fn syntax(error: Malformed) -> RootFileError {
    RootFileError::Syntax(error.to_string())
}

#[cfg(test)]
mod tests {
    use clawdefender_trust::{Floor, Mode, Pack, Refusal, Timestamp, verify_manifest};

    use super::*;

    #[test]
    fn the_compiled_in_seed_passes_the_compiled_in_root_to_its_last_byte() {
        let root = official_root().unwrap();
        let pack = Pack::parse(SEED).unwrap();
        let floor = Floor::bottom(Timestamp::EPOCH);
        let manifest = verify_manifest(
            pack.envelope(),
            &root,
            &floor,
            Timestamp::EPOCH,
            Mode::Reload,
        )
        .unwrap();
        assert!(!manifest.artifacts.is_empty());
        for entry in &manifest.artifacts {
            let bytes = pack.blob(&entry.sha256).unwrap().to_vec();
            manifest.admit(entry, bytes).unwrap();
        }
        assert_eq!(pack.blobs().count(), manifest.artifacts.len());
    }

    #[test]
    fn another_root_refuses_the_seed() {
        let root = official_root().unwrap();
        let swapped = Root {
            current: root.next,
            next: root.current,
            ..root
        };
        let pack = Pack::parse(SEED).unwrap();
        let floor = Floor::bottom(Timestamp::EPOCH);
        let refused = verify_manifest(
            pack.envelope(),
            &swapped,
            &floor,
            Timestamp::EPOCH,
            Mode::Reload,
        );
        assert!(matches!(refused, Err(Refusal::WrongKey { .. })));
    }
}
