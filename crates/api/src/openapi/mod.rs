//! The API described for programs, OpenAPI 3.1, made from the code: `GET /openapi.json`.
//!
//! Each handler says what it takes and answers, in its `#[utoipa::path]`. Everything that follows
//! from the route table (summary, who may ask, which failures there can be, headers) is added
//! here from the table, in one way for all. A route is described by an attribute on its handler,
//! a line in [`Operations`], and an example of its answer in `examples.json`; tests hold all of
//! it against the table and against real answers.

pub(crate) mod answers;
pub(crate) mod chart;
pub(crate) mod docs;
mod failures;
pub(crate) mod params;
pub(crate) mod people;
pub(crate) mod words;
pub(crate) mod work;

use std::sync::OnceLock;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::access::Access;
use crate::answer::{Answer, Body, Content, tag};
use crate::cursor::Fingerprint;
use crate::formats::FORMATS;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::params::Params;
use crate::problem::ApiError;
use crate::routes::{ROUTES, Route};

/// The operations, in any order, and what no operation names.
#[derive(OpenApi)]
#[openapi(
    paths(
        crate::routes::index,
        document,
        docs::page,
        docs::asset,
        crate::stocks::list,
        crate::history::histories,
        crate::stocks::latest,
        crate::history::history,
        crate::actions::actions,
        crate::responses::responses,
        crate::tracking::track,
        crate::tracking::list,
        crate::tracking::untrack,
        crate::retries::list,
        crate::retries::retry,
        crate::tasks::list,
        crate::accounts::login::login,
        crate::accounts::login::logout,
        crate::accounts::password::change_password,
        crate::accounts::login::me,
        crate::accounts::tokens::list,
        crate::accounts::tokens::create,
        crate::accounts::tokens::revoke,
        crate::accounts::users::list,
        crate::accounts::users::add,
        crate::accounts::users::change,
        crate::accounts::audit::events,
        crate::chart::chart,
        crate::health::live,
        crate::health::ready,
        crate::metrics::metrics,
    ),
    components(schemas(failures::Problem, chart::ChartFailure)),
    tags(
        (name = "prices", description = "What is held: symbols, bars, corporate actions, and where they came from."),
        (name = "chart", description = "The same in the shape of Yahoo's chart endpoint."),
        (name = "tracking", description = "What workers pull."),
        (name = "accounts", description = "Logging in, and one's own tokens."),
        (name = "administration", description = "For admins: people and what happened."),
        (name = "operation", description = "How the server fares."),
        (name = "documentation", description = "What there is."),
    ),
)]
struct Operations;

/// What the document says before all.
const DESCRIPTION: &str = "Daily stock prices and corporate actions, as vendors delivered them.

Prices are exact decimal numbers, dates are the exchange's own, instants are UTC, and what is not \
known is null. Queries are strict: a parameter that is unknown, repeated, malformed or out of range \
is refused. Every read can be asked for its head with HEAD. Another method than those of a path is \
answered 405 `method_not_allowed`, another path 404 `unknown_route`.";

/// Examples of answers by operation; those of reads are answers of the server that tests fill.
const EXAMPLES: &str = include_str!("examples.json");

/// `GET /openapi.json`
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getDocument",
    tag = "documentation",
    params(IfNoneMatch),
    responses((status = 200, description = "This document", body = Object)),
)]
pub(crate) async fn document(
    request: HttpRequest,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    static DOCUMENT: OnceLock<(Bytes, String)> = OnceLock::new();
    negotiate(&request, &[MediaType::Json])?;
    params.finish()?;
    let (bytes, tag) = DOCUMENT.get_or_init(|| {
        let bytes = Bytes::from(described().to_string());
        let tag = tag(Fingerprint::new("openapi").part(&bytes));
        (bytes, tag)
    });
    let body = || {
        let content = Content::Whole(bytes.clone());
        Answer::Body(Body { content, ..Body::json(tag.clone(), Vec::new()) })
    };
    Ok(Answer::unchanged(&held, tag).unwrap_or_else(body).into())
}

/// The whole document.
#[expect(
    clippy::indexing_slicing,
    reason = "a member of a JSON object, which is null or made where there is none"
)]
fn described() -> Value {
    // Its keys are all text, and so it is a value.
    let mut document = serde_json::to_value(Operations::openapi()).unwrap_or_default();
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    document["info"] = json!({
        "title": "Cream",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/", "description": "This server"}]);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(close);
    }
    let mut shared = Map::new();
    for route in ROUTES {
        let method = route.verb.name().to_ascii_lowercase();
        if let Some(operation) = document["paths"][route.path].get_mut(method) {
            describe(route, operation, &examples, &mut shared);
        }
    }
    let components = &mut document["components"];
    components["responses"] = Value::Object(shared);
    components["headers"] = failures::headers();
    components["securitySchemes"] = json!({"bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token: `POST /auth/login` gives one for a session, `POST /auth/tokens` one \
                        for a program.",
    }});
    document
}

/// Lets an object have no other property than those it names.
fn close(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("properties")
    {
        object.insert("additionalProperties".to_owned(), json!(false));
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(close),
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Adds what follows from the route's row.
#[expect(
    clippy::indexing_slicing,
    reason = "a member of a JSON object, which is null or made where there is none"
)]
fn describe(
    route: &Route,
    operation: &mut Value,
    examples: &Value,
    shared: &mut Map<String, Value>,
) {
    let takes = |name: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
    };
    let (is_read_again, has_pages, has_forms) =
        (takes("If-None-Match"), takes("cursor"), takes("format"));
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    // Behind the colon there are parameters, for people with a terminal.
    let summary = route.summary.split(": ?").next().unwrap_or_default();
    operation["summary"] = json!(summary);
    let more = operation["description"].as_str().map(|text| format!("{text}\n\n"));
    operation["description"] =
        json!(format!("{}Takes {}.", more.unwrap_or_default(), route.access.need()));
    operation["security"] = security(route.access);
    let body = operation["requestBody"].is_object();
    if body {
        operation["requestBody"]["required"] = json!(true);
    }
    let failures = failures::possible(route, &id, body);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in &mut *responses {
        let mut headers = failures::every_header();
        if is_read_again {
            headers.insert("ETag".to_owned(), failures::header("ETag"));
        }
        if has_pages {
            headers.insert("Link".to_owned(), failures::header("Link"));
        }
        if status == "201" {
            headers.insert("Location".to_owned(), failures::header("Location"));
        }
        response["headers"] = Value::Object(headers);
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            if let Some(example) = examples.get(&id)
                && let Some(json) = content.get_mut(MediaType::Json.name())
            {
                json["example"] = example.clone();
            }
            if has_forms {
                content.extend(FORMATS.iter().skip(1).map(|(_, media)| form(*media)));
            }
        }
    }
    if is_read_again {
        responses.insert("304".to_owned(), failures::unchanged());
    }
    failures::add(&failures, route, responses, shared);
}

/// A form of a history other than JSON.
fn form(media: MediaType) -> (String, Value) {
    let description = match media {
        MediaType::Csv => "A header line, then a line a bar.",
        MediaType::Arrow => "A stream of Arrow's IPC format.",
        _ => "A Parquet file.",
    };
    let schema = match media {
        MediaType::Csv => json!({"type": "string", "description": description}),
        // Bytes, of which a schema tells nothing.
        _ => json!({"description": description}),
    };
    (media.name().to_owned(), json!({"schema": schema}))
}

/// What a client must show: each a way of its own.
fn security(access: Access) -> Value {
    let nothing = json!({});
    let bearer = |scopes: &[&str]| json!({"bearer": scopes});
    match access {
        Access::Anyone => json!([]),
        Access::Reader => json!([nothing, bearer(&["read"])]),
        Access::Scope(scope) => json!([bearer(&[scope.name()])]),
        Access::Token | Access::Session => json!([bearer(&[])]),
        Access::Metrics => json!([nothing, bearer(&["admin"])]),
    }
}
