//! A worker in the background: its start, its presence, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cream_models::SystemClock;
use cream_models::Vendor::YahooChart;
use cream_processor::Cancel;
use cream_runner::Ended;
use cream_store::PullStatus;
use cream_testkit::vendors::{Fault, Times};

use crate::support::{Site, on_both};

/// Until it is so, for as long as a busy machine may need.
fn until(site: &Site, what: &str, is_so: impl Fn(&Site) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so(site) {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn it_pulls_until_it_is_stopped_and_leaves_nothing_in_hand() {
    on_both(|site| {
        for number in 0..20 {
            site.track(&format!("CREAM{number}"), YahooChart);
        }
        let runner = site.runner_with(Arc::new(SystemClock), |options, _| {
            options.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        });
        let running = runner.start(&Cancel::default()).unwrap();
        assert_eq!(running.name(), "test");
        let pulled = |site: &Site| {
            (0..20).all(|number| {
                let tracked = site.tracked(&format!("CREAM{number}"), YahooChart);
                tracked.last_pull_status == PullStatus::Success && tracked.lease_until.is_none()
            })
        };
        until(&site, "all are pulled", pulled);
        let second = site.runner_with(Arc::new(SystemClock), |_, _| ());
        let second = second.start(&Cancel::default()).unwrap();
        assert_eq!(second.name(), "test-2");
        let workers = site.store.read(|reader| reader.workers()).unwrap();
        assert!(workers.iter().all(|worker| worker.ended_at.is_none()), "{workers:?}");
        assert_eq!(workers.len(), 2);
        assert!(running.metrics_address().is_some_and(|address| address.port() != 0));

        assert_eq!((running.stop(), second.stop()), (Ended::Finished, Ended::Finished));
        let workers = site.store.read(|reader| reader.workers()).unwrap();
        assert!(workers.iter().all(|worker| worker.ended_at.is_some()), "{workers:?}");
        let tasks = site.store.read(|reader| reader.tasks()).unwrap();
        let pull = tasks.iter().find(|task| task.task == "pull" && task.worker == "test").unwrap();
        assert!(!pull.is_running && pull.runs >= 1, "{pull:?}");
    });
}

#[test]
fn what_takes_too_long_is_given_back() {
    on_both(|site| {
        for number in 0..20 {
            site.track(&format!("CREAM{number}"), YahooChart);
        }
        site.server.misbehave(
            YahooChart,
            Fault::SlowHeaders(Duration::from_secs(30)),
            Times::Always,
        );
        let runner = site.runner_with(Arc::new(SystemClock), |options, asking| {
            options.shutdown = Duration::from_millis(300);
            asking.read_timeout = Duration::from_secs(60);
        });
        let running = runner.start(&Cancel::default()).unwrap();
        until(&site, "requests are under way", |site| site.server.request_count() >= 4);
        // The vendor's answers come long after that.
        let ended = running.stop();
        assert!(matches!(ended, Ended::GivenBack(4..)), "{ended:?}");
        for number in 0..20 {
            let tracked = site.tracked(&format!("CREAM{number}"), YahooChart);
            assert_eq!((tracked.lease_until, tracked.failures), (None, 0));
        }
        site.server.behave_at_all();
    });
}
