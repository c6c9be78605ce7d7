//! What is asked for by hand, and what goes wrong with it.

use cream_models::Vendor;
use cream_processor::pull::Span;
use cream_testkit::vendors::{Instrument, VendorServer};
use cream_testkit::{Listing, Scenario, SyntheticSeries};

use crate::support::{SYMBOL, Site, TestClock, evening, target};

const BEFORE: usize = 120;

/// So many days, with a split on the given one.
fn told(days: usize, split: Option<usize>) -> SyntheticSeries {
    let scenario = Scenario::new(Listing::us_stock(SYMBOL, "Cream B Dairies, Inc."), 5)
        .starting("2025-01-06".parse().unwrap(), days);
    split.map_or(scenario.clone(), |day| scenario.split(day, 4, 1)).build()
}

/// A series of 120 days that was pulled, and 60 days later, through a split on the fourth of them.
fn after_a_split() -> (VendorServer, TestClock, Site, SyntheticSeries) {
    let (server, clock) = (VendorServer::start(), TestClock::default());
    let site = Site::new(&server, &clock);
    let serve = |series: &SyntheticSeries| {
        clock.set(evening(series.rows.last().unwrap().date));
        server.serve(Instrument::new(SYMBOL, series.clone()));
    };
    serve(&told(BEFORE, None));
    let _ = site.pull(Vendor::YahooChart);
    let series = told(BEFORE + 60, Some(BEFORE + 3));
    serve(&series);
    (server, clock, site, series)
}

#[test]
fn dates_that_would_leave_a_gap_begin_with_it() {
    let (server, clock, site, series) = after_a_split();
    let from = Some(series.rows[BEFORE + 40].date);
    let mut target = target(Vendor::YahooChart);
    target.span = Span::Dates { from, to: None };
    let report = site.puller.pull(&target, &|| true);
    assert!(report.is_success(), "{report}");
    let fresh = Site::new(&server, &clock);
    let _ = fresh.pull(Vendor::YahooChart);
    assert_eq!(site.digest(), fresh.digest(), "{report}");
}

#[test]
fn a_history_that_was_rewritten_is_pulled_up_to_today() {
    let (server, clock, site, series) = after_a_split();
    let (from, to) = (Some(series.rows[10].date), Some(series.rows[20].date));
    let mut target = target(Vendor::YahooChart);
    target.span = Span::Dates { from, to };
    let report = site.puller.pull(&target, &|| true);
    assert!(report.is_success(), "{report}");
    let fresh = Site::new(&server, &clock);
    let _ = fresh.pull(Vendor::YahooChart);
    assert_eq!(site.digest(), fresh.digest(), "{report}");
}

#[test]
fn a_spelling_that_failed_is_not_remembered() {
    let (server, clock) = (VendorServer::start(), TestClock::default());
    let site = Site::new(&server, &clock);
    let series = told(BEFORE, None);
    clock.set(evening(series.rows.last().unwrap().date));
    server.serve(Instrument::new(SYMBOL, series));
    let _ = site.pull(Vendor::YahooChart);
    for vendor in [Vendor::Tiingo, Vendor::YahooChart] {
        let mut wrong = target(vendor);
        wrong.vendor_symbol = Some("CREAN-B".to_owned());
        wrong.span = Span::Whole;
        let report = site.puller.pull(&wrong, &|| true);
        assert!(!report.is_success(), "{report}");
        let _ = site.pull(vendor);
    }
}

#[test]
fn a_panic_is_the_failure_of_one_symbol() {
    let (server, clock) = (VendorServer::start(), TestClock::default());
    let site = Site::panicking(&server, &clock, Vendor::Stooq);
    let series = told(BEFORE, None);
    clock.set(evening(series.rows.last().unwrap().date));
    server.serve(Instrument::new(SYMBOL, series));
    let targets = [target(Vendor::Stooq), target(Vendor::YahooChart)];
    let lines = std::sync::Mutex::new(Vec::new());
    site.puller.pull_all(&targets, &cream_processor::Cancel::default(), &|report| {
        lines.lock().unwrap().push((report.is_success(), report.to_string()));
    });
    let mut lines = lines.into_inner().unwrap();
    lines.sort();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(!lines[0].0 && lines[0].1.contains("own bug"), "{lines:?}");
    assert!(lines[1].0, "{lines:?}");
}

#[test]
fn days_that_a_vendor_gives_no_more_are_told() {
    let (server, clock) = (VendorServer::start(), TestClock::default());
    let site = Site::free(&server, &clock);
    let pulled = |days: usize| {
        let series = told(days, None);
        clock.set(evening(series.rows.last().unwrap().date));
        server.serve(Instrument::new(SYMBOL, series.clone()));
        (series, site.pull(Vendor::AlphaVantage).to_string())
    };
    // The newest hundred days overlap with those before, and then they do not.
    assert!(!pulled(120).1.contains("WITHOUT"));
    assert!(!pulled(180).1.contains("WITHOUT"));
    let (series, line) = pulled(300);
    let (first, last) = (series.rows[180].date, series.rows[200].date.previous().unwrap());
    let first = first.min(series.rows[179].date.next().unwrap());
    assert!(line.contains(&format!(", WITHOUT {first}..{last}, which the vendor")), "{line}");
}
