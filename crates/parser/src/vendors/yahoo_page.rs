//! Yahoo's history page; see [`crate::page`].

use cream_models::{PriceHistory, Vendor};

use super::Format;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::{Result, at};
use crate::page;
use crate::warnings::Warnings;

pub(crate) struct YahooPage;

impl Format for YahooPage {
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
