//! Yahoo's history page.

use std::io::Write as _;

use cream_models::{Date, Timestamp};

use crate::filler::Filler;
use crate::json::escape;
use crate::{BadCell, ChartOptions, Rng, SyntheticSeries, encode_symbol};

/// How a history page is written.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// With the price table.
    pub table: bool,
    /// With rows in the table.
    pub table_rows: bool,
    /// With the chart answer in a script element.
    pub embedded: bool,
    /// How the chart answer is written.
    pub chart: ChartOptions,
    /// How many bytes that are not data surround it: scripts, navigation, other answers.
    pub filler_bytes: usize,
    /// The digits behind the point of the table's prices.
    pub digits: usize,
    /// Cells of the table written otherwise than they are.
    pub bad_cells: Vec<BadCell>,
    /// Rows that the table lacks.
    pub hidden_rows: Vec<Date>,
    /// With what only looks like a price table or a chart answer: in comments, in scripts, in
    /// another table and in answers for other symbols.
    pub decoys: bool,
    /// The start of the period asked for; by default 1970-01-01T00:00:00Z, as for a whole history.
    pub period_start: Option<Timestamp>,
    /// The end of the period asked for, exclusive; by default the midnight (UTC) after the last
    /// row.
    pub period_end: Option<Timestamp>,
    /// Cuts the page off.
    pub truncate: Option<Truncate>,
}

impl Default for PageOptions {
    /// A whole page with table and chart answer, and little else.
    fn default() -> Self {
        Self {
            table: true,
            table_rows: true,
            embedded: true,
            chart: ChartOptions::default(),
            filler_bytes: 8 << 10,
            digits: 2,
            bad_cells: Vec::new(),
            hidden_rows: Vec::new(),
            decoys: false,
            period_start: None,
            period_end: None,
            truncate: None,
        }
    }
}

impl PageOptions {
    /// A page with the table alone, as one saved without its scripts.
    #[must_use]
    pub fn bare_table() -> Self {
        Self { embedded: false, ..Self::default() }
    }

    /// A page with the chart answer alone.
    #[must_use]
    pub fn embedded_only() -> Self {
        Self { table: false, ..Self::default() }
    }
}

/// Where a page is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncate {
    /// After so many bytes.
    At(usize),
    /// In the middle of the table.
    InTable,
    /// In the middle of the chart answer.
    InEmbedded,
}

impl SyntheticSeries {
    /// A history page, written as asked. The seed of its filler is the symbol.
    #[must_use]
    pub fn history_page(&self, options: &PageOptions) -> Vec<u8> {
        let seed = self
            .listing
            .symbol
            .bytes()
            .fold(17, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut writer = Writer {
            series: self,
            options,
            rng: Rng::new(seed),
            out: Vec::with_capacity(options.filler_bytes + 450 * self.rows.len() + 16_384),
        };
        writer.page();
        writer.out
    }

    /// A history page of about so many bytes: what table and chart answer do not need is filler.
    #[must_use]
    pub fn history_page_of(&self, bytes: usize, options: &PageOptions) -> Vec<u8> {
        let mut options = PageOptions { filler_bytes: 0, ..options.clone() };
        let data = self.history_page(&options).len();
        options.filler_bytes = bytes.saturating_sub(data);
        self.history_page(&options)
    }
}

struct Writer<'a> {
    series: &'a SyntheticSeries,
    options: &'a PageOptions,
    rng: Rng,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn page(&mut self) {
        let filler = self.options.filler_bytes;
        self.head(filler / 10);
        self.navigation(filler / 10);
        let table = self.out.len();
        if self.options.table {
            self.series.write_table(&mut self.out, self.options);
        }
        let table_end = self.out.len();
        self.put("</section>");
        if self.options.decoys {
            self.put(
                "<section><table class=\"cm-0z\"><thead><tr><th>Symbol</th><th>Close</th></tr>\
                 </thead><tbody><tr><td>OTHER9</td><td>12.34</td></tr></tbody></table></section>",
            );
        }
        self.put("<footer><ul>");
        Filler::markup().write(&mut self.out, filler / 10, &mut self.rng);
        self.put("</ul></footer></main>\n");
        self.other_answers(filler / 2);
        let embedded = self.out.len();
        if self.options.embedded {
            self.embedded();
        }
        let embedded_end = self.out.len();
        self.other_answers(filler / 5);
        self.put("</div>\n<script>own.ready=true;</script>\n</body>\n</html>\n");
        match self.options.truncate {
            None => {}
            Some(Truncate::At(bytes)) => self.out.truncate(bytes),
            Some(Truncate::InTable) => self.out.truncate(table.midpoint(table_end)),
            Some(Truncate::InEmbedded) => self.out.truncate(embedded.midpoint(embedded_end)),
        }
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn title(&self) -> String {
        let listing = &self.series.listing;
        let name = listing.name.as_deref().unwrap_or(&listing.symbol);
        let title = format!("{name} ({}) price history", listing.symbol);
        title.replace('&', "&amp;").replace('<', "&lt;")
    }

    fn head(&mut self, filler: usize) {
        let title = self.title();
        self.put("<!doctype html>\n<html lang=\"en-US\" class=\"desktop\">\n<head>\n");
        self.put("<meta charset=\"utf-8\" />\n");
        writeln!(self.out, "<title>{title}</title>").unwrap();
        self.put("<link href=\"/own/base.css\" rel=\"stylesheet\">\n<script>var own={};");
        if self.options.decoys {
            self.put("own.t=\"<table><thead><tr><th>Date</th><th>Close</th></tr></thead>\";");
        }
        Filler::script().write(&mut self.out, filler, &mut self.rng);
        self.put("</script>\n</head>\n<body id=\"own\">\n<div id=\"svelte\"><main>\n");
    }

    fn navigation(&mut self, filler: usize) {
        let title = self.title();
        self.put("<nav><ul>");
        Filler::markup().write(&mut self.out, filler, &mut self.rng);
        self.put("</ul></nav>\n");
        if self.options.decoys {
            self.put(
                "<!-- <table><thead><tr><th>Date</th><th>Open</th><th>High</th><th>Low</th>\
                 <th>Close</th><th>Adj Close</th><th>Volume</th></tr></thead><tbody><tr>\
                 <td>Jan 2, 2001</td><td>1</td><td>1</td><td>1</td><td>1</td><td>1</td>\
                 <td>1</td></tr></tbody></table> -->",
            );
        }
        writeln!(self.out, "<section data-testid=\"history-table\"><h1>{title}</h1>").unwrap();
    }

    /// A script element with an answer of another kind, as the vendor's pages have dozens of.
    fn other_answers(&mut self, filler: usize) {
        if self.options.decoys {
            self.fetched("https://query1.finance.yahoo.com/v8/finance/chart/OTHER9?range=1d");
            self.put(
                "{\\\"chart\\\":{\\\"result\\\":null,\\\"error\\\":{\\\"code\\\":\\\"Not Found\\\"\
                 ,\\\"description\\\":\\\"own\\\"}}}\"}</script>\n",
            );
        }
        let mut left = filler;
        while left > 0 {
            let bytes = left.min(80_000);
            left -= bytes;
            let number = self.rng.below(10_000);
            self.fetched(&format!("/own/stories?page={number}&amp;lang=en-US"));
            self.put("{\\\"stories\\\":[");
            Filler::escaped_json().write(&mut self.out, bytes, &mut self.rng);
            self.put("]}\"}</script>\n");
        }
    }

    /// Begins a script element that holds what was fetched from an address.
    fn fetched(&mut self, escaped_url: &str) {
        write!(
            self.out,
            "<script type=\"application/json\" data-sveltekit-fetched data-url=\"{escaped_url}\" \
             data-ttl=\"10\">{{\"status\":200,\"statusText\":\"OK\",\"headers\":{{}},\"body\":\""
        )
        .unwrap();
    }

    fn embedded(&mut self) {
        let symbol = encode_symbol(&self.series.listing.symbol);
        let last = self.series.range().map(|range| Timestamp::start_of(range.last()));
        let end = self.options.period_end.or(last.map(|last| last.plus_seconds(86_400)));
        let end = end.map_or(0, Timestamp::seconds);
        let start = self.options.period_start.map_or(0, Timestamp::seconds);
        self.fetched(&format!(
            "https://query1.finance.yahoo.com/v8/finance/chart/{symbol}?events=capitalGain%7Cdiv\
             %7Csplit&amp;formatted=true&amp;includeAdjustedClose=true&amp;interval=1d&amp;\
             period1={start}&amp;period2={end}&amp;symbol={symbol}&amp;userYfid=true&amp;lang=en-US&amp;\
             region=US"
        ));
        let chart = self.series.chart_json_with(&self.options.chart);
        escape(&mut self.out, &chart);
        self.put("\"}</script>\n");
    }
}
