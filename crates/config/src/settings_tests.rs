//! Tests of the settings.

use super::*;
use proptest::prelude::*;

fn read<const N: usize>(vars: [(&str, &str); N]) -> Result<Settings, ConfigErrors> {
    Settings::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn refusal<const N: usize>(vars: [(&str, &str); N]) -> String {
    read(vars).unwrap_err().to_string()
}

fn every(seconds: u64) -> Schedule {
    Schedule::Every(Duration::from_secs(seconds))
}

#[test]
fn a_schedule_that_is_none_is_refused_with_what_is_wrong() {
    for bad in ["5 minutes", "0s", "soon", "61 * * * *", "0 22 * * 1-5 Mars/Olympus", "400d"] {
        let text = refusal([("STOCK_DATA_SWEEP_SCHEDULE", bad)]);
        let expected = format!("STOCK_DATA_SWEEP_SCHEDULE is {bad:?}: allowed is an interval such");
        assert!(text.contains(&expected) && text.contains("; "), "{text}");
        assert!(text.len() < 600, "{text}");
    }
}

#[test]
fn the_defaults_are_those_promised() {
    let settings = read([]).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(
        settings,
        Settings {
            database_url: Secret::new("sqlite:cream.db"),
            database_replica_url: None,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(10),
            check_idle: Duration::from_secs(1),
            patience: Duration::from_secs(60),
            raw_responses_dir: "files/raw_responses".into(),
            parsed_responses_dir: "files/parsed_responses".into(),
            deadletter_responses_dir: "files/deadletter_responses".into(),
            timeout: Duration::from_secs(30),
            max_retries: 3,
            retry_delay: Duration::from_secs(5),
            batch_size: 1000,
            max_concurrent_files: 5,
            max_response_bytes: 64 * 1024 * 1024,
            vendor: Vendor::YahooChart,
            fallback_vendors: Vec::new(),
            vendor_connect_timeout: Duration::from_secs(10),
            vendor_read_timeout: Duration::from_secs(20),
            max_wait: Duration::from_secs(120),
            max_concurrent_pulls: 4,
            overlap_days: 10,
            user_agent: "Mozilla/5.0 (compatible; cream/0.1.0)".to_owned(),
            alpha_vantage_premium: false,
            vendors: vendors::VENDORS
                .iter()
                .map(|row| (row.vendor, VendorSettings::default()))
                .collect(),
            worker_name: None,
            lease: Duration::from_secs(60),
            shutdown: Duration::from_secs(20),
            pull_schedule: every(10),
            process_schedule: every(300),
            dead_letter_schedule: every(86_400),
            sweep_schedule: every(60),
            archive_check_schedule: every(86_400),
            max_attempts: 5,
            settle: None,
            spread: Duration::from_secs(30 * 60),
            unknown_days: 7,
            min_free_bytes: 256_000_000,
            metrics_listen: None,
            api_listen: "127.0.0.1:8080".parse().unwrap(),
            api: ApiVariables {
                open_reading: None,
                trusted_proxies: Vec::new(),
                cors_origins: Vec::new(),
                requests_per_second: Some(200),
                max_concurrent_requests: 512,
                request_timeout: Duration::from_secs(10),
                cache_bytes: 64_000_000,
                max_tracked: 20_000,
                session: Duration::from_secs(12 * 3600),
                login_failures: 10,
                login_failures_per_address: 30,
                login_window: Duration::from_secs(15 * 60),
            },
            log_format: LogFormat::Auto,
            log_filter: LogFilter::default(),
        }
    );
}

#[test]
fn every_variable_is_read_into_its_own_field() {
    let settings = read([
        ("DATABASE_URL", "postgres://cream:hunter2@db/cream"),
        ("DATABASE_REPLICA_URL", "postgres://reader:hunter2@copy/cream"),
        ("DATABASE_MAX_CONNECTIONS", "11"),
        ("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "21"),
        ("DATABASE_CONNECT_TIMEOUT_SECONDS", "22"),
        ("DATABASE_LOCK_TIMEOUT_SECONDS", "23"),
        ("DATABASE_CHECK_IDLE_SECONDS", "24"),
        ("DATABASE_PATIENCE_SECONDS", "25"),
        ("STOCK_DATA_RAW_RESPONSES_DIR", "/data/raw responses"),
        ("STOCK_DATA_PARSED_RESPONSES_DIR", "p"),
        ("STOCK_DATA_DEADLETTER_RESPONSES_DIR", "d"),
        ("STOCK_DATA_TIMEOUT_SECONDS", "31"),
        ("STOCK_DATA_MAX_RETRIES", "0"),
        ("STOCK_DATA_RETRY_DELAY_SECONDS", "6"),
        ("STOCK_DATA_BATCH_SIZE", "1001"),
        ("STOCK_DATA_MAX_CONCURRENT_FILES", "12"),
        ("STOCK_DATA_MAX_RESPONSE_BYTES", "2048"),
        ("STOCK_DATA_VENDOR", "tiingo"),
        ("STOCK_DATA_FALLBACK_VENDORS", "stooq, massive"),
        ("STOCK_DATA_CONNECT_TIMEOUT_SECONDS", "7"),
        ("STOCK_DATA_READ_TIMEOUT_SECONDS", "8"),
        ("STOCK_DATA_MAX_WAIT_SECONDS", "9"),
        ("STOCK_DATA_MAX_CONCURRENT_PULLS", "13"),
        ("STOCK_DATA_OVERLAP_DAYS", "14"),
        ("STOCK_DATA_USER_AGENT", "a b/1"),
        ("STOCK_DATA_ALPHA_VANTAGE_PLAN", "premium"),
        ("STOCK_DATA_TIINGO_API_KEY", "hunter2tiingo"),
        ("STOCK_DATA_TIINGO_BASE_URL", "http://127.0.0.1:1/"),
        ("STOCK_DATA_TIINGO_RATE_LIMIT", "5/min,25/d"),
        ("STOCK_DATA_NASDAQ_RATE_LIMIT", "none"),
        ("STOCK_DATA_WORKER_NAME", "night.shift_2-b"),
        ("STOCK_DATA_LEASE_SECONDS", "61"),
        ("STOCK_DATA_SHUTDOWN_SECONDS", "0"),
        ("STOCK_DATA_PULL_SCHEDULE", "11s"),
        ("STOCK_DATA_PROCESS_SCHEDULE", "12m"),
        ("STOCK_DATA_DEAD_LETTER_SCHEDULE", "0 22 * * 1-5 America/New_York"),
        ("STOCK_DATA_SWEEP_SCHEDULE", "13"),
        ("STOCK_DATA_ARCHIVE_CHECK_SCHEDULE", "14h"),
        ("STOCK_DATA_MAX_ATTEMPTS", "15"),
        ("STOCK_DATA_SETTLE_MINUTES", "0"),
        ("STOCK_DATA_SPREAD_MINUTES", "16"),
        ("STOCK_DATA_UNKNOWN_DAYS", "17"),
        ("STOCK_DATA_MIN_FREE_MB", "18"),
        ("STOCK_DATA_METRICS_LISTEN", "127.0.0.1:9100"),
        ("API_LISTEN", "[::1]:0"),
        ("API_OPEN_READING", "no"),
        ("API_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("API_CORS_ORIGINS", "https://a.example"),
        ("API_REQUESTS_PER_SECOND", "0"),
        ("API_MAX_CONCURRENT_REQUESTS", "19"),
        ("API_REQUEST_SECONDS", "20"),
        ("API_CACHE_MB", "21"),
        ("API_MAX_TRACKED", "26"),
        ("AUTH_SESSION_HOURS", "22"),
        ("AUTH_LOGIN_FAILURES", "23"),
        ("AUTH_LOGIN_FAILURES_PER_ADDRESS", "24"),
        ("AUTH_LOGIN_MINUTES", "25"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "warn,cream_store=debug"),
        // Of no concern.
        ("API_KEY", "x"),
        ("PATH", ""),
    ])
    .unwrap();
    assert_eq!(
        settings,
        Settings {
            database_url: Secret::new("postgres://cream:hunter2@db/cream"),
            database_replica_url: Some(Secret::new("postgres://reader:hunter2@copy/cream")),
            max_connections: 11,
            acquire_timeout: Duration::from_secs(21),
            connect_timeout: Duration::from_secs(22),
            lock_timeout: Duration::from_secs(23),
            check_idle: Duration::from_secs(24),
            patience: Duration::from_secs(25),
            raw_responses_dir: "/data/raw responses".into(),
            parsed_responses_dir: "p".into(),
            deadletter_responses_dir: "d".into(),
            timeout: Duration::from_secs(31),
            max_retries: 0,
            retry_delay: Duration::from_secs(6),
            batch_size: 1001,
            max_concurrent_files: 12,
            max_response_bytes: 2048,
            vendor: Vendor::Tiingo,
            fallback_vendors: vec![Vendor::Stooq, Vendor::Massive],
            vendor_connect_timeout: Duration::from_secs(7),
            vendor_read_timeout: Duration::from_secs(8),
            max_wait: Duration::from_secs(9),
            max_concurrent_pulls: 13,
            overlap_days: 14,
            user_agent: "a b/1".to_owned(),
            alpha_vantage_premium: true,
            vendors: vendors::VENDORS
                .iter()
                .map(|row| {
                    let settings = match row.vendor {
                        Vendor::Tiingo => VendorSettings {
                            api_key: Some(Secret::new("hunter2tiingo")),
                            base_url: Some("http://127.0.0.1:1".to_owned()),
                            rate_limits: Some(
                                ["5/min", "25/d"].map(|text| text.parse().unwrap()).into(),
                            ),
                        },
                        Vendor::Nasdaq => {
                            VendorSettings { rate_limits: Some(Vec::new()), ..Default::default() }
                        }
                        _ => VendorSettings::default(),
                    };
                    (row.vendor, settings)
                })
                .collect(),
            worker_name: Some("night.shift_2-b".to_owned()),
            lease: Duration::from_secs(61),
            shutdown: Duration::ZERO,
            pull_schedule: every(11),
            process_schedule: every(12 * 60),
            dead_letter_schedule: "0 22 * * 1-5 America/New_York".parse().unwrap(),
            sweep_schedule: every(13),
            archive_check_schedule: every(14 * 3600),
            max_attempts: 15,
            settle: Some(Duration::ZERO),
            spread: Duration::from_secs(16 * 60),
            unknown_days: 17,
            min_free_bytes: 18_000_000,
            metrics_listen: Some("127.0.0.1:9100".parse().unwrap()),
            api_listen: "[::1]:0".parse().unwrap(),
            api: ApiVariables {
                open_reading: Some(false),
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
                cors_origins: vec!["https://a.example".to_owned()],
                requests_per_second: None,
                max_concurrent_requests: 19,
                request_timeout: Duration::from_secs(20),
                cache_bytes: 21_000_000,
                max_tracked: 26,
                session: Duration::from_secs(22 * 3600),
                login_failures: 23,
                login_failures_per_address: 24,
                login_window: Duration::from_secs(25 * 60),
            },
            log_format: LogFormat::Json,
            log_filter: LogFilter::parse("warn,cream_store=debug").unwrap(),
        }
    );
    assert!(!format!("{settings:?} {settings:#?}").contains("hunter2"));
}

#[test]
fn numbers_are_taken_within_their_bounds_only() {
    for variable in VARIABLES.iter() {
        let (Allowed::Number { min, max, .. } | Allowed::OptionalNumber { min, max, .. }) =
            variable.allowed
        else {
            continue;
        };
        for good in [min, max] {
            assert!(read([(variable.name, &good.to_string())]).is_ok(), "{variable:?} {good}");
        }
        let below = min.checked_sub(1).map_or("-1".to_owned(), |below| below.to_string());
        let above = (max + 1).to_string();
        let bounds = [below.as_str(), above.as_str()];
        let malformed = [
            " 5",
            "5 ",
            "+5",
            "5.0",
            "5s",
            "1e3",
            "0x10",
            "1_000",
            "five",
            "\u{0665}",
            "99999999999999999999999",
        ];
        for bad in bounds.into_iter().chain(malformed) {
            let text = refusal([(variable.name, bad)]);
            let problem = format!("{} is {bad:?}: allowed is {}", variable.name, variable.allowed);
            assert_eq!(text, format!("a setting is not usable:\n  {problem}"));
        }
    }
}

#[test]
fn an_empty_value_is_refused_with_the_default_to_fall_back_on() {
    for variable in VARIABLES.iter() {
        if variable.default.is_empty() || variable.name == "RUST_LOG" {
            assert_eq!(read([(variable.name, "")]).unwrap(), Settings::default());
            continue;
        }
        let text = refusal([(variable.name, "")]);
        assert!(text.contains(&format!("{} is empty: allowed is", variable.name)), "{text}");
        assert!(text.ends_with(&format!("the default, {}", variable.default)), "{text}");
    }
}

#[test]
fn a_key_that_is_not_usable_is_not_shown() {
    let text = refusal([("STOCK_DATA_TIINGO_API_KEY", "hunter2 tiingo")]);
    assert!(
        text.contains("STOCK_DATA_TIINGO_API_KEY is \"***\": allowed is nothing, or 4"),
        "{text}"
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let text = refusal([
        ("STOCK_DATA_BATCHSIZE", "hunter2"),
        ("LOG_FORMAT", "xml"),
        ("API_LISTEN", "localhost:8080"),
        ("RUST_LOG", "debgu"),
        ("DATABASE_URL", ""),
        ("STOCK_DATA_MAX_RETRIES", "many"),
    ]);
    let expected = [
        "6 settings are not usable:",
        "  DATABASE_URL is empty: allowed is a database URL such as sqlite:cream.db or \
         postgres://USER:PASSWORD@HOST/DATABASE; unset it for the default, sqlite:cream.db",
        "  STOCK_DATA_MAX_RETRIES is \"many\": allowed is a whole number of retries, 0 to 100",
        "  API_LISTEN is \"localhost:8080\": allowed is an IP address and a port, such as \
         127.0.0.1:8080",
        "  LOG_FORMAT is \"xml\": allowed is auto, text, json",
        "  RUST_LOG is \"debgu\": allowed is error, warn, info, debug, trace or off, or a list such \
         as info,cream_store=debug; \"debgu\" is no level: did you mean debug? (A module of \
         that name is written debgu=trace)",
        "  STOCK_DATA_BATCHSIZE is not a setting: did you mean STOCK_DATA_BATCH_SIZE?",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn unknown_names_are_refused_with_the_nearest_and_without_their_value() {
    for (name, expected) in [
        ("STOCK_DATA_TIMEOUT", "did you mean STOCK_DATA_TIMEOUT_SECONDS?"),
        ("STOCK_DATA_MAX_RETRYS", "did you mean STOCK_DATA_MAX_RETRIES?"),
        ("stock_data_max_retries", "did you mean STOCK_DATA_MAX_RETRIES?"),
        ("STOCK_DATA_RAW_RESPONSE_DIR", "did you mean STOCK_DATA_RAW_RESPONSES_DIR?"),
        ("STOCK_DATA_BLOOMBERG_PASSWORD", "see docs/configuration.md"),
        ("STOCK_DATA_", "see docs/configuration.md"),
    ] {
        let text = refusal([(name, "hunter2")]);
        assert!(text.contains(&format!("{name} is not a setting: {expected}")), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(!refusal([("STOCK_DATA_\u{1b}[2J", "")]).contains('\u{1b}'));
}

#[cfg(unix)]
#[test]
fn what_is_not_unicode_is_told_and_of_others_is_ignored() {
    use std::os::unix::ffi::OsStringExt as _;
    let broken = || OsString::from_vec(vec![b'a', 0xff]);
    let vars = [
        (OsString::from("LOG_FORMAT"), broken()),
        (OsString::from("SOMETHING_ELSE"), broken()),
        (broken(), broken()),
    ];
    let text = Settings::from_os_vars(vars.into_iter()).unwrap_err().to_string();
    assert_eq!(
        text,
        "a setting is not usable:\n  LOG_FORMAT is not Unicode text: allowed is auto, text, json"
    );
}

proptest! {
    #[test]
    fn no_environment_panics(
        vars in prop::collection::vec(
            (
                prop_oneof![
                    prop::sample::select(VARIABLES.map(|variable| variable.name.to_owned()).to_vec()),
                    "STOCK_DATA_[A-Z_]{0,20}",
                    "\\PC{0,20}",
                ],
                prop_oneof!["[0-9]{0,22}", "\\PC{0,20}", Just(String::new())],
            ),
            0..8,
        )
    ) {
        if let Err(errors) = Settings::from_vars(vars) {
            prop_assert!(!errors.problems().is_empty());
            prop_assert_eq!(errors.to_string().lines().count(), errors.problems().len() + 1);
        }
    }
}
