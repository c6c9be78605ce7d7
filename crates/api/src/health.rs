//! Whether the server lives, and whether it can do its work.

use std::path::Path;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_store::{Store, StoreError};
use rustix::fs::{Access, access};

use crate::json::Object;
use crate::negotiate::{MediaType, negotiate};
use crate::openapi::answers;
use crate::params::Params;
use crate::problem::{ApiError, FieldError};
use crate::state::State;

/// `GET /health/live`
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "operation",
    responses((status = 200, description = "The server lives", body = answers::Live)),
)]
pub(crate) async fn live(request: HttpRequest, params: Params) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    params.finish()?;
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    object.string("status", "live");
    object.close();
    Ok(fresh(bytes))
}

/// `GET /health/ready`
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "operation",
    responses((status = 200, description = "The server can do its work", body = answers::Ready)),
)]
pub(crate) async fn ready(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    params.finish()?;
    let folders = state.settings.folders.clone();
    let checked = state
        .blocking(move |store| {
            check(store, folders.iter().map(|(name, path)| (name.as_str(), path.as_path())))
        })
        .await?;
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    object.string("status", "ready");
    object.strings("checked", checked.iter().map(String::as_str));
    object.close();
    Ok(fresh(bytes))
}

fn fresh(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(MediaType::Json.content_type())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes)
}

/// The names of what was checked, or all that is missing. A client is told names, never paths.
fn check<'a>(
    store: &Store,
    folders: impl Iterator<Item = (&'a str, &'a Path)>,
) -> Result<Vec<String>, ApiError> {
    let mut checked = vec!["database".to_owned(), "migrations".to_owned()];
    let mut missing = Vec::new();
    let mut cause = None;
    match store.require_current() {
        Ok(()) => {}
        Err(StoreError::MigrationsPending { names }) => {
            let message = format!("not applied: {}; run `worker migrate up`", names.join(", "));
            missing.push(FieldError::new("migrations", None, message));
        }
        Err(StoreError::NewerDatabase { .. }) => {
            let message = "the database was written by a newer program; upgrade this one";
            missing.push(FieldError::new("migrations", None, message));
        }
        Err(error) => {
            missing.push(FieldError::new("database", None, "it cannot be read"));
            cause = Some(error);
        }
    }
    for (name, path) in folders {
        checked.push(name.to_owned());
        if let Some(message) = folder_fault(path) {
            log::warn!(folder = name, path:% = path.display(); "a folder is not ready: {message}");
            missing.push(FieldError::new(name, None, message));
        }
    }
    if missing.is_empty() { Ok(checked) } else { Err(ApiError::not_ready(missing, cause)) }
}

/// What keeps a folder from being written to. Asks for permission and writes nothing: anybody may
/// ask for readiness at any rate.
fn folder_fault(path: &Path) -> Option<&'static str> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => Some("it is not a folder"),
        Ok(_) if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() => {
            Some("it may not be written to")
        }
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("it does not exist"),
        Err(_) => Some("it cannot be looked into"),
    }
}
