//! Who is on the other end of a local socket, as the kernel says.

use rustix::net::sockopt::socket_peercred;
use std::os::fd::AsFd;

/// The peer's process as it was when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub pid: i32,
    pub uid: u32,
}

/// Asks the kernel who connected.
///
/// # Errors
/// When the platform can't say; such a peer is refused.
pub fn of(socket: &impl AsFd) -> std::io::Result<Peer> {
    let cred = socket_peercred(socket)?;
    Ok(Peer {
        pid: cred.pid.as_raw_nonzero().get(),
        uid: cred.uid.as_raw(),
    })
}

/// Whether the peer runs as the user that this process runs as.
pub fn is_us(peer: Peer) -> bool {
    peer.uid == rustix::process::geteuid().as_raw()
}
