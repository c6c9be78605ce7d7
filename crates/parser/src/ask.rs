//! What is known of the question, beside the answer.

use cream_models::{Date, DateRange};

use crate::ParseOptions;

/// What was asked for, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask {
    /// The first date asked for; `None` with a last one for the whole history.
    pub(crate) from: Option<Date>,
    /// The last date asked for.
    pub(crate) to: Option<Date>,
    /// Whether the corporate actions were asked for that the vendor tells.
    pub(crate) events: Option<bool>,
    /// The period asked for, in seconds since 1970, where the dates are not known.
    pub(crate) period: Option<(i64, i64)>,
    /// The day in UTC on which the response was fetched.
    pub(crate) fetched_on: Option<Date>,
}

impl Ask {
    pub(crate) fn of(options: &ParseOptions) -> Self {
        Self {
            from: options.asked.map(|range| range.first()),
            to: options.asked.map(|range| range.last()),
            events: options.asked_events,
            period: None,
            fetched_on: options.fetched_on,
        }
    }

    /// The dates for which an answer decides, by the question. Whoever asks for the whole history
    /// does not know where it begins: what lies before the first row, a vendor may have cut off.
    pub(crate) fn range(&self, first_row: Option<Date>) -> Option<DateRange> {
        DateRange::new(self.from.or(first_row)?, self.to?).ok()
    }
}
