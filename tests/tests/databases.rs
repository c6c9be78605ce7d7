//! The two databases side by side: the same responses lead to the same answers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::path::Path;

use cream_testkit::postgres::{self, TestDatabase};
use cream_testkit::story;
use cream_tests::{PATIENCE, Responses, Site};

/// A site on SQLite, and one on PostgreSQL with its database.
fn both() -> Option<(Site, Site, TestDatabase)> {
    let database = postgres::shared()?.empty_database();
    Some((Site::new(), Site::on(database.url()), database))
}

/// The lines that tell what is held, not where, sorted: dead letters come in any order.
fn status(site: &Site) -> Vec<String> {
    let status = site.worker_ok(&["status"]);
    let held = |line: &&str| !["database", "migrations"].iter().any(|it| line.starts_with(it));
    let of_folder = |line: &str| line.split(" in /").next().unwrap().to_owned();
    let mut lines: Vec<String> = status.lines().filter(held).map(of_folder).collect();
    lines.sort_unstable();
    lines
}

/// What an import says of bars and actions.
fn counts(out: &str) -> Vec<String> {
    let wanted = |line: &&str| line.starts_with("  bars ") || line.starts_with("  corporate ");
    let lines: Vec<String> = out.lines().filter(wanted).map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{out}");
    lines
}

#[test]
fn the_same_responses_lead_to_the_same_digest_and_status() {
    let Some((sqlite, postgres, _database)) = both() else { return };
    let mut stories = Responses::default();
    for seed in 0..6 {
        let told = story(&format!("STORY{seed}"), seed, 8);
        stories.0.extend(told.into_iter().map(|told| (told.name, told.bytes)));
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../files/samples");
    let mut digests = vec![sqlite.digest()];
    assert_eq!(postgres.digest(), digests[0], "empty");
    for (step, responses) in [
        ("first", Responses::charts(15, 300).and(Responses::pages(5, 300))),
        ("a day later", Responses::charts_a_day_later(15, 300)),
        ("stories", stories),
        ("samples", Responses::default()),
    ] {
        let [a, b] = [&sqlite, &postgres].map(|site| {
            let source =
                if step == "samples" { samples.clone() } else { responses.write(site, step) };
            let ended = site.import(&[&source]);
            // Some of the stories and one of the samples cannot be loaded.
            let code = if ["stories", "samples"].contains(&step) { 3 } else { 0 };
            assert_eq!(ended.code(), Some(code), "{step}: {}\n{}", ended.stdout, ended.stderr);
            (counts(&ended.stdout), status(site), site.digest())
        });
        assert_eq!(a, b, "{step}");
        assert!(!digests.contains(&a.2), "{step} changed nothing");
        digests.push(a.2);

        if step == "a day later" {
            // One new bar each, and none is written that was held before.
            assert!(a.0[0].contains("15 inserted, 0 updated, "), "{:?}", a.0);
        }
    }
    assert_eq!(sqlite.archived("parsed"), postgres.archived("parsed"));
    assert_eq!(sqlite.archived("dead"), postgres.archived("dead"));
}

/// Whole histories and parts of them, streamed and at once, of one symbol and of many.
#[test]
fn either_database_gives_the_same_answers_to_the_byte() {
    let Some((sqlite, postgres, _database)) = both() else { return };
    let mut responses = Responses::charts(3, 5_000);
    for seed in [0, 1] {
        let told = story(&format!("STORY{seed}"), seed, 8);
        responses.0.extend(told.into_iter().map(|told| (told.name, told.bytes)));
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../files/samples");
    let [one, other] = [&sqlite, &postgres].map(|site| {
        let source = responses.write(site, "source");
        let ended = site.import(&[&source, &samples]);
        assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
        site.serve(&[])
    });

    let stocks = one.json("/stock-data?limit=1000");
    let stocks = stocks["stocks"].as_array().unwrap();
    let symbols: Vec<&str> = stocks.iter().map(|it| it["symbol"].as_str().unwrap()).collect();
    assert!(symbols.len() > 5, "{symbols:?}");
    let mut paths: Vec<String> =
        ["/stock-data?limit=1000", "/stock-data?limit=2"].map(str::to_owned).into();
    let queries = [
        "limit=50000",
        "adjustment=all",
        "adjustment=splits&order=desc&limit=50",
        "interval=1wk&limit=50000",
        "interval=1mo&adjustment=all&order=desc",
        "start=2020-01-01&end=2020-03-01",
    ];
    let formats = ["json", "csv", "arrow", "parquet"];
    for symbol in &symbols {
        let symbol = symbol.replace('^', "%5E").replace('/', "%2F").replace('=', "%3D");
        // Of what is told, a bar's own number is the database's.
        let [a, b] = [&one, &other].map(|api| {
            let mut bar = api.json(&format!("/stock-data/{symbol}"));
            assert!(bar.as_object_mut().unwrap().remove("id").is_some());
            bar
        });
        assert_eq!(a, b);
        for route in ["actions", "history?limit=7"] {
            paths.push(format!("/stock-data/{symbol}/{route}"));
        }
        paths.push(format!("/v8/finance/chart/{symbol}?range=max&events=div%2Csplits"));
        for (query, format) in queries.iter().flat_map(|query| formats.map(|it| (query, it))) {
            paths.push(format!("/stock-data/{symbol}/history?{query}&format={format}"));
        }
    }
    let all =
        [&symbols[..], &["NOBODY"]].concat().join(",").replace('^', "%5E").replace('=', "%3D");
    for format in formats {
        for query in ["adjustment=all", "limit=3&order=desc", "interval=1mo"] {
            paths.push(format!("/stock-data/history?symbols={all}&{query}&format={format}"));
        }
    }
    let mut longest = 0;
    for path in &paths {
        let (a, b) = (one.bytes(path), other.bytes(path));
        assert_eq!((a.0, &a.1, a.2.len()), (b.0, &b.1, b.2.len()), "{path}");
        assert!(a.2 == b.2, "{path}: {}", String::from_utf8_lossy(&a.2));
        longest = longest.max(a.2.len());
    }
    assert!(longest > 1_000_000, "{longest}");
}

#[test]
fn a_second_import_into_postgresql_changes_nothing() {
    let Some((_, site, database)) = both() else { return };
    let source = Responses::charts(10, 200).write(&site, "in");
    assert_eq!(site.import(&[&source]).code(), Some(0));
    let before = (site.digest(), status(&site));
    let written = "SELECT sum(xmin::text::bigint), count(*) FROM stock_data";
    let rows = database.sql(written).unwrap();

    let again = site.import(&[&source]);
    assert_eq!(again.code(), Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("0 inserted, 0 updated, 0 unchanged, 0 withdrawn"));
    assert_eq!((site.digest(), status(&site)), before);
    // No row was written again, not even with what it held.
    assert_eq!(database.sql(written).unwrap(), rows);
}

#[test]
fn postgresql_is_rebuilt_from_the_archive_alone() {
    let Some((sqlite, postgres, _database)) = both() else { return };
    let first = Responses::charts(10, 200).and(Responses::pages(4, 200)).write(&sqlite, "1");
    let second = Responses::charts_a_day_later(10, 200).write(&sqlite, "2");
    assert_eq!(sqlite.import(&[&first, &second]).code(), Some(0));

    // The archive that SQLite's site filled.
    let url = postgres.database().unwrap();
    let rebuilt = Site::on(url).with_archive(sqlite.folder.path());
    let _ = rebuilt.worker_ok(&["rebuild"]);
    assert_eq!(rebuilt.digest(), sqlite.digest());
    let refused = rebuilt.worker(&["rebuild"]);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("a rebuild fills an empty database"), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}

#[test]
fn workers_that_migrate_an_empty_database_at_once_do_it_once() {
    let Some(cluster) = postgres::shared() else { return };
    // Several times: who comes when is a matter of luck.
    for _ in 0..4 {
        let database = cluster.empty_database();
        let site = Site::on(database.url());
        let workers = [(); 4].map(|()| site.start_worker(&["migrate", "up"]));
        let mut applied = 0;
        for worker in workers {
            let ended = worker.wait(PATIENCE).unwrap();
            assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
            applied += usize::from(ended.stdout.contains("applied "));
        }
        assert_eq!(applied, 1);
    }
}

#[test]
fn a_server_and_three_workers_started_at_once_migrate_an_empty_database_once() {
    let Some((_, site, database)) = both() else { return };
    let responses = Responses::charts(12, 200);
    let names: Vec<&String> = responses.0.keys().collect();
    // So that each worker has files that no other loads for it.
    for (number, share) in names.chunks(4).enumerate() {
        for name in share {
            site.folder.write(format!("in{number}/{name}"), &responses.0[*name]);
        }
    }
    let inboxes = ["in0", "in1", "in2"].map(|name| site.folder.join(name));
    // The binaries are built before anything is started.
    let _ = cream_tests::binary("worker");
    let workers = inboxes.map(|inbox| site.start_worker(&["import", inbox.to_str().unwrap()]));
    let api = site.serve(&[]);
    let mut logs = String::new();
    for worker in workers {
        let ended = worker.wait(PATIENCE).unwrap();
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        logs += &ended.stderr;
    }
    logs += &api.process.stderr();
    responses.assert_loaded(&site, &responses.digest());

    let migrations = database.sql("SELECT count(*) FROM __diesel_schema_migrations").unwrap();
    let migrated = logs.matches("database migrated").count();
    assert_eq!(migrated.to_string(), migrations, "{logs}");
    let stocks = api.json("/stock-data");
    assert_eq!(stocks["stocks"].as_array().unwrap().len(), 12);
    assert_eq!(api.json("/health/ready")["status"], "ready");
}

#[test]
fn a_worker_that_is_done_while_connections_are_still_being_made_ends_well() {
    let Some(cluster) = postgres::shared() else { return };
    // Many short runs, several at once: what goes wrong while a process ends does so seldom.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let database = cluster.empty_database();
                let site = Site::on(database.url()).with("STOCK_DATA_MAX_CONCURRENT_FILES", "12");
                let inbox = Responses::charts(12, 40).write(&site, "in");
                for _ in 0..30 {
                    let _ = site.worker_ok(&["import", inbox.to_str().unwrap()]);
                }
            });
        }
    });
}

#[test]
fn a_url_that_leads_to_no_database_is_explained_in_one_line_without_the_password() {
    let Some(cluster) = postgres::shared() else { return };
    let database = cluster.empty_database();
    let name = database.name();
    let role = format!("reader_{name}");
    database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'right'")).unwrap();
    for (user, password, target, part) in [
        (role.as_str(), "hunter2", name, "check the user and the password"),
        (role.as_str(), "right", "no_such_database", "check the database's name"),
        ("no_such_role", "hunter2", name, "check the user and the password"),
    ] {
        let url = cluster.url_as(user, password, target);
        let site = Site::on(&url);
        for (binary, arguments) in [
            ("worker", &["digest"][..]),
            ("worker", &["import", "."]),
            ("api-server", &["serve", "--listen", "127.0.0.1:0"]),
        ] {
            let mut command = site.command(binary, arguments);
            let ended = cream_testkit::ReadyProcess::run(&mut command, PATIENCE).unwrap();
            assert_eq!(ended.code(), Some(1), "{}\n{}", ended.stdout, ended.stderr);
            let said = &ended.stderr;
            assert!(said.contains(part), "{part} in {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(!format!("{said}{}", ended.stdout).contains(password), "{said}");
        }
        assert!(site.folder.names("").is_empty(), "{:?}", site.folder.names(""));
    }
    database.sql(&format!("DROP ROLE {role}")).unwrap();
}
