//! What can go wrong in the archive.

use std::io;
use std::path::{Path, PathBuf};

use crate::Folder;

/// Why the archive could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A response of this name but other content is in the archive. Nothing is overwritten.
    #[error(
        "{path}: a response of this name but with other content is already archived; \
         nothing was overwritten, so give the new one another name"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Where the other response lies.
        folder: Folder,
        /// Its path.
        path: PathBuf,
    },
    /// There is no such response.
    #[error("{path}: there is no such response in the archive")]
    NotFound {
        /// The name.
        name: String,
        /// The path where it was looked for.
        path: PathBuf,
    },
    /// A response is larger than what the caller accepts.
    #[error("{name}: {len} bytes are more than the {max} that a response may have")]
    TooLarge {
        /// The name.
        name: String,
        /// Its length in bytes; at least this, where it grew while it was read.
        len: u64,
        /// The most that was accepted, in bytes.
        max: u64,
    },
    /// A directory, a symbolic link, a device or a socket, where a file is expected.
    #[error("{path} is {what}, not a file: the archive holds plain files only")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A folder of the archive is missing.
    #[error(
        "the folder {path} of the {folder} responses is missing: create it or correct its setting"
    )]
    FolderMissing {
        /// Which folder.
        folder: Folder,
        /// Its path.
        path: PathBuf,
    },
    /// The path of a folder is not a folder.
    #[error("{path}, set for the {folder} responses, is not a folder")]
    NotAFolder {
        /// Which folder.
        folder: Folder,
        /// Its path.
        path: PathBuf,
    },
    /// Two folders of the archive are one.
    #[error(
        "{path} is set for the {first} and for the {second} responses: \
         they need folders of their own"
    )]
    SameFolder {
        /// One of the two.
        first: Folder,
        /// The other.
        second: Folder,
        /// The path of the second.
        path: PathBuf,
    },
    /// The disk is full, or a quota is used up. Nothing is lost; it works again when there is room.
    #[error("{path}: {action} failed, for the disk is full or a quota is used up: make room there")]
    NoSpace {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process may not do this.
    #[error(
        "{path}: {action} is not permitted: let the user that runs this program read and write there"
    )]
    Denied {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else that the system reports.
    #[error("{path}: {action} failed")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ArchiveError {
    pub(crate) fn of(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { action, path, source }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { action, path, source }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// Whether the trouble lies with the machine or its set-up (space, permission, a missing
    /// folder, a failing disk) and not with one response: other responses will fail the same way, and
    /// this one may succeed later.
    #[must_use]
    pub const fn is_environmental(&self) -> bool {
        match self {
            Self::NameTaken { .. }
            | Self::NotFound { .. }
            | Self::TooLarge { .. }
            | Self::NotAFile { .. } => false,
            Self::FolderMissing { .. }
            | Self::NotAFolder { .. }
            | Self::SameFolder { .. }
            | Self::NoSpace { .. }
            | Self::Denied { .. }
            | Self::Io { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn each_kind_of_trouble_names_the_path_and_what_to_do() {
        let path = Path::new("files/raw");
        for (kind, expected) in [
            (
                io::ErrorKind::StorageFull,
                "files/raw: writing failed, for the disk is full or a quota is used up: \
                 make room there",
            ),
            (
                io::ErrorKind::QuotaExceeded,
                "files/raw: writing failed, for the disk is full or a quota is used up: \
                 make room there",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "files/raw: writing is not permitted: \
                 let the user that runs this program read and write there",
            ),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                "files/raw: writing is not permitted: \
                 let the user that runs this program read and write there",
            ),
            (io::ErrorKind::TimedOut, "files/raw: writing failed"),
        ] {
            let error = ArchiveError::of("writing", path, kind.into());
            assert_eq!(error.to_string(), expected);
            assert!(error.source().is_some() && error.is_environmental());
        }
    }
}
