//! Dead letters for which somebody asked.

use cream_archive::Folder;
use cream_models::Clock as _;
use cream_store::{Response, ResponseStatus, RetryAsked};

use crate::support::{Site, on_both};

const NAME: &str = "CREAM1_2025-06-16.html";

/// What the task that processes files says that it did.
fn processed(site: &Site) -> String {
    let once = site.once(&site.runner());
    let run = once.runs.iter().find(|run| run.task == "process").unwrap();
    run.message.clone().unwrap()
}

fn letter(site: &Site) -> Response {
    site.store.read(|reader| reader.response(NAME)).unwrap().unwrap()
}

#[test]
fn a_dead_letter_that_is_asked_for_is_tried_with_what_waits() {
    on_both(|site| {
        std::fs::write(site.folder.join("raw").join(NAME), "Will be right back").unwrap();
        assert_eq!(processed(&site), "1 files, 1 dead letters");
        let dead = letter(&site);
        assert_eq!((dead.status, dead.attempts), (ResponseStatus::Deadletter, 1));
        site.clock.advance(3600);
        assert_eq!(processed(&site), "0 files", "it is due tomorrow");

        let now = site.clock.now();
        let asked = site.store.write(|writer| writer.ask_retry(dead.id, now)).unwrap();
        assert!(matches!(asked, RetryAsked::Done(_)), "{asked:?}");
        assert_eq!(processed(&site), "1 files, 1 still dead letters");
        let again = letter(&site);
        assert_eq!((again.status, again.attempts), (ResponseStatus::Deadletter, 1));
        assert!(again.next_attempt_at > Some(now), "it is due again as if it were new");
        assert_eq!(site.archive.list(Folder::Deadletter).unwrap().files.len(), 1);
        assert_eq!(processed(&site), "0 files", "it was asked for once");

        // Where its file is not, nobody can try it, and it is asked for still.
        let path = site.folder.join("dead").join(NAME);
        std::fs::rename(&path, site.folder.join(NAME)).unwrap();
        site.store.write(|writer| writer.ask_retry(dead.id, now)).unwrap();
        assert_eq!(processed(&site), "0 files");
        assert_eq!(letter(&site).attempts, 0);
        std::fs::rename(site.folder.join(NAME), &path).unwrap();
        assert_eq!(processed(&site), "1 files, 1 still dead letters");
    });
}
