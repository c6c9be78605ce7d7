//! Errors as RFC 9457 problem documents: one table of codes, one document, one place that knows
//! what a client may see.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use cream_auth::{Scope, redact};
use cream_store::StoreError;
use serde::Serialize;

use crate::json::Object;
use crate::limits::Allowance;

macro_rules! error_codes {
    ($($variant:ident $status:literal $code:literal $title:literal $meaning:literal;)*) => {
        /// Every way in which a request can fail. The code is stable: clients may match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name in answers.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// A short summary, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what a caller can do.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

error_codes! {
    BadRequest 400 "bad_request" "Bad request"
        "The request itself cannot be read.";
    InvalidParameters 400 "invalid_parameters" "Invalid parameters"
        "A query parameter is unknown, repeated, malformed or out of range; `errors` names each one and what is allowed.";
    InvalidSymbol 400 "invalid_symbol" "Invalid symbol"
        "The symbol in the path breaks the grammar; `detail` names the rule.";
    InvalidBody 400 "invalid_body" "Invalid body"
        "The body is not what the route takes; `detail` or `errors` tells where and what is expected.";
    Unauthenticated 401 "unauthenticated" "Token needed"
        "The route takes a token and none was sent; `POST /auth/login` gives one, to be sent as `Authorization: Bearer TOKEN`.";
    InvalidToken 401 "invalid_token" "Invalid token"
        "The token is malformed, unknown, expired, revoked, or its account is disabled; `detail` tells which.";
    InvalidCredentials 401 "invalid_credentials" "Wrong name or password"
        "There is no such account with this password, or it is disabled; which of them, nobody is told.";
    Forbidden 403 "forbidden" "Not allowed"
        "The token is valid and does not permit this; `detail` names the scope or the role that does.";
    WrongPassword 403 "wrong_password" "Wrong password"
        "The present password, which a change of it takes, is another.";
    UnknownRoute 404 "unknown_route" "Unknown route"
        "There is no such path; `GET /` lists the routes.";
    UnknownSymbol 404 "unknown_symbol" "Unknown symbol"
        "Nothing is held for this symbol; `GET /stock-data` lists what is.";
    UnknownSeries 404 "unknown_series" "Unknown series"
        "The symbol is known, but not from this vendor; `vendors` lists those held.";
    NoBars 404 "no_bars" "No bars"
        "The series is known and holds no bar, so that there is no latest one.";
    NotTracked 404 "not_tracked" "Not tracked"
        "The symbol is not tracked, or not from this vendor; `GET /stock-data/track` lists what is.";
    UnknownUser 404 "unknown_user" "Unknown user"
        "There is no user by this number; `GET /admin/users` lists them.";
    UnknownToken 404 "unknown_token" "Unknown token"
        "None of your tokens has this number; `GET /auth/tokens` lists them.";
    UnknownResponse 404 "unknown_response" "Unknown response"
        "There is no response by this number; `GET /admin/responses` lists them.";
    MethodNotAllowed 405 "method_not_allowed" "Method not allowed"
        "The path exists, the method does not; the `Allow` header lists those that do.";
    NotAcceptable 406 "not_acceptable" "Not acceptable"
        "The `Accept` or `Accept-Encoding` header rules out everything that can be served.";
    RequestTimeout 408 "request_timeout" "Too slow"
        "The body of the request took longer to arrive than the limit.";
    NameTaken 409 "name_taken" "Name taken"
        "There is a user by this name already.";
    LastAdmin 409 "last_admin" "Last admin"
        "It would leave nobody who is an active admin.";
    TooManyTokens 409 "too_many_tokens" "Too many tokens"
        "The user has as many valid tokens as one may have; `DELETE /auth/tokens/{id}` takes one back.";
    NotDeadLetter 409 "not_a_dead_letter" "Not a dead letter"
        "The response is loaded or waits to be; only a dead letter can be given another try.";
    TooManyTracked 409 "too_many_tracked" "Too many tracked stocks"
        "As many stocks are tracked as users may add to (API_MAX_TRACKED); an admin can track more, or untrack some.";
    PayloadTooLarge 413 "payload_too_large" "Payload too large"
        "The request body is longer than the limit.";
    UriTooLong 414 "uri_too_long" "URI too long"
        "Path and query together are longer than the limit.";
    UnsupportedMediaType 415 "unsupported_media_type" "Unsupported media type"
        "The body is of a type that the route does not take; it takes `application/json`.";
    NotAdjustable 422 "not_adjustable" "Cannot be adjusted"
        "The prices of this vendor cannot be adjusted as `adjustment=` asks; `detail` names the reason and what can be had instead, `vendors` those held whose prices can be.";
    UnknownSpelling 422 "unknown_spelling" "Unknown spelling"
        "How the vendor spells the symbol is not known; give the vendor's own spelling as `vendor_symbol`, or ask another vendor.";
    RateLimited 429 "rate_limited" "Too many requests"
        "The client has made more requests a second than it may; try again after `Retry-After` seconds.";
    LoginLimited 429 "login_limited" "Too many failed logins"
        "Too many logins to this account or from this address have failed; try again after `Retry-After` seconds.";
    Internal 500 "internal" "Internal error"
        "A fault of the server; its log tells the cause under the `request_id`.";
    Unavailable 503 "unavailable" "Unavailable for the moment"
        "The database is busy or out of reach, or too many requests are being answered; try again after `Retry-After` seconds.";
    NotReady 503 "not_ready" "Not ready"
        "Readiness only: `errors` names what is missing.";
}

impl ErrorCode {
    pub(crate) fn http_status(self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The code for an error answer that did not come from a handler of ours.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        // Several codes share 400 and 404; the first is the unspecific one.
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.status() == status.as_u16())
            .unwrap_or(if status.is_client_error() { Self::BadRequest } else { Self::Internal })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// One parameter, or one check of readiness, that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// The parameter's name.
    pub(crate) field: String,
    /// What was given, shortened; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// What is wrong and what is allowed.
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(
        field: impl Into<String>,
        value: Option<&str>,
        message: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: value.map(excerpt), message: message.into() }
    }
}

/// A failed request: the code, what the client is told, and a cause that only the log is told.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: ErrorCode,
    detail: String,
    errors: Vec<FieldError>,
    vendors: Option<Vec<&'static str>>,
    fields: Box<Fields>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    in_chart_shape: bool,
}

/// What is told in header fields beside the document. Seldom any of it.
#[derive(Debug, Default)]
struct Fields {
    allow: Option<String>,
    /// The value of `WWW-Authenticate`.
    challenge: Option<String>,
    /// In seconds.
    retry_after: Option<u64>,
}

impl Fields {
    fn challenge(value: String) -> Box<Self> {
        Box::new(Self { challenge: Some(value), ..Self::default() })
    }
}

/// How long a client should wait after a transient failure, in seconds.
const RETRY_AFTER: u64 = 1;

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            vendors: None,
            fields: Box::default(),
            cause: None,
            in_chart_shape: false,
        }
    }

    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "the server failed to answer; its log tells why under this request_id";
        Self { cause: Some(cause.into()), ..Self::new(ErrorCode::Internal, detail) }
    }

    /// `has_more` tells that there were more errors than these.
    pub(crate) fn parameters(errors: Vec<FieldError>, has_more: bool) -> Self {
        let name = |error: &FieldError| match error.field.as_str() {
            "" => "\"\"".to_owned(),
            name => name.to_owned(),
        };
        let names: Vec<String> = errors.iter().map(name).collect();
        let more = if has_more { " and more" } else { "" };
        let detail = format!("refused: {}{more}; see errors", names.join(", "));
        Self { errors, ..Self::new(ErrorCode::InvalidParameters, detail) }
    }

    /// Fields of a body that were read and are refused.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("refused: {}; see errors", names.join(", "));
        Self { errors, ..Self::new(ErrorCode::InvalidBody, detail) }
    }

    pub(crate) fn overloaded(waited: Duration) -> Self {
        let detail = format!(
            "the request waited {} s for its turn at the database; try again in a moment",
            waited.as_secs()
        );
        Self::new(ErrorCode::Unavailable, detail)
    }

    pub(crate) fn too_many_at_once() -> Self {
        let detail = "the server answers as many requests as it may; try again in a moment";
        Self::new(ErrorCode::Unavailable, detail)
    }

    /// No token where one is needed.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        let fields = Fields::challenge("Bearer realm=\"cream\"".to_owned());
        Self { fields, ..Self::new(ErrorCode::Unauthenticated, detail) }
    }

    /// A token that is good for nothing.
    pub(crate) fn invalid_token(detail: impl Into<String>) -> Self {
        // RFC 6750, section 3.
        let challenge = "Bearer realm=\"cream\", error=\"invalid_token\"".to_owned();
        let fields = Fields::challenge(challenge);
        Self { fields, ..Self::new(ErrorCode::InvalidToken, detail) }
    }

    /// A name and a password of which one is wrong.
    pub(crate) fn invalid_credentials() -> Self {
        let fields = Fields::challenge("Bearer realm=\"cream\"".to_owned());
        let detail = "there is no active account with this name and password";
        Self { fields, ..Self::new(ErrorCode::InvalidCredentials, detail) }
    }

    /// A token without the scope that is needed. `is_permitted` tells whether its owner could have
    /// one with it.
    pub(crate) fn forbidden(scope: Scope, is_permitted: bool) -> Self {
        let detail = if is_permitted {
            format!("this takes a token with the scope {scope}, which this one has not")
        } else {
            format!("this takes the scope {scope}, which only an admin's token can have")
        };
        let challenge =
            format!("Bearer realm=\"cream\", error=\"insufficient_scope\", scope=\"{scope}\"");
        Self { fields: Fields::challenge(challenge), ..Self::new(ErrorCode::Forbidden, detail) }
    }

    pub(crate) fn rate_limited(refused: &Allowance) -> Self {
        let seconds = refused.wait_seconds();
        let detail = format!(
            "more requests a second than a client may make; try again in {seconds} s and see the \
             RateLimit headers"
        );
        Self::limited(ErrorCode::RateLimited, detail, seconds)
    }

    /// Too much of something, for so many seconds.
    pub(crate) fn limited(code: ErrorCode, detail: impl Into<String>, seconds: u64) -> Self {
        let fields = Fields { retry_after: Some(seconds.max(1)), ..Fields::default() };
        Self { fields: Box::new(fields), ..Self::new(code, detail) }
    }

    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let detail = format!("this path answers {allow}");
        let fields = Fields { allow: Some(allow), ..Fields::default() };
        Self { fields: Box::new(fields), ..Self::new(ErrorCode::MethodNotAllowed, detail) }
    }

    pub(crate) fn not_ready(errors: Vec<FieldError>, cause: Option<StoreError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("not ready: {}; see errors", names.join(", "));
        let cause = cause.map(Into::into);
        Self { errors, cause, ..Self::new(ErrorCode::NotReady, detail) }
    }

    /// The same under another code.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }

    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong with this request, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn with_vendors(mut self, vendors: Vec<&'static str>) -> Self {
        self.vendors = Some(vendors);
        self
    }

    /// The same failure, told as Yahoo's chart endpoint tells it.
    pub(crate) fn in_chart_shape(mut self) -> Self {
        self.in_chart_shape = true;
        self
    }

    /// What to answer where a foreign layer failed with this status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let code = ErrorCode::of_status(status);
        let detail = match code {
            // Only compression refuses so: handlers of ours say what they offer.
            ErrorCode::NotAcceptable => {
                "the `Accept-Encoding` header rules out every encoding served: gzip, zstd, \
                 deflate, and none (identity); leave it out"
            }
            _ => code.meaning(),
        };
        Self::new(code, detail)
    }

    /// The cause and its own causes, for the log.
    pub(crate) fn cause(&self) -> Option<String> {
        let mut next: Option<&dyn Error> =
            self.cause.as_deref().map(|cause| -> &dyn Error { cause });
        let mut text = String::new();
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        (!text.is_empty()).then_some(text)
    }

    /// The whole answer.
    pub(crate) fn response(&self, request_id: Option<&str>) -> HttpResponse {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: String,
            title: &'static str,
            status: u16,
            code: &'static str,
            detail: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
            #[serde(skip_serializing_if = "Option::is_none")]
            vendors: Option<&'a [&'static str]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
        }
        let mut response = HttpResponse::build(self.code.http_status());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(allow) = &self.fields.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(challenge) = &self.fields.challenge {
            response.insert_header((header::WWW_AUTHENTICATE, challenge.as_str()));
        }
        let is_unavailable = self.code.http_status() == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.fields.retry_after.or(is_unavailable.then_some(RETRY_AFTER)) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.in_chart_shape {
            response.content_type("application/json");
            let text = self.chart_document();
            return response.body(redact(&String::from_utf8_lossy(&text)).into_owned());
        }
        let document = Document {
            r#type: format!("urn:problem-type:cream:{}", self.code),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.code(),
            detail: &self.detail,
            errors: &self.errors,
            vendors: self.vendors.as_deref(),
            request_id,
        };
        response.content_type("application/problem+json");
        // Strings and numbers always serialise. What is quoted may be a token in the wrong place.
        let text = serde_json::to_string(&document).unwrap_or_default();
        response.body(redact(&text).into_owned())
    }

    /// `{"chart":{"result":null,"error":{…}}}`, with the words of the status as the code.
    fn chart_document(&self) -> Vec<u8> {
        let status = self.code.http_status();
        let mut description = self.detail.clone();
        if status == StatusCode::NOT_FOUND {
            // Clients show it, and some compare it.
            description = "No data found, symbol may be delisted".to_owned();
        } else if !self.errors.is_empty() {
            let errors = self.errors.iter().map(|error| {
                let value = error.value.as_deref().unwrap_or_default();
                format!("{}={value}: {}", error.field, error.message)
            });
            description = format!("Invalid input - {}", errors.collect::<Vec<_>>().join("; "));
        }
        let mut bytes = Vec::new();
        let mut outer = Object::open(&mut bytes);
        let mut chart = Object::open(outer.key("chart"));
        chart.optional_string("result", None);
        let mut error = Object::open(chart.key("error"));
        error.string("code", status.canonical_reason().unwrap_or(self.code.title()));
        error.string("description", &description);
        error.close();
        chart.close();
        outer.close();
        bytes
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.http_status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response(None)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            let detail = "the database is busy or out of reach; try again in a moment";
            Self { cause: Some(error.into()), ..Self::new(ErrorCode::Unavailable, detail) }
        } else {
            Self::internal(error)
        }
    }
}

/// The start of what was given: what is hostile may also be long.
fn excerpt(text: &str) -> String {
    const LIMIT: usize = 64;
    let mut start: String = text.chars().take(LIMIT).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_is_sound() {
        let mut seen = HashSet::new();
        for &code in ErrorCode::ALL {
            assert!(seen.insert(code.code()), "{code} twice");
            assert_eq!(code.http_status().as_u16(), code.status());
            assert!((400..600).contains(&code.status()));
            assert!(code.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert!(code.meaning().ends_with('.') && !code.title().is_empty());
            assert_eq!(ErrorCode::of_status(code.http_status()).status(), code.status());
        }
        assert_eq!(ErrorCode::of_status(StatusCode::IM_A_TEAPOT), ErrorCode::BadRequest);
        assert_eq!(ErrorCode::of_status(StatusCode::BAD_GATEWAY), ErrorCode::Internal);
        assert_eq!(ErrorCode::of_status(StatusCode::NOT_FOUND), ErrorCode::UnknownRoute);
    }

    #[actix_web::test]
    async fn an_internal_error_tells_the_log_and_not_the_client() {
        let outer = std::io::Error::other("disk on fire in /srv/secret");
        let error = ApiError::internal(outer);
        assert_eq!(error.cause().unwrap(), "disk on fire in /srv/secret");
        let body = error.response(Some("r1")).into_body();
        let body = actix_web::body::to_bytes(body).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("\"request_id\":\"r1\"") && !body.contains("fire"), "{body}");
    }

    #[test]
    fn long_values_are_cut() {
        let error = FieldError::new("q", Some(&"ä".repeat(500)), "too long");
        assert_eq!(error.value.unwrap().chars().count(), 65);
    }
}
