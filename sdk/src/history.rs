//! Steps as a detector reads them, and the packing in which they cross the border.

use crate::History;
use crate::bindings::exports::clawdefender::detector::api::Step as Packed;

/// A past event in which this detector left a memo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'h> {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The server's name in the client's configuration.
    pub server: &'h str,
    /// The client↔server pairing. Opaque.
    pub link: &'h str,
    /// What the detector left, byte for byte.
    pub memo: &'h [u8],
}

impl History {
    /// No past events.
    pub const fn new() -> Self {
        Self {
            steps: Vec::new(),
            names: Vec::new(),
            memos: Vec::new(),
            attrs: Vec::new(),
        }
    }

    /// Adds the newest step. The host packs what it hands over itself; this is for tests.
    ///
    /// # Panics
    /// When all memos together reach 4 GiB.
    pub fn push(&mut self, step: Step<'_>) {
        let server = self.name(step.server);
        let link = self.name(step.link);
        self.memos.extend_from_slice(step.memo);
        self.steps.push(Packed {
            at_ms: step.at_ms,
            server,
            link,
            memo_end: index(self.memos.len()),
        });
    }

    /// The steps, oldest first. What lies outside its list reads as empty.
    pub fn unpack(&self) -> Vec<Step<'_>> {
        let name = |at: u32| self.names.get(at as usize).map_or("", String::as_str);
        let mut begin = 0;
        self.steps
            .iter()
            .map(|step| {
                let end = step.memo_end as usize;
                let memo = self.memos.get(begin..end).unwrap_or_default();
                begin = end;
                Step {
                    at_ms: step.at_ms,
                    server: name(step.server),
                    link: name(step.link),
                    memo,
                }
            })
            .collect()
    }

    fn name(&mut self, name: &str) -> u32 {
        let known = self.names.iter().position(|known| known == name);
        index(known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }))
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::expect_used,
    reason = "documented: tests hold no 4 GiB of memos"
)]
fn index(at: usize) -> u32 {
    u32::try_from(at).expect("at most 4 GiB of memos")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Step<'static> = Step {
        at_ms: 1,
        server: "files",
        link: "a",
        memo: b"one",
    };

    #[test]
    fn what_is_pushed_comes_back() {
        let second = Step {
            at_ms: 2,
            memo: b"",
            ..FIRST
        };
        let third = Step {
            link: "files",
            memo: b"three",
            ..second
        };
        let mut history = History::new();
        for step in [FIRST, second, third] {
            history.push(step);
        }
        assert_eq!(history.unpack(), [FIRST, second, third]);
        assert_eq!(history.names, ["files", "a"]);
    }

    #[test]
    fn indices_that_lead_nowhere_read_as_empty() {
        let mut history = History::new();
        history.push(FIRST);
        history.names.clear();
        history.memos.truncate(2);
        let read = history.unpack();
        assert_eq!((read[0].server, read[0].memo), ("", &b""[..]));
    }
}
