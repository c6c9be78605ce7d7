//! Transactions: whole or not at all, one at a time, and never poisoned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use cream_models::{Bar, Date, DateRange, Price, Vendor};
use cream_store::{BarQuery, StoreError, StoreOptions, YearSums};

use crate::harness::{Database, Done, bar, instant, stock, symbol};

const CHART: Vendor = Vendor::YahooChart;

#[derive(Debug)]
enum Failure {
    Own,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(crate) fn an_error_rolls_back(database: &dyn Database) {
    let store = database.store();
    let result = store.write(|w| -> Result<(), Failure> {
        w.ensure_stock(&symbol("A"))?;
        Err(Failure::Own)
    });
    assert!(matches!(result, Err(Failure::Own)));
    let result = store.write(|w| -> Result<(), Failure> {
        let id = w.ensure_stock(&symbol("A"))?.id;
        let day = bar("2020-01-02", "1");
        w.insert_bars(id, CHART, instant(1), &[day, day])?;
        Ok(())
    });
    assert!(matches!(result, Err(Failure::Store(StoreError::Constraint { .. }))), "{result:?}");
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 0);
    stock(store, "A");
}

pub(crate) fn a_panic_rolls_back_and_the_store_goes_on(database: &dyn Database) {
    let one = StoreOptions { max_connections: 1, ..StoreOptions::default() };
    let store = database.another(&one);
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.write(|w| -> Done {
                w.ensure_stock(&symbol("A"))?;
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.read(|r| -> Done {
                r.totals()?;
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 0);
    stock(&store, "A");
    assert_eq!(database.store().read(|r| r.totals()).unwrap().stocks, 1);
}

pub(crate) fn a_snapshot_does_not_move(database: &dyn Database) {
    let store = database.store();
    store
        .read(|r| -> Done {
            // Before anything is read, as a snapshot that began late would show.
            stock(store, "A");
            assert_eq!(r.totals()?.stocks, 0);
            stock(store, "B");
            assert_eq!(r.totals()?.stocks, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 2);
}

pub(crate) fn writers_take_turns(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let id = stock(database.store(), "A");
    thread::scope(|scope| {
        for number in 0..4 {
            let store = if number % 2 == 0 { database.store() } else { &another };
            scope.spawn(move || {
                for _ in 0..25 {
                    store
                        .write(|w| {
                            let mut state = w.lock_series(id, CHART)?;
                            state.revise(instant(1));
                            w.save_series(state)
                        })
                        .unwrap();
                }
            });
        }
    });
    let series = another.read(|r| r.series(id, CHART)).unwrap().unwrap();
    assert_eq!(series.revision, 100, "no update is lost");
}

pub(crate) fn a_locked_database_is_busy_and_nothing_is_kept(database: &dyn Database) {
    let hasty = StoreOptions { busy_timeout: Duration::from_millis(50), ..StoreOptions::default() };
    let store = database.another(&hasty);
    let calls = AtomicU32::new(0);
    let write = || {
        calls.fetch_add(1, Ordering::Relaxed);
        store.write(|w| w.ensure_stock(&symbol("A")))
    };
    database.while_locked(&mut || {
        // Where the wait had no end, neither had this.
        let error = write().unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }) && error.is_transient(), "{error}");
        assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 0, "readers go on");
    });
    write().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 1);
}

pub(crate) fn a_writer_sees_what_it_wrote(database: &dyn Database) {
    let id = stock(database.store(), "A");
    database
        .store()
        .write(|w| -> Done {
            w.insert_bars(id, CHART, instant(1), &[bar("2020-01-02", "1")])?;
            assert_eq!(w.all_bars(id, CHART, DateRange::ALL)?.len(), 1);
            let elsewhere = database.store().read(|r| r.bars(id, CHART, &BarQuery::default()))?;
            assert!(elsewhere.is_empty(), "nobody else does yet");
            Ok(())
        })
        .unwrap();
}

pub(crate) fn a_store_may_be_shared_between_threads(database: &dyn Database) {
    let few = StoreOptions { max_connections: 2, ..StoreOptions::default() };
    let store = database.another(&few);
    thread::scope(|scope| {
        for number in 0..6 {
            let store = store.clone();
            scope.spawn(move || {
                for round in 0..10 {
                    stock(&store, &format!("S{number}-{round}"));
                    store.read(|r| r.totals()).unwrap();
                }
            });
        }
    });
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 60);
}

pub(crate) fn loaders_of_one_series_take_turns(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let id = stock(database.store(), "A");
    let stores = [database.store(), &another, database.store(), &another];
    thread::scope(|scope| {
        for (number, store) in stores.into_iter().enumerate() {
            scope.spawn(move || {
                for round in 0..10 {
                    let day = Date::from_days(i32::try_from(number * 10 + round).unwrap()).unwrap();
                    let bar = Bar::new(day).with_volume(0).with_close(Price::MAX);
                    store
                        .write(|w| -> Done {
                            let mut state = w.lock_series(id, CHART)?;
                            // Whoever had its turn before is seen whole.
                            let seen = w.bars(id, CHART, &BarQuery::default())?;
                            assert_eq!(
                                *state.sums(),
                                YearSums::of(seen.iter().map(|stored| &stored.bar))
                            );
                            state.add([&bar]);
                            state.revise(instant(1));
                            w.insert_bars(id, CHART, instant(1), &[bar])?;
                            w.save_series(state)
                        })
                        .unwrap();
                }
            });
        }
    });
    let series = another.read(|r| r.series(id, CHART)).unwrap().unwrap();
    assert_eq!((series.bars, series.revision), (40, 40));
}
