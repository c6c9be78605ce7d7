//! One file through the pipeline.

use cream_archive::{ArchiveError, Fetched, FileName, Folder};
use cream_loader::{Guard, Load, LoadError, LoadOptions, LoadReport, load};
use cream_models::Symbol;
use cream_parser::ParseOptions;
use cream_parser::pull::PullId;
use cream_store::{Lease, NewResponse, ParsedResponse, ResponseId, StoreError};
use log::{debug, info, warn};

use crate::aside::{Known, Reason, is_kept_apart};
use crate::claim::Claim;
use crate::lease::{Fate, Hold};
use crate::provenance::provenance;
use crate::report::{FileReport, Loaded, Outcome};
use crate::{Error, Mode, Processor, text};

impl Processor {
    /// Takes one file of the archive through the pipeline. `bytes` is its content.
    pub(crate) fn process_bytes(
        &self,
        name: &FileName,
        folder: Folder,
        bytes: &[u8],
        mode: Mode,
    ) -> FileReport {
        let outcome = self.run(name, folder, bytes, mode).unwrap_or_else(unfinished);
        report(name, bytes, outcome)
    }

    /// Reads a file of the archive and takes it through the pipeline.
    pub(crate) fn process_file(&self, name: &FileName, folder: Folder, mode: Mode) -> FileReport {
        match self.in_work.enter(name) {
            Some(_in_work) => self.process_entered(name, folder, mode),
            None => unread(name, Outcome::InOtherHands),
        }
    }

    /// The same, from wherever it lies. A dead letter goes back among the files that wait before
    /// the database is told, so that wherever a crash comes, the next run finds it.
    pub(crate) fn process_again(&self, name: &FileName, mode: Mode) -> FileReport {
        let Some(_in_work) = self.in_work.enter(name) else {
            return unread(name, Outcome::InOtherHands);
        };
        let folder = match self.archive.find(name) {
            Ok(Some(Folder::Deadletter)) => {
                match self.archive.move_to(name, Folder::Deadletter, Folder::Raw) {
                    Ok(()) => Folder::Raw,
                    // Another worker was faster.
                    Err(ArchiveError::NotFound { .. }) => {
                        return unread(name, Outcome::InOtherHands);
                    }
                    Err(error) => return unread(name, Outcome::Failed(error.into())),
                }
            }
            // Where it is nowhere, reading it says so.
            Ok(found) => found.unwrap_or(Folder::Raw),
            Err(error) => return unread(name, Outcome::Failed(error.into())),
        };
        self.process_entered(name, folder, mode)
    }

    fn process_entered(&self, name: &FileName, folder: Folder, mode: Mode) -> FileReport {
        let limit = self.options.max_response_bytes;
        let read = self.archive.read(folder, name, limit).and_then(|bytes| {
            // What the database will say is loaded must not be lost: it may have been dropped
            // here by hand.
            self.archive.make_durable(folder, name)?;
            Ok(bytes)
        });
        let error = match read {
            Ok(bytes) => return self.process_bytes(name, folder, &bytes, mode),
            Err(error) => error,
        };
        let outcome = match error {
            ArchiveError::TooLarge { .. } => self.set_aside_unread(name, folder, error, mode.retry),
            // Moved on by another worker since the folder was listed.
            ArchiveError::NotFound { .. } if matches!(self.archive.find(name), Ok(Some(_))) => {
                self.moved_on(name)
            }
            error => Err(error.into()),
        };
        unread(name, outcome.unwrap_or_else(unfinished))
    }

    fn run(
        &self,
        name: &FileName,
        folder: Folder,
        bytes: &[u8],
        mode: Mode,
    ) -> Result<Outcome, Error> {
        self.steps.at("process.begun");
        let sha256 = cream_archive::sha256(bytes);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let registration = self.registration(name, sha256, len);
        if is_kept_apart(name, &sha256) {
            let reason = Reason::kept_apart(name);
            return self.set_aside(name, folder, &registration, reason, mode.retry);
        }
        if let Some(loaded) = self.load_at_once(name, folder, bytes, &registration, mode)? {
            self.bring(name, folder, Folder::Parsed)?;
            return Ok(Outcome::Loaded(Box::new(loaded)));
        }
        let (response, hold) = match self.claim(name, &registration, mode.retry) {
            Ok(Claim::Ours(response, hold)) => (response, hold),
            Ok(Claim::Settled(response)) => {
                return self.follow(name, folder, *response);
            }
            Ok(Claim::Theirs) => return Ok(Outcome::InOtherHands),
            Err(StoreError::NameTaken { .. }) => return self.conflict(name, folder, &registration),
            Err(error) => return Err(error.into()),
        };

        let mut known = Known::default();
        let record = Record::Claimed { response: response.id, hold: &hold };
        match self.parse_and_load(name, bytes, &registration, record, mode, &mut known) {
            Ok(loaded) => {
                self.bring(name, folder, Folder::Parsed)?;
                Ok(Outcome::Loaded(Box::new(loaded)))
            }
            Err(error) if is_about_the_machine(&error) => Err(error),
            Err(error) => {
                let outcome = self.bury(&response, &hold, &known, Reason::of(&error))?;
                self.bring(name, folder, Folder::Deadletter)?;
                Ok(outcome)
            }
        }
    }

    pub(crate) fn parse_and_load(
        &self,
        name: &FileName,
        bytes: &[u8],
        registration: &NewResponse,
        record: Record<'_>,
        mode: Mode,
        known: &mut Known,
    ) -> Result<Loaded, Error> {
        let fetched_on = name.fetched().map(Fetched::date);
        let mut options = ParseOptions::default();
        if let Some(date) = fetched_on {
            options = options.with_fetched_on(date);
        }
        if let Some(vendor) = name.vendor() {
            options = options.with_vendor(vendor);
        }
        let history = cream_parser::parse_with(bytes, &options)?;
        known.vendor = Some(history.vendor);
        let (symbol, fetched_at) = provenance(name, &history, registration.registered_at)?;
        known.fetched_at = Some(fetched_at);
        self.steps.at("process.parsed");
        if let Record::Claimed { hold, .. } = record
            && !hold.is_held()
        {
            return Err(StoreError::LeaseLost { on: format!("response {name}") }.into());
        }

        let this = Load { fetched_at, sha256: &registration.sha256, history: &history };
        let report = match self.load(&symbol, &this, record, mode.guard, known)? {
            Some(report) => report,
            None => {
                // In a transaction of its own: a database that shares the table of stocks between
                // machines holds back every other writer of it until the commit. The commit that
                // relies on it makes it durable too.
                self.store.write_loosely(|writer| writer.ensure_stock(&symbol))?;
                self.load(&symbol, &this, record, mode.guard, known)?.ok_or(
                    StoreError::Corrupt {
                        table: "stock",
                        column: "symbol",
                        value: symbol.to_string(),
                    },
                )?
            }
        };
        Ok(Loaded { symbol, vendor: history.vendor, report, warnings: history.warnings })
    }

    /// Loads a history and records that its response is loaded, in one transaction; `None` where
    /// the stock is not known yet.
    fn load(
        &self,
        symbol: &Symbol,
        this: &Load<'_>,
        record: Record<'_>,
        guard: Guard,
        known: &mut Known,
    ) -> Result<Option<LoadReport>, LoadError> {
        let mut load =
            |finish: Finish<'_>| self.load_and_finish(symbol, this, finish, guard, known);
        let loaded = match record {
            Record::New(new) => load(Finish::New(new)),
            Record::Dead { response, lease } => load(Finish::Dead { response, lease }),
            Record::Claimed { response, hold } => hold.finish_by(
                |token| load(Finish::Claimed { response, token }),
                |loaded| match loaded {
                    Ok(Some(_)) => Fate::Finished,
                    Err(LoadError::Store(StoreError::LeaseLost { .. })) => Fate::Lost,
                    Ok(None) | Err(_) => Fate::InHand,
                },
            ),
        }?;
        if loaded.is_some() {
            self.steps.at("process.loaded");
        }
        Ok(loaded)
    }

    fn load_and_finish(
        &self,
        symbol: &Symbol,
        this: &Load<'_>,
        finish: Finish<'_>,
        guard: Guard,
        known: &mut Known,
    ) -> Result<Option<LoadReport>, LoadError> {
        let Load { fetched_at, history, .. } = *this;
        self.store.write(|writer| {
            let series = writer.lock_series_of(symbol, history.vendor)?;
            let Some(series) = series else { return Ok(None) };
            let stock_id = series.series().stock_id;
            known.stock = Some(stock_id);
            let options = LoadOptions { batch_size: self.options.batch_size, guard };
            let report = load(writer, series, this, &options)?;
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let parsed = ParsedResponse {
                stock_id,
                vendor: history.vendor,
                fetched_at,
                coverage: history.coverage.clone(),
                inserted: count(report.bars.inserted),
                updated: count(report.bars.updated),
                unchanged: count(report.bars.unchanged),
                withdrawn: count(report.bars.withdrawn),
            };
            match finish {
                Finish::Claimed { response, token } => {
                    writer.finish_parsed(response, token, &parsed)?;
                }
                Finish::Dead { response, lease } => {
                    writer.reopen_response(response)?;
                    if writer.claim_response(response, lease)?.is_none() {
                        let on = format!("response {}", response.0);
                        return Err(StoreError::LeaseLost { on }.into());
                    }
                    writer.finish_parsed(response, lease.token, &parsed)?;
                }
                Finish::New(new) => {
                    if !writer.record_parsed(new, &parsed)? {
                        let file_name = new.file_name.clone();
                        return Err(StoreError::NameTaken { file_name }.into());
                    }
                }
            }
            self.steps.at("process.uncommitted");
            Ok(Some(report))
        })
    }
}

/// Of a file that was not read.
fn unread(name: &FileName, outcome: Outcome) -> FileReport {
    report(name, &[], outcome)
}

fn report(name: &FileName, bytes: &[u8], outcome: Outcome) -> FileReport {
    let file = name.as_str();
    let pull_id = PullId::of_file(bytes);
    let id = text(pull_id);
    let id = id.as_deref();
    match &outcome {
        Outcome::Loaded(loaded) => {
            let (bars, actions) = (&loaded.report.bars, &loaded.report.actions);
            for warning in &loaded.warnings {
                warn!(file, pull_id = id, symbol = loaded.symbol.as_str(); "{warning}");
            }
            info!(
                file, pull_id = id, symbol = loaded.symbol.as_str(),
                vendor = loaded.vendor.name(), inserted = bars.inserted, updated = bars.updated,
                unchanged = bars.unchanged, withdrawn = bars.withdrawn,
                superseded = bars.superseded,
                actions_changed = actions.inserted + actions.updated + actions.withdrawn;
                "response loaded"
            );
        }
        Outcome::DeadLetter { kind, reason } => {
            warn!(
                file, pull_id = id, kind = *kind, reason = reason.as_str();
                "response filed as a dead letter"
            );
        }
        // Told when there is no further attempt.
        Outcome::Failed(_) => {}
        other => debug!(file, pull_id = id, outcome:? = other; "nothing to do"),
    }
    let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    FileReport { file: file.to_owned(), bytes, pull_id, outcome }
}

/// How it is recorded that a response is loaded.
#[derive(Clone, Copy)]
pub(crate) enum Record<'a> {
    /// It is claimed.
    Claimed { response: ResponseId, hold: &'a Hold },
    /// Nobody knows of it yet.
    New(&'a NewResponse),
    /// It is a dead letter, and one until this is recorded.
    Dead { response: ResponseId, lease: &'a Lease<'a> },
}

/// The same, for the transaction.
#[derive(Clone, Copy)]
enum Finish<'a> {
    Claimed { response: ResponseId, token: &'a str },
    New(&'a NewResponse),
    Dead { response: ResponseId, lease: &'a Lease<'a> },
}

/// What an error means for the file, which stays where it is.
fn unfinished(error: Error) -> Outcome {
    match error {
        Error::Store(StoreError::LeaseLost { .. })
        | Error::Load(LoadError::Store(StoreError::LeaseLost { .. })) => Outcome::InOtherHands,
        error => Outcome::Failed(error),
    }
}

/// Whether the response itself is not to blame, so that it must not become a dead letter.
pub(crate) fn is_about_the_machine(error: &Error) -> bool {
    !matches!(
        error,
        Error::Parse(_)
            | Error::Provenance(_)
            | Error::Load(
                LoadError::Suspicious { .. }
                    | LoadError::Invalid { .. }
                    // A row that the schema forbids is forbidden the next time too.
                    | LoadError::Store(StoreError::Constraint { .. })
            )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_took_over_is_in_other_hands_and_what_the_schema_forbids_is_dead() {
        let lost = || StoreError::LeaseLost { on: "response 1".to_owned() };
        for error in [Error::Store(lost()), Error::Load(LoadError::Store(lost()))] {
            assert!(is_about_the_machine(&error));
            assert!(matches!(unfinished(error), Outcome::InOtherHands));
        }
        let full = StoreError::DiskFull { message: String::new() };
        assert!(is_about_the_machine(&Error::Load(LoadError::Store(full))));
        let (constraint, message) = (String::new(), String::new());
        let forbidden = StoreError::Constraint { constraint, message };
        assert!(!is_about_the_machine(&Error::Load(LoadError::Store(forbidden))));
    }
}
