//! A store in a temporary folder, and responses loaded into it as the pipeline does.

use cream_loader::{Guard, Load, LoadError, LoadOptions, LoadReport, load};
use cream_models::{
    Bar, CorporateAction, Date, DateRange, PriceHistory, Symbol, Timestamp, Vendor,
};
use cream_store::{
    BarQuery, Lease, NewResponse, ParsedResponse, Registered, Stock, Store, StoreError,
    StoreOptions,
};

pub(crate) struct TestStore {
    _folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        Self { _folder: folder, store }
    }

    pub(crate) fn stock(&self, symbol: &str) -> Stock {
        let symbol = Symbol::parse(symbol).unwrap();
        self.store.write(|writer| writer.ensure_stock(&symbol)).unwrap()
    }

    /// Loads a response and records it as parsed, in one transaction.
    pub(crate) fn load(
        &self,
        stock: &Stock,
        fetched: i64,
        history: &PriceHistory,
        guard: Guard,
    ) -> Result<LoadReport, LoadError> {
        let fetched_at = Timestamp::from_seconds(fetched);
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&fetched.to_be_bytes());
        let new = NewResponse {
            file_name: format!("{}-{fetched}", stock.symbol),
            sha256,
            byte_len: 0,
            registered_at: fetched_at,
        };
        self.store.write(|writer| {
            let until = fetched_at.plus_seconds(60);
            let lease = Lease { token: "test", from: fetched_at, until };
            let Registered { response, is_new } = writer.register_response(&new, Some(&lease))?;
            let this = Load { fetched_at, sha256: &sha256, history };
            let series = writer.lock_series(stock.id, history.vendor)?;
            let report = load(writer, series, &this, &LoadOptions { batch_size: 7, guard })?;
            if is_new {
                let parsed = ParsedResponse {
                    stock_id: stock.id,
                    vendor: history.vendor,
                    fetched_at,
                    coverage: history.coverage.clone(),
                    inserted: 0,
                    updated: 0,
                    unchanged: 0,
                    withdrawn: 0,
                };
                writer.finish_parsed(response.id, "test", &parsed)?;
            }
            Ok(report)
        })
    }

    /// What is served of a stock.
    pub(crate) fn served(&self, stock: &Stock) -> (Vec<Bar>, Vec<CorporateAction>) {
        self.store
            .read(|reader| -> Result<_, StoreError> {
                let bars = reader.bars(stock.id, Vendor::YahooChart, &BarQuery::default())?;
                let actions = reader.actions(stock.id, Vendor::YahooChart, DateRange::ALL)?;
                Ok((
                    bars.into_iter().map(|stored| stored.bar).collect(),
                    actions.into_iter().map(|stored| stored.action).collect(),
                ))
            })
            .unwrap()
    }
}

/// The `n`th day of 2020, counted from 0.
pub(crate) fn day(n: i32) -> Date {
    Date::from_days(18_262 + n).unwrap()
}

pub(crate) fn days(first: i32, last: i32) -> DateRange {
    DateRange::new(day(first), day(last)).unwrap()
}

/// A history that covers its first to its last bar.
pub(crate) fn history(bars: Vec<Bar>) -> PriceHistory {
    let mut history = PriceHistory::new(Vendor::YahooChart);
    if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
        history.coverage.range = Some(DateRange::new(first.date(), last.date()).unwrap());
    }
    history.bars = bars;
    history
}

pub(crate) fn bar(n: i32, close: i64) -> Bar {
    Bar::new(day(n)).with_close(cream_models::Price::from_nanos(close)).with_volume(close)
}
