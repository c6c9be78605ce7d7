//! The body of a request, read strictly: JSON of the type that the route takes, of bounded length,
//! and in time.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_core::Stream as _;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::problem::{ApiError, ErrorCode};
use crate::state::State;

/// A value that the request brings as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload).await?;
            let value = serde_json::from_slice(&bytes).map_err(|error| {
                let why = without_value(&error.to_string());
                ApiError::new(ErrorCode::InvalidBody, format!("the body is refused: {why}"))
            })?;
            Ok(Self(value))
        })
    }
}

/// What is wrong with a value, without the value: it may be a password of the wrong type.
fn without_value(why: &str) -> String {
    let is_of_value = ["invalid type: ", "invalid value: "].iter().any(|it| why.starts_with(it));
    let kind = why.split(['`', '"']).next().filter(|kind| is_of_value && kind.len() < why.len());
    match (kind, why.rsplit_once(", expected ")) {
        (Some(kind), Some((_, expected))) => format!("{}, expected {expected}", kind.trim_end()),
        _ => why.to_owned(),
    }
}

/// The bytes, which may hold a password and are wiped.
async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let unsupported = |detail: String| ApiError::new(ErrorCode::UnsupportedMediaType, detail);
    if !request.content_type().eq_ignore_ascii_case("application/json") {
        let given = header(CONTENT_TYPE).unwrap_or("none");
        let given: String = given.chars().take(64).collect();
        let detail = format!("the Content-Type is {given:?}; this route takes application/json");
        return Err(unsupported(detail));
    }
    if let Some(encoding) = header(CONTENT_ENCODING).filter(|given| *given != "identity") {
        let given: String = encoding.chars().take(64).collect();
        return Err(unsupported(format!("the Content-Encoding is {given:?}; send it as it is")));
    }
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Err(ApiError::internal("no state"));
    };
    let (limit, time) = (state.settings.max_body_bytes, state.settings.request_timeout);
    // At its full size from the start: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    let whole = async {
        while let Some(chunk) = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
            let chunk = chunk.map_err(|error| {
                ApiError::new(ErrorCode::BadRequest, format!("the body does not arrive: {error}"))
            })?;
            if bytes.len().saturating_add(chunk.len()) > limit {
                let detail = format!("the body is longer than {limit} bytes");
                return Err(ApiError::new(ErrorCode::PayloadTooLarge, detail));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    match tokio::time::timeout(time, whole).await {
        Ok(read) => read.map(|()| bytes),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", time.as_secs_f32());
            Err(ApiError::new(ErrorCode::RequestTimeout, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_wrong_type_is_not_quoted() {
        for (why, told) in [
            (
                "invalid type: integer `77`, expected a string",
                "invalid type: integer, expected a string",
            ),
            (
                "invalid type: string \"a, expected `b\", expected u16 at line 1 column 9",
                "invalid type: string, expected u16 at line 1 column 9",
            ),
            ("invalid value: integer `-1`, expected u16", "invalid value: integer, expected u16"),
            ("invalid type: null, expected a string", "invalid type: null, expected a string"),
            ("unknown field `x`, expected `name`", "unknown field `x`, expected `name`"),
            ("EOF while parsing a value", "EOF while parsing a value"),
        ] {
            assert_eq!(without_value(why), told);
        }
    }
}
