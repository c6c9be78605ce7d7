//! A request to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A request to stop, shared by all its clones. Whoever waits is woken at once.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_stopped: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks all to stop. There is no way back.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        // Whoever holds the lock has either seen the flag or waits already, and is woken below.
        drop(self.0.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_all();
    }

    /// Whether somebody has asked. Cheap enough to be asked often.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::SeqCst)
    }

    /// Sleeps so long, or until somebody asks; tells whether somebody has.
    pub fn wait(&self, time: Duration) -> bool {
        let guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(guard, time, |()| !self.is_stopped());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.is_stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_its_time_or_with_the_stop() {
        let stop = Stop::new();
        assert!(!stop.is_stopped());
        assert!(!stop.wait(Duration::ZERO));
        assert!(!stop.wait(Duration::from_millis(5)));
        // These would sleep for ever if the stop did not wake them.
        let sleepers: Vec<_> = (0..4)
            .map(|_| {
                let stop = stop.clone();
                std::thread::spawn(move || stop.wait(Duration::MAX))
            })
            .collect();
        // Most likely they sleep by now; if not, the test proves less, but does not fail.
        std::thread::sleep(Duration::from_millis(50));
        stop.stop();
        for sleeper in sleepers {
            assert!(sleeper.join().unwrap());
        }
        assert!(stop.is_stopped());
        assert!(stop.wait(Duration::MAX), "who comes later does not sleep at all");
    }
}
