//! Hostile inputs of 50 MiB: each ends in an error, within three times its size in memory. The
//! allocator counts; the input itself is not counted.

#![expect(unsafe_code, reason = "an allocator is unsafe; this one passes everything on")]
#![expect(clippy::string_slice, reason = "a panic is a failed test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cream_models::Vendor;
use cream_parser::{ParseError, ParseOptions, parse_with};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    // Growing in place or not, both blocks are counted for a while, which is the worst of it.
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Without optimisation the same takes a while: smaller sizes do then. That of rows still has room
/// for as many as are read.
const SIZE: usize = if cfg!(debug_assertions) { 1 << 20 } else { 50 << 20 };
const SIZE_OF_ROWS: usize = if cfg!(debug_assertions) { 10 << 20 } else { 50 << 20 };
const KEYS: usize = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };

/// How each vendor's answer begins, up to where its rows stand.
const BEGINNINGS: [(Vendor, &str, &str); 9] = [
    (Vendor::YahooChart, "{\"chart\":{\"result\":[", "{\"timestamp\":["),
    (Vendor::Tiingo, "[", "{\"divCash\":0,\"close\":"),
    (Vendor::AlphaVantage, "{\"Time Series (Daily)\":{\"2024-03-01\":", "{\"4. close\":"),
    (Vendor::Massive, "{\"ticker\":\"X\",\"adjusted\":true,\"results\":[", "{\"c\":"),
    (Vendor::Massive, "{\"request_id\":\"X\",\"results\":[{\"split_to\":1},", "{\"split_to\":"),
    (Vendor::Eodhd, "[", "{\"adjusted_close\":1,\"close\":"),
    (Vendor::Eodhd, "[{\"split\":\"2/1\"},", "{\"split\":"),
    (Vendor::Nasdaq, "{\"data\":{\"tradesTable\":{\"rows\":[", "{\"close\":"),
    (Vendor::Nasdaq, "{\"data\":{\"dividends\":{\"rows\":[", "{\"amount\":"),
];

/// A text of this size at most: `before`, then `part` again and again.
fn filled(before: &str, part: &str, size: usize) -> String {
    format!("{before}{}", part.repeat((size - before.len()) / part.len()))
}

/// Reads a text and gives its error and how much memory was held at most.
fn read(vendor: Vendor, text: &str) -> (Option<ParseError>, usize) {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let options = ParseOptions::default().with_vendor(vendor);
    let result = parse_with(text.as_bytes(), &options);
    (result.err(), MOST.load(Relaxed) - before)
}

fn assert_bounded(vendor: Vendor, text: &str) {
    let what = &text[..70.min(text.len())];
    let (error, most) = read(vendor, text);
    assert!(error.is_some(), "{vendor}: {what}");
    assert!(most <= 3 * text.len(), "{vendor}: {what}: {most} bytes for {}", text.len());
}

// One test alone: tests beside each other would be counted together.
#[test]
fn hostile_inputs_are_errors_within_three_times_their_size() {
    let good = "[{\"date\":\"2024-03-01\",\"close\":1,\"divCash\":0}]";
    let (error, most) = read(Vendor::Tiingo, good);
    assert!(error.is_none() && most > 0, "the count counts: {most}, {error:?}");
    for (vendor, rows, cell) in BEGINNINGS {
        for text in [
            filled(rows, "[", SIZE),
            filled(rows, "{\"a\":", SIZE),
            filled(&format!("{rows}{cell}"), "[", SIZE),
            filled(&format!("{rows}{cell}"), "1", SIZE),
            filled(&format!("{rows}{cell}0."), "7", SIZE),
            filled(&format!("{rows}{cell}1e"), "9", SIZE),
            filled(&format!("{rows}{cell}\""), "1", SIZE),
            filled(&format!("{rows}{cell}\""), "\\u0031", SIZE),
            filled(&format!("{rows}{{\""), "\\\\", SIZE),
            filled(rows, "{},", SIZE_OF_ROWS),
            filled(rows, "0,", SIZE_OF_ROWS),
            filled(rows, "{\"date\":\"2024-03-01\",\"close\":1},", SIZE_OF_ROWS),
        ] {
            assert_bounded(vendor, &text);
        }
        // Very many keys in one row, which then lacks what a row needs.
        let mut text = format!("{rows}{{");
        for key in 0..KEYS {
            text.push_str(&format!("\"key{key}\":{key},"));
        }
        text.pop();
        text.push('}');
        assert_bounded(vendor, &text);
    }
}
