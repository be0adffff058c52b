//! The stream on which a server of the handshake era speaks on its own.

use super::Bridge;
use super::stream::{Place, Stream};
use std::sync::Arc;

impl Bridge {
    /// Opens it, once the handshake is complete. A server that offers none says so, and then there
    /// is none.
    pub(super) fn listen(self: &Arc<Self>) {
        let stream = Stream::new(Arc::clone(self), Vec::new(), Place::new(true));
        tokio::spawn(stream.listen());
    }
}
