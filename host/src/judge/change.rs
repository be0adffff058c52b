//! Changing a message: refused entries are cut out of lists, passages are redacted. The rest of the
//! bytes stays as it came.

use super::Judge;
use super::examine::{Examined, hidden_name};
use super::weigh::Weighed;
use crate::event::surface::Part;
use crate::event::{Direction, Event, Role, Text};
use crate::link::Link;
use crate::link::hidden::Full;
use crate::mcp::json::{self, Limits};
use crate::mcp::reply::Label;
use crate::mcp::splice::Splice;
use crate::policy::{Action, Decision};
use std::collections::BTreeSet;
use std::ops::Range;

/// What became of a message, and the tickets that go with it.
#[derive(Default)]
pub(super) struct Changed {
    /// The changed line; absent when nothing was to be changed.
    pub bytes: Option<Vec<u8>>,
    pub keep: Vec<(String, String)>,
    pub discard: Vec<String>,
}

impl Judge {
    /// Cuts refused entries out of lists and redacts passages.
    pub(super) fn change(
        &self,
        link: &mut Link,
        examined: &mut Examined,
        bytes: &[u8],
    ) -> Result<Changed, &'static str> {
        const CANNOT: &str = "the message could not be changed without making it ambiguous";
        // Forwarded as it came, it would only be called redacted.
        const NOTHING: &str = "there is nothing in the message that could be redacted";
        const MANY: &str = "more names were cut from lists than can be remembered as refused";
        let mut changed = Changed::default();
        let removed = |action| matches!(action, Action::Ask | Action::Deny);
        let entries = || {
            let parts = examined.parts.iter();
            parts.filter_map(|(part, weighed)| {
                let name = hidden_name(&weighed.event.kind, &weighed.event.name);
                (*part != Part::Whole).then_some((name, removed(weighed.decision.action)))
            })
        };
        let hidden: BTreeSet<String> = entries()
            .filter_map(|(name, removed)| removed.then_some(name))
            .collect();
        for name in &hidden {
            link.hide(name).map_err(|Full| MANY)?;
            changed.keep.push(Link::hidden_ticket(name));
        }
        for (name, _) in entries() {
            // Of two entries of a name one may have been refused: calling it could reach either.
            if !hidden.contains(&name) && link.unhide(&name) {
                changed.discard.push(Link::hidden_key(&name));
            }
        }
        let touched = |action| matches!(action, Action::Redact | Action::Ask | Action::Deny);
        if !examined
            .parts
            .iter()
            .any(|(_, weighed)| touched(weighed.decision.action))
        {
            return Ok(changed);
        }
        let limits = Limits {
            max_bytes: self.limits.max_frame_bytes,
            ..Limits::default()
        };
        let root = json::parse(bytes, &limits).map_err(|_| CANNOT)?;
        let mut splice = Splice::new(bytes);
        // Something was to be redacted in which nothing is anybody's.
        let mut idle = false;
        let mut edits = 0;
        let mut first: Option<Decision> = None;
        for (part, weighed) in &examined.parts {
            let action = weighed.decision.action;
            match (part, action) {
                (Part::Entry { array, index }, Action::Ask | Action::Deny) => {
                    let list = root.pointer(array).ok_or(CANNOT)?;
                    splice.remove(list, *index).map_err(|_| CANNOT)?;
                }
                (_, Action::Redact) => {
                    let passages = self.passages(weighed);
                    if passages.is_empty() && says_nothing(weighed) {
                        idle = true;
                        continue;
                    }
                    if passages.is_empty() {
                        return Err(NOTHING);
                    }
                    for (literal, passage, rule) in passages {
                        let placeholder = format!("[redacted: {}]", Label::new(rule));
                        let redacted = match passage {
                            Some(passage) => splice.redact(literal, passage, &placeholder),
                            None => splice.redact_whole(literal, &placeholder),
                        };
                        redacted.map_err(|_| CANNOT)?;
                    }
                }
                _ => continue,
            }
            edits += 1;
            first.get_or_insert_with(|| weighed.decision.clone());
        }
        if idle && edits == 0 {
            return Err(NOTHING);
        }
        if edits > 0 {
            // Made for this client: a shared cache must not hand it to others.
            //
            // Source: MCP 2026-07-28, caching.
            let shared = root.pointer("/result/cacheScope");
            if let Some(scope) = shared.filter(|scope| scope.as_str() == Some("public")) {
                let private = splice.replace(scope.span.clone(), br#""private""#);
                private.map_err(|_| CANNOT)?;
            }
            let mut line = splice.finish().map_err(|_| CANNOT)?;
            line.push(b'\n');
            changed.bytes = Some(line);
            if let Some(mut decision) = first {
                decision.losers.insert(
                    0,
                    (examined.decision.rule.clone(), examined.decision.action),
                );
                decision.action = Action::Redact;
                examined.decision = decision;
            }
        }
        Ok(changed)
    }

    /// What a redaction replaces: what findings point at; where a rule of the policy that names no
    /// finding asks for it, or nothing is pointed at, every text on its way to the client. No
    /// passage means all of the literal, which may be longer than the text that was kept of it.
    fn passages<'w>(&self, weighed: &'w Weighed) -> Vec<Passage<'w>> {
        let (event, rule) = (&weighed.event, weighed.decision.rule.as_str());
        let pointed = weighed.findings.iter().flat_map(|finding| {
            finding.spans.iter().filter_map(|span| {
                let text = event.texts.get(span.text)?;
                let rule = finding.rule.as_str();
                Some(match text.literal.clone() {
                    Some(literal) => (literal, Some(span.start..span.end), rule),
                    None => (holder(event, text)?, None, rule),
                })
            })
        });
        let pointed: Vec<_> = pointed.collect();
        let by_findings = rule.starts_with("finding:") || self.policy().names_findings(rule);
        if event.direction == Direction::ToServer || (by_findings && !pointed.is_empty()) {
            return pointed;
        }
        let all = event.texts.iter().filter(|text| event.may_redact(text));
        all.filter_map(|text| Some((text.literal.clone()?, None, rule)))
            .collect()
    }
}

/// Whether nothing in what came is anybody's, such as what stands beside the entries of a list.
fn says_nothing(weighed: &Weighed) -> bool {
    let event = &weighed.event;
    event.direction == Direction::ToClient
        && weighed.findings.is_empty()
        && event.texts.iter().all(|text| event.is_fixed(text))
}

/// A literal, the passage of it, and the rule that asks.
type Passage<'w> = (Range<usize>, Option<Range<usize>>, &'w str);

/// The literal in which a text stands that has no place of its own: what media says, or JSON in a
/// string.
fn holder(event: &Event, text: &Text) -> Option<Range<usize>> {
    let holds = |other: &&Text| {
        let below = text.pointer.strip_prefix(other.pointer.as_str());
        other.role != Role::Key
            && other.literal.is_some()
            && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    let holders = event.texts.iter().filter(holds);
    let nearest = holders.max_by_key(|other| other.pointer.len())?;
    nearest.literal.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Server;
    use crate::event::place::{Case, NoLinks, Places};
    use crate::event::surface::{Asked, Context, of_result, room};

    /// Which strings of a tool's result a rule that names no finding would leave.
    fn left(json: &str) -> Vec<String> {
        let places = Places {
            home: "/home/u".into(),
            ours: vec![],
            case: Case::Sensitive,
            links: Box::new(NoLinks),
        };
        let context = Context {
            id: "c1".into(),
            at_ms: 1,
            link: String::new(),
            client: String::new(),
            server: Server::default(),
            direction: Direction::ToClient,
            cwd: "/",
            places: &places,
            beside: Vec::new(),
            room: room(),
        };
        let asked = Asked {
            method: "tools/call".into(),
            name: "t".into(),
            deferred: None,
        };
        let root = json::parse(json.as_bytes(), &Limits::default()).unwrap();
        let event = of_result(&context, &asked, &root).remove(0).event;
        let texts = event.texts.iter();
        let kept = texts.filter(|text| text.role != Role::Key && !event.may_redact(text));
        kept.map(|text| text.original.clone()).collect()
    }

    #[test]
    fn a_redaction_leaves_what_makes_a_message_one_and_no_value_that_was_chosen() {
        assert_eq!(
            left(
                r#"{"content":[{"type":"text","text":"secret 1"}],"status":"completed","nextCursor":"p2","_meta":{"x":"s"}}"#
            ),
            ["text", "completed", "p2"]
        );
        assert_eq!(
            left(
                r#"{"status":"secret 2","mode":{"x":"secret 3"},"lastModified":["secret 4"],"mimeType":"secret 5","content":[{"type":"secret 6","cursor":"secret7"}]}"#
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_has_no_place_of_its_own_is_somebodys_all_the_same() {
        let mut weighed = crate::judge::ask::tests::part(0, Action::Redact);
        weighed.event.direction = Direction::ToClient;
        weighed.findings.clear();
        for (role, nothing) in [(Role::Key, true), (Role::Content, false)] {
            weighed.event.texts = vec![Text {
                pointer: "/result/blob".into(),
                role,
                original: "x".into(),
                canonical: None,
                literal: None,
            }];
            assert_eq!(says_nothing(&weighed), nothing);
        }
    }

    #[test]
    fn what_media_says_is_redacted_with_the_media() {
        let event = {
            let text = |pointer: &str, role: Role, literal: Option<Range<usize>>| Text {
                pointer: pointer.into(),
                role,
                original: "x".into(),
                canonical: None,
                literal,
            };
            let mut event = crate::judge::ask::tests::part(0, Action::Redact).event;
            event.texts = vec![
                text("/result/blob", Role::Content, None),
                text("/result/blob", Role::Token, Some(5..9)),
                text("/params/a", Role::Argument, Some(20..30)),
                text("/params/a/b", Role::Key, None),
                text("/params/a/b", Role::Argument, None),
                text("/params/ab", Role::Argument, None),
            ];
            event
        };
        let held: Vec<_> = event
            .texts
            .iter()
            .map(|text| holder(&event, text))
            .collect();
        let (blob, json) = (Some(5..9), Some(20..30));
        assert_eq!(
            held,
            [blob.clone(), blob, json.clone(), json.clone(), json, None]
        );
    }
}
