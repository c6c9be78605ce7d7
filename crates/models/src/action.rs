//! Corporate actions.

use std::fmt;

use crate::{Date, Price};

/// What happened to a share on its ex-date: a distribution or a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CorporateAction {
    /// The ex-date: the first trading date without the right to the distribution, or on the new
    /// share count.
    pub date: Date,
    /// What happened.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub event: CorporateEvent,
}

impl CorporateAction {
    /// The kind of event. A series has at most one action of a kind on a date.
    #[must_use]
    pub const fn kind(&self) -> ActionKind {
        match self.event {
            CorporateEvent::Dividend { .. } => ActionKind::Dividend,
            CorporateEvent::Split(_) => ActionKind::Split,
            CorporateEvent::CapitalGain { .. } => ActionKind::CapitalGain,
        }
    }

    /// What orders and identifies an action within a series.
    #[must_use]
    pub const fn key(&self) -> (Date, ActionKind) {
        (self.date, self.kind())
    }
}

/// A corporate action's substance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case"))]
pub enum CorporateEvent {
    /// Cash a share, in the series' currency, on the share count that the vendor's
    /// [`dividend_basis`](crate::Vendor::dividend_basis) tells.
    Dividend {
        /// Cash a share.
        amount: Price,
    },
    /// A change of the share count.
    Split(SplitRatio),
    /// A fund's distribution of realised gains, cash a share.
    CapitalGain {
        /// Cash a share.
        amount: Price,
    },
}

/// The kinds of corporate action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// A cash dividend.
    Dividend,
    /// A split or reverse split.
    Split,
    /// A capital gains distribution.
    CapitalGain,
}

impl ActionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Dividend, Self::Split, Self::CapitalGain];

    /// The name in the database and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dividend => "dividend",
            Self::Split => "split",
            Self::CapitalGain => "capital_gain",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of [`ActionKind`]s.
///
/// ```
/// use cream_models::{ActionKind, ActionKinds};
/// let cash = ActionKinds::NONE.with(ActionKind::Dividend).with(ActionKind::CapitalGain);
/// assert!(cash.contains(ActionKind::Dividend) && !cash.contains(ActionKind::Split));
/// assert_eq!(cash.to_string(), "dividend,capital_gain");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ActionKinds(u8);

impl ActionKinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind.
    pub const ALL: Self =
        Self::NONE.with(ActionKind::Dividend).with(ActionKind::Split).with(ActionKind::CapitalGain);

    /// The set and this kind.
    #[must_use]
    pub const fn with(self, kind: ActionKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// The kinds that are in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: ActionKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = ActionKind> {
        ActionKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    /// Reads what [`fmt::Display`] writes; `None` where a name is none.
    #[must_use]
    pub fn from_names(text: &str) -> Option<Self> {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(ActionKind::from_name).try_fold(Self::NONE, |set, kind| Some(set.with(kind?)))
    }
}

impl fmt::Display for ActionKinds {
    /// The names, between commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(ActionKind::name).collect();
        f.pad(&names.join(","))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ActionKinds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(ActionKind::name))
    }
}

/// New shares for old ones: 5:1 gives five for one, 1:10 is a reverse split, and fractions such
/// as 1.5:1 or 1000:961 occur. Both sides are positive, in units of 1e-9, kept as delivered.
///
/// ```
/// use cream_models::SplitRatio;
/// let ratio = SplitRatio::new("3".parse()?, "2".parse()?)?;
/// assert_eq!(ratio.to_string(), "3:2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "RawRatio"))]
pub struct SplitRatio {
    numerator: Price,
    denominator: Price,
}

/// A split ratio with a side that is 0 or negative.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{numerator}:{denominator} is not a split ratio: both sides must be above 0")]
pub struct SplitRatioError {
    numerator: Price,
    denominator: Price,
}

impl SplitRatio {
    /// The ratio of `numerator` new shares for `denominator` old ones.
    ///
    /// # Errors
    ///
    /// Where a side is not above 0.
    pub fn new(numerator: Price, denominator: Price) -> Result<Self, SplitRatioError> {
        if numerator > Price::ZERO && denominator > Price::ZERO {
            Ok(Self { numerator, denominator })
        } else {
            Err(SplitRatioError { numerator, denominator })
        }
    }

    /// New shares, in units of 1e-9 of a share.
    #[must_use]
    pub const fn numerator(self) -> Price {
        self.numerator
    }

    /// Old shares, in units of 1e-9 of a share.
    #[must_use]
    pub const fn denominator(self) -> Price {
        self.denominator
    }
}

impl fmt::Display for SplitRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.numerator, self.denominator)
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct RawRatio {
    numerator: Price,
    denominator: Price,
}

#[cfg(feature = "serde")]
impl TryFrom<RawRatio> for SplitRatio {
    type Error = SplitRatioError;

    fn try_from(raw: RawRatio) -> Result<Self, SplitRatioError> {
        Self::new(raw.numerator, raw.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_of_zero_is_refused() {
        let one = Price::from_nanos(1_000_000_000);
        assert!(SplitRatio::new(one, one).is_ok());
        for (numerator, denominator) in [(Price::ZERO, one), (one, Price::ZERO), (Price::MIN, one)]
        {
            let error = SplitRatio::new(numerator, denominator).unwrap_err();
            assert!(error.to_string().contains("both sides must be above 0"), "{error}");
        }
    }

    #[test]
    fn sets_hold_what_was_put_in_and_read_back() {
        assert_eq!(ActionKinds::ALL.to_string(), "dividend,split,capital_gain");
        assert_eq!(ActionKinds::ALL.without(ActionKinds::ALL), ActionKinds::NONE);
        for kind in ActionKind::ALL {
            let set = ActionKinds::NONE.with(kind);
            assert_eq!(set.iter().collect::<Vec<_>>(), [kind]);
            assert_eq!(ActionKinds::from_names(&set.to_string()), Some(set));
        }
        assert_eq!(ActionKinds::from_names(""), Some(ActionKinds::NONE));
        assert_eq!(ActionKinds::from_names("split,bonus"), None);
    }

    #[test]
    fn kinds_read_back_and_order_as_declared() {
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ActionKind::from_name("Dividend"), None);
    }
}
