//! Making and checking password hashes.

use std::hint::black_box;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::{OUTPUT_LEN, PasswordHash, SALT_LEN};
use crate::params::HashParams;
use crate::password::Password;
use crate::random::{self, RandomError};

/// Hashes passwords with argon2id, and checks them.
///
/// **Each hash and each check blocks**, for some 20 to 50 ms with [`HashParams::DEFAULT`], and
/// takes [`HashParams::memory_kib`] of memory meanwhile. Run them off the threads of an async
/// runtime, and bound how many run at once: logins are how a server is asked to spend memory by
/// whoever is not known to it.
#[derive(Debug)]
pub struct PasswordHasher {
    params: HashParams,
    /// Of a password that nobody has, for users who do not exist.
    of_nobody: PasswordHash,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// It is the password.
    pub is_right: bool,
    /// It is the password, and its hash was made with other parameters than new ones are: hash it
    /// again, and keep that. Never true of a wrong password.
    pub needs_rehash: bool,
}

/// Why a password could not be hashed or checked: always the machine's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No random numbers, for the salt.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No memory.
    #[error("a password hash takes {kib} KiB of memory, and the machine does not give them")]
    OutOfMemory {
        /// The memory that it takes, in KiB.
        kib: u32,
    },
    /// What the algorithm's implementation says.
    #[error("argon2id with {params}: {reason}")]
    Argon2 {
        /// The parameters.
        params: HashParams,
        /// What it says.
        reason: String,
    },
}

impl PasswordHasher {
    /// Hashes with these parameters from now on. Blocks for the time of one hash, which is made
    /// for [`PasswordHasher::verify_unknown`].
    ///
    /// # Errors
    ///
    /// Where the machine has no random numbers or not the memory.
    pub fn new(params: HashParams) -> Result<Self, HashError> {
        let mut password = Zeroizing::new([0; OUTPUT_LEN]);
        random::fill(password.as_mut_slice())?;
        Ok(Self { params, of_nobody: make(params, password.as_slice())? })
    }

    /// The parameters of new hashes.
    #[must_use]
    pub fn params(&self) -> HashParams {
        self.params
    }

    /// Hashes a password with a new random salt. Blocks.
    ///
    /// # Errors
    ///
    /// Where the machine has no random numbers or not the memory.
    pub fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        make(self.params, password.as_bytes())
    }

    /// Tells whether a password is the one that was hashed, with the parameters of that hash.
    /// Blocks. How much of the hash agrees makes no difference in time.
    ///
    /// ```
    /// use cream_auth::{HashParams, Password, PasswordHasher, Verdict};
    ///
    /// let password = Password::new("correct horse battery".to_owned())?;
    /// let old = PasswordHasher::new(HashParams::WEAK)?.hash(&password)?;
    /// let hasher = PasswordHasher::new(HashParams::DEFAULT)?;
    /// let verdict = hasher.verify(&password, &old)?;
    /// assert_eq!(verdict, Verdict { is_right: true, needs_rehash: true });
    /// let verdict = hasher.verify(&password, &hasher.hash(&password)?)?;
    /// assert_eq!(verdict, Verdict { is_right: true, needs_rehash: false });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the machine has not the memory.
    pub fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<Verdict, HashError> {
        let mut output = Zeroizing::new(vec![0; hash.output().len()]);
        compute(hash.params(), password.as_bytes(), hash.salt(), &mut output)?;
        let is_right = bool::from(output.as_slice().ct_eq(hash.output()));
        let is_current = hash.params() == self.params
            && hash.salt().len() == SALT_LEN
            && hash.output().len() == OUTPUT_LEN;
        Ok(Verdict { is_right, needs_rehash: is_right && !is_current })
    }

    /// For a user who does not exist: does what [`PasswordHasher::verify`] does with a hash of the
    /// present parameters, and always says that the password is wrong. So the time tells nobody
    /// which users there are.
    ///
    /// Hashes of older parameters take another time until their owners log in and they are made
    /// again.
    ///
    /// # Errors
    ///
    /// Where the machine has not the memory.
    pub fn verify_unknown(&self, password: &Password) -> Result<Verdict, HashError> {
        // Without the black box it might be found out that nobody looks at what is computed.
        let _ = black_box(self.verify(password, &self.of_nobody)?);
        Ok(Verdict { is_right: false, needs_rehash: false })
    }
}

fn make(params: HashParams, password: &[u8]) -> Result<PasswordHash, HashError> {
    let mut salt = [0; SALT_LEN];
    random::fill(&mut salt)?;
    let mut output = [0; OUTPUT_LEN];
    compute(params, password, &salt, &mut output)?;
    Ok(PasswordHash::of(params, &salt, &output))
}

/// The memory is asked for here, so that its absence is an error and not the end of the process,
/// and wiped: guesses could be held against what is left of it without the work of a hash.
fn compute(
    params: HashParams,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), HashError> {
    let failed = |error: argon2::Error| HashError::Argon2 { params, reason: error.to_string() };
    let (kib, passes, lanes) = (params.memory_kib(), params.passes(), params.lanes());
    let checked = Params::new(kib, passes, lanes, Some(output.len())).map_err(failed)?;
    let len = checked.block_count();
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(len).map_err(|_full| HashError::OutOfMemory { kib })?;
    blocks.resize(len, Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, checked);
    let result = argon2.hash_password_into_with_memory(password, salt, output, &mut blocks);
    blocks.iter_mut().zeroize();
    result.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_does_not_exist_costs_what_one_of_now_does() {
        let params = HashParams::stored(128, 2, 2).unwrap();
        let hasher = PasswordHasher::new(params).unwrap();
        let password = Password::new("correct horse battery".to_owned()).unwrap();
        let real = hasher.hash(&password).unwrap();
        let nobody = &hasher.of_nobody;
        assert_eq!(nobody.params(), real.params());
        assert_eq!(nobody.salt().len(), real.salt().len());
        assert_eq!(nobody.output().len(), real.output().len());
        let again = PasswordHasher::new(params).unwrap();
        assert_ne!(nobody.as_str(), again.of_nobody.as_str(), "drawn at each start");
    }

    #[test]
    fn a_user_who_does_not_exist_has_no_password() {
        let password = Password::new("correct horse battery".to_owned()).unwrap();
        let mut hasher = PasswordHasher::new(HashParams::WEAK).unwrap();
        hasher.of_nobody = hasher.hash(&password).unwrap();
        let verdict = hasher.verify_unknown(&password).unwrap();
        assert_eq!(verdict, Verdict { is_right: false, needs_rehash: false });
    }

    #[test]
    fn what_the_algorithm_refuses_is_an_error() {
        let mut output = [0; OUTPUT_LEN];
        let result = compute(HashParams::WEAK, b"password", b"salt", &mut output);
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with("argon2id with m=64,t=1,p=1: salt"), "{text}");
    }
}
