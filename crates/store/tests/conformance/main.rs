//! What every database behind the store must do.
//!
//! A case is a function of an empty, migrated [`Database`](harness::Database); the macro below
//! makes a test of it for each database there is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod audit;
mod constraints;
mod constraints_accounts;
mod harness;
mod leases;
mod migrations;
mod postgres_only;
mod reading;
mod responses;
mod series;
mod tracking;
mod tracking_model;
mod transactions;
mod vendors;
mod version;
mod workers;

macro_rules! conformance {
    ([$($database:ident: $make:path),+] $cases:tt) => {
        $(conformance!(@ $database, $make, $cases);)+
    };
    (@ $database:ident, $make:path, { $($module:ident { $($case:ident,)+ })+ }) => {
        mod $database {
            $(mod $module {
                $(
                    #[test]
                    fn $case() {
                        // A database that is absent has said so.
                        if let Some(database) = $make() {
                            crate::$module::$case(&database);
                        }
                    }
                )+
            })+
        }
    };
}

conformance! {
    [sqlite: crate::harness::Sqlite::for_a_case, postgres: crate::harness::Postgres::for_a_case]
    {
    reading {
        bars_come_back_as_they_went_in,
        many_bars_are_written_and_written_over,
        any_bars_are_read_back,
        order_range_and_limit_hold,
        withdrawn_bars_are_left_out_and_come_back,
        actions_are_ordered_and_withdrawn,
        series_do_not_mix,
        stocks_are_listed_and_found,
        the_digest_is_of_what_is_served,
        totals_count_what_is_served,
    }
    series {
        a_stock_is_added_once,
        the_newest_description_wins_in_any_order,
        a_series_keeps_count_of_its_bars,
        sums_that_are_unknown_are_worked_out,
        locking_adds_the_row_once,
        known_actions_are_a_union_in_any_order,
        known_actions_that_are_unknown_are_worked_out,
    }
    responses {
        a_name_is_registered_once,
        a_name_with_other_content_is_refused,
        an_attempt_counts_once_for_as_long_as_a_token_holds,
        what_is_pending_is_listed_in_pages,
        a_new_response_may_be_claimed_at_once,
        a_response_may_be_recorded_and_done_with_at_once,
        one_claims_and_another_waits_for_the_lease,
        only_the_holder_finishes,
        a_dead_letter_is_tried_again,
        newer_coverage_is_of_loaded_newer_overlapping_responses,
        those_of_a_stock_are_listed_in_pages,
    }
    transactions {
        an_error_rolls_back,
        a_panic_rolls_back_and_the_store_goes_on,
        a_snapshot_does_not_move,
        writers_take_turns,
        a_locked_database_is_busy_and_nothing_is_kept,
        a_writer_sees_what_it_wrote,
        a_store_may_be_shared_between_threads,
        loaders_of_one_series_take_turns,
    }
    vendors {
        a_pull_is_recorded,
        what_is_active_disabled_or_leased_stays_so,
        what_is_too_long_is_cut_or_left_out,
        states_are_kept_and_listed,
        whoever_changes_a_state_knows_what_it_changes,
        a_vendor_that_is_blocked_is_left_alone,
        a_limit_of_nothing_grants_nothing,
        clocks_that_go_back_count_upwards,
        a_clock_that_was_years_ahead_blocks_nobody,
        requests_are_granted_as_the_rule_says,
        threads_and_processes_keep_to_one_limit,
        the_view_for_people_names_every_vendor,
    }
    tracking {
        tracking_begins_anew_or_goes_on,
        symbols_are_tracked_as_everybody_may,
        the_longest_due_is_claimed_first,
        eight_that_claim_at_once_get_each_row_once,
        a_pull_ends,
        a_success_of_an_older_program_ends_what_was_unknown,
        what_is_tracked_is_counted_and_listed,
    }
    tracking_model {
        rows_stand_as_the_rules_say,
    }
    leases {
        what_is_past_its_lease_is_taken_over,
        a_lease_is_renewed_by_whoever_holds_it,
        a_claim_is_given_back_as_if_it_were_not_made,
        many_claims_are_renewed_and_given_back_at_once,
        leases_that_ended_are_forgotten,
        dead_letters_that_are_due_are_listed_in_pages,
        another_try_is_asked_for,
        responses_are_found_and_walked,
    }
    workers {
        a_name_stays_with_whoever_is_alive,
        eight_that_start_at_once_get_eight_names,
        what_a_worker_says_of_itself_is_bounded,
        a_task_is_written_over_and_goes_with_its_worker,
    }
    accounts {
        users_are_added_and_found,
        two_who_add_a_name_at_once_are_told_apart,
        one_active_admin_always_remains,
        of_two_admins_who_go_at_once_one_remains,
        passwords_are_set_and_end_sessions,
        no_session_outlasts_a_password,
        tokens_are_given_listed_and_taken_back,
        a_holder_is_found_whatever_the_state,
    }
    audit {
        events_are_recorded_and_listed,
        what_is_too_long_for_an_event_is_cut,
        failed_logins_are_counted_by_account_and_address,
        what_ended_long_ago_is_forgotten,
    }
    version {
        whatever_anybody_commits_changes_the_version,
        the_version_is_that_of_who_is_read,
        equal_versions_stand_for_one_state,
    }
    constraints {
        each_constraint_of_the_schema_holds,
        each_constraint_is_reported_through_the_store,
    }
    migrations {
        up_down_up_gives_the_same_schema,
        four_that_start_at_once_migrate_once,
        an_older_schema_is_told,
        a_newer_schema_is_refused,
        what_a_response_leaves_open_stays_so_without_its_column,
    }
}}

/// What holds for SQLite alone.
mod sqlite_only {
    use crate::harness::{Database as _, Sqlite, bar, instant, stock};
    use cream_models::Vendor;
    use cream_store::{DatabaseUrl, Store, StoreError, StoreOptions};

    fn open(path: &std::path::Path) -> Result<Store, StoreError> {
        Store::open(&DatabaseUrl::sqlite(path), &StoreOptions::default())
    }

    #[test]
    fn what_cannot_be_opened_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &std::path::Path| open(path).unwrap_err().to_string();

        let missing = message(&folder.path().join("absent/cream.db"));
        assert!(missing.contains("absent does not exist"), "{missing}");
        assert!(!folder.path().join("absent").exists());
        let is_folder = message(folder.path());
        assert!(is_folder.contains("it is a folder"), "{is_folder}");
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "not a database at all ".repeat(100)).unwrap();
        let other = message(&text);
        assert!(other.contains("file is not a database"), "{other}");
    }

    #[test]
    fn a_file_is_created_and_kept_in_wal_mode() {
        let database = Sqlite::fresh();
        assert_eq!(database.query("SELECT journal_mode AS text FROM pragma_journal_mode"), ["wal"]);
        assert_eq!(database.store().url().file().map(|path| path.exists()), Some(true));
    }

    #[test]
    fn a_damaged_value_is_an_error_and_no_guess() {
        let database = Sqlite::fresh();
        let id = stock(database.store(), "A");
        let vendor = Vendor::YahooChart;
        let bars = [bar("2020-01-02", "1")];
        database.store().write(|w| w.insert_bars(id, vendor, instant(1), &bars)).unwrap();
        database.raw("UPDATE stock_data SET flags = 1024").unwrap();
        let error = database.store().read(|r| r.latest_bar(id, vendor)).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { table: "stock_data", column: "flags", .. }),
            "{error}"
        );
        database
            .raw("PRAGMA ignore_check_constraints = ON; UPDATE stock_data SET flags = 0, date = 4000000")
            .unwrap();
        let error = database
            .store()
            .read(|r| r.all_bars(id, vendor, cream_models::DateRange::ALL))
            .map(|bars| bars.len());
        // Outside every range that can be asked for.
        assert_eq!(error.unwrap(), 0);
    }

    #[test]
    fn a_link_to_the_database_leads_to_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let (there, here) = (folder.path().join("there"), folder.path().join("here"));
        std::fs::create_dir(&there).unwrap();
        std::fs::create_dir(&here).unwrap();
        std::fs::write(there.join("cream.db"), "").unwrap();
        std::os::unix::fs::symlink(there.join("cream.db"), here.join("cream.db")).unwrap();
        let store = open(&here.join("cream.db")).unwrap();
        store.migrate_up().unwrap();
        stock(&store, "A");
        assert!(there.join("cream.db-wal").exists() && !here.join("cream.db-wal").exists());
        // A log that cannot be synced is noticed, so it is this one that is.
        std::fs::remove_file(there.join("cream.db-wal")).unwrap();
        std::os::unix::fs::symlink("cream.db-wal", there.join("cream.db-wal")).unwrap();
        let error = store.sync().unwrap_err();
        assert!(matches!(error, StoreError::Unsynced { .. }) && error.stops_all(), "{error}");
        // Nor is anything taken for durable after that.
        std::fs::remove_file(there.join("cream.db-wal")).unwrap();
        assert!(matches!(store.sync(), Err(StoreError::Unsynced { .. })));
    }

    #[test]
    fn data_of_the_fourth_migration_are_kept_by_the_fifth_and_come_back() {
        let database = Sqlite::fresh();
        let store = database.store();
        let down_to_the_fourth = || {
            let down = std::iter::from_fn(|| store.migrate_down().unwrap());
            assert!(down.into_iter().any(|name| name == "0005_series_state"));
        };
        down_to_the_fourth();
        database
            .raw(
                "INSERT INTO stock VALUES (1, 'A', 'Name', NULL, 'ETF', 5, NULL, 6), \
                 (2, 'B', 'Bee', NULL, NULL, 8, NULL, NULL); \
                 INSERT INTO series VALUES (1, 1, 'USD', NULL, 3, NULL, 2, 18000, 18001, 4, 9), \
                 (2, 2, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, 0); \
                 INSERT INTO stock_data (stock_id, vendor, date, close, is_final, flags, as_of, \
                 withdrawn_at) VALUES (1, 1, 18000, 5, 1, 0, 1, NULL), (1, 1, 18001, 6, 0, 0, 1, \
                 NULL), (1, 1, 18002, 7, 1, 0, 1, 2); \
                 INSERT INTO corporate_action (stock_id, vendor, date, kind, amount, as_of) \
                 VALUES (1, 1, 18000, 'dividend', 1, 1); \
                 INSERT INTO series VALUES (2, 1, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, 0); \
                 INSERT INTO raw_response (file_name, sha256, byte_len, registered_at, stock_id, \
                 vendor, fetched_at, status, attempts, inserted, updated, unchanged, withdrawn) \
                 VALUES ('a', zeroblob(32), 1, 1, 2, 1, 70, 'parsed', 1, 0, 0, 0, 0), \
                 ('b', zeroblob(32), 1, 1, 2, 1, 60, 'parsed', 1, 0, 0, 0, 0); \
                 INSERT INTO tracked_stock (stock_id, vendor, vendor_symbol, is_active, \
                 last_pull_status, failures) VALUES (2, 1, 'B', 1, 'pending', 0)",
            )
            .unwrap();
        let tables = ["stock", "series", "stock_data", "corporate_action", "tracked_stock"];
        let dump = || {
            tables.map(|table| {
                let columns = columns(table);
                database.query(&format!("SELECT {columns} AS text FROM {table} ORDER BY 1"))
            })
        };
        let before = dump();
        store.migrate_up().unwrap();
        let series = store.read(|r| r.series(cream_store::StockId(1), Vendor::YahooChart));
        let series = series.unwrap().unwrap();
        let name = series.description.name.as_ref().map(|said| (said.text.as_str(), said.at));
        assert_eq!(name, Some(("Name", cream_models::Timestamp::from_micros(5))));
        assert_eq!((series.currency(), series.bars, series.revision), (Some("USD"), 2, 4));
        // The sums are worked out when they are asked for.
        let state = store.write(|w| w.lock_series(series.stock_id, Vendor::YahooChart)).unwrap();
        let stored =
            store.read(|r| r.bars(series.stock_id, Vendor::YahooChart, &Default::default()));
        let stored = stored.unwrap();
        assert_eq!(stored.len(), 2);
        let bars = stored.iter().map(|stored| &stored.bar);
        let sums = cream_store::YearSums::of(bars);
        let range = cream_models::DateRange::ALL;
        assert!(
            state.sums().differing(&sums, range).is_none() && !state.sums().has_same_actions(&sums)
        );
        // What is loaded is known to be newer than what may come.
        let at = cream_models::Timestamp::from_micros;
        let other = cream_store::StockId(2);
        let state = store.write(|w| w.lock_series(other, Vendor::YahooChart)).unwrap();
        assert!(!state.is_newest(at(70)) && state.is_newest(at(71)));
        // Which of two vendors gave a name is not known.
        assert_eq!(state.series().description.name, None);
        down_to_the_fourth();
        let (after, mut before) = (dump(), before);
        before[0][1] = before[0][1].replace("\"Bee\"", "null").replace(",8,", ",null,");
        assert_eq!(after, before);
    }

    /// What a row of the fourth migration holds, as one text.
    fn columns(table: &str) -> &'static str {
        match table {
            "stock" => {
                "json_array(id, symbol, name, exchange, kind, name_at, exchange_at, kind_at)"
            }
            "series" => {
                "json_array(stock_id, vendor, currency, time_zone, currency_at, bars, first_date, \
                 last_date, revision, changed_at)"
            }
            "stock_data" => {
                "json_array(stock_id, vendor, date, close, is_final, as_of, withdrawn_at)"
            }
            "corporate_action" => "json_array(stock_id, vendor, date, kind, amount, as_of)",
            _ => "json_array(stock_id, vendor, vendor_symbol, is_active)",
        }
    }

    #[test]
    fn the_view_for_people_reads_well() {
        let database = Sqlite::fresh();
        let id = stock(database.store(), "TSLA");
        let bars = [bar("2025-06-13", "325.31").with_volume(7).with_final(false)];
        let at = "2025-06-16T21:30:00Z".parse().unwrap();
        database.store().write(|w| w.insert_bars(id, Vendor::YahooPage, at, &bars)).unwrap();
        assert_eq!(
            database.query(
                "SELECT symbol || ' ' || vendor || ' ' || date || ' ' || close || ' ' || \
                 coalesce(open, '-') || ' ' || volume || ' ' || state || ' ' || as_of AS text \
                 FROM stock_data_readable"
            ),
            ["TSLA yahoo-page 2025-06-13 325.31 - 7 live 2025-06-16T21:30:00Z"]
        );
    }
}
