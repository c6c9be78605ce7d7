//! Being a good client: limits, waits, retries and the circuit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cream_models::{Clock, RateLimit, SystemClock, Vendor};
use cream_retriever::{Counters, Failure, Gate, MemoryGate, Retriever};
use cream_testkit::vendors::{Fault, Times};

use crate::setup::{ASKABLE, options, pull, retriever, server, whole, with_gate};

#[test]
fn limits_are_kept_by_many_threads_together() {
    let server = server();
    let mut options = options(&server.base_url());
    options.vendor_mut(Vendor::Tiingo).limits =
        Some(vec![RateLimit { requests: 5, seconds: 3600 }]);
    let retriever = retriever(options);
    let limited = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..4 {
                    match retriever.fetch(&whole(Vendor::Tiingo)) {
                        Ok(_) => {}
                        Err(error) => {
                            assert!(matches!(error.failure, Failure::Limited { .. }), "{error}");
                            assert!(error.until().unwrap() > SystemClock.now());
                            limited.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(server.requests_of(Vendor::Tiingo).len(), 5);
    assert_eq!(limited.into_inner(), 11);
    // Other vendors have their own.
    pull(retriever.fetch(&whole(Vendor::Stooq)));
}

#[test]
fn a_turn_is_waited_for() {
    let server = server();
    let mut options = options(&server.base_url());
    options.max_wait = Duration::from_secs(30);
    options.vendor_mut(Vendor::Eodhd).limits = Some(vec![RateLimit { requests: 2, seconds: 1 }]);
    let retriever = retriever(options);
    pull(retriever.fetch(&whole(Vendor::Eodhd)));
    let seen = server.requests_of(Vendor::Eodhd);
    // A millisecond less for the time between leave and sending.
    assert!(seen[2].at - seen[0].at > Duration::from_millis(900), "three requests, two a second");
}

#[test]
fn the_first_request_of_a_pull_may_wait_less_than_the_others() {
    let server = server();
    let mut options = options(&server.base_url());
    options.max_wait = Duration::from_secs(30);
    options.first_wait = Some(Duration::ZERO);
    // Three requests a pull.
    options.vendor_mut(Vendor::Eodhd).limits = Some(vec![RateLimit { requests: 2, seconds: 1 }]);
    let retriever = retriever(options);
    pull(retriever.fetch(&whole(Vendor::Eodhd)));
    assert_eq!(server.requests_of(Vendor::Eodhd).len(), 3, "what was begun was not ended");
    // Until one request of the last second is forgotten, nothing is begun.
    while retriever.fetch(&whole(Vendor::Eodhd)).is_ok() {}
    let asked = server.requests_of(Vendor::Eodhd).len();
    assert_eq!(asked % 3, 0, "something was begun and given up");
    let mut more = whole(Vendor::Eodhd);
    more.is_continued = true;
    pull(retriever.fetch(&more));
    let requests = u64::try_from(asked + 3).unwrap();
    assert_eq!(counters(&retriever, Vendor::Eodhd), Counters { requests, retries: 0 });
}

fn counters(retriever: &Retriever, vendor: Vendor) -> Counters {
    retriever.counters().into_iter().find(|(of, _)| *of == vendor).unwrap().1
}

#[test]
fn requests_made_again_are_counted() {
    let server = server();
    server.misbehave(Vendor::Tiingo, Fault::Unavailable, Times::Once);
    let mut options = options(&server.base_url());
    options.max_retries = 3;
    let retriever = retriever(options);
    pull(retriever.fetch(&whole(Vendor::Tiingo)));
    assert_eq!(counters(&retriever, Vendor::Tiingo), Counters { requests: 2, retries: 1 });
    assert_eq!(counters(&retriever, Vendor::Stooq), Counters::default());
}

#[test]
fn a_429_is_never_asked_again_soon_and_everybody_heeds_it() {
    let later = SystemClock.now().plus_seconds(7200);
    for (fault, expected) in [
        (Fault::RateLimited, 60),
        (Fault::RateLimitedSeconds(0), 60),
        (Fault::RateLimitedDate(SystemClock.now().plus_seconds(-90)), 60),
        (Fault::RateLimitedSeconds(600), 600),
        (Fault::RateLimitedDate(later), 7200),
    ] {
        for vendor in [Vendor::YahooChart, Vendor::Massive, Vendor::Eodhd] {
            let server = server();
            server.misbehave(vendor, fault, Times::Once);
            let gate = Arc::new(MemoryGate::default());
            let mut options = options(&server.base_url());
            options.max_retries = 5;
            let first = with_gate(options.clone(), gate.clone());
            let now = SystemClock.now();
            let error = first.fetch(&whole(vendor)).unwrap_err();
            let Failure::RateLimited { until } = error.failure else { panic!("{error}") };
            let wait = until.seconds() - now.seconds();
            assert!((expected - 2..=expected + 20).contains(&wait), "{vendor} {fault:?}: {wait}");
            // Another one with the same gate does not ask at all.
            let other = with_gate(options, gate);
            let error = other.fetch(&whole(vendor)).unwrap_err();
            let Failure::CircuitOpen { until: same, .. } = &error.failure else {
                panic!("{error}")
            };
            assert_eq!(*same, until);
            assert_eq!(server.requests_of(vendor).len(), 1, "{vendor} {fault:?}");
        }
    }
}

#[test]
fn a_429_ends_the_fetch_however_long_it_may_wait() {
    let server = server();
    server.misbehave(Vendor::YahooChart, Fault::RateLimitedSeconds(1), Times::Once);
    let mut options = options(&server.base_url());
    options.max_retries = 5;
    options.max_wait = Duration::from_secs(600);
    let retriever = retriever(options);
    let error = retriever.fetch(&whole(Vendor::YahooChart)).unwrap_err();
    assert!(matches!(error.failure, Failure::RateLimited { .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
    // The next fetch waits as long as was asked for.
    pull(retriever.fetch(&whole(Vendor::YahooChart)));
    let seen = server.requests();
    assert!(seen[1].at - seen[0].at > Duration::from_millis(900));
}

#[test]
fn what_may_pass_is_tried_again_so_many_times() {
    for fault in [
        Fault::InternalError,
        Fault::BadGateway,
        Fault::Reset,
        Fault::CutShort,
        Fault::HalfJson,
        Fault::Empty,
    ] {
        let server = server();
        let mut options = options(&server.base_url());
        options.max_retries = 3;
        let retriever = retriever(options);
        server.misbehave(Vendor::Tiingo, fault, Times::Exactly(3));
        pull(retriever.fetch(&whole(Vendor::Tiingo)));
        assert_eq!(server.requests_of(Vendor::Tiingo).len(), 4, "{fault:?}");
        server.forget_requests();
        server.misbehave(Vendor::Tiingo, fault, Times::Always);
        retriever.fetch(&whole(Vendor::Tiingo)).unwrap_err();
        assert_eq!(server.requests_of(Vendor::Tiingo).len(), 4, "{fault:?}");
    }
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for fault in
        [Fault::UnknownSymbol, Fault::BadKey, Fault::NoData, Fault::WrongSymbol, Fault::Garbage]
    {
        let server = server();
        let mut options = options(&server.base_url());
        options.max_retries = 3;
        let retriever = retriever(options);
        server.misbehave(Vendor::Massive, fault, Times::Always);
        retriever.fetch(&whole(Vendor::Massive)).unwrap_err();
        assert_eq!(server.requests_of(Vendor::Massive).len(), 1, "{fault:?}");
    }
}

#[test]
fn only_the_part_that_failed_is_asked_again() {
    let server = server();
    server.misbehave_at("/api/splits/", Fault::InternalError, Times::Exactly(2));
    let mut options = options(&server.base_url());
    options.max_retries = 2;
    pull(retriever(options).fetch(&whole(Vendor::Eodhd)));
    let paths: Vec<_> = server.requests().iter().map(|seen| seen.segments()[1].clone()).collect();
    assert_eq!(paths, ["eod", "splits", "splits", "splits", "div"]);
}

#[test]
fn five_failures_in_a_row_open_the_circuit() {
    let server = server();
    server.misbehave(Vendor::Nasdaq, Fault::InternalError, Times::Always);
    let gate = Arc::new(MemoryGate::default());
    let mut options = options(&server.base_url());
    options.max_retries = 10;
    let retriever = with_gate(options, gate.clone());
    let error = retriever.fetch(&whole(Vendor::Nasdaq)).unwrap_err();
    assert!(matches!(error.failure, Failure::ServerError { status: 500, .. }), "{error}");
    assert_eq!(server.requests_of(Vendor::Nasdaq).len(), 5);
    let error = retriever.fetch(&whole(Vendor::Nasdaq)).unwrap_err();
    assert!(error.to_string().contains("failed with status 500"), "{error}");
    assert!(matches!(error.failure, Failure::CircuitOpen { .. }), "{error}");
    let rest = error.until().unwrap().seconds() - SystemClock.now().seconds();
    assert!((40..=60).contains(&rest), "{rest}");
    assert_eq!(server.requests_of(Vendor::Nasdaq).len(), 5);

    // The rest is over: one alone sees whether the vendor is back.
    let over = |standing: &mut cream_retriever::Standing| standing.blocked_until = None;
    gate.update(Vendor::Nasdaq, &mut { over }).unwrap();
    let error = retriever.fetch(&whole(Vendor::Nasdaq)).unwrap_err();
    let rest = gate.standing(Vendor::Nasdaq).unwrap().blocked_until.unwrap().seconds()
        - SystemClock.now().seconds();
    assert!((100..=120).contains(&rest), "{rest}: {error}");
    assert_eq!(server.requests_of(Vendor::Nasdaq).len(), 6);

    server.behave_at_all();
    gate.update(Vendor::Nasdaq, &mut { over }).unwrap();
    pull(retriever.fetch(&whole(Vendor::Nasdaq)));
    assert_eq!(gate.standing(Vendor::Nasdaq).unwrap(), cream_retriever::Standing::default());
}

#[test]
fn one_alone_asks_a_vendor_that_was_down() {
    let server = server();
    server.misbehave(Vendor::Tiingo, Fault::SlowHeaders(Duration::from_millis(600)), Times::Always);
    let gate = Arc::new(MemoryGate::default());
    gate.update(Vendor::Tiingo, &mut |standing| standing.failures = 7).unwrap();
    let retriever = with_gate(options(&server.base_url()), gate);
    let (good, open) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                start.wait();
                match retriever.fetch(&whole(Vendor::Tiingo)) {
                    Ok(_) => good.fetch_add(1, Ordering::SeqCst),
                    Err(error) => {
                        assert!(matches!(error.failure, Failure::CircuitOpen { .. }), "{error}");
                        open.fetch_add(1, Ordering::SeqCst)
                    }
                };
            });
        }
    });
    // Who came when it was back already was let in too.
    assert_eq!(good.load(Ordering::SeqCst) + open.load(Ordering::SeqCst), 6);
    let seen = server.requests_of(Vendor::Tiingo);
    let first = seen[0].at;
    let meanwhile = seen.iter().filter(|seen| seen.at - first < Duration::from_millis(500)).count();
    assert_eq!(meanwhile, 1);
}

#[test]
fn what_is_not_the_vendors_fault_does_not_count() {
    let server = server();
    let gate = Arc::new(MemoryGate::default());
    let retriever = with_gate(options(&server.base_url()), gate.clone());
    for vendor in ASKABLE {
        server.misbehave(vendor, Fault::UnknownSymbol, Times::Always);
        for _ in 0..6 {
            retriever.fetch(&whole(vendor)).unwrap_err();
        }
        assert_eq!(gate.standing(vendor).unwrap().failures, 0, "{vendor}");
    }
}

#[test]
fn a_wait_ends_when_nobody_waits_any_more() {
    let server = server();
    let mut options = options(&server.base_url());
    options.max_wait = Duration::from_secs(600);
    options.vendor_mut(Vendor::Stooq).limits = Some(vec![RateLimit { requests: 1, seconds: 300 }]);
    let retriever = retriever(options);
    pull(retriever.fetch(&whole(Vendor::Stooq)));
    let wanted = AtomicBool::new(true);
    let is_wanted = || wanted.load(Ordering::SeqCst);
    let start = Instant::now();
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| retriever.fetch_while(&whole(Vendor::Stooq), &is_wanted));
        std::thread::sleep(Duration::from_millis(20));
        wanted.store(false, Ordering::SeqCst);
        waiting.join().unwrap().unwrap_err()
    });
    assert!(matches!(error.failure, Failure::Cancelled), "{error}");
    assert!(start.elapsed() < Duration::from_secs(200), "not to the end of the wait");
    assert_eq!(server.requests_of(Vendor::Stooq).len(), 1);
}

#[test]
fn a_wait_between_attempts_ends_too() {
    let server = server();
    server.misbehave(Vendor::Stooq, Fault::InternalError, Times::Always);
    let mut options = options(&server.base_url());
    options.max_retries = 1000;
    options.retry_delay = Duration::from_secs(3600);
    let retriever = retriever(options);
    let asked = || server.requests_of(Vendor::Stooq).is_empty();
    let error = retriever.fetch_while(&whole(Vendor::Stooq), &asked).unwrap_err();
    assert!(matches!(error.failure, Failure::Cancelled), "{error}");
}

#[test]
fn quotas_are_waited_for_until_they_are_renewed() {
    let server = server();
    for vendor in [Vendor::Tiingo, Vendor::AlphaVantage, Vendor::Eodhd, Vendor::Stooq] {
        server.misbehave(vendor, Fault::QuotaSpent, Times::Once);
        let gate = Arc::new(MemoryGate::default());
        let retriever = with_gate(options(&server.base_url()), gate.clone());
        let error = retriever.fetch(&whole(vendor)).unwrap_err();
        let Failure::QuotaSpent { until, .. } = error.failure else { panic!("{error}") };
        assert!(until > SystemClock.now());
        let standing = gate.standing(vendor).unwrap();
        assert_eq!((standing.failures, standing.blocked_until), (0, Some(until)), "{vendor}");
        let error = retriever.fetch(&whole(vendor)).unwrap_err();
        assert!(error.to_string().contains("quota is spent"), "{error}");
    }
}
