//! What each entry starts, as it was before anybody wrapped it.

use std::path::Path;

use super::{
    EditError, Found, Root, State, Value, arguments, object, remote, state, string, unwrap, walk,
};
use jsonc_parser::ast::Object;

/// One member where a server's entry belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub server: String,
    /// The project's folder, in a file that has servers of several.
    pub under: Option<String>,
    /// Line of its name, from 1.
    pub line: usize,
    pub state: State,
    /// The program that stands before it, when that is ours at another place than this one.
    pub wrapper: Option<String>,
    pub start: Start,
}

/// How a client reaches a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Command {
        argv: Vec<String>,
        /// Values may be secrets.
        env: Vec<(String, String)>,
        cwd: Option<String>,
        /// It has a URL as well, and which of the two counts is the client's choice.
        url_too: bool,
    },
    Url(String),
    /// Nothing that a client could start, and why.
    Nothing(&'static str),
}

/// Every entry of `text`, wrapped ones as their originals.
///
/// # Errors
/// [`EditError`] when the text can't be read in one way only.
pub fn list(text: &str, roots: &[Root], exe: &Path) -> Result<Vec<Listed>, EditError> {
    let mut listed = Vec::new();
    walk(text, roots, |text, found| {
        listed.push(Listed {
            server: found.server.to_owned(),
            under: found.under.map(str::to_owned),
            line: found.at,
            ..of_wrapped(text, found, exe)
        });
        Vec::new()
    })?;
    // Offsets become lines in one pass: a file can have many entries.
    let newlines: Vec<usize> = text
        .trim_start_matches(super::BOM)
        .match_indices('\n')
        .map(|(at, _)| at)
        .collect();
    for entry in &mut listed {
        entry.line = newlines.partition_point(|newline| *newline < entry.line) + 1;
    }
    // Unwrapping changes no name and no order, so both lists have the same entries.
    let original = unwrap(text, roots, exe, |_| true)?;
    let mut entries = listed.iter_mut();
    walk(&original, roots, |_, found| {
        if let Some(entry) = entries.next() {
            entry.start = match found.value {
                Value::Object(object) => start(object),
                _ => Start::Nothing("its entry is no object"),
            };
        }
        Vec::new()
    })?;
    Ok(listed)
}

/// What an entry is as it stands.
fn of_wrapped(text: &str, found: &Found<'_>, exe: &Path) -> Listed {
    let state = match found.value {
        Value::Object(entry) => state(text, entry, exe),
        _ => State::Unsupported,
    };
    let command = match found.value {
        Value::Object(entry) => string(entry, "command"),
        _ => None,
    };
    let wrapper = command.filter(|_| state == State::Drifted);
    Listed {
        server: String::new(),
        under: None,
        line: 0,
        state,
        wrapper: wrapper.map(|command| command.value.to_string()),
        start: Start::Nothing("it was not read"),
    }
}

fn start(entry: &Object<'_>) -> Start {
    let Some(command) = string(entry, "command") else {
        return match remote::url(entry) {
            Ok(url) => Start::Url(url.to_owned()),
            Err(why) => Start::Nothing(why),
        };
    };
    let Some(arguments) = arguments(entry) else {
        return Start::Nothing("its arguments are not all texts");
    };
    let words = arguments.iter().map(|word| word.value.to_string());
    let env = object(entry, "env").map(|env| env.properties.as_slice());
    let variables = env.unwrap_or_default().iter().filter_map(|variable| {
        let value = super::literal(&variable.value)?;
        Some((variable.name.as_str().to_owned(), value.value.to_string()))
    });
    Start::Command {
        argv: std::iter::once(command.value.to_string())
            .chain(words)
            .collect(),
        env: variables.collect(),
        cwd: string(entry, "cwd").map(|cwd| cwd.value.to_string()),
        url_too: remote::is_remote(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::edit::wrap;

    const ROOTS: &[Root] = &[&["mcpServers"], &["projects", "*", "mcpServers"]];
    const CONFIG: &str = "\u{feff}{ // mine\r\n\
        \"mcpServers\": {\r\n\
        \"gh\": { \"command\": \"npx\", \"args\": [\"-y\", \"gh@1\"], \"env\": { \"A\": \"s\", \"B\": 1 } },\r\n\
        \"far\": { \"url\": \"https://far.example/mcp\", \"headers\": { \"X\": \"s\" } },\r\n\
        \"odd\": 7, \"none\": {}, \"two\": { \"url\": \"a\", \"httpUrl\": \"b\" },\r\n\
        \"both\": { \"command\": \"x\", \"url\": \"https://far.example\" },\r\n\
        \"bad\": { \"command\": \"x\", \"args\": [1] } },\r\n\
        \"projects\": { \"/w/p\": { \"mcpServers\": { \"in\": { \"command\": \"x\", \"cwd\": \"/c\" } } } }\r\n}";

    fn exe() -> &'static Path {
        Path::new("/opt/clawdefender")
    }

    fn shown(text: &str) -> Vec<String> {
        let listed = list(text, ROOTS, exe()).unwrap();
        let line = |entry: &Listed| {
            let under = entry.under.as_deref().unwrap_or("-");
            format!("{} {} {under} {:?}", entry.line, entry.server, entry.start)
        };
        listed.iter().map(line).collect()
    }

    #[test]
    fn every_entry_is_listed_with_its_line_and_what_it_starts() {
        expect_test::expect![[r#"
            3 gh - Command { argv: ["npx", "-y", "gh@1"], env: [("A", "s")], cwd: None, url_too: false }
            4 far - Url("https://far.example/mcp")
            5 odd - Nothing("its entry is no object")
            5 none - Nothing("it has neither a command nor a URL")
            5 two - Nothing("it has more than one URL")
            6 both - Command { argv: ["x"], env: [], cwd: None, url_too: true }
            7 bad - Nothing("its arguments are not all texts")
            8 in /w/p Command { argv: ["x"], env: [], cwd: Some("/c"), url_too: false }"#]]
        .assert_eq(&shown(CONFIG).join("\n"));
    }

    #[test]
    fn a_wrapped_file_lists_what_the_original_does() {
        let wrapped = wrap(CONFIG, ROOTS, exe(), |_| true).unwrap();
        assert_ne!(wrapped, CONFIG);
        assert_eq!(shown(&wrapped), shown(CONFIG));
        let states = |text: &str| -> Vec<State> {
            let listed = list(text, ROOTS, exe()).unwrap();
            listed.into_iter().map(|entry| entry.state).collect()
        };
        assert_eq!(states(&wrapped)[0], State::Wrapped);
        assert_eq!(states(&wrapped)[1], State::Wrapped);
    }

    #[test]
    fn a_wrapper_at_another_place_is_named() {
        let wrapped = wrap(CONFIG, ROOTS, Path::new("/tmp/x/clawdefender"), |_| true).unwrap();
        let listed = list(&wrapped, ROOTS, exe()).unwrap();
        assert_eq!(listed[0].state, State::Drifted);
        assert_eq!(listed[0].wrapper.as_deref(), Some("/tmp/x/clawdefender"));
        assert_eq!(shown(&wrapped)[0], shown(CONFIG)[0]);
    }
}
