//! The pattern language: chains as written in the data, checked and compiled.
//!
//! A chain is a list of conditions in order. How it is searched for is in `search`.

use serde::Deserialize;

use crate::action::{Action, Actions, Place, Shape, flag};
use crate::obey::follows;

/// A compiled chain.
#[derive(Debug)]
pub struct Chain {
    pub id: String,
    /// The finding's message.
    pub title: String,
    pub severity: Level,
    pub confidence_pct: u8,
    pub attack: Vec<String>,
    pub within_ms: u64,
    /// The most remembered steps that may lie between first and last.
    pub max_steps: usize,
    pub across_servers: bool,
    /// One event may be several steps at once: a pipeline.
    pub one_call: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// One step: what the event must be, and how it must relate to the step before.
#[derive(Debug)]
pub struct Step {
    pub when: Condition,
    not: Option<Condition>,
    pub server: Option<Relation>,
    pub same_object: bool,
    pub flow: Option<Carries>,
    /// How the call must follow an order of the step before, as bits of `obey::follows`.
    pub lead: u16,
    /// The longest time since the step before.
    pub soon_ms: Option<u64>,
    /// What must not have happened since the step before.
    pub without: Option<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    Same,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carries {
    Secret,
    Content,
}

/// How a call follows an order that the step before carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lead {
    Described,
    Named,
    Overt,
    Mentioned,
    Pressed,
    Called,
    Placed,
    Written,
    Possible,
    Likely,
    Beside,
}

impl Lead {
    fn bit(self) -> u16 {
        match self {
            Self::Described => follows::DESCRIBED,
            Self::Named => follows::NAMED,
            Self::Overt => follows::OVERT,
            Self::Mentioned => follows::MENTIONED,
            Self::Pressed => follows::PRESSED,
            Self::Called => follows::CALLED,
            Self::Placed => follows::PLACED,
            Self::Written => follows::WRITTEN,
            Self::Possible => follows::POSSIBLE,
            Self::Likely => follows::LIKELY,
            Self::Beside => follows::BESIDE,
        }
    }
}

/// What a single event must be.
#[derive(Debug, Default)]
pub struct Condition {
    any: Actions,
    all: Actions,
    set: u16,
    clear: u16,
    places: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainText {
    id: String,
    title: String,
    severity: Level,
    confidence: u8,
    attack: Vec<String>,
    within_s: u32,
    max_steps: u16,
    #[serde(default)]
    across: Across,
    #[serde(default)]
    one_call: bool,
    steps: Vec<Words>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Across {
    #[default]
    Any,
    Servers,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    action: Vec<Action>,
    with: Vec<Action>,
    place: Option<Place>,
    credential: bool,
    secret: bool,
    outside: bool,
    mass: bool,
    wide: bool,
    loaded: bool,
    demands: bool,
    laden: bool,
    talks: bool,
    led: bool,
    public: Option<bool>,
    result: Option<bool>,
    server: Option<Relation>,
    object: Option<Relation>,
    flow: Option<Carries>,
    lead: Vec<Lead>,
    not: Option<Box<Words>>,
    soon_s: Option<u32>,
    without: Option<Box<Words>>,
}

impl ChainText {
    /// # Errors
    /// One sentence for the operator: what in this chain can't be meant.
    pub fn compile(self) -> Result<Chain, String> {
        let id = &self.id;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || !id.bytes().all(plain) {
            return Err("a chain's id must be lower-case letters, digits and dashes".to_owned());
        }
        if self.steps.is_empty() || self.steps.len() > 8 {
            return Err(format!(
                "chain {id}: has {} steps, must be 1 to 8",
                self.steps.len()
            ));
        }
        if self.confidence > 100 || self.title.is_empty() {
            return Err(format!(
                "chain {id}: needs a title and a confidence of 0 to 100"
            ));
        }
        let last = self.steps.len() - 1;
        let mut steps = Vec::with_capacity(self.steps.len());
        for (at, words) in self.steps.into_iter().enumerate() {
            let step = words
                .compile()
                .map_err(|error| format!("chain {id}, step {}: {error}", at + 1))?;
            if at == 0 && step.relates() {
                return Err(format!(
                    "chain {id}: the first step has none before it to relate to"
                ));
            }
            if at != last && (step.flow.is_some() || step.lead != 0) {
                return Err(format!(
                    "chain {id}: flow and lead are known of the last step only"
                ));
            }
            steps.push(step);
        }
        Ok(Chain {
            id: self.id,
            title: self.title,
            severity: self.severity,
            confidence_pct: self.confidence,
            attack: self.attack,
            within_ms: u64::from(self.within_s) * 1000,
            max_steps: usize::from(self.max_steps),
            across_servers: self.across == Across::Servers,
            one_call: self.one_call,
            steps,
        })
    }
}

impl Words {
    /// What one event alone is, for `not` and `without`.
    fn alone(self) -> Result<Condition, String> {
        let step = self.compile()?;
        if step.relates() || step.not.is_some() {
            return Err(
                "not and without can't hold not, without, soon_s, server, object, flow or lead"
                    .to_owned(),
            );
        }
        Ok(step.when)
    }

    fn compile(self) -> Result<Step, String> {
        let not = self.not.map(|words| words.alone()).transpose()?;
        let without = self.without.map(|words| words.alone()).transpose()?;
        if self.object == Some(Relation::Other) {
            return Err("object can only be same".to_owned());
        }
        let mut set = 0;
        for (wanted, flag) in [
            (self.outside, flag::OUTSIDE),
            (self.mass, flag::MASS),
            (self.wide, flag::WIDE),
            (self.loaded, flag::LOADED),
            (self.demands, flag::DEMANDS),
            (self.laden, flag::LADEN),
            (self.talks, flag::TALKS),
            (self.secret, flag::SECRET),
            (self.led, flag::LED),
        ] {
            set |= if wanted { flag } else { 0 };
        }
        let mut clear = 0;
        for (wanted, flag) in [(self.result, flag::RESULT), (self.public, flag::PUBLIC)] {
            match wanted {
                Some(true) => set |= flag,
                Some(false) => clear |= flag,
                None => {}
            }
        }
        let when = Condition {
            any: self.action.into_iter().collect(),
            all: self.with.into_iter().collect(),
            set,
            clear,
            places: self.place.map_or(0, Place::bit)
                | if self.credential {
                    Place::Credential.bit()
                } else {
                    0
                },
        };
        if when.is_empty() {
            return Err("needs at least one of action, with, place, credential, secret, outside, mass, wide, loaded, demands, laden, talks, led, public, result".to_owned());
        }
        Ok(Step {
            when,
            not,
            server: self.server,
            same_object: self.object.is_some(),
            flow: self.flow,
            soon_ms: self.soon_s.map(|seconds| u64::from(seconds) * 1000),
            without,
            lead: self
                .lead
                .into_iter()
                .fold(0, |bits, lead| bits | lead.bit()),
        })
    }
}

impl Chain {
    /// At most asked about: then once is enough.
    pub fn is_mild(&self) -> bool {
        matches!(self.severity, Level::Info | Level::Low | Level::Medium)
    }

    /// At least asked about.
    pub fn is_asked(&self) -> bool {
        !matches!(self.severity, Level::Info | Level::Low)
    }

    /// What makes it a chain is how a passage sounds.
    pub fn is_heard(&self) -> bool {
        let heard = follows::POSSIBLE | follows::LIKELY | follows::BESIDE;
        self.steps.last().is_some_and(|last| last.lead & heard != 0)
    }
}

impl Step {
    /// Whether it asks for more than to come after the step before.
    pub fn relates(&self) -> bool {
        self.server.is_some()
            || self.same_object
            || self.flow.is_some()
            || self.lead != 0
            || self.soon_ms.is_some()
            || self.without.is_some()
    }

    /// Whether an event alone can be this step.
    pub fn accepts(&self, event: Shape) -> bool {
        self.when.holds(event) && !self.not.as_ref().is_some_and(|not| not.holds(event))
    }
}

impl Condition {
    fn is_empty(&self) -> bool {
        self.any.0 == 0 && self.all.0 == 0 && self.set == 0 && self.clear == 0 && self.places == 0
    }

    pub fn holds(&self, event: Shape) -> bool {
        (self.any.0 == 0 || event.actions.meets(self.any))
            && event.actions.0 & self.all.0 == self.all.0
            && event.flags & self.set == self.set
            && event.flags & self.clear == 0
            && event.places & self.places == self.places
    }
}
