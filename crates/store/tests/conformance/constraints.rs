//! What can never be, however it is written.

use std::collections::BTreeSet;

use cream_models::{ActionKind, ActionKinds, Bar, Date, Vendor};
use cream_store::StoreError;

use crate::constraints_accounts as accounts;
use crate::harness::{Database, bar, instant, stock};

/// Columns and what they are set to, in SQL.
pub(crate) type Columns = &'static [(&'static str, &'static str)];

/// One row of each table that is as it should be, by column.
const ROWS: &[(&str, Columns)] = &[
    ("stock", &[("id", "7"), ("symbol", "'GOOD'")]),
    (
        "series",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("bars", "1"),
            ("first_date", "@day 18000"),
            ("last_date", "@day 18000"),
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
            ("is_active", "@true"),
            ("last_pull_status", "'pending'"),
            ("failures", "0"),
            ("unknown_since", "1"),
            ("validator_url", "'https://vendor.example/'"),
            ("etag", "'e'"),
            ("last_modified", "'Mon, 16 Jun 2025 21:30:00 GMT'"),
        ],
    ),
    (
        "raw_response",
        &[
            ("file_name", "'good.json'"),
            ("sha256", "@zeros 32"),
            ("byte_len", "1"),
            ("registered_at", "1"),
            ("stock_id", "1"),
            ("vendor", "2"),
            ("fetched_at", "1"),
            ("covers_from", "@day 18000"),
            ("covers_to", "@day 18001"),
            ("undecided_bars", "'2019-04-14'"),
            ("undecided_kinds", "'dividend,capital_gain'"),
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
            ("date", "@day 18000"),
            ("close", "5"),
            ("volume", "0"),
            ("is_final", "@true"),
            ("flags", "0"),
            ("as_of", "1"),
        ],
    ),
    (
        "corporate_action",
        &[
            ("stock_id", "1"),
            ("vendor", "2"),
            ("date", "@day 18000"),
            ("kind", "'split'"),
            ("numerator", "5"),
            ("denominator", "1"),
            ("as_of", "1"),
        ],
    ),
    (
        "vendor_state",
        &[("vendor", "2"), ("failures", "0"), ("blocked_until", "5"), ("reason", "'away'")],
    ),
    ("vendor_request", &[("vendor", "2"), ("at", "5"), ("number", "2")]),
    (
        "worker",
        &[
            ("name", "'cream-1'"),
            ("host", "'cream-1.example'"),
            ("pid", "4"),
            ("version", "'0.1.0'"),
            ("started_at", "1"),
            ("seen_at", "2"),
            ("ended_at", "2"),
            ("in_hand", "0"),
            ("is_stopping", "@false"),
        ],
    ),
    (
        "task",
        &[
            ("worker", "'cream-1'"),
            ("task", "'pull'"),
            ("schedule", "'10s'"),
            ("is_running", "@true"),
            ("last_started_at", "3"),
            ("last_ended_at", "2"),
            ("outcome", "'failed'"),
            ("message", "'no room'"),
            ("failures", "1"),
            ("runs", "1"),
        ],
    ),
];

/// What breaks each constraint: table, constraint, and the columns that differ from the good row.
const BROKEN: &[(&str, &str, Columns)] = &[
    ("stock", "stock_symbol_unique", &[("symbol", "'FIRST'")]),
    ("stock", "stock_symbol_length", &[("symbol", "''")]),
    ("stock", "stock_symbol_length", &[("symbol", "'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456'")]),
    ("series", "series_stock", &[("stock_id", "99")]),
    ("series", "series_vendor", &[("vendor", "0")]),
    ("series", "series_vendor", &[("vendor", "65")]),
    ("series", "series_name_dated", &[("name", "'N'")]),
    ("series", "series_exchange_dated", &[("exchange", "'X'")]),
    ("series", "series_kind_dated", &[("kind_at", "1")]),
    ("series", "series_year_sums", &[("year_sums", "@zeros 18")]),
    ("series", "series_currency_dated", &[("currency", "'USD'")]),
    ("series", "series_time_zone_dated", &[("time_zone", "'UTC'")]),
    ("series", "series_bars", &[("bars", "-1")]),
    ("series", "series_dates", &[("first_date", "NULL")]),
    ("series", "series_dates", &[("bars", "0")]),
    ("series", "series_dates", &[("last_date", "@day 17999")]),
    ("series", "series_revision", &[("revision", "-1")]),
    ("tracked_stock", "tracked_stock_stock", &[("stock_id", "99")]),
    ("tracked_stock", "tracked_stock_vendor", &[("vendor", "-1")]),
    ("tracked_stock", "tracked_stock_vendor_symbol", &[("vendor_symbol", "''")]),
    ("tracked_stock", "tracked_stock_is_active", &[("is_active", "2")]),
    ("tracked_stock", "tracked_stock_status", &[("last_pull_status", "'lost'")]),
    ("tracked_stock", "tracked_stock_failures", &[("failures", "-1")]),
    ("tracked_stock", "tracked_stock_lease", &[("lease_token", "'t'")]),
    ("tracked_stock", "tracked_stock_validators", &[("etag", "NULL"), ("last_modified", "NULL")]),
    ("tracked_stock", "tracked_stock_validators", &[("validator_url", "NULL")]),
    ("tracked_stock", "tracked_stock_validators", &[("validator_url", "NULL"), ("etag", "NULL")]),
    ("tracked_stock", "tracked_stock_validator_url", &[("validator_url", "''")]),
    ("tracked_stock", "tracked_stock_validator_url", &[("validator_url", "@text 2049")]),
    ("tracked_stock", "tracked_stock_etag", &[("etag", "''")]),
    ("tracked_stock", "tracked_stock_etag", &[("etag", "@text 1025")]),
    ("tracked_stock", "tracked_stock_last_modified", &[("last_modified", "''")]),
    ("tracked_stock", "tracked_stock_last_modified", &[("last_modified", "@text 129")]),
    ("raw_response", "raw_response_undecided_kinds", &[("undecided_kinds", "''")]),
    ("raw_response", "raw_response_undecided_kinds", &[("undecided_kinds", "'merger'")]),
    ("raw_response", "raw_response_undecided_kinds", &[("undecided_kinds", "'split,dividend'")]),
    ("raw_response", "raw_response_file_name_unique", &[("file_name", "'first.json'")]),
    ("raw_response", "raw_response_stock", &[("stock_id", "99")]),
    ("raw_response", "raw_response_file_name", &[("file_name", "''")]),
    ("raw_response", "raw_response_sha256", &[("sha256", "@zeros 31")]),
    ("raw_response", "raw_response_byte_len", &[("byte_len", "-1")]),
    ("raw_response", "raw_response_vendor", &[("vendor", "65")]),
    ("raw_response", "raw_response_coverage", &[("covers_to", "NULL")]),
    ("raw_response", "raw_response_coverage", &[("covers_to", "@day 17999")]),
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
    ("stock_data", "stock_data_vendor", &[("vendor", "0")]),
    ("stock_data", "stock_data_date", &[("date", "@day 2932897")]),
    ("stock_data", "stock_data_date", &[("date", "@day -719163")]),
    ("stock_data", "stock_data_price", &[("close", "NULL")]),
    ("stock_data", "stock_data_volume", &[("volume", "-1")]),
    ("stock_data", "stock_data_is_final", &[("is_final", "2")]),
    ("stock_data", "stock_data_flags", &[("flags", "-1")]),
    ("stock_data", "stock_data_flags", &[("flags", "32768")]),
    ("corporate_action", "corporate_action_stock", &[("stock_id", "99")]),
    ("corporate_action", "corporate_action_vendor", &[("vendor", "65")]),
    ("corporate_action", "corporate_action_date", &[("date", "@day 2932897")]),
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
    ("vendor_state", "vendor_state_vendor", &[("vendor", "0")]),
    ("vendor_state", "vendor_state_failures", &[("failures", "-1")]),
    ("vendor_state", "vendor_state_reason", &[("reason", "@text 1001")]),
    ("vendor_request", "vendor_request_vendor", &[("vendor", "65")]),
    ("vendor_request", "vendor_request_number_unique", &[("number", "1")]),
    ("worker", "worker_name", &[("name", "''")]),
    ("worker", "worker_name", &[("name", "@text 129")]),
    ("worker", "worker_host", &[("host", "@text 256")]),
    ("worker", "worker_pid", &[("pid", "-1")]),
    ("worker", "worker_version", &[("version", "@text 65")]),
    ("worker", "worker_in_hand", &[("in_hand", "-1"), ("ended_at", "NULL")]),
    ("worker", "worker_is_stopping", &[("is_stopping", "2")]),
    ("worker", "worker_ended", &[("in_hand", "1")]),
    ("task", "task_worker", &[("worker", "''")]),
    ("task", "task_worker", &[("worker", "@text 129")]),
    ("task", "task_task", &[("task", "''")]),
    ("task", "task_task", &[("task", "@text 65")]),
    ("task", "task_schedule", &[("schedule", "@text 256")]),
    ("task", "task_is_running", &[("is_running", "2")]),
    ("task", "task_started", &[("last_started_at", "NULL"), ("is_running", "@false")]),
    (
        "task",
        "task_started",
        &[("last_started_at", "NULL"), ("last_ended_at", "NULL"), ("outcome", "NULL")],
    ),
    ("task", "task_outcome", &[("outcome", "'skipped'")]),
    ("task", "task_ended", &[("outcome", "NULL")]),
    ("task", "task_ended", &[("last_ended_at", "NULL")]),
    ("task", "task_message", &[("message", "@text 1001")]),
    ("task", "task_failures", &[("failures", "-1")]),
    ("task", "task_runs", &[("runs", "-1")]),
];

/// What the types of PostgreSQL refuse before a constraint does.
const TYPED: [&str; 5] = [
    "tracked_stock_is_active",
    "stock_data_is_final",
    "worker_is_stopping",
    "task_is_running",
    "app_user_is_active",
];

fn rows() -> impl Iterator<Item = &'static (&'static str, Columns)> {
    ROWS.iter().chain(accounts::ROWS)
}

fn broken() -> impl Iterator<Item = &'static (&'static str, &'static str, Columns)> {
    BROKEN.iter().chain(accounts::BROKEN)
}

/// A literal in the words of a database.
fn literal(database: &dyn Database, value: &str) -> String {
    match value.split_once(' ').unwrap_or((value, "")) {
        ("@zeros", count) => database.zeros(count.parse().unwrap()),
        ("@sha256", _) if database.is_typed() => format!("'\\x{}'::bytea", "5a".repeat(32)),
        ("@sha256", _) => format!("x'{}'", "5a".repeat(32)),
        ("@text", count) => format!("'{}'", "x".repeat(count.parse().unwrap())),
        ("@day", days) => database.day(days),
        ("@true", _) if database.is_typed() => "true".to_owned(),
        ("@false", _) if database.is_typed() => "false".to_owned(),
        ("@true", _) => "1".to_owned(),
        ("@false", _) => "0".to_owned(),
        _ => value.to_owned(),
    }
}

fn insert(database: &dyn Database, table: &str, changes: &[(&str, &str)]) -> String {
    let good = rows().find(|(name, _)| *name == table).unwrap().1;
    let mut columns: Vec<(&str, &str)> =
        good.iter().filter(|(name, _)| changes.iter().all(|(c, _)| c != name)).copied().collect();
    columns.extend(changes);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = columns.iter().map(|(_, value)| literal(database, value)).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
}

/// Whether an error is about a constraint, in the words of either database.
fn is_about(error: &str, table: &str, constraint: &str) -> bool {
    error.contains(constraint)
        || constraint.ends_with("_unique") && error.contains("UNIQUE")
        || [format!("{table}_stock"), format!("{table}_user")].contains(&constraint.to_owned())
            && error.contains("FOREIGN KEY")
}

pub(crate) fn each_constraint_of_the_schema_holds(database: &dyn Database) {
    let zeros = database.zeros(32);
    database
        .raw(&format!(
            "INSERT INTO stock (id, symbol) VALUES (1, 'FIRST'); \
             INSERT INTO raw_response (file_name, sha256, byte_len, registered_at, status, \
             attempts, inserted, updated, unchanged, withdrawn) \
             VALUES ('first.json', {zeros}, 1, 1, 'pending', 0, 0, 0, 0, 0); \
             INSERT INTO vendor_request (vendor, at, number) VALUES (2, 4, 1)"
        ))
        .unwrap();
    database.raw(&insert(database, "app_user", &[("id", "1"), ("name", "'first'")])).unwrap();
    let first = [("id", "1"), ("digest", zeros.as_str())];
    database.raw(&insert(database, "api_token", &first)).unwrap();
    for (table, constraint, changes) in broken() {
        let error = database.raw(&insert(database, table, changes)).expect_err(constraint);
        let by_type = database.is_typed()
            && (error.contains("out of range") || error.contains("is of type boolean"));
        assert!(
            by_type || is_about(&error, table, constraint),
            "{constraint} {changes:?}: {error}"
        );
    }
    // The same rows without the flaw go in, so that it was the flaw.
    for (table, good) in rows() {
        database.raw(&insert(database, table, &[])).unwrap();
        let again = database.raw(&insert(database, table, &[])).expect_err("the key is unique");
        assert!(again.to_lowercase().contains("unique"), "{table}: {again}");
        // A value of another type; any can be had as text in PostgreSQL.
        let other = if database.is_typed() { "'x'::bytea" } else { "x'00'" };
        if database.is_typed() && good[0].1.starts_with('\'') {
            continue;
        }
        let error = database.raw(&insert(database, table, &[(good[0].0, other)])).unwrap_err();
        assert!(
            ["cannot store BLOB", "mismatch", "is of type"].iter().any(|part| error.contains(part)),
            "{error}"
        );
    }
    for kinds in 0..1_u8 << ActionKind::ALL.len() {
        let is_in = |kind: &ActionKind| kinds >> (*kind as u8) & 1 == 1;
        let set =
            ActionKind::ALL.into_iter().filter(is_in).fold(ActionKinds::NONE, ActionKinds::with);
        if set.is_empty() {
            continue;
        }
        let text = format!("'{set}'");
        let row = [("undecided_kinds", text.as_str()), ("file_name", text.as_str())];
        database.raw(&insert(database, "raw_response", &row)).unwrap();
    }
    for column in ["is_final", "flags", "as_of", "date", "vendor", "stock_id"] {
        let row = insert(database, "stock_data", &[(column, "NULL")]);
        let error = database.raw(&row).unwrap_err().to_lowercase();
        assert!(error.contains("not null") || error.contains("not-null"), "{column}: {error}");
    }

    let broken: BTreeSet<String> = broken()
        .map(|(_, name, _)| (*name).to_owned())
        .filter(|name| !(database.is_typed() && TYPED.contains(&name.as_str())))
        .collect();
    assert_eq!(database.constraints(), broken, "each constraint is tried");
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
    assert!(write(&[day, day]).contains("stock_data"));
    // Also where many are written at once, and the last of them is at fault.
    let many = |last: Bar| {
        let days = (0..300).map(|n| Date::from_days(n).unwrap());
        days.map(|date| day.with_date(date)).chain([last]).collect::<Vec<_>>()
    };
    assert_eq!(write(&many(day.with_volume(-1))), "stock_data_volume");
    assert!(write(&many(day.with_date(Date::from_days(7).unwrap()))).contains("stock_data"));
    assert_eq!(store.read(|r| r.latest_bar(id, Vendor::YahooChart)).unwrap(), None);
}
