//! Yahoo's v8 chart answer.
//!
//! One object: `chart.result[0]` holds `meta` (currency, symbol, time zone, …), `timestamp` (the
//! session's open, seconds since 1970), the columns `indicators.quote[0]` and
//! `indicators.adjclose[0].adjclose`, and `events`. Keys come in any order; unknown ones are
//! skipped; a known key that comes twice is an error, since either might be meant.
//!
//! Columns go straight into the bars, row by row: nothing is allocated a cell.

use cream_models::{
    Bar, BarField, Date, DateRange, Instrument, PriceHistory, Symbol, Timestamp, Vendor,
};

use crate::ask::{Ask, Asked};
use crate::columns;
use crate::error::{ParseError, Result, at, excerpt};
use crate::events;
use crate::finish::{self, Actions, RowLimit, Unreadable};
use crate::json::Reader;
use crate::values::{integer, text, value_at};
use crate::warnings::Warnings;
use crate::zone::Zone;

/// A chart as it stands, before its rows are judged.
#[derive(Debug, Default)]
pub(crate) struct Chart {
    meta: Meta,
    has_meta: bool,
    /// Where `timestamp` begins.
    timestamp_start: Option<usize>,
    /// Seconds since 1970; `None` of them is `BAD_TIME`.
    pub(crate) timestamps: Vec<i64>,
    pub(crate) bars: Vec<Bar>,
    /// Where each column begins and how long it is, by field.
    pub(crate) columns: [Option<(usize, usize)>; 6],
    /// Cells that cannot be read: row, field, position.
    pub(crate) bad_cells: Vec<(usize, BarField, usize)>,
    /// How many rows are read at most.
    pub(crate) limit: RowLimit,
    /// Where the events are; their dates need the time zone.
    events: Option<usize>,
    events_seen: bool,
}

#[derive(Debug, Default)]
struct Meta {
    instrument: Instrument,
    short_name: Option<String>,
    exchange_code: Option<String>,
    symbol: Option<Symbol>,
    market_time: Option<i64>,
    gmt_offset: Option<i64>,
    granularity: Option<(String, usize)>,
    zone_position: usize,
    start: usize,
}

/// Stands for a timestamp that is no whole number: outside of every date.
pub(crate) const BAD_TIME: i64 = i64::MIN;

/// Reads a chart answer. Positions count from the start of `json`.
pub(crate) fn read(
    json: &[u8],
    vendor: Vendor,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    let mut reader = Reader::new(json, 0);
    let mut members = reader.object("an object with the key \"chart\"")?;
    let mut chart = None;
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"chart" if chart.is_none() => chart = Some(answer(&mut reader, ask.limit)?),
            b"chart" => return Err(reader.unexpected("the key \"chart\" once")),
            // How Yahoo words its refusals.
            b"finance" => drop(answer(&mut reader, ask.limit)?),
            _ => reader.skip()?,
        }
    }
    reader.finish()?;
    let Some(chart) = chart else {
        return Err(ParseError::UnknownFormat { found: excerpt(json), position: 0 });
    };
    let chart = chart.ok_or(ParseError::NoRows { place: "the chart", position: 0 })?;
    history(json, chart, vendor, ask, warnings)
}

/// Reads `{"result":[…],"error":…}`: the first result if there is one.
fn answer(reader: &mut Reader<'_>, limit: RowLimit) -> Result<Option<Chart>> {
    let mut members = reader.object("an object with the keys \"result\" and \"error\"")?;
    let mut chart = None;
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"result" if chart.is_none() => {
                if reader.null()? {
                    continue;
                }
                let mut results = reader.array("an array of results")?;
                while reader.next_element(&mut results)? {
                    if chart.is_none() {
                        chart = Some(result(reader, limit)?);
                    } else {
                        reader.skip()?;
                    }
                }
            }
            b"result" => return Err(reader.unexpected("the key \"result\" once")),
            b"error" => refusal(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(chart)
}

/// Reads the value of `error`, an error where it is not null.
fn refusal(reader: &mut Reader<'_>) -> Result<()> {
    if reader.null()? {
        return Ok(());
    }
    let position = at(reader.pos);
    let mut members = reader.object("null or an object with a code and a description")?;
    let (mut code, mut description) = (String::new(), String::new());
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"code" => code = text(reader)?.unwrap_or_default(),
            b"description" => description = text(reader)?.unwrap_or_default(),
            _ => reader.skip()?,
        }
    }
    for words in [&mut code, &mut description] {
        if let Some((end, _)) = words.char_indices().nth(200) {
            words.truncate(end);
        }
    }
    if code.eq_ignore_ascii_case("not found") {
        Err(ParseError::NotFound { code, description, position })
    } else {
        Err(ParseError::VendorError { code, description, position })
    }
}

fn result(reader: &mut Reader<'_>, limit: RowLimit) -> Result<Chart> {
    let mut chart = Chart { limit, ..Chart::default() };
    let mut members = reader.object("an object with the keys \"meta\" and \"timestamp\"")?;
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"meta" if !chart.has_meta => {
                chart.has_meta = true;
                meta(reader, &mut chart.meta)?;
            }
            b"timestamp" if chart.timestamp_start.is_none() => {
                reader.peek();
                chart.timestamp_start = Some(reader.pos);
                if !reader.null()? {
                    columns::times(reader, &mut chart.timestamps, limit)?;
                }
            }
            b"indicators" => columns::indicators(reader, &mut chart)?,
            b"events" if !chart.events_seen => {
                chart.events_seen = true;
                if !reader.null()? {
                    chart.events = Some(reader.pos);
                    reader.skip()?;
                }
            }
            b"meta" | b"timestamp" | b"events" => return Err(reader.unexpected("each key once")),
            _ => reader.skip()?,
        }
    }
    Ok(chart)
}

fn meta(reader: &mut Reader<'_>, meta: &mut Meta) -> Result<()> {
    reader.peek();
    meta.start = reader.pos;
    let mut members = reader.object("an object with the key \"symbol\"")?;
    while let Some(key) = reader.next_key(&mut members)? {
        reader.peek();
        let start = reader.pos;
        match key.as_ref() {
            b"currency" => meta.instrument.currency = text(reader)?,
            b"fullExchangeName" => meta.instrument.exchange = text(reader)?,
            b"exchangeName" => meta.exchange_code = text(reader)?,
            b"instrumentType" => meta.instrument.kind = text(reader)?,
            b"longName" => meta.instrument.name = text(reader)?,
            b"shortName" => meta.short_name = text(reader)?,
            b"regularMarketTime" => meta.market_time = integer(reader)?,
            b"gmtoffset" => meta.gmt_offset = integer(reader)?,
            b"dataGranularity" => meta.granularity = text(reader)?.map(|text| (text, start)),
            b"exchangeTimezoneName" => {
                meta.instrument.time_zone = text(reader)?;
                meta.zone_position = start;
            }
            b"symbol" => {
                let Some(name) = text(reader)? else { continue };
                meta.symbol = Some(Symbol::parse(&name).map_err(|error| ParseError::Syntax {
                    position: at(start),
                    expected: error.to_string(),
                    found: excerpt(name.as_bytes()),
                })?);
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// Judges the rows of a chart.
fn history(
    json: &[u8],
    mut chart: Chart,
    vendor: Vendor,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    let meta = &mut chart.meta;
    if let Some((granularity, position)) = meta.granularity.take_if(|(text, _)| text != "1d") {
        return Err(ParseError::NotDaily { granularity, position: at(position) });
    }
    if chart.timestamps.is_empty() && chart.bars.is_empty() {
        let position = at(chart.timestamp_start.unwrap_or(meta.start));
        return Err(ParseError::NoRows { place: "the chart", position });
    }
    for (field, column) in BarField::ALL.into_iter().zip(chart.columns) {
        let Some((position, length)) = column else { continue };
        let timestamps = chart.timestamps.len();
        if length != timestamps {
            let (column, position) = (field.name(), at(position));
            return Err(ParseError::LengthMismatch { column, length, timestamps, position });
        }
    }
    let mut zone = match (&meta.instrument.time_zone, meta.gmt_offset) {
        (Some(name), _) => Zone::named(name).ok_or_else(|| ParseError::UnknownZone {
            name: name.clone(),
            position: at(meta.zone_position),
        })?,
        (None, Some(offset)) => Zone::fixed(offset).ok_or_else(|| ParseError::UnknownZone {
            name: format!("gmtoffset {offset}"),
            position: at(meta.start),
        })?,
        (None, None) => {
            let reader = Reader::new(json, meta.start);
            return Err(reader.unexpected("the keys \"exchangeTimezoneName\" or \"gmtoffset\""));
        }
    };
    let mut bars = chart.bars;
    // Columns may be absent, but every timestamp is a row.
    bars.resize(chart.timestamps.len(), Bar::new(Date::MIN));
    let mut bad_rows = Vec::new();
    for (row, (bar, &time)) in bars.iter_mut().zip(&chart.timestamps).enumerate() {
        match zone.date(time) {
            Some(date) => {
                let is_live = meta.market_time == Some(time);
                *bar = bar.with_date(date).with_final(!is_live);
            }
            None => bad_rows.push(row),
        }
    }
    let start = chart.timestamp_start.unwrap_or(0);
    let unreadable = if bad_rows.is_empty() && chart.bad_cells.is_empty() {
        Vec::new()
    } else {
        unreadable(json, start, &bad_rows, chart.bad_cells, &bars)
    };
    let last_time = chart.timestamps.iter().copied().filter(|time| *time != BAD_TIME).max();
    let mut history = PriceHistory::new(vendor);
    history.fetched_no_earlier_than = last_time
        .max(meta.market_time)
        .filter(|time| zone.date(*time).is_some())
        .map(Timestamp::from_seconds);
    let mut row_zone = zone.clone();
    let asked = match ask.asked(chart.timestamps.iter().filter_map(|time| row_zone.date(*time))) {
        Asked::Unknown => ask.period.map_or(Asked::Unknown, |period| {
            whole_dates(period, &mut zone).map_or(Asked::Nothing, Asked::Dates)
        }),
        asked => asked,
    };
    finish::bars(&mut history, bars, unreadable, asked, warnings)?;
    let mut actions = match chart.events {
        Some(start) => {
            let currency = chart.meta.instrument.currency.as_deref();
            events::read(json, start, currency, &mut zone, ask.limit, warnings)?
        }
        None => Actions::default(),
    };
    actions.decided = ask.events.unwrap_or(chart.events.is_some());
    finish::actions(&mut history, actions, warnings);
    warnings.place(|| {
        let dates = chart.timestamps.iter().map(|time| zone.date(*time)).collect::<Vec<_>>();
        dates.into_iter().zip(element_positions(json, start))
    });
    let meta = chart.meta;
    history.vendor_symbol = meta.symbol.as_ref().map(ToString::to_string);
    history.symbol = meta.symbol;
    history.instrument = meta.instrument;
    history.instrument.name = history.instrument.name.or(meta.short_name);
    history.instrument.exchange = history.instrument.exchange.or(meta.exchange_code);
    Ok(history)
}

/// The dates that lie in a period whole; `None` where none does, as in a day of UTC, which holds no
/// whole day of New York. Rows bear the start of their session, which is some time within its date:
/// of a date that the period cuts, only the row itself can tell whether it was asked for.
fn whole_dates((start, end): (i64, i64), zone: &mut Zone) -> Option<DateRange> {
    let first = match (zone.date(start)?, zone.date(start.checked_sub(1)?)?) {
        (date, before) if before < date => date,
        (date, _) => date.next()?,
    };
    DateRange::new(first, zone.date(end)?.previous()?).ok()
}

/// The rows with a bad timestamp or a bad cell, ascending, each once.
fn unreadable(
    json: &[u8],
    timestamp_start: usize,
    bad_rows: &[usize],
    mut bad_cells: Vec<(usize, BarField, usize)>,
    bars: &[Bar],
) -> Vec<Unreadable> {
    let mut found = Vec::new();
    let mut bad = bad_rows.iter().copied().peekable();
    for (row, position) in element_positions(json, timestamp_start).enumerate() {
        if bad.next_if_eq(&row).is_some() {
            let text = value_at(json, position);
            let reason = format!("timestamp is {text}, expected whole seconds in years 1 to 9999");
            found.push(Unreadable { row, date: None, position, reason });
        }
    }
    bad_cells.sort_unstable();
    bad_cells.dedup_by_key(|(row, ..)| *row);
    for (row, field, position) in bad_cells {
        if bad_rows.binary_search(&row).is_ok() {
            continue;
        }
        let expected = match field {
            BarField::Volume => "a whole number of at least 0 that fits 64 bits",
            _ => "a number within ±9223372036.854775807",
        };
        let reason =
            format!("{} is {}, expected {expected}", field.name(), value_at(json, position));
        let date = bars.get(row).map(Bar::date);
        found.push(Unreadable { row, date, position, reason });
    }
    found.sort_by_key(|row| row.row);
    found
}

/// Where each element of the array at `start`, known to be sound, begins.
fn element_positions(json: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let mut reader = Reader::new(json, start);
    let mut elements = reader.array("an array").ok();
    std::iter::from_fn(move || {
        reader.next_element(elements.as_mut()?).ok()?.then_some(())?;
        let position = reader.pos;
        reader.skip().ok()?;
        Some(position)
    })
}

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;
