//! What is read of each vendor's answers, what is refused, and where the format is described: a
//! page each.
//!
//! Whatever the format:
//!
//! - Keys and columns come in any order; those that are not known are passed over. A known one that
//!   comes twice is an error, since either might be meant.
//! - A byte order mark and white space may stand before an answer.
//! - A row that cannot be read is a warning, and its date stays undecided; where it is more than one
//!   in a hundred rows and at least three, the answer is refused.
//! - Of two rows for a date the settled one is kept, else the later one, with a warning.
//! - Decimal text is exact, up to nine decimals; finer ones are rounded half to even, and the bar is
//!   flagged. Only Yahoo's numbers are taken for what they are: 32-bit floats, widened.

pub mod alpha_vantage;
pub mod csv;
pub mod eodhd;
pub mod massive;
pub mod nasdaq;
pub mod stooq;
#[cfg(test)]
mod test;
pub mod tiingo;
pub mod yahoo_chart;
pub mod yahoo_page;

use cream_models::{PriceHistory, Vendor};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::{ParseError, Result, at};
use crate::warnings::Warnings;
use crate::words;

/// How one vendor writes a price history.
///
/// A new vendor is a module with this trait and a line in [`FORMATS`].
pub(crate) trait Source: Sync {
    /// Whose format it is.
    fn vendor(&self) -> Vendor;

    /// Whether a JSON answer is this vendor's that has this key, in its object or in the first
    /// object of its array.
    fn owns_key(&self, key: &[u8]) -> bool;

    /// Whether the symbol in an answer is the one that was asked for, both as the vendor spells
    /// them.
    fn is_same_symbol(&self, asked: &str, found: &str) -> bool {
        asked.eq_ignore_ascii_case(found)
    }

    /// Reads the answers of one pull: a single one, or prices with the corporate actions that the
    /// vendor gives in answers of their own, in whichever order.
    ///
    /// # Errors
    ///
    /// Where an answer cannot be read as a whole, or says that it is none.
    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory>;
}

/// Every format.
pub(crate) static FORMATS: [&dyn Source; 9] = [
    &yahoo_chart::YahooChart,
    &yahoo_page::YahooPage,
    &tiingo::Tiingo,
    &alpha_vantage::AlphaVantage,
    &massive::Massive,
    &eodhd::Eodhd,
    &stooq::Stooq,
    &nasdaq::Nasdaq,
    &csv::Csv,
];

/// The format of a vendor.
pub(crate) fn of(vendor: Vendor) -> Option<&'static dyn Source> {
    FORMATS.iter().copied().find(|format| format.vendor() == vendor)
}

/// The vendor whose JSON has this key.
pub(crate) fn owner(key: &[u8]) -> Option<&'static dyn Source> {
    FORMATS.iter().copied().find(|format| format.owns_key(key))
}

/// The answer of a vendor that gives everything in one.
fn single<'a, 'b>(answers: &'b [Answer<'a>]) -> Result<&'b Answer<'a>> {
    match answers {
        [answer] => Ok(answer),
        _ => Err(ParseError::Syntax {
            position: answers.get(1).map_or(0, |answer| at(answer.start())),
            expected: "one answer of this vendor".to_owned(),
            found: format!("{} answers", answers.len()),
        }),
    }
}

/// Reads an answer of a vendor of JSON that is none: CSV, which the vendor sends where it is asked
/// for it, or words.
fn text(
    answer: &Answer<'_>,
    vendor: Vendor,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    if crate::csv::vendor(answer.file(), answer.start()).is_some() {
        crate::csv::read(answer, vendor, ask, warnings)
    } else {
        Err(words::of_text(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_owners() {
        for key in [
            "chart",
            "finance",
            "adjClose",
            "divCash",
            "splitFactor",
            "detail",
            "Meta Data",
            "Note",
            "Information",
            "Error Message",
            "Time Series (Daily)",
            "ticker",
            "results",
            "queryCount",
            "resultsCount",
            "request_id",
            "adjusted_close",
            "unadjustedValue",
            "split",
            "data",
            "status",
            "date",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "adjVolume",
            "message",
        ] {
            let owners = FORMATS.iter().filter(|format| format.owns_key(key.as_bytes())).count();
            let is_common = ["status", "date", "open", "high", "low", "close", "volume", "message"];
            assert_eq!(owners, usize::from(!is_common.contains(&key)), "{key}");
        }
    }

    #[test]
    fn a_vendor_has_one_format() {
        for format in FORMATS {
            let of_vendor = FORMATS.iter().filter(|other| other.vendor() == format.vendor());
            assert_eq!(of_vendor.count(), 1);
        }
    }
}
