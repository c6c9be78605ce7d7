//! The API described for people: Swagger UI over the document, everything from this binary.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use super::params as takes;
use crate::answer::{PUBLIC, tag};
use crate::cursor::Fingerprint;
use crate::negotiate::IfNoneMatch;
use crate::params::Params;
use crate::problem::{ApiError, ErrorCode};

/// The page, and what starts Swagger UI on it. It asks nobody else for anything: the validator of
/// Swagger UI is off.
const PAGE: &str = include_str!("docs.html");
const START: &str = include_str!("docs.js");

/// Scripts, styles and requests are from here alone, pictures also within the style sheet. Swagger
/// UI sets styles through the DOM, which is allowed, and needs nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page loads: ours, and files of Swagger UI.
const START_NAME: &str = "start.js";
const OF_SWAGGER_UI: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// The names of all that the page loads.
pub(super) fn asset_names() -> impl Iterator<Item = &'static str> {
    OF_SWAGGER_UI.into_iter().chain([START_NAME])
}

/// `GET /docs`
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getDocs",
    tag = "documentation",
    params(IfNoneMatch),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub(crate) async fn page(params: Params, held: IfNoneMatch) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    Ok(file(&held, "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes())))
}

/// `GET /docs/{asset}`
#[utoipa::path(
    get,
    path = "/docs/{asset}",
    operation_id = "getAsset",
    tag = "documentation",
    params(takes::AssetInPath, IfNoneMatch),
    responses((status = 200, description = "The file", content(
        (String = "text/css"),
        (String = "text/javascript"),
        (Vec<u8> = "image/png"),
    ))),
)]
pub(crate) async fn asset(
    request: HttpRequest,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let name = request.match_info().get("asset").unwrap_or_default();
    if name == START_NAME {
        let bytes = Bytes::from_static(START.as_bytes());
        return Ok(file(&held, "text/javascript; charset=utf-8", bytes));
    }
    let unknown = || {
        let names: Vec<&str> = asset_names().collect();
        let detail = format!("there is no such file; the page loads {}", names.join(", "));
        ApiError::new(ErrorCode::UnknownRoute, detail)
    };
    if !OF_SWAGGER_UI.contains(&name) {
        return Err(unknown());
    }
    let found = utoipa_swagger_ui::serve(name, Arc::default())
        .map_err(|error| ApiError::internal(error.to_string()))?
        .ok_or_else(unknown)?;
    Ok(file(&held, &found.content_type, Bytes::from(found.bytes.into_owned())))
}

fn file(held: &IfNoneMatch, content_type: &str, bytes: Bytes) -> HttpResponse {
    let tag = tag(Fingerprint::new("docs").part(&bytes));
    let (mut response, tag, bytes) = match held.matched(&tag) {
        Some(tag) => (HttpResponse::NotModified(), tag, Bytes::new()),
        None => (HttpResponse::Ok(), tag, bytes),
    };
    response
        .content_type(content_type)
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, PUBLIC))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    if bytes.is_empty() { response.finish() } else { response.body(bytes) }
}
