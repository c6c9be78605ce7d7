//! A database and an archive of its own for each test, and what commands answer there.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its share")]

use std::path::PathBuf;

use anyhow::Result;
use cream_config::{Secret, Settings};
use cream_operator::{Display, Exit, Migrate, Operator, Run};
use cream_processor::Cancel;
use cream_testkit::{Listing, Scenario, SyntheticSeries, TestDir};

/// A folder with a database and an archive.
pub struct Site {
    pub folder: TestDir,
    pub settings: Settings,
}

impl Site {
    pub fn new() -> Self {
        let folder = TestDir::new();
        let url = format!("sqlite:{}", folder.join("cream.db").display());
        let settings = Settings {
            database_url: Secret::new(url),
            raw_responses_dir: folder.join("raw"),
            parsed_responses_dir: folder.join("parsed"),
            deadletter_responses_dir: folder.join("dead"),
            max_response_bytes: 100_000,
            // So that what comes first is the same each time.
            max_concurrent_files: 1,
            ..Settings::default()
        };
        Self { folder, settings }
    }

    pub fn operator(&self) -> Operator {
        Operator::open(&self.settings).unwrap()
    }

    /// What a command answers: its text, or its error with the causes, as the binaries show it.
    pub fn answer(&self, command: impl FnOnce(&mut Vec<u8>) -> Result<Exit>) -> String {
        let mut out = Vec::new();
        let end = match command(&mut out) {
            Ok(exit) => format!("[{exit:?}]"),
            Err(error) => format!("error: {}", cream_processor::chain(error.as_ref())),
        };
        let text = String::from_utf8(out).unwrap() + &end;
        self.redacted(&text)
    }

    /// Without what differs each time: the folder, durations, sizes and rates.
    pub fn redacted(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().unwrap();
        let mut lines = Vec::new();
        for line in text.replace(folder, "[FOLDER]").lines() {
            let timed = line.split_once(" in ").and_then(|(files, rest)| {
                let (seconds, rest) = rest.split_once(" s (")?;
                let (_, rate) = rest.split_once(", ")?;
                let _: f64 = seconds.parse().ok()?;
                let _: f64 = rate.strip_suffix(" MB/s)")?.parse().ok()?;
                Some(format!("{files} in [SECONDS] s ([BYTES], [RATE] MB/s)"))
            });
            lines.push(timed.unwrap_or_else(|| line.to_owned()));
        }
        lines.join("\n")
    }

    pub fn import(&self, paths: &[PathBuf]) -> String {
        let (cancel, display) = (Cancel::default(), Display::default());
        self.answer(|out| {
            self.operator().import(paths, Run { cancel: &cancel, display: &display, out })
        })
    }

    pub fn process(&self) -> String {
        let (cancel, display) = (Cancel::default(), Display::default());
        self.answer(|out| self.operator().process(Run { cancel: &cancel, display: &display, out }))
    }

    pub fn rebuild(&self, operator: &Operator) -> String {
        let (cancel, display) = (Cancel::default(), Display::default());
        self.answer(|out| operator.rebuild(Run { cancel: &cancel, display: &display, out }))
    }

    pub fn status(&self) -> String {
        self.answer(|out| Operator::open_as_is(&self.settings)?.status(false, out))
    }

    pub fn migrate(&self, what: Migrate) -> String {
        self.answer(|out| Operator::open_as_is(&self.settings)?.migrate(what, out))
    }
}

pub fn series(symbol: &str) -> SyntheticSeries {
    Scenario::new(Listing::us_stock(symbol, "Cream Test, Inc."), 7)
        .ending("2025-06-13".parse().unwrap(), 40)
        .dividend(10, 0.26)
        .build()
}

/// Good, suspicious, broken, wrongly named, too large, hostile, and what is no file.
pub fn inbox(site: &Site) -> PathBuf {
    let put = |name: &str, bytes: &[u8]| {
        let _ = site.folder.write(format!("in/{name}"), bytes);
    };
    let truth = series("TEXT1");
    let lacking =
        truth.rows[10..20].iter().fold(truth.clone(), |series, row| series.without_row(row.date));
    put("TEXT1_2025-06-14T120000Z_yahoo-chart.json", &truth.chart_json());
    put("TEXT1_2025-06-15T120000Z_yahoo-chart.json", &lacking.chart_json());
    put("TEXT2_2025-06-16.html", b"<!doctype html><h1>Will be right back...</h1>");
    put("TEXT3_2025-06-16.json", &series("OTHER3").chart_json());
    put("TEXT4_2025-06-16.html", &vec![b'x'; 100_001]);
    put("TEXT5_2025-06-16.html", b"\x1b[2J\nforged line");
    put("T:T_2025-06-99.html", b"x");
    put("TEXT6.html.partial", b"x");
    put(".hidden", b"x");
    site.folder.join("in")
}
