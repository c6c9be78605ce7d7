//! Why a response cannot be read.

use cream_models::Warning;

/// Why a response cannot be read as a whole. Nothing of such a response may be stored.
///
/// Positions are bytes from the start of the response. Each message says what was found, where,
/// and what was expected, and quotes no more than a few words of the response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but white space.
    #[error("the response is empty (at byte 0): expected a vendor's price history")]
    Empty,
    /// A page that asks for consent to cookies, answered with status 200.
    #[error(
        "a consent page instead of prices (at byte {position}): expected a history page; the \
         request needs the vendor's consent cookie"
    )]
    ConsentPage {
        /// Where the page shows what it is.
        position: u64,
    },
    /// The vendor's maintenance page.
    #[error(
        "the vendor's \"Will be right back\" page (at byte {position}): expected a history page; \
         its service is down for a while"
    )]
    WillBeRightBack {
        /// Where the page shows what it is.
        position: u64,
    },
    /// The vendor refuses for a while.
    #[error(
        "the vendor answered \"Too Many Requests\" (at byte {position}): expected prices; ask \
         later and less often"
    )]
    TooManyRequests {
        /// Where the response says so.
        position: u64,
    },
    /// The vendor knows no such symbol.
    #[error(
        "not found (at byte {position}): the vendor says {code:?}, {description:?}; expected prices \
         of a symbol that it knows"
    )]
    NotFound {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        description: String,
        /// Where the response says so.
        position: u64,
    },
    /// The answer is about another instrument than the one that was asked for.
    #[error(
        "the answer is about {found} but {asked} was asked for (at byte {position}): expected the \
         symbol in the vendor's spelling"
    )]
    WrongSymbol {
        /// What was asked for, in the vendor's spelling.
        asked: String,
        /// What the answer says it is about.
        found: String,
        /// Where the answer begins.
        position: u64,
    },
    /// The vendor gives no more today, or this hour: its quota is spent.
    #[error(
        "the vendor's quota is spent (at byte {position}): it says {words}; expected prices; ask \
         again when the quota is renewed"
    )]
    QuotaSpent {
        /// The vendor's words, shortened.
        words: String,
        /// Where the response says so.
        position: u64,
    },
    /// The vendor does not take the API key, or misses one.
    #[error(
        "the vendor refuses the API key (at byte {position}): it says {words}; expected prices; \
         check the key"
    )]
    KeyRefused {
        /// The vendor's words, shortened.
        words: String,
        /// Where the response says so.
        position: u64,
    },
    /// The vendor's plan does not include what was asked for.
    #[error(
        "the vendor's plan does not include this (at byte {position}): it says {words}; expected \
         prices; ask for less, or see to another plan"
    )]
    NotInPlan {
        /// The vendor's words, shortened.
        words: String,
        /// Where the response says so.
        position: u64,
    },
    /// The vendor answered with an error of its own.
    #[error(
        "the vendor answered with an error (at byte {position}): {code:?}, {description:?}; \
         expected prices"
    )]
    VendorError {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        description: String,
        /// Where the response says so.
        position: u64,
    },
    /// A page without a price table and without embedded chart data.
    #[error(
        "no price table in the page (searched to byte {position}, {tables} other tables): expected \
         embedded chart data or a table headed Date, Open, High, Low, Close, Adj Close, Volume"
    )]
    NoPriceTable {
        /// How far was searched.
        position: u64,
        /// How many other tables the page has.
        tables: usize,
    },
    /// A well-formed response that holds no row.
    #[error("no rows in {place} (at byte {position}): expected at least one trading day")]
    NoRows {
        /// What was looked at.
        place: &'static str,
        /// Where rows were expected.
        position: u64,
    },
    /// The response ends too early.
    #[error("the response is cut off at byte {position}: expected {expected}")]
    Truncated {
        /// Where it ends, or where what is unfinished ends.
        position: u64,
        /// What should have followed.
        expected: String,
    },
    /// The response breaks its format's grammar.
    #[error("unexpected {found} at byte {position}: expected {expected}")]
    Syntax {
        /// Where.
        position: u64,
        /// What the grammar calls for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// More than 1 % of the rows, and at least 3, are unreadable.
    #[error(
        "{bad} of {total} rows are unreadable, the first at byte {position}: {reason}; expected at \
         most 1 % of them"
    )]
    TooManyUnreadableRows {
        /// How many rows are unreadable.
        bad: usize,
        /// How many rows there are.
        total: usize,
        /// The first unreadable row.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// More rows than any daily history has.
    #[error("more than {limit} rows (at byte {position}): expected a daily history")]
    TooManyRows {
        /// How many are read.
        limit: usize,
        /// The first row too many.
        position: u64,
    },
    /// No format that is known.
    #[error(
        "unknown format, it begins with {found} (at byte {position}): expected a vendor's price \
         history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page"
    )]
    UnknownFormat {
        /// How the response begins.
        found: String,
        /// Where that is.
        position: u64,
    },
    /// A time zone that is not in the IANA database.
    #[error(
        "{name:?} is not a time zone (at byte {position}): expected an IANA name such as \
         America/New_York"
    )]
    UnknownZone {
        /// The name.
        name: String,
        /// Where it is.
        position: u64,
    },
    /// Columns of different lengths.
    #[error(
        "{column} has {length} values but there are {timestamps} timestamps (at byte {position}): \
         expected one value a timestamp"
    )]
    LengthMismatch {
        /// The column.
        column: &'static str,
        /// How many values it has.
        length: usize,
        /// How many timestamps there are.
        timestamps: usize,
        /// Where the column begins.
        position: u64,
    },
    /// Chart data in another granularity than days.
    #[error("the granularity is {granularity:?} (at byte {position}): expected daily data, \"1d\"")]
    NotDaily {
        /// The granularity.
        granularity: String,
        /// Where it is.
        position: u64,
    },
    /// JSON that nests too deeply.
    #[error("more than {limit} levels of nesting (at byte {position}): expected chart data")]
    TooDeep {
        /// How many levels are read.
        limit: usize,
        /// Where the level too deep begins.
        position: u64,
    },
    /// Something that would be a warning, where the first one is to end the reading; see
    /// [`Strictness`](crate::Strictness).
    #[error("{warning}: expected nothing to warn of")]
    Warned {
        /// What would have been told, and where that is.
        warning: Warning,
    },
    /// A text that is not UTF-8.
    #[error("a text that is not UTF-8 (at byte {position}): expected UTF-8")]
    NotUtf8 {
        /// Where the text begins.
        position: u64,
    },
}

/// What reading gives.
pub(crate) type Result<T, E = ParseError> = std::result::Result<T, E>;

impl ParseError {
    /// What kind of error it is, as a word for lists and counts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::ConsentPage { .. } => "consent_page",
            Self::WillBeRightBack { .. } => "will_be_right_back",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::NotFound { .. } => "not_found",
            Self::WrongSymbol { .. } => "wrong_symbol",
            Self::QuotaSpent { .. } => "quota_spent",
            Self::KeyRefused { .. } => "key_refused",
            Self::NotInPlan { .. } => "not_in_plan",
            Self::VendorError { .. } => "vendor_error",
            Self::NoPriceTable { .. } => "no_price_table",
            Self::NoRows { .. } => "no_rows",
            Self::Truncated { .. } => "truncated",
            Self::Syntax { .. } => "syntax",
            Self::TooManyUnreadableRows { .. } => "too_many_unreadable_rows",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::UnknownZone { .. } => "unknown_zone",
            Self::LengthMismatch { .. } => "length_mismatch",
            Self::NotDaily { .. } => "not_daily",
            Self::TooDeep { .. } => "too_deep",
            Self::Warned { .. } => "warned",
            Self::NotUtf8 { .. } => "not_utf8",
        }
    }

    /// Where the response went wrong, in bytes from its start.
    #[must_use]
    pub fn position(&self) -> u64 {
        let mut copy = self.clone();
        copy.position_mut().map_or(0, |position| *position)
    }

    /// The same error with its position counted from elsewhere.
    pub(crate) fn moved(mut self, to: impl FnOnce(u64) -> u64) -> Self {
        if let Some(position) = self.position_mut() {
            *position = to(*position);
        }
        self
    }

    fn position_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Empty => None,
            Self::Warned { warning } => Some(&mut warning.position),
            Self::ConsentPage { position }
            | Self::WillBeRightBack { position }
            | Self::TooManyRequests { position }
            | Self::NotFound { position, .. }
            | Self::WrongSymbol { position, .. }
            | Self::QuotaSpent { position, .. }
            | Self::KeyRefused { position, .. }
            | Self::NotInPlan { position, .. }
            | Self::VendorError { position, .. }
            | Self::NoPriceTable { position, .. }
            | Self::NoRows { position, .. }
            | Self::Truncated { position, .. }
            | Self::Syntax { position, .. }
            | Self::TooManyUnreadableRows { position, .. }
            | Self::TooManyRows { position, .. }
            | Self::UnknownFormat { position, .. }
            | Self::UnknownZone { position, .. }
            | Self::LengthMismatch { position, .. }
            | Self::NotDaily { position, .. }
            | Self::TooDeep { position, .. }
            | Self::NotUtf8 { position } => Some(position),
        }
    }
}

/// A byte offset as a position.
pub(crate) fn at(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}

/// The start of some bytes, quoted, for messages: what is hostile may also be long.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 40;
    let shown = bytes.get(..LIMIT).unwrap_or(bytes);
    let text = String::from_utf8_lossy(shown);
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("{text:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_can_be_moved_and_tells_its_place() {
        let error = ParseError::Truncated { position: 7, expected: "a value".to_owned() };
        assert_eq!(error.position(), 7);
        let error = error.moved(|position| position + 100);
        assert_eq!(error.to_string(), "the response is cut off at byte 107: expected a value");
        assert_eq!(ParseError::Empty.moved(|_| 9).position(), 0);
    }

    #[test]
    fn an_excerpt_is_short_and_never_splits_a_character() {
        assert_eq!(excerpt(b"ab\"c"), r#""ab\"c""#);
        let long = "é".repeat(60);
        assert_eq!(excerpt(long.as_bytes()), format!("{:?}…", "é".repeat(20)));
        assert_eq!(excerpt(b""), "\"\"");
    }
}
