//! What fails by itself is not done again at once, and so on without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cream_models::Vendor::YahooChart;
use cream_models::{RateLimit, Timestamp, Vendor};
use cream_processor::Cancel;
use cream_retriever::{Gate, GateError, Grant, Standing};
use cream_runner::Once;
use cream_tasks::Outcome;

use crate::support::{Site, on_both};

/// More than anything here takes; then somebody loses patience.
const PLENTY: usize = 30;

/// Counts, and ends what does not end.
#[derive(Clone, Default)]
struct Counter {
    count: Arc<AtomicUsize>,
    cancel: Cancel,
}

impl Counter {
    fn add(&self) {
        if self.count.fetch_add(1, Ordering::SeqCst) > PLENTY {
            self.cancel.cancel();
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn once(site: &Site, counter: &Counter) -> Once {
    site.runner().run_once(&counter.cancel).unwrap()
}

#[test]
fn an_answer_that_cannot_be_kept_is_not_asked_for_again_at_once() {
    on_both(|mut site| {
        site.track("CREAM1", YahooChart);
        let (counter, whole) = (Counter::default(), site.archive.clone());
        let (seen, raw) = (counter.clone(), site.folder.join("raw"));
        site.archive = whole.clone().with_steps(Arc::new(move |step| {
            if step == "archive.synced" {
                seen.add();
                for entry in std::fs::read_dir(&raw).unwrap() {
                    std::fs::remove_file(entry.unwrap().path()).unwrap();
                }
            }
        }));
        let ended = once(&site, &counter);
        assert!(!ended.is_success() && ended.troubles == 1, "{ended:?}");
        assert_eq!((counter.count(), site.asked(YahooChart)), (1, 1));
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!((tracked.failures, tracked.lease_until), (1, None), "{tracked:?}");
        assert!(tracked.error.is_some_and(|error| error.contains("failed")));
        site.clock.set(tracked.next_pull_at.unwrap());
        site.archive = whole;
        assert!(once(&site, &Counter::default()).is_success());
        assert_eq!(site.bars(), 60);
    });
}

/// A gate of which the database tells nothing, though it answers otherwise.
struct Broken(Counter);

impl Broken {
    fn fail<T>(&self) -> Result<T, GateError> {
        self.0.add();
        Err(GateError("permission denied for table vendor_request".into()))
    }
}

impl Gate for Broken {
    fn take(&self, _: Vendor, _: Timestamp, _: &[RateLimit]) -> Result<Grant, GateError> {
        self.fail()
    }

    fn standing(&self, _: Vendor) -> Result<Standing, GateError> {
        self.fail()
    }

    fn update(&self, _: Vendor, _: &mut dyn FnMut(&mut Standing)) -> Result<(), GateError> {
        self.fail()
    }
}

#[test]
fn where_nobody_can_say_whether_a_vendor_may_be_asked_the_run_ends() {
    on_both(|mut site| {
        for number in 0..20 {
            site.track(&format!("CREAM{number}"), YahooChart);
        }
        let counter = Counter::default();
        site.gate = Some(Arc::new(Broken(counter.clone())));
        let ended = once(&site, &counter);
        let pull = ended.runs.iter().find(|run| run.task == "pull").unwrap();
        assert_eq!(pull.outcome, Some(Outcome::Failed), "{ended:?}");
        // Once for each thread at most.
        assert!((1..=4).contains(&counter.count()), "{}", counter.count());
        assert_eq!(site.asked(YahooChart), 0);
        for number in 0..20 {
            let tracked = site.tracked(&format!("CREAM{number}"), YahooChart);
            assert_eq!((tracked.failures, tracked.lease_until), (0, None));
        }
    });
}

#[test]
fn where_no_answer_can_be_kept_vendors_are_asked_less_and_less_often() {
    on_both(|site| {
        for number in 0..5 {
            site.track(&format!("CREAM{number}"), YahooChart);
        }
        let runner = site.runner_with(Arc::new(site.clock.clone()), |options, _| {
            options.max_concurrent_pulls = 1;
        });
        let (raw, away) = (site.folder.join("raw"), site.folder.join("away"));
        std::fs::rename(&raw, &away).unwrap();
        let mut said = String::new();
        for _ in 0..60 {
            site.clock.advance(10);
            let once = site.once(&runner);
            let pull = once.runs.iter().find(|run| run.task == "pull").unwrap();
            assert_eq!(pull.outcome, Some(Outcome::Failed), "{once:?}");
            said = pull.message.clone().unwrap();
        }
        // Ten minutes: after 10, 20, 40, 80, 160 and 320 s.
        assert_eq!(site.asked(YahooChart), 6);
        assert!(said.contains("vendors are asked again from 2025-06-17T02:"), "{said}");
        std::fs::rename(&away, &raw).unwrap();
        site.clock.advance(900);
        assert!(site.once(&runner).is_success());
        assert_eq!((site.asked(YahooChart), site.bars()), (5, 300));
    });
}
