//! Answers that the server keeps, while a worker in another process writes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use cream_models::DateRange;
use cream_testkit::postgres::shared;
use cream_testkit::{Listing, Scenario, SyntheticSeries};
use cream_tests::{Api, Site};

/// A history up to the ninth of June and so many days more.
fn series(days: usize) -> SyntheticSeries {
    let whole = Scenario::new(Listing::us_stock("KEPT", "Kept, Inc."), 7)
        .ending("2025-06-13".parse().unwrap(), 100)
        .build();
    let (first, last) = (whole.rows[0].date, format!("2025-06-{:02}", 9 + days));
    whole.sliced(DateRange::new(first, last.parse().unwrap()).unwrap())
}

fn hits(api: &Api) -> u64 {
    let (status, text) = api.get("/metrics");
    assert_eq!(status, 200);
    let line =
        text.lines().find(|line| line.starts_with("cream_http_cache_total{outcome=\"hit\"}"));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_another_process_writes_is_in_the_next_answer() {
    let test = |site: &Site| {
        let import = |days: usize| {
            let name = format!("in{days}/KEPT_2025-06-{:02}T213000Z_yahoo-chart.json", 9 + days);
            site.folder.write(&name, series(days).chart_json());
            let ended = site.import(&[&site.folder.join(format!("in{days}"))]);
            assert_eq!(ended.code(), Some(0), "{}", ended.stdout);
        };
        import(0);
        let api = site.serve(&["--without-worker"]);
        for days in 0..5 {
            if days > 0 {
                import(days);
            }
            let date = format!("2025-06-{:02}", 9 + days);
            let before = hits(&api);
            // The first is made, the others are kept ones.
            for _ in 0..3 {
                assert_eq!(api.json("/stock-data/KEPT")["date"], date.as_str());
                let history = api.json("/stock-data/KEPT/history?start=2025-06-09");
                assert_eq!(history["count"], 1 + days);
            }
            assert_eq!(hits(&api) - before, 4, "two of three, of two routes");
        }
    };
    test(&Site::new());
    if let Some(cluster) = shared() {
        let database = cluster.empty_database();
        test(&Site::on(database.url()));
    }
}
