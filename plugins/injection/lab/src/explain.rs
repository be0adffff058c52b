//! `explain`: what the detector as it ships says about texts, one line of standard input each. For
//! whoever adds a language or wonders about a finding.

use std::io::BufRead;

use anyhow::{Context, Result};
use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{Detector, Finding, Kind};
use injection::model::Model;

use crate::feeds::{detector, root};

#[derive(clap::Args)]
pub struct Args {
    /// As in a case file: tool-result, tool-definition, prompt-content, …
    #[arg(long, default_value = "tool-result")]
    kind: String,
}

pub fn main(args: &Args) -> Result<()> {
    let path = root().join("feeds/models/injection.bin");
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let model = Model::parse(&bytes).map_err(anyhow::Error::msg)?;
    let detector = detector(&model)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let event = EventBuilder::new(Kind::from_word(&args.kind)).text(line.as_str());
        let report = detector.inspect(&event.build(), &[]);
        println!("{line}");
        for found in &report.findings {
            println!("    {}", told(found));
        }
    }
    Ok(())
}

/// One finding on one line: rule, severity, confidence, who found it in which language and disguise,
/// and where.
pub fn told(found: &Finding) -> String {
    let attrs: Vec<&str> = found.attrs.iter().map(|attr| attr.1.as_str()).collect();
    let spans: Vec<String> = found
        .spans
        .iter()
        .map(|span| format!("{}-{}", span.start, span.end))
        .collect();
    format!(
        "{} {:?} {}% {} at {}",
        found.rule,
        found.severity,
        found.confidence_pct,
        attrs.join("/"),
        spans.join(",")
    )
}
