//! Throwaway databases.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::client::{Client, MAINTENANCE};

/// A database that is gone when the value is dropped, with whoever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    client: Client,
    name: String,
}

impl TestDatabase {
    /// Its URL, for the superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.client.url(&self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements; more than one run in one transaction. Returns the rows as lines, their
    /// columns apart by `|`.
    ///
    /// # Errors
    ///
    /// What the server or psql says.
    pub fn sql(&self, statement: &str) -> Result<String, String> {
        self.client.sql(&self.name, statement)
    }

    /// Its schema as statements, the same text for the same schema.
    ///
    /// # Panics
    ///
    /// Where it cannot be dumped.
    #[must_use]
    pub fn dump_schema(&self) -> String {
        self.client.dump_schema(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Its server may be stopped by now.
        let _ = self.client.sql(MAINTENANCE, &drop_if_exists(&self.name));
    }
}

/// The databases of one process in one cluster.
#[derive(Debug)]
pub(super) struct Databases {
    /// What sets the names apart from those of other processes on the same server.
    tag: String,
    made: AtomicU32,
    /// The templates that are ready.
    templates: Mutex<BTreeSet<&'static str>>,
}

impl Databases {
    pub(super) fn new() -> Self {
        let tag = format!("{}_{:06x}", std::process::id(), super::random() & 0xff_ffff);
        Self { tag, made: AtomicU32::new(0), templates: Mutex::default() }
    }

    /// What all their names hold after the first word.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn empty(&self, client: &Client) -> TestDatabase {
        let database = self.unmade(client);
        create_empty(client, &database.name);
        database
    }

    pub(super) fn copy(
        &self,
        client: &Client,
        name: &'static str,
        prepare: impl FnOnce(&str),
    ) -> TestDatabase {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(
            (1..=24).contains(&name.len()) && name.bytes().all(plain),
            "the template's name {name:?}: expected 1 to 24 of a-z, 0-9 and _"
        );
        let template = format!("template_{}_{name}", self.tag);
        // A panic in `prepare` must not hide itself from the next test as a poisoned lock.
        let mut ready = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(name) {
            must(client, &drop_if_exists(&template));
            create_empty(client, &template);
            prepare(&client.url(&template));
            ready.insert(name);
        }
        let database = self.unmade(client);
        must(client, &format!("CREATE DATABASE {} TEMPLATE {template}", database.name));
        database
    }

    fn unmade(&self, client: &Client) -> TestDatabase {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        TestDatabase { client: client.clone(), name: format!("test_{}_{number}", self.tag) }
    }
}

fn drop_if_exists(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

fn create_empty(client: &Client, name: &str) {
    // The same order of texts on every server.
    let same = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";
    must(client, &format!("CREATE DATABASE {name} {same}"));
}

fn must(client: &Client, statement: &str) {
    let done = client.sql(MAINTENANCE, statement);
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
