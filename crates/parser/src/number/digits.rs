//! Digits to numbers, sixteen bytes at a time: in the registers of 128 bits that every x86-64 and
//! 64-bit ARM has, by way of `wide`, which does the same in plain arithmetic elsewhere.

use wide::{i16x8, i32x4, i32x8, u8x16};

/// How far a stretch looks back: a number's last sixteen digits may begin before the number does.
pub(super) const BACK: usize = 16;
/// The bytes of a stretch that are searched for what is no digit.
pub(super) const SEARCHED: usize = 2048;
/// Some of a text: [`BACK`] bytes and what is searched. Positions count from there.
pub(super) type Stretch = [u8; BACK + SEARCHED];
/// Where in a stretch bytes stand that are no digits, and room for eight that mean nothing.
pub(super) type Marks = [u32; SEARCHED + 8];

/// From byte `n` on, a mask of the digits of the last `n` bytes of sixteen.
const MASKS: [u8; 32] =
    *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F\x0F";

/// A bit for each of sixteen bytes that is no digit.
#[inline(always)]
fn others(block: &[u8; 16]) -> u64 {
    // Without its zero a digit is below 10, and anything else is carried into the top bit.
    let block = u8x16::new(*block) ^ u8x16::splat(b'0');
    u64::from(block.saturating_add(u8x16::splat(0x76)).to_bitmask())
}

/// Finds what is no digit, and says how often.
#[inline(always)]
pub(super) fn search(stretch: &Stretch, marks: &mut Marks) -> usize {
    let (blocks, _) = stretch.as_chunks::<16>();
    let (fours, _) = blocks.get(BACK / 16..).unwrap_or_default().as_chunks::<4>();
    let mut words = [0; SEARCHED / 64];
    for (word, [a, b, c, d]) in words.iter_mut().zip(fours) {
        *word = others(a) | others(b) << 16 | others(c) << 32 | others(d) << 48;
    }
    let counts = words.map(u64::count_ones);
    let (mut count, mut base) = (0_usize, 0_u32);
    for (mut word, found) in words.into_iter().zip(counts) {
        let Some((usual, more)) =
            marks.get_mut(count..).and_then(|room| room.split_first_chunk_mut::<8>())
        else {
            break;
        };
        // Eight at once, found or not: there are seldom more, and so no branch is missed.
        for mark in usual {
            *mark = base + (word | 1 << 63).trailing_zeros();
            word &= word.wrapping_sub(1);
        }
        for mark in more {
            if word == 0 {
                break;
            }
            *mark = base + word.trailing_zeros();
            word &= word.wrapping_sub(1);
        }
        count += found as usize;
        base += 64;
    }
    count
}

#[inline(always)]
fn block(bytes: &[u8], at: usize) -> Option<u8x16> {
    Some(u8x16::new(*bytes.get(at..)?.first_chunk()?))
}

/// The same bits as pairs of bytes.
#[inline(always)]
fn pairs(block: u8x16) -> i16x8 {
    let bytes = block.to_array();
    let (pairs, _) = bytes.as_chunks();
    i16x8::new(std::array::from_fn(|lane| {
        pairs.get(lane).map_or(0, |pair| i16::from_le_bytes(*pair))
    }))
}

/// The values of each four digits.
#[inline(always)]
fn fours(digits: u8x16) -> i32x4 {
    // 10 · 256 + 1: the upper byte of each pair becomes ten times the first and the second.
    let pairs: i16x8 = (pairs(digits) * i16x8::splat(2561)) >> 8_i32;
    pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]))
}

/// The values of each eight digits.
#[inline(always)]
fn eights(first: i32x4, second: i32x4) -> [i32; 4] {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_array(), second.to_array());
    let fours = i16x8::from_i32x8_saturate(i32x8::new([a, b, c, d, e, f, g, h]));
    fours.dot(i16x8::new([10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1])).to_array()
}

#[inline(always)]
fn number(eight: i32) -> u64 {
    u64::from(eight.cast_unsigned())
}

/// The value of the `count` digits, up to 16, before byte `end`.
#[inline(always)]
pub(super) fn integer(stretch: &Stretch, end: usize, count: usize) -> Option<u64> {
    let fours = fours(block(stretch, end)? & block(&MASKS, count)?);
    let [high, low, ..] = eights(fours, fours);
    Some(number(high) * 100_000_000 + number(low))
}

/// The values of the `before` digits, up to 8, before `point` and the `behind`, up to 16, before
/// `end`.
#[inline(always)]
pub(super) fn parts(
    stretch: &Stretch,
    (point, before): (usize, usize),
    (end, behind): (usize, usize),
) -> Option<(u64, u64)> {
    let before = fours(block(stretch, point)? & block(&MASKS, before)?);
    let behind = fours(block(stretch, end)? & block(&MASKS, behind)?);
    let [high, low, _, before] = eights(behind, before);
    Some((number(before), number(high) * 100_000_000 + number(low)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_that_is_no_digit_is_found(
            bytes in prop::collection::vec(prop_oneof![3 => b'0'..=b'9', 1 => any::<u8>()], BACK + SEARCHED),
        ) {
            let mut marks = [0; SEARCHED + 8];
            let count = search(bytes.as_slice().first_chunk().unwrap(), &mut marks);
            let expected: Vec<_> = (0..SEARCHED).filter(|at| !bytes[BACK + at].is_ascii_digit()).collect();
            let found: Vec<_> = marks[..count].iter().map(|mark| *mark as usize).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn digits_are_read_as_the_library_reads_them(
            digits in prop::collection::vec(b'0'..=b'9', BACK + SEARCHED),
            end in 0..=SEARCHED,
            counts in (0..=16_usize, 0..=8_usize),
        ) {
            let stretch = digits.as_slice().first_chunk().unwrap();
            let value = |end: usize, count: usize| {
                let text = &digits[BACK + end - count..BACK + end];
                text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
            };
            let (count, before) = counts;
            prop_assert_eq!(integer(stretch, end, count), Some(value(end, count)));
            let point = end.saturating_sub(count + 1);
            let expected = Some((value(point, before), value(end, count)));
            prop_assert_eq!(parts(stretch, (point, before), (end, count)), expected);
        }
    }
}
