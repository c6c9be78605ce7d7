//! Price histories in CSV; what is read and what is refused stands in [`crate::formats::csv`].

mod actions;
mod date;
mod header;
mod number;
mod record;
mod table;

use cream_models::{PriceHistory, Vendor};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::{Result, at};
use crate::refusals;
use crate::warnings::Warnings;

pub(crate) use actions::periodic;
use header::Plan;
use table::Table;

/// Reads a CSV answer of a vendor.
///
/// What tells that the answer is no prices but a refusal of the vendor's is looked for before, by
/// the vendor's own module.
///
/// # Errors
///
/// Where there is no header or row, where columns are missing or come twice, where a quote is not
/// closed, where the data are not daily or of several symbols, or too many rows are unreadable.
pub(crate) fn read(
    answer: &Answer<'_>,
    vendor: Vendor,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    let (file, start) = (answer.file(), answer.start());
    let plan = Plan::of(file, start).map_err(|error| {
        let refusal = refusals::of_text(answer.body());
        refusal.map_or(error, |refusal| refusal.moved(|position| position + at(start)))
    })?;
    Table::new(file, &plan, ask.limit).read(vendor, ask, warnings)
}

/// Whose CSV this is by its header; `None` where it is no CSV of prices. A header that is not
/// plainly one vendor's own counts as the user's.
pub(crate) fn vendor(bytes: &[u8], start: usize) -> Option<Vendor> {
    header::vendor(bytes, start)
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
