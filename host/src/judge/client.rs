//! Which program is the client: the one that started a shim, or the one that connected.

use crate::link::Client;

/// Shells that clients put between themselves and a server.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "fish"];

/// Programs that are process 1 without being a client, and take in whoever lost their parent.
const FIRST: &[&str] = &[
    "systemd",
    "init",
    "launchd",
    "tini",
    "dumb-init",
    "docker-init",
    "catatonit",
    "runit",
    "s6-svscan",
    "supervisord",
    "sleep",
    "tail",
    "pause",
];

/// Processes that must not answer questions.
#[derive(Debug, Default)]
pub struct Barred {
    /// The shim and its client: as long as they live.
    pub clients: Vec<i32>,
    /// The client that is a shell, in which a person works as well: as long as its link is open.
    pub shell: Option<i32>,
}

/// The client of a shim with this process id, and who must not answer questions.
pub fn client_of(shim: i32) -> (Client, Barred) {
    let mut barred = Barred {
        clients: vec![shim],
        shell: None,
    };
    let Some(mut process) = Process::read(shim).and_then(|shim| Process::read(shim.parent)) else {
        return (
            Client {
                label: "unknown".into(),
                key: format!("pid {shim}"),
            },
            barred,
        );
    };
    // A shell that only runs this one server is not the client.
    while SHELLS.contains(&process.name.as_str()) && !process.leads_session {
        let Some(parent) = Process::read(process.parent) else {
            break;
        };
        process = parent;
    }
    let name = process.name.as_str();
    if SHELLS.contains(&name) {
        barred.shell = Some(process.pid);
    } else if process.pid > 1 || !FIRST.contains(&name) {
        barred.clients.push(process.pid);
    }
    barred.clients.extend(process.same_program());
    (process.client(), barred)
}

/// The client that is this process itself, if the system knows it, and who must not answer
/// questions then.
pub fn client_process(pid: u32) -> Option<(Client, Barred)> {
    let process = Process::read(i32::try_from(pid).ok()?)?;
    let mut clients = vec![process.pid];
    clients.extend(process.same_program());
    let barred = Barred {
        clients,
        shell: None,
    };
    Some((process.client(), barred))
}

/// Programs that somebody starts to ask one question.
const MESSENGERS: &[&str] = &["curl", "wget", "http", "https", "xh"];

/// Whose history a question of this process belongs to: that of the nearest of it and its ancestors
/// that is `known`; else of `agent`, which is what the caller calls itself; else of the process that
/// asks, or of the one that sent it to ask.
pub fn asker(pid: Option<u32>, agent: Option<&str>, known: impl Fn(&str) -> bool) -> Client {
    let first = pid.and_then(|pid| i32::try_from(pid).ok());
    let line = std::iter::successors(first.and_then(Process::read), |process| {
        Process::read(process.parent)
    });
    let line: Vec<Process> = line.take(MAX_ANCESTORS).collect();
    if let Some(process) = line.iter().find(|process| known(&process.client().key)) {
        return process.client();
    }
    if let Some(agent) = agent {
        return Client {
            label: agent.to_owned(),
            key: format!("agent {agent}"),
        };
    }
    let sent = |process: &&Process| {
        let name = process.name.as_str();
        MESSENGERS.contains(&name) || (SHELLS.contains(&name) && !process.leads_session)
    };
    let asks = line.iter().find(|process| !sent(process));
    asks.or(line.first()).map_or_else(
        || Client {
            label: "unknown".into(),
            key: "guard".into(),
        },
        Process::client,
    )
}

/// More ancestors than any process has that somebody works with.
const MAX_ANCESTORS: usize = 64;

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
            // A process can call itself anything, at any time; these two stay.
            key: format!("[{}]@{}", self.pid, self.started),
        }
    }

    /// Its ancestors that are processes of the same program: editors are several, of which one
    /// starts servers and another shells.
    fn same_program(&self) -> Vec<i32> {
        let mut all = Vec::new();
        let Some(own) = self.program() else {
            return all;
        };
        let mut above = self.parent;
        while all.len() < MAX_ANCESTORS
            && let Some(parent) = Self::read(above)
            && parent.pid > 1
            && parent.program().as_ref() == Some(&own)
        {
            all.push(parent.pid);
            above = parent.parent;
        }
        all
    }

    /// The file that runs, where the system tells; shells are everybody's and no program of one.
    fn program(&self) -> Option<std::path::PathBuf> {
        let known = !SHELLS.contains(&self.name.as_str());
        let link = known.then(|| std::fs::read_link(format!("/proc/{}/exe", self.pid)));
        link?.ok()
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

    #[test]
    fn a_client_that_calls_itself_something_else_is_the_same_client() {
        let me = i32::try_from(std::process::id()).unwrap();
        let process = Process::read(me).unwrap();
        let other = Process {
            name: "other".into(),
            ..Process::read(me).unwrap()
        };
        assert_eq!(process.client().key, other.client().key);
        assert_ne!(process.client().label, other.client().label);
    }

    #[test]
    fn all_processes_of_one_program_are_barred() {
        // A program that starts itself: the one below calls, and the one above has the terminal.
        let mut shell = std::process::Command::new("sleep");
        shell.arg("60");
        let mut child = shell.spawn().unwrap();
        let barred = client_process(child.id()).unwrap().1;
        assert_eq!(
            barred.clients,
            [child.id() as i32],
            "we are another program"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let test = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(test)
            .args([
                "--ignored",
                "--exact",
                "judge::client::tests::waits_for_its_end",
            ])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let me = std::process::id() as i32;
        let barred = client_process(child.id()).unwrap().1;
        assert!(barred.clients.contains(&me), "{barred:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    #[ignore = "what another test starts"]
    fn waits_for_its_end() {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    }

    #[test]
    fn a_question_belongs_to_who_is_known_then_to_who_is_named_then_to_who_asks() {
        let me = std::process::id();
        let own = client_process(me).unwrap().0;
        let parent = u32::try_from(Process::read(me as i32).unwrap().parent).unwrap();
        let parent = client_process(parent).unwrap().0;
        assert_eq!(asker(Some(me), None, |_| false), own);
        assert_eq!(asker(Some(me), Some("a"), |_| false).key, "agent a");
        assert_eq!(asker(Some(me), Some("a"), |key| key == parent.key), parent);
        assert_eq!(asker(None, Some("a"), |_| true).key, "agent a");
        assert_eq!(asker(None, None, |_| true).key, "guard");
        // What a shell of ours sends to ask is ours.
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 60; true"])
            .spawn()
            .unwrap();
        assert_eq!(asker(Some(child.id()), None, |_| false), own);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
