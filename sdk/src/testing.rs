//! The native test harness: runs `cases/*.toml` against a detector without WASM.
//!
//! A case marks the guilty passage with « and »; the harness strips the marks, makes the event as
//! the host would (canonical view included), and compares the exact set of rule ids. It also
//! checks what the host would refuse: unknown rules, spans outside a text, memos that are too
//! long. Test code: it panics with a message for the author.
#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a failing test panics; this only runs in tests"
)]

mod case;
mod event;
mod run;
mod vectors;

use std::path::Path;

pub use case::{AssetSource, Case, TextSource};
pub use event::EventBuilder;
pub use run::{check_report, run_case};
pub use vectors::vectors;

use crate::{Blob, Detector, Settings};

/// Runs every case of every `*.toml` in `dir`, which is relative to the crate under test.
///
/// # Panics
/// With the list of all cases that failed; when a file has no case that expects nothing (an
/// attack without an innocent twin proves little); when there is no file at all.
#[track_caller]
pub fn run_cases<D: Detector>(dir: &str, settings: &Settings, data: Vec<Blob>) {
    let detector = D::configure_owned(settings, data)
        .unwrap_or_else(|refusal| panic!("the detector refused its settings or data: {refusal}"));
    let info = D::describe();
    let mut failures = Vec::new();
    let files = case::files(Path::new(dir));
    assert!(!files.is_empty(), "no *.toml in {dir}");
    for file in files {
        let cases = case::read(&file);
        if !cases.iter().any(|case| case.expects_nothing()) {
            failures.push(format!(
                "{}: no innocent twin: no case expects []",
                file.display()
            ));
        }
        for (index, case) in cases.iter().enumerate() {
            if let Err(reason) = run_case(&detector, &info, case) {
                let label = case.label(index);
                failures.push(format!("{}: {label}: {reason}", file.display()));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// The data artifact that `cargo xtask feed build` makes of a `feeds/data/*.toml` file: the table
/// `[artifact]` names it, the rest becomes compact JSON with sorted keys.
///
/// # Panics
/// When the file can't be read or its `[artifact]` is incomplete.
#[track_caller]
pub fn data_blob(path: impl AsRef<Path>) -> Blob {
    let path = path.as_ref();
    let source =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut value: serde_json::Value =
        toml::from_str(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let artifact = value
        .as_object_mut()
        .and_then(|table| table.remove("artifact"))
        .unwrap_or_else(|| panic!("{}: no [artifact] table", path.display()));
    let field = |name: &str| match artifact.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => panic!("{}: [artifact] has no {name}", path.display()),
    };
    value.sort_all_objects();
    let bytes = match value.pointer("/model/file") {
        // What is written down here is where its bytes come from; they lie beside it.
        Some(file) if field("kind") == "model" => {
            let file = file.as_str().unwrap_or_default();
            let path = path.with_file_name(file).with_extension("bin");
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        }
        _ => serde_json::to_vec(&value).expect("a JSON value serialises"),
    };
    Blob {
        kind: field("kind"),
        name: field("name"),
        version: field("version"),
        bytes,
    }
}

#[cfg(test)]
mod tests;
