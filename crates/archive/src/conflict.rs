//! Responses that cannot go the usual way: too large to be read whole, or with a name that stands
//! for other content.

use std::io::{self, Read as _};

use sha2::{Digest as _, Sha256};

use crate::disk::{self, OpenError};
use crate::name::{FINGERPRINT_BYTES, FINGERPRINT_MARK};
use crate::{Archive, ArchiveError, FileName, Folder};

impl FileName {
    /// A name of its own for a response whose name stands for other content: the same with the
    /// beginning of the content's SHA-256. It tells neither symbol nor instant.
    ///
    /// ```
    /// use cream_archive::FileName;
    /// let name = FileName::parse("TSLA_2025-06-16.html")?;
    /// let own = name.with_fingerprint(&cream_archive::sha256(b""));
    /// assert_eq!(own.as_str(), "TSLA_2025-06-16~e3b0c44298fc.html");
    /// # Ok::<(), cream_archive::NameError>(())
    /// ```
    #[must_use]
    pub fn with_fingerprint(&self, sha256: &[u8; 32]) -> Self {
        let mark: String =
            sha256.iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let extension = self.extension().map_or_else(String::new, |text| format!(".{text}"));
        // A long name is cut so that the result is still a name.
        let room = crate::name::MAX_LEN - mark.len() - 1 - extension.len();
        let mut stem = self.stem();
        while stem.len() > room {
            let mut characters = stem.chars();
            characters.next_back();
            stem = characters.as_str();
        }
        Self::unknown(format!("{stem}{FINGERPRINT_MARK}{mark}{extension}"))
    }
}

impl Archive {
    /// The SHA-256 and the length of a response, however large, without holding it.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NotFound`], [`ArchiveError::NotAFile`], and what the file system reports.
    pub fn fingerprint(
        &self,
        folder: Folder,
        name: &FileName,
    ) -> Result<([u8; 32], u64), ArchiveError> {
        let path = self.path(folder, name);
        let (mut file, _) = match disk::open(&path) {
            Ok(opened) => opened,
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::NotFound { name: name.as_str().to_owned(), path });
            }
            Err(OpenError::NotAFile(what)) => return Err(ArchiveError::NotAFile { path, what }),
            Err(OpenError::Io(error)) => return Err(ArchiveError::of("reading", &path, error)),
        };
        let (mut hash, mut len) = (Sha256::new(), 0_u64);
        let mut part = Vec::with_capacity(PART);
        loop {
            part.clear();
            let step = u64::try_from(PART).unwrap_or(u64::MAX);
            let read = file
                .by_ref()
                .take(step)
                .read_to_end(&mut part)
                .map_err(|error| ArchiveError::of("reading", &path, error))?;
            if read == 0 {
                return Ok((hash.finalize().into(), len));
            }
            hash.update(&part);
            len = len.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
    }

    /// Gives a response another name in its folder, durably and never over another one.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NameTaken`] where the new name is in use there, and what the file system
    /// reports.
    pub fn rename(
        &self,
        folder: Folder,
        name: &FileName,
        new_name: &FileName,
    ) -> Result<(), ArchiveError> {
        let (source, target) = (self.path(folder, name), self.path(folder, new_name));
        self.steps.at("archive.renaming");
        disk::rename_without_overwriting(&source, &target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ArchiveError::NameTaken {
                name: new_name.as_str().to_owned(),
                folder,
                path: target.clone(),
            },
            io::ErrorKind::NotFound => {
                ArchiveError::NotFound { name: name.as_str().to_owned(), path: source.clone() }
            }
            _ => ArchiveError::of("renaming", &source, error),
        })?;
        let path = self.folder_path(folder);
        disk::sync_folder(path)
            .map_err(|error| ArchiveError::of("syncing the folder", path, error))?;
        self.steps.at("archive.renamed");
        Ok(())
    }
}

/// How much of a large response is held at once, in bytes.
const PART: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> (tempfile::TempDir, Archive) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let archive = Archive::new(path("raw"), path("parsed"), path("dead"));
        archive.create_folders().unwrap();
        (dir, archive)
    }

    #[test]
    fn a_large_response_is_hashed_in_parts() {
        let (_dir, archive) = archive();
        let name = FileName::parse("big.html").unwrap();
        let bytes = vec![7; PART * 2 + 5];
        archive.write(&name, &bytes).unwrap();
        let (sha256, len) = archive.fingerprint(Folder::Raw, &name).unwrap();
        assert_eq!((sha256, len), (crate::sha256(&bytes), u64::try_from(bytes.len()).unwrap()));
        let error = archive.fingerprint(Folder::Parsed, &name).unwrap_err();
        assert!(matches!(error, ArchiveError::NotFound { .. }), "{error}");
    }

    #[test]
    fn a_response_is_renamed_and_never_over_another() {
        let (_dir, archive) = archive();
        let [a, b] = ["a.html", "b.html"].map(|name| FileName::parse(name).unwrap());
        archive.write(&a, b"a").unwrap();
        archive.rename(Folder::Raw, &a, &b).unwrap();
        assert_eq!(archive.read(Folder::Raw, &b, 9).unwrap(), b"a");
        archive.write(&a, b"other").unwrap();
        let error = archive.rename(Folder::Raw, &a, &b).unwrap_err();
        assert!(matches!(error, ArchiveError::NameTaken { .. }), "{error}");
        assert_eq!(archive.read(Folder::Raw, &b, 9).unwrap(), b"a");
    }

    #[test]
    fn a_name_of_its_own_is_a_name_however_long_the_first_was() {
        for stem in ["x".repeat(195), "é".repeat(97), "a".to_owned()] {
            let name = FileName::parse(&format!("{stem}.html")).unwrap();
            let own = name.with_fingerprint(&[0xab; 32]);
            assert_eq!(FileName::parse(own.as_str()).unwrap(), own);
            assert!(own.as_str().ends_with("~abababababab.html"), "{own}");
        }
    }
}
