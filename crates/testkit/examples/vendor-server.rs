//! Runs the vendor server until it is stopped, for trying by hand:
//!
//! ```text
//! cargo run -p cream-testkit --example vendor-server
//! curl 'http://127.0.0.1:PORT/q/d/l/?s=cream-b.us&i=d'
//! ```

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a small program for people at a terminal"
)]

use cream_models::Vendor;
use cream_testkit::vendors::{Instrument, VendorServer, key};
use cream_testkit::{Listing, Scenario, goog};

fn main() {
    let stock = Scenario::new(Listing::us_stock("CREAM-B", "Cream B Dairies, Inc."), 7)
        .starting("2015-01-02".parse().expect("a date"), 2_700)
        .dividends(63, 0.26)
        .split(700, 3, 2)
        .split(1_600, 7, 1)
        .null_row(1_000);
    let pair = Scenario::new(Listing::currency_pair("EURUSD=X", "EUR/USD"), 9).start_price(1.1);
    let server = VendorServer::start();
    server.serve(Instrument::new("CREAM-B", stock.build()));
    server.serve(Instrument::new("GOOG", goog()));
    server.serve(
        Instrument::new("EURUSD=X", pair.build())
            .spelled(Vendor::Massive, "C:EURUSD")
            .spelled(Vendor::Eodhd, "EURUSD.FOREX")
            .spelled(Vendor::Stooq, "eurusd"),
    );
    println!("vendors:      {}", server.base_url());
    println!("behind TLS:   {}", server.tls_base_url());
    for vendor in Vendor::ALL {
        if let Some(key) = key(vendor) {
            println!("key:          {vendor} {key}");
        }
    }
    loop {
        std::thread::park();
    }
}
