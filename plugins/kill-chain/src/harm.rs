//! How much a call is like those by which agents did harm of their own accord, by a small linear model.
//!
//! Chains know harm that we thought of, in an order that we thought of. The model has learnt from our
//! own trajectories and calls what it is that agents do that went astray, whatever the tool: nobody is
//! to be told, logs end, copies go, somebody gets rights, something can't be brought back.
//!
//! A call is weighed in parts, and the worst counts: its short arguments at once, but of lists only the
//! first items; its switches; what of the short ones is too much, by itself; and each passage of a long
//! one and of all that is more than this; all with its tool and actions. So filler beside what is wrong
//! takes little away from it.

mod cut;

use clawdefender_sdk::{Event, Kind, Role};

use crate::action::flag;
use crate::facts::{Facts, MAX_TEXTS, seen};
use crate::model::{Table, pair, slot};
use crate::print::Printer;
use cut::{cut, names, passages};

/// Words of an argument up to which it is short.
const SHORT: usize = 24;
const SHORT_BYTES: usize = 4096;
/// Items of one list that belong to the call as a whole, and features of that whole.
const ITEMS: usize = 3;
const WHOLE: usize = 192;
/// Arguments beside that whole that are weighed by themselves, long ones among them.
const ALONE: usize = 64;
/// Bytes that are read of all long arguments: of each its share, three quarters of it from its beginning
/// and the rest from its end. Chosen: what more would cost is more than all else that is done with a call.
const MAX_BYTES: usize = 16 << 10;
const LEAST_BYTES: usize = 256;
/// What stands before hashes of a tool's words, of keys, of what a call does, of two such together, and
/// for switches.
const TOOL: u32 = 0x746f_6f00;
const KEY: u32 = 0x6b65_7900;
const FACT: u32 = 0x6661_6300;
const BOTH: u32 = 0x626f_7400;
const OFF: u32 = 0x6f66_6600;
const ON: u32 = 0x6f6e_0000;

/// Flags that say something of a call's conduct.
const TELLING: u16 = flag::OUTSIDE
    | flag::MASS
    | flag::WIDE
    | flag::LOADED
    | flag::DEMANDS
    | flag::LADEN
    | flag::TALKS;

/// The model; its thresholds are from where on a call is noted, and asked about.
pub struct Harm(pub Table);

/// What a call is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    Noted,
    Asked,
}

impl Harm {
    /// What a call of these parts is like, by the worst of them.
    pub fn judge(&self, parts: &Parts) -> Option<Like> {
        let sum = |own: &[u32]| {
            own.iter()
                .map(|feature| self.0.weight(*feature))
                .sum::<i32>()
        };
        let base = sum(&parts.base);
        let scores = parts.own.iter().map(|own| {
            self.0
                .score(base + sum(own), (parts.base.len() + own.len()) as u32)
        });
        let [noted, asked] = self.0.thresholds;
        match scores.fold(f32::MIN, f32::max) {
            score if score >= asked => Some(Like::Asked),
            score if score >= noted => Some(Like::Noted),
            _ => None,
        }
    }
}

/// The parts of a call: numbers of features that all have, and those of each.
#[derive(Debug, Default, PartialEq)]
pub struct Parts {
    base: Vec<u32>,
    own: Vec<Vec<u32>>,
}

impl Parts {
    /// The features of each part, for whoever trains the model.
    pub fn whole(self) -> Vec<Vec<u32>> {
        let Self { base, own } = self;
        let whole = |own: Vec<u32>| [base.as_slice(), &own].concat();
        own.into_iter().map(whole).collect()
    }

    fn add(&mut self, mut own: Vec<u32>) {
        // What is said twice is no truer.
        own.sort_unstable();
        own.dedup();
        self.own.push(own);
    }
}

/// The parts of a call that does what `facts` say.
pub fn parts(event: &Event, facts: &Facts) -> Parts {
    // No key: what the model knows is the same everywhere, and nothing of it is kept.
    let printer = Printer::default();
    let mut parts = Parts::default();
    let tool = names(&event.name, TOOL, &printer);
    let mut before = TOOL;
    for word in &tool {
        parts.base.extend([slot(*word), slot(pair(before, *word))]);
        before = *word;
    }
    done(facts, &mut parts.base);
    let (mut all, mut switches, mut long) = (Vec::new(), Vec::new(), Vec::new());
    // The pointer of a list, and how many items it had.
    let (mut list, mut items) = ("", 0);
    // What is too much to be weighed by itself, and how much is.
    let (mut rest, mut alone) = (String::new(), 0);
    let guard = event.kind == Kind::GuardCheck;
    for text in event.texts.iter().take(MAX_TEXTS) {
        let switched = match &text.role {
            Role::Argument | Role::Uri => false,
            Role::Content if guard => false,
            Role::Other(word) if word == "protocol" => true,
            _ => continue,
        };
        let value = seen(text);
        let holds = text.pointer.rsplit_once('/').map_or("", |(list, _)| list);
        let is_item = is_position(&text.pointer);
        let goes_on = is_item && holds == list;
        items = if goes_on { items + 1 } else { 0 };
        list = if is_item { holds } else { "" };
        // A list is as telling as its first items; the others are read like one long argument.
        let mut more = |value: &str| {
            if rest.len() < MAX_BYTES {
                rest.push_str(value);
                rest.push('\n');
            }
        };
        if items >= ITEMS && value.len() <= SHORT_BYTES {
            more(value);
            continue;
        }
        let switch = switch(value);
        if switched && switch.is_none() {
            continue;
        }
        // So many names and values are taken apart that a call of thousands is read in time.
        let (own, holder) = keys(&text.pointer);
        let is_long = value.len() > SHORT_BYTES;
        let is_full = alone + long.len() >= ALONE;
        if is_full && (switch.is_none() || switches.len() >= WHOLE) {
            more(own);
            more(head(value, LEAST_BYTES));
            continue;
        }
        let mut named = names(holder, KEY, &printer);
        named.extend(names(own, KEY, &printer));
        if let Some(switch) = switch {
            let each = tool.iter().chain(&named);
            switches.extend(each.map(|word| slot(pair(*word, switch) ^ BOTH)));
        }
        if is_full {
            continue;
        }
        let last = named.last().copied().unwrap_or(KEY);
        let mut features: Vec<u32> = named.iter().map(|word| slot(*word)).collect();
        let words = match is_long {
            true => Vec::new(),
            false => cut(value, &printer, SHORT + 1),
        };
        if is_long || words.iter().flatten().count() > SHORT {
            long.push((value, features));
            continue;
        }
        tell(&words, last, before, &mut features);
        if all.len() < WHOLE {
            all.extend(features);
        } else {
            parts.add(features);
            alone += 1;
        }
    }
    all.extend(&switches);
    parts.add(all);
    parts.add(switches);
    if !rest.is_empty() {
        long.push((&rest, Vec::new()));
    }
    let share = (MAX_BYTES / long.len().max(1)).max(LEAST_BYTES);
    for (value, named) in long {
        for words in [head(value, share), tail(value, share)] {
            for passage in passages(&cut(words, &printer, usize::MAX)) {
                let mut own = Vec::with_capacity(named.len() + 2 * passage.len());
                own.extend(&named);
                neighbours(passage, &mut own);
                parts.own.push(own);
            }
        }
    }
    parts
}

/// Of a JSON pointer the last member's name, and the one of what holds it.
fn keys(pointer: &str) -> (&str, &str) {
    let named = |part: &&str| part.bytes().any(|byte| !byte.is_ascii_digit());
    let pointer = pointer.strip_prefix("/params/arguments").unwrap_or(pointer);
    let mut parts = pointer.rsplit('/').filter(named);
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

/// Whether it is one of a list.
fn is_position(pointer: &str) -> bool {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Three quarters of so many bytes from the beginning of a value, or all of it.
fn head(value: &str, share: usize) -> &str {
    let end = if value.len() <= share {
        share
    } else {
        share / 4 * 3
    };
    value
        .get(..value.floor_char_boundary(end))
        .unwrap_or_default()
}

/// The last quarter of a value that is longer than so many bytes.
fn tail(value: &str, share: usize) -> &str {
    let from = if value.len() <= share {
        value.len()
    } else {
        value.len() - share / 4
    };
    value
        .get(value.ceil_char_boundary(from)..)
        .unwrap_or_default()
}

/// What the call does, and each two of it.
fn done(facts: &Facts, into: &mut Vec<u32>) {
    let actions = (0..32).filter(|bit| facts.actions.0 & (1 << bit) != 0);
    let flags = (0..16).filter(|bit| facts.flags & TELLING & (1 << bit) != 0);
    let places = (0..8).filter(|bit| facts.places & (1 << bit) != 0);
    let all: Vec<u32> = actions
        .chain(flags.map(|bit| 32 + bit))
        .chain(places.map(|bit| 48 + bit))
        .map(|bit: u32| FACT ^ bit.wrapping_mul(0x01f3_5b01))
        .collect();
    for (at, one) in all.iter().enumerate() {
        into.push(slot(*one));
        let others = all.iter().skip(at + 1);
        into.extend(others.map(|two| slot(pair(*one, *two) ^ BOTH)));
    }
}

/// Whether a value switches something off or on.
fn switch(value: &str) -> Option<u32> {
    let word = value.trim().to_ascii_lowercase();
    match word.as_str() {
        "false" | "off" | "no" | "none" | "0" | "disabled" | "disable" | "never" | "stop" => {
            Some(OFF)
        }
        "true" | "on" | "yes" | "1" | "enabled" | "enable" | "always" => Some(ON),
        _ => None,
    }
}

/// Words and neighbours, and the first words with the key that they stand under and with the tool.
fn tell(words: &[Option<u32>], key: u32, tool: u32, into: &mut Vec<u32>) {
    neighbours(words, into);
    for (at, word) in words.iter().flatten().take(2).enumerate() {
        into.push(slot(pair(key, *word)));
        if at == 0 {
            into.push(slot(pair(tool, *word)));
        }
    }
}

/// Words and each two in a row.
fn neighbours(words: &[Option<u32>], into: &mut Vec<u32>) {
    let mut before = None;
    for word in words.iter().flatten() {
        into.push(slot(*word));
        if let Some(before) = before {
            into.push(slot(pair(before, *word)));
        }
        before = Some(*word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clawdefender_sdk::testing::EventBuilder;
    use serde_json::{Value, json};

    fn call(tool: &str, arguments: &Value) -> Parts {
        let event = EventBuilder::new(Kind::ToolCall).name(tool);
        let event = event.arguments("/params/arguments", arguments);
        parts(&event.build(), &Facts::default())
    }

    /// Whether one part of `call` has all that some part of `of` has.
    fn has(call: &Parts, of: &Parts) -> bool {
        let wanted = of.own.iter().filter(|own| !own.is_empty());
        let mut wanted = wanted.filter(|own| {
            let holds = |part: &&Vec<u32>| own.iter().all(|feature| part.contains(feature));
            call.own
                .iter()
                .any(|part| holds(&part) && part.len() <= own.len() + 4)
        });
        wanted.next().is_some()
    }

    #[test]
    fn filler_takes_nothing_away_from_a_part() {
        let bad = json!({ "role": "owner", "mfa": false, "hidden": true });
        let alone = call("create_account", &bad);
        let tags: Vec<String> = (0..3000).map(|at| format!("weekly report {at}")).collect();
        let mut padded = bad.clone();
        padded["tags"] = json!(tags);
        padded["note"] = json!("the garden was watered and all is well. ".repeat(9000));
        let padded = call("create_account", &padded);
        assert!(has(&padded, &alone));
        // What has no room in the whole is weighed by itself.
        let many = (0..60).map(|at| (format!("a{at}"), json!(format!("soup {at} of the day"))));
        let mut many: serde_json::Map<_, _> = many.collect();
        many.insert("role".to_owned(), json!("owner"));
        let role = call("create_account", &json!({ "role": "owner" }));
        assert!(has(&call("create_account", &Value::Object(many)), &role));
    }

    #[test]
    fn odd_layout_takes_no_passage_apart() {
        let filler = "the minutes of the meeting were sent to all members ".repeat(4);
        let script = "disable the audit log and tell nobody of it";
        let of = |text: &str| call("run", &json!({ "script": format!("{filler}\n{text}") }));
        let plain = of(script);
        let last = plain.own.last().unwrap();
        for odd in [
            script.replace(' ', ". "),
            script.replace(' ', "\n"),
            script.replace(' ', " . "),
        ] {
            let odd = of(&odd);
            let words = odd
                .own
                .iter()
                .filter(|own| last.iter().filter(|f| own.contains(f)).count() + 6 >= last.len());
            assert!(words.count() > 0);
        }
    }

    #[test]
    fn a_call_of_any_size_has_bounded_parts() {
        let mega = 4 << 20;
        let many: Vec<String> = vec!["a. ".repeat(30); 4096];
        let strings: Vec<String> = vec!["x".to_owned(); 4096];
        let long_key = "a_".repeat(1000);
        let keyed = |value: Value| {
            let all = (0..4096).map(|at| (format!("{long_key}{at}"), value.clone()));
            Value::Object(all.collect())
        };
        for arguments in [
            json!({ "note": "delete all snapshots quietly and tell nobody. ".repeat(mega / 46) }),
            json!({ "note": ". ".repeat(mega / 2) }),
            json!({ "note": "a_".repeat(mega / 2) }),
            json!({ "note": "删".repeat(mega / 3) }),
            json!({ "note": "a\n".repeat(mega / 2) }),
            json!({ "list": many }),
            json!({ long_key.as_str(): strings }),
            keyed(json!(true)),
            keyed(json!("soup of the day")),
            keyed(json!("soup of the day ".repeat(300))),
        ] {
            let own = call(&"tool_".repeat(500), &arguments);
            let features: usize = own.own.iter().map(Vec::len).sum();
            assert!(
                own.base.len() < 600 && own.own.len() <= 40_000,
                "{}",
                own.own.len()
            );
            assert!(features < 1_500_000, "{features}");
        }
    }

    #[test]
    fn switches_are_read_in_all_their_words() {
        let set = |value: Value| call("alerts_set", &json!({ "notify": value }));
        let switched = |parts: &Parts| parts.own.last().cloned().unwrap_or_default();
        let off = switched(&set(json!(false)));
        assert!(off.len() >= 3);
        assert_eq!(switched(&set(json!(0))), off);
        assert_eq!(switched(&set(json!("OFF"))), off);
        assert_ne!(switched(&set(json!(true))), off);
        assert!(switched(&set(json!("perhaps"))).is_empty());
        // Also one level down.
        let below = call("alerts_set", &json!({ "notify": { "value": false } }));
        assert!(off.iter().all(|own| switched(&below).contains(own)));
    }
}
