//! Adjusted bars: what has to be read beside them, and the bars adjusted by it.
//!
//! A bar needs the actions after it, up to the end of its series, and of each that pays out the
//! close before it. Both are read once, before the first bar is adjusted. Actions are few, and of
//! the closes only those are kept that count, so that this takes little however many bars follow.

use cream_models::{
    ActionKind, AdjustError, AdjustLimit, Adjuster, Adjustment, CorporateAction, Date, DateRange,
    Price,
};
use cream_store::{BarQuery, Order, Reader, Series, StoredBar};

use crate::periods::CHUNK;
use crate::problem::{ApiError, ErrorCode};

/// Bars that are read at first to find a close before a page; the next time eight times as many.
const STEP: u32 = 32;

/// Refuses what no series of the vendor can be adjusted for, and tells what can be had instead.
pub(crate) fn check(
    reader: &mut Reader<'_>,
    series: &Series,
    adjustment: Adjustment,
) -> Result<(), ApiError> {
    let Err(error) = adjustment.check(series.vendor) else { return Ok(()) };
    let held = reader.series_of(series.stock_id)?;
    let vendors = held.iter().map(|series| series.vendor);
    let able = vendors.filter(|vendor| adjustment.check(*vendor).is_ok());
    Err(refusal(error, series, able.map(cream_models::Vendor::name).collect()))
}

fn refusal(error: AdjustError, series: &Series, able: Vec<&'static str>) -> ApiError {
    let mut works = vec!["leaving adjustment out (prices as delivered)".to_owned()];
    let others = Adjustment::ALL.into_iter().filter(|other| other.check(series.vendor).is_ok());
    works.extend(others.map(|other| format!("adjustment={other}")));
    works.extend(able.first().map(|vendor| format!("vendor={vendor}")));
    let detail = format!("{error}; what works: {}", works.join(", "));
    ApiError::new(ErrorCode::NotAdjustable, detail).with_vendors(able)
}

/// What bars are adjusted by, of the same state of the database as the bars.
pub(crate) struct Needed {
    adjustment: Adjustment,
    last_date: Date,
    actions: Vec<CorporateAction>,
    /// Closes that are not at hand, in any order.
    closes: Vec<(Date, Price)>,
}

impl Needed {
    /// Reads it; `None` where there is no bar to adjust.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        series: &Series,
        adjustment: Adjustment,
        page: &[StoredBar],
    ) -> Result<Option<Self>, ApiError> {
        let dates = || page.iter().map(|stored| stored.bar.date());
        let (Some(first), Some(last)) = (dates().min(), dates().max()) else { return Ok(None) };
        Self::read_from(reader, series, adjustment, first, Some((last, page)))
    }

    /// The same for bars from a date on. Where some up to a date are at hand, as delivered and
    /// with none missing from `first` on, their closes are not read again.
    pub(crate) fn read_from(
        reader: &mut Reader<'_>,
        series: &Series,
        adjustment: Adjustment,
        first: Date,
        at_hand: Option<(Date, &[StoredBar])>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(last_date) = series.last_date else { return Ok(None) };
        let mut actions = Vec::new();
        // A split after the last bar counts too: prices may have been rewritten for it.
        if let Some(range) = between(first.next(), Some(Date::MAX)) {
            let stored = reader.actions(series.stock_id, series.vendor, range)?;
            actions.extend(stored.into_iter().map(|stored| stored.action));
        }
        let mut needed = Self { adjustment, last_date, actions, closes: Vec::new() };
        if adjustment == Adjustment::All {
            needed.read_closes(reader, series, first, at_hand)?;
        }
        Ok(Some(needed))
    }

    /// The closes before ex-dates, as far as they are not at hand.
    fn read_closes(
        &mut self,
        reader: &mut Reader<'_>,
        series: &Series,
        first: Date,
        at_hand: Option<(Date, &[StoredBar])>,
    ) -> Result<(), ApiError> {
        let is_cash = |action: &&CorporateAction| action.kind() != ActionKind::Split;
        let ex_dates: Vec<Date> =
            self.actions.iter().filter(is_cash).map(|action| action.date).collect();
        let (Some(&earliest), Some(latest)) = (ex_dates.first(), ex_dates.last()) else {
            return Ok(());
        };
        let from = at_hand.map_or(Some(first), |(last, _)| last.next());
        let mut rest = between(from, latest.previous());
        while let Some(range) = rest {
            let query = BarQuery { range, limit: CHUNK, ..BarQuery::default() };
            let bars = reader.bars(series.stock_id, series.vendor, &query)?;
            for close in closes(&bars) {
                self.keep_close(&ex_dates, close);
            }
            rest = behind_full(range, &bars);
        }
        let page = at_hand.map_or(&[][..], |(_, page)| page);
        let is_before = |(date, _): (Date, Price)| date < earliest;
        if closes(page).chain(self.closes.iter().copied()).any(is_before) {
            return Ok(());
        }
        // The page begins without closes, and the last one stands before it.
        let Some(range) = between(Some(Date::MIN), first.previous()) else { return Ok(()) };
        let mut limit = STEP;
        loop {
            let query = BarQuery { range, order: Order::Descending, limit };
            let bars = reader.bars(series.stock_id, series.vendor, &query)?;
            let found = closes(&bars).next();
            if let Some((date, _)) = found
                && let Some(range) = between(date.next(), Some(first))
            {
                // What brings that close to the share count of the page.
                let stored = reader.actions(series.stock_id, series.vendor, range)?;
                let splits = stored.into_iter().map(|stored| stored.action);
                self.actions.extend(splits.filter(|action| action.kind() == ActionKind::Split));
            }
            self.closes.extend(found);
            if found.is_some() || u32::try_from(bars.len()).is_ok_and(|count| count < limit) {
                return Ok(());
            }
            limit = limit.saturating_mul(8);
        }
    }

    /// Keeps a close, later than those before, and forgets the last one where it is before the
    /// same ex-dates.
    fn keep_close(&mut self, ex_dates: &[Date], close: (Date, Price)) {
        let passed = |date: Date| ex_dates.partition_point(|ex_date| *ex_date <= date);
        match self.closes.last_mut() {
            Some(held) if passed(held.0) == passed(close.0) => *held = close,
            _ => self.closes.push(close),
        }
    }

    /// What adjusts the bars, of which those at hand have their closes looked at.
    pub(crate) fn adjuster(
        &self,
        series: &Series,
        at_hand: &[StoredBar],
    ) -> Result<Adjuster, ApiError> {
        Adjuster::new(
            series.vendor,
            self.adjustment,
            &self.actions,
            self.closes.iter().copied().chain(closes(at_hand)),
            &series.actions_known,
            self.last_date,
        )
        .map_err(|error| refusal(error, series, Vec::new()))
    }

    /// Adjusts the page. What it gives is from which date on it could, where a bar lies before.
    pub(crate) fn adjust(
        &self,
        series: &Series,
        page: &mut [StoredBar],
    ) -> Result<Option<AdjustLimit>, ApiError> {
        let adjuster = self.adjuster(series, page)?;
        let mut limit = None;
        for stored in page {
            limit = limit.or(adjuster.limit().filter(|limit| stored.bar.date() < limit.from));
            stored.bar = adjuster.bar(&stored.bar);
        }
        Ok(limit)
    }
}

fn closes(bars: &[StoredBar]) -> impl Iterator<Item = (Date, Price)> {
    bars.iter().filter_map(|stored| Some((stored.bar.date(), stored.bar.close()?)))
}

/// The dates behind bars, the oldest first, that were all that were asked for.
fn behind_full(range: DateRange, bars: &[StoredBar]) -> Option<DateRange> {
    let is_full = u32::try_from(bars.len()).is_ok_and(|count| count >= CHUNK);
    let last = bars.last().filter(|_| is_full)?;
    between(last.bar.date().next(), Some(range.last()))
}

/// The dates from one to another; `None` where there are none.
fn between(first: Option<Date>, last: Option<Date>) -> Option<DateRange> {
    DateRange::new(first?, last?).ok()
}
