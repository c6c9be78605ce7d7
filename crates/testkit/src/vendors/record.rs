//! What the server was asked, and the answers that it may give once more.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::Arc;

use cream_models::Vendor;

use super::http::{Request, Wire};
use super::{Door, Fault};

/// How many requests are kept on record unless it is said otherwise.
const KEPT: usize = 200_000;

/// How many bytes of bodies are kept for requests that come again.
const KEPT_BYTES: usize = 512 << 20;

/// A request that the server got, and how it answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The request, with the instant of its arrival; its fields and methods are those of the
    /// record too.
    pub request: Request,
    /// Where it came in.
    pub door: Door,
    /// Whose path it asked for; `None` for cookies, crumbs and consent.
    pub vendor: Option<Vendor>,
    /// The fault that befell it.
    pub fault: Option<Fault>,
    /// The status of the answer; `None` where the connection was reset.
    pub status: Option<u16>,
}

impl Deref for Seen {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// The newest requests, so that a server may run for long.
#[derive(Debug)]
pub(crate) struct Record {
    seen: VecDeque<Arc<Seen>>,
    kept: usize,
    total: u64,
}

impl Default for Record {
    fn default() -> Self {
        Self { seen: VecDeque::new(), kept: KEPT, total: 0 }
    }
}

impl Record {
    pub(crate) fn push(&mut self, seen: Seen) {
        self.total += 1;
        self.seen.push_back(Arc::new(seen));
        self.cut();
    }

    pub(crate) fn keep(&mut self, kept: usize) {
        self.kept = kept;
        self.cut();
    }

    fn cut(&mut self) {
        let too_many = self.seen.len().saturating_sub(self.kept);
        self.seen.drain(..too_many);
    }

    pub(crate) fn clear(&mut self) {
        self.seen.clear();
        self.total = 0;
    }

    /// What is kept, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Seen>> {
        self.seen.iter().map(Arc::clone).collect()
    }

    /// How many requests there were since the record was last cleared, kept or not.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }
}

/// Rendered answers, by everything in a request that they depend on.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    answers: HashMap<String, Arc<Wire>>,
    bytes: usize,
}

impl Rendered {
    /// What an answer depends on, but for the world and for what the client has already.
    pub(crate) fn key(request: &Request, compress: bool) -> String {
        let mut key = format!("{compress} {} {}", request.method, request.path_and_query);
        for header in ["accept-encoding", "authorization", "cookie", "user-agent"] {
            for (_, value) in request.headers.iter().filter(|(name, _)| name == header) {
                key += "\n";
                key += header;
                key += value;
            }
        }
        key
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<Wire>> {
        self.answers.get(key).map(Arc::clone)
    }

    /// Keeps an answer, unless enough are kept.
    pub(crate) fn put(&mut self, key: String, wire: &Arc<Wire>) {
        if self.bytes + wire.body.len() <= KEPT_BYTES {
            self.bytes += wire.body.len();
            self.answers.insert(key, Arc::clone(wire));
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
