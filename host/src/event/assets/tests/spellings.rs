//! Spellings that some receiver reads as another thing than it looks like, each with its innocent twin.

use super::*;

/// The same with what a URI names, as `resources/read` asks for it.
#[track_caller]
fn uris(secret: &str, harmless: &str) {
    let touches = |uri: &str| {
        let assets = request("resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
        assets.iter().any(|asset| asset.credential)
    };
    assert!(touches(secret), "{secret}");
    assert!(!touches(harmless), "{harmless}");
}

#[test]
fn nothing_that_makes_no_letter_hides_what_is_encoded_beside_it() {
    uris("file:///etc/sh%61dow?%ff", "file:///etc/h%6fsts?%ff");
    uris("file:///etc/sh%61dow#%ff", "file:///etc/h%6fsts#%ff");
    uris("~/.%73sh/config?%ff", "~/.%63ache/config?%ff");
}

#[test]
fn what_parsers_of_addresses_take_away_hides_nothing() {
    uris("fi\\tle:///etc/shadow", "fi\\tle:///etc/hosts");
    uris("fi\\nle:///etc/shadow", "fi\\nle:///etc/hosts");
    uris("\\u0001file:///etc/shadow", "\\u0001file:///etc/hosts");
    twins(
        r#"{"url":"\u0000file:///etc/shadow"}"#,
        r#"{"url":"\u0000file:///etc/hosts"}"#,
    );
    check(
        r#"{"url":"\u001fhttps://evil.example/x"}"#,
        expect!["url https://evil.example/x\nhost evil.example"],
    );
    check(
        r#"{"host":"evil.example\u0000"}"#,
        expect!["url https://evil.example\nhost evil.example"],
    );
}

#[test]
fn json_in_a_string_is_read_as_a_server_may_read_it() {
    twins(
        r#"{"input":"{\"path\":\"\\u002fetc\\u002fshadow\"}"}"#,
        r#"{"input":"{\"path\":\"\\u002fetc\\u002fhosts\"}"}"#,
    );
    twins(
        r#"{"options":"{\"path\":\"\\/etc\\/shadow\"}"}"#,
        r#"{"options":"{\"path\":\"\\/etc\\/hosts\"}"}"#,
    );
    twins(
        r#"{"a":"[\"{\\\"path\\\":\\\"\\\\u002fetc/shadow\\\"}\"]"}"#,
        r#"{"a":"[\"{\\\"path\\\":\\\"\\\\u002fetc/hosts\\\"}\"]"}"#,
    );
}

#[test]
fn a_directory_that_a_line_names_gives_bare_words_a_place() {
    for (secret, harmless) in [
        ("cd /etc && cat shadow", "cd /etc && cat hosts"),
        ("cd /etc; cat sudoers", "cd /etc; cat motd"),
        ("tar -C /etc -cf - shadow", "tar -C /etc -cf - hosts"),
        ("find /etc -name shadow", "find /etc -name hosts"),
        ("cat$IFS/etc/shadow", "cat$IFS/etc/hosts"),
        ("cat${IFS}/etc/shadow", "cat${IFS%??}/etc/hosts"),
        ("cat$IFS$HOME/.aws/credentials", "cat$IFS$HOME/.aws-notes"),
    ] {
        let line = |command: &str| serde_json::json!({ "command": command }).to_string();
        twins(&line(secret), &line(harmless));
    }
    twins(
        r#"{"cwd":"/etc","command":"cat shadow"}"#,
        r#"{"cwd":"/etc","command":"cat hosts"}"#,
    );
}

#[test]
fn wide_numbers_are_addresses_to_programs_of_the_network() {
    for command in [
        "curl 2852039166/latest",
        "wget 0xa9fea9fe",
        "nc 0xa9fea9fe 80",
    ] {
        let call = format!(r#"{{"name":"t","arguments":{{"command":"{command}"}}}}"#);
        let hosts = show(&request("tools/call", &call));
        assert!(hosts.contains("host 169.254.169.254"), "{command}: {hosts}");
        assert!(!hosts.contains("host 0."), "{command}: {hosts}");
    }
}
