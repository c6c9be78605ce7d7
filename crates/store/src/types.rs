//! What goes into the store and comes out of it.

use cream_models::{Bar, CorporateAction, Coverage, Date, DateRange, Symbol, Timestamp, Vendor};

/// The number of a stock in one database. It means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StockId(pub i64);

/// The number of a response in one database. It means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseId(pub i64);

/// An instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Its number in this database.
    pub id: StockId,
    /// Its symbol, which is unique.
    pub symbol: Symbol,
}

/// A text, and when the response was fetched that says so. Ordered by time, then by text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// When the response was fetched.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
}

/// What a vendor says about an instrument: of each text, what the newest response says that has
/// it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The long name.
    pub name: Option<Said>,
    /// The exchange, as the vendor spells it.
    pub exchange: Option<Said>,
    /// The kind of instrument, as the vendor spells it.
    pub kind: Option<Said>,
    /// The currency code of the prices, as the vendor spells it.
    pub currency: Option<Said>,
    /// The exchange's IANA time zone.
    pub time_zone: Option<Said>,
}

/// The state of one stock's prices from one vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The stock.
    pub stock_id: StockId,
    /// The vendor.
    pub vendor: Vendor,
    /// What the vendor says about the instrument.
    pub description: Description,
    /// How many bars there are, withdrawn ones left out.
    pub bars: i64,
    /// The date of the first of them.
    pub first_date: Option<Date>,
    /// The date of the last of them.
    pub last_date: Option<Date>,
    /// The dates on which some loaded response decides the corporate actions of every kind that
    /// the vendor tells: ascending, none touching another. Empty where the vendor tells no kind,
    /// and after an upgrade until the next load.
    pub actions_known: Vec<DateRange>,
    /// How many times bars or actions changed.
    pub revision: i64,
    /// When the response was fetched that changed them last; 1970-01-01T00:00:00Z before the first.
    pub changed_at: Timestamp,
}

/// A bar and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredBar {
    /// The bar.
    pub bar: Bar,
    /// When the response was fetched that gave its values.
    pub as_of: Timestamp,
    /// When the response was fetched that no longer held it; `None` while it is served.
    pub withdrawn_at: Option<Timestamp>,
}

/// A corporate action and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAction {
    /// The action.
    pub action: CorporateAction,
    /// When the response was fetched that gave its values.
    pub as_of: Timestamp,
    /// When the response was fetched that no longer held it; `None` while it is served.
    pub withdrawn_at: Option<Timestamp>,
}

/// Which stocks to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockQuery {
    /// A text that the symbol or the name contains; ASCII letters match in either case.
    pub contains: Option<String>,
    /// The list begins after this symbol.
    pub after: Option<Symbol>,
    /// At most so many stocks.
    pub limit: u32,
}

impl Default for StockQuery {
    /// Every stock.
    fn default() -> Self {
        Self { contains: None, after: None, limit: u32::MAX }
    }
}

/// Which bars of a series to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarQuery {
    /// The dates.
    pub range: DateRange,
    /// In which order.
    pub order: Order,
    /// At most so many, counted in that order.
    pub limit: u32,
}

impl Default for BarQuery {
    /// Every bar, the oldest first.
    fn default() -> Self {
        Self { range: DateRange::ALL, order: Order::Ascending, limit: u32::MAX }
    }
}

impl Series {
    /// The currency code of the prices, as the vendor spells it.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        self.description.currency.as_ref().map(|said| said.text.as_str())
    }

    /// The exchange's IANA time zone.
    #[must_use]
    pub fn time_zone(&self) -> Option<&str> {
        self.description.time_zone.as_ref().map(|said| said.text.as_str())
    }
}

/// The order of dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    #[default]
    Ascending,
    /// The newest first.
    Descending,
}

/// An archived response and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its number in this database.
    pub id: ResponseId,
    /// The stock it is about, once it is known.
    pub stock_id: Option<StockId>,
    /// Whose response it is, once it is known.
    pub vendor: Option<Vendor>,
    /// The name of its file in the archive.
    pub file_name: String,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub byte_len: i64,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was fetched, once it is known.
    pub fetched_at: Option<Timestamp>,
    /// For which dates it decides; empty until it is parsed.
    pub coverage: Coverage,
    /// Where it stands.
    pub status: ResponseStatus,
    /// How many times it was claimed.
    pub attempts: i32,
    /// When it is due to be tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// Why it is among the dead letters.
    pub error: Option<String>,
    /// Until when it is claimed.
    pub lease_until: Option<Timestamp>,
    /// Bars that it added.
    pub inserted: i64,
    /// Bars whose values it changed.
    pub updated: i64,
    /// Bars that were as it says.
    pub unchanged: i64,
    /// Bars that it no longer holds.
    pub withdrawn: i64,
}

impl Response {
    /// Whether it is a dead letter for which somebody asked another try
    /// ([`Writer::ask_retry`](crate::Writer::ask_retry)). Every other one was claimed before it was
    /// set aside.
    #[must_use]
    pub fn is_retry_asked(&self) -> bool {
        self.status == ResponseStatus::Deadletter && self.attempts == 0
    }

    /// A response that was registered just now.
    pub(crate) fn registered(id: ResponseId, new: &NewResponse, lease: Option<&Lease<'_>>) -> Self {
        Self {
            id,
            stock_id: None,
            vendor: None,
            file_name: new.file_name.clone(),
            sha256: new.sha256,
            byte_len: new.byte_len,
            registered_at: new.registered_at,
            fetched_at: None,
            coverage: Coverage::default(),
            status: ResponseStatus::Pending,
            attempts: i32::from(lease.is_some()),
            next_attempt_at: None,
            error: None,
            lease_until: lease.map(|lease| lease.until),
            inserted: 0,
            updated: 0,
            unchanged: 0,
            withdrawn: 0,
        }
    }
}

/// Which responses of a stock to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseQuery {
    /// The stock.
    pub stock_id: StockId,
    /// Those of this vendor alone.
    pub vendor: Option<Vendor>,
    /// The list begins behind this one, with those that were registered earlier.
    pub before: Option<ResponseId>,
    /// At most so many.
    pub limit: u32,
}

/// Where a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseStatus {
    /// To be parsed and loaded.
    Pending,
    /// Parsed and loaded.
    Parsed,
    /// Set aside with its reason.
    Deadletter,
}

impl ResponseStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Parsed, Self::Deadletter];

    /// The name in the database and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Parsed => "parsed",
            Self::Deadletter => "deadletter",
        }
    }

    /// The status of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Which of the dead letters that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueLetters {
    /// All of them.
    All,
    /// Those for which somebody asked: [`Writer::ask_retry`](crate::Writer::ask_retry).
    Asked,
}

/// What came of asking for another try of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryAsked {
    /// It is due, and stands so.
    Done(Box<Response>),
    /// It stands there, and so needs none.
    NotDeadLetter(ResponseStatus),
    /// There is no such response.
    Unknown,
}

/// How many responses stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseCounts {
    /// To be parsed and loaded.
    pub pending: i64,
    /// Parsed and loaded.
    pub parsed: i64,
    /// Set aside.
    pub deadletter: i64,
}

/// How much there is. Withdrawn bars and actions are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Instruments.
    pub stocks: i64,
    /// Series, one a stock and vendor.
    pub series: i64,
    /// Daily bars, as the series count them.
    pub bars: i64,
    /// Corporate actions.
    pub actions: i64,
}

/// A file of the archive, to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResponse {
    /// The file's name, which is unique over the whole archive.
    pub file_name: String,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub byte_len: i64,
    /// The present moment.
    pub registered_at: Timestamp,
}

/// What waits to be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Responses that are pending, also those that somebody is working on.
    pub pending: i64,
    /// When the one of them was registered that waits longest.
    pub oldest: Option<Timestamp>,
}

/// The right to work on something until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease<'a> {
    /// What its holder is known by.
    pub token: &'a str,
    /// When it was taken.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// What registering a file gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The response, as it stands.
    pub response: Response,
    /// Whether it was not known before.
    pub is_new: bool,
}

/// What a response turned out to be when it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedResponse {
    /// The stock it is about.
    pub stock_id: StockId,
    /// Whose response it is.
    pub vendor: Vendor,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// For which dates it decides.
    pub coverage: Coverage,
    /// Bars that it added.
    pub inserted: i64,
    /// Bars whose values it changed.
    pub updated: i64,
    /// Bars that were as it says.
    pub unchanged: i64,
    /// Bars that it no longer holds.
    pub withdrawn: i64,
}

/// Why a response is set aside, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadResponse {
    /// The stock it is about, where that is known.
    pub stock_id: Option<StockId>,
    /// Whose response it is, where that is known.
    pub vendor: Option<Vendor>,
    /// When it was fetched, where that is known.
    pub fetched_at: Option<Timestamp>,
    /// The reason, for a person.
    pub error: String,
    /// When it is due to be tried again; `None` for never.
    pub next_attempt_at: Option<Timestamp>,
}

/// A step in the schema's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its name.
    pub name: String,
    /// Whether this database has it.
    pub applied: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back() {
        for status in ResponseStatus::ALL {
            assert_eq!(ResponseStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(ResponseStatus::from_name("lost"), None);
    }
}
