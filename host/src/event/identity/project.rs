//! What a project's own programs and scripts run: `yarn NAME`, `pnpm exec NAME`, `bun run NAME`,
//! `npm start`.

use super::disk::text;
use super::npm::{program_above, project};
use super::{Identity, Launch, is_interpreter, look};
use std::path::{Path, PathBuf};

/// What runs for such words; `None` where they are something else, or name nothing that lies here.
/// `certain` is whether only these words can be meant, because no package is named by them.
pub(super) fn of_project(
    launch: &Launch,
    launcher: &str,
    words: &[String],
    certain: bool,
    home: &Path,
) -> Option<Identity> {
    let mut folder = PathBuf::from(&launch.cwd);
    let name = named(launcher, words, certain, &mut folder)?;
    let project = project(&folder);
    if let Some(script) = name.script.and_then(|script| script_of(project, script)) {
        let unclear = || Identity::unknown("a script of the project decides what will run");
        return Some(of_script(launch, project, &script, home).unwrap_or_else(unclear));
    }
    program_above(project, name.program?)
}

/// A script of the project, and a program of its packages.
#[derive(Default)]
struct Name<'w> {
    script: Option<&'w str>,
    program: Option<&'w str>,
}

fn named<'w>(
    launcher: &str,
    words: &'w [String],
    certain: bool,
    folder: &mut PathBuf,
) -> Option<Name<'w>> {
    let mut words = words.iter().map(String::as_str);
    let mut next = || -> Option<&'w str> {
        loop {
            let word = words.next()?;
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            if FOLDERS.contains(&name) {
                *folder = folder.join(value.or_else(|| words.next())?);
            } else if !FLAGS.contains(&word) {
                // Any other option may take the next word.
                return Some(word).filter(|word| !word.starts_with('-') && !word.contains('/'));
            }
        }
    };
    let verb = next()?;
    let both = |name| Name {
        script: Some(name),
        program: Some(name),
    };
    Some(match (launcher, verb) {
        ("npm" | "pnpm", "start" | "stop" | "restart" | "test" | "t" | "tst") => Name {
            script: Some(if verb.starts_with('t') { "test" } else { verb }),
            program: None,
        },
        ("npm", "run" | "run-script" | "rum" | "urn") => Name {
            script: Some(next()?),
            program: None,
        },
        ("yarn" | "pnpm", "exec") => Name {
            script: None,
            program: Some(next()?),
        },
        ("yarn" | "bun" | "pnpm", "run" | "run-script") => both(next()?),
        ("yarn" | "bun" | "pnpm", name) if certain => both(name),
        _ => return None,
    })
}

/// Options without a value that are written before a script's name.
const FLAGS: [&str; 9] = [
    "-s",
    "--silent",
    "-q",
    "--quiet",
    "-b",
    "--bun",
    "--offline",
    "--if-present",
    "--",
];
const FOLDERS: [&str; 5] = ["--prefix", "-C", "--cwd", "--dir", "--chdir"];

fn script_of(project: &Path, name: &str) -> Option<String> {
    let text = text(&project.join("package.json"))?;
    let manifest: serde_json::Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let script = manifest.get("scripts")?.get(name)?.as_str()?;
    Some(script.to_owned())
}

/// What a script runs that is one plain command.
fn of_script(launch: &Launch, project: &Path, script: &str, home: &Path) -> Option<Identity> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ./_-@:=,+".contains(c);
    let argv: Vec<String> = script.split_whitespace().map(str::to_owned).collect();
    let first = argv.first().filter(|first| !first.contains('='))?.clone();
    if !script.chars().all(plain) {
        return None;
    }
    let bare = Path::new(&first).components().count() == 1 && !is_interpreter(&first);
    if let Some(found) = program_above(project, &first).filter(|_| bare) {
        return Some(found);
    }
    let bins = project.ancestors().map(|at| at.join("node_modules/.bin"));
    let bins: Vec<String> = bins.map(|bin| bin.display().to_string()).collect();
    let mut inner = Launch {
        argv,
        cwd: project.display().to_string(),
        ..launch.clone()
    };
    for (name, value) in &mut inner.env {
        if name == "PATH" {
            *value = format!("{}:{value}", bins.join(":"));
        }
    }
    // A script that runs another is not followed further.
    const RUNS: [&str; 4] = ["npm", "yarn", "pnpm", "bun"];
    let again = RUNS.contains(&first.as_str());
    (!again).then(|| look(&inner, None, home))
}
