//! The corporate actions of a series.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{CorporateEvent, Date, Symbol, Vendor};
use cream_store::Store;
use cream_store::{Series, Stock, StoredAction};

use crate::answer::{Answer, Body, Rows, tag};
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{answers, params as takes};
use crate::params::{Params, Span, SymbolInPath};
use crate::problem::ApiError;
use crate::state::{State, find_series, series_state};

/// `GET /stock-data/{symbol}/actions`
#[utoipa::path(
    get,
    path = "/stock-data/{symbol}/actions",
    operation_id = "listActions",
    tag = "prices",
    params(SymbolInPath, takes::OfDates, IfNoneMatch),
    responses((status = 200, description = "Corporate actions", body = answers::Actions)),
)]
pub(crate) async fn actions(
    request: HttpRequest,
    state: web::Data<State>,
    SymbolInPath(symbol): SymbolInPath,
    mut params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let vendor = params.vendor();
    let span = params.range();
    params.finish()?;
    state
        .answer(&request, MediaType::Json, held, move |store, held| {
            read_actions(store, &symbol, vendor, span, held)
        })
        .await
}

fn read_actions(
    store: &Store,
    symbol: &Symbol,
    vendor: Option<Vendor>,
    span: Span,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    store.read_any(|reader| {
        let (stock, series) = find_series(reader, symbol, vendor)?;
        let date = |date: Option<Date>| date.map(|date| date.days().to_le_bytes());
        let state = series_state("actions", &stock, &series);
        let tag = tag(state.optional(date(span.start)).optional(date(span.end)));
        if let Some(unchanged) = Answer::unchanged(held, &tag) {
            return Ok(unchanged);
        }
        let actions = reader.actions(stock.id, series.vendor, span.range())?;
        let rows = Rows::of(u64::try_from(actions.len()).unwrap_or(u64::MAX));
        let bytes = write_actions(&stock, &series, span, &actions);
        Ok(Answer::Body(Body { rows, ..Body::json(tag, bytes) }))
    })
}

fn write_actions(stock: &Stock, series: &Series, span: Span, actions: &[StoredAction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + 96 * actions.len());
    let mut object = Object::open(&mut bytes);
    object.string("symbol", stock.symbol.as_str());
    object.string("vendor", series.vendor.name());
    object.currency(series.currency());
    object.string("dividend_basis", series.vendor.dividend_basis().name());
    object.date("start", span.start);
    object.date("end", span.end);
    object.integer("count", i64::try_from(actions.len()).ok());
    object.list("actions", actions.iter(), write_action);
    if actions.is_empty() {
        let reason = if span.is_open() {
            "the vendor's responses tell of no corporate action"
        } else {
            "the vendor's responses tell of no corporate action on these dates"
        };
        object.string("reason", reason);
    }
    object.close();
    bytes
}

fn write_action(out: &mut Vec<u8>, stored: &StoredAction) {
    let action = &stored.action;
    let mut object = Object::open(out);
    object.date("date", Some(action.date));
    object.string("kind", action.kind().name());
    match action.event {
        CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
            object.price("amount", Some(amount));
        }
        CorporateEvent::Split(ratio) => {
            object.price("numerator", Some(ratio.numerator()));
            object.price("denominator", Some(ratio.denominator()));
        }
    }
    object.instant("as_of", stored.as_of);
    object.close();
}
