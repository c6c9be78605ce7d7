//! Asks market-data vendors for price histories, without being blocked, and tells what went wrong.
//!
//! An [`Ask`] goes in; out comes a [`FetchedPull`], the vendor's answers with what they say, or a
//! [`RetrievalError`] that tells what to do. Requests are limited as each vendor wishes, by all who
//! share a [`Gate`]; failures that may pass are tried again; a vendor that fails or asks for it is
//! left alone for a while. No answer counts that does not hold what was asked for, whatever its
//! status.
//!
//! ```
//! use std::sync::Arc;
//!
//! use cream_models::{Symbol, SystemClock, Vendor};
//! use cream_retriever::{ApiKey, Ask, MemoryGate, Retriever, RetrieverOptions};
//!
//! let mut options = RetrieverOptions::default();
//! options.vendor_mut(Vendor::Eodhd).key = Some(ApiKey::new("own-key-5512")?);
//! let gate = Arc::new(MemoryGate::default());
//! let retriever = Retriever::new(options, gate, Box::new(SystemClock))?;
//!
//! let ask = Ask::whole(Vendor::Eodhd, Symbol::parse("BRK-B")?, "2025-06-16".parse()?);
//! let requests = retriever.plan(&ask)?;
//! assert_eq!(
//!     requests[0],
//!     "GET https://eodhd.com/api/eod/BRK-B.US?fmt=json&to=2025-06-16&period=d&order=a&api_token=***"
//! );
//! // let fetched = retriever.fetch(&ask)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Secrets
//!
//! Keys, cookies and crumbs are in no error, no log line, no dry run and no pull: addresses show
//! `***` in their place, and so do bodies that a vendor repeats them in. One thing remains: the
//! HTTP library (`ureq`) logs requests at the levels `debug` and `trace`, which a program has to leave
//! off for it, as `cream-config`'s log does.

mod address;
mod ask;
mod client;
mod error;
mod fetch;
mod gate;
mod judge;
mod key;
mod options;
mod retriever;
mod turn;
mod vendors;
mod words;

pub use ask::{Ask, Fetched, FetchedPull, Validators};
pub use error::{Advice, Failure, RejectedPull, RetrievalError};
pub use gate::{Gate, GateError, Grant, MemoryGate, Standing};
pub use key::{ApiKey, ApiKeyError};
pub use options::{OptionsError, RetrieverOptions, VendorOptions};
pub use retriever::{Counters, KeyNeed, Retriever, VendorDescription};
