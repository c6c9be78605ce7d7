//! Files in the wrong folder, and where the database says they belong.

use cream_archive::{ArchiveError, FileName, Folder};
use cream_processor::{Error, Placed};

use crate::support::{Site, chart_name, series};

/// A loaded response and a dead letter.
fn site() -> (Site, String, String) {
    let site = Site::new();
    let (good, dead) = (chart_name("PLACE1", 14), "PLACE2_2025-06-16.html".to_owned());
    site.put("raw", &good, series("PLACE1", 50).chart_json());
    site.put("raw", &dead, "Will be right back");
    assert_eq!(site.process().counts(), [1, 0, 1, 0, 0, 0, 0]);
    (site, good, dead)
}

fn put_in_place(site: &Site, name: &str, folder: Folder) -> Result<Placed, Error> {
    site.processor().put_in_place(&FileName::parse(name).unwrap(), folder)
}

/// Moves a file by hand.
fn displace(site: &Site, name: &str, from: &str, to: &str) {
    let path = |folder: &str| site.folder.join(folder).join(name);
    std::fs::rename(path(from), path(to)).unwrap();
}

#[test]
fn a_file_in_the_wrong_folder_is_moved_where_it_belongs() {
    let (site, good, dead) = site();
    let (files, rows) = (site.files(), [&good, &dead].map(|name| site.response(name)));
    for (name, from, to, folder) in [
        (&good, "parsed", "dead", Folder::Deadletter),
        (&good, "parsed", "raw", Folder::Raw),
        (&dead, "dead", "parsed", Folder::Parsed),
        (&dead, "dead", "raw", Folder::Raw),
    ] {
        displace(&site, name, from, to);
        assert_eq!(put_in_place(&site, name, folder).unwrap(), Placed::Moved, "{name} in {to}");
        assert_eq!(site.files(), files);
        // It lies there no more.
        assert_eq!(put_in_place(&site, name, folder).unwrap(), Placed::Left);
    }
    assert_eq!(put_in_place(&site, &good, Folder::Parsed).unwrap(), Placed::Left);
    assert_eq!(put_in_place(&site, &dead, Folder::Deadletter).unwrap(), Placed::Left);
    assert_eq!([&good, &dead].map(|name| site.response(name)), rows);
}

#[test]
fn what_is_pending_or_not_known_is_left_where_it_lies() {
    let (site, _, dead) = site();
    let id = site.response(&dead).unwrap().id;
    site.store.write(|writer| writer.reopen_response(id)).unwrap();
    displace(&site, &dead, "dead", "parsed");
    site.put("parsed", "STRAY_2025-06-16.html", "x");
    let files = site.files();
    for name in [&*dead, "STRAY_2025-06-16.html"] {
        assert_eq!(put_in_place(&site, name, Folder::Parsed).unwrap(), Placed::Left, "{name}");
    }
    assert_eq!(site.files(), files);
}

#[test]
fn what_was_not_recorded_is_not_moved() {
    let (site, good, dead) = site();
    for (name, from, to, folder) in
        [(&good, "parsed", "dead", Folder::Deadletter), (&dead, "dead", "parsed", Folder::Parsed)]
    {
        displace(&site, name, from, to);
        site.put(to, name, "Will be right back?");
        assert_eq!(put_in_place(&site, name, folder).unwrap(), Placed::OtherContent);
        assert!(site.folder.join(to).join(name).exists());
    }
}

#[test]
fn nothing_is_moved_over_another_file() {
    let (site, good, dead) = site();
    let bytes = std::fs::read(site.folder.join("parsed").join(&good)).unwrap();
    site.put("dead", &good, &bytes);
    site.put("parsed", &good, "something else");
    let error = put_in_place(&site, &good, Folder::Deadletter).unwrap_err();
    assert!(matches!(error, Error::Archive(ArchiveError::NameTaken { .. })), "{error}");
    let read = |folder: &str| std::fs::read(site.folder.join(folder).join(&good)).unwrap();
    assert_eq!((read("parsed"), read("dead")), (b"something else".to_vec(), bytes));
    // A move between file systems that was cut short leaves the same file in both.
    site.put("parsed", &dead, "Will be right back");
    assert_eq!(put_in_place(&site, &dead, Folder::Parsed).unwrap(), Placed::Moved);
    assert!(site.holds(Folder::Deadletter, &dead));
}
