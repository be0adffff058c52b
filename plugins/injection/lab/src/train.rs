//! `train`: the model that ships, from rows whose licence permits it, with its provenance.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use injection::lexicon::CONCEPTS;
use sha2::{Digest, Sha256};

use crate::Data;
use crate::cross::{Crossed, cross};
use crate::feeds::{lexicon, signatures};
use crate::folds::{Bag, bags};
use crate::held::held;
use crate::learn::learn;
use crate::packages::packages;
use crate::rows::{Source, hex, load, own};
use crate::table::{Tallies, tally, wilson};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: Data,
    /// Where the weights go; what they were made of goes beside them, as `.toml`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The version of the artifact
    #[arg(long, value_name = "YYYY.MM.DD")]
    version: String,
}

pub fn main(args: &Args) -> Result<()> {
    let mut sources = load(&args.data.folder)?;
    sources.extend(own()?);
    sources.extend(packages()?);
    sources.extend(held()?);
    let bags = bags(&sources, &lexicon()?);
    let crossed = cross(&sources, &bags);
    let tallies = tally(&sources, &crossed, &[])?;
    let ships = |bag: &&Bag| sources.get(bag.source).is_some_and(|source| source.ships);
    let shipping: Vec<&Bag> = bags.iter().filter(ships).collect();
    let bytes = learn(&shipping).model(crossed.thresholds).to_bytes();
    let provenance = provenance(args, &bytes, &sources, &crossed, &tallies)?;
    std::fs::write(&args.out, &bytes).with_context(|| args.out.display().to_string())?;
    let beside = args.out.with_extension("toml");
    std::fs::write(&beside, provenance).with_context(|| beside.display().to_string())?;
    println!("{} bytes in {}", bytes.len(), args.out.display());
    println!("what they were made of: {}", beside.display());
    Ok(())
}

fn provenance(
    args: &Args,
    bytes: &[u8],
    sources: &[Source],
    crossed: &Crossed,
    tallies: &Tallies,
) -> Result<String> {
    let file = args
        .out
        .file_stem()
        .map(|name| name.to_string_lossy().into_owned());
    let mut words = Sha256::new();
    for blob in signatures()? {
        words.update(&blob.bytes);
    }
    let mut out = String::from(HEAD);
    writeln!(
        out,
        "[artifact]\nkind = \"model\"\nname = \"injection\"\nversion = \"{}\"\nschema = 1\ndetector = \"injection\"\n",
        args.version
    )?;
    writeln!(
        out,
        "[model]\nfile = \"{}\"\nsha256 = \"{}\"\nconcepts = {}\n# Of the signature, phrase and word artifacts in the order of their files' names.\nlexicon_sha256 = \"{}\"\nthresholds = {:?}\n",
        file.unwrap_or_default(),
        hex(&Sha256::digest(bytes)),
        CONCEPTS.len(),
        hex(&words.finalize()),
        crossed.thresholds
    )?;
    let whole: BTreeMap<(bool, &str), _> = tallies
        .iter()
        .filter(|(key, _)| key.2.is_empty())
        .map(|(key, tally)| ((key.0, key.1.as_str()), tally))
        .collect();
    for source in sources {
        writeln!(
            out,
            "[[source]]\nname = \"{}\"\nlicence = \"{}\"\ntrained_on = {}\nsha256 = \"{}\"",
            source.name,
            source.licence.replace(['"', '\\'], "'"),
            source.ships,
            source.sha256
        )?;
        for (attack, name) in [(true, "attacks"), (false, "harmless")] {
            let Some(tally) = whole.get(&(attack, source.name.as_str())) else {
                continue;
            };
            let (low, high) = wilson(tally.medium, tally.rows);
            writeln!(
                out,
                "{name} = {{ rows = {}, medium = {}, high = {}, interval_pct = [{:.1}, {:.1}] }}",
                tally.rows,
                tally.medium,
                tally.high,
                100.0 * low,
                100.0 * high
            )?;
        }
        out.push('\n');
    }
    Ok(out)
}

const HEAD: &str = "\
# The statistical model of the injection detector and what it was made of. Written by
# `cargo xtask train-injection`; not edited by hand.
#
# Each source's figures are those of a detector whose model saw neither that source nor a related
# one: rows, and how many have a finding of at least medium and of at least high severity.
# `interval_pct` is the 95 % Wilson interval of `medium`. No row is kept in this project.

";
