//! Finds steps that are harmless alone: kill chains over past events, and secrets that flow out.
//!
//! Here an event becomes a report: facts, flows, chains, findings, memo. What words mean and which
//! chains there are is data (`feeds/data/chains.toml`); nothing is remembered but in memos.

mod account;
pub mod action;
mod chain;
mod decode;
mod definition;
mod facts;
mod finding;
mod flow;
pub mod harm;
mod keep;
mod leak;
mod lexicon;
mod memo;
mod mention;
pub mod model;
mod obey;
mod order;
mod origin;
mod past;
mod pieces;
mod print;
mod reader;
mod result;
mod search;
mod secret;
mod secret_words;
mod shell;
mod stem;
pub mod tone;
mod usage;
mod vocabulary;
mod words;

use clawdefender_sdk::{
    Blob, Category, Detector, Event, Finding, Info, Kind, Report, Rule, Settings, Severity, Step,
};
use serde::Deserialize;

use action::{Action, Actions, flag};
use chain::{Chain, ChainText};
use facts::Facts;
use finding::{Did, EXFILTRATION, PATTERN, ROGUE};
use flow::Flow;
use harm::Harm;
use lexicon::Lexicon;
use memo::{Memo, Seen};
use model::Models;
use obey::{Asked, follows};
use past::Past;
use print::Printer;
use search::Scene;
use tone::Tone;
use vocabulary::Vocabulary;

/// Past steps asked for.
const HISTORY: u32 = 250;

/// The detector, configured.
pub struct KillChain {
    lexicon: Lexicon,
    vocabulary: Vocabulary,
    chains: Vec<Chain>,
    printer: Printer,
    tone: Tone,
    harm: Harm,
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
                rule(
                    ROGUE,
                    Category::KillChain,
                    "A call is like those by which agents that went astray did harm.",
                ),
            ],
            kinds: vec![
                Kind::ToolCall,
                Kind::ToolResult,
                Kind::ToolDefinition,
                Kind::ResourceContent,
                Kind::PromptContent,
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
        let mut models = data.iter().filter(|blob| blob.kind == "model");
        let model = models.next().ok_or("there is no model")?;
        if models.next().is_some() {
            return Err("there are two models".to_owned());
        }
        let Models { tone, harm } = Models::parse(&model.bytes)?;
        let printer = Printer::new(key);
        Ok(Self {
            vocabulary: lexicon.orders.compile(printer),
            lexicon: lexicon.compile()?,
            chains,
            printer,
            tone,
            harm,
        })
    }

    fn inspect(&self, event: &Event, recent: &[Step<'_>]) -> Report {
        let past = Past::read(event, recent, &self.printer);
        if facts::is_call(event) {
            self.call(event, &past)
        } else if facts::is_result(event) {
            report(Vec::new(), self.result(event, &past))
        } else if event.kind == Kind::ToolDefinition {
            report(Vec::new(), self.definition(event, &past))
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

    /// The parts by which a call is weighed, seen alone: for whoever trains the model.
    pub fn parts(&self, event: &Event) -> Vec<Vec<u32>> {
        let (defined, ordered) = (Actions::default(), false);
        let (lexicon, vocabulary) = (&self.lexicon, &self.vocabulary);
        let facts = facts::of_call(
            event,
            lexicon,
            vocabulary,
            &self.printer,
            (ordered, defined),
        );
        harm::parts(event, &facts).whole()
    }

    /// What the tool of a definition does by its name, and what its definition adds to that.
    pub fn tool(&self, event: &Event) -> (Actions, Actions) {
        let named = self.lexicon.tool(&lexicon::name_words(&event.name));
        let adds = definition::adds(event, &self.lexicon, &self.vocabulary, &self.printer);
        (named, adds)
    }

    fn call(&self, event: &Event, past: &Past<'_>) -> Report {
        let memos = &past.memos;
        let ordered = memos.iter().flatten().any(Seen::holds_orders);
        let mut facts = facts::of_call(
            event,
            &self.lexicon,
            &self.vocabulary,
            &self.printer,
            (ordered, self.defined(event, memos)),
        );
        // A copy of a file made of secrets is one.
        let made = |memo: &Seen<'_>| {
            memo.actions.has(Action::ReadSecret)
                && memo.actions.has(Action::Write)
                && memo.objects().any(|own| facts.objects.contains(&own))
        };
        if facts.copies && memos.iter().flatten().any(made) {
            facts.actions.add(Action::ReadSecret);
            facts.actions.add(Action::Write);
        }
        let mut flow = if self.may_carry(event, &facts, past) {
            Flow::into_call(event, memos, &self.printer)
        } else {
            Flow::default()
        };
        // Who wrote or got a message may be answered with it.
        flow.content.retain(|at| {
            let message = memos.get(*at).and_then(Option::as_ref);
            let known =
                |mail: &u32| message.is_some_and(|memo| memo.hosts().any(|own| own == *mail));
            // What a service says to its own people stays there, and so does what goes to those whom
            // the user's own papers name.
            let stays = facts.hosts.is_empty()
                && facts.mails.is_empty()
                && past
                    .steps
                    .get(*at)
                    .is_some_and(|step| step.server == event.server.name)
                && message.is_some_and(|memo| !memo.is(flag::LED))
                && facts.is_talk();
            let noted = |mail: &u32| memos.iter().flatten().any(|memo| notes(memo, *mail));
            let goes = !facts.mails.iter().all(known) && !facts.mails.iter().all(noted);
            !stays && (facts.mails.is_empty() || goes)
        });
        let leads = if ordered {
            self.leads(&facts, memos, &flow)
        } else {
            Vec::new()
        };
        if self.is_guide(&facts) {
            facts.flags |= flag::GUIDE;
        }
        // Its answer may say by which number it could be wiped.
        let other: Actions = [Action::Fetch, Action::Shell].into_iter().collect();
        let mails = facts.actions.has(Action::Send) && !facts.actions.meets(other);
        if mails && facts.flags & flag::OUTSIDE != 0 {
            facts.flags |= flag::CLOSES;
        }
        if leads.iter().any(|lead| lead & follows::NAMED != 0) {
            facts.flags |= flag::LED;
        }
        let scene = Scene {
            past: &past.steps,
            memos,
            carried: past.carried(),
            now: &facts,
            shapes: &search::shapes(memos),
            at_ms: event.at_ms,
            server: &event.server.name,
            flow: &flow,
            leads: &leads,
        };
        let did = Did {
            memos,
            now: facts.actions,
        };
        let mut memo = Memo {
            actions: facts.actions,
            flags: facts.flags,
            places: facts.places,
            tool: facts.tool,
            objects: facts.objects.clone(),
            hosts: facts.hosts.clone(),
            hits: flow.hits(memo::MAX_HITS),
            ..Memo::default()
        };
        let mut findings: Vec<Finding> = self
            .exfiltration(event, past, &facts, &flow, &did)
            .into_iter()
            .chain(self.numbers(event, past, &facts, &flow, &did))
            .collect();
        // What says more precisely what is wrong comes first.
        let (heard, seen): (Vec<_>, Vec<_>) = self.chains.iter().partition(|own| own.is_heard());
        let is_told = |own: &Finding| own.severity as u8 >= Severity::Medium as u8;
        let (mut told, mut told_before) = (findings.iter().any(is_told), false);
        for chain in seen.into_iter().chain(heard) {
            // Said before is said as well.
            if chain.is_heard() && chain.is_mild() && (told || told_before) {
                continue;
            }
            let Some(steps) = scene.find(chain) else {
                continue;
            };
            if chain.is_mild()
                && let Some(first) = steps.first()
            {
                let began = past.steps.get(*first).map_or(0, |step| step.at_ms);
                let began = (began, past.server(*first, &self.printer));
                let key = keep::report_key(&chain.id, began, &memo, &self.printer);
                if memos
                    .iter()
                    .flatten()
                    .any(|memo| memo.reported().any(|own| own == key))
                {
                    told_before |= chain.is_asked();
                    continue;
                }
                memo.reported.push(key);
            }
            told |= chain.is_asked();
            findings.push(finding::pattern(chain, event, past, &steps, &did));
        }
        // What says more precisely what is wrong with this call is enough.
        let acts = matches!(event.kind, Kind::ToolCall | Kind::GuardCheck);
        if acts
            && !told
            && let Some(like) = self.harm.judge(&harm::parts(event, &facts))
        {
            findings.push(finding::rogue(event, like, &did));
        }
        let asks_inside = facts.flags & flag::INSIDE != 0 && facts.actions.has(Action::Fetch);
        if !facts.may_log_in() && !asks_inside {
            memo.hosts.clear();
        }
        report(findings, self.worth(memo, event, past))
    }

    /// Whether it is about a file in which whoever owns the work tells its agents what to do.
    fn is_guide(&self, facts: &Facts) -> bool {
        let guides = self.lexicon.usage.guides.iter();
        let mut guides = guides.map(|name| self.printer.word(name));
        !facts.actions.has(Action::Fetch) && guides.any(|name| facts.objects.contains(&name))
    }

    /// Beside the memos: how the call follows orders that they hold, as bits.
    fn leads(&self, facts: &Facts, memos: &[Option<Seen<'_>>], flow: &Flow) -> Vec<u16> {
        let mut asked = Asked::of(&facts.told);
        let mut lead = |(at, memo): (usize, &Seen<'_>)| {
            let mut lead = asked.follows(facts.actions, memo);
            // Who asks gets what others said.
            let passes = flow
                .content
                .iter()
                .chain(&flow.secret)
                .any(|own| *own != at);
            if lead & follows::WRITTEN != 0 && passes {
                lead &= !follows::WRITTEN;
                lead |= match lead & follows::NAMED {
                    0 => follows::DESCRIBED,
                    _ => follows::PLACED,
                };
            }
            // Tickets name the files that work is done on.
            let loud = lead & (follows::OVERT | follows::CALLED) != 0;
            // Papers say which command does what.
            if !loud && facts.runs {
                lead &= !follows::DESCRIBED;
                if lead & follows::NAMED == 0 {
                    lead &= !(follows::POSSIBLE | follows::LIKELY);
                }
            }
            // Of two addresses of one house the content does not give one: nobody is let in.
            let given = |mail: &u32| {
                let is = |order: memo::OrderSeen<'_>| {
                    order.has(print::plain(*mail)) || order.has(print::plain(*mail) | print::NAME)
                };
                memo.orders().any(is)
            };
            let among = || facts.is_among_colleagues() && !facts.mails.iter().all(given);
            if !loud && (facts.workspace || among()) {
                0
            } else {
                lead
            }
        };
        let held = |(at, memo): (usize, &Option<Seen<'_>>)| {
            let memo = memo.as_ref().filter(|memo| memo.holds_orders());
            memo.map_or(0, |memo| lead((at, memo)))
        };
        memos.iter().enumerate().map(held).collect()
    }

    /// The memo of a definition that says more of its tool than the tool's name.
    fn definition(&self, event: &Event, past: &Past<'_>) -> Option<Vec<u8>> {
        let adds = definition::adds(event, &self.lexicon, &self.vocabulary, &self.printer);
        let key = definition::key(&event.server.name, &event.name, &self.printer);
        let known: Vec<_> = past
            .steps
            .iter()
            .map(|step| step.server)
            .zip(past.memos.iter().copied())
            .collect();
        let orders = definition::orders(event, &self.vocabulary, &self.printer);
        let tells = !orders.is_empty();
        let memo = Memo {
            flags: if tells { flag::RESULT } else { 0 },
            orders,
            tools: vec![(key, adds)],
            ..Memo::default()
        };
        definition::is_worth(event, (adds, tells), key, &known)
            .then(|| keep::definition(memo, past, &self.printer).encode())
    }

    /// What the definition of the event's tool added to its name.
    pub(crate) fn defined(&self, event: &Event, memos: &[Option<Seen<'_>>]) -> Actions {
        let key = definition::key(&event.server.name, &event.name, &self.printer);
        definition::known(memos, key)
    }
}

/// Whether a paper that no outsider writes gives the address, and orders nothing with it.
fn notes(memo: &Seen<'_>, mail: u32) -> bool {
    let name = print::plain(mail) | print::NAME;
    let gives = |order: &memo::OrderSeen<'_>| order.has(name) || order.has(print::plain(mail));
    let mentions = |order: memo::OrderSeen<'_>| order.signs & order::sign::MENTION != 0;
    memo.is(flag::RESULT)
        && !memo.is(flag::PUBLIC | flag::LED)
        && !memo.actions.has(Action::ReadUntrusted)
        && memo.orders().any(|order| gives(&order))
        && memo.orders().filter(gives).all(mentions)
}

fn report(findings: Vec<Finding>, memo: Option<Vec<u8>>) -> Report {
    Report {
        findings,
        memo,
        attrs: Vec::new(),
    }
}

clawdefender_sdk::export_detector!(KillChain);
