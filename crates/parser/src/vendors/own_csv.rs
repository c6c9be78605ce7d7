//! A CSV file of the user's own; see [`crate::csv`].

use cream_models::{PriceHistory, Symbol, Vendor};

use super::Format;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::csv;
use crate::error::Result;
use crate::warnings::Warnings;

pub(crate) struct Csv;

impl Format for Csv {
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
