//! A filled database with people in it, and a server over it that counts no requests.

use std::time::Duration;

use cream_api::LoginLimits;
use cream_auth::{HashParams, Password, PasswordHasher, Role};
use cream_models::{Coverage, Symbol, Vendor};
use cream_store::{
    DeadResponse, Lease, NewResponse, NewUser, NewWorker, ParsedResponse, Store, StoreOptions,
    TaskOutcome, TaskState,
};
use serde_json::{Value, json};

use crate::holders::call;
use crate::support::{Answer, Api, at, bar, describe, fill};

pub(crate) const PASSWORD: &str = "quiet evening by the lake";

/// A server, and the tokens of those who ask.
pub(crate) struct World {
    pub(crate) api: Api,
    /// Of a session of an admin, who is user 1.
    pub(crate) admin: String,
    /// Of a session of a user, who is user 2.
    pub(crate) user: String,
    /// Made by the user, for a program that reads.
    pub(crate) reader: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cream.db").display());
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        fill(&store);
        fill_more(&store);
        add_admin(&store);
        let never =
            LoginLimits { of_account: u32::MAX, from_address: u32::MAX, ..LoginLimits::default() };
        let api = Api::serve(folder, store, |settings| {
            settings
                .with_requests_per_second(None)
                .with_request_timeout(Duration::from_secs(2))
                .with_password_hash(HashParams::WEAK)
                .with_logins(Duration::from_secs(3_600), never)
        });
        let mut world =
            Self { api, admin: String::new(), user: String::new(), reader: String::new() };
        world.admin = world.log_in("ann");
        let ben = json!({"name": "ben", "role": "user", "password": PASSWORD});
        let admin = world.admin.clone();
        assert_eq!(world.send("POST", "/admin/users", &admin, Some(&ben)).status, 201);
        world.user = world.log_in("ben");
        world.reader = world.new_token(&world.user, &json!(["read"]));
        world
    }

    pub(crate) fn log_in(&self, name: &str) -> String {
        let body = json!({"name": name, "password": PASSWORD});
        let answer = self.send("POST", "/auth/login", "", Some(&body));
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn new_token(&self, session: &str, scopes: &Value) -> String {
        let body = json!({"name": "notebook", "scopes": scopes});
        let answer = self.send("POST", "/auth/tokens", session, Some(&body));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with a token, unless that is empty, and a body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        call(&self.api, method, path, token, &body.map(Value::to_string).unwrap_or_default())
    }
}

fn add_admin(store: &Store) {
    let hasher = PasswordHasher::new(HashParams::WEAK).unwrap();
    let password = hasher.hash(&Password::new(PASSWORD.to_owned()).unwrap()).unwrap();
    let ann = NewUser {
        name: "ann".parse().unwrap(),
        role: Role::Admin,
        password: Some(password),
        now: at("2025-06-13T15:00:00Z"),
    };
    store.write(|writer| writer.add_user(&ann)).unwrap();
}

/// A series that cannot be adjusted, one that can in part, and responses of each status.
fn fill_more(store: &Store) {
    let bars = [bar("2025-06-10", "20.5"), bar("2025-06-13", "21")];
    let written = store.write(|writer| {
        describe(writer, "STQ", Vendor::Stooq, &bars, "2025-06-13T21:00:00Z")?;
        describe(writer, "TNG", Vendor::Tiingo, &bars, "2025-06-13T21:00:00Z")
    });
    written.unwrap();
    let moment = at("2025-06-13T15:00:00Z");
    let written = store.write(|writer| {
        writer.enlist_worker(&NewWorker {
            base: "worker".to_owned(),
            host: "here".to_owned(),
            pid: 7,
            version: "1.2.3".to_owned(),
            now: moment,
            stale_before: moment.plus_seconds(-60),
        })?;
        writer.set_task(&TaskState {
            worker: "worker".to_owned(),
            task: "pull".to_owned(),
            schedule: "every 10 s".to_owned(),
            is_running: false,
            last_started_at: Some(moment),
            last_ended_at: Some(moment.plus_seconds(2)),
            outcome: Some(TaskOutcome::Done),
            message: None,
            failures: 0,
            runs: 9,
            next_run_at: Some(moment.plus_seconds(10)),
        })
    });
    written.unwrap();
    let lease = Lease { token: "t", from: moment, until: at("2025-06-13T16:00:00Z") };
    for number in 1..=4_u8 {
        let new = NewResponse {
            file_name: format!("TSLA_yahoo-chart_2025061315000{number}.json"),
            sha256: [number; 32],
            byte_len: 1_000 + i64::from(number),
            registered_at: moment,
        };
        let written = store.write(|writer| {
            let stock_id = writer.ensure_stock(&Symbol::parse("TSLA").unwrap())?.id;
            let id = writer.register_response(&new, Some(&lease))?.response.id;
            if number == 2 {
                let dead = DeadResponse {
                    stock_id: Some(stock_id),
                    vendor: None,
                    fetched_at: None,
                    error: "no rows".to_owned(),
                    next_attempt_at: None,
                };
                return writer.finish_deadletter(id, "t", &dead);
            }
            let range = "2025-06-09..2025-06-13".parse().ok().filter(|_| number != 3);
            let parsed = ParsedResponse {
                stock_id,
                vendor: Vendor::YahooChart,
                fetched_at: moment,
                coverage: Coverage { range, ..Coverage::default() },
                inserted: 1,
                updated: 0,
                unchanged: 0,
                withdrawn: 0,
            };
            writer.finish_parsed(id, "t", &parsed)
        });
        written.unwrap();
    }
}
