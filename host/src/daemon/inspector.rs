//! `clawdefender inspect`: the verified detectors and a policy, without a running daemon.

use super::chains::{self, OwnChains};
use super::start::{self, DaemonError};
use crate::config::{Config, Home};
use crate::feed::Feeds;
use crate::judge::inspect::Inspector;
use crate::plugin::CodeCache;
use crate::policy::Policy;
use std::io::{BufRead, Write};
use std::path::Path;

/// Longest input line: the largest frame, and room for its JSON around it.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Answers each line of `input` with one line on `output`, in order.
///
/// # Errors
/// [`DaemonError`] when detectors or policy can't be had, or the streams fail. A bad line is
/// answered with an error of its own and does not stop the run.
pub fn run(
    home: &Home,
    policy: Option<&Path>,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), DaemonError> {
    let config = Config::load(home)?;
    let policy = match policy {
        Some(path) => {
            let text = std::fs::read_to_string(path)?;
            Policy::parse(&text, &path.display().to_string(), home.user())?
        }
        None => start::load_policy(home)?,
    };
    let feeds = Feeds::open(&home.feeds_dir(), start::now()?)?;
    let cache = CodeCache::open(&home.cache_dir())?;
    let settings = start::settings(home, &config)?;
    let mut packages = feeds.packages(&settings);
    let own = OwnChains::configured(home, &config)?;
    if let Some(own) = &own {
        own.give(&mut packages)?;
    }
    let (set, failed) = start::load(packages, &cache, 1);
    if let Some(own) = &own {
        chains::refused(own, &failed)?;
    }
    let places = start::places(home);
    let inspector = Inspector {
        set: &set,
        policy: &policy,
        places: &places,
        max_frame_bytes: config.max_frame_bytes,
    };
    let mut line = String::new();
    loop {
        line.clear();
        let mut bounded = std::io::Read::take(&mut *input, MAX_LINE_BYTES);
        if bounded.read_line(&mut line)? == 0 {
            return Ok(output.flush()?);
        }
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut *output, &inspector.answer(line.trim_end()).json)
            .map_err(std::io::Error::from)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}
