//! A copy of the database that follows it, and is asked first by readers who need not see the
//! latest.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::Open;
use crate::version::{Source, StateVersion};
use crate::{Store, StoreError};

/// Another store that holds the same, a little later.
pub(crate) struct Replica {
    store: Store,
    standing: Mutex<Standing>,
}

#[derive(Clone, Copy, Default)]
struct Standing {
    /// It could not be reached, and is not asked before then.
    away_until: Option<Instant>,
    /// How often it could not.
    failures: u64,
}

/// How long a replica that could not be reached is left alone.
const PAUSE: Duration = Duration::from_secs(10);

impl Replica {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, standing: Mutex::default() }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is to be asked.
    fn source(&self) -> Source {
        let Standing { away_until, failures } = *self.standing();
        let is_away = away_until.is_some_and(|until| Instant::now() < until);
        Source { is_replica: !is_away, failures }
    }

    /// Begins to read, or `None` where the primary must be asked.
    pub(crate) fn begin_read(&self) -> Option<Open> {
        if !self.source().is_replica {
            return None;
        }
        match self.store.begin_read() {
            Ok(open) => {
                if self.standing().away_until.take().is_some() {
                    log::info!("the replica of the database is back");
                }
                Some(open)
            }
            Err(error) => {
                self.leave(&error);
                None
            }
        }
    }

    /// The version of its state, or that of the primary where that must be asked.
    pub(crate) fn version_or(
        &self,
        primary: impl Fn() -> Result<StateVersion, StoreError>,
    ) -> Result<StateVersion, StoreError> {
        loop {
            let source = self.source();
            let version = if source.is_replica { self.store.version() } else { primary() };
            match version {
                Err(error) if source.is_replica => self.leave(&error),
                Err(error) => return Err(error),
                // Who read meanwhile read from the same one.
                Ok(version) if self.source() == source => return Ok(version.of(source)),
                Ok(_) => {}
            }
        }
    }

    /// Leaves it alone for a while.
    fn leave(&self, error: &StoreError) {
        let mut standing = self.standing();
        standing.failures = standing.failures.saturating_add(1);
        standing.away_until = Some(Instant::now() + PAUSE);
        drop(standing);
        log::warn!(
            replica:% = self.store.url(), error:% = error, pause_seconds = PAUSE.as_secs();
            "the replica cannot be read; the primary answers in its place"
        );
    }
}
