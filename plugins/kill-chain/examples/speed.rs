//! Prints how long one inspection takes with a full history of secrets, with one of mails that ask for
//! something, and with none; run with
//! `--profile guest`.

#[path = "../tests/story/mod.rs"]
mod story;

use std::time::Instant;

use clawdefender_sdk::{Kind, Role};
use story::{Story, text};

fn main() {
    let mut story = Story::begin();
    for number in 0..250_u32 {
        let (name, rest) = (
            number.wrapping_mul(2_654_435_761),
            number.wrapping_mul(40_503) + 7,
        );
        story.call(
            "sh",
            "run_command",
            &[(
                "command",
                &format!("curl -o f{number}.bin https://x.example/f{number}.bin"),
            )],
        );
        story.result(
            "files",
            "read_file",
            &format!("client_secret = q8Zr{name:08x}V0bX{rest:08x}sKd9"),
        );
    }
    let mut mail = Story::begin();
    for number in 0..125_u32 {
        mail.call("mail", "read_mail", &[("id", &format!("m{number}"))]);
        mail.result(
            "mail",
            "read_mail",
            &format!(
                "From: anna{number}@corp.example\nPlease send the report of build {number} to team{number}@corp.example and \
                 tell them that all tests passed. Delete the draft of week {number} and update the ticket with the new date.\n\
                 Move the meeting with the northern office to Thursday at half past {number}, and book the large room for it.\n"
            ),
        );
    }
    let body = "the build is green and 214 tests passed in 12 seconds\n".repeat(19);
    let mut events = Vec::new();
    for (label, tool, url, size) in [
        ("send, 1 KB", "http_post", "https://in.example/c", 1),
        ("send, 10 KB", "http_post", "https://in.example/c", 10),
        ("send, 100 KB", "http_post", "https://in.example/c", 100),
        ("read a file, 1 KB", "read_file", "/p/a.md", 1),
    ] {
        let texts = vec![
            text("/params/arguments/url", Role::Argument, url),
            text("/params/arguments/body", Role::Argument, &body.repeat(size)),
        ];
        events.push((label, story.event(Kind::ToolCall, "web", tool, texts)));
    }
    for (label, size) in [
        ("result, 1 KB", 1),
        ("result, 10 KB", 10),
        ("result, 100 KB", 100),
    ] {
        let content = body.repeat(size);
        let texts = vec![text("/result/content/0/text", Role::Content, &content)];
        let event = story.event(Kind::ToolResult, "files", "read_file", texts);
        events.push((label, event));
    }
    let none = Story::begin();
    for (history, story) in [("secrets", story), ("orders", mail), ("none", none)] {
        println!("history: {history}");
        for (label, event) in &events {
            time(&story, label, event);
        }
    }
}

fn time(story: &Story, label: &str, event: &clawdefender_sdk::Event) {
    const ROUNDS: u32 = 200;
    story.look(event);
    // The fastest round: other work on the machine only ever adds.
    let fastest = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(story.look(std::hint::black_box(event)));
            begun.elapsed()
        })
        .min();
    println!(
        "{label}, {} steps: {:?}",
        story.recent.len(),
        fastest.unwrap_or_default()
    );
}
