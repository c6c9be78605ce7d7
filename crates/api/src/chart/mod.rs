//! The same data in the shape of Yahoo's chart endpoint, for clients that were made for that one.
//!
//! Such a client sends parameters of which nothing is known here, and reads nothing but Yahoo's own
//! shape, errors too. So this route alone ignores what it does not know, and its errors are no
//! problem documents. What it answers depends on the database alone, never on a clock: ranges reach
//! back from the last bar.

mod events;
mod query;
mod session;
mod write;

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{Adjustment, BarField, Date, DateRange, Interval, Price, PriceBasis, Symbol};
use cream_store::{BarQuery, Order, Reader, Series, Stock, Store, StoredBar};

use crate::adjusted::{self, Needed};
use crate::answer::{Answer, Body, tag};
use crate::negotiate::IfNoneMatch;
use crate::openapi::{chart as schema, params as takes};
use crate::params::{Params, SymbolInPath};
use crate::periods::Periods;
use crate::problem::{ApiError, ErrorCode};
use crate::state::{State, find_series, series_state};
use events::Events;
use query::{ChartQuery, Window};
use session::Session;

/// Which segment of the path, counted from the empty one before the first slash, is the symbol.
const SYMBOL_SEGMENT: usize = 4;

/// `GET /v8/finance/chart/{symbol}`
#[utoipa::path(
    get,
    path = "/v8/finance/chart/{symbol}",
    operation_id = "getChart",
    tag = "chart",
    params(SymbolInPath, takes::Chart, IfNoneMatch),
    responses((status = 200, description = "Bars in columns", body = schema::ChartAnswer)),
)]
pub(crate) async fn chart(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    answer(&request, &state, params, held).await.map_err(ApiError::in_chart_shape)
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    // What is no symbol is held by nobody, and clients know one answer to that.
    let symbol = SymbolInPath::segment(request.uri().path(), SYMBOL_SEGMENT)
        .map_err(|error| ApiError::new(ErrorCode::UnknownSymbol, error.to_string()))?;
    let query = ChartQuery::read(params)?;
    Ok(state.blocking(move |store| read_chart(store, &symbol, &query, &held)).await?.into())
}

/// What an answer is written from.
struct Chart {
    stock: Stock,
    series: Series,
    session: Session,
    /// The last bar of the series, wherever the window ends.
    last: Option<StoredBar>,
    /// Split-adjusted.
    bars: Vec<StoredBar>,
    /// The close of the bar before the first one, split-adjusted.
    previous_close: Option<Price>,
    /// Whether their adjusted closes are asked for and known.
    has_adjusted_closes: bool,
    events: Events,
}

fn read_chart(
    store: &Store,
    symbol: &Symbol,
    query: &ChartQuery,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    // The text is written once the connection is back in the pool.
    let read = store.read_any(|reader| {
        let (stock, series) = find(reader, symbol, query)?;
        let tag = tag_of(query, &stock, &series);
        if let Some(unchanged) = Answer::unchanged(held, &tag) {
            return Ok::<_, ApiError>(Err(unchanged));
        }
        Ok(Ok((tag, read_series(reader, stock, series, query)?)))
    })?;
    Ok(match read {
        Ok((tag, chart)) => Answer::Body(Body::json(tag, write::chart(query, &chart))),
        Err(unchanged) => unchanged,
    })
}

/// The series asked for, or the freshest of those whose prices can be given split-adjusted.
fn find(
    reader: &mut Reader<'_>,
    symbol: &Symbol,
    query: &ChartQuery,
) -> Result<(Stock, Series), ApiError> {
    let (stock, series) = find_series(reader, symbol, query.vendor)?;
    let is_able = |series: &Series| Adjustment::Splits.check(series.vendor).is_ok();
    if is_able(&series) {
        return Ok((stock, series));
    }
    if query.vendor.is_none() {
        let held = reader.series_of(stock.id)?.into_iter();
        let able = held.filter(|series| is_able(series) && series.last_date.is_some());
        // Of equals the first, as everywhere.
        let fresher = |best: Series, series: Series| {
            if series.last_date > best.last_date { series } else { best }
        };
        if let Some(series) = able.reduce(fresher) {
            return Ok((stock, series));
        }
    }
    adjusted::check(reader, &series, Adjustment::Splits)?;
    Ok((stock, series))
}

/// The tag of everything that an answer depends on.
fn tag_of(query: &ChartQuery, stock: &Stock, series: &Series) -> String {
    let text = |said: &Option<cream_store::Said>| said.as_ref().map(|said| said.text.clone());
    let description = &series.description;
    let state = series_state("chart", stock, series)
        // The state holds those of the texts that every answer shows.
        .optional(text(&description.name))
        .optional(text(&description.exchange))
        .optional(text(&description.kind));
    // More may become known without any bar or action changing.
    let known = series.actions_known.iter().flat_map(|range| [range.first(), range.last()]);
    let state = known.fold(state, |state, date| state.number(i64::from(date.days())));
    tag(query.fingerprint(state.part("asked")))
}

fn read_series(
    reader: &mut Reader<'_>,
    stock: Stock,
    series: Series,
    query: &ChartQuery,
) -> Result<Chart, ApiError> {
    let session = Session::of(&stock.symbol, &series);
    let last = reader.latest_bar(stock.id, series.vendor)?;
    let mut window = query.window(&session, series.last_date);
    let mut bars = bars_of(reader, &series, window)?;
    if query.interval != Interval::Day
        && let Some(range) = window.dates(first_of(&bars), series.last_date)
    {
        // No bar is of a part of a week or a month.
        window = Window::Dates(query.interval.widen(range));
        bars = bars_of(reader, &series, window)?;
    }
    let has_adjusted_closes =
        query.with_adjusted_close && know_adjusted_closes(reader, &series, &mut bars)?;
    let events = match window.dates(first_of(&bars), series.last_date) {
        Some(dates) => Events::read(reader, &series, query.events, dates)?,
        None => Events::default(),
    };
    let periods = match query.interval {
        Interval::Day => None,
        interval => Periods::read(reader, &series, interval, PriceBasis::SplitAdjusted, &bars)?,
    };
    let previous = bar_before(reader, &series, bars.first())?;
    let has_previous = previous.is_some();
    // Adjusted along with the others.
    bars.splice(0..0, previous);
    if series.vendor.price_basis() != PriceBasis::SplitAdjusted
        && let Some(needed) = Needed::read(reader, &series, Adjustment::Splits, &bars)?
    {
        needed.adjust(&series, &mut bars)?;
    }
    let previous_close = match has_previous {
        true => bars.remove(0).bar.close(),
        false => None,
    };
    if let Some(periods) = periods {
        bars = periods.bars(&bars);
    }
    Ok(Chart { stock, series, session, last, bars, previous_close, has_adjusted_closes, events })
}

/// The daily bars of a window, the oldest first.
fn bars_of(
    reader: &mut Reader<'_>,
    series: &Series,
    window: Window,
) -> Result<Vec<StoredBar>, ApiError> {
    let query = match window {
        Window::None => return Ok(Vec::new()),
        Window::Dates(range) => BarQuery { range, ..BarQuery::default() },
        Window::Last(limit) => BarQuery { order: Order::Descending, limit, ..BarQuery::default() },
    };
    let mut bars = reader.bars(series.stock_id, series.vendor, &query)?;
    if query.order == Order::Descending {
        bars.reverse();
    }
    Ok(bars)
}

fn first_of(bars: &[StoredBar]) -> Option<Date> {
    bars.first().map(|stored| stored.bar.date())
}

fn bar_before(
    reader: &mut Reader<'_>,
    series: &Series,
    first: Option<&StoredBar>,
) -> Result<Option<StoredBar>, ApiError> {
    let before = first.and_then(|first| first.bar.date().previous());
    let Some(range) = before.and_then(|last| DateRange::new(Date::MIN, last).ok()) else {
        return Ok(None);
    };
    let asked = BarQuery { range, order: Order::Descending, limit: 1 };
    Ok(reader.bars(series.stock_id, series.vendor, &asked)?.pop())
}

/// Gives bars, as delivered, their adjusted closes: the vendor's own, or where none of them has one
/// what the corporate actions make of the closes. False where those are not known.
fn know_adjusted_closes(
    reader: &mut Reader<'_>,
    series: &Series,
    bars: &mut [StoredBar],
) -> Result<bool, ApiError> {
    if bars.iter().any(|stored| stored.bar.adj_close().is_some()) {
        return Ok(true);
    }
    let is_known = |last: Date| series.actions_known.iter().any(|range| range.contains(last));
    if Adjustment::All.check(series.vendor).is_err() || !series.last_date.is_some_and(is_known) {
        return Ok(false);
    }
    let Some(needed) = Needed::read(reader, series, Adjustment::All, bars)? else {
        return Ok(false);
    };
    let mut adjusted = bars.to_vec();
    needed.adjust(series, &mut adjusted)?;
    for (stored, adjusted) in bars.iter_mut().zip(&adjusted) {
        stored.bar.set(BarField::AdjClose, adjusted.bar.value(BarField::Close));
    }
    Ok(bars.iter().any(|stored| stored.bar.adj_close().is_some()))
}
