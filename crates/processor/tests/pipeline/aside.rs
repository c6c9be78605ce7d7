//! Responses that are too large, and names that stand for two contents.

use cream_archive::{FileName, Folder, sha256};
use cream_store::ResponseStatus;

use crate::support::{Site, chart_name, series};

#[test]
fn what_is_too_large_is_recorded_by_its_fingerprint() {
    let mut site = Site::new();
    site.options.max_response_bytes = 1000;
    let name = "LARGE1_2025-06-16.html";
    let bytes = vec![b'x'; 1001];
    site.put("raw", name, &bytes);
    let run = site.process();
    assert_eq!(run.counts(), [0, 0, 1, 0, 0, 0, 0]);
    let expected = "1001 bytes are more than the 1000 that a response may have";
    assert!(run.line().contains(expected), "{}", run.line());
    assert_eq!(run.told[0].bytes, 0, "it was not read");
    let known = site.response(name).unwrap();
    assert_eq!((known.sha256, known.byte_len), (sha256(&bytes), 1001));
    assert_eq!(known.status, ResponseStatus::Deadletter);
    assert!(site.holds(Folder::Deadletter, name));

    // Recorded and not moved.
    site.move_back("dead", name);
    assert_eq!(site.process().counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert!(site.holds(Folder::Deadletter, name));

    // Just as large as it may be: it is read.
    site.put("raw", "LARGE2_2025-06-16.html", vec![b'x'; 1000]);
    assert_eq!(site.process().summary.bytes, 1000);
}

#[test]
fn an_import_refuses_what_is_too_large() {
    let mut site = Site::new();
    site.options.max_response_bytes = 1000;
    let path = site.put("in", "LARGE1_2025-06-16.html", vec![b'x'; 1001]);
    let run = site.import(std::slice::from_ref(&path));
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(
        run.line(),
        format!("{}: refused: larger than the limit of 1000 bytes", path.display())
    );
    assert!(path.exists());
    assert_eq!(site.files().concat(), [""; 0]);
}

#[test]
fn a_limit_that_was_lowered_makes_no_dead_letter_of_what_was_loaded() {
    let mut site = Site::new();
    let name = chart_name("LARGE1", 16);
    site.put("raw", &name, series("LARGE1", 40).chart_json());
    let _ = site.process();
    site.move_back("parsed", &name);
    site.options.max_response_bytes = 100;
    let run = site.process();
    assert_eq!(run.counts(), [0, 1, 0, 0, 0, 0, 0], "{}", run.lines());
    assert!(site.holds(Folder::Parsed, &name));
    assert_eq!(site.status(&name), Some(ResponseStatus::Parsed));
}

#[test]
fn a_name_with_other_content_is_kept_apart_however_large() {
    let mut site = Site::new();
    let name = chart_name("APART1", 16);
    site.put("raw", &name, series("APART1", 40).chart_json());
    let _ = site.process();
    let digest = site.digest();
    for (limit, days) in [(64 << 20, 41), (100, 42)] {
        site.options.max_response_bytes = limit;
        let other = series("APART1", days).chart_json();
        let own = FileName::parse(&name).unwrap().with_fingerprint(&sha256(&other));
        for counts in [[0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0]] {
            site.put("raw", &name, &other);
            let run = site.process();
            assert_eq!(run.counts(), counts, "{}", run.lines());
            let expected = format!("it is kept as {own}, and can be imported under a name of");
            assert!(run.line().contains(&expected), "{}", run.line());
            assert!(site.holds(Folder::Deadletter, own.as_str()));
            assert!(site.folder.names("raw").is_empty());
        }
        let kept = std::fs::read(site.archive.path(Folder::Deadletter, &own)).unwrap();
        assert_eq!(kept, other);
        assert_eq!(site.digest(), digest);
    }
    // Under a name of its own it is a response like any other.
    site.options.max_response_bytes = 64 << 20;
    site.put("raw", &chart_name("APART1", 17), series("APART1", 41).chart_json());
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(site.bars(), 41);
}

#[test]
fn an_import_under_a_name_that_is_taken_is_refused() {
    let site = Site::new();
    let name = chart_name("APART1", 16);
    let path = site.put("in", &name, series("APART1", 40).chart_json());
    assert_eq!(site.import(std::slice::from_ref(&path)).counts(), [1, 0, 0, 0, 0, 0, 0]);
    let (digest, files) = (site.digest(), site.files());
    let path = site.put("in", &name, series("APART1", 41).chart_json());
    let run = site.import(std::slice::from_ref(&path));
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 1, 0]);
    assert!(run.line().contains("nothing was overwritten"), "{}", run.line());
    assert_eq!((site.digest(), site.files()), (digest, files));
    assert!(path.exists());
}
