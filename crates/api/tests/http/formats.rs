//! Arrow and Parquet, read by those that people read them with.

use std::path::Path;
use std::process::Command;

use cream_models::{Bar, BarField, BarFlags, Date, DateRange, Instrument, Symbol, Vendor};
use cream_store::Store;

use crate::chart::{dividend, price, split};
use crate::support::{Api, at, bar, day, filled};
use crate::yfinance::python;

/// Every edge of what a bar can hold.
fn extremes() -> Vec<Bar> {
    let of = |date: Date, value: Option<i64>| {
        let mut bar = Bar::new(date);
        for field in BarField::ALL {
            bar.set(field, value);
        }
        // No database takes a volume below 0.
        if bar.volume().is_some_and(|volume| volume < 0) { bar.with_volume(0) } else { bar }
    };
    let all = BarFlags::from_bits(127).unwrap();
    vec![
        of(Date::MIN, Some(i64::MIN)).with_flags(all),
        of(day("1969-12-31"), Some(-1)),
        of(day("1970-01-01"), Some(0)).with_flags(BarFlags::ZERO_PRICE),
        // No database takes a bar without any price.
        of(day("1970-01-02"), None).with_final(false).with_adj_close(price("0.000000001")),
        of(day("1970-01-03"), None).with_close(price("-37.63")),
        of(day("2000-02-29"), Some(1)),
        of(Date::MAX, Some(i64::MAX)),
    ]
}

pub(crate) fn many_bars(count: i32) -> Vec<Bar> {
    (0..count)
        .map(|day| {
            let value = i64::from(day);
            let mut bar = Bar::new(Date::from_days(day - 20_000).unwrap());
            for (place, field) in (1..).zip(BarField::ALL) {
                bar.set(field, Some(100_000_000_000 + value * 1_234_567_891 * place));
            }
            if day % 97 == 5 { Bar::new(bar.date()).with_close(bar.close().unwrap()) } else { bar }
        })
        .collect()
}

pub(crate) fn load(store: &Store, symbol: &str, vendor: Vendor, bars: &[Bar]) {
    let fetched = at("2025-06-13T15:00:00.000001Z");
    let text = |text: &str| Some(text.to_owned());
    let currency = text("GBp");
    let instrument =
        Instrument { currency, time_zone: text("Europe/London"), ..Instrument::default() };
    let actions = [
        dividend("1950-03-14", "0.26"),
        split("1965-06-25", "3", "2"),
        dividend("1968-01-04", "0.5"),
    ];
    let written = store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?;
        writer.insert_bars(stock.id, vendor, fetched, bars)?;
        writer.put_actions(stock.id, vendor, fetched, &actions)?;
        let mut state = writer.lock_series(stock.id, vendor)?;
        state.add(bars);
        state.describe(&instrument, fetched);
        state.know_actions(&[DateRange::new(day("1960-01-01"), Date::MAX).unwrap()]);
        state.revise(fetched);
        writer.save_series(state)
    });
    written.unwrap();
}

#[test]
fn pandas_polars_and_duckdb_read_what_json_says() {
    let Some(python) = python("pandas, pyarrow, polars, duckdb") else { return };
    let api = Api::start(true, |store| {
        load(store, "EDGE", Vendor::YahooChart, &extremes());
        load(store, "LONG", Vendor::Tiingo, &many_bars(30_000));
        load(store, "OTHER", Vendor::YahooChart, &many_bars(5_000));
        for number in 0..40 {
            load(store, &format!("S{number}"), Vendor::Stooq, &many_bars(10 + number));
        }
        let wild = Instrument { currency: Some("a,\"é".to_owned()), ..Instrument::default() };
        let written = store.write(|writer| {
            let stock = writer.ensure_stock(&Symbol::parse("WILD").unwrap())?;
            let bars = [bar("2020-01-01", "1.5")];
            writer.insert_bars(stock.id, Vendor::Csv, at("2020-01-02T00:00:00Z"), &bars)?;
            let mut state = writer.lock_series(stock.id, Vendor::Csv)?;
            state.add(&bars);
            state.describe(&wild, at("2020-01-02T00:00:00Z"));
            state.revise(at("2020-01-02T00:00:00Z"));
            writer.save_series(state)
        });
        written.unwrap();
    });
    let small: Vec<String> = (0..40).map(|number| format!("S{number}")).collect();
    let small = small.join(",");
    let paths = [
        "/stock-data/EDGE/history?order=asc".to_owned(),
        "/stock-data/EDGE/history?order=desc&start=1970-01-01&end=9999-12-31".to_owned(),
        "/stock-data/EDGE/history?start=1971-01-01&end=1971-01-02".to_owned(),
        "/stock-data/WILD/history?order=asc".to_owned(),
        "/stock-data/LONG/history?order=asc".to_owned(),
        "/stock-data/LONG/history?adjustment=all&order=desc&limit=29000".to_owned(),
        "/stock-data/LONG/history?interval=1wk&adjustment=raw".to_owned(),
        "/stock-data/history?symbols=EDGE,LONG,NONE,WILD,A%20B,OTHER".to_owned(),
        "/stock-data/history?symbols=NONE,WORSE".to_owned(),
        format!("/stock-data/history?symbols={small},OTHER&order=desc&limit=25"),
        "/stock-data/history?symbols=EDGE,LONG,S1,OTHER&adjustment=splits&interval=1mo".to_owned(),
    ];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/formats_check.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&api.base)
        .arg(api.folder.path())
        .args(&paths)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}");
    // A script that looked at nothing would succeed as well.
    assert!(said.starts_with("11 answers of 1") && said.ends_with("agree\n"), "{said}{wrong}");
}

#[test]
fn a_form_is_chosen_by_query_or_header_and_has_a_tag_of_its_own() {
    let api = filled();
    let mut tags = Vec::new();
    for (name, media, begin) in [
        ("json", "application/json", &b"{\"symbol\""[..]),
        ("csv", "text/csv", b"date,open"),
        ("arrow", "application/vnd.apache.arrow.stream", b"\xff\xff\xff\xff"),
        ("parquet", "application/vnd.apache.parquet", b"PAR1"),
    ] {
        let asked = api.get(&format!("/stock-data/TSLA/history?format={name}"));
        let liked = api.get_with("/stock-data/TSLA/history", &[("accept", media)]);
        for answer in [&asked, &liked] {
            assert_eq!(answer.status, 200, "{name}");
            assert_eq!(answer.header("content-type").split(';').next(), Some(media));
            assert!(answer.body.starts_with(begin), "{name}");
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        }
        assert_eq!(asked.body, liked.body, "{name}");
        let is_json = name == "json";
        assert_eq!(asked.header("cream-vendor"), if is_json { "" } else { "yahoo-chart" });
        let tag = asked.header("etag");
        let held = [("if-none-match", tag)];
        let again = api.get_with(&format!("/stock-data/TSLA/history?format={name}"), &held);
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
        tags.push(tag.to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    let liked = [("accept", "application/vnd.apache.*")];
    api.get_with("/stock-data/TSLA/history", &liked).problem(406, "not_acceptable");
}
