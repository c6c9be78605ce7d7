//! Pulls from the vendor server into a site.

use std::sync::Arc;

use cream_models::{Clock, Symbol, Vendor};
use cream_processor::Processor;
use cream_processor::pull::{PullOptions, Puller, Span, StoreGate, Target};
use cream_retriever::{ApiKey, Retriever, RetrieverOptions};
use cream_testkit::vendors::{Instrument, VendorServer, key};

use crate::support::series;

pub(crate) const SYMBOL: &str = "PULLED1";

/// A server that knows so many days of one symbol.
pub(crate) fn server(days: usize) -> VendorServer {
    let server = VendorServer::start();
    server.serve(Instrument::new(SYMBOL, series(SYMBOL, days)));
    server
}

/// What is missing of the symbol, from these vendors.
pub(crate) fn target(vendors: &[Vendor]) -> Target {
    Target {
        symbol: Symbol::parse(SYMBOL).unwrap(),
        vendor_symbol: None,
        vendors: vendors.to_vec(),
        span: Span::Missing,
    }
}

/// Pulls from the vendor server, without limits and without trying again.
pub(crate) fn puller(processor: Processor, url: &str, clock: impl Clock + 'static) -> Puller {
    let gate = StoreGate::new(processor.store().clone());
    let mut options = RetrieverOptions::default();
    options.max_retries = 0;
    for vendor in Vendor::ALL {
        let own = options.vendor_mut(vendor);
        own.base_url = Some(url.to_owned());
        own.limits = Some(Vec::new());
        own.key = key(vendor).map(|key| ApiKey::new(key).unwrap());
        own.premium = true;
    }
    let retriever = Retriever::new(options, Arc::new(gate), Box::new(clock)).unwrap();
    Puller::new(processor, retriever, PullOptions::default())
}
