//! What happened to accounts and by them.

use cream_auth::{Role, TokenKind};
use cream_store::{
    AuditEvent, AuditId, AuditKind, AuditQuery, FailedLogins, NewAuditEvent, NewToken, Store,
    SweptAccounts, TokenId,
};

use crate::accounts::{add, give, new_token};
use crate::harness::{Database, instant};

const ALL: AuditQuery = AuditQuery { kind: None, account: None, before: None, limit: 99 };

fn record(store: &Store, event: &NewAuditEvent<'_>) {
    store.write(|w| w.record(event)).unwrap();
}

fn events(store: &Store, query: &AuditQuery) -> Vec<AuditEvent> {
    store.read(|r| r.audit_events(query)).unwrap()
}

pub(crate) fn events_are_recorded_and_listed(database: &dyn Database) {
    let store = database.store();
    let ann = add(store, "ann", Role::Admin, None);
    for (at, kind) in (100..).zip(AuditKind::ALL) {
        record(store, &NewAuditEvent::new(kind, instant(at)));
    }
    let listed = events(store, &ALL);
    let kinds: Vec<Option<AuditKind>> =
        listed.iter().rev().map(|event| AuditKind::from_name(&event.kind)).collect();
    assert_eq!(kinds, AuditKind::ALL.map(Some));
    let whole = NewAuditEvent {
        account: Some("Bob"),
        actor: Some(ann),
        address: Some("2001:db8::7"),
        request_id: Some("r-1"),
        detail: Some("role user"),
        ..NewAuditEvent::new(AuditKind::UserChanged, instant(50))
    };
    record(store, &whole);
    let newest = events(store, &AuditQuery { limit: 1, ..ALL }).remove(0);
    let expected = AuditEvent {
        id: newest.id,
        at: instant(50),
        kind: "user_changed".to_owned(),
        account: Some("bob".to_owned()),
        actor: Some(ann),
        actor_name: Some("ann".parse().unwrap()),
        address: Some("2001:db8::7".to_owned()),
        request_id: Some("r-1".to_owned()),
        detail: Some("role user".to_owned()),
    };
    assert_eq!(newest, expected, "recorded last, though its clock was behind");

    let listed = |query: &AuditQuery| events(store, query).into_iter().map(|event| event.id);
    let of = |kind| listed(&AuditQuery { kind: Some(kind), ..ALL }).collect::<Vec<_>>();
    assert_eq!((of(AuditKind::UserChanged).len(), of(AuditKind::Login).len()), (2, 1));
    let about = AuditQuery { account: Some("BOB".to_owned()), ..ALL };
    assert_eq!(listed(&about).collect::<Vec<_>>(), [newest.id]);
    let mut pages: Vec<AuditId> = Vec::new();
    loop {
        let before = pages.last().copied();
        let page: Vec<AuditId> = listed(&AuditQuery { before, limit: 5, ..ALL }).collect();
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, listed(&ALL).collect::<Vec<_>>());

    // What only a newer program knows is listed all the same.
    database.raw("INSERT INTO audit_event (at, kind) VALUES (1, 'key_rotated')").unwrap();
    let newest = events(store, &ALL).remove(0);
    assert_eq!((newest.kind.as_str(), AuditKind::from_name(&newest.kind)), ("key_rotated", None));
}

pub(crate) fn what_is_too_long_for_an_event_is_cut(database: &dyn Database) {
    let store = database.store();
    let long = "ü\0".repeat(1_000);
    let event = NewAuditEvent {
        account: Some(&long),
        address: Some(&long),
        request_id: Some(&long),
        detail: Some(&long),
        ..NewAuditEvent::new(AuditKind::LoginFailed, instant(5))
    };
    record(store, &event);
    let kept = events(store, &ALL).remove(0);
    let lengths = [kept.account, kept.address, kept.request_id, kept.detail]
        .map(|text| text.unwrap().chars().count());
    assert_eq!(lengths, [64, 64, 128, 1_000]);
    let count = store.read(|r| r.failed_logins(&long, &long, instant(5))).unwrap();
    assert_eq!(count, FailedLogins { of_account: 1, from_address: 1 }, "found as it was given");
}

pub(crate) fn failed_logins_are_counted_by_account_and_address(database: &dyn Database) {
    let store = database.store();
    let failed = |account, address, at| {
        let event = NewAuditEvent::new(AuditKind::LoginFailed, instant(at));
        record(store, &NewAuditEvent { account: Some(account), address: Some(address), ..event });
    };
    for (account, address, at) in [
        ("ann", "192.0.2.1", 10),
        ("Ann", "192.0.2.2", 20),
        ("nobody", "192.0.2.1", 30),
        ("annabel", "192.0.2.11", 30),
    ] {
        failed(account, address, at);
    }
    for kind in [AuditKind::Login, AuditKind::LoginRefused, AuditKind::LoginFailed] {
        let known = (kind != AuditKind::LoginFailed).then_some("ann");
        let event = NewAuditEvent { account: known, ..NewAuditEvent::new(kind, instant(25)) };
        record(store, &event);
    }
    let count = |account, address, since| {
        let counts = store.read(|r| r.failed_logins(account, address, instant(since))).unwrap();
        (counts.of_account, counts.from_address)
    };
    assert_eq!(count("ANN", "192.0.2.1", 0), (2, 2));
    assert_eq!(count("ann", "192.0.2.1", 10), (2, 2));
    assert_eq!(count("ann", "192.0.2.1", 11), (1, 1));
    assert_eq!(count("nobody", "192.0.2.9", 0), (1, 0));
    assert_eq!(count("", "", 0), (0, 0));
}

pub(crate) fn what_ended_long_ago_is_forgotten(database: &dyn Database) {
    let store = database.store();
    let ann = add(store, "ann", Role::User, None);
    let until = |expires| {
        let new = new_token(ann, TokenKind::Session);
        give(store, &NewToken { expires_at: instant(expires), ..new })
    };
    let (expired, ends, goes_on) = (until(49), until(50), until(500));
    let (revoked, ended) = (until(500), until(500));
    for (id, at) in [(revoked, 49), (ended, 50)] {
        assert!(store.write(|w| w.revoke_token(id, None, instant(at))).unwrap());
    }
    for at in [69, 70] {
        record(store, &NewAuditEvent::new(AuditKind::Login, instant(at)));
    }
    let sweep = || store.write_loosely(|w| w.sweep_accounts(instant(50), instant(70))).unwrap();
    assert_eq!(sweep(), SweptAccounts { tokens: 2, events: 1 });
    assert_eq!(sweep(), SweptAccounts::default());
    let is_there = |id: TokenId| store.read(|r| r.token(id)).unwrap().is_some();
    assert_eq!(
        [expired, ends, goes_on, revoked, ended].map(is_there),
        [false, true, true, false, true]
    );
    assert_eq!(events(store, &ALL).iter().map(|event| event.at).collect::<Vec<_>>(), [instant(70)]);
    // No number is given twice, also where the last one is gone.
    let last = until(30);
    assert_eq!(sweep(), SweptAccounts { tokens: 1, events: 0 });
    assert!(until(500) > last);
}
