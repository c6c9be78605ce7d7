//! What a response is about and when it was fetched, by its name and by what it says.

use cream_archive::{Fetched, FileName};
use cream_models::{PriceHistory, Symbol, Timestamp, Vendor};

/// Why it is not clear what a response is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// The file's name and its content name different symbols.
    #[error("the file name says {name}, but the response is about {content}")]
    SymbolMismatch {
        /// By the name.
        name: Symbol,
        /// By the content.
        content: Symbol,
    },
    /// The file's name and its content name different vendors.
    #[error("the file name says {name}, but the response is in the form of {content}")]
    VendorMismatch {
        /// By the name.
        name: Vendor,
        /// By the content.
        content: Vendor,
    },
    /// Neither tells the symbol.
    #[error(
        "neither the file name nor the response names a symbol; call the file \
         SYMBOL_YYYY-MM-DD.html, such as TSLA_2025-06-16.html"
    )]
    NoSymbol,
    /// Neither tells when it was fetched.
    #[error(
        "neither the file name nor the response tells when it was fetched; call the file \
         SYMBOL_YYYY-MM-DD.html, such as TSLA_2025-06-16.html"
    )]
    NoDate,
    /// It was fetched after now.
    #[error(
        "by its name or by what it says it was fetched at {fetched_at}, but this machine's clock \
         says {now}; one of the two is wrong"
    )]
    InTheFuture {
        /// When it was fetched, by the name or the content.
        fetched_at: Timestamp,
        /// The machine's clock.
        now: Timestamp,
    },
}

/// The symbol and the instant of fetching, from the name and from what the response says.
pub(crate) fn provenance(
    name: &FileName,
    history: &PriceHistory,
    now: Timestamp,
) -> Result<(Symbol, Timestamp), ProvenanceError> {
    let symbol = match (name.symbol(), &history.symbol) {
        (Some(name), Some(content)) if name != content => {
            return Err(ProvenanceError::SymbolMismatch {
                name: name.clone(),
                content: content.clone(),
            });
        }
        (Some(symbol), _) | (None, Some(symbol)) => symbol.clone(),
        (None, None) => return Err(ProvenanceError::NoSymbol),
    };
    if let Some(vendor) = name.vendor()
        && vendor != history.vendor
    {
        return Err(ProvenanceError::VendorMismatch { name: vendor, content: history.vendor });
    }
    let spoken_of = history.fetched_no_earlier_than;
    let fetched_at = match name.fetched() {
        Some(Fetched::At(instant)) => instant,
        // A day alone is a lower bound, as is what the response speaks of.
        Some(Fetched::On(date)) => {
            let start = Timestamp::start_of(date);
            spoken_of.map_or(start, |instant| instant.max(start))
        }
        None => spoken_of.ok_or(ProvenanceError::NoDate)?,
    };
    // What was fetched in a far future would be newer than whatever is fetched until then.
    if fetched_at > now.plus_seconds(FUTURE_SECONDS) {
        return Err(ProvenanceError::InTheFuture { fetched_at, now });
    }
    Ok((symbol, fetched_at))
}

/// How far ahead of this machine's clock an instant of fetching may be: a day in a name begins in
/// UTC, and clocks differ.
const FUTURE_SECONDS: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_tells_is_asked_for() {
        let now = "2025-06-16T12:00:00Z".parse().unwrap();
        let of = |name: &str, symbol: Option<&str>| {
            let mut history = PriceHistory::new(Vendor::YahooPage);
            history.symbol = symbol.map(|symbol| Symbol::parse(symbol).unwrap());
            provenance(&FileName::parse(name).unwrap(), &history, now)
        };
        assert_eq!(of("page.html", None), Err(ProvenanceError::NoSymbol));
        assert_eq!(of("page.html", Some("A")), Err(ProvenanceError::NoDate));
        assert_eq!(of("yahoo-page_A.html", None), Err(ProvenanceError::NoDate));
        assert!(of("A_2025-06-17.html", None).is_ok(), "the next day has begun somewhere");
        let error = of("A_2025-06-18.html", None).unwrap_err().to_string();
        assert!(error.contains("2025-06-18T00:00:00Z") && error.contains("clock"), "{error}");
        let text = ProvenanceError::NoDate.to_string();
        assert!(text.contains("tells when it was fetched; call the file SYMBOL_YYYY-MM-DD.html"));
        assert!(of("A_2025-06-16.html", None).is_ok());
    }
}
