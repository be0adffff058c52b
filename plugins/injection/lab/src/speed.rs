//! `speed`: microseconds for one text, compiled for this machine. The sandbox adds what
//! `cargo xtask bench sandbox` says.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{Detector, Kind};
use injection::model::Model;

use crate::feeds::{detector, root};

#[path = "../../../../host/benches/subject/texts.rs"]
mod texts;

#[derive(clap::Args)]
pub struct Args {
    /// A file to inspect, too
    #[arg(long, value_name = "FILE")]
    also: Option<PathBuf>,
}

pub fn main(args: &Args) -> Result<()> {
    let path = root().join("feeds/models/injection.bin");
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let detector = detector(&Model::parse(&bytes).map_err(anyhow::Error::msg)?)?;
    println!(
        "{:10} {:>9} {:>12} {:>10}",
        "text", "bytes", "µs", "ns/byte"
    );
    let measure = |name: &str, text: &str| {
        let event = EventBuilder::new(Kind::ToolResult).text(text).build();
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let began = Instant::now();
                black_box(detector.inspect(black_box(&event), &[]));
                began.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let middle = times.get(ROUNDS / 2).copied().unwrap_or_default();
        let per_byte = middle * 1e3 / text.len().max(1) as f64;
        println!("{name:10} {:9} {middle:12.1} {per_byte:10.2}", text.len());
    };
    for bytes in [1 << 10, 10 << 10, 100 << 10] {
        for kind in texts::CLEAN.into_iter().chain([texts::STUFFED]) {
            measure(kind.0, &texts::text(kind, bytes, 1));
        }
        for (name, piece) in OTHERS {
            measure(name, &piece.repeat(bytes / piece.len() + 1));
        }
    }
    if let Some(path) = &args.also {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        measure("file", &text);
    }
    Ok(())
}

const ROUNDS: usize = 31;

/// Texts that cost more than they look: many meanings, other scripts, encodings, marks.
const OTHERS: [(&str, &str); 7] = [
    (
        "meanings",
        "you must ignore show send secret user tool system prompt file now first ",
    ),
    (
        "sentence",
        "You. Must. Not. Show. The. System. Prompt. To. Users. ",
    ),
    ("chinese", "今天的天气很好，我们去公园散步，然后回家吃饭。"),
    ("russian", "Сегодня хорошая погода, мы идём гулять в парк. "),
    (
        "base64",
        "SGVsbG8gd29ybGQsIHRoaXMgaXMgbm90aGluZyBidXQgdGV4dC4= ",
    ),
    ("spaced", "i g n o r e a l l o f i t "),
    ("quotes", "\"'`«“"),
];
