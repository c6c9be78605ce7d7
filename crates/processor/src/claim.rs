//! Whose a file is: within this process, and between workers.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use cream_archive::FileName;
use cream_store::{Lease, NewResponse, Response, ResponseStatus, StoreError};

use crate::lease::Hold;
use crate::{Processor, Retry};

/// The files that threads of this process are working on: under one token, the database could not
/// tell them apart.
#[derive(Debug, Default)]
pub(crate) struct InWork(Mutex<HashSet<String>>);

/// A file that no other thread of this process works on.
pub(crate) struct Entered<'a> {
    files: &'a InWork,
    name: String,
}

impl InWork {
    /// Begins with a file; `None` where another thread has it in hand.
    pub(crate) fn enter(&self, name: &FileName) -> Option<Entered<'_>> {
        let name = name.as_str().to_owned();
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Not made where another holds the name: dropping it would take that hold away.
        files.insert(name.clone()).then(|| Entered { files: self, name })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.files.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// What came of claiming a response.
pub(crate) enum Claim {
    Ours(Box<Response>, Hold),
    /// Its fate is known: at most its file has still to be moved.
    Settled(Box<Response>),
    Theirs,
}

impl Processor {
    pub(crate) fn registration(&self, name: &FileName, sha256: [u8; 32], len: u64) -> NewResponse {
        NewResponse {
            file_name: name.as_str().to_owned(),
            sha256,
            byte_len: i64::try_from(len).unwrap_or(i64::MAX),
            registered_at: self.clock.now(),
        }
    }

    /// What marks a lease on this file as ours.
    pub(crate) fn token(&self, name: &FileName) -> String {
        format!("{}-{}", self.holder, name.as_str())
    }

    /// Registers and claims a response at once: what nobody but us knows needs no second commit.
    pub(crate) fn claim(
        &self,
        name: &FileName,
        registration: &NewResponse,
        retry: Retry,
    ) -> Result<Claim, StoreError> {
        let token = self.token(name);
        let from = registration.registered_at;
        let until = self.leases.lease_until(from);
        let lease = Lease { token: &token, from, until };
        // What a crash makes forgotten here, the next run does again.
        let claimed = self.store.write_loosely(|writer| {
            let registered = writer.register_response(registration, Some(&lease))?;
            let known = registered.response;
            if registered.is_new {
                return Ok(Ok(known));
            }
            let is_retried = known.status == ResponseStatus::Deadletter
                && match retry {
                    Retry::No => false,
                    // Another worker may have tried it since it was listed.
                    Retry::Due => known.next_attempt_at.is_some_and(|due| due <= from),
                    Retry::Always => true,
                };
            if known.status != ResponseStatus::Pending && !is_retried {
                return Ok(Err(Claim::Settled(Box::new(known))));
            }
            if is_retried {
                writer.reopen_response(known.id)?;
            }
            Ok::<_, StoreError>(match writer.claim_response(known.id, &lease)? {
                Some(response) => Ok(response),
                // Another has it in hand, or was done with it while we waited.
                None => Err(match writer.response(&registration.file_name)? {
                    Some(known) if known.status != ResponseStatus::Pending => {
                        Claim::Settled(Box::new(known))
                    }
                    _ => Claim::Theirs,
                }),
            })
        })?;
        Ok(match claimed {
            Err(other) => other,
            Ok(response) => {
                let hold = self.leases.hold(token, until);
                self.steps.at("process.claimed");
                Claim::Ours(Box::new(response), hold)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_in_the_work_of_one_thread_until_it_is_done() {
        let (files, name) = (InWork::default(), FileName::parse("A_2025-06-16.html").unwrap());
        let first = files.enter(&name);
        assert!(first.is_some());
        for _ in 0..2 {
            assert!(files.enter(&name).is_none(), "also after another has asked");
        }
        drop(first);
        assert!(files.enter(&name).is_some());
    }
}
