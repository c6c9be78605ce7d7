//! For tests, benches and samples only: vendor responses made to measure, a server that sends
//! them, throwaway folders and PostgreSQL clusters, and child processes.
//!
//! A [`Scenario`] describes a listed instrument; [`Scenario::build`] makes its history, the same
//! for the same seed; and the [`SyntheticSeries`] both tells what a reader should find and renders
//! itself in the vendors' formats. No recorded response is part of this crate: the text, the
//! markup and, but for GOOG's daily facts, the prices are its own.
//!
//! ```
//! use cream_testkit::{ChartOptions, Listing, PageOptions, Scenario};
//!
//! let series = Scenario::new(Listing::us_stock("CREAM1", "Cream One Dairies, Inc."), 7)
//!     .ending("2025-06-13".parse()?, 250)
//!     .dividend(60, 0.26)
//!     .split(120, 3, 2)
//!     .null_row(33)
//!     .build();
//!
//! assert_eq!(series.bars().len(), 249); // the row without values is no bar
//! assert_eq!(series.actions.len(), 2);
//! let page = series.history_page(&PageOptions::default());
//! assert!(page.starts_with(b"<!doctype html>"));
//! let chart = series.chart_json_with(&ChartOptions { pretty: true, ..ChartOptions::default() });
//! assert!(chart.starts_with(b"{\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here is meant for production code: wrong use panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::print_stderr,
    reason = "tests only: wrong use ought to fail loudly and at once"
)]

mod chart;
mod clock;
pub mod failures;
mod filler;
mod folders;
mod goog;
mod json;
mod listing;
mod names;
mod page;
pub mod postgres;
mod process;
mod rng;
pub mod samples;
mod scenario;
mod series;
mod story;
mod table;
pub mod vendors;

pub use chart::{ChartOptions, KeyOrder};
pub use clock::TestClock;
pub use folders::{TestDir, shared_dir};
pub use goog::goog;
pub use listing::Listing;
pub use names::{chart_file_name, encode_symbol, page_file_name};
pub use page::{PageOptions, Truncate};
pub use process::{Exited, ReadyProcess, Signal};
pub use rng::Rng;
pub use scenario::{Odd, Scenario};
pub use series::{BadCell, LiveRow, Row, SyntheticSeries, price_of};
pub use story::{Telling, story};
