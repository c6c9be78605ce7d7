//! The bars of a series, chunk by chunk, out of one state of the database.
//!
//! A chunk is a page of its own: the next one begins behind its last date. On both databases that
//! costs no more than a cursor would, for the key leads to the place, and nothing is left open
//! between two chunks but the transaction.

use cream_models::{AdjustLimit, Adjuster, Date, DateRange, Interval};
use cream_store::{Order, Reader, Series, StoredBar};

use super::ask::Ask;
use crate::adjusted::Needed;
use crate::periods::{Days, Periods, behind};
use crate::problem::ApiError;

/// How far the reading has come.
#[derive(Clone, Debug)]
struct Walk {
    /// The dates that are left.
    rest: Option<DateRange>,
    /// Bars that are still to come at most.
    left: u32,
    /// A day of the last bar that the limit admits, where more lie behind.
    stopped_at: Option<Date>,
}

impl Walk {
    /// The days of the next bars, as delivered.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        series: &Series,
        ask: &Ask,
    ) -> Result<Vec<StoredBar>, ApiError> {
        let Some(range) = self.rest.take() else { return Ok(Vec::new()) };
        let days = Days::read(reader, series, ask.interval, ask.order, self.left, range)?;
        self.left = self.left.saturating_sub(days.count);
        if self.left == 0 {
            self.stopped_at = days.last;
        } else if let Some(last) = days.last {
            self.rest = behind(range, ask.order, ask.interval.period(last));
        }
        Ok(days.bars)
    }
}

/// The bars of a series as they are served: adjusted, and joined to weeks or months.
pub(crate) struct Source {
    series: Series,
    ask: Ask,
    walk: Walk,
    adjuster: Option<Adjuster>,
    /// The first chunk.
    first: Option<Vec<StoredBar>>,
    told: Told,
}

/// What is told before the bars.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// From which date on bars are adjusted, where one lies before.
    pub(crate) limit: Option<AdjustLimit>,
    /// A day of the last bar, where the limit leaves others out.
    pub(crate) stop: Option<Date>,
}

impl Source {
    /// Reads the first chunk of a range of whole periods.
    pub(crate) fn open(
        reader: &mut Reader<'_>,
        series: Series,
        ask: Ask,
        range: Option<DateRange>,
    ) -> Result<Self, ApiError> {
        let mut walk = Walk { rest: range, left: ask.limit, stopped_at: None };
        let days = walk.read(reader, &series, &ask)?;
        let told = Told { limit: None, stop: walk.stopped_at };
        let mut source = Self { series, ask, walk, adjuster: None, first: None, told };
        source.find_adjuster(reader, &days)?;
        source.first = Some(source.served(reader, days)?);
        Ok(source)
    }

    fn find_adjuster(
        &mut self,
        reader: &mut Reader<'_>,
        days: &[StoredBar],
    ) -> Result<(), ApiError> {
        let Some(adjustment) = self.ask.adjustment else { return Ok(()) };
        let needed = match (self.ask.order, self.walk.rest) {
            // The bars that follow are older, how much so nobody knows yet.
            (Order::Descending, Some(rest)) => {
                let needed =
                    Needed::read_from(reader, &self.series, adjustment, rest.first(), None)?;
                needed.map(|needed| needed.adjuster(&self.series, &[]))
            }
            _ => Needed::read(reader, &self.series, adjustment, days)?
                .map(|needed| needed.adjuster(&self.series, days)),
        };
        self.adjuster = needed.transpose()?;
        self.look_for_limit(days);
        Ok(())
    }

    /// Takes note of whether days lie before the first date that is adjusted.
    fn look_for_limit(&mut self, days: &[StoredBar]) {
        let limit = self.adjuster.as_ref().and_then(Adjuster::limit);
        let lies_before = |limit: &AdjustLimit| days.iter().any(|day| day.bar.date() < limit.from);
        self.told.limit = self.told.limit.or(limit.filter(lies_before));
    }

    /// Bars of days as delivered.
    fn served(
        &self,
        reader: &mut Reader<'_>,
        mut days: Vec<StoredBar>,
    ) -> Result<Vec<StoredBar>, ApiError> {
        let periods = match self.ask.interval {
            Interval::Day => None,
            interval => {
                let basis = self.ask.price_basis(&self.series);
                Periods::read(reader, &self.series, interval, basis, &days)?
            }
        };
        if let Some(adjuster) = &self.adjuster {
            for day in &mut days {
                day.bar = adjuster.bar(&day.bar);
            }
        }
        Ok(match periods {
            Some(periods) => periods.bars(&days),
            None => days,
        })
    }

    /// Whether the first chunk is all there is.
    pub(crate) fn is_whole(&self) -> bool {
        self.walk.rest.is_none()
    }

    /// Reads ahead, where that is needed, for what is told before the bars.
    pub(crate) fn look_ahead(&mut self, reader: &mut Reader<'_>) -> Result<(), ApiError> {
        // The first chunk holds the oldest bar, or all are adjusted.
        let knows_limit = self.ask.order == Order::Ascending
            || self.told.limit.is_some()
            || self.adjuster.as_ref().is_none_or(|adjuster| adjuster.limit().is_none());
        let knows_stop = i64::from(self.ask.limit) >= self.series.bars;
        let mut walk = self.walk.clone();
        while walk.rest.is_some() && !(knows_stop && (knows_limit || self.told.limit.is_some())) {
            let days = walk.read(reader, &self.series, &self.ask)?;
            self.look_for_limit(&days);
        }
        self.told.stop = walk.stopped_at.or(self.told.stop);
        Ok(())
    }

    pub(crate) const fn told(&self) -> Told {
        self.told
    }

    pub(crate) const fn series(&self) -> &Series {
        &self.series
    }

    /// The first chunk, which is not given again.
    pub(crate) fn take_first(&mut self) -> Vec<StoredBar> {
        self.first.take().unwrap_or_default()
    }

    /// The next chunk; `None` behind the last one.
    pub(crate) fn next(
        &mut self,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Vec<StoredBar>>, ApiError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.walk.rest.is_none() {
            return Ok(None);
        }
        let days = self.walk.read(reader, &self.series, &self.ask)?;
        self.served(reader, days).map(Some)
    }
}
