//! Whether an answer comes from the very programs that are being asked about.
//!
//! An agent with a shell could run our own CLI and approve itself. So the process that answers is
//! followed to its ancestors, and refused when one of them is an MCP client or a wrapped server.
//! A program that detaches itself (its parent becomes process 1) is not found this way; the threat
//! model says so, and a passphrase is the door for those who need more.

use super::Guarded;

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// No ancestor is guarded.
    Outside,
    /// This ancestor, or the process itself, is guarded.
    Inside { pid: u32 },
    /// The chain could not be followed to its end.
    Unknown,
}

/// Who is whose parent.
pub trait Processes: Send + Sync {
    /// `None` when the process is gone, hidden, or this system can't tell.
    fn parent(&self, pid: u32) -> Option<u32>;

    /// When it started, in clock ticks since the machine did. `None` as for [`Processes::parent`].
    fn started(&self, pid: u32) -> Option<u64>;

    /// Whether this system can tell at all. Where it can, an answer that can't be traced is
    /// refused: a program could otherwise answer and exit before anyone looks.
    fn can_tell(&self) -> bool;
}

/// The operating system's own table: `/proc` on Linux, unknown elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessTable;

impl Processes for ProcessTable {
    #[cfg(target_os = "linux")]
    fn parent(&self, pid: u32) -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        field(&stat, PARENT)
    }

    #[cfg(not(target_os = "linux"))]
    fn parent(&self, _pid: u32) -> Option<u32> {
        None
    }

    #[cfg(target_os = "linux")]
    fn started(&self, pid: u32) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        field(&stat, STARTED)
    }

    #[cfg(not(target_os = "linux"))]
    fn started(&self, _pid: u32) -> Option<u64> {
        None
    }

    fn can_tell(&self) -> bool {
        cfg!(target_os = "linux")
    }
}

/// Follows `pid` to its ancestors.
pub fn descent(pid: u32, guarded: &Guarded, processes: &dyn Processes) -> Descent {
    let mut current = pid;
    for _ in 0..LONGEST_CHAIN {
        if guarded.holds(current, processes) {
            return Descent::Inside { pid: current };
        }
        match processes.parent(current) {
            // Of a container the first process may be the client itself.
            Some(1) if guarded.holds(1, processes) => return Descent::Inside { pid: 1 },
            Some(0 | 1) => return Descent::Outside,
            Some(parent) => current = parent,
            None => return Descent::Unknown,
        }
    }
    Descent::Unknown
}

/// Chosen: far beyond real process trees, and an end if the table changes while it is read.
const LONGEST_CHAIN: usize = 256;

/// Which field behind the name, counted from 0.
#[cfg(any(target_os = "linux", test))]
const PARENT: usize = 1;
#[cfg(any(target_os = "linux", test))]
const STARTED: usize = 19;

/// Source: proc_pid_stat(5). The name in parentheses may itself contain `)`, spaces and digits, so
/// the fields are counted from the last one.
#[cfg(any(target_os = "linux", test))]
fn field<T: std::str::FromStr>(stat: &str, index: usize) -> Option<T> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(&'static [(u32, u32)]);

    impl Processes for Table {
        fn parent(&self, pid: u32) -> Option<u32> {
            self.0
                .iter()
                .find(|(child, _)| *child == pid)
                .map(|(_, parent)| *parent)
        }

        /// Each at the moment of its number, and the first process before all.
        fn started(&self, pid: u32) -> Option<u64> {
            (pid == 1 || self.parent(pid).is_some()).then_some(u64::from(pid))
        }

        fn can_tell(&self) -> bool {
            true
        }
    }

    /// 10 terminal, 20 client started in it, 21 its server, 22 the server's shell, 30 other shell.
    const TREE: Table = Table(&[
        (10, 1),
        (20, 10),
        (21, 20),
        (22, 21),
        (30, 10),
        (40, 41),
        (41, 40),
    ]);

    fn guarded(pids: &[u32]) -> Guarded {
        let mut guarded = Guarded::default();
        pids.iter().for_each(|pid| guarded.add(*pid, &TREE));
        guarded
    }

    #[track_caller]
    fn check(pid: u32, pids: &[u32], expect: Descent) {
        assert_eq!(descent(pid, &guarded(pids), &TREE), expect);
    }

    #[test]
    fn descendants_of_the_guarded_are_inside_and_their_siblings_are_not() {
        check(22, &[20], Descent::Inside { pid: 20 });
        check(20, &[20], Descent::Inside { pid: 20 });
        check(22, &[20, 21], Descent::Inside { pid: 21 });
        check(30, &[20, 21], Descent::Outside);
        check(10, &[20], Descent::Outside);
        check(22, &[], Descent::Outside);
    }

    #[test]
    fn a_chain_that_cannot_be_followed_is_unknown_rather_than_outside() {
        check(99, &[20], Descent::Unknown);
        check(40, &[20], Descent::Unknown);
    }

    #[test]
    fn a_client_that_is_everybodys_ancestor_guards_everybody_and_process_0_is_nobody() {
        check(30, &[0], Descent::Outside);
        check(30, &[1], Descent::Inside { pid: 1 });
    }

    #[test]
    fn a_client_is_guarded_until_it_is_gone_and_its_number_is_nobody_elses() {
        struct Later;
        impl Processes for Later {
            fn parent(&self, pid: u32) -> Option<u32> {
                TREE.parent(pid)
            }
            fn started(&self, pid: u32) -> Option<u64> {
                TREE.started(pid)
                    .map(|started| started + u64::from(pid == 20) * 1000)
            }
            fn can_tell(&self) -> bool {
                true
            }
        }
        let clients = guarded(&[20]);
        assert_eq!(descent(22, &clients, &TREE), Descent::Inside { pid: 20 });
        assert_eq!(descent(22, &clients, &Later), Descent::Outside);
    }

    #[test]
    fn a_shell_is_guarded_until_its_last_link_ends() {
        let mut twice = Guarded::default();
        twice.add_shell(20);
        twice.add_shell(20);
        twice.remove_shell(20);
        assert_eq!(descent(22, &twice, &TREE), Descent::Inside { pid: 20 });
        twice.remove_shell(20);
        assert_eq!(descent(22, &twice, &TREE), Descent::Outside);
    }

    #[test]
    fn the_next_daemon_knows_the_clients_of_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clients.json");
        let mut first = Guarded::kept_in(file.clone());
        first.add(20, &TREE);
        // One that is gone meanwhile, and a shell, which is none.
        first.add(77, &TREE);
        first.add_shell(10);
        let next = Guarded::kept_in(file.clone());
        assert_eq!(descent(22, &next, &TREE), Descent::Inside { pid: 20 });
        assert_eq!(descent(30, &next, &TREE), Descent::Outside);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(
            descent(22, &Guarded::kept_in(file), &TREE),
            Descent::Outside
        );
    }

    #[test]
    fn a_process_cannot_fake_its_parent_by_its_name() {
        let parent = |stat| field::<u32>(stat, PARENT);
        assert_eq!(parent("22 (sh) S 21 22 22 0"), Some(21));
        assert_eq!(parent("22 (x) S 1 (y) S 21 22 22 0"), Some(21));
        assert_eq!(parent("22 (x"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_descends_from_its_parent() {
        let parent = std::os::unix::process::parent_id();
        let own = std::process::id();
        assert_eq!(ProcessTable.parent(own), Some(parent));
        if parent > 1 {
            let mut guarded = Guarded::default();
            guarded.add(parent, &ProcessTable);
            let found = descent(own, &guarded, &ProcessTable);
            assert_eq!(found, Descent::Inside { pid: parent });
        }
    }
}
