//! What the kills hit.

use std::fmt;

/// What killed workers left behind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lives: usize,
    /// Lives of a worker on its own that was asked to stop, and did.
    pub(crate) stops: usize,
    pub(crate) kills: usize,
    /// Of the kills: those after which the database was looked at, and with claims among these.
    pub(crate) looked_at: usize,
    pub(crate) with_claims: usize,
    /// Those that left files which the worker had put into the folder of raw responses.
    pub(crate) with_files: usize,
    /// Those that left an unfinished write.
    pub(crate) with_partials: usize,
    /// Those in whose life a vendor had been asked.
    pub(crate) with_requests: usize,
    /// Those in whose life files had been moved on.
    pub(crate) with_moves: usize,
    /// Those that left any of these.
    pub(crate) within_work: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills and {} stops in {} lives, {} of the kills within work: {} after requests to \
             vendors, {} after moves, {} left files of the worker's, {} unfinished writes, {} of {} looked at claims",
            self.kills,
            self.stops,
            self.lives,
            self.within_work,
            self.with_requests,
            self.with_moves,
            self.with_files,
            self.with_partials,
            self.with_claims,
            self.looked_at
        )
    }
}
