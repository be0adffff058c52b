//! The servers in the clients' configurations, and whether they are routed through us.

use super::escape::excerpt;
use super::wrap;
use crate::clients::{self, State};
use serde::Serialize;
use std::fmt::Write as _;

/// A server in a client's configuration, or a configuration that can't be read.
#[derive(Serialize)]
pub struct Configured {
    pub client: &'static str,
    pub server: String,
    /// `wrapped`, `not-wrapped`, `drifted`, `predecessor`, `remote`, `obstacle`, `exposed`,
    /// `unsupported`, `unreadable`.
    pub state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

pub fn configured() -> anyhow::Result<Vec<Configured>> {
    let mut all = Vec::new();
    for file in clients::status(&wrap::env()?) {
        match file {
            Ok(file) => all.extend(file.servers.into_iter().map(|entry| {
                let mut problem = String::new();
                let state = match entry.state {
                    State::Wrapped | State::Ours => "wrapped",
                    State::NotWrapped => "not-wrapped",
                    State::Drifted => "drifted",
                    State::Predecessor => "predecessor",
                    State::Remote(why) => {
                        problem = why.to_owned();
                        "remote"
                    }
                    State::Obstacle(why) => {
                        problem = why.to_owned();
                        "obstacle"
                    }
                    State::Exposed(why) => {
                        problem = why.to_owned();
                        "exposed"
                    }
                    State::Unsupported => "unsupported",
                };
                Configured {
                    client: file.client,
                    server: entry.server,
                    state,
                    problem,
                }
            })),
            Err(error) => {
                let problem = error.to_string();
                all.push(Configured {
                    client: "",
                    server: String::new(),
                    state: "unreadable",
                    problem,
                });
            }
        }
    }
    Ok(all)
}

/// How many are wrapped, and the names of those that are not.
pub fn line(configured: &[Configured]) -> String {
    let count = |state: &str| {
        configured
            .iter()
            .filter(|server| server.state == state)
            .count()
    };
    let open: Vec<String> = configured
        .iter()
        .filter(|server| {
            matches!(
                server.state,
                "not-wrapped" | "remote" | "obstacle" | "unsupported"
            )
        })
        .map(|server| format!("{} in {}", excerpt(&server.server, 40), server.client))
        .collect();
    let mut line = format!("{} wrapped", count("wrapped"));
    if !open.is_empty() {
        let _ = write!(line, " · {} not wrapped ({})", open.len(), open.join(", "));
    }
    if count("exposed") > 0 {
        let _ = write!(line, " · {} wrapped and not protected", count("exposed"));
    }
    line
}
