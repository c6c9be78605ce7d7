//! A compression bomb ends early: its own process, so that its memory can be measured.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::sync::Arc;

use cream_models::{Symbol, SystemClock, Vendor};
use cream_retriever::{Ask, Failure, MemoryGate, Retriever, RetrieverOptions};
use cream_testkit::vendors::{Fault, Times, VendorServer};

/// The most memory this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_bomb_takes_no_more_memory_than_a_body_may() {
    let server = VendorServer::start();
    let mut options = RetrieverOptions::default();
    options.max_body = 1 << 20;
    options.max_retries = 0;
    options.vendor_mut(Vendor::Stooq).base_url = Some(server.base_url());
    let gate = Arc::new(MemoryGate::default());
    let retriever = Retriever::new(options, gate, Box::new(SystemClock)).unwrap();
    let ask =
        Ask::whole(Vendor::Stooq, Symbol::parse("AAPL").unwrap(), "2025-06-13".parse().unwrap());
    let before = peak();
    for fault in [Fault::GzipBomb, Fault::EndlessBody] {
        server.misbehave(Vendor::Stooq, fault, Times::Once);
        let error = retriever.fetch(&ask).unwrap_err();
        assert!(matches!(error.failure, Failure::TooLarge { limit: 1_048_576 }), "{error}");
    }
    let grown = peak() - before;
    // The bomb unfolds to 96 MiB; what the server itself needs is counted too.
    assert!(grown < 24 << 10, "{grown} KiB");
}
