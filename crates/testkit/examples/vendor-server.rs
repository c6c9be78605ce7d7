//! Runs the vendor server until it is stopped, for trying by hand and for measuring:
//!
//! ```text
//! cargo run -p cream-testkit --example vendor-server
//! curl 'http://127.0.0.1:PORT/q/d/l/?s=cream-b.us&i=d'
//! cargo run --release -p cream-testkit --example vendor-server -- --symbols 10000 --days 250
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a small program for people at a terminal"
)]

use std::process::ExitCode;

use cream_models::Vendor;
use cream_testkit::vendors::{Instrument, VendorServer, key};
use cream_testkit::{Listing, Scenario, goog};

const HELP: &str = "\
Serves CREAM-B, GOOG and EURUSD=X as all the vendors do, until it is stopped.

  --symbols N   N generated symbols as well: GEN00001, GEN00002, …
  --days N      how many trading days each of them has; 250 where it is not said

The settings that make a worker ask it, without limits, are printed, to be exported. So, to
measure 10,000 pulls of a year:

  vendor-server --symbols 10000 --days 250
  worker fetch --full $(seq -f GEN%05.0f 1 10000)

An answer is rendered and compressed when it is asked for first, and kept for whoever asks for
the same again. The two share this machine's processors: fetch once into a database to be
thrown away, and measure what another one takes after it on the same day (UTC).";

fn main() -> ExitCode {
    let (mut symbols, mut days) = (0, 250);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = match argument.as_str() {
            "--symbols" => &mut symbols,
            "--days" => &mut days,
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprintln!("{argument:?} is not an option\n\n{HELP}");
                return ExitCode::from(2);
            }
        };
        match arguments.next().and_then(|value| value.parse().ok()) {
            Some(value @ 1..=100_000) => *number = value,
            _ => {
                eprintln!("{argument} takes a whole number from 1 to 100000");
                return ExitCode::from(2);
            }
        }
    }
    let server = VendorServer::start();
    serve_known(&server);
    for number in 1..=symbols {
        server.serve(generated(number, days));
    }
    // Nobody asks it what it was asked.
    server.keep_requests(0);
    print_settings(&server);
    println!("behind TLS: {}", server.tls_base_url());
    loop {
        std::thread::park();
    }
}

fn serve_known(server: &VendorServer) {
    let stock = Scenario::new(Listing::us_stock("CREAM-B", "Cream B Dairies, Inc."), 7)
        .starting("2015-01-02".parse().expect("a date"), 2_700)
        .dividends(63, 0.26)
        .split(700, 3, 2)
        .split(1_600, 7, 1)
        .null_row(1_000);
    let pair = Scenario::new(Listing::currency_pair("EURUSD=X", "EUR/USD"), 9).start_price(1.1);
    server.serve(Instrument::new("CREAM-B", stock.build()));
    server.serve(Instrument::new("GOOG", goog()));
    server.serve(
        Instrument::new("EURUSD=X", pair.build())
            .spelled(Vendor::Massive, "C:EURUSD")
            .spelled(Vendor::Eodhd, "EURUSD.FOREX")
            .spelled(Vendor::Stooq, "eurusd"),
    );
}

/// A share with four dividends a year, the same one each time.
fn generated(number: usize, days: usize) -> Instrument {
    let symbol = format!("GEN{number:05}");
    let seed = u64::try_from(number).expect("a small number");
    let listing = Listing::us_stock(&symbol, &format!("Generated {number}, Inc."));
    let scenario = Scenario::new(listing, seed)
        .ending("2025-06-13".parse().expect("a date"), days)
        .dividends(63, 0.26);
    Instrument::new(&symbol, scenario.build())
}

fn print_settings(server: &VendorServer) {
    for vendor in Vendor::ALL.into_iter().filter(|vendor| *vendor != Vendor::Csv) {
        let name = vendor.name().to_ascii_uppercase().replace('-', "_");
        println!("export STOCK_DATA_{name}_BASE_URL={}", server.base_url());
        println!("export STOCK_DATA_{name}_RATE_LIMIT=none");
        if let Some(key) = key(vendor) {
            println!("export STOCK_DATA_{name}_API_KEY={key}");
        }
    }
}
