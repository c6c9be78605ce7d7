//! What admins see of responses and workers, and ask of them.

use cream_auth::{Role, Scopes};
use cream_models::Timestamp;
use cream_store::{
    AuditQuery, Beat, DeadResponse, Lease, NewResponse, NewWorker, ResponseId, ResponseStatus,
    Store, StoreError, TaskOutcome, TaskState,
};
use serde_json::{Value, json};

use crate::holders::{call, token};
use crate::support::{Answer, Api, at};

const DUE: &str = "2025-06-17T02:00:00Z";

/// A server, and the token of an admin.
fn started(fill: impl FnOnce(&Store)) -> (Api, String) {
    let api = Api::start(true, fill);
    let admin = token(&api.store, "ada", Role::Admin, Scopes::ALL);
    (api, admin)
}

/// Two dead letters and one that waits, in this order.
fn three(store: &Store) {
    let registered_at = at("2025-06-16T02:00:00Z");
    let until = registered_at.plus_seconds(60);
    let written = store.write(|writer| -> Result<(), StoreError> {
        for (name, reason) in
            [("a.html", Some("truncated")), ("b.html", Some("no rows")), ("c", None)]
        {
            let file_name = name.to_owned();
            let new = NewResponse { file_name, sha256: [7; 32], byte_len: 9, registered_at };
            let lease = Lease { token: name, from: registered_at, until };
            let id = writer.register_response(&new, Some(&lease).filter(|_| reason.is_some()))?;
            if let Some(reason) = reason {
                let dead = DeadResponse {
                    stock_id: None,
                    vendor: None,
                    fetched_at: None,
                    error: reason.to_owned(),
                    next_attempt_at: Some(at(DUE)).filter(|_| name == "a.html"),
                };
                writer.finish_deadletter(id.response.id, name, &dead)?;
            }
        }
        Ok(())
    });
    written.unwrap();
}

fn get(api: &Api, path: &str, token: &str) -> Answer {
    call(api, "GET", path, token, "")
}

fn files(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    let list = list["responses"].as_array().unwrap();
    list.iter().map(|row| row["file"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn responses_are_listed_by_where_they_stand() {
    let (api, admin) = started(three);
    let list = |query: &str| get(&api, &format!("/admin/responses{query}"), &admin);
    let letters = list("");
    assert_eq!(files(&letters), ["b.html", "a.html"]);
    assert_eq!(files(&list("?status=deadletter")), ["b.html", "a.html"]);
    assert_eq!(
        letters.json()["responses"][1],
        json!({
            "id": 1, "file": "a.html", "vendor": null, "fetched_at": null,
            "registered_at": "2025-06-16T02:00:00Z", "status": "deadletter",
            "reason": "truncated", "attempts": 1, "next_attempt_at": DUE,
            "is_retry_asked": false, "lease_until": null, "sha256": "07".repeat(32), "bytes": 9
        })
    );
    assert_eq!(files(&list("?status=pending")), ["c"]);
    let none = list("?status=parsed");
    assert_eq!((files(&none), &none.json()["reason"]), (vec![], &json!("no response is parsed")));

    let first = list("?limit=1");
    assert_eq!(files(&first), ["b.html"]);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let second = list(&format!("?limit=1&cursor={next}"));
    assert_eq!((files(&second), &second.json()["next"]), (vec!["a.html".to_owned()], &Value::Null));
    list(&format!("?status=pending&cursor={next}")).problem(400, "invalid_parameters");
    for bad in ["?status=dead", "?limit=1001", "?cursor=x", "?symbol=A"] {
        list(bad).problem(400, "invalid_parameters");
    }
}

#[test]
fn another_try_is_asked_for_and_left_to_a_worker() {
    let (api, admin) = started(three);
    let ask = |id: &str| call(&api, "POST", &format!("/admin/responses/{id}/retry"), &admin, "");
    let asked = ask("2");
    assert_eq!((asked.status, asked.header("cache-control")), (202, "no-store"));
    let row = asked.json();
    let told = (&row["status"], &row["attempts"], &row["is_retry_asked"], &row["reason"]);
    assert_eq!(told, (&json!("deadletter"), &json!(0), &json!(true), &json!("no rows")));
    let stored = api.store.read(|reader| reader.response_with_id(ResponseId(2))).unwrap().unwrap();
    assert_eq!((stored.status, stored.attempts), (ResponseStatus::Deadletter, 0));
    assert_eq!(row["next_attempt_at"], stored.next_attempt_at.unwrap().to_string());
    assert_eq!(ask("2").status, 202, "asking twice is asking");

    let problem = ask("3").problem(409, "not_a_dead_letter");
    assert!(problem["detail"].as_str().unwrap().contains("is pending"), "{problem}");
    for unknown in ["99", "0", "-1", "x", "9223372036854775808"] {
        ask(unknown).problem(404, "unknown_response");
    }
    let query = AuditQuery { kind: None, account: None, before: None, limit: 9 };
    let events = api.store.read(|reader| reader.audit_events(&query)).unwrap();
    let told: Vec<_> = events.iter().map(|e| (e.kind.as_str(), e.detail.as_deref())).collect();
    assert_eq!(told, [("response_retried", Some("2: b.html")); 2]);
}

#[test]
fn workers_and_their_tasks_are_told() {
    let now: Timestamp = "2025-06-16T12:00:00Z".parse().unwrap();
    let (api, admin) = started(|store| {
        let written = store.write(|writer| -> Result<(), StoreError> {
            for base in ["quiet", "over"] {
                writer.enlist_worker(&NewWorker {
                    base: base.to_owned(),
                    host: "here".to_owned(),
                    pid: 7,
                    version: "1.2.3".to_owned(),
                    now,
                    stale_before: now.plus_seconds(-60),
                })?;
            }
            writer.set_task(&TaskState {
                worker: "quiet".to_owned(),
                task: "pull".to_owned(),
                schedule: "every 10 s".to_owned(),
                is_running: false,
                last_started_at: Some(now),
                last_ended_at: Some(now.plus_seconds(2)),
                outcome: Some(TaskOutcome::Failed),
                message: Some("away".to_owned()),
                failures: 3,
                runs: 9,
                next_run_at: Some(now.plus_seconds(12)),
            })
        });
        written.unwrap();
        store.write(|writer| writer.worker_ended("over", now, now)).unwrap();
    });
    let answer = get(&api, "/admin/tasks", &admin);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let worker = |name: &str, state: &str, ended_at: Option<&str>, tasks: Value| {
        json!({
            "name": name, "state": state, "host": "here", "pid": 7, "version": "1.2.3",
            "started_at": "2025-06-16T12:00:00Z", "seen_at": "2025-06-16T12:00:00Z",
            "ended_at": ended_at, "in_hand": 0, "tasks": tasks
        })
    };
    let pull = json!({
        "task": "pull", "schedule": "every 10 s", "is_running": false,
        "last_started_at": "2025-06-16T12:00:00Z", "last_ended_at": "2025-06-16T12:00:02Z",
        "outcome": "failed", "message": "away", "failures": 3, "runs": 9,
        "next_run_at": "2025-06-16T12:00:12Z"
    });
    let expected = [
        worker("over", "ended", Some("2025-06-16T12:00:00Z"), json!([])),
        // It was heard of years ago.
        worker("quiet", "silent", None, json!([pull])),
    ];
    assert_eq!(answer.json()["workers"], json!(expected));

    let beat = Beat {
        name: "quiet",
        pid: 7,
        started_at: now,
        now: "9000-01-01T00:00:00Z".parse().unwrap(),
        in_hand: 2,
        is_stopping: true,
    };
    api.store.write(|writer| writer.beat(&beat)).unwrap();
    let again = get(&api, "/admin/tasks", &admin).json();
    let seen = &again["workers"][1];
    assert_eq!((&seen["state"], &seen["in_hand"]), (&json!("stopping"), &json!(2)));
    get(&api, "/admin/tasks?x=1", &admin).problem(400, "invalid_parameters");
}

#[test]
fn only_admins_see_any_of_it() {
    let (api, _) = started(three);
    let user = token(&api.store, "una", Role::User, Scopes::ALL);
    for (method, path) in
        [("GET", "/admin/responses"), ("POST", "/admin/responses/1/retry"), ("GET", "/admin/tasks")]
    {
        call(&api, method, path, &user, "").problem(403, "forbidden");
        api.send(method, path, &[]).problem(401, "unauthenticated");
    }
}
