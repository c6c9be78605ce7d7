//! How a vendor can misbehave.

use std::time::Duration;

use cream_models::{Timestamp, Vendor};

/// Something that a vendor does instead of answering as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with the vendor's own text, without `Retry-After`.
    RateLimited,
    /// 429 with `Retry-After` in seconds.
    RateLimitedSeconds(u32),
    /// 429 with `Retry-After` as a date.
    RateLimitedDate(Timestamp),
    /// 500.
    InternalError,
    /// 502 from a proxy.
    BadGateway,
    /// 503 with a page that asks for patience.
    Unavailable,
    /// 404 with the vendor's own words for a symbol that it does not know.
    NotFound,
    /// 401 with the vendor's own words for a bad key, or for a bad crumb.
    Unauthorized,
    /// What the vendor answers for a symbol that it does not know, be it with the status 200.
    UnknownSymbol,
    /// What the vendor answers to a bad key, be it with the status 200.
    BadKey,
    /// What the vendor answers to who has asked as often as the plan allows: 402, 403, 429, or 200
    /// with a text.
    QuotaSpent,
    /// 200 with an HTML page that asks for consent.
    ConsentPage,
    /// A right answer that begins after so long a time.
    SlowHeaders(Duration),
    /// A right answer whose body trickles in over so long a time.
    SlowBody(Duration),
    /// A right answer of which the connection ends after half of the body.
    CutShort,
    /// A right answer with a `Content-Length` of half of the body.
    WrongLength,
    /// 200 with a gzip body of about 100 KiB that unfolds to 96 MiB.
    GzipBomb,
    /// 200 with a body without an end.
    EndlessBody,
    /// 302 to an address that leads in circles.
    RedirectLoop,
    /// 302 to another host name, where a right answer waits; see
    /// [`Door::Elsewhere`](super::Door::Elsewhere).
    RedirectElsewhere,
    /// The connection is reset instead of an answer.
    Reset,
    /// A right answer about another symbol, where the format names one; see
    /// [`Fault::names_symbol`].
    WrongSymbol,
    /// 200 without a body.
    Empty,
    /// 200 with the first half of a right body, framed as if it were whole.
    HalfJson,
    /// What the vendor answers where it knows the symbol and has no prices.
    NoData,
    /// 200 with words that are nothing.
    Garbage,
}

impl Fault {
    /// One of each. Slow ones take half a minute; the date is in 2099.
    pub const ALL: [Self; 26] = [
        Self::RateLimited,
        Self::RateLimitedSeconds(7),
        Self::RateLimitedDate(Timestamp::from_seconds(4_070_908_800)),
        Self::InternalError,
        Self::BadGateway,
        Self::Unavailable,
        Self::NotFound,
        Self::Unauthorized,
        Self::UnknownSymbol,
        Self::BadKey,
        Self::QuotaSpent,
        Self::ConsentPage,
        Self::SlowHeaders(Duration::from_secs(30)),
        Self::SlowBody(Duration::from_secs(30)),
        Self::CutShort,
        Self::WrongLength,
        Self::GzipBomb,
        Self::EndlessBody,
        Self::RedirectLoop,
        Self::RedirectElsewhere,
        Self::Reset,
        Self::WrongSymbol,
        Self::Empty,
        Self::HalfJson,
        Self::NoData,
        Self::Garbage,
    ];

    /// Whether a vendor's prices name the symbol they are of, so that [`Fault::WrongSymbol`] shows.
    #[must_use]
    pub const fn names_symbol(vendor: Vendor) -> bool {
        matches!(
            vendor,
            Vendor::YahooChart
                | Vendor::YahooPage
                | Vendor::AlphaVantage
                | Vendor::Massive
                | Vendor::Nasdaq
        )
    }
}

/// How often a vendor misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// At the next request.
    Once,
    /// At so many requests.
    Exactly(u32),
    /// Until it is told to behave.
    Always,
}

/// Whose requests a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Vendor(Vendor),
    /// Paths that begin so.
    Path(String),
}

/// The faults that are still to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan(Vec<(Target, Fault, Times)>);

impl Plan {
    pub(crate) fn add(&mut self, target: Target, fault: Fault, times: Times) {
        self.0.push((target, fault, times));
    }

    pub(crate) fn forget(&mut self, target: Option<&Target>) {
        self.0.retain(|(known, ..)| target.is_some_and(|target| known != target));
    }

    /// The fault that befalls a request: the oldest that is due.
    pub(crate) fn next(&mut self, vendor: Option<Vendor>, path: &str) -> Option<Fault> {
        self.0.retain(|(.., times)| *times != Times::Exactly(0));
        let due = |(target, ..): &&mut (Target, Fault, Times)| match target {
            Target::Vendor(known) => Some(*known) == vendor,
            Target::Path(start) => path.starts_with(start.as_str()),
        };
        let (_, fault, times) = self.0.iter_mut().find(due)?;
        *times = match *times {
            Times::Always => Times::Always,
            Times::Once => Times::Exactly(0),
            Times::Exactly(left) => Times::Exactly(left - 1),
        };
        Some(*fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_as_often_as_said() {
        let mut plan = Plan::default();
        let massive = || Target::Vendor(Vendor::Massive);
        plan.add(massive(), Fault::Reset, Times::Exactly(2));
        plan.add(Target::Path("/v3/".to_owned()), Fault::Empty, Times::Always);
        plan.add(massive(), Fault::NoData, Times::Once);
        let mut next = |path| plan.next(Some(Vendor::Massive), path);
        assert_eq!(next("/v2/"), Some(Fault::Reset));
        assert_eq!(next("/v3/"), Some(Fault::Reset));
        assert_eq!(next("/v3/"), Some(Fault::Empty));
        assert_eq!(next("/v2/"), Some(Fault::NoData));
        assert_eq!(next("/v2/"), None);
        assert_eq!(plan.next(Some(Vendor::Tiingo), "/tiingo/"), None);
        plan.forget(Some(&Target::Path("/v3/".to_owned())));
        assert_eq!(plan.next(None, "/v3/"), None);
    }
}
