//! Vendors that answer with something else than prices: nothing of it is stored, a person learns
//! what happened and what to do, no key shows, and all is well when the vendor is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use cream_models::Vendor;
use cream_testkit::vendors::{Fault, Instrument, Times, VendorServer};
use cream_testkit::{Listing, Scenario};
use cream_tests::{Site, VENDORS, on_both, words_of};
use insta::assert_snapshot;

const SYMBOL: &str = "CREAM-B";

const FAULTS: [Fault; 11] = [
    Fault::WrongSymbol,
    Fault::ConsentPage,
    Fault::HalfJson,
    Fault::NoData,
    Fault::Garbage,
    Fault::QuotaSpent,
    Fault::UnknownSymbol,
    Fault::BadKey,
    Fault::Empty,
    Fault::GzipBomb,
    Fault::CutShort,
];

/// A history of 60 days and some more.
fn instrument(more: usize) -> Instrument {
    let scenario = Scenario::new(Listing::us_stock(SYMBOL, "Cream B Dairies, Inc."), 3)
        .starting("2025-01-06".parse().unwrap(), 60)
        .dividends(20, 0.26)
        .split(30, 3, 2);
    Instrument::new(SYMBOL, scenario.extended(more).build())
}

/// So that the bomb goes off early.
fn site(site: Site, server: &VendorServer) -> Site {
    site.asking(server).with("STOCK_DATA_MAX_RESPONSE_BYTES", "1000000")
}

/// Lets a vendor misbehave in one way after the other, and tells in which words that is reported.
fn told_of(vendor: Vendor, given: Site) -> String {
    let server = VendorServer::start();
    let site = site(given, &server);
    server.serve(instrument(0));
    let _ = site.fetched(vendor, SYMBOL, &[]);
    let mut told = String::new();
    let faults = FAULTS
        .into_iter()
        .filter(|fault| *fault != Fault::WrongSymbol || Fault::names_symbol(vendor));
    for (number, fault) in faults.enumerate() {
        let context = format!("{vendor}, {fault:?}");
        // There is something to be had.
        server.serve(instrument(number + 1));
        let before = (site.digest_now(), site.archived("parsed"));
        let letters = site.archived("dead");
        server.misbehave(vendor, fault, Times::Always);
        let line = site.refused(vendor, SYMBOL, &[]);
        assert_eq!((site.digest_now(), site.archived("parsed")), before, "{context}");
        assert_eq!(site.archived("raw"), [""; 0], "{context}");

        let is_kept = line.contains("; kept as ");
        let new: Vec<String> =
            site.archived("dead").into_iter().filter(|name| !letters.contains(name)).collect();
        assert_eq!(new.len(), usize::from(is_kept), "{context}: {line}");
        let reasons = site.dead_letters();
        for name in &new {
            assert!(line.ends_with(&format!("; kept as {name}")), "{line}");
            let letter = reasons.iter().find(|letter| letter.file_name == *name).unwrap();
            let reason = letter.error.clone().unwrap_or_default();
            assert!(reason.len() > 10, "{context}: {reason:?}");
        }
        writeln!(told, "{fault:?}: {}", words_of(&line, &server)).unwrap();

        server.behave(vendor);
        site.forget_blocks();
        let line = site.fetched(vendor, SYMBOL, &[]);
        assert!(line.contains("1 inserted, 0 updated, "), "{context}: {line}");
        site.assert_no_key();
    }
    let (bars, actions) = site.served(instrument(0).symbol(), vendor);
    let truth = instrument(told.lines().count());
    assert_eq!(bars.len(), truth.expected_bars(vendor).len());
    assert_eq!(actions, truth.expected_actions(vendor), "{vendor}");
    told
}

#[test]
fn nothing_wrong_is_stored_and_the_line_says_what_happened() {
    let told = RefCell::new(BTreeSet::new());
    for vendor in VENDORS {
        on_both(|site| {
            told.borrow_mut().insert(told_of(vendor, site));
        });
    }
    let told = told.into_inner();
    // The same on both databases.
    assert_eq!(told.len(), VENDORS.len(), "{told:#?}");
    assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_first_pull_that_fails_leaves_nothing_but_a_dead_letter() {
    on_both(|given| {
        let server = VendorServer::start();
        let site = site(given, &server);
        server.serve(instrument(0));
        for (number, vendor) in VENDORS.into_iter().enumerate() {
            let empty = site.digest();
            server.misbehave(vendor, Fault::Garbage, Times::Always);
            let _ = site.refused(vendor, SYMBOL, &[]);
            assert_eq!(site.digest_now(), empty, "{vendor}");
            assert_eq!(site.archived("dead").len(), number + 1, "{vendor}");
            server.behave(vendor);
        }
        assert_eq!(site.archived("parsed"), [""; 0]);
        site.assert_no_key();
    });
}

/// Prices without their splits and dividends are half of the truth.
#[test]
fn answers_of_which_one_is_missing_are_not_stored() {
    let parts = [
        (Vendor::Massive, "/v3/reference/splits"),
        (Vendor::Massive, "/v3/reference/dividends"),
        (Vendor::Eodhd, "/api/splits/"),
        (Vendor::Eodhd, "/api/div/"),
    ];
    on_both(|given| {
        let server = VendorServer::start();
        let site = site(given, &server);
        server.serve(instrument(0));
        let empty = site.digest();
        for (vendor, path) in parts {
            for fault in [Fault::InternalError, Fault::Garbage, Fault::HalfJson, Fault::QuotaSpent]
            {
                server.misbehave_at(path, fault, Times::Always);
                let line = site.refused(vendor, SYMBOL, &[]);
                assert_eq!(site.digest_now(), empty, "{path}, {fault:?}: {line}");
                assert_eq!(site.archived("parsed"), [""; 0], "{path}, {fault:?}");
                server.behave_at_all();
                site.forget_blocks();
            }
        }
        for vendor in [Vendor::Massive, Vendor::Eodhd] {
            let _ = site.fetched(vendor, SYMBOL, &[]);
            let (_, actions) = site.served(instrument(0).symbol(), vendor);
            assert_eq!(actions, instrument(0).expected_actions(vendor), "{vendor}");
        }
    });
}

#[test]
fn a_fault_that_passes_is_overcome_by_asking_again() {
    on_both(|given| {
        let server = VendorServer::start();
        let site = site(given, &server);
        server.serve(instrument(0));
        for vendor in VENDORS {
            for fault in [Fault::Unavailable, Fault::Reset, Fault::CutShort, Fault::HalfJson] {
                server.forget_requests();
                server.misbehave(vendor, fault, Times::Once);
                let _ = site.fetched(vendor, SYMBOL, &["--full"]);
                let seen = server.requests_of(vendor);
                assert_eq!(seen[0].fault, Some(fault), "{vendor}");
                assert!(seen[1..].iter().all(|seen| seen.fault.is_none()), "{vendor}");
            }
            let (bars, _) = site.served(instrument(0).symbol(), vendor);
            assert_eq!(bars.len(), instrument(0).expected_bars(vendor).len(), "{vendor}");
        }
        assert_eq!(site.archived("dead"), [""; 0]);
    });
}
