//! ClawDefender's host: proxies MCP, asks detectors, decides, records.

pub mod audit;
pub mod clients;
pub mod event;
pub mod policy;
pub mod store;
