//! The API through HTTP, over a database in a temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod adjusted;
mod chart;
mod chart_bases;
mod docs;
mod failures;
mod formats;
mod intervals;
mod logs;
mod many;
mod read_back;
mod reads;
mod responses;
mod streams;
mod support;
mod yfinance;
