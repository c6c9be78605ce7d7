//! Price histories in CSV: a user's own file, and the CSV forms of vendors' answers.
//!
//! The columns are found by the names in the header, in any order and any case; spaces, `_`, `-`
//! and the brackets of `<CLOSE>` do not count:
//!
//! | column | names |
//! |---|---|
//! | date | `Date`, `timestamp`, `datetime`, or `time` where there is none of these; a first column without a name, where there is none at all |
//! | open, high, low | `Open`, `High`, `Low` |
//! | close | `Close`, `Close/Last`, or `Last` where there is none of these |
//! | adjusted close | `Adj Close`, `adjClose`, `Adjusted_close` |
//! | volume | `Volume`, `Vol` |
//! | dividend | `Dividends`, `dividend`, `divCash`, `dividend amount` |
//! | split | `Stock Splits`, `splits`, `split`, `splitFactor`, `split coefficient`: new shares for one old one, or `3:2`; 0 and 1 are none |
//! | capital gain | `Capital Gains`, `Capital Gain` |
//! | time of day | `time` beside a date |
//! | symbol | `ticker`, `symbol`: the same in every row |
//! | period | `<PER>`: `D` in every row |
//!
//! Other columns are passed over. A date and one of open, high, low and close must be there; a
//! known column that comes twice is an error.
//!
//! Two forms have another head. QuantConnect Lean's daily equity files have none: the first line is
//! `20130102 00:00`, four whole numbers of 1e-4 and a volume. (Lean's files of other assets look
//! the same but for the unit; a price with a decimal point is refused, since it is no equity's.)
//! yfinance's tables of a symbol have three lines, `Price,Close,…`, `Ticker,AAPL,…`, `Date,,…`.
//!
//! **Grammar.** RFC 4180: quoted fields with doubled quotes; lines end in LF or CRLF. A comma, a
//! semicolon or a tab separates, whichever is most frequent in the header. Blank lines and lines
//! that begin with `#` are passed over, and so is a last line of plain words, with a warning; then
//! nothing outside of the rows is decided, since the words may say that there would be more.
//!
//! **Dates.** `2025-06-13`, `2025/06/13`, `20250613` and `06/13/2025`, alone or with a time of day
//! and a zone. A date is taken as it is written, whatever the zone. With slashes and the year last
//! the month comes first: where a row shows the opposite, by a first number above 12, the file is
//! refused; one that shows neither in any row is read month first. Two rows of a date with a time of
//! day other than midnight are not daily data.
//!
//! **Numbers.** Decimal text is exact, up to nine decimals; finer ones are rounded half to even and
//! the bar is flagged. Exponents are read. Commas group thousands only within quotes, and never
//! where semicolons separate, since there they may well be decimal commas. Empty, `NaN`, `null`,
//! `N/A` and `-` are unknown. An empty cell of an action's column is none where the column leaves
//! all rows without one empty, and unknown where it writes 0 (or 1 for a split).
//!
//! **A file cut off.** A last line without a line end is read if it has all its fields and its last
//! known one is not empty. If the cut is within the last field, and so leaves a shorter number, it
//! cannot be told: who writes such files should end them with a line end, as all known vendors do.

use cream_models::{PriceHistory, Symbol, Vendor};

use super::Source;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::csv;
use crate::error::Result;
use crate::warnings::Warnings;

pub(crate) struct Csv;

impl Source for Csv {
    fn vendor(&self) -> Vendor {
        Vendor::Csv
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
        let mut history = csv::read(super::single(answers)?, self.vendor(), ask, warnings)?;
        // Nobody else's spelling: what a column of symbols says is the symbol.
        let symbol = history.vendor_symbol.as_deref();
        history.symbol = symbol.and_then(|symbol| Symbol::parse(symbol).ok());
        Ok(history)
    }
}
