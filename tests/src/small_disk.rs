//! A file system that is soon full.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use cream_testkit::TestDir;

/// A file system of its own, in memory, that can be made smaller and larger. It is gone when the
/// value is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TestDir,
}

impl SmallDisk {
    /// A large one. Where mounting is not allowed: `None`, and a line on standard error says so.
    #[must_use]
    pub fn mount() -> Option<Self> {
        let folder = TestDir::new();
        let mounted = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256m,mode=0755", "cream-test"])
            .arg(folder.path()));
        match mounted {
            Ok(_) => Some(Self { folder }),
            Err(error) => {
                // Not `eprintln!`: the test harness keeps that of a passing test to itself.
                let line = format!("skipped: no small disk can be mounted: {error}\n");
                let _ = std::io::stderr().write_all(line.as_bytes());
                None
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves so many KiB of room.
    ///
    /// # Panics
    ///
    /// Where that cannot be done.
    pub fn leave(&self, kib: u64) {
        let used = run(Command::new("df").args(["--output=used", "-k"]).arg(self.path())).unwrap();
        let used: u64 = used.lines().last().unwrap().trim().parse().unwrap();
        self.resize(&format!("{}k", used + kib));
    }

    /// Makes much room.
    ///
    /// # Panics
    ///
    /// Where that cannot be done.
    pub fn make_room(&self) {
        self.resize("256m");
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let _ = run(Command::new("mount").args(["-o", &options]).arg(self.path())).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazy: a server may still have files open on it.
        let _ = run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

/// What a command wrote to standard output, or why it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', "; ");
    if status.success() {
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    } else {
        Err(text(&stderr))
    }
}
