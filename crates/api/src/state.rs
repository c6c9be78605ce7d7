//! What handlers share, and how they reach the database.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::web;
use cream_models::{Symbol, Vendor};
use cream_store::{Reader, Store};
use cream_store::{Series, Stock};

use crate::ApiSettings;
use crate::cursor::Fingerprint;
use crate::problem::{ApiError, ErrorCode};

/// What every worker shares.
pub(crate) struct State {
    store: Store,
    pub(crate) settings: ApiSettings,
    pub(crate) request_ids: RequestIds,
}

impl State {
    pub(crate) fn new(store: Store, settings: ApiSettings) -> Self {
        Self { store, settings, request_ids: RequestIds::default() }
    }

    /// Runs a service function on a thread where it may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        service: impl FnOnce(&Store) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = self.store.clone();
        let (asked, limit) = (Instant::now(), self.settings.queue_timeout);
        let work = move || {
            // Whoever waited so long has likely gone; those behind shall not wait for the answer.
            let waited = asked.elapsed();
            if waited > limit { Err(ApiError::overloaded(waited)) } else { service(&store) }
        };
        // It fails where the service panicked, which ends the call and not the thread pool.
        web::block(work).await.map_err(ApiError::internal)?
    }
}

/// Numbers for requests that bring none.
#[derive(Default)]
pub(crate) struct RequestIds {
    random: RandomState,
    next: AtomicU64,
}

impl RequestIds {
    /// 16 hexadecimal digits that no other request of this process, nor likely of another, has.
    pub(crate) fn next(&self) -> String {
        format!("{:016x}", self.random.hash_one(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The stock of a symbol.
///
/// # Errors
///
/// `unknown_symbol`, or what the store reports.
pub(crate) fn find_stock(reader: &mut Reader<'_>, symbol: &Symbol) -> Result<Stock, ApiError> {
    reader.stock(symbol)?.ok_or_else(|| {
        let detail = format!("nothing is held for {symbol}; GET /stock-data lists what is");
        ApiError::new(ErrorCode::UnknownSymbol, detail)
    })
}

/// The stock of a symbol and the series of the vendor asked for, or else the freshest.
///
/// # Errors
///
/// `unknown_symbol`, `unknown_series`, or what the store reports.
pub(crate) fn find_series(
    reader: &mut Reader<'_>,
    symbol: &Symbol,
    vendor: Option<Vendor>,
) -> Result<(Stock, Series), ApiError> {
    let stock = find_stock(reader, symbol)?;
    let held = reader.series_of(stock.id)?;
    let names: Vec<&'static str> = held.iter().map(|series| series.vendor.name()).collect();
    let chosen = match vendor {
        Some(vendor) => held.into_iter().find(|series| series.vendor == vendor),
        // Of equals the first, and they come in the order of preference.
        None => held
            .into_iter()
            .reduce(|best, series| if series.last_date > best.last_date { series } else { best }),
    };
    match chosen {
        Some(series) => Ok((stock, series)),
        None => {
            let from = vendor.map_or("any vendor", Vendor::name);
            let instead = match names.as_slice() {
                [] => "it is held from none".to_owned(),
                names => format!("it is held from {}", names.join(", ")),
            };
            let detail = format!("{symbol} is not held from {from}; {instead}");
            Err(ApiError::new(ErrorCode::UnknownSeries, detail).with_vendors(names))
        }
    }
}

/// Raised whenever the shape of a body changes, so that no cache keeps the old one.
const SHAPE: i64 = 2;

/// What the state of a series is told by, in every answer about it.
pub(crate) fn series_state(kind: &str, stock: &Stock, series: &Series) -> Fingerprint {
    Fingerprint::new(kind)
        .number(SHAPE)
        .part(stock.symbol.as_str())
        .number(series.stock_id.0)
        .number(i64::from(series.vendor.code()))
        .number(series.revision)
        // The revision begins anew in a rebuilt database, and stays where only a name is learnt.
        .number(series.changed_at.micros())
        .optional(series.currency())
        .optional(series.time_zone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::default();
        let (first, second) = (ids.next(), ids.next());
        assert_ne!(first, second);
        assert_eq!(first.len(), 16);
    }
}
