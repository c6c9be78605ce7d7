//! Logins, sessions, tokens and people: who gets in, who does not, and when it ends.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cream_api::LoginLimits;
use cream_auth::{HashParams, Role, Scopes, TokenKind};
use cream_store::{AuditEvent, AuditQuery, Store, UserChange};
use serde_json::{Value, json};

use crate::people::{
    HOUR, MANY, PASSWORD, add_token, add_user, after, change, digest, hash_with, open, serve,
};
use crate::support::{Answer, Api};

const DAY: Duration = Duration::from_secs(86_400);

fn limits(of_account: u32, from_address: u32) -> LoginLimits {
    LoginLimits { of_account, from_address, window: Duration::from_secs(600) }
}

/// With ann, who is a user, and root, who is an admin.
fn with_people(logins: LoginLimits) -> Api {
    let api = serve(|settings| settings.with_logins(DAY, logins));
    add_user(&api.store, "ann", Role::User, Some(PASSWORD));
    add_user(&api.store, "root", Role::Admin, Some(PASSWORD));
    api
}

/// What happened, in order: its kind, the account, and who did it.
fn events(store: &Store) -> Vec<AuditEvent> {
    let query = AuditQuery { kind: None, account: None, before: None, limit: 1_000 };
    let mut events = store.read(|reader| reader.audit_events(&query)).unwrap();
    events.reverse();
    events
}

fn told(store: &Store) -> Vec<String> {
    let line = |event: &AuditEvent| {
        let actor = event.actor_name.as_ref().map_or("nobody", |name| name.as_str());
        format!("{} {} by {actor}", event.kind, event.account.as_deref().unwrap_or("-"))
    };
    events(store).iter().map(line).collect()
}

/// All of an answer but what differs from request to request.
fn shape(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id").unwrap();
    let headers = answer.headers.clone().into_iter();
    let headers = headers.filter(|(name, _)| name != "date" && name != "x-request-id").collect();
    (answer.status, headers, body)
}

#[test]
fn a_login_gives_a_token_that_is_good_for_what_the_role_allows() {
    let api = with_people(MANY);
    let answer = api.log_in("Ann", PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let login = answer.json();
    let token = login["token"].as_str().unwrap();
    assert!(token.starts_with("creams_"), "{token}");
    assert_eq!(login["token_type"], "Bearer");
    assert_eq!(login["scopes"], json!(["read", "track"]));
    assert_eq!(login["user"]["name"], "ann");
    assert_eq!(login["user"]["role"], "user");
    let expires: cream_models::Timestamp = login["expires_at"].as_str().unwrap().parse().unwrap();
    let day = 24 * HOUR;
    assert!((after(day - HOUR)..after(day)).contains(&expires), "{expires}");
    let me = api.get_as(token, "/auth/me");
    assert_eq!(me.json()["user"], login["user"]);
    assert_eq!(me.json()["token"]["kind"], "session");
    assert_eq!(me.json()["token"]["scopes"], login["scopes"]);
    assert_eq!(me.header("cache-control"), "no-store");
    let admin = api.log_in("root", PASSWORD).json();
    assert_eq!(admin["scopes"], json!(["read", "track", "admin"]));
    assert_eq!(told(&api.store), ["login ann by nobody", "login root by nobody"]);
    let user = api.store.read(|reader| reader.user_named(&"ann".parse().unwrap())).unwrap();
    assert!(user.unwrap().0.last_login_at.is_some());
}

#[test]
fn what_is_wrong_with_a_login_nobody_is_told() {
    let api = with_people(MANY);
    let store = &api.store;
    let off = add_user(store, "off", Role::Admin, Some(PASSWORD));
    change(store, off, UserChange { role: None, is_active: Some(false) });
    add_user(store, "program", Role::User, None);
    let longest = "x".repeat(1_025);
    let name_of_65 = "n".repeat(65);
    let refused = shape(&api.log_in("ann", "not the password"));
    assert_eq!(refused.0, 401);
    for (name, password) in [
        ("root", "not the password"),
        ("nobody-of-this-name", PASSWORD),
        ("off", PASSWORD),
        ("off", "not the password"),
        ("program", PASSWORD),
        ("program", "?"),
        ("ann", ""),
        ("ann", "?"),
        ("ann", "correct horse battery "),
        ("ann", "Correct horse battery"),
        ("ann", "correct horse battery\u{0}"),
        ("ann", &longest),
        ("", ""),
        ("", PASSWORD),
        ("ann ", PASSWORD),
        ("ann\u{0}", PASSWORD),
        ("ａnn", PASSWORD),
        ("ann' OR '1'='1", PASSWORD),
        (&name_of_65, PASSWORD),
        ("\u{202e}nna", PASSWORD),
    ] {
        let answer = api.log_in(name, password);
        answer.problem(401, "invalid_credentials");
        assert_eq!(shape(&answer), refused, "{name:?} {password:?}");
    }
    let failures = told(store);
    assert_eq!(failures.len(), 21);
    assert!(failures.iter().all(|event| event.starts_with("login_failed ")), "{failures:?}");
    assert_eq!(api.log_in("ann", PASSWORD).status, 200);
}

/// Measured and told, and no more than that: what is the same is the work, which `cream-auth` sees
/// to (`a_user_who_does_not_exist_costs_what_one_of_now_does`).
#[test]
fn a_wrong_password_and_an_unknown_name_take_a_hash_each() {
    let api =
        serve(|settings| settings.with_password_hash(HashParams::DEFAULT).with_logins(DAY, MANY));
    let id = add_user(&api.store, "ann", Role::User, None);
    let hash = hash_with(HashParams::DEFAULT, PASSWORD);
    api.store.write(|writer| writer.set_password(id, &hash, None, after(0))).unwrap();
    let median = |name: &str| {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let started = Instant::now();
                api.log_in(name, "not the password").problem(401, "invalid_credentials");
                started.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    };
    let [wrong, unknown, no_name] = ["ann", "nobody", "no name"].map(median);
    println!("median login: wrong {wrong:?}, unknown {unknown:?}, no name {no_name:?}");
}

#[test]
fn an_account_is_not_guessed_at_for_long() {
    let api = with_people(limits(3, 100));
    for _ in 0..3 {
        api.log_in("ann", "not the password").problem(401, "invalid_credentials");
    }
    for (name, password) in [("ann", PASSWORD), ("ANN", PASSWORD), ("ann", "not the password")] {
        let answer = api.log_in(name, password);
        let problem = answer.problem(429, "login_limited");
        assert_eq!(answer.header("retry-after"), "600");
        assert!(problem["detail"].as_str().unwrap().contains("10 minutes"), "{problem}");
    }
    // It tells no one which accounts there are, and bothers no one else.
    for _ in 0..3 {
        api.log_in("nobody", PASSWORD).problem(401, "invalid_credentials");
    }
    api.log_in("nobody", PASSWORD).problem(429, "login_limited");
    assert_eq!(api.log_in("root", PASSWORD).status, 200);
    // What is refused unseen counts for nothing, or an account could be kept shut for ever.
    assert_eq!(told(&api.store).iter().filter(|event| event.contains("login_failed")).count(), 6);

    // It is the database that counts: another server over it knows.
    let other = Api::serve(tempfile::tempdir().unwrap(), open(api.folder.path()), |settings| {
        settings.with_logins(DAY, limits(3, 100))
    });
    other.log_in("ann", PASSWORD).problem(429, "login_limited");
    assert_eq!(other.log_in("root", PASSWORD).status, 200);

    // Whoever is in stays in; and the window ends.
    let later = Api::serve(tempfile::tempdir().unwrap(), open(api.folder.path()), |settings| {
        let window = Duration::from_millis(1);
        settings.with_logins(DAY, LoginLimits { window, ..limits(3, 100) })
    });
    assert_eq!(later.log_in("ann", PASSWORD).status, 200);
}

#[test]
fn an_address_guesses_no_longer_than_an_account_is_guessed_at() {
    let api = with_people(limits(100, 4));
    for name in ["a", "b", "c", "d"] {
        api.log_in(name, PASSWORD).problem(401, "invalid_credentials");
    }
    api.log_in("ann", PASSWORD).problem(429, "login_limited");
    // No one is believed who says that they come from elsewhere.
    let from = |api: &Api, address: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        let body = json!({"name": "ann", "password": PASSWORD}).to_string();
        api.send_body("POST", "/auth/login", &headers, body.as_bytes())
    };
    from(&api, "198.51.100.1").problem(429, "login_limited");

    let behind_a_proxy = Api::serve(tempfile::tempdir().unwrap(), open(api.folder.path()), |it| {
        it.with_logins(DAY, limits(100, 4))
            .with_trusted_proxies(vec!["127.0.0.1/32".parse().unwrap()])
    });
    assert_eq!(from(&behind_a_proxy, "198.51.100.1").status, 200);
    from(&behind_a_proxy, "127.0.0.1").problem(429, "login_limited");
    // What the client wrote stands in front of what the proxy did.
    from(&behind_a_proxy, "198.51.100.9, 127.0.0.1").status_is(200);
    from(&behind_a_proxy, "127.0.0.1, 198.51.100.1").status_is(200);
}

#[test]
fn many_guesses_at_once_are_no_more_than_a_few_at_a_time() {
    let api = with_people(limits(5, 1_000));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || api.log_in("ann", "not the password").status;
        let guesses: Vec<_> = (0..60).map(|_| scope.spawn(guess)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    // As many as the limit, and those whose password was being looked at by then: four at once.
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!((5..=9).contains(&looked_at), "{looked_at} of {statuses:?}");
}

#[test]
fn a_login_renews_a_hash_of_other_parameters() {
    let api = with_people(MANY);
    let stored = |api: &Api| {
        let found = api.store.read(|reader| reader.user_named(&"ann".parse().unwrap())).unwrap();
        found.unwrap().1.unwrap().as_str().to_owned()
    };
    let before = stored(&api);
    let session = api.session("ann");
    assert_eq!(stored(&api), before, "nothing to renew");
    let params = HashParams::DEFAULT;
    let stronger = Api::serve(tempfile::tempdir().unwrap(), open(api.folder.path()), |settings| {
        settings.with_password_hash(params).with_logins(DAY, MANY)
    });
    stronger.log_in("ann", "not the password").problem(401, "invalid_credentials");
    assert_eq!(stored(&api), before, "a wrong password renews nothing");
    stronger.session("ann");
    let renewed = stored(&api);
    assert!(renewed.starts_with(&format!("$argon2id$v=19${params}$")), "{renewed}");
    stronger.session("ann");
    assert_eq!(stored(&api), renewed);
    // It is the same password: nobody is thrown out.
    assert_eq!(api.get_as(&session, "/auth/me").status, 200);
}

#[test]
fn a_session_ends_with_its_logout() {
    let api = with_people(MANY);
    let (one, other) = (api.session("ann"), api.session("ann"));
    let out = api.ask_json("POST", "/auth/logout", Some(&one), &json!({}));
    assert_eq!((out.status, out.body.len()), (204, 0));
    api.get_as(&one, "/auth/me").problem(401, "invalid_token");
    api.ask_json("POST", "/auth/logout", Some(&one), &json!({})).problem(401, "invalid_token");
    assert_eq!(api.get_as(&other, "/auth/me").status, 200);
    assert_eq!(told(&api.store)[2..], ["logout ann by ann"]);
}

#[test]
fn a_session_ends_with_its_time() {
    let api = serve(|settings| settings.with_logins(Duration::from_millis(1), MANY));
    add_user(&api.store, "ann", Role::User, Some(PASSWORD));
    let session = api.session("ann");
    std::thread::sleep(Duration::from_millis(5));
    let problem = api.get_as(&session, "/auth/me").problem(401, "invalid_token");
    assert_eq!(problem["detail"], "the token has expired");
}

#[test]
fn a_change_of_password_ends_the_other_sessions() {
    const NEW: &str = "staple battery horse";
    let api = with_people(MANY);
    let (mine, other, roots) = (api.session("ann"), api.session("ann"), api.session("root"));
    let ann = api.store.read(|reader| reader.user_named(&"ann".parse().unwrap())).unwrap();
    let (_, program) =
        add_token(&api.store, ann.unwrap().0.id, TokenKind::Api, Scopes::ALL, after(HOUR));
    let change = |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        api.ask_json("POST", "/auth/password", Some(&mine), &body)
    };
    change("not the password", NEW).problem(403, "wrong_password");
    change("", NEW).problem(403, "wrong_password");
    for bad in ["", "short", "ann", "eleven char", &"x".repeat(1_025)] {
        let problem = change(PASSWORD, bad).problem(400, "invalid_body");
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains("password"));
    }
    assert_eq!(api.get_as(&other, "/auth/me").status, 200, "nothing has changed");
    let changed = change(PASSWORD, NEW);
    assert_eq!((changed.status, changed.body.len()), (204, 0));
    api.get_as(&other, "/auth/me").problem(401, "invalid_token");
    for token in [&mine, &roots, &program] {
        assert_eq!(api.get_as(token, "/auth/me").status, 200);
    }
    api.log_in("ann", PASSWORD).problem(401, "invalid_credentials");
    assert_eq!(api.log_in("ann", NEW).status, 200);
    assert_eq!(
        told(&api.store)[3..],
        [
            "login_failed ann by ann",
            "password_changed ann by ann",
            "login_failed ann by nobody",
            "login ann by nobody",
        ]
    );
}

#[test]
fn a_stolen_session_is_no_way_to_guess_the_password() {
    let api = with_people(limits(3, 100));
    let session = api.session("ann");
    let guess = |password: &str| {
        let body = json!({"current": password, "new": "a password of the thief"});
        api.ask_json("POST", "/auth/password", Some(&session), &body)
    };
    for _ in 0..3 {
        guess("not the password").problem(403, "wrong_password");
    }
    guess(PASSWORD).problem(429, "login_limited");
    api.log_in("ann", PASSWORD).problem(429, "login_limited");
}

#[test]
fn what_an_admin_sets_ends_sessions() {
    const NEW: &str = "staple battery horse";
    let api = with_people(MANY);
    let root = api.session("root");
    let id = api.get_as(&root, "/admin/users").json()["users"][0]["id"].as_i64().unwrap();
    let path = format!("/admin/users/{id}");
    let set = |body: Value| api.ask_json("PATCH", &path, Some(&root), &body);

    let session = api.session("ann");
    let set_password = set(json!({"password": NEW}));
    assert_eq!(set_password.status, 200, "{}", set_password.text());
    assert!(!set_password.text().contains("argon2"), "{}", set_password.text());
    api.get_as(&session, "/auth/me").problem(401, "invalid_token");
    api.log_in("ann", PASSWORD).problem(401, "invalid_credentials");
    let session = api.log_in("ann", NEW).json()["token"].as_str().unwrap().to_owned();
    assert_eq!(set(json!({"is_active": false})).json()["is_active"], false);
    api.get_as(&session, "/auth/me").problem(401, "invalid_token");
    api.log_in("ann", NEW).problem(401, "invalid_credentials");
    assert_eq!(set(json!({"is_active": true, "role": "admin"})).json()["role"], "admin");
    api.get_as(&session, "/auth/me").problem(401, "invalid_token");
    set(json!({})).status_is(200);
    set(json!({"role": "owner"})).problem(400, "invalid_body");
    set(json!({"password": "s3cr3t"})).problem(400, "invalid_body");
    api.ask_json("PATCH", "/admin/users/4711", Some(&root), &json!({"password": NEW}))
        .problem(404, "unknown_user");
    let details: Vec<_> = events(&api.store)
        .into_iter()
        .filter(|event| event.kind == "user_changed")
        .map(|event| (event.account.unwrap(), event.detail.unwrap()))
        .collect();
    let ann = |detail: &str| ("ann".to_owned(), detail.to_owned());
    assert_eq!(details, [ann("user, disabled"), ann("admin, active")]);
    let changed = told(&api.store).into_iter().filter(|event| event.contains("password_changed"));
    assert_eq!(changed.collect::<Vec<_>>(), ["password_changed ann by root"]);
}

#[test]
fn an_active_admin_always_stays() {
    let api = with_people(MANY);
    let root = api.session("root");
    let me = api.get_as(&root, "/auth/me").json()["user"]["id"].as_i64().unwrap();
    let set = |id: i64, body: Value| {
        api.ask_json("PATCH", &format!("/admin/users/{id}"), Some(&root), &body)
    };
    for less in [
        json!({"role": "user"}),
        json!({"is_active": false}),
        json!({"role": "user", "password": "staple battery horse"}),
    ] {
        set(me, less).problem(409, "last_admin");
    }
    assert_eq!(api.log_in("root", PASSWORD).status, 200, "nothing was changed");
    let added = api.ask_json(
        "POST",
        "/admin/users",
        Some(&root),
        &json!({"name": "Boss", "role": "admin"}),
    );
    assert_eq!(added.status, 201, "{}", added.text());
    let boss = added.json();
    assert_eq!(boss["name"], "boss");
    assert_eq!(boss["has_password"], false);
    assert_eq!(added.header("location"), format!("/admin/users/{}", boss["id"]));
    assert_eq!(set(me, json!({"role": "user"})).status, 200);
    set(me, json!({"role": "admin"})).problem(403, "forbidden");
    assert_eq!(told(&api.store)[2..], ["user_added boss by root", "user_changed root by root"]);
}

#[test]
fn people_are_added_once_and_under_names_that_are_names() {
    let api = with_people(MANY);
    let root = api.session("root");
    let add = |body: Value| api.ask_json("POST", "/admin/users", Some(&root), &body);
    add(json!({"name": "ANN", "role": "user"})).problem(409, "name_taken");
    for name in ["", " ", "-x", "a b", "ä", "a/b", "a\n", &"x".repeat(65), "../root", "<script>"] {
        add(json!({"name": name, "role": "user"})).problem(400, "invalid_body");
    }
    add(json!({"name": "bob", "role": "Admin"})).problem(400, "invalid_body");
    add(json!({"name": "bob"})).problem(400, "invalid_body");
    for password in ["", "s3cr3t", " Bob-the-first ", &"x".repeat(2_000)] {
        let body = json!({"name": "bob-the-first", "role": "user", "password": password});
        let text = add(body).problem(400, "invalid_body").to_string();
        assert!(!text.contains("s3cr3t") && !text.contains("xxx"), "{text}");
    }
    let body = json!({"name": "bob", "role": "user", "password": PASSWORD});
    assert_eq!(add(body).status, 201);
    api.session("bob");
    let users = api.get_as(&root, "/admin/users?limit=2");
    assert_eq!(users.json()["users"].as_array().unwrap().len(), 2);
    let next = users.json()["next"].as_str().unwrap().to_owned();
    let rest = api.get_as(&root, &format!("/admin/users?limit=2&cursor={next}")).json();
    assert_eq!(rest["users"][0]["name"], "root");
    assert_eq!(rest["next"], Value::Null);
    assert!(!users.text().contains("argon2"));
}

#[test]
fn a_token_is_shown_once_and_kept_as_a_digest() {
    let api = with_people(MANY);
    let session = api.session("ann");
    let body = json!({"name": "notebook", "scopes": ["read"], "expires_in_days": 7});
    let made = api.ask_json("POST", "/auth/tokens", Some(&session), &body);
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("cache-control"), "no-store");
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("cream_"));
    assert_eq!(made.header("location"), format!("/auth/tokens/{}", made.json()["id"]));
    assert_eq!(api.get_as(&token, "/auth/me").json()["token"]["name"], "notebook");
    let list = api.get_as(&session, "/auth/tokens");
    assert_eq!(list.json()["count"], 2);
    assert!(!list.header("cache-control").contains("public"), "{:?}", list.headers);

    // Nor is it, or the session, or the password, anywhere in the files of the database.
    let secrets = [token.as_str(), session.as_str(), PASSWORD];
    let mut held = false;
    for entry in std::fs::read_dir(api.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        for secret in secrets {
            // Without what all tokens share, and a part of it too.
            let tail = &secret.as_bytes()[secret.len() - 16..];
            assert!(!holds(secret.as_bytes()) && !holds(tail), "{}", path.display());
        }
        held |= holds(digest(&token).as_bytes());
    }
    assert!(held, "the digest is what is kept");
}

#[test]
fn a_token_is_good_for_what_was_asked_and_no_more_than_its_maker() {
    let api = with_people(MANY);
    let (ann, root) = (api.session("ann"), api.session("root"));
    let make =
        |session: &str, body: Value| api.ask_json("POST", "/auth/tokens", Some(session), &body);
    for bad in [
        json!({"name": "x", "scopes": ["admin"]}),
        json!({"name": "x", "scopes": ["read", "admin"]}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["Read"]}),
        json!({"name": "x", "scopes": ["read,track"]}),
        json!({"name": "x", "scopes": "read"}),
        json!({"name": "x", "scopes": ([vec!["read"; 100], vec!["admin"]].concat())}),
        json!({"name": "x", "scopes": ([vec!["read"; 100], vec!["nonsense"]].concat())}),
        json!({"name": "", "scopes": ["read"]}),
        json!({"name": "n".repeat(101), "scopes": ["read"]}),
        json!({"name": "a\u{0}", "scopes": ["read"]}),
        json!({"name": "a\r\nb", "scopes": ["read"]}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 0}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 367}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": -1}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 1.5}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 65_536}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": "7"}),
        json!({"name": "x", "scopes": ["read"], "user": 1}),
        json!({"scopes": ["read"]}),
        json!([]),
        json!(null),
    ] {
        make(&ann, bad).problem(400, "invalid_body");
    }
    for (days, wanted) in [(json!(null), 90), (json!(1), 1), (json!(366), 366)] {
        let body = json!({"name": "x", "scopes": ["track", "read"], "expires_in_days": days});
        let made = make(&ann, body).json();
        assert_eq!(made["scopes"], json!(["read", "track"]));
        let [from, to] = ["created_at", "expires_at"].map(|name| {
            let at: cream_models::Timestamp = made[name].as_str().unwrap().parse().unwrap();
            at.micros()
        });
        assert_eq!(to - from, wanted * 24 * HOUR);
    }
    let admin = make(&root, json!({"name": "ops", "scopes": ["admin"]})).json();
    let admin = admin["token"].as_str().unwrap();
    assert_eq!(api.get_as(admin, "/admin/users").status, 200);
    // No token begets another.
    make(admin, json!({"name": "child", "scopes": ["admin"]})).problem(403, "forbidden");
}

#[test]
fn tokens_are_taken_back_by_their_owner() {
    let api = with_people(MANY);
    let (ann, root) = (api.session("ann"), api.session("root"));
    let make = || {
        let body = json!({"name": "x", "scopes": ["read"]});
        let made = api.ask_json("POST", "/auth/tokens", Some(&ann), &body).json();
        (made["id"].as_i64().unwrap(), made["token"].as_str().unwrap().to_owned())
    };
    let take = |token: &str, id: &str| {
        api.send(
            "DELETE",
            &format!("/auth/tokens/{id}"),
            &[("authorization", &format!("Bearer {token}"))],
        )
    };
    let (first, token) = make();
    let (second, other) = make();
    // An admin's are other people's too.
    take(&root, &first.to_string()).problem(404, "unknown_token");
    for none in ["0", "-1", "+1", "x", "9223372036854775807", "9223372036854775808", "1.0", "%00"] {
        take(&ann, none).problem(404, "unknown_token");
    }
    take(&other, &first.to_string()).problem(403, "forbidden");
    assert_eq!(api.get_as(&token, "/auth/me").status, 200);
    assert_eq!(take(&ann, &first.to_string()).status, 204);
    api.get_as(&token, "/auth/me").problem(401, "invalid_token");
    take(&ann, &first.to_string()).problem(404, "unknown_token");
    assert_eq!(take(&other, &second.to_string()).status, 204, "itself");
    api.get_as(&other, "/auth/me").problem(401, "invalid_token");
    let listed = api.get_as(&ann, "/auth/tokens").json();
    assert_eq!(listed["count"], 1, "{listed}");
    let told = told(&api.store);
    let kinds: BTreeSet<&str> = told[2..].iter().map(String::as_str).collect();
    assert_eq!(kinds, BTreeSet::from(["token_created ann by ann", "token_revoked ann by ann"]));
    assert_eq!(told.len(), 6);
}

#[test]
fn a_user_has_a_thousand_tokens_at_most() {
    let api = with_people(MANY);
    let session = api.session("ann");
    let me = api.get_as(&session, "/auth/me").json()["user"]["id"].as_i64().unwrap();
    let user = cream_store::UserId(me);
    let wanted = json!({"name": "x", "scopes": ["read"]});
    let make = || api.ask_json("POST", "/auth/tokens", Some(&session), &wanted);
    // Those that ended do not count.
    add_token(&api.store, user, TokenKind::Api, Scopes::ALL, after(-HOUR / 2));
    for _ in 0..998 {
        add_token(&api.store, user, TokenKind::Api, Scopes::ALL, after(HOUR));
    }
    let last = make();
    assert_eq!(last.status, 201, "{}", last.text());
    make().problem(409, "too_many_tokens");
    assert_eq!(api.get_as(&session, "/auth/tokens").json()["count"], 1_000);
    let path = last.header("location").to_owned();
    let headers = [("authorization", format!("Bearer {session}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(api.send("DELETE", &path, &headers).status, 204);
    assert_eq!(make().status, 201);
}

#[test]
fn the_last_use_of_a_token_is_noted() {
    let api = with_people(MANY);
    let session = api.session("ann");
    let used = || {
        let list = api.get_as(&session, "/auth/tokens").json();
        list["tokens"][0]["last_used_at"].as_str().map(str::to_owned)
    };
    let started = Instant::now();
    let first = loop {
        // Noted some moments after the answer.
        if let Some(at) = used() {
            break at;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "never noted");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(used(), Some(first), "not with each use");
}

impl Answer {
    fn status_is(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
    }
}
