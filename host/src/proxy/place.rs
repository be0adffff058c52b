//! A frame's place among those that are undecided or unwritten: what bounds the relay's memory.

use super::relay::Relay;
use crate::wire::Side;
use std::sync::Arc;

/// Held until the last of what a frame led to is out; then the next one may be read.
pub(super) struct Place {
    pub(super) relay: Arc<Relay>,
    pub(super) side: Side,
    pub(super) bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.relay.release(self.side, self.bytes);
    }
}
