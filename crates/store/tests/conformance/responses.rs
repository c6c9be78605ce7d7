//! The record of archived responses.

use cream_models::{ActionKind, ActionKinds, Coverage, Vendor};
use cream_store::{
    DeadResponse, Lease, NewResponse, ParsedResponse, Response, ResponseCounts, ResponseId,
    ResponseQuery, ResponseStatus, StockId, StoreError,
};

use crate::harness::{Database, instant, stock};

const CHART: Vendor = Vendor::YahooChart;

fn new(name: &str, sha: u8) -> NewResponse {
    NewResponse {
        file_name: name.to_owned(),
        sha256: [sha; 32],
        byte_len: 1_000,
        registered_at: instant(1),
    }
}

fn register(database: &dyn Database, name: &str, sha: u8) -> ResponseId {
    database.store().write(|w| w.register_response(&new(name, sha), None)).unwrap().response.id
}

fn claim(database: &dyn Database, id: ResponseId, token: &str, now: i64) -> Option<Response> {
    let lease = Lease { token, from: instant(now), until: instant(now + 60) };
    database.store().write(|w| w.claim_response(id, &lease)).unwrap()
}

fn parsed(stock_id: StockId, at: i64, coverage: Coverage) -> ParsedResponse {
    ParsedResponse {
        stock_id,
        vendor: CHART,
        fetched_at: instant(at),
        coverage,
        inserted: 4,
        updated: 3,
        unchanged: 2,
        withdrawn: 1,
    }
}

fn dead(error: &str) -> DeadResponse {
    DeadResponse {
        stock_id: None,
        vendor: None,
        fetched_at: None,
        error: error.to_owned(),
        next_attempt_at: Some(instant(500)),
    }
}

pub(crate) fn a_name_is_registered_once(database: &dyn Database) {
    let store = database.store();
    let first = store.write(|w| w.register_response(&new("A.json", 1), None)).unwrap();
    assert!(first.is_new);
    assert_eq!(first.response.status, ResponseStatus::Pending);
    assert_eq!((first.response.sha256, first.response.byte_len), ([1; 32], 1_000));
    assert_eq!((first.response.attempts, &first.response.coverage), (0, &Coverage::default()));
    let again = store.write(|w| w.register_response(&new("A.json", 1), None)).unwrap();
    assert!(!again.is_new);
    assert_eq!(again.response, first.response);
    // The same content under another name is another fetch.
    assert!(store.write(|w| w.register_response(&new("B.json", 1), None)).unwrap().is_new);
    assert_eq!(store.read(|r| r.response("A.json")).unwrap(), Some(first.response));
    assert_eq!(store.read(|r| r.response("C.json")).unwrap(), None);
}

pub(crate) fn a_name_with_other_content_is_refused(database: &dyn Database) {
    register(database, "A.json", 1);
    let error =
        database.store().write(|w| w.register_response(&new("A.json", 2), None)).unwrap_err();
    assert!(
        matches!(&error, StoreError::NameTaken { file_name } if file_name == "A.json"),
        "{error}"
    );
    assert!(!error.is_transient());
}

pub(crate) fn one_claims_and_another_waits_for_the_lease(database: &dyn Database) {
    let id = register(database, "A.json", 1);
    let first = claim(database, id, "one", 100).unwrap();
    assert_eq!((first.attempts, first.lease_until), (1, Some(instant(160))));
    assert_eq!(claim(database, id, "two", 159), None);
    let again = claim(database, id, "one", 120).unwrap();
    assert_eq!((again.attempts, again.lease_until), (1, Some(instant(180))), "the holder may");
    assert_eq!(claim(database, id, "two", 179), None);
    let third = claim(database, id, "two", 180).unwrap();
    assert_eq!((third.attempts, third.lease_until), (2, Some(instant(240))));
    assert_eq!(claim(database, ResponseId(id.0 + 1), "two", 0), None, "no such response");
}

pub(crate) fn an_attempt_counts_once_for_as_long_as_a_token_holds(database: &dyn Database) {
    let store = database.store();
    let id = register(database, "A.json", 1);
    let attempts = |token: &str, now: i64| claim(database, id, token, now).map(|it| it.attempts);
    // Also where the lease is over, as long as nobody else took it.
    for now in [100, 130, 189, 300, 301] {
        assert_eq!(attempts("one", now), Some(1), "{now}");
    }
    assert_eq!(attempts("two", 400), Some(2));
    assert_eq!(attempts("one", 500), Some(3), "it had been lost");
    assert_eq!(attempts("one", 501), Some(3));
    store.write(|w| w.finish_deadletter(id, "one", &dead("no rows"))).unwrap();
    store.write(|w| w.reopen_response(id)).unwrap();
    assert_eq!(attempts("one", 600), Some(4), "done with in between");
    assert_eq!(attempts("one", 601), Some(4));
    // Given back, it is as if it had not been made, however often it was made.
    assert_eq!(store.write(|w| w.release_leases(&["one"])).unwrap(), 1);
    assert_eq!(store.read(|r| r.response_with_id(id)).unwrap().unwrap().attempts, 3);

    // That a response is claimed with its registration is an attempt like any other.
    let lease = Lease { token: "one", from: instant(100), until: instant(160) };
    let new = store.write(|w| w.register_response(&new("B.json", 2), Some(&lease))).unwrap();
    assert_eq!(new.response.attempts, 1);
    assert_eq!(claim(database, new.response.id, "one", 120).unwrap().attempts, 1);
}

pub(crate) fn what_is_pending_is_listed_in_pages(database: &dyn Database) {
    let store = database.store();
    assert_eq!(store.read(|r| r.pending_responses(None, 9)).unwrap(), []);
    let ids: Vec<_> =
        (0..6_u8).map(|n| register(database, &format!("{}.json", 9 - n), n)).collect();
    claim(database, ids[1], "one", 100).unwrap();
    let loaded = parsed(stock(store, "A"), 5, Coverage::default());
    store.write(|w| w.finish_parsed(ids[1], "one", &loaded)).unwrap();
    for id in [ids[3], ids[4]] {
        claim(database, id, "one", 100).unwrap();
        store.write(|w| w.finish_deadletter(id, "one", &dead("no rows"))).unwrap();
    }
    // What is in hand is pending, and so is a dead letter that is tried again.
    claim(database, ids[2], "one", 100).unwrap();
    store.write(|w| w.reopen_response(ids[4])).unwrap();
    let listed = |after: Option<usize>, limit| -> Vec<ResponseId> {
        let after = after.map(|index| ids[index]);
        let list = store.read(|r| r.pending_responses(after, limit)).unwrap();
        assert!(list.iter().all(|it| it.status == ResponseStatus::Pending), "{list:?}");
        list.iter().map(|it| it.id).collect()
    };
    assert_eq!(listed(None, 9), [ids[0], ids[2], ids[4], ids[5]], "the first registered first");
    assert_eq!(listed(None, 2), [ids[0], ids[2]]);
    assert_eq!(listed(Some(1), 9), [ids[2], ids[4], ids[5]], "after one that is pending no more");
    assert_eq!(listed(Some(2), 1), [ids[4]]);
    assert_eq!(listed(Some(5), 9), []);
    assert_eq!(listed(None, 0), []);
    let known = store.read(|r| r.pending_responses(None, 1)).unwrap().remove(0);
    assert_eq!(Some(known), store.read(|r| r.response("9.json")).unwrap());
}

pub(crate) fn a_new_response_may_be_claimed_at_once(database: &dyn Database) {
    let store = database.store();
    let lease = |token| Lease { token, from: instant(100), until: instant(160) };
    let register = |token| {
        store
            .write_loosely(|w| w.register_response(&new("A.json", 1), Some(&lease(token))))
            .unwrap()
    };
    let first = register("one");
    assert!(first.is_new);
    assert_eq!(store.read(|r| r.response("A.json")).unwrap(), Some(first.response.clone()));
    assert_eq!((first.response.attempts, first.response.lease_until), (1, Some(instant(160))));
    let second = register("two");
    assert_eq!((second.is_new, second.response), (false, first.response.clone()));
    let id = first.response.id;
    assert_eq!(claim(database, id, "two", 120), None, "still the first one's");
    store.write(|w| w.finish_deadletter(id, "one", &dead("a \0 in it"))).unwrap();
    let response = store.read(|r| r.response("A.json")).unwrap().unwrap();
    assert_eq!(response.error.as_deref(), Some("a \u{fffd} in it"));
}

pub(crate) fn a_response_may_be_recorded_and_done_with_at_once(database: &dyn Database) {
    let store = database.store();
    let stock_id = stock(store, "A");
    let coverage = Coverage {
        range: Some("2020-01-01..2020-12-31".parse().unwrap()),
        undecided_kinds: ActionKinds::NONE.with(ActionKind::Split).with(ActionKind::CapitalGain),
        ..Coverage::default()
    };
    let result = parsed(stock_id, 50, coverage.clone());
    assert!(store.write(|w| w.record_parsed(&new("A.json", 1), &result)).unwrap());
    let response = store.read(|r| r.response("A.json")).unwrap().unwrap();
    assert_eq!((response.status, response.attempts), (ResponseStatus::Parsed, 1));
    assert_eq!((response.sha256, response.byte_len), ([1; 32], 1_000));
    assert_eq!((response.stock_id, response.fetched_at), (Some(stock_id), Some(instant(50))));
    assert_eq!(response.coverage, coverage);
    let counts = (response.inserted, response.updated, response.unchanged, response.withdrawn);
    assert_eq!(counts, (4, 3, 2, 1));

    register(database, "B.json", 1);
    for name in ["A.json", "B.json"] {
        assert!(!store.write(|w| w.record_parsed(&new(name, 1), &result)).unwrap(), "{name}");
    }
    let pending = store.read(|r| r.response("B.json")).unwrap().unwrap();
    assert_eq!(pending.status, ResponseStatus::Pending);
}

pub(crate) fn only_the_holder_finishes(database: &dyn Database) {
    let store = database.store();
    let stock_id = stock(store, "A");
    let id = register(database, "A.json", 1);
    let coverage = Coverage {
        range: Some("2020-01-01..2020-12-31".parse().unwrap()),
        undecided_bars: ["2020-02-01..2020-02-03", "2020-03-01"].map(|r| r.parse().unwrap()).into(),
        undecided_actions: vec!["2020-05-01".parse().unwrap()],
        undecided_kinds: ActionKinds::ALL,
    };
    let result = parsed(stock_id, 50, coverage.clone());
    let finish = |token: &str| store.write(|w| w.finish_parsed(id, token, &result));
    assert!(matches!(finish("one"), Err(StoreError::LeaseLost { .. })), "never claimed");
    claim(database, id, "one", 100).unwrap();
    claim(database, id, "two", 200).unwrap();
    assert!(matches!(finish("one"), Err(StoreError::LeaseLost { .. })), "taken over");
    let lost = store.write(|w| w.finish_deadletter(id, "one", &dead("no")));
    assert!(
        matches!(lost, Err(StoreError::LeaseLost { on }) if on == format!("response {}", id.0))
    );
    finish("two").unwrap();
    assert!(matches!(finish("two"), Err(StoreError::LeaseLost { .. })), "done");

    let response = store.read(|r| r.response("A.json")).unwrap().unwrap();
    assert_eq!(response.status, ResponseStatus::Parsed);
    assert_eq!((response.stock_id, response.vendor), (Some(stock_id), Some(CHART)));
    assert_eq!((response.fetched_at, response.lease_until), (Some(instant(50)), None));
    assert_eq!(response.coverage, coverage);
    let counts = (response.inserted, response.updated, response.unchanged, response.withdrawn);
    assert_eq!(counts, (4, 3, 2, 1));
    assert_eq!(claim(database, id, "three", 900), None);
}

pub(crate) fn a_dead_letter_is_tried_again(database: &dyn Database) {
    let store = database.store();
    let (first, second) = (register(database, "A.json", 1), register(database, "B.json", 2));
    register(database, "C.json", 3);
    for (id, reason) in [(first, "not a price page"), (second, "no rows")] {
        claim(database, id, "one", 100).unwrap();
        store.write(|w| w.finish_deadletter(id, "one", &dead(reason))).unwrap();
    }
    let counts = || store.read(|r| r.response_counts()).unwrap();
    assert_eq!(counts(), ResponseCounts { pending: 1, parsed: 0, deadletter: 2 });
    let dead = ResponseStatus::Deadletter;
    let letters = store.read(|r| r.responses_that_are(dead, None, 9)).unwrap();
    assert_eq!(letters.iter().map(|l| l.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(letters[0].error.as_deref(), Some("no rows"));
    assert_eq!(letters[0].next_attempt_at, Some(instant(500)));
    assert_eq!(store.read(|r| r.responses_that_are(dead, None, 1)).unwrap().len(), 1);
    let older = store.read(|r| r.responses_that_are(dead, Some(second), 9)).unwrap();
    assert_eq!(older.iter().map(|l| l.id).collect::<Vec<_>>(), [first]);
    let loaded = ResponseStatus::Parsed;
    assert_eq!(store.read(|r| r.responses_that_are(loaded, None, 9)).unwrap(), []);

    assert_eq!(claim(database, first, "two", 900), None, "not while it is set aside");
    store.write(|w| w.reopen_response(first)).unwrap();
    assert_eq!(claim(database, first, "two", 900).unwrap().attempts, 2);
    let stock_id = stock(store, "A");
    store
        .write(|w| w.finish_parsed(first, "two", &parsed(stock_id, 5, Coverage::default())))
        .unwrap();
    let response = store.read(|r| r.response("A.json")).unwrap().unwrap();
    assert_eq!((response.error, response.next_attempt_at), (None, None));
    store.write(|w| w.reopen_response(first)).unwrap();
    assert_eq!(counts(), ResponseCounts { pending: 1, parsed: 1, deadletter: 1 });
}

pub(crate) fn newer_coverage_is_of_loaded_newer_overlapping_responses(database: &dyn Database) {
    let store = database.store();
    let (a, b) = (stock(store, "A"), stock(store, "B"));
    let open_kinds = |at| match at {
        101 => ActionKinds::NONE.with(ActionKind::Split),
        _ => ActionKinds::NONE,
    };
    let load = |stock_id, sha: u8, at: i64, range: &str| {
        let id = register(database, &format!("{sha}-{at}-{}-{range}", stock_id == a), sha);
        claim(database, id, "one", 1).unwrap();
        let range = (!range.is_empty()).then(|| range.parse().unwrap());
        let undecided_kinds = open_kinds(at);
        let coverage = Coverage { range, undecided_kinds, ..Coverage::default() };
        store.write(|w| w.finish_parsed(id, "one", &parsed(stock_id, at, coverage))).unwrap();
    };
    load(a, 5, 99, "2020-01-01..2020-12-31"); // older
    load(a, 5, 100, "2020-02-01..2020-12-31"); // itself
    load(a, 4, 100, "2020-03-01..2020-12-31"); // at once, smaller fingerprint
    load(a, 6, 100, "2020-04-01..2020-12-31"); // at once, greater fingerprint: newer
    load(a, 1, 101, "2020-05-01..2020-05-31"); // newer, touches the first day
    load(a, 1, 102, "2020-06-30..2020-12-31"); // newer, touches the last day
    load(a, 1, 103, "2020-07-01..2020-12-31"); // newer, after the range
    load(a, 1, 104, "2020-01-01..2020-05-30"); // newer, before the range
    load(a, 1, 105, ""); // newer, covers nothing
    load(b, 1, 106, "2020-01-01..2020-12-31"); // another stock
    let pending = register(database, "pending", 9);
    claim(database, pending, "one", 1).unwrap();
    let dead = DeadResponse {
        stock_id: Some(a),
        vendor: Some(CHART),
        fetched_at: Some(instant(107)),
        ..dead("suspicious")
    };
    store.write(|w| w.finish_deadletter(pending, "one", &dead)).unwrap();

    let range = "2020-05-31..2020-06-30".parse().unwrap();
    let newer = |vendor| {
        let coverage =
            store.read(|r| r.newer_coverage(a, vendor, instant(100), &[5; 32], range)).unwrap();
        let text = |of: &Coverage| format!("{} {}", of.range.unwrap(), of.undecided_kinds);
        coverage.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(
        newer(CHART),
        ["2020-04-01..2020-12-31 ", "2020-05-01..2020-05-31 split", "2020-06-30..2020-12-31 "]
    );
    assert!(newer(Vendor::YahooPage).is_empty());
}

pub(crate) fn those_of_a_stock_are_listed_in_pages(database: &dyn Database) {
    let store = database.store();
    let (a, b) = (stock(store, "A"), stock(store, "B"));
    let mut wanted = Vec::new();
    for number in 0_u8..12 {
        let id = register(database, &format!("{number}.json"), number);
        claim(database, id, "one", 1).unwrap();
        let stock_id = if number % 4 == 3 { b } else { a };
        let vendor = if number % 3 == 0 { Vendor::YahooPage } else { CHART };
        // What is newer need not be registered later.
        let fetched_at = instant(100 - i64::from(number));
        let finished = store.write(|w| {
            if number % 5 == 0 {
                let (stock_id, vendor) = (Some(stock_id), Some(vendor));
                let dead = DeadResponse { stock_id, vendor, ..dead("no") };
                w.finish_deadletter(id, "one", &dead)
            } else {
                let result = parsed(stock_id, 0, Coverage::default());
                w.finish_parsed(id, "one", &ParsedResponse { vendor, fetched_at, ..result })
            }
        });
        finished.unwrap();
        wanted.insert(0, (id, stock_id, vendor));
    }
    // Whose it is, nobody knows yet.
    register(database, "pending.json", 99);
    for stock_id in [a, b] {
        for vendor in [None, Some(CHART), Some(Vendor::YahooPage), Some(Vendor::Tiingo)] {
            let mut listed = Vec::new();
            let mut before = None;
            loop {
                let query = ResponseQuery { stock_id, vendor, before, limit: 2 };
                let page = store.read(|r| r.responses_of(&query)).unwrap();
                assert!(page.len() <= 2);
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                listed.extend(page);
            }
            let ids: Vec<ResponseId> = listed.iter().map(|response| response.id).collect();
            let of = |row: &&(ResponseId, StockId, Vendor)| {
                row.1 == stock_id && vendor.is_none_or(|vendor| vendor == row.2)
            };
            assert_eq!(ids, wanted.iter().filter(of).map(|row| row.0).collect::<Vec<_>>());
            for response in listed {
                assert_eq!(
                    store.read(|r| r.response_with_id(response.id)).unwrap(),
                    Some(response)
                );
            }
        }
    }
}
