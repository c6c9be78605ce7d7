//! Whether a decimal number is a 32-bit float widened to 64 bits, and if so, the shortest decimal
//! that reads back as that float.
//!
//! The float is guessed, and the guess is proven in integers. The shortest decimal is the one
//! multiple of 10^(j+1) within the float's rounding interval, if there is one, or else the nearest
//! multiple of 10^j (Raffaello Giulietti, "The Schubfach way to render doubles"). The float has 24
//! bits and 10^11 = 5^11 · 2^11 has 26 that count, so a float times a power of ten is exact in 64-bit
//! floats, and so is each step from there on.

use wide::f64x2;

use super::{Nanos, POW10, half_even};

/// Digits behind the point of a [`cream_models::Price`].
const PLACES: usize = 9;

/// What there is to know of 10^`n`.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Power {
    ten: u64,
    /// 10^-n, for guesses only.
    tenth: f64,
    /// How far a text may be from a float that it stands for: 10^n / 2^30.
    bound: u64,
    /// From one end to the other: twice as far.
    width: u64,
}

impl Power {
    /// 10^n, exact up to 10^22.
    #[expect(clippy::cast_precision_loss, reason = "5^n fits 53 bits")]
    const fn tenfold(self) -> f64 {
        self.ten as f64
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated at build time, for small numbers")]
const fn power(n: usize) -> Power {
    let ten = POW10[n];
    let bound = ten >> 30;
    let power = Power { ten, tenth: 0.0, bound, width: 2 * bound };
    Power { tenth: 1.0 / power.tenfold(), ..power }
}

static POWERS: [Power; 20] = {
    let mut powers = [power(0); 20];
    let mut index = 0;
    while index < 20 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at build time")]
        {
            powers[index] = power(index);
        }
        index += 1;
    }
    powers
};

/// What there is to know of the floats `significand / 2^shift`, where the significand has 24 bits.
/// Of each pair the first is for 10^-places, the largest power of ten not above the float's unit,
/// the second for 10^-(places-1).
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Scale {
    /// 10^places and 10^(places-1).
    powers: [f64; 2],
    /// Below what the distance to a whole number must be: one half, and half the width of the
    /// rounding interval times 10^(places-1). Below any distance where there are digits beyond
    /// 1e-9.
    limits: [f64; 2],
    /// Units of 1e-9 in each.
    nanos: [u64; 2],
    /// 2^shift.
    power: u64,
    /// What the significand is less than the upper bits of the float.
    lead: u64,
}

/// The largest shift, and how many there are, from 1 on: larger floats are whole numbers, smaller
/// ones would not fit 64 bits.
const COUNT: usize = 36;
/// The exponent, biased as in 64-bit floats, of floats with the largest shift.
const FIRST: u64 = 1023 + 23 - COUNT as u64;

/// 10^-places is the largest power of ten not above 2^-shift.
const fn places(shift: usize) -> usize {
    ((shift * 1233) >> 12) + 1
}

/// By exponent, from the smallest floats on.
static SCALES: [Scale; COUNT] = {
    let none = Scale { powers: [0.0; 2], limits: [-1.0; 2], nanos: [0; 2], power: 0, lead: 0 };
    let mut scales = [none; COUNT];
    let mut index = 0;
    while index < COUNT {
        let shift = COUNT - index;
        let places = places(shift);
        #[expect(clippy::indexing_slicing, reason = "evaluated at build time")]
        let row = &mut scales[index];
        row.powers = [power(places).tenfold(), power(places - 1).tenfold()];
        row.power = 1 << shift;
        row.lead = (FIRST + index as u64 - 1) << 23;
        if places <= PLACES {
            row.limits = [0.5, half_width(row)];
            row.nanos = [power(PLACES - places).ten, power(PLACES - places + 1).ten];
        }
        index += 1;
    }
    scales
};

/// Half the width of the rounding interval, times 10^(places-1).
#[expect(clippy::cast_precision_loss, reason = "a power of two")]
const fn half_width(row: &Scale) -> f64 {
    let [_, tens] = row.powers;
    tens / (2 * row.power) as f64
}

/// `mantissa` · 10^-`scale`, the mantissa below 2^63 and the scale below 20.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal {
    mantissa: u64,
    scale: usize,
}

/// A 32-bit float, widened, and its row of [`SCALES`]: [`COUNT`] where there is no float.
#[derive(Clone, Copy, Debug)]
pub(super) struct Float {
    value: f64,
    row: usize,
}

impl Decimal {
    pub(super) const ZERO: Self = Self { mantissa: 0, scale: 0 };

    pub(super) const fn new(mantissa: u64, scale: usize) -> Self {
        Self { mantissa, scale }
    }

    /// The number of `before` before the point and `scale` digits, `behind`, after it; at most 18
    /// digits in all.
    #[inline(always)]
    pub(super) fn of_parts(before: u64, behind: u64, scale: usize) -> Option<Self> {
        Some(Self { mantissa: before * POWERS.get(scale)?.ten + behind, scale })
    }

    /// The 32-bit float that may be meant, widened, as bits of which the lower 29 mean nothing,
    /// and its row.
    #[inline(always)]
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn guess(self, ten: &Power) -> (u64, usize) {
        // Below 2^63 as a signed number, which converts faster.
        let guess = self.mantissa.cast_signed() as f64 * ten.tenth;
        // Half the unit of a 32-bit float more: what is cut off then was rounded.
        let bits = guess.to_bits().wrapping_add(1 << 28);
        (bits, (bits >> 52).wrapping_sub(FIRST) as usize)
    }

    /// Whether the text rounds to the float as a 64-bit float, that is, lies within 2^-30 of the
    /// significand's unit. (A tie goes to the float: its last bit as a 64-bit float is even.) The
    /// guess makes the difference small enough for 64 bits.
    #[inline(always)]
    const fn is(self, ten: &Power, significand: u64, row: &Scale) -> bool {
        let text = self.mantissa.wrapping_mul(row.power);
        let difference = text.wrapping_sub(significand.wrapping_mul(ten.ten));
        difference.wrapping_add(ten.bound) <= ten.width
    }

    /// The float that widened gives this number, where there is one and it is usual.
    #[inline(always)]
    pub(super) fn float(self) -> Float {
        let Some(ten) = POWERS.get(self.scale) else { return Float::NONE };
        let (bits, index) = self.guess(ten);
        let Some(row) = SCALES.get(index) else { return Float::NONE };
        let significand = (bits >> 29).wrapping_sub(row.lead);
        if !self.is(ten, significand, row) || significand == POWER_OF_TWO {
            return Float::NONE;
        }
        Float { value: widened(bits), row: index }
    }

    /// The price, where the float is not usual; `None` where it is not clear-cut.
    #[cold]
    #[inline(never)]
    pub(super) fn odd(self) -> Option<Nanos> {
        // Six digits survive a 32-bit float unharmed: the text is the shortest already.
        if self.mantissa < 1_000_000 && self.scale <= PLACES {
            return self.exact();
        }
        let ten = POWERS.get(self.scale)?;
        let (bits, index) = self.guess(ten);
        let row = SCALES.get(index)?;
        let significand = (bits >> 29).wrapping_sub(row.lead);
        if !self.is(ten, significand, row) {
            return self.exact();
        }
        if significand == POWER_OF_TWO {
            return None;
        }
        // More digits than a price has.
        let divisor = POW10.get(places(COUNT - index).checked_sub(PLACES)?)?;
        let (whole, [ones_off, tens_off]) = nearest(widened(bits), row);
        let [ones, tens] = whole.map(lower);
        let decimal = if tens_off < half_width(row) {
            tens * 10
        } else if ones_off < 0.5 {
            ones
        } else {
            return None;
        };
        let (nanos, rest) = (decimal / divisor, decimal % divisor);
        Some((half_even(nanos, rest, *divisor).cast_signed(), rest != 0))
    }

    /// The number as it stands, rounded half to even to 1e-9.
    pub(super) fn exact(self) -> Option<Nanos> {
        if let Some(missing) = PLACES.checked_sub(self.scale) {
            let nanos = self.mantissa.checked_mul(*POW10.get(missing)?)?;
            return Some((i64::try_from(nanos).ok()?, false));
        }
        let divisor = *POW10.get(self.scale - PLACES)?;
        let (nanos, rest) = (self.mantissa / divisor, self.mantissa % divisor);
        Some((i64::try_from(half_even(nanos, rest, divisor)).ok()?, rest != 0))
    }
}

impl Float {
    pub(super) const NONE: Self = Self { value: 0.0, row: COUNT };

    /// The shortest decimal that reads back as this float, in units of 1e-9; `None` where that is
    /// not clear-cut.
    #[inline(always)]
    pub(super) fn shortest(self) -> Option<Nanos> {
        let row = SCALES.get(self.row)?;
        let (whole, off) = nearest(self.value, row);
        // Bit 0 says that one of the multiples of 10^-places is nearest, bit 1 that a multiple of
        // 10^-(places-1) is close enough. Either is as likely as the other, so better no branch.
        let within = f64x2::new(off).simd_lt(f64x2::new(row.limits)).to_bitmask();
        if within & 1 == 0 {
            return None;
        }
        let which = (within >> 1 & 1) as usize;
        let nanos = lower(*whole.get(which)?) * row.nanos.get(which)?;
        Some((nanos.cast_signed(), false))
    }
}

/// The significand of a power of two, whose rounding interval is lopsided.
const POWER_OF_TWO: u64 = 1 << 23;

#[inline(always)]
const fn widened(bits: u64) -> f64 {
    f64::from_bits(bits & !((1 << 29) - 1))
}

/// Added to a small float, it leaves the nearest whole number, ties to even, in the lower bits.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// The whole numbers, [`WHOLE`] added, that are nearest to the float times each power of ten, and
/// how far off they are.
#[inline(always)]
fn nearest(float: f64, row: &Scale) -> ([f64; 2], [f64; 2]) {
    let values = f64x2::splat(float) * f64x2::new(row.powers);
    let whole = values + f64x2::splat(WHOLE);
    let off = (values - (whole - f64x2::splat(WHOLE))).abs();
    (whole.to_array(), off.to_array())
}

/// The whole number, below 2^32, to which [`WHOLE`] was added.
#[inline(always)]
const fn lower(whole: f64) -> u64 {
    whole.to_bits() & 0xFFFF_FFFF
}
