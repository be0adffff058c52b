//! How long a call into a detector may take: processor time that it used, not time that passed.
//!
//! A detector can wait for nothing, so a loop that never ends uses its time up. A machine with more
//! threads than cores lets every thread wait, and a good detector is not to blame for that: counted
//! in passed time, sixty-four busy links would make faults, and faults deny.

use super::engine::TICK;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// How much longer than its processor time a call may take in all. Chosen: far more than a thread
/// waits for a core on a machine that is still of use, and well below what a client waits.
const WAIT: Duration = Duration::from_secs(2);

/// What one call may still use.
pub(super) struct Deadline {
    processor: Duration,
    used_before: Duration,
    since: Instant,
}

impl Deadline {
    /// Of a call that begins now, on this thread, and may use this much of its processor time.
    pub(super) fn from_now(processor: Duration) -> Self {
        Self {
            processor,
            used_before: used_by_this_thread(),
            since: Instant::now(),
        }
    }

    /// Epoch ticks until it is worth looking again; `None` when the call must end. Called on the
    /// thread that made the call.
    pub(super) fn more(&self) -> Option<u64> {
        let used = used_by_this_thread().saturating_sub(self.used_before);
        self.left(used, self.since.elapsed()).map(ticks)
    }

    fn left(&self, used: Duration, passed: Duration) -> Option<Duration> {
        let left = self.processor.checked_sub(used)?;
        let in_time = passed < self.processor + WAIT;
        (in_time && !left.is_zero()).then_some(left)
    }
}

/// A time in epoch ticks, at least one whole tick.
pub(super) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

fn used_by_this_thread() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // Neither part of this clock is ever negative.
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[track_caller]
    fn check(used_ms: u64, passed_ms: u64, left_ms: Option<u64>) {
        let deadline = Deadline::from_now(MS(50));
        assert_eq!(deadline.left(MS(used_ms), MS(passed_ms)), left_ms.map(MS));
    }

    #[test]
    fn a_call_that_had_to_wait_for_a_core_goes_on() {
        check(10, 10, Some(40));
        check(10, 700, Some(40));
    }

    #[test]
    fn a_call_that_used_its_time_ends() {
        check(50, 50, None);
        check(51, 700, None);
    }

    #[test]
    fn a_call_that_nobody_can_wait_for_any_longer_ends() {
        check(10, 2049, Some(40));
        check(10, 2050, None);
    }

    #[test]
    fn time_of_a_thread_that_works_is_used() {
        let deadline = Deadline::from_now(MS(5));
        let mut sum = 0_u64;
        while deadline.more().is_some() {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0);
    }
}
