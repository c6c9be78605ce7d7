//! Which failures a route can give, told by its row of the route table and what it takes, and how
//! they and the headers of all answers are described.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::words;
use crate::access::Access;
use crate::problem::ErrorCode;
use crate::routes::Route;

/// What every failure is told as (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written by hand")]
pub(super) struct Problem {
    /// A URN, the same for every failure of a kind.
    #[schema(pattern = "^urn:problem-type:cream:[a-z_]+$")]
    r#type: String,
    /// A short summary, the same for every failure of a kind.
    title: String,
    /// That of the answer.
    status: u16,
    code: ErrorCodeName,
    /// What is wrong with this request, for people.
    detail: String,
    /// Each parameter, field or check that is wrong.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// The vendors that would have had an answer.
    #[schema(nullable = false)]
    vendors: Option<Vec<words::VendorName>>,
    /// As in `X-Request-Id`.
    request_id: String,
}

/// What is wrong with a parameter, a field of the body, or a check of readiness.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written by hand")]
pub(super) struct FieldProblem {
    /// Its name.
    field: String,
    /// What was given, shortened; absent where nothing was, or where it is a secret.
    #[schema(nullable = false)]
    value: Option<String>,
    /// What is wrong and what is expected.
    message: String,
}

struct ErrorCodeName;

impl utoipa::PartialSchema for ErrorCodeName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let mut table =
            String::from("Which failure it is.\n\n| code | status | meaning |\n|---|---|---|\n");
        for code in ErrorCode::ALL {
            table.push_str(&format!("| `{code}` | {} | {} |\n", code.status(), code.meaning()));
        }
        words::one_of(&table, ErrorCode::ALL.iter().map(|code| code.code())).into()
    }
}

impl ToSchema for ErrorCodeName {}

/// Every failure that a route can give.
pub(super) fn possible(route: &Route, operation: &str, has_body: bool) -> Vec<ErrorCode> {
    use ErrorCode as E;
    let mut codes = vec![
        E::BadRequest,
        E::InvalidParameters,
        E::NotAcceptable,
        E::PayloadTooLarge,
        E::UriTooLong,
        E::RateLimited,
        E::Internal,
        E::Unavailable,
    ];
    codes.extend_from_slice(match route.access {
        Access::Anyone => &[],
        Access::Token => &[E::Unauthenticated, E::InvalidToken],
        _ => &[E::Unauthenticated, E::InvalidToken, E::Forbidden],
    });
    if has_body {
        codes.extend([E::InvalidBody, E::RequestTimeout, E::UnsupportedMediaType]);
    }
    if route.path.contains("{symbol}") {
        codes.extend([E::InvalidSymbol, E::UnknownSymbol]);
    }
    codes.extend_from_slice(of_its_own(operation));
    codes
}

/// What one operation alone can fail with.
fn of_its_own(operation: &str) -> &'static [ErrorCode] {
    use ErrorCode as E;
    match operation {
        "getLatestBar" => &[E::UnknownSeries, E::NoBars],
        "getHistory" | "getChart" => &[E::UnknownSeries, E::NotAdjustable],
        "listActions" => &[E::UnknownSeries],
        "getAsset" => &[E::UnknownRoute],
        "logIn" => &[E::InvalidCredentials, E::LoginLimited],
        "changePassword" => &[E::WrongPassword, E::LoginLimited],
        "createToken" => &[E::TooManyTokens],
        "revokeToken" => &[E::UnknownToken, E::Forbidden],
        "trackStock" => &[E::TooManyTracked, E::UnknownSpelling],
        "untrackStock" => &[E::NotTracked],
        "retryResponse" => &[E::UnknownResponse, E::NotDeadLetter],
        "addUser" => &[E::NameTaken],
        "changeUser" => &[E::UnknownUser, E::LastAdmin],
        "getReadiness" => &[E::NotReady],
        _ => &[],
    }
}

/// Adds them to the responses of a route. What several routes answer alike is shared.
pub(super) fn add(
    codes: &[ErrorCode],
    route: &Route,
    responses: &mut Map<String, Value>,
    shared: &mut Map<String, Value>,
) {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in ErrorCode::ALL.iter().filter(|code| codes.contains(code)) {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let in_chart_shape = route.path.starts_with("/v8/");
    for (status, codes) in by_status {
        let names: Vec<&str> = codes.iter().map(|code| code.code()).collect();
        let mut name = names.join(".");
        if in_chart_shape {
            name.push_str(".chart");
        }
        responses
            .insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
        shared.entry(name).or_insert_with(|| response(status, &codes, in_chart_shape));
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "a member of a JSON object, which is null or made where there is none"
)]
fn response(status: u16, codes: &[ErrorCode], in_chart_shape: bool) -> Value {
    let titles: Vec<&str> = codes.iter().map(|code| code.title()).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.code()).collect();
    let mut headers = every_header();
    let more: &[&str] = match status {
        401 | 403 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    headers.extend(more.iter().map(|name| ((*name).to_owned(), header(name))));
    let examples: Map<String, Value> = codes.iter().map(|code| example(*code)).collect();
    let mut content = json!({"application/problem+json": {
        "schema": {"allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": names}}},
        ]},
        "examples": examples,
    }});
    if in_chart_shape {
        content["application/json"] = json!({
            "schema": {"$ref": "#/components/schemas/ChartFailure"},
            "example": {"chart": {"result": null, "error": {
                "code": "Not Found", "description": "No data found, symbol may be delisted",
            }}},
        });
    }
    json!({"description": titles.join(", or: "), "headers": headers, "content": content})
}

fn example(code: ErrorCode) -> (String, Value) {
    let value = json!({
        "type": format!("urn:problem-type:cream:{code}"),
        "title": code.title(),
        "status": code.status(),
        "code": code.code(),
        "detail": code.meaning(),
        "request_id": "5f0c1e9d2a7b4c36",
    });
    (code.code().to_owned(), json!({"summary": code.title(), "value": value}))
}

/// The answer to whoever holds the present state.
pub(super) fn unchanged() -> Value {
    let mut headers = every_header();
    headers.insert("ETag".to_owned(), header("ETag"));
    json!({"description": "Nothing changed: what the client holds is the present state", "headers": headers})
}

/// Those of every answer, by name.
pub(super) fn every_header() -> Map<String, Value> {
    let names = ["X-Request-Id", "RateLimit", "RateLimit-Policy"];
    names.into_iter().map(|name| (name.to_owned(), header(name))).collect()
}

pub(super) fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// What the headers are.
pub(super) fn headers() -> Value {
    let header = |description: &str, is_required: bool, example: &str| {
        json!({
            "description": description,
            "required": is_required,
            "schema": {"type": "string"},
            "example": example,
        })
    };
    json!({
        "X-Request-Id": {
            "description": "The request's own, or one made for it; the server's log tells it too.",
            "required": true,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            "example": "5f0c1e9d2a7b4c36",
        },
        "RateLimit": header(
            "How many requests are left (`r`), and in how many seconds there are more (`t`). Absent where they are not counted.",
            false, "\"client\";r=399;t=0",
        ),
        "RateLimit-Policy": header(
            "How many requests (`q`) a client may make in so many seconds (`w`).",
            false, "\"client\";q=400;w=2",
        ),
        "ETag": header("The state of what is answered, for `If-None-Match`.", true, "\"5f0c1e9d2a7b4c36\""),
        "Link": header(
            "The URL of the next page, absent on the last one.",
            false, "</stock-data?limit=100&cursor=01c2a0d4>; rel=\"next\"",
        ),
        "Location": header("Where it is, if it has a path of its own.", false, "/admin/users/2"),
        "WWW-Authenticate": header(
            "What a token must be good for (RFC 6750); on 403 where another token would do.",
            false, "Bearer realm=\"cream\"",
        ),
        "Retry-After": {
            "description": "After how many seconds to come again.",
            "required": true,
            "schema": {"type": "integer", "minimum": 1},
            "example": 1,
        },
    })
}
