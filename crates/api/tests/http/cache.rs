//! Answers that are kept.

use cream_api::ApiSettings;
use cream_models::Vendor;
use cream_store::{Store, StoreError, StoreOptions};

use crate::support::{Api, bar, describe, fill};

fn counted(api: &Api, outcome: &str) -> u64 {
    let answer = api.get("/metrics");
    let start = format!("cream_http_cache_total{{outcome=\"{outcome}\"}} ");
    let count = answer.text().lines().find_map(|line| line.strip_prefix(&start));
    count.unwrap().parse().unwrap()
}

const PATHS: [&str; 6] = [
    "/stock-data",
    "/stock-data/TSLA",
    "/stock-data/TSLA/history?order=desc",
    "/stock-data/TSLA/history?format=csv",
    "/stock-data/history?symbols=TSLA,TIE",
    "/stock-data/TSLA/actions",
];

#[test]
fn a_kept_answer_is_the_same_to_the_byte() {
    let api = Api::start(true, fill);
    for path in PATHS {
        let (hits, misses) = (counted(&api, "hit"), counted(&api, "miss"));
        let first = api.get(path);
        assert_eq!((counted(&api, "hit"), counted(&api, "miss")), (hits, misses + 1), "{path}");
        let second = api.get(path);
        assert_eq!((counted(&api, "hit"), counted(&api, "miss")), (hits + 1, misses + 1), "{path}");
        assert_eq!((first.status, second.status), (200, 200));
        assert_eq!(first.body, second.body);
        let varying = ["date", "x-request-id", "ratelimit"];
        let fixed = |answer: &crate::support::Answer| {
            let mut headers = answer.headers.clone();
            headers.retain(|name, _| !varying.contains(&name.as_str()));
            headers
        };
        assert_eq!(fixed(&first), fixed(&second));
        let tag = first.header("etag").to_owned();
        let unchanged = api.get_with(path, &[("if-none-match", &tag)]);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), tag);
        // Another form of it is another answer.
        let compressed = api.get_with(path, &[("accept-encoding", "gzip")]);
        assert_eq!(compressed.header("content-encoding"), "gzip");
        // A HEAD is not looked for.
        let before = counted(&api, "hit");
        assert_eq!(api.send("HEAD", path, &[]).status, 200);
        assert_eq!(counted(&api, "hit"), before);
    }
}

#[test]
fn what_is_committed_is_in_the_next_answer() {
    let api = Api::start(true, fill);
    // Another pool, as of another process.
    let other = Store::open(api.store.url(), &StoreOptions::default()).unwrap();
    for (number, store) in [&api.store, &other].into_iter().cycle().take(20).enumerate() {
        let date = format!("2025-07-{:02}", number + 1);
        for _ in 0..2 {
            assert_ne!(api.get("/stock-data/TSLA").json()["date"], date.as_str());
        }
        store
            .write(|writer| {
                let fetched = format!("{date}T22:00:00Z");
                describe(writer, "TSLA", Vendor::YahooChart, &[bar(&date, "300.5")], &fetched)?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        for _ in 0..2 {
            assert_eq!(api.get("/stock-data/TSLA").json()["date"], date.as_str());
        }
    }
    assert!(counted(&api, "hit") >= 20);
}

fn start_with(change: impl FnOnce(ApiSettings) -> ApiSettings) -> Api {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("cream.db").display());
    let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    store.migrate_up().unwrap();
    fill(&store);
    Api::serve(folder, store, change)
}

#[test]
fn failures_and_what_is_too_long_are_not_kept() {
    let api = start_with(|settings| settings.with_cache_bytes(4_096));
    for path in ["/stock-data/NONE", "/stock-data/TSLA/history?limit=0", "/stock-data/TSLA/history"]
    {
        let before = counted(&api, "hit");
        // The sixteenth part of all is the longest.
        assert!(!path.ends_with("history") || api.get(path).body.len() > 256, "{path}");
        drop(api.get(path));
        drop(api.get(path));
        assert_eq!(counted(&api, "hit"), before, "{path}");
    }
    let none = start_with(|settings| settings.with_cache_bytes(0));
    for _ in 0..2 {
        assert_eq!(none.get("/stock-data/TSLA").status, 200);
    }
    assert_eq!((counted(&none, "hit"), counted(&none, "miss")), (0, 0));
}
