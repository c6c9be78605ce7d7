//! Troubles that last, such as a database that is away: told when they begin and when they are
//! over, not each time that they are met.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use cream_processor::chain;
use log::Level;

/// A trouble that may last.
#[derive(Debug)]
pub(crate) struct Lasting {
    /// What does not work then.
    what: &'static str,
    is_on: AtomicBool,
}

impl Lasting {
    /// It is not there.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, is_on: AtomicBool::new(false) }
    }

    /// Tells of an error where the trouble begins with it, and that it is over where there is none.
    pub(crate) fn tell<T, E: Error + 'static>(&self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.is_over(),
            Err(error) => self.met(error),
        }
    }

    /// It was met.
    pub(crate) fn met(&self, error: &(dyn Error + 'static)) {
        let what = self.what;
        log::log!(self.level(), error = chain(error).as_str(); "{what}");
    }

    /// It was not met.
    pub(crate) fn is_over(&self) {
        if self.is_on.swap(false, Ordering::Relaxed) {
            log::info!(was = self.what; "that is over");
        }
    }

    /// How loud it is told that it was met.
    fn level(&self) -> Level {
        if self.is_on.swap(true, Ordering::Relaxed) { Level::Debug } else { Level::Warn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_told_once() {
        let lasting = Lasting::new("nothing works");
        assert_eq!((lasting.level(), lasting.level()), (Level::Warn, Level::Debug));
        lasting.tell(&Ok::<_, std::fmt::Error>(()));
        assert_eq!(lasting.level(), Level::Warn);
        lasting.tell(&Err::<(), _>(std::fmt::Error));
        assert_eq!(lasting.level(), Level::Debug);
    }
}
