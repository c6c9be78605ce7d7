//! What is listed, where, and when its sessions are.

use cream_models::{Date, Timestamp};
use jiff::tz::TimeZone;

/// An instrument as a vendor describes it.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The symbol as the vendor spells it.
    pub symbol: String,
    /// The long name; left out of the answer where `None`.
    pub name: Option<String>,
    /// The short code of the exchange, such as `NMS`.
    pub exchange_code: String,
    /// The exchange, such as `NasdaqGS`.
    pub exchange: String,
    /// The currency of the prices; `null` in the answer where `None`.
    pub currency: Option<String>,
    /// The exchange's IANA time zone.
    pub zone: String,
    /// The kind of instrument, as the vendor spells it.
    pub kind: String,
    /// When a session begins, in minutes after midnight.
    pub opens: i32,
    /// When it ends.
    pub closes: i32,
    /// Whether weekends are traded.
    pub every_day: bool,
    /// The digits behind the point of a price as traded.
    pub digits: u8,
    /// Whether a volume is known; it is 0 otherwise.
    pub has_volume: bool,
    /// Whether a day has one price only, as a fund has.
    pub one_price: bool,
}

impl Listing {
    /// A stock on Nasdaq in US dollars, 09:30 to 16:00 New York time.
    #[must_use]
    pub fn us_stock(symbol: &str, name: &str) -> Self {
        Self {
            symbol: symbol.to_owned(),
            name: Some(name.to_owned()),
            exchange_code: "NMS".to_owned(),
            exchange: "NasdaqGS".to_owned(),
            currency: Some("USD".to_owned()),
            zone: "America/New_York".to_owned(),
            kind: "EQUITY".to_owned(),
            opens: 9 * 60 + 30,
            closes: 16 * 60,
            every_day: false,
            digits: 2,
            has_volume: true,
            one_price: false,
        }
    }

    /// A stock on another exchange.
    #[must_use]
    pub fn stock(
        symbol: &str,
        name: &str,
        (exchange_code, exchange): (&str, &str),
        currency: &str,
        zone: &str,
        (opens, closes): (i32, i32),
    ) -> Self {
        Self {
            exchange_code: exchange_code.to_owned(),
            exchange: exchange.to_owned(),
            currency: Some(currency.to_owned()),
            zone: zone.to_owned(),
            opens,
            closes,
            ..Self::us_stock(symbol, name)
        }
    }

    /// A stock in London, in pence, 08:00 to 16:30.
    #[must_use]
    pub fn london_stock(symbol: &str, name: &str) -> Self {
        let hours = (8 * 60, 16 * 60 + 30);
        Self::stock(symbol, name, ("LSE", "LSE"), "GBp", "Europe/London", hours)
    }

    /// A stock on Xetra, in euros, 09:00 to 17:30.
    #[must_use]
    pub fn german_stock(symbol: &str, name: &str) -> Self {
        let hours = (9 * 60, 17 * 60 + 30);
        Self::stock(symbol, name, ("GER", "XETRA"), "EUR", "Europe/Berlin", hours)
    }

    /// A stock in Sydney, 10:00 to 16:00: on a New York morning its date is a day ahead.
    #[must_use]
    pub fn australian_stock(symbol: &str, name: &str) -> Self {
        let hours = (10 * 60, 16 * 60);
        Self::stock(symbol, name, ("ASX", "ASX"), "AUD", "Australia/Sydney", hours)
    }

    /// An index in New York.
    #[must_use]
    pub fn index(symbol: &str, name: &str) -> Self {
        Self {
            exchange_code: "SNP".to_owned(),
            exchange: "SNP".to_owned(),
            kind: "INDEX".to_owned(),
            ..Self::us_stock(symbol, name)
        }
    }

    /// A currency pair: stamped at midnight in London, without volume.
    #[must_use]
    pub fn currency_pair(symbol: &str, name: &str) -> Self {
        Self {
            exchange_code: "CCY".to_owned(),
            exchange: "CCY".to_owned(),
            zone: "Europe/London".to_owned(),
            kind: "CURRENCY".to_owned(),
            opens: 0,
            closes: 23 * 60 + 59,
            digits: 4,
            has_volume: false,
            ..Self::us_stock(symbol, name)
        }
    }

    /// A crypto pair: seven days a week, stamped at midnight UTC, volumes above 2^32.
    #[must_use]
    pub fn crypto_pair(symbol: &str, name: &str) -> Self {
        Self {
            exchange_code: "CCC".to_owned(),
            exchange: "CCC".to_owned(),
            zone: "UTC".to_owned(),
            kind: "CRYPTOCURRENCY".to_owned(),
            opens: 0,
            closes: 23 * 60 + 59,
            every_day: true,
            digits: 6,
            ..Self::us_stock(symbol, name)
        }
    }

    /// A fund: one price a day, no volume.
    #[must_use]
    pub fn fund(symbol: &str, name: &str) -> Self {
        Self {
            exchange_code: "NAS".to_owned(),
            exchange: "Nasdaq".to_owned(),
            kind: "MUTUALFUND".to_owned(),
            has_volume: false,
            one_price: true,
            ..Self::us_stock(symbol, name)
        }
    }

    /// Whether there is a session on the day, holidays not considered.
    #[must_use]
    pub fn trades_on(&self, date: Date) -> bool {
        // 1970-01-01 was a Thursday.
        self.every_day || (date.days() + 3).rem_euclid(7) < 5
    }

    /// The next day with a session.
    #[must_use]
    pub fn trading_day_after(&self, date: Date) -> Date {
        let mut day = date.next().unwrap();
        while !self.trades_on(day) {
            day = day.next().unwrap();
        }
        day
    }

    /// When the session of a day ends.
    ///
    /// # Panics
    ///
    /// Where the zone is none.
    #[must_use]
    pub fn closes_at(&self, date: Date) -> Timestamp {
        self.sessions().close(date)
    }

    pub(crate) fn sessions(&self) -> Sessions {
        let zone = TimeZone::get(&self.zone).expect("an IANA time zone");
        Sessions { zone, opens: self.opens, closes: self.closes }
    }
}

/// When the sessions of a listing are, in UTC.
pub(crate) struct Sessions {
    zone: TimeZone,
    opens: i32,
    closes: i32,
}

impl Sessions {
    /// The instant of some minutes after midnight of the day in the exchange's zone.
    pub(crate) fn at(&self, date: Date, minutes: i32) -> Timestamp {
        let (year, month, day) = date.ymd();
        let day = jiff::civil::date(year as i16, month as i8, day as i8);
        let zoned = day
            .at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0)
            .to_zoned(self.zone.clone())
            .unwrap();
        Timestamp::from_seconds(zoned.timestamp().as_second())
    }

    pub(crate) fn open(&self, date: Date) -> Timestamp {
        self.at(date, self.opens)
    }

    pub(crate) fn close(&self, date: Date) -> Timestamp {
        self.at(date, self.closes)
    }

    /// The offset from UTC in seconds and the zone's short name at an instant.
    pub(crate) fn offset(&self, at: Timestamp) -> (i32, String) {
        let at = jiff::Timestamp::from_second(at.seconds()).unwrap();
        let info = self.zone.to_offset_info(at);
        (info.offset().seconds(), info.abbreviation().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_follow_summer_time() {
        let sessions = Listing::us_stock("A", "A").sessions();
        let open = |text: &str| sessions.open(text.parse().unwrap()).to_string();
        assert_eq!(open("2025-03-07"), "2025-03-07T14:30:00Z");
        assert_eq!(open("2025-03-10"), "2025-03-10T13:30:00Z");
        let close = Listing::us_stock("A", "A").closes_at("2025-03-10".parse().unwrap());
        assert_eq!(close.to_string(), "2025-03-10T20:00:00Z");
        let sydney = Listing::australian_stock("A.AX", "A").sessions();
        let at = sydney.open("2025-01-02".parse().unwrap());
        assert_eq!(at.to_string(), "2025-01-01T23:00:00Z");
        let pair = Listing::currency_pair("A=X", "A").sessions();
        let at = pair.open("2025-06-02".parse().unwrap());
        assert_eq!(at.to_string(), "2025-06-01T23:00:00Z");
        assert_eq!(pair.offset(at), (3600, "BST".to_owned()));
    }

    #[test]
    fn weekends_are_traded_by_crypto_only() {
        let saturday = "2025-06-14".parse().unwrap();
        assert!(!Listing::us_stock("A", "A").trades_on(saturday));
        assert!(Listing::crypto_pair("A-USD", "A").trades_on(saturday));
        let next = Listing::us_stock("A", "A").trading_day_after("2025-06-13".parse().unwrap());
        assert_eq!(next.to_string(), "2025-06-16");
    }
}
