//! Dead letters: listed and tried again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod support;

use cream_operator::{DeadLetters, Display, Letters, Run};
use cream_processor::Cancel;
use insta::assert_snapshot;
use serde_json::Value;

use support::{Site, inbox};

impl Site {
    fn dead_letters(&self, limit: u32, is_json: bool) -> String {
        self.answer(|out| self.operator().dead_letters(DeadLetters { limit, is_json }, out))
    }
}

/// Without the times, which are those of the test.
fn undated(text: &str) -> String {
    let word = |word: &str| {
        let is_instant = word.parse::<cream_models::Timestamp>().is_ok();
        if is_instant { "[WHEN]              ".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn dead_letters_are_listed_the_newest_first() {
    let site = Site::new();
    assert_snapshot!(site.dead_letters(50, false), @r#"
    no dead letters
    [Done]
    "#);
    let _ = site.import(&[inbox(&site)]);
    assert_snapshot!(undated(&site.dead_letters(50, false)), @r#"
    id  file                                       attempts  next attempt          reason
     5  TEXT5_2025-06-16.html                             1  [WHEN]                unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
     4  TEXT3_2025-06-16.json                             1  [WHEN]                the file name says TEXT3, but the response is about OTHER3
     3  TEXT2_2025-06-16.html                             1  [WHEN]                the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
     2  TEXT1_2025-06-15T120000Z_yahoo-chart.json         1  [WHEN]                suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
    [Done]
    "#);
    let some = site.dead_letters(1, false);
    assert!(some.contains("\nand 3 more; --limit shows them\n"), "{some}");
}

#[test]
fn dead_letters_are_json_objects_one_a_line() {
    let site = Site::new();
    assert_eq!(site.dead_letters(50, true), "[Done]");
    let _ = site.import(&[inbox(&site)]);
    let told = site.dead_letters(2, true);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!((lines.len(), lines[2]), (3, "[Done]"));
    let letter: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(letter["file"], "TEXT5_2025-06-16.html");
    assert_eq!(letter["sha256"].as_str().unwrap().len(), 64);
    assert!(letter["reason"].as_str().unwrap().starts_with("unknown format"), "{letter}");
    let names: Vec<&str> = letter.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "attempts",
            "bytes",
            "fetched_at",
            "file",
            "id",
            "lease_until",
            "next_attempt_at",
            "reason",
            "registered_at",
            "sha256",
            "vendor"
        ]
    );
}

#[test]
fn dead_letters_are_tried_again_by_name_or_id_and_accepted_by_name_alone() {
    let site = Site::new();
    let _ = site.import(&[inbox(&site)]);
    let retry = |letters: &Letters, accept: bool| {
        let (cancel, display) = (Cancel::default(), Display::default());
        site.answer(|out| {
            let run = Run { cancel: &cancel, display: &display, out };
            site.operator().retry(letters, accept, run)
        })
    };
    let named = |names: &[&str]| Letters::Named(names.iter().map(|it| (*it).to_owned()).collect());
    assert_snapshot!(retry(&Letters::All, false), @r#"
    retry: 4 files in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      dead letters before        4
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: still a dead letter: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
      TEXT2_2025-06-16.html: still a dead letter: the vendor's "Will be right back" page (at byte 19): expected a history page; its service is down for a while
      TEXT3_2025-06-16.json: still a dead letter: the file name says TEXT3, but the response is about OTHER3
      TEXT5_2025-06-16.html: still a dead letter: unknown format, it begins with "\u{1b}[2J\nforged line" (at byte 0): expected a vendor's price history: JSON, CSV headed Date,Open,High,Low,Close,Volume, or a Yahoo history page
    [Incomplete]
    "#);
    assert_snapshot!(retry(&Letters::All, true), @r#"
    error: what the guard refused is accepted by name only: look at each with `worker deadletters`, then name it
    "#);
    let path = "x/dead/TEXT3_2025-06-16.json";
    assert_snapshot!(retry(&named(&["999", "GONE_2025-06-16.html", path]), false), @r#"
    999: no response has this id
    GONE_2025-06-16.html: there is no such file in this archive
    retry: 1 file in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      dead letters before        1
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      TEXT3_2025-06-16.json: still a dead letter: the file name says TEXT3, but the response is about OTHER3
    [Incomplete]
    "#);
    assert_snapshot!(retry(&named(&["a/.."]), false), @r#"
    error: expected a file name or an id: ".." cannot name a response: it begins with a dot
    "#);
    // What the guard refused, by its id.
    let store = site.operator().store().clone();
    let suspicious = "TEXT1_2025-06-15T120000Z_yahoo-chart.json";
    let id = store.read(|it| it.response(suspicious)).unwrap().unwrap().id.0.to_string();
    assert_snapshot!(retry(&named(&[&id, suspicious]), false), @r#"
    retry: 1 file in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      dead letters before        1
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    not loaded:
      TEXT1_2025-06-15T120000Z_yahoo-chart.json: still a dead letter: suspicious: it would withdraw 10 of the series' 40 final bars, the first on 2025-05-05; more than 1 % is more likely a broken response than the truth
    [Incomplete]
    "#);
    assert_snapshot!(retry(&named(&[&id, suspicious]), true), @r#"
    retry: 1 file in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     1
      bars                0 inserted, 0 updated, 30 unchanged, 10 withdrawn
      corporate actions   0 inserted, 0 updated, 1 unchanged, 0 withdrawn
    [Done]
    "#);
    assert_snapshot!(retry(&named(&[&id]), false), @r#"
    retry: 1 file in [SECONDS] s ([BYTES], [RATE] MB/s)
      loaded                     0
      loaded before              1
      bars                0 inserted, 0 updated, 0 unchanged, 0 withdrawn
      corporate actions   0 inserted, 0 updated, 0 unchanged, 0 withdrawn
    [Done]
    "#);
}
