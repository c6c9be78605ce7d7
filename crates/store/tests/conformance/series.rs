//! Stocks and the state of their series.

use cream_models::{ActionKind, ActionKinds, Coverage, DateRange, Instrument, Vendor};
use cream_store::{
    NewResponse, ParsedResponse, Said, Series, SeriesState, Stock, StockId, StoreError, Writer,
    YearSums,
};

use crate::harness::{Database, Done, bar, instant, stock, symbol};

const CHART: Vendor = Vendor::YahooChart;

fn read(database: &dyn Database, text: &str) -> Stock {
    database.store().read(|r| r.stock(&symbol(text))).unwrap().unwrap()
}

fn series(database: &dyn Database, id: StockId) -> Series {
    database.store().read(|r| r.series(id, CHART)).unwrap().unwrap()
}

/// Locks a series, changes its state, and saves it.
fn change(database: &dyn Database, id: StockId, change: impl FnOnce(&mut SeriesState)) {
    database
        .store()
        .write(|w| -> Done {
            let mut state = w.lock_series(id, CHART)?;
            change(&mut state);
            w.save_series(state)
        })
        .unwrap();
}

pub(crate) fn a_stock_is_added_once(database: &dyn Database) {
    let first = stock(database.store(), "TSLA");
    assert_eq!(stock(database.store(), "TSLA"), first);
    assert_ne!(stock(database.store(), "AAPL"), first);
    assert_eq!(read(database, "TSLA").id, first);
}

pub(crate) fn the_newest_description_wins_in_any_order(database: &dyn Database) {
    let text = |text: &str| Some(text.to_owned());
    // The newest knows no exchange; two of one moment disagree about the kind.
    let said = [
        (1, Instrument { name: text("Old"), exchange: text("X1"), ..Instrument::default() }),
        (2, Instrument { exchange: text("X2"), kind: text("ETF"), ..Instrument::default() }),
        (2, Instrument { kind: text("EQUITY"), currency: text("USD"), ..Instrument::default() }),
        (3, Instrument { name: text("New"), time_zone: text("a\0b"), ..Instrument::default() }),
    ];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 1, 2]];
    for (number, order) in orders.into_iter().enumerate() {
        let id = stock(database.store(), &format!("S{number}"));
        for index in order {
            let (at, instrument) = &said[index];
            change(database, id, |state| state.describe(instrument, instant(*at)));
        }
        let series = series(database, id);
        let held = series.description;
        let is = |said: Option<Said>, text: &str, at| {
            assert_eq!(said, Some(Said { at: instant(at), text: text.to_owned() }), "{order:?}");
        };
        is(held.name, "New", 3);
        is(held.exchange, "X2", 2);
        is(held.kind, "ETF", 2);
        is(held.currency, "USD", 2);
        is(held.time_zone, "a\u{fffd}b", 3);
        assert_eq!(series.revision, 0);
    }
}

pub(crate) fn a_series_keeps_count_of_its_bars(database: &dyn Database) {
    let id = stock(database.store(), "A");
    assert_eq!(database.store().read(|r| r.series(id, CHART)).unwrap(), None);
    let bars = [bar("2019-01-02", "1"), bar("2020-01-03", "2"), bar("2020-01-06", "3")];
    let write = |at, work: &dyn Fn(&mut Writer<'_>, &mut SeriesState) -> Done| {
        let all = |w: &mut Writer<'_>| -> Result<YearSums, StoreError> {
            let mut state = w.lock_series(id, CHART)?;
            work(w, &mut state)?;
            state.revise(instant(at));
            let sums = state.sums().clone();
            w.save_series(state)?;
            Ok(sums)
        };
        let sums = database.store().write(all).unwrap();
        let kept = database.store().write(|w| w.lock_series(id, CHART)).unwrap();
        assert_eq!(*kept.sums(), sums, "sums are read back");
        // What was counted one by one is what there is.
        let counted = series(database, id);
        database.store().write(|w| w.recount_series(id, CHART, instant(at))).unwrap();
        let recounted = database.store().write(|w| w.lock_series(id, CHART)).unwrap();
        assert_eq!(*recounted.sums(), sums);
        let recounted = recounted.series();
        assert_eq!(
            (recounted.bars, recounted.first_date, recounted.last_date),
            (counted.bars, counted.first_date, counted.last_date)
        );
        counted
    };

    let first = write(101, &|w, state| {
        state.add(&bars);
        w.insert_bars(id, CHART, instant(1), &bars)
    });
    assert_eq!((first.bars, first.revision, first.changed_at), (3, 1, instant(101)));
    assert_eq!(first.first_date, Some(bars[0].date()));
    assert_eq!(first.last_date, Some(bars[2].date()));

    let second = write(103, &|w, state| {
        [0, 2].iter().for_each(|index| state.remove(&bars[*index]));
        w.withdraw_bars(id, CHART, instant(3), &[bars[2].date(), bars[0].date()])
    });
    assert_eq!((second.bars, second.revision, second.changed_at), (1, 3, instant(103)));
    assert_eq!((second.first_date, second.last_date), (Some(bars[1].date()), Some(bars[1].date())));

    let third = write(104, &|w, state| {
        state.remove(&bars[1]);
        w.withdraw_bars(id, CHART, instant(4), &[bars[1].date()])
    });
    assert_eq!((third.bars, third.first_date, third.last_date), (0, None, None));

    let before = series(database, id);
    change(database, id, |_| ());
    assert_eq!(series(database, id), before, "nothing changed");
}

pub(crate) fn sums_that_are_unknown_are_worked_out(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let bars = [bar("2019-01-02", "1"), bar("2020-01-03", "2"), bar("2020-01-06", "3")];
    store
        .write(|w| {
            w.insert_bars(id, CHART, instant(1), &bars)?;
            w.withdraw_bars(id, CHART, instant(2), &[bars[2].date()])?;
            w.recount_series(id, CHART, instant(2))
        })
        .unwrap();
    let sums = || store.write(|w| w.lock_series(id, CHART)).unwrap().sums().clone();
    assert_eq!(sums(), YearSums::of(&bars[..2]));
    // As somebody does who changed bars by hand.
    database.raw("UPDATE series SET year_sums = NULL").unwrap();
    database.raw("UPDATE stock_data SET close = 7 WHERE close = 1000000000").unwrap();
    assert_eq!(sums(), YearSums::of(&[bar("2019-01-02", "0.000000007"), bars[1]]));
    database.raw("UPDATE series SET year_sums = NULL").unwrap();
    database.raw("DELETE FROM stock_data").unwrap();
    assert_eq!(sums(), YearSums::default());
}

pub(crate) fn locking_adds_the_row_once(database: &dyn Database) {
    let id = stock(database.store(), "A");
    for _ in 0..2 {
        database.store().write(|w| w.lock_series(id, CHART)).unwrap();
    }
    let series = series(database, id);
    assert_eq!((series.bars, series.revision, series.currency()), (0, 0, None));
    let nobody = StockId(id.0 + 1);
    let error = database.store().write(|w| w.lock_series(nobody, CHART)).unwrap_err();
    assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
}

fn ranges(text: &str) -> Vec<DateRange> {
    text.split_whitespace().map(|range| range.parse().unwrap()).collect()
}

pub(crate) fn known_actions_are_a_union_in_any_order(database: &dyn Database) {
    let store = database.store();
    let known = [
        ranges("2020-01-01..2020-01-31 2020-03-01..2020-03-31"),
        ranges("2020-02-01..2020-02-28"),
        ranges("2020-02-29"),
        ranges(""),
        ranges("2020-01-15..2020-03-01 2021-01-01"),
    ];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 3, 0, 2, 1]];
    for (number, order) in orders.into_iter().enumerate() {
        let id = stock(store, &format!("S{number}"));
        for index in order {
            change(database, id, |state| state.know_actions(&known[index]));
            // What is read is what is saved, however often it is said.
            let before = series(database, id);
            assert!(known[index].is_empty() || !before.actions_known.is_empty());
            change(database, id, |state| state.know_actions(&known[index]));
            assert_eq!(series(database, id), before);
        }
        let expected = match number {
            3 => ranges("2020-01-01..2020-03-31"),
            _ => ranges("2020-01-01..2020-03-31 2021-01-01"),
        };
        assert_eq!(series(database, id).actions_known, expected, "{order:?}");
        assert_eq!(series(database, id).revision, 0);
    }
    // Nothing is written where nothing is new: the sums, worked out each time, are not kept.
    let id = stock(store, "S0");
    let is_written = |known: &[DateRange]| {
        database.raw("UPDATE series SET year_sums = NULL").unwrap();
        change(database, id, |state| state.know_actions(known));
        let sql = format!(
            "SELECT 'x' AS text FROM series WHERE year_sums IS NOT NULL AND stock_id = {}",
            id.0
        );
        !database.query(&sql).is_empty()
    };
    assert!(!is_written(&ranges("2020-02-01..2020-03-31")));
    assert!(!is_written(&[]));
    assert!(is_written(&ranges("2021-05-01")));
}

pub(crate) fn known_actions_that_are_unknown_are_worked_out(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let responses = [
        (CHART, "2020-01-01..2020-03-31", "", ActionKinds::NONE),
        (CHART, "2020-03-01..2020-12-31", "2020-05-01 2020-07-01..2020-08-31", ActionKinds::NONE),
        (CHART, "2022-01-01..2022-12-31", "", ActionKinds::NONE.with(ActionKind::CapitalGain)),
        // A kind that this vendor never tells is none that it leaves open.
        (
            Vendor::Tiingo,
            "2022-01-01..2022-12-31",
            "",
            ActionKinds::NONE.with(ActionKind::CapitalGain),
        ),
        (Vendor::Stooq, "2022-01-01..2022-12-31", "", ActionKinds::ALL),
    ];
    for (number, (vendor, range, open, kinds)) in responses.into_iter().enumerate() {
        let new = NewResponse {
            file_name: format!("{number}.json"),
            sha256: [0; 32],
            byte_len: 1,
            registered_at: instant(1),
        };
        let parsed = ParsedResponse {
            stock_id: id,
            vendor,
            fetched_at: instant(1),
            coverage: Coverage {
                range: ranges(range).pop(),
                undecided_actions: ranges(open),
                undecided_kinds: kinds,
                ..Coverage::default()
            },
            inserted: 0,
            updated: 0,
            unchanged: 0,
            withdrawn: 0,
        };
        let load = |w: &mut Writer<'_>| -> Done {
            let mut state = w.lock_series(id, vendor)?;
            state.loaded(instant(1));
            w.save_series(state)?;
            w.record_parsed(&new, &parsed).map(|is_new| assert!(is_new))
        };
        store.write(load).unwrap();
    }
    let known = |vendor| {
        let state = store.write(|w| w.lock_series(id, vendor)).unwrap();
        state.series().actions_known.clone()
    };
    assert_eq!(known(CHART), [], "as it was saved");
    database.raw("UPDATE series SET actions_known = NULL").unwrap();
    assert_eq!(series(database, id).actions_known, [], "not by whoever reads");
    let expected = ranges("2020-01-01..2020-04-30 2020-05-02..2020-06-30 2020-09-01..2020-12-31");
    assert_eq!(known(CHART), expected);
    assert_eq!(known(Vendor::Tiingo), ranges("2022-01-01..2022-12-31"));
    assert_eq!(known(Vendor::Stooq), []);
    // It is kept by whoever saves next.
    change(database, id, |_| ());
    assert_eq!(series(database, id).actions_known, expected);
}
