//! What becomes of a pull whose row is changed by others while it is under way.

use std::time::{Duration, Instant};

use cream_models::Clock;
use cream_models::Vendor::YahooChart;
use cream_store::{Lease, PullStatus, StoreError};
use cream_testkit::vendors::{Fault, Times};

use crate::support::{Site, on_both};

/// Runs a worker once, and does something when its request is under way.
fn while_pulling(site: &Site, work: impl FnOnce()) {
    let slow = Fault::SlowHeaders(Duration::from_secs(2));
    site.server.misbehave(YahooChart, slow, Times::Once);
    let runner = site.runner_with(std::sync::Arc::new(site.clock.clone()), |_, asking| {
        asking.read_timeout = Duration::from_secs(60);
    });
    std::thread::scope(|scope| {
        let once = scope.spawn(|| site.once(&runner));
        let deadline = Instant::now() + Duration::from_secs(120);
        while site.server.request_count() == 0 {
            assert!(Instant::now() < deadline, "nothing is asked for");
            std::thread::sleep(Duration::from_millis(5));
        }
        work();
        let _ = once.join().unwrap();
    });
}

#[test]
fn a_row_that_another_has_taken_over_is_settled_by_the_other_alone() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        let from = site.clock.now().plus_seconds(3600);
        let until = from.plus_seconds(60);
        let mut taken = Vec::new();
        while_pulling(&site, || {
            let lease = Lease { token: "another", from, until };
            let claim = site.store.write(|writer| writer.claim_due(YahooChart, 10, &lease));
            taken = claim.unwrap();
        });
        assert_eq!(taken.len(), 1);
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!(
            (tracked.lease_until, tracked.last_pull_status),
            (Some(until), PullStatus::Pending)
        );
        assert_eq!(tracked.next_pull_at, taken[0].tracked.next_pull_at);
        let holds = site.store.read(|reader| reader.holds_lease(&taken[0].token));
        assert!(holds.unwrap(), "nor is the other's claim given back");
    });
}

#[test]
fn what_is_untracked_meanwhile_stays_so() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        while_pulling(&site, || {
            let symbol = cream_models::Symbol::parse("CREAM1").unwrap();
            let untracked: Result<bool, StoreError> = site.store.write(|writer| {
                let stock = writer.ensure_stock(&symbol)?;
                writer.untrack(stock.id, YahooChart, site.clock.now())
            });
            assert!(untracked.unwrap());
        });
        let tracked = site.tracked("CREAM1", YahooChart);
        assert!(!tracked.is_active, "{tracked:?}");
        assert_eq!((tracked.next_pull_at, tracked.lease_until), (None, None));
        assert_eq!((tracked.last_pull_status, site.bars()), (PullStatus::Success, 60));
        site.clock.advance(30 * crate::support::DAY);
        let _ = site.once(&site.runner());
        assert_eq!(site.asked(YahooChart), 1);
    });
}
