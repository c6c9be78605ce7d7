//! How much work a password hash is.

use std::fmt;

/// The parameters of argon2id: how much memory and time a hash takes.
///
/// ```
/// use cream_auth::HashParams;
///
/// assert_eq!(HashParams::DEFAULT.to_string(), "m=19456,t=2,p=1");
/// assert_eq!(HashParams::new(65_536, 3, 4)?.to_string(), "m=65536,t=3,p=4");
/// assert!(HashParams::new(4_194_304, 1, 1).is_err(), "4 GiB");
/// assert!(HashParams::new(7_168, 1, 1).is_err(), "too weak");
/// # Ok::<(), cream_auth::ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Too little or too much memory.
    #[error("argon2id with a memory of {kib} KiB: {least} to {most} KiB are expected")]
    Memory {
        /// What was given, in KiB.
        kib: u32,
        /// The least that is taken, in KiB.
        least: u32,
        /// The most that is taken, in KiB.
        most: u32,
    },
    /// Too few or too many passes.
    #[error("argon2id with {0} passes: 1 to {most} are expected", most = HashParams::MAX_PASSES)]
    Passes(u32),
    /// Too few or too many lanes.
    #[error("argon2id with {0} lanes: 1 to {most} are expected", most = HashParams::MAX_LANES)]
    Lanes(u32),
    /// Memory and passes together are too cheap to guess against.
    #[error(
        "argon2id with {passes} passes over {kib} KiB is too weak: memory times passes is expected \
         to be at least {least}, such as 2 passes over 19456 KiB",
        least = HashParams::MIN_WORK
    )]
    Weak {
        /// The memory, in KiB.
        kib: u32,
        /// The passes.
        passes: u32,
    },
}

impl HashParams {
    /// What OWASP's password storage cheat sheet names first for machines that do other things
    /// too: 19 MiB, 2 passes, 1 lane.
    pub const DEFAULT: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// For tests alone: takes next to no time to make, and to guess.
    pub const WEAK: Self = Self { memory_kib: 64, passes: 1, lanes: 1 };

    /// The least memory, in KiB: the least of OWASP's choices.
    pub const MIN_MEMORY_KIB: u32 = 7_168;
    /// The most memory, in KiB, that a hash may take, whoever made it: 256 MiB.
    pub const MAX_MEMORY_KIB: u32 = 262_144;
    /// The most passes over the memory.
    pub const MAX_PASSES: u32 = 16;
    /// The most lanes. They are computed one after another: more lanes are not faster here.
    pub const MAX_LANES: u32 = 16;
    /// The least product of memory and passes: that of the cheapest of OWASP's choices, which
    /// are all at least that (46 MiB and 1 pass, 19 and 2, 12 and 3, 9 and 4, 7 and 5).
    pub const MIN_WORK: u32 = 35_840;

    /// Parameters for new hashes: memory in KiB ([`HashParams::MIN_MEMORY_KIB`] to
    /// [`HashParams::MAX_MEMORY_KIB`]), passes (1 to [`HashParams::MAX_PASSES`]), lanes (1 to
    /// [`HashParams::MAX_LANES`]).
    ///
    /// # Errors
    ///
    /// Where one is out of its bounds, or memory times passes is below [`HashParams::MIN_WORK`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        let params = Self::checked(memory_kib, passes, lanes, Self::MIN_MEMORY_KIB)?;
        if memory_kib.saturating_mul(passes) < Self::MIN_WORK {
            return Err(ParamsError::Weak { kib: memory_kib, passes });
        }
        Ok(params)
    }

    /// Parameters of a hash that exists: as weak as argon2id allows, since it must be possible to
    /// check it and to replace it, but no dearer than new ones.
    pub(crate) fn stored(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        // Four slices of a lane, of two blocks each, are the least that argon2 is defined for.
        let least = lanes.saturating_mul(8);
        Self::checked(memory_kib, passes, lanes, least)
    }

    fn checked(kib: u32, passes: u32, lanes: u32, least: u32) -> Result<Self, ParamsError> {
        let most = Self::MAX_MEMORY_KIB;
        if !(1..=Self::MAX_LANES).contains(&lanes) {
            Err(ParamsError::Lanes(lanes))
        } else if !(1..=Self::MAX_PASSES).contains(&passes) {
            Err(ParamsError::Passes(passes))
        } else if !(least..=most).contains(&kib) {
            Err(ParamsError::Memory { kib, least, most })
        } else {
            Ok(Self { memory_kib: kib, passes, lanes })
        }
    }

    /// The memory that a hash takes, in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often the memory is gone over.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// In how many lanes the memory is divided.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

impl Default for HashParams {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// As in a PHC string: `m=19456,t=2,p=1`.
impl fmt::Display for HashParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasps_choices_are_taken() {
        for (memory, passes) in [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)] {
            let params = HashParams::new(memory, passes, 1).unwrap();
            assert_eq!((params.memory_kib(), params.passes(), params.lanes()), (memory, passes, 1));
            assert!(HashParams::new(memory, passes - 1, 1).is_err(), "one pass less is weaker");
        }
        assert_eq!(HashParams::new(19_456, 2, 1), Ok(HashParams::DEFAULT));
    }

    #[test]
    fn each_bound_is_checked() {
        let most = HashParams::MAX_MEMORY_KIB;
        let memory = |kib, least| Err(ParamsError::Memory { kib, least, most });
        assert!(HashParams::new(262_144, 16, 16).is_ok());
        assert_eq!(HashParams::new(262_145, 1, 1), memory(262_145, 7_168));
        assert_eq!(HashParams::new(u32::MAX, 16, 1), memory(u32::MAX, 7_168));
        assert_eq!(HashParams::new(7_167, 16, 1), memory(7_167, 7_168));
        assert_eq!(HashParams::new(19_456, 0, 1), Err(ParamsError::Passes(0)));
        assert_eq!(HashParams::new(19_456, 17, 1), Err(ParamsError::Passes(17)));
        assert_eq!(HashParams::new(19_456, 2, 0), Err(ParamsError::Lanes(0)));
        assert_eq!(HashParams::new(19_456, 2, 17), Err(ParamsError::Lanes(17)));
        let weak = ParamsError::Weak { kib: 35_839, passes: 1 };
        assert_eq!(HashParams::new(35_839, 1, 1), Err(weak));
        assert!(HashParams::new(35_840, 1, 1).is_ok());
    }

    #[test]
    fn a_hash_that_exists_may_be_weak_but_not_dear() {
        let most = HashParams::MAX_MEMORY_KIB;
        let memory = |kib, least| Err(ParamsError::Memory { kib, least, most });
        assert!(HashParams::stored(8, 1, 1).is_ok());
        assert_eq!(HashParams::stored(7, 1, 1), memory(7, 8));
        assert_eq!(HashParams::stored(127, 1, 16), memory(127, 128));
        assert_eq!(HashParams::stored(4_194_304, 1, 1), memory(4_194_304, 8));
        assert_eq!(HashParams::stored(64, u32::MAX, 1), Err(ParamsError::Passes(u32::MAX)));
        assert_eq!(HashParams::stored(64, 1, u32::MAX), Err(ParamsError::Lanes(u32::MAX)));
    }

    #[test]
    fn errors_name_value_and_bounds() {
        let error = |result: Result<HashParams, ParamsError>| result.unwrap_err().to_string();
        assert_eq!(
            error(HashParams::stored(4_194_304, 1, 1)),
            "argon2id with a memory of 4194304 KiB: 8 to 262144 KiB are expected"
        );
        assert_eq!(
            error(HashParams::new(7_168, 2, 1)),
            "argon2id with 2 passes over 7168 KiB is too weak: memory times passes is expected to \
             be at least 35840, such as 2 passes over 19456 KiB"
        );
        assert_eq!(
            error(HashParams::new(7_168, 99, 1)),
            "argon2id with 99 passes: 1 to 16 are expected"
        );
    }
}
