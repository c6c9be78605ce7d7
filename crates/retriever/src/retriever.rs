//! The retriever: what is set up once, and what it can tell without asking anybody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cream_models::{Clock, PriceBasis, RateLimit, Vendor, spelling};

use crate::address::{KeyPlace, shown};
use crate::ask::{Ask, Fetched};
use crate::client::Client;
use crate::error::{Failure, RetrievalError};
use crate::fetch::Fetch;
use crate::gate::Gate;
use crate::key::{ApiKey, BLANK, Scrubber};
use crate::options::{Base, OptionsError, RetrieverOptions, VendorOptions};
use crate::vendors::{self, Asked, Got, Key, Question, Session, Source};

/// So many requests at most belong to one pull.
pub(crate) const MAX_REQUESTS: usize = 50;

/// Asks vendors for price histories. One serves many threads.
pub struct Retriever {
    pub(crate) options: RetrieverOptions,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) client: Client,
    pub(crate) vendors: BTreeMap<Vendor, Prepared>,
}

/// A vendor as it is set up.
pub(crate) struct Prepared {
    pub(crate) source: &'static dyn Source,
    pub(crate) base: Base,
    pub(crate) limits: Vec<RateLimit>,
    pub(crate) key: Option<ApiKey>,
    pub(crate) premium: bool,
    /// Blanks the key.
    pub(crate) scrubber: Scrubber,
    /// Yahoo's chart and page have one together.
    pub(crate) session: Arc<Mutex<Session>>,
    /// Requests made, and requests made again.
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
}

/// How often a vendor was asked by a [`Retriever`] since it was set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests, as they count for the vendor's limits: those made again and those for a cookie
    /// included, redirects left out.
    pub requests: u64,
    /// Requests made again after a failure that may pass.
    pub retries: u64,
}

/// A vendor for a table of them: what it needs and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorDescription {
    /// The vendor.
    pub vendor: Vendor,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// Whether one is set.
    pub key_is_set: bool,
    /// How often it is asked at most.
    pub limits: Vec<RateLimit>,
    /// The share count of its prices.
    pub price_basis: PriceBasis,
    /// Where it is.
    pub base_url: String,
}

/// Whether a vendor wants a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// It knows none.
    None,
    /// It takes one.
    Optional,
    /// It answers nothing without one.
    Required,
}

impl KeyNeed {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

impl std::fmt::Display for KeyNeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::fmt::Debug for Retriever {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retriever").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Retriever {
    /// Sets up a retriever. Nobody is asked yet.
    ///
    /// # Errors
    ///
    /// Where vendors cannot be asked so: a base URL, the proxy of the environment, no time.
    pub fn new(
        options: RetrieverOptions,
        gate: Arc<dyn Gate>,
        clock: Box<dyn Clock>,
    ) -> Result<Self, OptionsError> {
        options.check()?;
        let client = Client::new(&options)?;
        let session = Arc::new(Mutex::new(Session::default()));
        let mut vendors = BTreeMap::new();
        let default = VendorOptions::default();
        for source in vendors::SOURCES {
            let about = source.about();
            let own = options.vendors.get(&about.vendor).unwrap_or(&default);
            let mut scrubber = Scrubber::default();
            if let Some(key) = &own.key {
                scrubber.add(key.expose());
            }
            let prepared = Prepared {
                source,
                base: Base::of(source, own)?,
                limits: own.limits.clone().unwrap_or_else(|| about.limits.to_vec()),
                key: own.key.clone(),
                premium: own.premium,
                scrubber,
                session: Arc::clone(&session),
                requests: AtomicU64::new(0),
                retries: AtomicU64::new(0),
            };
            vendors.insert(about.vendor, prepared);
        }
        Ok(Self { options, gate, clock, client, vendors })
    }

    /// Asks a vendor for a history and checks that the answer holds it. Waits for its turn, and
    /// tries again where a failure may pass.
    ///
    /// # Errors
    ///
    /// Where there is no answer that holds what was asked for.
    pub fn fetch(&self, ask: &Ask) -> Result<Fetched, RetrievalError> {
        self.fetch_while(ask, &|| true)
    }

    /// As [`Retriever::fetch`], but gives up waiting as soon as `wanted` says no.
    ///
    /// # Errors
    ///
    /// Where there is no answer that holds what was asked for, or it is not wanted any more.
    pub fn fetch_while(
        &self,
        ask: &Ask,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Fetched, RetrievalError> {
        let run = || {
            let (prepared, question) = self.prepare(ask)?;
            if let (Key::Required(_, at), None) = (prepared.source.about().key, &prepared.key) {
                return Err(Failure::KeyMissing { at });
            }
            Fetch::new(self, prepared, ask, question, wanted).run()
        };
        run().map_err(|failure| error(ask, failure))
    }

    /// The requests that [`Retriever::fetch`] would begin with, one a line, with `***` for keys.
    /// Nobody is asked. More may follow: further pages, other classes of asset.
    ///
    /// # Errors
    ///
    /// Where it is not known how to ask.
    pub fn plan(&self, ask: &Ask) -> Result<Vec<String>, RetrievalError> {
        let (prepared, question) = self.prepare(ask).map_err(|failure| error(ask, failure))?;
        let mut asked: Vec<Asked> = Vec::new();
        while let Some(request) = prepared.source.next(&question, &asked)
            && asked.len() < MAX_REQUESTS
        {
            asked.push(Asked { request, result: Got::Answer { next_page: None } });
        }
        let place = prepared.source.about().key.place().filter(|_| prepared.wants_key());
        let line = |asked: &Asked| {
            let address = format!("{}{}", prepared.base.url, asked.request.target);
            let line = match place {
                Some(KeyPlace::Query(name)) => format!("GET {}", shown(&address, &[name])),
                Some(KeyPlace::Authorization(word)) => {
                    format!("GET {address} (Authorization: {word} {BLANK})")
                }
                None => format!("GET {address}"),
            };
            prepared.scrubber.text(&line)
        };
        Ok(asked.iter().map(line).collect())
    }

    /// Every vendor that can be asked.
    #[must_use]
    pub fn vendors(&self) -> Vec<VendorDescription> {
        let describe = |(vendor, prepared): (&Vendor, &Prepared)| VendorDescription {
            vendor: *vendor,
            key: match prepared.source.about().key {
                Key::None => KeyNeed::None,
                Key::Optional(..) => KeyNeed::Optional,
                Key::Required(..) => KeyNeed::Required,
            },
            key_is_set: prepared.key.is_some(),
            limits: prepared.limits.clone(),
            price_basis: vendor.price_basis(),
            base_url: prepared.scrubber.text(&prepared.base.url),
        };
        self.vendors.iter().map(describe).collect()
    }

    /// How often each vendor was asked.
    #[must_use]
    pub fn counters(&self) -> Vec<(Vendor, Counters)> {
        let counters = |(vendor, prepared): (&Vendor, &Prepared)| {
            let requests = prepared.requests.load(Ordering::Relaxed);
            let retries = prepared.retries.load(Ordering::Relaxed);
            (*vendor, Counters { requests, retries })
        };
        self.vendors.iter().map(counters).collect()
    }

    /// How a vendor is asked for this.
    fn prepare(&self, ask: &Ask) -> Result<(&Prepared, Question), Failure> {
        let prepared = self.vendors.get(&ask.vendor).ok_or(Failure::NobodyToAsk(ask.vendor))?;
        if let Some(from) = ask.from.filter(|from| *from > ask.to) {
            return Err(Failure::Reversed { from, to: ask.to });
        }
        let symbol = spelling(ask.vendor, &ask.symbol, ask.vendor_symbol.as_deref())?;
        let question = Question {
            symbol,
            from: ask.from,
            to: ask.to,
            premium: prepared.premium,
            actions: true,
        };
        Ok((prepared, question))
    }
}

impl Prepared {
    /// Whether requests carry a key.
    pub(crate) fn wants_key(&self) -> bool {
        self.key.is_some() || matches!(self.source.about().key, Key::Required(..))
    }
}

fn error(ask: &Ask, failure: Failure) -> RetrievalError {
    RetrievalError { vendor: ask.vendor, symbol: ask.symbol.clone(), failure }
}
