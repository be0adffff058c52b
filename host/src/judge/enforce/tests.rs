//! Rulings of a judge without detectors, whose policy lets faults pass.

use super::*;
use crate::approval::{Desk, DeskLimits, ProcessTable};
use crate::audit::{Ledger, Sealed};
use crate::event::place::{Case, Disk, Places};
use crate::event::{Launch, Server};
use crate::judge::pins::{self, Pins};
use crate::judge::{Forward, JudgeLimits, now_ms};
use crate::link::Client;
use crate::plugin::Set;
use crate::policy::Policy;
use std::path::Path;
use std::time::Duration;

const RULES: &str = r#"
version = 1
profile = "balanced"

[[rule]]
id = "texts-of-this-tool-are-not-for-the-model"
match = { tool = "mail", kind = "tool-result" }
action = "redact"

[[rule]]
id = "gone"
match = { tool = "bad*" }
action = "deny"

[[rule]]
id = "asked"
match = { tool = "danger", kind = "tool-call" }
action = "ask"

[servers.s]
on_fault = "allow"
"#;

fn judge(rules: &str, root: &Path, tasks: &tokio::runtime::Handle) -> Judge {
    let audit = root.join("audit");
    let pins = Sealed::new(root.join("pins.json"), &audit, pins::PURPOSE);
    Judge::new(
        Set::new(Vec::new(), Vec::new()),
        Policy::parse(rules, "policy.toml", root).unwrap(),
        Ledger::open(&audit, Arc::new(now_ms)).unwrap(),
        Desk::new(DeskLimits::default(), ProcessTable),
        Histories::default(),
        Pins::open(pins),
        Places {
            home: root.display().to_string(),
            ours: Vec::new(),
            case: Case::HERE,
            links: Box::new(Disk),
        },
        JudgeLimits {
            max_frame_bytes: 1 << 20,
            max_ruling_bytes: 8 << 10,
            ask_hold: Duration::from_secs(1),
        },
        tasks.clone(),
    )
}

struct Bench {
    judge: Judge,
    link: Mutex<Link>,
    _tasks: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::under(RULES)
    }

    fn under(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tasks = tokio::runtime::Runtime::new().unwrap();
        let link = Link::new(
            "l".into(),
            Client::default(),
            Server {
                name: "s".into(),
                package: None,
            },
            Launch::default(),
        );
        Self {
            judge: judge(rules, folder.path(), tasks.handle()),
            link: Mutex::new(link),
            _tasks: tasks,
            _folder: folder,
        }
    }

    #[track_caller]
    fn rule(&self, from: End, line: &str) -> super::super::Parts {
        match self.judge.rule(&self.link, from, false, line.as_bytes()) {
            Outcome::Now(verdict) => verdict.into_parts(),
            Outcome::Later(_) => panic!("a person is asked about {line}"),
        }
    }

    fn ask(&self, method: &str, name: &str) {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"{name}"}}}}"#
        );
        assert_eq!(self.rule(End::Client, &call).forward, Forward::Original);
    }

    /// What the client gets instead of a result, and whether its request is over.
    #[track_caller]
    fn answered(&self, result: &str) -> String {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let parts = self.rule(End::Server, &line);
        assert_eq!(parts.discard.first(), Some(&"open client 1".to_owned()));
        match parts.forward {
            Forward::Instead(line) => String::from_utf8(line).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_redaction_that_grows_too_long_is_a_refusal() {
    let bench = Bench::new();
    let texts = |count: usize| {
        let blocks = vec![r#"{"type":"text","text":"a"}"#; count].join(",");
        format!(r#"{{"content":[{blocks}]}}"#)
    };
    bench.ask("tools/call", "mail");
    let few = bench.answered(&texts(50));
    assert_eq!(few.matches("[redacted: texts-of-this").count(), 50, "{few}");
    bench.ask("tools/call", "mail");
    let many = bench.answered(&texts(200));
    assert!(
        many.len() < 1000 && many.contains(r#""id":1"#) && !many.contains("[redacted"),
        "{many}"
    );
    // Twice as long as that, and nothing in it changes.
    bench.ask("tools/call", "other");
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, texts(600));
    assert_eq!(bench.rule(End::Server, &line).forward, Forward::Original);
}

#[test]
fn a_list_with_more_refused_names_than_can_be_kept_is_a_refusal() {
    let bench = Bench::new();
    let list = |count: usize| {
        let bad: String = (0..count)
            .map(|n| format!(r#"{{"name":"bad{n}","inputSchema":{{}}}},"#))
            .collect();
        format!(r#"{{"tools":[{bad}{{"name":"good","inputSchema":{{}}}}]}}"#)
    };
    bench.ask("tools/list", "");
    let cut = bench.answered(&list(10));
    assert!(cut.contains("good") && !cut.contains("bad1"), "{cut}");
    bench.ask("tools/list", "");
    let refused = bench.answered(&list(200));
    assert!(
        refused.contains(r#""error""#) && !refused.contains("good"),
        "{refused}"
    );
}

#[test]
fn a_redacted_list_keeps_the_protocols_own_words() {
    let bench = Bench::under(
        r#"
        version = 1
        profile = "balanced"

        [[rule]]
        id = "hide"
        match = { server = "s", direction = "to-client" }
        action = "redact"

        [servers.s]
        on_fault = "allow"
        "#,
    );
    for more in ["", r#","nextCursor":"c1""#, r#","resultType":"complete""#] {
        bench.ask("tools/list", "");
        let answer = bench.answered(&format!(
            r#"{{"tools":[{{"name":"t","description":"secret 1","inputSchema":{{}}}}]{more}}}"#
        ));
        assert!(
            answer.contains(r#""name":"t""#) && answer.contains(more) && !answer.contains("secret"),
            "{answer}"
        );
    }
    // Where nothing was replaced, nothing passes as redacted.
    bench.ask("tools/list", "");
    let empty = bench.answered(r#"{"tools":[],"nextCursor":"c1"}"#);
    assert!(empty.contains(r#""error""#), "{empty}");
}

#[test]
fn a_server_cannot_answer_what_a_person_is_still_asked_about() {
    let bench = Bench::new();
    let call = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"danger"}}"#;
    let asked = bench.judge.rule(&bench.link, End::Client, false, call);
    let Outcome::Later(question) = asked else {
        panic!("nobody is asked");
    };
    for guess in [
        r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{},"result":{}}"#,
    ] {
        let parts = bench.rule(End::Server, guess);
        assert_eq!(parts.forward, Forward::Nothing, "{guess}");
        assert!(parts.discard.is_empty(), "{guess}");
    }
    let id = Id::Integer("7".into());
    let link = bench.link.lock().unwrap();
    let open = link.asked(End::Client, &id).unwrap();
    assert_eq!(open.question.as_deref(), question.waiter());
}
