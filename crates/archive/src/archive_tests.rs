//! Tests of the archive.

use super::*;
use std::fs;
use std::sync::Barrier;

struct Fixture {
    root: tempfile::TempDir,
    archive: Archive,
}

fn fixture() -> Fixture {
    let root = tempfile::tempdir().unwrap();
    let archive = in_folder(root.path());
    archive.create_folders().unwrap();
    Fixture { root, archive }
}

fn in_folder(root: &Path) -> Archive {
    Archive::new(root.join("raw"), root.join("parsed"), root.join("dead"))
}

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

/// Everything that lies in a folder.
fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_response_is_written_once_and_never_over_another() {
    let Fixture { archive, root } = &fixture();
    let page = name("A_2025-06-16.html");
    assert_eq!(archive.find(&page).unwrap(), None);
    assert_eq!(archive.write(&page, b"one").unwrap(), Written::New);
    assert_eq!(archive.write(&page, b"one").unwrap(), Written::AlreadyThere);
    for other in [b"two".as_slice(), b"", b"one and more"] {
        let error = archive.write(&page, other).unwrap_err();
        assert!(matches!(&error, ArchiveError::NameTaken { folder: Folder::Raw, .. }), "{error}");
        assert!(!error.is_environmental());
        assert!(error.to_string().contains("raw/A_2025-06-16.html: a response of this name"));
    }
    assert_eq!(archive.read(Folder::Raw, &page, 3).unwrap(), b"one");
    assert_eq!(names(&root.path().join("raw")), ["A_2025-06-16.html"]);
}

#[test]
fn a_name_is_taken_in_every_folder() {
    let Fixture { archive, .. } = &fixture();
    let page = name("A_2025-06-16.html");
    archive.write(&page, b"one").unwrap();
    for (from, to) in [
        (Folder::Raw, Folder::Parsed),
        (Folder::Parsed, Folder::Deadletter),
        (Folder::Deadletter, Folder::Raw),
    ] {
        archive.move_to(&page, from, to).unwrap();
        assert_eq!(archive.find(&page).unwrap(), Some(to));
        assert_eq!(archive.write(&page, b"one").unwrap(), Written::AlreadyThere);
        let taken = archive.write(&page, b"two").unwrap_err();
        assert!(matches!(taken, ArchiveError::NameTaken { folder, .. } if folder == to));
        let listed: Vec<_> =
            Folder::ALL.map(|folder| archive.list(folder).unwrap().files.len()).into();
        assert_eq!(listed.iter().sum::<usize>(), 1);
    }
}

#[test]
fn reading_is_bounded() {
    let Fixture { archive, .. } = &fixture();
    let page = name("page");
    archive.write(&page, &[7; 1000]).unwrap();
    assert_eq!(archive.read(Folder::Raw, &page, 1000).unwrap(), [7; 1000]);
    assert_eq!(archive.read(Folder::Raw, &page, u64::MAX).unwrap().len(), 1000);
    let error = archive.read(Folder::Raw, &page, 999).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { len: 1000, max: 999, .. }));
    assert_eq!(
        error.to_string(),
        "page: 1000 bytes are more than the 999 that a response may have"
    );
    archive.write(&name("empty"), b"").unwrap();
    assert_eq!(archive.read(Folder::Raw, &name("empty"), 0).unwrap(), b"");
    let error = archive.read(Folder::Parsed, &page, 1000).unwrap_err();
    assert!(matches!(error, ArchiveError::NotFound { .. }) && !error.is_environmental());
    assert!(error.to_string().ends_with("page: there is no such response in the archive"));
}

#[test]
fn a_move_that_was_done_before_is_fine() {
    let Fixture { archive, .. } = &fixture();
    let page = name("page");
    archive.write(&page, b"one").unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Raw).unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    // Left in both by a crash: the one at the destination stays.
    fs::write(archive.path(Folder::Raw, &page), "one").unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    assert!(!archive.path(Folder::Raw, &page).exists());
    assert_eq!(archive.read(Folder::Parsed, &page, 10).unwrap(), b"one");
    // Other content stays where it is.
    fs::write(archive.path(Folder::Raw, &page), "two").unwrap();
    let error = archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap_err();
    assert!(matches!(error, ArchiveError::NameTaken { folder: Folder::Parsed, .. }), "{error}");
    assert_eq!(archive.read(Folder::Raw, &page, 10).unwrap(), b"two");
    assert_eq!(archive.read(Folder::Parsed, &page, 10).unwrap(), b"one");

    for (from, to) in [(Folder::Raw, Folder::Parsed), (Folder::Raw, Folder::Raw)] {
        let error = archive.move_to(&name("none"), from, to).unwrap_err();
        assert!(matches!(error, ArchiveError::NotFound { .. }), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn folders_may_lie_on_different_file_systems() {
    use std::os::unix::fs::MetadataExt as _;
    let Fixture { root, .. } = &fixture();
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no second file system to write to");
        return;
    };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(memory.path()) == device(root.path()) {
        eprintln!("skipped: there is no second file system to write to");
        return;
    }
    let at = |part: &str| root.path().join(part);
    let archive = Archive::new(at("raw"), memory.path().join("parsed"), at("dead"));
    archive.create_folders().unwrap();
    archive.check().unwrap();
    let page = name("page");
    archive.write(&page, b"one").unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    assert_eq!(archive.find(&page).unwrap(), Some(Folder::Parsed));
    assert!(names(archive.folder_path(Folder::Raw)).is_empty());
    fs::write(archive.path(Folder::Raw, &page), "two").unwrap();
    let error = archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap_err();
    assert!(matches!(error, ArchiveError::NameTaken { folder: Folder::Parsed, .. }), "{error}");
    fs::write(archive.path(Folder::Raw, &page), "one").unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
    assert!(names(archive.folder_path(Folder::Raw)).is_empty());
}

#[test]
fn a_listing_is_sorted_and_tells_what_it_leaves_out() {
    let Fixture { archive, .. } = &fixture();
    let raw = archive.folder_path(Folder::Raw);
    for file in ["b.html", "a.html", ".gitkeep", "x.7-0.partial", "no symbol_2025-06-16.html"] {
        fs::write(raw.join(file), "x").unwrap();
    }
    fs::create_dir(raw.join("folder.html")).unwrap();
    let listing = archive.list(Folder::Raw).unwrap();
    assert_eq!(listing.files, [name("a.html"), name("b.html")]);
    let expected = [
        (".gitkeep", "it begins with a dot"),
        ("folder.html", "it is a directory, not a file"),
        ("no symbol_2025-06-16.html", "before the date is not a symbol"),
        ("x.7-0.partial", "it is an unfinished write; it may be deleted"),
    ];
    assert_eq!(listing.ignored.len(), expected.len());
    for ((ignored, reason), (file, part)) in listing.ignored.iter().zip(expected) {
        assert!(ignored == file && reason.contains(part), "{ignored}: {reason}");
    }
    assert_eq!(archive.list(Folder::Parsed).unwrap(), Listing::default());
}

#[cfg(unix)]
#[test]
fn links_and_strange_names_are_left_alone() {
    use std::os::unix::ffi::OsStrExt as _;
    let Fixture { archive, root } = &fixture();
    let raw = archive.folder_path(Folder::Raw);
    let outside = root.path().join("outside");
    fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, raw.join("link.html")).unwrap();
    std::os::unix::fs::symlink("nowhere", raw.join("dangling.html")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(raw.join("socket.html")).unwrap();
    let strange = raw.join(std::ffi::OsStr::from_bytes(b"\xff.html"));
    let has_strange = fs::write(&strange, "x").is_ok();

    let listing = archive.list(Folder::Raw).unwrap();
    assert!(listing.files.is_empty());
    assert_eq!(listing.ignored.len(), 3 + usize::from(has_strange));
    assert_eq!(listing.ignored[1].1, "it is a symbolic link, not a file");
    if has_strange {
        assert_eq!(listing.ignored[3], ("\u{fffd}.html".into(), "its name is not UTF-8".into()));
    }
    for file in ["link.html", "dangling.html", "socket.html"] {
        let file = name(file);
        for error in [
            archive.read(Folder::Raw, &file, 100).unwrap_err(),
            archive.fingerprint(Folder::Raw, &file).unwrap_err(),
            archive.move_to(&file, Folder::Raw, Folder::Parsed).unwrap_err(),
            archive.write(&file, b"secret").unwrap_err(),
        ] {
            assert!(matches!(error, ArchiveError::NotAFile { .. }), "{error}");
        }
    }
    // Nor is a link at the destination written through or over.
    archive.write(&name("new.html"), b"x").unwrap();
    std::os::unix::fs::symlink(&outside, archive.path(Folder::Parsed, &name("new.html"))).unwrap();
    let error = archive.move_to(&name("new.html"), Folder::Raw, Folder::Parsed).unwrap_err();
    assert!(matches!(error, ArchiveError::NotAFile { .. }), "{error}");
    assert_eq!(fs::read(&outside).unwrap(), b"secret");
}

#[test]
fn a_directory_in_the_way_of_a_name_is_told() {
    let Fixture { archive, .. } = &fixture();
    fs::create_dir(archive.path(Folder::Raw, &name("a.html"))).unwrap();
    let error = archive.write(&name("a.html"), b"x").unwrap_err();
    assert!(error.to_string().contains("a.html is a directory, not a file"), "{error}");
    assert_eq!(names(archive.folder_path(Folder::Raw)), ["a.html"]);
}

#[test]
fn a_missing_folder_is_told_as_such_by_every_operation() {
    let root = tempfile::tempdir().unwrap();
    let archive = &in_folder(&root.path().join("none"));
    let page = name("page");
    for error in [
        archive.check().unwrap_err(),
        archive.write(&page, b"x").unwrap_err(),
        archive.list(Folder::Raw).unwrap_err(),
        archive.find(&page).unwrap_err(),
        archive.read(Folder::Raw, &page, 1).unwrap_err(),
        archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap_err(),
    ] {
        assert!(
            matches!(error, ArchiveError::FolderMissing { folder: Folder::Raw, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("of the raw responses is missing: create it"));
        assert!(error.is_environmental());
    }
    assert_eq!(archive.problems().len(), 3);

    archive.create_folders().unwrap();
    archive.write(&page, b"x").unwrap();
    fs::remove_dir(archive.folder_path(Folder::Parsed)).unwrap();
    let error = archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap_err();
    assert!(matches!(error, ArchiveError::FolderMissing { folder: Folder::Parsed, .. }), "{error}");
    assert_eq!(archive.problems().len(), 1);
    archive.create_folders().unwrap();
    archive.move_to(&page, Folder::Raw, Folder::Parsed).unwrap();
}

#[test]
fn folders_that_are_files_or_the_same_are_found() {
    let Fixture { archive, root } = &fixture();
    archive.check().unwrap();
    for folder in Folder::ALL {
        assert!(names(archive.folder_path(folder)).is_empty(), "a check leaves nothing behind");
    }
    let at = |part: &str| root.path().join(part);
    let twice = Archive::new(at("raw"), at("parsed"), at("./parsed/../raw"));
    let error = twice.check().unwrap_err();
    assert!(
        error.to_string().ends_with(
            "is set for the raw and for the deadletter responses: they need folders of their own"
        ),
        "{error}"
    );
    fs::write(at("file"), "x").unwrap();
    let file = Archive::new(at("file"), at("parsed"), at("file/inner"));
    for error in file.problems().into_iter().chain([file.create_folders().unwrap_err()]) {
        assert!(matches!(error, ArchiveError::NotAFolder { .. }), "{error}");
    }
    assert_eq!(file.problems().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let Fixture { archive, .. } = &fixture();
    let raw = archive.folder_path(Folder::Raw);
    fs::set_permissions(raw, fs::Permissions::from_mode(0o555)).unwrap();
    let written = archive.write(&name("page"), b"x");
    let problems = archive.problems();
    fs::set_permissions(raw, fs::Permissions::from_mode(0o755)).unwrap();
    if written.is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    for error in problems.into_iter().chain(written.err()) {
        assert!(matches!(error, ArchiveError::Denied { .. }), "{error}");
        assert!(error.to_string().contains("is not permitted: let the user"), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let error = fs::write(full, "x").unwrap_err();
    let error = ArchiveError::of("writing", full, error);
    assert!(matches!(error, ArchiveError::NoSpace { .. }), "{error}");
}

#[test]
fn of_many_writers_of_one_name_one_wins() {
    const WRITERS: usize = 8;
    let Fixture { archive, .. } = &fixture();
    for round in 0..20 {
        let page = &name(&format!("page{round}"));
        let barrier = &Barrier::new(WRITERS);
        let results: Vec<_> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn(move || {
                        // Two contents; each half of the writers brings one.
                        let bytes = vec![u8::try_from(writer % 2).unwrap(); 10_000];
                        barrier.wait();
                        (writer % 2, archive.write(page, &bytes))
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        for (_, result) in &results {
            if let Err(error) = result {
                assert!(matches!(error, ArchiveError::NameTaken { .. }), "{error}");
            }
        }
        let content = archive.read(Folder::Raw, page, 10_000).unwrap();
        let winner = usize::from(content[0]);
        assert_eq!(content, vec![content[0]; 10_000]);
        let new = results.iter().filter(|(_, result)| matches!(result, Ok(Written::New))).count();
        assert_eq!(new, 1);
        for (content, result) in results {
            assert_eq!(result.is_ok(), content == winner);
        }
    }
    assert_eq!(names(archive.folder_path(Folder::Raw)).len(), 20);
}

#[test]
fn of_many_movers_none_loses_the_response() {
    const MOVERS: usize = 4;
    let Fixture { archive, .. } = &fixture();
    for round in 0..20 {
        let page = &name(&format!("page{round}"));
        archive.write(page, b"one").unwrap();
        let barrier = &Barrier::new(MOVERS);
        std::thread::scope(|scope| {
            for _ in 0..MOVERS {
                scope.spawn(|| {
                    barrier.wait();
                    archive.move_to(page, Folder::Raw, Folder::Parsed).unwrap();
                });
            }
        });
        assert_eq!(archive.find(page).unwrap(), Some(Folder::Parsed));
    }
    assert!(names(archive.folder_path(Folder::Raw)).is_empty());
}
