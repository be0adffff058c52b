//! Changing a message: refused entries are cut out of lists, passages are redacted. The rest of the
//! bytes stays as it came.

use super::Judge;
use super::examine::{Examined, hidden_name};
use super::weigh::Weighed;
use crate::event::Direction;
use crate::event::surface::Part;
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
                    // Forwarded as it came, it would only be called redacted.
                    if passages.is_empty() {
                        return Err("there is nothing in the message that could be redacted");
                    }
                    for (literal, passage, rule) in passages {
                        let placeholder = format!("[redacted: {}]", Label::new(rule));
                        let redacted = splice.redact(literal, passage, &placeholder);
                        redacted.map_err(|_| CANNOT)?;
                    }
                }
                _ => continue,
            }
            edits += 1;
            first.get_or_insert_with(|| weighed.decision.clone());
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
    /// finding asks for it, or nothing is pointed at, every text on its way to the client.
    fn passages<'w>(&self, weighed: &'w Weighed) -> Vec<(Range<usize>, Range<usize>, &'w str)> {
        let (event, rule) = (&weighed.event, weighed.decision.rule.as_str());
        let pointed = weighed.findings.iter().flat_map(|finding| {
            finding.spans.iter().filter_map(|span| {
                let literal = event.texts.get(span.text)?.literal.clone()?;
                Some((literal, span.start..span.end, finding.rule.as_str()))
            })
        });
        let pointed: Vec<_> = pointed.collect();
        let by_findings = rule.starts_with("finding:") || self.policy().names_findings(rule);
        if event.direction == Direction::ToServer || (by_findings && !pointed.is_empty()) {
            return pointed;
        }
        let all = event.texts.iter().filter(|text| event.may_redact(text));
        all.filter_map(|text| Some((text.literal.clone()?, 0..text.original.len(), rule)))
            .collect()
    }
}
