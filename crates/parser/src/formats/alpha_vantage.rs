//! Alpha Vantage's daily series, `TIME_SERIES_DAILY` and `TIME_SERIES_DAILY_ADJUSTED`.
//!
//! Read: an object with `Meta Data` (`2. Symbol`, `4. Output Size`, `5. Time Zone`) and
//! `Time Series (Daily)`, an object of one row a date. Keys of a row are numbered, and are told by
//! their names: `open`, `high`, `low`, `close`, `volume` as traded, and in the adjusted form
//! `adjusted close`, `dividend amount` (a dividend where it is not 0) and `split coefficient` (a
//! split where it is not 1). Numbers are strings. The other form tells nothing of dividends and
//! splits. A compact answer holds the newest 100 rows, whatever was asked for: it decides from its
//! first row on.
//!
//! Refused: answers of other granularities, and the texts under `Information`, `Note` and
//! `Error Message`, which come with status 200, by what they say: too many calls, the day's quota is
//! spent, the key is not taken, the plan does not include it, the symbol is not known. They repeat
//! the API key, which is blanked.
//!
//! Described at <https://www.alphavantage.co/documentation/>.

use cream_models::{BarField, PriceHistory, Vendor, WarningKind};

use super::Source;
use crate::answer::Answer;
use crate::ask::{Ask, Cut};
use crate::error::{ParseError, Result, at, excerpt};
use crate::exact;
use crate::json::Reader;
use crate::record::{self, Events, Key, Row};
use crate::rows::Rows;
use crate::values::{self, value_at};
use crate::warnings::Warnings;
use crate::words;
use crate::zone::Zone;

pub(crate) struct AlphaVantage;

/// The key of the rows.
const SERIES: &[u8] = b"Time Series (Daily)";

/// What an answer says beside its rows.
#[derive(Debug, Default)]
struct Said {
    symbol: Option<String>,
    time_zone: Option<String>,
    is_full: bool,
    has_meta: bool,
    has_series: bool,
    /// The vendor's words, and where they stand.
    words: Option<(String, usize)>,
}

impl Source for AlphaVantage {
    fn vendor(&self) -> Vendor {
        Vendor::AlphaVantage
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        key == SERIES || matches!(key, b"Meta Data" | b"Information" | b"Note" | b"Error Message")
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let answer = super::single(answers)?;
        let Some(mut reader) = answer.json() else {
            // CSV does not tell whether it is compact.
            let ask = ask.cut(Cut::Start);
            return super::text(answer, self.vendor(), &ask, warnings);
        };
        let (mut rows, mut events) = (Rows::new(ask.limit), Events::new(ask.limit));
        let start = reader.clone();
        let said = series(&mut reader, &mut rows, &mut events, warnings)?;
        match said.words {
            Some((text, position)) if !said.has_series => {
                return Err(words::refusal("", &text, position));
            }
            Some((text, position)) => {
                warnings.push(position, || WarningKind::Vendor { words: words::quoted(&text) });
            }
            None if !said.has_series => {
                let expected = "an object with the key \"Time Series (Daily)\"";
                return Err(words::unexpected(&start, expected));
            }
            None => {}
        }
        if rows.is_empty() {
            return Err(ParseError::NoRows { place: "the series", position: at(start.pos) });
        }
        // Shorter than the whole, it may begin anywhere.
        let ask = if said.is_full { *ask } else { ask.cut(Cut::Start) };
        let told = events.told(&mut rows);
        let mut history = PriceHistory::new(self.vendor());
        rows.finish(&mut history, told, &ask, warnings)?;
        history.symbol = said.symbol.as_deref().and_then(record::canonical);
        history.vendor_symbol = said.symbol;
        history.instrument.time_zone = said.time_zone;
        Ok(history)
    }
}

fn series(
    reader: &mut Reader<'_>,
    rows: &mut Rows,
    events: &mut Events,
    warnings: &mut Warnings,
) -> Result<Said> {
    let mut said = Said::default();
    let mut members = reader.object("an object with the key \"Time Series (Daily)\"")?;
    let mut before = reader.clone();
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"Meta Data" if !said.has_meta => {
                said.has_meta = true;
                meta(reader, &mut said)?;
            }
            SERIES if !said.has_series => {
                said.has_series = true;
                let mut days = reader.object("an object of one row a date")?;
                while let Some(day) = reader.next_key(&mut days)? {
                    row(day.as_ref(), reader, rows, events, warnings)?;
                }
            }
            b"Meta Data" | SERIES => return Err(reader.unexpected("each key once")),
            b"Information" | b"Note" | b"Error Message" if said.words.is_none() => {
                said.words = Some(words::read(reader)?);
            }
            other if memchr::memmem::find(other, b"Time Series").is_some() => {
                before.peek();
                if memchr::memmem::find(other, b"Daily").is_some() {
                    return Err(before.unexpected("the key \"Time Series (Daily)\""));
                }
                return Err(ParseError::NotDaily {
                    granularity: String::from_utf8_lossy(other).chars().take(40).collect(),
                    position: at(before.pos),
                });
            }
            _ => reader.skip()?,
        }
        before = reader.clone();
    }
    reader.finish()?;
    Ok(said)
}

/// The part of a numbered key behind its number: `open` of `1. open`.
fn name(key: &[u8]) -> &[u8] {
    match key {
        [b'0'..=b'9', b'.', b' ', name @ ..] => name,
        _ => key,
    }
}

fn meta(reader: &mut Reader<'_>, said: &mut Said) -> Result<()> {
    let mut members = reader.object("an object with the key \"2. Symbol\"")?;
    while let Some(key) = reader.next_key(&mut members)? {
        reader.peek();
        let position = reader.pos;
        let slot = match name(key.as_ref()) {
            b"Symbol" => &mut said.symbol,
            b"Time Zone" => &mut said.time_zone,
            b"Output Size" => {
                let size = values::text(reader)?.unwrap_or_default();
                said.is_full = size.to_ascii_lowercase().starts_with("full");
                continue;
            }
            _ => {
                reader.skip()?;
                continue;
            }
        };
        if slot.is_some() {
            return Err(reader.unexpected("each key once"));
        }
        *slot = values::text(reader)?;
        if name(key.as_ref()) == b"Time Zone"
            && let Some(zone) = slot.as_deref().filter(|zone| Zone::named(zone).is_none())
        {
            let name = zone.chars().take(40).collect();
            return Err(ParseError::UnknownZone { name, position: at(position) });
        }
    }
    Ok(())
}

#[inline]
fn row(
    day: &[u8],
    reader: &mut Reader<'_>,
    rows: &mut Rows,
    events: &mut Events,
    warnings: &mut Warnings,
) -> Result<()> {
    let date = exact::iso(day);
    let (mut row, mut members) = match Row::of(date, reader)? {
        Ok(entered) => entered,
        Err(position) => {
            rows.push_unreadable_action(date);
            let found = value_at(reader.bytes(), position);
            let reason = format!("a row is {found}, expected an object");
            return rows.push_unreadable(date, position, reason);
        }
    };
    let (mut dividend, mut factor) = (None, None);
    while let Some(key) = rows.keys.next(reader, &mut members)? {
        match name(key.as_ref()) {
            b"open" => row.price(reader, BarField::Open)?,
            b"high" => row.price(reader, BarField::High)?,
            b"low" => row.price(reader, BarField::Low)?,
            b"close" => row.price(reader, BarField::Close)?,
            b"adjusted close" => row.price(reader, BarField::AdjClose)?,
            b"volume" => row.volume(reader)?,
            b"dividend amount" => dividend = Some(row.beside(reader, Key::Dividend)?),
            b"split coefficient" => factor = Some(row.beside(reader, Key::Split)?),
            _ => reader.skip()?,
        }
    }
    let json = reader.bytes();
    events.beside(date, dividend, factor, json, rows, warnings)?;
    if date.is_none() {
        let reason = format!("its key is {}, expected a date such as 2024-12-31", excerpt(day));
        return rows.push_unreadable(None, row.position, reason);
    }
    row.finish(json, rows)
}

#[cfg(test)]
#[path = "alpha_vantage_tests.rs"]
mod tests;
