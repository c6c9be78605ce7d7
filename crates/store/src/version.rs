//! Telling whether anything was committed, without reading it.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::StoreError;
use crate::cached::Cached;
use crate::connection::{Connection, Manager};
use crate::error::failed;
use crate::url::Target;

/// A state of the database, as far as one process can tell it from others. See
/// [`Store::version`](crate::Store::version).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateVersion {
    /// Whose state it is, and how often that has changed.
    source: Source,
    /// How many changes were noticed before it.
    changes: u64,
}

impl StateVersion {
    /// The same, told of one of two databases.
    pub(crate) fn of(self, source: Source) -> Self {
        Self { source, ..self }
    }
}

/// Of two databases, which one is asked, and how often the first could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) is_replica: bool,
    pub(crate) failures: u64,
}

/// What one connection says of the state; it means nothing on another one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Changes whenever another connection has committed.
    Counter(i64),
    /// What a transaction that begins now can see.
    Snapshot(String),
}

/// Connections that write nothing and are asked what others have committed: several, so that
/// threads need not wait for each other.
///
/// The first one counts. Another one that notices a change has the first one look before it is
/// believed, so that a commit is counted once, and is counted before whoever noticed it goes on.
/// Whoever reads after two equal counts has read one state: a commit between them would have been
/// noticed by the second question, then or earlier, and been counted after the first count.
pub(crate) struct Watch {
    manager: Manager,
    changes: AtomicU64,
    first: Mutex<Eye>,
    others: Box<[Mutex<Eye>]>,
}

/// A connection, once it is open, with what it said last.
#[derive(Default)]
struct Eye(Option<Open>);

struct Open {
    connection: Connection,
    since: Instant,
    last: Option<State>,
}

/// What a connection saw since it looked last.
enum Seen {
    Nothing,
    /// Something was committed, or it is the first look.
    Change,
    /// It cannot tell.
    Unclear,
}

/// As many threads as ask an SQLite database at the same time, at most.
const MAX_EYES: usize = 8;

/// After so long it is opened anew: by then it may be another file that has the name.
const LIFETIME: Duration = Duration::from_secs(600);

/// Of a server: when it started, and what is done and what is under way. On a standby the
/// snapshot says nothing of what is under way; but where all that was received is applied, no
/// more can have become visible until more is received. Else nothing can be said: NULL.
const SNAPSHOT: &str = "SELECT pg_postmaster_start_time()::text || ' ' || \
    CASE WHEN pg_is_in_recovery() \
    THEN (SELECT received::text FROM (SELECT pg_last_wal_receive_lsn() AS received) AS wal \
        WHERE received = pg_last_wal_replay_lsn()) \
    ELSE pg_current_snapshot()::text END";

impl Watch {
    pub(crate) fn new(manager: Manager) -> Self {
        let eyes = match manager.url.target() {
            Target::Sqlite(_) => thread::available_parallelism().map_or(1, NonZero::get),
            // One question at a time is enough, and a session of the server is dear.
            Target::Postgres(_) => 1,
        };
        let others = (1..eyes.min(MAX_EYES)).map(|_| Mutex::default()).collect();
        Self { manager, changes: AtomicU64::new(0), first: Mutex::default(), others }
    }

    pub(crate) fn version(&self) -> Result<StateVersion, StoreError> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed));
        // Each thread asks the same one each time.
        let eyes = NonZero::<usize>::MIN.saturating_add(self.others.len());
        let changes = match self.others.get(NUMBER.with(|number| *number % eyes)) {
            None => self.count()?,
            Some(eye) => {
                let mut eye = lock(eye);
                match eye.look(&self.manager)? {
                    Seen::Nothing => self.changes.load(Ordering::SeqCst),
                    Seen::Change | Seen::Unclear => {
                        let counted = self.count();
                        if counted.is_err() {
                            // It is noticed anew.
                            *eye = Eye::default();
                        }
                        counted?
                    }
                }
            }
        };
        Ok(StateVersion { source: Source::default(), changes })
    }

    /// Has the first one look, and counts what it sees.
    fn count(&self) -> Result<u64, StoreError> {
        let mut first = lock(&self.first);
        Ok(match first.look(&self.manager)? {
            Seen::Nothing => self.changes.load(Ordering::SeqCst),
            Seen::Change => self.changes.fetch_add(1, Ordering::SeqCst).wrapping_add(1),
            // Equal to none before or after it.
            Seen::Unclear => self.changes.fetch_add(2, Ordering::SeqCst).wrapping_add(1),
        })
    }
}

fn lock(eye: &Mutex<Eye>) -> MutexGuard<'_, Eye> {
    eye.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Eye {
    fn look(&mut self, manager: &Manager) -> Result<Seen, StoreError> {
        let Self(eye) = self;
        eye.take_if(|open| open.since.elapsed() >= LIFETIME);
        loop {
            let is_new = eye.is_none();
            let open = match eye {
                Some(known) => known,
                None => {
                    let connection = manager.connect()?;
                    eye.insert(Open { connection, since: Instant::now(), last: None })
                }
            };
            match state(&mut open.connection) {
                Ok(Some(state)) if open.last.as_ref() == Some(&state) => return Ok(Seen::Nothing),
                Ok(Some(state)) => {
                    open.last = Some(state);
                    return Ok(Seen::Change);
                }
                Ok(None) => {
                    open.last = None;
                    return Ok(Seen::Unclear);
                }
                Err(error) => {
                    *eye = None;
                    // A server may have ended it long ago.
                    if is_new {
                        return Err(failed(error));
                    }
                }
            }
        }
    }
}

fn state(connection: &mut Connection) -> QueryResult<Option<State>> {
    match connection {
        Connection::Sqlite(c) => Cached(sql::<BigInt>("PRAGMA data_version"))
            .get_result(c)
            .map(|version| Some(State::Counter(version))),
        Connection::Postgres(c) => Cached(sql::<Nullable<Text>>(SNAPSHOT))
            .get_result::<Option<String>>(c)
            .map(|snapshot| snapshot.map(State::Snapshot)),
    }
}
