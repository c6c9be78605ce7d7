//! What holds for PostgreSQL alone.

use cream_models::Vendor;
use cream_store::{DatabaseUrl, Store, StoreError, StoreOptions};
use cream_testkit::postgres::{Cluster, Options};

use crate::harness::{Database as _, Done, Postgres, bar, instant, stock, symbol};

const CHART: Vendor = Vendor::YahooChart;

#[test]
fn the_view_for_people_reads_well() {
    let Some(database) = Postgres::for_a_case() else { return };
    let id = stock(database.store(), "TSLA");
    let bars = [bar("2025-06-13", "325.31").with_volume(7).with_final(false)];
    let at = "2025-06-16T21:30:00Z".parse().unwrap();
    database.store().write(|w| w.insert_bars(id, Vendor::YahooPage, at, &bars)).unwrap();
    assert_eq!(
        database.query(
            "SELECT symbol || ' ' || vendor || ' ' || date || ' ' || close || ' ' || \
             coalesce(open::text, '-') || ' ' || volume || ' ' || state || ' ' || as_of AS text \
             FROM stock_data_readable"
        ),
        ["TSLA yahoo-page 2025-06-13 325.31 - 7 live 2025-06-16T21:30:00Z"]
    );
}

#[test]
fn loaders_take_turns_whatever_the_servers_default_isolation() {
    for level in ["repeatable read", "serializable"] {
        let Some(database) = Postgres::for_a_case() else { return };
        let database = database.with_setting(&format!("default_transaction_isolation = '{level}'"));
        crate::transactions::loaders_of_one_series_take_turns(&database);
    }
}

#[test]
fn a_connection_that_is_cut_is_lost_and_the_store_goes_on() {
    let Some(database) = Postgres::for_a_case() else { return };
    let one = StoreOptions { max_connections: 1, ..StoreOptions::default() };
    let store = database.another(&one);
    let cut = || {
        let count = database.query(
            "SELECT count(pg_terminate_backend(pid))::text AS text FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND application_name = 'cream'",
        );
        assert_ne!(count, ["0"]);
    };
    // In the middle of a transaction.
    let error = store
        .write(|w| -> Done {
            w.ensure_stock(&symbol("A"))?;
            cut();
            w.ensure_stock(&symbol("B")).map(drop)
        })
        .unwrap_err();
    assert!(matches!(error, StoreError::Lost { .. }) && error.is_transient(), "{error}");
    // At the commit, and in the middle of a COPY.
    let error = store.write(|w| w.ensure_stock(&symbol("C")).map(|_| cut())).unwrap_err();
    assert!(matches!(error, StoreError::Lost { .. }), "{error}");
    let id = stock(database.store(), "D");
    let error = store
        .write(|w| {
            cut();
            w.insert_bars(id, CHART, instant(1), &vec![bar("2020-01-02", "1"); 90_000])
        })
        .unwrap_err();
    assert!(matches!(error, StoreError::Lost { .. }), "{error}");
    // Between two: the next to use it meets an error at worst, and only once.
    store.read(|r| r.totals()).unwrap();
    cut();
    let _ = store.read(|r| r.totals());
    assert_eq!(store.read(|r| r.totals()).unwrap().stocks, 1);
    // Where a connection is tried first, nobody notices.
    let careful = StoreOptions { check_idle: std::time::Duration::ZERO, ..one };
    let store = database.another(&careful);
    store.read(|r| r.totals()).unwrap();
    cut();
    store.read(|r| r.totals()).unwrap();
}

#[test]
fn a_deadlock_is_a_conflict_and_undoes_one_of_the_two() {
    let Some(database) = Postgres::for_a_case() else { return };
    let patient = StoreOptions {
        busy_timeout: std::time::Duration::from_secs(60),
        ..StoreOptions::default()
    };
    let store = database.another(&patient);
    let (a, b) = (stock(&store, "A"), stock(&store, "B"));
    store.write(|w| w.lock_series(a, CHART).and(w.lock_series(b, CHART)).map(drop)).unwrap();
    let barrier = std::sync::Barrier::new(2);
    let lock_both = |first, second| {
        store.write(|w| -> Done {
            w.lock_series(first, CHART)?;
            barrier.wait();
            w.lock_series(second, CHART).map(drop)
        })
    };
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| lock_both(a, b));
        (lock_both(b, a), one.join().unwrap())
    });
    let errors: Vec<StoreError> = [one, other].into_iter().filter_map(Result::err).collect();
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(matches!(error, StoreError::Conflict { .. }) && error.is_transient(), "{error}");
}

#[test]
fn each_way_a_connection_fails_is_told_without_the_password() {
    let Some(cluster) = cream_testkit::postgres::shared() else { return };
    let good: String = cluster.url("postgres");
    let open = |url: &str| {
        let url: DatabaseUrl = url.parse().unwrap();
        let error = Store::open(&url, &StoreOptions::default()).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        (text, error.is_transient())
    };
    let told = |url: &str, parts: &[&str], transient: bool| {
        let (text, is_transient) = open(url);
        for part in parts {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
        assert_eq!(is_transient, transient, "{text}");
    };
    let with =
        |user: &str, password: &str, database: &str| cluster.url_as(user, password, database);
    told(&with("postgres", "hunter2", "postgres"), &["password authentication failed"], false);
    told(&with("nobody", "hunter2", "postgres"), &["authentication failed", "nobody"], false);
    let port = cluster.port().to_string();
    let elsewhere = good.replace(&format!(":{port}/"), ":1/");
    told(&elsewhere, &["Connection refused", "check the host and the port"], true);
    told(
        "postgres://me:hunter2@nowhere.invalid/x",
        &["nowhere.invalid", "check the host's name"],
        false,
    );
    told(&format!("{good}x"), &["database \"postgresx\" does not exist", "create it"], false);
    told(&format!("{good}?sslmode=require"), &["does not support SSL", "sslmode"], false);
    told(&format!("{good}?sslmode=often"), &["invalid sslmode value"], false);
    told(&format!("{good}?colour=red"), &["colour"], false);
}

#[test]
fn tls_is_used_as_the_url_says() {
    let options = Options { tls: true, ..Options::default() };
    let Some(cluster) = Cluster::start_if_installed(&options) else { return };
    let url = cluster.url("postgres");
    let open = |mode: &str| {
        let url: DatabaseUrl = format!("{url}?sslmode={mode}").parse().unwrap();
        Store::open(&url, &StoreOptions::default())
    };
    // What a store's session says of itself.
    let is_encrypted = |mode: &str| {
        let store = open(mode).unwrap();
        let mut said = String::new();
        let asked = store.read(|_| -> Done {
            said = cluster
                .sql(
                    "postgres",
                    "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'cream'",
                )
                .unwrap();
            Ok(())
        });
        asked.unwrap();
        said.trim() == "t"
    };
    let certificate = cluster.certificate().unwrap();
    let trusting = format!("verify-full&sslrootcert={}", certificate.display());
    assert!(is_encrypted("require"));
    assert!(is_encrypted(&trusting));
    assert!(!is_encrypted("disable"));
    // A server that nobody vouches for is not talked to.
    let error = open("verify-full&sslrootcert=/nowhere/root.crt").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/nowhere/root.crt") && text.contains("docs/operations.md"), "{text}");
    assert!(!error.is_transient());
}

#[test]
fn an_empty_database_is_migrated_once_however_many_start_at_once() {
    let Some(cluster) = cream_testkit::postgres::shared() else { return };
    for _ in 0..3 {
        let database = cluster.empty_database();
        let url: DatabaseUrl = database.url().parse().unwrap();
        let stores: Vec<Store> =
            (0..4).map(|_| Store::open(&url, &StoreOptions::default()).unwrap()).collect();
        // All have seen that there is nothing.
        assert!(stores.iter().all(|store| store.require_current().is_err()));
        let barrier = std::sync::Barrier::new(4);
        let applied: usize = std::thread::scope(|scope| {
            let starts: Vec<_> = stores
                .iter()
                .map(|store| {
                    scope.spawn(|| {
                        barrier.wait();
                        store.migrate_up().unwrap().len()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).sum()
        });
        assert_eq!(applied, stores[0].migrations().unwrap().len());
    }
}

/// What a cluster of servers (Citus) asks of tables that it spreads over its nodes.
#[test]
fn prices_could_be_distributed_by_stock() {
    let Some(database) = Postgres::for_a_case() else { return };
    let spread = "('stock_data'::regclass, 'corporate_action'::regclass)";
    let found = |select: &str| database.query(&select.replace("SPREAD", spread));
    // Whatever is unique begins with the stock.
    assert_eq!(
        found(
            "SELECT DISTINCT attname::text AS text FROM pg_index JOIN pg_attribute \
             ON attrelid = indrelid AND attnum = indkey[0] WHERE indisunique AND indrelid IN SPREAD"
        ),
        ["stock_id"]
    );
    // References go to the table of stocks alone, which each node has.
    assert_eq!(
        found(
            "SELECT DISTINCT confrelid::regclass::text AS text FROM pg_constraint \
             WHERE contype = 'f' AND conrelid IN SPREAD"
        ),
        ["stock"]
    );
    let none: [&str; 0] = [];
    assert_eq!(
        found(
            "SELECT tgname::text AS text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN SPREAD"
        ),
        none
    );
    // No number is drawn, and no time taken, by the server.
    assert_eq!(
        found(
            "SELECT attname::text AS text FROM pg_attribute WHERE attnum > 0 \
             AND (atthasdef OR attidentity <> '') AND attrelid IN SPREAD"
        ),
        none
    );
}

/// Whoever claims waits for nobody who is about to claim or to finish.
#[test]
fn rows_that_another_has_locked_are_passed_over() {
    let Some(database) = Postgres::for_a_case() else { return };
    let store = database.store();
    let (a, b) = (crate::tracking::track(store, "A", 1), crate::tracking::track(store, "B", 2));
    let new = cream_store::NewResponse {
        file_name: "a".to_owned(),
        sha256: [1; 32],
        byte_len: 1,
        registered_at: instant(1),
    };
    let response = store.write(|w| w.register_response(&new, None)).unwrap().response.id;
    let lease = |token| cream_store::Lease { token, from: instant(9), until: instant(69) };
    let other = database.another(&StoreOptions::default());
    store
        .write(|w| -> Done {
            assert_eq!(w.claim_due(Vendor::Tiingo, 1, &lease("one"))?[0].tracked.stock_id, a);
            assert!(w.claim_response(response, &lease("one"))?.is_some());
            // Neither is committed, and nobody waits for that.
            let rest = other.write_loosely(|w| w.claim_due(Vendor::Tiingo, 9, &lease("two")))?;
            assert_eq!(rest.len(), 1);
            assert_eq!(rest[0].tracked.stock_id, b);
            let none = other.write_loosely(|w| w.claim_response(response, &lease("two")))?;
            assert_eq!(none, None);
            Ok(())
        })
        .unwrap();
    assert_eq!(crate::tracking::claim(store, "three", 9, 9), []);
}
