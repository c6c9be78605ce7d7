//! A server, and retrievers that ask it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cream_models::{Date, Symbol, SystemClock, Vendor};
use cream_retriever::{
    ApiKey, Ask, Fetched, FetchedPull, Gate, MemoryGate, RetrievalError, Retriever,
    RetrieverOptions,
};
use cream_testkit::vendors::{Instrument, VendorServer, key};
use cream_testkit::{Listing, Scenario, SyntheticSeries};

pub(crate) const SYMBOL: &str = "CREAM-B";

/// Every vendor that can be asked.
pub(crate) const ASKABLE: [Vendor; 8] = [
    Vendor::YahooChart,
    Vendor::YahooPage,
    Vendor::Tiingo,
    Vendor::AlphaVantage,
    Vendor::Massive,
    Vendor::Eodhd,
    Vendor::Stooq,
    Vendor::Nasdaq,
];

pub(crate) fn series() -> SyntheticSeries {
    static SERIES: LazyLock<SyntheticSeries> = LazyLock::new(|| {
        Scenario::new(Listing::us_stock(SYMBOL, "Cream B"), 11)
            .ending(last(), 300)
            .start_price(70.0)
            .dividends(63, 0.4)
            .split(100, 3, 2)
            .build()
    });
    SERIES.clone()
}

/// The last day of the series.
pub(crate) fn last() -> Date {
    "2025-06-13".parse().unwrap()
}

/// A server that serves [`SYMBOL`].
pub(crate) fn server() -> VendorServer {
    let server = VendorServer::start();
    server.serve(Instrument::new(SYMBOL, series()));
    server
}

/// Options for a server, with keys, short waits, no retries and no limits.
pub(crate) fn options(base: &str) -> RetrieverOptions {
    let mut options = RetrieverOptions::default();
    options.connect_timeout = Duration::from_secs(5);
    options.read_timeout = Duration::from_secs(20);
    options.request_timeout = Duration::from_secs(40);
    options.max_retries = 0;
    options.retry_delay = Duration::from_millis(1);
    options.max_wait = Duration::ZERO;
    options.proxy_from_environment = false;
    for vendor in ASKABLE {
        let own = options.vendor_mut(vendor);
        own.base_url = Some(base.to_owned());
        own.limits = Some(Vec::new());
        own.key = key(vendor).map(|key| ApiKey::new(key).unwrap());
        own.premium = true;
    }
    options
}

pub(crate) fn retriever(options: RetrieverOptions) -> Retriever {
    with_gate(options, Arc::new(MemoryGate::default()))
}

pub(crate) fn with_gate(options: RetrieverOptions, gate: Arc<dyn Gate>) -> Retriever {
    Retriever::new(options, gate, Box::new(SystemClock)).unwrap()
}

/// Asks for the whole history.
pub(crate) fn whole(vendor: Vendor) -> Ask {
    Ask::whole(vendor, Symbol::parse(SYMBOL).unwrap(), last())
}

pub(crate) fn pull(fetched: Result<Fetched, RetrievalError>) -> FetchedPull {
    match fetched.unwrap() {
        Fetched::Pull(pull) => *pull,
        Fetched::Unchanged => panic!("a pull was expected"),
    }
}
