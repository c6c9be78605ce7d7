//! Rows on their way into a history, for formats that give a row at a time and date it by day.

use cream_models::{ActionKinds, Bar, CorporateAction, Date, PriceHistory, Timestamp};

use crate::ask::Ask;
use crate::error::{ParseError, Result, at};
use crate::finish::{self, Actions, RowLimit, Unreadable};
use crate::keys::Keys;
use crate::warnings::Warnings;

/// Rows and corporate actions as they stand in the answers, before they are judged.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bars: Vec<Bar>,
    /// Where each row begins.
    positions: Vec<usize>,
    unreadable: Vec<Unreadable>,
    actions: Actions,
    limit: RowLimit,
    /// The keys of rows that are objects.
    pub(crate) keys: Keys,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new(limit: RowLimit) -> Self {
        Self { limit, ..Self::default() }
    }

    /// No rows yet, with room for about so many.
    pub(crate) fn with_room(limit: RowLimit, rows: usize) -> Self {
        let rows = rows.min(limit.0);
        let (bars, positions) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        Self { bars, positions, ..Self::new(limit) }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// Where there are more than any daily history has.
    #[inline]
    pub(crate) fn push(&mut self, bar: Bar, position: usize) -> Result<()> {
        self.limit.check(self.bars.len(), position)?;
        self.bars.push(bar);
        self.positions.push(position);
        Ok(())
    }

    /// Adds a row that cannot be read; `reason` says what was found and what was expected.
    ///
    /// # Errors
    ///
    /// As [`Rows::push`], and where there are more than the most rows could bear.
    pub(crate) fn push_unreadable(
        &mut self,
        date: Option<Date>,
        position: usize,
        reason: String,
    ) -> Result<()> {
        let (row, bad) = (self.bars.len(), self.unreadable.len());
        if bad * 100 > self.limit.0
            && let Some(first) = self.unreadable.first()
        {
            let (position, reason) = (at(first.position), first.reason.clone());
            return Err(ParseError::TooManyUnreadableRows { bad, total: row, position, reason });
        }
        self.push(Bar::new(date.unwrap_or(Date::MIN)), position)?;
        self.unreadable.push(Unreadable { row, date, position, reason });
        Ok(())
    }

    /// Adds a corporate action.
    pub(crate) fn push_action(&mut self, action: CorporateAction, position: usize) {
        self.actions.read.push((action, position));
    }

    /// Notes an action that cannot be read, of a date where that much is readable. The warning is
    /// the caller's.
    pub(crate) fn push_unreadable_action(&mut self, date: Option<Date>) {
        self.actions.unreadable.push(date);
    }

    /// Whether there is nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.bars.is_empty() && self.actions.read.is_empty() && self.actions.unreadable.is_empty()
    }

    /// Fills in a history. `told` are the kinds of action of which the answers would hold each one
    /// that there is; the others stay open.
    ///
    /// A bar of a day that had not ended in UTC when it was fetched is not final; where it is not
    /// known when that was, the newest bar is not.
    ///
    /// Without any row, the answers are about actions alone and leave every bar and every other kind
    /// of action open.
    ///
    /// # Errors
    ///
    /// Where too many rows are unreadable, or all of them, or none has a price.
    pub(crate) fn finish(
        self,
        history: &mut PriceHistory,
        told: ActionKinds,
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<()> {
        let Self { mut bars, positions, unreadable, mut actions, .. } = self;
        let total = bars.len();
        if let Some(first) = unreadable.first().filter(|_| unreadable.len() == total) {
            let (position, reason) = (at(first.position), first.reason.clone());
            return Err(ParseError::TooManyUnreadableRows { bad: total, total, position, reason });
        }
        let bad = |row: usize| unreadable.binary_search_by_key(&row, |bad| bad.row).is_ok();
        let dates = bars.iter().enumerate().filter(|(row, _)| !bad(*row)).map(|(_, b)| b.date());
        let (newest, asked) = (dates.clone().max(), ask.asked(dates));
        if let Some(live_from) = ask.fetched_on.or(newest) {
            for bar in &mut bars {
                if bar.date() >= live_from {
                    *bar = bar.with_final(false);
                }
            }
        }
        // A date begins first where the clocks are 14 hours ahead of UTC.
        let spoken_of = newest.map(|date| Timestamp::start_of(date).plus_seconds(-14 * 3600));
        history.fetched_no_earlier_than = history.fetched_no_earlier_than.max(spoken_of);
        let date = |(row, bar): (usize, &Bar)| (!bad(row)).then_some(bar.date());
        let dates: Vec<Option<Date>> = bars.iter().enumerate().map(date).collect();
        let start = positions.first().copied();
        finish::bars(history, bars, unreadable, asked, warnings)?;
        // Splits in the place of prices would else say that there is no bar on any other date.
        if let Some(start) = start.filter(|_| history.bars.is_empty()) {
            let place = "the answer that have a price";
            return Err(ParseError::NoRows { place, position: at(start) });
        }
        if total == 0 {
            history.coverage.undecided_bars.extend(history.coverage.range);
        }
        actions.decided = !told.is_empty();
        if actions.decided {
            let all = if total == 0 { ActionKinds::ALL } else { history.vendor.tells() };
            history.coverage.undecided_kinds = all.without(told);
        }
        finish::actions(history, actions, warnings);
        warnings.place(|| dates.into_iter().zip(positions));
        Ok(())
    }
}
