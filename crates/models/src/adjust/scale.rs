//! A number of 128 significant bits, for products of many factors that no exact ratio holds.

use std::cmp::Ordering;

use super::ratio::Ratio;
use super::wide::{divide, multiply, round, signed};

/// `mantissa * 2^exponent`, above 0; the mantissa's highest bit is set.
///
/// Making one of a ratio and multiplying two cut off less than 2^-127 of the value each, so that
/// a product of 2^26 ratios is right to 2^-100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    mantissa: u128,
    exponent: i32,
}

/// The weight of a mantissa's lowest bit where the number is 1 to 2.
const UNIT: i32 = -127;

impl Scale {
    pub(super) const ONE: Self = Self { mantissa: 1 << 127, exponent: UNIT };

    /// The number nearest below a ratio, or the ratio itself where 128 bits hold it; `None` where
    /// it is 0.
    pub(super) fn of(ratio: Ratio) -> Option<Self> {
        let (above, below) = (ratio.numerator(), ratio.denominator());
        let (above_by, below_by) = (above.leading_zeros(), below.leading_zeros());
        let above = above.checked_shl(above_by)?;
        let below = below.checked_shl(below_by)?;
        let exponent = i32::try_from(below_by).ok()? - i32::try_from(above_by).ok()? + UNIT;
        // A quotient of two numbers with their highest bits set is 1/2 to 2.
        let (product, exponent) = if above >= below {
            ((above >> 1, above << 127), exponent)
        } else {
            ((above, 0), exponent - 1)
        };
        let (mantissa, _) = divide(product, below)?;
        Some(Self { mantissa, exponent })
    }

    /// The product; `None` where its exponent is beyond all measure.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        let (high, low) = multiply(self.mantissa, other.mantissa);
        let exponent = self.exponent.checked_add(other.exponent)?;
        Some(if high >> 127 == 1 {
            Self { mantissa: high, exponent: exponent.checked_add(128)? }
        } else {
            Self { mantissa: high << 1 | low >> 127, exponent: exponent.checked_add(127)? }
        })
    }

    /// `value` times the number, rounded half to even; `None` where it is out of range.
    pub(super) fn apply(self, value: i64) -> Option<i64> {
        if value == 0 {
            return Some(0);
        }
        // Below 2^191.
        let (high, low) = multiply(u128::from(value.unsigned_abs()), self.mantissa);
        let drop = u32::try_from(self.exponent.checked_neg()?).ok()?;
        // What is dropped, as a fraction of 2^128, and whether something lies below it.
        let (whole, fraction, has_more) = match drop {
            // The mantissa is 2^127 at least, so that 2^64 is passed.
            0..64 => return None,
            64..128 => (high << (128 - drop) | low >> drop, low << (128 - drop), false),
            128 => (high, low, false),
            129..192 => {
                let (drop, keep) = (drop - 128, 256 - drop);
                (high >> drop, high << keep | low >> drop, low << keep != 0)
            }
            // Less than a half.
            _ => return Some(0),
        };
        let rest_to_half = match fraction.cmp(&(1 << 127)) {
            Ordering::Equal if has_more => Ordering::Greater,
            order => order,
        };
        signed(round(whole, rest_to_half)?, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use num_rational::BigRational;
    use proptest::prelude::*;

    fn exact(ratio: Ratio) -> BigRational {
        BigRational::new(ratio.numerator().into(), ratio.denominator().into())
    }

    fn value(scale: Scale) -> BigRational {
        let power = BigRational::from(BigInt::from(2)).pow(scale.exponent);
        BigRational::from(BigInt::from(scale.mantissa)) * power
    }

    fn any_ratio() -> impl Strategy<Value = Ratio> {
        (1_u128.., 1_u128.., 0_u32..128, 0_u32..128)
            .prop_map(|(a, b, c, d)| Ratio::new((a >> c).max(1), (b >> d).max(1)).unwrap())
    }

    proptest! {
        #[test]
        fn a_product_is_right_to_100_bits(ratios in prop::collection::vec(any_ratio(), 1..20)) {
            let product = ratios.iter().try_fold(Scale::ONE, |all, one| all.times(Scale::of(*one)?));
            let product = product.unwrap();
            prop_assert_eq!(product.mantissa >> 127, 1);
            let wanted = ratios.iter().map(|one| exact(*one)).product::<BigRational>();
            let error = (&wanted - value(product)) / wanted;
            let bound = BigRational::new(1.into(), BigInt::from(1) << 120);
            prop_assert!(error >= BigRational::from(BigInt::from(0)) && error < bound);
        }

        #[test]
        fn a_power_of_two_is_exact(number: i64, power in 0_u32..127) {
            let whole = Ratio::new(1 << power, 1).unwrap();
            let part = whole.inverse().unwrap();
            for ratio in [whole, part] {
                prop_assert_eq!(Scale::of(ratio).unwrap().apply(number), ratio.apply(number));
            }
        }
    }

    #[test]
    fn one_changes_nothing() {
        let third = Scale::of(Ratio::new(1, 3).unwrap()).unwrap();
        assert_eq!(Scale::ONE.times(third), Some(third));
        assert_eq!(Scale::of(Ratio::ONE), Some(Scale::ONE));
        assert_eq!(Scale::of(Ratio::new(0, 3).unwrap()), None);
        for number in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(Scale::ONE.apply(number), Some(number));
        }
        let tiny = third.times(Scale::of(Ratio::new(1, u128::MAX).unwrap()).unwrap()).unwrap();
        assert_eq!(tiny.apply(i64::MIN), Some(0));
    }
}
