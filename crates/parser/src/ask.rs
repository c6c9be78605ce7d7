//! What is known of the question, beside the answer.

use cream_models::{Date, DateRange};

use crate::ParseOptions;
use crate::finish::RowLimit;

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
    /// What of the dates asked for the answer may lack, though it does not say so.
    pub(crate) cut: Cut,
    /// How many rows are read at most.
    pub(crate) limit: RowLimit,
}

/// Where rows may be missing from an answer that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    #[default]
    Nowhere,
    /// Before the first row.
    Start,
    /// Before the first row and after the last.
    Ends,
}

/// The dates for which an answer decides by the question, whether it has rows for them or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The question is not known: the dates from the first to the last row.
    Unknown,
    /// None: each row speaks for its own date alone.
    Nothing,
    Dates(DateRange),
}

impl Ask {
    pub(crate) fn of(options: &ParseOptions) -> Self {
        Self {
            from: options.asked.map(|range| range.first()),
            to: options.asked.map(|range| range.last()),
            events: options.asked_events,
            fetched_on: options.fetched_on,
            limit: RowLimit(options.max_rows),
            ..Self::default()
        }
    }

    /// The same for an answer that may lack rows.
    pub(crate) fn cut(self, cut: Cut) -> Self {
        Self { cut: self.cut.max(cut), ..self }
    }

    /// The dates for which an answer with rows of these dates decides, none of them beside those
    /// asked for. Whoever asks for the whole history does not know where it begins: what lies
    /// before the first row, a vendor may have cut off.
    pub(crate) fn asked(&self, rows: impl Iterator<Item = Date>) -> Asked {
        let (first, last) = match (self.from, self.to, self.cut) {
            (None, None, _) => return Asked::Unknown,
            (Some(from), Some(to), Cut::Nowhere) => (from, to),
            (from, to, cut) => {
                // A row outside, such as today's, tells nothing of where those asked for end.
                let within = rows.filter(|date| {
                    from.is_none_or(|from| from <= *date) && to.is_none_or(|to| *date <= to)
                });
                let hull = |hull: Option<DateRange>, date| {
                    let single = DateRange::single(date);
                    Some(hull.map_or(single, |hull| hull.hull(single)))
                };
                let Some(hull) = within.fold(None, hull) else { return Asked::Nothing };
                let from = from.filter(|_| cut == Cut::Nowhere).unwrap_or(hull.first());
                (from, to.filter(|_| cut != Cut::Ends).unwrap_or(hull.last()))
            }
        };
        DateRange::new(first, last).map_or(Asked::Nothing, Asked::Dates)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(days: i32) -> Date {
        Date::from_days(days).unwrap()
    }

    #[test]
    fn an_answer_decides_for_the_dates_that_were_asked_for_as_far_as_it_tells_them() {
        let asked = |from: Option<i32>, to: Option<i32>, cut, rows: &[i32]| {
            let ask = Ask { from: from.map(day), to: to.map(day), ..Ask::default() };
            match ask.cut(cut).asked(rows.iter().copied().map(day)) {
                Asked::Dates(range) => Some((range.first().days(), range.last().days())),
                Asked::Nothing => None,
                Asked::Unknown => Some((0, 0)),
            }
        };
        assert_eq!(asked(None, None, Cut::Ends, &[5]), Some((0, 0)), "not known");
        assert_eq!(asked(Some(3), Some(9), Cut::Nowhere, &[]), Some((3, 9)));
        assert_eq!(asked(Some(9), Some(3), Cut::Nowhere, &[5]), None);
        // Of the whole history, and of an answer that lacks rows, the rows tell the ends: those
        // among what was asked for, not one of today.
        assert_eq!(asked(None, Some(9), Cut::Nowhere, &[7, 5, 20]), Some((5, 9)));
        assert_eq!(asked(Some(3), Some(9), Cut::Start, &[5, 7, 20]), Some((5, 9)));
        assert_eq!(asked(Some(3), Some(9), Cut::Ends, &[1, 5, 7, 20]), Some((5, 7)));
        assert_eq!(asked(Some(3), None, Cut::Ends, &[1, 5, 7]), Some((5, 7)));
        assert_eq!(asked(None, Some(9), Cut::Nowhere, &[20]), None);
        assert_eq!(asked(Some(3), Some(9), Cut::Start, &[1, 20]), None);
    }

    #[test]
    fn what_may_be_missing_adds_up() {
        let cut = |first, second| Ask::default().cut(first).cut(second).cut;
        assert_eq!(cut(Cut::Ends, Cut::Start), Cut::Ends);
        assert_eq!(cut(Cut::Nowhere, Cut::Start), Cut::Start);
    }

    proptest! {
        #[test]
        fn no_date_is_decided_that_was_not_asked_for(
            from in prop::option::of(0_i32..40), to in prop::option::of(0_i32..40),
            rows in prop::collection::vec(0_i32..40, 0..9), cut in 0_usize..3,
        ) {
            let cut = [Cut::Nowhere, Cut::Start, Cut::Ends][cut];
            let ask = Ask { from: from.map(day), to: to.map(day), cut, ..Ask::default() };
            if let Asked::Dates(range) = ask.asked(rows.iter().copied().map(day)) {
                prop_assert!(ask.from.is_none_or(|from| from <= range.first()));
                prop_assert!(ask.to.is_none_or(|to| range.last() <= to));
            }
        }
    }
}
