//! `chains`: the models of the kill-chain detector that say how a passage sounds and what a call is like,
//! with their provenance.

mod calls;
mod learn;
mod texts;

use std::fmt::Write;

use anyhow::{Result, ensure};

use crate::rows::{self, Calls, Told};
use crate::target::Target;
use calls::Judged;
use kill_chain::model::Models;
use learn::{CALLS, Learnt, PASSAGES, learn};
use texts::{Author, AuthorKind, Text, Texts};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Leave this author's trajectories out, to measure the detector on them; not for what ships
    #[arg(long, value_name = "NAME")]
    without: Option<String>,
}

/// Of the harmless results of left-out trajectories, how many in a thousand may sound like an order to
/// a program: possibly, and likely.
const PERMITTED: [usize; 2] = [38, 11];

/// Of one author's texts, judged by a model that saw none of them.
struct Crossed {
    author: usize,
    attacks: Vec<f32>,
    harmless: Vec<f32>,
}

pub fn main(args: &Args) -> Result<()> {
    let mut texts = Texts::read(&args.target.data.folder)?;
    let crossed = cross(&texts);
    let thresholds = bounds(&texts, &crossed);
    for own in &crossed {
        println!("{}", told(&texts, own, thresholds));
    }
    let singles = rows::calls()?;
    let others = rows::others_told(&args.target.data.folder)?;
    let told = texts.told.iter().chain(&others);
    let mut works = calls::works(told, &singles)?;
    let judged = calls::cross(&works);
    let bounds = calls::bounds(&judged);
    for own in &judged {
        print!("{}: {}", own.author, calls::told(own, bounds));
    }
    if let Some(name) = &args.without {
        let known = works.iter().any(|work| work.name == *name);
        ensure!(known, "no author is called {name}");
        texts.leave_out(name);
        works.retain(|work| work.name != *name);
    }
    let all: Vec<&Text> = texts.all.iter().collect();
    let tone = learn(&all, PASSAGES).table(thresholds);
    let harm = learn(&calls::calls(works.iter()), CALLS).table(bounds);
    let bytes = Models::to_bytes(&tone, &harm);
    let heard = Heard {
        crossed: &crossed,
        thresholds,
    };
    let weighed = Weighed {
        judged: &judged,
        singles: &singles,
        others: &others,
        bounds,
    };
    let beside = provenance(&args.target, &bytes, &texts, &heard, &weighed)?;
    args.target.write(&bytes, &beside)
}

/// From where on a passage is possibly, and likely, an order.
fn bounds(texts: &Texts, crossed: &[Crossed]) -> [f32; 2] {
    let is_told = |own: &&Crossed| is(texts, own.author, AuthorKind::Trajectories);
    let told = crossed.iter().filter(is_told);
    let mut harmless: Vec<f32> = told.flat_map(|own| own.harmless.clone()).collect();
    harmless.sort_by(|one, two| two.total_cmp(one));
    PERMITTED.map(|of| {
        let bound = harmless.get(harmless.len() * of / 1000);
        bound.copied().unwrap_or_default()
    })
}

fn is(texts: &Texts, author: usize, kind: AuthorKind) -> bool {
    texts
        .authors
        .get(author)
        .is_some_and(|own| own.kind == kind)
}

/// Leaves each author of trajectories out in turn, and with each a part of the texts of others.
fn cross(texts: &Texts) -> Vec<Crossed> {
    let numbers = |kind| -> Vec<usize> {
        let all = 0..texts.authors.len();
        all.filter(|author| is(texts, *author, kind)).collect()
    };
    let told = numbers(AuthorKind::Trajectories);
    let others = numbers(AuthorKind::Others);
    let mut crossed = Vec::new();
    for (fold, author) in told.iter().enumerate() {
        let part = others.iter().enumerate();
        let part = part.filter(|(at, _)| at % told.len() == fold);
        let left: Vec<usize> = part.map(|(_, own)| *own).chain([*author]).collect();
        let kept: Vec<&Text> = texts
            .all
            .iter()
            .filter(|own| !left.contains(&own.author))
            .collect();
        let learnt: Learnt = learn(&kept, PASSAGES);
        for author in left {
            let own = texts.all.iter().filter(|own| own.author == author);
            let (attacks, harmless): (Vec<&Text>, Vec<&Text>) = own.partition(|own| own.attack);
            let loudest =
                |own: Vec<&Text>| own.into_iter().map(|own| learnt.loudest(own)).collect();
            crossed.push(Crossed {
                author,
                attacks: loudest(attacks),
                harmless: loudest(harmless),
            });
        }
    }
    crossed
}

/// What was heard of an author's results: how many, and of these at least possible and likely.
fn told(texts: &Texts, own: &Crossed, thresholds: [f32; 2]) -> String {
    let heard = |name: &str, scores: &[f32]| {
        let [possible, likely] =
            thresholds.map(|bound| scores.iter().filter(|own| **own >= bound).count());
        let rows = scores.len();
        match rows {
            0 => String::new(),
            _ => {
                format!("{name} = {{ rows = {rows}, possible = {possible}, likely = {likely} }}\n")
            }
        }
    };
    let name = texts
        .authors
        .get(own.author)
        .map_or("", |author| &author.name);
    let (attacks, harmless) = (
        heard("attacks", &own.attacks),
        heard("harmless", &own.harmless),
    );
    format!("# {name}, left out\n{attacks}{harmless}")
}

/// What was measured of passages, and of calls.
struct Heard<'c> {
    crossed: &'c [Crossed],
    thresholds: [f32; 2],
}

struct Weighed<'a> {
    judged: &'a [Judged],
    singles: &'a [Calls],
    others: &'a [Told],
    bounds: [f32; 2],
}

fn provenance(
    target: &Target,
    bytes: &[u8],
    texts: &Texts,
    &Heard {
        crossed,
        thresholds,
    }: &Heard<'_>,
    weighed: &Weighed<'_>,
) -> Result<String> {
    let mut out = String::from(HEAD);
    out += &target.tables("chains", "kill-chain", bytes);
    writeln!(
        out,
        "thresholds = {thresholds:?}\ncalls = {:?}",
        weighed.bounds
    )?;
    for (
        at,
        Author {
            name,
            licence,
            sha256,
            ..
        },
    ) in texts.authors.iter().enumerate()
    {
        let licence = licence.replace(['"', '\\'], "'");
        writeln!(
            out,
            "\n[[source]]\nname = \"{name}\"\nlicence = \"{licence}\"\nsha256 = \"{sha256}\""
        )?;
        if let Some(own) = crossed.iter().find(|own| own.author == at) {
            write!(out, "{}", told(texts, own, thresholds))?;
        }
        for own in weighed.judged.iter().filter(|own| own.author == *name) {
            write!(out, "{}", calls::told(own, weighed.bounds))?;
        }
    }
    let singles = weighed.singles.iter();
    let singles = singles.map(|file| (&file.name, "this project's", &file.sha256));
    let others = weighed.others.iter();
    let others = others.map(|told| (&told.name, told.licence.as_str(), &told.sha256));
    for (name, licence, sha256) in singles.chain(others) {
        let licence = licence.replace(['"', '\\'], "'");
        writeln!(
            out,
            "\n[[source]]\nname = \"{name}\"\nlicence = \"{licence}\"\nsha256 = \"{sha256}\""
        )?;
        for own in weighed.judged.iter().filter(|own| own.author == *name) {
            write!(out, "{}", calls::told(own, weighed.bounds))?;
        }
    }
    Ok(out)
}

const HEAD: &str = "\
# The statistical models of the kill-chain detector, which say how a passage sounds and how much a call
# weighs, and what they were made of. Written by `cargo xtask train-chains`; not edited by hand.
#
# Figures are of a model that saw nothing of that author: results that carry an order which is then
# obeyed, and other results; how many of them sound possibly, and likely, like an order to a program.
# Of trajectories, by what they are: how many there are, and of how many some call is noted, and asked
# about; of attacks also at or before the first call that does harm.
# Of others only harmless texts are learnt from. No row of theirs is kept in this project.

";
