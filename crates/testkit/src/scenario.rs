//! From a few words to a whole history.

use cream_models::{CorporateAction, CorporateEvent, Date, Price, SplitRatio};

use crate::{Listing, LiveRow, Rng, Row, SyntheticSeries};

/// How a bar can be odd and readable all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// The close is above the high.
    CloseAboveHigh,
    /// The high is below the low.
    HighBelowLow,
    /// The close and the low are negative, as crude oil futures were on 2020-04-20.
    Negative,
    /// Nothing was traded: a trading halt, with one price and no volume.
    Halt,
}

#[derive(Clone, Copy, Debug)]
enum Planned {
    Dividend(f64),
    CapitalGain(f64),
    Split(f64, f64),
    Null,
    Missing,
    Odd(Odd),
}

/// A description of a history, of which [`Scenario::build`] makes the same one every time.
///
/// Days are counted from 0, the first trading day. Prices are made as they were traded and then
/// adjusted for all later splits, as the vendor does; so are amounts and volumes.
#[derive(Clone, Debug)]
pub struct Scenario {
    listing: Listing,
    seed: u64,
    first: Date,
    days: usize,
    start: f64,
    plan: Vec<(usize, Planned)>,
    live_minutes: Option<i32>,
}

impl Scenario {
    /// 250 trading days from 2024-01-02, beginning near a price of 100.
    #[must_use]
    pub fn new(listing: Listing, seed: u64) -> Self {
        let first = Date::from_ymd(2024, 1, 2).unwrap();
        Self { listing, seed, first, days: 250, start: 100.0, plan: Vec::new(), live_minutes: None }
    }

    /// So many trading days, the first on this date or the next day with a session.
    #[must_use]
    pub fn starting(mut self, first: Date, days: usize) -> Self {
        (self.first, self.days) = (first, days);
        self
    }

    /// So many trading days, the last on this date or the last day with a session before it.
    #[must_use]
    pub fn ending(self, last: Date, days: usize) -> Self {
        let mut first = last;
        let mut left = days;
        loop {
            if self.listing.trades_on(first) {
                left -= 1;
                if left == 0 {
                    return self.starting(first, days);
                }
            }
            first = first.previous().unwrap();
        }
    }

    /// More days at the end; the days before keep their values, unless a split or a distribution
    /// falls on one of the new days.
    #[must_use]
    pub const fn extended(mut self, days: usize) -> Self {
        self.days += days;
        self
    }

    /// The price the walk begins near, as traded.
    #[must_use]
    pub const fn start_price(mut self, price: f64) -> Self {
        self.start = price;
        self
    }

    /// A dividend of so much a share, as paid.
    #[must_use]
    pub fn dividend(self, day: usize, amount: f64) -> Self {
        self.planned(day, Planned::Dividend(amount))
    }

    /// A dividend every so many days, from the day `every` on.
    #[must_use]
    pub fn dividends(self, every: usize, amount: f64) -> Self {
        let days = (every..self.days).step_by(every);
        days.fold(self, |scenario, day| scenario.dividend(day, amount))
    }

    /// A capital gains distribution of so much a share, as paid.
    #[must_use]
    pub fn capital_gain(self, day: usize, amount: f64) -> Self {
        self.planned(day, Planned::CapitalGain(amount))
    }

    /// A split into `numerator` new shares for `denominator` old ones: 3 and 2, 1.5 and 1, 1 and
    /// 10, 1000 and 961.
    #[must_use]
    pub fn split(self, day: usize, numerator: impl Into<f64>, denominator: impl Into<f64>) -> Self {
        self.planned(day, Planned::Split(numerator.into(), denominator.into()))
    }

    /// A row without values.
    #[must_use]
    pub fn null_row(self, day: usize) -> Self {
        self.planned(day, Planned::Null)
    }

    /// No row at all, as on a holiday.
    #[must_use]
    pub fn missing_row(self, day: usize) -> Self {
        self.planned(day, Planned::Missing)
    }

    /// An odd bar.
    #[must_use]
    pub fn odd_bar(self, day: usize, odd: Odd) -> Self {
        self.planned(day, Planned::Odd(odd))
    }

    /// The last day's session is under way, so many minutes after its open.
    #[must_use]
    pub const fn live(mut self, minutes: i32) -> Self {
        self.live_minutes = Some(minutes);
        self
    }

    fn planned(mut self, day: usize, planned: Planned) -> Self {
        self.plan.push((day, planned));
        self
    }

    /// Makes the history.
    ///
    /// # Panics
    ///
    /// Where something is planned for a day that is not one of the days.
    #[must_use]
    pub fn build(&self) -> SyntheticSeries {
        let dates = self.dates();
        for (day, planned) in &self.plan {
            assert!(*day < dates.len(), "{planned:?} on day {day} of {}", dates.len());
        }
        let traded = self.traded();
        let later_splits = self.later_splits();
        let actions = self.actions(&dates, &later_splits);
        let mut rows = self.adjusted(&dates, &traded, &later_splits);
        adjust_closes(&mut rows, &actions);
        for (day, planned) in &self.plan {
            match planned {
                Planned::Odd(odd) => make_odd(&mut rows[*day], *odd),
                Planned::Null => rows[*day] = Row::null(dates[*day]),
                _ => {}
            }
        }
        let mut day = 0;
        rows.retain(|_| {
            let is_missing = |(at, planned): &(usize, Planned)| {
                *at == day && matches!(planned, Planned::Missing)
            };
            let keep = !self.plan.iter().any(is_missing);
            day += 1;
            keep
        });
        let live = self.live_minutes.and_then(|minutes| {
            let row = rows.pop()?;
            let open = self.listing.sessions().open(row.date);
            // Trades do not come on the full minute.
            Some(LiveRow { at: open.plus_seconds(i64::from(minutes) * 60 + 44), row })
        });
        SyntheticSeries { listing: self.listing.clone(), rows, actions, live }
    }

    fn dates(&self) -> Vec<Date> {
        let days = self.first.days()..;
        days.filter_map(Date::from_days)
            .filter(|date| self.listing.trades_on(*date))
            .take(self.days)
            .collect()
    }

    /// Open, high, low, close and volume as traded on each day.
    fn traded(&self) -> Vec<([f64; 4], f64)> {
        let mut rng = Rng::new(self.seed);
        let tick = 10_f64.powi(i32::from(self.listing.digits));
        let round = |price: f64| (price * tick).round() / tick;
        let mut ratios = vec![1.0; self.days];
        for (day, planned) in &self.plan {
            if let Planned::Split(numerator, denominator) = planned {
                ratios[*day] *= numerator / denominator;
            }
        }
        let usual = match (self.listing.has_volume, self.listing.every_day) {
            (true, true) => 2e10,
            (true, false) => rng.between(2e5, 4e7),
            (false, _) => 0.0,
        };
        let mut last = self.start;
        let mut floor = self.start * 0.05;
        ratios
            .into_iter()
            .map(|ratio| {
                last /= ratio;
                floor /= ratio;
                let open = round(last * rng.between(0.99, 1.01));
                let close = round((last * rng.between(0.9751, 1.0256)).max(floor));
                let high = round(open.max(close) * rng.between(1.0, 1.015));
                let low = round(open.min(close) * rng.between(0.985, 1.0));
                let volume = (usual * rng.between(0.4, 2.2)).round();
                last = close;
                if self.listing.one_price {
                    ([close; 4], volume)
                } else {
                    ([open, high, low, close], volume)
                }
            })
            .collect()
    }

    /// For each day, into how many shares of today one share was split since.
    fn later_splits(&self) -> Vec<f64> {
        let mut factors = vec![1.0; self.days];
        for (day, planned) in &self.plan {
            if let Planned::Split(numerator, denominator) = planned {
                for factor in &mut factors[..*day] {
                    *factor *= numerator / denominator;
                }
            }
        }
        factors
    }

    fn actions(&self, dates: &[Date], later_splits: &[f64]) -> Vec<CorporateAction> {
        let amount = |day: usize, paid: f64| decimal(paid / later_splits[day]);
        let events = self.plan.iter().filter_map(|(day, planned)| {
            let event = match *planned {
                Planned::Dividend(paid) => CorporateEvent::Dividend { amount: amount(*day, paid) },
                Planned::CapitalGain(paid) => {
                    CorporateEvent::CapitalGain { amount: amount(*day, paid) }
                }
                Planned::Split(numerator, denominator) => CorporateEvent::Split(
                    SplitRatio::new(decimal(numerator), decimal(denominator)).unwrap(),
                ),
                _ => return None,
            };
            Some(CorporateAction { date: dates[*day], event })
        });
        let mut actions: Vec<CorporateAction> = events.collect();
        actions.sort_unstable_by_key(CorporateAction::key);
        actions
    }

    fn adjusted(
        &self,
        dates: &[Date],
        traded: &[([f64; 4], f64)],
        later_splits: &[f64],
    ) -> Vec<Row> {
        let days = dates.iter().zip(traded).zip(later_splits);
        days.map(|((date, (prices, volume)), factor)| {
            let prices = prices.map(|price| micro(price / factor) as f32);
            Row::new(*date, prices, (volume * factor).round() as i64)
        })
        .collect()
    }
}

/// To six digits behind the point, as the vendor's prices have them before they become floats; so
/// that the shortest decimal of the float has nine at most.
fn micro(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn decimal(value: f64) -> Price {
    format!("{value:.6}").parse().unwrap()
}

/// Adjusts the closes before each distribution, by the method of CRSP that the vendors use.
fn adjust_closes(rows: &mut [Row], actions: &[CorporateAction]) {
    let mut factor = 1.0;
    for day in (0..rows.len()).rev() {
        let close = f64::from(rows[day].prices[3].unwrap());
        rows[day].prices[4] = Some(micro(close * factor) as f32);
        let Some(before) = day.checked_sub(1) else { break };
        let before = f64::from(rows[before].prices[3].unwrap());
        for action in actions.iter().filter(|action| action.date == rows[day].date) {
            if let CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } =
                action.event
            {
                factor *= 1.0 - amount.nanos() as f64 / 1e9 / before;
            }
        }
    }
}

fn make_odd(row: &mut Row, odd: Odd) {
    let [open, high, low, close, _] = row.prices.map(Option::unwrap_or_default);
    *row = match odd {
        Odd::CloseAboveHigh => {
            let close = high + (high * 0.01).max(0.01);
            Row::new(row.date, [open, high, low, close], row.volume.unwrap_or(0))
        }
        Odd::HighBelowLow => {
            Row::new(row.date, [open, low * 0.5, high, close], row.volume.unwrap_or(0))
        }
        Odd::Negative => Row::new(row.date, [open, high, -40.32, -37.63], row.volume.unwrap_or(0)),
        Odd::Halt => Row::new(row.date, [close; 4], 0),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::{ActionKind, BarFlags};

    fn scenario() -> Scenario {
        Scenario::new(Listing::us_stock("CREAM1", "Cream One"), 5)
            .ending("2025-06-13".parse().unwrap(), 300)
    }

    #[test]
    fn days_are_weekdays_and_end_where_asked() {
        let series = scenario().build();
        assert_eq!(series.rows.len(), 300);
        assert_eq!(series.rows[299].date.to_string(), "2025-06-13");
        assert!(series.rows.iter().all(|row| series.listing.trades_on(row.date)));
        assert!(series.bars().iter().all(|bar| bar.flags().is_empty()));
        let longer = scenario().extended(1).build();
        assert_eq!(longer.rows[..300], series.rows);
        assert_eq!(longer.rows[300].date.to_string(), "2025-06-16");
    }

    #[test]
    fn splits_and_dividends_adjust_what_was_before() {
        let plain = scenario().build();
        let series = scenario().dividend(100, 0.3).split(200, 3, 2).build();
        let [dividend, split] = &series.actions[..] else { panic!("{:?}", series.actions) };
        assert_eq!(dividend.kind(), ActionKind::Dividend);
        let CorporateEvent::Dividend { amount } = dividend.event else { panic!() };
        assert_eq!(amount.to_string(), "0.2");
        let CorporateEvent::Split(ratio) = split.event else { panic!() };
        assert_eq!(ratio.to_string(), "3:2");
        // Before the split the traded price is the same and the adjusted one two thirds of it.
        let (before, adjusted) = (plain.rows[0].prices[0], series.rows[0].prices[0]);
        let ratio = before.unwrap() / adjusted.unwrap();
        assert!((ratio - 1.5).abs() < 1e-4, "{ratio}");
        assert!(series.rows[99].prices[4] < series.rows[99].prices[3]);
        assert_eq!(series.rows[100].prices[4], series.rows[100].prices[3]);
    }

    #[test]
    fn odd_null_missing_and_live_rows_are_where_planned() {
        let series = scenario()
            .odd_bar(10, Odd::CloseAboveHigh)
            .odd_bar(11, Odd::Negative)
            .odd_bar(12, Odd::Halt)
            .odd_bar(13, Odd::HighBelowLow)
            .null_row(20)
            .missing_row(30)
            .live(75)
            .build();
        let flags = |day: usize| series.rows[day].bar().flags();
        assert_eq!(flags(10), BarFlags::OUTSIDE_RANGE);
        assert_eq!(flags(11), BarFlags::NEGATIVE_PRICE);
        assert_eq!(flags(12), BarFlags::ZERO_VOLUME);
        assert!(flags(13).contains(BarFlags::HIGH_BELOW_LOW));
        assert!(series.rows[20].is_null());
        assert_eq!(series.null_dates(), [series.rows[20].date]);
        assert_eq!(series.rows.len(), 298);
        assert_eq!(series.live.unwrap().at.to_string(), "2025-06-13T14:45:44Z");
        assert_eq!(series.bars().len(), 298);
    }

    #[test]
    fn the_seed_decides() {
        let rows = |seed| Scenario::new(Listing::us_stock("A", "A"), seed).build().rows;
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
    }
}
