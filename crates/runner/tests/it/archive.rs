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
        std::fs::rename(path(2), site.archive.path(Folder::Deadletter, &parsed[2])).unwrap();
        std::fs::write(site.folder.join("parsed").join("STRAY_2025-06-16.html"), "x").unwrap();
        let (outcome, said) = again(&site);
        assert_eq!(outcome, Outcome::Failed);
        for told in [
            "1 responses have no file here",
            "1 has another length than when it was loaded",
            "1 lies in the wrong folder",
            "1 is not in the database; import it",
        ] {
            assert!(said.contains(told), "{told}: {said}");
        }
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
