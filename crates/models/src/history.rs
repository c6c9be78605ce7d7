//! What one vendor response says about one instrument.

use std::fmt;

use crate::{
    ActionKind, ActionKinds, Bar, BarField, BarFlags, CorporateAction, Date, DateRange, Symbol,
    Timestamp, Vendor,
};

/// One response, read: an instrument's daily bars and corporate actions, and what they cover.
///
/// Bars ascend by date, one a date. Actions ascend by date and kind, one of a kind a date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PriceHistory {
    /// Whose response it is.
    pub vendor: Vendor,
    /// The instrument's canonical symbol, if the response tells it.
    pub symbol: Option<Symbol>,
    /// The symbol that the response names, as the vendor spells it (`BRK.B`, `brk-b.us`), if it
    /// names one.
    pub vendor_symbol: Option<String>,
    /// What the response says about the instrument.
    pub instrument: Instrument,
    /// The latest instant that the response itself speaks of: it cannot have been fetched before.
    pub fetched_no_earlier_than: Option<Timestamp>,
    /// For which dates the response decides what is so.
    pub coverage: Coverage,
    /// The daily bars.
    pub bars: Vec<Bar>,
    /// Dividends, splits and capital gains.
    pub actions: Vec<CorporateAction>,
    /// What was noticed while reading, in the order of the response.
    pub warnings: Vec<Warning>,
}

impl PriceHistory {
    /// A history without bars, to be filled.
    #[must_use]
    pub fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            symbol: None,
            vendor_symbol: None,
            instrument: Instrument::default(),
            fetched_no_earlier_than: None,
            coverage: Coverage::default(),
            bars: Vec::new(),
            actions: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// What a response says about the instrument itself, as delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Instrument {
    /// The long name, such as `Tesla, Inc.`.
    pub name: Option<String>,
    /// The exchange, as the vendor spells it.
    pub exchange: Option<String>,
    /// The currency code of the prices. `GBp` is pence and stays so.
    pub currency: Option<String>,
    /// The exchange's IANA time zone, such as `America/New_York`.
    pub time_zone: Option<String>,
    /// The kind of instrument, as the vendor spells it: `EQUITY`, `ETF`, `INDEX`, `CURRENCY`, …
    pub kind: Option<String>,
}

/// For which dates a response decides.
///
/// Of all responses that decide a date, the newest is right: what it holds is so, and what it
/// lacks is not. A date whose row was unreadable or without values is left undecided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Coverage {
    /// The dates asked for, or else the first to the last bar; `None` where there is neither.
    pub range: Option<DateRange>,
    /// Within the range: dates whose bar the response leaves open. Ascending, disjoint.
    pub undecided_bars: Vec<DateRange>,
    /// Within the range: dates whose actions the response leaves open. Ascending, disjoint.
    pub undecided_actions: Vec<DateRange>,
    /// Kinds of corporate action of which the response says nothing on any date.
    pub undecided_kinds: ActionKinds,
}

impl Coverage {
    /// Whether the response decides the bar of a date.
    #[must_use]
    pub fn decides_bar(&self, date: Date) -> bool {
        self.range.is_some_and(|range| range.contains(date)) && !holds(&self.undecided_bars, date)
    }

    /// Whether the response decides what corporate action of a kind there is on a date.
    #[must_use]
    pub fn decides_action(&self, (date, kind): (Date, ActionKind)) -> bool {
        self.range.is_some_and(|range| range.contains(date))
            && !holds(&self.undecided_actions, date)
            && !self.undecided_kinds.contains(kind)
    }

    /// The dates on which the response decides the corporate actions of these kinds. Ascending,
    /// disjoint.
    #[must_use]
    pub fn decided_actions(&self, kinds: ActionKinds) -> Vec<DateRange> {
        let open = kinds.iter().any(|kind| self.undecided_kinds.contains(kind));
        let Some(range) = self.range.filter(|_| !open) else { return Vec::new() };
        let mut decided = Vec::new();
        let mut first = Some(range.first());
        for open in &self.undecided_actions {
            let before = first.zip(open.first().previous());
            decided.extend(before.and_then(|(first, last)| DateRange::new(first, last).ok()));
            first = open.last().next();
        }
        decided.extend(first.and_then(|first| DateRange::new(first, range.last()).ok()));
        decided
    }

    /// Sorts ranges and joins those that touch or overlap.
    #[must_use]
    pub fn normalized(mut ranges: Vec<DateRange>) -> Vec<DateRange> {
        ranges.sort_unstable();
        let mut joined: Vec<DateRange> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.first().days() <= last.last().days().saturating_add(1) => {
                    *last = last.hull(range);
                }
                _ => joined.push(range),
            }
        }
        joined
    }
}

/// Whether one of the ascending, disjoint ranges holds the date.
fn holds(ranges: &[DateRange], date: Date) -> bool {
    let after = ranges.partition_point(|range| range.first() <= date);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| range.contains(date))
}

/// Something a reader of the response should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Warning {
    /// Where in the response, in bytes from its start.
    pub position: u64,
    /// What was noticed.
    pub kind: WarningKind,
}

/// What a [`Warning`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "warning", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WarningKind {
    /// A row that cannot be read. It decides nothing for its date.
    UnreadableRow {
        /// The date, where at least that is readable.
        date: Option<Date>,
        /// What was found and what was expected.
        reason: String,
    },
    /// A corporate action that cannot be read. It decides nothing for its date.
    UnreadableAction {
        /// The date, where at least that is readable.
        date: Option<Date>,
        /// What was found and what was expected.
        reason: String,
    },
    /// Odd bars: the flag, how many carry it, and the first of them.
    FlaggedBars {
        /// What is odd.
        flag: BarFlags,
        /// How many bars are odd in this way.
        count: u64,
        /// The earliest of them.
        first: Date,
    },
    /// Two rows for one date; one was kept.
    DuplicateRow {
        /// The date.
        date: Date,
        /// Which row was kept and why.
        kept: &'static str,
    },
    /// The page's table and the data embedded in the page disagree beyond the table's rounding.
    CellMismatch {
        /// The row's date.
        date: Date,
        /// The cell.
        field: BarField,
        /// The table's text.
        table: String,
        /// The embedded value; the one that was taken.
        embedded: String,
    },
    /// A row or an action stands in only one of the page's table and the embedded data.
    OnlyInOne {
        /// The date.
        date: Date,
        /// What is missing, and where.
        what: String,
    },
    /// Two actions of one kind on one date, joined or left undecided.
    RepeatedAction {
        /// The date.
        date: Date,
        /// What was done.
        reason: String,
    },
    /// What the vendor itself says beside the data.
    Vendor {
        /// The vendor's words, quoted and shortened.
        words: String,
    },
    /// More warnings than are kept; this many were left out.
    More {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |date: &Option<Date>| date.map_or_else(String::new, |date| format!(" of {date}"));
        match &self.kind {
            WarningKind::UnreadableRow { date, reason } => {
                write!(f, "unreadable row{}: {reason}", on(date))?;
            }
            WarningKind::UnreadableAction { date, reason } => {
                write!(f, "unreadable corporate action{}: {reason}", on(date))?;
            }
            WarningKind::FlaggedBars { flag, count: 1, first } => {
                write!(f, "the bar of {first} is odd: {flag}")?;
            }
            WarningKind::FlaggedBars { flag, count, first } => {
                write!(f, "{count} bars are odd, the first on {first}: {flag}")?;
            }
            WarningKind::DuplicateRow { date, kept } => write!(f, "two rows for {date}: {kept}")?,
            WarningKind::CellMismatch { date, field, table, embedded } => write!(
                f,
                "{} of {date} is {table} in the table but {embedded} in the embedded data",
                field.name()
            )?,
            WarningKind::OnlyInOne { date, what } => write!(f, "{date}: {what}")?,
            WarningKind::RepeatedAction { date, reason } => write!(f, "{date}: {reason}")?,
            WarningKind::Vendor { words } => write!(f, "the vendor says {words}")?,
            WarningKind::More { count } => return write!(f, "{count} more warnings"),
        }
        write!(f, " (at byte {})", self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> DateRange {
        text.parse().unwrap()
    }

    #[test]
    fn an_undecided_date_is_not_decided_and_its_neighbours_are() {
        let coverage = Coverage {
            range: Some(range("2020-01-01..2020-12-31")),
            undecided_bars: vec![range("2020-03-02"), range("2020-05-01..2020-05-03")],
            undecided_actions: vec![range("2020-02-01..2020-12-31")],
            undecided_kinds: ActionKinds::NONE.with(ActionKind::Split),
        };
        let decides = |text: &str| coverage.decides_bar(text.parse().unwrap());
        assert!(decides("2020-03-01") && !decides("2020-03-02") && decides("2020-03-03"));
        assert!(decides("2020-04-30") && !decides("2020-05-03") && decides("2020-05-04"));
        assert!(!decides("2019-12-31") && !decides("2021-01-01"));
        let action = |text: &str, kind| coverage.decides_action((text.parse().unwrap(), kind));
        assert!(action("2020-01-31", ActionKind::Dividend));
        assert!(!action("2020-02-01", ActionKind::Dividend));
        assert!(!action("2020-01-31", ActionKind::Split));
        let dividends = ActionKinds::NONE.with(ActionKind::Dividend);
        assert_eq!(coverage.decided_actions(dividends), [range("2020-01-01..2020-01-31")]);
        assert_eq!(coverage.decided_actions(ActionKinds::ALL), []);
    }

    #[test]
    fn warnings_tell_what_and_where() {
        let warning = Warning {
            position: 17,
            kind: WarningKind::CellMismatch {
                date: "2025-06-13".parse().unwrap(),
                field: BarField::Close,
                table: "325.32".to_owned(),
                embedded: "325.31".to_owned(),
            },
        };
        assert_eq!(
            warning.to_string(),
            "close of 2025-06-13 is 325.32 in the table but 325.31 in the embedded data (at byte 17)"
        );
    }

    proptest! {
        #[test]
        fn normalized_ranges_hold_the_same_dates(days in prop::collection::vec((0i32..60, 0i32..6), 0..12)) {
            let day = |days| Date::from_days(days).unwrap();
            let ranges: Vec<_> = days
                .iter()
                .map(|&(first, len)| DateRange::new(day(first), day(first + len)).unwrap())
                .collect();
            let joined = Coverage::normalized(ranges.clone());
            let coverage = Coverage {
                range: Some(DateRange::new(day(10), day(50)).unwrap()),
                undecided_actions: Coverage::normalized(
                    joined.iter().filter_map(|r| DateRange::new(r.first().max(day(10)), r.last().min(day(50))).ok()).collect(),
                ),
                ..Coverage::default()
            };
            let decided = coverage.decided_actions(ActionKinds::ALL);
            for date in (0..70).map(day) {
                prop_assert_eq!(holds(&joined, date), ranges.iter().any(|r| r.contains(date)));
                prop_assert_eq!(holds(&decided, date), coverage.decides_action((date, ActionKind::Split)));
            }
            for pair in joined.windows(2) {
                prop_assert!(pair[0].last().days() + 1 < pair[1].first().days());
            }
        }
    }
}
