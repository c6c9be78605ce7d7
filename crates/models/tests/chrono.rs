//! Dates and instants are the same days and moments in `chrono`.

#![cfg(feature = "chrono")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use cream_models::{Date, Timestamp};
use proptest::prelude::*;

#[test]
fn years_beyond_four_digits_are_no_dates() {
    for (year, is_date) in [(0, false), (1, true), (9999, true), (10_000, false)] {
        let theirs = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
        assert_eq!(Date::try_from(theirs).is_ok(), is_date, "{year}");
    }
    for theirs in [NaiveDate::MIN, NaiveDate::MAX] {
        let error = Date::try_from(theirs).unwrap_err().to_string();
        assert!(error.contains("is not a date: expected YYYY-MM-DD"), "{error}");
    }
    for ours in [Date::MIN, Date::MAX] {
        assert_eq!(Date::try_from(NaiveDate::from(ours)), Ok(ours));
    }
}

#[test]
fn instants_beyond_their_years_are_refused() {
    for micros in [i64::MIN, i64::MAX] {
        assert!(DateTime::<Utc>::try_from(Timestamp::from_micros(micros)).is_err());
    }
    assert_eq!(Timestamp::from(DateTime::<Utc>::MIN_UTC).micros() % 1_000_000, 0);
}

proptest! {
    #[test]
    fn dates_are_the_same_day(days in -719_162_i32..=2_932_896) {
        let ours = Date::from_days(days).unwrap();
        let theirs = NaiveDate::from(ours);
        let (month, day) = (u32::from(ours.month()), u32::from(ours.day()));
        prop_assert_eq!((theirs.year(), theirs.month(), theirs.day()), (ours.year(), month, day));
        prop_assert_eq!(Date::try_from(theirs), Ok(ours));
    }

    #[test]
    fn instants_are_the_same_moment(seconds in -62_135_596_800_i64..253_402_300_800, micros in 0..1_000_000_i64) {
        let ours = Timestamp::from_micros(seconds * 1_000_000 + micros);
        let theirs = DateTime::<Utc>::try_from(ours).unwrap();
        prop_assert_eq!((theirs.timestamp(), i64::from(theirs.timestamp_subsec_micros())), (seconds, micros));
        prop_assert_eq!(Timestamp::from(theirs), ours);
        prop_assert_eq!(theirs.date_naive(), NaiveDate::from(ours.date()));
    }
}
