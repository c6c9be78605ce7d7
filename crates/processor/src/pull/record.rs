//! What is recorded of a pull for the next one.

use cream_models::{Timestamp, spelling};
use cream_retriever::{Ask, Failure, Validators};
use cream_store::PullRecord;
use log::{debug, info, warn};

use super::{PullAttempt, PullOutcome, Puller, report};
use crate::{Error, Outcome, chain};

impl Puller {
    /// What there is to record of how a pull ended, where the stock is known by now and the vendor
    /// was asked.
    pub(super) fn record_of(
        &self,
        ask: &Ask,
        validators: Option<Validators>,
        outcome: &PullOutcome,
    ) -> Result<Option<PullRecord>, Error> {
        let result = match outcome {
            PullOutcome::Cancelled | PullOutcome::Failed(_) => return Ok(None),
            PullOutcome::Refused { error, .. } if !was_asked(&error.failure) => return Ok(None),
            // Neither the vendor's fault nor the answer's.
            PullOutcome::Filed { file, .. } if matches!(&file.outcome, Outcome::Failed(error) if !is_own_bug(error)) =>
            {
                return Ok(None);
            }
            outcome if outcome.is_success() => Ok(validators.map(|held| cream_store::Validators {
                url: held.url,
                etag: held.etag,
                last_modified: held.last_modified,
            })),
            outcome => Err(outcome.to_string()),
        };
        let known = self.known(&ask.symbol, ask.vendor)?;
        let Some(stock_id) = known.stock else { return Ok(None) };
        // What failed is not to be remembered as how the vendor spells it.
        let asked = if result.is_ok() { &ask.vendor_symbol } else { &known.vendor_symbol };
        // Without a spelling nothing was asked.
        let Ok(vendor_symbol) = spelling(ask.vendor, &ask.symbol, asked.as_deref()) else {
            return Ok(None);
        };
        let at = self.processor.clock.now();
        Ok(Some(PullRecord { stock_id, vendor: ask.vendor, vendor_symbol, at, result }))
    }

    pub(super) fn write_record(&self, pull: &PullRecord) -> Result<(), Error> {
        self.processor.store.write_loosely(|writer| writer.record_pull(pull))?;
        self.processor.steps.at("pull.recorded");
        Ok(())
    }
}

/// Tells of an attempt in the log.
pub(super) fn log(symbol: &str, attempt: &PullAttempt) {
    let (vendor, pull_id) = (attempt.vendor.name(), attempt.pull_id.to_string());
    let pull_id = pull_id.as_str();
    let took_ms = u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX);
    match &attempt.outcome {
        // Nothing failed, and with a vendor's limit used up it is so for hours.
        PullOutcome::Refused { error, .. } if error.is_for_later() && error.until().is_some() => {
            let error = chain(&error.failure);
            debug!(symbol, vendor, pull_id, error = error.as_str(); "the vendor's turn has not come");
        }
        PullOutcome::Refused { error, .. } => {
            let until = error.until().map(|until: Timestamp| until.to_string());
            let advice = report::words(error.advice());
            let error = chain(&error.failure);
            warn!(
                symbol, vendor, pull_id, took_ms, until = until.as_deref(), advice,
                error = error.as_str();
                "the vendor gave no prices"
            );
        }
        PullOutcome::Failed(error) => {
            let error = chain(error);
            warn!(symbol, vendor, pull_id, took_ms, error = error.as_str(); "pull failed");
        }
        outcome => {
            let outcome = outcome.to_string();
            info!(symbol, vendor, pull_id, took_ms, outcome = outcome.as_str(); "pulled");
        }
    }
}

/// Whether this program failed on the file, as it may the next time too.
const fn is_own_bug(error: &Error) -> bool {
    matches!(error, Error::Panicked(_))
}

/// Whether a request was sent to the vendor: otherwise the pull did not fail, but was not begun.
const fn was_asked(failure: &Failure) -> bool {
    !matches!(
        failure,
        Failure::Limited { is_begun: false, .. }
            | Failure::CircuitOpen { .. }
            | Failure::KeyMissing { .. }
            | Failure::Spelling(_)
            | Failure::NobodyToAsk(_)
            | Failure::Reversed { .. }
            | Failure::Gate(_)
    )
}
