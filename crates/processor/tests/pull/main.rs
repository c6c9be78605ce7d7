//! The life of a series that is pulled day by day, by a clock that is set: whatever the vendor
//! does meanwhile, what is served is what a first pull of that day gives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod asked;
mod days;
mod support;
