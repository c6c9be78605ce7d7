//! Dead letters, tried again: when they are due, or when a person says so.

use cream_archive::{ArchiveError, FileName, Folder};
use cream_loader::Guard;
use log::{debug, warn};

use crate::batch::Watch;
use crate::report::{FileReport, Outcome, Summary};
use crate::{Cancel, Error, Mode, Processor, Retry};

/// So many dead letters are looked up at once.
const PAGE: u32 = 1000;

impl Processor {
    /// Tries the dead letters again that are due and lie in this archive, oldest first within a
    /// symbol, with the guard. Each is tried [`max_attempts`](crate::ProcessorOptions::max_attempts)
    /// times at most, its first time included; what fails again is reported as
    /// [`Outcome::AlreadyDead`].
    ///
    /// # Errors
    ///
    /// Where the list cannot be read; what happens to single files is in the summary.
    pub fn retry_dead_letters(&self, cancel: &Cancel, watch: Watch<'_>) -> Result<Summary, Error> {
        let now = self.clock.now();
        let mode = Mode { retry: Retry::Due, ..Mode::NEW };
        let (mut summary, mut after) = (Summary::default(), None);
        while !summary.halted && !cancel.is_cancelled() {
            let due = self.store.read(|reader| reader.dead_letters_due(now, after, PAGE))?;
            let Some(last) = due.last() else { break };
            after = Some(last.id);
            let mut files = Vec::new();
            for response in due {
                let file = response.file_name.as_str();
                match FileName::parse(file) {
                    Ok(name) => match self.archive.find(&name)? {
                        // In raw, where a crash interrupted the last try.
                        Some(Folder::Deadletter | Folder::Raw) => files.push(name),
                        there => {
                            let there = there.map(Folder::name);
                            debug!(file, folder = there; "a dead letter of another archive");
                        }
                    },
                    Err(error) => {
                        let error = error.to_string();
                        warn!(file, error = error.as_str(); "a dead letter with an impossible name");
                    }
                }
            }
            let retry = |name: &FileName| self.retry_file(name, mode);
            summary.merge(self.run_all(files, cancel, watch, retry));
        }
        Ok(summary)
    }

    /// Tries these responses again because a person says so: dead letters, however often they were
    /// tried, and files that wait. With `accept` the guard refuses nothing. A response that is
    /// loaded stays as it is; one that is not in the archive is a failure.
    pub fn retry(
        &self,
        names: &[FileName],
        accept: bool,
        cancel: &Cancel,
        watch: Watch<'_>,
    ) -> Summary {
        let guard = if accept { Guard::Accept } else { Guard::Refuse };
        let mode = Mode { guard, ..Mode::ACCEPTED };
        self.run_all(names.to_vec(), cancel, watch, |name: &FileName| self.retry_file(name, mode))
    }

    /// A dead letter goes back among the files that wait before the database is told, so that
    /// wherever a crash comes, the next run finds it.
    fn retry_file(&self, name: &FileName, mode: Mode) -> FileReport {
        let ended = |outcome| FileReport {
            file: name.as_str().to_owned(),
            bytes: 0,
            pull_id: None,
            outcome,
        };
        let Some(_in_work) = self.in_work.enter(name) else { return ended(Outcome::InOtherHands) };
        let folder = match self.archive.find(name) {
            Ok(Some(Folder::Deadletter)) => {
                match self.archive.move_to(name, Folder::Deadletter, Folder::Raw) {
                    Ok(()) => Folder::Raw,
                    // Another worker was faster.
                    Err(ArchiveError::NotFound { .. }) => return ended(Outcome::InOtherHands),
                    Err(error) => return ended(Outcome::Failed(error.into())),
                }
            }
            Ok(found) => found.unwrap_or(Folder::Raw),
            Err(error) => return ended(Outcome::Failed(error.into())),
        };
        self.process_entered(name, folder, mode)
    }
}
