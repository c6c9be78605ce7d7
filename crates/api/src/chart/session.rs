//! The instants of trading days.
//!
//! A bar is stored with its date alone, and Yahoo's answers carry the instant at which the session
//! began. Clients convert it into the exchange's time zone and take the date, so any instant within
//! the date there does; 09:30 is the true one in New York. What has no exchange (currencies, coins)
//! begins at midnight.

use cream_calendar::market_of;
use cream_models::{Date, Interval, Symbol};
use cream_store::Series;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// A day, in seconds.
const DAY: i64 = 86_400;
/// A day, in minutes.
const MINUTES: u16 = 1_440;
/// When a session at an exchange begins, in minutes since midnight.
const OPEN: u16 = 9 * 60 + 30;

/// The sessions of one series.
pub(super) struct Session {
    zone: TimeZone,
    /// Minutes since midnight there.
    open: u16,
    /// The same; after `open` and before the next midnight.
    close: u16,
}

/// What holds at an instant in the time zone.
pub(super) struct Clock {
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// Such as `EST`.
    pub(super) abbreviation: String,
}

impl Session {
    /// In the time zone that the vendor tells, or else that of the symbol's market.
    pub(super) fn of(symbol: &Symbol, series: &Series) -> Self {
        let exchange = series.description.exchange.as_ref().map(|said| said.text.as_str());
        let market = market_of(symbol, exchange, series.time_zone());
        let told = series.time_zone().and_then(|name| TimeZone::get(name).ok());
        let is_always_open = market.close >= MINUTES;
        let zone = told.unwrap_or(market.time_zone);
        let open = if is_always_open { 0 } else { OPEN };
        Self { zone, open, close: market.close.clamp(open + 1, MINUTES - 1) }
    }

    /// The IANA name of the time zone.
    pub(super) fn zone_name(&self) -> &str {
        // Zones are only ever found by their names.
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The instant of a bar: a week or a month begins at midnight.
    pub(super) fn of_bar(&self, interval: Interval, date: Date) -> i64 {
        self.at(date, if interval == Interval::Day { self.open } else { 0 })
    }

    /// When the session of a date begins, in seconds since 1970.
    pub(super) fn open(&self, date: Date) -> i64 {
        self.at(date, self.open)
    }

    /// When it ends.
    pub(super) fn close(&self, date: Date) -> i64 {
        self.at(date, self.close)
    }

    fn at(&self, date: Date, minutes: u16) -> i64 {
        let local = i64::from(date.days()) * DAY + i64::from(minutes) * 60;
        let at = Timestamp::from_second(local).ok().and_then(|at| {
            let at = Offset::UTC.to_datetime(at);
            self.zone.to_ambiguous_timestamp(at).compatible().ok()
        });
        // Beyond the years that a time zone is known for.
        at.map_or(local, Timestamp::as_second)
    }

    /// The first date whose session begins at this instant or later.
    pub(super) fn first_from(&self, seconds: i64) -> Option<Date> {
        let date = self.date(seconds);
        if self.open(date) < seconds { date.next() } else { Some(date) }
    }

    /// The last date whose session begins before this instant.
    pub(super) fn last_before(&self, seconds: i64) -> Option<Date> {
        let date = self.date(seconds);
        if self.open(date) < seconds { Some(date) } else { date.previous() }
    }

    fn date(&self, seconds: i64) -> Date {
        let offset = self.clock_at(seconds).map_or(0, |at| i64::from(at.seconds()));
        Date::from_days_saturating(seconds.saturating_add(offset).div_euclid(DAY))
    }

    fn clock_at(&self, seconds: i64) -> Option<Offset> {
        Timestamp::from_second(seconds).ok().map(|at| self.zone.to_offset(at))
    }

    /// What the clocks show at an instant.
    pub(super) fn clock(&self, seconds: i64) -> Clock {
        let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let info = self.zone.to_offset_info(at);
        Clock {
            offset: i64::from(info.offset().seconds()),
            abbreviation: info.abbreviation().to_owned(),
        }
    }
}
