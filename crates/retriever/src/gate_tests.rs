use super::*;
use proptest::prelude::*;

const VENDOR: Vendor = Vendor::Stooq;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn limit(requests: u32, seconds: u32) -> RateLimit {
    RateLimit { requests, seconds }
}

fn failed() -> Outcome {
    Outcome::Failed { wish: None, reason: "500".to_owned() }
}

fn limited(wish: Option<u64>) -> Outcome {
    Outcome::Limited { wish: wish.map(Duration::from_secs), reason: "429".to_owned() }
}

#[test]
fn a_block_holds_and_nothing_is_counted_meanwhile() {
    let gate = MemoryGate::default();
    gate.update(VENDOR, &mut |standing| standing.blocked_until = Some(at(100))).unwrap();
    let limits = [limit(1, 60)];
    for now in [0, 50, 99] {
        assert_eq!(gate.take(VENDOR, at(now), &limits).unwrap(), Grant::At(at(100)));
    }
    assert_eq!(gate.take(Vendor::Nasdaq, at(0), &limits).unwrap(), Grant::Now);
    assert_eq!(gate.take(VENDOR, at(100), &limits).unwrap(), Grant::Now);
    assert_eq!(gate.take(VENDOR, at(100), &limits).unwrap(), Grant::At(at(160)));
    assert_eq!(gate.take(VENDOR, at(100), &[]).unwrap(), Grant::Now, "no limit");
    let none = [limit(0, 60)];
    assert_eq!(gate.take(VENDOR, at(500), &none).unwrap(), Grant::At(at(560)));
}

#[test]
fn five_failures_in_a_row_open_the_circuit_and_rests_double() {
    let mut standing = Standing::default();
    for _ in 0..4 {
        standing.learn(at(0), None, &failed());
        assert_eq!(standing.blocked_until, None);
    }
    let mut now = at(0);
    for rest in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        standing.learn(now, None, &failed());
        let blocked = now.plus_seconds(rest);
        assert_eq!(standing.blocked_until, Some(blocked));
        now = blocked;
    }
    standing.learn(now, None, &Outcome::Answered);
    assert_eq!(standing, Standing::default());
}

#[test]
fn a_429_blocks_at_once_and_longer_each_time_unless_it_says_how_long() {
    let mut standing = Standing::default();
    standing.learn(at(0), None, &limited(None));
    assert_eq!(standing.blocked_until, Some(at(60)));
    standing.learn(at(60), None, &limited(None));
    assert_eq!(standing.blocked_until, Some(at(180)));
    standing.learn(at(180), None, &limited(Some(7)));
    assert_eq!(standing.blocked_until, Some(at(187)));
    standing.learn(at(187), None, &limited(Some(u64::MAX)));
    assert_eq!(
        standing.blocked_until,
        Some(at(187 + 7 * 86_400)),
        "no vendor blocks itself for ever"
    );
    assert_eq!(standing.reason.as_deref(), Some("429"));
}

#[test]
fn a_429_that_is_always_over_soon_is_left_alone_all_the_same() {
    let mut standing = Standing::default();
    let mut now = at(0);
    for rest in [1, 1, 1, 1, 960, 1920, 3600] {
        standing.learn(now, None, &limited(Some(1)));
        assert_eq!(standing.blocked_until, Some(now.plus_seconds(rest)));
        now = now.plus_seconds(rest);
    }
    standing.learn(now, None, &limited(Some(7200)));
    assert_eq!(standing.blocked_until, Some(now.plus_seconds(7200)));
}

#[test]
fn a_clock_that_was_years_ahead_blocks_nobody() {
    let gate = MemoryGate::default();
    let (years, limits) = (1_000_000_000, [limit(1, 60)]);
    assert_eq!(gate.take(VENDOR, at(years), &limits).unwrap(), Grant::Now);
    gate.update(VENDOR, &mut |standing| standing.learn(at(years), None, &limited(None))).unwrap();
    assert_eq!(gate.take(VENDOR, at(0), &limits).unwrap(), Grant::Now);
    assert_eq!(gate.take(VENDOR, at(0), &limits).unwrap(), Grant::At(at(60)));
    let mut standing = gate.standing(VENDOR).unwrap();
    standing.failures = PATIENCE;
    let mut answered = standing.clone();
    assert!(standing.claim(at(60), at(100)));
    answered.learn(at(60), None, &Outcome::Answered);
    assert_eq!(answered, Standing::default());
}

#[test]
fn what_is_slower_does_not_lift_a_block() {
    let mut standing = Standing::default();
    standing.learn(at(0), None, &limited(Some(600)));
    standing.learn(at(1), None, &Outcome::Answered);
    assert_eq!((standing.blocked_until, standing.failures), (Some(at(600)), 1));
    standing.learn(at(2), None, &limited(Some(10)));
    assert_eq!(standing.blocked_until, Some(at(600)), "the longer wish holds");
    let until = at(90_000);
    standing.learn(at(3), None, &Outcome::Spent { until, reason: "quota".to_owned() });
    assert_eq!((standing.blocked_until, standing.failures), (Some(until), 2));
}

#[test]
fn one_alone_sees_whether_the_vendor_is_back() {
    let mut standing = Standing { failures: 5, blocked_until: Some(at(60)), reason: None };
    assert!(standing.is_tested() && !standing.claim(at(59), at(100)));
    assert!(standing.claim(at(60), at(100)));
    assert!(!standing.claim(at(60), at(100)), "somebody is at it");
    let mut back = standing.clone();
    back.learn(at(61), Some(at(100)), &Outcome::Answered);
    assert_eq!(back, Standing::default());
    standing.learn(at(61), Some(at(100)), &failed());
    assert_eq!((standing.failures, standing.blocked_until), (6, Some(at(181))));
}

#[test]
fn limits_hold_with_many_threads() {
    let gate = MemoryGate::default();
    let limits = [limit(10, 60), limit(25, 3600)];
    let granted: usize = std::thread::scope(|scope| {
        let asks = |thread: i64| {
            let (gate, limits) = (&gate, &limits);
            // Three minutes, each thread with a clock of its own.
            let grants = (0..180).filter(move |second| {
                let now = at(second + thread % 3);
                gate.take(VENDOR, now, limits).unwrap() == Grant::Now
            });
            grants.count()
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || asks(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 25);
}

proptest! {
    #[test]
    fn no_window_holds_more_than_its_limit(
        steps in prop::collection::vec(-5i64..40, 1..200),
        limits in prop::collection::vec((1u32..6, 1u32..100), 1..4),
    ) {
        let gate = MemoryGate::default();
        let limits: Vec<_> =
            limits.into_iter().map(|(requests, seconds)| limit(requests, seconds)).collect();
        let (mut now, mut latest) = (at(0), at(-1000));
        let mut granted = Vec::new();
        for step in steps {
            now = now.plus_seconds(step);
            latest = latest.max(now);
            match gate.take(VENDOR, now, &limits).unwrap() {
                // What a clock that went back is granted counts as now.
                Grant::Now => granted.push(latest),
                Grant::At(then) => {
                    prop_assert!(then > now);
                    // Nobody else asks: it is granted then.
                    if granted.len() % 3 == 0 {
                        now = then;
                        latest = latest.max(now);
                        prop_assert_eq!(gate.take(VENDOR, now, &limits).unwrap(), Grant::Now);
                        granted.push(now);
                    }
                }
            }
        }
        for limit in &limits {
            for (index, last) in granted.iter().enumerate() {
                let first = last.plus_seconds(-i64::from(limit.seconds));
                let within = granted[..=index].iter().filter(|other| **other > first).count();
                prop_assert!(within <= limit.requests as usize);
            }
        }
    }
}
