//! What the tests are made of: homes, daemons, clients, servers, records, feeds. No assertions about
//! the product live here.

mod client;
mod daemon;
mod environment;
mod far;
mod feed;
mod home;
mod process;
mod publisher;
mod puppet;
mod reference;
mod script;
mod tls;
mod vitals;
mod walk;
mod web;

pub use client::{Client, launched};
pub use daemon::Daemon;
pub use environment::{environment, kit_file};
pub use far::{Far, free_port, on_a_port};
pub use feed::{Feed, now, publisher, put};
pub use home::{Cli, Home, denied};
pub use process::Group;
pub use publisher::Publisher;
pub use puppet::Puppet;
pub use reference::Reference;
pub use script::{Script, Server, text, tool};
pub use tls::certificates;
pub use vitals::{Vitals, threads_named};
pub use walk::{Place, Plan, Sdk, Way};
pub use web::{Coming, Got, Http, Kept, Seen, Web, begin_stream, event, write};

use std::time::{Duration, Instant};

/// How long anything may take that a test waits for. Generous: the machine may be busy, and only
/// failures ever wait this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` finds something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < until,
            "{what} did not happen within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
