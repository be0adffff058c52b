//! ClawDefender's host: proxies MCP, asks detectors, decides, records.

pub mod api;
pub mod approval;
pub mod audit;
pub mod bridge;
pub mod cli;
pub mod clients;
pub mod config;
pub mod daemon;
pub mod download;
pub mod event;
pub mod feed;
pub mod http;
pub mod judge;
pub mod link;
pub mod loopback;
pub mod mcp;
pub mod plugin;
pub mod policy;
pub mod proxy;
pub mod store;
pub mod upstream;
pub mod wire;
