//! Events as live traffic makes them: a text in a tool's result or in a call's argument, read from
//! the bytes of a frame by the judge itself. Nothing is built by hand, so nothing is left out.

use clawdefender::event::place::{Case, Disk, Places};
use clawdefender::event::{Event, Launch, Server};
use clawdefender::judge::{Bench, Histories, examine};
use clawdefender::link::{Client, End, Link};
use clawdefender::plugin::Set;
use clawdefender::policy::{Policy, Profile};
use serde_json::json;
use std::path::Path;

pub fn places() -> Places {
    Places {
        home: "/home/bench".into(),
        ours: vec!["/home/bench/.local/share/clawdefender".into()],
        case: Case::HERE,
        links: Box::new(Disk),
    }
}

pub fn link() -> Link {
    let client = Client {
        label: "bench".into(),
        key: "bench".into(),
    };
    let server = Server {
        name: "bench".into(),
        package: None,
    };
    Link::new("bench".into(), client, server, Launch::default())
}

pub fn call(id: u64, text: &str) -> Vec<u8> {
    let params = json!({ "name": "echo", "arguments": { "text": text } });
    let frame = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    frame.to_string().into_bytes()
}

pub fn result(id: u64, text: &str) -> Vec<u8> {
    let content = json!([{ "type": "text", "text": text }]);
    let frame = json!({ "jsonrpc": "2.0", "id": id, "result": { "content": content } });
    frame.to_string().into_bytes()
}

/// The event of a tool's result with this text.
pub fn of_result(text: &str) -> Event {
    let (set, histories) = (Set::new(Vec::new(), Vec::new()), Histories::default());
    let policy = Policy::builtin(Profile::Monitor, Path::new("/home/bench"));
    let places = places();
    let bench = Bench {
        set: &set,
        policy: &policy,
        histories: &histories,
        places: &places,
        now_ms: 1_700_000_000_000,
        max_frame_bytes: 16 << 20,
    };
    let mut link = link();
    examine(&bench, &mut link, End::Client, "call".into(), &call(1, "x"));
    let sent = result(1, text);
    let mut examined = examine(&bench, &mut link, End::Server, "result".into(), &sent);
    assert_eq!(examined.parts.len(), 1, "one event in one result");
    examined.parts.remove(0).1.event
}
