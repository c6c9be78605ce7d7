//! Products of 256 bits, and quotients of them.

use std::cmp::Ordering;

/// The product, its high and its low 128 bits.
pub(super) fn multiply(a: u128, b: u128) -> (u128, u128) {
    let (low, high) = a.carrying_mul(b, 0);
    (high, low)
}

/// Quotient and remainder of a number of 256 bits; `None` where the quotient is wider than 128
/// bits or the divisor is 0.
pub(super) fn divide((high, low): (u128, u128), divisor: u128) -> Option<(u128, u128)> {
    if high >= divisor {
        return None;
    }
    if high == 0 {
        return Some((low / divisor, low % divisor));
    }
    // Bit by bit, as on paper: so wide a number is rare.
    let (mut quotient, mut remainder) = (0_u128, high);
    for bit in (0..128).rev() {
        let carry = remainder >> 127 == 1;
        remainder = remainder << 1 | low >> bit & 1;
        quotient <<= 1;
        if carry || remainder >= divisor {
            // With the carry, 2^128 stands before the remainder, and wraps away.
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    Some((quotient, remainder))
}

/// The neighbour to which a quotient rounds, half to even, by how the rest compares with a half.
pub(super) fn round(quotient: u128, rest_to_half: Ordering) -> Option<u128> {
    match rest_to_half {
        Ordering::Less => Some(quotient),
        Ordering::Equal => quotient.checked_add(quotient & 1),
        Ordering::Greater => quotient.checked_add(1),
    }
}

/// A magnitude with the sign of another number; `None` where it is out of range.
pub(super) fn signed(magnitude: u128, like: i64) -> Option<i64> {
    let magnitude = i128::try_from(magnitude).ok()?;
    i64::try_from(if like < 0 { -magnitude } else { magnitude }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn big((high, low): (u128, u128)) -> BigUint {
        (BigUint::from(high) << 128) + low
    }

    proptest! {
        #[test]
        fn products_and_quotients_are_those_of_big_numbers(a: u128, b: u128, shift in 0_u32..128, d in 1_u128..) {
            let (a, d) = (a >> shift, d >> (shift / 2));
            let product = multiply(a, b);
            prop_assert_eq!(big(product), BigUint::from(a) * b);
            match divide(product, d) {
                Some((quotient, remainder)) => {
                    prop_assert!(remainder < d);
                    prop_assert_eq!(BigUint::from(quotient) * d + remainder, big(product));
                }
                None => prop_assert!(d == 0 || big(product) / d > BigUint::from(u128::MAX)),
            }
        }
    }

    #[test]
    fn rounding_is_half_to_even_and_ends_at_the_range() {
        let up = |quotient, order| round(quotient, order).unwrap();
        assert_eq!((up(2, Ordering::Equal), up(3, Ordering::Equal)), (2, 4));
        assert_eq!((up(2, Ordering::Less), up(2, Ordering::Greater)), (2, 3));
        assert_eq!(round(u128::MAX, Ordering::Greater), None);
        assert_eq!(signed(1 << 63, -1), Some(i64::MIN));
        assert_eq!((signed(1 << 63, 1), signed(u128::MAX, 1)), (None, None));
    }
}
