//! The raw responses that the series of a symbol came from.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{DateRange, Symbol, Vendor};
use cream_store::{Response, ResponseId, ResponseQuery, Store};

use crate::answer::{Answer, Body, Rows, tag};
use crate::cursor::{self, CursorError, Fingerprint, to_hex};
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{answers, params as takes};
use crate::params::{Params, SymbolInPath, encode, link};
use crate::problem::ApiError;
use crate::state::{State, find_stock};

/// Responses in a page, where `limit` is absent and at most.
pub(crate) const DEFAULT_LIMIT: u32 = 100;
pub(crate) const MAX_LIMIT: u32 = 1_000;

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
    before: Option<ResponseId>,
    limit: u32,
    scope: Fingerprint,
    pairs: Vec<(String, String)>,
}

impl ListQuery {
    fn read(symbol: Symbol, mut params: Params) -> Result<Self, ApiError> {
        let pairs = params.pairs().to_vec();
        let vendor = params.vendor();
        let scope = Fingerprint::new("responses")
            .part(symbol.as_str())
            .optional(vendor.map(|vendor| vendor.code().to_le_bytes()));
        let before = params.text("cursor").and_then(|given| {
            let position = cursor::decode(&scope, &given).and_then(|position| {
                let bytes = position.try_into().map_err(|_| CursorError::Malformed)?;
                Ok(ResponseId(i64::from_be_bytes(bytes)))
            });
            position.map_err(|error| params.wrong("cursor", &given, error)).ok()
        });
        let limit = params.limit(DEFAULT_LIMIT, MAX_LIMIT);
        params.finish()?;
        Ok(Self { symbol, vendor, before, limit, scope, pairs })
    }
}

fn list_responses(
    store: &Store,
    query: &ListQuery,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    let mut responses = store.read_any(|reader| {
        let stock = find_stock(reader, &query.symbol)?;
        let asked = ResponseQuery {
            stock_id: stock.id,
            vendor: query.vendor,
            before: query.before,
            // One more tells whether there is another page.
            limit: query.limit.saturating_add(1),
        };
        Ok::<_, ApiError>(reader.responses_of(&asked)?)
    })?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = responses.len() > limit;
    responses.truncate(limit);
    let next = responses
        .last()
        .filter(|_| has_more)
        .map(|last| cursor::encode(&query.scope, &last.id.0.to_be_bytes()));

    let mut bytes = Vec::with_capacity(128 + 352 * responses.len());
    let mut object = Object::open(&mut bytes);
    object.string("symbol", query.symbol.as_str());
    object.optional_string("vendor", query.vendor.map(Vendor::name));
    object.integer("count", i64::try_from(responses.len()).ok());
    object.list("responses", responses.iter(), write_response);
    object.optional_string("next", next.as_deref());
    if responses.is_empty() {
        object.string("reason", &why_empty(query));
    }
    object.close();

    // No one revision covers a list; its body is small, and tells its state best.
    let tag = tag(Fingerprint::new("responses").part(&bytes));
    if let Some(unchanged) = Answer::unchanged(held, &tag) {
        return Ok(unchanged);
    }
    let path = format!("/stock-data/{}/responses", encode(query.symbol.as_str()));
    let next = next.map(|cursor| link(&path, &query.pairs, &cursor));
    let rows = Rows::of(u64::try_from(responses.len()).unwrap_or(u64::MAX));
    Ok(Answer::Body(Body { next, rows, ..Body::json(tag, bytes) }))
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
    match (query.before, query.vendor) {
        (Some(_), _) => "the list ends here".to_owned(),
        (None, Some(vendor)) => format!("no archived response of {vendor} is about {symbol}"),
        (None, None) => format!("no archived response is about {symbol}"),
    }
}
