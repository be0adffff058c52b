//! Which program is the client: the one that started a shim, or the one that connected.

use super::process::Process;
use crate::link::Client;

/// Processes that must not answer questions.
#[derive(Debug, Default)]
pub struct Barred {
    /// The shim and its client: as long as they live.
    pub clients: Vec<i32>,
    /// What a person works in as well, when a server was started from there: as long as its link is
    /// open.
    pub shell: Option<i32>,
}

/// The client of a shim with this process id, and who must not answer questions. `parent` is the
/// process that started the shim, as the shim itself counts; `None` when that one is gone and
/// whoever took the shim in is nobody's client.
pub fn client_of(shim: i32, parent: Option<i32>) -> (Client, Barred) {
    let mut barred = Barred {
        clients: vec![shim],
        shell: None,
    };
    let unknown = Client {
        label: "unknown".into(),
        key: format!("pid {shim}"),
    };
    let mut line = Process::line(shim);
    let Some(mut below) = line.next() else {
        return (unknown, barred);
    };
    let taken_in = match parent {
        Some(parent) => parent != below.parent && below.counts_as_we_do(),
        None => true,
    };
    if taken_in {
        return (unknown, barred);
    }
    for process in line {
        let by_hand = process.is_door()
            || (process.is_shell() && process.leads_terminal())
            || (below.leads_terminal() && !process.is_wrapper());
        if by_hand {
            barred.shell = Some(process.pid);
            return (process.client(), barred);
        }
        // What only runs this one server is not the client.
        if !process.is_wrapper() {
            if !process.is_first() {
                barred.clients.push(process.pid);
                barred.clients.extend(process.same_program());
            }
            return (process.client(), barred);
        }
        below = process;
    }
    // Wrappers to the very first: whoever started them is out of sight.
    barred.shell = Some(below.pid);
    (below.client(), barred)
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
    let line: Vec<Process> = first.into_iter().flat_map(Process::line).collect();
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
        MESSENGERS.contains(&process.name.as_str())
            || (process.is_shell() && !process.leads_terminal())
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

#[cfg(test)]
#[cfg(target_os = "linux")]
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
        let mut other = process.clone();
        other.name = "other".into();
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

    /// A process that `command` starts, which ends with it, and tells its number in a line first.
    struct Below(std::process::Child, i32);

    impl Below {
        fn of(program: &str, args: &[&str]) -> Self {
            let mut child = std::process::Command::new(program)
                .args(args)
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            let mut said = std::io::BufReader::new(child.stdout.as_mut().unwrap());
            std::io::BufRead::read_line(&mut said, &mut line).unwrap();
            Self(child, line.trim().parse().unwrap())
        }

        fn parent(&self) -> Option<i32> {
            Process::read(self.1).map(|process| process.parent)
        }
    }

    impl Drop for Below {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            let _ = self.0.wait();
        }
    }

    const TELL: &str = "echo $$; exec cat";

    #[test]
    fn who_took_in_a_shim_is_not_its_client() {
        let me = std::process::id() as i32;
        let shim = Below::of("sh", &["-c", TELL]);
        assert_eq!(shim.parent(), Some(me));
        assert!(client_of(shim.1, Some(me)).1.clients.contains(&me));
        for parent in [None, Some(me + 1)] {
            let (client, barred) = client_of(shim.1, parent);
            assert_eq!(barred.clients, [shim.1], "{parent:?}");
            assert_eq!((client.label.as_str(), barred.shell), ("unknown", None));
        }
    }

    #[test]
    fn who_wraps_a_shim_is_not_its_client() {
        let me = std::process::id() as i32;
        let script = tempfile::tempdir().unwrap();
        let start = script.path().join("start");
        std::fs::write(&start, format!("#!/bin/sh\nsh -c '{TELL}'; exit $?\n")).unwrap();
        let start = start.to_str().unwrap();
        let in_shell = format!("sh -c '{TELL}'; exit $?");
        for (program, args) in [
            ("timeout", ["60", "sh", "-c", TELL].as_slice()),
            ("setsid", &["-w", "sh", "-c", &in_shell]),
            ("sh", &[start]),
        ] {
            let shim = Below::of(program, args);
            assert_ne!(shim.parent(), Some(me), "{program}");
            let (client, barred) = client_of(shim.1, shim.parent());
            assert_eq!(client, client_process(std::process::id()).unwrap().0);
            assert!(barred.clients.contains(&me), "{program} {barred:?}");
        }
    }

    #[test]
    fn a_shell_in_a_terminal_is_a_persons() {
        let line = format!("sh -c '{TELL}'; exit $?");
        let shim = Below::of("script", &["-qec", &line, "/dev/null"]);
        let shell = shim.parent();
        let barred = client_of(shim.1, shell).1;
        assert_eq!(barred.clients, [shim.1]);
        assert_eq!(barred.shell, shell);
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
