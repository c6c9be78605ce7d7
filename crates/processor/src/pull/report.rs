//! What became of pulls.

use std::fmt;

use cream_models::{DateRange, Symbol, Vendor};
use cream_retriever::{Advice, RetrievalError};

use super::Rewritten;
use crate::{Error, FileReport, OneLine, Outcome, chain};

/// What became of one symbol.
#[derive(Debug)]
pub struct PullReport {
    /// The symbol.
    pub symbol: Symbol,
    /// The vendors that were asked, in order, and what came of each: the last one is what counts.
    pub attempts: Vec<(Vendor, PullOutcome)>,
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

    /// Whether every other symbol would fail too.
    pub(super) fn stops_all(&self) -> bool {
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
        self.attempts.last().is_some_and(|(_, outcome)| outcome.is_success())
    }

    /// Whether it was not done because somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.attempts.last(), None | Some((_, PullOutcome::Cancelled)))
    }
}

impl fmt::Display for PullReport {
    /// One line for a person, whatever a vendor sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.symbol)?;
        if self.attempts.is_empty() {
            return write!(f, "not begun");
        }
        for (index, (vendor, outcome)) in self.attempts.iter().enumerate() {
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
