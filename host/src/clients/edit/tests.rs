//! Wrapping and undoing on text: exact bytes, many shapes.

use super::*;

const ROOTS: &[Root] = &[&["mcpServers"], &["projects", "*", "mcpServers"]];

fn exe() -> &'static Path {
    Path::new("/opt/claw \"x\"/clawdefender")
}

fn wrapped(text: &str) -> String {
    wrap(text, ROOTS, exe(), |_| true).unwrap()
}

fn unwrapped(text: &str) -> String {
    unwrap(text, ROOTS, exe(), |_| true).unwrap()
}

#[test]
fn a_wrapped_entry_describes_itself_and_keeps_everything_else() {
    let text = r#"{ // mine
  "mcpServers": { "github": {"env": {"A": "1"}, "command": "npx", "args": ["-y", "gh"], "cwd": "/x" } }
}"#;
    let exe = Path::new("/bin/clawdefender");
    assert_eq!(
        wrap(text, ROOTS, exe, |_| true).unwrap(),
        r#"{ // mine
  "mcpServers": { "github": {"env": {"A": "1"}, "command": "/bin/clawdefender", "args": ["proxy", "--server", "github", "--", "npx","-y", "gh"], "cwd": "/x" } }
}"#
    );
}

/// Every combination of the pieces that files in the wild differ in.
#[test]
fn unwrap_after_wrap_gives_the_same_bytes_for_every_generated_shape() {
    let commands = [
        r#""npx""#,
        r#""C:\\Program Files\\node.exe""#,
        r#""\u006epx ✓""#,
    ];
    let args = [
        "",
        r#"@"args":[]"#,
        r#"@"args" : [ ]"#,
        r#"@"args": ["-y",@"a b"]"#,
        r#"@"args": [@"--",@"x",@]"#,
        r#"@"args": [/* first */ "x" /* , */, "proxy"]"#,
        r#"@"args": ["é\n\"q\""]"#,
    ];
    let extras = [
        "",
        r#"@"env": {"command": "no", "args": []}"#,
        r#"@"cwd": "${HOME}"@, "disabled": false"#,
    ];
    let names = ["github", "naïve 服务", r#"q\"uote"#, "*"];
    let mut shapes = 0;
    for newline in ["\n", "\r\n", "\n\t", " ", ""] {
        for (head, tail) in [("", ""), ("\u{feff}", "\n"), ("// top\n", "\r\n\r\n")] {
            for command in commands {
                for list in args {
                    for extra in extras {
                        for name in names {
                            for args_first in [false, true] {
                                let mut parts = vec![
                                    format!(r#""command": {command}"#),
                                    list.to_owned(),
                                    extra.to_owned(),
                                ];
                                if args_first {
                                    parts.swap(0, 1);
                                }
                                parts.retain(|part| !part.is_empty());
                                let entry = parts.join(",").replace('@', newline);
                                let servers = format!(
                                    r#"{{"{name}": {{{entry}}},{newline}"web": {{"url": "https://x"}}}}"#
                                );
                                let text = format!(
                                    r#"{head}{{"mcpServers": {servers},{newline}"projects": {{"/a b": {{"mcpServers": {servers}}}, "/c": {{"mcpServers": {{}}}}}}}}{tail}"#
                                );
                                let once = wrapped(&text);
                                assert_ne!(once, text);
                                assert_eq!(wrapped(&once), once, "wrapping twice changes nothing");
                                assert_eq!(unwrapped(&once), text);
                                assert_eq!(unwrapped(&text), text);
                                shapes += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(shapes > 5_000, "{shapes}");
}

#[test]
fn what_must_not_be_wrapped_is_left_and_named() {
    let text = r#"{"mcpServers": {
        "web": {"type": "http", "url": "https://x", "oauth": {}},
        "us": {"command": "/usr/bin/clawdefender", "args": ["mcp"]},
        "moved": {"command": "/old/clawdefender", "args": ["proxy", "--server", "moved", "--", "x"]},
        "odd": {"command": "x", "args": [1]},
        "none": {},
        "old": {"command": "c", "args": [], "_clawai_original": {"command": "npx", "args": ["a"]}}
    }}"#;
    assert_eq!(wrapped(text), text);
    let states: Vec<State> = entries(text, ROOTS, exe())
        .unwrap()
        .into_iter()
        .map(|entry| entry.state)
        .collect();
    use State::{Drifted, Ours, Predecessor, Remote, Unsupported};
    assert_eq!(
        states,
        [
            Remote("it has settings, such as a login, that only the client itself can use"),
            Ours,
            Drifted,
            Unsupported,
            Unsupported,
            Predecessor
        ]
    );
}

#[test]
fn the_predecessors_markers_are_undone() {
    let text = |marker: &str| {
        format!(
            r#"{{"mcpServers": {{"a": {{"command": "/x/clawdefender", "args": ["proxy", "--", "npx", "-y"], "{marker}": {{"command": "npx", "args": ["-y"]}}, "env": {{}}}}}}}}"#
        )
    };
    for marker in MARKERS {
        assert_eq!(
            unwrapped(&text(marker)),
            r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y"], "env": {}}}}"#
        );
    }
}

#[test]
fn a_reformatted_wrap_is_still_undone() {
    let text = "{\"mcpServers\":{\"a\":{\"args\":[\n\"proxy\",\n\"--server\",\n\"a\",\n\"--\",\n\"npx\"\n, // c\n\"-y\"],\"command\":\"/else/clawdefender\"}}}";
    let undone = unwrapped(text);
    let value: serde_json::Value = serde_json::from_str(&undone.replace("// c", "")).unwrap();
    assert_eq!(
        value["mcpServers"]["a"],
        serde_json::json!({ "command": "npx", "args": ["-y"] })
    );
}

#[test]
fn text_that_can_be_read_in_two_ways_is_refused_with_its_place() {
    let error = |text: &str| wrap(text, ROOTS, exe(), |_| true).unwrap_err();
    assert_eq!(
        error("{\n  \"é\": }"),
        EditError::Syntax { line: 2, column: 8 }
    );
    assert!(matches!(
        error("{'mcpServers': {}}"),
        EditError::Syntax { .. }
    ));
    let twice = "{\"mcpServers\": {\"a\": {\"command\": \"x\",\n \"command\": \"y\"}}}";
    assert_eq!(error(twice), EditError::Duplicate { line: 2, column: 2 });
    assert_eq!(wrapped(""), "");
    assert_eq!(wrapped("[]"), "[]");
}

#[test]
fn only_selected_servers_are_touched() {
    let text = r#"{"mcpServers": {"a": {"command": "x"}, "b": {"command": "y"}}}"#;
    let once = wrap(text, ROOTS, exe(), |server| server == "b").unwrap();
    assert!(once.contains(r#""a": {"command": "x"}"#) && once.contains("proxy"));
    assert_eq!(
        unwrap(&once, ROOTS, exe(), |server| server == "a").unwrap(),
        once
    );
}
