//! Runs the vendor server until it is stopped, for trying by hand and for measuring:
//!
//! ```text
//! cargo run -p cream-testkit --example vendor-server
//! curl 'http://127.0.0.1:PORT/q/d/l/?s=cream-b.us&i=d'
//! cargo run --release -p cream-testkit --example vendor-server -- --symbols 10000 --days 1000
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

  --symbols N      N generated symbols as well: GEN00001, GEN00002, …
  --days N         how many trading days each of them has; 250 where it is not said
  --list FILE      writes the generated symbols to a file, one a line
  --settings FILE  writes the settings to a file, to be sourced, when it is ready

The settings that make a worker ask it, without limits, are printed, to be exported. So, to
measure 10,000 pulls of four years:

  vendor-server --symbols 10000 --days 1000 --list symbols --settings settings &
  . ./settings
  xargs worker fetch --full < symbols

An answer is rendered and compressed when it is asked for first, and kept for whoever asks for
the same again. The two share this machine's processors: fetch once into a database to be
thrown away, and measure what another one takes after it on the same day (UTC).";

struct Options {
    symbols: usize,
    days: usize,
    list: Option<String>,
    settings: Option<String>,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(_server) => loop {
            std::thread::park();
        },
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for; `None` where that is help.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { symbols: 0, days: 250, list: None, settings: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
        match argument.as_str() {
            "--symbols" => options.symbols = number(&argument, &value()?)?,
            "--days" => options.days = number(&argument, &value()?)?,
            "--list" => options.list = Some(value()?),
            "--settings" => options.settings = Some(value()?),
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("{argument:?} is not an option")),
        }
    }
    Ok(Some(options))
}

fn number(argument: &str, value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| format!("{argument} takes a whole number from 1 to 100000, not {value:?}"))
}

fn serve(options: &Options) -> Result<VendorServer, String> {
    let server = VendorServer::start();
    serve_known(&server);
    let mut symbols = String::new();
    for number in 1..=options.symbols {
        let instrument = generated(number, options.days);
        symbols += instrument.symbol().as_str();
        symbols.push('\n');
        server.serve(instrument);
    }
    // Nobody asks it what it was asked.
    server.keep_requests(0);
    let settings = settings(&server);
    for (path, text) in [(&options.list, &symbols), (&options.settings, &settings)] {
        let Some(path) = path else { continue };
        std::fs::write(path, text).map_err(|error| format!("writing {path}: {error}"))?;
    }
    print!("{settings}");
    println!("# behind TLS: {}", server.tls_base_url());
    Ok(server)
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

/// What makes a worker ask the server, without limits.
fn settings(server: &VendorServer) -> String {
    let mut lines = vec!["STOCK_DATA_ALPHA_VANTAGE_PLAN=premium".to_owned()];
    for vendor in Vendor::ALL.into_iter().filter(|vendor| *vendor != Vendor::Csv) {
        let name = vendor.name().to_ascii_uppercase().replace('-', "_");
        lines.push(format!("STOCK_DATA_{name}_BASE_URL={}", server.base_url()));
        lines.push(format!("STOCK_DATA_{name}_RATE_LIMIT=none"));
        if let Some(key) = key(vendor) {
            lines.push(format!("STOCK_DATA_{name}_API_KEY={key}"));
        }
    }
    lines.iter().map(|line| format!("export {line}\n")).collect()
}
