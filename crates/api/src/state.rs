//! What handlers share, and how they reach the database.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::{HashError, TokenDigest};
use cream_models::{Clock as _, Symbol, SystemClock, Timestamp, Vendor};
use cream_store::{Holder, Series, Stock};
use cream_store::{Reader, Store};
use quick_cache::sync::Cache;

use crate::ApiSettings;
use crate::accounts::Passwords;
use crate::answer::Answer;
use crate::cache::Answers;
use crate::cursor::Fingerprint;
use crate::facts::Facts;
use crate::limits::{Client, RateLimit, Seats};
use crate::metrics::Counted;
use crate::negotiate::{IfNoneMatch, MediaType};
use crate::problem::{ApiError, ErrorCode};
use crate::streams::Streams;

/// What every worker shares.
pub(crate) struct State {
    store: Store,
    pub(crate) settings: ApiSettings,
    pub(crate) request_ids: RequestIds,
    pub(crate) counted: Counted,
    pub(crate) seats: Seats,
    pub(crate) known_tokens: KnownTokens,
    pub(crate) passwords: Passwords,
    pub(crate) streams: Streams,
    pub(crate) answers: Answers,
    rate: Option<RateLimit>,
}

impl State {
    /// Takes the time of one password hash.
    pub(crate) fn new(store: Store, settings: ApiSettings) -> Result<Self, HashError> {
        Ok(Self {
            streams: Streams::new(store.clone(), &settings),
            answers: Answers::new(settings.cache_bytes),
            store,
            passwords: Passwords::new(settings.password_hash)?,
            request_ids: RequestIds::default(),
            counted: Counted::new(),
            seats: Seats::new(settings.max_concurrent_requests),
            known_tokens: KnownTokens::default(),
            rate: settings.requests_per_second.map(RateLimit::new),
            settings,
        })
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Counts a request of a client, and notes how it stands.
    ///
    /// # Errors
    ///
    /// `rate_limited` where it is one too many.
    pub(crate) fn count(&self, facts: &Facts, client: Client) -> Result<(), ApiError> {
        let Some(rate) = &self.rate else { return Ok(()) };
        let counted = rate.count(client);
        facts.allowance.set(Some(counted.unwrap_or_else(|refused| refused)));
        match counted {
            Ok(_) => Ok(()),
            Err(refused) => Err(ApiError::rate_limited(&refused)),
        }
    }

    /// Notes in the database that a token is in use, some moments later and once a minute.
    pub(crate) fn note_use(&self, holder: &Holder, now: Timestamp) {
        let last = holder.token.last_used_at.map_or(0, Timestamp::micros);
        if now.micros().saturating_sub(last) < USE_NOTED_AFTER_MICROS {
            return;
        }
        let (store, used) = (self.store.clone(), [(holder.token.id, now)]);
        // Nobody waits for it: the database may have another writer at work.
        drop(web::block(move || {
            let noted = store.write_loosely(|writer| writer.touch_tokens(&used));
            if let Err(error) = noted {
                log::debug!(error:% = error; "the use of a token was not noted");
            }
        }));
    }

    /// Where the data are.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The answer to a request by a service function that depends on the database and on what was
    /// asked alone: one that is kept, or one that is made and kept.
    pub(crate) async fn answer(
        &self,
        request: &HttpRequest,
        media: MediaType,
        held: IfNoneMatch,
        service: impl FnOnce(&Store, &IfNoneMatch) -> Result<Answer, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError> {
        let missed = match self.answers.look(&self.store, request, media, &held).await {
            Ok(kept) => return Ok(kept),
            Err(missed) => missed,
        };
        let answer = self.blocking(move |store| service(store, &held)).await?;
        self.answers.keep(missed, &answer);
        Ok(answer.into())
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

/// The use of a token is written down again after so long.
const USE_NOTED_AFTER_MICROS: i64 = 60_000_000;

/// Tokens that were valid when they were seen last. Whether they are now, the database says; what
/// is known here is only that asking it is no attempt at guessing one.
pub(crate) struct KnownTokens(Cache<[u8; 32], ()>);

impl Default for KnownTokens {
    fn default() -> Self {
        // Some hundred bytes each.
        Self(Cache::new(10_000))
    }
}

impl KnownTokens {
    pub(crate) fn is_known(&self, digest: &TokenDigest) -> bool {
        self.0.get(digest.as_bytes()).is_some()
    }

    pub(crate) fn know(&self, digest: &TokenDigest) {
        if !self.is_known(digest) {
            self.0.insert(*digest.as_bytes(), ());
        }
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
    reader.stock(symbol)?.ok_or_else(|| unknown_symbol(symbol))
}

/// The refusal of a symbol that is not held.
pub(crate) fn unknown_symbol(symbol: &Symbol) -> ApiError {
    let detail = format!("nothing is held for {symbol}; GET /stock-data lists what is");
    ApiError::new(ErrorCode::UnknownSymbol, detail)
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
    choose_series(stock, held, vendor)
}

/// The same, of the series of a stock, in the order of preference.
///
/// # Errors
///
/// `unknown_series`.
pub(crate) fn choose_series(
    stock: Stock,
    held: Vec<Series>,
    vendor: Option<Vendor>,
) -> Result<(Stock, Series), ApiError> {
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
            let symbol = &stock.symbol;
            let detail = format!("{symbol} is not held from {from}; {instead}");
            Err(ApiError::new(ErrorCode::UnknownSeries, detail).with_vendors(names))
        }
    }
}

/// Raised whenever the shape of a body changes, so that no cache keeps the old one.
const SHAPE: i64 = 3;

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
