//! `train`: the model that ships, from rows whose licence permits it, with its provenance.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use injection::lexicon::CONCEPTS;
use sha2::{Digest, Sha256};

use crate::cross::{Crossed, cross};
use crate::feeds::{lexicon, signatures};
use crate::folds::{Bag, bags};
use crate::held::held;
use crate::learn::learn;
use crate::packages::packages;
use crate::rows::{Source, hex, load, own};
use crate::table::{Tallies, tally, wilson};
use crate::target::Target;

pub fn main(target: &Target) -> Result<()> {
    let mut sources = load(&target.data.folder)?;
    sources.extend(own()?);
    sources.extend(packages()?);
    sources.extend(held()?);
    let bags = bags(&sources, &lexicon()?);
    let crossed = cross(&sources, &bags);
    let tallies = tally(&sources, &crossed, &[])?;
    let ships = |bag: &&Bag| sources.get(bag.source).is_some_and(|source| source.ships);
    let shipping: Vec<&Bag> = bags.iter().filter(ships).collect();
    let bytes = learn(&shipping).model(crossed.thresholds).to_bytes();
    let provenance = provenance(target, &bytes, &sources, &crossed, &tallies)?;
    target.write(&bytes, &provenance)
}

fn provenance(
    target: &Target,
    bytes: &[u8],
    sources: &[Source],
    crossed: &Crossed,
    tallies: &Tallies,
) -> Result<String> {
    let mut words = Sha256::new();
    for blob in signatures()? {
        words.update(&blob.bytes);
    }
    let mut out = String::from(HEAD);
    out += &target.tables("injection", "injection", bytes);
    writeln!(
        out,
        "concepts = {}\n# Of the signature, phrase and word artifacts in the order of their files' names.\nlexicon_sha256 = \"{}\"\nthresholds = {:?}\n",
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
