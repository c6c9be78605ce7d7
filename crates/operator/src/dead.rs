//! Dead letters: what could not be loaded, and why.

use std::io::Write;

use anyhow::Result;
use cream_models::{Timestamp, Vendor};
use cream_store::{Response, ResponseStatus};
use serde::Serialize;

use crate::display::to_the_second;
use crate::table::Table;
use crate::{Exit, Operator};

/// Which dead letters are told, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetters {
    /// At most so many, the newest first.
    pub limit: u32,
    /// Whether each is told as a JSON object in a line of its own.
    pub is_json: bool,
}

/// A dead letter, as it is told to programs; `docs/operations.md` promises the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DeadLetter {
    pub(crate) id: i64,
    pub(crate) file: String,
    pub(crate) vendor: Option<Vendor>,
    pub(crate) fetched_at: Option<Timestamp>,
    pub(crate) registered_at: Timestamp,
    pub(crate) sha256: String,
    pub(crate) bytes: i64,
    pub(crate) attempts: i32,
    pub(crate) next_attempt_at: Option<Timestamp>,
    pub(crate) lease_until: Option<Timestamp>,
    pub(crate) reason: Option<String>,
}

impl From<Response> for DeadLetter {
    fn from(response: Response) -> Self {
        Self {
            id: response.id.0,
            file: response.file_name,
            vendor: response.vendor,
            fetched_at: response.fetched_at,
            registered_at: response.registered_at,
            sha256: response.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: response.byte_len,
            attempts: response.attempts,
            next_attempt_at: response.next_attempt_at,
            lease_until: response.lease_until,
            reason: response.error,
        }
    }
}

impl DeadLetter {
    pub(crate) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or("no reason was recorded")
    }
}

impl Operator {
    /// Writes the newest dead letters with their reasons.
    ///
    /// # Errors
    ///
    /// Where the database or the output fails.
    pub fn dead_letters(&self, which: DeadLetters, out: &mut dyn Write) -> Result<Exit> {
        let (letters, counts) = self.store.read(|reader| -> Result<_> {
            let dead = ResponseStatus::Deadletter;
            Ok((reader.responses_that_are(dead, None, which.limit)?, reader.response_counts()?))
        })?;
        let letters: Vec<DeadLetter> = letters.into_iter().map(DeadLetter::from).collect();
        if which.is_json {
            for letter in &letters {
                writeln!(out, "{}", serde_json::to_string(letter)?)?;
            }
            return Ok(Exit::Done);
        }
        if letters.is_empty() {
            writeln!(out, "no dead letters")?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["id", "file", "attempts", "next attempt", "reason"]);
        for letter in &letters {
            // After the last attempt only an operator tries again.
            let next = letter
                .next_attempt_at
                .map_or_else(|| "none".to_owned(), |at| to_the_second(at).to_string());
            table.add([
                letter.id.to_string(),
                letter.file.clone(),
                letter.attempts.to_string(),
                next,
                letter.reason().to_owned(),
            ]);
        }
        table.write("", out)?;
        let shown = i64::try_from(letters.len()).unwrap_or(i64::MAX);
        if counts.deadletter > shown {
            writeln!(out, "and {} more; --limit shows them", counts.deadletter - shown)?;
        }
        Ok(Exit::Done)
    }
}
