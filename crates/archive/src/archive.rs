//! The three folders.

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, OpenError, Partial};
use crate::name::is_partial;
use crate::{ArchiveError, FileName, Steps};

/// How often an operation looks again when another process moves files under its feet.
pub(crate) const ATTEMPTS: u32 = 8;

/// Why an unfinished write is no response.
const UNFINISHED: &str =
    "it is an unfinished write; it may be deleted while nothing writes to the archive";

/// The archive: where raw, parsed and dead responses lie.
///
/// Any number of threads and processes may use the same folders at once. A name that is checked
/// against all three folders can be taken in another one in the same instant; the database, which
/// registers every name with its content, has the last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    raw: PathBuf,
    parsed: PathBuf,
    deadletter: PathBuf,
    pub(crate) steps: Steps,
}

/// One of the three folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folder {
    /// Responses that wait to be processed.
    Raw,
    /// Responses that are in the database.
    Parsed,
    /// Responses that could not be used.
    Deadletter,
}

/// What [`Archive::write`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The response was written.
    New,
    /// The same content was there under the same name, in one of the folders.
    AlreadyThere,
}

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The responses, ordered by name.
    pub files: Vec<FileName>,
    /// Everything else, ordered by name, each with the reason why it is no response.
    pub ignored: Vec<Ignored>,
}

/// A name in a folder (bytes that are not UTF-8 replaced), and why it is no response.
pub type Ignored = (String, String);

impl Folder {
    /// Every folder.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Parsed, Self::Deadletter];

    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Parsed => "parsed",
            Self::Deadletter => "deadletter",
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Archive {
    /// The steps that [`Archive::with_steps`] tells of. Of a write: it begins, its content is
    /// there under a name that nothing reads, is durable, has its final name, has it durably. Of a
    /// move or a renaming: before and after it.
    pub const STEPS: [&'static str; 9] = [
        "archive.begun",
        "archive.written",
        "archive.synced",
        "archive.placed",
        "archive.durable",
        "archive.moving",
        "archive.moved",
        "archive.renaming",
        "archive.renamed",
    ];

    /// The archive in these folders. Nothing is touched yet.
    #[must_use]
    pub const fn new(raw: PathBuf, parsed: PathBuf, deadletter: PathBuf) -> Self {
        Self { raw, parsed, deadletter, steps: Steps::NONE }
    }

    /// The same, which tells of each of its [`Archive::STEPS`] when it is reached.
    #[must_use]
    pub fn with_steps(mut self, told: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        self.steps = Steps::new(told);
        self
    }

    /// The path of a folder.
    #[must_use]
    pub fn folder_path(&self, folder: Folder) -> &Path {
        match folder {
            Folder::Raw => &self.raw,
            Folder::Parsed => &self.parsed,
            Folder::Deadletter => &self.deadletter,
        }
    }

    /// The path of a response.
    #[must_use]
    pub fn path(&self, folder: Folder, name: &FileName) -> PathBuf {
        self.folder_path(folder).join(name.as_str())
    }

    /// Writes a response to the raw folder: whole or not at all, durable when this returns, and
    /// never over another file.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NameTaken`] where any of the folders holds other content under the name, and
    /// what the file system reports.
    pub fn write(&self, name: &FileName, bytes: &[u8]) -> Result<Written, ArchiveError> {
        let (folder, path) = (&self.raw, self.path(Folder::Raw, name));
        for _ in 0..ATTEMPTS {
            if let Some(there) = self.find(name)? {
                match self.compare(there, name, bytes)? {
                    Some(true) => return Ok(Written::AlreadyThere),
                    Some(false) => return Err(self.name_taken(there, name)),
                    // It was moved on in between.
                    None => continue,
                }
            }
            self.steps.at("archive.begun");
            let mut partial = Partial::create(folder, name.as_str())
                .map_err(|error| self.failed(Folder::Raw, "writing", error))?;
            partial
                .file()
                .write_all(bytes)
                .map_err(|error| ArchiveError::of("writing", &path, error))?;
            self.steps.at("archive.written");
            partial.settle().map_err(|error| ArchiveError::of("writing", &path, error))?;
            self.steps.at("archive.synced");
            // That took a while, in which another worker may have written the same name and moved
            // it on, out of the way of this one.
            if self.find(name)?.is_some() {
                continue;
            }
            match partial.place(&path) {
                Ok(()) => {
                    self.steps.at("archive.placed");
                    disk::sync_folder(folder)
                        .map_err(|error| ArchiveError::of("syncing the folder", folder, error))?;
                    self.steps.at("archive.durable");
                    return Ok(Written::New);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Someone else was faster, or it is no file at all.
                    if self.compare(Folder::Raw, name, bytes)? == Some(false) {
                        return Err(self.name_taken(Folder::Raw, name));
                    }
                }
                Err(error) => return Err(ArchiveError::of("writing", &path, error)),
            }
        }
        Err(restless("writing", &path))
    }

    /// Whether the response in a folder is this one; `None` where there is none. Where it is, it is
    /// made durable, since whoever wrote it may not have.
    fn compare(
        &self,
        folder: Folder,
        name: &FileName,
        bytes: &[u8],
    ) -> Result<Option<bool>, ArchiveError> {
        let path = self.path(folder, name);
        match disk::holds(&path, bytes) {
            Ok(true) => {
                self.settle(folder, &path)?;
                Ok(Some(true))
            }
            Ok(false) => Ok(Some(false)),
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(open_failed(&path, error)),
        }
    }

    /// Makes a file and its name durable. That it is gone is no error.
    pub(crate) fn settle(&self, folder: Folder, path: &Path) -> Result<(), ArchiveError> {
        let folder = self.folder_path(folder);
        match disk::open(path) {
            Ok((file, _)) => {
                file.sync_all().map_err(|error| ArchiveError::of("syncing", path, error))?;
            }
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(open_failed(path, error)),
        }
        disk::sync_folder(folder)
            .map_err(|error| ArchiveError::of("syncing the folder", folder, error))
    }

    /// Reads a response of at most `max_len` bytes.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::TooLarge`] before more than `max_len` bytes are held,
    /// [`ArchiveError::NotFound`], [`ArchiveError::NotAFile`] (a symbolic link is not followed), and
    /// what the file system reports.
    pub fn read(
        &self,
        folder: Folder,
        name: &FileName,
        max_len: u64,
    ) -> Result<Vec<u8>, ArchiveError> {
        let path = self.path(folder, name);
        let too_large =
            |len| ArchiveError::TooLarge { name: name.as_str().to_owned(), len, max: max_len };
        let (file, len) = self.open(folder, name)?;
        if len > max_len {
            return Err(too_large(len));
        }
        let failed = |error| ArchiveError::of("reading", &path, error);
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(usize::try_from(len).unwrap_or(usize::MAX))
            .map_err(|_| failed(io::ErrorKind::OutOfMemory.into()))?;
        // One byte more, to see that a file outgrew the limit while it was read.
        file.take(max_len.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        match u64::try_from(bytes.len()) {
            Ok(len) if len <= max_len => Ok(bytes),
            _ => Err(too_large(max_len.saturating_add(1))),
        }
    }

    fn open(&self, folder: Folder, name: &FileName) -> Result<(fs::File, u64), ArchiveError> {
        let path = self.path(folder, name);
        disk::open(&path).map_err(|error| match error {
            OpenError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                self.not_found(folder, name)
            }
            error => open_failed(&path, error),
        })
    }

    /// What a folder holds. Anything that is no response is listed with the reason: hidden files,
    /// unfinished writes, directories, links, names that say something impossible.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn list(&self, folder: Folder) -> Result<Listing, ArchiveError> {
        let path = self.folder_path(folder);
        let failed = |error| self.failed(folder, "listing the folder", error);
        let mut listing = Listing::default();
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let name = entry.file_name();
            let verdict = match name.to_str() {
                None => Err("its name is not UTF-8".to_owned()),
                Some(text) => match disk::other_than_file(&kind) {
                    Some(what) => Err(format!("it is {what}, not a file")),
                    None if is_partial(text) => Err(UNFINISHED.to_owned()),
                    None => FileName::parse(text).map_err(|error| error.to_string()),
                },
            };
            match verdict {
                Ok(name) => listing.files.push(name),
                Err(reason) => listing.ignored.push((name.to_string_lossy().into_owned(), reason)),
            }
        }
        listing.files.sort_unstable();
        listing.ignored.sort_unstable();
        Ok(listing)
    }

    /// The folder that holds a response.
    ///
    /// # Errors
    ///
    /// Where a folder is missing or cannot be looked into.
    pub fn find(&self, name: &FileName) -> Result<Option<Folder>, ArchiveError> {
        // Raw once more at the end: a dead letter may be on its way back there.
        for folder in Folder::ALL.into_iter().chain([Folder::Raw]) {
            if self.is_in(folder, name)? {
                return Ok(Some(folder));
            }
        }
        Ok(None)
    }

    pub(crate) fn is_in(&self, folder: Folder, name: &FileName) -> Result<bool, ArchiveError> {
        match fs::symlink_metadata(self.path(folder, name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not found is also what a missing folder answers.
                match self.failed(folder, "looking", error) {
                    missing @ ArchiveError::FolderMissing { .. } => Err(missing),
                    _ => Ok(false),
                }
            }
            Err(error) => Err(ArchiveError::of("looking", &self.path(folder, name), error)),
        }
    }

    /// Makes a response durable that somebody else may have put there: what it holds, and its
    /// name. That it has been moved on meanwhile is no error.
    ///
    /// # Errors
    ///
    /// What the file system reports.
    pub fn make_durable(&self, folder: Folder, name: &FileName) -> Result<(), ArchiveError> {
        self.settle(folder, &self.path(folder, name))
    }

    /// A failure in a folder, told apart from the folder's being missing.
    pub(crate) fn failed(
        &self,
        folder: Folder,
        action: &'static str,
        error: io::Error,
    ) -> ArchiveError {
        let path = self.folder_path(folder);
        match error.kind() {
            io::ErrorKind::NotFound if !path.exists() => {
                ArchiveError::FolderMissing { folder, path: path.to_owned() }
            }
            io::ErrorKind::NotADirectory => {
                ArchiveError::NotAFolder { folder, path: path.to_owned() }
            }
            _ => ArchiveError::of(action, path, error),
        }
    }

    pub(crate) fn not_found(&self, folder: Folder, name: &FileName) -> ArchiveError {
        match self.failed(folder, "looking", io::ErrorKind::NotFound.into()) {
            missing @ ArchiveError::FolderMissing { .. } => missing,
            _ => ArchiveError::NotFound {
                name: name.as_str().to_owned(),
                path: self.path(folder, name),
            },
        }
    }

    pub(crate) fn name_taken(&self, folder: Folder, name: &FileName) -> ArchiveError {
        ArchiveError::NameTaken {
            name: name.as_str().to_owned(),
            folder,
            path: self.path(folder, name),
        }
    }
}

pub(crate) fn open_failed(path: &Path, error: OpenError) -> ArchiveError {
    match error {
        OpenError::NotAFile(what) => ArchiveError::NotAFile { path: path.to_owned(), what },
        OpenError::Io(error) => ArchiveError::of("reading", path, error),
    }
}

pub(crate) fn restless(action: &'static str, path: &Path) -> ArchiveError {
    let error = io::Error::other("other processes keep moving the file; try again");
    ArchiveError::of(action, path, error)
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
