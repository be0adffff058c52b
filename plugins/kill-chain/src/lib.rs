//! Finds steps that are harmless alone: kill chains over past events, and secrets that flow out.
//!
//! Here an event becomes a report: facts, flows, chains, findings, memo. What words mean and which
//! chains there are is data (`feeds/data/chains.toml`); nothing is remembered but in memos.

pub mod action;
mod chain;
mod decode;
mod definition;
mod facts;
mod finding;
mod flow;
mod keep;
mod lexicon;
mod memo;
mod obey;
mod order;
mod print;
mod reader;
mod search;
mod secret;
mod secret_words;
mod shell;
mod stem;
mod vocabulary;
mod words;

use clawdefender_sdk::{
    Blob, Category, Detector, Event, Finding, Info, Kind, Report, Rule, Settings, Severity, Step,
};
use serde::Deserialize;

use action::{Action, Actions, flag};
use chain::{Chain, ChainText};
use facts::Facts;
use finding::{Did, EXFILTRATION, PATTERN};
use flow::Flow;
use lexicon::Lexicon;
use memo::{Memo, Seen};
use obey::follows;
use print::{Printer, settle};
use reader::Reader;
use search::Scene;
use secret::Hunt;
use vocabulary::Vocabulary;

/// Past steps asked for.
const HISTORY: u32 = 250;
/// How long after its call a result may come and still be known as its answer.
const ANSWER_MS: u64 = 10 * 60 * 1000;

/// The detector, configured.
pub struct KillChain {
    lexicon: Lexicon,
    vocabulary: Vocabulary,
    chains: Vec<Chain>,
    printer: Printer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// One artifact has it; others only add chains.
    lexicon: Option<Lexicon>,
    /// Read one by one, so that an error says which.
    chains: Vec<serde_json::Value>,
}

impl Detector for KillChain {
    fn describe() -> Info {
        let rule = |id: &str, category: Category, summary: &str| Rule {
            id: id.to_owned(),
            category,
            summary: summary.to_owned(),
            attrs: Vec::new(),
        };
        Info {
            id: "kill-chain".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules: vec![
                rule(
                    EXFILTRATION,
                    Category::DataExfiltration,
                    "A secret that a tool returned leaves in a later call.",
                ),
                rule(
                    PATTERN,
                    Category::KillChain,
                    "Several steps together form a known attack chain.",
                ),
            ],
            kinds: vec![
                Kind::ToolCall,
                Kind::ToolResult,
                Kind::ToolDefinition,
                Kind::ResourceContent,
                Kind::Completion,
                Kind::Sampling,
                Kind::Elicitation,
                Kind::GuardCheck,
                Kind::ServerLaunch,
            ],
            history: HISTORY,
            memo_bytes: memo::MAX_BYTES,
            attrs: Vec::new(),
        }
    }

    fn configure(settings: &Settings, data: &[Blob]) -> Result<Self, String> {
        let mut key = "";
        for (name, value) in settings {
            match name.as_str() {
                "fingerprint-key" => key = value,
                _ => return Err("unknown setting; known: fingerprint-key".to_owned()),
            }
        }
        let blobs = data.iter().filter(|blob| blob.kind == "killchain");
        let (mut lexicon, mut chains) = (None, Vec::<Chain>::new());
        for blob in blobs {
            let data: Data = serde_json::from_slice(&blob.bytes)
                .map_err(|error| format!("killchain data {}: {error}", blob.name))?;
            if data.lexicon.is_some() && lexicon.is_some() {
                return Err("killchain data: two artifacts have a lexicon".to_owned());
            }
            lexicon = lexicon.or(data.lexicon);
            for (at, chain) in data.chains.into_iter().enumerate() {
                let wrong = |error: String| {
                    format!("killchain data {}: chain {}: {error}", blob.name, at + 1)
                };
                let text: ChainText =
                    serde_json::from_value(chain).map_err(|error| wrong(error.to_string()))?;
                let chain = text.compile().map_err(wrong)?;
                if chains.iter().any(|known| known.id == chain.id) {
                    return Err(wrong(format!("another chain has the id {}", chain.id)));
                }
                chains.push(chain);
            }
        }
        let lexicon = lexicon.ok_or("killchain data: no artifact has a lexicon")?;
        if chains.is_empty() {
            return Err("killchain data: no chain".to_owned());
        }
        let printer = Printer::new(key);
        Ok(Self {
            vocabulary: lexicon.orders.compile(printer),
            lexicon: lexicon.compile()?,
            chains,
            printer,
        })
    }

    fn inspect(&self, event: &Event, recent: &[Step<'_>]) -> Report {
        let memos: Vec<Option<Seen<'_>>> =
            recent.iter().map(|step| Seen::decode(step.memo)).collect();
        if facts::is_call(event) {
            self.call(event, recent, &memos)
        } else if facts::is_result(event) {
            let memo = self.result(event, recent, &memos);
            report(Vec::new(), memo)
        } else if event.kind == Kind::ToolDefinition {
            report(Vec::new(), self.definition(event, recent, &memos))
        } else {
            report(Vec::new(), None)
        }
    }
}

impl KillChain {
    /// What a call does, seen alone.
    pub fn actions(&self, event: &Event) -> Actions {
        let defined = (false, Actions::default());
        facts::of_call(
            event,
            &self.lexicon,
            &self.vocabulary,
            &self.printer,
            defined,
        )
        .actions
    }

    /// What the tool of a definition does by its name, and what its definition adds to that.
    pub fn tool(&self, event: &Event) -> (Actions, Actions) {
        let named = self.lexicon.tool(&lexicon::name_words(&event.name));
        let adds = definition::adds(event, &self.lexicon, &self.vocabulary, &self.printer);
        (named, adds)
    }

    fn call(&self, event: &Event, recent: &[Step<'_>], memos: &[Option<Seen<'_>>]) -> Report {
        let ordered = memos.iter().flatten().any(Seen::holds_orders);
        let mut facts = facts::of_call(
            event,
            &self.lexicon,
            &self.vocabulary,
            &self.printer,
            (ordered, self.defined(event, memos)),
        );
        let flow = if self.may_carry(event, &facts, recent) {
            Flow::into_call(event, memos, &self.printer)
        } else {
            Flow::default()
        };
        let leads: Vec<u8> = memos
            .iter()
            .map(|memo| match memo {
                Some(memo) if memo.holds_orders() => facts.told.follows(facts.actions, memo),
                _ => 0,
            })
            .collect();
        if leads.iter().any(|lead| lead & follows::NAMED != 0) {
            facts.flags |= flag::LED;
        }
        let scene = Scene {
            past: recent,
            memos,
            now: &facts,
            seen: memos
                .iter()
                .flatten()
                .fold(facts.actions, |seen, memo| seen.union(memo.actions)),
            at_ms: event.at_ms,
            server: &event.server.name,
            flow: &flow,
            leads: &leads,
        };
        let did = Did {
            memos,
            now: facts.actions,
        };
        let mut findings: Vec<Finding> = self
            .exfiltration(event, recent, &facts, &flow, &did)
            .into_iter()
            .collect();
        for chain in &self.chains {
            let found = scene.find(chain);
            findings
                .extend(found.map(|steps| finding::pattern(chain, event, recent, &steps, &did)));
        }
        let memo = Memo {
            actions: facts.actions,
            flags: facts.flags,
            places: facts.places,
            tool: facts.tool,
            objects: facts.objects,
            hits: if flow.secret.is_empty() {
                flow.hits
            } else {
                Vec::new()
            },
            ..Memo::default()
        };
        report(findings, self.worth(memo, event, recent, memos))
    }

    /// Whether arguments of this call can reach anyone who should not have them.
    fn may_carry(&self, event: &Event, facts: &Facts, recent: &[Step<'_>]) -> bool {
        facts.actions.meets(carriers()) || is_outside(facts) || other_server(event, recent)
    }

    fn exfiltration(
        &self,
        event: &Event,
        recent: &[Step<'_>],
        facts: &Facts,
        flow: &Flow,
        did: &Did<'_>,
    ) -> Option<Finding> {
        let from_other = flow.secret.iter().any(|at| {
            recent
                .get(*at)
                .is_some_and(|step| step.server != event.server.name)
        });
        let leaves = facts.actions.meets(carriers()) || is_outside(facts);
        // A secret in a call that only changes files here is someone at work on their own files.
        let local = facts.own.meets(
            [
                Action::Write,
                Action::ReadFile,
                Action::Search,
                Action::Shell,
            ]
            .into_iter()
            .collect(),
        );
        let strength = match (leaves, from_other && !local) {
            _ if flow.secret.is_empty() => return None,
            (true, _) => (Severity::Critical, 95),
            (false, true) => (Severity::Medium, 60),
            (false, false) => return None,
        };
        Some(finding::exfiltration(
            event,
            recent,
            strength,
            &flow.secret,
            &flow.parts,
            did,
        ))
    }

    fn result(
        &self,
        event: &Event,
        recent: &[Step<'_>],
        memos: &[Option<Seen<'_>>],
    ) -> Option<Vec<u8>> {
        let defined = self.defined(event, memos);
        let mut facts = facts::of_result(event, &self.lexicon, &self.printer, defined);
        let asked_secret = facts.actions.has(Action::ReadSecret)
            || self.answers(event, facts.tool, recent, memos, |memo| {
                memo.actions.has(Action::ReadSecret)
            });
        if self.answers(event, facts.tool, recent, memos, |memo| memo.is(flag::LED)) {
            facts.flags |= flag::LED;
        }
        if asked_secret {
            facts.actions.add(Action::ReadSecret);
            facts.flags &= !flag::PUBLIC;
        }
        // A page by the tool's definition: nobody's secret, though it is not called public.
        let page =
            defined.has(Action::Fetch) && !defined.union(facts.own).has(Action::ReadUntrusted);
        let private = facts.flags & flag::PUBLIC == 0
            && ((facts.actions.has(Action::ReadUntrusted) && !page)
                || facts.flags & flag::LED != 0);
        let mut memo = Memo {
            flags: facts.flags,
            tool: facts.tool,
            ..Memo::default()
        };
        let mut reader = Reader::new(&self.vocabulary, &self.printer);
        for text in &event.texts {
            let seen = facts::seen(text);
            let mut hunt = Hunt::new(seen, &self.lexicon.secrets);
            let least = self.lexicon.secrets.shortest();
            reader.read(seen, least, |word| hunt.look(word));
            for secret in hunt.found() {
                self.printer
                    .keep(seen.get(secret).unwrap_or_default(), &mut memo.secrets);
            }
            if private {
                self.printer.keep(seen, &mut memo.content);
            }
        }
        memo.orders = reader.finish();
        // Nothing in it has the shape of a secret, but it was asked of a place for secrets.
        if asked_secret && memo.secrets.is_empty() {
            event
                .texts
                .iter()
                .for_each(|text| self.printer.keep(facts::seen(text), &mut memo.secrets));
        }
        settle(&mut memo.secrets, memo::MAX_SECRETS);
        settle(&mut memo.content, memo::MAX_CONTENT);
        if !memo.secrets.is_empty() && memo.flags & flag::PUBLIC == 0 {
            memo.flags |= flag::SECRET;
        }
        memo.actions = facts.actions;
        self.worth(memo, event, recent, memos)
    }

    /// The memo of a definition that says more of its tool than the tool's name.
    fn definition(
        &self,
        event: &Event,
        recent: &[Step<'_>],
        memos: &[Option<Seen<'_>>],
    ) -> Option<Vec<u8>> {
        let adds = definition::adds(event, &self.lexicon, &self.vocabulary, &self.printer);
        let key = definition::key(&event.server.name, &event.name, &self.printer);
        let past: Vec<_> = recent
            .iter()
            .map(|step| step.server)
            .zip(memos.iter().copied())
            .collect();
        definition::is_worth(event, adds, key, &past)
            .then(|| keep::definition(key, adds, memos).encode())
    }

    /// What the definition of the event's tool added to its name.
    fn defined(&self, event: &Event, memos: &[Option<Seen<'_>>]) -> Actions {
        let key = definition::key(&event.server.name, &event.name, &self.printer);
        definition::known(memos, key)
    }

    /// Whether the result answers a call that `is` so: calls and results of one tool on one link are
    /// counted, because the event does not say which call it answers.
    fn answers(
        &self,
        event: &Event,
        tool: u32,
        recent: &[Step<'_>],
        memos: &[Option<Seen<'_>>],
        is: impl Fn(&Seen<'_>) -> bool,
    ) -> bool {
        let mut open = 0_i32;
        for (step, memo) in recent.iter().zip(memos) {
            let Some(memo) = memo.as_ref().filter(|memo| memo.tool == tool && is(memo)) else {
                continue;
            };
            let late = event.at_ms.saturating_sub(step.at_ms) > ANSWER_MS;
            if !late && step.link == event.link {
                open = (open + if memo.is(flag::RESULT) { -1 } else { 1 }).max(0);
            }
        }
        open > 0
    }
}

/// Actions that take arguments out.
fn carriers() -> Actions {
    [
        Action::Send,
        Action::Fetch,
        Action::Download,
        Action::Pay,
        Action::Schedule,
    ]
    .into_iter()
    .collect()
}

fn is_outside(facts: &Facts) -> bool {
    facts.flags & flag::OUTSIDE != 0
}

fn other_server(event: &Event, recent: &[Step<'_>]) -> bool {
    recent.iter().any(|step| step.server != event.server.name)
}

fn report(findings: Vec<Finding>, memo: Option<Vec<u8>>) -> Report {
    Report {
        findings,
        memo,
        attrs: Vec::new(),
    }
}

clawdefender_sdk::export_detector!(KillChain);
