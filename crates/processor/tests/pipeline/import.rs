//! Imports, again and again.

use cream_archive::{Folder, sha256};
use cream_store::{Lease, NewResponse, ResponseStatus};

use crate::support::{LEASE, Site, chart_name, series, start};

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

#[test]
fn what_another_has_registered_meanwhile_is_not_loaded_beside_it() {
    let name = chart_name("MET1", 16);
    let bytes = series("MET1", 40).chart_json();
    let new = |bytes: &[u8]| NewResponse {
        file_name: name.clone(),
        sha256: sha256(bytes),
        byte_len: i64::try_from(bytes.len()).unwrap(),
        registered_at: start(),
    };
    let lease = Lease { token: "other", from: start(), until: start().plus_seconds(LEASE) };

    // Claimed by a worker on the same database.
    let site = Site::new();
    let path = site.put("in", &name, &bytes);
    site.store.write(|w| w.register_response(&new(&bytes), Some(&lease))).unwrap();
    let run = site.import(std::slice::from_ref(&path));
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!((site.bars(), site.holds(Folder::Raw, &name)), (0, true));
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);

    // Registered, with other content.
    let site = Site::new();
    let path = site.put("in", &name, &bytes);
    site.store.write(|w| w.register_response(&new(b"other"), None)).unwrap();
    let run = site.import(&[path]);
    assert_eq!(run.counts(), [0, 0, 1, 0, 0, 0, 0], "{}", run.lines());
    assert!(run.line().contains("registered before with other content"), "{}", run.line());
    assert_eq!(site.bars(), 0, "nothing of the load is kept");
}
