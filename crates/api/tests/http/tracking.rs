//! Which stocks are tracked, said and seen by those who may.

use cream_auth::{Role, Scope, Scopes};
use cream_models::{Symbol, Vendor};
use cream_store::{AuditQuery, Store, StoreOptions, Tracked};
use serde_json::{Value, json};

use crate::holders::{call, token};
use crate::support::{Answer, Api};

/// A server, and the tokens of a user and of an admin.
struct Site {
    api: Api,
    user: String,
    admin: String,
}

impl Site {
    fn new(max: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cream.db").display());
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        let user = token(&store, "una", Role::User, Scopes::ALL);
        let admin = token(&store, "ada", Role::Admin, Scopes::ALL);
        let askable = vec![Vendor::YahooChart, Vendor::Stooq, Vendor::Eodhd];
        let api = Api::serve(folder, store, |settings| {
            settings.with_tracking(Vendor::YahooChart, askable, max)
        });
        Self { api, user, admin }
    }

    fn track(&self, token: &str, body: Value) -> Answer {
        call(&self.api, "POST", "/stock-data/track", token, &body.to_string())
    }

    fn untrack(&self, path: &str) -> Answer {
        call(&self.api, "DELETE", &format!("/stock-data/tracked/{path}"), &self.admin, "")
    }

    fn list(&self, query: &str) -> Answer {
        call(&self.api, "GET", &format!("/stock-data/track{query}"), &self.admin, "")
    }

    /// The symbols and vendors of a list.
    fn listed(&self, query: &str) -> Vec<String> {
        let answer = self.list(query);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let list = answer.json();
        let stocks = list["stocks"].as_array().unwrap();
        assert_eq!(list["count"], stocks.len());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        stocks.iter().map(|row| text(&row["symbol"]) + " " + &text(&row["vendor"])).collect()
    }

    fn tracked(&self, symbol: &str, vendor: Vendor) -> Option<Tracked> {
        let symbol = Symbol::parse(symbol).unwrap();
        let read = self.api.store.read(|reader| match reader.stock(&symbol)? {
            Some(stock) => reader.tracked(stock.id, vendor),
            None => Ok(None),
        });
        read.unwrap()
    }

    /// Who did what, the first first.
    fn events(&self) -> Vec<String> {
        let query = AuditQuery { kind: None, account: None, before: None, limit: 99 };
        let events = self.api.store.read(|reader| reader.audit_events(&query)).unwrap();
        let told = events.iter().rev().map(|event| {
            assert!(event.request_id.is_some() && event.actor_name.is_some());
            let account = event.account.as_deref().unwrap();
            format!("{account} {}: {}", event.kind, event.detail.as_deref().unwrap())
        });
        told.collect()
    }
}

#[test]
fn a_stock_is_tracked_once_and_stands_as_the_answer_says() {
    let site = Site::new(100);
    let first = site.track(&site.user, json!({"symbol": "brk-b"}));
    assert_eq!((first.status, first.header("cache-control")), (201, "no-store"));
    let tracked = site.tracked("BRK-B", Vendor::YahooChart).unwrap();
    let due = tracked.next_pull_at.unwrap().to_string();
    assert_eq!(
        first.json(),
        json!({
            "symbol": "BRK-B", "vendor": "yahoo-chart", "vendor_symbol": "BRK-B",
            "is_active": true, "status": "pending", "error": null, "failures": 0,
            "last_pull_at": null, "next_pull_at": due, "unknown_since": null,
            "untracked_at": null, "lease_until": null
        })
    );
    let again = site.track(&site.user, json!({"symbol": "BRK-B", "vendor": null}));
    assert_eq!((again.status, again.json()), (200, first.json()));
    let other = site.track(&site.user, json!({"symbol": "BRK-B", "vendor": "stooq"}));
    assert_eq!((other.status, &other.json()["vendor_symbol"]), (201, &json!("brk-b.us")));
    let own = json!({"symbol": "ES=F", "vendor": "stooq", "vendor_symbol": "es.f"});
    let own = site.track(&site.user, own);
    assert_eq!((own.status, &own.json()["vendor_symbol"]), (201, &json!("es.f")));
    assert_eq!(
        site.events(),
        [
            "una tracked: BRK-B of yahoo-chart as BRK-B",
            "una tracked: BRK-B of stooq as brk-b.us",
            "una tracked: ES=F of stooq as es.f",
        ]
    );
}

#[test]
fn what_cannot_be_tracked_is_refused_and_leaves_nothing() {
    let site = Site::new(100);
    let refused = |body: Value, status, code| site.track(&site.user, body).problem(status, code);
    let problem = refused(json!({"symbol": "ES=F", "vendor": "eodhd"}), 422, "unknown_spelling");
    assert!(problem["detail"].as_str().unwrap().contains("how eodhd spells ES=F is not known"));
    let fields = |problem: &Value| -> Vec<String> {
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    };
    for (body, expected) in [
        (json!({"symbol": "A B"}), vec!["symbol"]),
        (json!({"symbol": ""}), vec!["symbol"]),
        (json!({"symbol": "AAPL", "vendor": "csv"}), vec!["vendor"]),
        (json!({"symbol": "AAPL", "vendor": "tiingo"}), vec!["vendor"]),
        (json!({"symbol": "..", "vendor": "nobody"}), vec!["symbol", "vendor"]),
        (json!({"symbol": "AAPL", "vendor_symbol": "a b"}), vec!["vendor_symbol"]),
    ] {
        let problem = refused(body.clone(), 400, "invalid_body");
        assert_eq!(fields(&problem), expected, "{body}: {problem}");
    }
    let problem = refused(json!({"symbol": "AAPL", "vendor": "csv"}), 400, "invalid_body");
    let message = problem["errors"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("can be asked: yahoo-chart, stooq, eodhd"), "{message}");
    for body in [json!({}), json!({"symbol": 1}), json!({"symbol": "A", "x": 1}), json!([])] {
        refused(body, 400, "invalid_body");
    }
    assert_eq!((site.listed(""), site.events().len()), (vec![], 0));
}

#[test]
fn what_an_admin_ended_a_user_does_not_begin_again() {
    let site = Site::new(100);
    for vendor in ["yahoo-chart", "stooq", "eodhd"] {
        assert_eq!(site.track(&site.user, json!({"symbol": "A", "vendor": vendor})).status, 201);
    }
    let ended = site.untrack("a?vendor=stooq");
    assert_eq!((ended.status, ended.body.len()), (204, 0));
    assert_eq!(site.listed("?active=true"), ["A yahoo-chart", "A eodhd"]);
    let row = site.tracked("A", Vendor::Stooq).unwrap();
    assert!(!row.is_active && row.untracked_at.is_some(), "the record stays: {row:?}");
    site.untrack("A?vendor=stooq").problem(404, "not_tracked");
    assert_eq!(site.untrack("A").status, 204);
    site.untrack("A").problem(404, "not_tracked");
    site.untrack("NEVER").problem(404, "not_tracked");
    site.untrack("A%20B").problem(400, "invalid_symbol");
    site.untrack("A?vendor=x").problem(400, "invalid_parameters");

    let again = json!({"symbol": "A", "vendor": "stooq"});
    let problem = site.track(&site.user, again.clone()).problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("only an admin"), "{problem}");
    let narrow = token(&site.api.store, "eve", Role::Admin, [Scope::Track].into_iter().collect());
    site.track(&narrow, again.clone()).problem(403, "forbidden");
    assert_eq!(site.track(&site.admin, again.clone()).status, 201);
    assert_eq!(site.track(&site.user, again).status, 200);
    let spelled = json!({"symbol": "A", "vendor": "stooq", "vendor_symbol": "b.us"});
    site.track(&site.user, spelled.clone()).problem(403, "forbidden");
    assert_eq!(site.track(&site.admin, spelled).json()["vendor_symbol"], "b.us");
    assert_eq!(
        site.events()[3..],
        [
            "ada untracked: A of stooq",
            "ada untracked: A of yahoo-chart, eodhd",
            "ada tracked: A of stooq as a.us",
        ]
    );
}

#[test]
fn a_symbol_in_the_path_may_hold_a_slash() {
    let site = Site::new(100);
    assert_eq!(site.track(&site.user, json!({"symbol": "BRK/B"})).status, 201);
    assert_eq!(site.untrack("BRK%2FB").status, 204);
}

#[test]
fn users_add_so_many_and_admins_more() {
    let site = Site::new(2);
    for symbol in ["A", "B"] {
        assert_eq!(site.track(&site.user, json!({ "symbol": symbol })).status, 201);
    }
    let problem = site.track(&site.user, json!({"symbol": "C"})).problem(409, "too_many_tracked");
    assert_eq!(problem["detail"], "2 stocks are tracked, and users may add no more");
    assert_eq!(site.track(&site.user, json!({"symbol": "A"})).status, 200);
    assert_eq!(site.track(&site.admin, json!({"symbol": "C"})).status, 201);
    assert_eq!((site.untrack("A").status, site.untrack("B").status), (204, 204));
    assert_eq!(site.track(&site.user, json!({"symbol": "D"})).status, 201);
}

#[test]
fn what_is_tracked_is_listed_in_pages() {
    let site = Site::new(100);
    for (symbol, vendor) in [("B", "stooq"), ("A", "eodhd"), ("B", "yahoo-chart"), ("C", "eodhd")] {
        let body = json!({"symbol": symbol, "vendor": vendor});
        assert_eq!(site.track(&site.user, body).status, 201);
    }
    assert_eq!(site.untrack("C").status, 204);
    let all = ["A eodhd", "B yahoo-chart", "B stooq", "C eodhd"];
    assert_eq!(site.listed(""), all);
    assert_eq!(site.listed("?vendor=eodhd"), ["A eodhd", "C eodhd"]);
    assert_eq!(site.listed("?active=false"), ["C eodhd"]);
    assert_eq!(site.listed("?active=true&vendor=eodhd&status=pending"), ["A eodhd"]);
    assert_eq!(
        site.list("?status=failed").json()["reason"],
        "nothing like this is tracked, or was"
    );

    let (mut seen, mut query) = (Vec::new(), "?limit=1&active=true".to_owned());
    loop {
        seen.extend(site.listed(&query));
        let answer = site.list(&query);
        let Some(next) = answer.json()["next"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=1&active=true&cursor={next}");
        let link = answer.header("link").to_owned();
        assert!(link.contains(&next) && link.starts_with("</stock-data/track?"), "{link}");
    }
    assert_eq!(seen, all[..3]);
    let foreign = query.replace("active=true", "active=false");
    site.list(&foreign).problem(400, "invalid_parameters");
    for bad in ["?active=1", "?status=lost", "?vendor=x", "?limit=0", "?cursor=00", "?symbol=A"] {
        site.list(bad).problem(400, "invalid_parameters");
    }
}

#[test]
fn a_route_takes_its_scope() {
    let site = Site::new(100);
    let reader = token(&site.api.store, "rob", Role::User, [Scope::Read].into_iter().collect());
    site.track(&reader, json!({"symbol": "A"})).problem(403, "forbidden");
    for (method, path) in [("GET", "/stock-data/track"), ("DELETE", "/stock-data/tracked/A")] {
        call(&site.api, method, path, &site.user, "").problem(403, "forbidden");
        site.api.send(method, path, &[]).problem(401, "unauthenticated");
    }
    // A symbol of that name is read in capitals, as any other.
    site.api.get("/stock-data/TRACK").problem(404, "unknown_symbol");
    site.api.get("/stock-data/tracked").problem(404, "unknown_symbol");
    site.api.get("/stock-data/tracked/history").problem(404, "unknown_symbol");
    let refused = call(&site.api, "PUT", "/stock-data/track", &site.admin, "");
    refused.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), "POST, GET, HEAD");
}
