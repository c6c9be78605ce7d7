//! Claims: who holds what, until when, and what becomes of it.

use cream_store::{
    DeadResponse, DueLetters, Lease, NewResponse, NextPull, Response, ResponseId, ResponseStatus,
    RetryAsked, Store, StoreError, SweptLeases,
};

use crate::harness::{Database, instant};
use crate::tracking::{claim, ended, track, tracked};

fn register(store: &Store, name: &str) -> ResponseId {
    let new = NewResponse {
        file_name: name.to_owned(),
        sha256: [1; 32],
        byte_len: 1,
        registered_at: instant(1),
    };
    store.write(|w| w.register_response(&new, None)).unwrap().response.id
}

fn claim_response(store: &Store, id: ResponseId, token: &str, now: i64) -> Option<Response> {
    let lease = Lease { token, from: instant(now), until: instant(now + 60) };
    store.write_loosely(|w| w.claim_response(id, &lease)).unwrap()
}

fn response(store: &Store, id: ResponseId) -> Response {
    store.read(|r| r.response_with_id(id)).unwrap().unwrap()
}

fn renew(store: &Store, tokens: &[&str], until: i64) -> Vec<String> {
    let mut held = store.write_loosely(|w| w.renew_leases(tokens, instant(until))).unwrap();
    held.sort();
    held
}

pub(crate) fn what_is_past_its_lease_is_taken_over(database: &dyn Database) {
    let store = database.store();
    let id = track(store, "A", 10);
    let first = claim(store, "one", 100, 9).remove(0);
    assert_eq!(claim(store, "two", 159, 9), []);
    let second = claim(store, "two", 160, 9).remove(0);
    assert_ne!(first.token, second.token);
    let held = tracked(store, id);
    assert_eq!(held.lease_until, Some(instant(220)));

    // Whoever was paused cannot finish, renew or give back what another took.
    let pull = ended(id, 161, Ok(None), NextPull::At(instant(900)));
    let error = store.write(|w| w.finish_pull(&pull, &first.token)).unwrap_err();
    assert!(
        matches!(&error, StoreError::LeaseLost { on } if on.ends_with(" of tiingo")),
        "{error}"
    );
    assert!(!error.is_transient() && !error.stops_all());
    assert!(!store.read(|r| r.holds_lease(&first.token)).unwrap());
    assert_eq!(renew(store, &[&first.token], 999), Vec::<String>::new());
    assert_eq!(store.write(|w| w.release_leases(&[&first.token])).unwrap(), 0);
    assert_eq!(tracked(store, id), held);

    store.write(|w| w.finish_pull(&pull, &second.token)).unwrap();
    assert_eq!(tracked(store, id).next_pull_at, Some(instant(900)));
    for done in [&first.token, &second.token] {
        let again = store.write(|w| w.finish_pull(&pull, done));
        assert!(matches!(again, Err(StoreError::LeaseLost { .. })));
    }
    // Nor does a token hold another row than its own.
    let other = track(store, "B", 10);
    let claimed = claim(store, "three", 200, 9).remove(0);
    let lost = store.write(|w| w.finish_pull(&pull, &claimed.token));
    assert!(matches!(lost, Err(StoreError::LeaseLost { .. })));
    assert_eq!(tracked(store, other), claimed.tracked);
}

pub(crate) fn a_lease_is_renewed_by_whoever_holds_it(database: &dyn Database) {
    let store = database.store();
    let (a, b) = (track(store, "A", 10), track(store, "B", 20));
    let (c, d) = (register(store, "c"), register(store, "d"));
    let claimed = claim(store, "one", 100, 9);
    claim_response(store, c, "one of c", 100).unwrap();
    claim_response(store, d, "one of d", 100).unwrap();
    let tokens =
        [claimed[0].token.as_str(), claimed[1].token.as_str(), "one of c", "one of d", "none"];
    let mut expected: Vec<String> = tokens[..4].iter().map(|token| (*token).to_owned()).collect();
    expected.sort();
    assert_eq!(renew(store, &tokens, 175), expected);
    assert_eq!(renew(store, &tokens, 130), expected, "never shortened");
    assert_eq!(tracked(store, a).lease_until, Some(instant(175)));
    assert_eq!(response(store, d).lease_until, Some(instant(175)));
    assert_eq!(claim(store, "two", 174, 9), []);
    assert_eq!(claim_response(store, c, "two", 174), None);

    // Past their leases they are renewed as well, as far as nobody took them.
    assert_eq!(claim(store, "two", 180, 1)[0].tracked.stock_id, a);
    assert!(claim_response(store, c, "two of c", 180).is_some());
    let rest = [tokens[1].to_owned(), tokens[3].to_owned()];
    let mut rest = Vec::from(rest);
    rest.sort();
    assert_eq!(renew(store, &tokens, 400), rest);
    assert_eq!(tracked(store, a).lease_until, Some(instant(240)));
    assert_eq!(tracked(store, b).lease_until, Some(instant(400)));
    assert_eq!(response(store, c).lease_until, Some(instant(240)));
    assert_eq!(response(store, d).lease_until, Some(instant(400)));
    assert_eq!(response(store, d).attempts, 1, "it is no other attempt");
    assert_eq!(renew(store, &[], 900), Vec::<String>::new());
}

pub(crate) fn a_claim_is_given_back_as_if_it_were_not_made(database: &dyn Database) {
    let store = database.store();
    let id = track(store, "A", 10);
    let (c, d) = (register(store, "c"), register(store, "d"));
    let before = (tracked(store, id), response(store, c));
    let claimed = claim(store, "one", 100, 9).remove(0);
    claim_response(store, c, "one of c", 100).unwrap();
    claim_response(store, d, "one of d", 100).unwrap();
    let tokens = [claimed.token.as_str(), "one of c", "none"];
    assert_eq!(store.write_loosely(|w| w.release_leases(&tokens)).unwrap(), 2);
    assert_eq!((tracked(store, id), response(store, c)), before);
    assert_eq!(response(store, d).lease_until, Some(instant(160)));
    assert_eq!(store.write_loosely(|w| w.release_leases(&tokens)).unwrap(), 0);
    assert_eq!(claim(store, "two", 101, 9).len(), 1);
    assert_eq!(claim_response(store, c, "two", 101).map(|c| c.attempts), Some(1));
}

pub(crate) fn many_claims_are_renewed_and_given_back_at_once(database: &dyn Database) {
    let store = database.store();
    let ids: Vec<_> = (0..20).map(|n| track(store, &format!("S{n}"), 1)).collect();
    let claimed = claim(store, "one", 100, 99);
    let others: Vec<String> = (0..1_990).map(|n| format!("other {n}")).collect();
    let mut tokens: Vec<&str> = others.iter().map(String::as_str).collect();
    for (index, claimed) in claimed.iter().enumerate() {
        tokens.insert(index * 100, &claimed.token);
    }
    assert_eq!(renew(store, &tokens, 300).len(), ids.len());
    assert!(ids.iter().all(|id| tracked(store, *id).lease_until == Some(instant(300))));
    assert_eq!(store.write_loosely(|w| w.release_leases(&tokens)).unwrap(), 20);
    assert_eq!(claim(store, "two", 100, 99).len(), 20);
}

pub(crate) fn leases_that_ended_are_forgotten(database: &dyn Database) {
    let store = database.store();
    let (a, b) = (track(store, "A", 10), track(store, "B", 150));
    let (c, d) = (register(store, "c"), register(store, "d"));
    let first = claim(store, "one", 100, 9).remove(0);
    let second = claim(store, "two", 150, 9).remove(0);
    claim_response(store, c, "one of c", 100).unwrap();
    claim_response(store, d, "one of d", 150).unwrap();
    let sweep = |before| store.write_loosely(|w| w.sweep_leases(instant(before))).unwrap();
    assert_eq!(sweep(160), SweptLeases::default(), "not what ends at that very moment");
    assert_eq!(sweep(161), SweptLeases { tracked: 1, responses: 1 });
    assert_eq!(tracked(store, a).lease_until, None);
    assert_eq!(tracked(store, a).next_pull_at, Some(instant(10)));
    assert_eq!((response(store, c).lease_until, response(store, c).attempts), (None, 1));
    assert_eq!(tracked(store, b), second.tracked);
    assert_eq!(response(store, d).lease_until, Some(instant(210)));
    let held = |token: &str| store.read(|r| r.holds_lease(token)).unwrap();
    assert!(!held(&first.token) && !held("one of c"));
    assert!(held(&second.token) && held("one of d"));
}

pub(crate) fn dead_letters_that_are_due_are_listed_in_pages(database: &dyn Database) {
    let store = database.store();
    let ids: Vec<ResponseId> = (0..6).map(|n| register(store, &format!("{n}"))).collect();
    // Newest first, so that the order in which they died is another.
    for (index, id) in ids.iter().enumerate().rev() {
        if index == 4 {
            continue;
        }
        claim_response(store, *id, "one", 100).unwrap();
        let due =
            if index == 1 { None } else { Some(instant(500 - i64::try_from(index).unwrap())) };
        let dead = DeadResponse {
            stock_id: None,
            vendor: None,
            fetched_at: None,
            error: "truncated".to_owned(),
            next_attempt_at: due,
        };
        store.write(|w| w.finish_deadletter(*id, "one", &dead)).unwrap();
    }
    let due = |now, after: Option<usize>, limit| -> Vec<ResponseId> {
        let after = after.map(|index| ids[index]);
        let list = store
            .read(|r| r.dead_letters_due(DueLetters::All, instant(now), after, limit))
            .unwrap();
        list.iter().map(|letter| letter.id).collect()
    };
    assert_eq!(due(494, None, 9), []);
    assert_eq!(due(497, None, 9), [ids[3], ids[5]]);
    assert_eq!(due(500, None, 9), [ids[0], ids[2], ids[3], ids[5]]);
    assert_eq!(due(500, None, 2), [ids[0], ids[2]]);
    assert_eq!(due(500, Some(2), 2), [ids[3], ids[5]]);
    assert_eq!(due(500, Some(5), 2), []);
}

pub(crate) fn another_try_is_asked_for(database: &dyn Database) {
    let store = database.store();
    let (dead, waiting) = (register(store, "dead"), register(store, "waiting"));
    for (token, at) in [("one", 100), ("two", 200)] {
        claim_response(store, dead, token, at).unwrap();
        let letter = DeadResponse {
            stock_id: None,
            vendor: None,
            fetched_at: None,
            error: "truncated".to_owned(),
            next_attempt_at: None,
        };
        store.write(|w| w.finish_deadletter(dead, token, &letter)).unwrap();
        if token == "one" {
            store.write(|w| w.reopen_response(dead)).unwrap();
        }
    }
    let due = |which, now| -> Vec<ResponseId> {
        let list = store.read(|r| r.dead_letters_due(which, instant(now), None, 9)).unwrap();
        list.iter().map(|letter| letter.id).collect()
    };
    assert_eq!(due(DueLetters::All, 900), [], "it had enough of them");
    let ask = |id| store.write(|w| w.ask_retry(id, instant(300))).unwrap();
    let before = response(store, dead);
    let asked = Response { attempts: 0, next_attempt_at: Some(instant(300)), ..before.clone() };
    assert_eq!((before.attempts, before.next_attempt_at), (2, None));
    assert_eq!(ask(dead), RetryAsked::Done(Box::new(asked.clone())));
    assert_eq!(response(store, dead), asked, "a dead letter still, with its reason");
    assert_eq!(due(DueLetters::Asked, 299), []);
    assert_eq!(due(DueLetters::Asked, 300), [dead]);
    assert_eq!(due(DueLetters::All, 300), [dead]);
    assert_eq!(ask(waiting), RetryAsked::NotDeadLetter(ResponseStatus::Pending));
    assert_eq!(response(store, waiting).attempts, 0);
    assert_eq!(ask(ResponseId(i64::MAX)), RetryAsked::Unknown);

    // Tried again, it is one that nobody asked for.
    store.write(|w| w.reopen_response(dead)).unwrap();
    claim_response(store, dead, "three", 300).unwrap();
    let letter = DeadResponse {
        stock_id: None,
        vendor: None,
        fetched_at: None,
        error: "no rows".to_owned(),
        next_attempt_at: Some(instant(400)),
    };
    store.write(|w| w.finish_deadletter(dead, "three", &letter)).unwrap();
    assert_eq!((due(DueLetters::Asked, 500), response(store, dead).attempts), (vec![], 1));
    assert_eq!(due(DueLetters::All, 500), [dead]);
}

pub(crate) fn responses_are_found_and_walked(database: &dyn Database) {
    let store = database.store();
    let queue = || store.read(|r| r.pending_queue()).unwrap();
    assert_eq!((queue().pending, queue().oldest), (0, None));
    let ids: Vec<ResponseId> = (0..7)
        .map(|n| {
            let new = NewResponse {
                file_name: format!("file {n}"),
                sha256: [1; 32],
                byte_len: 1,
                registered_at: instant(70 - n),
            };
            let registered = store.write(|w| w.register_response(&new, None)).unwrap().response;
            assert_eq!(registered.registered_at, instant(70 - n));
            assert_eq!(response(store, registered.id), registered);
            registered.id
        })
        .collect();
    claim_response(store, ids[6], "one", 100).unwrap();
    assert_eq!((queue().pending, queue().oldest), (7, Some(instant(64))), "also in hand");
    let reason = "no rows".to_owned();
    let dead = DeadResponse {
        stock_id: None,
        vendor: None,
        fetched_at: None,
        error: reason,
        next_attempt_at: None,
    };
    store.write(|w| w.finish_deadletter(ids[6], "one", &dead)).unwrap();
    assert_eq!((queue().pending, queue().oldest), (6, Some(instant(65))));

    let mut names: Vec<String> = (0..1_200).map(|n| format!("absent {n}")).collect();
    names[0] = "file 3".to_owned();
    names[700] = "file 5".to_owned();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut found = store.read(|r| r.responses_named(&names)).unwrap();
    found.sort_by_key(|response| response.id);
    assert_eq!(found, [response(store, ids[3]), response(store, ids[5])]);
    assert_eq!(store.read(|r| r.responses_named(&[])).unwrap(), []);

    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = store.read(|r| r.responses_after(after, 3)).unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.id);
        walked.extend(page.into_iter().map(|response| response.id));
    }
    assert_eq!(walked, ids);
    let nobody = ResponseId(ids[6].0 + 1);
    assert_eq!(store.read(|r| r.response_with_id(nobody)).unwrap(), None);
}
