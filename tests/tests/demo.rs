//! The README's first command: the demonstration answers, and stops cleanly.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use cream_testkit::Signal;
use cream_tests::{PATIENCE, Site};

#[test]
fn the_demonstration_serves_the_samples_and_stops_on_either_signal() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let site = Site::new();
        let api = site.serve(&["demo"]);

        let stocks = api.json("/stock-data");
        let symbols: Vec<_> = stocks["stocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stock| stock["symbol"].as_str().unwrap().to_owned())
            .collect();
        for symbol in ["GOOG", "^CRM", "CREAM3.L", "CRMUSD=X", "CREAM4-USD"] {
            assert!(symbols.iter().any(|held| held == symbol), "{symbol} in {symbols:?}");
        }
        // Public facts about the first and last day of the sample.
        let history = api.json("/stock-data/GOOG/history");
        let bars = history["bars"].as_array().unwrap();
        assert_eq!(bars.len(), 2148);
        assert_eq!(bars[0]["date"], "2004-08-19");
        assert_eq!(bars[0]["close"].to_string(), "100.34");
        assert_eq!(bars[2147]["date"], "2013-03-01");
        assert_eq!(bars[2147]["high"].to_string(), "807.14");
        assert_eq!(api.json("/health/ready")["status"], "ready");

        api.process.signal(signal);
        let ended = api.process.wait(PATIENCE).unwrap();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains("dead letter:"), "{}", ended.stdout);
        assert!(ended.stdout.contains("curl 'http://127.0.0.1:"), "{}", ended.stdout);
        // Nothing of it is left, here or in the working folder.
        let database = ended.stdout.lines().find_map(|line| line.strip_prefix("The database is "));
        let database = database.unwrap().split(';').next().unwrap();
        assert!(!std::path::Path::new(database).exists(), "{database}");
        assert!(site.folder.names("").is_empty(), "{:?}", site.folder.names(""));
    }
}
