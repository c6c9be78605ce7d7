//! Which bars of a series are asked for and how they are to be, and what stands beside them.

use cream_models::{AdjustLimit, Adjustment, Currency, Date, DateRange, Interval, PriceBasis};
use cream_store::{Order, Series, Stock};

use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::params::{Params, Span};
use crate::state::series_state;

/// What is asked for of one series, or of each of many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) span: Span,
    pub(crate) interval: Interval,
    /// `None` for prices as delivered.
    pub(crate) adjustment: Option<Adjustment>,
    pub(crate) order: Order,
    /// Bars at most.
    pub(crate) limit: u32,
}

impl Ask {
    pub(crate) fn interval(params: &mut Params) -> Interval {
        let intervals = Interval::ALL.map(|interval| (interval.name(), interval));
        params.word("interval", &intervals).unwrap_or_default()
    }

    pub(crate) fn adjustment(params: &mut Params) -> Option<Adjustment> {
        let adjustments = Adjustment::ALL.map(|adjustment| (adjustment.name(), adjustment));
        params.word("adjustment", &adjustments)
    }

    pub(crate) fn order(params: &mut Params) -> Order {
        let orders = [("asc", Order::Ascending), ("desc", Order::Descending)];
        params.word("order", &orders).unwrap_or_default()
    }

    /// The dates asked for, widened to whole periods.
    pub(crate) fn whole_span(&self) -> Span {
        let Span { start, end } = self.span;
        let period = |date| self.interval.period(date);
        Span {
            start: start.map(|date| period(date).first()),
            end: end.map(|date| period(date).last()),
        }
    }

    /// The share count of the prices that a series is answered with.
    pub(crate) fn price_basis(&self, series: &Series) -> PriceBasis {
        self.adjustment.map_or(series.vendor.price_basis(), Adjustment::price_basis)
    }

    pub(crate) const fn order_name(&self) -> &'static str {
        match self.order {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        }
    }

    /// The state of all of a series that the answer depends on.
    pub(crate) fn state(&self, kind: &str, stock: &Stock, series: &Series) -> Fingerprint {
        let state = series_state(kind, stock, series);
        let Some(adjustment) = self.adjustment else { return state };
        // More may become known without any bar or action changing.
        let known = series.actions_known.iter().flat_map(|range| [range.first(), range.last()]);
        known
            .fold(state.part(adjustment.name()), |state, date| state.number(i64::from(date.days())))
    }

    /// What is asked for, in a tag.
    pub(crate) fn mark(&self, state: Fingerprint) -> Fingerprint {
        let date = |date: Option<Date>| date.map(|date| date.days().to_le_bytes());
        state
            .optional(date(self.span.start))
            .optional(date(self.span.end))
            .part(self.order_name())
            .part(self.interval.name())
            .optional(self.adjustment.map(Adjustment::name))
            .number(i64::from(self.limit))
    }

    /// No fewer than the daily bars that have to be read of a series, within a range.
    pub(crate) fn most_days(&self, series: &Series, range: Option<DateRange>) -> u64 {
        let (Some(range), Some(first), Some(last)) = (range, series.first_date, series.last_date)
        else {
            return 0;
        };
        let (first, last) = (first.max(range.first()), last.min(range.last()));
        let dates = i64::from(last.days()) - i64::from(first.days()) + 1;
        let of_limit = u64::from(self.limit) * u64::from(self.interval.max_days());
        u64::try_from(dates.min(series.bars)).unwrap_or(0).min(of_limit)
    }
}

/// A series that is answered.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) stock: &'a Stock,
    pub(crate) series: &'a Series,
    /// From which date on bars are adjusted, where one of the answer lies before.
    pub(crate) limit: Option<AdjustLimit>,
}

/// What follows the bars of a series.
#[derive(Default)]
pub(crate) struct Tail<'a> {
    pub(crate) count: u64,
    /// The cursor of the next page.
    pub(crate) next: Option<&'a str>,
    /// Why there are no bars.
    pub(crate) reason: Option<String>,
}

impl Head<'_> {
    /// The facts by name, those that are unknown left out: for formats that carry them as text.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("symbol", self.stock.symbol.to_string()),
            ("vendor", self.series.vendor.to_string()),
        ];
        if let Some(currency) = self.series.currency().map(Currency::of) {
            facts.push(("currency", currency.code().to_owned()));
            facts.push(("currency_major", currency.major().to_owned()));
            facts.push(("currency_units", currency.units_per_major().to_string()));
        }
        if let Some(time_zone) = self.series.time_zone() {
            facts.push(("time_zone", time_zone.to_owned()));
        }
        facts.push(("interval", self.ask.interval.to_string()));
        facts.push(("price_basis", self.ask.price_basis(self.series).to_string()));
        if let Some(adjustment) = self.ask.adjustment {
            facts.push(("adjustment", adjustment.to_string()));
        }
        if let Some(limit) = self.limit {
            facts.push(("adjusted_from", limit.from.to_string()));
        }
        facts
    }

    /// The facts of the series alone, as JSON.
    pub(crate) fn write_series(&self, object: &mut Object<'_>) {
        object.string("vendor", self.series.vendor.name());
        object.currency(self.series.currency());
        object.optional_string("time_zone", self.series.time_zone());
    }

    /// The facts about its prices, as JSON.
    pub(crate) fn write_limit(&self, object: &mut Object<'_>) {
        object.date("adjusted_from", self.limit.map(|limit| limit.from));
        if let Some(limit) = self.limit {
            object.string("adjusted_from_reason", &limit.to_string());
        }
    }
}

/// The name of the header that carries a fact.
pub(crate) fn header_name(fact: &str) -> String {
    format!("cream-{}", fact.replace('_', "-"))
}

/// Why no bar lies in the dates asked for.
pub(crate) fn why_empty(series: &Series, span: Span) -> String {
    match (series.first_date, series.last_date) {
        (Some(first), Some(last))
            if span.range().contains(last) && span.range().contains(first) =>
        {
            // The cursor stood at the end, or bars went away meanwhile.
            format!("no bar is left; the series runs from {first} to {last}")
        }
        (Some(first), Some(last)) => {
            let asked = match (span.start, span.end) {
                (Some(start), Some(end)) => format!("from {start} to {end}"),
                (Some(start), None) => format!("from {start} on"),
                (None, Some(end)) => format!("up to {end}"),
                (None, None) => "at all".to_owned(),
            };
            format!("no bar {asked}; the series runs from {first} to {last}")
        }
        _ => "the series holds no bar".to_owned(),
    }
}
