//! ClawDefender's host: proxies MCP, asks detectors, decides, records.

pub mod approval;
pub mod event;
pub mod mcp;
pub mod policy;
pub mod plugin;
