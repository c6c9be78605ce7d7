//! How much one client may ask for, and how much is answered at once.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use cream_store::TokenId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::client::counted;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    Token(TokenId),
    /// As [`counted`] gives it.
    Address(IpAddr),
    /// All who come while too many others are known already.
    Crowd,
}

impl Client {
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(counted(address))
    }
}

/// How a client stands after a request that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Requests that may come at once.
    quota: u32,
    /// How many of them are left.
    left: u32,
    /// How long until all are there again (allowed) or until the next one is (refused).
    wait: Duration,
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// So many seconds' worth of requests may come at once.
const BURST_SECONDS: u32 = 2;

impl Allowance {
    /// Whole seconds, rounded up: who waits that long is not too early.
    pub(crate) fn wait_seconds(&self) -> u64 {
        self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0)
    }

    /// Tells it in the fields of draft-ietf-httpapi-ratelimit-headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Self { quota, left, .. } = self;
        let policy = format!("\"client\";q={quota};w={BURST_SECONDS}");
        let now = format!("\"client\";r={left};t={}", self.wait_seconds());
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, now)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

type Limiter =
    RateLimiter<Client, DashMapStateStore<Client>, DefaultClock, StateInformationMiddleware>;

/// Counts requests by client: so many a second in the long run, twice as many at once.
pub(crate) struct RateLimit {
    limiter: Limiter,
    per_second: u32,
    clock: DefaultClock,
    checks: AtomicU64,
    max_clients: usize,
}

/// Clients that are told apart; each takes some 100 bytes.
const MAX_CLIENTS: usize = 100_000;
/// After so many requests it is looked whether there are more.
const CHECKS: u64 = 1_024;

impl RateLimit {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            limiter: RateLimiter::dashmap(quota).with_middleware(),
            per_second: per_second.get(),
            clock: DefaultClock::default(),
            checks: AtomicU64::new(0),
            max_clients: MAX_CLIENTS,
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// Where it is one too many.
    pub(crate) fn count(&self, client: Client) -> Result<Allowance, Allowance> {
        let client = if self.is_crowded() { Client::Crowd } else { client };
        match self.limiter.check_key(&client) {
            Ok(state) => {
                let quota = state.quota().burst_size().get();
                let left = state.remaining_burst_capacity();
                let spent = Duration::from_secs(u64::from(quota.saturating_sub(left)));
                Ok(Allowance { quota, left, wait: spent / self.per_second })
            }
            Err(refused) => {
                let quota = refused.quota().burst_size().get();
                let wait = refused.wait_time_from(self.clock.now());
                Err(Allowance { quota, left: 0, wait })
            }
        }
    }

    /// Forgets clients that have all their requests left, now and then. Whether there are too
    /// many even so.
    fn is_crowded(&self) -> bool {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.len() >= self.max_clients
    }
}

/// Counts what is being answered.
#[derive(Clone)]
pub(crate) struct Seats {
    taken: Arc<AtomicUsize>,
    all: usize,
}

/// A request that is being answered, until this is dropped.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seats {
    pub(crate) fn new(all: usize) -> Self {
        Self { taken: Arc::default(), all: all.max(1) }
    }

    /// `None` where all are taken.
    pub(crate) fn take(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.taken));
        // The seat gives it back where it was one too many.
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.all).then_some(seat)
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: u32) -> RateLimit {
        RateLimit::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn each_client_has_its_own_requests() {
        let limit = limit(1);
        let [one, other] = [1, 2].map(|last| Client::at(IpAddr::from([192, 0, 2, last])));
        let first = limit.count(one).unwrap();
        assert_eq!((first.quota, first.left), (2, 1));
        assert_eq!(limit.count(one).unwrap().left, 0);
        let refused = limit.count(one).unwrap_err();
        assert!(refused.wait <= Duration::from_secs(1) && refused.wait_seconds() == 1);
        assert!(limit.count(other).is_ok() && limit.count(Client::Token(TokenId(1))).is_ok());
        let mut headers = HeaderMap::new();
        refused.write(&mut headers);
        assert_eq!(headers.get("ratelimit").unwrap(), "\"client\";r=0;t=1");
        assert_eq!(headers.get("ratelimit-policy").unwrap(), "\"client\";q=2;w=2");
    }

    #[test]
    fn too_many_clients_are_counted_as_one() {
        let limit = RateLimit { max_clients: 2, ..limit(1) };
        let client = |last| Client::at(IpAddr::from([192, 0, 2, last]));
        assert!(limit.count(client(1)).is_ok() && limit.count(client(2)).is_ok());
        let allowed = (3..=9).filter(|last| limit.count(client(*last)).is_ok()).count();
        assert_eq!(allowed, 2, "as many as one client has at once");
    }

    #[test]
    fn seats_are_given_back() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take(), seats.take());
        assert!(first.is_some() && second.is_some() && seats.take().is_none());
        drop(first);
        assert_eq!(seats.taken(), 1);
        assert!(seats.take().is_some());
    }
}
