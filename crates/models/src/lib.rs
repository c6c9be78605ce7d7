//! The vocabulary of end-of-day market data, exact and without I/O.
//!
//! Every other crate of Cream speaks in these types: a [`Symbol`] names an instrument, a
//! [`Vendor`] delivers its [`PriceHistory`] of daily [`Bar`]s and [`CorporateAction`]s, and every
//! money amount is a [`Price`], a whole number of 1e-9 units that no float has touched.
//!
//! ```
//! use cream_models::{Bar, Date, Price, Symbol};
//!
//! let symbol = Symbol::parse("brk-b")?;
//! let day: Date = "2025-06-13".parse()?;
//! let bar = Bar::new(day).with_open("313.97".parse()?).with_close("325.31".parse()?);
//!
//! assert_eq!(symbol.as_str(), "BRK-B");
//! assert_eq!(bar.close().map(Price::nanos), Some(325_310_000_000));
//! assert_eq!(bar.high(), None); // unknown is None, never 0
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Dates are trading dates in the exchange's own time zone; instants are UTC.

mod action;
mod adjust;
mod bar;
mod clock;
mod currency;
mod date;
mod history;
mod interval;
mod price;
mod rate;
mod spelling;
mod symbol;
mod timestamp;
mod vendor;

pub use action::{
    ActionKind, ActionKinds, CorporateAction, CorporateEvent, SplitRatio, SplitRatioError,
};
pub use adjust::{AdjustError, AdjustLimit, Adjuster, Adjustment, LimitReason, UnknownAdjustment};
pub use bar::{Bar, BarField, BarFlags};
pub use clock::{Clock, SystemClock};
pub use currency::Currency;
pub use date::{Date, DateError, DateRange, DateRangeError};
pub use history::{Coverage, Instrument, PriceHistory, Warning, WarningKind};
pub use interval::{Aggregator, Interval, UnknownInterval};
pub use price::{Price, PriceError};
pub use rate::{RateLimit, RateLimitError};
pub use spelling::{SpellingError, spelling};
pub use symbol::{Symbol, SymbolError};
pub use timestamp::{Timestamp, TimestampError};
pub use vendor::{PriceBasis, UnknownVendor, Vendor};
