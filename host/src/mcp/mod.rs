//! The MCP wire: framing, strict JSON, JSON-RPC envelopes, and answers that keep it valid.
//!
//! A leaf: it knows the protocol and nothing of events, policy or sockets. Everything here works
//! on the original bytes, so that what was judged is exactly what is forwarded.

pub mod era;
pub mod fold;
pub mod frame;
pub mod json;
pub mod message;
pub mod reply;
pub mod salvage;
pub mod splice;
pub mod sse;
