//! Answers that are too long to be built at once: written by a thread of their own, out of one
//! state of the database, into a pipe.
//!
//! Such a thread holds a database connection until its client has taken everything. So there are
//! half as many at most as there are threads for short work, which always find a connection;
//! whoever comes then waits for a turn, as for those, and is told to come again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use cream_store::Store;
use tokio::sync::{Semaphore, oneshot};

use crate::ApiSettings;
use crate::answer::{Answer, Body, Content};
use crate::pipe::{Inlet, pipe};
use crate::problem::ApiError;

/// A client that takes nothing for so long is given up: the database must not keep an old state
/// for it. Below the minute after which a server ends an idle transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// A chunk is sent once it is so long: few system calls, and little that waits.
const CHUNK_BYTES: usize = 128 * 1024;

/// Where long answers are made.
pub(crate) struct Streams {
    store: Store,
    turns: Arc<Semaphore>,
    /// How long a request may wait for its turn.
    queue_timeout: Duration,
}

impl Streams {
    pub(crate) fn new(store: Store, settings: &ApiSettings) -> Self {
        let turns = Arc::new(Semaphore::new((settings.blocking_threads / 2).max(1)));
        Self { store, turns, queue_timeout: settings.queue_timeout }
    }

    /// Runs `write` on a thread of its own, and gives what it begins to answer.
    ///
    /// # Errors
    ///
    /// What `write` returns before it begins, and `unavailable` where the turn does not come.
    pub(crate) async fn answer(
        &self,
        write: impl FnOnce(&Store, &mut Outlet) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let asked = Instant::now();
        let turn = tokio::time::timeout(self.queue_timeout, self.turns.clone().acquire_owned());
        let turn = turn.await.map_err(|_| ApiError::overloaded(asked.elapsed()))?;
        let turn = turn.map_err(ApiError::internal)?;
        let (start, started) = oneshot::channel();
        let store = self.store.clone();
        let work = move || {
            let mut outlet = Outlet(Stage::Waiting(start));
            let outcome = write(&store, &mut outlet);
            outlet.end(outcome);
            drop(turn);
        };
        let name = "stream".to_owned();
        std::thread::Builder::new().name(name).spawn(work).map_err(ApiError::internal)?;
        // It fails where the thread panicked.
        started.await.map_err(ApiError::internal)?
    }
}

/// Where a thread writes its answer.
pub(crate) struct Outlet(Stage);

enum Stage {
    /// Nothing is answered yet.
    Waiting(oneshot::Sender<Result<Answer, ApiError>>),
    /// The head is out.
    Begun(Inlet),
    Answered,
}

impl Outlet {
    /// Answers at once.
    pub(crate) fn answer(&mut self, answer: Answer) {
        if let Stage::Waiting(start) = std::mem::replace(&mut self.0, Stage::Answered) {
            // Where the client is gone nobody is told.
            let _ = start.send(Ok(answer));
        }
    }

    /// Sends the head of an answer; what follows is its body.
    pub(crate) fn begin(&mut self, mut head: Body) {
        if matches!(self.0, Stage::Waiting(_)) {
            let (inlet, body) = pipe(PATIENCE);
            head.content = Content::Piped(body);
            let before = std::mem::replace(&mut self.0, Stage::Begun(inlet));
            if let Stage::Waiting(start) = before {
                let _ = start.send(Ok(Answer::Body(head)));
            }
        }
    }

    /// Sends what was written so far, where it is worth it.
    ///
    /// # Errors
    ///
    /// Where the client takes nothing any more.
    pub(crate) fn pass_on(&mut self, written: &mut Vec<u8>) -> Result<(), ApiError> {
        if written.len() < CHUNK_BYTES { Ok(()) } else { self.send(written) }
    }

    /// Sends what was written so far.
    ///
    /// # Errors
    ///
    /// Where the client takes nothing any more.
    pub(crate) fn send(&mut self, written: &mut Vec<u8>) -> Result<(), ApiError> {
        let Stage::Begun(inlet) = &self.0 else { return Ok(()) };
        if written.is_empty() {
            return Ok(());
        }
        let capacity = written.capacity();
        let chunk = std::mem::replace(written, Vec::with_capacity(capacity));
        inlet.send(Bytes::from(chunk)).map_err(ApiError::internal)
    }

    fn end(self, outcome: Result<(), ApiError>) {
        match (self.0, outcome) {
            (Stage::Begun(inlet), Ok(())) => inlet.finish(),
            (Stage::Begun(inlet), Err(error)) => {
                inlet.fail(error.cause().unwrap_or_else(|| error.to_string()));
            }
            (Stage::Waiting(start), Err(error)) => drop(start.send(Err(error))),
            // Whoever waits learns that nothing was answered.
            (Stage::Waiting(_) | Stage::Answered, _) => {}
        }
    }
}
