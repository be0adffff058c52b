//! End to end: the real program, real processes, real pipes and sockets, a home of its own for each
//! test. Nothing of the host is called as a library; what a test asserts, a user could see.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod kit;

mod ask;
mod attacks;
mod author;
mod bridge;
mod chains;
mod conformance;
mod crash;
mod ends;
mod feed;
mod guard_api;
mod http;
mod launch;
mod model;
mod outage;
mod pins;
mod plans;
mod real_http;
mod real_servers;
mod sandbox;
mod self_update;
mod soak;
mod stdio;
mod supply;
mod surfaces;
mod wrap;
