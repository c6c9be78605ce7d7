//! What can never be, however it is written.

use std::collections::BTreeSet;

use cream_models::{Bar, Vendor};
use cream_store::StoreError;

use crate::harness::{Database, bar, instant, stock};

/// Columns and what they are set to, in SQL.
type Columns = &'static [(&'static str, &'static str)];

/// One row of each table that is as it should be, by column.
const ROWS: &[(&str, Columns)] = &[
    ("stock", &[("id", "7"), ("symbol", "'GOOD'")]),
    (
        "series",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("bars", "1"),
            ("first_date", "18000"),
            ("last_date", "18000"),
            ("revision", "1"),
            ("changed_at", "5"),
        ],
    ),
    (
        "tracked_stock",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("vendor_symbol", "'GOOD'"),
            ("is_active", "1"),
            ("last_pull_status", "'pending'"),
            ("failures", "0"),
        ],
    ),
    (
        "raw_response",
        &[
            ("file_name", "'good.json'"),
            ("sha256", "zeroblob(32)"),
            ("byte_len", "1"),
            ("registered_at", "1"),
            ("stock_id", "1"),
            ("vendor", "2"),
            ("fetched_at", "1"),
            ("covers_from", "18000"),
            ("covers_to", "18001"),
            ("undecided_bars", "'2019-04-14'"),
            ("status", "'parsed'"),
            ("attempts", "1"),
            ("inserted", "0"),
            ("updated", "0"),
            ("unchanged", "0"),
            ("withdrawn", "0"),
        ],
    ),
    (
        "stock_data",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("date", "18000"),
            ("close", "5"),
            ("volume", "0"),
            ("is_final", "1"),
            ("flags", "0"),
            ("as_of", "1"),
        ],
    ),
    (
        "corporate_action",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("date", "18000"),
            ("kind", "'split'"),
            ("numerator", "5"),
            ("denominator", "1"),
            ("as_of", "1"),
        ],
    ),
];

/// What breaks each constraint: table, constraint, and the columns that differ from the good row.
const BROKEN: &[(&str, &str, Columns)] = &[
    ("stock", "stock_symbol_unique", &[("symbol", "'FIRST'")]),
    ("stock", "stock_symbol_length", &[("symbol", "''")]),
    ("stock", "stock_symbol_length", &[("symbol", "'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456'")]),
    ("stock", "stock_name_dated", &[("name", "'N'")]),
    ("stock", "stock_exchange_dated", &[("exchange", "'X'")]),
    ("stock", "stock_kind_dated", &[("kind_at", "1")]),
    ("series", "series_stock", &[("stock_id", "99")]),
    ("series", "series_vendor", &[("vendor", "0")]),
    ("series", "series_vendor", &[("vendor", "65")]),
    ("series", "series_currency_dated", &[("currency", "'USD'")]),
    ("series", "series_time_zone_dated", &[("time_zone", "'UTC'")]),
    ("series", "series_bars", &[("bars", "-1")]),
    ("series", "series_dates", &[("first_date", "NULL")]),
    ("series", "series_dates", &[("bars", "0")]),
    ("series", "series_dates", &[("last_date", "17999")]),
    ("series", "series_revision", &[("revision", "-1")]),
    ("tracked_stock", "tracked_stock_stock", &[("stock_id", "99")]),
    ("tracked_stock", "tracked_stock_vendor", &[("vendor", "-1")]),
    ("tracked_stock", "tracked_stock_vendor_symbol", &[("vendor_symbol", "''")]),
    ("tracked_stock", "tracked_stock_is_active", &[("is_active", "2")]),
    ("tracked_stock", "tracked_stock_status", &[("last_pull_status", "'lost'")]),
    ("tracked_stock", "tracked_stock_failures", &[("failures", "-1")]),
    ("tracked_stock", "tracked_stock_lease", &[("lease_token", "'t'")]),
    ("raw_response", "raw_response_file_name_unique", &[("file_name", "'first.json'")]),
    ("raw_response", "raw_response_stock", &[("stock_id", "99")]),
    ("raw_response", "raw_response_file_name", &[("file_name", "''")]),
    ("raw_response", "raw_response_sha256", &[("sha256", "zeroblob(31)")]),
    ("raw_response", "raw_response_byte_len", &[("byte_len", "-1")]),
    ("raw_response", "raw_response_vendor", &[("vendor", "65")]),
    ("raw_response", "raw_response_coverage", &[("covers_to", "NULL")]),
    ("raw_response", "raw_response_coverage", &[("covers_to", "17999")]),
    ("raw_response", "raw_response_undecided", &[("covers_from", "NULL"), ("covers_to", "NULL")]),
    ("raw_response", "raw_response_status", &[("status", "'lost'")]),
    ("raw_response", "raw_response_parsed", &[("stock_id", "NULL")]),
    ("raw_response", "raw_response_parsed", &[("vendor", "NULL")]),
    ("raw_response", "raw_response_parsed", &[("fetched_at", "NULL")]),
    ("raw_response", "raw_response_parsed", &[("error", "'e'")]),
    ("raw_response", "raw_response_deadletter", &[("status", "'deadletter'")]),
    ("raw_response", "raw_response_attempts", &[("attempts", "-1")]),
    ("raw_response", "raw_response_lease", &[("status", "'pending'"), ("lease_until", "1")]),
    ("raw_response", "raw_response_lease", &[("lease_token", "'t'"), ("lease_until", "1")]),
    ("raw_response", "raw_response_counts", &[("inserted", "-1")]),
    ("raw_response", "raw_response_counts", &[("updated", "-1")]),
    ("raw_response", "raw_response_counts", &[("unchanged", "-1")]),
    ("raw_response", "raw_response_counts", &[("withdrawn", "-1")]),
    ("stock_data", "stock_data_stock", &[("stock_id", "99")]),
    ("stock_data", "stock_data_vendor", &[("vendor", "0")]),
    ("stock_data", "stock_data_date", &[("date", "2932897")]),
    ("stock_data", "stock_data_date", &[("date", "-719163")]),
    ("stock_data", "stock_data_price", &[("close", "NULL")]),
    ("stock_data", "stock_data_volume", &[("volume", "-1")]),
    ("stock_data", "stock_data_is_final", &[("is_final", "2")]),
    ("stock_data", "stock_data_flags", &[("flags", "-1")]),
    ("stock_data", "stock_data_flags", &[("flags", "32768")]),
    ("corporate_action", "corporate_action_stock", &[("stock_id", "99")]),
    ("corporate_action", "corporate_action_vendor", &[("vendor", "65")]),
    ("corporate_action", "corporate_action_date", &[("date", "2932897")]),
    (
        "corporate_action",
        "corporate_action_kind",
        &[("kind", "'merger'"), ("amount", "1"), ("numerator", "NULL"), ("denominator", "NULL")],
    ),
    ("corporate_action", "corporate_action_values", &[("amount", "1")]),
    ("corporate_action", "corporate_action_values", &[("denominator", "NULL")]),
    ("corporate_action", "corporate_action_values", &[("kind", "'dividend'")]),
    (
        "corporate_action",
        "corporate_action_values",
        &[("kind", "'capital_gain'"), ("numerator", "NULL"), ("denominator", "NULL")],
    ),
    ("corporate_action", "corporate_action_ratio", &[("numerator", "0")]),
    ("corporate_action", "corporate_action_ratio", &[("denominator", "-1")]),
];

fn insert(table: &str, changes: &[(&str, &str)]) -> String {
    let good = ROWS.iter().find(|(name, _)| *name == table).unwrap().1;
    let mut columns: Vec<(&str, &str)> =
        good.iter().filter(|(name, _)| changes.iter().all(|(c, _)| c != name)).copied().collect();
    columns.extend(changes);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value)| *value).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
}

pub(crate) fn each_constraint_of_the_schema_holds(database: &dyn Database) {
    database
        .raw(
            "INSERT INTO stock (id, symbol) VALUES (1, 'FIRST'); \
             INSERT INTO raw_response (file_name, sha256, byte_len, registered_at, status, \
             attempts, inserted, updated, unchanged, withdrawn) \
             VALUES ('first.json', zeroblob(32), 1, 1, 'pending', 0, 0, 0, 0, 0)",
        )
        .unwrap();
    for (table, constraint, changes) in BROKEN {
        let error = database.raw(&insert(table, changes)).expect_err(constraint);
        let expected = if constraint.ends_with("_unique") {
            "UNIQUE"
        } else if *constraint == format!("{table}_stock") {
            "FOREIGN KEY"
        } else {
            constraint
        };
        assert!(error.contains(expected), "{constraint} {changes:?}: {error}");
    }
    // The same rows without the flaw go in, so that it was the flaw.
    for (table, good) in ROWS {
        database.raw(&insert(table, &[])).unwrap();
        let again = database.raw(&insert(table, &[])).expect_err("the key is unique");
        assert!(again.contains("UNIQUE"), "{table}: {again}");
        // A value of another type, and a required one that is missing.
        let error = database.raw(&insert(table, &[(good[0].0, "x'00'")])).unwrap_err();
        assert!(error.contains("cannot store BLOB") || error.contains("mismatch"), "{error}");
    }
    for column in ["is_final", "flags", "as_of", "date", "vendor", "stock_id"] {
        let error = database.raw(&insert("stock_data", &[(column, "NULL")])).unwrap_err();
        assert!(error.contains("NOT NULL"), "{column}: {error}");
    }

    let mut named = BTreeSet::new();
    for entry in database.schema() {
        let words: Vec<&str> = entry.split_whitespace().collect();
        for pair in words.windows(2).filter(|pair| pair[0] == "CONSTRAINT") {
            named.insert(pair[1].to_owned());
        }
    }
    let broken: BTreeSet<String> = BROKEN.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    assert_eq!(named, broken, "each constraint is tried");
}

pub(crate) fn each_constraint_is_reported_through_the_store(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let day = bar("2020-01-02", "1");
    let write = |bars: &[Bar]| match store
        .write(|w| w.insert_bars(id, Vendor::YahooChart, instant(1), bars))
    {
        Err(StoreError::Constraint { constraint, .. }) => constraint,
        other => panic!("{other:?}"),
    };
    assert_eq!(write(&[Bar::new(day.date()).with_volume(1)]), "stock_data_price");
    assert_eq!(write(&[day.with_volume(-1)]), "stock_data_volume");
    assert!(write(&[day, day]).contains("stock_data.date"));
}
