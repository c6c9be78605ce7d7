//! Instants to dates at the exchange.

use cream_models::Date;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// A day, in seconds.
const DAY: i64 = 86_400;

/// Turns seconds since 1970 into the date at the exchange.
///
/// The offset that holds now, and from when to when it does, are kept: as rows ascend, a row
/// costs a comparison and a division, and the database is asked twice a year.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    zone: TimeZone,
    from: i64,
    until: i64,
    offset: i64,
}

impl Zone {
    /// The zone of an IANA name, from the database built into the program; `None` where it knows
    /// no such name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self::new)
    }

    /// The zone of a fixed offset in seconds; `None` where it is more than a day or so.
    pub(crate) fn fixed(offset: i64) -> Option<Self> {
        let offset = Offset::from_seconds(i32::try_from(offset).ok()?).ok()?;
        Some(Self::new(TimeZone::fixed(offset)))
    }

    const fn new(zone: TimeZone) -> Self {
        Self { zone, from: 0, until: 0, offset: 0 }
    }

    /// The date at the exchange, or `None` outside of the years 1 to 9999.
    #[inline(always)]
    pub(crate) fn date(&mut self, seconds: i64) -> Option<Date> {
        if seconds < self.from || seconds >= self.until {
            self.seek(seconds)?;
        }
        let days = (seconds + self.offset).div_euclid(DAY);
        Date::from_days(i32::try_from(days).ok()?)
    }

    /// Goes on to the offset that follows, if it is the one: as rows ascend, it mostly is.
    fn next(&mut self, seconds: i64) -> Option<()> {
        if self.from >= self.until || seconds < self.until {
            return None;
        }
        let before = Timestamp::from_second(self.until.checked_sub(1)?).ok()?;
        let mut following = self.zone.following(before);
        let first = following.next().filter(|first| first.timestamp().as_second() == self.until)?;
        let until = following.next()?.timestamp().as_second();
        if seconds >= until {
            return None;
        }
        (self.from, self.until) = (self.until, until);
        self.offset = i64::from(first.offset().seconds());
        Some(())
    }

    #[cold]
    fn seek(&mut self, seconds: i64) -> Option<()> {
        // All that can fail comes first: half of it kept would misplace the rows that follow.
        let instant = Timestamp::from_second(seconds).ok()?;
        if self.next(seconds).is_some() {
            return Some(());
        }
        let after = Timestamp::from_second(seconds.saturating_add(1)).ok()?;
        self.offset = i64::from(self.zone.to_offset(instant).seconds());
        self.until = match self.zone.following(instant).next() {
            Some(transition) => transition.timestamp().as_second(),
            None => Timestamp::MAX.as_second(),
        };
        self.from = match self.zone.preceding(after).next() {
            Some(transition) => transition.timestamp().as_second(),
            None => Timestamp::MIN.as_second(),
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(zone: &str, seconds: i64) -> String {
        Zone::named(zone).unwrap().date(seconds).map_or("none".to_owned(), |date| date.to_string())
    }

    #[test]
    fn dates_are_those_at_the_exchange() {
        // 2010-06-29 09:30 in New York, 10:00 in Sydney on a day that is still the day before in
        // UTC, and midnight in London in summer.
        assert_eq!(date("America/New_York", 1_277_818_200), "2010-06-29");
        assert_eq!(date("Australia/Sydney", 1_761_778_800), "2025-10-30");
        assert_eq!(date("Europe/London", 1_751_324_400), "2025-07-01");
        assert_eq!(date("UTC", 1_751_324_400), "2025-06-30");
        assert_eq!(Zone::fixed(3600).unwrap().date(-1).unwrap().to_string(), "1970-01-01");
    }

    #[test]
    fn what_is_no_zone_or_no_date_is_none() {
        assert!(Zone::named("America/Nowhere").is_none());
        assert!(Zone::named("").is_none());
        assert!(Zone::fixed(1_000_000).is_none());
        assert_eq!(date("UTC", i64::MAX), "none");
        assert_eq!(date("UTC", i64::MIN), "none");
        assert_eq!(date("UTC", 253_402_300_800), "none");
        assert_eq!(date("UTC", -62_135_596_801), "none");
    }

    #[test]
    fn an_instant_at_the_end_of_time_does_not_misplace_the_next() {
        let mut zone = Zone::named("America/New_York").unwrap();
        let _ = zone.date(Timestamp::MAX.as_second());
        // Midnight in summer, 23:00 of the day before by the offset of December.
        assert_eq!(zone.date(1_592_193_600).unwrap().to_string(), "2020-06-15");
    }

    proptest! {
        #[test]
        fn the_kept_offset_is_the_right_one(
            name in prop::sample::select(vec!["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]),
            seconds in prop::collection::vec(-5_000_000_000_i64..8_000_000_000, 1..20),
        ) {
            let mut zone = Zone::named(name).unwrap();
            let jiff = TimeZone::get(name).unwrap();
            for second in seconds {
                for second in [second, second + 1, second + 40_000_000] {
                    let theirs = Timestamp::from_second(second).unwrap().to_zoned(jiff.clone()).date();
                    prop_assert_eq!(zone.date(second).unwrap().to_string(), theirs.to_string());
                }
            }
        }

        #[test]
        fn nothing_panics(seconds: i64) {
            let _ = date("Europe/London", seconds);
        }
    }
}
