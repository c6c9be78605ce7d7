//! Whatever the order, whatever is loaded twice: the newest response that decides a date is right.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;

use common::{TestStore, history};
use cream_loader::Guard;
use cream_models::{
    ActionKind, ActionKinds, Bar, CorporateAction, CorporateEvent, Coverage, Date, DateRange,
    Price, PriceHistory, SplitRatio,
};
use cream_store::YearSums;
use proptest::prelude::*;

/// Days that the responses speak of.
const DAYS: i32 = 24;

/// Days that lie over several years, and several in one: what is known of a year need not be read.
fn day(n: i32) -> Date {
    common::day(n * 97)
}

fn days(first: i32, last: i32) -> DateRange {
    common::days(first * 97, last * 97)
}

fn bar(n: i32, close: i64) -> Bar {
    common::bar(n, close).with_date(day(n))
}

/// What a generated response holds for a day.
#[derive(Clone, Copy, Debug)]
enum Row {
    /// A bar with this close.
    Bar(i64),
    /// A bar of a session under way.
    Live(i64),
    /// Nothing: the vendor says there is no such bar.
    Missing,
    /// A row without values, or an unreadable one.
    Undecided,
}

#[derive(Clone, Debug)]
struct Response {
    first: i32,
    rows: Vec<Row>,
    /// Day, kind and size; `None` for a day whose actions are left open.
    actions: Vec<(i32, Option<(ActionKind, i64)>)>,
    asks_actions: bool,
    /// Kinds of action of which the response says nothing.
    open_kinds: ActionKinds,
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![
        6 => (1..4_i64).prop_map(Row::Bar),
        1 => (1..4_i64).prop_map(Row::Live),
        2 => Just(Row::Missing),
        1 => Just(Row::Undecided),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let kind = prop::sample::select(ActionKind::ALL.to_vec());
    let some = prop::collection::vec(kind.clone(), 1..4)
        .prop_map(|kinds| kinds.into_iter().fold(ActionKinds::NONE, ActionKinds::with));
    let open_kinds = prop::option::weighted(0.4, some);
    let action = (0..DAYS, prop::option::weighted(0.8, (kind, 1..3_i64)));
    (
        0..DAYS,
        prop::collection::vec(row(), 1..16),
        prop::collection::vec(action, 0..4),
        prop::bool::weighted(0.8),
        open_kinds,
    )
        .prop_map(|(first, rows, actions, asks_actions, open_kinds)| Response {
            first,
            rows,
            actions,
            asks_actions,
            open_kinds: open_kinds.unwrap_or_default(),
        })
}

/// Responses, and before which of the loads the schema goes back to an older one and up again.
/// That one cannot say which kinds are left open, so that none are where it is come from.
fn responses() -> impl Strategy<Value = (Vec<Response>, Vec<bool>)> {
    let forgetful = prop::collection::vec(prop::bool::weighted(0.15), 14);
    (prop::collection::vec(response(), 1..7), prop::option::of(forgetful)).prop_map(
        |(mut responses, forgetful)| {
            if forgetful.is_some() {
                responses.iter_mut().for_each(|each| each.open_kinds = ActionKinds::NONE);
            }
            (responses, forgetful.unwrap_or_else(|| vec![false]))
        },
    )
}

impl Response {
    fn history(&self) -> PriceHistory {
        let mut bars = Vec::new();
        let mut undecided = Vec::new();
        let mut last = self.first;
        for (n, row) in (self.first..).zip(&self.rows) {
            last = n;
            match *row {
                Row::Bar(close) => bars.push(bar(n, close)),
                Row::Live(close) => bars.push(bar(n, close).with_final(false)),
                Row::Missing => {}
                Row::Undecided => undecided.push(days(n, n)),
            }
        }
        let mut history = history(bars);
        history.coverage = Coverage {
            range: Some(days(self.first, last)),
            undecided_bars: Coverage::normalized(undecided),
            undecided_kinds: self.open_kinds,
            ..Coverage::default()
        };
        if !self.asks_actions {
            history.coverage.undecided_actions = vec![days(self.first, last)];
            return history;
        }
        let mut actions = BTreeMap::new();
        let mut open = Vec::new();
        for &(n, action) in &self.actions {
            if !(self.first..=last).contains(&n) {
                continue;
            }
            match action {
                Some((kind, size)) => {
                    actions.insert((day(n), kind), size);
                }
                None => open.push(n),
            }
        }
        actions.retain(|(date, kind), _| {
            open.iter().all(|&n| day(n) != *date) && !self.open_kinds.contains(*kind)
        });
        history.coverage.undecided_actions =
            Coverage::normalized(open.into_iter().map(|n| days(n, n)).collect());
        history.actions = actions
            .into_iter()
            .map(|((date, kind), size)| {
                let amount = Price::from_nanos(size);
                let event = match kind {
                    ActionKind::Dividend => CorporateEvent::Dividend { amount },
                    ActionKind::CapitalGain => CorporateEvent::CapitalGain { amount },
                    ActionKind::Split => CorporateEvent::Split(
                        SplitRatio::new(amount, Price::from_nanos(1)).unwrap(),
                    ),
                };
                CorporateAction { date, event }
            })
            .collect();
        history
    }
}

/// What must be served, worked out day by day from the rule itself.
fn expected(histories: &[PriceHistory]) -> (Vec<Bar>, Vec<CorporateAction>) {
    let (mut bars, mut actions) = (Vec::new(), Vec::new());
    fn newest<K: Copy>(
        histories: &[PriceHistory],
        decides: fn(&Coverage, K) -> bool,
        key: K,
    ) -> Option<&PriceHistory> {
        histories.iter().rev().find(|history| decides(&history.coverage, key))
    }
    for date in (0..2 * DAYS).map(day) {
        if let Some(history) = newest(histories, Coverage::decides_bar, date) {
            bars.extend(history.bars.iter().filter(|bar| bar.date() == date));
        }
        for key in ActionKind::ALL.map(|kind| (date, kind)) {
            if let Some(history) = newest(histories, Coverage::decides_action, key) {
                actions.extend(history.actions.iter().filter(|action| action.key() == key));
            }
        }
    }
    (bars, actions)
}

/// The dates on which some response decides every kind of action, date by date.
fn known(histories: &[PriceHistory]) -> Vec<DateRange> {
    let decides = |history: &PriceHistory, date| {
        ActionKind::ALL.iter().all(|kind| history.coverage.decides_action((date, *kind)))
    };
    let dates = (0..2 * DAYS * 97).map(common::day);
    let known = dates.filter(|date| histories.iter().any(|history| decides(history, *date)));
    Coverage::normalized(known.map(DateRange::single).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Responses are numbered by the instant of their fetching; `order` says in which order they
    /// are loaded, some of them more than once.
    #[test]
    fn the_newest_covering_response_decides_in_any_order(
        ((responses, forgetful), order) in responses().prop_flat_map(|made| {
            let twice: Vec<usize> = (0..made.0.len()).chain(0..made.0.len()).collect();
            (Just(made), Just(twice).prop_shuffle())
        }),
    ) {
        let histories: Vec<_> = responses.iter().map(Response::history).collect();
        let test = TestStore::new();
        let stock = test.stock("A");
        for (at, forget) in order.into_iter().zip(forgetful.into_iter().cycle()) {
            if forget {
                // As after an upgrade: what can be worked out is not known.
                while test.store.migrate_down().unwrap().unwrap() != "0005_series_state" {}
                test.store.migrate_up().unwrap();
            }
            let fetched = i64::try_from(at).unwrap();
            test.load(&stock, fetched, &histories[at], Guard::Accept).unwrap();
        }
        prop_assert_eq!(test.served(&stock), expected(&histories));
        // What the series says of itself is what it serves.
        let series = test.store.read(|reader| reader.series_of(stock.id)).unwrap();
        let bars = test.served(&stock).0;
        prop_assert_eq!(series[0].bars, i64::try_from(bars.len()).unwrap());
        prop_assert_eq!(series[0].first_date, bars.first().map(Bar::date));
        prop_assert_eq!(series[0].last_date, bars.last().map(Bar::date));
        prop_assert_eq!(&series[0].actions_known, &known(&histories));
        let state = test.store.write(|writer| writer.lock_series(stock.id, series[0].vendor));
        let sums = YearSums::of(&bars).with_actions(&test.served(&stock).1);
        prop_assert_eq!(state.unwrap().sums().clone(), sums);
    }
}
