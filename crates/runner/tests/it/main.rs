//! The worker on its own, on real databases, asking the vendor server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests only: what goes wrong ought to fail loudly and at once"
)]

mod archive;
mod asked;
mod away;
mod endless;
mod panics;
mod pulls;
mod running;
mod support;
mod sweeping;
mod taken;
