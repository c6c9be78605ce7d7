//! How fast pages and charts are read, beside a search of the same bytes and `serde_json`.
//!
//! `cargo bench -p cream-parser`. The inputs are made here in the vendors' shape; the recorded
//! page in `../shared` joins them where it is present.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "made-up inputs need no care"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::LazyLock;

use divan::counter::BytesCount;
use memchr::memmem;

fn main() {
    divan::main();
}

/// Trading days and their prices: enough like the vendor's, the same in each run.
struct Rows(Vec<(i64, [f32; 5], u64)>);

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let mut price = 1.5_f32;
    let rows = (0..3_800).map(|row| {
        let mut next = || {
            price = (price * (1.0 + (random() - 0.497) * 0.06)).max(0.5);
            (price * 1e6).round() / 1e6
        };
        let days = 14_789 + i64::from(row) / 5 * 7 + i64::from(row) % 5;
        let [open, one, other, close] = [next(), next(), next(), next()];
        let high = one.max(other).max(open).max(close);
        let low = one.min(other).min(open).min(close);
        let cells = [open, high, low, close, close];
        (days * 86_400 + 48_600, cells, (random() * 1e8) as u64)
    });
    Rows(rows.collect())
});

impl Rows {
    fn column(&self, value: impl Fn(&(i64, [f32; 5], u64)) -> String) -> String {
        self.0.iter().map(value).collect::<Vec<_>>().join(",")
    }

    fn chart(&self) -> String {
        let price = |index: usize| self.column(|row| f64::from(row.1[index]).to_string());
        format!(
            "{{\"chart\":{{\"result\":[{{\"meta\":{{\"currency\":\"USD\",\"symbol\":\"DEMO\",\
             \"exchangeTimezoneName\":\"America/New_York\",\"dataGranularity\":\"1d\"}},\
             \"timestamp\":[{}],\"events\":{{}},\"indicators\":{{\"quote\":[{{\"open\":[{}],\
             \"high\":[{}],\"low\":[{}],\"close\":[{}],\"volume\":[{}]}}],\
             \"adjclose\":[{{\"adjclose\":[{}]}}]}}}}],\"error\":null}}}}",
            self.column(|row| row.0.to_string()),
            price(0),
            price(1),
            price(2),
            price(3),
            self.column(|row| row.2.to_string()),
            price(4),
        )
    }

    fn page(&self) -> String {
        let mut page = String::from("<!doctype html>\n<html><head><title>Demo</title>");
        let filler = |page: &mut String, count: usize| {
            for index in 0..count {
                let _ = write!(
                    page,
                    "<script>var a{index} = {{x: \"{}\"}};</script><div class=\"c-{index} d\" \
                     data-k='v'><a href=\"/q/{index}\">text <!-- note --></a></div>",
                    "function(a,b){return a<b}".repeat(40)
                );
            }
        };
        filler(&mut page, 500);
        page.push_str("<table class=\"table t1\"><thead class=\"t1\"><tr class=\"t1\">");
        for name in ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"] {
            let _ = write!(page, "<th class=\"t1\">{name}  </th>");
        }
        page.push_str("</tr></thead> <tbody>");
        for (time, prices, volume) in self.0.iter().rev() {
            let date = cream_models::Timestamp::from_seconds(*time).date();
            let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month = usize::from(date.month()) * 3;
            let name = &months[month - 3..month];
            page.push_str("<tr class=\"yf-1jecxey\">");
            let mut cell = |text: String| {
                let _ = write!(page, "<td class=\"yf-1jecxey\">{text}</td>");
            };
            cell(format!("{name} {}, {}", date.day(), date.year()));
            for price in prices {
                cell(format!("{price:.2}"));
            }
            let digits = volume.to_string();
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            cell(text);
            page.push_str("  </tr>");
        }
        page.push_str("</tbody></table>");
        filler(&mut page, 500);
        let body = serde_json::to_string(&self.chart()).unwrap_or_default();
        let _ = write!(
            page,
            "<script type=\"application/json\" data-url=\"https://q/v8/finance/chart/DEMO?\
             events=div&amp;interval=1d&amp;period1=0&amp;period2=9999999999\">\
             {{\"status\":200,\"body\":{body}}}</script></body></html>"
        );
        page
    }
}

fn recorded() -> Option<Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real/TSLA_2025-06-16.html");
    std::fs::read(path).ok()
}

/// The pages: the generated one, and the recorded one where it is.
fn pages() -> Vec<(&'static str, Vec<u8>)> {
    let mut pages = vec![("generated", ROWS.page().into_bytes())];
    pages.extend(recorded().map(|page| ("recorded", page)));
    pages
}

static PAGES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(pages);

fn names() -> Vec<&'static str> {
    PAGES.iter().map(|(name, _)| *name).collect()
}

fn page_of(name: &str) -> &'static [u8] {
    PAGES.iter().find(|(other, _)| *other == name).map(|(_, page)| &page[..]).unwrap_or_default()
}

#[divan::bench(args = names())]
fn page(bencher: divan::Bencher<'_, '_>, name: &str) {
    let page = page_of(name);
    let history = cream_parser::parse(page);
    assert!(history.is_ok_and(|history| history.bars.len() > 3_700));
    bencher
        .counter(BytesCount::of_slice(page))
        .bench(|| cream_parser::parse(black_box(page)).map(|history| history.bars.len()));
}

/// The floor: finding the parts of a page with memchr and memmem alone.
#[divan::bench(args = names())]
fn page_memmem(bencher: divan::Bencher<'_, '_>, name: &str) {
    let page = page_of(name);
    bencher.counter(BytesCount::of_slice(page)).bench(|| {
        let page = black_box(page);
        let scripts = memmem::find_iter(page, b"<script").count();
        let ends = memmem::find_iter(page, b"</script").count();
        let tables = memmem::find_iter(page, b"<table").count();
        let chart = memmem::find(page, b"/v8/finance/chart/");
        let tags = memchr::memchr_iter(b'<', page).count();
        (scripts, ends, tables, chart, tags)
    });
}

/// The floor of the floor: one byte that is not there.
#[divan::bench(args = names())]
fn page_memchr(bencher: divan::Bencher<'_, '_>, name: &str) {
    let page = page_of(name);
    bencher
        .counter(BytesCount::of_slice(page))
        .bench(|| memchr::memchr(0, black_box(page)).is_none());
}

static CHART: LazyLock<String> = LazyLock::new(|| ROWS.chart());

#[divan::bench]
fn chart(bencher: divan::Bencher<'_, '_>) {
    let chart = CHART.as_bytes();
    assert!(cream_parser::parse(chart).is_ok_and(|history| history.bars.len() == 3_800));
    bencher
        .counter(BytesCount::of_slice(chart))
        .bench(|| cream_parser::parse(black_box(chart)).map(|history| history.bars.len()));
}

/// A chart as a user of `serde_json` would type it, with `P` for a price and `V` for a volume.
mod typed {
    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "read to be timed")]
    struct Quote<P, V> {
        open: Vec<P>,
        high: Vec<P>,
        low: Vec<P>,
        close: Vec<P>,
        volume: Vec<V>,
    }

    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "read to be timed")]
    struct Adjusted<P> {
        adjclose: Vec<P>,
    }

    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "read to be timed")]
    struct Indicators<P, V> {
        quote: Vec<Quote<P, V>>,
        adjclose: Vec<Adjusted<P>>,
    }

    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "read to be timed")]
    pub(crate) struct Series<P, V> {
        timestamp: Vec<i64>,
        indicators: Indicators<P, V>,
    }

    #[derive(serde::Deserialize)]
    pub(crate) struct Answer<P, V> {
        pub(crate) result: Vec<Series<P, V>>,
    }

    #[derive(serde::Deserialize)]
    pub(crate) struct Body<P, V> {
        pub(crate) chart: Answer<P, V>,
    }
}

fn serde_json_reads<P, V>(bencher: divan::Bencher<'_, '_>)
where
    P: serde::de::DeserializeOwned,
    V: serde::de::DeserializeOwned,
{
    let chart = CHART.as_bytes();
    assert!(serde_json::from_slice::<typed::Body<P, V>>(chart).is_ok());
    bencher.counter(BytesCount::of_slice(chart)).bench(|| {
        serde_json::from_slice::<typed::Body<P, V>>(black_box(chart))
            .map(|body| body.chart.result.len())
    });
}

/// The usual way: typed, into columns of floats that may be null, nothing judged.
#[divan::bench]
fn chart_serde_json(bencher: divan::Bencher<'_, '_>) {
    serde_json_reads::<Option<f64>, Option<u64>>(bencher);
}

/// The same where a null is an error, which real answers would run into.
#[divan::bench]
fn chart_serde_json_no_nulls(bencher: divan::Bencher<'_, '_>) {
    serde_json_reads::<f64, u64>(bencher);
}

#[divan::bench]
fn chart_memchr(bencher: divan::Bencher<'_, '_>) {
    let chart = CHART.as_bytes();
    bencher
        .counter(BytesCount::of_slice(chart))
        .bench(|| memchr::memchr_iter(b',', black_box(chart)).count());
}

/// Hostile pages of two sizes, in MiB: the bytes a second must be about the same, caches aside.
#[divan::bench(args = [1, 16], sample_count = 10)]
fn hostile_attributes(bencher: divan::Bencher<'_, '_>, mib: usize) {
    hostile(bencher, &format!("<a {}\"", "b ".repeat(mib << 19)));
}

/// The same with a comment of dashes.
#[divan::bench(args = [1, 16], sample_count = 10)]
fn hostile_dashes(bencher: divan::Bencher<'_, '_>, mib: usize) {
    hostile(bencher, &format!("<!-- {}x", "-".repeat(mib << 20)));
}

fn hostile(bencher: divan::Bencher<'_, '_>, input: &str) {
    bencher
        .counter(BytesCount::new(input.len()))
        .bench_local(|| cream_parser::parse(black_box(input.as_bytes())).is_err());
}
