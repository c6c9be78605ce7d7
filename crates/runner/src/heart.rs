//! The heartbeat: leases in hand are kept, and the others see that this worker is alive.

use std::sync::Arc;
use std::thread::JoinHandle;

use cream_processor::Cancel;
use cream_tasks::Stop;

use crate::error::StartError;
use crate::journal::StoreJournal;
use crate::running::spawn;
use crate::worker::Worker;

/// A heart that beats until it is dropped.
pub(crate) struct Heart {
    rest: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Beats four times a lease.
    pub(crate) fn start(
        worker: &Arc<Worker>,
        journal: &Arc<StoreJournal>,
        cancel: &Cancel,
    ) -> Result<Self, StartError> {
        let rest = Stop::new();
        let (worker, journal) = (Arc::clone(worker), Arc::clone(journal));
        let (until, cancel) = (rest.clone(), cancel.clone());
        let pause = worker.leases().length() / 4;
        let thread = spawn("heartbeat", move || {
            while !until.wait(pause) {
                worker.beat(cancel.is_cancelled());
                journal.write_running();
            }
        })?;
        Ok(Self { rest, thread: Some(thread) })
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.rest.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the heartbeat panicked");
        }
    }
}
