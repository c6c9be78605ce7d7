//! A client that was made for Yahoo reads the same as the database holds.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use cream_models::{Bar, CorporateAction, CorporateEvent, Date, DateRange, Price, Vendor};
use serde_json::{Map, Value, json};

use crate::chart::{Loaded, dividend, load, price, split};
use crate::support::{Api, day};

const PYTHON: &str = "CREAM_TEST_PYTHON";
const REQUIRE: &str = "CREAM_TEST_REQUIRE_CLIENTS";

/// The interpreter that has these packages, as `CREAM_TEST_PYTHON` or the PATH names it.
pub(crate) fn python(packages: &str) -> Option<String> {
    let program = std::env::var(PYTHON).ok().filter(|name| !name.is_empty());
    let program = program.unwrap_or_else(|| "python3".to_owned());
    let found = Command::new(&program).args(["-c", &format!("import {packages}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    let absent = format!(
        "{program} lacks one of the packages {packages}: pip install -r tests/clients/requirements.txt, and \
         name the interpreter in {PYTHON}"
    );
    assert!(std::env::var(REQUIRE).as_deref() != Ok("1"), "{REQUIRE}=1, but {absent}");
    // The standard error of the process: the harness holds back what the macros print.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {packages}: {absent}");
    None
}

/// Bars of every weekday, none of them like another, and here and there one that lacks numbers.
fn bars(first: &str, count: i32) -> Vec<Bar> {
    let first = day(first).days();
    let weekdays = (first..).filter(|days| (days + 3).rem_euclid(7) < 5);
    let take = usize::try_from(count).unwrap();
    weekdays
        .take(take)
        .enumerate()
        .map(|(index, days)| {
            let bar = Bar::new(Date::from_days(days).unwrap());
            let step = i64::try_from(index).unwrap();
            let nanos = |place: i64| {
                Price::from_nanos(100_000_000_000 + step * 123_456_789 + place * 1_000_003)
            };
            match index % 97 {
                13 => bar.with_low(nanos(0)),
                14 => bar.with_close(nanos(3)).with_adj_close(nanos(0)),
                _ => bar
                    .with_open(nanos(1))
                    .with_high(nanos(9))
                    .with_low(nanos(0))
                    .with_close(nanos(3))
                    .with_adj_close(nanos(2))
                    .with_volume(1_000_000 + step),
            }
        })
        .collect()
}

/// What the client must find: the database's own numbers, as text.
fn expected(bars: &[Bar], actions: &[CorporateAction]) -> Value {
    let text = |price: Option<Price>| price.map(|price| price.to_string());
    let rows: Vec<Value> = bars
        .iter()
        .map(|bar| {
            json!({
                "date": bar.date().to_string(),
                "Open": text(bar.open()),
                "High": text(bar.high()),
                "Low": text(bar.low()),
                "Close": text(bar.close()),
                "Adj Close": text(bar.adj_close()),
                "Volume": bar.volume(),
            })
        })
        .collect();
    let (mut dividends, mut splits, mut gains) = (Map::new(), Map::new(), Map::new());
    for action in actions {
        let date = action.date.to_string();
        match action.event {
            CorporateEvent::Dividend { amount } => {
                dividends.insert(date, json!(amount.to_string()));
            }
            CorporateEvent::CapitalGain { amount } => {
                gains.insert(date, json!(amount.to_string()));
            }
            CorporateEvent::Split(ratio) => {
                let sides = [ratio.numerator().to_string(), ratio.denominator().to_string()];
                splits.insert(date, json!(sides));
            }
        }
    }
    json!({"rows": rows, "dividends": dividends, "splits": splits, "capital_gains": gains})
}

#[test]
fn yfinance_reads_what_the_database_holds() {
    let Some(python) = python("yfinance") else { return };
    let long = bars("2015-01-02", 2_600);
    let short = bars("2024-09-02", 40);
    let paid = [
        dividend("2016-03-14", "0.26"),
        split("2018-06-25", "3", "2"),
        dividend("2018-06-25", "0.000000001"),
        dividend("2023-12-29", "1.5"),
    ];
    let gain = CorporateEvent::CapitalGain { amount: price("2.125") };
    let fund =
        [dividend("2024-09-12", "0.5"), CorporateAction { date: day("2024-09-16"), event: gain }];
    let series = [
        ("CREAM", ["USD", "America/New_York", "EQUITY"], &long, &paid[..]),
        ("PENCE.L", ["GBp", "Europe/London", "EQUITY"], &long, &paid[..]),
        ("DOWN.AX", ["AUD", "Australia/Sydney", "EQUITY"], &long, &paid[..]),
        ("EURUSD=X", ["USD", "Europe/London", "CURRENCY"], &long, &[]),
        ("^CREAM", ["USD", "America/New_York", "INDEX"], &short, &[]),
        ("CREMX", ["USD", "America/New_York", "MUTUALFUND"], &short, &fund),
    ];
    let mut wanted = Map::new();
    let api = Api::start(true, |store| {
        for (symbol, told, bars, actions) in series {
            let (vendor, known) = (Vendor::YahooChart, &[][..]);
            load(store, &Loaded { symbol, vendor, told, bars, actions, known });
            let mut entry = expected(bars, actions);
            entry["meta"] = json!({
                "currency": told[0], "exchangeTimezoneName": told[1], "instrumentType": told[2],
            });
            wanted.insert(symbol.to_owned(), entry);
        }
        // As traded, and without a time zone, a kind or adjusted closes.
        let as_traded = [
            full("2020-08-06", "455.61", 50_607_200),
            full("2020-08-07", "444.45", 49_511_400),
            full("2020-08-31", "129.04", 225_702_700),
        ];
        let adjusted = [
            full("2020-08-06", "113.9025", 202_428_800).with_adj_close(price("113.6975")),
            full("2020-08-07", "111.1125", 198_045_600).with_adj_close(price("111.1125")),
            as_traded[2].with_adj_close(price("129.04")),
        ];
        let four = split("2020-08-31", "4", "1");
        load(
            store,
            &Loaded {
                symbol: "AAPL",
                vendor: Vendor::Tiingo,
                told: ["", "", ""],
                bars: &as_traded,
                actions: &[dividend("2020-08-07", "0.82"), four],
                known: &[DateRange::ALL],
            },
        );
        let mut entry = expected(&adjusted, &[dividend("2020-08-07", "0.205"), four]);
        entry["meta"] = json!({"currency": null, "exchangeTimezoneName": "America/New_York"});
        wanted.insert("AAPL".to_owned(), entry);
    });
    let expected = api.folder.path().join("expected.json");
    std::fs::write(&expected, Value::Object(wanted).to_string()).unwrap();
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/yfinance_check.py");
    let output = Command::new(python)
        .arg(script)
        .args([api.base.as_ref(), expected.as_os_str()])
        .arg(api.folder.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}");
    // A script that looked at nothing would succeed as well.
    assert!(said.contains("7 symbols agree"), "{said}{wrong}");
}

fn full(date: &str, close: &str, volume: i64) -> Bar {
    let close = price(close);
    Bar::new(day(date))
        .with_open(close)
        .with_high(close)
        .with_low(close)
        .with_close(close)
        .with_volume(volume)
}
