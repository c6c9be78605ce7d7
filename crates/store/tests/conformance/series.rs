//! Stocks and the state of their series.

use cream_models::{Instrument, Vendor};
use cream_store::{Series, SeriesUpdate, Stock, StockId};

use crate::harness::{Database, bar, instant, stock, symbol};

const CHART: Vendor = Vendor::YahooChart;

fn read(database: &dyn Database, text: &str) -> Stock {
    database.store().read(|r| r.stock(&symbol(text))).unwrap().unwrap()
}

fn series(database: &dyn Database, id: StockId) -> Series {
    database.store().read(|r| r.series(id, CHART)).unwrap().unwrap()
}

pub(crate) fn a_stock_is_added_once(database: &dyn Database) {
    let first = stock(database.store(), "TSLA");
    assert_eq!(stock(database.store(), "TSLA"), first);
    assert_ne!(stock(database.store(), "AAPL"), first);
    let read = read(database, "TSLA");
    assert_eq!((read.id, read.name, read.exchange, read.kind), (first, None, None, None));
}

pub(crate) fn the_newest_description_wins_in_any_order(database: &dyn Database) {
    let text = |text: &str| Some(text.to_owned());
    // The newest knows no exchange; two of one moment disagree about the kind.
    let said = [
        (1, Instrument { name: text("Old"), exchange: text("X1"), ..Instrument::default() }),
        (2, Instrument { exchange: text("X2"), kind: text("ETF"), ..Instrument::default() }),
        (2, Instrument { kind: text("EQUITY"), ..Instrument::default() }),
        (3, Instrument { name: text("New"), ..Instrument::default() }),
    ];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 1, 2]];
    for (number, order) in orders.into_iter().enumerate() {
        let name = format!("S{number}");
        let id = stock(database.store(), &name);
        for index in order {
            let (at, instrument) = &said[index];
            database.store().write(|w| w.describe_stock(id, instrument, instant(*at))).unwrap();
        }
        let read = read(database, &name);
        assert_eq!(read.name.as_deref(), Some("New"), "{order:?}");
        assert_eq!(read.exchange.as_deref(), Some("X2"), "{order:?}");
        assert_eq!(read.kind.as_deref(), Some("ETF"), "{order:?}");
    }
}

pub(crate) fn a_series_is_counted_anew_when_it_changed(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let update = |at, changed| SeriesUpdate {
        currency: None,
        time_zone: None,
        fetched_at: instant(at),
        changed_at: instant(at + 100),
        changed,
    };
    assert_eq!(store.read(|r| r.series(id, CHART)).unwrap(), None);
    let bars = [bar("2020-01-02", "1"), bar("2020-01-03", "2"), bar("2020-01-06", "3")];
    store
        .write(|w| {
            w.insert_bars(id, CHART, instant(1), &bars)?;
            w.update_series(id, CHART, &update(1, true))
        })
        .unwrap();
    let first = series(database, id);
    assert_eq!((first.bars, first.revision, first.changed_at), (3, 1, instant(101)));
    assert_eq!(first.first_date, Some(bars[0].date()));
    assert_eq!(first.last_date, Some(bars[2].date()));

    store.write(|w| w.update_series(id, CHART, &update(2, false))).unwrap();
    assert_eq!(series(database, id), first);

    store
        .write(|w| {
            w.withdraw_bars(id, CHART, instant(3), &[bars[2].date(), bars[0].date()])?;
            w.update_series(id, CHART, &update(3, true))
        })
        .unwrap();
    let second = series(database, id);
    assert_eq!((second.bars, second.revision, second.changed_at), (1, 2, instant(103)));
    assert_eq!((second.first_date, second.last_date), (Some(bars[1].date()), Some(bars[1].date())));

    store
        .write(|w| {
            w.withdraw_bars(id, CHART, instant(4), &[bars[1].date()])?;
            w.update_series(id, CHART, &update(4, true))
        })
        .unwrap();
    let third = series(database, id);
    assert_eq!((third.bars, third.first_date, third.last_date), (0, None, None));
}

pub(crate) fn the_newest_series_metadata_wins_in_any_order(database: &dyn Database) {
    let said =
        [(1, Some("USD"), Some("UTC")), (3, Some("GBp"), None), (2, None, Some("Asia/Tokyo"))];
    for (number, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]].into_iter().enumerate() {
        let id = stock(database.store(), &format!("S{number}"));
        for index in order {
            let (at, currency, time_zone) = said[index];
            let update = SeriesUpdate {
                currency: currency.map(str::to_owned),
                time_zone: time_zone.map(str::to_owned),
                fetched_at: instant(at),
                changed_at: instant(9),
                changed: false,
            };
            database.store().write(|w| w.update_series(id, CHART, &update)).unwrap();
        }
        let series = series(database, id);
        assert_eq!(series.currency.as_deref(), Some("GBp"), "{order:?}");
        assert_eq!(series.time_zone.as_deref(), Some("Asia/Tokyo"), "{order:?}");
        assert_eq!(series.revision, 0);
    }
}

pub(crate) fn locking_adds_the_row_once(database: &dyn Database) {
    let id = stock(database.store(), "A");
    for _ in 0..2 {
        database.store().write(|w| w.lock_series(id, CHART)).unwrap();
    }
    let series = series(database, id);
    assert_eq!((series.bars, series.revision, series.currency), (0, 0, None));
    let nobody = StockId(id.0 + 1);
    let error = database.store().write(|w| w.lock_series(nobody, CHART)).unwrap_err();
    assert!(matches!(error, cream_store::StoreError::Constraint { .. }), "{error}");
}
