//! What is asked for, and what comes back.

use cream_models::{Date, PriceHistory, Symbol, Vendor};
use cream_parser::pull::{Pull, PullId};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who is asked.
    pub vendor: Vendor,
    /// The instrument's canonical symbol.
    pub symbol: Symbol,
    /// The symbol in the vendor's spelling, taken as it is; `None` for the spelling that follows
    /// from the canonical one.
    pub vendor_symbol: Option<String>,
    /// The first date; `None` for the whole history.
    pub from: Option<Date>,
    /// The last date.
    pub to: Date,
    /// What the last answer to the same question said by which the vendor knows it again.
    pub validators: Option<Validators>,
    /// What the pull is known by in log records.
    pub pull_id: Option<PullId>,
    /// Whether requests of the same pull went before: then none of these is its first.
    pub is_continued: bool,
}

impl Ask {
    /// Asks for a whole history.
    #[must_use]
    pub const fn whole(vendor: Vendor, symbol: Symbol, to: Date) -> Self {
        Self {
            vendor,
            symbol,
            vendor_symbol: None,
            from: None,
            to,
            validators: None,
            pull_id: None,
            is_continued: false,
        }
    }

    /// The same from a date on.
    #[must_use]
    pub const fn from(mut self, date: Date) -> Self {
        self.from = Some(date);
        self
    }

    /// The same in the vendor's own spelling.
    #[must_use]
    pub fn spelled(mut self, vendor_symbol: impl Into<String>) -> Self {
        self.vendor_symbol = Some(vendor_symbol.into());
        self
    }

    /// The same as a conditional request, where these are of the same address.
    #[must_use]
    pub fn unless(mut self, validators: Validators) -> Self {
        self.validators = Some(validators);
        self
    }
}

/// By what a vendor knows an answer again: it need not send twice what did not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The address of the answer, without secrets.
    pub url: String,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// An answer that holds what was asked for.
    Pull(Box<FetchedPull>),
    /// Nothing changed since the answer that [`Ask::validators`] are of.
    Unchanged,
}

/// A pull that holds what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedPull {
    /// The question and the answers, without secrets, to be archived.
    pub pull: Pull,
    /// What they say.
    pub history: PriceHistory,
    /// What makes the next request for the same a conditional one.
    pub validators: Option<Validators>,
}
