//! A real HTTP server on loopback that answers as the vendors do, and misbehaves on demand.
//!
//! One server speaks for all vendors, since their paths differ: a client is pointed at
//! [`VendorServer::base_url`] for each of them. It serves [`Instrument`]s, which may be replaced
//! while it runs; it filters by the dates a request asks for, compresses, pages, asks for keys and
//! answers conditional requests, as the vendors do; and it keeps a record of what it was asked.
//!
//! ```
//! use cream_models::Vendor;
//! use cream_testkit::vendors::{Fault, Instrument, Times, VendorServer};
//! use cream_testkit::{Listing, Scenario};
//!
//! let series = Scenario::new(Listing::us_stock("CREAM-B", "Cream B"), 7).build();
//! let server = VendorServer::start();
//! server.serve(Instrument::new("CREAM-B", series));
//! server.misbehave(Vendor::Stooq, Fault::RateLimitedSeconds(3), Times::Once);
//!
//! let url = format!("{}/q/d/l/?s=cream-b.us&i=d", server.base_url());
//! let error = ureq::get(&url).call().unwrap_err();
//! assert!(matches!(error, ureq::Error::StatusCode(429)));
//! let text = ureq::get(&url).call()?.body_mut().read_to_string()?;
//! assert!(text.starts_with("Date,Open,High,Low,Close,Volume\r\n2024-01-02,"));
//! assert_eq!(server.requests_of(Vendor::Stooq).len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alpha_vantage;
mod basis;
mod eodhd;
mod faults;
mod http;
mod instrument;
mod instruments;
mod massive;
mod nasdaq;
mod record;
mod reply;
mod routes;
mod server;
mod stooq;
mod tiingo;
mod tls;
mod world;
mod yahoo;

pub use faults::{Fault, Times};
pub use http::Request;
pub use instrument::Instrument;
pub use record::Seen;
pub use routes::key;
pub use server::{Door, VendorServer};
pub use yahoo::YahooDoor;
