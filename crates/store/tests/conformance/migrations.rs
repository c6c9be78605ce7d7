//! The schema's history.

use std::sync::Barrier;
use std::thread;

use cream_store::{Store, StoreError, StoreOptions};

use crate::harness::{Database, stock};

fn down_to_nothing(store: &Store) -> usize {
    std::iter::from_fn(|| store.migrate_down().unwrap()).count()
}

pub(crate) fn up_down_up_gives_the_same_schema(database: &dyn Database) {
    let store = database.store();
    let count = store.migrations().unwrap().len();
    let first = database.schema();
    assert!(first.iter().any(|entry| entry.contains("stock_data")));
    stock(store, "A");

    assert_eq!(down_to_nothing(store), count);
    let rest = database.schema();
    assert!(!rest.iter().any(|entry| entry.contains("stock")), "{rest:?}");
    assert!(store.migrations().unwrap().iter().all(|migration| !migration.applied));

    let names: Vec<String> = store.migrations().unwrap().into_iter().map(|m| m.name).collect();
    assert_eq!(store.migrate_up().unwrap(), names);
    assert_eq!(database.schema(), first);
    store.require_current().unwrap();
    assert_eq!(store.migrate_up().unwrap(), Vec::<String>::new());

    // One at a time as well, each giving what was there before it.
    let mut dumps = Vec::new();
    while store.migrate_down().unwrap().is_some() {
        dumps.push(database.schema());
    }
    store.migrate_up().unwrap();
    for dump in dumps {
        store.migrate_down().unwrap();
        assert_eq!(database.schema(), dump);
    }
}

pub(crate) fn four_that_start_at_once_migrate_once(database: &dyn Database) {
    let count = down_to_nothing(database.store());
    let barrier = Barrier::new(4);
    let applied: usize = thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let store = database.another(&StoreOptions::default());
                    let names = store.migrate_up().unwrap();
                    store.require_current().unwrap();
                    names.len()
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).sum()
    });
    assert_eq!(applied, count);
}

pub(crate) fn an_older_schema_is_told(database: &dyn Database) {
    let name = database.store().migrate_down().unwrap().unwrap();
    match database.store().require_current() {
        Err(StoreError::MigrationsPending { names }) => assert_eq!(names, [name]),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn a_newer_schema_is_refused(database: &dyn Database) {
    database
        .raw(
            "INSERT INTO __diesel_schema_migrations (version, run_on) \
             VALUES ('9999', '2030-01-01 00:00:00')",
        )
        .unwrap();
    let store = database.store();
    let is_newer = |error: StoreError| {
        assert!(
            matches!(&error, StoreError::NewerDatabase { versions } if versions == &["9999"]),
            "{error}"
        );
    };
    is_newer(store.require_current().unwrap_err());
    is_newer(store.migrate_up().unwrap_err());
    is_newer(store.migrate_down().unwrap_err());
    is_newer(store.migrations().unwrap_err());
}

pub(crate) fn what_a_response_leaves_open_stays_so_without_its_column(database: &dyn Database) {
    let store = database.store();
    for (name, kinds, range) in [
        ("a", "NULL", ["18000", "18001"].map(|day| database.day(day))),
        ("b", "'split'", ["-719162", "18001"].map(|day| database.day(day))),
        ("c", "'split'", ["NULL", "NULL"].map(str::to_owned)),
    ] {
        let (zeros, [from, to]) = (database.zeros(32), range);
        database
            .raw(&format!(
                "INSERT INTO raw_response (file_name, sha256, byte_len, registered_at, status, \
                 attempts, inserted, updated, unchanged, withdrawn, covers_from, covers_to, \
                 undecided_kinds) VALUES ('{name}', {zeros}, 1, 1, 'pending', 0, 0, 0, 0, 0, \
                 {from}, {to}, {kinds})"
            ))
            .unwrap();
    }
    while !store.migrate_down().unwrap().unwrap().ends_with("_vendors") {}
    store.migrate_up().unwrap();
    let open = |name: &str| {
        let coverage = store.read(|r| r.response(name)).unwrap().unwrap().coverage;
        assert!(coverage.undecided_kinds.is_empty());
        (coverage.undecided_actions, coverage.range)
    };
    let (whole, range) = open("b");
    assert_eq!(whole, Vec::from_iter(range));
    assert_eq!((open("a").0, open("c")), (vec![], (vec![], None)));
}
