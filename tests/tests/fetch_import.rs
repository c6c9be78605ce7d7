//! Files of the user's own, and pulls that another archive holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use cream_models::{CorporateEvent, Symbol, Vendor};
use cream_testkit::vendors::{Instrument, VendorServer};
use cream_testkit::{Listing, Scenario};
use cream_tests::{Site, VENDORS, on_both};

/// Files of the user's own, as programs write them, and the bar of 2025-06-12 in each.
const FILES: [(&str, &str, &str); 6] = [
    (
        "yfinance",
        "Date,Open,High,Low,Close,Adj Close,Volume\n\
         2025-06-12,199.080001,199.679993,195.360001,199.199997,198.5,43904600\n\
         2025-06-13,199.729996,200.369995,195.699997,196.449997,195.75,51447300\n",
        "o 199.080001 h 199.679993 l 195.360001 c 199.199997 a 198.5 v 43904600",
    ),
    (
        "yfinance with actions",
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n\
         2025-06-12 00:00:00-04:00,199.08,199.68,195.36,199.2,43904600,0.26,0.0\n\
         2025-06-13 00:00:00-04:00,199.73,200.37,195.7,196.45,51447300,0.0,4.0\n",
        "o 199.08 h 199.68 l 195.36 c 199.2 a - v 43904600",
    ),
    (
        "zipline",
        "date,open,high,low,close,volume,dividend,split\n\
         2025-06-12,199.08,199.68,195.36,199.2,43904600,0.26,1.0\n\
         2025-06-13,199.73,200.37,195.7,196.45,51447300,0.0,4.0\n",
        "o 199.08 h 199.68 l 195.36 c 199.2 a - v 43904600",
    ),
    (
        "Lean",
        "20250612 00:00,1990800,1996800,1953600,1992000,43904600\n\
         20250613 00:00,1997300,2003700,1957000,1964500,51447300\n",
        "o 199.08 h 199.68 l 195.36 c 199.2 a - v 43904600",
    ),
    (
        "Stooq",
        "Date,Open,High,Low,Close,Volume\r\n\
         2025-06-12,199.08,199.68,195.36,199.2,43904600\r\n\
         2025-06-13,199.73,200.37,195.7,196.45,51447300\r\n",
        "o 199.08 h 199.68 l 195.36 c 199.2 a - v 43904600",
    ),
    (
        "Stooq's bulk files",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n\
         AAPL,D,20250612,000000,199.08,199.68,195.36,199.2,43904600,0\r\n\
         AAPL,D,20250613,000000,199.73,200.37,195.7,196.45,51447300,0\r\n",
        "o 199.08 h 199.68 l 195.36 c 199.2 a - v 43904600",
    ),
];

#[test]
fn files_of_the_users_own_are_read_whatever_wrote_them() {
    let symbol = Symbol::parse("AAPL").unwrap();
    for (program, text, bar) in FILES {
        on_both(|site| {
            let path = site.folder.write("in/AAPL.csv", text);
            let ended = site.import(&[&path]);
            assert_eq!(ended.code(), Some(0), "{program}: {}\n{}", ended.stdout, ended.stderr);
            let line = ended.stdout.lines().next().unwrap();
            assert!(line.starts_with("AAPL.csv: AAPL from csv: bars 2 inserted, "), "{line}");
            let (bars, actions) = site.served(&symbol, Vendor::Csv);
            let found = format!("{:?}", bars[0]);
            assert_eq!(found, format!("Bar(2025-06-12 {bar})"), "{program}");
            let told: Vec<String> = actions
                .iter()
                .map(|action| match action.event {
                    CorporateEvent::Dividend { amount } => format!("{} {amount}", action.date),
                    CorporateEvent::Split(ratio) => format!("{} {ratio}", action.date),
                    CorporateEvent::CapitalGain { .. } => panic!("{program}: {action:?}"),
                })
                .collect();
            let expected: &[&str] =
                if text.contains("0.26") { &["2025-06-12 0.26", "2025-06-13 4:1"] } else { &[] };
            assert_eq!(told, expected, "{program}");
            let digest = site.digest_now();
            assert_eq!(digest, site.digest_rebuilt(), "{program}");
            // Again: nothing new.
            let ended = site.import(&[&path]);
            assert!(ended.stdout.contains("loaded before"), "{program}: {}", ended.stdout);
            assert_eq!(digest, site.digest_now());
        });
    }
}

#[test]
fn a_users_own_file_that_is_none_is_a_dead_letter_with_its_reason() {
    let site = Site::new();
    for (name, text, part) in [
        ("NOHEAD.csv", "1,2,3\n4,5,6\n", "expected"),
        ("INTRADAY.csv", "Date,Close\n2025-06-12 09:30,1\n2025-06-12 09:31,2\n", "2025-06-12"),
        ("NODATE.csv", "Open,Close\n1,2\n", "expected a CSV header with Date"),
    ] {
        let path = site.folder.write(format!("in/{name}"), text);
        let ended = site.import(&[&path]);
        assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
        let line = ended.stdout.lines().next().unwrap();
        assert!(
            line.starts_with(&format!("{name}: dead letter: ")) && line.contains(part),
            "{line}"
        );
    }
}

#[test]
fn the_pulls_of_another_archive_are_imported() {
    let server = VendorServer::start();
    let scenario = Scenario::new(Listing::us_stock("CREAM-B", "Cream B Dairies, Inc."), 3)
        .starting("2025-01-06".parse().unwrap(), 60)
        .dividends(20, 0.26)
        .split(30, 3, 2);
    server.serve(Instrument::new("CREAM-B", scenario.build()));
    let source = Site::new().asking(&server);
    for vendor in VENDORS {
        let _ = source.fetched(vendor, "CREAM-B", &[]);
    }
    server.serve(Instrument::new("CREAM-B", scenario.extended(3).build()));
    for vendor in VENDORS {
        let _ = source.fetched(vendor, "CREAM-B", &[]);
    }
    let names = source.archived("parsed");
    assert_eq!(names.len(), 16);
    assert!(names.iter().all(|name| name.ends_with(".warc")), "{names:?}");
    on_both(|site| {
        let out = site.worker_ok(&["import", source.archive("parsed").to_str().unwrap()]);
        assert!(out.contains("loaded                    16"), "{out}");
        assert_eq!(site.digest_now(), source.digest_now());
        assert_eq!(site.archived("parsed"), names);
        // And a pull goes on from there.
        let site = site.asking(&server);
        for vendor in VENDORS {
            let line = site.fetched(vendor, "CREAM-B", &[]);
            assert!(line.contains("last days, bars 0 inserted, 0 updated, "), "{line}");
        }
        assert_eq!(site.digest_now(), source.digest_now());
    });
}
