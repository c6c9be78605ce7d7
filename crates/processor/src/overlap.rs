//! Whether a pull of the last days agrees with what is stored.
//!
//! Vendors rewrite history: a split changes every price before it where prices are split-adjusted,
//! a dividend every adjusted close, and now and then a vendor mends old bars. A pull of the last
//! days alone would then leave a series half old and half new. So it begins some days before the
//! last bar, and where these do not agree with what is stored, or a corporate action is new, the
//! whole history is pulled instead.

use std::fmt;

use cream_models::{ActionKind, Bar, BarField, Date, Price, PriceHistory};
use cream_store::{StoredAction, StoredBar};

/// Why the whole history has to be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// A settled bar is not as it was.
    Bar {
        /// Its date.
        date: Date,
        /// The first field that differs.
        field: BarField,
        /// What is stored.
        stored: Option<Price>,
        /// What the vendor says now.
        now: Option<Price>,
    },
    /// A settled bar is gone.
    BarGone {
        /// Its date.
        date: Date,
    },
    /// A corporate action is new, gone, or not as it was.
    Action {
        /// Its ex-date.
        date: Date,
        /// Its kind.
        kind: ActionKind,
    },
}

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let price = |price: &Option<Price>| price.map_or("-".to_owned(), |price| price.to_string());
        match self {
            Self::Bar { date, field, stored, now } => write!(
                f,
                "{} of {date} was {} and is {} now",
                field.name(),
                price(stored),
                price(now)
            ),
            Self::BarGone { date } => write!(f, "the bar of {date} is gone"),
            Self::Action { date, kind } => write!(f, "the {kind} of {date} is new or changed"),
        }
    }
}

/// By how much a price may differ and still be the same, as a divisor. A vendor's adjusted close
/// wavers in the last bits of a 32-bit float (1/16,777,216), without any event.
const SAME_WITHIN: i64 = 1_000_000;

/// What of the stored bars and actions, both ascending and not withdrawn, a history denies.
pub(crate) fn rewritten(
    history: &PriceHistory,
    bars: &[StoredBar],
    actions: &[StoredAction],
) -> Option<Rewritten> {
    actions_changed(history, actions).or_else(|| bars_changed(history, bars))
}

fn actions_changed(history: &PriceHistory, stored: &[StoredAction]) -> Option<Rewritten> {
    let is_stored = |key| stored.iter().any(|stored| stored.action.key() == key);
    let of = |(date, kind)| Some(Rewritten::Action { date, kind });
    for stored in stored {
        let key = stored.action.key();
        let now = history.actions.iter().find(|action| action.key() == key);
        if history.coverage.decides_action(key) && now != Some(&stored.action) {
            return of(key);
        }
    }
    history.actions.iter().map(|action| action.key()).find(|key| !is_stored(*key)).and_then(of)
}

fn bars_changed(history: &PriceHistory, stored: &[StoredBar]) -> Option<Rewritten> {
    let settled = stored.iter().map(|stored| &stored.bar).filter(|bar| bar.is_final());
    for before in settled.filter(|bar| history.coverage.decides_bar(bar.date())) {
        let date = before.date();
        let found = history.bars.binary_search_by_key(&date, Bar::date).ok();
        let Some(now) = found.and_then(|index| history.bars.get(index)) else {
            return Some(Rewritten::BarGone { date });
        };
        for field in BarField::ALL.into_iter().filter(|field| *field != BarField::Volume) {
            let (old, new) = (before.value(field), now.value(field));
            if !is_same(old, new) {
                let price = |value: Option<i64>| value.map(Price::from_nanos);
                return Some(Rewritten::Bar { date, field, stored: price(old), now: price(new) });
            }
        }
    }
    None
}

fn is_same(old: Option<i64>, new: Option<i64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            let tolerance = old.unsigned_abs() / SAME_WITHIN.unsigned_abs();
            old.abs_diff(new) <= tolerance
        }
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::{
        CorporateAction, CorporateEvent, Coverage, DateRange, SplitRatio, Timestamp, Vendor,
    };

    fn day(number: u8) -> Date {
        Date::from_ymd(2025, 6, number).unwrap()
    }

    fn bar(number: u8, close: &str) -> Bar {
        Bar::new(day(number)).with_close(close.parse().unwrap()).with_volume(5)
    }

    fn split(number: u8) -> CorporateAction {
        let ratio = SplitRatio::new("4".parse().unwrap(), "1".parse().unwrap()).unwrap();
        CorporateAction { date: day(number), event: CorporateEvent::Split(ratio) }
    }

    fn history(bars: &[Bar], actions: &[CorporateAction]) -> PriceHistory {
        let mut history = PriceHistory::new(Vendor::YahooChart);
        history.bars = bars.to_vec();
        history.actions = actions.to_vec();
        history.coverage =
            Coverage { range: DateRange::new(day(2), day(9)).ok(), ..Coverage::default() };
        history
    }

    fn judged(now: &PriceHistory, bars: &[Bar], actions: &[CorporateAction]) -> Option<String> {
        let as_of = Timestamp::from_seconds(0);
        let bars: Vec<_> =
            bars.iter().map(|bar| StoredBar { bar: *bar, as_of, withdrawn_at: None }).collect();
        let actions: Vec<_> = actions
            .iter()
            .map(|action| StoredAction { action: *action, as_of, withdrawn_at: None })
            .collect();
        rewritten(now, &bars, &actions).map(|reason| reason.to_string())
    }

    #[test]
    fn what_agrees_is_not_rewritten() {
        let stored = [bar(1, "7"), bar(2, "100"), bar(3, "101").with_final(false)];
        // What lies before is not asked for, a live bar settles, a new one is new, and the last
        // bits of a float are no news.
        let now = history(&[bar(2, "100.0001"), bar(3, "99"), bar(4, "98")], &[split(2)]);
        assert_eq!(judged(&now, &stored, &[split(2)]), None);
        let volume = history(&[bar(2, "100").with_volume(6)], &[]);
        assert_eq!(judged(&volume, &[bar(2, "100")], &[]), None);
    }

    #[test]
    fn a_changed_bar_is_told() {
        let stored = [bar(2, "100"), bar(3, "101")];
        let now = history(&[bar(2, "25"), bar(3, "101")], &[]);
        let told = judged(&now, &stored, &[]).unwrap();
        assert_eq!(told, "close of 2025-06-02 was 100 and is 25 now");
        let now = history(&[bar(2, "100.0002"), bar(3, "101")], &[]);
        assert!(judged(&now, &stored, &[]).is_some());
        let now = history(&[bar(3, "101")], &[]);
        assert_eq!(judged(&now, &stored, &[]).unwrap(), "the bar of 2025-06-02 is gone");
        let more = bar(2, "100").with_adj_close("99".parse().unwrap());
        let now = history(&[more, bar(3, "101")], &[]);
        assert!(judged(&now, &stored, &[]).unwrap().starts_with("adj_close of 2025-06-02 was -"));
    }

    #[test]
    fn a_new_changed_or_vanished_action_is_told() {
        let bars = [bar(2, "100")];
        let told = judged(&history(&bars, &[split(3)]), &bars, &[]).unwrap();
        assert_eq!(told, "the split of 2025-06-03 is new or changed");
        assert!(judged(&history(&bars, &[]), &bars, &[split(3)]).is_some());
        assert!(judged(&history(&bars, &[]), &bars, &[split(1)]).is_none(), "not asked for");
        let mut silent = history(&bars, &[]);
        silent.coverage.undecided_actions = vec![silent.coverage.range.unwrap()];
        assert!(judged(&silent, &bars, &[split(3)]).is_none());
        let ratio = SplitRatio::new("2".parse().unwrap(), "1".parse().unwrap()).unwrap();
        let other = CorporateAction { event: CorporateEvent::Split(ratio), ..split(3) };
        assert!(judged(&history(&bars, &[other]), &bars, &[split(3)]).is_some());
    }
}
