//! `eval`: the table of recall and false positives by source and language, for the detector with a
//! model that never saw the source, and for plain regular expressions.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{Detector, Report, Severity};
use injection::Injection;

use crate::Data;
use crate::baseline::Baseline;
use crate::cross::{Crossed, FOLDS, cross};
use crate::explain::told;
use crate::feeds::{detector, lexicon};
use crate::folds::bags;
use crate::held::{HELD, held};
use crate::packages::packages;
use crate::rows::{Row, Source, load, own};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: Data,
    /// List the ids of missed attacks and of false positives of this source
    #[arg(long, value_name = "SOURCE")]
    show: Vec<String>,
}

/// Rows of one source, label and language, and how many were flagged.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub rows: usize,
    /// A finding of medium or more, and of high or more.
    pub medium: usize,
    pub high: usize,
    /// By regular expressions alone.
    pub baseline: usize,
}

pub fn main(args: &Args) -> Result<()> {
    let mut sources = load(&args.data.folder)?;
    sources.extend(own()?);
    sources.extend(packages()?);
    sources.extend(held()?);
    let bags = bags(&sources, &lexicon()?);
    let crossed = cross(&sources, &bags);
    let tallies = tally(&sources, &crossed, &args.show)?;
    print(&tallies, &crossed);
    Ok(())
}

/// By label, source and language; a language of "" is the whole source.
pub type Tallies = BTreeMap<(bool, String, String), Tally>;

/// Runs the whole detector over every row, with the model of the fold that left the row out.
pub fn tally(sources: &[Source], crossed: &Crossed, show: &[String]) -> Result<Tallies> {
    let baseline = Baseline::new()?;
    let mut tallies = Tallies::new();
    for fold in 0..=FOLDS {
        let weights = crossed.models.get(fold).context("one model per fold")?;
        let detector = detector(&weights.model(crossed.thresholds))?;
        let of_fold = sources
            .iter()
            .zip(&crossed.fold_of)
            .filter(|(_, of)| **of == fold)
            .map(|(source, _)| source);
        for row in of_fold.flat_map(|source| &source.rows) {
            let report = inspect(&detector, row);
            let worst = report
                .findings
                .iter()
                .map(|found| found.severity as u8)
                .max();
            let medium = worst >= Some(Severity::Medium as u8);
            for language in ["", row.language.as_str()] {
                let key = (row.attack, row.source.clone(), language.to_owned());
                let tally = tallies.entry(key).or_default();
                tally.rows += 1;
                tally.medium += usize::from(medium);
                tally.high += usize::from(worst >= Some(Severity::High as u8));
                tally.baseline += usize::from(baseline.flags(&row.text));
            }
            if medium != row.attack && show.contains(&row.source) {
                println!("{}", explain(row, &report));
            }
        }
    }
    Ok(tallies)
}

fn inspect(detector: &Injection, row: &Row) -> Report {
    let event = EventBuilder::new(row.kind.clone()).text(row.text.as_str());
    detector.inspect(&event.build(), &[])
}

fn explain(row: &Row, report: &Report) -> String {
    let found: Vec<String> = report.findings.iter().map(told).collect();
    let label = if row.attack { "missed" } else { "false" };
    format!("{label} {} [{}]", row.id, found.join("; "))
}

fn print(tallies: &Tallies, crossed: &Crossed) {
    println!("every row by a detector whose model saw neither its source nor a related one");
    println!("thresholds in 1/16 logit (probable, sure), harmless rows they were set on, over it:");
    for (name, (threshold, count)) in ["content", "definition", "prompt"]
        .iter()
        .zip(crossed.thresholds.iter().zip(&crossed.counts))
    {
        println!("  {name:10} {threshold:?}  {count:?}");
    }
    println!("harmless rows that the model holds for the likeliest attacks:");
    for (score, id) in crossed.highest.iter().flatten() {
        println!("  {score:4}  {id}");
    }
    for attack in [true, false] {
        let title = if attack {
            "attacks found"
        } else {
            "harmless rows flagged"
        };
        println!(
            "\n{title:32} {:4} {:>6} {:>8} {:>15} {:>8} {:>9}",
            "lang", "rows", "medium+", "95 % interval", "high+", "baseline"
        );
        for ((label, source, language), tally) in tallies {
            if *label != attack {
                continue;
            }
            let alone = tallies
                .keys()
                .filter(|key| key.0 == attack && key.1 == *source)
                .count()
                == 2;
            if !language.is_empty() && alone {
                continue;
            }
            let name = if language.is_empty() {
                source.as_str()
            } else {
                ""
            };
            println!("{}", line(name, language, tally));
        }
        for (name, chosen) in GROUPS {
            let mut sum = Tally::default();
            for (_, tally) in tallies
                .iter()
                .filter(|(key, _)| key.0 == attack && key.2.is_empty() && chosen(&key.1))
            {
                sum.rows += tally.rows;
                sum.medium += tally.medium;
                sum.high += tally.high;
                sum.baseline += tally.baseline;
            }
            if sum.rows > 0 {
                println!("{}", line(name, "", &sum));
            }
        }
    }
}

type Chosen = fn(&str) -> bool;
const GROUPS: [(&str, Chosen); 3] = [
    ("= all third-party sources", |name| {
        !name.starts_with("own-") && !name.starts_with(HELD)
    }),
    ("= all of our own cases", |name| name.starts_with("own-")),
    ("= held out, other languages", |name| {
        name.strip_prefix(HELD).is_some_and(|rest| rest.len() == 2)
    }),
];

fn line(name: &str, language: &str, tally: &Tally) -> String {
    let share = |count: usize| 100.0 * count as f64 / tally.rows.max(1) as f64;
    let (low, high) = wilson(tally.medium, tally.rows);
    format!(
        "{name:32} {language:4} {:6} {:7.1}% {:6.1} – {:5.1} {:7.1}% {:8.1}%",
        tally.rows,
        share(tally.medium),
        100.0 * low,
        100.0 * high,
        share(tally.high),
        share(tally.baseline),
    )
}

/// Wilson's 95 % interval of a share.
///
/// Source: E. B. Wilson, 1927, J. Am. Stat. Assoc. 22.
pub fn wilson(count: usize, rows: usize) -> (f64, f64) {
    if rows == 0 {
        return (0.0, 1.0);
    }
    let (rows, z) = (rows as f64, 1.96);
    let share = count as f64 / rows;
    let middle = share + z * z / (2.0 * rows);
    let spread = z * (share * (1.0 - share) / rows + z * z / (4.0 * rows * rows)).sqrt();
    let scale = 1.0 + z * z / rows;
    (
        ((middle - spread) / scale).max(0.0),
        ((middle + spread) / scale).min(1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_that_of_the_tables() {
        let (low, high) = wilson(8, 10);
        assert!((low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert!(wilson(0, 100).1 < 0.037);
    }
}
