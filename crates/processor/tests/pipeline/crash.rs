//! A crash after each step is mended by the next run.

use std::sync::Arc;

use cream_archive::{FileName, Folder, sha256};
use cream_models::Vendor;
use cream_processor::Cancel;
use cream_store::{DeadResponse, Lease, NewResponse, ResponseStatus, StoreError};

use crate::support::{LEASE, Site, series, start};

const NAME: &str = "CRASH1_2025-06-16T120000Z_yahoo-chart.json";

fn response() -> Vec<u8> {
    series("CRASH1", 50).chart_json()
}

/// What a worker that died leaves in the database: registered and claimed, until the lease is over.
fn claimed_by_the_dead(site: &Site, name: &str, bytes: &[u8]) {
    site.store
        .write(|writer| -> Result<_, StoreError> {
            let new = NewResponse {
                file_name: name.to_owned(),
                sha256: sha256(bytes),
                byte_len: i64::try_from(bytes.len()).unwrap(),
                registered_at: start(),
            };
            let until = start().plus_seconds(LEASE);
            let lease = Lease { token: "dead", from: start(), until };
            assert!(writer.register_response(&new, Some(&lease))?.is_new);
            Ok(())
        })
        .unwrap();
}

#[test]
fn before_it_was_registered_the_file_just_waits() {
    let site = Site::new();
    site.put("raw", NAME, response());
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(site.files(), [vec![], vec![NAME.to_owned()], vec![]]);
    assert_eq!(site.bars(), 50);
}

#[test]
fn a_claim_is_left_alone_until_its_lease_is_over() {
    let site = Site::new();
    site.put("raw", NAME, response());
    claimed_by_the_dead(&site, NAME, &response());
    for seconds in [0, LEASE - 1] {
        site.clock.set(start().plus_seconds(seconds));
        let run = site.process();
        assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "after {seconds} s");
        assert_eq!(run.line(), format!("{NAME}: another worker is processing it"));
        assert!(site.holds(Folder::Raw, NAME));
        assert_eq!(site.bars(), 0);
    }
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert!(site.holds(Folder::Parsed, NAME));
    assert_eq!(site.response(NAME).unwrap().attempts, 2);
}

#[test]
fn what_was_loaded_and_not_moved_is_only_moved() {
    let site = Site::new();
    site.put("raw", NAME, response());
    let _ = site.process();
    let before = (site.response(NAME), site.series("CRASH1", Vendor::YahooChart), site.digest());
    site.move_back("parsed", NAME);
    let run = site.process();
    assert_eq!(run.line(), format!("{NAME}: already loaded"));
    assert_eq!(site.files(), [vec![], vec![NAME.to_owned()], vec![]]);
    // Neither an attempt more nor a revision.
    let after = (site.response(NAME), site.series("CRASH1", Vendor::YahooChart), site.digest());
    assert_eq!(after, before);
}

#[test]
fn a_dead_letter_that_was_recorded_and_not_moved_is_only_moved() {
    let site = Site::new();
    let name = "CRASH1_2025-06-16.html";
    site.put("raw", name, "Will be right back");
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    let before = site.response(name);
    site.move_back("dead", name);
    let run = site.process();
    assert_eq!(run.counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert!(run.line().starts_with(&format!("{name}: still a dead letter: ")), "{}", run.line());
    assert_eq!(site.files(), [vec![], vec![], vec![name.to_owned()]]);
    assert_eq!(site.response(name), before);
}

#[test]
fn the_same_content_in_two_folders_ends_in_one() {
    let site = Site::new();
    site.put("raw", NAME, response());
    let _ = site.process();
    site.put("raw", NAME, response());
    assert_eq!(site.process().counts(), [0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(site.files(), [vec![], vec![NAME.to_owned()], vec![]]);
}

#[test]
fn a_conflict_cut_off_at_any_step_ends_among_the_dead_letters() {
    let other = series("CRASH1", 49).chart_json();
    let own = FileName::parse(NAME).unwrap().with_fingerprint(&sha256(&other));
    let own = own.as_str();
    let ended = |site: &Site, digest: &str| {
        assert_eq!(site.files(), [vec![], vec![NAME.to_owned()], vec![own.to_owned()]]);
        assert_eq!(site.status(own), Some(ResponseStatus::Deadletter));
        assert_eq!(site.digest(), digest);
        let reason = site.response(own).unwrap().error.unwrap();
        assert!(reason.contains("registered before with other content"), "{reason}");
    };
    let begun = || {
        let site = Site::new();
        site.put("raw", NAME, response());
        let _ = site.process();
        site.put("raw", NAME, &other);
        let digest = site.digest();
        (site, digest)
    };
    let bury = |site: &Site| {
        let dead = DeadResponse {
            stock_id: None,
            vendor: None,
            fetched_at: None,
            error: "registered before with other content".to_owned(),
            next_attempt_at: None,
        };
        let id = site.response(own).unwrap().id;
        site.store.write(|writer| writer.finish_deadletter(id, "dead", &dead)).unwrap();
    };

    // Not cut off, and met twice.
    let (site, digest) = begun();
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    ended(&site, &digest);
    site.put("raw", NAME, &other);
    assert_eq!(site.process().counts(), [0, 0, 0, 1, 0, 0, 0]);
    ended(&site, &digest);

    // Claimed and not recorded: not a dead letter before it is one.
    let (site, digest) = begun();
    claimed_by_the_dead(&site, own, &other);
    assert_eq!(site.process().counts(), [0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(site.folder.names("raw"), [NAME]);
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    ended(&site, &digest);

    // Recorded and not renamed.
    let (site, digest) = begun();
    claimed_by_the_dead(&site, own, &other);
    bury(&site);
    assert_eq!(site.process().counts(), [0, 0, 0, 1, 0, 0, 0]);
    ended(&site, &digest);

    // Renamed and not moved.
    let (site, digest) = begun();
    claimed_by_the_dead(&site, own, &other);
    bury(&site);
    std::fs::rename(site.folder.join("raw").join(NAME), site.folder.join("raw").join(own)).unwrap();
    assert_eq!(site.process().counts(), [0, 0, 0, 1, 0, 0, 0]);
    ended(&site, &digest);
}

/// A rebuild that was cut short leaves what is pending among the parsed responses and the dead
/// letters.
#[test]
fn what_is_pending_is_found_in_every_folder() {
    let site = Site::new();
    let dead = "CRASH1_2025-06-17.html";
    site.put("raw", NAME, response());
    site.put("raw", dead, "Will be right back");
    assert_eq!(site.process().counts(), [1, 0, 1, 0, 0, 0, 0]);
    let (digest, files) = (site.digest(), site.files());
    let site = site.beside_new_database();
    let cut_short = site.processor().with_steps(Arc::new(|step| {
        assert_ne!(step, "process.claimed", "the end");
    }));
    let summary = cut_short.rebuild(&Cancel::default(), &|_| {}).unwrap();
    assert_eq!(summary.failed, 2, "{summary:?}");
    assert_eq!(site.process().counts(), [0, 0, 0, 0, 2, 0, 0], "in hand until the leases are over");
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!((site.digest(), site.files()), (digest, files));
    assert_eq!(site.process().counts(), [0; 7]);
}

/// A worker knows a dead letter that a crash left unmoved, and before it moves it another has taken
/// it up again and died: before the load, or after it.
#[test]
fn a_dead_letter_that_was_taken_up_again_is_not_moved_away() {
    for (end, folder) in [("process.parsed", Folder::Raw), ("process.loaded", Folder::Parsed)] {
        let mut site = Site::new();
        site.put("raw", NAME, response());
        let limit = std::mem::replace(&mut site.options.max_response_bytes, 100);
        assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
        site.move_back("dead", NAME);
        site.options.max_response_bytes = limit;
        let site = Arc::new(site);
        let shared = Arc::clone(&site);
        let told = move |step: &str| {
            if step == "archive.moving" && site_is_dead(&shared) {
                let dies = Arc::new(move |step| assert_ne!(step, end, "the end"));
                let other = shared.processor().with_steps(dies);
                let names = [FileName::parse(NAME).unwrap()];
                let summary = other.retry(&names, false, &Cancel::default(), &|_| {});
                assert_eq!(summary.failed, 1);
            }
        };
        let slow = site.processor().with_steps(Arc::new(told));
        let summary = slow.process_all(&Cancel::default(), &|_| {}).unwrap();
        assert_eq!(summary.in_other_hands, 1, "{end}: {summary:?}");
        assert!(site.holds(folder, NAME), "{end}: {:?}", site.files());
        site.clock.set(start().plus_seconds(LEASE));
        let _ = site.process();
        assert!(site.holds(Folder::Parsed, NAME), "{end}");
        assert_eq!((site.bars(), site.status(NAME)), (50, Some(ResponseStatus::Parsed)));
    }
}

fn site_is_dead(site: &Site) -> bool {
    site.status(NAME) == Some(ResponseStatus::Deadletter)
}
