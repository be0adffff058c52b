//! The way from one key epoch to the next: the first manifest of each.

use super::FeedError;
use super::kept::hold_to;
use super::source::Source;
use clawdefender_trust::{
    Floor, KeyChange, MAX_ROTATIONS, Mode, Refusal, Root, Timestamp, follow_rotation,
    verify_manifest,
};

/// The rotations that lead to a root: the first manifest of each epoch, and the worst that any of
/// them did to the keys.
#[derive(Default)]
pub(super) struct Links {
    pub(super) all: Vec<(u64, Vec<u8>)>,
    pub(super) change: Option<KeyChange>,
}

impl Links {
    pub(super) fn push(&mut self, epoch: u64, envelope: Vec<u8>, change: KeyChange) {
        self.all.push((epoch, envelope));
        if self.change != Some(KeyChange::Emergency) {
            self.change = Some(change);
        }
    }
}

/// The root after the rotations that this machine missed, and the links that lead there. The source
/// keeps the first manifest of each epoch; they are followed one by one, and one that does not
/// follow ends the update.
pub(super) async fn caught_up(
    source: &Source,
    envelope: &[u8],
    mut root: Root,
    pinned: Option<&Root>,
    floor: &Floor,
    now: Timestamp,
) -> Result<(Root, Links), FeedError> {
    let mut links = Links::default();
    for _ in 0..MAX_ROTATIONS {
        match verify_manifest(envelope, &root, floor, now, Mode::Accept) {
            // Signed by nobody whom this root knows, or an epoch too far: perhaps a successor's.
            Err(Refusal::BelowThreshold { .. } | Refusal::EpochSkip { .. }) => {}
            // A later one of the next epoch: the first one says whether the old key agreed, and
            // whom it named.
            Ok(manifest) if manifest.key_epoch > root.epoch => {}
            _ => break,
        }
        let epoch = root.epoch.saturating_add(1);
        let Some(link) = source.rotation(epoch).await? else {
            break;
        };
        let change;
        (root, change) = follow_rotation(&link, &root)?;
        hold_to(pinned, &root)?;
        links.push(epoch, link, change);
    }
    Ok((root, links))
}
