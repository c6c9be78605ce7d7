//! The archive against the database.

use cream_archive::Folder;
use cream_models::Vendor::YahooChart;
use cream_runner::Once;
use cream_tasks::Outcome;

use crate::support::{DAY, Site, on_both};

fn check(once: &Once) -> (Outcome, String) {
    let run = once.runs.iter().find(|run| run.task == "check-archive").unwrap();
    (run.outcome.unwrap(), run.message.clone().unwrap())
}

fn filled(site: &Site) {
    for number in 0..5 {
        site.track(&format!("CREAM{number}"), YahooChart);
    }
    let once = site.once(&site.runner());
    assert_eq!(check(&once).0, Outcome::Done, "{once:?}");
}

/// A day later.
fn again(site: &Site) -> (Outcome, String) {
    site.clock.advance(DAY);
    check(&site.once(&site.runner()))
}

#[test]
fn it_is_done_once_a_day() {
    on_both(|site| {
        filled(&site);
        let once = site.once(&site.runner());
        assert!(once.runs.iter().all(|run| run.task != "check-archive"));
        let (outcome, said) = again(&site);
        assert_eq!(outcome, Outcome::Done, "{said}");
        assert!(
            said.starts_with("10 files") && said.ends_with("all as the database says"),
            "{said}"
        );
    });
}

#[test]
fn what_does_not_agree_is_told() {
    on_both(|site| {
        filled(&site);
        let parsed = site.archive.list(Folder::Parsed).unwrap().files;
        let path = |index: usize| site.archive.path(Folder::Parsed, &parsed[index]);
        std::fs::remove_file(path(0)).unwrap();
        let bytes = std::fs::read(path(1)).unwrap();
        std::fs::write(path(1), &bytes[1..]).unwrap();
        let wrong = site.archive.path(Folder::Deadletter, &parsed[2]);
        std::fs::rename(path(2), &wrong).unwrap();
        std::fs::write(&wrong, "of its own").unwrap();
        std::fs::rename(path(3), site.archive.path(Folder::Deadletter, &parsed[3])).unwrap();
        std::fs::write(path(3), "its place is taken").unwrap();
        std::fs::write(site.folder.join("parsed").join("STRAY_2025-06-16.html"), "x").unwrap();
        let (outcome, said) = again(&site);
        assert_eq!(outcome, Outcome::Failed);
        for told in [
            "1 responses have no file here",
            // What was cut, and what took another's place.
            "2 has another length than when it was loaded",
            "1 lies in the wrong folder with content of its own",
            "1 lies in the wrong folder, and another file has its place",
            "1 is not in the database; import it",
        ] {
            assert!(said.contains(told), "{told}: {said}");
        }
    });
}

#[test]
fn a_file_in_the_wrong_folder_is_moved_and_no_failure() {
    on_both(|site| {
        filled(&site);
        let parsed = site.archive.list(Folder::Parsed).unwrap().files;
        let displace = |index: usize| {
            let path = |folder| site.archive.path(folder, &parsed[index]);
            std::fs::rename(path(Folder::Parsed), path(Folder::Deadletter)).unwrap();
        };
        displace(2);
        let (outcome, said) = again(&site);
        assert_eq!(outcome, Outcome::Done, "{said}");
        assert!(said.ends_with("; 1 was in the wrong folder and is moved"), "{said}");
        displace(1);
        displace(4);
        let (outcome, said) = again(&site);
        assert_eq!(outcome, Outcome::Done, "{said}");
        assert!(said.ends_with("; 2 were in the wrong folder and are moved"), "{said}");
        let there = site.archive.list(Folder::Parsed).unwrap().files;
        assert!(parsed.iter().all(|name| there.contains(name)));
        assert_eq!(site.archive.list(Folder::Deadletter).unwrap().files, []);
    });
}

#[test]
fn within_a_month_every_file_is_read() {
    on_both(|site| {
        filled(&site);
        let parsed = site.archive.list(Folder::Parsed).unwrap().files;
        let path = site.archive.path(Folder::Parsed, &parsed[3]);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let found = (0..30).filter(|_| {
            let (outcome, said) = again(&site);
            let is_found = said.contains("1 has other content than when it was loaded");
            assert_eq!(outcome == Outcome::Failed, is_found, "{said}");
            is_found
        });
        assert_eq!(found.count(), 1, "on one of the days");
    });
}
