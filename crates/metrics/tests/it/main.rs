//! What a process tells, read by a strict parser, and the server, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is a failed test"
)]

mod client;
mod openmetrics;
mod server;
mod stop;
mod worker;
