//! Many files at once: bounded, in order within a symbol, one failure stopping no other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cream_archive::{ArchiveError, Fetched, FileName, Folder, Written};
use cream_models::{Symbol, Timestamp};
use cream_retry::{Policy, Retry, Verdict};

use crate::report::{FileReport, Outcome, Summary};
use crate::{Cancel, Error, Mode, OneLine, Processor, chain};

/// Files to be imported, found under the paths that a user named.
#[derive(Debug, Default)]
pub struct ImportSource {
    /// The files, with their lengths in bytes, in the order of their paths.
    pub files: Vec<(PathBuf, u64)>,
    /// What was found and is not a file to import, with the reason.
    pub skipped: Vec<Skipped>,
}

/// Something under an import path that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is passed over.
    pub reason: &'static str,
}

/// An import path that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", OneLine(path))]
pub struct SourceError {
    path: String,
    source: std::io::Error,
}

/// Folders within folders beyond this are taken for a loop.
const MAX_DEPTH: usize = 32;

impl ImportSource {
    /// Finds the files under `paths`: files themselves, and all files in folders, recursively.
    /// Hidden files, unfinished `.partial` files, and symbolic links within folders are passed
    /// over: whoever may write to a folder must not choose which other files are read.
    ///
    /// # Errors
    ///
    /// Where a path does not exist or cannot be read; the error names it.
    pub fn find(paths: &[PathBuf]) -> Result<Self, SourceError> {
        let mut source = Self::default();
        for path in paths {
            source.add(path, 0)?;
        }
        source.files.sort();
        source.files.dedup();
        Ok(source)
    }

    /// How many bytes the files hold together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, len)| len).sum()
    }

    fn add(&mut self, path: &Path, depth: usize) -> Result<(), SourceError> {
        let unreadable = |source| SourceError { path: path.display().to_string(), source };
        let mut skip = |reason| self.skipped.push(Skipped { path: path.to_owned(), reason });
        let metadata = match depth {
            0 => std::fs::metadata(path).map_err(unreadable)?,
            _ => match std::fs::symlink_metadata(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    skip("gone since the folder was read");
                    return Ok(());
                }
                metadata => metadata.map_err(unreadable)?,
            },
        };
        let name = path.file_name().unwrap_or_default();
        if depth > 0 && name.as_encoded_bytes().starts_with(b".") {
            skip("hidden");
        } else if metadata.is_symlink() {
            skip("a symbolic link");
        } else if depth > MAX_DEPTH {
            skip("too many folders within folders");
        } else if metadata.is_dir() {
            let mut entries = std::fs::read_dir(path)
                .and_then(|entries| {
                    entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>()
                })
                .map_err(unreadable)?;
            entries.sort();
            for entry in entries {
                self.add(&entry, depth + 1)?;
            }
        } else if !metadata.is_file() {
            skip("not a file");
        } else if path.extension().is_some_and(|extension| extension == "partial") {
            skip("an unfinished download");
        } else {
            self.files.push((path.to_owned(), metadata.len()));
        }
        Ok(())
    }
}

/// Told of each file as soon as its fate is known, from the thread that worked on it.
pub(crate) type Watch<'a> = &'a (dyn Fn(&FileReport) + Sync);

impl Processor {
    /// Processes every file that waits in `raw_responses/`, once.
    ///
    /// # Errors
    ///
    /// Only where the folder cannot be listed; what happens to single files is in the summary.
    pub fn process_all(&self, cancel: &Cancel, watch: Watch<'_>) -> Result<Summary, Error> {
        let files = self.archive.list(Folder::Raw)?.files;
        Ok(self
            .run_all(files, cancel, watch, |name| self.process_file(name, Folder::Raw, Mode::NEW)))
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
        let work = |file: &InFolder| {
            let mode = if file.folder == Folder::Parsed { Mode::ACCEPTED } else { Mode::NEW };
            self.process_file(&file.name, file.folder, mode)
        };
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
        let ended = |outcome| FileReport { file: shown.to_owned(), bytes: len, outcome };
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
    fn run_all<F: Sync + Ordered>(
        &self,
        files: Vec<F>,
        cancel: &Cancel,
        watch: Watch<'_>,
        work: impl Fn(&F) -> FileReport + Sync,
    ) -> Summary {
        let total = files.len();
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
        if passes { Err(report) } else { Ok(report) }
    };
    let told = |report: &FileReport, retry: Retry| {
        if let Outcome::Failed(error) = &report.outcome {
            let delay_ms = u64::try_from(retry.delay.as_millis()).unwrap_or(u64::MAX);
            log::warn!(
                file = report.file.as_str(), error = chain(error).as_str(),
                attempt = retry.attempt, delay_ms;
                "the database is not to be had, trying again"
            );
        }
        Verdict::Retry
    };
    let policy = Policy { total: again.total, ..Policy::default() };
    let report = policy.run_while(wanted, attempt, told).unwrap_or_else(|report| report);
    if let Outcome::Failed(error) = &report.outcome {
        log::error!(
            file = report.file.as_str(), error = chain(error).as_str();
            "processing failed, the file stays for the next run"
        );
    }
    report
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
        FileReport { file: file.shown(), bytes: 0, outcome }
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

/// The whole file, or `None` where it is longer than `limit`.
fn read_bounded(path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A pipe that took the file's place since it was found must not block.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.read(true).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((u64::try_from(bytes.len()).unwrap_or(u64::MAX) <= limit).then_some(bytes))
}

/// What can be put in the order of its fetching.
trait Ordered {
    fn name(&self) -> Option<FileName>;
    fn shown(&self) -> String;
}

impl Ordered for FileName {
    fn name(&self) -> Option<FileName> {
        Some(self.clone())
    }

    fn shown(&self) -> String {
        self.as_str().to_owned()
    }
}

/// A file of the archive and where it lies.
struct InFolder {
    name: FileName,
    folder: Folder,
}

impl Ordered for InFolder {
    fn name(&self) -> Option<FileName> {
        Some(self.name.clone())
    }

    fn shown(&self) -> String {
        self.name.as_str().to_owned()
    }
}

impl Ordered for PathBuf {
    fn name(&self) -> Option<FileName> {
        FileName::parse(self.file_name()?.to_str()?).ok()
    }

    fn shown(&self) -> String {
        self.display().to_string()
    }
}

/// One queue a symbol, each in the order of fetching; files whose name tells no symbol have a
/// queue each.
fn by_symbol<F: Ordered>(files: Vec<F>) -> Vec<Vec<F>> {
    let mut queues: BTreeMap<Symbol, Vec<(Option<Timestamp>, F)>> = BTreeMap::new();
    let mut alone = Vec::new();
    for file in files {
        let name = file.name();
        match name.as_ref().and_then(FileName::symbol) {
            Some(symbol) => {
                let fetched =
                    name.as_ref().and_then(FileName::fetched).map(|fetched| match fetched {
                        Fetched::At(instant) => instant,
                        Fetched::On(date) => Timestamp::start_of(date),
                    });
                queues.entry(symbol.clone()).or_default().push((fetched, file));
            }
            None => alone.push(vec![file]),
        }
    }
    let mut all: Vec<Vec<F>> = queues
        .into_values()
        .map(|mut queue| {
            queue.sort_by_key(|(fetched, _)| *fetched);
            queue.into_iter().map(|(_, file)| file).collect()
        })
        .collect();
    all.append(&mut alone);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_symbol_queue_oldest_first() {
        let names = [
            "B_2025-01-02.html",
            "A_2025-03-01T000000Z_yahoo-chart.json",
            "README.md",
            "A_2025-01-01.html",
        ];
        let queues = by_symbol(names.map(|name| FileName::parse(name).unwrap()).to_vec());
        let shown: Vec<Vec<_>> =
            queues.iter().map(|queue| queue.iter().map(Ordered::shown).collect()).collect();
        assert_eq!(
            shown,
            [
                vec!["A_2025-01-01.html", "A_2025-03-01T000000Z_yahoo-chart.json"],
                vec!["B_2025-01-02.html"],
                vec!["README.md"]
            ]
        );
    }

    #[test]
    fn a_source_takes_files_and_says_what_it_passes_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("inner")).unwrap();
        for name in ["b.html", "inner/a.json", ".hidden", "x.html.partial"] {
            std::fs::write(path(name), "12345").unwrap();
        }
        let source = ImportSource::find(&[dir.path().to_owned(), path("b.html")]).unwrap();
        assert_eq!(source.files, [(path("b.html"), 5), (path("inner/a.json"), 5)]);
        assert_eq!(source.bytes(), 10);
        let skipped: Vec<_> = source.skipped.iter().map(|s| s.reason).collect();
        assert_eq!(skipped, ["hidden", "an unfinished download"]);

        let error = ImportSource::find(&[path("nowhere")]).unwrap_err().to_string();
        assert!(error.contains("cannot read") && error.contains("nowhere"), "{error}");
    }

    #[test]
    fn a_longer_file_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap().as_deref(), Some(&b"12345"[..]));
        assert_eq!(read_bounded(&path, 4).unwrap(), None);
    }
}
