//! The tables, as the query builder knows them.
#![expect(missing_docs, reason = "columns are described in the migrations")]

diesel::table! {
    /// Instruments.
    stock (id) {
        id -> BigInt,
        symbol -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::Day;

    /// The state of one stock's prices from one vendor.
    series (stock_id, vendor) {
        stock_id -> BigInt,
        vendor -> SmallInt,
        name -> Nullable<Text>,
        exchange -> Nullable<Text>,
        kind -> Nullable<Text>,
        currency -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        name_at -> Nullable<BigInt>,
        exchange_at -> Nullable<BigInt>,
        kind_at -> Nullable<BigInt>,
        currency_at -> Nullable<BigInt>,
        time_zone_at -> Nullable<BigInt>,
        bars -> BigInt,
        first_date -> Nullable<Day>,
        last_date -> Nullable<Day>,
        year_sums -> Nullable<Binary>,
        newest_at -> Nullable<BigInt>,
        actions_known -> Nullable<Text>,
        revision -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    /// What is pulled from vendors.
    tracked_stock (stock_id, vendor) {
        stock_id -> BigInt,
        vendor -> SmallInt,
        vendor_symbol -> Text,
        is_active -> Bool,
        last_pull_at -> Nullable<BigInt>,
        last_pull_status -> Text,
        error_message -> Nullable<Text>,
        failures -> Integer,
        next_pull_at -> Nullable<BigInt>,
        unknown_since -> Nullable<BigInt>,
        untracked_at -> Nullable<BigInt>,
        validator_url -> Nullable<Text>,
        etag -> Nullable<Text>,
        last_modified -> Nullable<Text>,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::Day;

    /// Archived responses and what became of them.
    raw_response (id) {
        id -> BigInt,
        file_name -> Text,
        sha256 -> Binary,
        byte_len -> BigInt,
        registered_at -> BigInt,
        stock_id -> Nullable<BigInt>,
        vendor -> Nullable<SmallInt>,
        fetched_at -> Nullable<BigInt>,
        covers_from -> Nullable<Day>,
        covers_to -> Nullable<Day>,
        undecided_bars -> Nullable<Text>,
        undecided_actions -> Nullable<Text>,
        undecided_kinds -> Nullable<Text>,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        inserted -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        withdrawn -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::Day;

    /// Daily bars.
    stock_data (stock_id, vendor, date) {
        stock_id -> BigInt,
        vendor -> SmallInt,
        date -> Day,
        open -> Nullable<BigInt>,
        high -> Nullable<BigInt>,
        low -> Nullable<BigInt>,
        close -> Nullable<BigInt>,
        adj_close -> Nullable<BigInt>,
        volume -> Nullable<BigInt>,
        is_final -> Bool,
        flags -> SmallInt,
        as_of -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::Day;

    /// Bars on their way into `stock_data`: in PostgreSQL, a temporary table of the session.
    stock_data_staged (stock_id, vendor, date) {
        stock_id -> BigInt,
        vendor -> SmallInt,
        date -> Day,
        open -> Nullable<BigInt>,
        high -> Nullable<BigInt>,
        low -> Nullable<BigInt>,
        close -> Nullable<BigInt>,
        adj_close -> Nullable<BigInt>,
        volume -> Nullable<BigInt>,
        is_final -> Bool,
        flags -> SmallInt,
        as_of -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::Day;

    /// Dividends, splits and capital gains.
    corporate_action (stock_id, vendor, date, kind) {
        stock_id -> BigInt,
        vendor -> SmallInt,
        date -> Day,
        kind -> Text,
        amount -> Nullable<BigInt>,
        numerator -> Nullable<BigInt>,
        denominator -> Nullable<BigInt>,
        as_of -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// How each vendor fares.
    vendor_state (vendor) {
        vendor -> SmallInt,
        failures -> Integer,
        blocked_until -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    /// Requests that were granted.
    vendor_request (vendor, at) {
        vendor -> SmallInt,
        at -> BigInt,
        number -> BigInt,
    }
}

diesel::table! {
    /// Who works, or has worked.
    worker (name) {
        name -> Text,
        host -> Text,
        pid -> BigInt,
        version -> Text,
        started_at -> BigInt,
        seen_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        in_hand -> BigInt,
        is_stopping -> Bool,
    }
}

diesel::table! {
    /// What a worker does from time to time.
    task (worker, name) {
        worker -> Text,
        #[sql_name = "task"]
        name -> Text,
        schedule -> Text,
        is_running -> Bool,
        last_started_at -> Nullable<BigInt>,
        last_ended_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        message -> Nullable<Text>,
        failures -> BigInt,
        runs -> BigInt,
        next_run_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// People, and programs that have tokens.
    app_user (id) {
        id -> BigInt,
        name -> Text,
        role -> Text,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        created_at -> BigInt,
        changed_at -> BigInt,
        password_at -> Nullable<BigInt>,
        last_login_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// What was given out to be let in by.
    api_token (id) {
        id -> BigInt,
        user_id -> BigInt,
        kind -> Text,
        name -> Text,
        digest -> Binary,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// What happened to accounts and by them.
    audit_event (id) {
        id -> BigInt,
        at -> BigInt,
        kind -> Text,
        account -> Nullable<Text>,
        actor_id -> Nullable<BigInt>,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    stock,
    series,
    tracked_stock,
    raw_response,
    stock_data,
    corporate_action,
    vendor_state,
    vendor_request,
    worker,
    task,
    app_user,
    api_token,
    audit_event,
);
