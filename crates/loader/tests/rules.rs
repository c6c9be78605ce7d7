//! The rules of loading, one by one, on a real database.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

mod common;

use common::{TestStore, bar, day, days, history};
use cream_loader::{Counts, Guard, LoadError};
use cream_models::{Bar, CorporateAction, CorporateEvent, Price, SplitRatio, Timestamp, Vendor};
use cream_store::StoreError;

fn counts(inserted: u64, updated: u64, unchanged: u64, withdrawn: u64, superseded: u64) -> Counts {
    Counts { inserted, updated, unchanged, withdrawn, superseded }
}

fn dividend(n: i32, cents: i64) -> CorporateAction {
    let amount = Price::from_nanos(cents * 10_000_000);
    CorporateAction { date: day(n), event: CorporateEvent::Dividend { amount } }
}

#[test]
fn the_same_response_again_changes_nothing() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let response = history((0..50).map(|n| bar(n, 100)).collect());
    let first = test.load(&stock, 1, &response, Guard::Refuse).unwrap();
    assert_eq!(first.bars, counts(50, 0, 0, 0, 0));
    let second = test.load(&stock, 1, &response, Guard::Refuse).unwrap();
    assert_eq!(second.bars, counts(0, 0, 50, 0, 0));

    let series = test.store.read(|reader| reader.series(stock.id, Vendor::YahooChart)).unwrap();
    let series = series.unwrap();
    assert_eq!((series.bars, series.revision), (50, 1));
    assert_eq!((series.first_date, series.last_date), (Some(day(0)), Some(day(49))));
}

#[test]
fn only_what_differs_is_written_and_keeps_the_instant_of_its_values() {
    let test = TestStore::new();
    let stock = test.stock("A");
    test.load(&stock, 1, &history(vec![bar(0, 1), bar(1, 1)]), Guard::Refuse).unwrap();
    let newer = history(vec![bar(0, 1), bar(1, 2), bar(2, 3)]);
    let report = test.load(&stock, 2, &newer, Guard::Refuse).unwrap();
    assert_eq!(report.bars, counts(1, 1, 1, 0, 0));
    let stored = test
        .store
        .read(|reader| reader.all_bars(stock.id, Vendor::YahooChart, days(0, 2)))
        .unwrap();
    let as_of: Vec<_> = stored.iter().map(|row| row.as_of).collect();
    assert_eq!(as_of, [1, 2, 2].map(Timestamp::from_seconds));
}

#[test]
fn a_bar_that_is_no_longer_delivered_is_withdrawn_and_comes_back() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let all: Vec<_> = (0..3).map(|n| bar(n, 1)).collect();
    test.load(&stock, 1, &history(all.clone()), Guard::Refuse).unwrap();
    let report = test.load(&stock, 2, &history(vec![all[0], all[2]]), Guard::Refuse).unwrap();
    assert_eq!(report.bars, counts(0, 0, 2, 1, 0));
    assert_eq!(test.served(&stock).0, [all[0], all[2]]);
    let report = test.load(&stock, 3, &history(all.clone()), Guard::Refuse).unwrap();
    assert_eq!(report.bars, counts(0, 1, 2, 0, 0));
    assert_eq!(test.served(&stock).0, all);
}

#[test]
fn an_older_response_fills_what_newer_ones_leave_open_and_no_more() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let mut newer = history(vec![bar(2, 9), bar(5, 9)]);
    newer.coverage.undecided_bars = vec![days(3, 3)];
    test.load(&stock, 2, &newer, Guard::Refuse).unwrap();
    // Day 4 was covered and not held: it is not so, whatever an older response says.
    let older = history((0..8).map(|n| bar(n, 1)).collect());
    let report = test.load(&stock, 1, &older, Guard::Refuse).unwrap();
    assert_eq!(report.bars, counts(5, 0, 0, 0, 3));
    let expected = [bar(0, 1), bar(1, 1), bar(2, 9), bar(3, 1), bar(5, 9), bar(6, 1), bar(7, 1)];
    assert_eq!(test.served(&stock).0, expected);
}

#[test]
fn a_live_bar_is_replaced_by_the_settled_one() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let live = bar(1, 5).with_final(false);
    test.load(&stock, 1, &history(vec![bar(0, 4), live]), Guard::Refuse).unwrap();
    test.load(&stock, 2, &history(vec![bar(0, 4), bar(1, 6)]), Guard::Refuse).unwrap();
    assert_eq!(test.served(&stock).0, [bar(0, 4), bar(1, 6)]);
}

#[test]
fn actions_follow_the_same_rule() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let split = |numerator: &str| CorporateAction {
        date: day(3),
        event: CorporateEvent::Split(
            SplitRatio::new(numerator.parse().unwrap(), "1".parse().unwrap()).unwrap(),
        ),
    };
    let with = |actions: Vec<CorporateAction>| {
        let mut history = history((0..9).map(|n| bar(n, 1)).collect());
        history.actions = actions;
        history
    };
    let report =
        test.load(&stock, 1, &with(vec![dividend(2, 26), split("1.5")]), Guard::Refuse).unwrap();
    assert_eq!(report.actions, counts(2, 0, 0, 0, 0));
    // The vendor takes an invented split back.
    let report = test.load(&stock, 2, &with(vec![dividend(2, 26)]), Guard::Refuse).unwrap();
    assert_eq!(report.actions, counts(0, 0, 1, 1, 0));
    assert_eq!(test.served(&stock).1, [dividend(2, 26)]);
    // A response that was not asked for actions says nothing about them.
    let mut silent = with(vec![]);
    silent.coverage.undecided_actions = vec![days(0, 8)];
    let report = test.load(&stock, 3, &silent, Guard::Refuse).unwrap();
    assert_eq!(report.actions, counts(0, 0, 0, 0, 0));
    let report = test.load(&stock, 4, &with(vec![dividend(2, 27), split("2")]), Guard::Refuse);
    assert_eq!(report.unwrap().actions, counts(0, 2, 0, 0, 0));
    assert_eq!(test.served(&stock).1, [dividend(2, 27), split("2")]);
}

#[test]
fn more_than_one_percent_withdrawn_is_suspicious_and_leaves_no_trace() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let all: Vec<Bar> = (0..300).map(|n| bar(n, 1)).collect();
    test.load(&stock, 1, &history(all.clone()), Guard::Refuse).unwrap();
    let without = |lost: usize| {
        let mut bars = all.clone();
        bars.drain(100..100 + lost);
        history(bars)
    };
    let error = test.load(&stock, 2, &without(4), Guard::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "suspicious: it would withdraw 4 of the series' 300 final bars, the first on 2020-04-10; \
         more than 1 % is more likely a broken response than the truth"
    );
    assert_eq!(test.served(&stock).0, all);
    // Exactly 1 % is not more than 1 %; and an operator may accept what is.
    let report = test.load(&stock, 3, &without(3), Guard::Refuse).unwrap();
    assert_eq!(report.bars.withdrawn, 3);
    let report = test.load(&stock, 4, &without(50), Guard::Accept).unwrap();
    assert_eq!(report.bars.withdrawn, 47);
}

#[test]
fn two_of_a_few_bars_are_never_suspicious_and_live_bars_do_not_count() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let mut all: Vec<Bar> = (0..10).map(|n| bar(n, 1)).collect();
    all[4] = all[4].with_final(false);
    test.load(&stock, 1, &history(all.clone()), Guard::Refuse).unwrap();
    let mut fewer = all.clone();
    fewer.drain(3..6);
    let report = test.load(&stock, 2, &history(fewer), Guard::Refuse).unwrap();
    assert_eq!(report.bars.withdrawn, 3);
}

#[test]
fn a_history_that_breaks_its_own_rules_is_refused() {
    let test = TestStore::new();
    let stock = test.stock("A");
    let mut outside = history(vec![bar(0, 1), bar(5, 1)]);
    outside.actions = vec![dividend(7, 1)];
    for (history, what) in [
        (history(vec![bar(1, 1), bar(1, 2)]), "bars are not in ascending order on 2020-01-02"),
        (history(vec![Bar::new(day(0)).with_volume(1)]), "a bar without any price on 2020-01-01"),
        (outside, "a corporate action outside of what the response decides on 2020-01-08"),
    ] {
        let error = test.load(&stock, 1, &history, Guard::Refuse).unwrap_err();
        assert!(matches!(error, LoadError::Invalid { .. }));
        assert!(error.to_string().contains(what), "{error}");
    }
    let series = test.store.read(|reader| reader.series(stock.id, Vendor::YahooChart));
    assert!(matches!(series, Ok::<_, StoreError>(None)), "nothing of it was kept");
}

#[test]
fn an_empty_coverage_decides_nothing() {
    let test = TestStore::new();
    let stock = test.stock("A");
    test.load(&stock, 1, &history(vec![bar(0, 1)]), Guard::Refuse).unwrap();
    let report = test.load(&stock, 2, &history(vec![]), Guard::Refuse).unwrap();
    assert_eq!(report, cream_loader::LoadReport::default());
    assert_eq!(test.served(&stock).0, [bar(0, 1)]);
}
