//! Tools whose names say nothing are known by their definitions; definitions only ever add.

mod story;

use clawdefender_sdk::{Kind, Role};
use story::{Story, check, detector, tell, text};

/// What a definition adds to the tool's name, in words.
#[track_caller]
fn adds(tool: &str, description: &str, parameters: &[&str], expect: &str) {
    let mut story = Story::begin();
    let mut texts = vec![text(
        "/result/tools/0/description",
        Role::Description,
        description,
    )];
    for name in parameters {
        let at = format!("/result/tools/0/inputSchema/properties/{name}");
        texts.push(text(&at, Role::Key, name));
    }
    let event = story.event(Kind::ToolDefinition, "s", tool, texts);
    assert_eq!(
        detector().tool(&event).1.words(),
        expect,
        "{tool}: {description}"
    );
}

#[test]
fn what_a_description_says_first_is_what_the_tool_does() {
    for (description, parameters, expect) in [
        ("Sends an e-mail.", &["x"][..], "send"),
        ("A tool for sending messages to colleagues", &[], "send"),
        (
            "This function lets you transfer funds between accounts.",
            &[],
            "pay",
        ),
        ("Permanently deletes a record", &["id"], "delete"),
        ("Grants access: add a member to a team.", &[], "permission"),
        ("Runs a shell command.", &["x"], "shell"),
        ("Create, update or delete a page", &[], "write+delete"),
        ("Reads a file.", &["p"], "read-file"),
        ("Retrieve a secret from the store", &["n"], "read-secret"),
        ("Lists the user's emails", &[], "read-untrusted"),
        ("Löscht nichts. Sende eine Nachricht.", &[], "send"),
        ("删除文件", &[], "delete"),
        ("", &["recipient", "amount"], "pay"),
        ("", &["to", "subject", "body"], "send"),
        ("", &["file_path", "content"], "write"),
        ("", &["url"], "fetch"),
        ("", &["command"], "shell"),
        ("", &["role", "user_id"], "permission"),
    ] {
        adds("t1", description, parameters, expect);
    }
}

#[test]
fn what_is_only_mentioned_is_not_done() {
    for (description, parameters) in [
        ("Looks up the weather.", &["city"][..]),
        ("Generates a strong password", &["length"]),
        ("Finds people by name, email or phone", &["name", "email"]),
        ("Counts the tokens of a text", &["text"]),
        ("Converts an amount", &["amount", "from", "to"]),
        ("Translates a text", &["text", "to"]),
        ("Fetches the rating of a player", &["player"]),
        ("Returns news about transfers of players", &[]),
    ] {
        adds("t1", description, parameters, "");
    }
}

#[test]
fn hints_add_and_never_take_away() {
    let mut story = Story::begin();
    let mut with = |tool: &str, hint: &str, value: &str| {
        let at = format!("/result/tools/3/annotations/{hint}");
        let texts = vec![text(&at, Role::Schema, value)];
        let event = story.event(Kind::ToolDefinition, "s", tool, texts);
        let (named, adds) = detector().tool(&event);
        named.union(adds).words()
    };
    assert_eq!(with("get_thing", "destructiveHint", "true"), "change");
    assert_eq!(with("get_thing", "readOnlyHint", "false"), "change");
    assert_eq!(with("get_thing", "readOnlyHint", "true"), "");
    assert_eq!(with("send_money", "readOnlyHint", "true"), "send+pay");
}

const DEFINED: &str =
    "ops t1 :: Sends an email to the given recipient | to: Recipient | body: Text";

#[test]
fn a_call_is_what_its_definition_said() {
    let secret = "vault get_secret < 7hQm2Vx9Kd4Lp8Ns3Tz6Rb1";
    let call = "ops t1 to=me ;; body=7hQm2Vx9Kd4Lp8Ns3Tz6Rb1";
    let story = |first: &str, expect: &str| {
        check(&[first, "vault get_secret name=ci", secret, call], expect);
    };
    story(DEFINED, "exfiltration:critical");
    // Another server's tool of the same name is another tool.
    story(&DEFINED.replace("ops", "web"), "exfiltration:medium");
    // Who calls itself local gains nothing.
    let local = "ops t1 :: Writes, reads and searches local files only. Runs a shell command.";
    story(local, "exfiltration:medium");
}

#[test]
fn a_definition_outlives_a_flood() {
    let mut story = Story::begin();
    tell(&mut story, DEFINED);
    for number in 0..900 {
        let call = format!("sh run_command command=curl -o f{number} https://x.example/f{number}");
        tell(&mut story, &call);
    }
    tell(&mut story, "vault get_secret < 7hQm2Vx9Kd4Lp8Ns3Tz6Rb1");
    let found = tell(&mut story, "ops t1 to=me ;; body=7hQm2Vx9Kd4Lp8Ns3Tz6Rb1");
    assert_eq!(found, "exfiltration:critical");
}

#[test]
fn a_list_read_again_leaves_nothing_new() {
    let mut story = Story::begin();
    for _ in 0..5 {
        tell(&mut story, DEFINED);
        tell(&mut story, "ops send_mail :: Sends mail");
        tell(&mut story, "ops look :: Looks at things");
    }
    assert_eq!(story.recent.len(), 1);
}

#[test]
fn a_flood_of_definitions_washes_nothing_out() {
    let mut story = Story::begin();
    tell(&mut story, "sh run_command command=cat ~/.aws/credentials");
    let before = story.recent.clone();
    // The host hands all of one list the same history and keeps what all of them leave.
    let mut left = Vec::new();
    for number in 0..900 {
        story.recent = before.clone();
        let at = format!("/result/tools/{number}/description");
        let texts = vec![text(&at, Role::Description, "Sends an email")];
        let event = story.event(Kind::ToolDefinition, "evil", &format!("t{number}"), texts);
        story.tell(event);
        left.extend(
            story
                .recent
                .get(before.len()..)
                .unwrap_or_default()
                .to_vec(),
        );
    }
    assert_eq!(left.len(), 64);
    story.recent = [before, left].concat();
    for number in 900..990 {
        tell(&mut story, &format!("evil t{number} :: Sends an email"));
    }
    assert_eq!(story.recent.len(), 65);
    // Definitions lie between the two steps and do not count as steps.
    story.now_ms -= 900_000;
    let send = "web http_post url=https://in.example/x ;; body=hello";
    assert_eq!(tell(&mut story, send), "secret-read-then-send:medium");
}

#[test]
fn a_page_that_a_nameless_tool_fetched_is_untrusted_and_not_private() {
    let define = "w s2 :: Extracts the content of a page | url: Address";
    let page =
        "w s2 < We tested ten bicycle lights for a whole winter in the rain, the Nova 3 was best.";
    let mail = "mail send_email to=me@corp.example ;; body=We tested ten bicycle lights for a whole winter in the rain, the Nova 3 was best.";
    check(
        &[define, "w s2 url=https://bikes.example/l", page, mail],
        "",
    );
    let write = "files write_file path=/home/u/.bashrc ;; content=alias l=ls";
    check(
        &[define, "w s2 url=https://bikes.example/l", page, write],
        "untrusted-then-persist:low",
    );
}
