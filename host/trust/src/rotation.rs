//! Key rotation by commitment: the successor is pinned long before it is used, so a thief of the
//! online key can't name another. Pure: root in, root out; the caller persists it.
//!
//! State {epoch, current, next}. Steady: signed by current, names next. Rotation: epoch + 1, signed
//! by next, names a key that never had an office; then current is dead for ever.

use crate::{Manifest, PublicKey, Refusal, Root};

/// The most rotations that are followed at once, and that a pack has. Source: the feed's
/// specification, pre-rotation.
pub const MAX_ROTATIONS: u64 = 64;

/// What a manifest did to the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Nothing.
    Steady,
    /// The pinned next key took over and the old one agreed.
    Rotated,
    /// The pinned next key took over without the old one's signature: lost or stolen. Tell a person.
    Emergency,
}

/// Steps 8 and 9: which root is in force once `manifest`, signed by `signers`, is accepted.
///
/// # Errors
/// [`Refusal::EpochBack`], [`Refusal::EpochSkip`], [`Refusal::WrongKey`],
/// [`Refusal::RotationHijack`], [`Refusal::KeyNotFresh`].
pub fn next_root(
    root: &Root,
    manifest: &Manifest,
    signers: &[PublicKey],
) -> Result<(Root, KeyChange), Refusal> {
    let epoch = manifest.key_epoch;
    // 8: same epoch by current, or the very next one by next.
    if epoch < root.epoch {
        return Err(Refusal::EpochBack {
            expected: root.epoch,
            found: epoch,
        });
    }
    let following = root.epoch.saturating_add(1);
    if epoch > following {
        return Err(Refusal::EpochSkip {
            expected: following,
            found: epoch,
        });
    }
    let rotating = epoch > root.epoch;
    let must_sign = if rotating { root.next } else { root.current };
    if !signers.contains(&must_sign) {
        return Err(Refusal::WrongKey {
            epoch,
            expected: must_sign.id(),
        });
    }
    // 9: the successor is the pinned one, or fresh after a rotation.
    let named = manifest.next_public_key;
    if !rotating {
        if named != root.next {
            return Err(Refusal::RotationHijack {
                expected: root.next.id(),
                found: named.id(),
            });
        }
        return Ok((root.clone(), KeyChange::Steady));
    }
    let in_office = [root.current, root.next];
    if in_office
        .iter()
        .chain(&root.retired)
        .chain(&root.code_keys)
        .any(|key| *key == named)
    {
        return Err(Refusal::KeyNotFresh { found: named.id() });
    }
    let mut retired = root.retired.clone();
    retired.push(root.current);
    let after = Root {
        epoch,
        current: root.next,
        next: named,
        retired,
        ..root.clone()
    };
    let change = if signers.contains(&root.current) {
        KeyChange::Rotated
    } else {
        KeyChange::Emergency
    };
    Ok((after, change))
}
