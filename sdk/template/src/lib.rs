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
        let mut words = Vec::new();
        for (name, value) in settings {
            match name.as_str() {
                "words" => words.extend(
                    value
                        .split(',')
                        .map(|word| word.trim().to_ascii_lowercase()),
                ),
                other => return Err(format!("unknown setting {other:?}")),
            }
        }
        words.retain(|word| !word.is_empty());
        if words.is_empty() {
            return Err("set `words` to the words to look for, separated by commas".into());
        }
        Ok(Self { words })
    }

    fn inspect(&self, event: &Event, _: &[Step]) -> Report {
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
        run_cases::<Plugin>(
            "cases",
            &[("words".into(), "payroll, salary".into())],
            Vec::new(),
        );
    }

    #[test]
    fn without_words_it_refuses_to_run() {
        assert!(Plugin::configure(&[], &[]).is_err());
    }
}
