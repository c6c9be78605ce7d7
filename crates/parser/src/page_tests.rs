#![expect(clippy::string_slice, reason = "a wrong place is a failed test")]

use super::*;

fn read_on(html: &[u8], fetched_on: Option<Date>) -> Result<PriceHistory> {
    let mut warnings = Warnings::new(1000);
    let mut history = read(html, &Ask { fetched_on, ..Ask::default() }, &mut warnings)?;
    history.warnings = warnings.into_vec();
    Ok(history)
}

/// A chart answer of two days in January 2024 with these closes.
fn chart(symbol: &str, closes: [&str; 2], events: &str) -> String {
    let [a, b] = closes;
    format!(
        r#"{{"chart":{{"result":[{{"meta":{{"currency":"USD","symbol":"{symbol}","longName":"A \"B\" é",
        "exchangeTimezoneName":"America/New_York"}},"timestamp":[1704205800,1704292200],{events}
        "indicators":{{"quote":[{{"open":[1,1],"high":[9,9],"low":[1,1],"close":[{a},{b}],
        "volume":[5,0]}}],"adjclose":[{{"adjclose":[1,1]}}]}}}}],"error":null}}}}"#
    )
}

fn script(symbol: &str, query: &str, chart: &str) -> String {
    let body = serde_json::to_string(chart).unwrap();
    format!(
        "<script type=\"application/json\" data-sveltekit-fetched data-url=\"https://q/v8/finance/\
         chart/{symbol}?{query}\" data-ttl=\"10\">{{\"status\":200,\"headers\":{{}},\"body\":{body}}}\
         </script>"
    )
}

const DAILY: &str =
    "events=div%7Csplit&amp;interval=1d&amp;period1=1703826000&amp;period2=1704776400";

/// A table of the same two days, newest first, with these closes and rows before it.
fn table(closes: [&str; 2], rows: &str) -> String {
    let [a, b] = closes;
    format!(
        "<table><thead><tr><th>Date<th>Open<th>High<th>Low<th>Close<th>Adj Close<th>Volume</thead>\
         <tbody>{rows}<tr><td>Jan 3, 2024</td><td>1.00</td><td>9.00</td><td>1.00</td><td>{b}</td>\
         <td>1.00</td><td>-</td></tr><tr><td>Jan 2, 2024</td><td>1.00</td><td>9.00</td>\
         <td>1.00</td><td>{a}</td><td>1.00</td><td>5</td></tr></tbody></table>"
    )
}

fn page(parts: &[&str]) -> String {
    format!(
        "<!doctype html><html><head><title>Demo Inc. (A) (DEMO) Stock Historical Prices &amp; \
         Data</title></head><body>{}</body></html>",
        parts.concat()
    )
}

fn read_page(html: &str) -> Result<PriceHistory> {
    read_on(html.as_bytes(), None)
}

fn texts(history: &PriceHistory) -> Vec<String> {
    history.warnings.iter().map(ToString::to_string).collect()
}

fn closes(history: &PriceHistory) -> Vec<String> {
    history.bars.iter().map(|bar| bar.close().unwrap().to_string()).collect()
}

#[test]
fn embedded_data_and_table_agree_within_the_tables_rounding() {
    let chart = chart("DEMO", ["1.234", "1.2666670083999634"], "\"events\":{},");
    let html = page(&[&table(["1.23", "1.27"], ""), &script("DEMO", DAILY, &chart)]);
    let history = read_page(&html).unwrap();
    assert_eq!(history.vendor, Vendor::YahooPage);
    assert_eq!(history.symbol.as_ref().unwrap().as_str(), "DEMO");
    assert_eq!(history.instrument.name.as_deref(), Some("A \"B\" é"));
    assert_eq!(closes(&history), ["1.234", "1.266667"]);
    assert_eq!(history.coverage.range.unwrap().to_string(), "2023-12-29..2024-01-08");
    let [warning] = &texts(&history)[..] else { panic!("{:?}", texts(&history)) };
    assert!(warning.contains("zero_volume"), "{warning}");
}

#[test]
fn cells_rows_and_actions_that_differ_are_told() {
    let events = r#""events":{"dividends":{"1":{"amount":0.255,"date":1704205800}}},"#;
    let chart = chart("DEMO", ["1.234", "2"], events);
    let rows = "<tr><td>Jan 4, 2024<td>1<td>1<td>1<td>1<td>1<td>1</tr>\
                <tr><td>Jan 3, 2024<td colspan=6>2:1 Stock Splits</tr>\
                <tr><td>Jan 2, 2024<td colspan=6>0.26 Dividend</tr>";
    let html = page(&[&table(["1.24", "2.00"], rows), &script("DEMO", DAILY, &chart)]);
    let history = read_page(&html).unwrap();
    let texts = texts(&history);
    let has = |words: &str| assert!(texts.iter().any(|text| text.contains(words)), "{texts:?}");
    has("close of 2024-01-02 is 1.24 in the table but 1.234 in the embedded data");
    has("2024-01-04: a row stands in the table but not in the embedded data");
    has("2024-01-03: a split stands in the table but not");
    assert!(!texts.iter().any(|text| text.contains("dividend")), "{texts:?}");
    assert_eq!(closes(&history), ["1.234", "2"]);
    assert_eq!(history.actions.len(), 1);
}

#[test]
fn actions_that_an_address_does_not_ask_for_stay_open() {
    let events = r#""events":{"dividends":{"1":{"amount":0.25,"date":1704205800}}},"#;
    let chart = chart("DEMO", ["1", "2"], events);
    for (asked, decides) in [("div%7Csplit", true), ("div", false), ("history", false)] {
        let query = DAILY.replace("div%7Csplit", asked);
        let history = read_page(&page(&[&script("DEMO", &query, &chart)])).unwrap();
        let decided = |date: &str| {
            history
                .coverage
                .decides_action((date.parse::<Date>().unwrap(), cream_models::ActionKind::Dividend))
        };
        // What is shown is so, whatever was asked for; what is not shown may yet be.
        assert!(decided("2024-01-02"), "{asked}");
        assert_eq!(decided("2024-01-03"), decides, "{asked}");
    }
}

#[test]
fn duplicate_rows_of_both_are_no_disagreement() {
    let chart = r#"{"chart":{"result":[{"meta":{"symbol":"DEMO","regularMarketTime":1704312000,
        "exchangeTimezoneName":"America/New_York"},"timestamp":[1704205800,1704292200,1704312000],
        "indicators":{"quote":[{"close":[1,2,2.5]}]}}]}}"#;
    let row = |date: &str, close: &str| {
        format!("<tr><td>{date}, 2024<td>-<td>-<td>-<td>{close}<td>-<td>-")
    };
    let texts_of = |rows: &[String]| {
        let table = table(["1", "2"], "");
        let (head, _) = table.split_once("<tr><td>").unwrap();
        let table = format!("{head}{}</table>", rows.concat());
        texts(&read_page(&page(&[&table, &script("DEMO", DAILY, chart)])).unwrap())
    };
    let (live, settled) = (row("Jan 3", "2.50"), row("Jan 3", "2.00"));
    let first = row("Jan 2", "1.00");
    for rows in
        [[live.clone(), settled, first.clone()], [first.clone(), row("Jan 3", "2.00"), live]]
    {
        let texts = texts_of(&rows);
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains("two rows for 2024-01-03"), "{texts:?}");
    }
    // Neither is what was kept; and a date that stands twice in the table alone is told.
    let odd = texts_of(&[row("Jan 3", "7.00"), row("Jan 3", "8.00"), first.clone()]);
    assert!(odd.iter().any(|text| text.contains("close of 2024-01-03 is 7.00")), "{odd:?}");
    let twice = texts_of(&[row("Jan 3", "2.00"), first.clone(), first]);
    assert!(twice.iter().any(|text| text.contains("stands in the table but not")), "{twice:?}");
}

#[test]
fn what_the_table_lacks_or_cannot_read_is_told() {
    let events = r#""events":{"splits":{"1":{"splitRatio":"2:1","date":1704205800}}},"#;
    let chart = chart("DEMO", ["1", "2"], events);
    let only = table(["1", "x"], "").replace("Jan 2, 2024", "Jan 1, 2024");
    let html = page(&[&only, &script("DEMO", DAILY, &chart)]);
    let texts = texts(&read_page(&html).unwrap());
    let has = |words: &str| assert!(texts.iter().any(|text| text.contains(words)), "{texts:?}");
    has("2024-01-02: 1 rows up to 2024-01-02 stand in the embedded data but not");
    has("unreadable row of 2024-01-03: in the page's table, close is \"x\"");
    has("a split stands in the embedded data but not in the table");
}

#[test]
fn a_warning_about_embedded_data_stands_where_the_page_has_it() {
    let chart = chart("DEMO", ["\"odd\"", "2"], "");
    let html = page(&[&script("DEMO", DAILY, &chart)]);
    let history = read_page(&html).unwrap();
    let odd = history.warnings.iter().find(|w| w.to_string().contains("odd\\")).unwrap();
    let position = usize::try_from(odd.position).unwrap();
    assert!(html[position..].starts_with("\\\"odd\\\""), "{:?}", &html[position..position + 20]);
    let broken = page(&[&script("DEMO", DAILY, &chart.replace("\"odd\"", "odd"))]);
    let error = read_page(&broken).unwrap_err();
    let position = usize::try_from(error.position()).unwrap();
    assert!(broken[position..].starts_with("odd"), "{error}");
}

#[test]
fn the_daily_chart_of_the_pages_symbol_is_the_one_that_counts() {
    let mine = chart("DEMO", ["1", "2"], "");
    let other = chart("OTHER", ["7", "8"], "");
    let html = page(&[
        &script("OTHER", DAILY, &other),
        &script("DEMO", "interval=5m&amp;range=1d", "{}"),
        &script("DEMO", "interval=1d&amp;range=5d", &chart("DEMO", ["5", "6"], "")),
        &script("DEMO", DAILY, &mine),
        &format!("<template>{}</template>", script("DEMO", DAILY, &other)),
        &format!("<!-- {} -->", script("DEMO", DAILY, &other)),
        "<textarea><table></textarea><script>'<table>/v8/finance/chart/'</script>",
    ]);
    assert_eq!(closes(&read_page(&html).unwrap()), ["1", "2"]);
    // A chart of another symbol alone is not this page's history.
    let html = page(&[&script("OTHER", DAILY, &other), &table(["1.00", "2.00"], "")]);
    assert_eq!(closes(&read_page(&html).unwrap()), ["1", "2"]);
}

#[test]
fn symbols_are_found_in_links_and_addresses() {
    let chart = chart("^GSPC", ["1", "2"], "");
    let canonical =
        "<link href='https://finance.yahoo.com/quote/%5EGSPC/history/' rel='x Canonical'>";
    let html = page(&[canonical, &script("%5EGSPC", DAILY, &chart)]);
    assert_eq!(read_page(&html).unwrap().symbol.unwrap().as_str(), "^GSPC");
    let bare = read_page(&page(&[&table(["1", "2"], "")])).unwrap();
    assert_eq!(bare.symbol.unwrap().as_str(), "DEMO");
    assert_eq!(percent_decoded("%zz%5"), "%zz%5");
}

#[test]
fn broken_embedded_data_falls_back_to_the_table() {
    let broken = chart("DEMO", ["1", "2"], "").replace("America/New_York", "Mars/Base");
    let error = r#"{"chart":{"result":null,"error":{"code":"Not Found","description":"none"}}}"#;
    for chart in [&*broken, error, "{", ""] {
        let script = script("DEMO", DAILY, chart);
        let history = read_page(&page(&[&table(["1.00", "2.00"], ""), &script])).unwrap();
        assert_eq!(closes(&history), ["1", "2"]);
        assert!(history.instrument.currency.is_none());
        let told = texts(&history).iter().any(|text| text.contains("cannot be read"));
        assert!(told, "{:?}", texts(&history));
        assert!(read_page(&page(&[&script])).is_err());
    }
    let message = read_page(&page(&[&script("DEMO", DAILY, error)])).unwrap_err().to_string();
    assert!(message.contains("\"Not Found\""), "{message}");
    let alone = "<script data-url='/v8/finance/chart/DEMO'>{\"status\":500}</script>";
    let message = read_page(&page(&[alone])).unwrap_err().to_string();
    assert!(message.contains("\"body\""), "{message}");
}

#[test]
fn a_live_row_of_a_table_does_not_speak_for_the_dates_before_it_that_were_not_asked_for() {
    let live = "<tr><td>Feb 2, 2024<td>1<td>1<td>1<td>1<td>1<td>1</tr>";
    let history =
        read_page(&page(&[&table(["1.00", "2.00"], live), &script("DEMO", DAILY, "{")])).unwrap();
    assert_eq!(closes(&history), ["1", "2", "1"]);
    assert_eq!(history.coverage.range.unwrap().to_string(), "2024-01-02..2024-02-02");
    assert_eq!(history.coverage.undecided_bars, ["2024-01-04..2024-02-01".parse().unwrap()]);
}

#[test]
fn a_bare_table_tells_what_it_can() {
    let event = "<tr><td>Jan 2, 2024<td colspan=6>0.26 Dividend</tr>";
    let html = page(&[&table(["1.00", "2.50"], event)]);
    let history = read_page(&html).unwrap();
    assert_eq!(closes(&history), ["1", "2.5"]);
    assert_eq!(history.bars.iter().map(Bar::is_final).collect::<Vec<_>>(), [true, false]);
    assert_eq!(history.bars[1].volume(), None);
    assert_eq!(history.coverage.range.unwrap().to_string(), "2024-01-02..2024-01-03");
    assert_eq!(history.actions.len(), 1);
    assert_eq!(history.fetched_no_earlier_than.unwrap().to_string(), "2024-01-02T10:00:00Z");
    let finals = |day: &str| {
        let history = read_on(html.as_bytes(), Some(day.parse().unwrap())).unwrap();
        history.bars.iter().map(Bar::is_final).collect::<Vec<_>>()
    };
    assert_eq!(finals("2024-01-02"), [false, false]);
    assert_eq!(finals("2024-01-04"), [true, true]);
}

#[test]
fn pages_without_prices_are_errors_of_their_own() {
    let empty = table(["1", "2"], "").split("<tr><td>").next().unwrap().to_owned() + "</table>";
    for (html, message) in [
        (page(&[&empty]), "no rows in the price table"),
        (page(&["<table><tr><td>x</table>"]), "no price table in the page (searched to byte"),
        (page(&["<form action='https://consent.yahoo.com/v2/x'>"]), "consent page"),
        ("<html><h1>Will be right back".to_owned(), "right back"),
        ("<html><p>Too Many Requests".to_owned(), "Too Many Requests"),
    ] {
        let error = read_page(&html).unwrap_err().to_string();
        assert!(error.contains(message), "{html}: {error}");
    }
}

#[test]
fn a_page_cut_off_anywhere_never_gives_fewer_bars() {
    let chart = chart("DEMO", ["1", "2"], "\"events\":{},");
    let both = page(&[&table(["1.00", "2.00"], ""), &script("DEMO", DAILY, &chart)]);
    let bare = page(&[&table(["1.00", "2.00"], ""), "<p>end</p>"]);
    for html in [both, bare] {
        let whole = read_page(&html).unwrap();
        for length in 1..html.len() {
            let Some(part) = html.get(..length) else { continue };
            match read_page(part) {
                Ok(history) => assert_eq!(history.bars, whole.bars, "{length}"),
                // Before the page begins to say what it is, it may as well be another.
                Err(ParseError::NoPriceTable { .. }) if length < 25 => {}
                Err(ParseError::Truncated { .. }) => {}
                Err(error) => panic!("{length}: {error}"),
            }
        }
    }
    // A fragment without the page's own tags may still be whole.
    assert!(read_page(&table(["1", "2"], "")).is_ok());
}
