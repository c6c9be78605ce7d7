//! Why a worker does not start, or a task of it fails.

use cream_store::StoreError;

/// Why a run of one of the worker's tasks failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] cream_archive::ArchiveError),
    /// Files cannot be processed.
    #[error(transparent)]
    Process(#[from] cream_processor::Error),
    /// The disk is about to be full.
    #[error(transparent)]
    Disk(#[from] crate::disk::DiskError),
    /// What every further pull or file would have met.
    #[error(
        "the database or the disk cannot be used, and everything else would have met that too; \
         nothing is lost, the next run goes on"
    )]
    Halted,
    /// The same, time and again.
    #[error(
        "the database or the disk could not be used again and again, the log says why; vendors are \
         asked again from {0} on"
    )]
    Resting(cream_models::Timestamp),
    /// The archive and the database do not agree.
    #[error("{0}")]
    Disagree(String),
}

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its tasks cannot be scheduled.
    #[error(transparent)]
    Tasks(#[from] cream_tasks::SchedulerError),
    /// Metrics cannot be served.
    #[error(transparent)]
    Metrics(#[from] cream_metrics::MetricsError),
    /// The system gives no thread.
    #[error("the system gives no thread for {0}")]
    Thread(&'static str, #[source] std::io::Error),
}
