//! Generated responses, and what became of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cream_models::{DateRange, Timestamp};
use cream_testkit::{
    Listing, PageOptions, Scenario, SyntheticSeries, chart_file_name, page_file_name,
};

use crate::Site;

/// The last two days that are told of, both trading days, and when each was fetched.
const DAYS: [(&str, &str); 2] =
    [("2025-06-13", "2025-06-13T21:30:00Z"), ("2025-06-16", "2025-06-16T21:30:00Z")];

/// Responses by the names of their files.
#[derive(Clone, Debug, Default)]
pub struct Responses(pub BTreeMap<String, Vec<u8>>);

impl Responses {
    /// So many chart answers about histories of so many days.
    #[must_use]
    pub fn charts(count: u64, days: usize) -> Self {
        Self::fetched(0, count, days, false)
    }

    /// The same histories fetched a trading day later, each with one more bar.
    #[must_use]
    pub fn charts_a_day_later(count: u64, days: usize) -> Self {
        Self::fetched(1, count, days, false)
    }

    /// So many saved pages about histories of so many days.
    #[must_use]
    pub fn pages(count: u64, days: usize) -> Self {
        Self::fetched(0, count, days, true)
    }

    fn fetched(day: usize, count: u64, days: usize, pages: bool) -> Self {
        let (last, at) = DAYS[day];
        let at: Timestamp = at.parse().unwrap();
        let one = |seed| {
            let symbol = format!("{}{seed}", if pages { "PAGE" } else { "CHART" });
            let series = series(&symbol, seed, days);
            let first = series.rows[0].date;
            let series = series.sliced(DateRange::new(first, last.parse().unwrap()).unwrap());
            if pages {
                let options = PageOptions::default();
                (page_file_name(&symbol, at.date()), series.history_page(&options))
            } else {
                (chart_file_name(&symbol, at), series.chart_json())
            }
        };
        Self((0..count).map(one).collect())
    }

    /// Both these and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Writes them into a folder of the site, and returns its path.
    pub fn write(&self, site: &Site, folder: &str) -> PathBuf {
        for (name, bytes) in &self.0 {
            site.folder.write(format!("{folder}/{name}"), bytes);
        }
        site.folder.join(folder)
    }

    /// The digest that an undisturbed import reaches.
    #[must_use]
    pub fn digest(&self) -> String {
        let site = Site::new();
        let _ = site.worker_ok(&["import", self.write(&site, "in").to_str().unwrap()]);
        site.digest()
    }

    /// Each response is whole, and either waits or is loaded; what the archive does not hold yet
    /// is still where it came from. There is no dead letter.
    ///
    /// # Panics
    ///
    /// Where that is not so.
    pub fn assert_kept(&self, site: &Site, source: &str) {
        for (name, bytes) in &self.0 {
            let in_archive = ["raw", "parsed"].map(|folder| site.archive(folder).join(name));
            let found: Vec<_> = in_archive.iter().filter(|path| path.exists()).collect();
            let path = match found[..] {
                [] => site.folder.join(source).join(name),
                [path] => path.clone(),
                _ => panic!("{name} is both raw and parsed"),
            };
            let read = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert!(read == *bytes, "{} was changed", path.display());
        }
        assert_eq!(site.archived("dead"), [""; 0]);
    }

    /// All of them are loaded, nothing waits and nothing is left over, and what is served is what
    /// an undisturbed import leads to.
    ///
    /// # Panics
    ///
    /// Where that is not so.
    pub fn assert_loaded(&self, site: &Site, digest: &str) {
        assert_eq!(site.archived("raw"), [""; 0]);
        assert!(site.archived("parsed").iter().eq(self.0.keys()), "{:?}", site.archived("parsed"));
        self.assert_kept(site, "");
        assert_eq!(site.digest(), digest);
        let status = site.worker_ok(&["status"]);
        let counts = format!("{} parsed, 0 pending, 0 dead letters", self.0.len());
        assert!(status.contains(&counts), "{status}");
    }
}

/// A history with dividends, a split, and rows without values, that ends with the last day.
fn series(symbol: &str, seed: u64, days: usize) -> SyntheticSeries {
    Scenario::new(Listing::us_stock(symbol, "Test, Inc."), seed)
        .ending(DAYS[1].0.parse().unwrap(), days + 1)
        .dividends(60, 0.26)
        .split(days / 2, 3, 2)
        .null_row(days / 3)
        .build()
}
