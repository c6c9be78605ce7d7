//! Time that a test drives.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cream_models::{Clock, Timestamp};

/// A clock that stands still until it is set. Its clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that stands at a moment.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let clock = Self::default();
        clock.set(now);
        clock
    }

    /// From now on it is this moment, be it later or earlier.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    /// So many seconds later; negative ones are earlier.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_when_it_is_told_to_and_its_clones_with_it() {
        let clock = TestClock::new(Timestamp::from_seconds(100));
        let other = clock.clone();
        assert_eq!(other.now(), Timestamp::from_seconds(100));
        clock.advance(-30);
        assert_eq!(other.now(), Timestamp::from_seconds(70));
    }
}
