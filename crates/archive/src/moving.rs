//! Moving a response from folder to folder, also where these lie on different file systems.

use std::fs;
use std::io;
use std::path::Path;

use crate::archive::{ATTEMPTS, open_failed, restless};
use crate::disk::{self, OpenError, Partial};
use crate::{Archive, ArchiveError, FileName, Folder};

impl Archive {
    /// Moves a response to another folder. A crash of the machine within moments may undo the
    /// move; the response is then where it was.
    ///
    /// That it is there already, with the same content, is fine: a crash may have come between
    /// the move and whoever should have known of it.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NameTaken`] where the destination holds other content under the name,
    /// [`ArchiveError::NotFound`] where neither folder holds it, [`ArchiveError::NotAFile`], and what
    /// the file system reports.
    pub fn move_to(&self, name: &FileName, from: Folder, to: Folder) -> Result<(), ArchiveError> {
        self.steps.at("archive.moving");
        self.moved(name, from, to)?;
        self.steps.at("archive.moved");
        Ok(())
    }

    fn moved(&self, name: &FileName, from: Folder, to: Folder) -> Result<(), ArchiveError> {
        let (source, target) = (self.path(from, name), self.path(to, name));
        for _ in 0..ATTEMPTS {
            let moved = match disk::open(&source) {
                Ok(_) if from == to => Ok(()),
                Ok(_) => disk::rename_without_overwriting(&source, &target),
                Err(OpenError::Io(error)) => Err(error),
                Err(error) => return Err(open_failed(&source, error)),
            };
            match moved.map_err(|error| (error.kind(), error)) {
                Ok(()) => return Ok(()),
                Err((io::ErrorKind::CrossesDevices, _)) => {
                    if self.copy_across(&source, to, name)? {
                        return self.remove_source(&source, from, to);
                    }
                }
                Err((io::ErrorKind::AlreadyExists, error)) => {
                    match disk::same_files(&source, &target) {
                        Ok(true) => {
                            self.settle(to, &target)?;
                            return self.remove_source(&source, from, to);
                        }
                        Ok(false) => return Err(self.name_taken(to, name)),
                        Err(OpenError::Io(gone)) if gone.kind() == io::ErrorKind::NotFound => {}
                        Err(OpenError::NotAFile(what)) => {
                            return Err(ArchiveError::NotAFile { path: target, what });
                        }
                        Err(OpenError::Io(_)) => {
                            return Err(ArchiveError::of("moving", &source, error));
                        }
                    }
                }
                Err((io::ErrorKind::NotFound, _)) => {
                    if self.is_in(from, name)? {
                        // Then it is the destination that is missing, or it has just appeared.
                        self.is_in(to, name)?;
                    } else if self.is_in(to, name)? {
                        return self.settle(to, &target);
                    } else {
                        return Err(self.not_found(from, name));
                    }
                }
                Err((_, error)) => return Err(ArchiveError::of("moving", &source, error)),
            }
        }
        Err(restless("moving", &source))
    }

    /// Copies a response to a folder on another file system. False where the name is taken there,
    /// which the caller looks into.
    fn copy_across(
        &self,
        source: &Path,
        to: Folder,
        name: &FileName,
    ) -> Result<bool, ArchiveError> {
        let target = self.path(to, name);
        if self.is_in(to, name)? {
            return match disk::same_files(source, &target) {
                Ok(true) => {
                    self.settle(to, &target)?;
                    Ok(true)
                }
                Ok(false) => Err(self.name_taken(to, name)),
                Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(open_failed(&target, error)),
            };
        }
        let mut file = match disk::open(source) {
            Ok((file, _)) => file,
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(false);
            }
            Err(error) => return Err(open_failed(source, error)),
        };
        let mut partial = Partial::create(self.folder_path(to), name.as_str())
            .map_err(|error| self.failed(to, "copying", error))?;
        io::copy(&mut file, partial.file())
            .and_then(|_| partial.settle())
            .map_err(|error| ArchiveError::of("copying", &target, error))?;
        match partial.place(&target) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(ArchiveError::of("copying", &target, error)),
        }
    }

    /// Ends a move whose destination holds the content: only now may the source go.
    fn remove_source(&self, source: &Path, from: Folder, to: Folder) -> Result<(), ArchiveError> {
        let folder = self.folder_path(to);
        disk::sync_folder(folder)
            .map_err(|error| ArchiveError::of("syncing the folder", folder, error))?;
        match fs::remove_file(source) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ArchiveError::of("moving", source, error))
            }
            _ => self.sync_both(to, from),
        }
    }

    fn sync_both(&self, first: Folder, second: Folder) -> Result<(), ArchiveError> {
        for folder in [first, second] {
            let path = self.folder_path(folder);
            disk::sync_folder(path)
                .map_err(|error| ArchiveError::of("syncing the folder", path, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn archive() -> (tempfile::TempDir, Archive) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let archive = Archive::new(path("raw"), path("parsed"), path("dead"));
        archive.create_folders().unwrap();
        (dir, archive)
    }

    #[test]
    fn a_move_between_file_systems_copies() {
        let (_dir, archive) = archive();
        let page = FileName::parse("page").unwrap();
        // The step itself, whatever file systems this machine has.
        archive.write(&page, b"one").unwrap();
        let source = archive.path(Folder::Raw, &page);
        assert!(archive.copy_across(&source, Folder::Parsed, &page).unwrap());
        assert!(archive.copy_across(&source, Folder::Parsed, &page).unwrap(), "the same again");
        archive.remove_source(&source, Folder::Raw, Folder::Parsed).unwrap();
        archive.remove_source(&source, Folder::Raw, Folder::Parsed).unwrap();
        assert_eq!(archive.find(&page).unwrap(), Some(Folder::Parsed));
        assert_eq!(fs::read_dir(archive.folder_path(Folder::Parsed)).unwrap().count(), 1);
        let none = FileName::parse("none").unwrap();
        fs::write(&source, "two").unwrap();
        let error = archive.copy_across(&source, Folder::Parsed, &page).unwrap_err();
        assert!(matches!(error, ArchiveError::NameTaken { .. }));
        assert!(!archive.copy_across(Path::new("none"), Folder::Raw, &none).unwrap());
    }

    #[test]
    fn each_step_is_told() {
        let (_dir, archive) = archive();
        let told = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&told);
        let archive = archive.with_steps(Arc::new(move |step| shared.lock().unwrap().push(step)));
        let [a, b] = ["a", "b"].map(|name| FileName::parse(name).unwrap());
        archive.write(&a, b"a").unwrap();
        archive.move_to(&a, Folder::Raw, Folder::Deadletter).unwrap();
        archive.rename(Folder::Deadletter, &a, &b).unwrap();
        assert_eq!(*told.lock().unwrap(), Archive::STEPS);
        // What is there is not written, and what is not there not moved.
        archive.write(&b, b"a").unwrap();
        archive.move_to(&a, Folder::Raw, Folder::Parsed).unwrap_err();
        assert_eq!(told.lock().unwrap()[Archive::STEPS.len()..], ["archive.moving"]);
    }
}
