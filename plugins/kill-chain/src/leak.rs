//! A secret that leaves: how sure that is, and when it only goes back to where it came from.

use clawdefender_sdk::{Event, Finding, Severity};

use crate::KillChain;
use crate::action::{Action, Actions, flag};
use crate::decode;
use crate::facts::{self, Facts};
use crate::finding::{self, Did};
use crate::flow::{Flow, Leak, Sent};
use crate::past::Past;

impl KillChain {
    /// Whether arguments of this call can reach anyone who should not have them.
    pub(crate) fn may_carry(&self, event: &Event, facts: &Facts, past: &Past<'_>) -> bool {
        let leaves = facts.actions.meets(carriers()) || is_outside(facts) || facts.is_routed;
        leaves || other_server(event, past)
    }

    pub(crate) fn exfiltration(
        &self,
        event: &Event,
        past: &Past<'_>,
        facts: &Facts,
        flow: &Flow,
        did: &Did<'_>,
    ) -> Option<Finding> {
        let own = self.printer.word(&event.server.name);
        let ways = flow
            .leaks
            .iter()
            .map(|leak| match self.way(event, past, facts, leak, own) {
                Way::Out if self.is_link(event, facts, leak) => match self.is_shared(past, leak) {
                    true => (leak, Way::Home),
                    false => (leak, Way::Link),
                },
                way => (leak, way),
            });
        // From one store of secrets into another: they are rotated, or lent to a build.
        let kept = facts.own.has(Action::KeepSecret)
            && facts.hosts.is_empty()
            && facts.mails.is_empty()
            && !is_outside(facts)
            && !facts.actions.has(Action::Send);
        if kept {
            return None;
        }
        let leaks: Vec<(&Leak, Way)> = ways.filter(|(_, way)| *way != Way::Home).collect();
        let mut from: Vec<usize> = leaks.iter().map(|(leak, _)| leak.at).collect();
        from.sort_unstable();
        from.dedup();
        let from_other = from.iter().any(|at| past.server(*at, &self.printer) != own);
        let routed = facts.is_routed && leaks.iter().any(|(_, way)| *way == Way::Body);
        let leaves = facts.actions.meets(carriers()) || is_outside(facts) || routed;
        // A request to this machine or network is work on one's own program, or a tunnel.
        let local = facts.flags & flag::INSIDE != 0 && !is_outside(facts);
        let stays = local || leaks.iter().all(|(_, way)| *way != Way::Out);
        let strength = match (leaves, from_other && !facts.local) {
            _ if leaks.is_empty() => return None,
            (true, _) if !stays => (Severity::Critical, 95),
            (true, _) | (false, true) => (Severity::Medium, 60),
            (false, false) => return None,
        };
        Some(finding::exfiltration(
            event,
            past,
            strength,
            &from,
            &flow.parts,
            did,
        ))
    }

    /// Numbers of cards and accounts that leave: not with a payment, in an argument for them, to
    /// their own server or host, or to those whom the head of the message names that they are from.
    /// Accounts are for telling others, so in a message there must be several.
    pub(crate) fn numbers(
        &self,
        event: &Event,
        past: &Past<'_>,
        facts: &Facts,
        flow: &Flow,
        did: &Did<'_>,
    ) -> Option<Finding> {
        let local = facts.flags & flag::INSIDE != 0 && !is_outside(facts);
        let leaves = facts.actions.meets(carriers()) || is_outside(facts);
        if flow.numbers.is_empty() || !leaves || local || facts.own.has(Action::Pay) {
            return None;
        }
        let own = self.printer.word(&event.server.name);
        let addressed = !facts.hosts.is_empty() || !facts.mails.is_empty();
        let foreign = addressed || facts.own.has(Action::Shell);
        let keyed = |text: &u16| {
            let text = event.texts.get(usize::from(*text));
            text.is_some_and(|text| self.lexicon.secrets.names_number(facts::key(&text.pointer)))
        };
        let known = |number: &Sent| {
            let memo = past.memos.get(number.at).and_then(Option::as_ref);
            let writes = |mail: &u32| memo.is_some_and(|memo| memo.hosts().any(|own| own == *mail));
            !facts.mails.is_empty() && facts.mails.iter().all(writes)
        };
        let home = |number: &Sent| match facts.hosts.is_empty() {
            true => !foreign && past.server(number.at, &self.printer) == own,
            false => facts.hosts.iter().all(|host| *host == number.host),
        };
        let out =
            |number: &&Sent| !home(number) && !known(number) && !number.texts.iter().all(keyed);
        let all: Vec<&Sent> = flow.numbers.iter().filter(out).collect();
        let mut different: Vec<u32> = all.iter().map(|number| number.first).collect();
        different.sort_unstable();
        different.dedup();
        let told = all.iter().any(|number| number.is_card)
            || (!facts.hosts.is_empty() && !all.is_empty())
            || different.len() >= MANY_ACCOUNTS;
        let mut from: Vec<usize> = all.iter().map(|number| number.at).collect();
        from.dedup();
        told.then(|| finding::numbers(event, past, &from, did))
    }

    /// Where the secret goes: back to the host or server that returned it, or to the host whose
    /// address it is part of (a login, an address to upload to, a link in a mail), or elsewhere.
    fn way(&self, event: &Event, past: &Past<'_>, facts: &Facts, leak: &Leak, own: u32) -> Way {
        let keyed = |text: &u16| {
            let text = event.texts.get(usize::from(*text));
            text.is_some_and(|text| {
                let key = facts::key(&text.pointer);
                self.lexicon.secrets.names_secret(key) || self.lexicon.usage.is_login_key(key)
            })
        };
        let shell = facts.own.has(Action::Shell);
        let logs_in = match shell {
            true => !self.carries(&facts.outward, leak),
            false => leak.texts.iter().all(keyed),
        };
        if !facts.hosts.is_empty() {
            let [part, returned] = leak.hosts;
            return if facts.hosts.iter().all(|host| *host == part) {
                Way::Home
            } else if !facts.hosts.iter().all(|host| *host == returned) {
                // What somebody who is told of events is to show that it is them.
                match logs_in && !shell && facts.own.has(Action::KeepSecret) {
                    true => Way::Body,
                    false => Way::Out,
                }
            } else if logs_in {
                Way::Home
            } else {
                // Many have an account at a large host.
                Way::Body
            };
        }
        // Where a command or mail goes is not the server's own affair.
        let foreign = shell || facts.flags & flag::INSIDE != 0;
        // `SECRET=… aws …` logs in where the program goes.
        let variable = shell && logs_in && !facts.outward.is_empty();
        match !foreign && past.server(leak.at, &self.printer) == own && logs_in {
            // The server may be one that asks any host.
            true if facts.is_routed => Way::Body,
            true => Way::Home,
            false if variable => Way::Body,
            false => Way::Out,
        }
    }

    /// Whether a text carries a print of the secret in some reading.
    pub(crate) fn carries(&self, text: &str, leak: &Leak) -> bool {
        if leak.is_short {
            // Small pieces are known as they are written only.
            let own = self.printer.shorts(text.as_bytes());
            return own.iter().any(|hash| leak.prints.contains(hash));
        }
        let (mut found, mut budget) = (false, MAX_READ);
        decode::readings(text.as_bytes(), &mut budget, &mut |bytes| {
            self.printer
                .grams_both_ways(bytes, |hash| found |= leak.prints.contains(&hash));
        });
        found
    }
}

/// Where a secret goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// To log in where it came from.
    Home,
    /// To the host that returned it, but not to log in; or by its server to another host.
    Body,
    /// To a person, as part of the link that it came in.
    Link,
    Out,
}

/// So many accounts in one message are a list of them. Chosen: an invoice gives one or two.
const MANY_ACCOUNTS: usize = 3;
/// Bytes of readings looked at.
const MAX_READ: usize = 64 * 1024;

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

fn other_server(event: &Event, past: &Past<'_>) -> bool {
    let mut servers = past.steps.iter().map(|step| step.server);
    servers.any(|server| server != event.server.name)
}
