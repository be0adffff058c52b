//! Which program is the client: the one that started a shim, or the one that connected.

use crate::link::Client;

/// Shells that clients put between themselves and a server.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "fish"];

/// The client of a shim with this process id, and the processes that must not answer questions:
/// the shim and its client.
pub fn client_of(shim: i32) -> (Client, Vec<i32>) {
    let mut guarded = vec![shim];
    let Some(mut process) = Process::read(shim).and_then(|shim| Process::read(shim.parent)) else {
        return (
            Client {
                label: "unknown".into(),
                key: format!("pid {shim}"),
            },
            guarded,
        );
    };
    // A shell that only runs this one server is not the client.
    while SHELLS.contains(&process.name.as_str()) && !process.leads_session {
        let Some(parent) = Process::read(process.parent) else {
            break;
        };
        process = parent;
    }
    if process.pid > 1 {
        guarded.push(process.pid);
    }
    (process.client(), guarded)
}

/// The client that is this process itself, and whether the system knows it.
pub fn client_process(pid: u32) -> Option<Client> {
    Process::read(i32::try_from(pid).ok()?).map(|process| process.client())
}

struct Process {
    pid: i32,
    parent: i32,
    name: String,
    /// Clock ticks since boot: tells a process from a later one with the same number.
    started: u64,
    leads_session: bool,
}

impl Process {
    fn client(&self) -> Client {
        Client {
            label: format!("{}[{}]", self.name, self.pid),
            key: format!("{}[{}]@{}", self.name, self.pid, self.started),
        }
    }

    #[cfg(target_os = "linux")]
    fn read(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Source: proc_pid_stat(5). The name is in parentheses and may hold anything.
        let open = stat.find('(')?;
        let close = stat.rfind(')')?;
        let name: String = stat
            .get(open + 1..close)?
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(32)
            .collect();
        let fields: Vec<&str> = stat.get(close + 1..)?.split_ascii_whitespace().collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<i64>().ok())
        };
        Some(Self {
            pid,
            parent: i32::try_from(number(1)?).ok()?,
            name,
            started: u64::try_from(number(19)?).ok()?,
            leads_session: number(3)? == i64::from(pid),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn read(_pid: i32) -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_parent() {
        let me = Process::read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert_eq!(
            me.parent,
            rustix::process::getppid().unwrap().as_raw_nonzero().get()
        );
        assert!(me.started > 0);
        assert!(Process::read(0).is_none());
    }
}
