//! Yahoo's history page, `/quote/<symbol>/history/`, as a browser saves it.
//!
//! Read: the chart answer that is embedded in the page, in a `script` whose `data-url` is that of
//! [the chart](super::yahoo_chart), as JSON in a string in JSON: of several the one of the page's own symbol,
//! daily, with a period. It is exact, and knows currency, time zone and events. The price table (headed Date,
//! Open, High, Low, Close, Adj Close, Volume, with rows of dividends and splits between those of prices) is
//! rounded to two decimals: it is the fallback, and where both are there each cell is held against the other,
//! a difference beyond the rounding being a warning. The symbol is that of the canonical link or of the title.
//!
//! A page is read as a browser shows it: names of any case, attributes in any order and any quotes, entities,
//! comments, scripts that hold `<table`, tables within tables, end tags that are missing.
//!
//! Refused: a page for consent to cookies, "Will be right back", too many requests, a symbol that is not found;
//! a page without a price table and without an embedded chart; a page cut off, where its data are not embedded.
//!
//! Yahoo does not describe it; what is known was learnt from pages.

use cream_models::{PriceHistory, Vendor};

use super::Source;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::{Result, at};
use crate::page;
use crate::warnings::Warnings;

pub(crate) struct YahooPage;

impl Source for YahooPage {
    fn vendor(&self) -> Vendor {
        Vendor::YahooPage
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
        let moved = |position: u64| position.saturating_add(at(answer.start()));
        let history =
            page::read(answer.body(), ask, warnings).map_err(|error| error.moved(moved))?;
        warnings.move_positions(moved);
        Ok(history)
    }
}
