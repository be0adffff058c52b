//! ClawDefender's host: proxies MCP, asks detectors, decides, records.

pub mod api;
pub mod approval;
pub mod audit;
pub mod config;
pub mod event;
pub mod mcp;
pub mod policy;
