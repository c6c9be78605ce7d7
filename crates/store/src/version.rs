//! Telling whether anything was committed, without reading it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::StoreError;
use crate::cached::Cached;
use crate::connection::{Connection, Manager};
use crate::error::failed;

/// A state of the database, as far as one process can tell it from others. See
/// [`Store::version`](crate::Store::version).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateVersion {
    /// Whose state it is, and how often that has changed.
    source: Source,
    /// Which connection told it: a number of SQLite's means nothing on another one, and one of
    /// PostgreSQL's nothing after a crash of the server, which ends all connections.
    generation: u64,
    state: State,
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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    /// Changes whenever another connection has committed.
    Counter(i64),
    /// What a transaction that begins now can see.
    Snapshot(String),
}

/// A connection that writes nothing and is asked what others have committed.
pub(crate) struct Watch {
    manager: Manager,
    watching: Mutex<Watching>,
}

#[derive(Default)]
struct Watching {
    connection: Option<(Connection, Instant)>,
    generation: u64,
}

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
        Self { manager, watching: Mutex::default() }
    }

    pub(crate) fn version(&self) -> Result<StateVersion, StoreError> {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let Watching { connection, generation } = &mut *watching;
        connection.take_if(|(_, opened)| opened.elapsed() >= LIFETIME);
        loop {
            let is_new = connection.is_none();
            let (asked, _) = match connection {
                Some(known) => known,
                None => {
                    *generation = generation.saturating_add(1);
                    connection.insert((self.manager.connect()?, Instant::now()))
                }
            };
            match state(asked) {
                Ok(Some(state)) => {
                    let (source, generation) = (Source::default(), *generation);
                    return Ok(StateVersion { source, generation, state });
                }
                // Equal to none before or after it.
                Ok(None) => {
                    *generation = generation.saturating_add(1);
                    let (source, unknown) = (Source::default(), *generation);
                    *generation = generation.saturating_add(1);
                    let state = State::Counter(0);
                    return Ok(StateVersion { source, generation: unknown, state });
                }
                Err(error) => {
                    *connection = None;
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
