//! How fast bars go in and come out: 1,000,000 bars, 250 stocks of 4,000 days.
//!
//! `cargo bench -p cream-store`; `benches/sqlite_import.sh` beside it gives the figure of
//! `sqlite3 .import` for rows of the same shape on the same machine.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use cream_models::{Bar, Date, DateRange, Price, Symbol, Timestamp, Vendor};
use cream_store::{BarQuery, DatabaseUrl, Store, StoreError, StoreOptions};
use divan::counter::ItemsCount;

const STOCKS: usize = 250;
const DAYS: i32 = 4_000;
const VENDOR: Vendor = Vendor::YahooChart;

fn main() {
    divan::main();
}

fn total() -> ItemsCount {
    ItemsCount::new(STOCKS * usize::try_from(DAYS).unwrap_or(0))
}

fn as_of() -> Timestamp {
    Timestamp::from_micros(1_750_000_000_000_000)
}

/// Bars with the spread of numbers that `load_limit.sh` has.
fn bars(seed: u64) -> Vec<Bar> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |bound: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state >> 2).unwrap_or(0).rem_euclid(bound)
    };
    let price = Price::from_nanos;
    (14_245..14_245 + DAYS)
        .map(|day| {
            let open = 1_000_000_000 + next(499_000_000_000);
            Bar::new(Date::from_days_saturating(i64::from(day)))
                .with_open(price(open))
                .with_high(price(open + 10_000_000))
                .with_low(price(open - 10_000_000))
                .with_close(price(open + 1_000_000))
                .with_adj_close(price(open))
                .with_volume(100_000 + next(1_000_000_000))
        })
        .collect()
}

struct Loaded {
    store: Store,
    histories: Vec<(Symbol, Vec<Bar>)>,
    _folder: tempfile::TempDir,
}

fn fresh() -> Loaded {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = DatabaseUrl::sqlite(folder.path().join("bench.db"));
    let store = Store::open(&url, &StoreOptions::default()).expect("a store");
    store.migrate_up().expect("a schema");
    let histories = (0..STOCKS)
        .map(|n| (Symbol::parse(&format!("S{n}")).expect("a symbol"), bars(n as u64 + 1)))
        .collect();
    Loaded { store, histories, _folder: folder }
}

fn load(store: &Store, symbol: &Symbol, bars: &[Bar]) {
    store
        .write(|w| {
            let stock = w.ensure_stock(symbol)?;
            let mut state = w.lock_series(stock.id, VENDOR)?;
            w.insert_bars(stock.id, VENDOR, as_of(), bars)?;
            state.add(bars);
            state.revise(as_of());
            w.save_series(state)?;
            Ok::<_, StoreError>(())
        })
        .expect("bars go in");
}

fn filled() -> Loaded {
    let loaded = fresh();
    for (symbol, bars) in &loaded.histories {
        load(&loaded.store, symbol, bars);
    }
    loaded
}

/// One transaction a stock, as a loader does.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn insert_by_stock(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(total()).with_inputs(fresh).bench_local_values(|loaded| {
        for (symbol, bars) in &loaded.histories {
            load(&loaded.store, symbol, bars);
        }
        loaded
    });
}

/// The bars alone, in one transaction: what the statements cost without the commits.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn insert_at_once(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(total()).with_inputs(fresh).bench_local_values(|loaded| {
        loaded
            .store
            .write(|w| {
                for (symbol, bars) in &loaded.histories {
                    let stock = w.ensure_stock(symbol)?;
                    w.insert_bars(stock.id, VENDOR, as_of(), bars)?;
                }
                Ok::<_, StoreError>(())
            })
            .expect("bars go in");
        loaded
    });
}

/// Every value anew.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn update_by_stock(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(total()).with_inputs(filled).bench_local_values(|loaded| {
        for (symbol, bars) in &loaded.histories {
            loaded
                .store
                .write(|w| {
                    let stock = w.ensure_stock(symbol)?;
                    w.update_bars(stock.id, VENDOR, as_of(), bars)
                })
                .expect("bars go in");
        }
        loaded
    });
}

/// What a loader reads to compare.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn read_all_bars(bencher: divan::Bencher<'_, '_>) {
    let loaded = filled();
    bencher.counter(total()).bench_local(|| {
        for (symbol, _) in &loaded.histories {
            loaded
                .store
                .read(|r| {
                    let stock = r.stock(symbol)?;
                    let id = stock.map_or(cream_store::StockId(0), |stock| stock.id);
                    r.all_bars(id, VENDOR, DateRange::ALL)
                })
                .expect("bars come out");
        }
    });
}

/// The newest bar of each stock.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn read_latest(bencher: divan::Bencher<'_, '_>) {
    let loaded = filled();
    bencher.counter(ItemsCount::new(STOCKS)).bench_local(|| {
        for (symbol, _) in &loaded.histories {
            loaded
                .store
                .read(|r| {
                    let stock = r.stock(symbol)?;
                    let id = stock.map_or(cream_store::StockId(0), |stock| stock.id);
                    let newest = BarQuery {
                        order: cream_store::Order::Descending,
                        limit: 1,
                        ..BarQuery::default()
                    };
                    r.bars(id, VENDOR, &newest)
                })
                .expect("a bar comes out");
        }
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn digest(bencher: divan::Bencher<'_, '_>) {
    let loaded = filled();
    bencher.counter(total()).bench_local(|| {
        loaded.store.read(|r| r.digest()).expect("a digest");
    });
}
