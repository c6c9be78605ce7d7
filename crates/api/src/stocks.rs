//! The symbols held, and the latest bar of one.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{Date, Price, Symbol, Vendor};
use cream_store::{Description, Said, Series, Stock, StockId, StockQuery, StoredBar};
use cream_store::{Reader, Store};

use crate::answer::{Answer, Body, tag};
use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{answers, params as takes};
use crate::pages::PageQuery;
use crate::params::{Params, SymbolInPath};
use crate::problem::{ApiError, ErrorCode};
use crate::state::{State, find_series, series_state};

/// The longest search text, in characters.
pub(crate) const MAX_SEARCH: usize = 100;

/// `GET /stock-data`
#[utoipa::path(
    get,
    path = "/stock-data",
    operation_id = "listStocks",
    tag = "prices",
    params(takes::ListStocks, IfNoneMatch),
    responses((status = 200, description = "A page of symbols", body = answers::Stocks)),
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let query = ListQuery::read(params)?;
    state
        .answer(&request, MediaType::Json, held, move |store, held| {
            list_stocks(store, &query, held)
        })
        .await
}

/// `GET /stock-data/{symbol}`
#[utoipa::path(
    get,
    path = "/stock-data/{symbol}",
    operation_id = "getLatestBar",
    tag = "prices",
    params(SymbolInPath, takes::OfVendor, IfNoneMatch),
    responses((status = 200, description = "The latest bar", body = answers::LatestBar)),
)]
pub(crate) async fn latest(
    request: HttpRequest,
    state: web::Data<State>,
    SymbolInPath(symbol): SymbolInPath,
    mut params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let vendor = params.vendor();
    params.finish()?;
    state
        .answer(&request, MediaType::Json, held, move |store, held| {
            latest_bar(store, &symbol, vendor, held)
        })
        .await
}

struct ListQuery {
    contains: Option<String>,
    page: PageQuery<Symbol>,
}

impl ListQuery {
    fn read(mut params: Params) -> Result<Self, ApiError> {
        let text = params.text("q").filter(|text| !text.is_empty());
        if let Some(long) = text.as_ref().filter(|text| text.chars().count() > MAX_SEARCH) {
            params.wrong("q", long, format!("expected at most {MAX_SEARCH} characters"));
        }
        // No name holds them, and a database may take a null byte for the end of the text.
        if let Some(text) = text.as_ref().filter(|text| text.contains(char::is_control)) {
            params.wrong("q", text, "expected text without control characters");
        }
        let scope = Fingerprint::new("stocks").optional(text.as_ref());
        let page = PageQuery::read(params, "/stock-data", scope)?;
        Ok(Self { contains: text, page })
    }
}

fn list_stocks(store: &Store, query: &ListQuery, held: &IfNoneMatch) -> Result<Answer, ApiError> {
    let ListQuery { contains, page } = query;
    let asked =
        StockQuery { contains: contains.clone(), after: page.after.clone(), limit: page.to_read() };
    let stocks = store.read_any(|reader| Ok::<_, ApiError>(reader.stocks(&asked)?))?;
    let reason = || match (&page.after, contains) {
        (Some(_), _) => "the list ends here".to_owned(),
        (None, Some(text)) => format!("no symbol and no name contains {text:?}"),
        (None, None) => "nothing has been loaded yet; `worker import` does".to_owned(),
    };
    let stocks = page.page(stocks, |(stock, _)| stock.symbol.clone());
    Ok(stocks.answer(
        "stocks",
        held,
        reason,
        |_| {},
        |out, (stock, series)| {
            write_stock(out, stock, series);
        },
    ))
}

fn write_stock(out: &mut Vec<u8>, stock: &Stock, series: &[Series]) {
    let mut object = Object::open(out);
    object.string("symbol", stock.symbol.as_str());
    // Of what the vendors say, what was said last.
    let newest = |field: fn(&Description) -> &Option<Said>| {
        let said = series.iter().filter_map(|series| field(&series.description).as_ref()).max();
        said.map(|said| said.text.as_str())
    };
    object.optional_string("name", newest(|description| &description.name));
    object.optional_string("exchange", newest(|description| &description.exchange));
    object.optional_string("kind", newest(|description| &description.kind));
    object.list("series", series.iter(), |out, series| {
        let mut object = Object::open(out);
        object.string("vendor", series.vendor.name());
        object.string("price_basis", series.vendor.price_basis().name());
        object.currency(series.currency());
        object.optional_string("time_zone", series.time_zone());
        object.date("first_date", series.first_date);
        object.date("last_date", series.last_date);
        object.integer("bars", Some(series.bars));
        object.close();
    });
    object.close();
}

fn latest_bar(
    store: &Store,
    symbol: &Symbol,
    vendor: Option<Vendor>,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    store.read_any(|reader: &mut Reader<'_>| {
        let (stock, series) = find_series(reader, symbol, vendor)?;
        let tag = tag(series_state("latest", &stock, &series));
        if let Some(unchanged) = Answer::unchanged(held, &tag) {
            return Ok(unchanged);
        }
        let Some(latest) = reader.latest_bar(stock.id, series.vendor)? else {
            let detail = format!("{symbol} from {} holds no bar", series.vendor);
            return Err(ApiError::new(ErrorCode::NoBars, detail));
        };
        Ok(Answer::Body(Body::json(tag, write_latest(&stock, &series, &latest))))
    })
}

fn write_latest(stock: &Stock, series: &Series, latest: &StoredBar) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(384);
    let bar = &latest.bar;
    let mut object = Object::open(&mut bytes);
    object.integer("id", bar_id(stock.id, series.vendor, bar.date()));
    object.string("symbol", stock.symbol.as_str());
    object.date("date", Some(bar.date()));
    object.integer("price", bar.close().map(Price::cents));
    object.price("open", bar.open());
    object.price("high", bar.high());
    object.price("low", bar.low());
    object.price("close", bar.close());
    object.price("adj_close", bar.adj_close());
    object.integer("volume", bar.volume());
    object.currency(series.currency());
    object.string("vendor", series.vendor.name());
    object.string("price_basis", series.vendor.price_basis().name());
    object.boolean("is_final", bar.is_final());
    object.strings("flags", bar.flags().names());
    object.instant("as_of", latest.as_of);
    object.close();
    bytes
}

/// Bits of a day since 0001-01-01, and of a vendor's code.
const DAY_BITS: u32 = 22;
const VENDOR_BITS: u32 = 7;
/// Whole numbers up to here pass through a double unharmed, and so through JavaScript.
const ID_BITS: u32 = 53;

/// The number of a bar: stock, vendor and day side by side, below 2^53.
///
/// `None` from the 16,777,216th stock on, or a vendor code above 127.
fn bar_id(stock: StockId, vendor: Vendor, date: Date) -> Option<i64> {
    let fits = |value: i64, bits: u32| (0..1_i64 << bits).contains(&value).then_some(value);
    let stock = fits(stock.0, ID_BITS - VENDOR_BITS - DAY_BITS)?;
    let vendor = fits(i64::from(vendor.code()), VENDOR_BITS)?;
    let day = fits(i64::from(date.days()) - i64::from(Date::MIN.days()), DAY_BITS)?;
    Some(stock << (VENDOR_BITS + DAY_BITS) | vendor << DAY_BITS | day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_unique_and_below_two_to_the_53() {
        let date: Date = "2025-06-13".parse().unwrap();
        let id = |stock, date| bar_id(StockId(stock), Vendor::YahooChart, date);
        assert_eq!(id(1, date), Some(1 << 29 | 1 << 22 | 739_414));
        assert!(id((1 << 24) - 1, Date::MAX).unwrap() < 1 << 53);
        assert_eq!(id(1 << 24, date), None);
        assert_eq!(id(-1, date), None);
        assert_ne!(id(1, date), id(1, date.next().unwrap()));
        assert_ne!(id(1, date), bar_id(StockId(1), Vendor::YahooPage, date));
    }
}
