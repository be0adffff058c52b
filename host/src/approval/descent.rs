//! Whether an answer comes from the very programs that are being asked about.
//!
//! An agent with a shell could run our own CLI and approve itself. So the process that answers is
//! followed to its ancestors, and refused when one of them is an MCP client or a wrapped server.
//! A program that detaches itself (its parent becomes process 1) is not found this way; the threat
//! model says so, and a passphrase is the door for those who need more.

use std::collections::HashMap;

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
        parent_in_stat(&stat)
    }

    #[cfg(not(target_os = "linux"))]
    fn parent(&self, _pid: u32) -> Option<u32> {
        None
    }

    fn can_tell(&self) -> bool {
        cfg!(target_os = "linux")
    }
}

/// The processes whose descendants can't approve: how many links stand behind each.
#[derive(Clone, Debug, Default)]
pub struct Guarded(HashMap<u32, usize>);

impl Guarded {
    /// Guards `pid` once more. Processes 0 and 1 are everybody's ancestors and never guarded.
    pub fn add(&mut self, pid: u32) {
        if pid > 1 {
            *self.0.entry(pid).or_default() += 1;
        }
    }

    /// Takes back one [`Guarded::add`].
    pub fn remove(&mut self, pid: u32) {
        if let Some(links) = self.0.get_mut(&pid) {
            *links -= 1;
            if *links == 0 {
                self.0.remove(&pid);
            }
        }
    }
}

/// Follows `pid` to its ancestors.
pub fn descent(pid: u32, guarded: &Guarded, processes: &dyn Processes) -> Descent {
    let mut current = pid;
    for _ in 0..LONGEST_CHAIN {
        if guarded.0.contains_key(&current) {
            return Descent::Inside { pid: current };
        }
        match processes.parent(current) {
            Some(0 | 1) => return Descent::Outside,
            Some(parent) => current = parent,
            None => return Descent::Unknown,
        }
    }
    Descent::Unknown
}

/// Chosen: far beyond real process trees, and an end if the table changes while it is read.
const LONGEST_CHAIN: usize = 256;

/// Source: proc_pid_stat(5). The name in parentheses may itself contain `)`, spaces and digits, so
/// the fields are counted from the last one.
#[cfg(any(target_os = "linux", test))]
fn parent_in_stat(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
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
        pids.iter().for_each(|pid| guarded.add(*pid));
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
    fn everybodys_ancestor_is_never_guarded() {
        check(30, &[0, 1], Descent::Outside);
    }

    #[test]
    fn a_process_stays_guarded_until_its_last_link_ends() {
        let mut twice = guarded(&[20, 20]);
        twice.remove(20);
        assert_eq!(descent(22, &twice, &TREE), Descent::Inside { pid: 20 });
        twice.remove(20);
        assert_eq!(descent(22, &twice, &TREE), Descent::Outside);
    }

    #[test]
    fn a_process_cannot_fake_its_parent_by_its_name() {
        assert_eq!(parent_in_stat("22 (sh) S 21 22 22 0"), Some(21));
        assert_eq!(parent_in_stat("22 (x) S 1 (y) S 21 22 22 0"), Some(21));
        assert_eq!(parent_in_stat("22 (x"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_descends_from_its_parent() {
        let parent = std::os::unix::process::parent_id();
        let own = std::process::id();
        assert_eq!(ProcessTable.parent(own), Some(parent));
        if parent > 1 {
            let found = descent(own, &guarded(&[parent]), &ProcessTable);
            assert_eq!(found, Descent::Inside { pid: parent });
        }
    }
}
