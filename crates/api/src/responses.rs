//! The raw responses that the series of a symbol came from.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{DateRange, Symbol, Vendor};
use cream_store::{Response, ResponseId, ResponseQuery, Store};

use crate::answer::Answer;
use crate::cursor::{Fingerprint, to_hex};
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{answers, params as takes};
use crate::pages::PageQuery;
use crate::params::{Params, SymbolInPath, encode};
use crate::problem::ApiError;
use crate::state::{State, find_stock};

/// `GET /stock-data/{symbol}/responses`
#[utoipa::path(
    get,
    path = "/stock-data/{symbol}/responses",
    operation_id = "listResponses",
    tag = "prices",
    params(SymbolInPath, takes::Responses, IfNoneMatch),
    responses((status = 200, description = "A page of responses", body = answers::Responses)),
)]
pub(crate) async fn responses(
    request: HttpRequest,
    state: web::Data<State>,
    SymbolInPath(symbol): SymbolInPath,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let query = ListQuery::read(symbol, params)?;
    Ok(state.blocking(move |store| list_responses(store, &query, &held)).await?.into())
}

struct ListQuery {
    symbol: Symbol,
    vendor: Option<Vendor>,
    page: PageQuery<i64>,
}

impl ListQuery {
    fn read(symbol: Symbol, mut params: Params) -> Result<Self, ApiError> {
        let vendor = params.vendor();
        let scope = Fingerprint::new("responses")
            .part(symbol.as_str())
            .optional(vendor.map(|vendor| vendor.code().to_le_bytes()));
        let path = format!("/stock-data/{}/responses", encode(symbol.as_str()));
        Ok(Self { symbol, vendor, page: PageQuery::read(params, path, scope)? })
    }
}

fn list_responses(
    store: &Store,
    query: &ListQuery,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    let ListQuery { symbol, vendor, page } = query;
    let responses = store.read_any(|reader| {
        let stock = find_stock(reader, symbol)?;
        let asked = ResponseQuery {
            stock_id: stock.id,
            vendor: *vendor,
            before: page.after.map(ResponseId),
            limit: page.to_read(),
        };
        Ok::<_, ApiError>(reader.responses_of(&asked)?)
    })?;
    let responses = page.page(responses, |response| response.id.0);
    let head = |object: &mut Object<'_>| {
        object.string("symbol", symbol.as_str());
        object.optional_string("vendor", vendor.map(Vendor::name));
    };
    Ok(responses.answer("responses", held, || why_empty(query), head, write_response))
}

fn write_response(out: &mut Vec<u8>, response: &Response) {
    let mut object = Object::open(out);
    object.integer("id", Some(response.id.0));
    object.string("file", &response.file_name);
    object.optional_string("vendor", response.vendor.map(Vendor::name));
    let fetched_at = response.fetched_at.map(|at| at.to_string());
    object.optional_string("fetched_at", fetched_at.as_deref());
    object.string("status", response.status.name());
    object.string("sha256", &to_hex(&response.sha256));
    object.integer("bytes", Some(response.byte_len));
    object.date("covers_from", response.coverage.range.map(DateRange::first));
    object.date("covers_to", response.coverage.range.map(DateRange::last));
    object.close();
}

fn why_empty(query: &ListQuery) -> String {
    let symbol = &query.symbol;
    match (query.page.after, query.vendor) {
        (Some(_), _) => "the list ends here".to_owned(),
        (None, Some(vendor)) => format!("no archived response of {vendor} is about {symbol}"),
        (None, None) => format!("no archived response is about {symbol}"),
    }
}
