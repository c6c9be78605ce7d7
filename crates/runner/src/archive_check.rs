//! Whether the archive and the database agree.
//!
//! Every file is to have its row, in the folder that the row's state says and of the length that it
//! says, and every row its file. A file in the wrong folder is moved where it belongs. Content is compared too, each day for another part of the files,
//! so that all of them were read after [`DAYS`] days.

use std::collections::BTreeMap;
use std::fs;

use cream_archive::{ArchiveError, FileName, Folder};
use cream_processor::{Error, Placed};
use cream_store::{Response, ResponseStatus};

use crate::error::RunError;
use crate::worker::Worker;

/// In so many days each file is read once.
const DAYS: i64 = 30;

/// So many rows are looked up at once.
const CHUNK: usize = 500;

/// So many findings are told one by one.
const TOLD: u64 = 20;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    files: u64,
    read: u64,
    unfinished: u64,
    absent: u64,
    /// In the wrong folder, and moved.
    moved: u64,
    wrong: BTreeMap<&'static str, u64>,
    told: u64,
}

impl Worker {
    /// Compares the archive with the database. What is found is logged, and fails the run, unless
    /// it is mended.
    pub(crate) fn check_archive(&self, is_wanted: &dyn Fn() -> bool) -> Result<String, RunError> {
        let mut findings = Findings::default();
        let part = self.clock.now().date().days().rem_euclid(i32::try_from(DAYS).unwrap_or(1));
        // Both before either is looked at: what is moved from one to the other counts once.
        let listed = |folder| self.archive().list(folder).map(|listing| (folder, listing));
        for (folder, listing) in [listed(Folder::Parsed)?, listed(Folder::Deadletter)?] {
            let unfinished = listing.ignored.iter().filter(|(name, _)| name.ends_with(".partial"));
            findings.unfinished += count(unfinished.count());
            for names in listing.files.chunks(CHUNK) {
                if !is_wanted() {
                    return Ok(findings.summary("stopped after "));
                }
                self.check_files(folder, names, part, &mut findings)?;
            }
        }
        self.check_rows(is_wanted, &mut findings)?;
        let summary = findings.summary("");
        let is_alone = self.is_alone()?;
        if findings.wrong.is_empty() && (findings.absent == 0 || !is_alone) {
            Ok(summary)
        } else {
            Err(RunError::Disagree(summary))
        }
    }

    fn check_files(
        &self,
        folder: Folder,
        names: &[FileName],
        part: i32,
        findings: &mut Findings,
    ) -> Result<(), RunError> {
        let texts: Vec<&str> = names.iter().map(FileName::as_str).collect();
        let rows = self.store().read(|reader| reader.responses_named(&texts))?;
        let rows: BTreeMap<&str, &Response> =
            rows.iter().map(|row| (row.file_name.as_str(), row)).collect();
        for name in names {
            findings.files += 1;
            let Some(row) = rows.get(name.as_str()) else {
                // It may have been moved here since the rows were read.
                let known = self.store().read(|reader| reader.response(name.as_str()))?;
                if known.is_none() {
                    findings.tell("is not in the database; import it", folder, name.as_str());
                }
                continue;
            };
            let place = if row.status == ResponseStatus::Parsed {
                Folder::Parsed
            } else {
                Folder::Deadletter
            };
            if row.status != ResponseStatus::Pending && place != folder {
                self.put_in_place(folder, name, findings)?;
                continue;
            }
            let path = self.archive().path(folder, name);
            match fs::metadata(&path) {
                Ok(metadata) if i64::try_from(metadata.len()).ok() != Some(row.byte_len) => {
                    findings.tell(
                        "has another length than when it was loaded",
                        folder,
                        name.as_str(),
                    );
                    continue;
                }
                Ok(_) => {}
                // Moved on by another worker.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(_) => {
                    findings.tell("cannot be looked at", folder, name.as_str());
                    continue;
                }
            }
            if i32::from(row.sha256.first().copied().unwrap_or(0))
                % i32::try_from(DAYS).unwrap_or(1)
                != part
            {
                continue;
            }
            findings.read += 1;
            match self.archive().fingerprint(folder, name) {
                Ok((sha256, _)) if sha256 == row.sha256 => {}
                Ok(_) => findings.tell(
                    "has other content than when it was loaded",
                    folder,
                    name.as_str(),
                ),
                Err(ArchiveError::NotFound { .. }) => {}
                Err(_) => findings.tell("cannot be read", folder, name.as_str()),
            }
        }
        Ok(())
    }

    /// A file that does not lie where its row says.
    fn put_in_place(
        &self,
        folder: Folder,
        name: &FileName,
        findings: &mut Findings,
    ) -> Result<(), RunError> {
        let finding = match self.processor().put_in_place(name, folder) {
            Ok(Placed::Moved) => {
                findings.moved += 1;
                findings.read += 1;
                log::info!(file = name.as_str(), from = folder.name(); "a file in the wrong folder is moved");
                return Ok(());
            }
            Ok(Placed::Left) => return Ok(()),
            Ok(Placed::OtherContent) => "lies in the wrong folder with content of its own",
            Err(Error::Archive(ArchiveError::NameTaken { .. })) => {
                "lies in the wrong folder, and another file has its place"
            }
            Err(Error::Archive(error)) => {
                let error = cream_processor::chain(&error);
                log::warn!(file = name.as_str(), error = error.as_str(); "a file cannot be moved where it belongs");
                "lies in the wrong folder and cannot be moved"
            }
            Err(error) => return Err(error.into()),
        };
        findings.tell(finding, folder, name.as_str());
        Ok(())
    }

    /// Rows without a file: lost, or kept by a worker with an archive of its own.
    fn check_rows(
        &self,
        is_wanted: &dyn Fn() -> bool,
        findings: &mut Findings,
    ) -> Result<(), RunError> {
        let mut after = None;
        while is_wanted() {
            let limit = u32::try_from(CHUNK).unwrap_or(u32::MAX);
            let rows = self.store().read(|reader| reader.responses_after(after, limit))?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            for row in rows.iter().filter(|row| row.status != ResponseStatus::Pending) {
                let Ok(name) = FileName::parse(&row.file_name) else { continue };
                if self.archive().find(&name)?.is_none() {
                    findings.absent += 1;
                    log::debug!(file = name.as_str(); "a response has no file in this archive");
                }
            }
        }
        Ok(())
    }

    /// Whether no other machine has, or had, a worker at this database.
    fn is_alone(&self) -> Result<bool, RunError> {
        let workers = self.store().read(|reader| reader.workers())?;
        Ok(workers.iter().all(|worker| worker.host == self.options.host))
    }
}

impl Findings {
    fn tell(&mut self, what: &'static str, folder: Folder, name: &str) {
        *self.wrong.entry(what).or_default() += 1;
        self.told += 1;
        if self.told <= TOLD {
            log::warn!(file = name, folder = folder.name(), finding = what; "the archive and the database do not agree");
        }
    }

    fn summary(&self, prefix: &str) -> String {
        let mut text = format!("{prefix}{} files, {} of them read whole", self.files, self.read);
        match self.moved {
            0 => {}
            1 => text.push_str("; 1 was in the wrong folder and is moved"),
            moved => text.push_str(&format!("; {moved} were in the wrong folder and are moved")),
        }
        for (what, count) in &self.wrong {
            text.push_str(&format!("; {count} {what}"));
        }
        if self.absent > 0 {
            text.push_str(&format!("; {} responses have no file here", self.absent));
        }
        if self.unfinished > 0 {
            text.push_str(&format!("; {} unfinished writes", self.unfinished));
        }
        if self.wrong.is_empty() && self.absent == 0 && self.moved == 0 {
            text + ", all as the database says"
        } else {
            text
        }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
