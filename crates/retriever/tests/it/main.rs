//! The retriever against a server that answers, and misbehaves, as the vendors do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod faults;
mod limits;
mod network;
mod odd;
mod pulls;
mod secrets;
mod setup;
mod yahoo;
