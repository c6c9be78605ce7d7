//! Lists in pages: which page is asked for, and the answer with the way to the next one.

use cream_models::{Symbol, Vendor};
use cream_store::UserName;

use crate::answer::{Answer, Body, Rows, tag};
use crate::cursor::{self, CursorError, Fingerprint};
use crate::json::Object;
use crate::negotiate::IfNoneMatch;
use crate::params::{Params, link};
use crate::problem::ApiError;

/// Items in a page, where `limit` is absent and at most.
pub(crate) const DEFAULT_LIMIT: u32 = 100;
pub(crate) const MAX_LIMIT: u32 = 1_000;

/// Where an item stands in a list: what a cursor holds.
pub(crate) trait Position: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Position for i64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Position for Symbol {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
}

impl Position for UserName {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl Position for (Symbol, Vendor) {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.1.code().to_be_bytes(), self.0.as_str().as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (code, symbol) = bytes.split_first_chunk()?;
        Some((Position::read(symbol)?, Vendor::from_code(i16::from_be_bytes(*code))?))
    }
}

/// Which page of a list is asked for.
pub(crate) struct PageQuery<P> {
    /// It begins behind the item at this position; absent, with the first one.
    pub(crate) after: Option<P>,
    limit: u32,
    scope: Fingerprint,
    path: String,
    pairs: Vec<(String, String)>,
}

impl<P: Position> PageQuery<P> {
    /// Reads `cursor` and `limit`, and ends the reading. A cursor belongs to the query of `scope`;
    /// `path` is that of the route, encoded.
    ///
    /// # Errors
    ///
    /// As of [`Params::finish`].
    pub(crate) fn read(
        mut params: Params,
        path: impl Into<String>,
        scope: Fingerprint,
    ) -> Result<Self, ApiError> {
        let pairs = params.pairs().to_vec();
        let after = params.position("cursor", |given| {
            P::read(&cursor::decode(&scope, given)?).ok_or(CursorError::Malformed)
        });
        let limit = params.limit(DEFAULT_LIMIT, MAX_LIMIT);
        params.finish()?;
        Ok(Self { after, limit, scope, path: path.into(), pairs })
    }

    /// How many items to read: one more than the page has tells whether there is another page.
    pub(crate) fn to_read(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The page, of the items that were read.
    pub(crate) fn page<T>(&self, mut items: Vec<T>, position: impl Fn(&T) -> P) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| has_more);
        let next = last.map(|last| cursor::encode(&self.scope, &position(last).to_bytes()));
        let url = next.as_deref().map(|next| link(&self.path, &self.pairs, next));
        Page { items, next, url }
    }
}

/// Some items of a list.
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// The cursor of the next page.
    next: Option<String>,
    /// The next page.
    url: Option<String>,
}

impl<T> Page<T> {
    /// A list that is never long.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None, url: None }
    }

    /// The answer: whatever `head` writes, the count, and the items under `name`; `reason` says
    /// why there is nothing where there is nothing.
    pub(crate) fn answer(
        self,
        name: &str,
        held: &IfNoneMatch,
        reason: impl FnOnce() -> String,
        head: impl FnOnce(&mut Object<'_>),
        write: impl Fn(&mut Vec<u8>, &T),
    ) -> Answer {
        let mut bytes = Vec::with_capacity(64 + 384 * self.items.len());
        let mut object = Object::open(&mut bytes);
        head(&mut object);
        object.integer("count", i64::try_from(self.items.len()).ok());
        object.list(name, self.items.iter(), write);
        object.optional_string("next", self.next.as_deref());
        if self.items.is_empty() {
            object.string("reason", &reason());
        }
        object.close();
        // No one revision covers a list; its body is small, and tells its state best.
        let tag = tag(Fingerprint::new(name).part(&bytes));
        Answer::unchanged(held, &tag).unwrap_or_else(|| {
            let rows = Rows::of(u64::try_from(self.items.len()).unwrap_or(u64::MAX));
            Answer::Body(Body { next: self.url, rows, ..Body::json(tag, bytes) })
        })
    }
}
