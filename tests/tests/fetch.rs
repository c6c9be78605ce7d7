//! `worker fetch` at work: how often vendors are asked, who is asked instead, what is asked for,
//! and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::time::{Duration, Instant};

use cream_models::{Timestamp, Vendor};
use cream_testkit::vendors::{Fault, Instrument, Times, VendorServer};
use cream_testkit::{Listing, Scenario, Signal};
use cream_tests::{PATIENCE, Site, VENDORS, assert_no_key_in, on_both};

fn instrument(symbol: &str, days: usize) -> Instrument {
    let scenario = Scenario::new(Listing::us_stock(symbol, "Cream B Dairies, Inc."), 3)
        .starting("2025-01-06".parse().unwrap(), 60)
        .dividends(20, 0.26);
    Instrument::new(symbol, scenario.extended(days).build())
}

/// Now, to be compared with what the database and with what the server noted.
fn now() -> (Timestamp, Instant) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = Instant::now();
    (Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap()), at)
}

/// Requests take their time from the grant to the server, so that those seen within a second may
/// be more than were granted within one. What is sure whatever the machine is busy with: at no
/// moment were more seen than were granted by then, and of the grants the database keeps a record.
#[test]
fn workers_together_ask_a_vendor_no_more_often_than_is_allowed() {
    const SECOND: i64 = 1_000_000;
    on_both(|site| {
        let server = VendorServer::start();
        // The second limit does not matter but for how long the record is kept.
        let site = site
            .asking(&server)
            .with("STOCK_DATA_YAHOO_CHART_RATE_LIMIT", "4/s,1000/h")
            .with("STOCK_DATA_MAX_WAIT_SECONDS", "100");
        let symbols: Vec<String> = (0..12).map(|number| format!("RATE{number}")).collect();
        for symbol in &symbols {
            server.serve(instrument(symbol, 0));
        }
        let _ = site.worker_ok(&["migrate", "up"]);
        let (wall, clock) = now();
        let workers: Vec<_> = symbols
            .chunks(4)
            .map(|share| {
                let names = share.iter().map(String::as_str);
                let arguments: Vec<&str> = std::iter::once("fetch").chain(names).collect();
                site.start_worker(&arguments)
            })
            .collect();
        for worker in workers {
            let ended = worker.wait(PATIENCE).unwrap();
            assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        }
        let mut seen: Vec<Instant> = server.requests().iter().map(|seen| seen.at).collect();
        seen.sort_unstable();
        assert_eq!(seen.len(), 12);

        let granted_by = |micros: i64| {
            let at = Timestamp::from_micros(micros);
            let since = |at| site.store().read(|it| it.requests_since(Vendor::YahooChart, at));
            12 - since(at).unwrap()
        };
        let micros_of = |at: &Instant| {
            wall.micros() + i64::try_from(at.duration_since(clock).as_micros()).unwrap()
        };
        // A clock may be set by some milliseconds meanwhile.
        for (index, at) in seen.iter().enumerate() {
            let granted = granted_by(micros_of(at) + 50_000);
            assert!(granted > i64::try_from(index).unwrap(), "{index} of {seen:?}: {granted}");
        }
        let end = micros_of(&Instant::now());
        let mut from = wall.micros();
        while from < end {
            let within = granted_by(from + SECOND) - granted_by(from);
            assert!((0..=4).contains(&within), "{within} in a second");
            from += SECOND / 16;
        }
        assert!(*seen.last().unwrap() >= clock + Duration::from_millis(1950), "{seen:?}");
    });
}

/// Files are named by the second.
#[test]
fn workers_that_pull_the_same_symbol_at_once_are_all_right() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server);
        let stock = instrument("BOTH1", 0);
        server.serve(stock.clone());
        let _ = site.worker_ok(&["migrate", "up"]);
        for round in 1..=3 {
            let workers = [(); 3].map(|()| site.start_worker(&["fetch", "BOTH1", "--full"]));
            for worker in workers {
                let ended = worker.wait(PATIENCE).unwrap();
                assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
            }
            assert_eq!(site.archived("parsed").len(), 3 * round);
        }
        assert_eq!(site.archived("raw"), [""; 0]);
        assert_eq!(site.served(stock.symbol(), Vendor::YahooChart).0.len(), 60);
        assert_eq!(site.digest_now(), site.digest_rebuilt());
    });
}

#[test]
fn what_one_worker_was_told_the_others_obey() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server);
        for symbol in ["ONE1", "TWO2"] {
            server.serve(instrument(symbol, 0));
        }
        server.misbehave(Vendor::YahooPage, Fault::RateLimitedSeconds(4), Times::Once);
        let line = site.refused(Vendor::YahooPage, "ONE1", &[]);
        assert!(line.contains("too many requests; the vendor is left alone until "), "{line}");
        // Another process, for another symbol.
        let line = site.refused(Vendor::YahooPage, "TWO2", &[]);
        assert!(line.contains("left alone until "), "{line}");
        assert_eq!(server.requests().len(), 1, "nobody asks meanwhile");
        // Other vendors are asked.
        let _ = site.fetched(Vendor::Nasdaq, "TWO2", &[]);

        let patient = site.with("STOCK_DATA_MAX_WAIT_SECONDS", "60");
        let _ = patient.fetched(Vendor::YahooPage, "TWO2", &[]);
        let asked = server.requests_of(Vendor::YahooPage);
        assert_eq!(asked.len(), 2);
        assert!(asked[1].at >= asked[0].at + Duration::from_secs(4), "{asked:?}");
    });
}

#[test]
fn who_fails_is_followed_by_the_next_and_keeps_a_series_of_its_own() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server).with("STOCK_DATA_FALLBACK_VENDORS", "tiingo,stooq");
        let stock = instrument("BACK1", 0);
        server.serve(stock.clone());
        server.misbehave(Vendor::YahooChart, Fault::Unavailable, Times::Always);
        server.misbehave(Vendor::Tiingo, Fault::BadKey, Times::Always);
        let out = site.worker_ok(&["fetch", "BACK1"]);
        let line = out.lines().next().unwrap();
        for part in [
            "BACK1: yahoo-chart: the vendor's server failed with status 503: ",
            "; tiingo: the vendor refuses the API key: ",
            "; stooq: whole history, bars 60 inserted, ",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        for vendor in VENDORS {
            let expected = if vendor == Vendor::Stooq { 60 } else { 0 };
            assert_eq!(site.served(stock.symbol(), vendor).0.len(), expected, "{vendor}");
        }
        // The first one is asked first again.
        server.behave_at_all();
        let line = site.fetched(Vendor::YahooChart, "BACK1", &[]);
        assert!(line.starts_with("BACK1: yahoo-chart: whole history, "), "{line}");

        for vendor in [Vendor::YahooChart, Vendor::Tiingo, Vendor::Stooq] {
            server.misbehave(vendor, Fault::UnknownSymbol, Times::Always);
        }
        let ended = site.worker(&["fetch", "BACK1"]);
        assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
        let line = ended.stdout.lines().next().unwrap();
        assert!(line.contains("yahoo-chart: ") && line.contains("; stooq: "), "{line}");
    });
}

#[test]
fn a_dry_run_sends_nothing_and_shows_no_key() {
    let server = VendorServer::start();
    let site = Site::new().asking(&server).with("STOCK_DATA_FALLBACK_VENDORS", "stooq");
    server.serve(instrument("DRY-B", 0));
    for vendor in VENDORS {
        let ended =
            site.worker(&["fetch", "DRY-B", "--vendor", vendor.name(), "--dry-run", "--full"]);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let out = &ended.stdout;
        assert!(out.starts_with(&format!("DRY-B from {vendor}:\n  GET {}/", server.base_url())));
        let has_fallback = out.contains("DRY-B from stooq, where those before fail:\n");
        assert_eq!(has_fallback, vendor != Vendor::Stooq, "{out}");
        let has_key = cream_testkit::vendors::key(vendor).is_some();
        assert_eq!(out.contains("***"), has_key, "{out}");
        assert_no_key_in("the plan", format!("{out}{}", ended.stderr).as_bytes());
    }
    assert!(server.requests().is_empty());
    for folder in ["raw", "parsed", "dead"] {
        assert_eq!(site.archived(folder), [""; 0]);
    }
}

#[test]
fn dates_and_spellings_are_asked_for_as_given_and_a_spelling_is_remembered() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server);
        let stock = instrument("OWN-B", 0).spelled(Vendor::Tiingo, "WEIRD.1");
        server.serve(stock.clone());
        let line = site.refused(Vendor::Tiingo, "OWN-B", &[]);
        assert!(line.contains("the vendor knows no \"OWN-B\""), "{line}");
        let options = ["--as", "WEIRD.1", "--from", "2025-02-03", "--to", "2025-02-14"];
        let line = site.fetched(Vendor::Tiingo, "OWN-B", &options);
        assert!(line.contains("bars 10 inserted, "), "{line}");
        let seen = server.requests();
        let seen = seen.last().unwrap();
        assert_eq!(seen.path(), "/tiingo/daily/WEIRD.1/prices");
        let dates = ["startDate", "endDate"].map(|name| seen.query(name).unwrap());
        assert_eq!(dates, ["2025-02-03", "2025-02-14"]);

        // What lies before and after is there with the next, under the same spelling.
        let line = site.fetched(Vendor::Tiingo, "OWN-B", &["--full"]);
        assert!(
            line.contains("whole history, bars 50 inserted, 0 updated, 10 unchanged"),
            "{line}"
        );
        assert_eq!(site.served(stock.symbol(), Vendor::Tiingo).1.len(), 2);
        let _ = site.fetched(Vendor::Tiingo, "OWN-B", &[]);
        let asked = server.requests();
        assert!(asked[1..].iter().all(|seen| seen.path() == "/tiingo/daily/WEIRD.1/prices"));
        // Another vendor's spelling is another.
        let _ = site.fetched(Vendor::Stooq, "OWN-B", &[]);
    });
}

#[test]
fn what_the_command_line_must_not_say_ends_with_2_and_what_it_may() {
    let site = Site::new();
    for (arguments, parts) in [
        (
            &["AAPL", "--vendor", "yaho"][..],
            &["\"yaho\" is not a vendor", "yahoo-chart, ", "nasdaq"][..],
        ),
        (&["AAPL", "--vendor", "csv"], &["files of your own", "worker import", "yahoo-chart, "]),
        (&["A B"], &["\"A B\" is not a symbol: only ASCII letters"]),
        (&["AAPL", "--from", "2025-13-01"], &["\"2025-13-01\" is not a date: expected YYYY-MM-DD"]),
        (
            &["AAPL", "--from", "2025-02-01", "--to", "2025-01-31"],
            &["--to 2025-01-31 is before --from 2025-02-01"],
        ),
        (&["AAPL", "--full", "--to", "2025-01-31"], &["cannot be used with"]),
        (&["AAPL", "MSFT", "--as", "aapl.us"], &["--as spells one symbol, but 2 are given"]),
        (&[], &["<SYMBOL>"]),
    ] {
        let ended = site.worker(&[&["fetch"], arguments].concat());
        assert_eq!(ended.code(), Some(2), "{arguments:?}: {}\n{}", ended.stdout, ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "");
        assert!(site.folder.names("").is_empty(), "{:?}", site.folder.names(""));
    }
}

#[test]
fn an_interrupt_during_a_slow_answer_ends_soon_with_nothing_half_done() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server).with("STOCK_DATA_MAX_CONCURRENT_PULLS", "1");
        for symbol in ["SLOW1", "SLOW2"] {
            server.serve(instrument(symbol, 0));
        }
        let empty = site.digest();
        let slow = Fault::SlowHeaders(Duration::from_secs(8));
        server.misbehave(Vendor::YahooChart, slow, Times::Once);
        let worker = site.start_worker(&["fetch", "SLOW1", "SLOW2"]);
        let deadline = Instant::now() + PATIENCE;
        while server.requests().is_empty() {
            assert!(Instant::now() < deadline, "{}", worker.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
        worker.signal(Signal::Interrupt);
        let ended = worker.wait(PATIENCE).unwrap();
        assert_eq!(ended.code(), Some(130), "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("  not begun "), "{}", ended.stdout);
        assert_eq!(server.requests().len(), 1, "no further request was made");
        assert_eq!(site.archived("raw"), [""; 0]);
        let kept = site.archived("parsed").len();
        assert_eq!(kept > 0, site.digest_now() != empty, "what was archived was loaded");

        let _ = site.worker_ok(&["fetch", "SLOW1", "SLOW2"]);
        let fresh = Site::new().asking(&server);
        let _ = fresh.worker_ok(&["fetch", "SLOW1", "SLOW2"]);
        assert_eq!(site.digest_now(), fresh.digest_now());
    });
}

#[test]
fn the_same_again_on_the_same_day_is_not_sent_again() {
    // From when on it is the next day where the clocks are farthest ahead.
    let day = || now().0.plus_seconds(14 * 3600).date();
    on_both(|site| {
        let server = VendorServer::start();
        let site = site.asking(&server);
        server.serve(instrument("SAME1", 0));
        // Those whose answer is one.
        for vendor in [
            Vendor::YahooChart,
            Vendor::YahooPage,
            Vendor::Tiingo,
            Vendor::AlphaVantage,
            Vendor::Stooq,
        ] {
            let _ = site.fetched(vendor, "SAME1", &[]);
            let last = loop {
                let before = day();
                let _ = site.fetched(vendor, "SAME1", &[]);
                let digest = site.digest_now();
                let files = site.archived("parsed");
                let line = site.fetched(vendor, "SAME1", &[]);
                if day() == before {
                    assert_eq!((site.digest_now(), site.archived("parsed")), (digest, files));
                    break line;
                }
            };
            assert!(last.ends_with(": nothing changed since the last pull"), "{last}");
            let seen = server.requests_of(vendor);
            assert_eq!(seen.last().unwrap().status, Some(304), "{vendor}");

            // What changed is sent, and whoever wants all gets all.
            server.serve(instrument("SAME1", 1));
            let line = site.fetched(vendor, "SAME1", &[]);
            assert!(line.contains("bars 1 inserted, "), "{line}");
            let line = site.fetched(vendor, "SAME1", &["--full"]);
            assert!(line.contains(": whole history, bars 0 inserted, "), "{line}");
            server.serve(instrument("SAME1", 0));
        }
    });
}
