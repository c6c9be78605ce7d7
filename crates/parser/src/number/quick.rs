//! The usual shapes of numbers, many at once: prices of up to 8 digits, a point and up to 16
//! digits, and whole numbers of up to 15, each followed by a comma. Whatever else stands there,
//! be it sound or not, is left to the reader that knows the whole grammar.
//!
//! A text is searched a stretch at a time for what is no digit, so that where a number begins is
//! known without reading the one before it. Then each step is done for a batch of numbers before
//! the next step: a number takes a hundred cycles from its digits to its price, and the steps of
//! others fill them.

use super::Nanos;
use super::digits::{self, BACK, Marks, SEARCHED, Stretch};
use super::single::{Decimal, Float};

/// How many prices are read at once.
const BATCH: usize = 64;

/// By how many digits stand before the point: up to how many may stand behind it, and the least
/// that those before it say where no zero leads.
const SHAPES: [(usize, u64); 9] = [
    (0, 0),
    (16, 0),
    (16, 10),
    (15, 100),
    (14, 1_000),
    (13, 10_000),
    (12, 100_000),
    (11, 1_000_000),
    (10, 10_000_000),
];

/// Reads the columns of one text.
#[derive(Debug)]
pub(crate) struct Quick<'a> {
    bytes: &'a [u8],
    /// Where the stretch begins that was searched last.
    searched: Option<usize>,
    marks: Marks,
    /// How many marks there are.
    count: usize,
    /// How many of them were passed.
    passed: usize,
    /// The stretch, where it is the end of the text.
    end_of_text: Stretch,
    decimals: [Decimal; BATCH],
    floats: [Float; BATCH],
}

impl<'a> Quick<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            searched: None,
            marks: [0; SEARCHED + 8],
            count: 0,
            passed: 0,
            end_of_text: [0; BACK + SEARCHED],
            decimals: [Decimal::ZERO; BATCH],
            floats: [Float::NONE; BATCH],
        }
    }

    /// Makes sure that something is searched from `position` on, and says where it stands in the
    /// stretch.
    #[inline(always)]
    fn seek(&mut self, position: usize) -> Option<usize> {
        if let Some(at) = self.searched.and_then(|start| position.checked_sub(start)) {
            let ahead = self.marks.get(self.passed..self.count).unwrap_or_default();
            let passed = ahead.iter().take_while(|mark| (**mark as usize) < at).count();
            self.passed += passed;
            // A number has two marks.
            if self.count - self.passed >= 2 {
                return Some(at);
            }
        }
        self.search(position)?;
        Some(0)
    }

    fn search(&mut self, position: usize) -> Option<()> {
        self.searched = None;
        let bytes = self.bytes.get(position.checked_sub(BACK)?..)?;
        let text = match bytes.first_chunk() {
            Some(text) => text,
            None => {
                self.end_of_text = [0; BACK + SEARCHED];
                self.end_of_text.get_mut(..bytes.len())?.copy_from_slice(bytes);
                &self.end_of_text
            }
        };
        self.count = digits::search(text, &mut self.marks);
        self.passed = 0;
        self.searched = Some(position);
        Some(())
    }

    /// Reads up to `want` prices from `start` on, and says where the first begins that was not
    /// read.
    #[inline(always)]
    pub(crate) fn prices(
        &mut self,
        mut start: usize,
        mut want: usize,
        mut put: impl FnMut(Nanos),
    ) -> usize {
        while want > 0 {
            let Some(at) = self.seek(start) else { break };
            let Self { bytes, end_of_text, decimals, floats, .. } = self;
            let Some(text) = stretch(bytes, start - at, end_of_text) else { break };
            let (marks, _) =
                self.marks.get(self.passed..self.count).unwrap_or_default().as_chunks();
            let marks = marks.get(..want.min(BATCH)).unwrap_or(marks);
            let read = read_decimals(text, at, marks, decimals);
            let decimals = decimals.get(..read).unwrap_or_default();
            for (decimal, float) in decimals.iter().zip(&mut *floats) {
                *float = decimal.float();
            }
            let mut done = 0_usize;
            for (decimal, float) in decimals.iter().zip(floats) {
                let Some(price) = float.shortest().or_else(|| decimal.odd()) else { break };
                put(price);
                done += 1;
            }
            let Some([_, end]) = done.checked_sub(1).and_then(|last| marks.get(last)) else {
                break;
            };
            start += *end as usize + 1 - at;
            want -= done;
            if done < marks.len().min(BATCH) {
                break;
            }
            self.passed += 2 * done;
        }
        start
    }

    /// Reads up to `want` whole numbers that are not negative from `start` on, and says where the
    /// first begins that was not read.
    #[inline(always)]
    pub(crate) fn integers(
        &mut self,
        mut start: usize,
        mut want: usize,
        mut put: impl FnMut(i64),
    ) -> usize {
        while want > 0 {
            let Some(begin) = self.seek(start) else { break };
            let Some(text) = stretch(self.bytes, start - begin, &self.end_of_text) else { break };
            let marks = self.marks.get(self.passed..self.count).unwrap_or_default();
            let marks = marks.get(..want).unwrap_or(marks);
            let (mut at, mut done) = (begin, 0);
            for end in marks {
                let end = *end as usize;
                let Some(number) = integer(text, at, end) else { break };
                put(number);
                at = end + 1;
                done += 1;
            }
            start += at - begin;
            want -= done;
            if done < marks.len() || done == 0 {
                break;
            }
            self.passed += done;
        }
        start
    }
}

/// The stretch that begins at `start`, or else the end of the text.
#[inline(always)]
fn stretch<'a>(bytes: &'a [u8], start: usize, end_of_text: &'a Stretch) -> Option<&'a Stretch> {
    let bytes = bytes.get(start.checked_sub(BACK)?..)?;
    Some(bytes.first_chunk().unwrap_or(end_of_text))
}

/// Reads prices one behind the other, and says how many.
#[inline(always)]
fn read_decimals(
    text: &Stretch,
    mut at: usize,
    marks: &[[u32; 2]],
    decimals: &mut [Decimal; BATCH],
) -> usize {
    let mut read = 0;
    for ([point, end], to) in marks.iter().zip(decimals) {
        let (point, end) = (*point as usize, *end as usize);
        let Some(decimal) = decimal(text, at, point, end) else { break };
        *to = decimal;
        at = end + 1;
        read += 1;
    }
    read
}

/// The price that begins at `at` and ends at `end`.
#[inline(always)]
fn decimal(text: &Stretch, at: usize, point: usize, end: usize) -> Option<Decimal> {
    let before = point.wrapping_sub(at);
    let scale = end.wrapping_sub(point + 1);
    let (longest, least) = *SHAPES.get(before)?;
    if scale.wrapping_sub(1) >= longest
        || text.get(BACK + point) != Some(&b'.')
        || text.get(BACK + end) != Some(&b',')
    {
        return None;
    }
    let (whole, behind) = digits::parts(text, (point, before), (end, scale))?;
    if whole < least {
        return None;
    }
    Decimal::of_parts(whole, behind, scale)
}

/// The whole number that begins at `at` and ends at `end`.
#[inline(always)]
fn integer(text: &Stretch, at: usize, end: usize) -> Option<i64> {
    let length = end.wrapping_sub(at);
    let is_usual = text.get(BACK + end) == Some(&b',') && length.wrapping_sub(1) < 15;
    if !is_usual || text.get(BACK + at) == Some(&b'0') && length > 1 {
        return None;
    }
    Some(digits::integer(text, end, length)?.cast_signed())
}
