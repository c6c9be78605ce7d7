//! When a market's day is over, and when a vendor is asked for it.
//!
//! [`market_of`] finds the market of a symbol: its time zone, when trading there ends, and on which
//! days of the week there is trading. [`settle_time`] says how long after the end a vendor has the
//! final bar. [`PullTimes`] puts both together, with a delay of each symbol's own ([`spread`]), so
//! that not all are asked for at once, and longer and longer waits after failures ([`back_off`]).
//!
//! ```
//! use std::time::Duration;
//! use cream_calendar::{PullTimes, market_of};
//! use cream_models::{Symbol, Timestamp, Vendor};
//!
//! let symbol = Symbol::parse("BHP.AX")?;
//! let market = market_of(&symbol, None, None);
//! assert_eq!((market.name, market.time_zone.iana_name()), ("XASX", Some("Australia/Sydney")));
//!
//! // Friday noon in Sydney: trading ends at 16:12, an hour later Yahoo has the bar.
//! let now: Timestamp = "2026-03-06T01:00:00Z".parse()?;
//! let times = PullTimes { settle: None, spread: Duration::ZERO };
//! let due = times.after_success(&symbol, Vendor::YahooChart, None, None, now);
//! assert_eq!(due.to_string(), "2026-03-06T06:12:00Z");
//! // The next after that one is Monday's.
//! let due = times.after_success(&symbol, Vendor::YahooChart, None, None, due);
//! assert_eq!(due.to_string(), "2026-03-09T06:12:00Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is not in the table
//!
//! Holidays and half days. On a holiday a pull finds nothing new, and costs a request; on a half day
//! it comes some hours later than it could. Both are cheaper than a list of holidays of seventy
//! markets that somebody has to keep. The table tells how markets trade today, not how they once
//! did: it is about pulls to come.
//!
//! Nothing here does I/O, reads a clock or fails. What is before or after all that can be
//! represented is the first or last [`Timestamp`](cream_models::Timestamp).

mod lookup;
mod market;
mod pull;
mod settle;
mod table;

pub use lookup::market_of;
pub use market::{Days, Market};
pub use pull::{PullTimes, back_off, spread};
pub use settle::settle_time;
