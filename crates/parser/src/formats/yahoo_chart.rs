//! Yahoo's chart answer, `/v8/finance/chart/<symbol>`.
//!
//! Read: an object with `chart.result[0]`: `meta` (`symbol`, `currency`, `exchangeTimezoneName` or
//! `gmtoffset`, `fullExchangeName`, `instrumentType`, `longName`, `regularMarketTime`, …), `timestamp` (the
//! start of each session, seconds since 1970), the columns of `indicators.quote[0]` (`open`, `high`, `low`,
//! `close`, `volume`) and `indicators.adjclose[0].adjclose`, and `events` (`dividends`, `splits`,
//! `capitalGains`). Prices are adjusted for splits. They are 32-bit floats that were widened before they were
//! printed, and become the shortest decimal that the float stands for: `1.2666670083999634` is 1.266667. A
//! date is that of the exchange's time zone. The row of `regularMarketTime` is a session under way, and not
//! final. `null` in all columns is a day without a bar, which stays undecided.
//!
//! An answer without `events` says nothing of them, unless it is known that they were asked for.
//!
//! Refused: an `error` with its code and description, also under `finance`; a column that is not as long as the
//! timestamps;
//! another `dataGranularity` than `1d`; a time zone that is not in the IANA database; an answer cut off.
//!
//! Yahoo does not describe it; what is known was learnt from answers.

use cream_models::{PriceHistory, Vendor};

use super::Source;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::chart;
use crate::error::{Result, at};
use crate::warnings::Warnings;

pub(crate) struct YahooChart;

impl Source for YahooChart {
    fn vendor(&self) -> Vendor {
        Vendor::YahooChart
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        matches!(key, b"chart" | b"finance")
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let answer = super::single(answers)?;
        let moved = |position: u64| position.saturating_add(at(answer.start()));
        let history = chart::read(answer.body(), self.vendor(), ask, warnings)
            .map_err(|error| error.moved(moved))?;
        warnings.move_positions(moved);
        Ok(history)
    }
}
