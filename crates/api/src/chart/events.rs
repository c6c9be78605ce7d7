//! Corporate actions beside the bars, on the share count of the prices.

use cream_models::{
    ActionKind, ActionKinds, Adjuster, Adjustment, Bar, CorporateAction, CorporateEvent, Date,
    DateRange, Price, PriceBasis, SplitRatio, Vendor,
};
use cream_store::{Reader, Series};

use crate::problem::ApiError;

/// A vendor whose prices are as traded: cash of one share is brought to another share count as such
/// a vendor's close of the same date would be.
const AS_TRADED: Vendor = Vendor::Tiingo;

/// What happened, by kind and date.
#[derive(Default)]
pub(super) struct Events {
    pub(super) dividends: Vec<(Date, Price)>,
    pub(super) splits: Vec<(Date, SplitRatio)>,
    pub(super) capital_gains: Vec<(Date, Price)>,
}

impl Events {
    /// Reads the events of these kinds and dates. Cash whose share count cannot be told is left
    /// out: clients read an amount that is null as an error, or as nothing paid.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        series: &Series,
        kinds: ActionKinds,
        dates: DateRange,
    ) -> Result<Self, ApiError> {
        let mut events = Self::default();
        let (Some(last_date), false) = (series.last_date, kinds.is_empty()) else {
            return Ok(events);
        };
        // Later splits change the amounts before them.
        let range = DateRange::new(dates.first(), Date::MAX).unwrap_or(dates);
        let stored = reader.actions(series.stock_id, series.vendor, range)?;
        let actions: Vec<CorporateAction> = stored.iter().map(|stored| stored.action).collect();
        let converted = converter(series, &actions, last_date);
        let asked = actions
            .iter()
            .filter(|action| dates.contains(action.date) && kinds.contains(action.kind()));
        for action in asked {
            let date = action.date;
            match action.event {
                CorporateEvent::Split(ratio) => events.splits.push((date, ratio)),
                CorporateEvent::Dividend { amount } => {
                    events.dividends.extend(converted(date, amount).map(|amount| (date, amount)));
                }
                CorporateEvent::CapitalGain { amount } => {
                    let amount = converted(date, amount);
                    events.capital_gains.extend(amount.map(|amount| (date, amount)));
                }
            }
        }
        Ok(events)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dividends.is_empty() && self.splits.is_empty() && self.capital_gains.is_empty()
    }
}

/// From the cash of a share as the vendor delivered it to that of a share of the last bar's count.
fn converter(
    series: &Series,
    actions: &[CorporateAction],
    last_date: Date,
) -> impl Fn(Date, Price) -> Option<Price> {
    let basis = series.vendor.dividend_basis();
    let tells_splits = series.vendor.tells().contains(ActionKind::Split);
    let known = &series.actions_known;
    // It fails for no vendor whose prices are as traded and who tells of splits.
    let adjuster = (basis == PriceBasis::AsTraded && tells_splits)
        .then(|| Adjuster::new(AS_TRADED, Adjustment::Splits, actions, [], known, last_date).ok())
        .flatten();
    move |date, amount| match basis {
        PriceBasis::SplitAdjusted => Some(amount),
        PriceBasis::AsTraded => {
            let bar = Bar::new(date).with_close(amount);
            adjuster.as_ref().and_then(|adjuster| adjuster.bar(&bar).close())
        }
        PriceBasis::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_is_as_traded_and_tells_of_splits() {
        assert_eq!(AS_TRADED.price_basis(), PriceBasis::AsTraded);
        assert_eq!(Adjustment::Splits.check(AS_TRADED), Ok(()));
    }
}
