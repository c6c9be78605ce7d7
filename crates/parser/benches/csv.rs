//! How fast CSV is read, beside a search of the same bytes.
//!
//! `cargo bench -p cream-parser --bench csv`. The peer that reads as much is polars:
//! `benches/peers/csv.py` times both in one run.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up inputs need no care"
)]

use std::fmt::Write as _;
use std::hint::black_box;

use cream_models::{Date, Vendor};
use cream_parser::{ParseOptions, parse_with};
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const ROWS: i32 = 100_000;

/// A history with prices of four decimals; `stamp` writes the date, and `rest` ends the row.
fn history(header: &str, stamp: impl Fn(Date) -> String, rest: &str) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    let mut text = format!("{header}\n");
    let mut price = 150.0_f64;
    for day in 0..ROWS {
        price = (price * (1.0 + (random() - 0.499) * 0.06)).clamp(20.0, 900.0);
        let mut near = || price * (0.98 + random() * 0.04);
        let (open, close, one, other) = (near(), near(), near(), near());
        let high = one.max(other).max(open).max(close);
        let low = one.min(other).min(open).min(close);
        let volume = (random() * 1e9) as u64 + 100_000;
        let date = stamp(Date::from_days_saturating(i64::from(day) - 80_000));
        let _ = writeln!(
            text,
            "{date},{open:.4},{high:.4},{low:.4},{close:.4},{close:.4},{volume}{rest}"
        );
    }
    text
}

fn read(bencher: divan::Bencher<'_, '_>, text: &str) {
    let options = ParseOptions::default().with_vendor(Vendor::Csv);
    let rows = parse_with(text.as_bytes(), &options).map(|history| history.bars.len());
    assert_eq!(rows, Ok(ROWS.unsigned_abs() as usize));
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        parse_with(black_box(text.as_bytes()), &options).map(|history| history.bars.len())
    });
}

const HEADER: &str = "Date,Open,High,Low,Close,Adj Close,Volume";

/// Dates, five prices and the volume: what polars is held against.
#[divan::bench]
fn plain(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &history(HEADER, |date| date.to_string(), ""));
}

/// As yfinance writes it: a time zone with each date, and the columns of actions.
#[divan::bench]
fn yfinance(bencher: divan::Bencher<'_, '_>) {
    let header = format!("{HEADER},Dividends,Stock Splits");
    read(bencher, &history(&header, |date| format!("{date} 00:00:00-04:00"), ",0.0,0.0"));
}

/// With a column in quotes, so that each row is split first.
#[divan::bench]
fn quoted(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &history(&format!("{HEADER},Note"), |date| date.to_string(), ",\"a\"\"b\""));
}

/// The floor: counting the separators.
#[divan::bench]
fn plain_memchr(bencher: divan::Bencher<'_, '_>) {
    let text = history(HEADER, |date| date.to_string(), "");
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| memchr::memchr2_iter(b',', b'\n', black_box(text.as_bytes())).count());
}
