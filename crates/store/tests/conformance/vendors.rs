//! What is tracked, how vendors fare, and whose turn it is to ask them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use cream_models::{RateLimit, Timestamp, Vendor};
use cream_store::{
    Grant, PullRecord, PullStatus, StockId, Store, StoreError, StoreOptions, Tracked, Validators,
    VendorState, Writer,
};
use proptest::prelude::*;

use crate::harness::{Database, Done, bar, instant, stock};

const TIINGO: Vendor = Vendor::Tiingo;

fn validators(url: &str, etag: &str) -> Validators {
    Validators { url: url.to_owned(), etag: Some(etag.to_owned()), last_modified: None }
}

/// A pull of a stock at a second.
fn pull(stock_id: StockId, at: i64, result: Result<Option<Validators>, &str>) -> PullRecord {
    PullRecord {
        stock_id,
        vendor: TIINGO,
        vendor_symbol: format!("brk-b-{at}"),
        at: instant(at),
        result: result.map_err(str::to_owned),
    }
}

fn record(store: &Store, pull: &PullRecord) -> Tracked {
    store.write(|w| w.record_pull(pull)).unwrap();
    store.read(|r| r.tracked(pull.stock_id, pull.vendor)).unwrap().unwrap()
}

pub(crate) fn a_pull_is_recorded(database: &dyn Database) {
    let store = database.store();
    let (id, other) = (stock(store, "BRK-B"), stock(store, "A"));
    assert_eq!(store.read(|r| r.tracked(id, TIINGO)).unwrap(), None);

    let first = record(store, &pull(id, 5, Err("no \0 answer")));
    let failed = Tracked {
        stock_id: id,
        vendor: TIINGO,
        vendor_symbol: "brk-b-5".to_owned(),
        is_active: false,
        last_pull_at: Some(instant(5)),
        last_pull_status: PullStatus::Failed,
        error: Some("no \u{fffd} answer".to_owned()),
        failures: 1,
        next_pull_at: None,
        unknown_since: None,
        untracked_at: None,
        validators: None,
        lease_until: None,
    };
    assert_eq!(first, failed);

    let said = validators("https://vendor.example/brk-b", "\"1\"");
    let second = record(store, &pull(id, 6, Ok(Some(said.clone()))));
    let succeeded = Tracked {
        vendor_symbol: "brk-b-6".to_owned(),
        last_pull_at: Some(instant(6)),
        last_pull_status: PullStatus::Success,
        error: None,
        failures: 0,
        validators: Some(said.clone()),
        ..failed
    };
    assert_eq!(second, succeeded);

    // Failures are counted, and what was known before is kept.
    record(store, &pull(id, 7, Err("away")));
    let fourth = record(store, &pull(id, 8, Err("still away")));
    let failing = Tracked {
        last_pull_at: Some(instant(8)),
        last_pull_status: PullStatus::Failed,
        error: Some("still away".to_owned()),
        failures: 2,
        ..succeeded
    };
    assert_eq!(fourth, failing);
    // An answer without validators takes the old ones away.
    assert_eq!(record(store, &pull(id, 9, Ok(None))).validators, None);
    let dated = Validators { etag: None, last_modified: Some("then".to_owned()), ..said };
    let first = record(store, &pull(other, 9, Ok(Some(dated.clone()))));
    assert_eq!((first.validators, first.failures, first.is_active), (Some(dated), 0, false));
    assert_eq!(store.read(|r| r.tracked(id, Vendor::Eodhd)).unwrap(), None, "of another vendor");
}

pub(crate) fn what_is_active_disabled_or_leased_stays_so(database: &dyn Database) {
    let store = database.store();
    let is_true = if database.is_typed() { "true" } else { "1" };
    let rest = || {
        database.query(
            "SELECT lease_token || ' ' || lease_until || ' ' || next_pull_at AS text \
             FROM tracked_stock ORDER BY stock_id",
        )
    };
    for (symbol, status) in [("A", "success"), ("B", "disabled")] {
        let id = stock(store, symbol);
        database
            .raw(&format!(
                "INSERT INTO tracked_stock (stock_id, vendor, vendor_symbol, is_active, \
                 last_pull_status, error_message, failures, next_pull_at, lease_token, lease_until) \
                 VALUES ({}, 3, 'x', {is_true}, '{status}', 'unknown', 4, 9, 'me', 60)",
                id.0
            ))
            .unwrap();
        let before = rest();
        for (result, failures) in [(Err("away"), 5), (Ok(None), 0)] {
            let tracked = record(store, &pull(id, 7, result));
            assert!(tracked.is_active);
            assert_eq!((tracked.failures, tracked.last_pull_at), (failures, Some(instant(7))));
            if status == "disabled" {
                assert_eq!(tracked.last_pull_status, PullStatus::Disabled);
                assert_eq!(tracked.error.as_deref(), Some("unknown"), "why it was disabled");
            } else {
                assert_ne!(tracked.last_pull_status, PullStatus::Disabled);
                assert_ne!(tracked.error.as_deref(), Some("unknown"));
            }
        }
        assert_eq!(rest(), before);
    }
}

pub(crate) fn what_is_too_long_is_cut_or_left_out(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let long = "ü".repeat(5_000);
    let tracked = record(store, &pull(id, 1, Err(&long)));
    assert_eq!(tracked.error.map(|error| error.chars().count()), Some(1_000));
    let state = VendorState { reason: Some(long.clone()), ..VendorState::default() };
    store.write(|w| w.set_vendor_state(TIINGO, &state)).unwrap();
    let state = store.write(|w| w.vendor_state(TIINGO)).unwrap();
    assert_eq!(state.reason.map(|reason| reason.chars().count()), Some(1_000));

    for (url, etag, kept) in [
        ("ü".repeat(2_048), "ü".repeat(1_024), true),
        ("ü".repeat(2_049), "e".to_owned(), false),
        ("u".to_owned(), "ü".repeat(1_025), false),
        ("u".to_owned(), String::new(), false),
        ("u".to_owned(), "a\0".to_owned(), false),
    ] {
        let said = validators(&url, &etag);
        let tracked = record(store, &pull(id, 2, Ok(Some(said.clone()))));
        assert_eq!(tracked.validators, kept.then_some(said));
    }

    let long = PullRecord { vendor_symbol: "x".repeat(65), ..pull(id, 3, Ok(None)) };
    let nobody = pull(StockId(id.0 + 1), 3, Ok(None));
    for refused in [long, nobody] {
        let error = store.write(|w| w.record_pull(&refused)).unwrap_err();
        assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
    }
}

pub(crate) fn states_are_kept_and_listed(database: &dyn Database) {
    let store = database.store();
    assert_eq!(store.read(|r| r.vendor_states()).unwrap(), []);
    assert_eq!(store.write(|w| w.vendor_state(TIINGO)).unwrap(), VendorState::default());
    let blocked = VendorState {
        failures: 3,
        blocked_until: Some(instant(70)),
        reason: Some("429 Too Many Requests".to_owned()),
    };
    let many = VendorState { failures: u32::MAX, ..VendorState::default() };
    for (vendor, state) in [(TIINGO, &blocked), (Vendor::Csv, &blocked), (Vendor::Csv, &many)] {
        store.write(|w| w.set_vendor_state(vendor, state)).unwrap();
    }
    store.write(|w| w.set_vendor_state(Vendor::YahooChart, &VendorState::default())).unwrap();
    let most = VendorState { failures: i32::MAX.unsigned_abs(), ..many };
    assert_eq!(
        store.read(|r| r.vendor_states()).unwrap(),
        [(Vendor::YahooChart, VendorState::default()), (TIINGO, blocked), (Vendor::Csv, most)]
    );
}

pub(crate) fn whoever_changes_a_state_knows_what_it_changes(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    thread::scope(|scope| {
        for number in 0..4 {
            let store = if number % 2 == 0 { database.store() } else { &another };
            scope.spawn(move || {
                for _ in 0..10 {
                    let fail = |w: &mut Writer<'_>| -> Done {
                        let state = w.vendor_state(TIINGO)?;
                        let failures = state.failures + 1;
                        w.set_vendor_state(TIINGO, &VendorState { failures, ..state })
                    };
                    store.write(fail).unwrap();
                }
            });
        }
    });
    let states = another.read(|r| r.vendor_states()).unwrap();
    assert_eq!(states, [(TIINGO, VendorState { failures: 40, ..VendorState::default() })]);
}

fn limit(requests: u32, seconds: u32) -> RateLimit {
    RateLimit { requests, seconds }
}

fn take(store: &Store, now: Timestamp, limits: &[RateLimit]) -> Grant {
    store.write(|w| w.take_request(TIINGO, now, limits)).unwrap()
}

pub(crate) fn a_vendor_that_is_blocked_is_left_alone(database: &dyn Database) {
    let store = database.store();
    let block = |until: i64| {
        let blocked_until = Some(instant(until));
        let state = VendorState { failures: 2, blocked_until, reason: Some("away".to_owned()) };
        store.write(|w| w.set_vendor_state(TIINGO, &state)).unwrap();
        state
    };
    let since = |at| store.read(|r| r.requests_since(TIINGO, instant(at))).unwrap();
    let state = block(100);
    for limits in [&[][..], &[limit(1, 50)]] {
        assert_eq!(take(store, instant(99), limits), Grant::At(instant(100)));
    }
    assert_eq!(take(store, instant(100), &[]), Grant::Now);
    assert_eq!(since(0), 0, "without a limit nothing is counted");
    assert_eq!(take(store, instant(100), &[limit(1, 50)]), Grant::Now);
    assert_eq!(store.write(|w| w.vendor_state(TIINGO)).unwrap(), state, "it is left as it is");
    // Whichever comes last has to be waited for.
    block(120);
    assert_eq!(take(store, instant(101), &[limit(1, 50)]), Grant::At(instant(150)));
    block(200);
    assert_eq!(take(store, instant(101), &[limit(1, 50)]), Grant::At(instant(200)));
    assert_eq!((since(100), since(101)), (1, 0));
    // Others are not concerned.
    let other = store.write(|w| w.take_request(Vendor::Eodhd, instant(101), &[limit(1, 50)]));
    assert_eq!(other.unwrap(), Grant::Now);
    assert_eq!(since(0), 1);
}

pub(crate) fn a_limit_of_nothing_grants_nothing(database: &dyn Database) {
    let store = database.store();
    assert_eq!(take(store, instant(9), &[limit(0, 60)]), Grant::At(instant(69)));
    assert_eq!(take(store, instant(9), &[limit(0, 0)]), Grant::At(instant(10)));
    assert_eq!(take(store, instant(9), &[limit(1, 0)]), Grant::Now);
    assert_eq!(take(store, instant(9), &[limit(1, 0)]), Grant::Now, "a span of no length");
    // A clock that is behind is granted nothing either.
    let Grant::At(free_at) = take(store, instant(-900), &[limit(0, 60)]) else { panic!() };
    assert!(free_at > instant(9));
}

/// What is counted of a vendor, the oldest first.
fn counted(database: &dyn Database) -> Vec<i64> {
    let rows = database
        .query("SELECT CAST(at AS text) AS text FROM vendor_request WHERE vendor = 3 ORDER BY at");
    rows.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn clocks_that_go_back_count_upwards(database: &dyn Database) {
    let store = database.store();
    let limits = [limit(4, 10)];
    for now in [50, 40, 50, 30] {
        assert_eq!(take(store, instant(now), &limits), Grant::Now);
    }
    let first = instant(50).micros();
    assert_eq!(counted(database), [first, first + 1, first + 2, first + 3]);
    assert_eq!(take(store, instant(20), &limits), Grant::At(instant(60)));
    // What no limit asks for any more makes room for what comes.
    let nearly = Timestamp::from_micros(instant(60).micros() - 1);
    assert_eq!(take(store, nearly, &limits), Grant::At(instant(60)));
    assert_eq!(take(store, instant(60), &limits), Grant::Now);
    assert_eq!(counted(database), [first + 1, first + 2, first + 3, instant(60).micros()]);
    assert_eq!(take(store, instant(900), &limits), Grant::Now);
    assert_eq!(counted(database).len(), 4);
    // Behind by less than what is left of a span: counted at its very end.
    let limits = [limit(2, 10)];
    for now in [instant(1_000), Timestamp::from_micros(instant(1_010).micros() - 1), instant(1_005)]
    {
        assert_eq!(take(store, now, &limits), Grant::Now);
    }
    assert_eq!(counted(database).last(), Some(&instant(1_010).micros()));
}

pub(crate) fn a_clock_that_was_years_ahead_blocks_nobody(database: &dyn Database) {
    let store = database.store();
    let limits = [limit(2, 60), limit(3, 3600)];
    let years = 1_000_000_000;
    assert_eq!(take(store, instant(0), &limits), Grant::Now);
    for second in 1..3 {
        assert_eq!(take(store, instant(years + second), &limits), Grant::Now);
    }
    let blocked_until = Some(instant(years + 900));
    let state = VendorState { failures: 1, blocked_until, reason: None };
    store.write(|w| w.set_vendor_state(TIINGO, &state)).unwrap();
    assert_eq!(take(store, instant(10_000), &[]), Grant::Now);
    // The limits hold again at once.
    for second in [10_000, 10_001, 10_060] {
        assert_eq!(take(store, instant(second), &limits), Grant::Now, "{second}");
        let blocked = take(store, instant(second), &[limit(1, 60)]);
        assert!(matches!(blocked, Grant::At(at) if at < instant(10_200)), "{blocked:?}");
    }
    assert_eq!(take(store, instant(10_100), &limits), Grant::At(instant(13_600)));
    assert_eq!(take(store, instant(13_600), &limits), Grant::Now);
    // A block of a week is one.
    let state = VendorState { blocked_until: Some(instant(7 * 86_400)), ..state };
    store.write(|w| w.set_vendor_state(TIINGO, &state)).unwrap();
    assert_eq!(take(store, instant(0), &[]), Grant::At(instant(7 * 86_400)));
}

/// One request that is asked for, in the model's terms: the clock, and until when the vendor is
/// blocked from now on, where that changes.
#[derive(Clone, Copy, Debug)]
struct Ask {
    clock: i64,
    block: Option<i64>,
}

/// The rule itself, over everything that was ever granted, in microseconds.
#[derive(Default)]
struct Model {
    granted: Vec<i64>,
    blocked_until: i64,
}

impl Model {
    fn admits(&self, now: i64, limits: &[RateLimit]) -> bool {
        let at = self.granted.last().map_or(now, |last| now.max(last + 1));
        let within = |limit: &RateLimit| {
            let start = at - i64::from(limit.seconds) * 1_000_000;
            let count = self.granted.iter().filter(|granted| **granted > start).count();
            u32::try_from(count).unwrap() < limit.requests
        };
        now >= self.blocked_until && limits.iter().all(within)
    }

    fn take(&mut self, now: i64, limits: &[RateLimit]) -> Grant {
        if self.admits(now, limits) {
            self.granted.push(self.granted.last().map_or(now, |last| now.max(last + 1)));
            return Grant::Now;
        }
        // Something changes only where a request leaves a window, or the block ends.
        let ends = limits.iter().flat_map(|limit| {
            let window = i64::from(limit.seconds) * 1_000_000;
            self.granted.iter().map(move |granted| granted + window)
        });
        let moments = ends.chain([self.blocked_until]).filter(|end| *end > now);
        let first = moments.filter(|moment| self.admits(*moment, limits)).min().unwrap();
        Grant::At(Timestamp::from_micros(first))
    }
}

pub(crate) fn requests_are_granted_as_the_rule_says(database: &dyn Database) {
    let limits = prop::collection::vec((1..6_u32, 0..20_u32), 1..4);
    // Clocks that mostly advance, in steps that meet the ends of windows and miss them closely.
    let step = prop_oneof![
        6 => (0..8_i64).prop_map(|halves| halves * 500_000),
        2 => -1..2_i64,
        1 => -30_000_000..0_i64,
        1 => 0..60_000_000_i64,
    ];
    let block = prop::option::weighted(0.05, 0..20_000_000_i64);
    let asks = prop::collection::vec((step, block), 1..60);
    proptest!(ProptestConfig::with_cases(64), |(limits in limits, asks in asks)| {
        let limits: Vec<_> = limits.into_iter().map(|(n, seconds)| limit(n, seconds)).collect();
        let mut clock = 1_750_000_000_000_000;
        let asks: Vec<Ask> = asks.into_iter().map(|(step, block)| {
            clock += step;
            Ask { clock, block: block.map(|span| clock + span) }
        }).collect();
        let mut model = Model::default();
        let expected: Vec<Grant> = asks.iter().map(|ask| {
            model.blocked_until = ask.block.unwrap_or(model.blocked_until);
            model.take(ask.clock, &limits)
        }).collect();

        database.raw("DELETE FROM vendor_request; DELETE FROM vendor_state").unwrap();
        let granted = database.store().write(|w| -> Done<Vec<Grant>> {
            asks.iter().map(|ask| {
                if let Some(until) = ask.block {
                    let blocked_until = Some(Timestamp::from_micros(until));
                    let state = VendorState { blocked_until, ..VendorState::default() };
                    w.set_vendor_state(TIINGO, &state)?;
                }
                w.take_request(TIINGO, Timestamp::from_micros(ask.clock), &limits)
            }).collect()
        }).unwrap();
        prop_assert_eq!(granted, expected);

        // What is kept is the newest, and no more of it than a limit admits.
        let kept = counted(database);
        prop_assert!(model.granted.ends_with(&kept));
        let longest = limits.iter().map(|limit| limit.seconds).max().unwrap();
        let most = limits.iter().filter(|limit| limit.seconds == longest);
        let most = most.map(|limit| limit.requests).min().unwrap();
        prop_assert!(kept.len() <= usize::try_from(most).unwrap(), "{kept:?}");
    });
}

pub(crate) fn threads_and_processes_keep_to_one_limit(database: &dyn Database) {
    let (few, window) = (12, 7);
    // The second keeps every request in the table.
    let limits = [limit(few, window), limit(1_000_000, 1_000_000)];
    let stores = [database.store().clone(), database.another(&StoreOptions::default())];
    let (clock, grants) = (AtomicI64::new(1_750_000_000_000_000), AtomicI64::new(0));
    thread::scope(|scope| {
        for number in 0..8_i64 {
            let (store, clock, grants) = (&stores[usize::from(number % 2 == 0)], &clock, &grants);
            scope.spawn(move || {
                for turn in 0..25 {
                    let now = clock.fetch_add(150_000, Ordering::Relaxed);
                    // Clocks differ, and each is now and then put back.
                    let skew = (number - 4) * 40_000 - if turn % 7 == number { 400_000 } else { 0 };
                    let now = Timestamp::from_micros(now + skew);
                    match take(store, now, &limits) {
                        Grant::Now => drop(grants.fetch_add(1, Ordering::Relaxed)),
                        Grant::At(free_at) => assert!(free_at > now),
                    }
                }
            });
        }
    });
    let counted = counted(database);
    assert_eq!(counted.len(), usize::try_from(grants.into_inner()).unwrap());
    let span = i64::from(window) * 1_000_000;
    let few = usize::try_from(few).unwrap();
    assert!(counted.len() > 2 * few, "{}", counted.len());
    for pair in counted.windows(few + 1) {
        assert!(pair[few] - pair[0] >= span, "{pair:?}");
    }
    let numbers = database.query(
        "SELECT CAST(number AS text) AS text FROM vendor_request WHERE vendor = 3 ORDER BY at",
    );
    let expected: Vec<String> = (1..=counted.len()).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
}

pub(crate) fn the_view_for_people_names_every_vendor(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    for vendor in Vendor::ALL {
        let bars = [bar("2020-01-02", "1")];
        store.write(|w| w.insert_bars(id, vendor, instant(1), &bars)).unwrap();
        let code = vendor.code();
        let shown = database.query(&format!(
            "SELECT vendor AS text FROM stock_data_readable WHERE vendor = '{vendor}' \
             OR vendor = 'vendor {code}'"
        ));
        assert_eq!(shown, [vendor.name()]);
    }
}
