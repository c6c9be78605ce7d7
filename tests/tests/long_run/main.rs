//! Sixty days of a worker on its own, an hour at a time: each day the vendors have a bar more of each
//! instrument, at times a split, a dividend, or another word on a day before; they fail for hours or
//! for a day; one symbol is gone for good. At the end the site serves what a full pull into an empty
//! database serves.
//!
//! `CREAM_TEST_SEED` sets the seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test that cannot go on stops, and tells what it met"
)]

mod site;
mod world;

use std::time::Instant;

use cream_models::{RateLimit, Timestamp, Vendor};
use cream_store::PullStatus;
use cream_testkit::TestClock;
use cream_testkit::vendors::{Fault, VendorServer};

use crate::site::{Kind, Site, UNKNOWN_DAYS};
use crate::world::{Outage, World};

const DAYS: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The symbol that no vendor knows from a day on, a Monday.
const GONE: &str = "GONE1";
const GONE_ON: i64 = 22;

/// Who may be asked how often: too seldom for all three symbols where each has another history, which
/// takes two requests.
const LIMITED: Vendor = Vendor::Tiingo;
const LIMIT: RateLimit = RateLimit { requests: 4, seconds: HOUR as u32 };

/// On which day, from which hour after noon in UTC, and for how many hours a vendor fails, and how.
/// New York closes eight or nine hours after noon.
const OUTAGES: [(i64, i64, i64, Vendor, Fault); 11] = [
    (4, 6, 12, Vendor::Tiingo, Fault::Unavailable),
    (8, 0, 24, Vendor::YahooChart, Fault::InternalError),
    (12, 8, 6, Vendor::Massive, Fault::Reset),
    (16, 0, 30, Vendor::Stooq, Fault::UnknownSymbol),
    (20, 8, 10, Vendor::Eodhd, Fault::RateLimitedSeconds(7200)),
    (25, 0, 24, Vendor::AlphaVantage, Fault::HalfJson),
    (30, 6, 8, Vendor::Nasdaq, Fault::Garbage),
    (36, 0, 14, Vendor::YahooPage, Fault::ConsentPage),
    (40, 0, 24, Vendor::Tiingo, Fault::QuotaSpent),
    (45, 6, 12, Vendor::YahooChart, Fault::WrongSymbol),
    (50, 0, 36, Vendor::Massive, Fault::BadGateway),
];

fn sixty_days(kind: Kind) {
    let started = Instant::now();
    let seed = std::env::var("CREAM_TEST_SEED").ok().map(|text| text.parse().unwrap());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("{kind:?}: CREAM_TEST_SEED={seed}");
    // From before to after summer time ends in London and New York, and begins in Sydney.
    let start: Timestamp = "2025-09-28T12:00:00Z".parse().unwrap();
    let clock = TestClock::new(start);
    let Some(site) = Site::new(kind, &clock) else { return };
    let server = VendorServer::start();
    let outages = OUTAGES.map(|(day, hour, hours, vendor, fault)| {
        let from = start.plus_seconds(day * DAY + hour * HOUR);
        Outage { from, until: from.plus_seconds(hours * HOUR), vendor, fault }
    });
    let gone_at = start.plus_seconds(GONE_ON * DAY);
    let mut world = World::new(&server, seed, start, &outages, (GONE, gone_at));
    for (symbol, vendor) in world.pairs() {
        site.track(symbol, vendor);
    }
    let mut disabled_at = None;
    for day in 0..DAYS {
        // As after a start: what it has to know of before is in the database.
        let runner = site.runner(&server, &[(LIMITED, LIMIT)]);
        // The last days are quiet, so that everything is pulled again.
        world.is_quiet = day >= DAYS - 3;
        for hour in 0..24 {
            let now = start.plus_seconds(day * DAY + hour * HOUR);
            clock.set(now);
            world.pass_until(now);
            let _ = site.once(&runner);
            let asked = world.count_requests(now);
            assert!(asked[&LIMITED] <= LIMIT.requests, "{now}: {asked:?}");
        }
        if disabled_at.is_none() && site.tracked().iter().any(|(_, tracked)| !tracked.is_active) {
            disabled_at = Some(day);
        }
    }
    let simulated = started.elapsed();
    world.assert_pulled_once_a_trading_day(LIMITED);
    assert_settled(&site, &world, start.plus_seconds(DAYS * DAY));
    let disabled_at = disabled_at.expect("a symbol is disabled");
    let after = disabled_at - GONE_ON;
    let unknown_days = i64::from(UNKNOWN_DAYS);
    assert!((unknown_days..unknown_days + 3).contains(&after), "after {after} days");

    let digest = site.digest();
    let fresh = Site::new(kind, &clock).unwrap();
    world.serve_what_is_gone();
    for (symbol, vendor) in world.pairs() {
        fresh.track(symbol, vendor);
    }
    let once = fresh.once(&fresh.runner(&server, &[]));
    assert!(once.is_success(), "{once:?}");
    assert_eq!(digest, fresh.digest(), "a fresh full pull");
    let rebuilt = Site::new(kind, &clock).unwrap().digest_rebuilt_from(&site);
    assert_eq!(digest, rebuilt, "a rebuild from the archive");
    println!(
        "{kind:?}: {} days in {simulated:?}, {:?} in all: {} requests, {} files, {} dead letters; {}",
        DAYS,
        started.elapsed(),
        world.requests(),
        site.files("parsed").len(),
        site.files("dead").len(),
        world.told()
    );
}

/// Every symbol is pulled to the last day, but for the one that is gone; nothing is in hand or
/// waits.
fn assert_settled(site: &Site, world: &World<'_>, end: Timestamp) {
    let tracked = site.tracked();
    assert_eq!(tracked.len(), world.pairs().count());
    for (symbol, tracked) in &tracked {
        assert_eq!(tracked.lease_until, None, "{symbol}");
        if symbol.as_str() == GONE {
            assert_eq!(tracked.last_pull_status, PullStatus::Disabled);
            assert!(!tracked.is_active && tracked.next_pull_at.is_none(), "{tracked:?}");
            let reason = tracked.error.as_deref().unwrap_or_default();
            assert!(reason.starts_with("unknown for 7 days, since 2025-10-"), "{reason}");
        } else {
            assert_eq!(tracked.last_pull_status, PullStatus::Success, "{symbol}: {tracked:?}");
            assert!(tracked.is_active && tracked.unknown_since.is_none(), "{symbol}: {tracked:?}");
            let next = tracked.next_pull_at.unwrap();
            assert!(next > end.plus_seconds(-HOUR), "{symbol}: {tracked:?}");
        }
    }
    assert_eq!(site.files("raw"), [""; 0], "files that wait");
}

#[test]
fn sixty_days_on_sqlite() {
    sixty_days(Kind::Sqlite);
}

#[test]
fn sixty_days_on_postgresql() {
    sixty_days(Kind::Postgres);
}
