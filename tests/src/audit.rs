//! Whether everything that a site ever took in is where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use cream_models::Timestamp;
use cream_store::{Response, ResponseStatus, StoreError};

use crate::Site;

/// The folders of the archive.
const FOLDERS: [&str; 3] = ["raw", "parsed", "dead"];

/// What an audit counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Files of loaded responses.
    pub parsed: usize,
    /// Files of dead letters.
    pub dead: usize,
    /// What writes that were cut short left in the folder of raw responses. Nothing removes them:
    /// no program can tell whether their writer is dead or on another machine.
    pub partials: usize,
}

impl Site {
    /// The files in a folder of the archive, without what writes that were cut short left.
    #[must_use]
    pub fn responses_in(&self, folder: &str) -> Vec<String> {
        self.archived(folder).into_iter().filter(|name| !is_partial(name)).collect()
    }

    /// What writes that were cut short left in the folder of raw responses.
    #[must_use]
    pub fn partials(&self) -> BTreeSet<String> {
        self.archived("raw").into_iter().filter(|name| is_partial(name)).collect()
    }

    /// Every response that the database knows.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn recorded(&self) -> Vec<Response> {
        let read = self.store().read(|reader| {
            let mut all: Vec<Response> = Vec::new();
            loop {
                let some = reader.responses_after(all.last().map(|last| last.id), 1000)?;
                if some.is_empty() {
                    return Ok::<_, StoreError>(all);
                }
                all.extend(some);
            }
        });
        read.unwrap()
    }

    /// Nothing is under way or left over: no file waits, each is in one folder and no more, which
    /// is that of its state in the database, where nothing is pending, claimed, or without a file.
    ///
    /// # Panics
    ///
    /// Where that is not so.
    #[must_use]
    pub fn assert_settled(&self) -> Audit {
        assert_eq!(self.responses_in("raw"), [""; 0], "files that wait");
        let mut folders: BTreeMap<String, &str> = BTreeMap::new();
        for folder in FOLDERS {
            for name in self.responses_in(folder) {
                if let Some(other) = folders.insert(name.clone(), folder) {
                    panic!("{name} is in {other} and in {folder}");
                }
            }
            // Writes are to `raw`; the others are only tried at the start.
            let mut cut_short = self.archived(folder);
            cut_short.retain(|name| is_partial(name) && !name.starts_with(".check."));
            assert!(folder == "raw" || cut_short.is_empty(), "in {folder}: {cut_short:?}");
        }
        for response in self.recorded() {
            let name = &response.file_name;
            assert_eq!(response.lease_until, None, "{name} is claimed");
            let expected = match response.status {
                ResponseStatus::Parsed => "parsed",
                ResponseStatus::Deadletter => "dead",
                ResponseStatus::Pending => panic!("{name} is pending"),
            };
            let folder = folders.remove(name);
            assert_eq!(folder, Some(expected), "{name}, which is {:?}", response.status);
        }
        assert!(folders.is_empty(), "files that the database does not know: {folders:?}");
        assert_eq!(self.claimed_stocks(Timestamp::from_micros(i64::MIN)), [""; 0], "claimed");
        let [_, parsed, dead] = FOLDERS.map(|folder| self.responses_in(folder).len());
        Audit { parsed, dead, partials: self.partials().len() }
    }
}

fn is_partial(name: &str) -> bool {
    name.ends_with(".partial")
}
