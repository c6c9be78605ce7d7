//! Rows of CSV to bars and corporate actions.
//!
//! A row of the usual shape is read in one pass from cell to cell, each cell finding its own end;
//! any other row is split into its fields first, by the rules of [`super::record`], and then read
//! cell by cell. Both ways give the same for what both can read.

use cream_models::{ActionKinds, Bar, BarField, BarFlags, Date, PriceHistory, Vendor, WarningKind};
use memchr::memchr;

use super::actions::{self, Actions};
use super::date::{self, Day, Months, NoDay};
use super::header::{Plan, Role, several_symbols};
use super::number::{self, Cell, ends, quick_price, quick_whole};
use super::record::{self, Field, MAX_COLUMNS};
use crate::ask::{Ask, Cut};
use crate::error::{ParseError, Result, at, excerpt};
use crate::finish::RowLimit;
use crate::rows::Rows;
use crate::values::MAX_TEXT;
use crate::warnings::Warnings;

/// A table that is being read.
pub(crate) struct Table<'a> {
    bytes: &'a [u8],
    plan: &'a Plan,
    months: Months,
    rows: Rows,
    /// The fields of the row under way.
    fields: Vec<Field>,
    /// The symbol of the rows so far.
    symbol: Option<&'a [u8]>,
    /// What stands behind the date in rows so far, a midnight.
    tail: &'a [u8],
    /// The dates of rows with a time of day other than midnight, and where these stand.
    timed: Vec<(Date, usize)>,
    actions: Actions,
    readable: usize,
    /// The first row that cannot be read, and how many there are.
    bad: Option<(usize, String, usize)>,
    /// Whether plain words end the file.
    has_words: bool,
}

impl<'a> Table<'a> {
    pub(crate) fn new(bytes: &'a [u8], plan: &'a Plan, limit: RowLimit) -> Self {
        let rows = bytes.get(plan.rows..).unwrap_or_default();
        let row = memchr(b'\n', rows).unwrap_or(rows.len()).max(SHORT_ROW);
        Self {
            bytes,
            plan,
            months: Months::new(),
            // Rows are of about the same length.
            rows: Rows::with_room(limit, rows.len() / row + 1),
            fields: Vec::new(),
            symbol: plan.symbol.as_deref().map(str::as_bytes),
            tail: b"",
            timed: Vec::new(),
            actions: Actions::default(),
            readable: 0,
            bad: None,
            has_words: false,
        }
    }

    /// Reads all rows.
    pub(crate) fn read(
        mut self,
        vendor: Vendor,
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let mut pos = self.plan.rows;
        while pos < self.bytes.len() {
            pos = match self.quick(pos)? {
                Some(next) => next,
                None => self.slow(pos, warnings)?,
            };
        }
        self.finish(vendor, ask, warnings)
    }

    /// Reads a row of the usual shape and gives where the next begins. `None` for any other, be it
    /// sound or not; nothing of it is kept then.
    #[inline(always)]
    fn quick(&mut self, start: usize) -> Result<Option<usize>> {
        let (bytes, separator) = (self.bytes, self.plan.separator);
        let mut bar = Bar::new(Date::MIN);
        let mut none = ActionKinds::NONE;
        let (mut pos, mut left) = (start, self.plan.roles.len());
        for role in &self.plan.roles {
            // Between quotes, a quote ends what stands there.
            let quoted = bytes.get(pos) == Some(&b'"');
            pos += usize::from(quoted);
            let stop = if quoted { b'"' } else { separator };
            let end = match role {
                Role::Date => {
                    let Some((date, end)) = self.months.quick(bytes, pos, stop, self.tail) else {
                        return Ok(None);
                    };
                    bar = bar.with_date(date);
                    Some(end)
                }
                Role::Open => self.price(&mut bar, BarField::Open, pos, stop),
                Role::High => self.price(&mut bar, BarField::High, pos, stop),
                Role::Low => self.price(&mut bar, BarField::Low, pos, stop),
                Role::Close => self.price(&mut bar, BarField::Close, pos, stop),
                Role::AdjClose => self.price(&mut bar, BarField::AdjClose, pos, stop),
                Role::Volume => match quick_whole(bytes, pos, stop) {
                    Some((volume, end)) => {
                        bar.set(BarField::Volume, Some(volume));
                        Some(end)
                    }
                    None => nothing(bytes, pos, stop),
                },
                Role::Action(kind) => match quick_price(bytes, pos, stop) {
                    Some((nanos, end)) if actions::is_none(*kind, nanos) => {
                        none = none.with(*kind);
                        Some(end)
                    }
                    _ => None,
                },
                Role::Other if quoted => quoted_other(bytes, pos),
                Role::Other => other(bytes, pos, stop),
                Role::Symbol => self.symbol.and_then(|symbol| same(bytes, pos, stop, symbol)),
                Role::Period => same(bytes, pos, stop, b"D"),
                Role::Time => ["000000", "00:00:00"]
                    .iter()
                    .find_map(|midnight| same(bytes, pos, stop, midnight.as_bytes())),
            };
            let Some(mut end) = end else { return Ok(None) };
            if quoted {
                if bytes.get(end) != Some(&b'"') {
                    return Ok(None);
                }
                end += 1;
            }
            left -= 1;
            pos = end + 1;
            match bytes.get(end) {
                Some(byte) if *byte == separator && left > 0 => {}
                Some(b'\n') if left == 0 => {}
                Some(b'\r') if left == 0 && bytes.get(pos) == Some(&b'\n') => pos += 1,
                _ => return Ok(None),
            }
        }
        self.rows.push(bar, start)?;
        self.readable += 1;
        self.actions.say_none(none);
        Ok(Some(pos))
    }

    #[inline(always)]
    fn price(&self, bar: &mut Bar, field: BarField, pos: usize, stop: u8) -> Option<usize> {
        let read = if self.plan.is_lean {
            let (units, end) = quick_whole(self.bytes, pos, stop)?;
            Some((units.checked_mul(LEAN_UNIT)?, end))
        } else {
            quick_price(self.bytes, pos, stop)
        };
        match read {
            Some((nanos, end)) => {
                bar.set(field, Some(nanos));
                Some(end)
            }
            None => nothing(self.bytes, pos, stop),
        }
    }

    /// Reads any row and gives where the next begins.
    #[cold]
    #[inline(never)]
    fn slow(&mut self, start: usize, warnings: &mut Warnings) -> Result<usize> {
        let rest = self.bytes.get(start..).unwrap_or_default();
        if rest.first() == Some(&b'#') {
            return Ok(start + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
        }
        let mut fields = std::mem::take(&mut self.fields);
        let record = record::read(self.bytes, start, self.plan.separator, &mut fields)?;
        let text = |field: &Field| field.text(self.bytes);
        if let [field] = fields[..]
            && !field.quoted
            && text(&field).trim_ascii().is_empty()
        {
            self.fields = fields;
            return Ok(record.next);
        }
        let after = self.bytes.get(record.next..).unwrap_or_default();
        let outcome = if let Some(stray) = record.stray {
            let found = excerpt(self.bytes.get(stray..record.next).unwrap_or_default());
            Err((None, format!("{found} behind a closing quote, expected a separator")))
        } else if fields.len() != self.plan.roles.len() {
            let is_words = rest.first().is_some_and(u8::is_ascii_alphabetic);
            if is_words && self.readable > 0 && after.iter().all(u8::is_ascii_whitespace) {
                self.has_words = true;
                let words = excerpt(rest.trim_ascii_end());
                warnings.push(start, || WarningKind::UnreadableRow {
                    date: None,
                    reason: format!(
                        "the file ends in words, {words}, which may say that there \
                                     is more; nothing outside of the rows is decided"
                    ),
                });
                self.fields = fields;
                return Ok(record.next);
            }
            let (count, columns) = (fields.len(), self.plan.roles.len());
            let more = if count > MAX_COLUMNS { "or more " } else { "" };
            let date = self.date_of(&fields).ok().map(|day| day.date);
            Err((date, format!("{count} fields {more}where the header has {columns}")))
        } else {
            self.row(start, &fields, record.closed, warnings)?
        };
        match outcome {
            Ok(bar) => {
                self.rows.push(bar, start)?;
                self.readable += 1;
            }
            Err((date, reason)) => {
                let first = self.bad.get_or_insert_with(|| (start, reason.clone(), 0));
                first.2 += 1;
                self.rows.push_unreadable(date, start, reason)?;
            }
        }
        self.fields = fields;
        Ok(record.next)
    }

    /// The date of a row, whatever else stands in it.
    fn date_of(&self, fields: &[Field]) -> Result<Day, NoDay> {
        let column = self.plan.roles.iter().position(|role| *role == Role::Date);
        let field = column.and_then(|column| fields.get(column)).ok_or(NoDay::Bad)?;
        date::day(field.text(self.bytes))
    }

    /// Reads the cells of a row that has as many as the header: a bar, or the row's date, where
    /// that is readable, and why the row is not.
    fn row(
        &mut self,
        start: usize,
        fields: &[Field],
        is_closed: bool,
        warnings: &mut Warnings,
    ) -> Result<Result<Bar, (Option<Date>, String)>> {
        let plan = self.plan;
        let cells = || plan.roles.iter().copied().zip(fields);
        let mut timed = false;
        let mut date = None;
        for (role, field) in cells().filter(|(role, _)| matches!(role, Role::Date | Role::Time)) {
            let text = field.text(self.bytes);
            match role {
                Role::Time => timed |= !date::is_midnight(text),
                _ => match self.day(*field) {
                    Ok(day) => {
                        (date, timed) = (Some(day.date), timed | day.timed);
                        if !day.timed && !field.quoted {
                            self.tail = date::tail(text);
                        }
                    }
                    Err(NoDay::DayFirst) => return Err(day_first(text, field.start)),
                    Err(NoDay::Bad) => {}
                },
            }
        }
        let Some(date) = date else {
            let field = cells().find(|(role, _)| *role == Role::Date).map(|(_, field)| field);
            let found = excerpt(field.map(|field| field.text(self.bytes)).unwrap_or_default());
            return Ok(Err((
                None,
                format!(
                    "the date is {found}, expected one such as 2025-06-13, 20250613 or 06/13/2025"
                ),
            )));
        };
        let last = cells().next_back().filter(|_| !is_closed);
        if let Some((role, field)) = last
            && role != Role::Other
            && !field.quoted
            && field.text(self.bytes).is_empty()
        {
            return Ok(Err((Some(date), "the file ends within the row".to_owned())));
        }
        let mut bar = Bar::new(date);
        for (role, field) in cells() {
            let text = field.text(self.bytes);
            let read = match role {
                Role::Open => self.value(&mut bar, BarField::Open, *field),
                Role::High => self.value(&mut bar, BarField::High, *field),
                Role::Low => self.value(&mut bar, BarField::Low, *field),
                Role::Close => self.value(&mut bar, BarField::Close, *field),
                Role::AdjClose => self.value(&mut bar, BarField::AdjClose, *field),
                Role::Volume => self.value(&mut bar, BarField::Volume, *field),
                Role::Symbol => {
                    self.same_symbol(text.trim_ascii(), field.start)?;
                    Ok(())
                }
                Role::Period => {
                    daily(text, field.start)?;
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(reason) = read {
                return Ok(Err((Some(date), reason)));
            }
        }
        if timed {
            self.timed.push((date, start));
        }
        for (role, field) in cells() {
            if let Role::Action(kind) = role {
                let (text, commas) = (field.text(self.bytes), self.commas(*field));
                let read = self.actions.read(date, kind, text, commas);
                match read {
                    Ok(Some(action)) => self.rows.push_action(action, field.start),
                    Ok(None) => {}
                    Err(expected) => {
                        self.rows.push_unreadable_action(Some(date));
                        warnings.push(field.start, || WarningKind::UnreadableAction {
                            date: Some(date),
                            reason: format!("{kind}: {}, expected {expected}", excerpt(text)),
                        });
                    }
                }
            }
        }
        Ok(Ok(bar))
    }

    /// Reads a field's date.
    fn day(&mut self, field: Field) -> Result<Day, NoDay> {
        let quick = self.months.quick(self.bytes, field.start, self.stop(field), b"");
        match quick.filter(|(_, end)| *end == field.end) {
            Some((date, _)) => Ok(Day { date, timed: false }),
            None => date::day(field.text(self.bytes)),
        }
    }

    /// What stands behind a field, if it is no line end.
    const fn stop(&self, field: Field) -> u8 {
        if field.quoted { b'"' } else { self.plan.separator }
    }

    /// Reads a price or the volume into the bar.
    fn value(&self, bar: &mut Bar, field: BarField, cell: Field) -> Result<(), String> {
        let text = cell.text(self.bytes);
        let is_volume = field == BarField::Volume;
        let is_lean = self.plan.is_lean && !is_volume;
        let places = if is_volume || is_lean { 0 } else { 9 };
        let quick = if places == 9 { quick_price } else { quick_whole };
        if !is_lean
            && let Some((value, end)) = quick(self.bytes, cell.start, self.stop(cell))
            && end == cell.end
        {
            bar.set(field, Some(value));
            return Ok(());
        }
        match number::cell(text, places, self.commas(cell)) {
            Cell::Unknown => {}
            Cell::Number(value, false) if is_lean && value.checked_mul(LEAN_UNIT).is_some() => {
                bar.set(field, value.checked_mul(LEAN_UNIT));
            }
            Cell::Number(value, rounded) if !is_lean && (!is_volume || value >= 0) => {
                bar.set(field, Some(value));
                // What the adjusted close loses is less than what adjusting it lost before.
                if rounded && field != BarField::AdjClose {
                    *bar = bar.with_flags(bar.flags() | BarFlags::ROUNDED);
                }
            }
            _ => {
                let expected = match (is_volume, is_lean) {
                    (true, _) => "a number that is not negative",
                    (_, true) => "a whole number of 1e-4, as in Lean's equity files",
                    _ => "a decimal number within ±9223372036.854775807",
                };
                return Err(format!("{} is {}, expected {expected}", field.name(), excerpt(text)));
            }
        }
        Ok(())
    }

    /// Whether commas may group the thousands of this cell.
    const fn commas(&self, cell: Field) -> bool {
        cell.quoted && self.plan.separator != b';'
    }

    /// Holds the symbol of a row against that of the rows before.
    fn same_symbol(&mut self, text: &'a [u8], position: usize) -> Result<()> {
        match self.symbol {
            _ if text.is_empty() => Ok(()),
            Some(symbol) if symbol != text => Err(several_symbols(symbol, text, position)),
            _ => {
                self.symbol = Some(text);
                Ok(())
            }
        }
    }

    fn finish(
        mut self,
        vendor: Vendor,
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        if self.readable == 0 {
            return Err(match self.bad {
                Some((position, reason, bad)) => ParseError::TooManyUnreadableRows {
                    bad,
                    total: bad,
                    position: at(position),
                    reason,
                },
                None => ParseError::NoRows { place: "the CSV", position: at(self.bytes.len()) },
            });
        }
        self.timed.sort_unstable();
        let twice = self.timed.windows(2).find_map(|pair| match pair {
            [(date, _), (next, position)] if date == next => Some((date, position)),
            _ => None,
        });
        if let Some((date, position)) = twice {
            return Err(ParseError::NotDaily {
                granularity: format!("more than one time of day on {date}"),
                position: at(*position),
            });
        }
        for date in self.actions.unknown() {
            self.rows.push_unreadable_action(Some(date));
        }
        let mut history = PriceHistory::new(vendor);
        let symbol = self.symbol.and_then(|text| std::str::from_utf8(text).ok());
        history.vendor_symbol = symbol.filter(|symbol| symbol.len() <= MAX_TEXT).map(str::to_owned);
        let ask = if self.has_words { ask.cut(Cut::Ends) } else { *ask };
        self.rows.finish(&mut history, self.plan.told(), &ask, warnings)?;
        Ok(history)
    }
}

/// What a row is taken to have at least, in bytes, where room is made for rows to come.
const SHORT_ROW: usize = 16;
/// The unit of Lean's prices, in units of 1e-9.
const LEAN_UNIT: i64 = 100_000;

/// Where a cell ends that holds this text and nothing else.
#[inline(always)]
fn same(bytes: &[u8], start: usize, separator: u8, text: &[u8]) -> Option<usize> {
    let rest = bytes.get(start..)?.strip_prefix(text)?;
    ends(*rest.first()?, separator).then_some(start + text.len())
}

/// Where an empty cell ends: where it begins. The last cell of the file may be cut off.
#[inline(always)]
fn nothing(bytes: &[u8], pos: usize, stop: u8) -> Option<usize> {
    bytes.get(pos).is_some_and(|byte| ends(*byte, stop)).then_some(pos)
}

/// Where the quote stands that closes a cell that is not read.
#[inline(always)]
fn quoted_other(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    loop {
        end += memchr(b'"', bytes.get(end..)?)?;
        if bytes.get(end + 1) != Some(&b'"') {
            return Some(end);
        }
        end += 2;
    }
}

/// Where a cell ends that is not read. `None` where a quote may follow, and at the file's end.
#[inline(always)]
fn other(bytes: &[u8], start: usize, separator: u8) -> Option<usize> {
    let rest = bytes.get(start..)?;
    if rest.first() == Some(&b' ') {
        return None;
    }
    let length = rest.iter().position(|byte| *byte == separator || *byte == b'\n')?;
    let is_cr =
        length > 0 && rest.get(length) == Some(&b'\n') && rest.get(length - 1) == Some(&b'\r');
    Some(start + length - usize::from(is_cr))
}

fn daily(text: &[u8], position: usize) -> Result<()> {
    let text = text.trim_ascii();
    if ["", "D", "1D", "daily"].iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes())) {
        return Ok(());
    }
    let granularity = String::from_utf8_lossy(text.get(..20).unwrap_or(text)).into_owned();
    Err(ParseError::NotDaily { granularity, position: at(position) })
}

#[cold]
fn day_first(text: &[u8], position: usize) -> ParseError {
    ParseError::Syntax {
        position: at(position),
        expected:
            "the month first, as in 06/13/2025: with the day first, dates such as 02/01/2025 \
                   would be read as others; write them as 2025-06-13"
                .to_owned(),
        found: format!("date {}", excerpt(text)),
    }
}
