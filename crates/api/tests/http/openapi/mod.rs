//! The API's description of itself: that it is whole, and that it is true.

mod clients;
mod docs;
mod schema;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use cream_api::ErrorCode;
use serde_json::{Value, json};

use crate::support::{Answer, Api, filled};
use schema::violations;
use world::World;

pub(crate) fn document(api: &Api) -> Value {
    let answer = api.get("/openapi.json");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Every operation with its path and its method, in capitals.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (path.as_str(), method.to_ascii_uppercase(), operation))
    })
}

/// What stands behind a reference, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(pointer) => document.pointer(pointer.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

#[test]
fn the_document_has_the_routes_of_the_table_and_no_other() {
    let api = filled();
    let document = document(api);
    let described: BTreeSet<(String, String)> =
        operations(&document).map(|(path, method, _)| (path.to_owned(), method)).collect();
    let index = api.get("/").json();
    let routes: BTreeSet<(String, String)> = index["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| {
            let methods = route["methods"].as_str().unwrap();
            (route["path"].as_str().unwrap().to_owned(), methods.replace("GET, HEAD", "GET"))
        })
        .collect();
    assert_eq!(described, routes);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_operation_says_all_that_a_client_needs() {
    let document = document(filled());
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} is there twice");
        for name in ["summary", "description"] {
            assert!(operation[name].as_str().is_some_and(|text| !text.is_empty()), "{id} {name}");
        }
        assert!(operation["security"].is_array(), "{id}");
        assert!(tags.contains(&&operation["tags"][0]), "{id}");
        let empty = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&empty);
        let in_path = parameters.iter().filter(|one| one["in"] == "path").count();
        assert_eq!(in_path, path.matches('{').count(), "{id}");
        for parameter in parameters {
            let name = &parameter["name"];
            assert!(parameter["description"].is_string(), "{id} {name}");
            // Nobody can make up a cursor.
            if name != "cursor" {
                let found = violations(&document, &parameter["schema"], &parameter["example"]);
                assert!(found.is_empty(), "{id} {name}: {found:?}");
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(
            body.is_object(),
            ["POST", "PATCH"].contains(&&*method) && !["logOut", "retryResponse"].contains(&id),
            "{id}"
        );
        if body.is_object() {
            let schema = resolved(&document, body);
            assert_eq!(schema["additionalProperties"], false, "{id}");
            assert_eq!(violations(&document, schema, &schema["example"]), [""; 0], "{id}");
        }
        let mut successes = 0;
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(&document, response);
            assert!(response["description"].is_string(), "{id} {status}");
            for name in ["X-Request-Id", "RateLimit", "RateLimit-Policy"] {
                let header = resolved(&document, &response["headers"][name]);
                assert!(header["schema"].is_object(), "{id} {status} {name}");
            }
            let json = &response["content"]["application/json"];
            if status.starts_with('2') {
                successes += 1;
                if json.is_object() && id != "getDocument" {
                    let found = violations(&document, &json["schema"], &json["example"]);
                    assert!(found.is_empty(), "the example of {id}: {found:?}");
                }
            } else if status != "304" {
                let problem = &response["content"]["application/problem+json"];
                for (name, example) in problem["examples"].as_object().unwrap() {
                    let found = violations(&document, &problem["schema"], &example["value"]);
                    assert!(found.is_empty(), "{id} {name}: {found:?}");
                }
            }
        }
        assert!(successes > 0, "{id}");
    }
}

#[test]
fn every_code_of_an_error_is_in_the_document() {
    let document = document(filled());
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
    let schema = &document["components"]["schemas"]["ErrorCodeName"];
    assert_eq!(schema["enum"], json!(codes));
    for code in ErrorCode::ALL {
        let row = format!("| `{code}` | {} | {} |", code.status(), code.meaning());
        assert!(schema["description"].as_str().unwrap().contains(&row), "{row}");
    }
}

/// Answers, held against what the document says of their operation.
struct Judge {
    document: Value,
    /// The answers seen: operation and status.
    seen: BTreeSet<(String, u16)>,
}

impl Judge {
    fn judge(&mut self, id: &str, answer: &Answer) {
        let (status, media) = (answer.status.to_string(), answer.header("content-type"));
        let media = media.split(';').next().unwrap();
        let (.., operation) = operations(&self.document)
            .find(|(.., operation)| operation["operationId"] == id)
            .unwrap_or_else(|| panic!("no operation {id}"));
        let response = resolved(&self.document, &operation["responses"][&status]);
        assert!(response.is_object(), "{id} does not describe {status}: {}", answer.text());
        for (name, header) in response["headers"].as_object().unwrap() {
            let is_required = resolved(&self.document, header)["required"] == true;
            let is_there = !answer.header(&name.to_ascii_lowercase()).is_empty();
            assert!(is_there || !is_required, "{id} {status} lacks {name}");
        }
        let Some(content) = response["content"].as_object() else {
            assert!(answer.body.is_empty(), "{id} {status}");
            self.seen.insert((id.to_owned(), answer.status));
            return;
        };
        // The document may tell a type's parameters too.
        let of_type = |(name, _): &(&String, &Value)| name.split(';').next() == Some(media);
        let (_, described) =
            content.iter().find(of_type).unwrap_or_else(|| panic!("{id} {status} {media}"));
        if media.ends_with("json") {
            let found = violations(&self.document, &described["schema"], &answer.json());
            assert!(found.is_empty(), "{id} {status}: {found:?} in {}", answer.text());
        }
        self.seen.insert((id.to_owned(), answer.status));
    }
}

/// What is asked of an operation that only reads.
const READS: &[(&str, &str)] = &[
    ("getIndex", "/"),
    ("getIndex", "/?x=1"),
    ("getDocument", "/openapi.json"),
    ("getDocument", "/openapi.json?x=1"),
    ("getDocs", "/docs"),
    ("getDocs", "/docs?x=1"),
    ("getAsset", "/docs/start.js"),
    ("getAsset", "/docs/swagger-ui.css"),
    ("getAsset", "/docs/swagger-ui-bundle.js"),
    ("getAsset", "/docs/favicon-32x32.png"),
    ("getAsset", "/docs/index.html"),
    ("listStocks", "/stock-data"),
    ("listStocks", "/stock-data?q=nothing"),
    ("listStocks", "/stock-data?limit=1"),
    ("listStocks", "/stock-data?limit=0"),
    ("getLatestBar", "/stock-data/TSLA"),
    ("getLatestBar", "/stock-data/BRK%2FB"),
    ("getLatestBar", "/stock-data/EMPTY"),
    ("getLatestBar", "/stock-data/NONE"),
    ("getLatestBar", "/stock-data/-"),
    ("getLatestBar", "/stock-data/TSLA?vendor=csv"),
    ("getHistory", "/stock-data/TSLA/history"),
    ("getHistory", "/stock-data/TSLA/history?limit=2&order=desc"),
    ("getHistory", "/stock-data/TSLA/history?interval=1mo&adjustment=all"),
    ("getHistory", "/stock-data/TNG/history?adjustment=all"),
    ("getHistory", "/stock-data/TSLA/history?start=1990-01-01&end=1990-02-01"),
    ("getHistory", "/stock-data/TSLA/history?format=csv"),
    ("getHistory", "/stock-data/TSLA/history?format=arrow"),
    ("getHistory", "/stock-data/TSLA/history?format=parquet"),
    ("getHistory", "/stock-data/STQ/history?adjustment=all"),
    ("getHistory", "/stock-data/TSLA/history?vendor=csv"),
    ("getHistory", "/stock-data/TSLA/history?start=x"),
    ("getHistories", "/stock-data/history?symbols=TSLA,NONE,%20,STQ,EMPTY&adjustment=splits"),
    ("getHistories", "/stock-data/history?symbols=TNG&adjustment=all"),
    ("getHistories", "/stock-data/history"),
    ("listActions", "/stock-data/TSLA/actions"),
    ("listActions", "/stock-data/TSLA/actions?start=2030-01-01"),
    ("listActions", "/stock-data/TSLA/actions?vendor=stooq"),
    ("listResponses", "/stock-data/TSLA/responses"),
    ("listResponses", "/stock-data/TSLA/responses?limit=1&vendor=yahoo-chart"),
    ("listResponses", "/stock-data/TIE/responses"),
    ("listResponses", "/stock-data/NONE/responses"),
    ("getChart", "/v8/finance/chart/TSLA?range=max&events=div,splits,capitalGains"),
    ("getChart", "/v8/finance/chart/TSLA?period1=0&period2=1"),
    ("getChart", "/v8/finance/chart/EMPTY?includeAdjustedClose=false"),
    ("getChart", "/v8/finance/chart/NONE"),
    ("getChart", "/v8/finance/chart/STQ"),
    ("getChart", "/v8/finance/chart/TSLA?range=x"),
    ("getLiveness", "/health/live"),
    ("getReadiness", "/health/ready"),
    ("getMetrics", "/metrics"),
];

#[test]
fn every_answer_is_as_the_document_says() {
    let world = World::new();
    let World { api, admin, user, reader } = &world;
    let mut judge = Judge { document: document(api), seen: BTreeSet::new() };
    for (id, path) in READS {
        judge.judge(id, &api.get(path));
        judge.judge(id, &world.send("GET", path, reader, None));
        let etag = api.get(path).header("etag").to_owned();
        if !etag.is_empty() {
            let again = api.get_with(path, &[("if-none-match", &etag)]);
            assert_eq!(again.status, 304, "{path}");
            judge.judge(id, &again);
        }
        // A token that is good for nothing, no encoding that is, and too long.
        judge.judge(id, &world.send("GET", path, "cream_x", None));
        judge.judge(id, &api.get_with(path, &[("accept-encoding", "identity;q=0, *;q=0")]));
        judge.judge(id, &api.get(&format!("{path}{}", "?".repeat(40_000))));
    }
    judge.judge("getIndex", &api.get_with("/", &[("content-length", "99999999")]));
    for (id, path) in [
        ("listUsers", "/admin/users"),
        ("listEvents", "/admin/audit"),
        ("listTokens", "/auth/tokens"),
        ("getMe", "/auth/me"),
        ("listTracked", "/stock-data/track"),
        ("listArchived", "/admin/responses"),
        ("listWorkers", "/admin/tasks"),
    ] {
        for token in [admin, user, reader, "", "x"] {
            judge.judge(id, &world.send("GET", path, token, None));
        }
        judge.judge(id, &world.send("GET", &format!("{path}?x=1"), admin, None));
        judge.judge(id, &world.send("GET", &format!("{path}?limit=1"), admin, None));
    }
    judge.judge("listEvents", &world.send("GET", "/admin/audit?kind=tracked", admin, None));
    let right = json!({"name": "ann", "password": world::PASSWORD});
    let wrong = json!({"name": "ann", "password": "?"});
    let added = json!({"name": "eve", "role": "user"});
    let token = json!({"name": "a", "scopes": ["read"]});
    let new = json!({"current": world::PASSWORD, "new": "another evening by it"});
    let refused = json!({"current": "?", "new": "another evening by it"});
    let (tesla, eodhd) = (json!({"symbol": "tsla"}), json!({"symbol": "TSLA", "vendor": "eodhd"}));
    let writes: &[(&str, &str, &str, &str, &Value, u16)] = &[
        ("logIn", "POST", "/auth/login", "", &right, 200),
        ("logIn", "POST", "/auth/login", "", &wrong, 401),
        ("logIn", "POST", "/auth/login", "", &added, 400),
        ("logIn", "POST", "/auth/login?x=1", "", &right, 400),
        ("addUser", "POST", "/admin/users", admin, &added, 201),
        ("addUser", "POST", "/admin/users", admin, &added, 409),
        ("addUser", "POST", "/admin/users", admin, &wrong, 400),
        ("addUser", "POST", "/admin/users", user, &added, 403),
        ("changeUser", "PATCH", "/admin/users/3", admin, &json!({"is_active": false}), 200),
        ("changeUser", "PATCH", "/admin/users/1", admin, &json!({"role": "user"}), 409),
        ("changeUser", "PATCH", "/admin/users/1", admin, &json!({"role": "king"}), 400),
        ("changeUser", "PATCH", "/admin/users/99", admin, &json!({}), 404),
        ("createToken", "POST", "/auth/tokens", user, &token, 201),
        ("createToken", "POST", "/auth/tokens", reader, &token, 403),
        ("createToken", "POST", "/auth/tokens", user, &right, 400),
        ("revokeToken", "DELETE", "/auth/tokens/5", user, &Value::Null, 204),
        ("revokeToken", "DELETE", "/auth/tokens/5", user, &Value::Null, 404),
        ("revokeToken", "DELETE", "/auth/tokens/1", reader, &Value::Null, 403),
        ("changePassword", "POST", "/auth/password", user, &new, 204),
        ("changePassword", "POST", "/auth/password", user, &refused, 403),
        ("changePassword", "POST", "/auth/password", "", &new, 401),
        ("trackStock", "POST", "/stock-data/track", user, &tesla, 201),
        ("trackStock", "POST", "/stock-data/track", user, &tesla, 200),
        ("trackStock", "POST", "/stock-data/track", user, &eodhd, 400),
        ("trackStock", "POST", "/stock-data/track", reader, &tesla, 403),
        ("listTracked", "GET", "/stock-data/track", admin, &Value::Null, 200),
        ("untrackStock", "DELETE", "/stock-data/tracked/TSLA", user, &Value::Null, 403),
        ("untrackStock", "DELETE", "/stock-data/tracked/TSLA", admin, &Value::Null, 204),
        ("untrackStock", "DELETE", "/stock-data/tracked/TSLA", admin, &Value::Null, 404),
        ("retryResponse", "POST", "/admin/responses/2/retry", admin, &Value::Null, 202),
        ("retryResponse", "POST", "/admin/responses/1/retry", admin, &Value::Null, 409),
        ("retryResponse", "POST", "/admin/responses/99/retry", admin, &Value::Null, 404),
        ("logOut", "POST", "/auth/logout", user, &Value::Null, 204),
        ("logOut", "POST", "/auth/logout", user, &Value::Null, 401),
    ];
    for (id, method, path, token, body, status) in writes {
        let body = Some(*body).filter(|body| !body.is_null());
        let answer = world.send(method, path, token, body);
        assert_eq!(answer.status, *status, "{id}: {}", answer.text());
        judge.judge(id, &answer);
    }
    // Nothing was left out.
    for (_, _, operation) in operations(&judge.document) {
        let id = operation["operationId"].as_str().unwrap();
        let is_seen = judge.seen.iter().any(|(seen, status)| seen == id && *status < 300);
        assert!(is_seen, "no successful answer of {id} was looked at");
    }
}

#[test]
fn examples_are_answers_of_the_server() {
    let world = World::new();
    let document = document(&world.api);
    let mut wrong = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        let json = &operation["responses"]["200"]["content"]["application/json"];
        let id = operation["operationId"].as_str().unwrap();
        if method != "GET" || json.is_null() || id == "getDocument" {
            continue;
        }
        let example = &json["example"];
        let answer = world.send("GET", &example_url(path, operation), &world.admin, None);
        let mut found = answer.json();
        // What differs from run to run: checked by the schema alone.
        let is_of_the_moment =
            ["getMe", "listTokens", "listUsers", "listEvents", "listTracked", "listWorkers"]
                .contains(&id);
        if id == "getIndex" {
            let routes = found["routes"].as_array_mut().unwrap();
            routes.truncate(2);
            found["version"] = example["version"].clone();
        }
        if answer.status != 200 || (!is_of_the_moment && found != *example) {
            wrong.insert(id, found);
        }
    }
    assert!(wrong.is_empty(), "these belong into examples.json: {}", json!(wrong));
}

/// The URL of the examples of all parameters that make a difference.
fn example_url(path: &str, operation: &Value) -> String {
    let mut url = path.to_owned();
    let empty = Vec::new();
    let mut separator = '?';
    for parameter in operation["parameters"].as_array().unwrap_or(&empty) {
        let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
        let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str() {
            Some("path") => url = url.replace(&format!("{{{name}}}"), &text),
            // A period goes before a range, and is another example.
            Some("query") if name != "cursor" && !name.starts_with("period") => {
                url.push_str(&format!("{separator}{name}={}", text.replace('"', "%22")));
                separator = '&';
            }
            _ => {}
        }
    }
    url
}
