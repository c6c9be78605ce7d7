//! The heartbeat: leases in hand are kept, and the others see that this worker is alive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use cream_processor::Cancel;

use crate::error::StartError;
use crate::journal::StoreJournal;
use crate::running::spawn;
use crate::worker::Worker;

/// A heart that beats until it is dropped.
pub(crate) struct Heart {
    /// Has it beat at once; gone, it stops.
    nerve: Option<Sender<()>>,
    /// Gone when it has stopped.
    stopped: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Beats four times a lease.
    pub(crate) fn start(
        worker: &Arc<Worker>,
        journal: &Arc<StoreJournal>,
        cancel: &Cancel,
    ) -> Result<Self, StartError> {
        let (worker, journal, cancel) = (Arc::clone(worker), Arc::clone(journal), cancel.clone());
        let (nerve, felt) = channel();
        let (running, stopped) = channel::<()>();
        let pause = worker.leases().length() / 4;
        let thread = spawn("heartbeat", move || {
            let _running = running;
            while !matches!(felt.recv_timeout(pause), Err(RecvTimeoutError::Disconnected)) {
                let beat = || {
                    worker.beat(cancel.is_cancelled());
                    journal.write_running();
                };
                // A worker whose heart stops for good would lose all that it claims.
                if catch_unwind(AssertUnwindSafe(beat)).is_err() {
                    log::error!("panic in a heartbeat");
                }
            }
        })?;
        Ok(Self { nerve: Some(nerve), stopped, thread: Some(thread) })
    }

    /// Beats at once, without being waited for.
    pub(crate) fn beat(&self) {
        if let Some(nerve) = &self.nerve
            && nerve.send(()).is_err()
        {
            log::debug!("the heartbeat has ended");
        }
    }

    /// Stops it, and waits so long at most for a beat that is under way: where the database is
    /// away, that takes its time.
    pub(crate) fn stop(mut self, limit: Duration) {
        self.nerve = None;
        if matches!(self.stopped.recv_timeout(limit), Err(RecvTimeoutError::Timeout)) {
            log::debug!("the heartbeat still waits for the database");
            self.thread = None;
        }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.nerve = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the heartbeat panicked");
        }
    }
}
