//! Files to be imported, found under the paths that a user named.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::OneLine;

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

/// The whole file, or `None` where it is longer than `limit`.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
