//! The archive of raw vendor responses: three folders, through which every response goes once.
//!
//! A response is [written](Archive::write) to the raw folder, durably and never over another one,
//! and is [moved](Archive::move_to) to the parsed responses or to the dead letters when the
//! database has recorded what became of it. Nothing is ever deleted. What a file is called tells
//! where it came from; a [`FileName`] is checked once and then cannot leave its folder.
//!
//! ```
//! use cream_archive::{Archive, FileName, Folder, Written};
//! use cream_models::{Symbol, Vendor};
//!
//! # let temporary = tempfile::tempdir()?;
//! # let root = temporary.path();
//! let archive = Archive::new(root.join("raw"), root.join("parsed"), root.join("deadletter"));
//! archive.create_folders()?;
//! archive.check()?;
//!
//! let fetched = "2025-06-16T21:30:00Z".parse()?;
//! let name = FileName::canonical(&Symbol::parse("EURUSD=X")?, fetched, Vendor::YahooChart, "json");
//! assert_eq!(name.as_str(), "EURUSD%3DX_2025-06-16T213000Z_yahoo-chart.json");
//!
//! assert_eq!(archive.write(&name, b"{}")?, Written::New);
//! assert_eq!(archive.write(&name, b"{}")?, Written::AlreadyThere);
//! assert!(archive.write(&name, b"[]").is_err());
//!
//! archive.move_to(&name, Folder::Raw, Folder::Parsed)?;
//! assert_eq!(archive.find(&name)?, Some(Folder::Parsed));
//! assert_eq!(archive.read(Folder::Parsed, &name, 1024)?, b"{}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a crash can leave
//!
//! - A `NAME.PID-N.partial` in a folder: a write that was cut short. It is listed as ignored, it is
//!   never read, and may be deleted while no writer runs.
//! - The same content under the same name in two folders, where the file system cannot rename
//!   between them. The next [`Archive::move_to`] keeps the one at the destination.
//!
//! # Portability
//!
//! A canonical name holds ASCII letters, digits, `.`, `-`, `_` and `%` only, with the symbol in upper
//! case, so that it means the same on file systems that fold case. Names given by hand are taken
//! wherever the system takes them; `TSLA_2025-06-16.html` and `tsla_2025-06-16.html` name the same
//! symbol, and are one file or two as the file system has it. Outside Unix a folder cannot be
//! synced, and a new name is as durable as the system makes it.

mod archive;
mod conflict;
mod disk;
mod error;
mod moving;
mod name;
mod setup;
mod steps;

pub use archive::{Archive, Folder, Ignored, Listing, Written};
pub use error::ArchiveError;
pub use name::{Fetched, FileName, NameError};
pub use steps::Steps;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a response, which identifies its content.
///
/// ```
/// assert_eq!(cream_archive::sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
/// ```
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
