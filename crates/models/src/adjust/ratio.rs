//! Exact ratios.

use super::wide::{divide, multiply, round, signed};
use crate::SplitRatio;

/// An exact ratio in lowest terms, at least 0; the denominator is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    numerator: u128,
    denominator: u128,
}

impl Ratio {
    pub(super) const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `None` where the denominator is 0.
    pub(super) fn new(numerator: u128, denominator: u128) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        let by = |side: u128| side.checked_div(divisor);
        (denominator != 0)
            .then_some(Self { numerator: by(numerator)?, denominator: by(denominator)? })
    }

    /// New shares for each old one.
    pub(super) fn of_split(split: SplitRatio) -> Self {
        let side = |price: crate::Price| u128::from(price.nanos().unsigned_abs());
        // Both sides are above 0.
        Self::new(side(split.numerator()), side(split.denominator())).unwrap_or(Self::ONE)
    }

    pub(super) const fn numerator(self) -> u128 {
        self.numerator
    }

    pub(super) const fn denominator(self) -> u128 {
        self.denominator
    }

    /// `None` where it is 0.
    pub(super) fn inverse(self) -> Option<Self> {
        (self.numerator != 0)
            .then_some(Self { numerator: self.denominator, denominator: self.numerator })
    }

    /// The product; `None` where a side of it needs more than 128 bits.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        // Lowest terms before and crosswise, so lowest terms behind.
        let left = Self::new(self.numerator, other.denominator)?;
        let right = Self::new(other.numerator, self.denominator)?;
        Some(Self {
            numerator: left.numerator.checked_mul(right.numerator)?,
            denominator: left.denominator.checked_mul(right.denominator)?,
        })
    }

    /// `value` times the ratio, rounded half to even; `None` where it is out of range.
    pub(super) fn apply(self, value: i64) -> Option<i64> {
        let product = multiply(u128::from(value.unsigned_abs()), self.numerator);
        let (quotient, remainder) = divide(product, self.denominator)?;
        let rest_to_half = remainder.cmp(&(self.denominator - remainder));
        signed(round(quotient, rest_to_half)?, value)
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
