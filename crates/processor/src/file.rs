//! One file through the pipeline.

use cream_archive::{ArchiveError, Fetched, FileName, Folder};
use cream_loader::{Guard, Load, LoadError, LoadOptions, LoadReport, load};
use cream_models::{Symbol, Timestamp, Vendor};
use cream_parser::ParseOptions;
use cream_store::{
    DeadResponse, Lease, NewResponse, ParsedResponse, Response, ResponseId, ResponseStatus,
    StockId, StoreError,
};
use log::{debug, info, warn};

use crate::provenance::provenance;
use crate::report::{FileReport, Loaded, Outcome};
use crate::{Error, Mode, Processor};

/// How long a worker holds a response that it has claimed.
const LEASE_SECONDS: i64 = 60;

/// What is known of a response before and after it was parsed.
#[derive(Debug, Default)]
struct Known {
    stock: Option<StockId>,
    vendor: Option<Vendor>,
    fetched_at: Option<Timestamp>,
}

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
        self.report(name, bytes.len(), outcome)
    }

    /// Reads a file of the archive and takes it through the pipeline.
    pub(crate) fn process_file(&self, name: &FileName, folder: Folder, mode: Mode) -> FileReport {
        let limit = self.options.max_response_bytes;
        let read = self.archive.read(folder, name, limit).and_then(|bytes| {
            // What the database will say is loaded must not be lost: it may have been dropped
            // here by hand.
            self.archive.make_durable(folder, name)?;
            Ok(bytes)
        });
        match read {
            Ok(bytes) => self.process_bytes(name, folder, &bytes, mode),
            Err(error) => {
                let outcome = match error {
                    ArchiveError::TooLarge { .. } => self.set_aside_unread(name, folder, &error),
                    // Moved on by another worker since the folder was listed.
                    ArchiveError::NotFound { .. }
                        if matches!(self.archive.find(name), Ok(Some(_))) =>
                    {
                        Ok(Outcome::InOtherHands)
                    }
                    error => Err(error.into()),
                };
                self.report(name, 0, outcome.unwrap_or_else(unfinished))
            }
        }
    }

    fn report(&self, name: &FileName, bytes: usize, outcome: Outcome) -> FileReport {
        let file = name.as_str();
        match &outcome {
            Outcome::Loaded(loaded) => {
                let (bars, actions) = (&loaded.report.bars, &loaded.report.actions);
                for warning in &loaded.warnings {
                    warn!(file, symbol = loaded.symbol.as_str(); "{warning}");
                }
                info!(
                    file, symbol = loaded.symbol.as_str(), vendor = loaded.vendor.name(),
                    inserted = bars.inserted, updated = bars.updated, unchanged = bars.unchanged,
                    withdrawn = bars.withdrawn, superseded = bars.superseded,
                    actions_changed = actions.inserted + actions.updated + actions.withdrawn;
                    "response loaded"
                );
            }
            Outcome::DeadLetter(reason) => {
                warn!(file, reason = reason.as_str(); "response filed as a dead letter");
            }
            // Told when there is no further attempt.
            Outcome::Failed(_) => {}
            other => debug!(file, outcome:? = other; "nothing to do"),
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        FileReport { file: file.to_owned(), bytes, outcome }
    }

    fn run(
        &self,
        name: &FileName,
        folder: Folder,
        bytes: &[u8],
        mode: Mode,
    ) -> Result<Outcome, Error> {
        let sha256 = cream_archive::sha256(bytes);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let registration = self.registration(name, sha256, len);
        if is_kept_apart(name, &sha256) {
            return self.set_aside(name, folder, &registration, kept_apart(name));
        }
        if mode.is_fresh
            && let Some(loaded) = self.load_at_once(name, bytes, &registration)?
        {
            self.archive.move_to(name, folder, Folder::Parsed)?;
            return Ok(Outcome::Loaded(Box::new(loaded)));
        }
        let response = match self.claim(name, &registration, mode.retry) {
            Ok(Claim::Ours(response)) => response,
            Ok(Claim::Settled(response)) => {
                let (target, outcome) = settled(*response);
                // Another may have seen to it a moment ago: the file moves on its word.
                self.store.sync()?;
                self.archive.move_to(name, folder, target)?;
                return Ok(outcome);
            }
            Ok(Claim::Theirs) => return Ok(Outcome::InOtherHands),
            Err(StoreError::NameTaken { .. }) => return self.conflict(name, folder, &registration),
            Err(error) => return Err(error.into()),
        };

        let token = self.token(name);
        let mut known = Known::default();
        let record = Record::Claimed { response: response.id, token: &token };
        match self.parse_and_load(name, bytes, &registration, record, mode, &mut known) {
            Ok(loaded) => {
                self.archive.move_to(name, folder, Folder::Parsed)?;
                Ok(Outcome::Loaded(Box::new(loaded)))
            }
            Err(error) if is_about_the_machine(&error) => Err(error),
            Err(error) => {
                let reason = error.to_string();
                self.bury(&response, &token, &known, &reason)?;
                self.archive.move_to(name, folder, Folder::Deadletter)?;
                Ok(Outcome::DeadLetter(reason))
            }
        }
    }

    /// Loads a file that was written to the archive a moment ago, and so is likely in no other
    /// hands: it is registered, loaded and done with in one transaction, without a claim. `None`
    /// where the response is not as it should be, or its name is known: then it takes the usual
    /// way, which finds out again.
    fn load_at_once(
        &self,
        name: &FileName,
        bytes: &[u8],
        registration: &NewResponse,
    ) -> Result<Option<Loaded>, Error> {
        let record = Record::New(registration);
        let mode = Mode::NEW;
        let loaded =
            self.parse_and_load(name, bytes, registration, record, mode, &mut Known::default());
        match loaded {
            Ok(loaded) => Ok(Some(loaded)),
            Err(Error::Store(StoreError::NameTaken { .. })) => Ok(None),
            Err(Error::Load(LoadError::Store(StoreError::NameTaken { .. }))) => Ok(None),
            Err(error) if is_about_the_machine(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn parse_and_load(
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
            match record {
                Record::Claimed { response, token } => {
                    writer.finish_parsed(response, token, &parsed)?;
                }
                Record::New(new) => {
                    if !writer.record_parsed(new, &parsed)? {
                        let file_name = new.file_name.clone();
                        return Err(StoreError::NameTaken { file_name }.into());
                    }
                }
            }
            Ok(Some(report))
        })
    }

    /// The name stands for other content already: the file is kept under a name of its own.
    fn conflict(
        &self,
        name: &FileName,
        folder: Folder,
        registration: &NewResponse,
    ) -> Result<Outcome, Error> {
        let renamed = name.with_fingerprint(&registration.sha256);
        let registration =
            NewResponse { file_name: renamed.as_str().to_owned(), ..registration.clone() };
        // Recorded first: a crash before the renaming leaves a conflict that the next run meets
        // again, a crash after it a file whose fate is known.
        let recorded = self.record_dead(&renamed, &registration, kept_apart(&renamed))?;
        let Some((target, outcome)) = recorded else { return Ok(Outcome::InOtherHands) };
        match self.archive.rename(folder, name, &renamed) {
            // Another worker was faster.
            Err(ArchiveError::NotFound { .. }) if self.archive.find(&renamed)?.is_some() => {}
            result => result?,
        }
        self.archive.move_to(&renamed, folder, target)?;
        Ok(outcome)
    }

    /// A response that is too large to be read: recorded by its fingerprint, and set aside.
    fn set_aside_unread(
        &self,
        name: &FileName,
        folder: Folder,
        reason: &ArchiveError,
    ) -> Result<Outcome, Error> {
        let (sha256, len) = self.archive.fingerprint(folder, name)?;
        let registration = self.registration(name, sha256, len);
        match self.set_aside(name, folder, &registration, reason.to_string()) {
            Err(Error::Store(StoreError::NameTaken { .. })) => {
                self.conflict(name, folder, &registration)
            }
            result => result,
        }
    }

    /// Files a response as a dead letter without loading it.
    fn set_aside(
        &self,
        name: &FileName,
        folder: Folder,
        registration: &NewResponse,
        reason: String,
    ) -> Result<Outcome, Error> {
        let recorded = self.record_dead(name, registration, reason)?;
        let Some((target, outcome)) = recorded else { return Ok(Outcome::InOtherHands) };
        self.archive.move_to(name, folder, target)?;
        Ok(outcome)
    }

    /// Records a response as a dead letter, unless its fate is known, and tells where its file
    /// belongs; `None` where another worker has it in hand.
    fn record_dead(
        &self,
        name: &FileName,
        registration: &NewResponse,
        reason: String,
    ) -> Result<Option<(Folder, Outcome)>, Error> {
        Ok(match self.claim(name, registration, false)? {
            Claim::Ours(response) => {
                self.bury(&response, &self.token(name), &Known::default(), &reason)?;
                Some((Folder::Deadletter, Outcome::DeadLetter(reason)))
            }
            Claim::Settled(response) => Some(settled(*response)),
            Claim::Theirs => None,
        })
    }

    fn registration(&self, name: &FileName, sha256: [u8; 32], len: u64) -> NewResponse {
        NewResponse {
            file_name: name.as_str().to_owned(),
            sha256,
            byte_len: i64::try_from(len).unwrap_or(i64::MAX),
            registered_at: self.clock.now(),
        }
    }

    /// Registers and claims a response at once: what nobody but us knows needs no second commit.
    fn claim(
        &self,
        name: &FileName,
        registration: &NewResponse,
        retry: bool,
    ) -> Result<Claim, StoreError> {
        let (from, token) = (registration.registered_at, self.token(name));
        let lease = Lease { token: &token, from, until: from.plus_seconds(LEASE_SECONDS) };
        // What a crash makes forgotten here, the next run does again.
        self.store.write_loosely(|writer| {
            let registered = writer.register_response(registration, Some(&lease))?;
            let known = registered.response;
            if registered.is_new {
                return Ok(Claim::Ours(Box::new(known)));
            }
            let retry = known.status == ResponseStatus::Deadletter && retry;
            if known.status != ResponseStatus::Pending && !retry {
                return Ok(Claim::Settled(Box::new(known)));
            }
            if retry {
                writer.reopen_response(known.id)?;
            }
            Ok(match writer.claim_response(known.id, &lease)? {
                Some(response) => Claim::Ours(Box::new(response)),
                // Another has it in hand, or was done with it while we waited.
                None => match writer.response(&registration.file_name)? {
                    Some(known) if known.status != ResponseStatus::Pending => {
                        Claim::Settled(Box::new(known))
                    }
                    _ => Claim::Theirs,
                },
            })
        })
    }

    /// What marks a lease on this file as ours.
    fn token(&self, name: &FileName) -> String {
        format!("{}-{}", self.holder, name.as_str())
    }

    fn bury(
        &self,
        response: &Response,
        token: &str,
        known: &Known,
        reason: &str,
    ) -> Result<(), StoreError> {
        let next_attempt_at =
            self.clock.now().plus_seconds(self.options.retry_dead_letters_seconds);
        self.store.write(|writer| {
            writer.finish_deadletter(
                response.id,
                token,
                &DeadResponse {
                    stock_id: known.stock,
                    vendor: known.vendor,
                    fetched_at: known.fetched_at,
                    error: reason.to_owned(),
                    next_attempt_at: Some(next_attempt_at),
                },
            )
        })
    }
}

/// How it is recorded that a response is loaded.
#[derive(Clone, Copy)]
enum Record<'a> {
    /// It was claimed under this token.
    Claimed { response: ResponseId, token: &'a str },
    /// Nobody knows of it yet.
    New(&'a NewResponse),
}

/// What came of claiming a response.
enum Claim {
    Ours(Box<Response>),
    /// Its fate is known: at most its file has still to be moved.
    Settled(Box<Response>),
    Theirs,
}

/// Where a response belongs whose fate the database knows, and what to say of it.
fn settled(known: Response) -> (Folder, Outcome) {
    if known.status == ResponseStatus::Parsed {
        (Folder::Parsed, Outcome::AlreadyLoaded)
    } else {
        let reason = known.error.unwrap_or_else(|| "no reason was recorded".to_owned());
        (Folder::Deadletter, Outcome::AlreadyDead(reason))
    }
}

/// Whether a name is one that [`Processor::conflict`] gave to this content. Such a response must
/// stay apart whenever the archive is read, or a rebuild would load what was never loaded.
fn is_kept_apart(name: &FileName, sha256: &[u8; 32]) -> bool {
    let own = name.with_fingerprint(sha256);
    own.stem()
        .rsplit_once('~')
        .is_some_and(|(_, mark)| name.stem().rsplit_once('~').is_some_and(|(_, held)| held == mark))
}

fn kept_apart(name: &FileName) -> String {
    format!(
        "its name was registered before with other content; it is kept as {name}, and can be \
         imported under a name of its own"
    )
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
fn is_about_the_machine(error: &Error) -> bool {
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
