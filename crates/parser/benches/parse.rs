//! How fast pages and charts are read, beside a search of the same bytes and `serde_json`.
//!
//! `cargo bench -p cream-parser`. The inputs are made here in the vendors' shape; the recorded
//! page in `../shared` joins them where it is present.

#[path = "shared/inputs.rs"]
mod inputs;

use std::hint::black_box;
use std::sync::LazyLock;

use divan::counter::BytesCount;
use inputs::Rows;
use memchr::memmem;

fn main() {
    divan::main();
}

static ROWS: LazyLock<Rows> = LazyLock::new(Rows::new);

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
