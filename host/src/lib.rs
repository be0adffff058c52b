//! ClawDefender's host: proxies MCP, asks detectors, decides, records.

pub mod event;
pub mod feed;
pub mod policy;
