//! What panics does so once.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cream_models::Vendor::YahooChart;
use cream_models::{Clock, SystemClock, Timestamp};
use cream_processor::Cancel;
use cream_runner::Ended;

use crate::support::{TestClock, on_both};

thread_local! {
    /// How often the clock is looked at still until it panics.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// A clock that panics once the fuse of a thread has burnt down.
struct Fused(TestClock);

impl Clock for Fused {
    fn now(&self) -> Timestamp {
        FUSE.with(|fuse| match fuse.take() {
            Some(0) => panic!("the clock is broken"),
            left => fuse.set(left.map(|left| left - 1)),
        });
        self.0.now()
    }
}

#[test]
fn a_pull_whose_settling_panics_has_failed_and_is_not_done_again_at_once() {
    on_both(|mut site| {
        site.track("CREAM1", YahooChart);
        let whole = site.archive.clone();
        // The file is where it belongs, and the first look at the clock is within the pull.
        site.archive = whole.clone().with_steps(Arc::new(|step| {
            if step == "archive.moved" {
                FUSE.with(|fuse| fuse.set(Some(1)));
            }
        }));
        let runner = site.runner_with(Arc::new(Fused(site.clock.clone())), |_, _| ());
        let once = site.once(&runner);
        assert!(!once.is_success() && once.troubles == 1, "{once:?}");
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!((tracked.failures, tracked.lease_until), (1, None), "{tracked:?}");
        assert!(tracked.next_pull_at.unwrap() > site.clock.now(), "{tracked:?}");
        let error = tracked.error.unwrap();
        assert!(error.contains("panicked while the pull was settled"), "{error}");
        assert_eq!(site.asked(YahooChart), 1);
    });
}

/// A clock that panics when it is first looked at for a heartbeat.
struct Weak(AtomicUsize);

impl Clock for Weak {
    fn now(&self) -> Timestamp {
        let is_heart = std::thread::current().name() == Some("heartbeat");
        assert!(!is_heart || self.0.fetch_add(1, Ordering::SeqCst) > 0, "the heart misses a beat");
        SystemClock.now()
    }
}

#[test]
fn a_heart_that_misses_a_beat_goes_on() {
    on_both(|mut site| {
        site.lease = Duration::from_millis(200);
        let clock = Arc::new(Weak(AtomicUsize::new(0)));
        let runner = site.runner_with(Arc::clone(&clock) as _, |_, _| ());
        let running = runner.start(&Cancel::default()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while clock.0.load(Ordering::SeqCst) < 3 {
            assert!(Instant::now() < deadline, "the heart has stopped");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(running.stop(), Ended::Finished);
    });
}
