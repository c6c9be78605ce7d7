//! The state of a series while its lock is held.

use cream_models::{Bar, CorporateAction, Coverage, DateRange, Instrument, Timestamp};

use crate::sums::YearSums;
use crate::types::{Description, Said, Series};

/// The state of a series, locked by the transaction that read it: what a loader brings up to
/// date with each bar that it writes, and saves when it is done.
///
/// See [`Writer::lock_series`](crate::Writer::lock_series) and
/// [`Writer::save_series`](crate::Writer::save_series).
#[derive(Clone, Debug)]
pub struct SeriesState {
    pub(crate) series: Series,
    pub(crate) sums: YearSums,
    pub(crate) newest_at: Option<Timestamp>,
    /// The first or the last bar went away: which one is now, only the bars can tell.
    pub(crate) lost_an_end: bool,
    pub(crate) is_changed: bool,
}

impl SeriesState {
    pub(crate) const fn new(series: Series, sums: YearSums, newest_at: Option<Timestamp>) -> Self {
        Self { series, sums, newest_at, lost_an_end: false, is_changed: false }
    }

    /// What there is, as of the last change made to this state.
    #[must_use]
    pub const fn series(&self) -> &Series {
        &self.series
    }

    /// The checksums of the bars and actions that are served.
    #[must_use]
    pub const fn sums(&self) -> &YearSums {
        &self.sums
    }

    /// Takes over what a response says about the instrument: each text is decided by the newest
    /// response that knows it. Of two of the same moment the greater text is kept, so that the
    /// order of loading is of no consequence.
    pub fn describe(&mut self, instrument: &Instrument, fetched_at: Timestamp) {
        let Description { name, exchange, kind, currency, time_zone } =
            &mut self.series.description;
        for (held, new) in [
            (name, &instrument.name),
            (exchange, &instrument.exchange),
            (kind, &instrument.kind),
            (currency, &instrument.currency),
            (time_zone, &instrument.time_zone),
        ] {
            let Some(text) = new else { continue };
            // PostgreSQL can hold no U+0000.
            let new = Said { at: fetched_at, text: text.replace('\0', "\u{fffd}") };
            if held.as_ref().is_none_or(|held| *held < new) {
                *held = Some(new);
                self.is_changed = true;
            }
        }
    }

    /// Counts bars that are served from now on, on dates that had none.
    pub fn add<'b>(&mut self, bars: impl IntoIterator<Item = &'b Bar> + Clone) {
        self.sums.merge(&YearSums::of(bars.clone()));
        let series = &mut self.series;
        for date in bars.into_iter().map(Bar::date) {
            series.bars = series.bars.saturating_add(1);
            series.first_date = Some(series.first_date.map_or(date, |first| first.min(date)));
            series.last_date = Some(series.last_date.map_or(date, |last| last.max(date)));
        }
    }

    /// Counts out a bar that was served.
    pub fn remove(&mut self, bar: &Bar) {
        let (series, date) = (&mut self.series, Some(bar.date()));
        self.sums.remove(bar);
        series.bars = series.bars.saturating_sub(1);
        self.lost_an_end |= series.first_date == date || series.last_date == date;
    }

    /// Counts corporate actions that are served from now on, of dates and kinds that had none.
    pub fn add_actions<'a>(&mut self, actions: impl IntoIterator<Item = &'a CorporateAction>) {
        self.sums.merge(&YearSums::default().with_actions(actions));
    }

    /// Counts out a corporate action that was served.
    pub fn remove_action(&mut self, action: &CorporateAction) {
        self.sums.remove_action(action);
    }

    /// Records that a response was loaded.
    pub fn loaded(&mut self, fetched_at: Timestamp) {
        if self.newest_at.is_none_or(|newest| newest < fetched_at) {
            self.newest_at = Some(fetched_at);
            self.is_changed = true;
        }
    }

    /// Whether every response that is loaded was fetched before this moment.
    #[must_use]
    pub fn is_newest(&self, fetched_at: Timestamp) -> bool {
        self.newest_at.is_none_or(|newest| newest < fetched_at)
    }

    /// Adds dates on which a response decides the corporate actions of every kind that the vendor
    /// tells, whether or not a newer response decides them too.
    pub fn know_actions(&mut self, ranges: &[DateRange]) {
        let held = &mut self.series.actions_known;
        let known = Coverage::normalized([held.as_slice(), ranges].concat());
        if known != *held {
            *held = known;
            self.is_changed = true;
        }
    }

    /// Records that bars or actions changed: a new revision, as of the response fetched then.
    pub fn revise(&mut self, fetched_at: Timestamp) {
        self.series.revision = self.series.revision.saturating_add(1);
        self.series.changed_at = fetched_at;
        self.is_changed = true;
    }
}
