//! The files in `files/samples`.

use cream_models::{Date, Timestamp};

use crate::{
    Listing, Odd, PageOptions, Scenario, SyntheticSeries, Truncate, chart_file_name, goog,
    page_file_name,
};

/// One sample file.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file's name.
    pub name: String,
    /// The file's content.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub about: &'static str,
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn chart(series: &SyntheticSeries, at: &str, about: &'static str) -> Sample {
    let at: Timestamp = at.parse().unwrap();
    let name = chart_file_name(&series.listing.symbol, at);
    Sample { name, bytes: series.chart_json(), about }
}

fn page(series: &SyntheticSeries, on: &str, options: &PageOptions, about: &'static str) -> Sample {
    let name = page_file_name(&series.listing.symbol, date(on));
    Sample { name, bytes: series.history_page(options), about }
}

/// GOOG as a page fetched on the Saturday after the last of its bars.
#[must_use]
pub fn goog_page() -> Sample {
    let options = PageOptions { filler_bytes: 48 << 10, ..PageOptions::default() };
    let about = "true daily facts of GOOG, 2,148 bars from 2004-08-19 to 2013-03-01, as a history \
                 page with table and embedded chart answer";
    page(&goog(), "2013-03-02", &options, about)
}

/// A stock with dividends, a split, a fractional split and odd bars.
#[must_use]
pub fn stock() -> SyntheticSeries {
    Scenario::new(Listing::us_stock("CREAM1", "Cream One Dairies, Inc. (invented)"), 11)
        .ending(date("2025-06-13"), 750)
        .start_price(240.0)
        .dividends(63, 0.42)
        .split(300, 4, 1)
        .split(520, 1.5, 1.0)
        .null_row(610)
        .odd_bar(640, Odd::Halt)
        .odd_bar(641, Odd::Halt)
        .odd_bar(700, Odd::CloseAboveHigh)
        .build()
}

/// A stock whose last session is under way.
#[must_use]
pub fn live_stock() -> SyntheticSeries {
    Scenario::new(Listing::german_stock("CREAM2.DE", "Rahm und Butter AG (invented)"), 12)
        .ending(date("2025-06-16"), 260)
        .start_price(19.5)
        .dividend(180, 0.85)
        .live(453)
        .build()
}

/// Every sample, by name.
#[must_use]
pub fn all() -> Vec<Sample> {
    let whole = PageOptions { filler_bytes: 24 << 10, ..PageOptions::default() };
    let bare = PageOptions { filler_bytes: 2 << 10, ..PageOptions::bare_table() };
    let cut = PageOptions { truncate: Some(Truncate::InTable), ..bare.clone() };
    let last = date("2025-06-13");
    let evening = "2025-06-16T21:30:00Z";
    let mut samples = vec![
        goog_page(),
        page(
            &stock(),
            "2025-06-16",
            &whole,
            "a stock with dividends, a 4:1 and a 1.5:1 split, a row without values, two halted \
             days and a close above the high; page with table and embedded chart answer",
        ),
        chart(
            &live_stock(),
            "2025-06-16T14:40:00Z",
            "a stock on Xetra in EUR, fetched during the session: the last row is not final",
        ),
        chart(
            &Scenario::new(
                Listing::london_stock("CREAM3.L", "Clotted Holdings PLC (invented)"),
                13,
            )
            .ending(last, 500)
            .start_price(640.0)
            .dividends(126, 9.5)
            .split(350, 9, 10)
            .build(),
            evening,
            "a London listing priced in pence (GBp), with dividends and a 9:10 consolidation",
        ),
        chart(
            &Scenario::new(Listing::index("^CRM", "Cream Composite (invented)"), 14)
                .ending(last, 500)
                .start_price(4_200.0)
                .build(),
            evening,
            "an index; its ^ is %5E in the file name",
        ),
        chart(
            &Scenario::new(Listing::currency_pair("CRMUSD=X", "CRM/USD (invented)"), 15)
                .ending(last, 400)
                .start_price(1.12)
                .build(),
            evening,
            "a currency pair stamped at midnight in London, without volume",
        ),
        chart(
            &Scenario::new(Listing::crypto_pair("CREAM4-USD", "Cream Four USD (invented)"), 16)
                .ending(date("2025-06-15"), 400)
                .start_price(28_000.0)
                .build(),
            evening,
            "a crypto pair, seven days a week, volumes above 2^32",
        ),
        chart(
            &Scenario::new(Listing::fund("CREAM5X", "Cream Balanced Fund (invented)"), 17)
                .ending(last, 400)
                .start_price(31.0)
                .dividends(64, 0.11)
                .capital_gain(240, 1.375)
                .build(),
            evening,
            "a fund with one price a day, dividends and a capital gain",
        ),
        page(
            &Scenario::new(Listing::us_stock("CREAM6", "Six Pails Corp. (invented)"), 18)
                .ending(date("2025-06-16"), 63)
                .start_price(1_180.0)
                .dividend(40, 0.26)
                .build(),
            "2025-06-16",
            &bare,
            "a page with the table alone: two digits behind the point, no currency; its first row \
             is of the day of the fetch and so not final",
        ),
        page(
            &Scenario::new(Listing::us_stock("CREAM7", "Spilt Milk Ltd. (invented)"), 19)
                .ending(last, 120)
                .build(),
            "2025-06-16",
            &cut,
            "**broken on purpose**: a page cut off in the middle of its table, to be filed as a \
             dead letter",
        ),
    ];
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

/// The text of the folder's README.
#[must_use]
pub fn readme() -> String {
    let rows = all().into_iter().map(|sample| {
        format!("| `{}` | {} kB | {} |\n", sample.name, sample.bytes.len() / 1000, sample.about)
    });
    format!(
        "# Samples\n\n\
         Responses in the formats of Yahoo's history page and chart endpoint, to try the project \
         with. They are generated, not recorded; write them again with\n\n\
         ```sh\n\
         cargo run -p cream-testkit --example write-samples -- files/samples\n\
         ```\n\n\
         Only GOOG is real: dates, prices and volumes are facts, listed in \
         `crates/testkit/data/goog.csv` with their source. Every other instrument, all of whose \
         symbols hold CREAM or CRM, is invented with its name, its prices and its events. The \
         text and the markup of the pages are the project's own.\n\n\
         | file | size | what it shows |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}
