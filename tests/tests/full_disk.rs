//! A disk that is full in the middle of the work: of the database, or of the archive.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::os::unix::fs::{MetadataExt as _, chown, symlink};

use cream_testkit::postgres;
use cream_testkit::{Exited, ReadyProcess};
use cream_tests::{LET_LEASES_RUN_OUT, PATIENCE, Responses, Site, SmallDisk};

/// The import ended early and said why, once a file at most.
fn assert_says_full(ended: &Exited, part: &str) {
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    for part in ["stopped early", "Nothing is lost", "not begun", part] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
}

#[test]
fn a_full_disk_under_the_sqlite_database_ends_the_work_early_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let site = Site::on(format!("sqlite:{}", disk.path().join("cream.db").display()));
    let _ = site.worker_ok(&["migrate", "up"]);
    let responses = Responses::charts(150, 250);
    responses.write(&site, "raw");
    disk.leave(1200);
    let ended = site.worker(&["process"]);
    assert_says_full(&ended, "the disk of the database is full");
    responses.assert_kept(&site, "raw");
    // As long as it is full, no command does harm, and reading does not need the room.
    let again = site.worker(&["process"]);
    assert!(matches!(again.code(), Some(1 | 3)), "{}\n{}", again.stdout, again.stderr);
    let said = again.stdout + &again.stderr;
    assert!(said.contains("the disk of the database is full"), "{said}");
    responses.assert_kept(&site, "raw");

    disk.make_room();
    site.let_leases_run_out();
    let _ = site.worker_ok(&["process"]);
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn a_full_disk_under_the_archive_ends_the_import_early_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let site = Site::new().with_archive(disk.path());
    let _ = site.worker_ok(&["process"]);
    let responses = Responses::charts(100, 250);
    let inbox = responses.write(&site, "in");
    let arguments = ["import", inbox.to_str().unwrap()];
    disk.leave(900);
    let ended = site.worker(&arguments);
    assert_says_full(&ended, "the disk is full or a quota is used up");
    responses.assert_kept(&site, "in");
    let parsed = site.archived("parsed").len();
    assert!((1..100).contains(&parsed), "{parsed}");

    disk.make_room();
    let _ = site.worker_ok(&arguments);
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn a_full_disk_where_loaded_files_go_leaves_them_to_be_moved_later() {
    let Some(disk) = SmallDisk::mount() else { return };
    let site = Site::new();
    // Beside a disk with room for what waits: a file is copied from one to the other.
    symlink(disk.path(), site.archive("parsed")).unwrap();
    let responses = Responses::charts(40, 250);
    responses.write(&site, "raw");
    disk.leave(400);
    let ended = site.worker(&["process"]);
    assert_says_full(&ended, "the disk is full or a quota is used up");
    responses.assert_kept(&site, "raw");

    disk.make_room();
    let out = site.worker_ok(&["process"]);
    // At least one was loaded, and could not be moved.
    assert!(out.contains("loaded before"), "{out}");
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn a_full_disk_under_postgresql_ends_the_work_early_and_loses_nothing() {
    let Some(cluster) = postgres::shared() else { return };
    // A server of others may be on another machine.
    let Some(folder) = cluster.folder() else { return };
    let Some(disk) = SmallDisk::mount() else { return };
    let owner = folder.metadata().unwrap();
    let space = disk.path().join("space");
    std::fs::create_dir(&space).unwrap();
    chown(&space, Some(owner.uid()), Some(owner.gid())).unwrap();
    let sql = |database: &str, statement: &str| cluster.sql(database, statement).unwrap();
    sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", space.display()));
    sql("postgres", "CREATE DATABASE small TEMPLATE template0 TABLESPACE small");

    let site = Site::on(cluster.url("small"));
    let _ = site.worker_ok(&["migrate", "up"]);
    let responses = Responses::charts(150, 250);
    responses.write(&site, "raw");
    disk.leave(1200);
    let ended = ReadyProcess::run(&mut site.command("worker", &["process"]), PATIENCE).unwrap();
    assert_says_full(&ended, "the disk of the database is full");
    responses.assert_kept(&site, "raw");
    let parsed = site.archived("parsed").len();
    assert!((1..150).contains(&parsed), "{parsed}");

    disk.make_room();
    sql("small", LET_LEASES_RUN_OUT);
    let _ = site.worker_ok(&["process"]);
    responses.assert_loaded(&site, &responses.digest());
    sql("postgres", "DROP DATABASE small WITH (FORCE)");
    sql("postgres", "DROP TABLESPACE small");
}
