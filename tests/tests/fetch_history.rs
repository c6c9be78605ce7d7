//! For every vendor, on both databases: a first pull, one of the last days, and one after a split
//! that rewrote all history. What is served then is what the vendor says, and what a first pull
//! into an empty database gives, and what the archive alone gives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on stops"
)]

use std::cell::RefCell;

use cream_models::{Bar, Date, Timestamp, Vendor};
use cream_testkit::vendors::{Instrument, Seen, VendorServer};
use cream_testkit::{Listing, Scenario};
use cream_tests::{Site, VENDORS, on_both};

const SYMBOL: &str = "CREAM-B";

/// How many days before its last bar a pull of the last days begins.
const OVERLAP: i32 = 10;

/// A history of so many days, with a split, dividends and a day without values.
fn first_days(days: usize) -> Scenario {
    Scenario::new(Listing::us_stock(SYMBOL, "Cream B Dairies, Inc."), 3)
        .starting("2024-03-04".parse().unwrap(), days)
        .dividends(60, 0.26)
        .split(90, 3, 2)
        .null_row(33)
}

/// The bars are these, told one by one where they are not.
fn assert_bars(found: &[Bar], expected: &[Bar], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

fn instrument(scenario: &Scenario) -> Instrument {
    Instrument::new(SYMBOL, scenario.build())
}

/// From which date on prices were asked for; `None` for the whole history.
fn asked_from(seen: &Seen, vendor: Vendor) -> Option<Date> {
    let text = match vendor {
        Vendor::YahooChart | Vendor::YahooPage => {
            let start: i64 = seen.query("period1").unwrap().parse().unwrap();
            // Some exchanges open on the day before, in UTC.
            return Some(Timestamp::from_seconds(start).plus_seconds(3 * 3600).date())
                .filter(|date| date.year() > 1900);
        }
        Vendor::Tiingo => seen.query("startDate"),
        Vendor::Massive => seen.segments().get(7).cloned(),
        Vendor::Eodhd => seen.query("from"),
        Vendor::Stooq => seen.query("d1").map(|day| {
            let day = day.as_str();
            format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])
        }),
        Vendor::Nasdaq => seen.query("fromdate"),
        // Always everything.
        _ => None,
    };
    text.map(|text| text.parse::<Date>().unwrap()).filter(|date| date.year() > 1970)
}

/// From which dates on prices were asked for, request by request, since the last time.
fn asked(server: &VendorServer, vendor: Vendor) -> Vec<Option<Date>> {
    let is_prices = |seen: &&Seen| {
        let path = seen.path();
        !["/v3/", "/api/splits/", "/api/div/"].iter().any(|start| path.starts_with(start))
            && !path.ends_with("/dividends")
    };
    let seen = server.requests_of(vendor);
    server.forget_requests();
    seen.iter().filter(is_prices).map(|seen| asked_from(seen, vendor)).collect()
}

/// What is served is what the vendor says, and what every other way to it leads to. Gives its
/// digest.
fn assert_right(
    site: &Site,
    server: &VendorServer,
    vendor: Vendor,
    now: &Instrument,
    step: &str,
) -> String {
    let (bars, actions) = site.served(now.symbol(), vendor);
    assert_bars(&bars, &now.expected_bars(vendor), &format!("{vendor}, {step}"));
    assert_eq!(actions, now.expected_actions(vendor), "{vendor}, {step}");
    let digest = site.digest_now();
    // What another database holds is compared with this one's.
    if site.database().is_none() {
        let fresh = Site::new().asking(server);
        let line = fresh.fetched(vendor, SYMBOL, &[]);
        assert!(line.contains(": whole history, "), "{line}");
        assert_eq!(digest, fresh.digest_now(), "{vendor}, {step}: a first pull");
    }
    assert_eq!(digest, site.digest_rebuilt(), "{vendor}, {step}: a rebuild");
    site.assert_no_key();
    server.forget_requests();
    digest
}

/// Follows a series of a vendor, and gives the digests that it went through.
fn digests_of(vendor: Vendor, site: Site) -> [String; 4] {
    let server = VendorServer::start();
    let site = site.asking(&server);
    let days = 250;

    let first = instrument(&first_days(days));
    server.serve(first.clone());
    let line = site.fetched(vendor, SYMBOL, &[]);
    assert!(line.starts_with(&format!("{SYMBOL}: {vendor}: whole history, bars 249 inserted, 0 ")));
    assert_eq!(asked(&server, vendor), [None], "{vendor}");
    let digest_0 = assert_right(&site, &server, vendor, &first, "first");

    let second = instrument(&first_days(days).extended(5));
    server.serve(second.clone());
    let line = site.fetched(vendor, SYMBOL, &[]);
    assert!(line.contains(&format!("{vendor}: last days, bars 5 inserted, 0 updated, ")), "{line}");
    let overlap = |instrument: &Instrument| {
        let last = instrument.expected_bars(vendor).last().unwrap().date();
        let is_asked_by_date = vendor != Vendor::AlphaVantage;
        is_asked_by_date.then(|| Date::from_days(last.days() - OVERLAP).unwrap())
    };
    assert_eq!(asked(&server, vendor), [overlap(&first)], "{vendor}");
    let digest_1 = assert_right(&site, &server, vendor, &second, "last days");

    let third = first_days(days).extended(5 + 30);
    let third = instrument(&third.dividend(days + 25, 0.31).split(days + 28, 4, 1));
    server.serve(third.clone());
    let line = site.fetched(vendor, SYMBOL, &[]);
    assert!(line.contains(&format!("{vendor}: whole history (since ")), "{line}");
    let why = match vendor {
        // These tell no action by which to notice it.
        Vendor::Stooq => "open of 2025-02-",
        Vendor::Nasdaq => "the dividend of 2025-",
        _ => "the dividend of 2025-03-24 is new or changed",
    };
    assert!(line.contains(&format!(" (since {why}")), "{line}");
    assert_eq!(asked(&server, vendor), [overlap(&second), None], "{vendor}");
    let digest_2 = assert_right(&site, &server, vendor, &third, "after a split");

    // And goes on from there.
    let fourth = first_days(days).extended(5 + 30 + 2);
    let fourth = instrument(&fourth.dividend(days + 25, 0.31).split(days + 28, 4, 1));
    server.serve(fourth.clone());
    let line = site.fetched(vendor, SYMBOL, &[]);
    assert!(line.contains(&format!("{vendor}: last days, bars 2 inserted, 0 updated, ")), "{line}");
    assert_eq!(asked(&server, vendor), [overlap(&third)], "{vendor}");
    let digest_3 = assert_right(&site, &server, vendor, &fourth, "the next days");
    [digest_0, digest_1, digest_2, digest_3]
}

#[test]
fn every_vendors_history_is_followed_through_a_split() {
    for vendor in VENDORS {
        let told = RefCell::new(Vec::new());
        on_both(|site| told.borrow_mut().push(digests_of(vendor, site)));
        let told = told.into_inner();
        assert!(told.iter().all(|digests| *digests == told[0]), "{vendor}: {told:?}");
    }
}

#[test]
fn a_bar_of_a_session_under_way_is_not_final_and_is_replaced() {
    for vendor in [Vendor::YahooChart, Vendor::YahooPage] {
        on_both(|site| {
            let server = VendorServer::start();
            let site = site.asking(&server);
            let live = instrument(&first_days(100).live(75));
            server.serve(live.clone());
            let _ = site.fetched(vendor, SYMBOL, &[]);
            let (bars, _) = site.served(live.symbol(), vendor);
            assert_bars(&bars, &live.expected_bars(vendor), vendor.name());
            let finals = |bars: &[Bar]| bars.iter().filter(|bar| bar.is_final()).count();
            assert_eq!((bars.len(), finals(&bars)), (99, 98), "{vendor}");

            // Later on the same day: another live bar.
            let later = instrument(&first_days(100).live(200));
            server.serve(later.clone());
            let _ = site.fetched(vendor, SYMBOL, &[]);
            let (bars, _) = site.served(live.symbol(), vendor);
            assert_bars(&bars, &later.expected_bars(vendor), vendor.name());

            let settled = instrument(&first_days(101));
            server.serve(settled.clone());
            let line = site.fetched(vendor, SYMBOL, &[]);
            assert!(line.contains(": last days, bars 1 inserted, 1 updated, "), "{line}");
            let _ = assert_right(&site, &server, vendor, &settled, "settled");
        });
    }
}

#[test]
fn cookies_and_crumbs_are_got_and_kept_to_ourselves() {
    use cream_testkit::vendors::YahooDoor;
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server);
        let stock = instrument(&first_days(100));
        server.serve(stock.clone());
        for (door, vendor) in [
            (YahooDoor::Crumb, Vendor::YahooChart),
            (YahooDoor::Consent, Vendor::YahooChart),
            (YahooDoor::Consent, Vendor::YahooPage),
        ] {
            server.yahoo_door(door);
            server.expire_crumbs();
            let _ = site.fetched(vendor, SYMBOL, &["--full"]);
            let (bars, _) = site.served(stock.symbol(), vendor);
            assert_bars(&bars, &stock.expected_bars(vendor), vendor.name());
        }
        for name in site.archived("parsed") {
            let file = std::fs::read_to_string(site.archive("parsed").join(&name)).unwrap();
            for secret in ["Own/", "Own%2F", "d=own-", "own-token", "own-session"] {
                assert!(!file.contains(secret), "{name} holds {secret}");
            }
        }
    });
}
