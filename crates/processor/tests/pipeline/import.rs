//! Imports, again and again.

use cream_archive::Folder;
use cream_store::ResponseStatus;

use crate::support::{Site, chart_name, series};

#[test]
fn the_same_file_again_changes_nothing() {
    let site = Site::new();
    let path = site.put("in", &chart_name("SAME1", 16), series("SAME1", 40).chart_json());
    assert_eq!(site.import(std::slice::from_ref(&path)).counts(), [1, 0, 0, 0, 0, 0, 0]);
    let before = (site.digest(), site.files(), site.response(&chart_name("SAME1", 16)));
    let again = site.import(std::slice::from_ref(&path));
    assert_eq!(again.counts(), [0, 1, 0, 0, 0, 0, 0]);
    assert!(path.exists(), "an import copies");
    let after = (site.digest(), site.files(), site.response(&chart_name("SAME1", 16)));
    assert_eq!(after, before);
}

#[test]
fn the_same_content_under_a_new_name_is_a_new_fetch() {
    let site = Site::new();
    for (day, inserted) in [(16, 40), (17, 0)] {
        let path = site.put("in", &chart_name("SAME1", day), series("SAME1", 40).chart_json());
        let run = site.import(&[path]);
        assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0]);
        let bars = run.summary.report.bars;
        assert_eq!((bars.inserted, bars.unchanged), (inserted, 40 - inserted));
    }
    let fetched = site.response(&chart_name("SAME1", 17)).unwrap().fetched_at.unwrap();
    assert_eq!(fetched.to_string(), "2025-06-17T12:00:00Z");
    assert_eq!(site.folder.names("parsed").len(), 2);
}

#[test]
fn one_content_twice_in_one_import_is_loaded_once() {
    let site = Site::new();
    let bytes = series("SAME1", 40).chart_json();
    // Names that tell a symbol queue up, others run side by side.
    for name in [&chart_name("SAME1", 16), "saved.json"] {
        for folder in ["in/a", "in/b", "in/c"] {
            site.put(folder, name, &bytes);
        }
    }
    let run = site.import(&[site.folder.join("in")]);
    let counts = run.counts();
    assert_eq!((counts[0], counts[0] + counts[1] + counts[4]), (2, 6), "{}", run.lines());
    assert_eq!(site.bars(), 40);
    assert_eq!(site.files().map(|names| names.len()), [0, 2, 0]);
}

#[test]
fn what_an_old_archive_holds_is_loaded_into_a_new_database() {
    let site = Site::new();
    let good = site.put("in", &chart_name("OLD1", 16), series("OLD1", 40).chart_json());
    let bad = site.put("in", "OLD2_2025-06-16.html", "Will be right back");
    assert_eq!(site.import(&[good.clone(), bad.clone()]).counts(), [1, 0, 1, 0, 0, 0, 0]);
    let (digest, files) = (site.digest(), site.files());

    let site = site.beside_new_database();
    assert_eq!(site.import(&[good, bad]).counts(), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!((site.digest(), site.files()), (digest, files));
    assert_eq!(site.status(&chart_name("OLD1", 16)), Some(ResponseStatus::Parsed));
    assert!(site.holds(Folder::Parsed, &chart_name("OLD1", 16)));
}
