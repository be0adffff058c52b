//! What a running process holds, as Linux tells it in `/proc`.

use std::fs;
use std::iter::Sum;

/// Of one process, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Memory that is in use and resident, in KiB: what is mapped from files is not counted.
    pub memory_kib: u64,
    pub threads: u64,
    pub descriptors: u64,
}

impl Vitals {
    #[track_caller]
    pub fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Self {
            memory_kib: field("RssAnon:"),
            threads: field("Threads:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
        }
    }
}

/// How many threads of a process have this name.
#[track_caller]
pub fn threads_named(pid: u32, name: &str) -> usize {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads
        .filter_map(Result::ok)
        // A thread may end while we look.
        .filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok())
        .filter(|comm| comm.trim_end() == name)
        .count()
}

impl Sum for Vitals {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            memory_kib: sum.memory_kib + one.memory_kib,
            threads: sum.threads + one.threads,
            descriptors: sum.descriptors + one.descriptors,
        })
    }
}
