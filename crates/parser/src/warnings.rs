//! Warnings, bounded in number and placed late.

use cream_models::{Date, Warning, WarningKind};

use crate::error::at;

/// Collects warnings up to a limit and counts the rest.
///
/// Where a row stands is worth knowing only if something is said about it, so a warning may be
/// given by date and placed afterwards.
#[derive(Debug)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    /// Warnings that wait for the place of their date's row.
    unplaced: Vec<(Date, usize)>,
    limit: usize,
    left_out: u64,
}

impl Warnings {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), unplaced: Vec::new(), limit, left_out: 0 }
    }

    /// None yet, with the same limit.
    pub(crate) const fn fresh(&self) -> Self {
        Self::new(self.limit)
    }

    /// Notes what stands at a byte; `kind` is made only where there is room.
    pub(crate) fn push(&mut self, position: usize, kind: impl FnOnce() -> WarningKind) {
        if self.kept.len() < self.limit {
            self.kept.push(Warning { position: at(position), kind: kind() });
        } else {
            self.left_out += 1;
        }
    }

    /// Notes something about the row of a date, to be [placed](Self::place).
    pub(crate) fn push_dated(&mut self, date: Date, kind: impl FnOnce() -> WarningKind) {
        if self.kept.len() < self.limit {
            self.unplaced.push((date, self.kept.len()));
        }
        self.push(0, kind);
    }

    /// Places the dated warnings by the rows' dates and positions, in the order of the response;
    /// the first row of a date counts. `rows` is asked only if a warning waits.
    pub(crate) fn place<I>(&mut self, rows: impl FnOnce() -> I)
    where
        I: Iterator<Item = (Option<Date>, usize)>,
    {
        if self.unplaced.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.unplaced);
        waiting.sort_unstable();
        let mut placed = vec![false; waiting.len()];
        for (date, position) in rows() {
            let Some(date) = date else { continue };
            let start = waiting.partition_point(|(other, _)| *other < date);
            for (&(other, index), placed) in waiting.iter().zip(placed.iter_mut()).skip(start) {
                if other != date || *placed {
                    break;
                }
                *placed = true;
                if let Some(warning) = self.kept.get_mut(index) {
                    warning.position = at(position);
                }
            }
        }
    }

    /// The dates of which more than one row was found, ascending, as far as warnings were kept.
    pub(crate) fn repeated(&self) -> Vec<Date> {
        let dates = self.kept.iter().filter_map(|warning| match warning.kind {
            WarningKind::DuplicateRow { date, .. } => Some(date),
            _ => None,
        });
        let mut dates: Vec<Date> = dates.collect();
        dates.sort_unstable();
        dates
    }

    /// Counts the positions of the warnings so far, all placed, from elsewhere. They are asked for
    /// in ascending order.
    pub(crate) fn move_positions(&mut self, mut to: impl FnMut(u64) -> u64) {
        self.kept.sort_by_key(|warning| warning.position);
        for warning in &mut self.kept {
            warning.position = to(warning.position);
        }
    }

    /// All that is kept, in the order of the response, and how many were left out.
    pub(crate) fn into_vec(mut self) -> Vec<Warning> {
        self.kept.sort_by_key(|warning| warning.position);
        if self.left_out > 0 {
            let position = self.kept.last().map_or(0, |warning| warning.position);
            self.kept.push(Warning { position, kind: WarningKind::More { count: self.left_out } });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i32) -> Date {
        Date::from_days(days).unwrap()
    }

    fn note(days: i32) -> WarningKind {
        WarningKind::DuplicateRow { date: day(days), kept: "the later" }
    }

    #[test]
    fn warnings_beyond_the_limit_are_counted() {
        let mut warnings = Warnings::new(2);
        for position in [30, 10, 20, 40] {
            warnings.push(position, || note(0));
        }
        let kept = warnings.into_vec();
        assert_eq!(kept.iter().map(|w| w.position).collect::<Vec<_>>(), [10, 30, 30]);
        assert_eq!(kept[2].kind, WarningKind::More { count: 2 });
    }

    #[test]
    fn dated_warnings_are_placed_at_the_first_row_of_their_date() {
        let mut warnings = Warnings::new(9);
        for days in [3, 1, 1, 7] {
            warnings.push_dated(day(days), || note(days));
        }
        let rows = [(Some(day(1)), 5), (None, 6), (Some(day(3)), 7), (Some(day(1)), 8)];
        warnings.place(|| rows.into_iter());
        warnings.move_positions(|position| position + 100);
        let kept = warnings.into_vec();
        assert_eq!(kept.iter().map(|w| w.position).collect::<Vec<_>>(), [100, 105, 105, 107]);
    }
}
