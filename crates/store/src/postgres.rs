//! What is particular to PostgreSQL: connecting and setting a session up, and COPY.

use std::time::Duration;

use cream_models::Bar;
use cream_schema::tables::{stock_data, stock_data_staged};
use diesel::connection::SimpleConnection as _;
use diesel::pg::CopyFormat;
use diesel::prelude::*;
use diesel::result::{ConnectionError, QueryResult};

use crate::bulk::{NAMES, REPLACE, Shared};
use crate::url::PostgresUrl;
use crate::{StoreError, StoreOptions};

/// Connects, and sets the session up.
pub(crate) fn connect(
    target: &PostgresUrl,
    options: &StoreOptions,
) -> Result<PgConnection, StoreError> {
    // Before any other use: it asks OpenSSL not to take itself apart when the process ends, while
    // threads of the pool may still be connecting.
    openssl_sys::init();
    let url = target.with_defaults(options.connect_timeout);
    let mut connection = PgConnection::establish(&url).map_err(|error| {
        let reason = match error {
            ConnectionError::BadConnection(message) => message,
            error => error.to_string(),
        };
        refused(target, &reason)
    })?;
    set_up(&mut connection, options)
        .map_err(|error| refused(target, &format!("the session cannot be set up: {error}")))?;
    Ok(connection)
}

fn set_up(connection: &mut PgConnection, options: &StoreOptions) -> QueryResult<()> {
    // Errors are told apart by their texts where their codes do not come through; in English they
    // are known. Setting the language takes a right that the server's owner may have granted.
    let english = "DO $$ BEGIN \
        IF current_setting('lc_messages') NOT IN ('C', 'POSIX', 'C.UTF-8') \
           AND current_setting('lc_messages') NOT LIKE 'en%' \
        THEN PERFORM set_config('lc_messages', 'C', false); END IF; \
        EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";
    connection.batch_execute(&format!(
        "SET client_min_messages = warning; SET synchronous_commit = off; \
         SET idle_in_transaction_session_timeout = {ABANDONED}; SET lock_timeout = {}; {english}",
        milliseconds(options.busy_timeout),
    ))
}

/// After so many milliseconds without a word within a transaction, the server undoes it: whoever
/// was paused holds no lock for longer than a claim lasts.
const ABANDONED: u32 = 60_000;

/// A timeout as PostgreSQL wants it, where 0 would stand for none.
pub(crate) fn milliseconds(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// What keeps a connection from being made, in the library's words and, where they are known, in
/// terms of what to do about it.
fn refused(target: &PostgresUrl, message: &str) -> StoreError {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    let message = lines.join(" ");
    let has = |part: &str| message.contains(part);
    let (hint, passes) = if has("could not translate host name") {
        ("; check the host's name in the URL", false)
    } else if has("Connection refused") || has("No such file or directory") {
        ("; check the host and the port in the URL", true)
    } else if has("timeout expired") || has("No route to host") || has("Network is unreachable") {
        ("; is the host up, and does a firewall let the connection through?", true)
    } else if has("password authentication failed") || has("no password supplied") {
        ("; check the user and the password in the URL", false)
    } else if has("role \"") && has("does not exist") {
        ("; create the role, or check the user in the URL", false)
    } else if has("database \"") && has("does not exist") {
        ("; create it, or check the database's name in the URL", false)
    } else if has("no pg_hba.conf entry") {
        ("; the server admits no such connection: see its pg_hba.conf", false)
    } else if has("certificate") {
        ("; see sslmode and sslrootcert in docs/operations.md", false)
    } else if has("does not support SSL") {
        ("; switch TLS on in the server, or ask for less with sslmode", false)
    } else if has("too many clients") || has("remaining connection slots") {
        ("; lower DATABASE_MAX_CONNECTIONS, or raise the server's max_connections", true)
    } else if has("starting up")
        || has("shutting down")
        || has("in recovery mode")
        || has("not yet accepting connections")
        || has("server closed the connection")
        || has("Connection reset")
    {
        ("", true)
    } else {
        ("", false)
    };
    let database = target.to_string();
    let reason = format!("{}{hint}", target.without_secrets(&message));
    if passes {
        StoreError::Unreachable { database, reason }
    } else {
        StoreError::Connect { database, reason }
    }
}

/// Rows are sent in pieces of about so many bytes.
const PIECE: usize = 64 * 1024;
/// No row is longer.
const ROW: usize = 128;

/// The columns of a copied row, in the order of [`Shared::write_copy_row`].
macro_rules! columns {
    ($table:ident) => {
        (
            $table::stock_id,
            $table::vendor,
            $table::as_of,
            $table::date,
            $table::open,
            $table::high,
            $table::low,
            $table::close,
            $table::adj_close,
            $table::volume,
            $table::is_final,
            $table::flags,
        )
    };
}

/// Copies bars into the table, or into the one that stages them.
///
/// In the binary format of COPY (PostgreSQL's documentation, "COPY", "Binary Format"), which takes
/// the server half the time of the text format.
pub(crate) fn copy_bars(
    connection: &mut PgConnection,
    shared: Shared,
    bars: &[Bar],
    staged: bool,
) -> QueryResult<()> {
    let send = |out: &mut dyn std::io::Write| -> Result<(), diesel::result::Error> {
        let mut piece = Vec::with_capacity(PIECE.saturating_add(ROW));
        piece.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // No flags, no extension of the header.
        piece.extend_from_slice(&[0; 8]);
        for bar in bars {
            shared.write_copy_row(bar, &mut piece);
            if piece.len() >= PIECE {
                send_piece(out, &piece)?;
                piece.clear();
            }
        }
        piece.extend_from_slice(&(-1_i16).to_be_bytes());
        send_piece(out, &piece)
    };
    let copied = if staged {
        diesel::copy_from(stock_data_staged::table)
            .from_raw_data(columns!(stock_data_staged), send)
            .with_format(CopyFormat::Binary)
            .execute(connection)
    } else {
        diesel::copy_from(stock_data::table)
            .from_raw_data(columns!(stock_data), send)
            .with_format(CopyFormat::Binary)
            .execute(connection)
    };
    copied.map(drop)
}

fn send_piece(out: &mut dyn std::io::Write, piece: &[u8]) -> QueryResult<()> {
    out.write_all(piece).map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))
}

/// Writes bars over those that the table holds: a COPY into a table of the session's own, and one
/// statement from there.
pub(crate) fn stage_and_upsert(
    connection: &mut PgConnection,
    shared: Shared,
    bars: &[Bar],
) -> QueryResult<()> {
    connection.batch_execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS stock_data_staged (LIKE stock_data) \
         ON COMMIT DELETE ROWS",
    )?;
    copy_bars(connection, shared, bars, true)?;
    // Stands alone in the session, so that what was staged before in this transaction must go.
    connection.batch_execute(&format!(
        "INSERT INTO stock_data ({NAMES}) SELECT {NAMES} FROM stock_data_staged WHERE true \
         {REPLACE}; DELETE FROM stock_data_staged",
    ))
}
