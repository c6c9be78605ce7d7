//! Stooq's daily CSV, `/q/d/l/`, and the files of its bulk downloads.
//!
//! Read: `Date,Open,High,Low,Close,Volume`, and in bulk files the names in brackets,
//! `<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,…`, by the rules of [CSV](super::csv). Its site's header is that of
//! other programs' files as well: by content it counts as [CSV](super::csv), unless the caller says whose it is.
//!
//! Refused: what comes with status 200 as a line of text or as a page: the day's limit of hits, no data for the
//! symbol, a wanted key.
//!
//! Stooq does not describe it; what is known was learnt from answers.

use cream_models::{PriceHistory, Vendor};
use memchr::memmem;

use super::Source;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::csv;
use crate::error::{ParseError, Result, at, excerpt};
use crate::refusals;
use crate::warnings::Warnings;

pub(crate) struct Stooq;

impl Source for Stooq {
    fn vendor(&self) -> Vendor {
        Vendor::Stooq
    }

    fn owns_key(&self, _key: &[u8]) -> bool {
        false
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let answer = super::single(answers)?;
        if csv::vendor(answer.file(), answer.start()).is_none()
            && let Some(error) = refusal(answer.body())
        {
            return Err(error.moved(|position| position.saturating_add(at(answer.start()))));
        }
        csv::read(answer, self.vendor(), ask, warnings)
    }
}

/// What an answer without prices says, if it is known.
fn refusal(body: &[u8]) -> Option<ParseError> {
    // The words of a text stand at its start, those of a page within its first part.
    let start = body.get(..64 * 1024).unwrap_or(body).to_ascii_lowercase();
    let find =
        |words: &[&str]| words.iter().find_map(|words| memmem::find(&start, words.as_bytes()));
    let said = |position: usize| {
        let rest = body.get(position..).unwrap_or_default();
        excerpt(rest.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii())
    };
    if let Some(position) = find(&["exceeded the daily hits limit", "przekroczony dzienny limit"]) {
        return Some(ParseError::QuotaSpent { words: said(position), position: at(position) });
    }
    let is_page = start.trim_ascii_start().starts_with(b"<");
    if !is_page && find(&["no data", "brak danych"]).is_some_and(|position| position < 100) {
        return Some(ParseError::NoRows { place: "Stooq's answer, which says so", position: 0 });
    }
    let page = is_page.then(|| refusals::of_page(body)).flatten();
    page.or_else(|| {
        let position = find(&["apikey", "api key", "captcha"])?;
        Some(ParseError::KeyRefused { words: said(position), position: at(position) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseOptions, parse_with};

    fn read(text: &str) -> Result<PriceHistory> {
        parse_with(text.as_bytes(), &ParseOptions::default().with_vendor(Vendor::Stooq))
    }

    #[test]
    fn prices_are_read_with_and_without_volume_and_from_bulk_files() {
        let history = read(
            "Date,Open,High,Low,Close,Volume\r\n2025-06-12,199.08,199.68,197.36,199.2,43904635\r\n\
             2025-06-13,199.73,200.37,195.7,196.45,51447349\r\n",
        )
        .unwrap();
        assert_eq!((history.vendor, history.bars.len()), (Vendor::Stooq, 2));
        assert_eq!(history.bars[1].close().unwrap().to_string(), "196.45");
        assert!(!history.coverage.undecided_actions.is_empty(), "Stooq tells of none");

        let history = read("Date,Open,High,Low,Close\n2025-06-13,1.15,1.16,1.14,1.155\n").unwrap();
        assert_eq!(history.bars[0].volume(), None);

        let history = read(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n\
             AAPL.US,D,19840907,000000,0.100708,0.101943,0.0994725,0.100708,98811715.4,0\r\n",
        )
        .unwrap();
        assert_eq!(history.vendor_symbol.as_deref(), Some("AAPL.US"));
        let bar = history.bars[0];
        assert_eq!(
            (bar.date().to_string().as_str(), bar.volume()),
            ("1984-09-07", Some(98_811_715))
        );
        assert_eq!(bar.low().unwrap().to_string(), "0.0994725");
        assert_eq!(bar.flags().to_string(), "rounded");
    }

    #[test]
    fn what_is_not_daily_is_refused() {
        let head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n";
        let error = read(&format!("{head}A.US,60,20250613,150000,1,1,1,1,1,0\n")).unwrap_err();
        assert!(
            matches!(error, ParseError::NotDaily { ref granularity, .. } if granularity == "60")
        );
        let twice = "A.US,D,20250613,150000,1,1,1,1,1,0\nA.US,D,20250613,160000,1,1,1,1,1,0\n";
        let error = read(&format!("{head}{twice}")).unwrap_err();
        assert!(matches!(error, ParseError::NotDaily { .. }), "{error}");
        let other = "A.US,D,20250613,0,1,1,1,1,1,0\nB.US,D,20250616,0,1,1,1,1,1,0\n";
        let error = read(&format!("{head}{other}")).unwrap_err().to_string();
        assert!(error.contains("\"B.US\"") && error.contains("\"A.US\""), "{error}");
    }

    #[test]
    fn refusals_are_told_apart() {
        for text in ["Exceeded the daily hits limit", "Przekroczony dzienny limit wywolan"] {
            assert!(matches!(read(text), Err(ParseError::QuotaSpent { .. })), "{text}");
        }
        for text in ["No data", "Brak danych\r\n"] {
            assert!(matches!(read(text), Err(ParseError::NoRows { .. })), "{text}");
        }
        for text in [
            "Get your apikey:\n1. Open https://stooq.com/q/d/?s=spy.us&get_apikey\n2. Enter the captcha code.",
            "<!DOCTYPE html><html><body><form>Enter the captcha code</form></body></html>",
        ] {
            assert!(matches!(read(text), Err(ParseError::KeyRefused { .. })), "{text}");
        }
        let consent = "<html><title>Consent</title><body>Cookies</body></html>";
        assert!(matches!(read(consent), Err(ParseError::ConsentPage { .. })));
        assert!(matches!(read("Too Many Requests"), Err(ParseError::TooManyRequests { .. })));
        for text in ["{\"a\":1}", "[1]", "<html>hello</html>", "hello", "Date\n2025-06-13\n"] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, ParseError::Syntax { .. }), "{text}: {error}");
        }
    }
}
