//! Writes many responses of different symbols, for measurements of memory and speed.
//!
//! `write-pages FOLDER COUNT BYTES page|chart [MORE_DAYS]`: BYTES is the size of each file, nearly.
//! With MORE_DAYS the same histories go on for so many trading days, and are fetched so much later.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a small program for people at a terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cream_models::{Date, Timestamp};
use cream_testkit::{Listing, PageOptions, Scenario, chart_file_name, page_file_name};

const USAGE: &str = "usage: write-pages FOLDER COUNT BYTES page|chart [MORE_DAYS]";

/// The days of a page that is large enough, as many as the longest histories on the web have.
const PAGE_DAYS: usize = 3_764;

struct Job {
    folder: PathBuf,
    count: usize,
    bytes: usize,
    is_page: bool,
    more_days: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(job) = read(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match job.run() {
        Ok(bytes) => {
            println!("{} files, {bytes} bytes", job.count);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("write-pages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<Job> {
    let (folder, count, bytes, kind, more) = match arguments {
        [folder, count, bytes, kind] => (folder, count, bytes, kind, "0"),
        [folder, count, bytes, kind, more] => (folder, count, bytes, kind, more.as_str()),
        _ => return None,
    };
    Some(Job {
        folder: PathBuf::from(folder),
        count: count.parse().ok()?,
        bytes: bytes.parse().ok()?,
        is_page: match kind.as_str() {
            "page" => true,
            "chart" => false,
            _ => return None,
        },
        more_days: more.parse().ok()?,
    })
}

impl Job {
    fn run(&self) -> std::io::Result<u64> {
        std::fs::create_dir_all(&self.folder)?;
        let next = std::sync::atomic::AtomicUsize::new(0);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let work = || {
                let mut written = 0;
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= self.count {
                        return Ok(written);
                    }
                    written += self.write(&self.folder, number)?;
                }
            };
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .sum()
        })
    }

    fn write(&self, folder: &Path, number: usize) -> std::io::Result<u64> {
        // A row takes about 110 bytes in a chart answer and 420 in a page.
        let days = if self.is_page {
            (self.bytes / 600).clamp(5, PAGE_DAYS)
        } else {
            self.bytes.saturating_sub(1_600).div_ceil(112).max(5)
        };
        let symbol = format!("SYN{number:05}");
        let listing = Listing::us_stock(&symbol, &format!("Synthetic Number {number}, Inc."));
        let last = Date::from_ymd(2025, 6, 13).unwrap_or(Date::MIN);
        let fetched = (0..self.more_days)
            .fold(listing.trading_day_after(last), |day, _| listing.trading_day_after(day));
        let scenario = Scenario::new(listing, number as u64)
            .ending(last, days)
            .dividends(63.min(days - 1), 0.25)
            .split(days / 2, 3, 2)
            .extended(self.more_days);
        let series = scenario.build();
        let (name, bytes) = if self.is_page {
            let page = series.history_page_of(self.bytes, &PageOptions::default());
            (page_file_name(&symbol, fetched), page)
        } else {
            let at = Timestamp::start_of(fetched).plus_seconds(21 * 3600 + 1800);
            (chart_file_name(&symbol, at), series.chart_json())
        };
        std::fs::write(folder.join(name), &bytes)?;
        Ok(bytes.len() as u64)
    }
}
