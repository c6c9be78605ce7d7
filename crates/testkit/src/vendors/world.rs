//! What the server knows when it answers, and what a vendor's format has to be able to say.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cream_models::{Date, DateRange, Vendor};

use super::http::{Answer, Request};
use super::instrument::us_spelling;
use super::instruments::Instruments;
use super::{Instrument, YahooDoor};

/// The canonical symbol that an answer about another instrument names.
const OTHER: &str = "OTHER9";

/// Everything that answers depend on, as it is at the moment of a request.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Shared, since there may be many and each request looks at the world as it found it.
    pub(crate) instruments: Arc<Instruments>,
    /// Vendors whose key is one of the free plan.
    pub(crate) free_plans: Vec<Vendor>,
    /// The most rows in an answer of a vendor that pages.
    pub(crate) page_size: usize,
    pub(crate) yahoo_door: YahooDoor,
    /// How often crumbs and cookies were made invalid.
    pub(crate) crumbs_expired: u32,
    /// Whether a visitor has agreed to what Yahoo's consent page asks.
    pub(crate) has_agreed: Arc<AtomicBool>,
    pub(crate) base_url: String,
    /// Whether answers name another symbol than the one asked for.
    pub(crate) is_mistaken: bool,
}

/// An instrument by the name that the answer gives it.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) instrument: Arc<Instrument>,
}

impl World {
    /// The instrument that a vendor spells so.
    pub(crate) fn find(&self, vendor: Vendor, spelling: &str) -> Option<Found> {
        let instrument = self.instruments.find(vendor, spelling)?;
        let name =
            if self.is_mistaken { us_spelling(OTHER, vendor) } else { instrument.spelling(vendor) };
        Some(Found { name, instrument })
    }

    pub(crate) fn is_free(&self, vendor: Vendor) -> bool {
        self.free_plans.contains(&vendor)
    }
}

/// What every vendor has its own words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    /// Asked too often for the moment.
    TooFast,
    /// Asked as often as the plan allows in a day or an hour.
    QuotaSpent,
    BadKey,
    UnknownSymbol,
    /// The symbol is known and there are no prices.
    NoData,
}

/// A vendor's format.
pub(crate) trait Format: Sync {
    /// The answer to a request for one of the vendor's paths.
    fn answer(&self, world: &World, request: &Request) -> Answer;

    /// How the vendor says it, with the status it says it with.
    fn says(&self, saying: Saying, request: &Request) -> Answer;
}

/// The dates that a query asks for, by the names of its bounds, both inclusive; everything where a
/// bound is absent. `None` where a bound is no date.
pub(crate) fn dates(request: &Request, from: &str, to: &str) -> Option<DateRange> {
    let bound = |name: &str, otherwise: Date| match request.query(name) {
        Some(text) if !text.is_empty() => date(&text),
        _ => Some(otherwise),
    };
    range(bound(from, Date::MIN)?, bound(to, Date::MAX)?)
}

/// A range; that of a day nobody trades on where it is reversed, since vendors then send nothing.
pub(crate) fn range(first: Date, last: Date) -> Option<DateRange> {
    Some(DateRange::new(first, last).unwrap_or(DateRange::single(Date::MIN)))
}

/// `2025-06-13`, with a time behind it or not, or `20250613`.
pub(crate) fn date(text: &str) -> Option<Date> {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]).parse().ok();
    }
    text.get(..10)?.parse().ok()
}
