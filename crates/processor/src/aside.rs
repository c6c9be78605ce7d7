//! Responses that are not loaded: set aside with a reason.

use cream_archive::{ArchiveError, FileName, Folder};
use cream_loader::LoadError;
use cream_models::{Timestamp, Vendor};
use cream_store::{DeadResponse, NewResponse, Response, StockId, StoreError};

use crate::claim::Claim;
use crate::lease::Hold;
use crate::report::Outcome;
use crate::{Error, Processor, ProvenanceError, Retry};

/// Why a response is not loaded.
pub(crate) struct Reason {
    /// One of a small number of words.
    kind: &'static str,
    text: String,
    /// Whether another try would end no other way.
    is_final: bool,
}

/// What is known of a response before and after it was parsed.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) stock: Option<StockId>,
    pub(crate) vendor: Option<Vendor>,
    pub(crate) fetched_at: Option<Timestamp>,
}

impl Reason {
    /// Its name was registered before with other content; it has this name now.
    pub(crate) fn kept_apart(name: &FileName) -> Self {
        let text = format!(
            "its name was registered before with other content; it is kept as {name}, and can be \
             imported under a name of its own"
        );
        Self { kind: "name_conflict", text, is_final: true }
    }

    /// What is wrong with it.
    pub(crate) fn of(error: &Error) -> Self {
        let kind = match error {
            Error::Parse(error) => error.kind(),
            Error::Provenance(ProvenanceError::SymbolMismatch { .. }) => "symbol_mismatch",
            Error::Provenance(ProvenanceError::VendorMismatch { .. }) => "vendor_mismatch",
            Error::Provenance(ProvenanceError::NoSymbol) => "no_symbol",
            Error::Provenance(ProvenanceError::NoDate) => "no_date",
            Error::Provenance(ProvenanceError::InTheFuture { .. }) => "in_the_future",
            Error::Load(LoadError::Suspicious { .. }) => "suspicious",
            Error::Load(LoadError::Invalid { .. }) => "invalid",
            Error::Load(LoadError::Store(StoreError::Constraint { .. })) => "constraint",
            Error::Archive(ArchiveError::TooLarge { .. }) => "too_large",
            _ => "other",
        };
        Self { kind, text: error.to_string(), is_final: false }
    }
}

impl Processor {
    /// The name stands for other content already: the file is kept under a name of its own.
    pub(crate) fn conflict(
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
        let reason = Reason::kept_apart(&renamed);
        let recorded = match self.claim(&renamed, &registration, Retry::No)? {
            Claim::Ours(response, hold) => {
                Ok(self.bury(&response, &hold, &Known::default(), reason)?)
            }
            Claim::Settled(response) => Err(response),
            Claim::Theirs => return Ok(Outcome::InOtherHands),
        };
        match self.archive.rename(folder, name, &renamed) {
            // Another worker was faster.
            Err(ArchiveError::NotFound { .. }) if self.archive.find(&renamed)?.is_some() => {}
            result => result?,
        }
        match recorded {
            Ok(outcome) => {
                self.bring(&renamed, folder, Folder::Deadletter)?;
                Ok(outcome)
            }
            Err(response) => self.follow(&renamed, folder, *response),
        }
    }

    /// A response that is too large to be read: recorded by its fingerprint, and set aside.
    pub(crate) fn set_aside_unread(
        &self,
        name: &FileName,
        folder: Folder,
        reason: ArchiveError,
        retry: Retry,
    ) -> Result<Outcome, Error> {
        let (sha256, len) = self.archive.fingerprint(folder, name)?;
        let registration = self.registration(name, sha256, len);
        let reason = Reason::of(&reason.into());
        match self.set_aside(name, folder, &registration, reason, retry) {
            Err(Error::Store(StoreError::NameTaken { .. })) => {
                self.conflict(name, folder, &registration)
            }
            result => result,
        }
    }

    /// Files a response as a dead letter without loading it, unless its fate is known.
    pub(crate) fn set_aside(
        &self,
        name: &FileName,
        folder: Folder,
        registration: &NewResponse,
        reason: Reason,
        retry: Retry,
    ) -> Result<Outcome, Error> {
        match self.claim(name, registration, retry)? {
            Claim::Ours(response, hold) => {
                let outcome = self.bury(&response, &hold, &Known::default(), reason)?;
                self.bring(name, folder, Folder::Deadletter)?;
                Ok(outcome)
            }
            Claim::Settled(response) => self.follow(name, folder, *response),
            Claim::Theirs => Ok(Outcome::InOtherHands),
        }
    }

    /// Records a response as a dead letter, due for another try unless it had enough of them.
    pub(crate) fn bury(
        &self,
        response: &Response,
        hold: &Hold,
        known: &Known,
        reason: Reason,
    ) -> Result<Outcome, StoreError> {
        self.steps.at("process.burying");
        let Reason { kind, text, is_final } = reason;
        let attempts = u32::try_from(response.attempts).unwrap_or_default();
        let is_due_again = !is_final && attempts < self.options.max_attempts;
        let now = self.clock.now();
        let dead = DeadResponse {
            stock_id: known.stock,
            vendor: known.vendor,
            fetched_at: known.fetched_at,
            error: text.clone(),
            next_attempt_at: is_due_again
                .then(|| now.plus_seconds(self.options.retry_dead_letters_seconds)),
        };
        hold.finish(|token| {
            self.store.write(|writer| writer.finish_deadletter(response.id, token, &dead))
        })?;
        self.steps.at("process.buried");
        // A reason is kept while a dead letter is tried again.
        Ok(if response.error.is_some() {
            Outcome::AlreadyDead(text)
        } else {
            Outcome::DeadLetter { kind, reason: text }
        })
    }
}

/// Whether a name is one that [`Processor::conflict`] gave to this content. Such a response must
/// stay apart whenever the archive is read, or a rebuild would load what was never loaded.
pub(crate) fn is_kept_apart(name: &FileName, sha256: &[u8; 32]) -> bool {
    let own = name.with_fingerprint(sha256);
    own.stem()
        .rsplit_once('~')
        .is_some_and(|(_, mark)| name.stem().rsplit_once('~').is_some_and(|(_, held)| held == mark))
}
