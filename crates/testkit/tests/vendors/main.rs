//! The vendor server, asked over plain sockets and read by other means than the project's parser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail loudly"
)]

mod client;
mod doors;
mod faults;
mod formats;
mod reading;
mod requests;

use cream_models::Vendor;
use cream_testkit::vendors::{Instrument, VendorServer};
use cream_testkit::{Listing, Scenario, SyntheticSeries};

/// The vendors that a server can be asked for.
pub(crate) const SERVED: [Vendor; 8] = [
    Vendor::YahooChart,
    Vendor::YahooPage,
    Vendor::Tiingo,
    Vendor::AlphaVantage,
    Vendor::Massive,
    Vendor::Eodhd,
    Vendor::Stooq,
    Vendor::Nasdaq,
];

/// A class share with splits, dividends, a row without values and a day missing.
pub(crate) fn scenario() -> Scenario {
    Scenario::new(Listing::us_stock("CREAM-B", "Cream B"), 21)
        .ending("2025-06-13".parse().unwrap(), 400)
        .start_price(1_250.0)
        .dividends(63, 0.26)
        .split(120, 3, 2)
        .split(250, 1, 4)
        .null_row(33)
        .missing_row(44)
}

pub(crate) fn series() -> SyntheticSeries {
    scenario().build()
}

pub(crate) fn instrument() -> Instrument {
    Instrument::new("CREAM-B", series())
}

/// A server of that share.
pub(crate) fn server() -> VendorServer {
    let server = VendorServer::start();
    server.serve(instrument());
    server
}
