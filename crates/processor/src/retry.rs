//! Dead letters, tried again: when they are due, or when a person says so, here or through the API.

use cream_archive::FileName;
use cream_loader::Guard;
use cream_store::DueLetters;
use log::{debug, warn};

use crate::batch::{PAGE, Watch};
use crate::report::Summary;
use crate::{Cancel, Error, Mode, Processor, Retry};

impl Processor {
    /// Tries the dead letters again that are due and lie in this archive, all of them or those for
    /// which somebody asked, oldest first within a symbol, with the guard. Each is tried [`max_attempts`](crate::ProcessorOptions::max_attempts)
    /// times at most, its first time included; what fails again is reported as
    /// [`Outcome::AlreadyDead`](crate::Outcome::AlreadyDead).
    ///
    /// # Errors
    ///
    /// Where the list cannot be read; what happens to single files is in the summary.
    pub fn retry_dead_letters(
        &self,
        which: DueLetters,
        cancel: &Cancel,
        watch: Watch<'_>,
    ) -> Result<Summary, Error> {
        let now = self.clock.now();
        let mode = Mode { retry: Retry::Due, ..Mode::NEW };
        let (mut summary, mut after) = (Summary::default(), None);
        while !summary.halted && !cancel.is_cancelled() {
            let due = self.store.read(|reader| reader.dead_letters_due(which, now, after, PAGE))?;
            let Some(last) = due.last() else { break };
            after = Some(last.id);
            let mut files = Vec::new();
            for response in due {
                let file = response.file_name.as_str();
                match FileName::parse(file) {
                    Ok(name) => match self.archive.find(&name)? {
                        // Anywhere else, where a crash came before the move.
                        Some(_) => files.push(name),
                        None => debug!(file; "a dead letter of another archive"),
                    },
                    Err(error) => {
                        let error = error.to_string();
                        warn!(file, error = error.as_str(); "a dead letter with an impossible name");
                    }
                }
            }
            let again = |name: &FileName| self.process_again(name, mode);
            summary.merge(self.run_all(files, cancel, watch, again));
        }
        Ok(summary)
    }

    /// Tries these responses again because a person says so: dead letters, however often they were
    /// tried, and files that wait. With `accept` the guard refuses nothing; where that is cut short,
    /// a dead letter is one still, and a file that waited meets the guard in the next run. A response
    /// that is loaded stays as it is; one that is not in the archive is a failure.
    pub fn retry(
        &self,
        names: &[FileName],
        accept: bool,
        cancel: &Cancel,
        watch: Watch<'_>,
    ) -> Summary {
        let guard = if accept { Guard::Accept } else { Guard::Refuse };
        let mode = Mode { guard, ..Mode::ACCEPTED };
        self.run_all(names.to_vec(), cancel, watch, |name| self.process_again(name, mode))
    }
}
