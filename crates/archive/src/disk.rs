//! The few things that the archive asks of the file system.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::name::PARTIAL;

/// How many unfinished writes of one name and process id are passed over before giving up.
const MAX_PARTIALS: u32 = 1000;

/// A file being written, under a name that nothing reads; removed on drop unless it was placed.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    placed: bool,
}

impl Partial {
    /// A new file `NAME.PID-N.partial`.
    ///
    /// The leftover of a dead process, or of one of the same id on another machine or in another
    /// container, is never touched: the next number is taken.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let pid = std::process::id();
        for number in 0..MAX_PARTIALS {
            let path = folder.join(format!("{name}.{pid}-{number}{PARTIAL}"));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file, placed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{MAX_PARTIALS} unfinished writes of {name} are in the way: delete them"),
        ))
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes the content durable.
    pub(crate) fn settle(&self) -> io::Result<()> {
        self.file.sync_all()?;
        forget(&self.file);
        Ok(())
    }

    /// Gives what is settled its final name, never over another file. The folder is left to be
    /// synced.
    pub(crate) fn place(mut self, target: &Path) -> io::Result<()> {
        rename_without_overwriting(&self.path, target)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.placed {
            // The failure that led here is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Tells the system that the content, which is on the disk, need not stay in memory: an archived
/// response is seldom read again, and a database has better use for the room.
fn forget(file: &File) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // Only advice: where it is not taken, nothing is lost.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = file;
}

/// Renames a file; `AlreadyExists` where the target exists, `CrossesDevices` where it lies on
/// another file system.
pub(crate) fn rename_without_overwriting(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // The file system (NFS, some FUSE) or the kernel does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            result => return Ok(result?),
        }
    }
    link_and_unlink(from, to)
}

/// The same in two steps. A crash between them leaves the file under both names.
pub(crate) fn link_and_unlink(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Makes new and removed names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some network file systems do not sync a folder, and need it not.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Why a file was not opened.
pub(crate) enum OpenError {
    NotAFile(&'static str),
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a plain file for reading and tells its length. A symbolic link is not followed, and a pipe
/// does not block.
pub(crate) fn open(path: &Path) -> Result<(File, u64), OpenError> {
    if let Some(what) = other_than_file(&fs::symlink_metadata(path)?.file_type()) {
        return Err(OpenError::NotAFile(what));
    }
    // The flags guard the moment between the look and the opening.
    #[cfg(unix)]
    let file = {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?)
    };
    #[cfg(not(unix))]
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    match other_than_file(&metadata.file_type()) {
        Some(what) => Err(OpenError::NotAFile(what)),
        None => Ok((file, metadata.len())),
    }
}

/// What a directory entry is, where it is not a plain file.
pub(crate) fn other_than_file(kind: &fs::FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_symlink() {
        Some("a symbolic link")
    } else {
        Some("a device, pipe or socket")
    }
}

/// Whether a file holds these bytes and no others.
pub(crate) fn holds(path: &Path, bytes: &[u8]) -> Result<bool, OpenError> {
    let (file, len) = open(path)?;
    if u64::try_from(bytes.len()) != Ok(len) {
        return Ok(false);
    }
    Ok(same_content(file, bytes)?)
}

/// Whether two files hold the same.
pub(crate) fn same_files(a: &Path, b: &Path) -> Result<bool, OpenError> {
    let ((a, a_len), (b, b_len)) = (open(a)?, open(b)?);
    Ok(a_len == b_len && same_content(a, b)?)
}

fn same_content(a: impl io::Read, b: impl io::Read) -> io::Result<bool> {
    const STEP: u64 = 64 * 1024;
    let (mut a, mut b) = (io::BufReader::new(a), io::BufReader::new(b));
    let (mut a_part, mut b_part) = (Vec::new(), Vec::new());
    loop {
        a_part.clear();
        b_part.clear();
        a.by_ref().take(STEP).read_to_end(&mut a_part)?;
        b.by_ref().take(STEP).read_to_end(&mut b_part)?;
        if a_part != b_part {
            return Ok(false);
        }
        if a_part.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn neither_way_of_renaming_overwrites() {
        for rename in [rename_without_overwriting, link_and_unlink] {
            let folder = folder();
            let (from, to) = (folder.path().join("from"), folder.path().join("to"));
            fs::write(&from, "new").unwrap();
            rename(&from, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"new");
            assert!(!from.exists());

            fs::write(&from, "newer").unwrap();
            let error = rename(&from, &to).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!((fs::read(&to).unwrap(), fs::read(&from).unwrap()).0, b"new");
            assert!(from.exists());

            let error = rename(&folder.path().join("none"), &to).unwrap_err();
            assert!(matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists));
        }
    }

    #[test]
    fn a_partial_is_removed_unless_placed_and_leaves_others_alone() {
        let folder = folder();
        let stale = folder.path().join(format!("n.{}-0.partial", std::process::id()));
        fs::write(&stale, "stale").unwrap();
        drop(Partial::create(folder.path(), "n").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let mut partial = Partial::create(folder.path(), "n").unwrap();
        assert!(partial.path.ends_with(format!("n.{}-1.partial", std::process::id())));
        partial.file().write_all(b"text").unwrap();
        partial.place(&folder.path().join("n")).unwrap();
        assert_eq!(fs::read(folder.path().join("n")).unwrap(), b"text");

        // The name is taken: the partial goes, the file stays.
        let mut partial = Partial::create(folder.path(), "n").unwrap();
        partial.file().write_all(b"other").unwrap();
        let error = partial.place(&folder.path().join("n")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(folder.path().join("n")).unwrap(), b"text");
        assert_eq!(fs::read(&stale).unwrap(), b"stale");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn content_is_compared_to_the_last_byte() {
        let folder = folder();
        let path = folder.path().join("a");
        let mut bytes = vec![7_u8; 200_000];
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(holds(&path, &bytes), Ok(true)));
        bytes[199_999] = 8;
        assert!(matches!(holds(&path, &bytes), Ok(false)));
        bytes.pop();
        assert!(matches!(holds(&path, &bytes), Ok(false)));
        assert!(matches!(holds(&folder.path().join("none"), &bytes), Err(OpenError::Io(_))));
        assert!(matches!(holds(folder.path(), &bytes), Err(OpenError::NotAFile("a directory"))));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_and_a_pipe_does_not_block() {
        let folder = folder();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(matches!(open(&link), Err(OpenError::NotAFile("a symbolic link"))));
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(matches!(open(&socket), Err(OpenError::NotAFile("a device, pipe or socket"))));
    }
}
