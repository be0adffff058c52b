//! A detector that does whatever a text of the event names: what the sandbox must survive.
//!
//! Everything else it calls clean. It is never shipped.

use clawdefender_sdk::{
    Blob, Category, Detector, Event, Finding, Info, Report, Settings, Severity, Span, Step, View,
};
use std::hint::black_box;

const RULE: &str = "hostile.noise";

/// See the top of this file.
pub struct Hostile;

impl Detector for Hostile {
    fn describe() -> Info {
        Info::new("hostile", env!("CARGO_PKG_VERSION")).rule(
            RULE,
            Category::Obfuscation,
            "Noise, as much as one likes.",
        )
    }

    fn configure(_: &Settings, _: &[Blob]) -> Result<Self, String> {
        Ok(Self)
    }

    fn inspect(&self, event: &Event, _: &[Step<'_>]) -> Report {
        for text in &event.texts {
            match text.original.as_str() {
                "hostile: loop" => endless(),
                "hostile: memory" => hungry(),
                "hostile: giant" => return Report::with(vec![noise(RULE); 20_000]),
                "hostile: many" => return Report::with(vec![noise(RULE); 65]),
                "hostile: lie" => return Report::with(vec![noise("injection.override")]),
                "hostile: outside" => {
                    let span = Span::new(0, View::Original, 0..usize::MAX >> 1);
                    return Report::with(vec![noise(RULE).span(span)]);
                }
                "hostile: recursion" => {
                    black_box(deep(1));
                }
                _ => {}
            }
        }
        Report::clean()
    }
}

fn noise(rule: &str) -> Finding {
    Finding::new(rule, Category::Obfuscation, Severity::Low, 50)
}

fn endless() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn hungry() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "the stack is what it is after")]
fn deep(level: u64) -> u64 {
    black_box(deep(black_box(level + 1))) + level
}

clawdefender_sdk::export_detector!(Hostile);
