//! What happens around every request: its id, the access log, errors as problem documents, the
//! headers that every answer carries, and panics.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError, web};
use cream_auth::redact;
use cream_metrics::Answered;

use crate::answer::{PUBLIC, Rows};
use crate::client::address;
use crate::facts::Facts;
use crate::limits::Seat;
use crate::negotiate::tag_in_encoding;
use crate::problem::{ApiError, ErrorCode};
use crate::state::State;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;
/// As much of a path as the log is given.
const MAX_LOGGED_PATH: usize = 256;

/// On every answer. What is served is data: a browser shall not sniff a script into it, run
/// anything in it, or tell others where it was.
const FIXED_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];
const NOTHING_RUNS: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const VARY: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
const VARY_BY_ORIGIN: HeaderValue = HeaderValue::from_static("accept, accept-encoding, origin");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=0, must-revalidate");

/// The outermost layer.
pub(crate) async fn observe(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<LoggedBody>, Error> {
    let id = given_id(request.headers()).unwrap_or_else(|| state.request_ids.next());
    let client = address(request.peer_addr(), request.headers(), &state.settings.trusted_proxies);
    let facts = Facts::new(id, client);
    request.extensions_mut().insert(Rc::clone(&facts));
    let mut record = Record::new(&request, &facts, &state);
    let outcome = match over_a_limit(&request, &state, &mut record) {
        Some(error) => Ok(Ok(request.error_response(error).map_into_boxed_body())),
        None => caught(next.call(request))
            .await
            .map(|outcome| outcome.map(ServiceResponse::map_into_boxed_body)),
    };
    let failure = match outcome {
        Ok(Ok(response)) => {
            let (request, response) = response.into_parts();
            let response = finished(response, &facts);
            record.status = response.status();
            record.rows = response.extensions().get::<Rows>().cloned();
            let response = response.map_body(|_, body| LoggedBody { body, record });
            return Ok(ServiceResponse::new(request, response));
        }
        // The request is gone, so that the answer has to travel as an error.
        Ok(Err(error)) => match error.as_error::<ApiError>() {
            Some(_) => Failure { error, facts },
            None => Failure { error: ApiError::internal(error.to_string()).into(), facts },
        },
        Err(message) => {
            Failure { error: ApiError::internal(format!("panic: {message}")).into(), facts }
        }
    };
    record.status = failure.status_code();
    Err(failure.into())
}

/// The client's own id, where it is fit for a log.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    // Nor is it told what may be a token.
    if redact(id) != id {
        return None;
    }
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ((1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(fit)).then(|| id.to_owned())
}

/// Paths that tell of the server itself, and are answered however much it has to do.
const ALWAYS: [&str; 2] = ["/health/live", "/metrics"];

fn over_a_limit(request: &ServiceRequest, state: &State, record: &mut Record) -> Option<ApiError> {
    record.seat = state.seats.take();
    if record.seat.is_none() && !ALWAYS.contains(&request.path()) {
        return Some(ApiError::too_many_at_once());
    }
    let uri = request.uri();
    let len = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    let limit = state.settings.max_uri_bytes;
    if len > limit {
        let detail = format!("path and query are {len} bytes long; at most {limit} are allowed");
        return Some(ApiError::new(ErrorCode::UriTooLong, detail));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?;
    let limit = state.settings.max_body_bytes;
    // A length beyond a usize is no less too long.
    let is_over = announced.parse::<usize>().map_or(true, |len| len > limit);
    is_over.then(|| {
        let detail = format!("the body is {announced} bytes long; at most {limit} are allowed");
        ApiError::new(ErrorCode::PayloadTooLarge, detail)
    })
}

/// Polls a future; a panic within becomes its message.
async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        // The future is not polled again after a panic.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(panic_message(payload.as_ref()))),
        }
    })
    .await
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}

/// Turns errors into problem documents, logs their causes, and adds the headers.
fn finished(response: HttpResponse<BoxBody>, facts: &Facts) -> HttpResponse<BoxBody> {
    let status = response.status();
    let mut response = if status.is_client_error() || status.is_server_error() {
        let mut told = match response.error().and_then(|error| error.as_error::<ApiError>()) {
            Some(error) => problem(error, &facts.request_id),
            // From a layer that is not ours, which speaks plain text.
            None => problem(&ApiError::of_status(status), &facts.request_id),
        };
        // A page that may read what was found may read what went wrong.
        for (name, value) in response.headers() {
            if name.as_str().starts_with("access-control-") || name == header::VARY {
                told.headers_mut().append(name.clone(), value.clone());
            }
        }
        told
    } else {
        response
    };
    add_headers(response.headers_mut(), facts);
    if let Some(allowance) = facts.allowance.get() {
        allowance.write(response.headers_mut());
    }
    response
}

fn problem(error: &ApiError, id: &str) -> HttpResponse<BoxBody> {
    if error.status_code().is_server_error() {
        let cause = error.cause().unwrap_or_else(|| error.to_string());
        log::error!(request_id = id, code = error.code().code(), error = cause.as_str(); "a request failed");
    }
    error.response(Some(id))
}

fn add_headers(headers: &mut HeaderMap, facts: &Facts) {
    // A page of ours says itself what it needs.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING_RUNS);
    }
    for (name, value) in FIXED_HEADERS {
        headers.insert(name, value);
    }
    // The same for every route, so that no cache mixes what was negotiated.
    let mut vary = headers.get_all(header::VARY).filter_map(|value| value.to_str().ok());
    let by_origin = vary.any(|value| value.to_ascii_lowercase().contains("origin"));
    headers.insert(header::VARY, if by_origin { VARY_BY_ORIGIN } else { VARY });
    if let Ok(id) = HeaderValue::from_str(&facts.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    // What a token has let out is for its holder alone.
    if facts.caller.borrow().is_some()
        && headers.get(header::CACHE_CONTROL).is_some_and(|value| value == PUBLIC)
    {
        headers.insert(header::CACHE_CONTROL, PRIVATE);
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let (Some(tag), Some(encoding)) = (text(header::ETAG), text(header::CONTENT_ENCODING))
        && let Some(Ok(tag)) = tag_in_encoding(tag, encoding).map(HeaderValue::try_from)
    {
        headers.insert(header::ETAG, tag);
    }
}

/// A failure on its way out past the layer that would have answered it.
#[derive(Debug)]
struct Failure {
    error: Error,
    facts: Rc<Facts>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        finished(self.error.error_response(), &self.facts)
    }
}

/// What the access log and the metrics are told when the last byte of an answer is out, or its
/// client is gone.
struct Record {
    started: Instant,
    method: Method,
    path: String,
    facts: Rc<Facts>,
    state: web::Data<State>,
    /// Held for as long.
    seat: Option<Seat>,
    status: StatusCode,
    rows: Option<Rows>,
    bytes: u64,
}

impl Record {
    fn new(request: &ServiceRequest, facts: &Rc<Facts>, state: &web::Data<State>) -> Self {
        // Never the query: it may come to hold what no log should.
        let path = redact(request.uri().path());
        let path = match path.char_indices().nth(MAX_LOGGED_PATH) {
            Some((end, _)) => path.get(..end).unwrap_or_default().to_owned(),
            None => path.into_owned(),
        };
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path,
            facts: Rc::clone(facts),
            state: state.clone(),
            seat: None,
            status: StatusCode::INTERNAL_SERVER_ERROR,
            rows: None,
            bytes: 0,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.state.counted.http.answered(&Answered {
            method: known_method(&self.method),
            route: self.facts.route.get(),
            status: self.status.as_u16(),
            duration,
            bytes: self.bytes,
            rows: self.rows.as_ref().map_or(0, Rows::count),
            cache: self.facts.cache.get(),
        });
        // Tenths of a millisecond are as fine as a reader of logs needs.
        let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        let duration_ms = f64::from(micros / 100) / 10.0;
        let caller = self.facts.caller.borrow();
        let user = caller.as_ref().map(|caller| caller.name.as_str());
        log::info!(
            // A client may call it what it likes, at any length.
            method:% = format_args!("{:.32}", redact(self.method.as_str())),
            path = self.path.as_str(),
            status = self.status.as_u16(),
            duration_ms,
            bytes = self.bytes,
            client:% = self.facts.client,
            user,
            request_id = self.facts.request_id.as_str();
            "request"
        );
    }
}

/// The methods that metrics tell apart.
fn known_method(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

/// A body that counts what of it was sent.
pub(crate) struct LoggedBody {
    body: BoxBody,
    record: Record,
}

impl MessageBody for LoggedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let poll = Pin::new(&mut self.body).poll_next(context);
        match &poll {
            Poll::Ready(Some(Ok(chunk))) => {
                let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                self.record.bytes = self.record.bytes.saturating_add(len);
            }
            Poll::Ready(Some(Err(error))) => {
                let request_id = self.record.facts.request_id.as_str();
                log::error!(request_id, error:% = error; "an answer broke off");
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        poll
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn id_of(given: &str) -> Option<String> {
        let request = TestRequest::get().insert_header((REQUEST_ID, given));
        given_id(request.to_http_request().headers())
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(id_of("Ab-1_2.c").as_deref(), Some("Ab-1_2.c"));
        assert!(id_of(&"a".repeat(64)).is_some());
        for bad in ["", "a b", "a\"b", "a/b", &"a".repeat(65)] {
            assert_eq!(id_of(bad), None, "{bad:?}");
        }
    }

    #[actix_web::test]
    async fn a_panic_becomes_its_message() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        let panicking = async { panic!("at {}", 1) };
        assert_eq!(caught::<_>(panicking).await.map(|(): ()| ()), Err("at 1".to_owned()));
    }

    #[test]
    fn a_compressed_body_has_its_own_tag() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, HeaderValue::from_static("\"a\""));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        add_headers(&mut headers, &Facts::new("r".to_owned(), [127, 0, 0, 1].into()));
        assert_eq!(headers.get(header::ETAG).unwrap(), "\"a-gzip\"");
    }
}
