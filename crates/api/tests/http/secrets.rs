//! Tokens, passwords and digests are told to nobody but their owner: not to the log, not in an
//! error, not to the table of events.

use cream_auth::{Role, Scopes, TokenKind};
use cream_store::AuditQuery;
use serde_json::{Value, json};

use crate::logs::{all_that_was_logged, keep_records, record};
use crate::people::{HOUR, MANY, add_token, add_user, after, digest, serve};
use crate::support::{Answer, Api};

const RIGHT: &str = "Zq7-right-horse-battery";
const NEW: &str = "Zq7-other-horse-battery";
const WRONG: &str = "Zq7-wrong-horse-battery";
/// Typed as a number, and refused for it.
const NUMBER: u64 = 770_077_007_700_770;

/// A run through all that takes a secret, rightly and wrongly.
struct Run {
    api: Api,
    secrets: Vec<String>,
    refusals: Vec<Answer>,
}

impl Run {
    fn ask(&mut self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let answer = self.api.ask_json(method, path, token, body);
        self.keep(answer)
    }

    fn get(&mut self, path: &str, headers: &[(&str, &str)]) {
        let answer = self.api.get_with(path, headers);
        self.keep(answer);
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        if answer.status >= 400 {
            let Answer { status, headers, body } = &answer;
            let (status, headers, body) = (*status, headers.clone(), body.clone());
            self.refusals.push(Answer { status, headers, body });
        }
        answer
    }

    fn token_of(&mut self, answer: &Answer) -> String {
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        self.is_secret(&token);
        token
    }

    fn is_secret(&mut self, token: &str) {
        self.secrets.push(token.to_owned());
        let digest = digest(token);
        let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.secrets.extend([hex.to_uppercase(), hex]);
    }
}

#[test]
fn no_secret_is_told() {
    keep_records();
    let api = serve(|settings| {
        settings.with_logins(std::time::Duration::from_secs(3600), MANY).with_open_reading(false)
    });
    add_user(&api.store, "ann", Role::User, Some(RIGHT));
    let root = add_user(&api.store, "root", Role::Admin, None);
    let (_, admin) = add_token(&api.store, root, TokenKind::Api, Scopes::ALL, after(HOUR));
    let secrets = [RIGHT, NEW, WRONG].map(str::to_owned).to_vec();
    let mut run = Run { api, secrets, refusals: Vec::new() };
    run.secrets.push(NUMBER.to_string());
    run.is_secret(&admin);

    // As it should be.
    let login = |password: &str| json!({"name": "ann", "password": password});
    let answer = run.ask("POST", "/auth/login", None, &login(RIGHT));
    let session = run.token_of(&answer);
    let wanted = json!({"name": "x", "scopes": ["read"]});
    let answer = run.ask("POST", "/auth/tokens", Some(&session), &wanted);
    let program = run.token_of(&answer);
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    run.ask("POST", "/auth/password", Some(&session), &change(WRONG, NEW));
    run.ask("POST", "/auth/password", Some(&session), &change(RIGHT, NEW));
    run.ask(
        "POST",
        "/admin/users",
        Some(&admin),
        &json!({
            "name": "bob", "role": "user", "password": RIGHT,
        }),
    );

    // Wrong in every way that quotes what was given.
    run.ask("POST", "/auth/login", None, &login(WRONG));
    for body in [
        json!({"name": "ann", "password": NUMBER}),
        json!({"name": "ann", "password": [RIGHT]}),
        json!({"name": "ann", "password": {"is": RIGHT}}),
        json!({"name": {"is": RIGHT}, "password": RIGHT}),
        json!({"name": "ann", "pasword": RIGHT}),
        json!({"name": "ann", "password": RIGHT, session.clone(): true}),
        json!(RIGHT),
        json!([RIGHT]),
        json!(session),
        json!({"name": session, "password": RIGHT}),
        json!({"name": format!("{session} "), "password": RIGHT}),
    ] {
        run.ask("POST", "/auth/login", None, &body);
    }
    for token in [&session, &program, &admin] {
        for body in [
            json!({"name": "y", "scopes": [token]}),
            json!({"name": "y", "scopes": token}),
            json!({"name": "y", "scopes": ["read"], "expires_in_days": token}),
            json!({"name": "y", "scopes": ["read"], token.as_str(): 1}),
            // Named after itself: the name is kept, and the event is told nothing of it.
            json!({"name": token, "scopes": ["read"]}),
            json!({"name": format!("{token}\u{1}"), "scopes": ["read"]}),
        ] {
            run.ask("POST", "/auth/tokens", Some(&session), &body);
        }
        for body in [
            json!({"name": token, "role": "user"}),
            json!({"name": format!(" {token}"), "role": "user"}),
            json!({"name": "y", "role": token}),
            json!({"name": "y", "role": token, "password": RIGHT}),
            json!({"name": "y", "role": "user", "password": "Zq7"}),
        ] {
            run.ask("POST", "/admin/users", Some(&admin), &body);
        }
        for path in ["/", "/stock-data/", "/auth/", "/admin/users/", "/v8/finance/chart/"] {
            let bearer = format!("Bearer {session}");
            run.get(&format!("{path}{token}"), &[("authorization", &bearer)]);
            run.get(&format!("{path}{token}/x?token={token}&{token}=1"), &[]);
        }
        let path = format!("/auth/tokens/{token}");
        let answer =
            run.api.send("DELETE", &path, &[("authorization", &format!("Bearer {session}"))]);
        run.keep(answer);
        for query in ["limit", "q", "cursor", "access_token"] {
            let path = format!("/stock-data?{query}={token}");
            run.get(&path, &[("authorization", &format!("Bearer {session}"))]);
        }
        for query in ["start", "vendor", "interval", "cursor", "symbols"] {
            let bearer = format!("Bearer {session}");
            let headers = [("authorization", bearer.as_str())];
            run.get(&format!("/stock-data/TSLA/history?{query}={token}"), &headers);
            run.get(&format!("/v8/finance/chart/TSLA?{query}={token}&range={token}"), &headers);
        }
        run.get(
            &format!("/admin/audit?kind={token}"),
            &[("authorization", &format!("Bearer {admin}"))],
        );
        for value in [
            token.clone(),
            format!("Basic {token}"),
            format!("Bearer {token}x"),
            format!("Bearer {}", &token[..token.len() - 1]),
            format!("Bearer: {token}"),
        ] {
            run.get("/auth/me", &[("authorization", &value)]);
        }
        for name in [
            "x-request-id",
            "x-api-key",
            "cookie",
            "accept",
            "content-type",
            "origin",
            "x-forwarded-for",
            "if-none-match",
            "referer",
            "user-agent",
        ] {
            run.get("/auth/me", &[(name, token)]);
            run.get("/stock-data?limit=0", &[(name, token)]);
        }
        let answer = run.api.send_body("POST", "/auth/login", &[("content-type", token)], b"{}");
        run.keep(answer);
        let answer = run.api.send(token, "/stock-data", &[]);
        run.keep(answer);
    }
    let out = run.ask("POST", "/auth/logout", Some(&session), &json!({}));
    assert_eq!(out.status, 204);
    run.ask("GET", "/auth/me", Some(&session), &json!({}));
    run.get("/nowhere", &[("x-request-id", "the-last-of-secrets")]);
    record("request", "the-last-of-secrets");

    assert!(run.refusals.len() > 150, "{}", run.refusals.len());
    // Of a token, as much of it as no one may know.
    let told = |text: &str| {
        let is_told = |secret: &&String| {
            let known = secret.rfind('_').map_or(0, |at| at + 1);
            text.contains(&secret[known..][..(secret.len() - known).min(24)])
        };
        run.secrets.iter().find(is_told).cloned()
    };
    for refusal in &run.refusals {
        let text = format!("{} {:?} {}", refusal.status, refusal.headers, refusal.text());
        assert_eq!(told(&text), None, "{text}");
    }
    let query = AuditQuery { kind: None, account: None, before: None, limit: 1_000 };
    let events = run.api.store.read(|reader| reader.audit_events(&query)).unwrap();
    assert!(events.len() > 10);
    for event in events {
        assert_eq!(told(&format!("{event:?}")), None, "{event:?}");
    }
    let log = all_that_was_logged();
    assert!(log.len() > 150);
    for line in log {
        assert_eq!(told(&line), None, "{line}");
        assert!(!line.contains("$argon2id$"), "{line}");
    }
}
