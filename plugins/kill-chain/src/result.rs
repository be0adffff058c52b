//! What a result leaves: the secrets it holds, the private passages, the orders it gives.

use clawdefender_sdk::{Event, Kind};

use crate::KillChain;
use crate::action::{Action, Place, flag};
use crate::definition;
use crate::facts;
use crate::memo::{self, Memo, Secret, Seen};
use crate::mention::Spots;
use crate::order::{Order, sign};
use crate::past::Past;
use crate::pieces;
use crate::print::settle;
use crate::reader::Reader;
use crate::secret::{Hunt, Number, is_environment};
use crate::words::{parts, words};

/// A text of more words is no single secret, unless a place for credentials held it.
const MAX_SINGLE_WORDS: usize = 8;
const MAX_SINGLE: usize = 200;

/// Bytes of an answer that only says that something was sent, and numbers kept of it. Chosen.
const MAX_RECEIPT: usize = 600;
const MAX_NUMBERS: usize = 6;

impl KillChain {
    pub(crate) fn result(&self, event: &Event, past: &Past<'_>) -> Option<Vec<u8>> {
        let defined = self.defined(event, &past.memos);
        let mut facts = facts::of_result(event, &self.lexicon, &self.printer, defined);
        let asks = |memo: &Seen<'_>| memo.actions.has(Action::ReadSecret);
        let asked = facts.actions.has(Action::ReadSecret) || past.answers(event, facts.tool, asks);
        let credential = Place::Credential.bit();
        let placed = past.answers(event, facts.tool, |memo| {
            asks(memo) && memo.places & credential != 0
        });
        if placed {
            facts.places |= credential;
        }
        if past.answers(event, facts.tool, |memo| memo.is(flag::LED)) {
            facts.flags |= flag::LED;
        }
        let question = past.question(event, facts.tool);
        if question.is_some_and(|call| call.is(flag::INSIDE) || call.hosts().len() > 0) {
            facts.flags |= flag::CLOSES;
        }
        // What this machine or network serves is no public page.
        if question.is_some_and(|call| call.is(flag::INSIDE) && !call.is(flag::OUTSIDE)) {
            facts.flags &= !flag::PUBLIC;
        }
        let private = facts.flags & flag::PUBLIC == 0;
        if question.is_some_and(|call| call.is(flag::LOGS_IN)) {
            facts.flags = (facts.flags & !flag::PUBLIC) | flag::CLOSES;
        }
        if asked {
            facts.actions.add(Action::ReadSecret);
            facts.flags = (facts.flags & !flag::PUBLIC) | flag::CLOSES;
        }
        // A page by the tool's definition: nobody's secret, though it is not called public.
        let page =
            defined.has(Action::Fetch) && !defined.union(facts.own).has(Action::ReadUntrusted);
        let private = (asked || private)
            && ((facts.actions.has(Action::ReadUntrusted) && !page)
                || facts.flags & flag::LED != 0
                || past.memos.iter().flatten().any(gives_place));
        let mut memo = Memo {
            flags: facts.flags,
            places: facts.places,
            tool: facts.tool,
            ..Memo::default()
        };
        let host = question.and_then(|call| {
            let mut hosts = call.hosts();
            hosts.next().filter(|_| hosts.next().is_none())
        });
        // What a server calls its own resource is no sign: only what the agent asked for is.
        let guides = question.is_some_and(|call| call.is(flag::GUIDE));
        let mut reader = Reader::new(&self.vocabulary, &self.printer);
        let mut prints = 0;
        let (mut mentions, mut short, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for text in &event.texts {
            let seen = facts::seen(text);
            let mut hunt = Hunt::new(seen, &self.lexicon.secrets, asked);
            let least = self.lexicon.secrets.shortest();
            let mut spots = Spots::new();
            let fields = reader.fields();
            reader.read(seen, least, |word| {
                hunt.look(word);
                self.spot(seen, word, &mut spots);
            });
            if event.kind != Kind::PromptContent && !guides {
                reader.hear(seen, fields, &self.tone.passages(seen));
            }
            self.mentions(seen, &spots, &mut mentions);
            numbers.extend(
                hunt.numbers().filter_map(|(range, number)| {
                    self.number(seen.get(range.clone())?, number, host)
                }),
            );
            for range in hunt.found() {
                if prints >= memo::MAX_PRINTS || memo.secrets.len() >= memo::MAX_SECRETS {
                    break;
                }
                let value = seen.get(range.clone()).unwrap_or_default();
                let mut secret = Secret::default();
                self.printer.keep(value, &mut secret.prints);
                settle(&mut secret.prints, memo::MAX_OWN_PRINTS);
                let part = self.host_around(seen, range.start);
                // What stands beside an address logs in there as at the host that returned it, but
                // not where somebody else may have written the address.
                let beside = || match part == 0 && !facts.actions.has(Action::ReadUntrusted) {
                    true => self.host_beside(seen, range.start),
                    false => 0,
                };
                secret.hosts = [part, host.unwrap_or_else(beside)];
                prints += secret.prints.len();
                let known = memo
                    .secrets
                    .iter_mut()
                    .find(|own| own.prints == secret.prints);
                match known {
                    Some(own) if own.hosts[0] == 0 && part != 0 => own.hosts = secret.hosts,
                    // Beside different addresses it is for none of them.
                    Some(own) if own.hosts[1] != secret.hosts[1] => own.hosts[1] = 0,
                    Some(_) => {}
                    None if secret.prints.is_empty() => {}
                    None => {
                        if short.len() < pieces::MAX_SHORT && facts.flags & flag::PUBLIC == 0 {
                            short.extend(pieces::short(value, &secret, &self.printer));
                        }
                        memo.secrets.push(secret);
                    }
                }
            }
            if private {
                self.printer.keep_passages(seen, &mut memo.content);
                let room = memo::MAX_HOSTS - memo.hosts.len();
                memo.hosts
                    .extend(self.correspondents(seen, &spots).take(room));
            }
        }
        memo.orders = reader.finish();
        if guides {
            let called = |order: &mut Order| order.signs &= !sign::CALLED;
            memo.orders.iter_mut().for_each(called);
        }
        // The number of what was sent outside, by which it could be wiped.
        if question.is_some_and(|call| call.actions.has(Action::Send) && call.is(flag::CLOSES)) {
            self.receipt(event, &mut memo);
            memo.flags |= flag::CLOSES;
            if !memo.objects.is_empty() {
                facts.actions.add(Action::Send);
                memo.flags |= flag::OUTSIDE;
            }
        }
        if event.kind == Kind::PromptContent {
            memo.orders.retain(definition::is_loud);
        } else {
            memo.orders.extend(mentions);
        }
        // Nothing in it has the shape of a secret, but it was asked of a place for secrets.
        if asked && memo.secrets.is_empty() {
            let whole = event.texts.iter().map(facts::seen);
            let whole = whole.filter(|text| is_secret_whole(text, placed));
            memo.secrets = whole.filter_map(|text| self.whole(text)).collect();
        }
        // A secret is looked for as one, and not as a passage.
        let secret = |hash: &u32| memo.secrets.iter().any(|own| own.prints.contains(hash));
        memo.content.retain(|hash| !secret(hash));
        settle(&mut memo.content, memo::MAX_CONTENT);
        if !memo.secrets.is_empty() && memo.flags & flag::PUBLIC == 0 {
            memo.flags |= flag::SECRET;
        }
        memo.secrets.extend(short);
        memo.secrets.extend(numbers);
        memo.actions = facts.actions;
        self.worth(memo, event, past)
    }

    /// Keeps what a short answer calls what was sent.
    fn receipt(&self, event: &Event, memo: &mut Memo) {
        let texts = event.texts.iter().map(facts::seen);
        for text in texts.filter(|text| text.len() <= MAX_RECEIPT) {
            let words = words(text).flat_map(|word| parts(word.bare(text)));
            let numbers = words.filter(|part| {
                part.len() >= 4
                    && part.len() <= 64
                    && part.bytes().any(|byte| byte.is_ascii_digit())
            });
            let room = MAX_NUMBERS.saturating_sub(memo.objects.len());
            memo.objects
                .extend(numbers.take(room).map(|part| self.printer.word(part)));
        }
        settle(&mut memo.objects, MAX_NUMBERS);
    }

    /// The prints of the number of a card or account, which `host` returned.
    fn number(&self, value: &str, number: Number, host: Option<u32>) -> Option<Secret> {
        let mut prints = Vec::new();
        self.printer.keep(value, &mut prints);
        settle(&mut prints, memo::MAX_OWN_PRINTS);
        (!prints.is_empty()).then(|| Secret {
            stride: match number {
                Number::Card => memo::CARD,
                Number::Account => memo::ACCOUNT,
            },
            hosts: [0, host.unwrap_or(0)],
            prints,
        })
    }

    /// The prints of a text that is a secret as a whole.
    fn whole(&self, text: &str) -> Option<Secret> {
        let mut prints = Vec::new();
        self.printer.keep(text, &mut prints);
        settle(&mut prints, usize::MAX);
        let stride = prints.len().div_ceil(memo::MAX_OWN_PRINTS);
        prints.truncate(memo::MAX_OWN_PRINTS);
        (!prints.is_empty()).then(|| Secret {
            stride: u8::try_from(stride)
                .unwrap_or(u8::MAX)
                .min(memo::ACCOUNT - 1),
            hosts: [0, 0],
            prints,
        })
    }
}

/// Whether it holds an order with an address, to which may go what is read now.
fn gives_place(memo: &Seen<'_>) -> bool {
    memo.orders()
        .any(|order| order.signs & sign::PLACE != 0 && order.signs & sign::MENTION == 0)
}

/// Whether a text that holds nothing of a secret's shape is one all the same.
fn is_secret_whole(text: &str, placed: bool) -> bool {
    let single = text.len() <= MAX_SINGLE && text.split_whitespace().count() <= MAX_SINGLE_WORDS;
    !is_environment(text) && (placed || single)
}
