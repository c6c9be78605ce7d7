//! What is tracked, when it is due, and how a pull of it ends.

use std::collections::BTreeSet;
use std::thread;

use cream_models::{Timestamp, Vendor};
use cream_store::{
    ClaimedStock, FinishedPull, Lease, NewTracked, NextPull, PullRecord, PullStatus, StockId,
    Store, StoreError, StoreOptions, SymbolTracking, Tracked, TrackedBy, TrackedCounts,
    TrackedQuery, Tracking, Validators,
};

use crate::harness::{Database, instant, stock, symbol};

pub(crate) const TIINGO: Vendor = Vendor::Tiingo;
const EODHD: Vendor = Vendor::Eodhd;

pub(crate) fn new(stock_id: StockId, due: i64) -> NewTracked {
    NewTracked {
        stock_id,
        vendor: TIINGO,
        vendor_symbol: "name".to_owned(),
        is_spelled: false,
        due: instant(due),
    }
}

/// Tracks a symbol, due at a second.
pub(crate) fn track(store: &Store, symbol: &str, due: i64) -> StockId {
    let id = stock(store, symbol);
    store.write(|w| w.track(&new(id, due))).unwrap();
    id
}

/// Claims what is due at a second, for a minute.
pub(crate) fn claim(store: &Store, token: &str, now: i64, limit: u32) -> Vec<ClaimedStock> {
    let lease = Lease { token, from: instant(now), until: instant(now + 60) };
    store.write_loosely(|w| w.claim_due(TIINGO, limit, &lease)).unwrap()
}

fn symbols(claimed: &[ClaimedStock]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.symbol.as_str()).collect()
}

pub(crate) fn tracked(store: &Store, id: StockId) -> Tracked {
    store.read(|r| r.tracked(id, TIINGO)).unwrap().unwrap()
}

/// A pull at a second, and what comes next.
pub(crate) fn ended(
    stock_id: StockId,
    at: i64,
    result: Result<Option<Validators>, &str>,
    next: NextPull,
) -> FinishedPull {
    let result = result.map_err(str::to_owned);
    let vendor_symbol = "name".to_owned();
    let record = PullRecord { stock_id, vendor: TIINGO, vendor_symbol, at: instant(at), result };
    FinishedPull { record, next, is_unknown: false }
}

fn due_at(seconds: i64) -> NextPull {
    NextPull::At(instant(seconds))
}

/// Claims the one that is due at a second, and says how its pull ended.
fn pull_once(
    store: &Store,
    at: i64,
    result: Result<Option<Validators>, &str>,
    is_unknown: bool,
    next: NextPull,
) -> Tracked {
    let claimed = claim(store, &format!("at {at}"), at, 1).remove(0);
    let id = claimed.tracked.stock_id;
    let pull = FinishedPull { is_unknown, ..ended(id, at, result, next) };
    store.write(|w| w.finish_pull(&pull, &claimed.token)).unwrap();
    tracked(store, id)
}

pub(crate) fn tracking_begins_anew_or_goes_on(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let track = |new: &NewTracked| store.write(|w| w.track(new)).unwrap();
    assert_eq!(track(&new(id, 10)), Tracking::New);
    let first = Tracked {
        stock_id: id,
        vendor: TIINGO,
        vendor_symbol: "name".to_owned(),
        is_active: true,
        last_pull_at: None,
        last_pull_status: PullStatus::Pending,
        error: None,
        failures: 0,
        next_pull_at: Some(instant(10)),
        unknown_since: None,
        untracked_at: None,
        validators: None,
        lease_until: None,
    };
    assert_eq!(tracked(store, id), first);
    // Nothing is known to be wrong with it, so that it stays as it is.
    let renamed = NewTracked { vendor_symbol: "other".to_owned(), ..new(id, 5) };
    assert_eq!(track(&renamed), Tracking::Already);
    assert_eq!(tracked(store, id), first);

    let failed = pull_once(store, 10, Err("404"), true, due_at(500));
    assert_eq!((failed.failures, failed.unknown_since), (1, Some(instant(10))));
    for (due, then) in [(600, 500), (20, 20)] {
        assert_eq!(track(&new(id, due)), Tracking::Already);
        assert_eq!(tracked(store, id).next_pull_at, Some(instant(then)));
    }
    assert_eq!(tracked(store, id), Tracked { next_pull_at: Some(instant(20)), ..failed });
    // Under another name it is not yet known to be unknown, and a pull by the old one is void.
    let claimed = claim(store, "one", 20, 1).remove(0);
    let spelled = NewTracked { is_spelled: true, ..renamed };
    assert_eq!(track(&spelled), Tracking::Already);
    let now = tracked(store, id);
    assert_eq!((now.vendor_symbol.as_str(), now.unknown_since), ("other", None));
    assert_eq!((now.failures, now.lease_until), (1, None));
    let void = ended(id, 20, Ok(None), due_at(900));
    let lost = store.write(|w| w.finish_pull(&void, &claimed.token));
    assert!(matches!(lost, Err(StoreError::LeaseLost { .. })));
    // The same name again takes nothing from whoever pulls it.
    let claimed = claim(store, "two", 20, 1).remove(0);
    assert_eq!(track(&spelled), Tracking::Already);
    assert!(store.read(|r| r.holds_lease(&claimed.token)).unwrap());

    assert!(store.write(|w| w.untrack(id, TIINGO, instant(25))).unwrap());
    assert!(!store.write(|w| w.untrack(id, TIINGO, instant(25))).unwrap());
    assert!(!store.write(|w| w.untrack(id, EODHD, instant(25))).unwrap());
    let rest = tracked(store, id);
    assert_eq!((rest.is_active, rest.next_pull_at, rest.failures), (false, None, 1));
    assert_eq!(rest.untracked_at, Some(instant(25)));
    assert_eq!(track(&new(id, 30)), Tracking::Reactivated);
    let anew = tracked(store, id);
    let begun = (anew.is_active, anew.last_pull_status, anew.failures, anew.next_pull_at);
    assert_eq!(begun, (true, PullStatus::Pending, 0, Some(instant(30))));
    assert_eq!((anew.error, anew.vendor_symbol.as_str()), (None, "other"));
    assert_eq!(anew.untracked_at, None);

    // What was fetched once is tracked from now on, with what is known of it.
    let fetched = stock(store, "B");
    let pull = ended(fetched, 7, Ok(None), due_at(0)).record;
    store.write(|w| w.record_pull(&pull)).unwrap();
    assert_eq!(track(&new(fetched, 40)), Tracking::Reactivated);
    assert_eq!(tracked(store, fetched).last_pull_at, Some(instant(7)));

    for wrong in [
        NewTracked { stock_id: StockId(fetched.0 + 1), ..new(fetched, 1) },
        NewTracked { vendor_symbol: String::new(), vendor: EODHD, ..new(fetched, 1) },
        NewTracked { vendor_symbol: "x".repeat(65), is_spelled: true, ..new(fetched, 1) },
    ] {
        let error = store.write(|w| w.track(&wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
    }
}

/// What became of a symbol: how it is tracked and as what, or why not.
fn told(store: &Store, text: &str, given: Option<&str>, by: TrackedBy, now: i64) -> String {
    let (symbol, now) = (symbol(text), instant(now));
    match store.write(|w| w.track_symbol(&symbol, EODHD, given, by, now)).unwrap() {
        SymbolTracking::Tracked(tracking, tracked) => {
            let stock = store.read(|r| r.stock(&symbol)).unwrap().unwrap();
            let stored = store.read(|r| r.tracked(stock.id, EODHD)).unwrap();
            assert_eq!(stored.as_ref(), Some(&*tracked));
            format!("{tracking:?} {}", tracked.vendor_symbol)
        }
        SymbolTracking::Refused(why) => why.to_string(),
    }
}

pub(crate) fn symbols_are_tracked_as_everybody_may(database: &dyn Database) {
    let store = database.store();
    let user = TrackedBy::User { max_active: 3 };
    let of = |text: &str| {
        let stock = store.read(|r| r.stock(&symbol(text))).unwrap().unwrap();
        store.read(|r| r.tracked(stock.id, EODHD)).unwrap().unwrap()
    };
    let untrack = |text: &str, now| {
        let id = stock_of(store, text);
        assert!(store.write(|w| w.untrack(id, EODHD, instant(now))).unwrap());
    };
    assert_eq!(told(store, "AAPL", None, user, 10), "New AAPL.US");
    assert_eq!(of("AAPL").next_pull_at, Some(instant(10)));
    assert_eq!(told(store, "AAPL", None, user, 11), "Already AAPL.US");
    assert_eq!(told(store, "AAPL", Some("AAPL.US"), user, 11), "Already AAPL.US");

    // What cannot be spelled leaves nothing behind.
    let unknown = told(store, "ES=F", None, TrackedBy::Operator, 12);
    assert!(unknown.starts_with("how eodhd spells ES=F is not known"), "{unknown}");
    let unusable = told(store, "ES=F", Some("a b"), user, 12);
    assert!(unusable.starts_with("\"a b\" is no vendor's spelling"), "{unusable}");
    assert_eq!(store.read(|r| r.stock(&symbol("ES=F"))).unwrap(), None);
    assert_eq!(told(store, "ES=F", Some("ES.COMM"), user, 12), "New ES.COMM");
    assert_eq!(told(store, "ES=F", None, user, 13), "Already ES.COMM", "as it was given before");

    // What is tracked is asked for as it was, whatever a user says, and no sooner.
    let before = of("AAPL");
    let refused = told(store, "AAPL", Some("MSFT.US"), user, 14);
    assert!(refused.starts_with("it is tracked as AAPL.US; only an admin"), "{refused}");
    let failed = PullRecord {
        stock_id: before.stock_id,
        vendor: EODHD,
        vendor_symbol: before.vendor_symbol.clone(),
        at: instant(15),
        result: Err("away".to_owned()),
    };
    store.write(|w| w.record_pull(&failed)).unwrap();
    assert_eq!(told(store, "AAPL", None, user, 5), "Already AAPL.US");
    assert_eq!((of("AAPL").next_pull_at, of("AAPL").failures), (before.next_pull_at, 1));
    assert_eq!(told(store, "AAPL", Some("A.US"), TrackedBy::Operator, 5), "Already A.US");
    assert_eq!(of("AAPL").next_pull_at, Some(instant(5)));

    // What was untracked on purpose comes back by an operator alone.
    untrack("AAPL", 20);
    let refused = told(store, "AAPL", None, user, 21);
    assert!(refused.starts_with("it was untracked on purpose at 1970-01-01T00:00:20"), "{refused}");
    assert!(!of("AAPL").is_active);
    assert_eq!(told(store, "AAPL", None, TrackedBy::Operator, 22), "Reactivated A.US");
    assert_eq!((of("AAPL").is_active, of("AAPL").untracked_at), (true, None));

    // What was fetched once, or is disabled, comes back by anybody, in another spelling too.
    let fetched = PullRecord {
        stock_id: stock(store, "IBM"),
        vendor_symbol: "IBM.US".to_owned(),
        result: Ok(None),
        ..failed
    };
    store.write(|w| w.record_pull(&fetched)).unwrap();
    assert_eq!(told(store, "IBM", None, user, 23), "Reactivated IBM.US");
    let lease = Lease { token: "t", from: instant(24), until: instant(84) };
    let claimed = store.write(|w| w.claim_due(EODHD, 9, &lease)).unwrap();
    let ibm = claimed.iter().find(|claimed| claimed.symbol.as_str() == "IBM").unwrap();
    let record = PullRecord { at: instant(25), result: Err("404".to_owned()), ..fetched };
    let next = NextPull::Disabled { reason: "404 for a week".to_owned() };
    let gone = FinishedPull { record, next, is_unknown: true };
    store.write(|w| w.finish_pull(&gone, &ibm.token)).unwrap();
    assert!(!of("IBM").is_active);

    // Users add no more than there is room for; what is there already takes none.
    assert_eq!(told(store, "MSFT", None, user, 30), "New MSFT.US");
    for text in ["IBM", "GE"] {
        assert_eq!(
            told(store, text, None, user, 31),
            "3 stocks are tracked, and users may add no more"
        );
    }
    assert_eq!(store.read(|r| r.stock(&symbol("GE"))).unwrap(), None);
    assert_eq!(told(store, "MSFT", None, user, 31), "Already MSFT.US");
    assert_eq!(told(store, "GE", None, TrackedBy::Operator, 32), "New GE.US");
    untrack("GE", 33);
    untrack("MSFT", 33);
    assert_eq!(told(store, "IBM", Some("IBM.NYSE"), user, 34), "Reactivated IBM.NYSE");
}

pub(crate) fn the_longest_due_is_claimed_first(database: &dyn Database) {
    let store = database.store();
    for (name, due) in [("A", 30), ("B", 10), ("C", 20), ("D", 101), ("E", 20), ("F", 1), ("G", 5)]
    {
        track(store, name, due);
    }
    let untracked = stock(store, "F");
    store.write(|w| w.untrack(untracked, TIINGO, instant(25))).unwrap();
    let elsewhere = NewTracked { vendor: EODHD, ..new(stock(store, "G"), 5) };
    store.write(|w| w.track(&elsewhere)).unwrap();

    assert_eq!(claim(store, "none", 100, 0), []);
    let first = claim(store, "one", 100, 3);
    assert_eq!(symbols(&first), ["G", "B", "C"], "of two that are due at once, the older row");
    assert!(first.iter().all(|claimed| claimed.tracked.lease_until == Some(instant(160))));
    assert_eq!(first[0].tracked.next_pull_at, Some(instant(5)));
    assert_eq!(symbols(&claim(store, "two", 100, 9)), ["E", "A"]);
    assert_eq!(symbols(&claim(store, "three", 101, 9)), ["D"], "due at that very moment");
    assert_eq!(claim(store, "four", 159, 9), []);

    let lease = Lease { token: "one", from: instant(100), until: instant(160) };
    let other = store.write(|w| w.claim_due(EODHD, 9, &lease)).unwrap();
    assert_eq!((symbols(&other), other[0].tracked.vendor), (vec!["G"], EODHD));
    let tokens: BTreeSet<&str> =
        first.iter().chain(&other).map(|claimed| claimed.token.as_str()).collect();
    assert_eq!(tokens.len(), 4, "{tokens:?}");
    assert!(tokens.iter().all(|token| token.starts_with("one")));
    for token in tokens {
        assert!(store.read(|r| r.holds_lease(token)).unwrap());
    }
    assert!(!store.read(|r| r.holds_lease("one")).unwrap());
}

pub(crate) fn eight_that_claim_at_once_get_each_row_once(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let ids: BTreeSet<i64> =
        (0..150).map(|n| track(database.store(), &format!("S{n}"), n % 7).0).collect();
    let claimed: Vec<Vec<i64>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let store = if worker % 2 == 0 { database.store() } else { &another };
                scope.spawn(move || {
                    let mut claimed = Vec::new();
                    for turn in 0.. {
                        let rows = claim(store, &format!("{worker}-{turn}"), 50, 5);
                        assert!(rows.len() <= 5);
                        if rows.is_empty() {
                            break;
                        }
                        claimed.extend(rows.iter().map(|row| row.tracked.stock_id.0));
                    }
                    claimed
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let all: Vec<i64> = claimed.concat();
    assert_eq!(all.len(), ids.len());
    assert_eq!(BTreeSet::from_iter(all), ids);
}

pub(crate) fn a_pull_ends(database: &dyn Database) {
    let store = database.store();
    let id = track(store, "A", 10);
    let said = Validators {
        url: "https://vendor.example/a".to_owned(),
        etag: Some("e".to_owned()),
        last_modified: None,
    };
    let loaded = pull_once(store, 10, Ok(Some(said.clone())), false, due_at(20));
    let succeeded = Tracked {
        stock_id: id,
        vendor: TIINGO,
        vendor_symbol: "name".to_owned(),
        is_active: true,
        last_pull_at: Some(instant(10)),
        last_pull_status: PullStatus::Success,
        error: None,
        failures: 0,
        next_pull_at: Some(instant(20)),
        unknown_since: None,
        untracked_at: None,
        validators: Some(said),
        lease_until: None,
    };
    assert_eq!(loaded, succeeded);

    // A time since which it is unknown begins, goes on over other failures, and ends.
    let mut expected = Tracked { last_pull_status: PullStatus::Failed, ..succeeded };
    for (at, reason, is_unknown, since) in [
        (20, "away", false, None),
        (30, "404", true, Some(30)),
        (40, "a \0", false, Some(30)),
        (50, "404", true, Some(30)),
    ] {
        expected.last_pull_at = Some(instant(at));
        expected.error = Some(reason.replace('\0', "\u{fffd}"));
        expected.failures += 1;
        expected.next_pull_at = Some(instant(at + 10));
        expected.unknown_since = since.map(instant);
        assert_eq!(pull_once(store, at, Err(reason), is_unknown, due_at(at + 10)), expected);
    }
    let found = pull_once(store, 60, Ok(None), true, due_at(70));
    assert_eq!((found.unknown_since, found.failures), (None, 0), "a success is none");
    assert_eq!(found.validators, None);

    // It ends for good with its reason, and is not due any more.
    let reason = "ü".repeat(1_001);
    let disabled = NextPull::Disabled { reason };
    let off = pull_once(store, 70, Err("404"), true, disabled);
    assert_eq!((off.is_active, off.last_pull_status), (false, PullStatus::Disabled));
    assert_eq!((off.next_pull_at, off.lease_until), (None, None));
    assert_eq!((off.failures, off.unknown_since), (1, Some(instant(70))));
    assert_eq!(off.error, Some(format!("{}…", "ü".repeat(999))));
    assert_eq!(off.untracked_at, None, "nobody said so");
    assert_eq!(claim(store, "later", 9_999, 9), []);
    assert_eq!(store.write(|w| w.track(&new(id, 90))).unwrap(), Tracking::Reactivated);
    let anew = tracked(store, id);
    assert_eq!((anew.last_pull_status, anew.error), (PullStatus::Pending, None));
    assert_eq!((anew.failures, anew.unknown_since), (0, None));

    // What is untracked meanwhile stays so.
    let claimed = claim(store, "slow", 90, 1).remove(0);
    store.write(|w| w.untrack(id, TIINGO, instant(25))).unwrap();
    let pull = ended(id, 91, Ok(None), due_at(200));
    store.write(|w| w.finish_pull(&pull, &claimed.token)).unwrap();
    let last = tracked(store, id);
    assert_eq!((last.is_active, last.next_pull_at), (false, None));
    assert_eq!(
        (last.last_pull_status, last.last_pull_at),
        (PullStatus::Success, Some(instant(91)))
    );
}

pub(crate) fn a_success_of_an_older_program_ends_what_was_unknown(database: &dyn Database) {
    let store = database.store();
    let id = track(store, "A", 10);
    let older = || {
        database
            .raw("UPDATE tracked_stock SET last_pull_status = 'success', failures = 0")
            .unwrap();
        assert_eq!(tracked(store, id).unknown_since, None);
    };
    assert!(pull_once(store, 10, Err("404"), true, due_at(20)).unknown_since.is_some());
    older();
    let again = pull_once(store, 20, Err("404"), true, due_at(30));
    assert_eq!(again.unknown_since, Some(instant(20)));
    older();
    assert_eq!(pull_once(store, 30, Err("away"), false, due_at(40)).unknown_since, None);
    // A pull by hand does the same, and leaves what is so.
    let by_hand = |at, result| {
        let record = ended(id, at, result, due_at(0)).record;
        store.write(|w| w.record_pull(&record)).unwrap();
        tracked(store, id).unknown_since
    };
    assert!(pull_once(store, 40, Err("404"), true, due_at(50)).unknown_since.is_some());
    assert_eq!(by_hand(41, Err("away")), Some(instant(40)));
    older();
    assert_eq!(by_hand(42, Err("away")), None);
    assert!(pull_once(store, 50, Err("404"), true, due_at(60)).unknown_since.is_some());
    assert_eq!(by_hand(51, Ok(None)), None);
}

pub(crate) fn what_is_tracked_is_counted_and_listed(database: &dyn Database) {
    let store = database.store();
    let nothing: Option<Timestamp> = None;
    assert_eq!(store.read(|r| r.next_due(TIINGO)).unwrap(), nothing);
    assert_eq!(store.read(|r| r.tracked_vendors()).unwrap(), []);
    assert_eq!(store.read(|r| r.tracked_counts(instant(1))).unwrap(), []);

    for (name, due) in [("A", 5), ("C", 10), ("B", 20), ("D", 20), ("E", 900)] {
        track(store, name, due);
    }
    for (vendor, due) in [(EODHD, 50), (Vendor::YahooChart, 60)] {
        let new = NewTracked { vendor, ..new(stock(store, "C"), due) };
        store.write(|w| w.track(&new)).unwrap();
    }
    store.write(|w| w.untrack(stock_of(store, "C"), EODHD, instant(25))).unwrap();
    let gone = NextPull::Disabled { reason: "404 for a week".to_owned() };
    pull_once(store, 5, Err("404"), true, gone);
    pull_once(store, 10, Err("away"), false, due_at(40));
    claim(store, "one", 30, 1);

    assert_eq!(store.read(|r| r.next_due(TIINGO)).unwrap(), Some(instant(20)));
    assert_eq!(store.read(|r| r.next_due(EODHD)).unwrap(), nothing);
    assert_eq!(store.read(|r| r.tracked_vendors()).unwrap(), [Vendor::YahooChart, TIINGO]);
    let of_tiingo = TrackedCounts {
        active: 4,
        inactive: 1,
        due: 2,
        in_hand: 1,
        failing: 1,
        disabled: 1,
        oldest_due: Some(instant(20)),
        next_due: Some(instant(20)),
    };
    let chart = TrackedCounts { active: 1, next_due: Some(instant(60)), ..Default::default() };
    let eodhd = TrackedCounts { inactive: 1, ..Default::default() };
    let counts = |now| store.read(|r| r.tracked_counts(instant(now))).unwrap();
    assert_eq!(counts(45), [(Vendor::YahooChart, chart), (TIINGO, of_tiingo), (EODHD, eodhd)]);
    let later = TrackedCounts { due: 3, in_hand: 0, ..of_tiingo };
    assert_eq!(counts(90)[1], (TIINGO, later), "whose lease is over is due");

    let list = |query: TrackedQuery| -> Vec<String> {
        let rows = store.read(|r| r.tracked_list(&query)).unwrap();
        rows.iter().map(|(symbol, row)| format!("{symbol} {}", row.vendor)).collect()
    };
    let all = TrackedQuery::default;
    let everything =
        ["A tiingo", "B tiingo", "C yahoo-chart", "C tiingo", "C eodhd", "D tiingo", "E tiingo"];
    assert_eq!(list(all()), everything);
    let of_vendor = TrackedQuery { vendor: Some(EODHD), ..all() };
    assert_eq!(list(of_vendor), ["C eodhd"]);
    let disabled = TrackedQuery { status: Some(PullStatus::Disabled), ..all() };
    assert_eq!(list(disabled), ["A tiingo"]);
    let active = TrackedQuery { is_active: Some(true), limit: 3, ..all() };
    assert_eq!(list(active), ["B tiingo", "C yahoo-chart", "C tiingo"]);
    let inactive = TrackedQuery { is_active: Some(false), ..all() };
    assert_eq!(list(inactive), ["A tiingo", "C eodhd"]);
    for (index, after) in store.read(|r| r.tracked_list(&all())).unwrap().into_iter().enumerate() {
        let after = Some((after.0, after.1.vendor));
        assert_eq!(list(TrackedQuery { after, limit: 2, ..all() }), page(&everything, index + 1));
    }
    assert_eq!(list(TrackedQuery { limit: 0, ..all() }), page(&[], 0));
    let (_, row) = store.read(|r| r.tracked_list(&all())).unwrap().remove(1);
    assert_eq!(row, tracked(store, stock_of(store, "B")), "with the lease");
}

/// The two that follow.
fn page<'a>(list: &[&'a str], from: usize) -> Vec<&'a str> {
    list.iter().skip(from).take(2).copied().collect()
}

fn stock_of(store: &Store, text: &str) -> StockId {
    store.read(|r| r.stock(&symbol(text))).unwrap().unwrap().id
}
