//! What the audit record keeps of an event: facts, digests and short excerpts, secrets hidden.
//!
//! What a person typed into a form is never kept, nor a value that its key or its option calls a
//! secret. Texts are attacker-written; whoever prints a summary has to escape it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hidden::Hidden;
use super::secret::{redact_secrets, secrets};
use super::{Asset, Direction, Event, Kind};

/// A summary of at most `max_bytes` bytes of JSON.
///
/// The facts and the digest always fit; as many assets and then excerpts as there is room for
/// follow, and `omitted` counts the rest. Below [`MIN_BYTES`] only facts are left.
pub fn summary(event: &Event, max_bytes: usize) -> Value {
    let texts: usize = event.texts.iter().map(|text| text.original.len()).sum();
    let mut assets = Vec::new();
    let mut excerpts = Vec::new();
    // Every key, bracket and number around the lists.
    let facts = facts(event, texts);
    let mut room = max_bytes.saturating_sub(length(&facts) + FRAME_BYTES);
    let mut fits = |value: &Value| {
        let needed = length(value) + 1;
        let left = room.checked_sub(needed);
        room = left.unwrap_or(room);
        left.is_some()
    };
    // What was typed is in no asset either: an account or an address would be it once more.
    let typed = event.kind == Kind::Elicitation && event.direction == Direction::ToServer;
    let hidden = Hidden::of(event);
    // A credential place is what a reader looks for, so it comes before what may not fit.
    let (secret, other): (Vec<_>, Vec<_>) = event.assets.iter().partition(|a| a.credential);
    for asset in secret.into_iter().chain(other) {
        let mut entry = json!({ "kind": asset.kind.word() });
        if hidden.tells(asset) {
            insert(&mut entry, "value", Value::from(NAMED));
        } else if !typed {
            insert(&mut entry, "value", Value::from(touched(event, asset)));
        }
        if asset.credential {
            insert(&mut entry, "credential", Value::Bool(true));
        }
        if fits(&entry) {
            assets.push(entry);
        }
    }
    for (index, text) in event.texts.iter().enumerate().filter(|_| !typed) {
        let excerpt = match hidden.has(index) {
            true => NAMED.to_owned(),
            false => short(&text.original, MAX_EXCERPT_BYTES),
        };
        let entry = json!({
            "pointer": short(&text.pointer, MAX_VALUE_BYTES),
            "excerpt": excerpt,
        });
        if fits(&entry) {
            excerpts.push(entry);
        }
    }
    let omitted = event.assets.len() - assets.len() + event.texts.len() - excerpts.len();
    let mut summary = facts;
    insert(&mut summary, "assets", Value::Array(assets));
    insert(&mut summary, "excerpts", Value::Array(excerpts));
    insert(&mut summary, "omitted", json!(omitted));
    summary
}

/// A name as it is kept and shown: secrets hidden, and cut where it is longer than any name that a
/// person reads. A resource's name is its URI, which may hold a password.
pub fn name(name: &str) -> String {
    short(name, MAX_SHOWN_NAME_BYTES)
}

/// SHA-256 over every text, each with its pointer and both with their lengths before them, so that
/// no two lists of texts share a digest by being cut elsewhere.
pub fn digest(event: &Event) -> String {
    let mut hash = Sha256::new();
    for text in &event.texts {
        for part in [&text.pointer, &text.original] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

fn facts(event: &Event, text_bytes: usize) -> Value {
    json!({
        "kind": short(event.kind.word(), MAX_NAME_BYTES),
        "direction": event.direction.word(),
        "method": short(&event.method, MAX_NAME_BYTES),
        "name": short(&event.name, MAX_NAME_BYTES),
        "texts": event.texts.len(),
        "text_bytes": text_bytes,
        "texts_sha256": digest(event),
    })
}

/// What an asset is called, without what is hidden in the text that it is from.
fn touched(event: &Event, asset: &Asset) -> String {
    let text = asset.text.and_then(|text| event.texts.get(text));
    let text = text.map_or("", |text| text.original.as_str());
    let near = text.get(..floor(text, MAX_SOURCE_BYTES)).unwrap_or("");
    let mut value = asset.value.clone();
    for (span, kind) in secrets(near) {
        let secret = near.get(span).unwrap_or("").trim_matches(['"', '\'']);
        if secret.len() >= MIN_SECRET_BYTES && value.contains(secret) {
            value = value.replace(secret, &format!("[redacted:{kind}]"));
        }
    }
    short(&value, MAX_VALUE_BYTES)
}

/// Redacts first and cuts then: a cut secret would no longer look like one.
fn short(text: &str, max_bytes: usize) -> String {
    // Enough for the longest secret that starts inside the excerpt, without reading megabytes.
    let near = text.get(..floor(text, max_bytes * 8)).unwrap_or("");
    let redacted = redact_secrets(near);
    if redacted.len() <= max_bytes && near.len() == text.len() {
        return redacted.into_owned();
    }
    format!(
        "{}…",
        redacted.get(..floor(&redacted, max_bytes)).unwrap_or("")
    )
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

fn length(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}

fn insert(value: &mut Value, key: &str, entry: Value) {
    if let Value::Object(members) = value {
        members.insert(key.to_owned(), entry);
    }
}

/// Facts of the longest names, escaped at their worst, with empty lists.
pub const MIN_BYTES: usize = 8 << 10;
/// `,"assets":[],"excerpts":[],"omitted":N`.
const FRAME_BYTES: usize = 64;
/// What stands for a value that something else calls a secret.
pub const NAMED: &str = "[redacted:named-secret]";
/// Chosen: longer than the lines that people have programs run.
const MAX_SOURCE_BYTES: usize = 4096;
/// Shorter ones are part of other words.
const MIN_SECRET_BYTES: usize = 3;
const MAX_NAME_BYTES: usize = 200;
/// Chosen: longer than the URIs that people use, far below what a record holds (1 MiB).
const MAX_SHOWN_NAME_BYTES: usize = 1024;
const MAX_VALUE_BYTES: usize = 300;
const MAX_EXCERPT_BYTES: usize = 160;

#[cfg(test)]
mod tests {
    use super::super::{Asset, AssetKind, Role, Server, Text};
    use super::*;
    use expect_test::expect;

    fn asset(kind: AssetKind, value: &str, text: Option<usize>) -> Asset {
        Asset {
            kind,
            value: value.into(),
            text,
            aliases: vec![],
            credential: false,
            wild: false,
        }
    }

    /// An event with these texts under these pointers.
    fn said(texts: &[(&str, &str)]) -> Event {
        let mut event = event(&texts.iter().map(|(_, text)| *text).collect::<Vec<_>>(), 0);
        for (text, (pointer, _)) in event.texts.iter_mut().zip(texts) {
            text.pointer = (*pointer).into();
        }
        event
    }

    /// What is kept of each text.
    fn kept(texts: &[(&str, &str)]) -> Vec<String> {
        let summary = summary(&said(texts), 16_384);
        let excerpts = summary["excerpts"].as_array().unwrap().iter();
        excerpts
            .map(|kept| kept["excerpt"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn check(secret: &[(&str, &str)], innocent: &[(&str, &str)]) {
        let kept_of = kept(secret);
        assert_eq!(
            kept_of.last().map(String::as_str),
            Some(NAMED),
            "{secret:?}"
        );
        assert_eq!(kept(innocent).last().unwrap(), innocent.last().unwrap().1);
    }

    #[test]
    fn a_value_that_something_else_calls_a_secret_is_not_kept() {
        check(
            &[("/params/arguments/password", "hunter22horse")],
            &[("/params/arguments/path", "hunter22horse")],
        );
        check(
            &[("/params/arguments/login/api_key", "abc123def456")],
            &[("/params/arguments/login/user", "abc123def456")],
        );
        check(
            &[("/params/arguments/json/password", "inner-pass-88")],
            &[("/params/arguments/json/nextPageToken", "inner-pass-88")],
        );
        check(
            &[("/params/arguments/pin", "471199")],
            &[("/params/arguments/max_tokens", "471199")],
        );
        check(
            &[
                ("/a/env/0/name", "DB_PASSWORD"),
                ("/a/env/0/value", "grapefruit-66"),
            ],
            &[
                ("/a/env/0/name", "DB_PASSWORD"),
                ("/a/env/1/value", "grapefruit-66"),
            ],
        );
        check(
            &[("/argv/1", "--token"), ("/argv/2", "launchpass77")],
            &[("/argv/1", "--verbose"), ("/argv/2", "launchpass77")],
        );
        check(
            &[("/a/args/0", "-u"), ("/a/args/1", "bob:curlpw99")],
            &[("/a/args/0", "-u"), ("/a/args/1", "origin")],
        );
        check(
            &[("/result/structuredContent/token", "zk9")],
            &[("/result/structuredContent/tokens", "1200")],
        );
    }

    #[test]
    fn an_asset_tells_no_secret_and_every_place() {
        let mut event = said(&[
            ("/params/arguments/password", "bob@hunter.example"),
            ("/params/arguments/credential", "/home/u/work/plan.txt"),
            ("/params/arguments/token", "x/.env"),
            (
                "/params/arguments/command",
                "mysql --password a/hunter22 b/c",
            ),
        ]);
        event.assets = vec![
            asset(AssetKind::Account, "bob@hunter.example", Some(0)),
            asset(AssetKind::Path, "/home/u/work/plan.txt", Some(1)),
            asset(AssetKind::Path, "/srv/x/.env", Some(2)),
            asset(AssetKind::Path, "/srv/a/hunter22", Some(3)),
            asset(AssetKind::Path, "/srv/b/c", Some(3)),
        ];
        event.assets[2].credential = true;
        let summary = summary(&event, 16_384);
        let assets = summary["assets"].as_array().unwrap().iter();
        let values: Vec<&str> = assets.map(|kept| kept["value"].as_str().unwrap()).collect();
        assert_eq!(
            values,
            [
                "/srv/x/.env",
                NAMED,
                "/home/u/work/plan.txt",
                "/srv/[redacted:named-secret]",
                "/srv/b/c"
            ]
        );
        event.assets = vec![asset(AssetKind::Path, "/ws/launchpass77", None)];
        event.texts[0].original = "launchpass77".into();
        assert!(
            !super::summary(&event, 16_384)
                .to_string()
                .contains("launchpass")
        );
    }

    fn event(texts: &[&str], assets: usize) -> Event {
        let text = |(n, text): (usize, &&str)| Text {
            pointer: format!("/params/arguments/{n}"),
            role: Role::Argument,
            original: (*text).to_owned(),
            canonical: None,
            literal: None,
        };
        let asset = |n| Asset {
            credential: n == assets - 1,
            ..asset(AssetKind::Path, &format!("/tmp/{n}"), None)
        };
        Event {
            id: "c1".into(),
            at_ms: 1,
            kind: Kind::ToolCall,
            direction: Direction::ToServer,
            link: String::new(),
            client: String::new(),
            server: Server::default(),
            method: "tools/call".into(),
            name: "write".into(),
            texts: texts.iter().enumerate().map(text).collect(),
            assets: (0..assets).map(asset).collect(),
            launch: None,
            attrs: vec![],
        }
    }

    #[test]
    fn a_summary_tells_what_happened_without_the_secret() {
        let summary = summary(&event(&["password=hunter22 then", "plain"], 1), 4096);
        expect![[r#"
            {
              "assets": [
                {
                  "credential": true,
                  "kind": "path",
                  "value": "/tmp/0"
                }
              ],
              "direction": "to-server",
              "excerpts": [
                {
                  "excerpt": "password=[redacted:named-secret] then",
                  "pointer": "/params/arguments/0"
                },
                {
                  "excerpt": "plain",
                  "pointer": "/params/arguments/1"
                }
              ],
              "kind": "tool-call",
              "method": "tools/call",
              "name": "write",
              "omitted": 0,
              "text_bytes": 27,
              "texts": 2,
              "texts_sha256": "25482a69701732b967f7a985eb28e08d8620d9605932ad8d849b326f5c274a36"
            }"#]]
        .assert_eq(&format!("{summary:#}"));
    }

    #[test]
    fn a_summary_never_grows_past_its_limit_and_keeps_the_credential() {
        let long = "\u{1}\"ü".repeat(100_000);
        for max in [2048, 4096, 16_384] {
            let summary = summary(&event(&[long.as_str(); 500], 500), max);
            assert!(
                length(&summary) <= max,
                "{} bytes of {max}",
                length(&summary)
            );
            assert_eq!(summary["assets"][0]["credential"], true);
            assert!(summary["omitted"].as_u64().unwrap() > 0);
        }
    }

    #[test]
    fn a_secret_on_the_edge_of_an_excerpt_is_hidden() {
        let text = format!("{}password=hunter22hunter22", "x ".repeat(70));
        let summary = summary(&event(&[&text], 1), 4096).to_string();
        assert!(
            summary.contains("[redacted:") && !summary.contains("hunter"),
            "{summary}"
        );
    }

    #[test]
    fn a_name_is_kept_without_its_password_and_with_a_bound() {
        assert_eq!(name("read_file"), "read_file");
        let uri = "db://u:hunter22@h/x";
        assert_eq!(name(uri), "db://u:[redacted:url-password]@h/x");
        let long = format!("{uri}/{}", "é".repeat(2 << 20));
        assert!(name(&long).len() <= MAX_SHOWN_NAME_BYTES + "…".len());
        // Where it is cut, half a secret would no longer look like one.
        let cut = format!("{}?password=hunter22hunter22", "a/".repeat(507));
        assert!(!name(&cut).contains("hunter"), "{}", name(&cut));
    }

    #[test]
    fn what_a_person_typed_is_never_excerpted() {
        let mut typed = event(&["4711"], 1);
        typed.kind = Kind::Elicitation;
        typed.assets = vec![asset(AssetKind::Account, "alice@home.example", Some(0))];
        let kept = summary(&typed, 4096);
        assert_eq!(kept["assets"], json!([{ "kind": "account" }]));
        let kept = kept.to_string();
        assert!(!kept.contains("4711") && !kept.contains("alice"), "{kept}");
        typed.direction = Direction::ToClient;
        let kept = summary(&typed, 4096).to_string();
        assert!(kept.contains("4711") && kept.contains("alice"), "{kept}");
    }

    #[test]
    fn texts_cut_elsewhere_have_another_digest() {
        assert_ne!(
            digest(&event(&["ab", "c"], 1)),
            digest(&event(&["a", "bc"], 1))
        );
        assert_eq!(
            digest(&event(&["ab", "c"], 1)),
            digest(&event(&["ab", "c"], 9))
        );
    }
}
