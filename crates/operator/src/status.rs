//! The state of the store and the archive, at a glance.

use std::io::Write;

use anyhow::Result;
use cream_archive::Folder;
use cream_models::{Clock as _, SystemClock};
use cream_processor::{OneLine, chain};

use crate::batch::files;
use crate::{Exit, Operator};

/// How many dead letters are listed.
const MAX_DEAD_LETTERS: u32 = 50;

impl Operator {
    /// Writes what the store holds, what waits, and the newest dead letters with their reasons.
    ///
    /// # Errors
    ///
    /// Where the database or the archive cannot be read.
    pub fn status(&self, out: &mut dyn Write) -> Result<Exit> {
        writeln!(out, "database           {}", self.url)?;
        let migrations = self.store.migrations()?;
        let pending = migrations.iter().filter(|migration| !migration.applied).count();
        if pending > 0 {
            writeln!(
                out,
                "migrations         {pending} pending: `worker migrate up` applies them"
            )?;
            return Ok(Exit::Done);
        }
        self.store.require_current()?;
        writeln!(out, "migrations         {} applied", migrations.len())?;

        let (totals, responses, dead, vendors) = self.store.read(|reader| -> Result<_> {
            Ok((
                reader.totals()?,
                reader.response_counts()?,
                reader.dead_letters(MAX_DEAD_LETTERS)?,
                reader.vendor_states()?,
            ))
        })?;
        writeln!(out, "stocks             {}", totals.stocks)?;
        writeln!(out, "series             {}", totals.series)?;
        writeln!(out, "bars               {}", totals.bars)?;
        writeln!(out, "corporate actions  {}", totals.actions)?;
        writeln!(
            out,
            "responses          {} parsed, {} pending, {} dead letters",
            responses.parsed, responses.pending, responses.deadletter
        )?;
        for (label, folder) in
            [("raw", Folder::Raw), ("parsed", Folder::Parsed), ("dead letters", Folder::Deadletter)]
        {
            let path = self.archive.folder_path(folder).display();
            let files = self.archive.list(folder).map_or_else(
                |error| chain(&error),
                |listing| format!("{} in {path}", files(listing.files.len())),
            );
            writeln!(out, "{label:<18} {files}")?;
        }
        let now = SystemClock.now();
        for (vendor, state) in vendors {
            if let Some(until) = state.blocked_until.filter(|until| *until > now) {
                let reason = state.reason.as_deref().unwrap_or("no reason was recorded");
                writeln!(out, "left alone         {vendor} until {until}: {}", OneLine(reason))?;
            }
        }
        if !dead.is_empty() {
            writeln!(out, "dead letters:")?;
            for letter in &dead {
                let reason = letter.error.as_deref().unwrap_or("no reason was recorded");
                writeln!(out, "  {}: {}", OneLine(&letter.file_name), OneLine(reason))?;
            }
            let shown = i64::try_from(dead.len()).unwrap_or(i64::MAX);
            if responses.deadletter > shown {
                writeln!(out, "  and {} more", responses.deadletter - shown)?;
            }
        }
        Ok(Exit::Done)
    }
}
