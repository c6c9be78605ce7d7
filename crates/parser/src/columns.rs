//! The columns of Yahoo's chart, straight into bars: nothing is allocated a cell.

use cream_models::{Bar, BarField, BarFlags, Date};

use crate::chart::{BAD_TIME, Chart};
use crate::error::Result;
use crate::finish::RowLimit;
use crate::json::Reader;
use crate::number::Nanos;
use crate::number::quick::Quick;

/// Reads the timestamps: [`BAD_TIME`] for what is no whole number.
pub(crate) fn times(
    reader: &mut Reader<'_>,
    timestamps: &mut Vec<i64>,
    limit: RowLimit,
) -> Result<()> {
    let bytes = reader.bytes();
    let mut goes_on = reader.enter("an array of timestamps")?;
    let mut quick = Quick::new(bytes);
    while goes_on {
        let want = limit.0.saturating_sub(timestamps.len());
        reader.pos = quick.integers(reader.pos, want, |time| timestamps.push(time));
        limit.check(timestamps.len(), reader.pos)?;
        let time = match reader.peek() {
            Some(b'-' | b'0'..=b'9') => reader.number()?.integer(bytes),
            _ => {
                reader.skip()?;
                None
            }
        };
        timestamps.push(time.unwrap_or(BAD_TIME));
        goes_on = reader.more()?;
    }
    Ok(())
}

/// Reads the columns of `indicators`.
pub(crate) fn indicators(reader: &mut Reader<'_>, chart: &mut Chart) -> Result<()> {
    let mut quick = Quick::new(reader.bytes());
    let mut members = reader.object("an object with the key \"quote\"")?;
    while let Some(key) = reader.next_key(&mut members)? {
        let names: &[(&[u8], BarField)] = match key.as_ref() {
            b"quote" => &[
                (b"open", BarField::Open),
                (b"high", BarField::High),
                (b"low", BarField::Low),
                (b"close", BarField::Close),
                (b"volume", BarField::Volume),
            ],
            b"adjclose" => &[(b"adjclose", BarField::AdjClose)],
            _ => {
                reader.skip()?;
                continue;
            }
        };
        if reader.null()? {
            continue;
        }
        let mut sets = reader.array("an array of one object of columns")?;
        let mut is_first = true;
        while reader.next_element(&mut sets)? {
            if !is_first || reader.peek() == Some(b'n') {
                reader.skip()?;
                continue;
            }
            is_first = false;
            let mut columns = reader.object("an object of columns")?;
            while let Some(key) = reader.next_key(&mut columns)? {
                match names.iter().find(|(name, _)| *name == key.as_ref()) {
                    Some((_, field)) => column(&mut quick, reader, chart, *field)?,
                    None => reader.skip()?,
                }
            }
        }
    }
    Ok(())
}

fn column(
    quick: &mut Quick<'_>,
    reader: &mut Reader<'_>,
    chart: &mut Chart,
    field: BarField,
) -> Result<()> {
    reader.peek();
    let start = reader.pos;
    let Some(slot) = chart.columns.get_mut(field as usize) else { return Ok(()) };
    if slot.is_some() {
        return Err(reader.unexpected("each column once"));
    }
    if reader.null()? {
        return Ok(());
    }
    if chart.bars.is_empty() {
        // As many rows as timestamps, where these came first.
        chart.bars.resize(chart.timestamps.len(), Bar::new(Date::MIN));
    }
    let cells = Cells { bars: &mut chart.bars, bad: &mut chart.bad_cells, limit: chart.limit };
    let length = match field {
        BarField::Open => cells.read::<{ BarField::Open as u8 }>(quick, reader)?,
        BarField::High => cells.read::<{ BarField::High as u8 }>(quick, reader)?,
        BarField::Low => cells.read::<{ BarField::Low as u8 }>(quick, reader)?,
        BarField::Close => cells.read::<{ BarField::Close as u8 }>(quick, reader)?,
        BarField::AdjClose => cells.read::<{ BarField::AdjClose as u8 }>(quick, reader)?,
        BarField::Volume => cells.read::<{ BarField::Volume as u8 }>(quick, reader)?,
    };
    *slot = Some((start, length));
    Ok(())
}

/// Where the cells of a column go.
struct Cells<'a> {
    bars: &'a mut Vec<Bar>,
    bad: &'a mut Vec<(usize, BarField, usize)>,
    limit: RowLimit,
}

impl Cells<'_> {
    /// Reads a column and gives its length. The field is a constant, so that each column has a
    /// loop of its own.
    fn read<const FIELD: u8>(
        self,
        quick: &mut Quick<'_>,
        reader: &mut Reader<'_>,
    ) -> Result<usize> {
        let field = const {
            match FIELD {
                0 => BarField::Open,
                1 => BarField::High,
                2 => BarField::Low,
                3 => BarField::Close,
                4 => BarField::AdjClose,
                _ => BarField::Volume,
            }
        };
        let is_volume = FIELD == BarField::Volume as u8;
        let bytes = reader.bytes();
        let mut goes_on = reader.enter("an array of numbers")?;
        let mut row = 0;
        while goes_on {
            row += usual::<FIELD>(quick, reader, self.bars.get_mut(row..).unwrap_or_default());
            reader.peek();
            if row == self.bars.len() {
                self.limit.check(row, reader.pos)?;
                self.bars.push(Bar::new(Date::MIN));
            }
            let start = reader.pos;
            let Some(bar) = self.bars.get_mut(row) else { break };
            let is_read = match bytes.get(start) {
                Some(b'-' | b'0'..=b'9') => {
                    let number = reader.number()?;
                    if is_volume {
                        let volume = number.integer(bytes).filter(|volume| *volume >= 0);
                        bar.set(field, volume);
                        volume.is_some()
                    } else {
                        let nanos = number.yahoo_price(bytes);
                        nanos.map(|nanos| set_price(bar, field, nanos)).is_some()
                    }
                }
                Some(b'n') => reader.null()?,
                _ => {
                    reader.skip()?;
                    false
                }
            };
            if !is_read {
                self.bad.push((row, field, start));
            }
            row += 1;
            goes_on = reader.more()?;
        }
        Ok(row)
    }
}

#[inline(always)]
const fn field_of(field: u8) -> BarField {
    match field {
        0 => BarField::Open,
        1 => BarField::High,
        2 => BarField::Low,
        3 => BarField::Close,
        4 => BarField::AdjClose,
        _ => BarField::Volume,
    }
}

/// Reads cells of the usual shapes, and says how many.
#[inline(always)]
fn usual<const FIELD: u8>(
    quick: &mut Quick<'_>,
    reader: &mut Reader<'_>,
    bars: &mut [Bar],
) -> usize {
    let field = const { field_of(FIELD) };
    let total = bars.len();
    let mut bars = bars.iter_mut();
    reader.pos = if FIELD == BarField::Volume as u8 {
        quick.integers(reader.pos, total, |volume| {
            if let Some(bar) = bars.next() {
                bar.set(field, Some(volume));
            }
        })
    } else {
        quick.prices(reader.pos, total, |price| {
            if let Some(bar) = bars.next() {
                set_price(bar, field, price);
            }
        })
    };
    total - bars.len()
}

#[inline(always)]
fn set_price(bar: &mut Bar, field: BarField, (nanos, rounded): Nanos) {
    bar.set(field, Some(nanos));
    if rounded {
        *bar = bar.with_flags(bar.flags() | BarFlags::ROUNDED);
    }
}
