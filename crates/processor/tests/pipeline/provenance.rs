//! What a response is: its symbol, its vendor and when it was fetched.

use cream_models::Timestamp;
use cream_testkit::{ChartOptions, PageOptions};

use crate::support::{Site, series};

/// Processes one file and gives its name, the line about it, and when it was fetched.
fn processed(name: &str, bytes: &[u8]) -> (String, Option<String>) {
    let site = Site::new();
    site.put("raw", name, bytes);
    let line = site.process().line();
    let fetched = site.response(name).unwrap().fetched_at;
    (line, fetched.map(|at| at.to_string()))
}

fn bare_table() -> Vec<u8> {
    series("WHO1", 30).history_page(&PageOptions::bare_table())
}

/// A chart answer whose last trade was then.
fn chart(last_trade: &str) -> Vec<u8> {
    let at: Timestamp = last_trade.parse().unwrap();
    series("WHO1", 30)
        .chart_json_with(&ChartOptions { regular_market_time: Some(at), ..ChartOptions::default() })
}

#[test]
fn a_name_and_a_response_that_disagree_are_told() {
    for (name, bytes, reason) in [
        (
            "OTHER1_2025-06-16.html",
            series("WHO1", 30).history_page(&PageOptions::default()),
            "the file name says OTHER1, but the response is about WHO1",
        ),
        (
            "WHO1_2025-06-16_yahoo-page.json",
            series("WHO1", 30).chart_json(),
            "the file name says yahoo-page, but the response is in the form of yahoo-chart",
        ),
        (
            "yahoo-chart_WHO1.html",
            series("WHO1", 30).history_page(&PageOptions::default()),
            "the file name says yahoo-chart, but the response is in the form of yahoo-page",
        ),
        (
            "saved page.html",
            bare_table(),
            "neither the file name nor the response names a symbol; call the file \
             SYMBOL_YYYY-MM-DD.html, such as TSLA_2025-06-16.html",
        ),
    ] {
        let (line, fetched) = processed(name, &bytes);
        assert_eq!(line, format!("{name}: dead letter: {reason}"));
        assert_eq!(fetched, None, "{name}");
    }
}

#[test]
fn the_instant_in_the_name_wins_and_a_day_is_a_lower_bound() {
    let trade = "2025-06-16T20:00:01Z";
    for (name, fetched) in [
        // An instant, even before what the response speaks of.
        ("WHO1_2025-06-16T213000Z_yahoo-chart.json", "2025-06-16T21:30:00Z"),
        ("WHO1_2025-06-16T120000Z_yahoo-chart.json", "2025-06-16T12:00:00Z"),
        // A day, raised by the content, or not.
        ("WHO1_2025-06-16.json", trade),
        ("WHO1_2025-06-15.json", trade),
        ("WHO1_2025-06-18.json", "2025-06-18T00:00:00Z"),
        // Nothing: the content alone.
        ("yahoo-chart_WHO1.json", trade),
        ("saved.json", trade),
    ] {
        let (line, found) = processed(name, &chart(trade));
        assert!(line.starts_with(&format!("{name}: WHO1 from yahoo-chart: bars 30")), "{line}");
        assert_eq!(found.as_deref(), Some(fetched), "{name}");
    }
    // A table speaks of the day of its newest row, which begins first far in the east.
    for (name, fetched) in [
        ("WHO1_2025-06-16.html", "2025-06-16T00:00:00Z"),
        ("yahoo-page_WHO1.html", "2025-06-12T10:00:00Z"),
    ] {
        let (_, found) = processed(name, &bare_table());
        assert_eq!(found.as_deref(), Some(fetched), "{name}");
    }
}

#[test]
fn a_symbol_that_no_file_name_may_hold_is_encoded() {
    for (symbol, name) in [
        ("EURUSD=X", "EURUSD%3DX_2025-06-16T120000Z_yahoo-chart.json"),
        ("EURUSD=X", "EURUSD=X_2025-06-16T120000Z_yahoo-chart.json"),
        ("A/B", "A%2FB_2025-06-16T120000Z_yahoo-chart.json"),
    ] {
        let (line, _) = processed(name, &series(symbol, 30).chart_json());
        assert!(line.starts_with(&format!("{name}: {symbol} from yahoo-chart")), "{line}");
    }
}
