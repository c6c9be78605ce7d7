//! The columns of corporate actions, a cell a row.

use cream_models::{
    ActionKind, ActionKinds, CorporateAction, CorporateEvent, Date, Price, SplitRatio,
};

use super::number::{self, Cell};
use crate::events;
use crate::finish::cash;

/// 1 in units of 1e-9.
const ONE: i64 = 1_000_000_000;

/// What the columns hold beside the actions.
#[derive(Default)]
pub(crate) struct Actions {
    /// The kinds whose column writes that there is none.
    none: ActionKinds,
    /// The dates of empty cells.
    empty: Vec<(Date, ActionKind)>,
}

/// Whether a number says that there is no action: 0, or a split of one share into one.
#[inline(always)]
pub(crate) const fn is_none(kind: ActionKind, nanos: i64) -> bool {
    nanos == 0 || matches!(kind, ActionKind::Split) && nanos == ONE
}

impl Actions {
    /// Notes that a row says of these kinds that there is none.
    #[inline(always)]
    pub(crate) fn say_none(&mut self, kinds: ActionKinds) {
        for kind in kinds.iter() {
            self.none = self.none.with(kind);
        }
    }

    /// Reads a cell: an action, or none so far as is known.
    ///
    /// # Errors
    ///
    /// What was expected, where the cell holds something else.
    pub(crate) fn read(
        &mut self,
        date: Date,
        kind: ActionKind,
        text: &[u8],
        commas: bool,
    ) -> Result<Option<CorporateAction>, &'static str> {
        let is_split = kind == ActionKind::Split;
        let event = match number::cell(text, 9, commas) {
            Cell::Unknown => {
                self.empty.push((date, kind));
                return Ok(None);
            }
            Cell::Number(nanos, false) if is_none(kind, nanos) => {
                self.none = self.none.with(kind);
                return Ok(None);
            }
            Cell::Number(nanos, false) if is_split => {
                let (new, old) = (Price::from_nanos(nanos), Price::from_nanos(ONE));
                SplitRatio::new(new, old).ok().map(CorporateEvent::Split)
            }
            Cell::Number(_, true) if is_split => periodic(text, commas).map(CorporateEvent::Split),
            Cell::Bad if is_split => events::parse_ratio(text).map(CorporateEvent::Split),
            Cell::Number(nanos, _) if !is_split && nanos > 0 => {
                Some(cash(kind, Price::from_nanos(nanos)))
            }
            Cell::Number(..) | Cell::Bad => None,
        };
        match event {
            Some(event) => Ok(Some(CorporateAction { date, event })),
            None if is_split => {
                Err("new shares for one old one, such as 4.0 or 0.1, or a ratio such as 3:2")
            }
            None => Err("an amount that is not negative"),
        }
    }

    /// The dates of which a column does not tell: an empty cell means none only in a column that
    /// never writes so.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = Date> {
        let unknown = self.empty.iter().filter(|(_, kind)| self.none.contains(*kind));
        unknown.map(|(date, _)| *date)
    }
}

/// The ratio of small numbers that a 64-bit float such as `0.3333333333333333` stands for: the one
/// of the smallest old number, up to 1000, that is within 1e-15.
pub(crate) fn periodic(text: &[u8], commas: bool) -> Option<SplitRatio> {
    const UNIT: i128 = 1_000_000_000_000_000_000;
    let Cell::Number(value, _) = number::cell(text, 18, commas) else { return None };
    let (new, old) = (1..=1000_i64).find_map(|old| {
        let product = i128::from(value) * i128::from(old);
        let new = (product + UNIT / 2).div_euclid(UNIT);
        let is_near = (product - new * UNIT).abs() <= i128::from(old) * 1000;
        Some((i64::try_from(new).ok().filter(|_| is_near)?, old))
    })?;
    let price = |shares: i64| shares.checked_mul(ONE).map(Price::from_nanos);
    SplitRatio::new(price(new)?, price(old)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_ratios_are_the_ratios_and_others_are_none() {
        let ratio = |text: &str| periodic(text.as_bytes(), false).map(|ratio| ratio.to_string());
        for (new, old) in [(1, 3), (1, 7), (1, 30), (4, 3), (1000, 961), (3, 700), (22, 7)] {
            let float = f64::from(new) / f64::from(old);
            assert_eq!(ratio(&float.to_string()), Some(format!("{new}:{old}")), "{float}");
        }
        for text in
            ["0.333333333333", "3.14159265358979", "-0.3333333333333333", "0.0000000000000001"]
        {
            assert_eq!(ratio(text), None, "{text}");
        }
    }
}
