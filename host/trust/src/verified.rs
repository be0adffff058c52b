//! [`Verified`]: the evidence that exact bytes passed every check. It can only be made in this
//! crate, by `verify_manifest` and `admit`, so "unsigned" is not a branch but impossible to write.

use std::ops::Deref;
use std::sync::Arc;

use crate::{Floor, KeyChange, KeyId, Manifest, Name, Root, Sha256Digest, Timestamp};

/// Proof that `T`'s exact bytes passed every check. No other way to make one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    proof: Arc<Proof>,
}

/// What was established on the way: the same for a manifest and for all artifacts admitted by it.
#[derive(Clone, Debug)]
pub struct Proof {
    pub(crate) digest: Sha256Digest,
    pub(crate) signers: Vec<KeyId>,
    pub(crate) root: Root,
    pub(crate) floor: Floor,
    pub(crate) key_change: KeyChange,
    pub(crate) stale_since: Option<Timestamp>,
    pub(crate) skipped: Vec<Name>,
}

impl<T> Verified<T> {
    pub(crate) const fn new(value: T, proof: Arc<Proof>) -> Self {
        Self { value, proof }
    }

    pub(crate) fn share_proof(&self) -> Arc<Proof> {
        Arc::clone(&self.proof)
    }

    /// The value without its evidence, for reading; it can't be turned back.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// What was established on the way.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Past its expiry: keep using it, and say so loudly. Only a reload can yield this.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.proof.stale_since.is_some()
    }
}

impl Verified<Manifest> {
    /// The floor to keep on a machine that had already come to `before`, for a manifest that was
    /// verified without knowing that.
    #[must_use]
    pub fn floor_over(&self, before: &Floor) -> Floor {
        let Proof {
            digest,
            root,
            skipped,
            ..
        } = self.proof();
        before
            .in_epoch(self.key_epoch, root)
            .after(self, *digest, skipped)
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl Proof {
    /// SHA-256 of the manifest's payload.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The trusted keys that signed the manifest.
    #[must_use]
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// The root to persist before activation: another than before after a rotation.
    #[must_use]
    pub const fn root_after(&self) -> &Root {
        &self.root
    }

    /// The floor to persist before activation.
    #[must_use]
    pub const fn floor_after(&self) -> &Floor {
        &self.floor
    }

    /// Whether the keys changed hands.
    #[must_use]
    pub const fn key_change(&self) -> KeyChange {
        self.key_change
    }

    /// When it expired, if it has.
    #[must_use]
    pub const fn stale_since(&self) -> Option<Timestamp> {
        self.stale_since
    }

    /// Detectors that this host is too old or too new for and that are not required: left out, and
    /// to be reported.
    #[must_use]
    pub fn skipped(&self) -> &[Name] {
        &self.skipped
    }
}
