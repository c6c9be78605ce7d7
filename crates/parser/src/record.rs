//! Rows of JSON on their way into bars: an object a row, read in one pass.
//!
//! Known keys come in any order, each once: one that comes twice is an error, since either might be
//! meant. A row with a cell that cannot be read is [unreadable](Rows::push_unreadable) as a whole.

use cream_models::{
    ActionKind, ActionKinds, Bar, BarField, BarFlags, CorporateAction, CorporateEvent, Date, Price,
    SplitRatio, Symbol, WarningKind,
};

use crate::csv;
use crate::error::Result;
use crate::exact::{self, Cell, Writing};
use crate::finish::RowLimit;
use crate::json::{First, Reader};
use crate::rows::Rows;
use crate::values::{self, value_at};
use crate::warnings::Warnings;

/// One row, as far as it was read.
#[derive(Debug)]
pub(crate) struct Row {
    /// Where it begins.
    pub(crate) position: usize,
    /// Its date, where that is readable.
    pub(crate) date: Option<Date>,
    bar: Bar,
    writing: Writing,
    /// A bit a known key that came.
    seen: u32,
    /// The first cell that cannot be read: its name, its place, what was expected.
    bad: Option<(&'static str, usize, &'static str)>,
}

/// The bits of keys that are no field of a bar.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Date = 6,
    Dividend,
    Split,
    /// What the other side of a split is, or another form of a dividend.
    Other,
    Currency,
    Kind,
    Symbol,
}

/// A cell beside the prices, and where it stands.
pub(crate) type Placed = (Cell, usize);

impl Row {
    /// Enters the row that stands here, or skips what is no object: `Err` of the place then.
    #[inline]
    pub(crate) fn enter(
        reader: &mut Reader<'_>,
        writing: Writing,
    ) -> Result<Result<(Self, First), usize>> {
        let is_object = reader.peek() == Some(b'{');
        let position = reader.pos;
        if !is_object {
            reader.skip()?;
            return Ok(Err(position));
        }
        let members = reader.object("a row")?;
        let bar = Bar::new(Date::MIN);
        Ok(Ok((Self { position, date: None, bar, writing, seen: 0, bad: None }, members)))
    }

    /// A row of a known date, which stands here.
    pub(crate) fn of(
        date: Option<Date>,
        reader: &mut Reader<'_>,
    ) -> Result<Result<(Self, First), usize>> {
        let entered = Self::enter(reader, Writing::Plain)?;
        Ok(entered.map(|(row, members)| (Self { date, ..row }, members)))
    }

    #[inline(always)]
    fn once(&mut self, reader: &Reader<'_>, bit: u32) -> Result<()> {
        if self.seen >> bit & 1 == 1 {
            return Err(reader.unexpected("each key of a row once"));
        }
        self.seen |= 1 << bit;
        Ok(())
    }

    /// Notes that a key came.
    #[inline(always)]
    pub(crate) fn note(&mut self, reader: &Reader<'_>, key: Key) -> Result<()> {
        self.once(reader, key as u32)
    }

    /// Reads a price.
    #[inline]
    pub(crate) fn price(&mut self, reader: &mut Reader<'_>, field: BarField) -> Result<()> {
        self.once(reader, field as u32)?;
        reader.peek();
        let position = reader.pos;
        match exact::price(reader, self.writing)? {
            Cell::Known((nanos, rounded)) => {
                self.bar.set(field, Some(nanos));
                // The vendor computes the adjusted close: its last digits are of no day's trading.
                if rounded && field != BarField::AdjClose {
                    self.bar = self.bar.with_flags(self.bar.flags() | BarFlags::ROUNDED);
                }
            }
            Cell::Unknown => {}
            Cell::Odd => self.odd(field.name(), position, "a number within ±9223372036.854775807"),
        }
        Ok(())
    }

    /// Reads the volume.
    #[inline]
    pub(crate) fn volume(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.once(reader, BarField::Volume as u32)?;
        reader.peek();
        let position = reader.pos;
        match exact::volume(reader, self.writing)? {
            Cell::Known((volume, rounded)) => {
                self.bar.set(BarField::Volume, Some(volume));
                if rounded {
                    self.bar = self.bar.with_flags(self.bar.flags() | BarFlags::ROUNDED);
                }
            }
            Cell::Unknown => {}
            Cell::Odd => self.odd("volume", position, "a number of at least 0 that fits 64 bits"),
        }
        Ok(())
    }

    /// Reads the date, a string; `expected` shows how the vendor writes it.
    #[inline]
    pub(crate) fn date(
        &mut self,
        reader: &mut Reader<'_>,
        read: impl Fn(&[u8]) -> Option<Date>,
        expected: &'static str,
    ) -> Result<()> {
        self.once(reader, Key::Date as u32)?;
        let is_text = reader.peek() == Some(b'"');
        let position = reader.pos;
        if is_text {
            let text = reader.string()?;
            self.date = read(text.raw());
            if self.date.is_none() && text.raw().contains(&b'\\') {
                self.date = read(text.text()?.as_bytes());
            }
        } else {
            reader.skip()?;
        }
        if self.date.is_none() {
            self.odd("the date", position, expected);
        }
        Ok(())
    }

    /// Reads an amount that stands beside the prices.
    #[inline]
    pub(crate) fn beside(&mut self, reader: &mut Reader<'_>, key: Key) -> Result<Placed> {
        self.once(reader, key as u32)?;
        reader.peek();
        let position = reader.pos;
        Ok((exact::price(reader, self.writing)?, position))
    }

    /// Reads a text, `None` where there is none.
    pub(crate) fn text(&mut self, reader: &mut Reader<'_>, key: Key) -> Result<Option<String>> {
        self.once(reader, key as u32)?;
        if reader.peek() == Some(b'"') {
            return values::text(reader);
        }
        reader.skip()?;
        Ok(None)
    }

    /// Makes the row unreadable.
    #[cold]
    pub(crate) fn odd(&mut self, name: &'static str, position: usize, expected: &'static str) {
        self.bad.get_or_insert((name, position, expected));
    }

    /// Whether nothing that is known came.
    pub(crate) const fn is_blank(&self) -> bool {
        self.seen == 0
    }

    /// Why the row cannot be read, if so.
    fn reason(&self, json: &[u8]) -> Option<String> {
        match (self.bad, self.date) {
            (Some((name, position, expected)), _) => {
                Some(format!("{name} is {}, expected {expected}", value_at(json, position)))
            }
            (None, None) => Some(format!("it has no date: {}", value_at(json, self.position))),
            (None, Some(_)) => None,
        }
    }

    /// Puts the row among the others.
    #[inline]
    pub(crate) fn finish(self, json: &[u8], rows: &mut Rows) -> Result<()> {
        match (self.date, self.bad) {
            (Some(date), None) => rows.push(self.bar.with_date(date), self.position),
            _ => {
                let reason = self.reason(json).unwrap_or_default();
                rows.push_unreadable(self.date, self.position, reason)
            }
        }
    }
}

/// Notes a row that is no object.
#[cold]
pub(crate) fn no_object(json: &[u8], position: usize, rows: &mut Rows) -> Result<()> {
    let reason = format!("a row is {}, expected an object", value_at(json, position));
    rows.push_unreadable(None, position, reason)
}

/// Dividends and splits as they are read, bounded in number.
#[derive(Debug, Default)]
pub(crate) struct Events {
    count: usize,
    limit: RowLimit,
    /// Whether some row told a dividend, and a split, even if it told that there was none.
    told: [bool; 2],
    /// The dates of rows that told nothing of dividends, and of splits.
    silent: [Vec<Date>; 2],
}

impl Events {
    /// None yet.
    pub(crate) fn new(limit: RowLimit) -> Self {
        Self { limit, ..Self::default() }
    }

    fn count(&mut self, position: usize) -> Result<()> {
        self.limit.check(self.count, position)?;
        self.count += 1;
        Ok(())
    }

    /// Adds an action, or notes that it cannot be read.
    ///
    /// # Errors
    ///
    /// Where there are more than any daily history has.
    pub(crate) fn push(
        &mut self,
        (kind, date, position): (ActionKind, Option<Date>, usize),
        event: Result<CorporateEvent, &str>,
        json: &[u8],
        rows: &mut Rows,
        warnings: &mut Warnings,
    ) -> Result<()> {
        self.count(position)?;
        let reason = match (date, event) {
            (Some(date), Ok(event)) => {
                rows.push_action(CorporateAction { date, event }, position);
                return Ok(());
            }
            (None, Ok(_)) => "it has no readable date",
            (_, Err(reason)) => reason,
        };
        rows.push_unreadable_action(date);
        warnings.push(position, || WarningKind::UnreadableAction {
            date,
            reason: format!("{kind}: {reason}: {}", value_at(json, position)),
        });
        Ok(())
    }

    /// Takes what a row of prices says of a dividend and of a split factor, `None` where it has no
    /// such key. A dividend of 0 and a factor of 1 are none.
    #[inline]
    pub(crate) fn beside(
        &mut self,
        date: Option<Date>,
        dividend: Option<Placed>,
        factor: Option<Placed>,
        json: &[u8],
        rows: &mut Rows,
        warnings: &mut Warnings,
    ) -> Result<()> {
        const ONE: i64 = 1_000_000_000;
        let plain = |cell: Option<Placed>, none: i64| matches!(cell, Some((Cell::Known((value, false)), _)) if value == none);
        if plain(dividend, 0) && plain(factor, ONE) {
            self.told = [true; 2];
            return Ok(());
        }
        for (kind, cell, none) in
            [(ActionKind::Dividend, dividend, 0), (ActionKind::Split, factor, ONE)]
        {
            let index = usize::from(kind == ActionKind::Split);
            let (told, silent) = (self.told.get_mut(index), self.silent.get_mut(index));
            let (Some(told), Some(silent)) = (told, silent) else { continue };
            let (event, position) = match cell {
                None | Some((Cell::Unknown, _)) => {
                    match date {
                        Some(date) => silent.push(date),
                        // Told of which date it is silent, all would be open.
                        None => rows.push_unreadable_action(None),
                    }
                    continue;
                }
                Some((Cell::Known((value, rounded)), position)) => {
                    *told = true;
                    if value == none {
                        continue;
                    }
                    let amount = Price::from_nanos(value);
                    let event = if kind == ActionKind::Dividend {
                        Ok(CorporateEvent::Dividend { amount })
                    } else {
                        let periodic = rounded.then(|| periodic(json, position)).flatten();
                        periodic
                            .map_or_else(|| SplitRatio::new(amount, Price::from_nanos(ONE)), Ok)
                            .map(CorporateEvent::Split)
                            .map_err(|_| "the factor is not above 0")
                    };
                    (event, position)
                }
                Some((Cell::Odd, position)) => {
                    *told = true;
                    (Err("it is not a number within ±9223372036.854775807"), position)
                }
            };
            self.push((kind, date, position), event, json, rows, warnings)?;
        }
        Ok(())
    }

    /// The kinds that the rows told of. Dates of rows that were silent where others were not stay
    /// open.
    pub(crate) fn told(self, rows: &mut Rows) -> ActionKinds {
        let kinds = [ActionKind::Dividend, ActionKind::Split];
        let mut all = ActionKinds::NONE;
        for ((kind, told), silent) in kinds.into_iter().zip(self.told).zip(self.silent) {
            if told {
                all = all.with(kind);
                silent.into_iter().for_each(|date| rows.push_unreadable_action(Some(date)));
            }
        }
        all
    }
}

/// The ratio that a factor of endless digits stands for, such as 1:3 where 0.3333333333333333 stands.
#[cold]
fn periodic(json: &[u8], position: usize) -> Option<SplitRatio> {
    let mut reader = Reader::new(json, position);
    if reader.peek() == Some(b'"') {
        return csv::periodic(reader.string().ok()?.raw(), false);
    }
    csv::periodic(reader.number().ok()?.text(json), false)
}

/// A dividend's event by what its row tells of it; the prices are in dollars, though the answer does
/// not tell.
pub(crate) fn dollars(
    amount: Option<Placed>,
    currency: Option<&str>,
) -> Result<CorporateEvent, &'static str> {
    if currency.is_some_and(|code| !code.is_empty() && !code.eq_ignore_ascii_case("USD")) {
        return Err("its currency is not that of the prices, USD");
    }
    dividend(amount)
}

/// A dividend's event by its amount.
pub(crate) fn dividend(amount: Option<Placed>) -> Result<CorporateEvent, &'static str> {
    match amount {
        Some((Cell::Known((nanos, _)), _)) => {
            Ok(CorporateEvent::Dividend { amount: Price::from_nanos(nanos) })
        }
        _ => Err("it has no readable amount"),
    }
}

/// The canonical symbol, where a vendor's spelling is plainly that: letters and digits alone.
pub(crate) fn canonical(spelling: &str) -> Option<Symbol> {
    if spelling.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Symbol::parse(spelling).ok();
    }
    None
}
