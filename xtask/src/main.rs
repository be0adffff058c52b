//! Everything a developer of ClawDefender does besides `cargo check`: one verb, one file.
//!
//! Verbs print what they made and what to do next. Nothing here ends up in the product.

mod bench;
mod build;
mod check_plugin;
mod component;
mod cvss;
mod dev_root;
mod dist;
mod draft;
mod eval_chains;
mod feed;
mod guest;
mod key_file;
mod keygen;
mod lab;
mod new_plugin;
mod osv;
mod plugin;
mod release_key;
mod root;
mod rotate;
mod run;
mod seed;
mod serve;
mod sign;
mod soak;
mod test;
mod threat_data;
mod tidy;
mod tree;
mod withdrawn;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Build, sign and check ClawDefender",
    version
)]
enum Verb {
    /// Build the detectors, sign the seed feed and build `clawdefender` with it inside
    Build(build::Args),
    /// Build, then run the daemon in the foreground
    Run,
    /// Make an Ed25519 key file from the operating system's randomness
    Keygen(keygen::Args),
    /// Import, build, endorse, sign and verify a threat feed
    #[command(subcommand)]
    Feed(feed::Verb),
    /// Make a signed third-party feed of one plugin
    Sign(sign::Args),
    /// Pack the program with its papers and sign the archive with the release key
    Dist(dist::Args),
    /// Build one plugin and check that it is a detector and imports nothing
    CheckPlugin(check_plugin::Args),
    /// Make what the tests need and run every check; what CI runs
    Test(test::Args),
    /// Write a new detector crate that tests, builds and fires as it stands
    NewPlugin {
        /// Lower case letters, digits and `-`: the detector's id
        name: String,
        /// Where to write it [default: a folder of that name here]
        #[arg(long)]
        out: Option<std::path::PathBuf>,
    },
    /// Train the injection detector's model on labelled rows outside the project
    TrainInjection(lab::Args),
    /// Recall and false positives of the injection detector, leaving whole sources out
    EvalInjection(lab::Args),
    /// Train the kill-chain detector's model on our own texts and harmless ones of others
    TrainChains(lab::Args),
    /// Measure the product; prints, never judges
    Bench(bench::Args),
    /// Tell labelled trajectories to the kill-chain detector and print, per suite, what it stopped
    EvalChains(eval_chains::Args),
    /// 100,000 calls over 64 links at once, and what is left of them in memory
    Soak,
    /// Check imports between modules, file headers, file lengths and names
    Tidy,
}

fn main() -> ExitCode {
    let done = match Verb::parse() {
        Verb::Build(args) => build::main(&args).map(drop),
        Verb::Run => run::main(),
        Verb::Keygen(args) => keygen::main(&args),
        Verb::Feed(verb) => feed::main(verb),
        Verb::Sign(args) => sign::main(&args),
        Verb::Dist(args) => dist::main(&args),
        Verb::CheckPlugin(args) => check_plugin::main(&args),
        Verb::Test(args) => test::main(&args),
        Verb::NewPlugin { name, out } => new_plugin::run(&name, out.as_deref()),
        Verb::TrainInjection(args) => lab::main("train", &args),
        Verb::EvalInjection(args) => lab::main("eval", &args),
        Verb::TrainChains(args) => lab::main("chains", &args),
        Verb::Bench(args) => bench::main(&args),
        Verb::EvalChains(args) => eval_chains::main(&args),
        Verb::Soak => soak::main(),
        Verb::Tidy => tidy::main(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // What happened and why on one line; a backtrace of this tool helps nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
