//! People and their tokens.

use std::sync::Barrier;
use std::thread;

use cream_auth::{HashParams, Password, PasswordHash, PasswordHasher, Role, Scope, Scopes, Token};
use cream_auth::{TokenDigest, TokenKind};
use cream_store::{
    AccessToken, NewToken, NewUser, Store, StoreError, StoreOptions, TokenId, TokenQuery,
    TokenState, User, UserAdded, UserChange, UserChanged, UserId, UserName,
};

use crate::harness::{Database, Done, instant};

pub(crate) fn hash(password: &str) -> PasswordHash {
    let hasher = PasswordHasher::new(HashParams::WEAK).unwrap();
    hasher.hash(&Password::new(password.to_owned()).unwrap()).unwrap()
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

/// Adds a user at second 10, with a password where one is given.
pub(crate) fn add(store: &Store, text: &str, role: Role, password: Option<&str>) -> UserId {
    let password = password.map(hash);
    let new = NewUser { name: name(text), role, password, now: instant(10) };
    match store.write(|w| w.add_user(&new)).unwrap() {
        UserAdded::New(id) => id,
        UserAdded::NameTaken => panic!("{text} is taken"),
    }
}

fn user(store: &Store, id: UserId) -> User {
    store.read(|r| r.user(id)).unwrap().unwrap()
}

fn draw(kind: TokenKind) -> TokenDigest {
    Token::generate(kind).unwrap().digest()
}

/// A token from second 20 to second 100.
pub(crate) fn new_token(user: UserId, kind: TokenKind) -> NewToken {
    NewToken {
        user,
        kind,
        name: "notebook".to_owned(),
        digest: draw(kind),
        scopes: Scopes::ALL,
        created_at: instant(20),
        expires_at: instant(100),
    }
}

pub(crate) fn give(store: &Store, new: &NewToken) -> TokenId {
    store.write(|w| w.add_token(new)).unwrap()
}

fn token(store: &Store, id: TokenId) -> AccessToken {
    store.read(|r| r.token(id)).unwrap().unwrap()
}

fn change(store: &Store, id: UserId, change: UserChange, now: i64) -> UserChanged {
    store.write(|w| w.change_user(id, &change, instant(now))).unwrap()
}

const DEMOTED: UserChange = UserChange { role: Some(Role::User), is_active: None };
const DISABLED: UserChange = UserChange { role: None, is_active: Some(false) };

pub(crate) fn users_are_added_and_found(database: &dyn Database) {
    let store = database.store();
    let (ann, bob) =
        (add(store, "Ann", Role::Admin, Some("sesame")), add(store, "bob", Role::User, None));
    let expected = User {
        id: ann,
        name: name("ann"),
        role: Role::Admin,
        is_active: true,
        created_at: instant(10),
        changed_at: instant(10),
        password_at: Some(instant(10)),
        last_login_at: None,
    };
    assert_eq!(user(store, ann), expected);
    let named = |text: &str| store.read(|r| r.user_named(&name(text))).unwrap();
    let (found, stored) = named("ANN").unwrap();
    assert_eq!(found, expected);
    let hasher = PasswordHasher::new(HashParams::WEAK).unwrap();
    let given = Password::new("sesame".to_owned()).unwrap();
    assert!(hasher.verify(&given, &stored.unwrap()).unwrap().is_right);
    let (found, stored) = named("bob").unwrap();
    assert_eq!((found.id, found.has_password(), stored.is_none()), (bob, false, true));
    assert!(named("eve").is_none());
    assert_eq!(store.read(|r| r.user(UserId(99))).unwrap(), None);

    let taken = NewUser { name: name("ANN"), role: Role::User, password: None, now: instant(11) };
    assert_eq!(store.write(|w| w.add_user(&taken)).unwrap(), UserAdded::NameTaken);
    assert_eq!(user(store, ann), expected);

    add(store, "_x".trim_start_matches('_'), Role::User, None);
    let list = |after: Option<&str>, limit| -> Vec<String> {
        let after = after.map(name);
        let users = store.read(|r| r.users(after.as_ref(), limit)).unwrap();
        users.into_iter().map(|user| user.name.to_string()).collect()
    };
    assert_eq!(list(None, 9), ["ann", "bob", "x"]);
    assert_eq!((list(None, 1), list(Some("ann"), 1)), (vec!["ann".into()], vec!["bob".into()]));
    assert_eq!(list(Some("x"), 9), [""; 0]);
}

pub(crate) fn two_who_add_a_name_at_once_are_told_apart(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let barrier = Barrier::new(2);
    let new = NewUser { name: name("ann"), role: Role::User, password: None, now: instant(1) };
    let add = |store: &Store| {
        barrier.wait();
        store.write(|w| w.add_user(&new)).unwrap()
    };
    let both = thread::scope(|scope| {
        let first = scope.spawn(|| add(database.store()));
        [add(&another), first.join().unwrap()]
    });
    assert_eq!(both.iter().filter(|added| **added == UserAdded::NameTaken).count(), 1, "{both:?}");
}

pub(crate) fn one_active_admin_always_remains(database: &dyn Database) {
    let store = database.store();
    let ann = add(store, "ann", Role::Admin, None);
    let bob = add(store, "bob", Role::User, None);
    let before = user(store, ann);
    for less in [DEMOTED, DISABLED, UserChange { role: Some(Role::User), is_active: Some(false) }] {
        assert_eq!(change(store, ann, less, 20), UserChanged::LastAdmin);
        assert_eq!(user(store, ann), before);
    }
    assert_eq!(change(store, UserId(99), DISABLED, 20), UserChanged::Unknown);
    assert_eq!(change(store, UserId(99), UserChange::default(), 20), UserChanged::Unknown);
    // What takes nothing away is done; what changes nothing leaves no mark.
    let same = UserChange { role: Some(Role::Admin), is_active: Some(true) };
    assert_eq!(change(store, ann, same, 20), UserChanged::Done(before.clone()));
    assert_eq!(user(store, ann), before);

    let promoted = UserChange { role: Some(Role::Admin), is_active: Some(false) };
    let UserChanged::Done(changed) = change(store, bob, promoted, 21) else { panic!() };
    assert_eq!(
        (changed.role, changed.is_active, changed.changed_at),
        (Role::Admin, false, instant(21))
    );
    assert_eq!(user(store, bob), changed);
    assert_eq!(change(store, ann, DISABLED, 22), UserChanged::LastAdmin, "bob is not active");
    let active = UserChange { role: None, is_active: Some(true) };
    assert!(matches!(change(store, bob, active, 23), UserChanged::Done(_)));
    assert!(matches!(change(store, ann, DISABLED, 24), UserChanged::Done(_)));
    assert_eq!(change(store, bob, DEMOTED, 25), UserChanged::LastAdmin);
    // Somebody who is no active admin is not held up by that.
    assert!(matches!(change(store, ann, DEMOTED, 26), UserChanged::Done(_)));
}

pub(crate) fn of_two_admins_who_go_at_once_one_remains(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let store = database.store();
    for round in 0..20 {
        let pair = ["a", "b"].map(|of| add(store, &format!("{of}{round}"), Role::Admin, None));
        if round > 0 {
            // Whoever remained of the round before.
            let rest = store.read(|r| r.users(None, 99)).unwrap();
            for old in rest.into_iter().filter(|user| !pair.contains(&user.id)) {
                assert!(matches!(change(store, old.id, DEMOTED, 30), UserChanged::Done(_)));
            }
        }
        let barrier = Barrier::new(2);
        let go = |store: &Store, id, less| {
            barrier.wait();
            change(store, id, less, 40)
        };
        let [one, other] = thread::scope(|scope| {
            let one = scope.spawn(|| go(store, pair[0], DEMOTED));
            [go(&another, pair[1], DISABLED), one.join().unwrap()]
        });
        let refused = [&one, &other].into_iter().filter(|c| **c == UserChanged::LastAdmin).count();
        assert_eq!(refused, 1, "{one:?} {other:?}");
        let users = store.read(|r| r.users(None, 99)).unwrap();
        let admins = users.iter().filter(|user| user.is_active && user.role == Role::Admin);
        assert_eq!(admins.count(), 1);
    }
}

pub(crate) fn passwords_are_set_and_end_sessions(database: &dyn Database) {
    let store = database.store();
    let (ann, bob) =
        (add(store, "ann", Role::Admin, Some("first")), add(store, "bob", Role::User, None));
    let [mine, other, api] = [TokenKind::Session, TokenKind::Session, TokenKind::Api]
        .map(|kind| give(store, &new_token(ann, kind)));
    let of_bob = give(store, &new_token(bob, TokenKind::Session));
    let ended = |id| token(store, id).revoked_at;
    let stored = || store.read(|r| r.user_named(&name("ann"))).unwrap().unwrap().1.unwrap();
    let set = |id, hash: &PasswordHash, kept, now| {
        store.write(|w| w.set_password(id, hash, kept, instant(now))).unwrap()
    };

    let second = hash("second");
    assert!(set(ann, &second, Some(mine), 30));
    assert_eq!(stored().as_str(), second.as_str());
    assert_eq!(user(store, ann).password_at, Some(instant(30)));
    assert_eq!([mine, other, api, of_bob].map(ended), [None, Some(instant(30)), None, None]);
    // A clock that goes back still tells one password from another.
    assert!(set(ann, &hash("third"), None, 25));
    let later = user(store, ann).password_at.unwrap();
    assert!(later > instant(30), "{later:?}");
    assert_eq!([mine, other, api].map(ended), [Some(instant(25)), Some(instant(30)), None]);
    assert!(!set(UserId(99), &second, None, 30));

    // Of whoever hashes the same password anew, nobody undoes another password.
    let (third, anew) = (stored(), hash("third"));
    let rehash =
        |old: &PasswordHash, new: &PasswordHash| store.write(|w| w.rehash(ann, old, new)).unwrap();
    assert!(!rehash(&second, &anew));
    assert_eq!(stored().as_str(), third.as_str());
    assert!(rehash(&third, &anew) && !rehash(&third, &anew));
    assert_eq!((stored().as_str(), user(store, ann).password_at), (anew.as_str(), Some(later)));
    let logged_in = |id, at, now| store.write(|w| w.logged_in(id, at, instant(now))).unwrap();
    assert!(logged_in(ann, later, 50), "the password is the same");
    assert_eq!(user(store, ann).last_login_at, Some(instant(50)));
    assert!(!logged_in(ann, instant(30), 51), "of the password before");
    assert!(!logged_in(bob, instant(30), 51), "without a password");
    assert!(matches!(
        change(store, bob, UserChange { role: Some(Role::Admin), is_active: None }, 52),
        UserChanged::Done(_)
    ));
    assert!(matches!(change(store, ann, DISABLED, 52), UserChanged::Done(_)));
    assert!(!logged_in(ann, later, 53), "disabled");
    assert_eq!(user(store, ann).last_login_at, Some(instant(50)));
}

/// A login that found the old password right begins no session that outlasts the new one.
pub(crate) fn no_session_outlasts_a_password(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    let store = database.store();
    let ann = add(store, "ann", Role::User, Some("first"));
    for round in 0..20 {
        let verified = user(store, ann).password_at.unwrap();
        let barrier = Barrier::new(2);
        let begun = thread::scope(|scope| {
            let set = scope.spawn(|| {
                let next = hash("next");
                barrier.wait();
                another.write(|w| w.set_password(ann, &next, None, instant(50 + round))).unwrap();
            });
            barrier.wait();
            let begun = store.write(|w| -> Done<Option<TokenId>> {
                if !w.logged_in(ann, verified, instant(50))? {
                    return Ok(None);
                }
                w.add_token(&new_token(ann, TokenKind::Session)).map(Some)
            });
            set.join().unwrap();
            begun.unwrap()
        });
        assert!(begun.is_none_or(|id| token(store, id).revoked_at.is_some()));
    }
}

pub(crate) fn tokens_are_given_listed_and_taken_back(database: &dyn Database) {
    let store = database.store();
    let (ann, bob) = (add(store, "ann", Role::Admin, None), add(store, "bob", Role::User, None));
    let new = NewToken { name: "ü\0".repeat(90), ..new_token(ann, TokenKind::Api) };
    let first = give(store, &new);
    let kept = token(store, first);
    assert_eq!(kept.name.chars().count(), 100);
    let expected = AccessToken {
        id: first,
        user: ann,
        user_name: name("ann"),
        kind: TokenKind::Api,
        name: kept.name.clone(),
        scopes: Scopes::ALL,
        created_at: instant(20),
        expires_at: instant(100),
        last_used_at: None,
        revoked_at: None,
    };
    assert_eq!(kept, expected);
    assert_eq!(store.read(|r| r.token(TokenId(99))).unwrap(), None);
    let session = give(store, &new_token(ann, TokenKind::Session));
    let of_bob =
        give(store, &NewToken { expires_at: instant(30), ..new_token(bob, TokenKind::Api) });

    let all = TokenQuery { user: None, kind: None, unended_at: None, after: None, limit: 9 };
    let list = |query: TokenQuery| -> Vec<TokenId> {
        store.read(|r| r.tokens(&query)).unwrap().into_iter().map(|token| token.id).collect()
    };
    assert_eq!(list(all), [first, session, of_bob]);
    assert_eq!(list(TokenQuery { limit: 1, ..all }), [first]);
    assert_eq!(list(TokenQuery { after: Some(first), ..all }), [session, of_bob]);
    assert_eq!(list(TokenQuery { user: Some(bob), ..all }), [of_bob]);
    assert_eq!(list(TokenQuery { kind: Some(TokenKind::Session), ..all }), [session]);
    let unended = |now| list(TokenQuery { unended_at: Some(instant(now)), ..all });
    assert_eq!((unended(29).len(), unended(30)), (3, vec![first, session]));

    let revoke = |id, of, now| store.write(|w| w.revoke_token(id, of, instant(now))).unwrap();
    assert!(!revoke(first, Some(bob), 40), "of another");
    assert!(!revoke(TokenId(99), None, 40));
    assert!(revoke(first, Some(ann), 41) && !revoke(first, None, 42));
    assert_eq!(token(store, first).revoked_at, Some(instant(41)));
    assert!(revoke(session, None, 43));
    assert_eq!(unended(29), [of_bob]);

    let touch = |used: &[(TokenId, i64)]| {
        let used: Vec<_> = used.iter().map(|(id, at)| (*id, instant(*at))).collect();
        store.write_loosely(|w| w.touch_tokens(&used)).unwrap();
    };
    touch(&[]);
    touch(&[(of_bob, 50), (first, 61), (TokenId(99), 1), (of_bob, 70), (of_bob, 60)]);
    touch(&[(first, 60)]);
    assert_eq!(
        [first, session, of_bob].map(|id| token(store, id).last_used_at),
        [Some(instant(61)), None, Some(instant(70))]
    );

    for wrong in [
        NewToken { user: UserId(99), ..new_token(ann, TokenKind::Api) },
        NewToken { scopes: Scopes::NONE, ..new_token(ann, TokenKind::Api) },
        NewToken { expires_at: instant(20), ..new_token(ann, TokenKind::Api) },
        new,
    ] {
        let error = store.write(|w| w.add_token(&wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
    }
}

pub(crate) fn a_holder_is_found_whatever_the_state(database: &dyn Database) {
    let store = database.store();
    let (ann, bob) = (add(store, "ann", Role::Admin, None), add(store, "bob", Role::Admin, None));
    let read: Scopes = [Scope::Read, Scope::Admin].into_iter().collect();
    let new = NewToken { scopes: read, ..new_token(ann, TokenKind::Api) };
    let session = new_token(ann, TokenKind::Session);
    let (id, of_session) = (give(store, &new), give(store, &session));
    let holder = |digest: &TokenDigest| store.read(|r| r.holder(digest)).unwrap();
    let state = |new: &NewToken, now| holder(&new.digest).unwrap().state(instant(now));
    let found = holder(&new.digest).unwrap();
    assert_eq!((&found.user, &found.token), (&user(store, ann), &token(store, id)));
    assert_eq!(found.granted(), read);
    assert!(holder(&draw(TokenKind::Api)).is_none());
    assert_eq!([99, 100].map(|now| state(&new, now)), [TokenState::Valid, TokenState::Expired]);

    // Whoever is less from now on, is so with the tokens that they have.
    assert!(matches!(change(store, ann, DEMOTED, 50), UserChanged::Done(_)));
    assert_eq!(holder(&new.digest).unwrap().granted().to_string(), "read");
    // To disable somebody ends their sessions, and lets nobody in by another token.
    assert!(matches!(change(store, ann, DISABLED, 51), UserChanged::Done(_)));
    assert_eq!(
        [&new, &session].map(|new| state(new, 60)),
        [TokenState::Disabled, TokenState::Revoked]
    );
    let active = UserChange { role: None, is_active: Some(true) };
    assert!(matches!(change(store, ann, active, 52), UserChanged::Done(_)));
    assert_eq!(
        [&new, &session].map(|new| state(new, 60)),
        [TokenState::Valid, TokenState::Revoked]
    );
    assert_eq!(token(store, of_session).revoked_at, Some(instant(51)));
    store.write(|w| w.revoke_token(id, None, instant(53))).unwrap();
    assert_eq!(state(&new, 60), TokenState::Revoked);
    assert_eq!(user(store, bob).changed_at, instant(10));
}
