//! Room on the disks.

use std::path::{Path, PathBuf};

use cream_archive::{Archive, Folder};

/// As the setting counts.
const MEGABYTE: u64 = 1_000_000;

/// A folder has too little room, or it cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The disk is about to be full.
    #[error(
        "only {} MB are free at {}, and {} MB are to be (STOCK_DATA_MIN_FREE_MB); make room",
        .free / MEGABYTE, .path.display(), .wanted / MEGABYTE
    )]
    Short {
        /// Where.
        path: PathBuf,
        /// How many bytes are free for this user.
        free: u64,
        /// How many there should be.
        wanted: u64,
    },
    /// The system does not tell.
    #[error("it cannot be told how much room there is at {}", .path.display())]
    Unknown {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Checks that a folder has so many bytes free for this user.
///
/// # Errors
///
/// Where it has not, or that cannot be told.
pub fn check_folder(path: &Path, wanted: u64) -> Result<(), DiskError> {
    if wanted == 0 {
        return Ok(());
    }
    let told = rustix::fs::statvfs(path)
        .map_err(|error| DiskError::Unknown { path: path.to_owned(), source: error.into() })?;
    let free = told.f_bavail.saturating_mul(told.f_frsize);
    if free < wanted {
        return Err(DiskError::Short { path: path.to_owned(), free, wanted });
    }
    Ok(())
}

/// Checks each folder of an archive.
pub(crate) fn check(archive: &Archive, wanted: u64) -> Result<(), DiskError> {
    Folder::ALL.into_iter().try_for_each(|folder| check_folder(archive.folder_path(folder), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_folder(folder.path(), 1).is_ok());
        let error = check_folder(folder.path(), u64::MAX).unwrap_err().to_string();
        assert!(
            error.contains("MB are free at") && error.contains("STOCK_DATA_MIN_FREE_MB"),
            "{error}"
        );
        let nowhere = folder.path().join("nowhere");
        assert!(check_folder(&nowhere, 1).unwrap_err().to_string().contains("nowhere"));
        assert!(check_folder(&nowhere, 0).is_ok(), "nothing is asked for");
    }
}
