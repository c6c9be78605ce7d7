//! A bounded pipe from a thread that may block into the body of an answer.
//!
//! A channel of the async runtime would do but for one thing: its sender cannot wait for room
//! with a limit of time on a thread that belongs to no runtime, and a client that takes nothing
//! must not hold a database connection for ever.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// Chunks that wait in a pipe at most: one is sent while the next is made.
const CAPACITY: usize = 2;

/// Why nothing more goes into a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    /// The client has gone, or the server stops.
    #[error("the client has gone")]
    Gone,
    /// The client is there, and takes nothing.
    #[error("the client took nothing for {} s", .0.as_secs_f32())]
    Stalled(Duration),
}

/// Why an answer ends before its end; the connection ends with it, so that nobody takes what
/// arrived for the whole.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the answer broke off: {0}")]
pub(crate) struct BrokenOff(String);

#[derive(Default)]
struct Flow {
    chunks: VecDeque<Bytes>,
    /// Nothing more comes, in order or not.
    end: Option<Result<(), BrokenOff>>,
    /// Who waits for a chunk.
    waker: Option<Waker>,
    /// Nobody takes anything any more.
    is_gone: bool,
}

#[derive(Default)]
struct Shared {
    flow: Mutex<Flow>,
    /// A chunk was taken, or nobody will take one.
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pipe whose sender waits for room for at most `patience`.
pub(crate) fn pipe(patience: Duration) -> (Inlet, PipeBody) {
    let shared = Arc::new(Shared::default());
    (Inlet { shared: shared.clone(), patience }, PipeBody { shared })
}

/// Where chunks go in. Dropped before [`Inlet::finish`], it breaks the answer off.
pub(crate) struct Inlet {
    shared: Arc<Shared>,
    patience: Duration,
}

impl Inlet {
    /// Puts a chunk in, once there is room.
    ///
    /// # Errors
    ///
    /// Where nobody takes any, at all or in time.
    pub(crate) fn send(&self, chunk: Bytes) -> Result<(), Closed> {
        let deadline = Instant::now() + self.patience;
        let mut flow = self.shared.lock();
        loop {
            if flow.is_gone {
                return Err(Closed::Gone);
            }
            if flow.chunks.len() < CAPACITY {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Closed::Stalled(self.patience));
            }
            let waited = self.shared.changed.wait_timeout(flow, left);
            flow = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        flow.chunks.push_back(chunk);
        wake(flow);
        Ok(())
    }

    /// Ends the answer as a whole one.
    pub(crate) fn finish(self) {
        self.end(Ok(()));
    }

    /// Breaks the answer off.
    pub(crate) fn fail(self, why: String) {
        self.end(Err(BrokenOff(why)));
    }

    fn end(&self, how: Result<(), BrokenOff>) {
        let mut flow = self.shared.lock();
        flow.end.get_or_insert(how);
        wake(flow);
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        // Of no consequence after an end; and a panic ends it too.
        self.end(Err(BrokenOff("whoever wrote it stopped".to_owned())));
    }
}

fn wake(mut flow: MutexGuard<'_, Flow>) {
    let waker = flow.waker.take();
    drop(flow);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Where they come out: a body of unknown length.
pub(crate) struct PipeBody {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for PipeBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipeBody").finish_non_exhaustive()
    }
}

impl MessageBody for PipeBody {
    type Error = BrokenOff;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        let mut flow = self.shared.lock();
        if let Some(chunk) = flow.chunks.pop_front() {
            self.shared.changed.notify_one();
            return Poll::Ready(Some(Ok(chunk)));
        }
        match &flow.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone()))),
            None => {
                flow.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for PipeBody {
    fn drop(&mut self) {
        let mut flow = self.shared.lock();
        flow.is_gone = true;
        flow.chunks.clear();
        drop(flow);
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::thread;

    const DAY: Duration = Duration::from_secs(86_400);

    fn chunk(number: u8) -> Bytes {
        Bytes::from(vec![number])
    }

    async fn next(body: &mut PipeBody) -> Option<Result<Bytes, BrokenOff>> {
        poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await
    }

    #[actix_web::test]
    async fn chunks_come_out_in_their_order_and_never_more_than_fit_wait() {
        let (inlet, mut body) = pipe(DAY);
        let shared = inlet.shared.clone();
        let writer = thread::spawn(move || {
            for number in 0..100 {
                inlet.send(chunk(number)).unwrap();
                assert!(inlet.shared.lock().chunks.len() <= CAPACITY);
            }
            inlet.finish();
        });
        for number in 0..100 {
            assert_eq!(next(&mut body).await.unwrap().unwrap(), chunk(number));
        }
        assert!(next(&mut body).await.is_none());
        writer.join().unwrap();
        assert!(shared.lock().chunks.is_empty());
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        let (inlet, _body) = pipe(Duration::from_millis(1));
        for number in 0..2 {
            inlet.send(chunk(number)).unwrap();
        }
        let error = inlet.send(chunk(2)).unwrap_err();
        assert_eq!(error.to_string(), "the client took nothing for 0.001 s");
    }

    #[test]
    fn a_client_that_goes_away_ends_the_waiting() {
        let (inlet, body) = pipe(DAY);
        for number in 0..2 {
            inlet.send(chunk(number)).unwrap();
        }
        let writer = thread::spawn(move || inlet.send(chunk(2)));
        drop(body);
        assert_eq!(writer.join().unwrap(), Err(Closed::Gone));
    }

    #[actix_web::test]
    async fn what_is_not_finished_breaks_off_after_what_was_sent() {
        for told in [true, false] {
            let (inlet, mut body) = pipe(DAY);
            inlet.send(chunk(1)).unwrap();
            match told {
                true => inlet.fail("the disk is gone".to_owned()),
                false => drop(inlet),
            }
            assert_eq!(next(&mut body).await.unwrap().unwrap(), chunk(1));
            let error = next(&mut body).await.unwrap().unwrap_err().to_string();
            assert_eq!(error.contains("the disk is gone"), told, "{error}");
            assert!(next(&mut body).await.unwrap().is_err());
        }
    }
}
