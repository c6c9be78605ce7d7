//! What happened to files.

use std::fmt;

use cream_loader::LoadReport;
use cream_models::{Symbol, Vendor, Warning};
use cream_parser::pull::PullId;

use crate::{Error, OneLine, chain};

/// What happened to one file.
#[derive(Debug)]
pub struct FileReport {
    /// The file's name in the archive, or its path where it never got there.
    pub file: String,
    /// Its length in bytes, 0 where it was not read.
    pub bytes: u64,
    /// What the pull is known by that it is of, where it is of one and was read.
    pub pull_id: Option<PullId>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Parsed and loaded.
    Loaded(Box<Loaded>),
    /// Loaded before; nothing was done, but for a move that a crash had left undone.
    AlreadyLoaded,
    /// Filed as a dead letter.
    DeadLetter {
        /// The kind of reason, one of a small number of words such as `truncated`.
        kind: &'static str,
        /// The reason, for a person.
        reason: String,
    },
    /// Filed as a dead letter before, also where it was tried again; for this reason.
    AlreadyDead(String),
    /// Another worker has it in hand, or has taken it over.
    InOtherHands,
    /// Not taken into the archive; the file stays where it was.
    Refused(String),
    /// The machine or the database failed; the file stays where it is, for the next run.
    Failed(Error),
}

/// What was loaded from a file.
#[derive(Debug)]
pub struct Loaded {
    /// Whose history it is.
    pub symbol: Symbol,
    /// Who delivered it.
    pub vendor: Vendor,
    /// What the load changed.
    pub report: LoadReport,
    /// What the parser noticed.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for FileReport {
    /// One line for a person, whatever a name or a response holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", OneLine(&self.file))?;
        match &self.outcome {
            Outcome::Loaded(loaded) => {
                write!(f, "{} from {}: bars {}", loaded.symbol, loaded.vendor, loaded.report.bars)?;
                if loaded.report.actions != cream_loader::Counts::default() {
                    write!(f, "; corporate actions {}", loaded.report.actions)?;
                }
                Ok(())
            }
            Outcome::AlreadyLoaded => write!(f, "already loaded"),
            Outcome::DeadLetter { reason, .. } => write!(f, "dead letter: {}", OneLine(reason)),
            Outcome::AlreadyDead(reason) => {
                write!(f, "still a dead letter: {}", OneLine(reason))
            }
            Outcome::InOtherHands => write!(f, "another worker is processing it"),
            Outcome::Refused(reason) => write!(f, "refused: {}", OneLine(reason)),
            Outcome::Failed(error) => {
                write!(f, "failed, left for the next run: {}", OneLine(&chain(error)))
            }
        }
    }
}

/// What happened to a batch of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files parsed and loaded.
    pub loaded: u64,
    /// Files that had been loaded before.
    pub already_loaded: u64,
    /// New dead letters.
    pub dead_letters: u64,
    /// Files that had been dead letters before and still are.
    pub already_dead: u64,
    /// Files that another worker has in hand.
    pub in_other_hands: u64,
    /// Files not taken into the archive.
    pub refused: u64,
    /// Files left for the next run because the machine or the database failed.
    pub failed: u64,
    /// Files not begun because the batch was asked to stop, or had to.
    pub not_begun: u64,
    /// Whether the batch ended early because the database or a disk failed, which every further
    /// file would have met too.
    pub halted: bool,
    /// Bytes read.
    pub bytes: u64,
    /// Warnings of the parser.
    pub warnings: u64,
    /// What the loads changed in all.
    pub report: LoadReport,
}

impl Summary {
    pub(crate) fn add(&mut self, file: &FileReport) {
        self.bytes += file.bytes;
        let place = match &file.outcome {
            Outcome::Loaded(loaded) => {
                self.report += loaded.report;
                self.warnings += u64::try_from(loaded.warnings.len()).unwrap_or(u64::MAX);
                &mut self.loaded
            }
            Outcome::AlreadyLoaded => &mut self.already_loaded,
            Outcome::DeadLetter { .. } => &mut self.dead_letters,
            Outcome::AlreadyDead(_) => &mut self.already_dead,
            Outcome::InOtherHands => &mut self.in_other_hands,
            Outcome::Refused(_) => &mut self.refused,
            Outcome::Failed(_) => &mut self.failed,
        };
        *place += 1;
    }

    /// Adds what another run did.
    pub fn merge(&mut self, other: Self) {
        self.loaded += other.loaded;
        self.already_loaded += other.already_loaded;
        self.dead_letters += other.dead_letters;
        self.already_dead += other.already_dead;
        self.in_other_hands += other.in_other_hands;
        self.refused += other.refused;
        self.failed += other.failed;
        self.not_begun += other.not_begun;
        self.halted |= other.halted;
        self.bytes += other.bytes;
        self.warnings += other.warnings;
        self.report += other.report;
    }

    /// How many files it speaks of.
    #[must_use]
    pub const fn files(&self) -> u64 {
        self.loaded
            + self.already_loaded
            + self.dead_letters
            + self.already_dead
            + self.in_other_hands
            + self.refused
            + self.failed
            + self.not_begun
    }
}
