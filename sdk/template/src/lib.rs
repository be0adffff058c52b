//! {{name}}: notes tool calls that contain a word from the operator's list.
//!
//! A small real detector to start from. Settings: `words`, separated by commas.

use clawdefender_sdk::{
    Blob, Category, Detector, Event, Finding, Info, Kind, Report, Settings, Severity, Span, Step,
};

/// The detector, configured: the words it looks for, lower case.
pub struct Plugin {
    words: Vec<String>,
}

const RULE: &str = "{{name}}.word";

/// What it looks for until the operator sets `words`.
const WORDS: &str = "payroll, salary";

fn category() -> Category {
    Category::Other("{{name}}".into())
}

impl Detector for Plugin {
    fn describe() -> Info {
        Info::new("{{name}}", env!("CARGO_PKG_VERSION"))
            .rule(RULE, category(), "A tool call contains a listed word.")
            .kinds([Kind::ToolCall])
    }

    fn configure(settings: &Settings, _: &[Blob]) -> Result<Self, String> {
        let mut list = WORDS;
        for (name, value) in settings {
            match name.as_str() {
                "words" => list = value,
                other => return Err(format!("unknown setting {other:?}")),
            }
        }
        let words = list.split(',').map(|word| word.trim().to_ascii_lowercase());
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err("`words` names no word; write them separated by commas".into());
        }
        Ok(Self { words })
    }

    fn inspect(&self, event: &Event, _: &[Step<'_>]) -> Report {
        let mut findings = Vec::new();
        // The canonical view where there is one: invisible characters and look-alike letters are
        // already resolved, and the host maps spans back.
        for (index, view, text) in event.text_views() {
            // ASCII lower case keeps every offset.
            let lower = text.to_ascii_lowercase();
            for word in &self.words {
                let Some(at) = lower.find(word.as_str()) else {
                    continue;
                };
                findings.push(
                    Finding::new(RULE, category(), Severity::Medium, 80)
                        .message("The call contains a word from the operator's list.")
                        .span(Span::new(index, view.clone(), at..at + word.len())),
                );
            }
        }
        Report::with(findings)
    }
}

clawdefender_sdk::export_detector!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;
    use clawdefender_sdk::testing::run_cases;

    #[test]
    fn cases_hold() {
        run_cases::<Plugin>("cases", &[], Vec::new());
    }

    #[test]
    fn a_list_without_words_is_refused() {
        let empty = ("words".to_owned(), " , ".to_owned());
        assert!(Plugin::configure(&[empty], &[]).is_err());
    }
}
