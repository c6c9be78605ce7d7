//! The vendors that can be asked, one module each, and the table of them.

mod alpha_vantage;
mod eodhd;
mod massive;
mod nasdaq;
mod stooq;
mod tiingo;
mod yahoo;
mod yahoo_chart;
mod yahoo_page;

use cream_models::{Date, RateLimit, Timestamp, Vendor};

pub(crate) use yahoo::{Session, is_consent};

use crate::address::{KeyPlace, Request};
use crate::error::Failure;

/// What there is to know of a vendor before it is asked.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) vendor: Vendor,
    /// Where its API is.
    pub(crate) host: &'static str,
    /// Every host that is the vendor's.
    pub(crate) hosts: &'static [&'static str],
    pub(crate) limits: &'static [RateLimit],
    pub(crate) key: Key,
    /// Headers that it wants to see.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Whether one answer holds everything, so that it can be asked for conditionally.
    pub(crate) is_single: bool,
}

/// Whether a vendor wants a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// It knows none.
    None,
    /// It takes one, to be had here.
    Optional(KeyPlace, &'static str),
    /// It answers nothing without one, to be had here.
    Required(KeyPlace, &'static str),
}

impl Key {
    pub(crate) const fn place(self) -> Option<KeyPlace> {
        match self {
            Self::None => None,
            Self::Optional(place, _) | Self::Required(place, _) => Some(place),
        }
    }
}

/// What is asked for, in the vendor's terms.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The vendor's spelling.
    pub(crate) symbol: String,
    pub(crate) from: Option<Date>,
    pub(crate) to: Date,
    /// Whether the key is of a plan that gives everything.
    pub(crate) premium: bool,
    /// Whether actions are wanted that are asked for separately.
    pub(crate) actions: bool,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) result: Got,
}

/// How a request went whose failure does not end the fetch.
#[derive(Debug)]
pub(crate) enum Got {
    /// An answer that the parser takes, and where it says that it goes on.
    Answer { next_page: Option<String> },
    /// The symbol is not known, under this address.
    Unknown,
    /// The plan does not include it.
    NotInPlan,
}

/// How one vendor is asked.
///
/// A new vendor is a module with this trait and a line in [`SOURCES`].
pub(crate) trait Source: Sync {
    fn about(&self) -> &'static About;

    /// The next request, given what became of those before; `None` where nothing is left to ask.
    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request>;

    /// What an answer means that neither its status nor the parser tells.
    fn judge(&self, _status: u16, _body: &[u8]) -> Option<Failure> {
        None
    }

    /// The address of the next page, as an answer tells it.
    fn next_page(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// What a refusal may be cured with.
    fn session(&self) -> Need {
        Need::Nothing
    }

    /// When a quota that is spent is renewed, as far as is known.
    fn renewed(&self, now: Timestamp, _words: &str) -> Timestamp {
        now.plus_seconds(3600)
    }

    /// Whether the answers hold only the newest days, whatever was asked for, so that nothing is
    /// said about the dates before.
    fn is_cut(&self, _question: &Question) -> bool {
        false
    }

    /// Whether the corporate actions that the vendor tells are asked for.
    fn asks_actions(&self, _question: &Question) -> bool {
        true
    }
}

/// What a vendor may want to see before it sends prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing but the request.
    Nothing,
    /// A cookie.
    Cookie,
    /// A cookie, and the crumb that belongs to it.
    CookieAndCrumb,
}

/// Every vendor that can be asked.
pub(crate) static SOURCES: [&dyn Source; 8] = [
    &yahoo_chart::YahooChart,
    &yahoo_page::YahooPage,
    &tiingo::Tiingo,
    &alpha_vantage::AlphaVantage,
    &massive::Massive,
    &eodhd::Eodhd,
    &stooq::Stooq,
    &nasdaq::Nasdaq,
];

/// How a vendor is asked.
#[cfg(test)]
pub(crate) fn of(vendor: Vendor) -> Option<&'static dyn Source> {
    SOURCES.iter().copied().find(|source| source.about().vendor == vendor)
}

/// So many requests within any minute.
const fn per_minute(requests: u32) -> RateLimit {
    RateLimit { requests, seconds: 60 }
}

/// So many requests within any hour.
const fn per_hour(requests: u32) -> RateLimit {
    RateLimit { requests, seconds: 3600 }
}

/// So many requests within any 24 hours.
const fn per_day(requests: u32) -> RateLimit {
    RateLimit { requests, seconds: 86_400 }
}

/// The next of some requests that do not depend on each other's answers.
fn in_turn(requests: Vec<Request>, before: &[Asked]) -> Option<Request> {
    if before
        .iter()
        .any(|asked| asked.request.is_essential && !matches!(asked.result, Got::Answer { .. }))
    {
        return None;
    }
    requests.into_iter().nth(before.len())
}

/// The instant of the next midnight in UTC, or of an hour after it.
fn next_day(now: Timestamp, hour: i64) -> Timestamp {
    let start = Timestamp::start_of(now.date()).plus_seconds(hour * 3600);
    if start > now { start } else { start.plus_seconds(86_400) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_but_the_users_own_files_can_be_asked() {
        for vendor in Vendor::ALL {
            assert_eq!(of(vendor).is_some(), vendor != Vendor::Csv, "{vendor}");
        }
        for source in SOURCES {
            let about = source.about();
            assert!(about.hosts.contains(&about.host), "{}", about.vendor);
            assert!(!about.limits.is_empty(), "{}", about.vendor);
        }
    }

    #[test]
    fn quotas_are_renewed_in_the_future() {
        let now: Timestamp = "2025-06-16T21:30:00Z".parse().unwrap();
        let renewed = |vendor, words| of(vendor).unwrap().renewed(now, words).to_string();
        assert_eq!(renewed(Vendor::Eodhd, ""), "2025-06-17T00:00:00Z");
        assert_eq!(renewed(Vendor::AlphaVantage, ""), "2025-06-17T05:00:00Z");
        assert_eq!(
            renewed(Vendor::Tiingo, "your hourly request allocation"),
            "2025-06-16T22:00:00Z"
        );
        assert_eq!(
            renewed(Vendor::Tiingo, "your daily request allocation"),
            "2025-06-17T05:00:00Z"
        );
        for source in SOURCES {
            assert!(source.renewed(now, "") > now);
        }
    }
}
