//! Responses by where they stand, for admins, and another try of those that could not be loaded.
//! The archive may be on another machine: a worker that has it does what is asked for here.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::Vendor;
use cream_store::{AuditKind, Response, ResponseId, ResponseStatus, RetryAsked};

use crate::access::CalledBy;
use crate::accounts::Happened;
use crate::cursor::{Fingerprint, to_hex};
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{params as takes, work};
use crate::pages::PageQuery;
use crate::params::{NumberInPath, Params};
use crate::problem::{ApiError, ErrorCode};
use crate::state::State;

/// `GET /admin/responses`
#[utoipa::path(
    get,
    path = "/admin/responses",
    operation_id = "listArchived",
    tag = "administration",
    params(takes::Archived, IfNoneMatch),
    responses((status = 200, description = "A page of responses", body = work::ArchivedResponses)),
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    mut params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let words = ResponseStatus::ALL.map(|status| (status.name(), status));
    let status = params.word("status", &words).unwrap_or(ResponseStatus::Deadletter);
    let scope = Fingerprint::new("admin responses").part(status.name());
    let query: PageQuery<i64> = PageQuery::read(params, "/admin/responses", scope)?;
    let answer = state.blocking(move |store| {
        let (before, limit) = (query.after.map(ResponseId), query.to_read());
        let responses = store.read(|reader| reader.responses_that_are(status, before, limit))?;
        let page = query.page(responses, |response| response.id.0);
        let reason = || match before {
            Some(_) => "the list ends here".to_owned(),
            None => format!("no response is {}", status.name()),
        };
        Ok(page.answer("responses", &held, reason, |_| {}, write_response))
    });
    Ok(answer.await?.into())
}

fn write_response(out: &mut Vec<u8>, response: &Response) {
    let mut object = Object::open(out);
    object.integer("id", Some(response.id.0));
    object.string("file", &response.file_name);
    object.optional_string("vendor", response.vendor.map(Vendor::name));
    object.optional_instant("fetched_at", response.fetched_at);
    object.instant("registered_at", response.registered_at);
    object.string("status", response.status.name());
    object.optional_string("reason", response.error.as_deref());
    object.integer("attempts", Some(response.attempts.into()));
    object.optional_instant("next_attempt_at", response.next_attempt_at);
    object.boolean("is_retry_asked", response.is_retry_asked());
    object.optional_instant("lease_until", response.lease_until);
    object.string("sha256", &to_hex(&response.sha256));
    object.integer("bytes", Some(response.byte_len));
    object.close();
}

/// `POST /admin/responses/{id}/retry`
#[utoipa::path(
    post,
    path = "/admin/responses/{id}/retry",
    operation_id = "retryResponse",
    tag = "administration",
    params(NumberInPath),
    responses((status = 202, description = "It will be tried again", body = work::ArchivedResponse)),
)]
pub(crate) async fn retry(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    NumberInPath(id): NumberInPath,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let unknown = || {
        let detail = "there is no response by this number; GET /admin/responses lists them";
        ApiError::new(ErrorCode::UnknownResponse, detail)
    };
    let id = ResponseId(id.ok_or_else(unknown)?);
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let name = caller.name.clone();
    let response = state
        .blocking(move |store| {
            store.write(|writer| {
                let response = match writer.ask_retry(id, now)? {
                    RetryAsked::Done(response) => response,
                    RetryAsked::Unknown => return Err(unknown()),
                    RetryAsked::NotDeadLetter(status) => {
                        let detail = format!(
                            "response {} is {}; only a dead letter can be given another try",
                            id.0,
                            status.name()
                        );
                        return Err(ApiError::new(ErrorCode::NotDeadLetter, detail));
                    }
                };
                let detail = format!("{}: {}", id.0, response.file_name);
                let kind = AuditKind::ResponseRetried;
                happened.record(writer, kind, name.as_str(), Some(&detail), now)?;
                Ok(response)
            })
        })
        .await?;
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response);
    Ok(HttpResponse::Accepted()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}
