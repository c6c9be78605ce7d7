//! The vendors' formats, one module each, and the table of them.

mod alpha_vantage;
mod eodhd;
mod massive;
mod nasdaq;
mod own_csv;
mod stooq;
#[cfg(test)]
mod test;
mod tiingo;
mod yahoo_chart;
mod yahoo_page;

use cream_models::{PriceHistory, Vendor};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::csv;
use crate::error::{ParseError, Result, at};
use crate::warnings::Warnings;
use crate::words;

/// How one vendor writes a price history.
///
/// A new vendor is a module with this trait and a line in [`FORMATS`].
pub(crate) trait Format: Sync {
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
pub(crate) static FORMATS: [&dyn Format; 9] = [
    &yahoo_chart::YahooChart,
    &yahoo_page::YahooPage,
    &tiingo::Tiingo,
    &alpha_vantage::AlphaVantage,
    &massive::Massive,
    &eodhd::Eodhd,
    &stooq::Stooq,
    &nasdaq::Nasdaq,
    &own_csv::Csv,
];

/// The format of a vendor.
pub(crate) fn of(vendor: Vendor) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.vendor() == vendor)
}

/// The vendor whose JSON has this key.
pub(crate) fn owner(key: &[u8]) -> Option<&'static dyn Format> {
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
    if csv::vendor(answer.file(), answer.start()).is_some() {
        csv::read(answer, vendor, ask, warnings)
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
