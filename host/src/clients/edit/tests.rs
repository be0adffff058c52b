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
        "hand": {"command": "/opt/claw \"x\"/clawdefender", "args": ["proxy", "--server=hand", "--", "x"]},
        "odd": {"command": "x", "args": [1]},
        "none": {}
    }}"#;
    assert_eq!(wrapped(text), text);
    use State::{Ours, Remote, Unsupported};
    assert_eq!(
        states(text),
        [
            Remote("it has settings, such as a login, that only the client itself can use"),
            Ours,
            Unsupported,
            Unsupported,
        ]
    );
}

fn states(text: &str) -> Vec<State> {
    let entries = entries(text, ROOTS, exe()).unwrap();
    entries.into_iter().map(|entry| entry.state).collect()
}

fn one(entry: &str) -> String {
    format!(r#"{{"mcpServers": {{"a": {entry}}}}}"#)
}

#[test]
fn an_entry_whose_variables_choose_its_judge_is_left_alone() {
    for variables in [
        r#""env": {"A": "b", "CLAWDEFENDER_HOME": "/tmp/x"}"#,
        r#""env": {"CLAWDEFENDER_LOG": "debug"}"#,
        r#""env": {"HOME": "/tmp/x"}"#,
        r#""env": {"HO\u004dE": "/tmp/x"}"#,
        r#""env": {"HOME": "/a", "HOME": ""}"#,
        r#""env": {"LD_PRELOAD": "./x.so"}"#,
        r#""env": {"LD_AUDIT": "./x.so"}"#,
        r#""env": {"DYLD_INSERT_LIBRARIES": "./x.dylib"}"#,
        r#""env": ["HOME=/tmp/x"]"#,
        r#""envFile": ".env""#,
    ] {
        let bare = one(&format!(
            r#"{{"command": "npx", "args": ["y"], {variables}}}"#
        ));
        assert!(matches!(states(&bare)[..], [State::Obstacle(_)]), "{bare}");
        assert_eq!(wrapped(&bare), bare);

        // Somebody added it to an entry that was wrapped: said, and still undone.
        let plain = one(r#"{"command": "npx", "args": ["y"]}"#);
        let edited = wrapped(&plain).replace("]}}}", &format!("], {variables}}}}}}}"));
        assert!(
            matches!(states(&edited)[..], [State::Exposed(_)]),
            "{edited}"
        );
        assert_eq!(wrapped(&edited), edited);
        assert_eq!(unwrapped(&edited), bare);
    }
    for harmless in [
        r#""env": {"A": "CLAWDEFENDER_HOME", "HOMEPAGE": "x", "home": "x", "OLD_X": "1"}"#,
        r#""env": {}"#,
        r#""env": null"#,
    ] {
        let text = one(&format!(r#"{{"command": "npx", {harmless}}}"#));
        assert_eq!(states(&text), [State::NotWrapped], "{text}");
    }
    let far = one(r#"{"url": "https://x.example/mcp", "headers": {"A": "b"}}"#);
    let far = wrapped(&far).replace("\"env\": {", "\"env\": {\"HOME\": \"/tmp\", ");
    assert!(matches!(states(&far)[..], [State::Exposed(_)]), "{far}");
}

#[test]
fn a_command_and_a_url_in_one_entry_are_left_alone() {
    for key in ["url", "serverUrl", "httpUrl"] {
        let bare = one(&format!(
            r#"{{"command": "npx", "{key}": "https://x.example"}}"#
        ));
        assert!(matches!(states(&bare)[..], [State::Obstacle(_)]), "{bare}");
        assert_eq!(wrapped(&bare), bare);
        let edited = wrapped(&one(r#"{"command": "npx"}"#)).replace(
            "]}}}",
            &format!("], \"{key}\": \"https://x.example\"}}}}}}"),
        );
        assert!(
            matches!(states(&edited)[..], [State::Exposed(_)]),
            "{edited}"
        );
        assert_eq!(unwrapped(&edited), bare);
    }
    // Undoing would give the key twice.
    let far = wrapped(&one(r#"{"url": "https://x.example/mcp"}"#));
    let far = far.replace("]}}}", "], \"url\": \"https://y.example\"}}}");
    assert!(matches!(states(&far)[..], [State::Exposed(_)]), "{far}");
    assert_eq!(unwrapped(&far), far);
}

#[test]
fn only_this_program_counts_as_ours() {
    let us = exe().to_str().unwrap().replace('"', "\\\"");
    // Another program of our name, and our own past everything: both are in need of us.
    for direct in [
        r#"{"command": "./tools/clawdefender", "args": ["mcp"]}"#.to_owned(),
        r#"{"command": "/usr/bin/clawdefender", "args": ["proxy", "x"]}"#.to_owned(),
        format!(r#"{{"command": "{us}", "args": ["bridge", "https://x.example"]}}"#),
        format!(r#"{{"command": "{us}", "args": ["--json", "proxy"]}}"#),
    ] {
        let direct = one(&direct);
        assert_eq!(states(&direct), [State::NotWrapped], "{direct}");
        let once = wrapped(&direct);
        assert_eq!(states(&once), [State::Wrapped], "{once}");
        assert_eq!(unwrapped(&once), direct);
    }
    // With our arguments it is not believed either: the program is replaced by this one.
    for program in ["./tools/clawdefender", "clawdefender", "/old/clawdefender"] {
        let args = r#""args": ["proxy", "--server", "a", "--", "npx", "y"]"#;
        let drifted = one(&format!(r#"{{"command": "{program}", {args}}}"#));
        assert_eq!(states(&drifted), [State::Drifted]);
        let repaired = wrapped(&drifted);
        assert_eq!(repaired, one(&format!(r#"{{"command": "{us}", {args}}}"#)));
        assert_eq!(states(&repaired), [State::Wrapped]);
        assert_eq!(unwrapped(&drifted), unwrapped(&repaired));
    }
}

#[test]
fn a_link_to_this_program_is_this_program() {
    let root = tempfile::tempdir().unwrap();
    let (exe, link) = (root.path().join("bin"), root.path().join("link"));
    std::fs::write(&exe, "").unwrap();
    let text = one(&format!(
        r#"{{"command": {:?}, "args": ["proxy", "--server", "a", "--", "x"]}}"#,
        link.to_str().unwrap()
    ));
    let state = || entries(&text, ROOTS, &exe).unwrap()[0].state;
    assert_eq!(state(), State::NotWrapped, "it leads nowhere");
    std::os::unix::fs::symlink(&exe, &link).unwrap();
    assert_eq!(state(), State::Wrapped);
}

#[test]
fn a_marker_that_nobody_can_undo_is_no_predecessor() {
    for marker in [
        "{}",
        r#"{"command": 1}"#,
        r#"{"args": ["y"]}"#,
        r#"{"command": "npx", "args": "y"}"#,
        r#"{"command": "npx", "args": [1]}"#,
    ] {
        let text = one(&format!(
            r#"{{"command": "evil", "args": [], "_clawdefender_original": {marker}}}"#
        ));
        assert_eq!(states(&text), [State::NotWrapped], "{text}");
        let once = wrapped(&text);
        assert_eq!(states(&once), [State::Wrapped]);
        assert_eq!(unwrapped(&once), text);
    }
    let lost = r#"{"command": "evil", "_clawai_original": {"command": "npx", "args": ["y"]}}"#;
    assert_eq!(states(&one(lost)), [State::NotWrapped]);
}

#[test]
fn wrapping_takes_the_place_of_the_predecessor() {
    let text = |more: &str| {
        one(&format!(
            r#"{{"command": "/x/clawdefender", "args": ["proxy", "--", "npx"], "_clawai_original": {{"command": "npx"}}{more}}}"#
        ))
    };
    let plain = one(r#"{"command": "npx", "args": []}"#);
    assert_eq!(states(&text("")), [State::Predecessor]);
    assert_eq!(wrapped(&text("")), wrapped(&plain));
    // One that can't be wrapped keeps what it has.
    let exposed = text(r#", "env": {"HOME": "/x"}"#);
    assert!(matches!(states(&exposed)[..], [State::Exposed(_)]));
    assert_eq!(wrapped(&exposed), exposed);
    assert_eq!(
        unwrapped(&exposed),
        one(r#"{"command": "npx", "args": [], "env": {"HOME": "/x"}}"#)
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
