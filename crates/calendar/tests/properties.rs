//! What holds for every market, instant and symbol.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a panic is a failed test; the numbers are small"
)]

use std::time::Duration;

use cream_calendar::{Days, Market, PullTimes, back_off, market_of, settle_time, spread};
use cream_models::{Date, Symbol, Timestamp, Vendor};
use jiff::civil;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const ZONES: [&str; 9] = [
    "America/New_York",
    "Europe/London",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "UTC",
];
/// From 1900 to 2100: clocks changed in many ways.
const YEARS: std::ops::Range<i64> = -2_208_988_800_000_000..4_102_444_800_000_000;

fn markets() -> impl Strategy<Value = Market> {
    let days =
        prop::sample::select(vec![Days::MONDAY_TO_FRIDAY, Days::SUNDAY_TO_THURSDAY, Days::ALL]);
    (prop::sample::select(&ZONES[..]), 0u16..=1440, days).prop_map(|(zone, close, days)| Market {
        name: "own",
        time_zone: TimeZone::get(zone).unwrap(),
        close,
        days,
    })
}

fn settles() -> impl Strategy<Value = Duration> {
    (0u64..3 * 86_400).prop_map(Duration::from_secs)
}

/// The settled closes of some weeks around an instant, day by day, in jiff's own terms.
fn walked(market: &Market, around: Timestamp, settle: Duration) -> Vec<i64> {
    let start = civil::date(1970, 1, 1);
    let today = i32::try_from(around.micros().div_euclid(86_400_000_000)).unwrap();
    let mut closes = Vec::new();
    for day in today - 20..=today + 20 {
        if !market.days.includes(Date::from_days(day).unwrap()) {
            continue;
        }
        let date = start.checked_add(jiff::Span::new().days(day)).unwrap();
        let local = match market.close {
            1440 => date.tomorrow().unwrap().at(0, 0, 0, 0),
            close => date.at((close / 60) as i8, (close % 60) as i8, 0, 0),
        };
        let close = local.to_zoned(market.time_zone.clone()).unwrap().timestamp();
        closes.push(close.as_microsecond() + settle.as_micros() as i64);
    }
    closes
}

proptest! {
    #[test]
    fn next_and_last_are_the_nearest(market in markets(), at in YEARS, settle in settles()) {
        let at = Timestamp::from_micros(at);
        let closes = walked(&market, at, settle);
        let next = closes.iter().copied().filter(|close| *close > at.micros()).min();
        let last = closes.iter().copied().filter(|close| *close <= at.micros()).max();
        prop_assert_eq!(Some(market.next_settled(at, settle).micros()), next);
        prop_assert_eq!(Some(market.last_settled(at, settle).micros()), last);
        // On a close itself, and just before.
        let close = Timestamp::from_micros(next.unwrap());
        prop_assert_eq!(market.last_settled(close, settle), close);
        prop_assert!(market.next_settled(close, settle) > close);
        let before = Timestamp::from_micros(close.micros() - 1);
        prop_assert_eq!(market.next_settled(before, settle), close);
    }

    #[test]
    fn later_is_never_earlier(market in markets(), at in YEARS, after in 0i64..900_000_000_000, settle in settles()) {
        let (at, later) = (Timestamp::from_micros(at), Timestamp::from_micros(at + after));
        prop_assert!(market.next_settled(at, settle) <= market.next_settled(later, settle));
        prop_assert!(market.last_settled(at, settle) <= market.last_settled(later, settle));
        let moved = market.next_settled(at.plus_seconds(60), settle + Duration::from_secs(60));
        prop_assert_eq!(moved, market.next_settled(at, settle).plus_seconds(60));
    }

    #[test]
    fn all_of_time_is_answered(market in markets(), at: i64, seconds: u64) {
        for at in [at, i64::MIN, i64::MAX, i64::MIN + 1, at >> 8] {
            let at = Timestamp::from_micros(at);
            for settle in [Duration::ZERO, Duration::from_secs(seconds), Duration::MAX] {
                let (next, last) = (market.next_settled(at, settle), market.last_settled(at, settle));
                let end = Timestamp::from_micros(i64::MAX);
                prop_assert!(next > at || next == end, "{} {}", at.micros(), next.micros());
                prop_assert!(last <= at);
                // Four days are the longest between two of Monday to Friday, with a day's margin.
                let most = 5 * 86_400_000_000_i64;
                prop_assert!(next == end || next.micros().saturating_sub(at.micros()) <= most);
                prop_assert!(last.micros() == i64::MIN || at.micros().saturating_sub(last.micros()) <= most);
            }
        }
    }

    #[test]
    fn every_text_has_a_market(symbol in "[A-Z0-9^]{1,6}[.=:/-]?[A-Z]{1,4}", exchange in "\\PC{0,40}", zone in "\\PC{0,20}") {
        let symbol = Symbol::parse(&symbol).unwrap();
        for exchange in [None, Some(exchange.as_str())] {
            for zone in [None, Some(zone.as_str()), Some("Asia/Tokyo")] {
                prop_assert!(market_of(&symbol, exchange, zone).close <= 1440);
            }
        }
    }

    #[test]
    fn back_off_lies_within_half_and_all(failures: u32, draw in 0.0f64..=1.0, bad in prop::num::f64::ANY) {
        let doubled = 300u64.saturating_mul(1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
        let longest = Duration::from_secs(doubled.min(86_400));
        for draw in [draw, bad] {
            let wait = back_off(failures, draw);
            prop_assert!(wait >= longest / 2 && wait <= longest, "{failures} {draw} {wait:?}");
        }
        prop_assert!(back_off(failures, draw) <= back_off(failures.saturating_add(1), draw));
    }

    #[test]
    fn spread_lies_within_and_scales(name in "[A-Z0-9]{1,8}", micros: u64, vendor in prop::sample::select(&Vendor::ALL[..])) {
        let symbol = Symbol::parse(&name).unwrap();
        let over = Duration::from_micros(micros);
        let delay = spread(&symbol, vendor, over);
        prop_assert!(delay < over || over.is_zero() && delay.is_zero());
        let half = spread(&symbol, vendor, over / 2);
        prop_assert!(half.as_micros().abs_diff(delay.as_micros() / 2) <= 1);
        prop_assert!(spread(&symbol, vendor, Duration::MAX) < Duration::MAX);
        prop_assert_eq!(spread(&symbol, vendor, Duration::ZERO), Duration::ZERO);
    }

    /// However late each pull comes, up to the next close, there is one a trading day.
    #[test]
    fn one_pull_a_trading_day(name in "[A-Z]{1,4}", suffix in prop::sample::select(vec!["", ".AX", ".L", ".SR", "-USD", "=X"]),
        start in 1_700_000_000_000_000i64..1_900_000_000_000_000, late in prop::collection::vec(0i64..6 * 3600, 30)) {
        let symbol = Symbol::parse(&format!("{name}{suffix}")).unwrap();
        let market = market_of(&symbol, None, None);
        let times = PullTimes { settle: None, spread: Duration::from_secs(1800) };
        let settle = settle_time(Vendor::Eodhd);
        let mut now = Timestamp::from_micros(start);
        let mut settled = market.last_settled(now, settle);
        for late in late {
            let due = times.after_success(&symbol, Vendor::Eodhd, None, None, now);
            settled = market.next_settled(settled, settle);
            prop_assert_eq!(market.last_settled(due, settle), settled);
            prop_assert_eq!(due.micros() - settled.micros(), i64::try_from(spread(&symbol, Vendor::Eodhd, times.spread).as_micros()).unwrap());
            now = due.plus_seconds(late);
        }
    }

    #[test]
    fn pull_times_answer_all_of_time(at: i64, failures: u32, draw in prop::num::f64::ANY) {
        let at = Timestamp::from_micros(at);
        let symbol = Symbol::parse("AAPL").unwrap();
        for settle in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
            let times = PullTimes { settle, spread: Duration::MAX };
            prop_assert!(times.after_success(&symbol, Vendor::Csv, None, None, at) >= at);
            prop_assert!(times.after_failure(failures, at, draw) >= at);
        }
    }
}

/// The program may never place a symbol anew when it is upgraded: thousands would be pulled twice
/// that day, or hours late.
#[test]
fn spread_is_the_same_for_ever() {
    let over = Duration::from_secs(1800);
    let found = [
        ("AAPL", Vendor::YahooChart),
        ("AAPL", Vendor::Tiingo),
        ("^GSPC", Vendor::YahooChart),
        ("BHP.AX", Vendor::Eodhd),
    ]
    .map(|(symbol, vendor)| spread(&Symbol::parse(symbol).unwrap(), vendor, over).as_micros());
    assert_eq!(found, [375_004_343, 911_249_911, 193_385_952, 870_410_281]);
}

#[test]
fn spread_is_even() {
    let over = Duration::from_secs(10);
    for vendor in [Vendor::YahooChart, Vendor::Stooq] {
        for pattern in ["SYM", "0", "A-"] {
            let mut buckets = [0u32; 10];
            for number in 0..10_000 {
                let symbol = Symbol::parse(&format!("{pattern}{number}")).unwrap();
                buckets[spread(&symbol, vendor, over).as_secs() as usize] += 1;
            }
            assert!(buckets.iter().all(|count| (850..=1150).contains(count)), "{buckets:?}");
        }
    }
}

#[test]
fn back_off_doubles_up_to_a_day() {
    let minutes: Vec<u64> = (0..12).map(|n| back_off(n, 1.0).as_secs() / 60).collect();
    assert_eq!(minutes, [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
    assert_eq!(back_off(1, 0.5), Duration::from_secs(225));
    assert_eq!(back_off(1, f64::NAN), Duration::from_secs(150));
}

#[test]
fn the_setting_goes_before_the_vendors_time() {
    let symbol = Symbol::parse("AAPL").unwrap();
    let now: Timestamp = "2026-06-04T12:00:00Z".parse().unwrap();
    let due = |settle: Option<u64>| {
        let times = PullTimes { settle: settle.map(Duration::from_secs), spread: Duration::ZERO };
        times.after_success(&symbol, Vendor::Stooq, None, None, now).to_string()
    };
    assert_eq!(due(None), "2026-06-05T01:00:00Z"); // 20:00 UTC and five hours
    assert_eq!(due(Some(0)), "2026-06-04T20:00:00Z");
    assert_eq!(due(Some(90 * 60)), "2026-06-04T21:30:00Z");
    let times = PullTimes { settle: None, spread: Duration::ZERO };
    assert_eq!(times.after_failure(2, now, 1.0).to_string(), "2026-06-04T12:10:00Z");
}
