//! What is particular to SQLite: opening a file and setting a connection up.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Integer, Text};

use crate::cached::Cached;
use crate::error::failed;
use crate::{StoreError, StoreOptions};

/// Settings of every connection, after the busy timeout and the journal mode.
///
/// A commit leaves the write-ahead log to be synced by [`sync`]. The log goes back into the database every
/// 4,000 pages (16 MiB) and does not stay larger than 64 MiB after a long transaction.
const SETTINGS: &str = "
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -8192;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
";

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

/// Opens the file, creating it where it is absent; its folder must exist.
pub(crate) fn connect(path: &Path, options: &StoreOptions) -> Result<SqliteConnection, StoreError> {
    let refuse =
        |reason: String| StoreError::Connect { database: path.display().to_string(), reason };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(refuse(format!("the folder {} does not exist", folder.display())));
    }
    if path.is_dir() {
        return Err(refuse("it is a folder; name a file in it".to_owned()));
    }
    let text = path.to_str().ok_or_else(|| refuse("the path is not valid UTF-8".to_owned()))?;
    // A relative path could be taken for a URI or a special name.
    let text = if path.is_absolute() { text.to_owned() } else { format!("./{text}") };
    let mut connection =
        SqliteConnection::establish(&text).map_err(|error| refuse(error.to_string()))?;
    set_up(&mut connection, options).map_err(|error| match failed(error) {
        // Not one of ours, rather than one of ours that broke.
        StoreError::Damaged { message } => refuse(message),
        StoreError::Database { message, .. } => refuse(message),
        error => error,
    })?;
    let mode = journal_mode(&mut connection, "PRAGMA journal_mode").map_err(failed)?;
    if mode == "wal" {
        Ok(connection)
    } else {
        Err(refuse(format!(
            "its write-ahead log cannot be switched on (journal mode {mode}); a network file \
             system cannot hold the database"
        )))
    }
}

/// Makes all that was committed durable, without holding anybody up: SQLite would sync the
/// write-ahead log within the commit, while every other writer waits.
///
/// With `synchronous = NORMAL`, a commit is complete in the log when it returns, and a checkpoint
/// syncs the log before it writes to the database, and the database before the log is written
/// from its start again (SQLite's documentation, "Write-Ahead Logging"). So what is no longer in
/// the log is durable, and the rest is once the log is. Nothing is locked through the log, so
/// that to open and close it takes no lock away.
pub(crate) fn sync(log: &Path) -> std::io::Result<()> {
    match File::open(log) {
        Ok(log) => log.sync_data(),
        // The last connection of all took it away, after a checkpoint.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The path of the write-ahead log of a database, which lies beside the file itself, and not
/// beside a link to it.
pub(crate) fn log(path: &Path) -> std::io::Result<PathBuf> {
    let mut log = path.canonicalize()?.into_os_string();
    log.push("-wal");
    Ok(log.into())
}

fn set_up(connection: &mut SqliteConnection, options: &StoreOptions) -> QueryResult<()> {
    let timeout = options.busy_timeout;
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", timeout.as_millis()))?;
    if journal_mode(connection, "PRAGMA journal_mode")? != "wal" {
        // Two processes that do this at once find the file locked, whatever the busy timeout.
        retry_while_busy(timeout, || journal_mode(connection, "PRAGMA journal_mode = WAL"))?;
    }
    connection.batch_execute(SETTINGS)
}

fn journal_mode(connection: &mut SqliteConnection, pragma: &str) -> QueryResult<String> {
    let row: JournalMode = diesel::sql_query(pragma).get_result(connection)?;
    Ok(row.journal_mode)
}

/// Reads the smallest thing there is, which takes the snapshot of a read transaction.
pub(crate) fn touch(connection: &mut SqliteConnection) -> QueryResult<()> {
    // Prepared once a connection, for it stands before every read.
    Cached(sql::<Integer>("SELECT 1 FROM sqlite_schema LIMIT 1")).execute(connection).map(drop)
}

/// Does `step` again while the database is locked, for at most `limit`, waiting a little longer
/// each time. SQLite's own busy timeout does not wait where waiting could deadlock.
pub(crate) fn retry_while_busy<T>(
    limit: Duration,
    mut step: impl FnMut() -> QueryResult<T>,
) -> QueryResult<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match step() {
            Err(error) if is_busy(&error) && start.elapsed() < limit => {
                thread::sleep(pause.min(limit.saturating_sub(start.elapsed())));
                pause = (pause * 2).min(Duration::from_millis(100));
            }
            result => return result,
        }
    }
}

fn is_busy(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info)
        if info.message().contains("is locked"))
}
