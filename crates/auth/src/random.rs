//! Random numbers of the operating system.

/// The operating system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct RandomError(getrandom::Error);

/// Fills all of it, fit for secrets.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(RandomError)
}

#[cfg(test)]
impl RandomError {
    pub(crate) fn for_tests() -> Self {
        Self(getrandom::Error::UNSUPPORTED)
    }
}
