//! Believes nothing a detector hands back: every length, name, number and span is checked here.
//!
//! One wrong value refuses the whole report: half a report from a part that lies is no report.

use super::bindings::api;
use super::{Step, detector::Facts};
use crate::event::{Category, Event, Finding, Severity, Span};
use std::sync::Arc;

/// Chosen: more than anyone reads, little enough to record.
const MAX_FINDINGS: usize = 64;
const MAX_SPANS: usize = 64;
const MAX_STEPS: usize = 64;
const MAX_REFS: usize = 16;
const MAX_ATTRS: usize = 64;
/// Of one finding.
const MAX_FINDING_ATTRS: usize = 16;
const MAX_MESSAGE_BYTES: usize = 512;
const MAX_WORD_BYTES: usize = 256;

/// A report that passed.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub findings: Vec<Finding>,
    pub memo: Option<Vec<u8>>,
    pub attrs: Vec<(String, String)>,
}

/// Checks a report against the contract and the event it speaks about.
///
/// # Errors
/// A sentence for the record: what is wrong.
pub(super) fn report(
    facts: &Facts,
    event: &Event,
    recent: &[Arc<Step>],
    report: api::Report,
) -> Result<Answer, String> {
    at_most("findings", report.findings.len(), MAX_FINDINGS)?;
    at_most("attributes", report.attrs.len(), MAX_ATTRS)?;
    if let Some(memo) = &report.memo {
        at_most("memo bytes", memo.len(), facts.memo_bytes)?;
    }
    for (name, value) in &report.attrs {
        word("attribute", name)?;
        word("attribute", value)?;
    }
    let findings = report
        .findings
        .into_iter()
        .map(|raw| finding(facts, event, recent, raw))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer {
        findings,
        memo: report.memo,
        attrs: report.attrs,
    })
}

fn finding(
    facts: &Facts,
    event: &Event,
    recent: &[Arc<Step>],
    raw: api::Finding,
) -> Result<Finding, String> {
    if !facts.rules.contains(&raw.rule) {
        return Err("a finding names a rule that the detector did not declare".into());
    }
    if raw.confidence_pct > 100 {
        return Err(format!("confidence is {} of 100", raw.confidence_pct));
    }
    at_most("message bytes", raw.message.len(), MAX_MESSAGE_BYTES)?;
    at_most("spans", raw.spans.len(), MAX_SPANS)?;
    at_most("steps", raw.steps.len(), MAX_STEPS)?;
    at_most("references", raw.refs.len(), MAX_REFS)?;
    at_most("attributes", raw.attrs.len(), MAX_FINDING_ATTRS)?;
    for reference in &raw.refs {
        word("reference", reference)?;
    }
    let package = raw.attrs.iter().find(|(name, _)| name == "package");
    let package = package.map(|(_, package)| package.clone());
    if let Some(package) = &package {
        word("package", package)?;
    }
    let steps = raw
        .steps
        .iter()
        .map(|index| recent.get(*index as usize).map(|step| step.id.clone()))
        .collect::<Option<Vec<_>>>()
        .ok_or("a finding names a step that it was not given")?;
    let mut spans = Vec::with_capacity(raw.spans.len());
    for each in &raw.spans {
        spans.extend(span(event, each)?);
    }
    Ok(Finding {
        detector: facts.id.clone(),
        rule: raw.rule,
        category: Category(category(raw.category)?),
        severity: match raw.severity {
            api::Severity::Info => Severity::Info,
            api::Severity::Low => Severity::Low,
            api::Severity::Medium => Severity::Medium,
            api::Severity::High => Severity::High,
            api::Severity::Critical => Severity::Critical,
        },
        confidence_pct: raw.confidence_pct,
        message: raw.message,
        spans,
        steps,
        refs: raw.refs,
        package,
        overridden: None,
        attrs: raw
            .attrs
            .iter()
            .map(|(name, value)| (clip(name), clip(value)))
            .collect(),
    })
}

/// What a record can hold of a word that explains and decides nothing: too long a list of servers
/// is no reason to lose the finding.
fn clip(value: &str) -> String {
    let mut end = value.len().min(MAX_WORD_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let kept = value.get(..end).unwrap_or_default();
    kept.replace(char::is_control, " ")
}

/// The span in original bytes; `None` for a view this host does not know.
fn span(event: &Event, raw: &api::Span) -> Result<Option<Span>, String> {
    let index = raw.text as usize;
    let text = event
        .texts
        .get(index)
        .ok_or("a span points at a text that is not there")?;
    let (start, end) = (raw.start as usize, raw.end as usize);
    let inside = |view: &str| {
        start <= end
            && end <= view.len()
            && view.is_char_boundary(start)
            && view.is_char_boundary(end)
    };
    match (&raw.view, &text.canonical) {
        (api::View::Original, _) | (api::View::Canonical, None) => {
            if !inside(&text.original) {
                return Err("a span lies outside its text".into());
            }
            Ok(Some(Span {
                text: index,
                start,
                end,
            }))
        }
        (api::View::Canonical, Some(canonical)) => {
            if !inside(&canonical.text) {
                return Err("a span lies outside its canonical text".into());
            }
            let origin = canonical.origin(start..end);
            Ok(Some(Span {
                text: index,
                start: origin.start,
                end: origin.end,
            }))
        }
        (api::View::Other(_), _) => Ok(None),
    }
}

fn category(raw: api::Category) -> Result<String, String> {
    Ok(match raw {
        api::Category::PromptInjection => "prompt-injection".into(),
        api::Category::ToolPoisoning => "tool-poisoning".into(),
        api::Category::DataExfiltration => "data-exfiltration".into(),
        api::Category::CredentialAccess => "credential-access".into(),
        api::Category::MaliciousPackage => "malicious-package".into(),
        api::Category::VulnerablePackage => "vulnerable-package".into(),
        api::Category::SuspiciousPackage => "suspicious-package".into(),
        api::Category::KillChain => "kill-chain".into(),
        api::Category::Obfuscation => "obfuscation".into(),
        api::Category::Other(own) => {
            word("category", &own)?;
            own
        }
    })
}

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), String> {
    if count > limit {
        Err(format!("{count} {what}, at most {limit} are taken"))
    } else {
        Ok(())
    }
}

/// Words go into records and onto terminals: short, and without control characters.
fn word(what: &str, value: &str) -> Result<(), String> {
    at_most(&format!("bytes of {what}"), value.len(), MAX_WORD_BYTES)?;
    if value.chars().any(char::is_control) {
        return Err(format!("control characters in a {what}"));
    }
    Ok(())
}
