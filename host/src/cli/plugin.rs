//! `plugin`: the detectors that are loaded, and adding a publisher's own.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::feed::source;
use super::terminal::{Ink, Terminal};
use crate::wire::Control;
use clawdefender_trust::PublicKey;
use serde::Deserialize;
use std::fmt::Write as _;

/// List or add detectors
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// What looks for what: versions, signers, rules, faults
    #[command(
        after_help = "Examples:\n  clawdefender plugin list\n  clawdefender plugin list --json"
    )]
    List,
    /// Add a publisher's detectors, under the key that you got from them
    #[command(after_help = "\
Examples:
  clawdefender plugin install https://acme.example/detectors --key 3b6a…64 hexadecimal digits

The key must come from another way than the detectors. They can add findings, never take any away.")]
    Install {
        /// A directory or an https URL
        from: String,
        /// The publisher's public key
        #[arg(long, value_name = "HEX")]
        key: String,
    },
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    match &args.verb {
        Verb::List => {
            let answer = client::ask(&home, Control::Plugins, Missing::Start)?;
            let set = Set::deserialize(&answer)?;
            if terminal.json {
                terminal.object(answer)?;
            } else {
                terminal.data(&render(&set, terminal.ink))?;
            }
            let whole =
                !set.detectors.is_empty() && set.detectors.iter().all(|detector| detector.loaded);
            Ok(if whole { Exit::Done } else { Exit::No })
        }
        Verb::Install { from, key } => {
            if let Err(error) = key.parse::<PublicKey>() {
                let failure = Failure::new(Exit::Usage, "key", error.to_string());
                return Err(failure
                    .hint("give the publisher's public key: 64 hexadecimal digits")
                    .into());
            }
            terminal.say("fetching and verifying …");
            let control = Control::PluginInstall {
                from: source(from),
                key: key.clone(),
            };
            let answer = client::ask(&home, control, Missing::Start)?;
            if terminal.json {
                terminal.object(answer)?;
            } else {
                terminal.say("installed; see it with: clawdefender plugin list");
            }
            Ok(Exit::Done)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Set {
    detectors: Vec<Detector>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detector {
    id: String,
    version: String,
    loaded: bool,
    error: String,
    feed: String,
    sha256: String,
    rules: Vec<Rule>,
    data: Vec<Data>,
    calls: u64,
    faults: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    id: String,
    summary: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    kind: String,
    name: String,
    version: String,
}

fn render(set: &Set, ink: Ink) -> String {
    let mut screen = String::new();
    for detector in &set.detectors {
        let id = excerpt(&detector.id, 60);
        if !detector.loaded {
            let _ = writeln!(
                screen,
                "{} {id}: {}",
                ink.red("✖ not loaded"),
                excerpt(&detector.error, 300)
            );
            continue;
        }
        let _ = writeln!(
            screen,
            "{} {} {}   {}",
            ink.green("✔"),
            ink.bold(&id),
            excerpt(&detector.version, 40),
            ink.dim(&format!(
                "{} calls, {} faults",
                detector.calls, detector.faults
            )),
        );
        let _ = writeln!(
            screen,
            "    from {}, {}",
            excerpt(&detector.feed, 60),
            excerpt(&detector.sha256, 80)
        );
        for data in &detector.data {
            let (kind, name, version) = (&data.kind, &data.name, &data.version);
            let _ = writeln!(
                screen,
                "    {} {} {}",
                excerpt(kind, 20),
                excerpt(name, 60),
                excerpt(version, 40)
            );
        }
        for rule in &detector.rules {
            let _ = writeln!(
                screen,
                "    {:<32} {}",
                excerpt(&rule.id, 64),
                excerpt(&rule.summary, 200)
            );
        }
    }
    if screen.is_empty() {
        "no detector is loaded: messages are denied\n".to_owned()
    } else {
        screen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn loaded_and_missing_detectors_are_told_apart() {
        let set = json!({ "detectors": [
            { "id": "injection", "version": "1.0.0", "loaded": true, "feed": "official", "sha256": "ab",
              "rules": [{ "id": "injection.override", "summary": "Text that takes over." }],
              "data": [{ "kind": "data", "name": "phrases", "version": "2" }], "calls": 9, "faults": 1 },
            { "id": "acme", "loaded": false, "error": "imports wasi\n!" },
        ]});
        let shown = render(&serde_json::from_value(set).unwrap(), Ink::Plain);
        expect![[r#"
            ✔ injection 1.0.0   9 calls, 1 faults
                from official, ab
                data phrases 2
                injection.override               Text that takes over.
            ✖ not loaded acme: imports wasi⟨U+000A⟩!
        "#]]
        .assert_eq(&shown);
        assert!(render(&Set::default(), Ink::Plain).contains("denied"));
    }
}
