//! A history of which everything is known.

use cream_models::{
    ActionKind, Bar, BarField, BarFlags, CorporateAction, Date, DateRange, Price, Timestamp,
};

use crate::Listing;

/// One row of a response, as delivered: prices are 32-bit floats, as the vendor's are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The trading date in the exchange's time zone.
    pub date: Date,
    /// Open, high, low, close and adjusted close; `None` is written as `null`, or `-` in a table.
    pub prices: [Option<f32>; 5],
    /// The volume.
    pub volume: Option<i64>,
}

impl Row {
    /// A row of open, high, low and close, with the close as adjusted close.
    #[must_use]
    pub fn new(date: Date, [open, high, low, close]: [f32; 4], volume: i64) -> Self {
        let prices = [open, high, low, close, close].map(Some);
        Self { date, prices, volume: Some(volume) }
    }

    /// A row without values.
    #[must_use]
    pub const fn null(date: Date) -> Self {
        Self { date, prices: [None; 5], volume: None }
    }

    /// Whether the row has no value at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.volume.is_none() && self.prices.iter().all(Option::is_none)
    }

    /// The bar that a reader makes of the row in a chart answer: settled, with the flags that its
    /// values call for.
    #[must_use]
    pub fn bar(&self) -> Bar {
        let mut bar = Bar::new(self.date);
        let mut flags = BarFlags::NONE;
        for (field, price) in BarField::ALL.into_iter().zip(self.prices) {
            if let Some(price) = price {
                let (price, exact) = price_of(price);
                bar.set(field, Some(price.nanos()));
                if !exact {
                    flags |= BarFlags::ROUNDED;
                }
            }
        }
        bar.set(BarField::Volume, self.volume);
        bar.with_flags(flags | bar.judged_flags())
    }

    /// The bar that a reader makes of the row in a table with so many digits behind the point.
    #[must_use]
    pub fn table_bar(&self, digits: usize) -> Bar {
        let mut bar = Bar::new(self.date);
        for (field, price) in BarField::ALL.into_iter().zip(self.prices) {
            let shown = price.map(|price| format!("{:.digits$}", f64::from(price)));
            bar.set(field, shown.map(|text| text.parse::<Price>().unwrap().nanos()));
        }
        bar.set(BarField::Volume, self.volume);
        bar.with_flags(bar.judged_flags())
    }
}

/// The price a 32-bit float stands for, which is its shortest decimal, and whether that fits into
/// nine digits behind the point; where it does not, it is rounded half to even.
#[must_use]
pub fn price_of(value: f32) -> (Price, bool) {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() <= 9 {
        return (text.parse().expect("a price in range"), true);
    }
    let (kept, rest) = fraction.split_at(9);
    let down: i64 = format!("{}{kept}", whole.trim_start_matches('-')).parse().unwrap();
    let half = format!("5{}", "0".repeat(rest.len() - 1));
    let up = match rest.cmp(half.as_str()) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => down % 2,
        std::cmp::Ordering::Greater => 1,
    };
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    (Price::from_nanos(sign * (down + up)), false)
}

/// The row of a session under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveRow {
    /// When the last trade was; the vendor stamps the row with it.
    pub at: Timestamp,
    /// The values so far. The date is that of `at` in the exchange's time zone.
    pub row: Row,
}

/// A value to be written otherwise than it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// The row.
    pub date: Date,
    /// The cell.
    pub field: BarField,
    /// What is written instead: raw JSON in a chart answer, text in a table.
    pub text: String,
}

impl BadCell {
    /// A cell with another text.
    #[must_use]
    pub fn new(date: Date, field: BarField, text: &str) -> Self {
        Self { date, field, text: text.to_owned() }
    }
}

/// A history of which everything is known: what a reader must find, and how it is written.
#[derive(Clone, Debug)]
pub struct SyntheticSeries {
    /// The instrument.
    pub listing: Listing,
    /// The settled rows, ascending by date, null rows included.
    pub rows: Vec<Row>,
    /// Dividends, splits and capital gains, ascending by date and kind.
    pub actions: Vec<CorporateAction>,
    /// The row of a session under way. It may have the date of the last settled row, as the
    /// vendor's has at times.
    pub live: Option<LiveRow>,
}

impl SyntheticSeries {
    /// The bars that a reader of the chart answer, alone or within a page, must find.
    ///
    /// A null row is no bar. A live row is not final, and gives way to a settled row of its date.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let settled = self.rows.iter().filter(|row| !row.is_null());
        let mut bars: Vec<Bar> = settled.map(Row::bar).collect();
        if let Some(live) = self.live {
            match bars.last_mut().filter(|last| last.date() == live.row.date) {
                None => bars.push(live.row.bar().with_final(false)),
                Some(last) if *last != live.row.bar() => {
                    *last = last.with_flags(last.flags() | BarFlags::DUPLICATE_DATE);
                }
                Some(_) => {}
            }
        }
        bars
    }

    /// The bars that a reader of a bare table with so many digits behind the point must find,
    /// where the page was fetched on the given day (UTC): rows of that day or later are not final.
    /// For a series without a live row of a settled date.
    #[must_use]
    pub fn table_bars(&self, digits: usize, fetched_on: Date) -> Vec<Bar> {
        let rows = self.rows.iter().chain(self.live.as_ref().map(|live| &live.row));
        rows.filter(|row| !row.is_null())
            .map(|row| row.table_bar(digits).with_final(row.date < fetched_on))
            .collect()
    }

    /// The dates whose rows have no values.
    #[must_use]
    pub fn null_dates(&self) -> Vec<Date> {
        self.rows.iter().filter(|row| row.is_null()).map(|row| row.date).collect()
    }

    /// The dates from the first row to the last, null rows included; `None` without rows.
    #[must_use]
    pub fn range(&self) -> Option<DateRange> {
        let first = self.rows.first().or(self.live.as_ref().map(|live| &live.row))?;
        let last = self.live.as_ref().map(|live| &live.row).or(self.rows.last())?;
        DateRange::new(first.date, last.date).ok()
    }

    /// What lies within the range, as an answer to a request for it holds.
    #[must_use]
    pub fn sliced(&self, range: DateRange) -> Self {
        let mut slice = self.clone();
        slice.rows.retain(|row| range.contains(row.date));
        slice.actions.retain(|action| range.contains(action.date));
        slice.live = slice.live.filter(|live| range.contains(live.row.date));
        slice
    }

    /// The same without the row of a date, as after a vendor withdrew it.
    #[must_use]
    pub fn without_row(mut self, date: Date) -> Self {
        self.rows.retain(|row| row.date != date);
        self
    }

    /// The same with another row for the row's date, or with one more.
    #[must_use]
    pub fn with_row(mut self, row: Row) -> Self {
        match self.rows.binary_search_by_key(&row.date, |row| row.date) {
            Ok(at) => self.rows[at] = row,
            Err(at) => self.rows.insert(at, row),
        }
        self
    }

    /// The same with no values on a date.
    #[must_use]
    pub fn with_null_row(self, date: Date) -> Self {
        self.with_row(Row::null(date))
    }

    /// The same with one more action, or with another for its date and kind.
    #[must_use]
    pub fn with_action(mut self, action: CorporateAction) -> Self {
        self.actions.retain(|known| known.key() != action.key());
        self.actions.push(action);
        self.actions.sort_unstable_by_key(CorporateAction::key);
        self
    }

    /// The same without an action, as after a vendor withdrew it.
    #[must_use]
    pub fn without_action(mut self, date: Date, kind: ActionKind) -> Self {
        self.actions.retain(|action| action.key() != (date, kind));
        self
    }

    /// The same with a live row.
    #[must_use]
    pub fn with_live(mut self, live: LiveRow) -> Self {
        self.live = Some(live);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_stands_for_its_shortest_decimal() {
        assert_eq!(price_of(1.266_667), (Price::from_nanos(1_266_667_000), true));
        assert_eq!(price_of(-37.63), (Price::from_nanos(-37_630_000_000), true));
        assert_eq!(price_of(20.0), (Price::from_nanos(20_000_000_000), true));
        assert_eq!(price_of(0.000_000_001_5), (Price::from_nanos(2), false));
        assert_eq!(price_of(0.000_000_002_5), (Price::from_nanos(2), false));
        assert_eq!(price_of(-0.000_000_002_6), (Price::from_nanos(-3), false));
    }

    #[test]
    fn a_settled_row_stays_beside_a_live_one_of_its_date() {
        let day: Date = "2025-06-13".parse().unwrap();
        let series = SyntheticSeries {
            listing: Listing::us_stock("A", "A"),
            rows: vec![Row::new(day, [1.0, 2.0, 0.5, 1.5], 10)],
            actions: Vec::new(),
            live: None,
        };
        let live = |date: Date| LiveRow {
            at: Timestamp::start_of(date),
            row: Row::new(date, [1.0, 2.0, 0.5, 1.75], 12),
        };
        let bars = series.clone().with_live(live(day)).bars();
        assert_eq!(bars.len(), 1);
        assert_eq!(bars[0].close(), Some("1.5".parse().unwrap()));
        assert_eq!(bars[0].flags(), BarFlags::DUPLICATE_DATE);
        let bars = series.with_live(live(day.next().unwrap())).bars();
        assert_eq!(bars.iter().map(Bar::is_final).collect::<Vec<_>>(), [true, false]);
    }
}
