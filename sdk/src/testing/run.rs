//! Runs one case: event by event, then compares.

use std::collections::BTreeSet;
use std::ops::Range;

use super::case::{Case, TextSource};
use super::event::EventBuilder;
use crate::canonical::canonical;
use crate::{AssetKind, Detector, Event, Finding, History, Info, Kind, Report, Role, Step, View};

/// Shows the detector the case's history and then its event.
///
/// # Errors
/// One sentence for the author: what was found instead, or what the host would have refused.
pub fn run_case<D: Detector>(detector: &D, info: &Info, case: &Case) -> Result<(), String> {
    let mut recent = History::new();
    let mut at_ms = 1_700_000_000_000;
    let before = case.history.iter().map(|step| (step, "in its history: "));
    for (index, (case, place)) in before.chain([(case, "")]).enumerate() {
        at_ms += case.after_s.unwrap_or(1) * 1_000;
        let (event, marks) = event(case, index, at_ms);
        let report = inspect(detector, info, &event, &recent.unpack());
        check_report(info, &event, &report)
            .and_then(|()| compare(case, &event, &marks, &report))
            .map_err(|reason| format!("{place}{reason}"))?;
        if let Some(memo) = report.memo {
            recent.push(Step {
                at_ms: event.at_ms,
                server: &event.server.name,
                link: &event.link,
                memo: &memo,
            });
        }
    }
    Ok(())
}

/// Calls the detector as the host would: only for kinds it wants, with no more history than it
/// asked for.
fn inspect<D: Detector>(detector: &D, info: &Info, event: &Event, recent: &[Step<'_>]) -> Report {
    if !info.kinds.is_empty() && !info.kinds.contains(&event.kind) {
        return Report::clean();
    }
    let skip = recent.len().saturating_sub(info.history as usize);
    detector.inspect(event, recent.get(skip..).unwrap_or_default())
}

/// What the host refuses in an answer.
///
/// # Errors
/// One sentence naming the first thing that contradicts the contract.
pub fn check_report(info: &Info, event: &Event, report: &Report) -> Result<(), String> {
    if report
        .memo
        .as_ref()
        .is_some_and(|memo| memo.len() > info.memo_bytes as usize)
    {
        return Err(format!(
            "the memo is longer than memo-bytes = {}",
            info.memo_bytes
        ));
    }
    for finding in &report.findings {
        let rule = &finding.rule;
        if !info.rules.iter().any(|known| known.id == *rule) {
            return Err(format!("{rule} is not among the rules of describe()"));
        }
        if finding.confidence_pct > 100 || finding.message.is_empty() {
            return Err(format!(
                "{rule} needs a message and a confidence of at most 100"
            ));
        }
        for span in &finding.spans {
            if original_range(event, span).is_none() {
                return Err(format!("{rule} has a span outside its text: {span:?}"));
            }
        }
    }
    Ok(())
}

/// A span in bytes of the original text, as the host maps it.
fn original_range(event: &Event, span: &crate::Span) -> Option<(usize, Range<usize>)> {
    let text = event.texts.get(span.text as usize)?;
    let range = span.start as usize..span.end as usize;
    let range = match (&span.view, &text.canonical) {
        (View::Original, _) => text.original.get(range.clone()).map(|_| range)?,
        (View::Canonical, Some(view)) => {
            view.get(range.clone())?;
            canonical(&text.original)?.origin(range)
        }
        (View::Canonical | View::Other(_), _) => return None,
    };
    Some((span.text as usize, range))
}

fn compare(
    case: &Case,
    event: &Event,
    marks: &[(usize, Range<usize>)],
    report: &Report,
) -> Result<(), String> {
    let Some(expect) = &case.expect else {
        return Ok(());
    };
    let expected: BTreeSet<&str> = expect.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = report
        .findings
        .iter()
        .map(|found| found.rule.as_str())
        .collect();
    if expected != found {
        return Err(format!("expected {expected:?}, found {found:?}"));
    }
    for (text, mark) in marks {
        if !report
            .findings
            .iter()
            .any(|found| touches(event, found, *text, mark))
        {
            return Err(format!(
                "no finding's span touches the marked bytes {mark:?}"
            ));
        }
    }
    Ok(())
}

fn touches(event: &Event, finding: &Finding, text: usize, mark: &Range<usize>) -> bool {
    finding
        .spans
        .iter()
        .filter_map(|span| original_range(event, span))
        .any(|(index, range)| {
            index == text && range.start < mark.end.max(mark.start + 1) && mark.start < range.end
        })
}

/// The event of a case, and its marked ranges as (text, bytes of the original).
pub(super) fn event(case: &Case, index: usize, at_ms: u64) -> (Event, Vec<(usize, Range<usize>)>) {
    let mut builder = EventBuilder::new(Kind::from_word(&case.kind))
        .id(format!("event-{}", index + 1))
        .at_ms(at_ms)
        .name(case.tool.as_str());
    if !case.server.is_empty() {
        builder = builder.server(case.server.as_str());
    }
    if !case.method.is_empty() {
        builder = builder.method(case.method.as_str());
    }
    let mut marks = Vec::new();
    let texts = case
        .text
        .iter()
        .cloned()
        .map(TextSource::Plain)
        .chain(case.texts.iter().cloned());
    for (number, source) in texts.enumerate() {
        let (text, role, pointer) = match source {
            TextSource::Plain(text) => (text, None, None),
            TextSource::Placed {
                text,
                role,
                pointer,
            } => (text, role, pointer),
        };
        let text = if case.expects_nothing() {
            text
        } else {
            let (text, ranges) = strip_marks(&text);
            marks.extend(ranges.into_iter().map(|range| (number, range)));
            text
        };
        builder = match (role, pointer) {
            (None, None) => builder.text(text),
            (role, pointer) => builder.text_at(
                pointer.unwrap_or_default(),
                role.map_or(Role::Content, |word| role_named(&word)),
                text,
            ),
        };
    }
    if !case.argv.is_empty() {
        builder = builder.launch(case.argv.iter().map(String::as_str));
        builder = case.env.iter().fold(builder, |builder, (name, value)| {
            builder.env(name.as_str(), value.as_str())
        });
        if !case.cwd.is_empty() {
            builder = builder.cwd(case.cwd.as_str());
        }
    }
    for asset in &case.assets {
        let kind = asset_kind_named(&asset.kind);
        builder = builder.asset_with(kind, asset.value.as_str(), asset.attrs.clone());
    }
    for (name, value) in &case.attrs {
        builder = builder.attr(name.as_str(), value.as_str());
    }
    (builder.build(), marks)
}

/// Takes the « » out of a text and says where they stood. An unclosed « marks to the end.
pub(super) fn strip_marks(marked: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::with_capacity(marked.len());
    let mut ranges = Vec::new();
    let mut open = None;
    for letter in marked.chars() {
        match (letter, open) {
            ('«', None) => open = Some(text.len()),
            ('»', Some(start)) => {
                ranges.push(start..text.len());
                open = None;
            }
            _ => text.push(letter),
        }
    }
    ranges.extend(open.map(|start| start..text.len()));
    (text, ranges)
}

fn role_named(word: &str) -> Role {
    match word {
        "content" => Role::Content,
        "argument" => Role::Argument,
        "name" => Role::Name,
        "description" => Role::Description,
        "schema" => Role::Schema,
        "key" => Role::Key,
        "uri" => Role::Uri,
        "error" => Role::Error,
        "token" => Role::Token,
        other => Role::Other(other.to_owned()),
    }
}

fn asset_kind_named(word: &str) -> AssetKind {
    match word {
        "path" => AssetKind::Path,
        "host" => AssetKind::Host,
        "url" => AssetKind::Url,
        "command" => AssetKind::Command,
        "package" => AssetKind::Package,
        "account" => AssetKind::Account,
        other => AssetKind::Other(other.to_owned()),
    }
}
