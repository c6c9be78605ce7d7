//! No input panics, hangs or is silently read as less than it is; and what a browser shows the
//! same is read the same.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is a failed test"
)]

use std::fmt::Write as _;

use cream_models::Bar;
use cream_models::Vendor;
use cream_parser::{ParseError, ParseOptions, detect, parse, parse_with};
use proptest::prelude::*;
use scraper::{Html, Selector};

const CHART: &str = r#"{"chart":{"result":[{"meta":{"currency":"USD","symbol":"DEMO",
    "regularMarketTime":1704378600,"exchangeTimezoneName":"America/New_York","dataGranularity":"1d"},
    "timestamp":[1704205800,1704292200,1704378600],"events":{"dividends":{"1":{"amount":0.25,
    "date":1704205800}},"splits":{"2":{"date":1704292200,"numerator":3,"denominator":2}}},
    "indicators":{"quote":[{"open":[1.2666670083999634,2,3],"high":[4,4,4],"low":[1,1,1],
    "close":[2.5,null,3.5],"volume":[100,200,300]}],"adjclose":[{"adjclose":[2.5,2,3.5]}]}}],
    "error":null}}"#;

const NAMES: [&str; 7] = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"];

fn page() -> String {
    let mut page = String::from(
        "<!doctype html><html><head><title>Demo (DEMO) Stock Historical Prices</title></head><body>\
         <table><thead><tr>",
    );
    for name in NAMES {
        let _ = write!(page, "<th>{name} </th>");
    }
    page.push_str("</tr></thead><tbody>");
    for (date, close) in [("Jan 4, 2024", "3.50"), ("Jan 3, 2024", "2.00"), ("Jan 2, 2024", "2.50")]
    {
        let _ = write!(
            page,
            "<tr class=\"a\"><td class=\"b\">{date}</td><td class=\"b\">1.27</td><td class=\"b\">4.00</td>\
             <td class=\"b\">1.00</td><td class=\"b\">{close}</td><td class=\"b\">{close}</td>\
             <td class=\"b\">1,100</td></tr>"
        );
    }
    page.push_str("</tbody></table>");
    let _ = write!(
        page,
        "<script data-url=\"https://q/v8/finance/chart/DEMO?interval=1d&amp;period1=1704085200&amp;\
         period2=1704430800\">{{\"status\":200,\"body\":{}}}</script></body></html>",
        serde_json::to_string(CHART).unwrap()
    );
    page
}

#[test]
fn good_inputs_are_good() {
    let history = parse(CHART.as_bytes()).unwrap();
    assert_eq!((history.bars.len(), history.actions.len()), (3, 2));
    assert_eq!(parse(page().as_bytes()).unwrap().bars, history.bars);
    let marked = format!("\u{FEFF}\r\n {CHART}\n");
    assert_eq!(parse(marked.as_bytes()).unwrap().bars, history.bars);
    assert_eq!(detect(marked.as_bytes()), Ok(Vendor::YahooChart.into()));
    assert_eq!(detect(page().as_bytes()), Ok(Vendor::YahooPage.into()));
    assert_eq!(Vendor::YahooPage.to_string(), "yahoo-page");
    assert!(detect(b"{\"a\":1}").is_err() && detect(b"[1]").is_err());
}

#[test]
fn what_is_no_answer_is_an_error_of_its_own() {
    for (input, message) in [
        ("", "the response is empty"),
        (" \r\n\u{FEFF}", "unknown format"),
        ("\u{FEFF} \n", "the response is empty"),
        ("Too Many Requests\r\n", "\"Too Many Requests\" (at byte 0)"),
        ("Edge: Too Many Requests", "(at byte 6)"),
        ("Will be right back", "right back"),
        ("Unauthenticated", "unknown format, it begins with \"Unauthenticated\""),
        ("Date,Open\n", "no rows in the CSV"),
        ("Open,Close\n1,2\n", "expected a CSV header with Date"),
        ("name,value\n1,2\n", "unknown format"),
        ("[1,2]", "unknown format"),
        ("{\"quoteSummary\":{}}", "unknown format"),
        ("{", "cut off at byte 1"),
        ("\0\u{1}\u{2}", "unknown format"),
    ] {
        let error = parse(input.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{input:?}: {error}");
    }
}

#[test]
fn options_widen_what_is_covered() {
    let options = ParseOptions::default()
        .with_asked("2023-12-25..2024-02-01".parse().unwrap())
        .with_asked_events(true)
        .with_max_warnings(0);
    let history = parse_with(CHART.as_bytes(), &options).unwrap();
    assert_eq!(history.coverage.range.unwrap().to_string(), "2023-12-25..2024-02-01");
    assert!(history.warnings.is_empty());
}

#[test]
fn a_good_input_cut_off_anywhere_is_an_error_or_whole() {
    let page = page();
    for whole in [CHART.as_bytes(), page.as_bytes()] {
        let bars = parse(whole).unwrap().bars;
        for length in 0..whole.len() {
            if let Ok(history) = parse(&whole[..length]) {
                assert_eq!(history.bars, bars, "cut at {length}");
            }
        }
    }
}

/// Parses what was once quadratic, or could be. No time is asserted: the worst of these would not
/// end within a day, others only slow the suite; `cargo bench -p cream-parser` times two sizes.
fn in_time(input: &[u8]) -> Result<usize, ParseError> {
    parse(input).map(|history| history.bars.len())
}

#[test]
fn hostile_inputs_end_soon() {
    let mib = |part: &str, count: usize| part.repeat((count << 20) / part.len());
    let count = if cfg!(debug_assertions) { 4 } else { 50 };
    let header: String = NAMES.iter().map(|name| format!("<th>{name}")).collect();
    for input in [
        mib("[", count),
        format!("{{\"chart\":{}", mib("[", count)),
        format!("{{\"chart\":{{\"result\":[{{\"x\":{}", mib("{\"a\":", count)),
        format!("{{\"chart\":{{\"result\":[{{\"timestamp\":[{}", mib("1", count)),
        format!(
            "{{\"chart\":{{\"result\":[{{\"indicators\":{{\"quote\":[{{\"low\":[0.{}",
            mib("7", count)
        ),
        format!("{{\"chart\":{{\"result\":[{{\"timestamp\":[{}", mib("0,", count)),
        format!("{{\"{}", mib("\\\\", count)),
        mib("<", count),
        mib("<table>", count),
        mib("<table><tr><td>", count),
        mib("<table><tr><td></table>", count),
        format!("<table><tr>{}", mib("<td>", count)),
        format!("<table><tr>{header}<tr>{}", mib("<td>x", count)),
        format!("<table><tr>{header}{}", mib("<tr><td>", count)),
        mib("<!--", count),
        mib("<!-- -- ", count),
        mib("<script>", count),
        mib("<script><!--<script>", count),
        mib("<script></script><!--", count),
        format!("<!-- {}x", mib("-", count)),
        format!("<a {}\"", mib("b ", count)),
        format!("<a {}'", mib("b=c ", count)),
        mib("<a b=\"", count),
        mib("<a b='>", count),
        mib("</", count),
        mib("<svg>", count),
        mib("<p>&amp;&#", count),
        format!("<script data-url=/v8/finance/chart/X>{}", mib("{\"body\":\"", count)),
        mib("<script data-url=/v8/finance/chart/X>{\"body\":\"{\"}</script>", count),
    ] {
        let what = &input[..60.min(input.len())];
        let result = in_time(input.as_bytes());
        assert!(result.is_err(), "{what}: {result:?}");
    }
}

/// A chart with a row of 1 at each of these days since 1970.
fn chart_of(days: impl Iterator<Item = usize>, first: &str, events: &str) -> String {
    let times: Vec<String> = days.map(|day| (day * 86_400 + 50_000).to_string()).collect();
    let closes = vec!["1"; times.len()].join(",");
    format!(
        "{{{first}\"chart\":{{\"result\":[{{\"meta\":{{\"exchangeTimezoneName\":\"America/New_York\"}},\
         \"timestamp\":[{}],\"events\":{{\"dividends\":{{{events}}}}},\
         \"indicators\":{{\"quote\":[{{\"close\":[{closes}]}}]}}}}]}}}}",
        times.join(",")
    )
}

fn page_of(rows: &str, chart: &str) -> String {
    let header: String = NAMES.iter().map(|name| format!("<th>{name}")).collect();
    format!(
        "<table><tr>{header}{rows}</table><script data-url=\"/v8/finance/chart/X\">\
         {{\"body\":{}}}</script>",
        serde_json::to_string(chart).unwrap()
    )
}

fn dividends(count: usize, amount: impl Fn(usize) -> &'static str) -> String {
    let event =
        |day: usize| format!("\"{day}\":{{\"date\":{}{}}}", day * 86_400 + 50_000, amount(day));
    (0..count).map(event).collect::<Vec<_>>().join(",")
}

#[test]
fn readable_inputs_with_much_that_is_odd_end_soon() {
    let rows = 100_000;
    let amount = ",\"amount\":1";
    let twice = (0..rows).chain(0..900);
    let filler = format!("\"x\":\"{}\",", "\\/".repeat(2 << 20));
    for (what, input) in [
        (
            "unreadable rows of a table",
            page_of(&"<tr><td>Jan 1, 1900<td>x".repeat(rows), &chart_of(0..rows, "", "")),
        ),
        (
            "actions of a table",
            page_of(
                &("<tr><td>Jan 1, 1970<td>1<td>1<td>1<td>1<td>1<td>1".to_owned()
                    + &"<tr><td>Jan 1, 1900<td colspan=6>1 Dividend".repeat(rows)
                    + "<tr><td>Jan 1, 2400<td>1<td>1<td>1<td>1<td>1<td>1"),
                &chart_of(0..1, "", &dividends(rows, |_| amount)),
            ),
        ),
        (
            "unreadable actions",
            chart_of(0..1, "", &dividends(2 * rows, |day| if day % 2 == 0 { amount } else { "" })),
        ),
        ("warnings behind many escapes", page_of("", &chart_of(twice, &filler, ""))),
    ] {
        let bars = in_time(input.as_bytes()).unwrap();
        assert!(bars == 1 || bars == rows, "{what}: {bars}");
    }
}

/// The text of an element, without scripts and styles.
fn shown(element: scraper::ElementRef<'_>) -> String {
    let texts = element.descendants().filter_map(|node| {
        let hidden = node.parent().and_then(|parent| parent.value().as_element().cloned());
        let is_hidden = hidden.is_some_and(|parent| ["script", "style"].contains(&parent.name()));
        node.value().as_text().filter(|_| !is_hidden).map(|text| text.text.to_string())
    });
    texts.collect()
}

/// Cells as a browser's tree has them: the rows of the first table, texts folded.
fn browser_rows(html: &str) -> Vec<Vec<String>> {
    let document = Html::parse_document(html);
    let (row, cell) = (Selector::parse("table tr").unwrap(), Selector::parse("td").unwrap());
    let fold = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    document
        .select(&row)
        .map(|row| row.select(&cell).map(|cell| fold(shown(cell))).collect())
        .filter(|cells: &Vec<String>| !cells.is_empty())
        .collect()
}

fn close(bar: &Bar) -> String {
    format!("{} {}", bar.date(), bar.close().map_or("-".to_owned(), |price| price.to_string()))
}

/// One cell in one of many writings that a browser shows alike.
fn cell(text: &'static str) -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec![
            "<td>",
            "<TD>",
            "<td class=x>",
            "<td class='a>b'>",
            "<td title=\"<td>\">",
            "<td\n>",
            "<td/>",
            "<td a=b/c>",
            "<!-- <td>7</td> --><td>",
            "<td a='\"' b=\"'\">",
        ]),
        prop::sample::select(vec![
            "",
            " ",
            "<b>",
            "<!-- 7 -->",
            "<!--> ",
            "<script>7<td></script>",
            "<style><td></style>",
            "<span title='>7'>",
            "\n\t",
        ]),
        prop::sample::select(vec!["", " ", "</b>", "<!-- </td> -->", "&nbsp;", "</span>"]),
        prop::sample::select(vec!["", "</td>", "</TD >", "</td\n>", "</td x='>'>"]),
        any::<bool>(),
    )
        .prop_map(move |(open, before, after, end, entities)| {
            let text = if entities {
                text.replace('2', "&#50;").replace('.', "&#x2E;")
            } else {
                text.to_owned()
            };
            format!("{open}{before}{text}{after}{end}")
        })
}

fn row() -> impl Strategy<Value = (String, String)> {
    let dates = ["Jan 2, 2024", "Feb 12, 2023", "Dec 22, 2022", "Mar 2, 2021"];
    let closes = ["2.50", "1,222.25", "-12.2", "-"];
    (0_usize..4, 0_usize..4).prop_flat_map(move |(date, value)| {
        let cells: Vec<_> = [dates[date], "2", "3", "1", closes[value], "1", "222"]
            .into_iter()
            .map(|text| cell(text).boxed())
            .collect();
        let ends = prop::sample::select(vec![
            "",
            "</tr>",
            "</TR>",
            "</tr></tbody><tbody>",
            "</tr><!-- <tr> -->",
        ]);
        let expected = format!("{} {}", dates[date], closes[value]);
        (cells, ends).prop_map(move |(cells, end)| {
            (format!("<tr>{}{end}", cells.concat()), expected.clone())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tables_are_read_as_a_browser_shows_them(rows in prop::collection::vec(row(), 1..5)) {
        let header: String = NAMES.iter().map(|name| format!("<th>{name}")).collect();
        let body: String = rows.iter().map(|(html, _)| html.as_str()).collect();
        let html = format!("<table><thead><tr>{header}<tbody>{body}</table>");
        let shown = browser_rows(&html);
        prop_assert_eq!(shown.len(), rows.len());
        let history = parse(html.as_bytes()).unwrap();
        // The last row of a date that stands twice is the one that is kept, live ones aside.
        for bar in &history.bars {
            let text = close(bar);
            let found = shown.iter().any(|cells| {
                let days = ["2024-01-02", "2023-02-12", "2022-12-22", "2021-03-02"];
                let names = ["Jan 2, 2024", "Feb 12, 2023", "Dec 22, 2022", "Mar 2, 2021"];
                let day = names.iter().position(|name| *name == cells[0]).map_or("", |at| days[at]);
                let price = cells[4].replace(',', "");
                let price = price.strip_suffix('0').unwrap_or(&price);
                text == format!("{day} {price}")
            });
            prop_assert!(found, "{} not in {:?}", text, shown);
        }
        let mut dates: Vec<_> = shown.iter().map(|cells| cells[0].clone()).collect();
        dates.sort_unstable();
        dates.dedup();
        prop_assert_eq!(history.bars.len(), dates.len());
    }

    #[test]
    fn random_bytes_do_not_panic(bytes: Vec<u8>, text in "[<>{}\\[\\]\"':,/!a-z0-9 .=-]{0,200}") {
        let _ = (parse(&bytes), detect(&bytes), parse(text.as_bytes()));
        let _ = parse(&[b"{", &bytes[..]].concat());
        let _ = parse(&[b"<", &bytes[..]].concat());
    }

    #[test]
    fn spoilt_inputs_do_not_panic(
        in_page: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
    ) {
        let mut bytes = if in_page { page().into_bytes() } else { CHART.as_bytes().to_vec() };
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => {
                    let piece: Vec<u8> = bytes[place..].iter().take(usize::from(byte)).copied().collect();
                    bytes.splice(place..place, piece);
                }
            }
        }
        if let Ok(history) = parse(&bytes) {
            for pair in history.bars.windows(2) {
                prop_assert!(pair[0].date() < pair[1].date());
            }
            for warning in &history.warnings {
                prop_assert!(warning.position <= bytes.len() as u64, "{}", warning);
                prop_assert!(!warning.to_string().is_empty());
            }
        }
    }
}
