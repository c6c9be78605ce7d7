//! A rest after runs that ended early: where the database or a disk fails each time that an answer
//! is to be kept, vendors are not to be asked in vain all day.

use std::sync::{Mutex, PoisonError};

use cream_models::Timestamp;

/// The first rest, in seconds; it doubles up to [`LONGEST`]. The first run that ends early has
/// none: it may have been a moment's trouble.
const SHORTEST: i64 = 20;

/// The longest rest, in seconds.
const LONGEST: i64 = 15 * 60;

/// How long to rest.
#[derive(Debug, Default)]
pub(crate) struct Rest(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Runs in a row that ended early.
    halts: u32,
    until: Option<Timestamp>,
}

impl Rest {
    /// Until when to rest, if at all.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner).until;
        // A clock that went back lengthens no rest.
        until.filter(|until| *until > now && *until <= now.plus_seconds(LONGEST))
    }

    /// A run ended early.
    pub(crate) fn halted(&self, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let doublings = state.halts.checked_sub(1);
        let rest = |doublings| {
            let factor = 1_i64.checked_shl(doublings).filter(|factor| *factor > 0);
            SHORTEST.saturating_mul(factor.unwrap_or(i64::MAX)).min(LONGEST)
        };
        state.until = doublings.map(|doublings| now.plus_seconds(rest(doublings)));
        state.halts = state.halts.saturating_add(1);
    }

    /// A run did not.
    pub(crate) fn went_well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_second_run_and_doubles() {
        let (rest, now) = (Rest::default(), Timestamp::from_seconds(1_000_000));
        let mut rests = Vec::new();
        for _ in 0..100 {
            rest.halted(now);
            rests.push(rest.until(now).map(|until| until.seconds() - now.seconds()));
        }
        let first = [None, Some(20), Some(40), Some(80), Some(160), Some(320), Some(640)];
        assert_eq!(rests[..7], first);
        assert!(rests[7..].iter().all(|rest| *rest == Some(900)), "{rests:?}");
        assert_eq!(rest.until(now.plus_seconds(900)), None);
        assert_eq!(rest.until(now.plus_seconds(-1)), None, "the clock went back");
        rest.went_well();
        rest.halted(now);
        assert_eq!(rest.until(now), None);
    }
}
