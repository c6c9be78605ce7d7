//! What the generator writes, read by other means than the project's parser.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and floats that were widened are narrowed again"
)]

use cream_models::{BarField, CorporateEvent};
use cream_testkit::{
    BadCell, ChartOptions, KeyOrder, Listing, Odd, PageOptions, Row, Scenario, SyntheticSeries,
    Truncate, samples,
};
use serde_json::Value;

fn series() -> SyntheticSeries {
    Scenario::new(Listing::us_stock("CREAM1", "Cream <One> & \"Sons\""), 3)
        .ending("2025-06-13".parse().unwrap(), 400)
        .start_price(1_300.0)
        .dividend(100, 0.26)
        .split(150, 3, 1)
        .split(250, 1.5, 1.0)
        .capital_gain(260, 2.0)
        .odd_bar(300, Odd::Negative)
        .null_row(333)
        .live(61)
        .build()
}

fn rows(series: &SyntheticSeries) -> Vec<Row> {
    series.rows.iter().copied().chain(series.live.map(|live| live.row)).collect()
}

fn check_chart(series: &SyntheticSeries, text: &[u8]) {
    let value: Value = serde_json::from_slice(text).unwrap();
    let result = &value["chart"]["result"][0];
    let rows = rows(series);
    let column = |field: BarField| -> &Vec<Value> {
        let indicators = &result["indicators"];
        let values = match field {
            BarField::AdjClose => &indicators["adjclose"][0]["adjclose"],
            _ => &indicators["quote"][0][field.name()],
        };
        values.as_array().unwrap()
    };
    let timestamps = result["timestamp"].as_array().unwrap();
    assert_eq!(timestamps.len(), rows.len());
    for field in BarField::ALL {
        assert_eq!(column(field).len(), rows.len());
    }
    for (index, row) in rows.iter().enumerate() {
        for (price, field) in row.prices.iter().zip(BarField::ALL) {
            // serde_json may be one unit of the last place of the double off, which is far below
            // that of the float.
            let read = column(field)[index].as_f64().map(|read| read as f32);
            assert_eq!(read, *price, "{} {}", row.date, field.name());
        }
        assert_eq!(column(BarField::Volume)[index].as_i64(), row.volume);
    }
    assert_eq!(result["meta"]["symbol"], series.listing.symbol.as_str());
    assert_eq!(result["meta"]["currency"], "USD");
    let events = result["events"]
        .as_object()
        .map_or(0, |groups| groups.values().map(|group| group.as_object().unwrap().len()).sum());
    assert_eq!(events, series.actions.len());
}

#[test]
fn chart_answers_read_back_as_the_same_floats_in_any_style() {
    let series = series();
    check_chart(&series, &series.chart_json());
    let orders = [KeyOrder::Vendor, KeyOrder::Reversed, KeyOrder::Shuffled(9)];
    for key_order in orders {
        for (pretty, short_numbers) in [(false, true), (true, false), (true, true)] {
            let options =
                ChartOptions { key_order, pretty, short_numbers, ..ChartOptions::default() };
            check_chart(&series, &series.chart_json_with(&options));
        }
    }
    let slice = series.sliced("2024-10-01..2025-01-31".parse().unwrap());
    assert!(slice.rows.len() > 50 && slice.rows.len() < 100);
    check_chart(&slice, &slice.chart_json());
}

#[test]
fn a_chart_answer_is_in_the_vendors_form() {
    let series = series();
    let text = String::from_utf8(series.chart_json()).unwrap();
    assert!(text.starts_with("{\"chart\":{\"result\":[{\"meta\":{\"currency\":\"USD\""));
    let row = &series.rows[0];
    let opens = format!("\"open\":[{:?},", f64::from(row.prices[0].unwrap()));
    assert!(text.contains(&opens), "{opens}");
    assert!(text.ends_with("}]}}],\"error\":null}}"));
    let value: Value = serde_json::from_str(&text).unwrap();
    let result = &value["chart"]["result"][0];
    let last = result["timestamp"].as_array().unwrap().last().unwrap();
    assert_eq!(last, &result["meta"]["regularMarketTime"]);
    assert_eq!(result["timestamp"][398].as_i64().unwrap() % 86_400, 13 * 3600 + 1800);
    let splits: Vec<&Value> = result["events"]["splits"].as_object().unwrap().values().collect();
    assert!(splits.iter().any(|split| split["splitRatio"] == "1.5:1"));
    assert!(text.contains("\"numerator\":3.0,\"denominator\":1.0"));
    let dividend = result["events"]["dividends"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(dividend.0.parse::<i64>().ok(), dividend.1["date"].as_i64());
    assert_eq!(dividend.1["amount"].as_f64(), Some(0.057_778));
    assert!(matches!(series.actions[0].event, CorporateEvent::Dividend { .. }));
}

fn embedded(page: &str) -> Value {
    let script = page.split("<script ").find(|part| part.contains("/v8/finance/chart/")).unwrap();
    let start = script.find('>').unwrap() + 1;
    let outer = &script[start..script.find("</script>").unwrap()];
    let outer: Value = serde_json::from_str(outer).unwrap();
    assert_eq!(outer["status"], 200);
    outer["body"].clone()
}

#[test]
fn a_page_holds_the_chart_answer_and_a_row_for_each_of_its_rows() {
    let series = series();
    let page = series.history_page(&PageOptions::default());
    let page = String::from_utf8(page).unwrap();
    let body = embedded(&page);
    assert_eq!(body.as_str().unwrap().as_bytes(), series.chart_json());
    let table = &page[page.find("<tbody>").unwrap()..page.find("</tbody>").unwrap()];
    let rows = rows(&series);
    assert_eq!(table.matches("<tr").count(), rows.len() + series.actions.len());
    assert_eq!(table.matches("<td").count(), 7 * rows.len() + 2 * series.actions.len());
    assert_eq!(table.matches("colspan=\"6\"").count(), series.actions.len());
    assert!(table.find("Jun 13, 2025").unwrap() < table.find("Jun 12, 2025").unwrap());
    assert!(table.contains(">1.5:1</span> Stock Splits"));
    assert!(table.contains(">-37.63</td>"));
    assert_eq!(table.matches(">-</td>").count(), 6);
    let row = rows[0];
    let cell = format!("{:.2}", f64::from(row.prices[0].unwrap()));
    assert!(table.contains(&cell), "{cell}");
}

#[test]
fn pages_are_as_large_and_as_broken_as_asked() {
    let series = series();
    for bytes in [400_000, 3_000_000] {
        let page = series.history_page_of(bytes, &PageOptions::default());
        assert!(page.len().abs_diff(bytes) < bytes / 50, "{} of {bytes}", page.len());
    }
    let text = |options: &PageOptions| String::from_utf8(series.history_page(options)).unwrap();
    let bare = text(&PageOptions::bare_table());
    assert!(bare.contains("<table") && !bare.contains("/v8/finance/chart/"));
    let only = text(&PageOptions::embedded_only());
    assert!(!only.contains("<table") && only.contains("/v8/finance/chart/"));
    let cut = |truncate| text(&PageOptions { truncate: Some(truncate), ..PageOptions::default() });
    assert_eq!(cut(Truncate::At(100)).len(), 100);
    assert!(cut(Truncate::InTable).contains("<tbody>"));
    assert!(!cut(Truncate::InTable).contains("</tbody>"));
    assert!(cut(Truncate::InEmbedded).contains("\\\"timestamp\\\""));
    assert!(!cut(Truncate::InEmbedded).ends_with("</html>\n"));
}

#[test]
fn bad_cells_and_hidden_rows_are_written_as_asked() {
    let series = series();
    let date = series.rows[5].date;
    let options = ChartOptions {
        bad_cells: vec![BadCell::new(date, BarField::High, "\"oops\"")],
        ..ChartOptions::default()
    };
    let chart: Value = serde_json::from_slice(&series.chart_json_with(&options)).unwrap();
    assert_eq!(chart["chart"]["result"][0]["indicators"]["quote"][0]["high"][5], "oops");
    let options = PageOptions {
        bad_cells: vec![BadCell::new(date, BarField::Volume, "many")],
        hidden_rows: vec![series.rows[6].date],
        ..PageOptions::bare_table()
    };
    let page = String::from_utf8(series.history_page(&options)).unwrap();
    assert_eq!(page.matches(">many</td>").count(), 1);
    let table = &page[page.find("<tbody>").unwrap()..];
    assert_eq!(table.matches("  </tr>").count(), rows(&series).len() - 1);
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let options = PageOptions { decoys: true, filler_bytes: 200_000, ..PageOptions::default() };
    assert_eq!(series().history_page(&options), series().history_page(&options));
    assert_eq!(series().chart_json(), series().chart_json());
}

#[test]
fn the_samples_in_the_repository_are_those_of_the_generator() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../files/samples");
    let mut expected: Vec<(String, Vec<u8>)> =
        samples::all().into_iter().map(|sample| (sample.name, sample.bytes)).collect();
    expected.push(("README.md".to_owned(), samples::readme().into_bytes()));
    expected.sort();
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, expected.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let mut total = 0;
    for (name, bytes) in expected {
        let found = std::fs::read(folder.join(&name)).unwrap();
        assert!(found == bytes, "{name} is not what the generator writes; see its README");
        total += bytes.len();
    }
    assert!(total <= 2_500_000, "{total} bytes of samples");
}
