//! MCP over HTTP, as configured.

use super::start::Parts;
use crate::http::{self, Serving, Upstream};
use serde_json::{Value, json};
use std::sync::PoisonError;

/// How MCP over HTTP stands.
#[derive(Default)]
pub enum Standing {
    /// No server is configured, so nothing listens.
    #[default]
    Unused,
    Serving(Serving),
    Failed(String),
}

/// Starts it when there is something to serve. What fails is said loudly and stops nothing else:
/// a client that can't connect has passed nothing.
pub(super) fn serve(parts: &Parts) {
    let config = &parts.config;
    if config.upstreams.is_empty() {
        return;
    }
    let upstreams = config.upstreams.iter().map(|(name, upstream)| {
        let upstream = Upstream {
            url: upstream.url.clone(),
            ca_file: upstream.ca_file.clone(),
        };
        (name.clone(), upstream)
    });
    let judge = std::sync::Arc::clone(&parts.judge);
    let hidden = parts.home.hidden_file();
    let started = http::start(judge, config.mcp_listen, &upstreams.collect(), &hidden)
        .map_err(|error| error.to_string())
        .and_then(|serving| {
            crate::api::announce(&parts.home.mcp_file(), serving.address())
                .map_err(|error| error.to_string())?;
            Ok(serving)
        });
    let standing = match started {
        Ok(serving) => Standing::Serving(serving),
        Err(error) => {
            tracing::error!(error, "MCP over HTTP is not served");
            parts.note("daemon", "mcp-not-served", error.clone());
            Standing::Failed(error)
        }
    };
    *parts.http.lock().unwrap_or_else(PoisonError::into_inner) = standing;
}

/// Ends every exchange, before the ledger closes.
pub(super) fn end(parts: &Parts) {
    *parts.http.lock().unwrap_or_else(PoisonError::into_inner) = Standing::Unused;
    let _ = std::fs::remove_file(parts.home.mcp_file());
}

pub(super) fn status(parts: &Parts) -> Value {
    match &*parts.http.lock().unwrap_or_else(PoisonError::into_inner) {
        Standing::Unused => Value::Null,
        Standing::Serving(serving) => serving.status(),
        Standing::Failed(error) => json!({ "error": error }),
    }
}
