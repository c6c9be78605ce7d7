//! Answers that are kept, to be given again while the database has not changed.
//!
//! A kept answer is never out of date: it is given only where the database says that nothing was
//! committed since before it was made. In SQLite that costs some microseconds. A PostgreSQL server
//! is asked over the network, by one thread for all requests that wait at the moment.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use cream_store::{StateVersion, Store};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;

use crate::answer::{Answer, Body, Content, Rows};
use crate::facts::Facts;
use crate::negotiate::{IfNoneMatch, MediaType};

/// Answers that are kept, and what knows whether they still hold.
pub(crate) struct Answers {
    kept: Option<Cache<Key, Arc<Kept>, Bytewise>>,
    /// The longest that is kept, in bytes.
    longest: usize,
    watch: Watch,
}

/// What was asked: the URL as it was written, and the type that was settled on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    url: Box<str>,
    media: MediaType,
}

struct Kept {
    version: StateVersion,
    tag: String,
    /// Absent where whoever asked had it.
    body: Option<KeptBody>,
}

struct KeptBody {
    bytes: Bytes,
    next: Option<String>,
    facts: Vec<(String, String)>,
    rows: Rows,
}

#[derive(Clone)]
struct Bytewise;

/// What an entry takes beside its texts, roughly.
const ENTRY_BYTES: usize = 400;

impl Weighter<Key, Arc<Kept>> for Bytewise {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        let body = kept.body.as_ref().map_or(0, |body| body.bytes.len());
        u64::try_from(key.url.len().saturating_add(body).saturating_add(ENTRY_BYTES))
            .unwrap_or(u64::MAX)
    }
}

/// An answer that was looked for and not found: what it is kept under once it is made.
pub(crate) struct Missed {
    key: Key,
    version: StateVersion,
}

impl Answers {
    /// Keeps answers of `bytes` in all; none where that is 0.
    pub(crate) fn new(bytes: u64) -> Self {
        // Of about a kilobyte each, by guess; the weight alone bounds them.
        let items = usize::try_from(bytes / 1_024).unwrap_or(usize::MAX).min(1 << 20);
        let kept = (bytes > 0).then(|| Cache::with_weighter(items, bytes, Bytewise));
        let longest = usize::try_from(bytes / 16).unwrap_or(usize::MAX);
        Self { kept, longest, watch: Watch::default() }
    }

    /// Looks for the answer to a request. Where there is none that holds: what is to be told to
    /// [`Answers::keep`], if it may be kept.
    pub(crate) async fn look(
        &self,
        store: &Store,
        request: &HttpRequest,
        media: MediaType,
        held: &IfNoneMatch,
    ) -> Result<HttpResponse, Option<Missed>> {
        let Some(cache) = &self.kept else { return Err(None) };
        // A HEAD is answered by the handler, which knows what to leave out.
        if request.method() != actix_web::http::Method::GET {
            return Err(None);
        }
        let url = request.uri().path_and_query().map_or("/", |both| both.as_str());
        let key = Key { url: url.into(), media };
        // Before the answer is made: what is committed meanwhile shall not be missed by it.
        let Some(version) = self.watch.version(store).await else { return Err(None) };
        let facts = Facts::of(request);
        let found = cache.get(&key).filter(|kept| kept.version == version);
        let answer = found.and_then(|kept| kept.answer(media, held));
        if let Some(facts) = &facts {
            facts.cache.set(Some(answer.is_some()));
        }
        answer.map(HttpResponse::from).ok_or(Some(Missed { key, version }))
    }

    /// Keeps an answer that was made after it was looked for.
    pub(crate) fn keep(&self, missed: Option<Missed>, answer: &Answer) {
        let (Some(cache), Some(Missed { key, version })) = (&self.kept, missed) else { return };
        let kept = match answer {
            Answer::NotModified { tag } => Kept { version, tag: tag.clone(), body: None },
            Answer::Body(Body {
                tag, content: Content::Whole(bytes), next, facts, rows, ..
            }) if bytes.len() <= self.longest => {
                let (bytes, next, facts) = (bytes.clone(), next.clone(), facts.clone());
                let body = Some(KeptBody { bytes, next, facts, rows: rows.clone() });
                Kept { version, tag: tag.clone(), body }
            }
            Answer::Body(_) => return,
        };
        cache.insert(key, Arc::new(kept));
    }
}

impl Kept {
    fn answer(&self, media: MediaType, held: &IfNoneMatch) -> Option<Answer> {
        // Whoever holds another encoding's tag holds the state all the same, as everywhere.
        if let Some(unchanged) = Answer::unchanged(held, &self.tag) {
            return Some(unchanged);
        }
        let KeptBody { bytes, next, facts, rows } = self.body.as_ref()?;
        let body = Body {
            tag: self.tag.clone(),
            media,
            content: Content::Whole(bytes.clone()),
            next: next.clone(),
            facts: facts.clone(),
            rows: rows.clone(),
        };
        Some(Answer::Body(body))
    }
}

/// Asks the database for its version, for many at once.
#[derive(Default)]
struct Watch {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// Who came after the question that is under way was asked, and wants the next one's answer.
    next: Vec<oneshot::Sender<Option<StateVersion>>>,
    is_asking: bool,
}

impl Watch {
    /// The version of a state that is no older than this call; `None` where it is not known.
    async fn version(&self, store: &Store) -> Option<StateVersion> {
        if store.url().file().is_some() {
            // It takes no longer than handing it to another thread.
            return told(store);
        }
        let (tell, told) = oneshot::channel();
        let begins = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.next.push(tell);
            !std::mem::replace(&mut waiting.is_asking, true)
        };
        if begins {
            let (waiting, store) = (Arc::clone(&self.waiting), store.clone());
            // Goes on where this request is given up.
            drop(web::block(move || ask(&waiting, &store)));
        }
        told.await.ok().flatten()
    }
}

fn told(store: &Store) -> Option<StateVersion> {
    match store.version_any() {
        Ok(version) => Some(version),
        Err(error) => {
            log::debug!(error:% = error; "the database's version is not known");
            None
        }
    }
}

/// Asks until nobody waits any more.
fn ask(waiting: &Mutex<Waiting>, store: &Store) {
    loop {
        let now = {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.next.is_empty() {
                waiting.is_asking = false;
                return;
            }
            std::mem::take(&mut waiting.next)
        };
        let version = told(store);
        for tell in now {
            // Whoever has gone is not told.
            let _ = tell.send(version);
        }
    }
}
