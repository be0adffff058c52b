//! The verified detectors and a policy, without a running daemon: for `inspect`, `package check`
//! and `scan`.

use super::chains::{self, OwnChains};
use super::start::{self, DaemonError};
use crate::config::{Config, Home};
use crate::event::identity::{Identity, identify, with_settings};
use crate::event::place::Places;
use crate::event::{Finding, Launch};
use crate::feed::Feeds;
use crate::judge::Weighed;
use crate::judge::inspect::Inspector;
pub use crate::judge::inspect::{Answer, Known};
use crate::judge::pins::{Candidate, Pins, Standing};
use crate::plugin::{CodeCache, Set};
use crate::policy::Policy;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::Path;

/// Longest input line: the largest frame, and room for its JSON around it.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Everything that a judgement needs, opened once.
pub struct Opened {
    set: Set,
    policy: Policy,
    places: Places,
    pins: Pins,
    max_frame_bytes: usize,
    /// What somebody should know of the feeds before believing an answer.
    pub warnings: Vec<String>,
}

/// One list of known packages that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    pub feed: String,
    pub name: String,
    pub version: String,
}

/// What is known of a server before it starts.
pub struct Foreseen {
    pub launch: Answer,
    pub identity: Identity,
    /// Whether it is something else than when it was last allowed.
    pub changed: bool,
    /// About the package that lies on the disk, when the command does not name just that.
    pub installed: Option<Answer>,
}

impl Opened {
    /// Opens the feeds that are in force, and `policy` or the user's own.
    ///
    /// # Errors
    /// [`DaemonError`] when detectors or policy can't be had. A detector that can't be loaded is no
    /// error here: it is a fault in every answer.
    pub fn open(home: &Home, policy: Option<&Path>) -> Result<Self, DaemonError> {
        let config = Config::load(home)?;
        let policy = match policy {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| {
                    let path = path.to_owned();
                    DaemonError::Unusable { path, source }
                })?;
                Policy::parse(&text, &path.display().to_string(), home.user())?
            }
            None => start::load_policy(home)?.0,
        };
        let (overrides, overrides_error) = start::read_overrides(home);
        let policy = policy.with_overrides(overrides);
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
        let alerts = feeds.alerts().iter();
        Ok(Self {
            set,
            policy,
            places: start::places(home),
            pins: Pins::open(start::pins_file(home)),
            max_frame_bytes: config.max_frame_bytes,
            warnings: alerts
                .map(|alert| format!("feed {}: {}", alert.feed, alert.message))
                .chain(overrides_error)
                .collect(),
        })
    }

    /// The lists of known packages.
    pub fn sources(&self) -> Vec<Source> {
        let detectors = self.set.detectors().iter();
        detectors
            .flat_map(|detector| {
                let lists = detector.data().iter();
                lists
                    .filter(|(kind, _, _)| kind == "blocklist")
                    .map(|(_, name, version)| Source {
                        feed: detector.feed_id().to_owned(),
                        name: name.clone(),
                        version: version.clone(),
                    })
            })
            .collect()
    }

    /// What each rule says of itself, for reports.
    pub fn rules(&self) -> Vec<(String, String)> {
        let detectors = self.set.detectors().iter();
        detectors
            .flat_map(|detector| detector.facts().summaries.clone())
            .collect()
    }

    /// Answers one input line of `inspect`.
    pub fn answer(&self, line: &str) -> Answer {
        self.inspector().answer(line)
    }

    /// Answers about one package, as `inspect` does.
    pub fn package(&self, ecosystem: &str, name: &str) -> Answer {
        let line = json!({ "package": { "ecosystem": ecosystem, "name": name } });
        self.answer(&line.to_string())
    }

    /// Answers about a launch, reads from the disk what it would run, and compares that with what ran
    /// before.
    pub fn server(&self, name: &str, launch: &Launch) -> Foreseen {
        let mut identity = Identity::default();
        let mut changed = false;
        let also = |weighed: &mut Weighed| {
            let named = weighed.package().map(str::to_owned);
            let named = named.or_else(|| launch.origin.clone());
            let named = named.as_deref();
            identity = identify(launch, named, Path::new(&self.places.home));
            if launch.origin.is_none() {
                weighed.installed(&self.set, &self.policy, named, &identity);
            }
            let pin = Candidate::of(name, launch, named, &identity);
            if let Standing::Changed(finding) = self.pins.standing(name, pin.as_ref()) {
                changed = pin.is_some();
                weighed.also(&self.policy, *finding);
            }
        };
        let shown = with_settings(launch, Path::new(&self.places.home));
        let answer = self.inspector().launch(name.to_owned(), shown, also);
        let named = answer.package.clone().or_else(|| launch.origin.clone());
        let installed = identity
            .package
            .as_deref()
            .filter(|package| Some(*package) != named.as_deref())
            .and_then(|package| package.split_once(':'))
            .map(|(ecosystem, name)| self.package(ecosystem, name));
        Foreseen {
            launch: answer,
            identity,
            changed,
            installed,
        }
    }

    fn inspector(&self) -> Inspector<'_> {
        Inspector {
            set: &self.set,
            policy: &self.policy,
            places: &self.places,
            max_frame_bytes: self.max_frame_bytes,
        }
    }
}

/// The findings of an answer that say what is known about a package: malicious or vulnerable. Those
/// that a person overrode are left out.
pub fn advisories(answer: &Answer) -> impl Iterator<Item = &Finding> {
    let said = |finding: &&Finding| {
        let category = finding.category.0.as_str();
        matches!(category, "malicious-package" | "vulnerable-package")
    };
    let standing = |finding: &&Finding| finding.overridden.is_none();
    answer.findings.iter().filter(said).filter(standing)
}

/// Answers each line of `input` with one value to `output`, in order.
///
/// # Errors
/// [`DaemonError`] when detectors or policy can't be had, or the streams fail. A bad line is
/// answered with an error of its own and does not stop the run.
pub fn run(
    home: &Home,
    policy: Option<&Path>,
    input: &mut dyn BufRead,
    output: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<(), DaemonError> {
    let opened = Opened::open(home, policy)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = std::io::Read::take(&mut *input, MAX_LINE_BYTES);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            // One answer for it, as for any other line; its beginning alone is no JSON.
            skip_line(input)?;
        }
        // What is not UTF-8 is refused like any other line that is no JSON.
        let line = std::str::from_utf8(&line).unwrap_or("\u{fffd}");
        if line.trim().is_empty() {
            continue;
        }
        output(&opened.answer(line.trim_end()).json)?;
    }
}

/// Takes what is left of a line.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (taken, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(taken);
        if ended {
            return Ok(());
        }
    }
}
