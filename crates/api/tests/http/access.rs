//! Every route and every kind of caller: who is let in and who is not, by the rule that the index
//! tells of each route.

use cream_auth::{Role, Scope, Scopes, Token, TokenKind};
use cream_store::UserChange;
use serde_json::{Value, json};

use crate::people::{HOUR, MANY, PASSWORD, add_token, add_user, after, change, now, revoke, serve};
use crate::support::{Answer, Api};

/// Where a caller stands and what they send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// From the same machine, with nothing.
    Here,
    /// From elsewhere, with nothing.
    Elsewhere,
    /// With an `Authorization` that is of no use.
    Junk(&'static str),
    /// With a well-formed token that nobody was given.
    Unknown,
    Expired(TokenKind),
    Revoked(TokenKind),
    /// Of somebody who is not let in.
    Disabled(TokenKind),
    /// With a token that is valid.
    Holder(Role, TokenKind, Scopes),
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Admitted,
    /// 401 without a word about a token.
    Nobody,
    /// 401 `invalid_token`.
    Invalid,
    /// 403 for want of a scope.
    Lacks(Scope),
    /// 403: it is not the token of a login.
    NoSession,
}

fn scopes(list: &[Scope]) -> Scopes {
    list.iter().copied().collect()
}

fn everybody() -> Vec<Who> {
    use TokenKind::{Api, Session};
    let mut all = vec![Who::Here, Who::Elsewhere, Who::Unknown];
    let junk = [
        "Bearer cream_0123456789",
        "Bearer",
        "Bearer ",
        "bearer x",
        "Basic YWRtaW46YWRtaW4=",
        "cream_0123456789",
        "Bearer null",
        "Bearer ' OR 1=1 --",
    ];
    all.extend(junk.map(Who::Junk));
    for kind in [Api, Session] {
        all.extend([Who::Expired(kind), Who::Revoked(kind), Who::Disabled(kind)]);
    }
    for role in Role::ALL {
        all.push(Who::Holder(role, Session, role.scopes()));
        // A user's token with the scope of an admin is one whose owner was an admin once.
        for one in Scope::ALL {
            all.push(Who::Holder(role, Api, scopes(&[one])));
        }
        all.push(Who::Holder(role, Api, Scopes::ALL));
    }
    all
}

/// The rule, said a second time and in other words than the server's.
fn expected(access: &str, who: Who, reading_is_open: bool) -> Outcome {
    if access == "anyone" {
        return Outcome::Admitted;
    }
    let (role, kind, granted) = match who {
        Who::Holder(role, kind, granted) => (role, kind, granted & role.scopes()),
        Who::Here | Who::Elsewhere => {
            let is_admitted = match access {
                "reader" => reading_is_open,
                "metrics" => who == Who::Here,
                "read" | "track" | "admin" | "token" | "session" => false,
                other => panic!("no test knows the rule {other}"),
            };
            return if is_admitted { Outcome::Admitted } else { Outcome::Nobody };
        }
        _ => return Outcome::Invalid,
    };
    let needed = match access {
        "reader" if reading_is_open => return Outcome::Admitted,
        "reader" | "read" => Scope::Read,
        "track" => Scope::Track,
        "admin" | "metrics" => Scope::Admin,
        "token" => return Outcome::Admitted,
        "session" if kind == TokenKind::Session => return Outcome::Admitted,
        "session" => return Outcome::NoSession,
        other => panic!("no test knows the rule {other}"),
    };
    let is_enough = granted.contains(needed) && (needed != Scope::Admin || role == Role::Admin);
    if is_enough { Outcome::Admitted } else { Outcome::Lacks(needed) }
}

struct Walk {
    api: Api,
    reading_is_open: bool,
    admin: cream_store::UserId,
    user: cream_store::UserId,
    disabled: cream_store::UserId,
}

impl Walk {
    fn new(reading_is_open: bool) -> Self {
        // Whoever comes from elsewhere comes through a proxy on this machine.
        let api = serve(|settings| {
            settings
                .with_open_reading(reading_is_open)
                .with_trusted_proxies(vec!["127.0.0.0/8".parse().unwrap()])
                .with_logins(std::time::Duration::from_secs(3600), MANY)
        });
        let store = &api.store;
        let admin = add_user(store, "root", Role::Admin, Some(PASSWORD));
        let user = add_user(store, "ann", Role::User, Some(PASSWORD));
        let disabled = add_user(store, "old", Role::Admin, Some(PASSWORD));
        change(store, disabled, UserChange { role: None, is_active: Some(false) });
        Self { api, reading_is_open, admin, user, disabled }
    }

    /// What they send as `Authorization`, and the number of the token, which is a new one each
    /// time: some routes end it.
    fn credentials(&self, who: Who) -> (Option<String>, i64) {
        let store = &self.api.store;
        let bearer = |token: String| Some(format!("Bearer {token}"));
        let (user, kind, scopes, until) = match who {
            Who::Here | Who::Elsewhere => return (None, 1),
            Who::Junk(text) => return (Some(text.to_owned()), 1),
            Who::Unknown => {
                let token = Token::generate(TokenKind::Session).unwrap();
                return (bearer(token.expose().to_owned()), 1);
            }
            Who::Expired(kind) => (self.admin, kind, Scopes::ALL, now()),
            Who::Revoked(kind) => (self.admin, kind, Scopes::ALL, after(HOUR)),
            Who::Disabled(kind) => (self.disabled, kind, Scopes::ALL, after(HOUR)),
            Who::Holder(Role::Admin, kind, scopes) => (self.admin, kind, scopes, after(HOUR)),
            Who::Holder(Role::User, kind, scopes) => (self.user, kind, scopes, after(HOUR)),
        };
        let (id, token) = add_token(store, user, kind, scopes, until);
        if matches!(who, Who::Revoked(_)) {
            revoke(store, id);
        }
        (bearer(token), id.0)
    }

    fn ask(&self, method: &str, path: &str, who: Who) -> Answer {
        let (authorization, id) = self.credentials(who);
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{symbol}" => "TSLA",
                part if part.starts_with('{') => "NUMBER",
                part => part,
            })
            .collect();
        // A token may take itself back, whoever's it is.
        let path = filled.join("/").replace("NUMBER", &id.to_string());
        let path = path.replace("/admin/users/", "/admin/users/999");
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        if who != Who::Here {
            headers.push(("x-forwarded-for", "198.51.100.7"));
        }
        // A body that every route that takes one refuses: nothing shall come of it.
        let body: &[u8] = if matches!(method, "GET" | "HEAD") { b"" } else { b"{}" };
        self.api.send_body(method, &path, &headers, body)
    }

    fn check(&self, method: &str, path: &str, access: &str, who: Who) {
        let wanted = expected(access, who, self.reading_is_open);
        let answer = self.ask(method, path, who);
        let open = self.reading_is_open;
        let told = format!("{method} {path} ({access}, open: {open}) as {who:?}: {wanted:?}");
        let challenge = answer.header("www-authenticate");
        let status = answer.status;
        match wanted {
            Outcome::Admitted => {
                assert!(!matches!(status, 401 | 403) && status < 500, "{told}, not {status}");
                assert_eq!(challenge, "", "{told}");
                return;
            }
            Outcome::Nobody => {
                assert_eq!(challenge, "Bearer realm=\"cream\"", "{told}, not {status}");
            }
            Outcome::Invalid => {
                assert!(challenge.contains("error=\"invalid_token\""), "{told}, not {status}");
            }
            Outcome::Lacks(scope) => {
                let text = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
                assert!(challenge.contains(&text), "{told}, not {status}");
            }
            Outcome::NoSession => assert_eq!(challenge, "", "{told}, not {status}"),
        }
        let (status, code) = match wanted {
            Outcome::Nobody => (401, "unauthenticated"),
            Outcome::Invalid => (401, "invalid_token"),
            _ => (403, "forbidden"),
        };
        assert_eq!(answer.header("cache-control"), "no-store", "{told}");
        if method == "HEAD" {
            assert_eq!(answer.status, status, "{told}");
            assert!(answer.body.is_empty(), "{told}");
        } else {
            assert_eq!(answer.status, status, "{told}: {}", answer.text());
            answer.problem(status, code);
        }
    }

    /// Path, methods and rule of every route.
    fn routes(&self) -> Vec<(String, String, String)> {
        let index = self.api.get("/").json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let routes = index["routes"].as_array().unwrap().iter();
        routes
            .map(|row| (text(&row["path"]), text(&row["methods"]), text(&row["access"])))
            .collect()
    }
}

fn walk(reading_is_open: bool) {
    let walk = Walk::new(reading_is_open);
    let routes = walk.routes();
    assert!(routes.len() >= 22, "{routes:?}");
    for (path, methods, access) in &routes {
        for method in methods.split(", ") {
            for who in everybody() {
                walk.check(method, path, access, who);
            }
        }
    }
    // Nothing came of any of it.
    let users = walk.api.store.read(|reader| reader.users(None, 10)).unwrap();
    let names: Vec<(&str, Role, bool)> =
        users.iter().map(|user| (user.name.as_str(), user.role, user.is_active)).collect();
    let wanted =
        [("ann", Role::User, true), ("old", Role::Admin, false), ("root", Role::Admin, true)];
    assert_eq!(names, wanted);
}

#[test]
fn every_route_lets_in_whom_its_rule_says_where_reading_is_open() {
    walk(true);
}

#[test]
fn every_route_lets_in_whom_its_rule_says_where_reading_takes_a_token() {
    walk(false);
}

#[test]
fn a_method_that_a_path_has_not_is_refused_to_all() {
    let walk = Walk::new(false);
    let admin = Who::Holder(Role::Admin, TokenKind::Session, Scopes::ALL);
    let routes = walk.routes();
    for (path, ..) in &routes {
        let known: Vec<&str> =
            routes.iter().filter(|row| row.0 == *path).flat_map(|row| row.1.split(", ")).collect();
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
        {
            if known.contains(&method) {
                continue;
            }
            for who in [Who::Elsewhere, admin] {
                let answer = walk.ask(method, path, who);
                assert_eq!(answer.status, 405, "{method} {path} as {who:?}");
                assert_eq!(answer.header("allow"), known.join(", "), "{method} {path}");
            }
        }
    }
}

#[test]
fn a_second_header_is_no_way_in() {
    let walk = Walk::new(false);
    let (good, _) = walk.credentials(Who::Holder(Role::User, TokenKind::Api, Scopes::ALL));
    let good = good.unwrap();
    let ask = |headers: &[(&str, &str)]| walk.api.get_with("/stock-data/TSLA", headers);
    assert_eq!(ask(&[("authorization", &good)]).status, 200);
    // Which of two is meant, nobody can say.
    ask(&[("authorization", &good), ("authorization", &good)]).problem(401, "invalid_token");
    ask(&[("authorization", "Bearer x"), ("authorization", &good)]).problem(401, "invalid_token");
    // A token is taken from this one header and from nowhere else.
    let token = good.strip_prefix("Bearer ").unwrap();
    let cookie = format!("token={token}; session={token}");
    ask(&[("cookie", &cookie), ("x-api-key", token), ("proxy-authorization", &good)])
        .problem(401, "unauthenticated");
    let query = format!("/stock-data/TSLA?access_token={token}");
    walk.api.get(&query).problem(401, "unauthenticated");
}

#[test]
fn rights_end_with_the_role_and_with_the_account() {
    let walk = Walk::new(false);
    let api = &walk.api;
    let boss = add_user(&api.store, "boss", Role::Admin, Some(PASSWORD));
    let (session, root) = (api.session("boss"), api.session("root"));
    let (_, program) = add_token(&api.store, boss, TokenKind::Api, Scopes::ALL, after(HOUR));
    let path = format!("/admin/users/{}", boss.0);
    let set = |change: Value| {
        let answer = api.ask_json("PATCH", &path, Some(&root), &change);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    for token in [&session, &program] {
        assert_eq!(api.get_as(token, "/admin/users").status, 200);
    }
    set(json!({"role": "user"}));
    for token in [&session, &program] {
        api.get_as(token, "/admin/users").problem(403, "forbidden");
        api.ask_json("PATCH", &path, Some(token), &json!({"role": "admin"}))
            .problem(403, "forbidden");
        assert_eq!(api.get_as(token, "/stock-data").status, 200);
        let scopes = &api.get_as(token, "/auth/me").json()["token"]["scopes"];
        assert_eq!(*scopes, json!(["read", "track"]));
    }
    set(json!({"role": "admin"}));
    for token in [&session, &program] {
        assert_eq!(api.get_as(token, "/admin/users").status, 200);
    }
    set(json!({"is_active": false}));
    api.get_as(&session, "/admin/users").problem(401, "invalid_token");
    api.get_as(&program, "/admin/users").problem(401, "invalid_token");
    api.get_as(&program, "/stock-data").problem(401, "invalid_token");
    api.log_in("boss", PASSWORD).problem(401, "invalid_credentials");
    set(json!({"is_active": true}));
    // A session has ended; a program's token was only of no use meanwhile.
    api.get_as(&session, "/stock-data").problem(401, "invalid_token");
    assert_eq!(api.get_as(&program, "/admin/users").status, 200);
}

#[test]
fn a_local_proxy_does_not_make_its_clients_local() {
    // One that nobody told the server of: then who asked is not known, but that it is a proxy is.
    let api = serve(|settings| settings);
    assert_eq!(api.get("/metrics").status, 200);
    api.get_with("/metrics", &[("x-forwarded-for", "198.51.100.7")])
        .problem(401, "unauthenticated");
}
