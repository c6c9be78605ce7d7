//! Telling whether anything was committed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cream_store::{DatabaseUrl, StateVersion, Store, StoreOptions};
use cream_testkit::postgres::{Cluster, Options};

use crate::harness::{Database, Done, Sqlite, stock, symbol};

pub(crate) fn whatever_anybody_commits_changes_the_version(database: &dyn Database) {
    let store = database.store();
    let another = database.another(&StoreOptions::default());
    let version = || store.version().unwrap();
    let mut seen = vec![version()];
    let mut changed = |how: &str| {
        let now = version();
        assert!(!seen.contains(&now), "{how}");
        seen.push(now);
    };
    stock(store, "A");
    changed("by this store");
    stock(&another, "B");
    changed("by another one");
    database.raw("INSERT INTO stock (id, symbol) VALUES (77, 'C')").unwrap();
    changed("past the store");
    store.write_loosely(|w| w.ensure_stock(&symbol("D"))).unwrap();
    changed("loosely");
    database.raw("CREATE TABLE extra (a integer)").unwrap();
    changed("to the schema");
}

/// Of a replica, here another store on the same database, as of the database itself.
pub(crate) fn the_version_is_that_of_who_is_read(database: &dyn Database) {
    let store = database.store().with_replica(database.another(&StoreOptions::default()));
    let before = store.version_any().unwrap();
    assert_ne!(before, store.version().unwrap());
    stock(database.store(), "A");
    assert_ne!(store.version_any().unwrap(), before);
    // It cannot be reached: the version is that of the primary, and of no read before it left.
    let folder = tempfile::tempdir().unwrap();
    let absent = DatabaseUrl::sqlite(folder.path().join("absent/cream.db"));
    let hasty = StoreOptions {
        acquire_timeout: std::time::Duration::from_millis(30),
        ..StoreOptions::default()
    };
    let store = database.store().with_replica(Store::open_later(&absent, &hasty));
    let before = store.version_any().unwrap();
    stock(database.store(), "B");
    assert_ne!(store.version_any().unwrap(), before);
    assert_eq!(store.read_any(|r| r.totals()).unwrap().stocks, 2);
}

/// Whatever is read between two versions that are equal is the same, however busy writers are and
/// whichever thread asks.
pub(crate) fn equal_versions_stand_for_one_state(database: &dyn Database) {
    const READERS: usize = 3;
    let another = database.another(&StoreOptions::default());
    let store = database.store();
    let is_done = AtomicBool::new(false);
    let seen: Mutex<HashMap<StateVersion, i64>> = Mutex::default();
    let read = || {
        loop {
            let is_last = is_done.load(Ordering::SeqCst);
            let before = store.version().unwrap();
            let stocks = store.read(|r| r.totals()).unwrap().stocks;
            // Whatever else is written on the server may change it meanwhile.
            if store.version().unwrap() == before {
                assert_eq!(*seen.lock().unwrap().entry(before).or_insert(stocks), stocks);
                if is_last {
                    return;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(read);
        }
        for number in 0..60 {
            stock(&another, &format!("S{number}"));
        }
        is_done.store(true, Ordering::SeqCst);
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.values().any(|stocks| *stocks == 60), "{seen:?}");
}

fn the_version_stays_without_a_commit(store: &Store) {
    stock(store, "A");
    let before = store.version().unwrap();
    for _ in 0..20 {
        store.read(|r| r.totals()).unwrap();
        store.read_any(|r| r.totals()).unwrap();
        assert_eq!(store.version().unwrap(), before);
        assert_eq!(store.clone().version_any().unwrap(), before);
    }
    // What is begun and not committed is seen by nobody.
    store
        .write(|w| -> Done {
            w.ensure_stock(&symbol("B"))?;
            let within = store.version()?;
            assert_eq!(store.read(|r| r.totals())?.stocks, 1);
            assert_eq!(store.version()?, within);
            Ok(())
        })
        .unwrap();
    assert_ne!(store.version().unwrap(), before);
}

#[test]
fn sqlites_version_stays_without_a_commit() {
    the_version_stays_without_a_commit(Sqlite::fresh().store());
}

/// On a server of its own: other databases of a server change the version too.
#[test]
fn postgres_version_stays_without_a_commit() {
    let Some(cluster) = Cluster::start_if_installed(&Options::default()) else { return };
    let database = cluster.empty_database();
    let url = database.url().parse().unwrap();
    let store = Store::open(&url, &StoreOptions::default()).unwrap();
    store.migrate_up().unwrap();
    the_version_stays_without_a_commit(&store);
}
