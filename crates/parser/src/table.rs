//! The price table of Yahoo's history page.
//!
//! It is the first table whose header row names Date, Open, High, Low, Close, Adj Close and
//! Volume, in any order: class names are hashed and change. Rows end where a browser would end
//! them, with or without end tags.

use cream_models::{Bar, BarField, BarFlags, CorporateAction, Date, WarningKind};

use crate::cells::{self, Cell};
use crate::error::{ParseError, Result, at, excerpt};
use crate::finish::{RowLimit, Unreadable};
use crate::html::{Token, Tokens, decoded, name};
use crate::warnings::Warnings;

/// A row as the table shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) bar: Bar,
    /// How many decimals each field shows.
    pub(crate) decimals: [u8; 6],
    /// Where the row begins.
    pub(crate) position: usize,
}

/// The price table, read.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Where the table begins.
    pub(crate) start: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) actions: Vec<(CorporateAction, usize)>,
    /// Events that cannot be read: the date, where readable, and where they stand.
    pub(crate) bad_actions: Vec<(Option<Date>, usize, String)>,
    columns: Columns,
    limit: RowLimit,
}

/// What stands in which column.
type Columns = Vec<Option<Column>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Date,
    Field(BarField),
}

/// More cells in a row are not looked at.
const MAX_CELLS: usize = 64;

/// One row's cells.
#[derive(Debug, Default)]
struct Cells {
    start: usize,
    text: String,
    cells: Vec<CellText>,
}

#[derive(Debug)]
struct CellText {
    /// Where its text ends among the row's.
    end: usize,
    span: usize,
    /// Where in the page its content begins and ends.
    content: (usize, usize),
    /// How many runs of text it has, and whether there is anything else in it.
    runs: usize,
    has_markup: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// At its end tag.
    Row,
    /// At what else ends a row.
    RowImplied,
    Table,
    Input,
    /// At another table, where none was wanted.
    Nested,
}

/// The bytes around the texts of a row, which most rows share.
#[derive(Clone, Copy, Debug)]
struct Template<'a> {
    open: &'a [u8],
    gap: &'a [u8],
    tail: &'a [u8],
}

/// Reads the table whose start tag was just read, if it is a price table; otherwise the reader
/// stays where it is.
pub(crate) fn read(
    tokens: &mut Tokens<'_>,
    start: usize,
    limit: RowLimit,
) -> Result<Option<Table>> {
    let mut ahead = tokens.clone();
    let mut row = Cells::default();
    let columns = loop {
        match row.read(&mut ahead, false) {
            Ended::Row | Ended::RowImplied if row.cells.is_empty() => {}
            Ended::Row | Ended::RowImplied => match row.columns() {
                Some(columns) => break columns,
                None => return Ok(None),
            },
            Ended::Table | Ended::Input | Ended::Nested => return Ok(None),
        }
    };
    *tokens = ahead;
    let mut table = Table { start, columns, limit, ..Table::default() };
    table.read_rows(tokens, &mut row)?;
    Ok(Some(table))
}

impl Table {
    fn read_rows<'a>(&mut self, tokens: &mut Tokens<'a>, row: &mut Cells) -> Result<()> {
        let mut template: Option<Template<'a>> = None;
        loop {
            if let Some(template) = template {
                while let Some((row, end)) = self.fast_row(tokens.html(), tokens.pos, template) {
                    self.push(row)?;
                    tokens.pos = end;
                }
            }
            let ended = row.read(tokens, true);
            match ended {
                Ended::Row | Ended::RowImplied => {
                    let rows = self.rows.len();
                    self.slow_row(row)?;
                    if ended == Ended::Row && self.rows.len() > rows && self.unreadable.is_empty() {
                        template = row.template(tokens, self.columns.len()).or(template);
                    }
                }
                Ended::Table | Ended::Nested => return Ok(()),
                Ended::Input => {
                    return Err(ParseError::Truncated {
                        position: at(tokens.html().len()),
                        expected: "the rest of the price table and its end tag".to_owned(),
                    });
                }
            }
        }
    }

    fn push(&mut self, row: Row) -> Result<()> {
        self.limit.check(self.rows.len(), row.position)?;
        self.rows.push(row);
        Ok(())
    }

    /// Reads a row that has the same bytes around its texts as an earlier one; `None` where it
    /// has not, or where a text is not plainly a number.
    #[inline]
    fn fast_row(&self, html: &[u8], start: usize, template: Template<'_>) -> Option<(Row, usize)> {
        let all = html.get(start..)?;
        let mut rest = all.strip_prefix(template.open)?;
        let mut row = Row { bar: Bar::new(Date::MIN), decimals: [0; 6], position: start };
        let last = self.columns.len() - 1;
        for (index, column) in self.columns.iter().enumerate() {
            let length = match column {
                Some(Column::Date) => {
                    let (date, length) = cells::date(rest)?;
                    row.bar = row.bar.with_date(date);
                    length
                }
                Some(Column::Field(field)) => match rest {
                    [b'-', b'<', ..] => 1,
                    _ => {
                        let (number, length) = cells::decimal(rest)?;
                        row.set(*field, number)?;
                        length
                    }
                },
                None => memchr::memchr(b'<', rest)?,
            };
            let edge = if index == last { template.tail } else { template.gap };
            rest = rest.get(length..)?.strip_prefix(edge)?;
        }
        Some((row, start + all.len() - rest.len()))
    }

    /// Reads a row in any shape.
    fn slow_row(&mut self, cells: &Cells) -> Result<()> {
        let position = cells.start;
        let (mut row, mut date_text, mut bad) =
            (Row { bar: Bar::new(Date::MIN), decimals: [0; 6], position }, None, None);
        let (mut column, mut event, mut seen) = (0, None, 0);
        for (cell, text) in cells.iter() {
            if cell.span > 1 {
                event = event.or(Some(text));
                column += cell.span;
                continue;
            }
            match self.columns.get(column) {
                Some(Some(Column::Date)) => date_text = Some(text),
                Some(Some(Column::Field(field))) => {
                    seen += 1;
                    let text = fold(text);
                    let is_read = match cells::cell(&text) {
                        Cell::Unknown => Some(()),
                        Cell::Number(number) => row.set(*field, number),
                        Cell::Bad => None,
                    };
                    if is_read.is_none() && bad.is_none() {
                        bad = Some(format!("{} is {}", field.name(), excerpt(text.as_bytes())));
                    }
                }
                _ => {}
            }
            column += 1;
        }
        let date_text = date_text.map(fold).unwrap_or_default();
        let date = cells::date_text(&date_text);
        if let Some(event) = event {
            if !date_text.is_empty() {
                self.event(date, &fold(event), position);
            }
            return Ok(());
        }
        if cells.cells.is_empty() || date_text.eq_ignore_ascii_case("date") {
            return Ok(());
        }
        let reason = match (date, bad) {
            (None, _) => Some(format!(
                "its date is {}, expected one such as \"Jun 13, 2025\"",
                excerpt(date_text.as_bytes())
            )),
            (Some(_), Some(bad)) => Some(format!("{bad}, expected a number such as 1,234.56")),
            (Some(_), None) if seen < 6 => {
                Some(format!("it has {} cells, expected {}", cells.cells.len(), self.columns.len()))
            }
            _ => None,
        };
        if let Some(date) = date {
            row.bar = row.bar.with_date(date);
        }
        if let Some(reason) = reason {
            self.unreadable.push(Unreadable { row: self.rows.len(), date, position, reason });
        }
        self.push(row)
    }

    fn event(&mut self, date: Option<Date>, text: &str, position: usize) {
        match (date, cells::event(text)) {
            (Some(date), (_, Some(event))) => {
                self.actions.push((CorporateAction { date, event }, position));
            }
            _ => self.bad_actions.push((date, position, excerpt(text.as_bytes()))),
        }
    }

    /// Warns of the events that cannot be read, and gives their dates.
    pub(crate) fn bad_events(&self, warnings: &mut Warnings) -> Vec<Option<Date>> {
        let warned = self.bad_actions.iter().map(|(date, position, text)| {
            warnings.push(*position, || WarningKind::UnreadableAction {
                date: *date,
                reason: format!(
                    "the row says {text}, expected such as \"0.26 Dividend\" or \"3:1 Stock \
                     Splits\" with a date"
                ),
            });
            *date
        });
        warned.collect()
    }

    /// The text of a cell of the row that begins at a position.
    pub(crate) fn cell_text(&self, html: &[u8], position: usize, field: BarField) -> String {
        let mut row = Cells::default();
        row.read(&mut Tokens::new(html, position), true);
        let mut texts = row.iter().zip(&self.columns);
        let text = texts.find(|(_, column)| **column == Some(Column::Field(field)));
        text.map(|((_, text), _)| fold(text)).unwrap_or_default()
    }
}

impl Row {
    #[inline(always)]
    fn set(&mut self, field: BarField, number: cells::Decimal) -> Option<()> {
        if let Some(decimals) = self.decimals.get_mut(field as usize) {
            *decimals = number.decimals;
        }
        if field == BarField::Volume {
            if number.decimals > 0 || number.value < 0 {
                return None;
            }
            self.bar.set(field, Some(number.value));
        } else {
            let (nanos, rounded) = number.nanos()?;
            self.bar.set(field, Some(nanos));
            if rounded {
                self.bar = self.bar.with_flags(self.bar.flags() | BarFlags::ROUNDED);
            }
        }
        Some(())
    }
}

impl Cells {
    /// Reads the next row from outside of a row.
    fn read(&mut self, tokens: &mut Tokens<'_>, nest: bool) -> Ended {
        self.text.clear();
        self.cells.clear();
        let (mut in_row, mut in_cell, mut nested) = (false, false, 0_usize);
        loop {
            let before = tokens.pos;
            let Some(token) = tokens.next() else { return Ended::Input };
            match token {
                Token::Text(text) if in_cell => self.add_text(text),
                Token::Text(_) => {}
                Token::Start(tag) => match tag.name {
                    TR if nested == 0 => {
                        if in_row {
                            tokens.pos = before;
                            self.close(in_cell, before);
                            return Ended::RowImplied;
                        }
                        (in_row, self.start) = (true, tag.start);
                    }
                    TD | TH if nested == 0 => {
                        self.close(in_cell, tag.start);
                        if !in_row {
                            (in_row, self.start) = (true, tag.start);
                        }
                        in_cell = self.cells.len() < MAX_CELLS;
                        if in_cell {
                            let span = tag.attribute(b"colspan");
                            let span = span.and_then(|span| span.trim().parse().ok()).unwrap_or(1);
                            self.cells.push(CellText {
                                end: self.text.len(),
                                span: span.clamp(1, 1000),
                                content: (tag.end, tag.end),
                                runs: 0,
                                has_markup: false,
                            });
                        }
                    }
                    TBODY | THEAD | TFOOT if nested == 0 => {
                        if in_row {
                            self.close(in_cell, tag.start);
                            return Ended::RowImplied;
                        }
                    }
                    TABLE if !nest => return Ended::Nested,
                    TABLE if in_cell => {
                        nested += 1;
                        self.note_markup();
                    }
                    TABLE => {
                        tokens.pos = before;
                        self.close(in_cell, tag.start);
                        return if in_row { Ended::RowImplied } else { Ended::Table };
                    }
                    _ => self.note_markup(),
                },
                Token::End(tag) => match tag.name {
                    TABLE if nested > 0 => nested -= 1,
                    TD | TH if nested == 0 => {
                        self.close(in_cell, tag.start);
                        in_cell = false;
                    }
                    TR | TBODY | THEAD | TFOOT if nested == 0 && in_row => {
                        self.close(in_cell, tag.start);
                        return if tag.name == TR { Ended::Row } else { Ended::RowImplied };
                    }
                    TABLE => {
                        self.close(in_cell, tag.start);
                        if in_row {
                            tokens.pos = before;
                            return Ended::RowImplied;
                        }
                        return Ended::Table;
                    }
                    _ => self.note_markup(),
                },
            }
        }
    }

    fn add_text(&mut self, text: &[u8]) {
        let Some(cell) = self.cells.last_mut() else { return };
        // Markup between two runs parts words no more than a browser's text would.
        self.text.push_str(&decoded(text, false));
        cell.end = self.text.len();
        cell.runs += 1;
    }

    fn note_markup(&mut self) {
        if let Some(cell) = self.cells.last_mut() {
            cell.has_markup = true;
        }
    }

    fn close(&mut self, in_cell: bool, end: usize) {
        if in_cell && let Some(cell) = self.cells.last_mut() {
            cell.content.1 = end;
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&CellText, &str)> {
        let mut start = 0;
        self.cells.iter().map(move |cell| {
            let text = self.text.get(start..cell.end).unwrap_or_default();
            start = cell.end;
            (cell, text)
        })
    }

    /// The columns, where these are the header's cells of a price table.
    fn columns(&self) -> Option<Columns> {
        const NAMES: [(&str, Column); 7] = [
            ("Date", Column::Date),
            ("Open", Column::Field(BarField::Open)),
            ("High", Column::Field(BarField::High)),
            ("Low", Column::Field(BarField::Low)),
            ("Close", Column::Field(BarField::Close)),
            ("Adj Close", Column::Field(BarField::AdjClose)),
            ("Volume", Column::Field(BarField::Volume)),
        ];
        let mut columns = Columns::new();
        for (cell, text) in self.iter() {
            let text = fold(text);
            let named = NAMES.into_iter().find(|(name, _)| {
                // The name, then anything but more of the same word; tooltips follow.
                text.split_at_checked(name.len()).is_some_and(|(start, after)| {
                    start.eq_ignore_ascii_case(name)
                        && !after.starts_with(|next: char| next.is_lowercase() || next.is_numeric())
                })
            });
            let column = named.map(|(_, column)| column).filter(|c| !columns.contains(&Some(*c)));
            columns.push(column);
            columns.resize(columns.len() + cell.span.min(MAX_CELLS) - 1, None);
        }
        NAMES.iter().all(|(_, column)| columns.contains(&Some(*column))).then_some(columns)
    }

    /// The bytes around the texts of this row, if its cells are all plain.
    fn template<'a>(&self, tokens: &Tokens<'a>, columns: usize) -> Option<Template<'a>> {
        let html = tokens.html();
        let is_plain = |cell: &CellText| cell.span == 1 && cell.runs == 1 && !cell.has_markup;
        if self.cells.len() != columns || !self.cells.iter().all(is_plain) {
            return None;
        }
        let contents = self.cells.iter().map(|cell| cell.content);
        let mut gaps = contents
            .clone()
            .zip(contents.skip(1))
            .map(|((_, end), (start, _))| html.get(end..start).unwrap_or_default());
        let gap = gaps.next()?;
        if gaps.any(|other| other != gap) {
            return None;
        }
        Some(Template {
            open: html.get(self.start..self.cells.first()?.content.0)?,
            gap,
            tail: html.get(self.cells.last()?.content.1..tokens.pos)?,
        })
    }
}

const TABLE: u64 = name(b"table");
const TBODY: u64 = name(b"tbody");
const THEAD: u64 = name(b"thead");
const TFOOT: u64 = name(b"tfoot");
const TR: u64 = name(b"tr");
const TD: u64 = name(b"td");
const TH: u64 = name(b"th");

/// Text with runs of white space as one space, none at the ends.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
