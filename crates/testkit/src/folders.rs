//! Folders for tests.

use std::path::{Path, PathBuf};

/// A folder that is gone when the value is dropped.
#[derive(Debug)]
pub struct TestDir(tempfile::TempDir);

impl TestDir {
    /// An empty folder of a fresh name.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let builder = || tempfile::Builder::new().prefix("cream-test-").tempdir();
        Self(builder().expect("a temporary folder"))
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file or folder in it.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Makes a folder in it, with the folders above.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    pub fn create_dir(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file in it, with the folders above.
    ///
    /// # Panics
    ///
    /// Where it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of the files and folders in a folder of it, sorted.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().expect("a name in UTF-8"))
            .collect();
        names.sort_unstable();
        names
    }
}

impl Default for TestDir {
    fn default() -> Self {
        Self::new()
    }
}

/// The folder `shared` beside the workspace, with recorded vendor responses that are not part of
/// the project. Where it is absent, says so in one line and returns `None`: the test has nothing
/// to do.
#[must_use]
pub fn shared_dir() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if path.is_dir() {
        Some(path)
    } else {
        eprintln!("skipped: ../shared is absent");
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lives_as_long_as_its_value() {
        let dir = TestDir::new();
        dir.write("a/b.txt", "text");
        dir.create_dir("a/c");
        assert_eq!(dir.names("a"), ["b.txt", "c"]);
        let path = dir.path().to_owned();
        assert!(path.is_dir());
        drop(dir);
        assert!(!path.exists());
    }
}
