//! Which process is at the other end of a loopback connection, as the kernel says.
//!
//! TCP has no peer credentials, so the connection is looked up in the kernel's table and its
//! inode among the open files of our own user's processes. Sources: proc_net(5), proc_pid_fd(5).

use std::net::SocketAddr;
#[cfg(any(target_os = "linux", test))]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The system could have told, but no process, or more than one, holds the connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Untraced;

/// The process that holds `client`'s end of its connection to `server`; `None` where the system
/// can't tell. Looking through all processes is slow, so the `likely` ones are tried first.
///
/// # Errors
/// [`Untraced`].
#[cfg(target_os = "linux")]
pub fn process(
    client: SocketAddr,
    server: SocketAddr,
    likely: &[u32],
) -> Result<Option<u32>, Untraced> {
    // A process that is just starting another one shares its files with it until the exec, which on a
    // busy machine takes a while.
    const PAUSES_MS: [u64; 6] = [0, 2, 5, 10, 20, 40];
    PAUSES_MS
        .iter()
        .find_map(|pause| {
            std::thread::sleep(std::time::Duration::from_millis(*pause));
            holder(client, server, likely).ok()
        })
        .map(Some)
        .ok_or(Untraced)
}

/// Whether `client`'s end of its connection to `server` is this user's and yet no process that may
/// be looked into holds it: one that forbids to be dumped (prctl(2), `PR_SET_DUMPABLE`), or one in
/// another container. For the words of a refusal: which process it is stays unknown.
#[cfg(target_os = "linux")]
pub fn is_closed(client: SocketAddr, server: SocketAddr) -> bool {
    ours(client, server).is_some_and(|inode| holders(inode).next().is_none())
}

#[cfg(not(target_os = "linux"))]
pub fn is_closed(_client: SocketAddr, _server: SocketAddr) -> bool {
    false
}

/// The inode of `client`'s end, if it is this user's.
#[cfg(target_os = "linux")]
fn ours(client: SocketAddr, server: SocketAddr) -> Option<u64> {
    let us = rustix::process::geteuid().as_raw();
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find_map(|text| inode(&text, client, server, us))
}

#[cfg(target_os = "linux")]
fn holder(client: SocketAddr, server: SocketAddr, likely: &[u32]) -> Result<u32, Untraced> {
    let inode = ours(client, server).ok_or(Untraced)?;
    if let Some(pid) = likely.iter().find(|pid| holds(**pid, inode)) {
        return Ok(*pid);
    }
    let mut holders = holders(inode);
    match (holders.next(), holders.next()) {
        (Some(pid), None) => Ok(pid),
        _ => Err(Untraced),
    }
}

#[cfg(not(target_os = "linux"))]
pub fn process(
    _client: SocketAddr,
    _server: SocketAddr,
    _likely: &[u32],
) -> Result<Option<u32>, Untraced> {
    Ok(None)
}

/// Processes with this socket among their open files. Other users' can't be seen.
#[cfg(target_os = "linux")]
fn holders(inode: u64) -> impl Iterator<Item = u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        holds(pid, inode).then_some(pid)
    })
}

#[cfg(target_os = "linux")]
fn holds(pid: u32, inode: u64) -> bool {
    let link = format!("socket:[{inode}]");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == link.as_str()))
}

/// The inode of the established socket from `client` to `server` that belongs to user `us`.
#[cfg(any(target_os = "linux", test))]
fn inode(table: &str, client: SocketAddr, server: SocketAddr, us: u32) -> Option<u64> {
    const ESTABLISHED: &str = "01";
    table.lines().skip(1).find_map(|line| {
        // sl local remote st tx:rx tr:when retrnsmt uid timeout inode …
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let (uid, inode) = (fields.nth(3)?, fields.nth(1)?);
        let same = address(local)? == canonical(client) && address(remote)? == canonical(server);
        (same && state == ESTABLISHED && uid.parse() == Ok(us))
            .then(|| inode.parse().ok())
            .flatten()
    })
}

/// `0100007F:0C82`: the address in words of the machine's byte order, the port as a number.
#[cfg(any(target_os = "linux", test))]
fn address(field: &str) -> Option<SocketAddr> {
    let (ip, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |digits: &str| u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes);
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(ip)?).into(),
        32 => {
            let mut octets = [0; 16];
            for (place, into) in octets.chunks_exact_mut(4).enumerate() {
                into.copy_from_slice(&word(ip.get(place * 8..place * 8 + 8)?)?);
            }
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

/// A client may speak IPv4 through an IPv6 socket; both are one address.
#[cfg(any(target_os = "linux", test))]
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_endian = "little"))]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::io::IoSlice;
    use std::mem::MaybeUninit;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[track_caller]
    fn check(row: &str, expect: Option<u64>) {
        let (client, server) = (
            "127.0.0.1:3200".parse().unwrap(),
            "127.0.0.1:3202".parse().unwrap(),
        );
        assert_eq!(
            inode(&format!("{HEAD}{row}\n"), client, server, 1000),
            expect,
            "{row}"
        );
    }

    #[test]
    fn the_row_must_be_the_clients_end_and_ours() {
        let row = |local, remote, state, uid| {
            format!(
                "   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  {uid}        0 777 1 0 20 4 30 10 -1"
            )
        };
        check(
            &row("0100007F:0C80", "0100007F:0C82", "01", 1000),
            Some(777),
        );
        check(&row("0100007F:0C82", "0100007F:0C80", "01", 1000), None);
        check(&row("0100007F:0C80", "0100007F:0C82", "06", 1000), None);
        check(&row("0100007F:0C80", "0100007F:0C82", "01", 1001), None);
        check(&row("0200007F:0C80", "0100007F:0C82", "01", 1000), None);
        check(
            &row(
                "0000000000000000FFFF00000100007F:0C80",
                "0000000000000000FFFF00000100007F:0C82",
                "01",
                1000,
            ),
            Some(777),
        );
        check("   1: garbage", None);
    }

    #[test]
    fn a_connection_of_this_process_is_found_and_one_to_elsewhere_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let stream = TcpStream::connect(server).unwrap();
        let client = stream.local_addr().unwrap();
        let _accepted = listener.accept().unwrap();
        let us = std::process::id();
        for likely in [&[][..], &[1, us], &[1]] {
            assert_eq!(process(client, server, likely), Ok(Some(us)), "{likely:?}");
        }
        assert_eq!(process(server, server, &[us]), Err(Untraced));
        assert!(!is_closed(client, server), "it can be looked into");
        assert!(!is_closed(server, server), "there is no such connection");
    }

    /// As the kernel shows one whose process forbids to be looked into: here the connection is on
    /// its way from one process to another, and in none.
    #[test]
    fn a_connection_that_no_process_shows_is_closed_and_not_a_strangers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let stream = TcpStream::connect(server).unwrap();
        let client = stream.local_addr().unwrap();
        let (sender, _receiver) = UnixStream::pair().unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let sent = [stream.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
        let bytes = [IoSlice::new(b"x")];
        sendmsg(&sender, &bytes, &mut control, SendFlags::empty()).unwrap();
        drop(stream);
        // A process that another test is just starting may have it for a moment.
        let until = Instant::now() + Duration::from_secs(10);
        while !is_closed(client, server) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(is_closed(client, server));
        assert_eq!(
            process(client, server, &[std::process::id()]),
            Err(Untraced)
        );
    }

    #[test]
    fn an_ipv6_connection_is_found() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            return; // this system has no IPv6
        };
        let server = listener.local_addr().unwrap();
        let stream = TcpStream::connect(server).unwrap();
        assert_eq!(
            process(stream.local_addr().unwrap(), server, &[]),
            Ok(Some(std::process::id()))
        );
    }
}
