//! What a request is answered with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use log::error;

use super::head::{Method, Request};
use super::{Render, reason};
use crate::CONTENT_TYPE;

/// The statuses that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    Timeout,
    TooLarge,
    Internal,
    Busy,
}

impl Status {
    /// Code and reason.
    const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::Timeout => "408 Request Timeout",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Internal => "500 Internal Server Error",
            Self::Busy => "503 Service Unavailable",
        }
    }

    /// For a person.
    const fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadRequest => "not a request of HTTP/1.1",
            Self::NotFound => "there are /metrics and /health/live",
            Self::MethodNotAllowed => "only GET and HEAD are answered",
            Self::Timeout => "the request took too long to come",
            Self::TooLarge => "the request's head is larger than 8 KiB or has more than 64 fields",
            Self::Internal => "the metrics could not be made; the log says why",
            Self::Busy => "too many connections",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    status: Status,
    content_type: &'static str,
    body: String,
    is_for_head: bool,
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        let body = format!("{}\n", status.text());
        Self { status, content_type: "text/plain; charset=utf-8", body, is_for_head: false }
    }
}

impl Answer {
    /// Of a request.
    pub(super) fn to(request: &Request, render: &Render) -> Self {
        let is_for_head = request.method == Method::Head;
        let answer = match (request.path.as_str(), request.method) {
            ("/metrics" | "/health/live", Method::Other) => Status::MethodNotAllowed.into(),
            ("/metrics", _) => metrics(render),
            ("/health/live", _) => Self { body: "ok".to_owned(), ..Status::Ok.into() },
            _ => Status::NotFound.into(),
        };
        Self { is_for_head, ..answer }
    }

    /// As it is sent. A connection is one request; nobody is to keep or reinterpret the answer.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let more = match self.status {
            Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            Status::Busy => "Retry-After: 1\r\n",
            _ => "",
        };
        let body = if self.is_for_head { "" } else { self.body.as_str() };
        let text = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{more}Cache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            self.status.line(),
            self.content_type,
            self.body.len(),
        );
        text.into_bytes()
    }
}

fn metrics(render: &Render) -> Answer {
    match catch_unwind(AssertUnwindSafe(render)) {
        Ok(text) if !text.is_empty() => {
            Answer { content_type: CONTENT_TYPE, body: text, ..Status::Ok.into() }
        }
        Ok(_) => {
            error!("the metrics could not be made: the text is empty");
            Status::Internal.into()
        }
        Err(panic) => {
            error!(reason = reason(&*panic); "the metrics could not be made");
            Status::Internal.into()
        }
    }
}
