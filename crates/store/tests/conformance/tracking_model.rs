//! The rules of tracked stocks, as a plain model in memory, against what the store makes of any
//! sequence of calls.

use cream_store::{
    FinishedPull, Lease, NewTracked, NextPull, PullRecord, PullStatus, StockId, Store, StoreError,
    SweptLeases, Tracked, TrackedQuery, Tracking,
};
use proptest::prelude::*;

use crate::harness::{Database, instant, stock};
use crate::tracking::{TIINGO, claim};

const STOCKS: usize = 3;

/// How a pull ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Success,
    Failure,
    Unknown,
}

/// What is called, where a claim is meant by its number among those that were made.
#[derive(Clone, Copy, Debug)]
enum Call {
    Track { stock: usize, delay: i64, spelled: Option<u8> },
    Untrack { stock: usize },
    Claim { limit: u32 },
    Finish { claim: usize, end: End, next: Option<i64> },
    Record { stock: usize, end: End },
    Release { claim: usize },
    Renew { claim: usize },
    Sweep,
}

fn calls() -> impl Strategy<Value = Vec<(i64, Call)>> {
    let end =
        || prop_oneof![1 => Just(End::Success), 1 => Just(End::Failure), 3 => Just(End::Unknown)];
    // Mostly the claim that was made last.
    let (stock, made) = (|| 0..STOCKS, || prop_oneof![3 => Just(0_usize), 1 => 1..4_usize]);
    let track = (stock(), 0..50_i64, prop::option::weighted(0.3, 0..2_u8))
        .prop_map(|(stock, delay, spelled)| Call::Track { stock, delay, spelled });
    let next = prop::option::weighted(0.9, prop_oneof![2 => 0..5_i64, 1 => 5..90_i64]);
    let call = prop_oneof![
        3 => track,
        1 => stock().prop_map(|stock| Call::Untrack { stock }),
        6 => (0..3_u32).prop_map(|limit| Call::Claim { limit }),
        5 => (made(), end(), next).prop_map(|(claim, end, next)| Call::Finish { claim, end, next }),
        1 => (stock(), end()).prop_map(|(stock, end)| Call::Record { stock, end }),
        1 => made().prop_map(|claim| Call::Release { claim }),
        2 => made().prop_map(|claim| Call::Renew { claim }),
        1 => Just(Call::Sweep),
    ];
    // Steps that meet the end of a lease of a minute.
    let step = prop_oneof![4 => 0..5_i64, 2 => Just(20_i64), 1 => Just(60_i64)];
    prop::collection::vec((step, call), 1..60)
}

/// A row, and the token that holds it.
#[derive(Clone, Debug)]
struct Row {
    tracked: Tracked,
    token: Option<String>,
}

#[derive(Default)]
struct Model {
    rows: [Option<Row>; STOCKS],
}

impl Model {
    fn track(&mut self, stock: usize, new: &NewTracked) -> Tracking {
        let due = Some(new.due);
        let Some(Row { tracked: row, token }) = &mut self.rows[stock] else {
            self.rows[stock] = Some(blank(new.stock_id, &new.vendor_symbol, true));
            self.rows[stock].as_mut().unwrap().tracked.next_pull_at = due;
            return Tracking::New;
        };
        if new.is_spelled && row.vendor_symbol != new.vendor_symbol {
            row.vendor_symbol.clone_from(&new.vendor_symbol);
            (row.unknown_since, row.lease_until, *token) = (None, None, None);
        }
        if row.is_active {
            if row.failures > 0 {
                row.next_pull_at = row.next_pull_at.min(due);
            }
            return Tracking::Already;
        }
        (row.is_active, row.next_pull_at, row.last_pull_status) = (true, due, PullStatus::Pending);
        (row.error, row.failures, row.unknown_since) = (None, 0, None);
        row.untracked_at = None;
        Tracking::Reactivated
    }

    fn claim(&mut self, now: i64, limit: usize, token: impl Fn(usize) -> String) -> Vec<usize> {
        let now_at = instant(now);
        let is_free = |row: &Tracked| row.lease_until.is_none_or(|until| until <= now_at);
        let mut due: Vec<(_, usize)> = (0..STOCKS)
            .filter_map(|stock| {
                let row = &self.rows[stock].as_ref()?.tracked;
                let at = row.next_pull_at.filter(|at| *at <= now_at)?;
                (row.is_active && is_free(row)).then_some((at, stock))
            })
            .collect();
        due.sort();
        due.truncate(limit);
        for (_, stock) in &due {
            let row = self.rows[*stock].as_mut().unwrap();
            row.token = Some(token(*stock));
            row.tracked.lease_until = Some(instant(now + 60));
        }
        due.into_iter().map(|(_, stock)| stock).collect()
    }

    fn held(&mut self, token: &str) -> Option<&mut Row> {
        self.rows.iter_mut().flatten().find(|row| row.token.as_deref() == Some(token))
    }
}

fn blank(stock_id: StockId, vendor_symbol: &str, is_active: bool) -> Row {
    let tracked = Tracked {
        stock_id,
        vendor: TIINGO,
        vendor_symbol: vendor_symbol.to_owned(),
        is_active,
        last_pull_at: None,
        last_pull_status: PullStatus::Pending,
        error: None,
        failures: 0,
        next_pull_at: None,
        unknown_since: None,
        untracked_at: None,
        validators: None,
        lease_until: None,
    };
    Row { tracked, token: None }
}

/// What every pull does to its row.
fn pulled(row: &mut Tracked, pull: &PullRecord, is_unknown: bool) {
    row.last_pull_at = Some(pull.at);
    row.error = pull.result.as_ref().err().cloned();
    if pull.result.is_ok() {
        (row.failures, row.unknown_since) = (0, None);
        row.last_pull_status = PullStatus::Success;
        row.vendor_symbol.clone_from(&pull.vendor_symbol);
    } else {
        row.failures += 1;
        row.last_pull_status = PullStatus::Failed;
        if is_unknown {
            row.unknown_since = row.unknown_since.or(Some(pull.at));
        }
    }
}

fn record(stock_id: StockId, vendor_symbol: &str, now: i64, end: End) -> PullRecord {
    let result = match end {
        End::Success => Ok(None),
        End::Failure | End::Unknown => Err(format!("{end:?} at {now}")),
    };
    let vendor_symbol = vendor_symbol.to_owned();
    PullRecord { stock_id, vendor: TIINGO, vendor_symbol, at: instant(now), result }
}

pub(crate) fn rows_stand_as_the_rules_say(database: &dyn Database) {
    let store = database.store();
    let ids: Vec<StockId> = ["A", "B", "C"].map(|symbol| stock(store, symbol)).into();
    proptest!(ProptestConfig::with_cases(48), |(calls in calls())| {
        database.raw("DELETE FROM tracked_stock").unwrap();
        run(store, &ids, &calls);
    });
}

/// Makes the calls on both, and compares what they say and what they leave.
fn run(store: &Store, ids: &[StockId], calls: &[(i64, Call)]) {
    let mut model = Model::default();
    // The stock and the token of each claim, the newest last.
    let mut made: Vec<(usize, String)> = Vec::new();
    let mut now = 1_000;
    for (number, (step, call)) in calls.iter().enumerate() {
        now += step;
        let nth_last = |nth: usize| made.iter().rev().nth(nth).cloned();
        match *call {
            Call::Track { stock, delay, spelled } => {
                let new = NewTracked {
                    stock_id: ids[stock],
                    vendor: TIINGO,
                    vendor_symbol: spelled.map_or("own".to_owned(), |name| format!("{name}")),
                    is_spelled: spelled.is_some(),
                    due: instant(now + delay),
                };
                let done = store.write(|w| w.track(&new)).unwrap();
                assert_eq!(done, model.track(stock, &new), "{call:?}");
            }
            Call::Untrack { stock } => {
                let row = model.rows[stock].as_mut().filter(|row| row.tracked.is_active);
                let done = store.write(|w| w.untrack(ids[stock], TIINGO, instant(now))).unwrap();
                assert_eq!(done, row.is_some());
                if let Some(row) = row {
                    (row.tracked.is_active, row.tracked.next_pull_at) = (false, None);
                    row.tracked.untracked_at = Some(instant(now));
                }
            }
            Call::Claim { limit } => {
                let claimed = claim(store, &format!("{number}:"), now, limit);
                let token = |stock: usize| {
                    let claim = claimed.iter().find(|row| row.tracked.stock_id == ids[stock]);
                    claim.map(|claim| claim.token.clone()).unwrap_or_default()
                };
                let stocks = model.claim(now, usize::try_from(limit).unwrap(), token);
                let got: Vec<StockId> = claimed.iter().map(|row| row.tracked.stock_id).collect();
                assert_eq!(got, stocks.iter().map(|stock| ids[*stock]).collect::<Vec<_>>());
                for (claimed, stock) in claimed.iter().zip(stocks) {
                    let row = model.rows[stock].as_ref().unwrap();
                    assert_eq!(claimed.tracked, row.tracked);
                    made.push((stock, claimed.token.clone()));
                }
            }
            Call::Finish { claim, end, next } => {
                let Some((stock, token)) = nth_last(claim) else { continue };
                let pull = FinishedPull {
                    record: record(ids[stock], "asked", now, end),
                    next: next.map_or_else(
                        || NextPull::Disabled { reason: "enough".to_owned() },
                        |after| NextPull::At(instant(now + after)),
                    ),
                    is_unknown: matches!(end, End::Unknown),
                };
                let done = store.write(|w| w.finish_pull(&pull, &token));
                let Some(row) = model.held(&token) else {
                    assert!(matches!(done, Err(StoreError::LeaseLost { .. })), "{done:?}");
                    continue;
                };
                done.unwrap();
                row.token = None;
                let row = &mut row.tracked;
                pulled(row, &pull.record, pull.is_unknown);
                row.lease_until = None;
                row.next_pull_at = next.map(|after| instant(now + after)).filter(|_| row.is_active);
                if next.is_none() {
                    (row.is_active, row.last_pull_status) = (false, PullStatus::Disabled);
                    row.error = Some("enough".to_owned());
                }
            }
            Call::Record { stock, end } => {
                let pull = record(ids[stock], "by hand", now, end);
                store.write(|w| w.record_pull(&pull)).unwrap();
                let first = blank(ids[stock], &pull.vendor_symbol, false);
                let row = &mut model.rows[stock].get_or_insert(first).tracked;
                let why = row.error.clone();
                let is_disabled = row.last_pull_status == PullStatus::Disabled;
                pulled(row, &pull, false);
                if is_disabled {
                    (row.last_pull_status, row.error) = (PullStatus::Disabled, why);
                }
            }
            Call::Release { claim } => {
                let Some((_, token)) = nth_last(claim) else { continue };
                let row = model.held(&token);
                let released = store.write_loosely(|w| w.release_leases(&[&token])).unwrap();
                assert_eq!(released, u64::from(row.is_some()));
                if let Some(row) = row {
                    (row.token, row.tracked.lease_until) = (None, None);
                }
            }
            Call::Renew { claim } => {
                let Some((_, token)) = nth_last(claim) else { continue };
                let until = instant(now + 60);
                let held = store.write_loosely(|w| w.renew_leases(&[&token], until)).unwrap();
                let row = model.held(&token);
                assert_eq!(held.len(), usize::from(row.is_some()));
                if let Some(row) = row {
                    row.tracked.lease_until = Some(until);
                }
            }
            Call::Sweep => {
                let over = |row: &&mut Row| {
                    row.tracked.lease_until.is_some_and(|until| until < instant(now))
                };
                let mut tracked = 0;
                for row in model.rows.iter_mut().flatten().filter(over) {
                    (row.token, row.tracked.lease_until) = (None, None);
                    tracked += 1;
                }
                let swept = store.write_loosely(|w| w.sweep_leases(instant(now))).unwrap();
                assert_eq!(swept, SweptLeases { tracked, responses: 0 });
            }
        }
        let rows = store.read(|r| r.tracked_list(&TrackedQuery::default())).unwrap();
        let rows: Vec<Tracked> = rows.into_iter().map(|(_, row)| row).collect();
        let expected: Vec<Tracked> =
            model.rows.iter().flatten().map(|row| row.tracked.clone()).collect();
        assert_eq!(rows, expected, "after {number}, {call:?} at {now}");
        let (_, token) = made.last().cloned().unwrap_or_default();
        let holds = store.read(|r| r.holds_lease(&token)).unwrap();
        assert_eq!(holds, model.held(&token).is_some());
    }
    let next_due = store.read(|r| r.next_due(TIINGO)).unwrap();
    let active = model.rows.iter().flatten().filter(|row| row.tracked.is_active);
    assert_eq!(next_due, active.filter_map(|row| row.tracked.next_pull_at).min());
    let lease = Lease { token: "last", from: instant(now + 200), until: instant(now + 300) };
    let rest = store.write(|w| w.claim_due(TIINGO, 9, &lease)).unwrap();
    assert_eq!(rest.len(), model.claim(now + 200, 9, |_| String::new()).len(), "none is stuck");
}
