//! What a process has in hand: renewed, lost, given back, and asked for after a pause.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cream_models::{Clock, SystemClock, Timestamp};
use cream_processor::{Cancel, Leases};
use cream_store::{DeadResponse, Lease, NewResponse, Response, StoreError};

use crate::support::{LEASE, Run, Site, chart_name, series, start};

/// Longer than any wait that ends.
const LONG: Duration = Duration::from_secs(120);

fn leases(site: &Site) -> Leases {
    let length = Duration::from_secs(u64::try_from(LEASE).unwrap());
    Leases::new(site.store.clone(), Arc::new(site.clock.clone()), length)
}

/// Registers and claims a response of this name, under the name as the token.
fn claim(site: &Site, name: &str, from: Timestamp, until: Timestamp) {
    let new = NewResponse {
        file_name: name.to_owned(),
        sha256: [7; 32],
        byte_len: 1,
        registered_at: from,
    };
    let lease = Lease { token: name, from, until };
    assert!(
        site.store.write(|writer| writer.register_response(&new, Some(&lease))).unwrap().is_new
    );
}

/// Whether another worker can claim it at this moment.
fn is_taken_over(site: &Site, name: &str, from: Timestamp) -> bool {
    let id = site.response(name).unwrap().id;
    let lease = Lease { token: "other", from, until: from.plus_seconds(LEASE) };
    site.store.write(|writer| writer.claim_response(id, &lease)).unwrap().is_some()
}

fn bury(site: &Site, known: &Response, token: &str) -> Result<(), StoreError> {
    let dead = DeadResponse {
        stock_id: None,
        vendor: None,
        fetched_at: None,
        error: "broken".to_owned(),
        next_attempt_at: None,
    };
    site.store.write(|writer| writer.finish_deadletter(known.id, token, &dead))
}

fn after(seconds: i64) -> Timestamp {
    start().plus_seconds(seconds)
}

#[test]
fn what_is_renewed_lasts_and_what_is_lost_is_known() {
    let site = Site::new();
    let leases = leases(&site);
    let [kept, lost] = ["kept", "lost"].map(|name| {
        claim(&site, name, start(), after(LEASE));
        leases.hold(name.to_owned(), after(LEASE))
    });
    site.clock.set(after(LEASE + 1));
    assert!(is_taken_over(&site, "lost", after(LEASE + 1)));
    assert_eq!(leases.renew().unwrap(), 1);
    assert!(kept.is_held() && !lost.is_held());
    assert_eq!((leases.lost(), leases.in_hand()), (1, 1));
    assert_eq!(site.response("kept").unwrap().lease_until, Some(after(2 * LEASE + 1)));
    assert!(!is_taken_over(&site, "kept", after(2 * LEASE)));
    assert_eq!(leases.renew().unwrap(), 0, "it is lost once");
    assert_eq!(leases.lost(), 1);

    // Whoever lets go keeps the lease until its end.
    drop(kept);
    assert_eq!(leases.in_hand(), 0);
    assert!(!is_taken_over(&site, "kept", after(2 * LEASE)));
}

#[test]
fn after_its_end_a_lease_is_asked_for() {
    let site = Site::new();
    let leases = leases(&site);
    claim(&site, "paused", start(), after(LEASE));
    let hold = leases.hold("paused".to_owned(), after(LEASE));
    site.clock.set(after(LEASE - 1));
    assert!(hold.is_held());
    assert_eq!(site.response("paused").unwrap().lease_until, Some(after(LEASE)), "not asked yet");
    // Nobody has taken it over.
    site.clock.set(after(LEASE));
    assert!(hold.is_held());
    assert_eq!(site.response("paused").unwrap().lease_until, Some(after(2 * LEASE)));

    assert!(is_taken_over(&site, "paused", after(2 * LEASE)));
    assert!(hold.is_held(), "by our clock it lasts");
    site.clock.set(after(2 * LEASE));
    assert!(!hold.is_held());
    assert_eq!((leases.lost(), leases.in_hand()), (1, 0));
    let known = site.response("paused").unwrap();
    let finished = hold.finish(|token| bury(&site, &known, token));
    assert!(matches!(finished, Err(StoreError::LeaseLost { .. })), "{finished:?}");
    assert_eq!(leases.lost(), 1, "it is lost once");
    assert_eq!(site.response("paused"), Some(known));
}

#[test]
fn what_is_finished_is_not_lost() {
    let site = Site::new();
    let leases = leases(&site);
    claim(&site, "done", start(), after(LEASE));
    let hold = leases.hold("done".to_owned(), after(LEASE));
    let known = site.response("done").unwrap();
    let failed = hold.finish(|_| -> Result<(), _> {
        assert_eq!(leases.renew().unwrap(), 0);
        Err(StoreError::DiskFull { message: String::new() })
    });
    assert!(failed.is_err() && hold.is_held(), "it is in hand as before");
    hold.finish(|token| {
        let done = bury(&site, &known, token);
        // The database knows the token no more, and the holder knows it not yet.
        assert_eq!(leases.renew().unwrap(), 0);
        done
    })
    .unwrap();
    assert_eq!((leases.renew().unwrap(), leases.lost(), leases.in_hand()), (0, 0, 0));
    assert!(!hold.is_held());
}

#[test]
fn what_is_given_back_can_be_claimed_at_once() {
    let site = Site::new();
    let leases = leases(&site);
    let holds = ["one", "two"].map(|name| {
        claim(&site, name, start(), after(LEASE));
        leases.hold(name.to_owned(), after(LEASE))
    });
    assert_eq!(leases.release_all().unwrap(), 2);
    assert_eq!((leases.in_hand(), leases.lost(), leases.release_all().unwrap()), (0, 0, 0));
    for (hold, name) in holds.iter().zip(["one", "two"]) {
        assert!(!hold.is_held());
        let known = site.response(name).unwrap();
        assert_eq!((known.attempts, known.lease_until), (0, None), "as if never claimed");
        let finished = hold.finish(|token| bury(&site, &known, token));
        assert!(matches!(finished, Err(StoreError::LeaseLost { .. })), "{finished:?}");
        assert!(is_taken_over(&site, name, start()));
    }
    assert_eq!(leases.lost(), 0, "given back, not lost");
}

/// Waits until the lease of a response ends after this moment.
fn wait_for_renewal(site: &Site, name: &str, end: Timestamp) {
    let deadline = Instant::now() + LONG;
    while site.response(name).unwrap().lease_until.unwrap() <= end {
        assert!(Instant::now() < deadline, "it is not renewed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_takes_longer_than_a_lease_is_renewed() {
    let site = Site::new();
    let length = Duration::from_millis(400);
    let leases = Leases::new(site.store.clone(), Arc::new(SystemClock), length);
    let now = SystemClock.now();
    let until = leases.lease_until(now);
    assert_eq!(until.micros() - now.micros(), 400_000);
    claim(&site, "long", now, until);
    let hold = leases.hold("long".to_owned(), until);
    // The inner end does not end the outer renewing.
    leases.while_renewing(|| {
        leases.while_renewing(|| wait_for_renewal(&site, "long", until));
        wait_for_renewal(&site, "long", until.plus_seconds(1));
    });
    // And once more from the start.
    leases.while_renewing(|| wait_for_renewal(&site, "long", until.plus_seconds(2)));
    assert!(!is_taken_over(&site, "long", until));
    assert!(hold.is_held());
    assert_eq!(leases.lost(), 0);
}

#[test]
fn a_file_that_takes_longer_than_its_lease_is_held() {
    let mut site = Site::new();
    site.options.lease = Duration::from_millis(500);
    let name = chart_name("LONG1", 16);
    site.put("raw", &name, series("LONG1", 50).chart_json());
    let site = Arc::new(site);
    let (shared, file) = (Arc::clone(&site), name.clone());
    let told = move |step| {
        if step == "process.parsed" {
            let first = shared.response(&file).unwrap().lease_until.unwrap();
            wait_for_renewal(&shared, &file, first.plus_seconds(1));
            assert!(!is_taken_over(&shared, &file, first));
        }
    };
    let processor = site.processor_with(SystemClock).with_steps(Arc::new(told));
    let run = Run::of(|watch| processor.process_all(&Cancel::default(), watch).unwrap());
    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!((processor.leases().lost(), processor.leases().in_hand()), (0, 0));
    assert_eq!(site.response(&name).unwrap().attempts, 1);
}
