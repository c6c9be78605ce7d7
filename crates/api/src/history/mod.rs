//! The bars of one series or of many, daily, weekly or monthly, in the formats of `formats`.
//!
//! What is surely short is read and written at once and answered with its length, as most answers
//! are. Anything else goes through `streams`: a thread of its own reads chunk by chunk, and as
//! much as is sent waits in memory, however much there is. In both cases head, tag and headers
//! are known before the first byte, and all of it is one state of the database.

mod ask;
mod many;
mod one;
mod query;
mod source;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_store::Store;

pub(crate) use ask::{Ask, Head, Tail};
pub(crate) use many::Outcome;
use many::{Many, ManyQuery};
use one::One;
use query::HistoryQuery;

use crate::answer::Answer;
use crate::cache::Missed;
use crate::formats::FORMATS;
use crate::negotiate::{IfNoneMatch, negotiate};
use crate::openapi::{answers, params as takes};
use crate::params::{Params, SymbolInPath};
use crate::problem::ApiError;
use crate::state::State;
use crate::streams::Outlet;

/// `GET /stock-data/{symbol}/history`
#[utoipa::path(
    get,
    path = "/stock-data/{symbol}/history",
    operation_id = "getHistory",
    tag = "prices",
    params(SymbolInPath, takes::History, IfNoneMatch),
    responses((status = 200, description = "Bars", body = answers::History)),
)]
pub(crate) async fn history(
    request: HttpRequest,
    state: web::Data<State>,
    SymbolInPath(symbol): SymbolInPath,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let offered = FORMATS.map(|(_, media)| media);
    let query = HistoryQuery::read(symbol, params, || negotiate(&request, &offered))?;
    let seen = match state.answers.look(state.store(), &request, query.media, &held).await {
        Ok(kept) => return Ok(kept),
        Err(missed) => missed,
    };
    respond(&state, seen, One { query, held, is_head: request.method() == Method::HEAD }).await
}

/// `GET /stock-data/history`
#[utoipa::path(
    get,
    path = "/stock-data/history",
    operation_id = "getHistories",
    tag = "prices",
    params(takes::Histories, IfNoneMatch),
    responses((status = 200, description = "Bars of each symbol, or why there are none", body = answers::Histories)),
)]
pub(crate) async fn histories(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let offered = FORMATS.map(|(_, media)| media);
    let query = ManyQuery::read(params, || negotiate(&request, &offered))?;
    let seen = match state.answers.look(state.store(), &request, query.media, &held).await {
        Ok(kept) => return Ok(kept),
        Err(missed) => missed,
    };
    respond(&state, seen, Many { query, held, is_head: request.method() == Method::HEAD }).await
}

/// An answer that may be long.
trait Long: Send + Sync + 'static {
    /// The answer, or `None` where it may be too long to be built at once.
    fn at_once(&self, store: &Store) -> Result<Option<Answer>, ApiError>;

    /// The same answer, chunk by chunk.
    fn stream(&self, store: &Store, outlet: &mut Outlet) -> Result<(), ApiError>;
}

async fn respond(
    state: &State,
    missed: Option<Missed>,
    answer: impl Long,
) -> Result<HttpResponse, ApiError> {
    let answer = Arc::new(answer);
    let short = answer.clone();
    if let Some(answer) = state.blocking(move |store| short.at_once(store)).await? {
        state.answers.keep(missed, &answer);
        return Ok(answer.into());
    }
    let stream = move |store: &Store, outlet: &mut Outlet| answer.stream(store, outlet);
    let answer = state.streams.answer(stream).await?;
    state.answers.keep(missed, &answer);
    Ok(answer.into())
}
