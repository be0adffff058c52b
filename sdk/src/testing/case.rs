//! The case files: what an author may write, and how it is read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One `[[case]]`: an event, what came before it, and what must be found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// A claim, shown when it fails.
    pub name: String,
    /// The kind of event by its word: `tool-result`, `tool-definition` …
    pub kind: String,
    pub server: String,
    /// Tool, prompt or URI: what the kind says.
    pub tool: String,
    pub method: String,
    /// The text with the guilty passage marked « ». In a case that expects nothing « » are
    /// ordinary quotation marks.
    pub text: Option<String>,
    /// Several texts, or texts with a role or a pointer.
    pub texts: Vec<TextSource>,
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
    pub assets: Vec<AssetSource>,
    pub attrs: Vec<(String, String)>,
    /// Seconds since the event before it; 1 when absent.
    pub after_s: Option<u64>,
    /// The events before it, oldest first, shown to the detector in turn.
    pub history: Vec<Case>,
    /// The exact set of rule ids. Absent only in a history entry, where it means "not checked".
    pub expect: Option<Vec<String>>,
}

/// A text, or a text with its place in the message.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TextSource {
    Plain(String),
    Placed {
        text: String,
        #[serde(default)]
        role: Option<String>,
        #[serde(default)]
        pointer: Option<String>,
    },
}

/// Something the event touches, as the host would have found it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetSource {
    pub kind: String,
    pub value: String,
    #[serde(default)]
    pub attrs: Vec<(String, String)>,
}

impl Case {
    pub(super) fn expects_nothing(&self) -> bool {
        self.expect.as_ref().is_some_and(Vec::is_empty)
    }

    pub(super) fn label(&self, index: usize) -> String {
        match self.name.as_str() {
            "" => format!("case {}", index + 1),
            name => format!("case {} ({name})", index + 1),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Case>,
}

pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

pub(super) fn read(path: &Path) -> Vec<Case> {
    let source =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: CaseFile =
        toml::from_str(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (index, case) in file.case.iter().enumerate() {
        let label = case.label(index);
        assert!(
            !case.kind.is_empty(),
            "{}: {label}: no kind",
            path.display()
        );
        assert!(
            case.expect.is_some(),
            "{}: {label}: no expect",
            path.display()
        );
    }
    file.case
}
