//! Recorded vendor responses, where they lie beside the project: imported by the real worker,
//! served by the real server, and compared bar by bar with readings of the same files made here
//! by other means.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::collections::BTreeMap;
use std::path::Path;

use cream_testkit::shared_dir;
use cream_tests::{Api, Site};
use scraper::{Html, Selector};
use serde_json::Value;

/// Each date's open, high, low, close, adjusted close and volume, as text.
type Rows = BTreeMap<String, Vec<String>>;

fn served(api: &Api, symbol: &str, vendor: &str) -> Rows {
    let path = format!("/stock-data/{symbol}/history?format=csv&vendor={vendor}");
    api.csv(&path).into_iter().map(|row| (row[0].clone(), row[1..7].to_vec())).collect()
}

/// The page's table, by a general HTML parser: texts without thousands commas, ISO dates.
fn table(path: &Path) -> (Rows, usize) {
    let page = Html::parse_document(&std::fs::read_to_string(path).unwrap());
    let select = |text| Selector::parse(text).unwrap();
    let (row, cell) = (select("table tbody tr"), select("td"));
    let (mut rows, mut events) = (Rows::new(), 0);
    for row in page.select(&row) {
        let cells: Vec<String> = row
            .select(&cell)
            .map(|cell| cell.text().collect::<String>().trim().replace(',', ""))
            .collect();
        if let [date, values @ ..] = &cells[..]
            && values.len() == 6
        {
            rows.insert(iso(date), values.to_vec());
        } else {
            events += 1;
        }
    }
    (rows, events)
}

/// `Jun 13 2025` to `2025-06-13`.
fn iso(text: &str) -> String {
    let [month, day, year] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    format!("{year}-{:02}-{day:0>2}", months.find(month).unwrap() / 3 + 1)
}

/// The chart answer's columns by `serde_json`: shortest text of each number as a 32-bit float.
fn chart(answer: &Value) -> Vec<Vec<String>> {
    let result = &answer["chart"]["result"][0];
    let quote = &result["indicators"]["quote"][0];
    let adjusted = &result["indicators"]["adjclose"][0]["adjclose"];
    let count = result["timestamp"].as_array().unwrap().len();
    #[expect(clippy::cast_possible_truncation, reason = "the vendor's numbers are 32-bit floats")]
    let price = |value: &Value| (value.as_f64().unwrap() as f32).to_string();
    (0..count)
        .map(|at| {
            let mut row: Vec<String> =
                ["open", "high", "low", "close"].map(|name| price(&quote[name][at])).to_vec();
            row.push(price(&adjusted[at]));
            row.push(quote["volume"][at].to_string());
            row
        })
        .collect()
}

/// The chart answer inside a page, cut out by hand.
fn embedded(path: &Path) -> Value {
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("/v8/finance/chart/").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (script, _) = rest.split_once("</script>").unwrap();
    let wrapper: Value = serde_json::from_str(script).unwrap();
    serde_json::from_str(wrapper["body"].as_str().unwrap()).unwrap()
}

#[test]
fn recorded_responses_are_loaded_and_served_to_the_last_digit() {
    let Some(shared) = shared_dir() else { return };
    let real = shared.join("real");
    let site = Site::new();
    let ended = site.import(&[&real]);
    assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
    for loaded in [
        "AAPL from tiingo: bars 11 inserted",
        "AAPL from massive: bars 6 inserted",
        "GOOGL from tiingo: bars 2 inserted",
        "BHP.AU from eodhd: bars 14 inserted",
    ] {
        assert!(ended.stdout.contains(loaded), "{loaded}: {}", ended.stdout);
    }
    for file in ["README.md", "yahoo-chart_LUCYW.json"] {
        assert!(
            ended.stdout.contains(&format!("  {file}: dead letter: ")),
            "{file}: {}",
            ended.stdout
        );
    }
    let again = site.import(&[&real]);
    assert_eq!(again.code(), Some(0), "{}", again.stdout);
    let digest = site.digest();

    let api = site.serve(&[]);
    // The page with both: every stored bar against the table, and against the embedded answer.
    let tesla = real.join("TSLA_2025-06-16.html");
    let bars = served(&api, "TSLA", "yahoo-page");
    assert_eq!(bars.len(), 3764);
    let (by_table, events) = table(&tesla);
    assert_eq!(events, 2);
    assert_eq!(by_table.len(), bars.len());
    for (date, cells) in &by_table {
        for (at, (cell, value)) in cells.iter().zip(&bars[date]).enumerate() {
            let (cell, value): (f64, f64) = (cell.parse().unwrap(), value.parse().unwrap());
            let tolerance = if at == 5 { 0.0 } else { 0.005 + 1e-9 };
            assert!((cell - value).abs() <= tolerance, "{date} {at}: {cell} {value}");
        }
    }
    let by_chart = chart(&embedded(&tesla));
    assert!(bars.values().eq(by_chart.iter()));
    assert_eq!(
        bars["2010-06-29"],
        ["1.266667", "1.666667", "1.169333", "1.592667", "1.592667", "281494500"]
    );
    assert_eq!(bars["2025-06-13"][3], "325.31");
    let history = api.json("/stock-data/TSLA/history?limit=1");
    assert_eq!(history["currency"], "USD");
    assert_eq!(history["time_zone"], "America/New_York");
    let actions = api.json("/stock-data/TSLA/actions");
    let splits: Vec<_> = actions["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|split| {
            format!(
                "{} {}:{}",
                split["date"].as_str().unwrap(),
                split["numerator"],
                split["denominator"]
            )
        })
        .collect();
    assert_eq!(splits, ["2020-08-31 5:1", "2022-08-25 3:1"]);

    // The page that is a table only.
    let (by_table, events) = table(&real.join("AAPL_2025-06-16.html"));
    assert_eq!((by_table.len(), events), (63, 1));
    let bars = served(&api, "AAPL", "yahoo-page");
    assert_eq!(bars.len(), 63);
    for (date, cells) in &by_table {
        let numbers = |texts: &[String]| -> Vec<f64> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(numbers(cells), numbers(&bars[date]), "{date}");
    }
    let actions = api.json("/stock-data/AAPL/actions?vendor=yahoo-page");
    assert_eq!(actions["actions"][0]["date"], "2025-05-12");
    assert_eq!(actions["actions"][0]["amount"].to_string(), "0.26");

    // The chart answers.
    for symbol in ["AAPL", "MSFT", "GS2C.DE", "BTC-USD", "EURUSD=X", "0P0000XTS7"] {
        let text =
            std::fs::read_to_string(real.join(format!("yahoo-chart_{symbol}.json"))).unwrap();
        let expected = chart(&serde_json::from_str(&text).unwrap());
        let bars = served(&api, &symbol.replace('=', "%3D"), "yahoo-chart");
        assert!(bars.values().eq(expected.iter()), "{symbol}");
    }

    // One by one and in the opposite order, the same.
    let other = Site::new();
    let mut paths: Vec<_> =
        std::fs::read_dir(&real).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().rev() {
        other.import(&[path]);
    }
    assert_eq!(other.digest(), digest);
}
