//! What has to be done with a vendor's numbers, and whether the vendor tells what it takes.

use super::factors::Factor;
use super::ratio::Ratio;
use super::scale::Scale;
use super::{AdjustError, Adjustment};
use crate::{ActionKind, PriceBasis, Vendor};

/// From one share count to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Same,
    /// Times S.
    Times,
    /// Divided by S.
    By,
}

impl Conversion {
    /// How a price changes; `None` where a basis is not known.
    fn of_price(from: PriceBasis, to: PriceBasis) -> Option<Self> {
        match (from, to) {
            (PriceBasis::AsTraded, PriceBasis::SplitAdjusted) => Some(Self::By),
            (PriceBasis::SplitAdjusted, PriceBasis::AsTraded) => Some(Self::Times),
            (PriceBasis::Unknown, _) | (_, PriceBasis::Unknown) => None,
            _ => Some(Self::Same),
        }
    }

    /// More shares, each worth less.
    const fn inverse(self) -> Self {
        match self {
            Self::Same => Self::Same,
            Self::Times => Self::By,
            Self::By => Self::Times,
        }
    }

    /// By what to multiply, where S and the product over distributions are these.
    pub(super) fn factor(self, splits: Option<Ratio>, cash: Option<Scale>) -> Factor {
        let ratio = match self {
            Self::Same => Some(Ratio::ONE),
            Self::Times => splits,
            Self::By => splits.and_then(Ratio::inverse),
        };
        match (ratio, cash) {
            (None, _) => Factor::Unknown,
            (Some(Ratio::ONE), None) => Factor::Same,
            (Some(ratio), None) => Factor::Exact(ratio),
            (Some(ratio), Some(cash)) => Scale::of(ratio)
                .and_then(|scale| scale.times(cash))
                .map_or(Factor::Unknown, Factor::Scaled),
        }
    }
}

/// What has to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) price: Conversion,
    /// `None` where the volume's basis is not known.
    pub(super) volume: Option<Conversion>,
    /// How the cash of a distribution changes; `None` where distributions are left alone.
    pub(super) cash: Option<Conversion>,
}

impl Plan {
    pub(super) fn new(vendor: Vendor, adjustment: Adjustment) -> Result<Self, AdjustError> {
        let to = adjustment.price_basis();
        let unknown = AdjustError::UnknownBasis { vendor };
        let price = Conversion::of_price(vendor.price_basis(), to).ok_or(unknown)?;
        let volume = Conversion::of_price(vendor.volume_basis(), to).map(Conversion::inverse);
        let cash = match adjustment {
            Adjustment::Raw | Adjustment::Splits => None,
            Adjustment::All => {
                Some(Conversion::of_price(vendor.dividend_basis(), to).ok_or(unknown)?)
            }
        };
        let plan = Self { price, volume, cash };
        let untold = |kind, why| AdjustError::UntoldKind { vendor, adjustment, kind, why };
        let tells = |kind| vendor.tells().contains(kind);
        if plan.needs_splits() && !tells(ActionKind::Split) {
            let why = match price {
                Conversion::Same => "its dividends are as paid and its prices split-adjusted",
                Conversion::Times => "its prices are split-adjusted",
                Conversion::By => "its prices are as traded",
            };
            return Err(untold(ActionKind::Split, why));
        }
        // Few vendors tell capital gains apart, so that those are not asked for.
        if cash.is_some() && !tells(ActionKind::Dividend) {
            return Err(untold(ActionKind::Dividend, "prices fall by what is paid out"));
        }
        Ok(plan)
    }

    /// Whether prices depend on splits.
    pub(super) fn needs_splits(&self) -> bool {
        let converts = |conversion| conversion != Conversion::Same;
        converts(self.price) || self.cash.is_some_and(converts)
    }

    /// Whether prices depend on any corporate action.
    pub(super) fn needs_actions(&self) -> bool {
        self.needs_splits() || self.cash.is_some()
    }
}
