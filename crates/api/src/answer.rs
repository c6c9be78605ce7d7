//! A successful read: a body with its entity tag, or the word that nothing changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, body};

use crate::cursor::Fingerprint;
use crate::negotiate::{IfNoneMatch, MediaType};
use crate::pipe::PipeBody;

/// May be stored, by anyone, and is asked for again before it is used: data change at any time,
/// and asking costs no body.
pub(crate) const PUBLIC: &str = "public, max-age=0, must-revalidate";

/// What a service function answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The client holds the present state, under this tag.
    NotModified { tag: String },
    /// The present state.
    Body(Body),
}

/// A body and what goes into the headers with it.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) tag: String,
    pub(crate) media: MediaType,
    pub(crate) content: Content,
    /// The URL of the next page.
    pub(crate) next: Option<String>,
    /// Facts that a format without room for them carries in headers, by the header's name.
    pub(crate) facts: Vec<(String, String)>,
    /// How many rows of data are in it; grows while it is sent, where it comes from a thread.
    pub(crate) rows: Rows,
}

/// How many bars or other rows an answer has so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(Arc<AtomicU64>);

impl Rows {
    pub(crate) fn of(rows: u64) -> Self {
        Self(Arc::new(AtomicU64::new(rows)))
    }

    pub(crate) fn add(&self, rows: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The bytes of a body.
#[derive(Debug)]
pub(crate) enum Content {
    Whole(Bytes),
    /// They come from a thread.
    Piped(PipeBody),
    /// Nobody reads them, for only the head was asked for, and they were not made.
    Omitted,
}

impl Body {
    pub(crate) fn json(tag: String, bytes: Vec<u8>) -> Self {
        let content = Content::Whole(bytes.into());
        Self {
            tag,
            media: MediaType::Json,
            content,
            next: None,
            facts: Vec::new(),
            rows: Rows::of(1),
        }
    }
}

/// The strong entity tag of a state.
pub(crate) fn tag(state: Fingerprint) -> String {
    format!("\"{}\"", state.hex(16))
}

impl Answer {
    /// The answer that needs no body, where the client holds that state already.
    pub(crate) fn unchanged(held: &IfNoneMatch, tag: &str) -> Option<Self> {
        held.matched(tag).map(|tag| Self::NotModified { tag })
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::NotModified { tag } => Self::NotModified()
                .insert_header((header::ETAG, tag))
                .insert_header((header::CACHE_CONTROL, PUBLIC))
                .finish(),
            Answer::Body(answered) => {
                let mut response = Self::Ok();
                // For whoever counts what is served.
                response.extensions_mut().insert(answered.rows);
                response
                    .content_type(answered.media.content_type())
                    .insert_header((header::ETAG, answered.tag))
                    .insert_header((header::CACHE_CONTROL, PUBLIC));
                if let Some(next) = answered.next {
                    response.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
                }
                for (name, value) in answered.facts {
                    // A vendor's text need not fit into a header.
                    if let Ok(value) = header::HeaderValue::try_from(value) {
                        response.insert_header((name, value));
                    }
                }
                match answered.content {
                    Content::Whole(bytes) => response.body(bytes),
                    Content::Piped(body) => response.body(body),
                    Content::Omitted => response.body(body::None::new()),
                }
            }
        }
    }
}
