//! What Arrow and Parquet share: columns, and what is told about them.

use std::sync::Arc;

use cream_models::{BarField, BarFlags};
use cream_store::StoredBar;

use crate::history::{Ask, Head, Outcome};
use crate::json::Object;

/// Digits of a price: those of 2^63, of which nine are behind the point. Tighter than it need be,
/// and so the sum or the product of two columns still fits what readers can hold.
pub(super) const PRECISION: u8 = 19;
/// Digits behind the point.
pub(super) const SCALE: u8 = 9;

/// The columns of prices, in their order.
pub(super) const PRICES: [BarField; 5] =
    [BarField::Open, BarField::High, BarField::Low, BarField::Close, BarField::AdjClose];

/// Which series a row belongs to.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) symbol: Arc<str>,
    pub(super) vendor: &'static str,
    pub(super) currency: Option<Arc<str>>,
}

impl Of {
    fn new(head: &Head<'_>) -> Self {
        Self {
            symbol: head.stock.symbol.as_str().into(),
            vendor: head.series.vendor.name(),
            currency: head.series.currency().map(Into::into),
        }
    }
}

/// Rows that are gathered until there are enough of them, of one series or of several.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) bars: Vec<StoredBar>,
    /// Where each series begins.
    series: Vec<(usize, Of)>,
}

impl Rows {
    pub(super) fn begin_series(&mut self, head: &Head<'_>) {
        self.series.push((self.bars.len(), Of::new(head)));
    }

    /// Forgets the rows; the series goes on.
    pub(super) fn clear(&mut self) {
        self.bars.clear();
        let last = self.series.pop();
        self.series.clear();
        self.series.extend(last.map(|(_, of)| (0, of)));
    }

    /// Each row's series.
    pub(super) fn of_each(&self) -> impl Iterator<Item = &Of> {
        let ends = self.series.iter().skip(1).map(|(start, _)| *start).chain([self.bars.len()]);
        self.series
            .iter()
            .zip(ends)
            .flat_map(|((start, of), end)| std::iter::repeat_n(of, end.saturating_sub(*start)))
    }

    /// Each row's flags, joined as in CSV.
    pub(super) fn flags(&self) -> impl Iterator<Item = String> {
        let mut last: Option<(BarFlags, String)> = None;
        self.bars.iter().map(move |stored| {
            let flags = stored.bar.flags();
            match &last {
                Some((of, text)) if *of == flags => text.clone(),
                _ => {
                    let names: Vec<&str> = flags.names().collect();
                    let text = names.join("|");
                    last = Some((flags, text.clone()));
                    text
                }
            }
        })
    }
}

fn key(name: &str) -> String {
    format!("cream.{name}")
}

/// What stands beside the bars of one series, by key.
pub(super) fn metadata_of_one(head: &Head<'_>) -> Vec<(String, String)> {
    let facts = head.facts().into_iter().map(|(name, value)| (key(name), value));
    let mut metadata: Vec<(String, String)> = facts.collect();
    if let Some(limit) = head.limit {
        metadata.push((key("adjusted_from_reason"), limit.to_string()));
    }
    metadata.extend(dates(head.ask));
    metadata
}

/// What stands beside the bars of many, by key.
pub(super) fn metadata_of_many(ask: &Ask, outcomes: &[Outcome]) -> Vec<(String, String)> {
    let mut list = b"[".to_vec();
    for (index, outcome) in outcomes.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        let mut object = Object::open(&mut list);
        outcome.write(ask, &mut object);
        object.close();
    }
    list.push(b']');
    // It is text that was put together of text.
    let list = String::from_utf8(list).unwrap_or_default();
    let mut metadata = vec![(key("interval"), ask.interval.to_string())];
    metadata.extend(ask.adjustment.map(|adjustment| (key("adjustment"), adjustment.to_string())));
    metadata.extend(dates(ask));
    metadata.push((key("outcomes"), list));
    metadata
}

fn dates(ask: &Ask) -> impl Iterator<Item = (String, String)> {
    let dates = [("start", ask.span.start), ("end", ask.span.end)];
    dates.into_iter().filter_map(|(name, date)| Some((key(name), date?.to_string())))
}
