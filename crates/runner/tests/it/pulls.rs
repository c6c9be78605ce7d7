//! What is pulled, when, and what becomes of failures.

use std::sync::Arc;
use std::time::Duration;

use cream_models::Vendor::{Eodhd, Tiingo, YahooChart};
use cream_models::{Clock as _, RateLimit, Timestamp};
use cream_store::PullStatus;
use cream_testkit::vendors::{Fault, Times};

use crate::support::{DAY, on_both};

fn settled(date: &str) -> Timestamp {
    // New York closes at 20:00 UTC in summer, and Yahoo has settled an hour later.
    Timestamp::start_of(date.parse().unwrap()).plus_seconds(21 * 3600)
}

#[test]
fn a_symbol_is_pulled_once_a_trading_day() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        let runner = site.runner();
        assert!(site.once(&runner).is_success());
        assert_eq!((site.asked(YahooChart), site.bars()), (1, 60));
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!(tracked.last_pull_status, PullStatus::Success);
        let due = tracked.next_pull_at.unwrap();
        assert!(
            due >= settled("2025-06-17") && due < settled("2025-06-17").plus_seconds(1800),
            "{due}"
        );
        assert_eq!(tracked.lease_until, None);

        // Not before it is due.
        site.clock.set(due.plus_seconds(-1));
        let _ = site.once(&runner);
        assert_eq!(site.asked(YahooChart), 0);
        // However late, it counts for the day that it covers: here the evening of the third.
        site.clock.set(settled("2025-06-19").plus_seconds(60));
        let _ = site.once(&runner);
        assert_eq!(site.asked(YahooChart), 1);
        let due = site.tracked("CREAM1", YahooChart).next_pull_at.unwrap();
        assert!(
            due >= settled("2025-06-20") && due < settled("2025-06-20").plus_seconds(1800),
            "{due}"
        );
        // Over the weekend nothing is new.
        site.clock.set(due);
        let _ = site.once(&runner);
        let due = site.tracked("CREAM1", YahooChart).next_pull_at.unwrap();
        assert!(due >= settled("2025-06-23"), "{due}");
    });
}

#[test]
fn a_failing_symbol_is_tried_again_less_and_less_often() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        site.server.misbehave(YahooChart, Fault::Garbage, Times::Always);
        let runner = site.runner();
        let mut pauses = Vec::new();
        for failures in 1..=12 {
            assert!(!site.once(&runner).is_success());
            let tracked = site.tracked("CREAM1", YahooChart);
            assert_eq!(
                (tracked.failures, tracked.last_pull_status),
                (failures, PullStatus::Failed)
            );
            let due = tracked.next_pull_at.unwrap();
            pauses
                .push((due.micros() - cream_models::Clock::now(&site.clock).micros()) / 1_000_000);
            site.clock.set(due);
            // Whatever the vendor's circuit says by now: it is closed for the next test.
            site.store
                .write(|writer| writer.set_vendor_state(YahooChart, &Default::default()))
                .unwrap();
        }
        for (index, pause) in pauses.iter().enumerate() {
            let most = (300_i64 << index.min(9)).min(DAY);
            assert!((most / 2..=most).contains(pause), "{pauses:?}");
        }
        site.server.behave(YahooChart);
        assert!(site.once(&runner).is_success());
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!((tracked.failures, tracked.error, tracked.unknown_since), (0, None, None));
    });
}

#[test]
fn what_stays_unknown_is_disabled_with_its_reason() {
    on_both(|site| {
        site.track_only("NOBODY1", YahooChart);
        let runner = site.runner();
        let start = cream_models::Clock::now(&site.clock);
        let mut pulls = 0;
        loop {
            let _ = site.once(&runner);
            pulls += 1;
            let tracked = site.tracked("NOBODY1", YahooChart);
            assert_eq!(tracked.unknown_since, Some(start));
            if !tracked.is_active {
                assert_eq!(tracked.last_pull_status, PullStatus::Disabled);
                let reason = tracked.error.unwrap();
                assert!(
                    reason.starts_with("unknown for 7 days, since 2025-06-17T02:00:00Z; "),
                    "{reason}"
                );
                assert!(reason.contains("worker track") && reason.contains("NOBODY1"), "{reason}");
                assert_eq!(tracked.next_pull_at, None);
                break;
            }
            site.clock.set(tracked.next_pull_at.unwrap());
        }
        let days =
            (cream_models::Clock::now(&site.clock).micros() - start.micros()) / (DAY * 1_000_000);
        assert!((7..9).contains(&days) && pulls < 25, "{days} days, {pulls} pulls");
        site.clock.advance(10 * DAY);
        site.server.forget_requests();
        let _ = site.once(&runner);
        assert_eq!(site.asked(YahooChart), 0);
        // Taken up again, it has as much time as a new one.
        site.track("NOBODY1", YahooChart);
        assert!(site.once(&runner).is_success());
        assert_eq!(site.tracked("NOBODY1", YahooChart).last_pull_status, PullStatus::Success);
    });
}

#[test]
fn a_vendor_that_is_left_alone_holds_up_no_other() {
    on_both(|site| {
        for number in 0..10 {
            site.track(&format!("SLOW{number}"), Tiingo);
            site.track(&format!("QUICK{number}"), YahooChart);
        }
        // Three an hour.
        let limit = RateLimit { requests: 3, seconds: 3600 };
        let runner = site.runner_with(Arc::new(site.clock.clone()), |_, asking| {
            asking.vendor_mut(Tiingo).limits = Some(vec![limit]);
        });
        let once = site.once(&runner);
        let pulled = |vendor, prefix: &str| {
            (0..10)
                .filter(|number| {
                    let tracked = site.tracked(&format!("{prefix}{number}"), vendor);
                    assert_eq!((tracked.failures, tracked.lease_until), (0, None), "{tracked:?}");
                    tracked.last_pull_status == PullStatus::Success
                })
                .count()
        };
        assert_eq!((pulled(YahooChart, "QUICK"), pulled(Tiingo, "SLOW")), (10, 3));
        let message =
            once.runs.iter().find_map(|run| run.message.clone().filter(|m| m.contains("pulled")));
        assert!(
            message.as_ref().is_some_and(|m| m.contains("tiingo is left alone until ")),
            "{:?}",
            once.runs
        );
        site.clock.advance(3601);
        let _ = site.once(&runner);
        assert_eq!(pulled(Tiingo, "SLOW"), 6);
    });
}

#[test]
fn a_vendor_whose_turn_has_not_come_is_not_replaced() {
    on_both(|site| {
        for number in 0..10 {
            site.track(&format!("CREAM{number}"), Tiingo);
        }
        let runner = site.runner_with(Arc::new(site.clock.clone()), |options, asking| {
            asking.vendor_mut(Tiingo).limits = Some(vec![RateLimit { requests: 3, seconds: 3600 }]);
            options.fallback_vendors = vec![YahooChart];
        });
        let once = site.once(&runner);
        let said = once.runs.iter().find(|run| run.task == "pull").unwrap();
        let said = said.message.as_deref().unwrap_or_default();
        assert!(said.starts_with("3 pulled, 3 loaded, "), "{said}");
        assert_eq!((site.server.requests_of(YahooChart).len(), site.asked(Tiingo)), (0, 3));
    });
}

/// A pull from this vendor takes three requests. Four threads would each get some of four an hour
/// and none the three, hour after hour.
#[test]
fn pulls_that_a_limit_cuts_short_do_not_do_so_for_ever() {
    on_both(|site| {
        let symbols = ["CREAM1", "CREAM2", "CREAM3", "CREAM4"];
        symbols.iter().for_each(|symbol| site.track(symbol, Eodhd));
        let runner = site.runner_with(Arc::new(site.clock.clone()), |_, asking| {
            asking.vendor_mut(Eodhd).limits = Some(vec![RateLimit { requests: 4, seconds: 3600 }]);
            asking.max_wait = Duration::from_millis(50);
        });
        let tracked = || symbols.map(|symbol| site.tracked(symbol, Eodhd));
        let _ = site.once(&runner);
        // Whoever had answers in vain has failed, visibly, and waits behind the others.
        let failed: Vec<_> = tracked().into_iter().filter(|it| it.failures > 0).collect();
        assert!(!failed.is_empty());
        for tracked in failed {
            let reason = tracked.error.unwrap();
            assert!(reason.contains("as often asked as is allowed"), "{reason}");
            assert!(tracked.next_pull_at.unwrap() >= site.clock.now().plus_seconds(3600));
        }
        for _ in 0..8 {
            site.clock.advance(3601);
            let _ = site.once(&runner);
        }
        for tracked in tracked() {
            assert_eq!(tracked.last_pull_status, PullStatus::Success, "{tracked:?}");
        }
    });
}

#[test]
fn a_vendor_that_a_clock_years_ahead_has_blocked_is_asked() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        let until = cream_models::Clock::now(&site.clock).plus_seconds(3650 * DAY);
        let reason = Some("the clock was wrong".to_owned());
        let state = cream_store::VendorState { failures: 1, blocked_until: Some(until), reason };
        site.store.write(|writer| writer.set_vendor_state(YahooChart, &state)).unwrap();
        assert!(site.once(&site.runner()).is_success());
        assert_eq!((site.asked(YahooChart), site.bars()), (1, 60));
    });
}

#[test]
fn where_the_disk_is_short_nothing_is_pulled_and_it_is_told() {
    on_both(|site| {
        for number in 0..10 {
            site.track(&format!("CREAM{number}"), YahooChart);
        }
        let runner = site.runner_with(Arc::new(site.clock.clone()), |options, _| {
            options.min_free_bytes = u64::MAX;
        });
        let once = site.once(&runner);
        let pull = once.runs.iter().find(|run| run.task == "pull").unwrap();
        assert_eq!(pull.outcome, Some(cream_tasks::Outcome::Failed));
        let said = pull.message.clone().unwrap();
        assert!(said.contains("MB are free at") && said.contains("make room"), "{said}");
        assert_eq!(site.asked(YahooChart), 0);
        let tracked = site.tracked("CREAM1", YahooChart);
        assert_eq!((tracked.lease_until, tracked.failures), (None, 0));
        let tasks = site.store.read(|reader| reader.tasks()).unwrap();
        let told = tasks.iter().find(|task| task.task == "pull").unwrap();
        assert_eq!(told.message.as_deref(), Some(said.as_str()));
        // There is room again.
        assert!(site.once(&site.runner()).is_success());
    });
}

#[test]
fn a_key_that_is_refused_is_not_tried_for_every_symbol() {
    on_both(|site| {
        for number in 0..20 {
            site.track(&format!("CREAM{number}"), Tiingo);
        }
        let runner = site.runner_with(Arc::new(site.clock.clone()), |_, asking| {
            asking.vendor_mut(Tiingo).key = Some(cream_retriever::ApiKey::new("wrong").unwrap());
        });
        assert!(!site.once(&runner).is_success());
        let asked = site.asked(Tiingo);
        assert!((1..=4).contains(&asked), "{asked}");
        // A worker that has no key at all leaves them to others.
        let keyless = site.runner_with(Arc::new(site.clock.clone()), |_, asking| {
            asking.vendor_mut(Tiingo).key = None;
        });
        assert!(site.once(&keyless).is_success());
        assert_eq!(site.asked(Tiingo), 0);
        let able = site.runner();
        assert!(site.once(&able).is_success());
    });
}

#[test]
fn another_vendor_is_asked_where_one_fails() {
    on_both(|site| {
        site.track("CREAM1", YahooChart);
        site.server.misbehave(YahooChart, Fault::Garbage, Times::Always);
        let runner = site.runner_with(Arc::new(site.clock.clone()), |options, _| {
            options.fallback_vendors = vec![Tiingo];
        });
        let _ = site.once(&runner);
        assert_eq!(site.bars(), 60);
        assert_eq!(site.tracked("CREAM1", YahooChart).failures, 1);
        assert!(!site.tracked("CREAM1", Tiingo).is_active);
        // But not again with each of the next tries.
        site.server.forget_requests();
        site.clock.set(site.tracked("CREAM1", YahooChart).next_pull_at.unwrap());
        let _ = site.once(&runner);
        assert_eq!(site.asked(Tiingo), 0);
    });
}

#[test]
fn a_symbol_that_cannot_be_spelled_fails_and_is_not_tried_at_once_again() {
    on_both(|site| {
        site.serve("CREAM1", 60);
        let symbol = cream_models::Symbol::parse("CL=F").unwrap();
        let due = cream_models::Clock::now(&site.clock);
        site.store
            .write(|writer| {
                let stock_id = writer.ensure_stock(&symbol)?.id;
                let vendor_symbol = "CL=F".to_owned();
                // As it would be if the rules changed; asked for in its canonical spelling.
                writer.track(&cream_store::NewTracked {
                    stock_id,
                    vendor: Tiingo,
                    vendor_symbol,
                    is_spelled: false,
                    due,
                })
            })
            .map(drop)
            .unwrap_or_else(|error: cream_store::StoreError| panic!("{error}"));
        let runner = site.runner();
        let _ = site.once(&runner);
        let tracked = site.tracked("CL=F", Tiingo);
        assert_eq!(tracked.failures, 1, "{tracked:?}");
        assert!(tracked.next_pull_at.unwrap() > due, "{tracked:?}");
    });
}
