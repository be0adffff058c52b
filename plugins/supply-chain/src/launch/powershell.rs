//! PowerShell: its own language, close enough to a shell's for simple lines.

use super::{Opaque, Reader, Role, encoded};

impl Reader {
    /// What it is told to run, as text or encoded.
    pub(super) fn powershell(&mut self, words: &[String], role: Role, depth: u32) {
        self.opaque(Opaque::Script);
        let option = |word: &str, name: &str| {
            let word = word.to_ascii_lowercase();
            word.len() > 1
                && word.starts_with(['-', '/'])
                && name.starts_with(word.get(1..).unwrap_or_default())
        };
        let mut texts = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if option(word, "encodedcommand") || option(word, "ec") {
                texts.extend(words.get(at + 1).and_then(|word| encoded::decode(word)));
            }
        }
        let command = words.iter().position(|word| option(word, "command"));
        let rest = words.get(command.map_or(0, |at| at + 1)..);
        texts.push(rest.unwrap_or_default().join(" "));
        for text in texts {
            let text = text.replace('`', "");
            self.script(&as_shell(&text), role, depth);
            self.source_code(&text, depth);
        }
    }
}

/// A line with the shell's separators in paths, and its way to set variables: `$env:A = 'b'`.
fn as_shell(text: &str) -> String {
    const BEGINS: &str = "$env:";
    let text = text.replace('\\', "/");
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in lower.match_indices(BEGINS) {
        let rest = text.get(at + BEGINS.len()..).unwrap_or_default();
        let name = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(name);
        let Some(value) = after.trim_start_matches(' ').strip_prefix('=') else {
            continue;
        };
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(&format!("export {name}="));
        done = text.len() - value.trim_start_matches(' ').len();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out.replace("SetEnvironmentVariable(", ";setenv ")
}
