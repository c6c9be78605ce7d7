//! Names, files and responses made to do harm.

use std::path::Path;

use cream_processor::ImportSource;
use cream_testkit::failures;

use crate::support::{Site, chart_name, series};

/// Whether a terminal would show this as one line, and nothing else.
fn is_one_line(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}'))
}

#[cfg(unix)]
#[test]
fn names_cannot_forge_lines() {
    let site = Site::new();
    for name in [
        "a\nb: 3 bars inserted.html",
        "a\u{1b}[2J\u{1b}]0;owned\u{7}.html",
        "\r100%.html",
        // Not refused: only control characters are.
        "a\u{202e}lmth.1ALST_2025-06-16.html",
        "a\u{2028}b.html",
    ] {
        site.put("in", name, "\u{1b}[31mnot a response\nFORGED");
    }
    let folder = site.folder.join("in\n\u{1b}[2Jfolder");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("..partial"), "").unwrap();
    std::fs::write(folder.join("big\u{9b}.html"), "").unwrap();
    let run = site.import(&[site.folder.join("in"), folder.clone()]);
    assert_eq!(run.told.len(), 6);
    for told in &run.told {
        assert!(is_one_line(&told.line), "{:?}", told.line);
    }
    let missing = ImportSource::find(&[folder.join("none")]).unwrap_err();
    assert!(is_one_line(&missing.to_string()), "{missing}");
}

#[test]
fn what_a_response_says_cannot_forge_lines() {
    let site = Site::new();
    let hostile = "gone\nA.html: loaded\u{1b}[2J\u{202e}";
    for (name, bytes) in [
        ("H1_2025-06-16.json", failures::chart_error("Not Found", hostile)),
        ("H2_2025-06-16.json", failures::chart_error(hostile, hostile)),
        ("H3_2025-06-16.html", format!("{hostile} no markup").into_bytes()),
        ("H4_2025-06-16.json", format!("{{\"chart\": {hostile}").into_bytes()),
        ("H5_2025-06-16.json", chart_of(hostile)),
    ] {
        site.put("raw", name, bytes);
    }
    let run = site.process();
    assert_eq!(run.counts(), [0, 0, 5, 0, 0, 0, 0], "{}", run.lines());
    for told in &run.told {
        assert!(is_one_line(&told.line), "{:?}", told.line);
    }
}

/// A chart answer with a hostile symbol.
fn chart_of(symbol: &str) -> Vec<u8> {
    let symbol = symbol.replace('\n', "\\n").replace('\u{1b}', "\\u001b");
    let chart = String::from_utf8(series("H5", 30).chart_json()).unwrap();
    chart.replace("\"H5\"", &format!("\"{symbol}\"")).into_bytes()
}

#[test]
fn no_name_leaves_its_folder() {
    let site = Site::new();
    let outside = site.folder.write("outside.html", "untouched");
    for name in [
        "..%2F..%2Foutside_2025-06-16.html",
        "%2Fetc%2Fpasswd_2025-06-16.html",
        "A%2F..%2FB_2025-06-16.html",
        "A%00_2025-06-16.html",
        "A\\..\\B.html",
    ] {
        site.put("in", name, "Will be right back");
    }
    let source = ImportSource::find(&[site.folder.join("in")]).unwrap();
    let run = site.import(&[site.folder.join("in")]);
    assert_eq!(run.summary.refused, u64::try_from(source.files.len()).unwrap(), "{}", run.lines());
    assert_eq!(site.files().concat(), [""; 0]);
    assert_eq!(std::fs::read(outside).unwrap(), b"untouched");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_passed_over_and_never_blocks() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let site = Site::new();
    let path = |name: &str| site.folder.join("in").join(name);
    site.put("in", &chart_name("FILE1", 16), series("FILE1", 30).chart_json());
    site.put("secret", "SECRET1_2025-06-16.html", "somebody else's");
    mknodat(CWD, path("PIPE1_2025-06-16.html"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, path(name)).unwrap();
    };
    link(&site.folder.join("secret/SECRET1_2025-06-16.html"), "LINK1_2025-06-16.html");
    link(&site.folder.join("secret"), "folder");
    link(&site.folder.join("in"), "loop");
    link(&site.folder.join("nowhere"), "DANGLING1_2025-06-16.html");

    let folder = site.folder.join("in");
    let source = ImportSource::find(std::slice::from_ref(&folder)).unwrap();
    let skipped: Vec<_> = source
        .skipped
        .iter()
        .map(|skipped| {
            let name = skipped.path.strip_prefix(&folder).unwrap().to_str().unwrap();
            format!("{name}: {}", skipped.reason)
        })
        .collect();
    assert_eq!(
        skipped,
        [
            "DANGLING1_2025-06-16.html: a symbolic link",
            "LINK1_2025-06-16.html: a symbolic link",
            "PIPE1_2025-06-16.html: not a file",
            "folder: a symbolic link",
            "loop: a symbolic link",
        ]
    );
    assert_eq!(site.import(&[folder]).counts(), [1, 0, 0, 0, 0, 0, 0]);

    // Named by the user, a pipe is passed over as well, and a link is followed.
    let source = ImportSource::find(&[path("PIPE1_2025-06-16.html")]).unwrap();
    assert_eq!((source.files.len(), source.skipped[0].reason), (0, "not a file"));
    let run = site.import(&[path("LINK1_2025-06-16.html")]);
    assert_eq!(run.counts(), [0, 0, 1, 0, 0, 0, 0]);

    // A pipe that takes the place of a file after it was found.
    let name = "SWAPPED1_2025-06-16.html";
    site.put("in", name, "");
    let source = ImportSource::find(&[path(name)]).unwrap();
    std::fs::remove_file(path(name)).unwrap();
    mknodat(CWD, path(name), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let summary = site.processor().import(&source, &cream_processor::Cancel::default(), &|_| ());
    assert_eq!(summary.refused, 1);

    // In the folder of raw responses.
    mknodat(CWD, site.folder.join("raw/PIPE1.html"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", site.folder.join("raw/LINK1.html")).unwrap();
    assert_eq!(site.process().counts(), [0; 7]);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let site = Site::new();
    let folder = site.folder.create_dir("in");
    let name = std::ffi::OsStr::from_bytes(b"A\xff_2025-06-16.html");
    std::fs::write(folder.join(name), "x").unwrap();
    let run = site.import(&[folder]);
    assert!(run.line().ends_with("refused: its name is not UTF-8"), "{}", run.line());
}
