//! Many files at once: bounded, in order within a symbol, one failure stopping no other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cream_archive::{ArchiveError, FileName, Folder, Written};
use cream_parser::pull::PullId;
use cream_retry::{Policy, Retry, Verdict};
use cream_store::ResponseId;

use crate::queue::{InFolder, Ordered, by_symbol};
use crate::report::{FileReport, Outcome, Summary};
use crate::source::{ImportSource, read_bounded};
use crate::{Cancel, Error, Mode, Processor, chain, text};

/// So many responses are looked up at once.
pub(crate) const PAGE: u32 = 1000;

/// Told of each file as soon as its fate is known, from the thread that worked on it.
pub(crate) type Watch<'a> = &'a (dyn Fn(&FileReport) + Sync);

impl Processor {
    /// Processes every file that waits in `raw_responses/`, once, and after these what is pending
    /// by the database and lies elsewhere: what a rebuild had in hand that was cut short, or a dead
    /// letter that was tried again and moved back by a worker that did not know.
    ///
    /// # Errors
    ///
    /// Only where the folder cannot be listed; what happens to single files is in the summary.
    pub fn process_all(&self, cancel: &Cancel, watch: Watch<'_>) -> Result<Summary, Error> {
        let files = self.archive.list(Folder::Raw)?.files;
        let raw = |name: &FileName| self.process_file(name, Folder::Raw, Mode::NEW);
        let mut summary = self.run_all(files, cancel, watch, raw);
        let mut after = None;
        while !summary.halted && !cancel.is_cancelled() {
            match self.pending_elsewhere(&mut after) {
                Ok(Some(files)) => {
                    let found = |file: &InFolder| self.process_found(file);
                    summary.merge(self.run_all(files, cancel, watch, found));
                }
                Ok(None) => break,
                Err(error) => {
                    let error = chain(&error);
                    log::error!(error = error.as_str(); "what else is pending cannot be listed");
                    summary.halted = true;
                }
            }
        }
        Ok(summary)
    }

    /// Of the responses that are pending by the database, so many behind this one, those whose
    /// files are in this archive and not among those that wait. `None` where no more is pending.
    fn pending_elsewhere(
        &self,
        after: &mut Option<ResponseId>,
    ) -> Result<Option<Vec<InFolder>>, Error> {
        let pending = self.store.read(|reader| reader.pending_responses(*after, PAGE))?;
        let Some(last) = pending.last() else { return Ok(None) };
        *after = Some(last.id);
        let mut files = Vec::new();
        for name in pending.iter().filter_map(|known| FileName::parse(&known.file_name).ok()) {
            if let Some(folder @ (Folder::Parsed | Folder::Deadletter)) =
                self.archive.find(&name)?
            {
                files.push(InFolder { name, folder });
            }
        }
        Ok(Some(files))
    }

    /// What lies among the parsed responses was accepted before.
    fn process_found(&self, file: &InFolder) -> FileReport {
        let mode = if file.folder == Folder::Parsed { Mode::ACCEPTED } else { Mode::NEW };
        self.process_file(&file.name, file.folder, mode)
    }

    /// Copies files into the archive and processes them. A file that the archive holds already is
    /// not copied again; a name that stands for other content is refused and left where it is.
    pub fn import(&self, source: &ImportSource, cancel: &Cancel, watch: Watch<'_>) -> Summary {
        let paths = source.files.iter().map(|(path, _)| path.clone()).collect();
        self.run_all(paths, cancel, watch, |path: &PathBuf| self.import_file(path))
    }

    /// Fills an empty database from the archive: what was accepted before is accepted again, and
    /// dead letters get another try, each when its turn comes: oldest first within a symbol, so
    /// that the guard finds what it found when they came.
    ///
    /// # Errors
    ///
    /// Only where a folder cannot be listed.
    pub fn rebuild(&self, cancel: &Cancel, watch: Watch<'_>) -> Result<Summary, Error> {
        let listed = |folder| -> Result<Vec<_>, Error> {
            let files = self.archive.list(folder)?.files;
            Ok(files.into_iter().map(|name| InFolder { name, folder }).collect())
        };
        let mut files = listed(Folder::Parsed)?;
        // Where the name tells no symbol there is no turn: then after all that was accepted.
        let (dead, last): (Vec<_>, Vec<_>) =
            listed(Folder::Deadletter)?.into_iter().partition(|file| file.name.symbol().is_some());
        files.extend(dead);
        let work = |file: &InFolder| self.process_found(file);
        let mut summary = self.run_all(files, cancel, watch, work);
        if !summary.halted {
            summary.merge(self.run_all(last, cancel, watch, work));
        }
        Ok(summary)
    }

    fn import_file(&self, path: &Path) -> FileReport {
        let shown = path.display().to_string();
        let refused = |bytes, reason: String| FileReport {
            file: shown.clone(),
            bytes,
            pull_id: None,
            outcome: Outcome::Refused(reason),
        };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return refused(0, "its name is not UTF-8".to_owned());
        };
        let name = match FileName::parse(name) {
            Ok(name) => name,
            Err(error) => return refused(0, error.to_string()),
        };
        let limit = self.options.max_response_bytes;
        let bytes = match read_bounded(path, limit) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return refused(0, format!("larger than the limit of {limit} bytes")),
            Err(error) => return refused(0, format!("cannot be read: {error}")),
        };
        self.take_in(&name, &bytes, &shown)
    }

    /// Writes a response to the archive and processes it. A name that stands for other content
    /// already is refused.
    pub(crate) fn take_in(&self, name: &FileName, bytes: &[u8], shown: &str) -> FileReport {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let pull_id = PullId::of_file(bytes);
        let ended = |outcome| FileReport { file: shown.to_owned(), bytes: len, pull_id, outcome };
        let Some(_in_work) = self.in_work.enter(name) else { return ended(Outcome::InOtherHands) };
        let mut mode = Mode::NEW;
        let folder = match self.archive.write(name, bytes) {
            Ok(Written::New) => {
                mode = Mode::FRESH;
                Folder::Raw
            }
            Ok(Written::AlreadyThere) => match self.archive.find(name) {
                Ok(Some(folder)) => folder,
                // Moved by another worker between the two looks.
                Ok(None) => return ended(Outcome::InOtherHands),
                Err(error) => return ended(Outcome::Failed(error.into())),
            },
            Err(error @ ArchiveError::NameTaken { .. }) => {
                return ended(Outcome::Refused(error.to_string()));
            }
            Err(error) => return ended(Outcome::Failed(error.into())),
        };
        self.process_bytes(name, folder, bytes, mode)
    }

    /// As [`Processor::take_in`], again where the database is away in passing.
    pub(crate) fn take_in_patiently(
        &self,
        name: &FileName,
        bytes: &[u8],
        wanted: impl Fn() -> bool,
    ) -> FileReport {
        let again = Again { total: self.options.patience, in_other_hands: true };
        patiently(again, wanted, || {
            isolated(name, &|name: &FileName| self.take_in(name, bytes, name.as_str()))
        })
    }

    /// Runs `work` over the files on a bounded number of threads. Files of one symbol are worked
    /// on one after the other, oldest first, so that what the guard says does not depend on how
    /// threads happen to run.
    pub(crate) fn run_all<F: Sync + Ordered>(
        &self,
        files: Vec<F>,
        cancel: &Cancel,
        watch: Watch<'_>,
        work: impl Fn(&F) -> FileReport + Sync,
    ) -> Summary {
        let total = files.len();
        if total == 0 {
            return Summary::default();
        }
        let queues = by_symbol(files);
        let next = AtomicUsize::new(0);
        let halted = AtomicBool::new(false);
        let summary = Mutex::new(Summary::default());
        let deferred = Mutex::new(Vec::new());
        let goes_on = || !cancel.is_cancelled() && !halted.load(Ordering::Relaxed);
        let conclude = |report: &FileReport| {
            watch(report);
            lock(&summary).add(report);
            if matches!(&report.outcome, Outcome::Failed(error) if error.stops_all()) {
                halted.store(true, Ordering::Relaxed);
            }
        };
        let patience = self.options.patience;
        let threads = self.options.max_concurrent_files.clamp(1, queues.len().max(1));
        self.leases.while_renewing(|| {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        while let Some(queue) = queues.get(next.fetch_add(1, Ordering::Relaxed)) {
                            for file in queue {
                                if !goes_on() {
                                    return;
                                }
                                let again = Again { total: patience, in_other_hands: false };
                                let report = patiently(again, goes_on, || isolated(file, &work));
                                if matches!(report.outcome, Outcome::InOtherHands) {
                                    lock(&deferred).push((file, report));
                                } else {
                                    conclude(&report);
                                }
                            }
                        }
                    });
                }
            });
            // Those hands may be those of a worker that is no more: its claims run out.
            let start = Instant::now();
            for (file, report) in deferred.into_inner().unwrap_or_else(PoisonError::into_inner) {
                let total = patience.saturating_sub(start.elapsed());
                if total.is_zero() || !goes_on() {
                    conclude(&report);
                    continue;
                }
                let again = Again { total, in_other_hands: true };
                conclude(&patiently(again, goes_on, || isolated(file, &work)));
            }
        });
        let mut summary = *lock(&summary);
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        summary.not_begun = total.saturating_sub(summary.files());
        summary.halted = halted.into_inner();
        summary
    }
}

/// How long a file is tried again, and for what.
#[derive(Clone, Copy)]
struct Again {
    total: Duration,
    /// Also while another worker has it in hand.
    in_other_hands: bool,
}

/// Works on a file again where the database was away, locked, or in favour of another, for as long
/// as is allowed. A file is worked on from the start, so that what became of a commit whose answer
/// was lost is found out as after a crash.
fn patiently(again: Again, wanted: impl Fn() -> bool, work: impl Fn() -> FileReport) -> FileReport {
    let attempt = || {
        let report = work();
        let passes = match &report.outcome {
            Outcome::Failed(error) => error.is_transient(),
            Outcome::InOtherHands => again.in_other_hands,
            _ => false,
        };
        if passes { Err(Box::new(report)) } else { Ok(report) }
    };
    let policy = Policy { total: again.total, ..Policy::default() };
    let report = policy.run_while(wanted, attempt, |report, retry| {
        tell(report, retry);
        Verdict::Retry
    });
    let report = report.unwrap_or_else(|report| *report);
    if let Outcome::Failed(error) = &report.outcome {
        log::error!(
            file = report.file.as_str(), pull_id = text(report.pull_id).as_deref(),
            error = chain(error).as_str();
            "processing failed, the file stays for the next run"
        );
    }
    report
}

/// Tells in the log that a file is tried again, and why.
fn tell(report: &FileReport, Retry { attempt, delay, .. }: Retry) {
    if let Outcome::Failed(error) = &report.outcome {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        log::warn!(
            file = report.file.as_str(), pull_id = text(report.pull_id).as_deref(),
            error = chain(error).as_str(), attempt, delay_ms;
            "the database is not to be had, trying again"
        );
    }
}

/// What is locked here is complete after each addition, so a poisoned lock holds nothing broken.
fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the work on one file so that a panic becomes that file's failure.
fn isolated<F: Ordered>(file: &F, work: &(impl Fn(&F) -> FileReport + Sync)) -> FileReport {
    unless_panicked(|| work(file)).unwrap_or_else(|message| {
        log::error!(file = file.shown().as_str(), error = message.as_str(); "panic while processing");
        let outcome = Outcome::Failed(Error::Panicked(message));
        FileReport { file: file.shown(), bytes: 0, pull_id: None, outcome }
    })
}

/// What the work gives, or the message of its panic.
pub(crate) fn unless_panicked<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned())
    })
}
