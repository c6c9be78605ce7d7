//! Prices adjusted for splits and distributions, exactly, whatever the vendor's basis.
//!
//! With S(d), the product of the ratios (new shares for each old one) of the splits whose ex-date
//! is after d and not after the series' last bar:
//!
//! - [`Adjustment::Raw`]: prices as they were traded on d.
//! - [`Adjustment::Splits`]: raw prices divided by S(d), on the share count of the last bar.
//! - [`Adjustment::All`]: these times the product of `1 - D/C` over the distributions of cash,
//!   dividends and capital gains, whose ex-date x is after d and not after the last bar. D is the
//!   cash of one share, C the last known close before x, both split-adjusted: what was paid on x
//!   divided by S(x), for it was paid on the share count of x, a split of that very day included.
//!   Distributions of one date act together, by their sum.
//!
//! This is the method of the Center for Research in Security Prices (CRSP), by which Yahoo and
//! Tiingo describe their adjusted closes too. Volume goes the other way, raw volume times S(d);
//! distributions leave it alone.
//!
//! Splits are exact ratios. The product over distributions is kept to 128 bits, its relative error
//! below 2^-100, and each number is rounded once, half to even. What is not known is `None`: a
//! price before a date whose corporate actions are not known, and one that does not fit.

mod factors;
mod plan;
mod ratio;
mod scale;
mod wide;

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;
use crate::{
    ActionKind, Bar, BarField, CorporateAction, Date, DateRange, Price, PriceBasis, Vendor,
};
use factors::{Events, Factor, Factors, Stretch};
use plan::{Conversion, Plan};

/// For what prices are adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adjustment {
    /// For nothing: prices as they were traded.
    Raw,
    /// For splits.
    Splits,
    /// For splits and distributions of cash.
    All,
}

impl Adjustment {
    /// Every adjustment.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Splits, Self::All];

    /// The name in queries and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Splits => "splits",
            Self::All => "all",
        }
    }

    /// The share count on which prices are given once they are adjusted.
    #[must_use]
    pub const fn price_basis(self) -> PriceBasis {
        match self {
            Self::Raw => PriceBasis::AsTraded,
            Self::Splits | Self::All => PriceBasis::SplitAdjusted,
        }
    }

    /// Whether a vendor's prices can be adjusted so.
    ///
    /// # Errors
    ///
    /// Where the vendor does not say on which share count its numbers are, or does not tell of a
    /// kind of corporate action that is needed.
    pub fn check(self, vendor: Vendor) -> Result<(), AdjustError> {
        Plan::new(vendor, self).map(drop)
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that is no [`Adjustment`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an adjustment; expected raw, splits or all")]
pub struct UnknownAdjustment(String);

impl FromStr for Adjustment {
    type Err = UnknownAdjustment;

    fn from_str(text: &str) -> Result<Self, UnknownAdjustment> {
        Self::ALL
            .into_iter()
            .find(|adjustment| adjustment.name() == text)
            .ok_or_else(|| UnknownAdjustment(excerpt(text)))
    }
}

/// Why no price of a vendor can be adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdjustError {
    /// The vendor's prices, or dividends, are on an unknown share count.
    #[error("on which share count numbers from {vendor} are given is not known")]
    UnknownBasis {
        /// The vendor.
        vendor: Vendor,
    },
    /// The vendor does not tell of a kind of corporate action that is needed.
    #[error("{vendor} does not tell of {kind}s, which adjustment={adjustment} needs: {why}")]
    UntoldKind {
        /// The vendor.
        vendor: Vendor,
        /// What was asked for.
        adjustment: Adjustment,
        /// The kind that is not told.
        kind: ActionKind,
        /// For what it is needed.
        why: &'static str,
    },
}

/// From which date on prices are adjusted, and why not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustLimit {
    /// The first date whose prices are adjusted.
    pub from: Date,
    /// Why none before is.
    pub reason: LimitReason,
}

/// Why prices before a date cannot be adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitReason {
    /// Whether there were corporate actions up to the date is not known.
    ActionsUnknown,
    /// There is no close before the distribution on the date.
    NoClose,
    /// The distribution on the date is not below the close before it, or that close is not above 0.
    NotBelowClose {
        /// The cash of a share, as the vendor delivered it; `None` where it is beyond a price.
        cash: Option<Price>,
        /// The close before, as the vendor delivered it.
        close: Price,
    },
    /// The ratios of the splits from the date on multiply to a ratio beyond 128 bits.
    TooLarge,
    /// The split of the date comes after the last bar: whether the vendor has rewritten its prices
    /// for it by now is not known.
    SplitAhead,
}

impl fmt::Display for AdjustLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from;
        match self.reason {
            LimitReason::ActionsUnknown => {
                write!(f, "which corporate actions there were up to {from} is not known")
            }
            LimitReason::NoClose => {
                write!(f, "there is no close before the distribution of {from}")
            }
            LimitReason::NotBelowClose { cash, close } => {
                write!(f, "the distribution of {from}")?;
                if let Some(cash) = cash {
                    write!(f, ", {cash} a share")?;
                }
                write!(f, ", leaves nothing of the close before it, {close}")
            }
            LimitReason::TooLarge => {
                write!(f, "the splits from {from} on multiply to a ratio beyond 128 bits")
            }
            LimitReason::SplitAhead => write!(
                f,
                "whether prices are rewritten for the split of {from}, which comes after the last \
                 bar, is not known"
            ),
        }
    }
}

/// Adjusts the bars of one series.
///
/// ```
/// use cream_models::{
///     Adjuster, Adjustment, Bar, CorporateAction, CorporateEvent, DateRange, SplitRatio, Vendor,
/// };
/// let split = SplitRatio::new("4".parse()?, "1".parse()?)?;
/// let action = CorporateAction { date: "2020-08-31".parse()?, event: CorporateEvent::Split(split) };
/// let (vendor, last) = (Vendor::Tiingo, "2020-09-01".parse()?);
/// let known = [DateRange::ALL];
/// let adjuster = Adjuster::new(vendor, Adjustment::Splits, &[action], [], &known, last)?;
/// let bar = Bar::new("2020-08-28".parse()?).with_close("499.23".parse()?).with_volume(46_907_479);
/// let bar = adjuster.bar(&bar);
/// assert_eq!(bar.close(), Some("124.8075".parse()?));
/// assert_eq!(bar.volume(), Some(187_629_916));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adjuster {
    /// By date, the latest first; the last one reaches back to the first date there is.
    stretches: Vec<Stretch>,
    limit: Option<AdjustLimit>,
}

impl Adjuster {
    /// Makes the factors of a series.
    ///
    /// `actions` are the series' corporate actions, in any order. Those after `last_date`, the date
    /// of the series' last bar, are of no consequence, but for a split where the vendor's prices
    /// are split-adjusted: then no price is, before the next bar. `closes` are dates and closes as
    /// stored, in any order: where distributions count, every one from the first date that is to
    /// be adjusted to the last ex-date, and before that the last known one. `known` are the dates
    /// on which it is known what corporate actions there are, ascending and disjoint.
    ///
    /// # Errors
    ///
    /// As [`Adjustment::check`].
    pub fn new(
        vendor: Vendor,
        adjustment: Adjustment,
        actions: &[CorporateAction],
        closes: impl IntoIterator<Item = (Date, Price)>,
        known: &[DateRange],
        last_date: Date,
    ) -> Result<Self, AdjustError> {
        let plan = Plan::new(vendor, adjustment)?;
        if plan.needs_splits() && vendor.price_basis() == PriceBasis::SplitAdjusted {
            let splits = actions.iter().filter(|action| action.kind() == ActionKind::Split);
            let ahead = splits.map(|split| split.date).filter(|date| *date > last_date).min();
            if let Some(from) = ahead {
                let limit = Some(AdjustLimit { from, reason: LimitReason::SplitAhead });
                let is_kept = plan.volume == Some(Conversion::Same);
                let volume = if is_kept { Factor::Same } else { Factor::Unknown };
                let all = Stretch { from: Date::MIN, price: Factor::Unknown, volume };
                return Ok(Self { stretches: vec![all], limit });
            }
        }
        let from = known_from(known, last_date);
        let mut events = Events::of(actions, last_date);
        if plan.cash.is_some() {
            events.take_closes(closes);
        }
        let mut factors = Factors::new(plan, from);
        for event in events.list.iter().rev() {
            // Before what is known nothing is adjusted, whatever is told of.
            if event.date <= from {
                break;
            }
            factors.pass(event, &events.splits);
        }
        let (stretches, limit) = factors.finish();
        Ok(Self { stretches, limit })
    }

    /// The same bar with open, high, low, close and volume adjusted. The adjusted close stays the
    /// vendor's own, and the flags stay those of the bar as delivered.
    #[must_use]
    pub fn bar(&self, bar: &Bar) -> Bar {
        let at = self.stretches.partition_point(|stretch| stretch.from > bar.date());
        let (price, volume) = self
            .stretches
            .get(at)
            .map_or((Factor::Unknown, Factor::Unknown), |stretch| (stretch.price, stretch.volume));
        let mut adjusted = *bar;
        for field in [BarField::Open, BarField::High, BarField::Low, BarField::Close] {
            adjusted.set(field, bar.value(field).and_then(|value| price.apply(value)));
        }
        adjusted.set(BarField::Volume, bar.volume().and_then(|value| volume.apply(value)));
        adjusted
    }

    /// The first date whose prices are adjusted; `None` where those of every date are.
    #[must_use]
    pub fn known_from(&self) -> Option<Date> {
        self.limit.map(|limit| limit.from)
    }

    /// The first date whose prices are adjusted, and why those before are not.
    #[must_use]
    pub const fn limit(&self) -> Option<AdjustLimit> {
        self.limit
    }
}

/// The first date after which the corporate actions are known up to the last bar.
fn known_from(known: &[DateRange], last_date: Date) -> Date {
    let stretch = known.iter().find(|range| range.contains(last_date));
    // On the last bar itself nothing has to be known.
    stretch.map_or(last_date, |range| range.first().previous().unwrap_or(Date::MIN))
}
