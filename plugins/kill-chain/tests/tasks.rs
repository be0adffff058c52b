//! Whole tasks from many domains, attacked and not: an attack is stopped at its last call or
//! before, a benign one goes through. The tasks are data in `tests/tasks/`.
//!
//! Stopped is a finding of at least medium, which `balanced` asks about.

mod story;

use clawdefender_sdk::{Finding, Severity};
use serde::Deserialize;
use story::Story;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tasks {
    task: Vec<Task>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    name: String,
    /// The last event is the attacker's call.
    attack: bool,
    /// It comes out the other way, and why that is accepted.
    accepted: Option<String>,
    events: Vec<String>,
}

#[test]
fn attacks_are_stopped_and_benign_tasks_are_not() {
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir("tests/tasks")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let tasks: Tasks = toml::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for task in tasks.task {
            let found = run(&task.events);
            let stopped = found
                .iter()
                .any(|finding| finding.severity as u8 >= Severity::Medium as u8);
            if (stopped == task.attack) == task.accepted.is_some() {
                wrong.push(format!(
                    "{}: {}: {}",
                    file.display(),
                    task.name,
                    story::line(&found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(events: &[String]) -> Vec<Finding> {
    let mut story = Story::begin();
    events
        .iter()
        .flat_map(|event| story::tell_all(&mut story, event))
        .collect()
}
