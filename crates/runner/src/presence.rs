//! Under which name a worker is known to the others, and that it is alive.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use cream_models::Timestamp;
use cream_store::{Beat, NewWorker, Store, StoreError};

use crate::seconds;

/// A worker that was not seen for so many leases is gone: its name is free.
const STALE: u32 = 2;

/// Who this worker is.
#[derive(Debug)]
pub(crate) struct Presence {
    base: String,
    host: String,
    version: String,
    pid: i64,
    /// A worker that nobody sees for so long is gone.
    stale: Duration,
    known: RwLock<Known>,
}

/// What the others know it by.
#[derive(Clone, Debug, Default)]
struct Known {
    name: String,
    started_at: Option<Timestamp>,
}

impl Presence {
    /// Not known to anybody yet.
    pub(crate) fn new(base: &str, host: &str, version: &str, lease: Duration) -> Self {
        Self {
            base: base.to_owned(),
            host: host.to_owned(),
            version: version.to_owned(),
            pid: i64::from(std::process::id()),
            stale: lease.saturating_mul(STALE),
            known: RwLock::default(),
        }
    }

    /// The name, once it has one.
    pub(crate) fn name(&self) -> String {
        self.known().name
    }

    /// Takes a name that no other worker has, where this one has none.
    pub(crate) fn enlist(&self, store: &Store, now: Timestamp) -> Result<String, StoreError> {
        let known = self.known();
        if known.started_at.is_some() {
            return Ok(known.name);
        }
        self.enlist_anew(store, now)
    }

    fn enlist_anew(&self, store: &Store, now: Timestamp) -> Result<String, StoreError> {
        let new = NewWorker {
            base: self.base.clone(),
            host: self.host.clone(),
            pid: self.pid,
            version: self.version.clone(),
            now,
            stale_before: now.plus_seconds(-seconds(self.stale)),
        };
        let name = store.write(|writer| writer.enlist_worker(&new))?;
        let known = Known { name: name.clone(), started_at: Some(now) };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(name)
    }

    /// Says that this worker is alive. Where it was gone for so long that another took its name,
    /// it takes another one itself.
    pub(crate) fn beat(
        &self,
        store: &Store,
        now: Timestamp,
        in_hand: usize,
        is_stopping: bool,
    ) -> Result<(), StoreError> {
        let Known { name, started_at: Some(started_at) } = self.known() else { return Ok(()) };
        let in_hand = i64::try_from(in_hand).unwrap_or(i64::MAX);
        let beat = Beat { name: &name, pid: self.pid, started_at, now, in_hand, is_stopping };
        if store.write_loosely(|writer| writer.beat(&beat))? {
            return Ok(());
        }
        // It has said meanwhile that it ends: nobody is to think that it is alive.
        if self.known().started_at != Some(started_at) {
            return Ok(());
        }
        let new = self.enlist_anew(store, now)?;
        log::warn!(worker = new.as_str(), was = name.as_str(); "another worker has taken the name meanwhile");
        Ok(())
    }

    /// Says that this worker is no more.
    pub(crate) fn end(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let Known { name, started_at: Some(started_at) } = self.known() else { return Ok(()) };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known::default();
        store.write_loosely(|writer| writer.worker_ended(&name, started_at, now))
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
