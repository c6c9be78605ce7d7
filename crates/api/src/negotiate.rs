//! What the client can take: media types by `Accept`, and entity tags by `If-None-Match`.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};

use crate::problem::{ApiError, ErrorCode};

/// What a read answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MediaType {
    Json,
    Csv,
    /// The streaming form of Arrow's IPC format.
    Arrow,
    Parquet,
}

impl MediaType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            // Both are registered with the IANA.
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.name(),
        }
    }
}

/// The offered type that the `Accept` header likes best; the first of equals.
///
/// # Errors
///
/// `not_acceptable` where it rules all of them out.
pub(crate) fn negotiate(
    request: &HttpRequest,
    offered: &[MediaType],
) -> Result<MediaType, ApiError> {
    let ranges = accepted(request.headers());
    let mut best: Option<(MediaType, u16)> = None;
    for &media in offered {
        let quality = if ranges.is_empty() { 1000 } else { quality(&ranges, media.name()) };
        if quality > best.map_or(0, |(_, best)| best) {
            best = Some((media, quality));
        }
    }
    best.map(|(media, _)| media).ok_or_else(|| {
        let names: Vec<&str> = offered.iter().map(|media| media.name()).collect();
        let detail = format!("this route answers {}", names.join(" or "));
        ApiError::new(ErrorCode::NotAcceptable, detail)
    })
}

/// Media ranges with their quality in thousandths. What cannot be read is passed over.
fn accepted(headers: &HeaderMap) -> Vec<(String, u16)> {
    let values = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let parts = values.flat_map(|value| value.split(','));
    parts
        .filter_map(|part| {
            let mut parameters = part.split(';').map(str::trim);
            let range = parameters.next()?.to_ascii_lowercase();
            range.split_once('/')?;
            let quality = parameters
                .find_map(|parameter| {
                    parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))
                })
                .map_or(Some(1000), thousandths)?;
            Some((range, quality))
        })
        .collect()
}

/// `0.25` as 250. RFC 9110 allows three digits behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, digits) {
        ("0", true) => format!("{fraction:0<3}").parse().ok(),
        ("1", true) => Some(1000),
        _ => None,
    }
}

/// The quality of the most specific range that holds the type; 0 where none does.
fn quality(ranges: &[(String, u16)], name: &str) -> u16 {
    let family = name.split_once('/').map_or("", |(family, _)| family);
    let of = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted).map(|(_, q)| *q);
    of(name).or_else(|| of(&format!("{family}/*"))).or_else(|| of("*/*")).unwrap_or(0)
}

/// The endings that tell the entity tags of a compressed body from that of the plain one.
const ENCODINGS: [&str; 3] = ["gzip", "zstd", "deflate"];

/// The tag of the body in this encoding: `"abc"` becomes `"abc-gzip"`.
///
/// A strong tag promises equal bytes, and the compressed ones are others.
pub(crate) fn tag_in_encoding(tag: &str, encoding: &str) -> Option<String> {
    tag.strip_suffix('"').map(|open| format!("{open}-{encoding}\""))
}

/// The entity tags by which a client names the states that it holds already.
#[derive(Clone, Debug, Default)]
pub(crate) struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    fn read(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect())
    }

    /// The tag by which the client holds the present state, in whichever encoding it got it.
    pub(crate) fn matched(&self, tag: &str) -> Option<String> {
        self.0.iter().find_map(|given| {
            if given == "*" {
                return Some(tag.to_owned());
            }
            let given = given.strip_prefix("W/").unwrap_or(given);
            let mut encoded =
                ENCODINGS.iter().filter_map(|encoding| tag_in_encoding(tag, encoding));
            (given == tag || encoded.any(|tag| tag == given)).then(|| given.to_owned())
        })
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::read(request.headers())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn choose(accept: Option<&str>) -> Option<MediaType> {
        let mut request = TestRequest::get();
        if let Some(accept) = accept {
            request = request.insert_header((header::ACCEPT, accept));
        }
        negotiate(&request.to_http_request(), &[MediaType::Json, MediaType::Csv]).ok()
    }

    #[test]
    fn the_best_liked_type_is_chosen() {
        use MediaType::{Csv, Json};
        for (accept, wanted) in [
            (None, Some(Json)),
            (Some(""), Some(Json)),
            (Some("*/*"), Some(Json)),
            (Some("text/csv"), Some(Csv)),
            (Some("TEXT/CSV; q=0.9, application/json;q=0.5"), Some(Csv)),
            (Some("text/*"), Some(Csv)),
            (Some("text/csv;q=0, */*"), Some(Json)),
            (Some("application/json;q=0, */*;q=0.1"), Some(Csv)),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Json)),
            (Some("text/html"), None),
            (Some("*/*;q=0"), None),
        ] {
            assert_eq!(choose(accept), wanted, "{accept:?}");
        }
    }

    #[test]
    fn tags_match_in_every_encoding_and_weakly() {
        let matched = |given: &'static str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, given));
            IfNoneMatch::read(request.to_http_request().headers()).matched("\"a1\"")
        };
        assert_eq!(matched("\"a1\"").as_deref(), Some("\"a1\""));
        assert_eq!(matched("\"x\", W/\"a1-gzip\"").as_deref(), Some("\"a1-gzip\""));
        assert_eq!(matched("*").as_deref(), Some("\"a1\""));
        for other in ["", "\"a\"", "\"a1-br\"", "a1", "\"a1", "\"a11\""] {
            assert_eq!(matched(other), None, "{other}");
        }
    }
}
