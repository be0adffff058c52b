//! What a process spent, as the kernel counts it: time on a core, and how often it went to sleep.
//!
//! Linux only; elsewhere everything is nought and the printed break-down says so.

use std::fs;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::path::PathBuf;

#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub ns: u64,
    /// Times a thread stopped to wait for something: each is a change of thread and a wake-up.
    pub sleeps: u64,
}

/// Of all threads that live now.
pub fn usage(pid: u32) -> Usage {
    threads(pid).map(|thread| of_thread(&thread)).sum()
}

/// The processes that this one started.
pub fn children(pid: u32) -> impl Iterator<Item = u32> {
    threads(pid).flat_map(|thread| {
        let list = fs::read_to_string(thread.join("children")).unwrap_or_default();
        let pids: Vec<u32> = list
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect();
        pids
    })
}

fn threads(pid: u32) -> impl Iterator<Item = PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
}

fn of_thread(thread: &std::path::Path) -> Usage {
    // Source: Documentation/scheduler/sched-stats.rst: time on the processor comes first, in ns.
    let statistics = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    let ns = statistics.split(' ').next().and_then(|ns| ns.parse().ok());
    let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
    let sleeps = status.lines().find_map(|line| {
        line.strip_prefix("voluntary_ctxt_switches:")?
            .trim()
            .parse()
            .ok()
    });
    Usage {
        ns: ns.unwrap_or_default(),
        sleeps: sleeps.unwrap_or_default(),
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            ns: self.ns + other.ns,
            sleeps: self.sleeps + other.sleeps,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usage {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            ns: self.ns.saturating_sub(other.ns),
            sleeps: self.sleeps.saturating_sub(other.sleeps),
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        each.fold(Self::default(), Add::add)
    }
}
