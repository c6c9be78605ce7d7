//! What became of pulls.

use std::fmt;
use std::time::Duration;

use cream_models::{DateRange, Symbol, Timestamp, Vendor};
use cream_parser::pull::PullId;
use cream_retriever::{Advice, Failure, RetrievalError};
use cream_store::PullRecord;

use super::Rewritten;
use crate::{Error, FileReport, OneLine, Outcome, chain};

/// What became of one symbol.
#[derive(Debug)]
pub struct PullReport {
    /// The symbol.
    pub symbol: Symbol,
    /// What it is known by in the log: that of the first attempt.
    pub pull_id: PullId,
    /// What came of each vendor that was asked, in order: the last one is what counts.
    pub attempts: Vec<PullAttempt>,
    /// How long it took in all.
    pub took: Duration,
}

/// What became of asking one vendor for one symbol.
#[derive(Debug)]
pub struct PullAttempt {
    /// Who was asked.
    pub vendor: Vendor,
    /// What the attempt and the file that came of it are known by.
    pub pull_id: PullId,
    /// What came of it.
    pub outcome: PullOutcome,
    /// How long it took, from the first wait for a turn to the end of the load.
    pub took: Duration,
}

/// What became of pulling for a row that is claimed.
#[derive(Debug)]
pub struct ClaimedPull {
    /// The whole story.
    pub report: PullReport,
    /// What there is to record of the first vendor. `None` where it was not asked, where somebody
    /// asked to stop, and where the database or the archive failed.
    pub record: Option<PullRecord>,
}

/// What came of asking one vendor.
#[derive(Debug)]
#[non_exhaustive]
pub enum PullOutcome {
    /// An answer came and was archived; what became of it from there.
    Filed {
        /// Whether the whole history was asked for.
        is_whole: bool,
        /// Why it was, where the last days would have done.
        rewritten: Option<Rewritten>,
        /// Dates between the bars that were stored and those that came: the vendor gives no more,
        /// and what was traded on them is in neither.
        gap: Option<DateRange>,
        /// The file.
        file: FileReport,
    },
    /// The vendor says that nothing changed since the last pull.
    Unchanged,
    /// The vendor gave no prices.
    Refused {
        /// Why.
        error: RetrievalError,
        /// What it answered, where that was worth keeping.
        file: Option<FileReport>,
    },
    /// The database or the archive failed.
    Failed(Error),
    /// Somebody asked to stop before it was begun or done.
    Cancelled,
}

impl PullOutcome {
    /// Whether the symbol is up to date with the vendor.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        match self {
            Self::Filed { file, .. } => {
                matches!(file.outcome, Outcome::Loaded(_) | Outcome::AlreadyLoaded)
            }
            Self::Unchanged => true,
            Self::Refused { .. } | Self::Failed(_) | Self::Cancelled => false,
        }
    }

    /// Whether the vendor knows no such symbol: it says so, has no prices of it whatever the dates,
    /// or answers about another one.
    #[must_use]
    pub const fn is_unknown_symbol(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                error: RetrievalError {
                    failure: Failure::UnknownSymbol { .. }
                        | Failure::NoData { asked: None }
                        | Failure::WrongSymbol { .. },
                    ..
                },
                ..
            }
        )
    }

    /// When the vendor may be asked again, where it is to be left alone until then: it was asked
    /// as often as is allowed, or wants to be left alone.
    #[must_use]
    pub const fn not_before(&self) -> Option<Timestamp> {
        match self {
            Self::Refused { error, .. } => error.until(),
            _ => None,
        }
    }

    /// Whether the vendor gives nothing before somebody sees to its API key: it refuses the key,
    /// or needs one and none is set.
    #[must_use]
    pub const fn is_refused_key(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                error: RetrievalError {
                    failure: Failure::KeyRefused { .. } | Failure::KeyMissing { .. },
                    ..
                },
                ..
            }
        )
    }

    /// Whether every other symbol would fail too: the database or a disk failed.
    #[must_use]
    pub fn stops_all(&self) -> bool {
        match self {
            Self::Failed(error) => error.stops_all(),
            Self::Filed { file, .. } => {
                matches!(&file.outcome, Outcome::Failed(error) if error.stops_all())
            }
            _ => false,
        }
    }
}

impl PullReport {
    /// Whether the symbol is up to date with one of the vendors.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.outcome.is_success())
    }

    /// Whether it was not done because somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let last = self.attempts.last().map(|attempt| &attempt.outcome);
        matches!(last, None | Some(PullOutcome::Cancelled))
    }
}

impl fmt::Display for PullReport {
    /// One line for a person, whatever a vendor sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.symbol)?;
        if self.attempts.is_empty() {
            return write!(f, "not begun");
        }
        for (index, PullAttempt { vendor, outcome, .. }) in self.attempts.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{vendor}: {outcome}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PullOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filed { is_whole, rewritten, gap, file } => {
                f.write_str(if *is_whole { "whole history" } else { "last days" })?;
                if let Some(why) = rewritten {
                    write!(f, " (since {why})")?;
                }
                if let Some(gap) = gap {
                    write!(f, ", WITHOUT {gap}, which the vendor does not give")?;
                }
                match &file.outcome {
                    Outcome::Loaded(loaded) => {
                        write!(f, ", bars {}", loaded.report.bars)?;
                        if loaded.report.actions != cream_loader::Counts::default() {
                            write!(f, "; corporate actions {}", loaded.report.actions)?;
                        }
                        Ok(())
                    }
                    _ => write!(f, ", {file}"),
                }
            }
            Self::Unchanged => f.write_str("nothing changed since the last pull"),
            Self::Refused { error, file } => {
                let advice = words(error.advice());
                write!(f, "{} ({advice})", OneLine(&chain(&error.failure)))?;
                match file {
                    Some(file) => write!(f, "; kept as {}", OneLine(&file.file)),
                    None => Ok(()),
                }
            }
            Self::Failed(error) => write!(f, "failed: {}", OneLine(&chain(error))),
            Self::Cancelled => f.write_str("stopped"),
        }
    }
}

/// What is to be done, for a person.
pub(super) const fn words(advice: Advice) -> &'static str {
    match advice {
        Advice::RetryLater => "try again later",
        Advice::GiveUp => "given up",
        Advice::AskPerson => "see to it",
    }
}
