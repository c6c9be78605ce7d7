//! From rows as a vendor sent them to a sound history: one bar a date in order, odd ones flagged,
//! and what stays open. Nothing here knows a vendor.

use cream_models::{
    ActionKind, Bar, BarFlags, CorporateAction, CorporateEvent, Coverage, Date, DateRange, Price,
    PriceHistory, WarningKind,
};

use crate::ask::Asked;
use crate::error::{ParseError, Result, at};
use crate::warnings::Warnings;

/// How many rows a response may have where nobody says: every day of five centuries.
pub(crate) const MAX_ROWS: usize = 200_000;

/// How many rows are read at most, and how many corporate actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowLimit(pub(crate) usize);

impl Default for RowLimit {
    fn default() -> Self {
        Self(MAX_ROWS)
    }
}

impl RowLimit {
    /// Makes sure that there is room for another one beside so many.
    ///
    /// # Errors
    ///
    /// Where there is none.
    #[inline]
    pub(crate) fn check(self, count: usize, position: usize) -> Result<()> {
        if count < self.0 {
            return Ok(());
        }
        Err(ParseError::TooManyRows { limit: self.0, position: at(position) })
    }
}

/// A row that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its place among the rows, whose bar there means nothing.
    pub(crate) row: usize,
    /// Its date, where at least that is readable.
    pub(crate) date: Option<Date>,
    /// Where it stands.
    pub(crate) position: usize,
    /// What was found and what was expected.
    pub(crate) reason: String,
}

/// What a response says about its actions.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Those that were read, with their positions.
    pub(crate) read: Vec<(CorporateAction, usize)>,
    /// Dates of those that were not; `None` where not even the date was readable.
    pub(crate) unreadable: Vec<Option<Date>>,
    /// Whether the absence of an action says anything.
    pub(crate) decided: bool,
}

/// Fills in bars and coverage from the rows in the response's order.
///
/// `unreadable` ascends by row. A row without any price decides nothing for its date.
pub(crate) fn bars(
    history: &mut PriceHistory,
    mut rows: Vec<Bar>,
    unreadable: Vec<Unreadable>,
    asked: Asked,
    warnings: &mut Warnings,
) -> Result<()> {
    let (bad, total) = (unreadable.len(), rows.len());
    let is_too_many = bad >= 3 && bad * 100 > total;
    if let Some(first) = unreadable.first().filter(|_| is_too_many) {
        let (position, reason) = (at(first.position), first.reason.clone());
        return Err(ParseError::TooManyUnreadableRows { bad, total, position, reason });
    }
    // Most rows are neat, and nothing but their ends has to be looked at again.
    let neat = if unreadable.is_empty() { neat(&rows) } else { None };
    let range = match (neat, rows.as_slice()) {
        (Some(_), [first, .., last]) => hull(&[*first, *last], &[], asked),
        _ => hull(&rows, &unreadable, asked),
    };
    let mut open = Vec::new();
    if let Some(range) = range {
        if neat.is_none() {
            open_dates(&rows, &unreadable, range, &mut open);
        }
        // A row outside of what was asked for, such as today's, speaks for its own date alone.
        let around: Vec<_> = match asked {
            Asked::Unknown => Vec::new(),
            Asked::Nothing => vec![range],
            Asked::Dates(asked) => around(asked, range).collect(),
        };
        open.extend(&around);
        history.coverage.undecided_actions = around;
    }
    if neat.is_none() && (!unreadable.is_empty() || !open.is_empty()) {
        let mut bad = unreadable.iter().map(|row| row.row).peekable();
        let mut index = 0;
        rows.retain(|bar| {
            let is_bad = bad.next_if_eq(&index).is_some();
            index += 1;
            !is_bad && bar.has_price()
        });
    }
    for row in unreadable {
        warnings.push(row.position, || WarningKind::UnreadableRow {
            date: row.date,
            reason: row.reason,
        });
    }
    history.bars = if neat.is_some() { rows } else { one_a_date(rows, warnings) };
    history.coverage.range = range;
    if !open.is_empty() {
        let dates: Vec<_> = history.bars.iter().map(Bar::date).collect();
        history.coverage.undecided_bars = without(Coverage::normalized(open), &dates);
    }
    if neat != Some(Flags::None) {
        flag(&mut history.bars, warnings);
    }
    Ok(())
}

/// Whether neat rows may need a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flags {
    None,
    Perhaps,
}

/// Whether the rows ascend by date, one a date, and each has a price; `None` where not.
fn neat(rows: &[Bar]) -> Option<Flags> {
    let mut previous = None;
    let mut are_plain = true;
    for bar in rows {
        let date = Some(bar.date());
        if previous >= date || !bar.has_price() {
            return None;
        }
        previous = date;
        are_plain = are_plain && is_plain(bar);
    }
    Some(if are_plain { Flags::None } else { Flags::Perhaps })
}

/// The dates asked for and the dates of the rows.
fn hull(rows: &[Bar], unreadable: &[Unreadable], asked: Asked) -> Option<DateRange> {
    let mut bad = unreadable.iter().peekable();
    let mut range = match asked {
        Asked::Dates(asked) => Some(asked),
        Asked::Unknown | Asked::Nothing => None,
    };
    for (index, bar) in rows.iter().enumerate() {
        let date = match bad.next_if(|row| row.row == index) {
            Some(row) => row.date,
            None => Some(bar.date()),
        };
        if let Some(date) = date {
            let single = DateRange::single(date);
            range = Some(range.map_or(single, |range| range.hull(single)));
        }
    }
    range
}

/// The dates that unreadable and empty rows leave open.
fn open_dates(
    rows: &[Bar],
    unreadable: &[Unreadable],
    range: DateRange,
    open: &mut Vec<DateRange>,
) {
    let mut bad = unreadable.iter().peekable();
    let mut previous = None;
    // Whether rows without a date stand between the previous readable date and here.
    let mut gap = false;
    for (index, bar) in rows.iter().enumerate() {
        let (date, decides) = match bad.next_if(|row| row.row == index) {
            Some(row) => (row.date, false),
            None => (Some(bar.date()), bar.has_price()),
        };
        let Some(date) = date else {
            gap = true;
            continue;
        };
        if !decides {
            open.push(DateRange::single(date));
        }
        if gap {
            gap = false;
            open.extend(between(previous, Some(date), rows, unreadable, range));
        }
        previous = Some(date);
    }
    if gap {
        open.extend(between(previous, None, rows, unreadable, range));
    }
}

/// The dates between two neighbours, without them; an end that has none is the range's.
fn between(
    previous: Option<Date>,
    next: Option<Date>,
    rows: &[Bar],
    unreadable: &[Unreadable],
    range: DateRange,
) -> Option<DateRange> {
    let (low, high) = match (previous, next) {
        (Some(one), Some(other)) => (one.min(other).next(), one.max(other).previous()),
        (None, None) => (Some(range.first()), Some(range.last())),
        (Some(date), None) | (None, Some(date)) => {
            // Towards which end dates go is told by the rows as a whole.
            let bad = |index: usize| unreadable.binary_search_by_key(&index, |row| row.row).is_ok();
            let mut dates = rows
                .iter()
                .enumerate()
                .filter(|(index, _)| !bad(*index))
                .map(|(_, bar)| bar.date());
            let first = dates.next();
            let ascending = first <= dates.next_back().or(first);
            if ascending == next.is_some() {
                (Some(range.first()), date.previous())
            } else {
                (date.next(), Some(range.last()))
            }
        }
    };
    DateRange::new(low?, high?).ok()
}

/// What of `wide`, which holds `range`, lies before and after it.
fn around(range: DateRange, wide: DateRange) -> impl Iterator<Item = DateRange> {
    let before = range.first().previous().and_then(|end| DateRange::new(wide.first(), end).ok());
    let after = range.last().next().and_then(|start| DateRange::new(start, wide.last()).ok());
    before.into_iter().chain(after)
}

/// The ranges without these dates, which ascend.
fn without(ranges: Vec<DateRange>, dates: &[Date]) -> Vec<DateRange> {
    let mut left = Vec::with_capacity(ranges.len());
    for range in ranges {
        let mut first = Some(range.first());
        let start = dates.partition_point(|date| *date < range.first());
        for date in dates.iter().skip(start).take_while(|date| **date <= range.last()) {
            left.extend(first.zip(date.previous()).and_then(|(a, b)| DateRange::new(a, b).ok()));
            first = date.next();
        }
        left.extend(first.and_then(|first| DateRange::new(first, range.last()).ok()));
    }
    left
}

/// The rows in order of date, one a date.
fn one_a_date(mut rows: Vec<Bar>, warnings: &mut Warnings) -> Vec<Bar> {
    if rows.is_sorted_by(|a, b| a.date() > b.date()) {
        rows.reverse();
    }
    if rows.is_sorted_by(|a, b| a.date() < b.date()) {
        return rows;
    }
    // Stable: of equal dates, the later in the response stays the later.
    rows.sort_by_key(Bar::date);
    rows.dedup_by(|later, kept| {
        if later.date() != kept.date() {
            return false;
        }
        let words = match (kept.is_final(), later.is_final()) {
            (true, false) => "the settled row was kept, not the live one",
            (false, true) => {
                *kept = *later;
                "the settled row was kept, not the live one"
            }
            _ if kept.with_flags(BarFlags::NONE) == later.with_flags(BarFlags::NONE) => {
                "they are identical"
            }
            _ => {
                *kept = later.with_flags(later.flags() | BarFlags::DUPLICATE_DATE);
                "they differ, and the later in the response was kept"
            }
        };
        let date = kept.date();
        warnings.push_dated(date, || WarningKind::DuplicateRow { date, kept: words });
        true
    });
    rows
}

/// Whether nothing about a bar can be odd, told quickly.
#[inline]
fn is_plain(bar: &Bar) -> bool {
    let values = (bar.open(), bar.high(), bar.low(), bar.close(), bar.volume());
    let (Some(open), Some(high), Some(low), Some(close), Some(volume)) = values else {
        return false;
    };
    let within = low <= open && open <= high && low <= close && close <= high;
    within && low > Price::ZERO && volume > 0 && bar.flags().is_empty()
}

/// Flags what is odd, and warns once a flag.
fn flag(bars: &mut [Bar], warnings: &mut Warnings) {
    let mut all = BarFlags::NONE;
    for bar in &mut *bars {
        if is_plain(bar) {
            continue;
        }
        let flags = bar.flags() | bar.judged_flags();
        if !flags.is_empty() {
            *bar = bar.with_flags(flags);
            all |= flags;
        }
    }
    for (flag, _) in all.iter() {
        let mut odd = bars.iter().filter(|bar| bar.flags().contains(flag)).map(Bar::date);
        if let Some(first) = odd.next() {
            let count = at(odd.count()) + 1;
            warnings.push_dated(first, || WarningKind::FlaggedBars { flag, count, first });
        }
    }
}

/// Fills in the actions, one of a kind a date, and what stays open of them.
pub(crate) fn actions(history: &mut PriceHistory, mut actions: Actions, warnings: &mut Warnings) {
    let mut open = Vec::new();
    // Identical ones stand together, in whichever order they came.
    actions.read.sort_by_key(|(action, _)| (action.key(), action.event));
    let mut read = actions.read.into_iter().peekable();
    while let Some((mut action, position)) = read.next() {
        let mut kept = true;
        let mut last = action.event;
        while let Some((other, _)) = read.next_if(|(other, _)| other.key() == action.key()) {
            let kind = action.kind();
            let reason = if last == other.event {
                format!("two identical actions ({kind}), one was kept")
            } else if let Some(event) = joined(action.event, other.event).filter(|_| kept) {
                action.event = event;
                format!("two different actions ({kind}), their amounts were added")
            } else {
                kept = false;
                format!("two different actions ({kind}) that do not add up, neither was kept")
            };
            last = other.event;
            let date = action.date;
            warnings.push(position, || WarningKind::RepeatedAction { date, reason });
        }
        if kept {
            history.actions.push(action);
        } else {
            open.push(DateRange::single(action.date));
        }
    }
    open.extend(actions.unreadable.iter().flatten().copied().map(DateRange::single));
    // What stands beside an unreadable action of the same date is left open with it.
    let open = Coverage::normalized(open);
    history.actions.retain(|action| {
        let after = open.partition_point(|range| range.first() <= action.date);
        let last = after.checked_sub(1).and_then(|index| open.get(index));
        !last.is_some_and(|range| range.contains(action.date))
    });
    let dates: Vec<_> = history.actions.iter().map(|action| action.date).collect();
    let coverage = &mut history.coverage;
    let mut open = open;
    open.append(&mut coverage.undecided_actions);
    let range = match (coverage.range, dates.first()) {
        (Some(range), _) => range,
        // No row has a date: the actions alone tell what is covered.
        (None, Some(first)) => {
            coverage.undecided_bars.push(DateRange::single(*first));
            DateRange::single(*first)
        }
        (None, None) => return,
    };
    if !actions.decided || actions.unreadable.contains(&None) {
        open.push(range);
    }
    // An action outside of the rows is decided for its date, and nothing else out there is.
    if let (Some(first), Some(last)) = (dates.first(), dates.last()) {
        let wide = range.hull(DateRange::single(*first)).hull(DateRange::single(*last));
        open.extend(around(range, wide));
        coverage.undecided_bars.extend(around(range, wide));
        coverage.undecided_bars =
            Coverage::normalized(std::mem::take(&mut coverage.undecided_bars));
        coverage.range = Some(wide);
    }
    coverage.undecided_actions = without(Coverage::normalized(open), &dates);
}

/// What two different actions of a kind on a date amount to, if that can be said.
fn joined(one: CorporateEvent, other: CorporateEvent) -> Option<CorporateEvent> {
    use CorporateEvent::{CapitalGain, Dividend};
    match (one, other) {
        (Dividend { amount }, Dividend { amount: more }) => {
            Some(Dividend { amount: amount.checked_add(more)? })
        }
        (CapitalGain { amount }, CapitalGain { amount: more }) => {
            Some(CapitalGain { amount: amount.checked_add(more)? })
        }
        _ => None,
    }
}

/// The event of a cash amount.
pub(crate) const fn cash(kind: ActionKind, amount: Price) -> CorporateEvent {
    match kind {
        ActionKind::CapitalGain => CorporateEvent::CapitalGain { amount },
        _ => CorporateEvent::Dividend { amount },
    }
}

#[cfg(test)]
#[path = "finish_tests.rs"]
mod tests;
