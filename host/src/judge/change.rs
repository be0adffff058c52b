//! Changing a message: refused entries are cut out of lists, passages are redacted. The rest of the
//! bytes stays as it came.

use super::Judge;
use super::examine::Examined;
use crate::event::surface::Part;
use crate::link::Link;
use crate::mcp::json::{self, Limits};
use crate::mcp::reply::Label;
use crate::mcp::splice::Splice;
use crate::policy::{Action, Decision};

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
        let mut changed = Changed::default();
        let touched = |action| matches!(action, Action::Redact | Action::Ask | Action::Deny);
        if !examined
            .parts
            .iter()
            .any(|(_, weighed)| touched(weighed.decision.action))
        {
            for (part, weighed) in &examined.parts {
                if *part != Part::Whole && link.unhide(&weighed.event.name) {
                    changed.discard.push(Link::hidden_key(&weighed.event.name));
                }
            }
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
                    link.hide(&weighed.event.name);
                    changed.keep.push(Link::hidden_ticket(&weighed.event.name));
                }
                (_, Action::Redact) => {
                    for finding in &weighed.findings {
                        for span in &finding.spans {
                            let text = weighed.event.texts.get(span.text).ok_or(CANNOT)?;
                            let literal = text.literal.clone().ok_or(CANNOT)?;
                            let placeholder = format!("[redacted: {}]", Label::new(&finding.rule));
                            splice
                                .redact(literal, span.start..span.end, &placeholder)
                                .map_err(|_| CANNOT)?;
                        }
                    }
                }
                _ => continue,
            }
            edits += 1;
            first.get_or_insert_with(|| weighed.decision.clone());
        }
        if edits > 0 {
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
}
