//! Throwaway PostgreSQL clusters, run with the programs of an installed PostgreSQL.
//!
//! [`shared`] is the one that most tests want: a cluster a test process, which ends with the
//! process however that ends. A test that stops and starts a server, or wants TLS or other
//! settings, starts a [`Cluster`] of its own.
//!
//! ```
//! use cream_testkit::postgres;
//!
//! let Some(cluster) = postgres::shared() else { return }; // it has said so
//! let migrate = |_url: &str| { /* connect, migrate, and close every connection */ };
//! let database = cluster.database("doc", migrate);
//! database.sql("CREATE TABLE bar (volume bigint)").unwrap();
//! database.sql("INSERT INTO bar VALUES (7)").unwrap();
//! assert_eq!(database.sql("SELECT volume FROM bar").unwrap(), "7");
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `CREAM_TEST_POSTGRES_URL` | the URL of a superuser of a server to use as [`shared`], instead of starting one |
//! | `CREAM_TEST_REQUIRE_POSTGRES` | `1`: an absent PostgreSQL fails the tests that need it, instead of skipping them |

mod client;
mod cluster;
mod database;
mod programs;
mod server;

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use cluster::Cluster;
pub use database::TestDatabase;
pub use server::{Mode, Options};

const URL_VARIABLE: &str = "CREAM_TEST_POSTGRES_URL";
const REQUIRE_VARIABLE: &str = "CREAM_TEST_REQUIRE_POSTGRES";

/// The cluster that the tests of this process share: without fsync, started at the first call.
///
/// `None` where PostgreSQL is absent; a line on standard error says so, once.
///
/// # Panics
///
/// Where it does not start, and where PostgreSQL is absent although
/// `CREAM_TEST_REQUIRE_POSTGRES=1`.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    let start = || match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.is_empty() => {
            Some(Cluster::at(&url).unwrap_or_else(|error| panic!("{URL_VARIABLE}: {error}")))
        }
        _ => Cluster::start_if_installed(&Options::default()),
    };
    SHARED.get_or_init(start).as_ref()
}

/// Tells, once for each, what is absent, or panics where it is required.
fn skip(absent: &'static str) {
    let required = std::env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
    assert!(!required, "{absent} is absent, and {REQUIRE_VARIABLE}=1 demands it: install it");
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(absent) {
        // Not `eprintln!`: the test harness keeps to itself what a passing test prints with it.
        let line = format!("skipped: {absent} is absent; the tests that need it did not run\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// A number that no other call and no other process comes by.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
