//! The folder a file belongs into, by what the database says of it.

use cream_archive::{ArchiveError, FileName, Folder};
use cream_store::{Response, ResponseStatus};

use crate::report::Outcome;
use crate::{Error, Processor};

/// What became of a file that seemed to lie in the wrong folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is moved where it belongs.
    Moved,
    /// Nothing is to be done, or not here: it lies where it belongs, or is gone by now, or the
    /// database does not know it, or it is pending, and whoever works on it sees to it.
    Left,
    /// It is not what was recorded under its name, and stays where it lies.
    OtherContent,
}

/// Where the file of a response belongs.
const fn belongs(status: ResponseStatus) -> Folder {
    match status {
        ResponseStatus::Pending => Folder::Raw,
        ResponseStatus::Parsed => Folder::Parsed,
        ResponseStatus::Deadletter => Folder::Deadletter,
    }
}

/// What to say of a response whose fate the database knows.
fn settled(known: Response) -> Outcome {
    if known.status == ResponseStatus::Parsed {
        Outcome::AlreadyLoaded
    } else {
        Outcome::AlreadyDead(known.error.unwrap_or_else(|| "no reason was recorded".to_owned()))
    }
}

impl Processor {
    /// Moves a file that lies in this folder where the database says that it belongs: loaded or a
    /// dead letter, it may lie in the other's folder where two workers died within moments of each
    /// other. It is read whole, since only what was recorded is moved; and it is never moved over
    /// another file, nor while its response is pending.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NameTaken`] where another file has its place, and what the database or the
    /// file system reports.
    pub fn put_in_place(&self, name: &FileName, folder: Folder) -> Result<Placed, Error> {
        let Some(_in_work) = self.in_work.enter(name) else { return Ok(Placed::Left) };
        let known = self.store.read(|reader| reader.response(name.as_str()))?;
        let is_settled = |known: &Response| known.status != ResponseStatus::Pending;
        let Some(known) = known.filter(is_settled) else { return Ok(Placed::Left) };
        if belongs(known.status) == folder {
            return Ok(Placed::Left);
        }
        match self.archive.fingerprint(folder, name) {
            Ok((sha256, _)) if sha256 == known.sha256 => {}
            Ok(_) => return Ok(Placed::OtherContent),
            Err(ArchiveError::NotFound { .. }) => return Ok(Placed::Left),
            Err(error) => return Err(error.into()),
        }
        Ok(match self.follow(name, folder, known)? {
            Outcome::InOtherHands => Placed::Left,
            _ => Placed::Moved,
        })
    }

    /// Moves a file where it belongs by what was recorded just now, from wherever others, who knew
    /// less, have moved it meanwhile.
    pub(crate) fn bring(&self, name: &FileName, from: Folder, to: Folder) -> Result<(), Error> {
        let mut from = from;
        for _ in 0..MOVES {
            match self.archive.move_to(name, from, to) {
                Err(ArchiveError::NotFound { .. }) => match self.archive.find(name)? {
                    Some(there) => from = there,
                    None => break,
                },
                result => return Ok(result?),
            }
        }
        Ok(self.archive.move_to(name, from, to)?)
    }

    /// Moves a file where it belongs by what was recorded before, and tells so. Where it is gone
    /// from its folder, somebody else is seeing to it.
    pub(crate) fn follow(
        &self,
        name: &FileName,
        from: Folder,
        known: Response,
    ) -> Result<Outcome, Error> {
        // Another may have recorded it a moment ago.
        self.store.sync()?;
        let status = known.status;
        let (to, outcome) = (belongs(status), settled(known));
        match self.archive.move_to(name, from, to) {
            Err(ArchiveError::NotFound { .. }) if self.archive.find(name)?.is_some() => {
                return Ok(Outcome::InOtherHands);
            }
            result => result?,
        }
        // A dead letter may have been taken up again in between, and its file moved away from
        // whoever did so, who may have come to an end since.
        let now = self.store.read(|reader| reader.response(name.as_str()))?;
        let Some(now) = now.filter(|now| now.status != status) else { return Ok(outcome) };
        match self.archive.move_to(name, to, belongs(now.status)) {
            Err(ArchiveError::NotFound { .. }) => {}
            result => result?,
        }
        Ok(Outcome::InOtherHands)
    }

    /// What became of a file that another worker has moved where it belongs.
    pub(crate) fn moved_on(&self, name: &FileName) -> Result<Outcome, Error> {
        let known = self.store.read(|reader| reader.response(name.as_str()))?;
        let known = known.filter(|known| known.status != ResponseStatus::Pending);
        Ok(known.map_or(Outcome::InOtherHands, settled))
    }
}

/// So often a file that was moved away is followed.
const MOVES: u32 = 4;
