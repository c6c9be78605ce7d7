//! Who is connected.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The connections, a bounded number of them.
#[derive(Debug)]
pub(super) struct Places {
    served: usize,
    open: Mutex<Open>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    is_closed: bool,
    next: u64,
    streams: BTreeMap<u64, Arc<TcpStream>>,
    served: usize,
}

/// A connection's place, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    pub(super) stream: Arc<TcpStream>,
    /// Else it is turned away.
    pub(super) is_served: bool,
}

impl Places {
    /// For so many to be served, and as many to be turned away.
    pub(super) fn new(served: usize) -> Self {
        Self { served, open: Mutex::default(), left: Condvar::new() }
    }

    /// A place for a client; none where too many wait to be turned away already, or at the end.
    pub(super) fn take(self: &Arc<Self>, stream: TcpStream) -> Option<Place> {
        let mut open = self.lock();
        if open.is_closed || open.streams.len() >= self.served.saturating_mul(2) {
            return None;
        }
        let is_served = open.served < self.served;
        open.served = open.served.saturating_add(usize::from(is_served));
        let number = open.next;
        open.next = number.wrapping_add(1);
        let stream = Arc::new(stream);
        open.streams.insert(number, Arc::clone(&stream));
        Some(Place { places: Arc::clone(self), number, stream, is_served })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Waits for the answers under way, and closes what is open then.
    pub(super) fn empty(&self, grace: Duration) {
        let open = self.lock();
        // Whoever has not asked yet, or has its answer, is seen as gone.
        shut(&open, Shutdown::Read);
        let result = self.left.wait_timeout_while(open, grace, |open| !open.streams.is_empty());
        let (open, _) = result.unwrap_or_else(PoisonError::into_inner);
        shut(&open, Shutdown::Both);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shut(open: &Open, how: Shutdown) {
    for stream in open.streams.values() {
        // It fails where the client has left, and there is nothing to be shut then.
        let _ = stream.shutdown(how);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.lock();
        open.streams.remove(&self.number);
        open.served = open.served.saturating_sub(usize::from(self.is_served));
        drop(open);
        self.places.left.notify_all();
    }
}
