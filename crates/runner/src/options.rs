//! How a worker is to work.

use std::net::SocketAddr;
use std::time::Duration;

use cream_calendar::PullTimes;
use cream_models::Vendor;
use cream_tasks::Schedule;

/// How a worker is to work. What concerns single files and pulls is said to the processor and the
/// puller.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// Its name among the workers; where another one has it, a number is put behind.
    pub name: String,
    /// The machine it runs on.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When its tasks run.
    pub schedules: Schedules,
    /// When a symbol is due again.
    pub times: PullTimes,
    /// A symbol that its vendor does not know for so many days is pulled no more.
    pub unknown_days: u16,
    /// Who is asked, in this order, where the vendor of a symbol fails.
    pub fallback_vendors: Vec<Vendor>,
    /// How many symbols are pulled at once, at least 1.
    pub max_concurrent_pulls: usize,
    /// How long a database that is away is waited for before a pull is left unsettled.
    pub patience: Duration,
    /// How long what is in hand may take when the worker is to stop; then it is given back.
    pub shutdown: Duration,
    /// Nothing is pulled where fewer bytes are free on a disk of the archive; 0 for no such limit.
    pub min_free_bytes: u64,
    /// Where metrics are served, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
}

/// When the tasks run.
#[derive(Clone, Debug)]
pub struct Schedules {
    /// Looking for what is due to be pulled.
    pub pull: Schedule,
    /// Processing files that wait.
    pub process: Schedule,
    /// Giving dead letters another try.
    pub dead_letters: Schedule,
    /// Forgetting leases and workers that are gone.
    pub sweep: Schedule,
    /// Comparing the archive with the database.
    pub archive_check: Schedule,
}
