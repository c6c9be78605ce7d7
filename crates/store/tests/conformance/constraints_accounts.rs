//! What can never be of people, tokens and events.

use crate::constraints::Columns;

/// One row of each table that is as it should be, by column.
pub(crate) const ROWS: &[(&str, Columns)] = &[
    (
        "app_user",
        &[
            ("id", "7"),
            ("name", "'ann-lee_7.x@example.org'"),
            ("role", "'admin'"),
            ("password_hash", "'$argon2id$'"),
            ("is_active", "@true"),
            ("created_at", "1"),
            ("changed_at", "2"),
            ("password_at", "3"),
            ("last_login_at", "4"),
        ],
    ),
    (
        "api_token",
        &[
            ("id", "7"),
            ("user_id", "1"),
            ("kind", "'session'"),
            ("name", "''"),
            ("digest", "@sha256"),
            ("scopes", "'read,track'"),
            ("created_at", "1"),
            ("expires_at", "2"),
            ("last_used_at", "0"),
            ("revoked_at", "0"),
        ],
    ),
    (
        "audit_event",
        &[
            ("id", "7"),
            ("at", "1"),
            ("kind", "'login_failed'"),
            ("account", "''"),
            ("actor_id", "99"),
            ("address", "'192.0.2.1'"),
            ("request_id", "'r'"),
            ("detail", "'d'"),
        ],
    ),
];

/// What breaks each constraint: table, constraint, and the columns that differ from the good row.
pub(crate) const BROKEN: &[(&str, &str, Columns)] = &[
    ("app_user", "app_user_name_unique", &[("name", "'first'")]),
    ("app_user", "app_user_name", &[("name", "''")]),
    ("app_user", "app_user_name", &[("name", "'Ann'")]),
    ("app_user", "app_user_name", &[("name", "'.ann'")]),
    ("app_user", "app_user_name", &[("name", "'ann lee'")]),
    ("app_user", "app_user_name", &[("name", "'annä'")]),
    ("app_user", "app_user_name", &[("name", "'ann\n'")]),
    ("app_user", "app_user_name", &[("name", "@text 65")]),
    ("app_user", "app_user_role", &[("role", "'root'")]),
    ("app_user", "app_user_password_hash", &[("password_hash", "''")]),
    ("app_user", "app_user_password_hash", &[("password_hash", "@text 513")]),
    ("app_user", "app_user_password_dated", &[("password_hash", "NULL")]),
    ("app_user", "app_user_password_dated", &[("password_at", "NULL")]),
    ("app_user", "app_user_is_active", &[("is_active", "2")]),
    ("api_token", "api_token_digest_unique", &[("digest", "@zeros 32")]),
    ("api_token", "api_token_user", &[("user_id", "99")]),
    ("api_token", "api_token_kind", &[("kind", "'key'")]),
    ("api_token", "api_token_name", &[("name", "@text 101")]),
    ("api_token", "api_token_digest", &[("digest", "@zeros 31")]),
    ("api_token", "api_token_digest", &[("digest", "@zeros 33")]),
    ("api_token", "api_token_scopes", &[("scopes", "''")]),
    ("api_token", "api_token_scopes", &[("scopes", "'write'")]),
    ("api_token", "api_token_scopes", &[("scopes", "'track,read'")]),
    ("api_token", "api_token_expires", &[("expires_at", "1")]),
    ("audit_event", "audit_event_kind", &[("kind", "''")]),
    ("audit_event", "audit_event_kind", &[("kind", "'Login'")]),
    ("audit_event", "audit_event_kind", &[("kind", "@text 65")]),
    ("audit_event", "audit_event_account", &[("account", "@text 65")]),
    ("audit_event", "audit_event_address", &[("address", "@text 65")]),
    ("audit_event", "audit_event_request_id", &[("request_id", "@text 129")]),
    ("audit_event", "audit_event_detail", &[("detail", "@text 1001")]),
];
