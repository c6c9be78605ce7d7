//! By what the numbers of each date are multiplied, from the last date back to the first.

use super::plan::{Conversion, Plan};
use super::ratio::Ratio;
use super::scale::Scale;
use super::{AdjustLimit, LimitReason};
use crate::{CorporateAction, CorporateEvent, Date, Price};

/// Dates between which nothing happened: by what their numbers are multiplied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Date,
    pub(super) price: Factor,
    pub(super) volume: Factor,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Factor {
    Same,
    Exact(Ratio),
    Scaled(Scale),
    Unknown,
}

impl Factor {
    pub(super) fn apply(self, value: i64) -> Option<i64> {
        match self {
            Self::Same => Some(value),
            Self::Exact(ratio) => ratio.apply(value),
            Self::Scaled(scale) => scale.apply(value),
            Self::Unknown => None,
        }
    }
}

/// What happened on an ex-date.
pub(super) struct Event {
    pub(super) date: Date,
    split: Option<Ratio>,
    /// Cash of a share, in units of 1e-9.
    cash: i128,
    /// The last close before.
    close: Option<(Date, Price)>,
}

pub(super) struct Events {
    /// By date.
    pub(super) list: Vec<Event>,
    /// By date.
    pub(super) splits: Vec<(Date, Ratio)>,
}

impl Events {
    pub(super) fn of(actions: &[CorporateAction], last_date: Date) -> Self {
        let mut actions: Vec<_> =
            actions.iter().filter(|action| action.date <= last_date).collect();
        actions.sort_by_key(|action| action.key());
        let mut events = Self { list: Vec::new(), splits: Vec::new() };
        for action in actions {
            let date = action.date;
            if events.list.last().is_none_or(|last| last.date != date) {
                events.list.push(Event { date, split: None, cash: 0, close: None });
            }
            let Some(event) = events.list.last_mut() else { continue };
            match action.event {
                CorporateEvent::Split(split) => {
                    let ratio = Ratio::of_split(split);
                    event.split = Some(ratio);
                    events.splits.push((date, ratio));
                }
                CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
                    event.cash = event.cash.saturating_add(i128::from(amount.nanos()));
                }
            }
        }
        events
    }

    /// Gives each event the last close before it.
    pub(super) fn take_closes(&mut self, closes: impl IntoIterator<Item = (Date, Price)>) {
        for (date, close) in closes {
            let next = self.list.partition_point(|event| event.date <= date);
            if let Some(event) = self.list.get_mut(next)
                && event.close.is_none_or(|(held, _)| held < date)
            {
                event.close = Some((date, close));
            }
        }
        let mut last = None;
        for event in &mut self.list {
            last = event.close.or(last);
            event.close = last;
        }
    }
}

/// The factors under way.
pub(super) struct Factors {
    plan: Plan,
    /// The first date of which everything is known.
    from: Date,
    /// S of the dates before the last event passed; `None` where it is too large.
    splits: Option<Ratio>,
    /// The product over distributions; `None` where there was none.
    cash: Option<Scale>,
    limit: Option<AdjustLimit>,
    stretches: Vec<Stretch>,
}

impl Factors {
    pub(super) const fn new(plan: Plan, from: Date) -> Self {
        let splits = Some(Ratio::ONE);
        Self { plan, from, splits, cash: None, limit: None, stretches: Vec::new() }
    }

    /// Takes in an event, which changes the dates before it.
    pub(super) fn pass(&mut self, event: &Event, splits: &[(Date, Ratio)]) {
        self.close(event.date);
        if self.limit.is_none() && event.cash != 0 && self.plan.cash.is_some() {
            match self.left_of_close(event, splits) {
                Ok(left) => self.cash = Some(left),
                Err(reason) => self.limit = Some(AdjustLimit { from: event.date, reason }),
            }
        }
        if let Some(ratio) = event.split {
            self.splits = self.splits.and_then(|splits| splits.times(ratio));
            let needed = self.plan.price != Conversion::Same;
            if self.splits.is_none() && needed && self.limit.is_none() {
                let reason = LimitReason::TooLarge;
                self.limit = Some(AdjustLimit { from: event.date, reason });
            }
        }
    }

    /// The product over distributions with this event's, `1 - D/C` with both split-adjusted.
    fn left_of_close(&self, event: &Event, splits: &[(Date, Ratio)]) -> Result<Scale, LimitReason> {
        let (date, close) = event.close.ok_or(LimitReason::NoClose)?;
        if self.plan.needs_splits() && date < self.from {
            return Err(LimitReason::ActionsUnknown);
        }
        let cash = i64::try_from(event.cash).ok().map(Price::from_nanos);
        let nothing_left = LimitReason::NotBelowClose { cash, close };
        let positive = u128::try_from(close.nanos()).ok().filter(|close| *close > 0);
        let share = Ratio::new(event.cash.unsigned_abs(), positive.ok_or(nothing_left)?)
            .and_then(|share| self.on_one_count(share, date, event.date, splits))
            .ok_or(LimitReason::TooLarge)?;
        let left = if event.cash < 0 {
            // Cash that was asked back, as vendors do correct themselves.
            share.denominator().checked_add(share.numerator()).ok_or(LimitReason::TooLarge)?
        } else {
            share.denominator().checked_sub(share.numerator()).ok_or(nothing_left)?
        };
        let left = Ratio::new(left, share.denominator()).and_then(Scale::of).ok_or(nothing_left)?;
        self.cash.unwrap_or(Scale::ONE).times(left).ok_or(LimitReason::TooLarge)
    }

    /// Cash of an ex-date by the close of a date before, as stored, brought to one share count.
    fn on_one_count(
        &self,
        share: Ratio,
        close_date: Date,
        ex_date: Date,
        splits: &[(Date, Ratio)],
    ) -> Option<Ratio> {
        let from = splits.partition_point(|(date, _)| *date <= close_date);
        let to = splits.partition_point(|(date, _)| *date <= ex_date);
        let between = || {
            let mut list = splits.get(from..to).unwrap_or_default().iter();
            list.try_fold(Ratio::ONE, |all, (_, ratio)| all.times(*ratio))
        };
        match (self.plan.price, self.plan.cash?) {
            // Both are split-adjusted already.
            (Conversion::Same, Conversion::Same) => Some(share),
            // The cash alone is as paid.
            (Conversion::Same, _) => share.times(self.splits?.inverse()?),
            // The close alone is as traded.
            (_, Conversion::Same) => share.times(between()?.times(self.splits?)?),
            _ => share.times(between()?),
        }
    }

    /// Ends the dates from this one on, as far as they are not ended yet.
    fn close(&mut self, from: Date) {
        let price = match (self.limit, self.plan.price, self.splits) {
            (Some(_), ..) => Factor::Unknown,
            (None, conversion, splits) => conversion.factor(splits, self.cash),
        };
        let volume = match (self.plan.volume, self.splits) {
            (Some(conversion), splits) => conversion.factor(splits, None),
            // Without splits every basis is the same.
            (None, Some(Ratio::ONE)) => Factor::Same,
            (None, _) => Factor::Unknown,
        };
        self.stretches.push(Stretch { from, price, volume });
    }

    /// The stretches, by date, the latest first; the last one reaches back to the first date there
    /// is. And from which date on prices are known.
    pub(super) fn finish(mut self) -> (Vec<Stretch>, Option<AdjustLimit>) {
        self.close(self.from);
        if self.from > Date::MIN {
            if self.plan.needs_actions() && self.limit.is_none() {
                let reason = LimitReason::ActionsUnknown;
                self.limit = Some(AdjustLimit { from: self.from, reason });
            }
            let unless = |known: bool| if known { Factor::Same } else { Factor::Unknown };
            self.stretches.push(Stretch {
                from: Date::MIN,
                price: unless(!self.plan.needs_actions()),
                volume: unless(self.plan.volume == Some(Conversion::Same)),
            });
        }
        (self.stretches, self.limit)
    }
}
