//! What people read: the answers of the commands and the errors, as a whole.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod support;

use cream_config::{Secret, Settings};
use cream_operator::{Exit, Migrate, Operator};
use insta::assert_snapshot;

use support::{Site, inbox};

#[test]
fn an_import_is_summed_up() {
    let site = Site::new();
    let inbox = inbox(&site);
    assert_snapshot!(site.import(std::slice::from_ref(&inbox)), @r#"
    [FOLDER]/in/.hidden: passed over, hidden
    [FOLDER]/in/TEXT6.html.partial: passed over, an unfinished download
    import: 7 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     1
      dead letters               4
      refused                    2
      bars                40 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   1 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      [FOLDER]/in/T:T_2025-06-99.html: refused: "T:T_2025-06-99.html" cannot name a response: "2025-06-99" is not a day or second that exists (expected YYYY-MM-DD or YYYY-MM-DDTHHMMSSZ)
      [FOLDER]/in/TEXT4_2025-06-16.html: refused: larger than the limit of 100000 bytes
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: dead letter: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
      TEXT2_2025-06-16.html: dead letter: the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
      TEXT3_2025-06-16.json: dead letter: the file name says TEXT3, but the response is about OTHER3
      TEXT5_2025-06-16.html: dead letter: unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
    [Incomplete]
    "#);
    assert_snapshot!(site.import(&[inbox]), @r#"
    [FOLDER]/in/.hidden: passed over, hidden
    [FOLDER]/in/TEXT6.html.partial: passed over, an unfinished download
    import: 7 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      loaded before              1
      dead letters before        4
      refused                    2
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      [FOLDER]/in/T:T_2025-06-99.html: refused: "T:T_2025-06-99.html" cannot name a response: "2025-06-99" is not a day or second that exists (expected YYYY-MM-DD or YYYY-MM-DDTHHMMSSZ)
      [FOLDER]/in/TEXT4_2025-06-16.html: refused: larger than the limit of 100000 bytes
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: still a dead letter: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
      TEXT2_2025-06-16.html: still a dead letter: the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
      TEXT3_2025-06-16.json: still a dead letter: the file name says TEXT3, but the response is about OTHER3
      TEXT5_2025-06-16.html: still a dead letter: unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
    [Incomplete]
    "#);
}

#[test]
fn a_long_list_of_reasons_is_cut() {
    let site = Site::new();
    for number in 0..52 {
        site.folder.write(format!("raw/N{number:02}_2025-06-16.html"), "Will be right back");
    }
    let answer = site.process();
    let (head, reasons) = answer.split_once("not loaded:\n").unwrap();
    assert_snapshot!(head, @r#"
    process: 52 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      dead letters              52
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    "#);
    let reasons: Vec<_> = reasons.lines().collect();
    assert_eq!(reasons.len(), 52);
    assert_snapshot!([reasons[0], reasons[49], reasons[50], reasons[51]].join("\n"), @r#"
      N00_2025-06-16.html: dead letter: the vendor's "Will be right back" page (at byte 0): expected a history page; its service is down for a while
      N49_2025-06-16.html: dead letter: the vendor's "Will be right back" page (at byte 0): expected a history page; its service is down for a while
      and 2 more; `worker status` lists the dead letters
    [Incomplete]
    "#);
}

#[test]
fn the_status_tells_what_there_is() {
    let site = Site::new();
    assert_snapshot!(site.status(), @r#"
    database           sqlite:[FOLDER]/cream.db
    migrations         8 pending: `worker migrate up` applies them
    [Done]
    "#);
    drop(site.operator());
    assert_snapshot!(site.status(), @r#"
    database           sqlite:[FOLDER]/cream.db
    migrations         8 applied
    stocks             0
    series             0
    bars               0
    corporate actions  0
    responses          0 parsed, 0 pending, 0 dead letters
    raw                0 files in [FOLDER]/raw
    parsed             0 files in [FOLDER]/parsed
    dead letters       0 files in [FOLDER]/dead
    [Done]
    "#);
    let _ = site.import(&[inbox(&site)]);
    site.folder.write("raw/WAITS_2025-06-16.html", "x");
    assert_snapshot!(site.status(), @r#"
    database           sqlite:[FOLDER]/cream.db
    migrations         8 applied
    stocks             1
    series             1
    bars               40
    corporate actions  1
    responses          1 parsed, 0 pending, 4 dead letters
    raw                1 file in [FOLDER]/raw
    parsed             1 file in [FOLDER]/parsed
    dead letters       4 files in [FOLDER]/dead
    dead letters:
      TEXT5_2025-06-16.html: unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
      TEXT3_2025-06-16.json: the file name says TEXT3, but the response is about OTHER3
      TEXT2_2025-06-16.html: the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
    [Done]
    "#);
}

#[test]
fn migrations_are_told_one_by_one() {
    let site = Site::new();
    assert_snapshot!(site.migrate(Migrate::Status), @r#"
    pending 0001_stocks
    pending 0002_responses
    pending 0003_prices
    pending 0004_readable
    pending 0005_series_state
    pending 0006_vendors
    pending 0007_workers
    pending 0008_accounts
    [Done]
    "#);
    assert_snapshot!(site.migrate(Migrate::Up), @r#"
    applied 0001_stocks
    applied 0002_responses
    applied 0003_prices
    applied 0004_readable
    applied 0005_series_state
    applied 0006_vendors
    applied 0007_workers
    applied 0008_accounts
    [Done]
    "#);
    assert_snapshot!(site.migrate(Migrate::Up), @r#"
    nothing to apply: sqlite:[FOLDER]/cream.db is up to date
    [Done]
    "#);
    assert_snapshot!(site.migrate(Migrate::Down), @r#"
    reverted 0008_accounts
    [Done]
    "#);
    assert_snapshot!(site.migrate(Migrate::Status), @r#"
    applied 0001_stocks
    applied 0002_responses
    applied 0003_prices
    applied 0004_readable
    applied 0005_series_state
    applied 0006_vendors
    applied 0007_workers
    pending 0008_accounts
    [Done]
    "#);
    while !site.migrate(Migrate::Down).starts_with("nothing") {}
    assert_snapshot!(site.migrate(Migrate::Down), @r#"
    nothing to revert: sqlite:[FOLDER]/cream.db has no migration
    [Done]
    "#);
}

#[test]
fn what_is_passed_over_in_the_raw_folder_is_told() {
    let site = Site::new();
    drop(site.operator());
    for name in ["A_2025-06-99.html", "T.html.7-0.partial", "b\u{2028}.txt\u{1b}[2J"] {
        site.folder.write(format!("raw/{name}"), "x");
    }
    assert_snapshot!(site.process(), @r#"
    A_2025-06-99.html: passed over, "A_2025-06-99.html" cannot name a response: "2025-06-99" is not a day or second that exists (expected YYYY-MM-DD or YYYY-MM-DDTHHMMSSZ)
    T.html.7-0.partial: passed over, it is an unfinished write; it may be deleted while nothing writes to the archive
    b\u{2028}.txt\u{1b}[2J: passed over, "b\u{2028}.txt\u{1b}[2J" cannot name a response: it contains a control character
    process: 0 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    [Done]
    "#);
}

#[test]
fn a_rebuild_is_summed_up_and_never_mixes() {
    let mut site = Site::new();
    let _ = site.import(&[inbox(&site)]);
    let digest = site.answer(|out| site.operator().digest(out));
    assert_snapshot!(site.rebuild(&site.operator()), @"error: a rebuild fills an empty database, but sqlite:[FOLDER]/cream.db holds 40 bars and knows 5 responses; name a new one in DATABASE_URL");
    let url = format!("sqlite:{}", site.folder.join("new.db").display());
    site.settings.database_url = Secret::new(url);
    assert_snapshot!(site.rebuild(&site.operator()), @r#"
    rebuild: 5 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     1
      dead letters               4
      bars                40 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   1 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: dead letter: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
      TEXT2_2025-06-16.html: dead letter: the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
      TEXT3_2025-06-16.json: dead letter: the file name says TEXT3, but the response is about OTHER3
      TEXT5_2025-06-16.html: dead letter: unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
    [Incomplete]
    "#);
    assert_eq!(site.answer(|out| site.operator().digest(out)), digest);
}

#[test]
fn errors_name_what_is_wrong_and_why() {
    let site = Site::new();
    assert_snapshot!(site.import(&[site.folder.join("none\n\u{1b}[2J")]), @r#"error: cannot read [FOLDER]/none\n\u{1b}[2J: No such file or directory (os error 2)"#);

    let open = |change: &dyn Fn(&mut Settings)| {
        let mut settings = site.settings.clone();
        change(&mut settings);
        site.answer(|_| Operator::open(&settings).map(|_| Exit::Done))
    };
    assert_snapshot!(open(&|s| s.database_url = Secret::new("cream.db".to_owned())), @r#"error: DATABASE_URL: the database URL "cream.db" cannot be used: it has no scheme; write sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"#);
    assert_snapshot!(
        open(&|s| s.database_url = Secret::new("mysql://me:hunter2@db/x".to_owned())), @r#"error: DATABASE_URL: the database URL "mysql:…" cannot be used: only SQLite and PostgreSQL are supported; write sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"#
    );
    assert_snapshot!(
        open(&|s| s.database_replica_url = Some(Secret::new("x:hunter2".to_owned()))), @r#"error: DATABASE_REPLICA_URL: the database URL "x:…" cannot be used: the scheme is not known; write sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"#
    );
    assert_snapshot!(
        open(&|s| s.database_url = Secret::new("postgres://me:hunter2@127.0.0.1:1/x".to_owned())), @r#"error: cannot reach the database postgres://me@127.0.0.1:1/x: connection to server at "127.0.0.1", port 1 failed: Connection refused Is the server running on that host and accepting TCP/IP connections?; check the host and the port in the URL"#
    );
    let file = site.folder.write("file", "x");
    assert_snapshot!(open(&|s| s.raw_responses_dir.clone_from(&file)), @"error: cannot prepare the archive's folders: [FOLDER]/file, set for the raw responses, is not a folder");
    assert_snapshot!(open(&|s| s.raw_responses_dir = file.join("inside")), @"error: cannot prepare the archive's folders: [FOLDER]/file/inside, set for the raw responses, is not a folder");
    assert_snapshot!(
        open(&|s| s.parsed_responses_dir.clone_from(&s.deadletter_responses_dir)), @"error: [FOLDER]/dead is set for the parsed and for the deadletter responses: they need folders of their own"
    );
    let nowhere = format!("sqlite:{}", site.folder.join("nowhere/cream.db").display());
    assert_snapshot!(open(&|s| s.database_url = Secret::new(nowhere.clone())), @"error: cannot open the database [FOLDER]/nowhere/cream.db: the folder [FOLDER]/nowhere does not exist");
    let no_database = format!("sqlite:{}", file.display());
    std::fs::write(&file, [b'x'; 4096]).unwrap();
    assert_snapshot!(open(&|s| s.database_url = Secret::new(no_database.clone())), @"error: cannot open the database [FOLDER]/file: file is not a database");
}
