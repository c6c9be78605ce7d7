//! Yahoo's history page: the chart answer embedded in it first, its price table as a fallback.
//!
//! The embedded answer is exact and knows currency, time zone and events; the table is rounded to
//! two decimals. Where both are there they are held against each other.

use std::borrow::Cow;

use cream_models::{
    Bar, CorporateAction, Date, PriceHistory, Symbol, Timestamp, Vendor, WarningKind,
};

use crate::ask::{Ask, Cut};
use crate::chart;
use crate::check;
use crate::error::{ParseError, Result, at};
use crate::finish::{self, Actions, RowLimit};
use crate::html::{Tag, Token, Tokens, decoded, name};
use crate::json::{self, Reader};
use crate::refusals;
use crate::table::{self, Table};
use crate::warnings::Warnings;
use crate::zone::Zone;

/// What a page holds.
#[derive(Debug, Default)]
struct Parts<'a> {
    scripts: Vec<Script<'a>>,
    table: Option<Result<Table>>,
    /// Tables that are not the price table.
    other_tables: usize,
    /// The symbol of the canonical link or of the title.
    canonical: Option<Symbol>,
    title: Option<Symbol>,
    opens_html: bool,
    closes_html: bool,
    unfinished: Option<&'static str>,
}

/// A script that holds a chart answer.
#[derive(Clone, Debug)]
struct Script<'a> {
    url: String,
    content: &'a [u8],
    start: usize,
}

/// Reads a history page.
pub(crate) fn read(html: &[u8], ask: &Ask, warnings: &mut Warnings) -> Result<PriceHistory> {
    let mut parts = find(html, ask.limit);
    let page_symbol = parts.canonical.take().or(parts.title.take());
    let (mut first_error, mut period) = (None, None);
    for script in ranked(parts.scripts, page_symbol.as_ref()) {
        let mut own = warnings.fresh();
        match embedded(html, &script, ask, &mut own) {
            Ok(history) => {
                match &parts.table {
                    Some(Ok(table)) => check::tables(html, &history, table, &mut own),
                    Some(Err(error @ ParseError::Truncated { .. })) => return Err(error.clone()),
                    _ => {}
                }
                *warnings = own;
                return Ok(history);
            }
            Err(error) => {
                first_error.get_or_insert((error, script.start));
                period = period.or(script.period());
            }
        }
    }
    // Without the embedded data it matters whether the page is all there.
    if parts.unfinished.is_some() || parts.opens_html && !parts.closes_html {
        if let Some(refusal) = refusals::of_page(html) {
            return Err(refusal);
        }
        let inside = parts.unfinished.map_or_else(String::new, |what| format!(" of {what} and"));
        return Err(ParseError::Truncated {
            position: at(html.len()),
            expected: format!("the end{inside} of the page"),
        });
    }
    match (parts.table, first_error) {
        (Some(Ok(table)), error) if !table.rows.is_empty() || error.is_none() => {
            if let (Some((error, position)), Some(row)) = (error, table.rows.first()) {
                let date = row.bar.date();
                warnings.push(position, || WarningKind::OnlyInOne {
                    date,
                    what: format!(
                        "the embedded chart data cannot be read, so this and all other rows are \
                         the table's: {error}"
                    ),
                });
            }
            bare(table, page_symbol, &of_table(ask, period), warnings)
        }
        (_, Some((error, _))) | (Some(Err(error)), None) => Err(error),
        (_, None) => Err(refusals::of_page(html).unwrap_or(ParseError::NoPriceTable {
            position: at(html.len()),
            tables: parts.other_tables,
        })),
    }
}

/// Finds the parts of a page in one pass.
fn find(html: &[u8], limit: RowLimit) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut tokens = Tokens::new(html, 0);
    let mut templates = 0_usize;
    while let Some(token) = tokens.next_tag() {
        match token {
            Token::Start(tag) => match tag.name {
                SCRIPT if templates == 0 && parts.scripts.len() < MAX_SCRIPTS => {
                    parts.scripts.extend(script(&tag));
                }
                TABLE if templates == 0 && parts.table.is_none() => {
                    match table::read(&mut tokens, tag.start, limit).transpose() {
                        Some(table) => parts.table = Some(table),
                        None => parts.other_tables += 1,
                    }
                }
                TEMPLATE => templates += 1,
                LINK if parts.canonical.is_none() => parts.canonical = canonical(&tag),
                TITLE if parts.title.is_none() => parts.title = title(&tag),
                HTML => parts.opens_html = true,
                _ => {}
            },
            Token::End(tag) => match tag.name {
                TEMPLATE => templates = templates.saturating_sub(1),
                HTML => parts.closes_html = true,
                _ => {}
            },
            Token::Text(_) => {}
        }
    }
    parts.unfinished = tokens.unfinished;
    parts
}

const SCRIPT: u64 = name(b"script");
const TABLE: u64 = name(b"table");
const TEMPLATE: u64 = name(b"template");
const LINK: u64 = name(b"link");
const TITLE: u64 = name(b"title");
const HTML: u64 = name(b"html");

/// More chart scripts are not looked at.
const MAX_SCRIPTS: usize = 256;
/// Where chart answers come from.
const CHART_PATH: &str = "/v8/finance/chart/";

fn script<'a>(tag: &Tag<'a>) -> Option<Script<'a>> {
    let url = tag.attribute(b"data-url")?;
    url.contains(CHART_PATH).then(|| Script {
        url: url.into_owned(),
        content: tag.content,
        start: tag.end,
    })
}

/// The symbol of `<link rel="canonical" href="https://…/quote/TSLA/history/">`.
fn canonical(tag: &Tag<'_>) -> Option<Symbol> {
    let rel = tag.attribute(b"rel")?;
    rel.split_whitespace().find(|word| word.eq_ignore_ascii_case("canonical"))?;
    let address = tag.attribute(b"href")?;
    let (_, after) = address.split_once("/quote/")?;
    Symbol::parse(&percent_decoded(after.split(['/', '?', '#']).next()?)).ok()
}

/// The symbol of `<title>Tesla, Inc. (TSLA) …`: the last text in parentheses that is one, as a
/// name may have some of its own.
fn title(tag: &Tag<'_>) -> Option<Symbol> {
    let text = decoded(tag.content, false);
    let (before, _) = text.split_once("Stock Historical Prices")?;
    let before = before.trim_end().strip_suffix(')')?;
    let (_, symbol) = before.rsplit_once('(')?;
    Symbol::parse(symbol).ok()
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let code = match (byte, after) {
            (b'%', [high, low, ..]) => char::from(*high)
                .to_digit(16)
                .zip(char::from(*low).to_digit(16))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok()),
            _ => None,
        };
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

impl Script<'_> {
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, query) = self.url.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| percent_decoded(value))
    }

    fn symbol(&self) -> Option<Symbol> {
        let (_, after) = self.url.split_once(CHART_PATH)?;
        Symbol::parse(&percent_decoded(after.split(['/', '?', '#']).next()?)).ok()
    }

    /// Whether the events were asked for that move prices: an address may name some kinds alone.
    fn events(&self) -> Option<bool> {
        let kinds = self.parameter("events")?;
        Some(["div", "split"].iter().all(|kind| kinds.contains(kind)))
    }

    fn period(&self) -> Option<(i64, i64)> {
        let time = |name| self.parameter(name)?.parse().ok();
        Some((time("period1")?, time("period2")?))
    }
}

/// The scripts that may hold the page's daily history, the likeliest first: a page may carry
/// charts of the day or of other symbols beside it.
fn ranked<'a>(scripts: Vec<Script<'a>>, symbol: Option<&Symbol>) -> Vec<Script<'a>> {
    let mut daily: Vec<_> = scripts
        .into_iter()
        .filter(|script| script.parameter("interval").is_none_or(|interval| interval == "1d"))
        .filter(|script| symbol.is_none() || script.symbol().as_ref() == symbol)
        .collect();
    daily
        .sort_by_key(|script| std::cmp::Reverse((script.period().is_some(), script.content.len())));
    daily
}

/// Reads the chart answer in a script: JSON in a string in JSON.
fn embedded(
    html: &[u8],
    script: &Script<'_>,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    let end = script.start + script.content.len();
    if end == html.len() {
        return Err(ParseError::Truncated {
            position: at(end),
            expected: "the rest of the embedded chart data and its end tag".to_owned(),
        });
    }
    let moved = |position: u64| position.saturating_add(at(script.start));
    let mut reader = Reader::new(script.content, 0);
    let body = body(&mut reader).map_err(|error| error.moved(moved))?;
    let mut answer = Vec::with_capacity(body.raw().len());
    json::unescape(body.raw(), script.start + body.start, &mut answer)?;
    let ask =
        Ask { period: script.period(), events: ask.events.or_else(|| script.events()), ..*ask };
    let base = script.start + body.start;
    let mut positions = json::EscapedPositions::new(body.raw());
    let mut moved =
        |position: u64| at(base + positions.of(usize::try_from(position).unwrap_or(usize::MAX)));
    let history = chart::read(&answer, Vendor::YahooPage, &ask, warnings)
        .map_err(|error| error.moved(&mut moved))?;
    warnings.move_positions(moved);
    Ok(history)
}

/// The string `body` of `{"status":200,…,"body":"…"}`.
fn body<'a>(reader: &mut Reader<'a>) -> Result<json::Text<'a>> {
    let mut body = None;
    let mut members = reader.object("an object with the key \"body\"")?;
    while let Some(key) = reader.next_key(&mut members)? {
        if key.as_ref() == b"body" && body.is_none() {
            body = Some(reader.string()?);
        } else {
            reader.skip()?;
        }
    }
    reader.finish()?;
    body.ok_or_else(|| reader.unexpected("an object with the key \"body\""))
}

/// What was asked for, for the table: a page may show the newest rows of it alone. Its time zone is
/// not known, but a day more or less at an end has a row there or decides nothing.
fn of_table(ask: &Ask, period: Option<(i64, i64)>) -> Ask {
    match (ask.to, period, Zone::fixed(0)) {
        (None, Some((start, end)), Some(mut utc)) => {
            let (from, to) = (utc.date(start), utc.date(end.saturating_sub(1)));
            Ask { from, to, ..*ask }.cut(Cut::Ends)
        }
        _ => *ask,
    }
}

/// The history of a page that has only its table.
fn bare(
    table: Table,
    symbol: Option<Symbol>,
    ask: &Ask,
    warnings: &mut Warnings,
) -> Result<PriceHistory> {
    if table.rows.is_empty() {
        return Err(ParseError::NoRows { place: "the price table", position: at(table.start) });
    }
    let mut history = PriceHistory::new(Vendor::YahooPage);
    history.vendor_symbol = symbol.as_ref().map(ToString::to_string);
    history.symbol = symbol;
    let bad = |row: usize| table.unreadable.binary_search_by_key(&row, |bad| bad.row).is_ok();
    let dates: Vec<(Option<Date>, usize)> = table
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| ((!bad(index)).then(|| row.bar.date()), row.position))
        .collect();
    let newest = dates.iter().filter_map(|(date, _)| *date).max();
    let live_from = ask.fetched_on.or(newest);
    let rows: Vec<Bar> = table
        .rows
        .iter()
        .map(|row| row.bar.with_final(live_from.is_none_or(|from| row.bar.date() < from)))
        .collect();
    // A date begins first where the clocks are 14 hours ahead of UTC.
    history.fetched_no_earlier_than =
        newest.map(|date| Timestamp::start_of(date).plus_seconds(-14 * 3600));
    let unreadable = table.bad_events(warnings);
    let read: Vec<(CorporateAction, usize)> = table.actions;
    let asked = ask.asked(dates.iter().filter_map(|(date, _)| *date));
    finish::bars(&mut history, rows, table.unreadable, asked, warnings)?;
    // The page's own request may leave events out; where it shows some, it shows all.
    let decided = ask.events.unwrap_or(!read.is_empty());
    finish::actions(&mut history, Actions { read, unreadable, decided }, warnings);
    warnings.place(|| dates.into_iter());
    Ok(history)
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
