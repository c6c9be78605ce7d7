//! Hostile CSV ends in an error and takes little memory. Alone in its file, since it counts what
//! the whole program allocates.

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use cream_models::Vendor;
use cream_parser::{ParseOptions, parse, parse_with};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator; the counts change nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn hostile_csv_ends_in_an_error_within_three_times_its_memory() {
    let size = if cfg!(debug_assertions) { 8 << 20 } else { 50 << 20 };
    let of = |part: &str| part.repeat(size / part.len());
    let head = "Date,Open,High,Low,Close,Volume\n";
    let good = "2025-06-13,1,1,1,1,1\n";
    let columns = "Date,Close".to_owned() + &",x".repeat(1_000_000);
    for (what, input) in [
        ("one line", of("x")),
        ("one line of names", of("Date,Close ")),
        ("a million columns", format!("{columns}\n{}", of("1,"))),
        ("a million columns, a known one twice", of("Date,Close,")),
        ("commas", of(",")),
        ("commas in a row", format!("{head}{}", of(","))),
        ("commas in rows", format!("{head}{}", of(",,,,,,,,,,,,,,,,,,,\n"))),
        ("digits", of("7")),
        ("digits of a number", format!("{head}2025-06-13,1,1,1,{}", of("7"))),
        ("digits behind a point", format!("{head}2025-06-13,1,1,1,x,0.{}", of("7"))),
        ("digits of an exponent", format!("{head}2025-06-13,1,1,1,1e{},1", of("7"))),
        ("thousands", format!("{head}2025-06-13,1,1,1,\"{}\",1", of("777,"))),
        ("quotes", of("\"")),
        ("quotes in a row", format!("{head}{good}2025-06-13,{}\"", of("\"\""))),
        ("quotes that close", format!("{head}{}", of("\"\"\"\",\"\"\n"))),
        ("a quote that does not close", format!("{head}{good}2025-06-14,\"{}", of("1,\n"))),
        ("spaces", format!("{head}{}", of(" "))),
        ("blank lines", format!("{head}{}", of("\r\n"))),
        ("comments", of("#\n")),
        ("bad rows", format!("{head}{}", of("x\n"))),
        ("good rows", format!("{head}{}", of(good))),
        ("other symbols", format!("Date,Close,Symbol\n{}", of("2025-06-13,1,A\n2025-06-13,1,B\n"))),
        ("carriage returns", format!("{head}{}", of("\r"))),
    ] {
        for vendor in [None, Some(Vendor::Csv), Some(Vendor::Stooq)] {
            let before = NOW.load(Ordering::Relaxed);
            MOST.store(before, Ordering::Relaxed);
            let result = match vendor {
                None => parse(input.as_bytes()),
                Some(vendor) => {
                    parse_with(input.as_bytes(), &ParseOptions::default().with_vendor(vendor))
                }
            };
            let taken = MOST.load(Ordering::Relaxed) - before;
            let error = result.err().unwrap_or_else(|| panic!("{what}: read")).to_string();
            assert!(error.len() < 1000, "{what}: {error}");
            assert!(taken <= 2 * input.len(), "{what}: {taken} bytes beside {}", input.len());
        }
    }
    let rows = (0..200_000).map(|day| cream_models::Date::from_days(day).unwrap());
    let input: String = rows.map(|date| format!("{date},1\n")).collect();
    let input = format!("Date,Close\n{input}");
    MOST.store(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
    assert_eq!(parse(input.as_bytes()).unwrap().bars.len(), 200_000);
}
