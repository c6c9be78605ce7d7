//! Day after day.

use cream_models::Vendor;
use cream_testkit::vendors::{Instrument, VendorServer};
use cream_testkit::{Listing, Row, Scenario, SyntheticSeries};

use crate::support::{SYMBOL, Site, TestClock, evening};

/// The days before the first pull.
const BEFORE: usize = 120;

const VENDORS: [Vendor; 8] = [
    Vendor::YahooChart,
    Vendor::YahooPage,
    Vendor::Tiingo,
    Vendor::AlphaVantage,
    Vendor::Massive,
    Vendor::Eodhd,
    Vendor::Stooq,
    Vendor::Nasdaq,
];

/// The history as it is told on the evening of a day, which counts from 1: a split on the sixth,
/// and from the eighth on another open of a day between.
fn told_on(day: usize) -> SyntheticSeries {
    let scenario = Scenario::new(Listing::us_stock(SYMBOL, "Cream B Dairies, Inc."), 5)
        .starting("2025-01-06".parse().unwrap(), BEFORE + day)
        .dividend(40, 0.26)
        .dividend(100, 0.27);
    let scenario = if day >= 6 { scenario.split(BEFORE + 5, 4, 1) } else { scenario };
    let series = scenario.build();
    if day < 8 {
        return series;
    }
    // A trading week before the eighth day.
    let row = series.rows[BEFORE + 2];
    let mut prices = row.prices;
    prices[0] = prices[2];
    series.with_row(Row { prices, ..row })
}

#[test]
fn a_series_that_is_pulled_each_day_is_what_a_first_pull_would_give() {
    for vendor in VENDORS {
        let server = VendorServer::start();
        let clock = TestClock::default();
        clock.set(evening("2025-01-06".parse().unwrap()));
        let site = Site::new(&server, &clock);
        let mut wholes = Vec::new();
        for day in 1..=10 {
            let series = told_on(day);
            let today = series.rows.last().unwrap().date;
            clock.set(evening(today));
            let told = Instrument::new(SYMBOL, series);
            server.serve(told.clone());
            let line = site.pull(vendor).to_string();
            if line.contains("whole history") {
                wholes.push((day, line.clone()));
            }
            let digest = site.digest();
            let fresh = Site::new(&server, &clock);
            let _ = fresh.pull(vendor);
            assert_eq!(digest, fresh.digest(), "{vendor}, day {day}: {line}");
            assert_eq!(digest, site.digest_rebuilt(), "{vendor}, day {day}: a rebuild");
            let series = site.store.read(|reader| {
                let stock = reader.stock(told.symbol())?.unwrap();
                reader.series(stock.id, vendor)
            });
            assert_eq!(series.unwrap().unwrap().last_date, Some(today), "{vendor}, day {day}");
            // Everything the day after, in the morning, changes nothing.
            clock.set(evening(today).plus_seconds(6 * 3600));
            let _ = site.pull(vendor);
            assert_eq!(site.digest(), digest, "{vendor}, the morning after day {day}");
        }
        // The first, the split, and the correction; and no other.
        let days: Vec<usize> = wholes.iter().map(|(day, _)| *day).collect();
        assert_eq!(days, [1, 6, 8], "{vendor}: {wholes:#?}");
        assert!(wholes[2].1.contains("(since open of "), "{}", wholes[2].1);
    }
}

/// A machine that was off for longer than the overlap, through a split.
#[test]
fn a_gap_in_the_pulls_is_filled() {
    for vendor in VENDORS {
        let server = VendorServer::start();
        let clock = TestClock::default();
        let site = Site::new(&server, &clock);
        for day in [1, 60] {
            let series = told_on(day);
            clock.set(evening(series.rows.last().unwrap().date));
            server.serve(Instrument::new(SYMBOL, series));
            let _ = site.pull(vendor);
            let fresh = Site::new(&server, &clock);
            let _ = fresh.pull(vendor);
            assert_eq!(site.digest(), fresh.digest(), "{vendor}, day {day}");
        }
    }
}

/// A vendor that withdraws a bar, or invents a dividend and takes it back.
#[test]
fn what_a_vendor_takes_back_within_the_last_days_is_taken_back() {
    for vendor in VENDORS {
        let server = VendorServer::start();
        let clock = TestClock::default();
        let site = Site::new(&server, &clock);
        let scenario = |days| {
            Scenario::new(Listing::us_stock(SYMBOL, "Cream B Dairies, Inc."), 5)
                .starting("2025-01-06".parse().unwrap(), days)
        };
        let gone = scenario(BEFORE).build().rows[BEFORE - 3].date;
        for (step, series) in [
            ("first", scenario(BEFORE).build()),
            ("a dividend", scenario(BEFORE + 1).dividend(BEFORE, 0.3).build()),
            ("none", scenario(BEFORE + 2).build()),
            ("a bar is gone", scenario(BEFORE + 3).build().without_row(gone)),
            ("it is back", scenario(BEFORE + 4).build()),
        ] {
            clock.set(evening(series.rows.last().unwrap().date));
            server.serve(Instrument::new(SYMBOL, series));
            let _ = site.pull(vendor);
            let fresh = Site::new(&server, &clock);
            let _ = fresh.pull(vendor);
            assert_eq!(site.digest(), fresh.digest(), "{vendor}: {step}");
        }
    }
}
