//! Claims about the harness itself: a harness that can't fail proves nothing.

use super::run::strip_marks;
use super::*;
use crate::{Category, Event, Finding, Info, Kind, Report, Severity, Span, Step};

/// Flags "boom" in any text and remembers the event's name; a second boom is a chain.
struct Boom;

impl Detector for Boom {
    fn describe() -> Info {
        let category = Category::PromptInjection;
        let mut info = Info::new("boom", "1.0.0")
            .rule("boom.word", category.clone(), "The word.")
            .rule("boom.again", category, "The word, twice.");
        info.history = 4;
        info.memo_bytes = 8;
        info
    }

    fn configure(_: &Settings, _: &[Blob]) -> Result<Self, String> {
        Ok(Self)
    }

    fn inspect(&self, event: &Event, recent: &[Step<'_>]) -> Report {
        let mut findings = Vec::new();
        for (index, view, text) in event.text_views() {
            if let Some(at) = text.find("boom") {
                let rule = if recent.is_empty() {
                    "boom.word"
                } else {
                    "boom.again"
                };
                findings.push(
                    Finding::new(rule, Category::PromptInjection, Severity::Low, 50)
                        .message("The word is there.")
                        .span(Span::new(index, view, at..at + 4)),
                );
            }
        }
        match findings.is_empty() {
            true => Report::clean(),
            false => Report::with(findings).remember(vec![1]),
        }
    }
}

fn run(source: &str) -> Result<(), String> {
    let case: Case = toml::from_str(source).unwrap();
    run_case(&Boom, &Boom::describe(), &case)
}

#[test]
fn marked_passage_is_found_through_the_canonical_view() {
    run("kind = 'tool-result'\ntext = 'ж ｏ «bо\u{200b}om» x'\nexpect = ['boom.word']").unwrap();
}

#[test]
fn span_beside_the_mark_fails() {
    let reason = run("kind = 'notice'\ntext = '«other» boom'\nexpect = ['boom.word']").unwrap_err();
    assert!(reason.contains("touches"), "{reason}");
}

#[test]
fn missing_and_surplus_findings_fail() {
    assert!(run("kind = 'notice'\ntext = 'quiet'\nexpect = ['boom.word']").is_err());
    assert!(run("kind = 'notice'\ntext = 'boom'\nexpect = []").is_err());
}

#[test]
fn history_comes_back_as_steps() {
    run("kind='notice'\ntext='boom'\nexpect=['boom.again']\n[[history]]\nkind='notice'\ntext='boom'")
        .unwrap();
}

#[test]
fn quotation_marks_stay_in_innocent_cases() {
    assert_eq!(strip_marks("a «b» c").0, "a b c");
    run("kind = 'notice'\ntext = 'bo«»om'\nexpect = []").unwrap();
}

#[test]
fn unknown_rule_and_bad_span_are_refused() {
    let event = EventBuilder::new(Kind::Notice).text("é").build();
    let finding = |rule: &str, range| {
        Report::with(vec![
            Finding::new(rule, Category::PromptInjection, Severity::Low, 1)
                .message("m")
                .span(Span::new(0, crate::View::Original, range)),
        ])
    };
    let info = Boom::describe();
    assert!(check_report(&info, &event, &finding("boom.word", 0..2)).is_ok());
    assert!(check_report(&info, &event, &finding("boom.word", 0..1)).is_err());
    assert!(check_report(&info, &event, &finding("boom.else", 0..2)).is_err());
}

#[test]
#[should_panic(expected = "no innocent twin")]
fn file_without_an_innocent_case_fails() {
    let dir = std::env::temp_dir().join(format!("clawdefender-twin-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(
        dir.join("a.toml"),
        "[[case]]\nkind='notice'\ntext='boom'\nexpect=['boom.word']",
    )
    .unwrap();
    run_cases::<Boom>(dir.to_str().unwrap(), &[], Vec::new());
}

#[test]
fn data_blob_is_compact_sorted_json_without_the_artifact_table() {
    let path = std::env::temp_dir().join(format!("clawdefender-blob-{}.toml", std::process::id()));
    let source = "zeta = 1\nalpha = 'x'\n[artifact]\nkind='signatures'\nname='n'\nversion='3'\nschema=1\ndetector='d'\n";
    std::fs::write(&path, source).unwrap();
    let blob = data_blob(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        (
            blob.kind.as_str(),
            blob.name.as_str(),
            blob.version.as_str()
        ),
        ("signatures", "n", "3")
    );
    assert_eq!(blob.bytes, br#"{"alpha":"x","zeta":1}"#);
}
