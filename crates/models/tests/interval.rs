//! Weekly and monthly bars against the definition, written down plainly.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;

use cream_models::{Aggregator, Bar, BarField, BarFlags, Date, Interval};
use proptest::prelude::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Tomohiko Sakamoto's rule; 0 is Sunday.
fn weekday(date: Date) -> i32 {
    let (year, month, day) = date.ymd();
    let offsets = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year - 1 } else { year };
    let offset = offsets.get(usize::from(month) - 1).unwrap();
    (year + year / 4 - year / 100 + year / 400 + offset + i32::from(day)).rem_euclid(7)
}

/// The first calendar day of the period.
fn label(interval: Interval, mut date: Date) -> Date {
    let is_first = |date: Date| match interval {
        Interval::Day => true,
        Interval::Week => weekday(date) == 1,
        Interval::Month => date.day() == 1,
    };
    while !is_first(date) {
        date = date.previous().unwrap();
    }
    date
}

/// A day as it was delivered, and as it is served.
type Day = (Bar, Bar);

/// The definition, word by word.
fn plain(interval: Interval, days: &[Day], last_date: Date, splits: &[Date]) -> Vec<Bar> {
    let mut periods: BTreeMap<Date, Vec<Day>> = BTreeMap::new();
    for day in days {
        periods.entry(label(interval, day.0.date())).or_default().push(*day);
    }
    let bar = |(first, days): (Date, Vec<Day>)| {
        let priced = days.iter().filter(|(delivered, _)| delivered.has_price());
        let priced: Vec<Bar> = priced.map(|(_, served)| *served).collect();
        let values =
            |field| -> Option<Vec<i64>> { priced.iter().map(|b| b.value(field)).collect() };
        let mut bar = Bar::new(first);
        bar.set(BarField::Open, priced.first()?.value(BarField::Open));
        bar.set(BarField::High, values(BarField::High).and_then(|all| all.into_iter().max()));
        bar.set(BarField::Low, values(BarField::Low).and_then(|all| all.into_iter().min()));
        for field in [BarField::Close, BarField::AdjClose] {
            bar.set(field, priced.last()?.value(field));
        }
        let sum = |all: Vec<i64>| i64::try_from(all.into_iter().map(i128::from).sum::<i128>()).ok();
        bar.set(BarField::Volume, values(BarField::Volume).and_then(sum));
        let mut flags = priced.iter().fold(BarFlags::NONE, |flags, bar| flags | bar.flags());
        for (before, after) in priced.iter().zip(priced.iter().skip(1)) {
            if splits.iter().any(|split| before.date() < *split && *split <= after.date()) {
                flags |= BarFlags::MIXED_SHARE_COUNTS;
            }
        }
        let all_final = days.iter().all(|(delivered, _)| delivered.is_final());
        let next = (1..).map(|n| Date::from_days(first.days() + n).unwrap());
        let end = { next }.find(|date| label(interval, *date) != first).unwrap();
        let is_over = last_date >= end.previous().unwrap();
        Some(bar.with_flags(flags).with_final(all_final && is_over))
    };
    periods.into_iter().filter_map(bar).collect()
}

/// What is to be tested, a period at a time.
fn aggregated(interval: Interval, days: &[Day], last_date: Date, splits: &[Date]) -> Vec<Bar> {
    let aggregator = Aggregator { interval, last_date, splits };
    days.chunk_by(|a, b| interval.period(a.0.date()).contains(b.0.date()))
        .filter_map(|period| aggregator.bar(period.iter().map(|(held, served)| (held, served))))
        .collect()
}

fn value() -> impl Strategy<Value = Option<i64>> {
    let number = prop_oneof![-5_i64..100, -5_i64..100, Just(i64::MAX), Just(i64::MIN)];
    prop_oneof![5 => number.prop_map(Some), 1 => Just(None)]
}

fn values() -> impl Strategy<Value = [Option<i64>; 6]> {
    let unknown = prop::array::uniform6(Just(None));
    let no_price = value().prop_map(|volume| [None, None, None, None, None, volume]);
    prop_oneof![6 => prop::array::uniform6(value()), 1 => unknown, 1 => no_price]
}

fn one_day() -> impl Strategy<Value = (i32, Day)> {
    let flags = prop_oneof![3 => Just(0_u16), 1 => 0_u16..128];
    let is_final = prop::bool::weighted(0.9);
    (1_i32..6, values(), prop::option::weighted(0.3, values()), flags, is_final).prop_map(
        |(step, delivered, served, flags, is_final)| {
            let flags = BarFlags::from_bits(flags).unwrap();
            let mut bar = Bar::new(Date::MIN).with_final(is_final).with_flags(flags);
            for (field, value) in BarField::ALL.into_iter().zip(delivered) {
                bar.set(field, value);
            }
            let mut other = bar;
            for (field, value) in BarField::ALL.into_iter().zip(served.unwrap_or(delivered)) {
                other.set(field, value);
            }
            (step, (bar, other))
        },
    )
}

/// Days in order, over the end of a year more often than not.
fn series() -> impl Strategy<Value = Vec<Day>> {
    let start = (1..=400_i32, 0..60_i32);
    (start, prop::collection::vec(one_day(), 0..60)).prop_map(|((year, before), days)| {
        let mut date = day("1700-12-31").days() + year * 365 + year / 4 - before;
        let dated = days.into_iter().map(|(step, (held, served))| {
            date += step;
            let date = Date::from_days(date).unwrap();
            (held.with_date(date), served.with_date(date))
        });
        dated.collect()
    })
}

proptest! {
    #[test]
    fn bars_of_periods_are_those_of_the_definition(
        days in series(),
        splits in prop::collection::vec(0_i32..150, 0..4),
        ahead in 0_i32..20,
    ) {
        let first = days.first().map_or(Date::MIN, |(bar, _)| bar.date()).days();
        let splits: Vec<Date> =
            splits.into_iter().map(|n| Date::from_days(first + n).unwrap()).collect();
        let last_date = days.last().map_or(Date::MIN, |(bar, _)| bar.date()).days() + ahead;
        let last_date = Date::from_days(last_date).unwrap();
        for interval in Interval::ALL {
            let wanted = plain(interval, &days, last_date, &splits);
            prop_assert_eq!(aggregated(interval, &days, last_date, &splits), wanted);
        }
    }

    #[test]
    fn nothing_panics_at_the_ends_of_the_calendar(
        days in prop_oneof![
            (0_i32..80).prop_map(|n| Date::MIN.days() + n),
            (0_i32..80).prop_map(|n| Date::MAX.days() - n),
        ],
        values in values(),
    ) {
        let mut bar = Bar::new(Date::from_days(days).unwrap());
        for (field, value) in BarField::ALL.into_iter().zip(values) {
            bar.set(field, value);
        }
        for interval in Interval::ALL {
            let bars = aggregated(interval, &[(bar, bar)], Date::MAX, &[]);
            prop_assert_eq!(bars.len(), usize::from(bar.has_price()));
            for aggregated in bars {
                prop_assert_eq!(aggregated.date(), interval.period(bar.date()).first());
                prop_assert_eq!(aggregated.with_date(bar.date()), bar);
            }
        }
    }
}

#[test]
fn a_day_that_is_adjusted_to_unknown_is_not_passed_over() {
    let bar = |date: &str, open: &str| {
        Bar::new(day(date)).with_open(open.parse().unwrap()).with_volume(7)
    };
    let (monday, tuesday) = (bar("2024-01-01", "5"), bar("2024-01-02", "6"));
    let unknown = Bar::new(monday.date());
    let days = [(monday, unknown), (tuesday, tuesday)];
    let weeks = aggregated(Interval::Week, &days, day("2024-01-07"), &[]);
    assert_eq!(weeks, [Bar::new(monday.date())]);
    let days = [(unknown, unknown), (tuesday, tuesday)];
    let weeks = aggregated(Interval::Week, &days, day("2024-01-07"), &[]);
    assert_eq!(weeks, [tuesday.with_date(monday.date())]);
}
