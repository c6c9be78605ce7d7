//! The days that bars are made of, and weekly and monthly bars made of them.

use cream_models::{Aggregator, Bar, CorporateEvent, Date, DateRange, Interval, PriceBasis};
use cream_store::{BarQuery, Order, Reader, Series, StoredBar};

use crate::problem::ApiError;

/// Days that are read at once at most, give or take one: the whole history of most series, and
/// not a MiB of text.
pub(crate) const CHUNK: u32 = 4_096;

/// The dates of a range that come behind a period.
pub(crate) fn behind(range: DateRange, order: Order, period: DateRange) -> Option<DateRange> {
    match order {
        Order::Ascending => DateRange::new(period.last().next()?.max(range.first()), range.last()),
        Order::Descending => {
            DateRange::new(range.first(), period.first().previous()?.min(range.last()))
        }
    }
    .ok()
}

/// The days of the next bars of a series.
#[derive(Debug, Default)]
pub(crate) struct Days {
    /// As delivered, in the order asked for; those of weeks and months are of whole periods.
    pub(crate) bars: Vec<StoredBar>,
    /// How many periods they are of.
    pub(crate) count: u32,
    /// A day of the last of these periods, where more follow in the range.
    pub(crate) last: Option<Date>,
}

impl Days {
    /// Reads the days of the first `limit` bars in a range of whole periods, or of as many as
    /// are read at once: at least one, where there is one.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        series: &Series,
        interval: Interval,
        order: Order,
        limit: u32,
        range: DateRange,
    ) -> Result<Self, ApiError> {
        let mut bars = |query: &BarQuery| Ok(reader.bars(series.stock_id, series.vendor, query)?);
        if interval != Interval::Day {
            return Self::of_periods(interval, order, limit, range, bars);
        }
        let limit = limit.min(CHUNK);
        // One more tells whether there are more.
        let mut bars = bars(&BarQuery { range, order, limit: limit.saturating_add(1) })?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = bars.len() > limit;
        bars.truncate(limit);
        let last = bars.last().filter(|_| has_more).map(|last| last.bar.date());
        let count = u32::try_from(bars.len()).unwrap_or(u32::MAX);
        Ok(Self { bars, count, last })
    }

    fn of_periods(
        interval: Interval,
        order: Order,
        limit: u32,
        range: DateRange,
        bars: impl FnOnce(&BarQuery) -> Result<Vec<StoredBar>, ApiError>,
    ) -> Result<Self, ApiError> {
        let most = limit.saturating_mul(interval.max_days().into()).min(CHUNK);
        // One more tells whether there are more.
        let rows = most.saturating_add(1);
        let mut bars = bars(&BarQuery { range, order, limit: rows })?;
        let mut has_more = u32::try_from(bars.len()).is_ok_and(|count| count >= rows);
        if let Some(last) = bars.last().filter(|_| has_more) {
            // Its period may go on behind it. It is not the only one, for none has so many days.
            let cut = interval.period(last.bar.date());
            bars.truncate(bars.partition_point(|day| !cut.contains(day.bar.date())));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut count, mut kept) = (0, 0);
        for period in periods(interval, &bars, |day| day.bar.date()).take(limit) {
            count += 1;
            kept += period.len();
        }
        has_more |= bars.len() > kept;
        bars.truncate(kept);
        let last = bars.last().filter(|_| has_more).map(|last| last.bar.date());
        Ok(Self { bars, count, last })
    }
}

/// Days in order, those of each period together.
fn periods<T>(
    interval: Interval,
    days: &[T],
    date: impl Fn(&T) -> Date,
) -> impl Iterator<Item = &[T]> {
    days.chunk_by(move |a, b| interval.period(date(a)).contains(date(b)))
}

/// How the days of a page become its bars.
pub(crate) struct Periods {
    interval: Interval,
    last_date: Date,
    /// Over which the prices are not on one share count.
    splits: Vec<Date>,
    /// The days as delivered.
    delivered: Vec<Bar>,
}

impl Periods {
    /// Reads what is needed; `None` where there is nothing to make.
    ///
    /// `days` are as delivered, `basis` is that of the prices which they will have.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        series: &Series,
        interval: Interval,
        basis: PriceBasis,
        days: &[StoredBar],
    ) -> Result<Option<Self>, ApiError> {
        let dates = || days.iter().map(|day| day.bar.date());
        let (Some(first), Some(last), Some(last_date)) =
            (dates().min(), dates().max(), series.last_date)
        else {
            return Ok(None);
        };
        let mut splits = Vec::new();
        if basis != PriceBasis::SplitAdjusted
            && let Ok(range) = DateRange::new(first, last)
        {
            let actions = reader.actions(series.stock_id, series.vendor, range)?;
            splits.extend(actions.iter().filter_map(|stored| match stored.action.event {
                CorporateEvent::Split(ratio) if ratio.numerator() != ratio.denominator() => {
                    Some(stored.action.date)
                }
                _ => None,
            }));
        }
        let delivered = days.iter().map(|day| day.bar).collect();
        Ok(Some(Self { interval, last_date, splits, delivered }))
    }

    /// The bars of the same days, adjusted by now or not, in their order.
    pub(crate) fn bars(&self, days: &[StoredBar]) -> Vec<StoredBar> {
        let aggregator =
            Aggregator { interval: self.interval, last_date: self.last_date, splits: &self.splits };
        let pairs: Vec<(&Bar, &StoredBar)> = self.delivered.iter().zip(days).collect();
        let bar = |period: &[(&Bar, &StoredBar)]| {
            let as_of = period.iter().map(|(_, day)| day.as_of).max()?;
            let mut days: Vec<(&Bar, &Bar)> =
                period.iter().map(|(delivered, day)| (*delivered, &day.bar)).collect();
            // The page may have the newest first.
            days.sort_unstable_by_key(|(delivered, _)| delivered.date());
            Some(StoredBar { bar: aggregator.bar(days)?, as_of, withdrawn_at: None })
        };
        periods(self.interval, &pairs, |(day, _)| day.date()).filter_map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::Timestamp;
    use proptest::prelude::*;

    fn date(days: i32) -> Date {
        Date::from_days(20_000 + days).unwrap()
    }

    /// What a database with bars on these days answers.
    fn held(days: &[i32], query: &BarQuery) -> Vec<StoredBar> {
        let dates = days.iter().map(|day| date(*day)).filter(|date| query.range.contains(*date));
        let stored = |date| StoredBar {
            bar: Bar::new(date),
            as_of: Timestamp::from_micros(0),
            withdrawn_at: None,
        };
        let mut bars: Vec<StoredBar> = dates.map(stored).collect();
        if query.order == Order::Descending {
            bars.reverse();
        }
        bars.truncate(usize::try_from(query.limit).unwrap());
        bars
    }

    /// Mostly every day, so that a period has as many as it can.
    fn days() -> impl Strategy<Value = Vec<i32>> {
        let step = prop_oneof![30 => Just(1), 3 => 2_i32..5, 1 => 20_i32..90];
        prop::collection::vec(step, 0..200).prop_map(|steps| {
            steps
                .into_iter()
                .scan(0, |at, step| {
                    *at += step;
                    Some(*at)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn pages_hold_whole_periods_each_once(
            days in days(),
            limit in 1_u32..9,
            is_descending: bool,
            interval in prop_oneof![Just(Interval::Week), Just(Interval::Month)],
        ) {
            let order = if is_descending { Order::Descending } else { Order::Ascending };
            let mut wanted: Vec<Vec<Date>> = Vec::new();
            for stored in held(&days, &BarQuery { order, ..BarQuery::default() }) {
                let date = stored.bar.date();
                let period = interval.period(date);
                match wanted.last_mut().filter(|days| period.contains(days[0])) {
                    Some(days) => days.push(date),
                    None => wanted.push(vec![date]),
                }
            }
            let mut pages = wanted.chunks(usize::try_from(limit).unwrap());
            let mut rest = Some(DateRange::ALL);
            while let Some(range) = rest {
                let read = |query: &BarQuery| Ok(held(&days, query));
                let page = Days::of_periods(interval, order, limit, range, read).unwrap();
                let got: Vec<Date> = page.bars.iter().map(|day| day.bar.date()).collect();
                let wanted = pages.next().unwrap_or_default();
                prop_assert_eq!(page.count, u32::try_from(wanted.len()).unwrap());
                prop_assert_eq!(got, wanted.concat());
                prop_assert_eq!(page.last.is_some(), pages.len() > 0);
                rest = page.last.and_then(|last| behind(range, order, interval.period(last)));
            }
            prop_assert_eq!(pages.next(), None);
        }
    }

    #[test]
    fn what_is_too_much_for_once_ends_with_a_whole_period_and_goes_on() {
        let many = i32::try_from(CHUNK).unwrap() + 40;
        let days: Vec<i32> = (0..many).collect();
        for order in [Order::Ascending, Order::Descending] {
            let (month, read) = (Interval::Month, |query: &BarQuery| Ok(held(&days, query)));
            let page = Days::of_periods(month, order, 50_000, DateRange::ALL, read).unwrap();
            let last = month.period(page.last.unwrap());
            assert!(page.bars.len() > days.len() - 80, "{}", page.bars.len());
            let end = page.bars.last().unwrap().bar.date();
            assert!([last.first(), last.last()].contains(&end), "{end}");
            let rest = behind(DateRange::ALL, order, last).unwrap();
            let more = Days::of_periods(month, order, 50_000, rest, read).unwrap();
            assert_eq!((page.bars.len() + more.bars.len(), more.last), (days.len(), None));
        }
    }
}
