//! Making the folders, and finding out at start what is wrong with them.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::disk::Partial;
use crate::{Archive, ArchiveError, Folder};

impl Archive {
    /// Creates the folders that are missing, with their parents.
    ///
    /// # Errors
    ///
    /// Where a folder cannot be created, or its path is something else.
    pub fn create_folders(&self) -> Result<(), ArchiveError> {
        Folder::ALL.into_iter().try_for_each(|folder| self.create_folder(folder))
    }

    fn create_folder(&self, folder: Folder) -> Result<(), ArchiveError> {
        let path = self.folder_path(folder);
        fs::create_dir_all(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                ArchiveError::NotAFolder { folder, path: path.to_owned() }
            }
            _ => ArchiveError::of("creating the folder", path, error),
        })
    }

    /// Checks that the archive can be used: see [`Archive::problems`].
    ///
    /// # Errors
    ///
    /// The first problem.
    pub fn check(&self) -> Result<(), ArchiveError> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that keeps the archive from being used: a folder that is missing, that cannot
    /// be written (it is tried with a small file), or that is two of the three.
    #[must_use]
    pub fn problems(&self) -> Vec<ArchiveError> {
        self.problems_after(|_| Ok(()))
    }

    /// Creates the folders that are missing, with their parents, and tells everything that keeps
    /// the archive from being used then, as [`Archive::problems`] does.
    #[must_use]
    pub fn prepare(&self) -> Vec<ArchiveError> {
        self.problems_after(|folder| self.create_folder(folder))
    }

    fn problems_after(
        &self,
        prepare: impl Fn(Folder) -> Result<(), ArchiveError>,
    ) -> Vec<ArchiveError> {
        let mut problems = Vec::new();
        let mut seen: Vec<(Folder, PathBuf)> = Vec::new();
        for folder in Folder::ALL {
            let path = self.folder_path(folder);
            match prepare(folder).and_then(|()| self.check_folder(folder)) {
                Err(error) => problems.push(error),
                Ok(real) => {
                    if let Some((first, _)) = seen.iter().find(|(_, other)| *other == real) {
                        let (first, path) = (*first, path.to_owned());
                        problems.push(ArchiveError::SameFolder { first, second: folder, path });
                    }
                    seen.push((folder, real));
                }
            }
        }
        problems
    }

    fn check_folder(&self, folder: Folder) -> Result<PathBuf, ArchiveError> {
        let path = self.folder_path(folder);
        let metadata = fs::metadata(path).map_err(|error| self.failed(folder, "looking", error))?;
        if !metadata.is_dir() {
            return Err(ArchiveError::NotAFolder { folder, path: path.to_owned() });
        }
        let real = fs::canonicalize(path)
            .map_err(|error| ArchiveError::of("resolving the path", path, error))?;
        fs::read_dir(path).map_err(|error| ArchiveError::of("listing the folder", path, error))?;
        // Permission bits do not tell what a read-only mount, a quota or an ACL forbids.
        Partial::create(path, ".check")
            .and_then(|mut probe| probe.file().write_all(b"check"))
            .map_err(|error| ArchiveError::of("writing to the folder", path, error))?;
        Ok(real)
    }
}
