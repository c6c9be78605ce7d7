//! Yahoo's v8 chart answer; see [`crate::chart`].

use cream_models::{PriceHistory, Vendor};

use super::Format;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::chart;
use crate::error::{Result, at};
use crate::warnings::Warnings;

pub(crate) struct YahooChart;

impl Format for YahooChart {
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
