//! The API through HTTP, over a database in a temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
mod adjusted;
mod admin;
mod cache;
mod chart;
mod chart_bases;
mod docs;
mod failures;
mod formats;
mod holders;
mod hostile;
mod intervals;
mod limits;
mod logins;
mod logs;
mod many;
mod naughty;
mod openapi;
mod people;
mod read_back;
mod reads;
mod responses;
mod secrets;
mod streams;
mod support;
mod tracking;
mod yfinance;
