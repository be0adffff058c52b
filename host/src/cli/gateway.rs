//! What `status` says of MCP over HTTP: where each server is reached, and what is wrong.

use super::escape::{escape, excerpt};
use serde::Deserialize;

/// From the daemon's answer; absent when no server is configured for it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Gateway {
    error: Option<String>,
    servers: Vec<Server>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Server {
    name: String,
    url: String,
    error: Option<String>,
}

impl Gateway {
    /// A line for each server that clients can use.
    pub fn served(&self) -> impl Iterator<Item = String> {
        let served = self.servers.iter().filter(|server| server.error.is_none());
        served.map(|server| format!("{} at {}", excerpt(&server.name, 40), escape(&server.url)))
    }

    /// What is not served, and why: the port, or a server with a wrong configuration.
    pub fn problems(&self) -> Vec<(String, String)> {
        let port = self
            .error
            .iter()
            .map(|error| ("MCP port".to_owned(), error));
        let servers = self.servers.iter().filter_map(|server| {
            let error = server.error.as_ref()?;
            Some((excerpt(&server.name, 40), error))
        });
        port.chain(servers)
            .map(|(subject, error)| (subject, format!("not served: {}", excerpt(error, 200))))
            .collect()
    }
}
