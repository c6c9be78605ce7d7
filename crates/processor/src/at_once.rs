//! A file that is loaded and done with in one transaction, without a claim before.

use cream_archive::{FileName, Folder};
use cream_loader::{Guard, LoadError};
use cream_store::{Lease, NewResponse, ResponseStatus, StoreError};

use crate::aside::Known;
use crate::file::{Record, is_about_the_machine};
use crate::report::Loaded;
use crate::{Error, Mode, Processor};

impl Processor {
    /// Loads a file at once that need not be claimed: one that was written to the archive a moment
    /// ago, and so is likely in no other hands, and a dead letter that a person accepts. The latter
    /// is a dead letter until its load has committed: were it pending, and its worker killed, another
    /// would take it who knows nothing of the acceptance.
    ///
    /// `None` where it is neither, where the response is not as it should be, or where another was
    /// faster: then it takes the usual way, which finds out again.
    pub(crate) fn load_at_once(
        &self,
        name: &FileName,
        folder: Folder,
        bytes: &[u8],
        registration: &NewResponse,
        mode: Mode,
    ) -> Result<Option<Loaded>, Error> {
        // What lies among the parsed responses is accepted whoever takes it.
        let is_accepted_now = mode.guard == Guard::Accept && folder != Folder::Parsed;
        let token = self.token(name);
        let from = registration.registered_at;
        let lease = Lease { token: &token, from, until: self.leases.lease_until(from) };
        let record = if mode.is_fresh {
            Record::New(registration)
        } else if is_accepted_now
            && let Some(known) = self.store.read(|reader| reader.response(name.as_str()))?
            && known.status == ResponseStatus::Deadletter
            && known.sha256 == registration.sha256
        {
            Record::Dead { response: known.id, lease: &lease }
        } else {
            return Ok(None);
        };
        let mut known = Known::default();
        match self.parse_and_load(name, bytes, registration, record, mode, &mut known) {
            Ok(loaded) => Ok(Some(loaded)),
            Err(Error::Store(StoreError::NameTaken { .. }))
            | Err(Error::Load(LoadError::Store(StoreError::NameTaken { .. }))) => Ok(None),
            Err(error) if is_about_the_machine(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }
}
