//! The order in which responses are loaded, and how often, decides nothing.

use std::path::PathBuf;
use std::sync::OnceLock;

use cream_models::{Timestamp, Vendor};
use cream_testkit::{
    Listing, PageOptions, Rng, Scenario, Telling, TestDir, chart_file_name, page_file_name, story,
};
use proptest::prelude::*;

use crate::support::{ON_POSTGRES, Site};

const SYMBOL: &str = "STORY1";

/// A site with years before the story, from each vendor. The guard counts what is lost in
/// hundredths of a series: beside these no story loses enough for it to refuse, whatever the order.
fn site_with_years_before() -> Site {
    static TEMPLATE: OnceLock<TestDir> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let site = Site::new();
        let listing = Listing::us_stock(SYMBOL, "Cream Story, Inc.");
        let years = Scenario::new(listing, 1).starting("2015-01-02".parse().unwrap(), YEARS);
        let (years, fetched) =
            (years.build(), "2024-12-31T12:00:00Z".parse::<Timestamp>().unwrap());
        let page = PageOptions { filler_bytes: 0, ..PageOptions::embedded_only() };
        let page = years.history_page(&page);
        site.put("raw", &page_file_name(SYMBOL, fetched.date()), page);
        site.put("raw", &chart_file_name(SYMBOL, fetched), years.chart_json());
        assert_eq!(site.process().summary.loaded, 2);
        site.folder
    });
    Site::copied(template)
}

/// The trading days before the story.
const YEARS: usize = 1600;

/// Whether the vendor would send this: a live row comes where today was asked for, or is the next
/// session. A chart answer does not tell what was asked for, so one after a gap would speak for
/// the gap too, and withdraw whole weeks; a page does tell.
fn is_likely(told: &Telling) -> bool {
    const LONG_WEEKEND: i32 = 4;
    told.is_page
        || told
            .series
            .live
            .is_none_or(|live| live.row.date.days() - told.asked.last().days() <= LONG_WEEKEND)
}

/// Imports responses one by one. All are loaded or have been, but for those that have no rows to
/// load, of which there are some: an answer for a week-end.
fn import_each(site: &Site, paths: &[PathBuf]) {
    for path in paths {
        let run = site.import(std::slice::from_ref(path));
        let done = run.summary.loaded + run.summary.already_loaded;
        let line = run.line();
        assert!(done == 1 || line.contains("dead letter: no rows in the chart"), "{line}");
    }
}

fn check(seed: u64, shuffle: u64, count: usize) -> Result<(), TestCaseError> {
    let told: Vec<_> = story(SYMBOL, seed, count).into_iter().filter(is_likely).collect();
    let digest_of = |shuffles: &[Option<u64>]| {
        let site = site_with_years_before();
        let mut paths: Vec<_> =
            told.iter().map(|told| site.put("in", &told.name, &told.bytes)).collect();
        for shuffle in shuffles {
            if let Some(seed) = shuffle {
                Rng::new(*seed).shuffle(&mut paths);
            }
            import_each(&site, &paths);
        }
        (site.digest(), site)
    };
    let (in_order, site) = digest_of(&[None]);
    for vendor in [Vendor::YahooChart, Vendor::YahooPage] {
        let bars = site.series(SYMBOL, vendor).map_or(0, |series| series.bars);
        prop_assert!(bars >= i64::try_from(YEARS).unwrap(), "{} holds {} bars", vendor, bars);
    }
    let (shuffled, site) = digest_of(&[Some(shuffle), Some(!shuffle)]);
    prop_assert_eq!(&shuffled, &in_order);

    let files = {
        let [raw, parsed, dead] = site.files().map(|names| u64::try_from(names.len()).unwrap());
        prop_assert_eq!(raw, 0);
        (parsed, dead)
    };
    let rebuilt = site.beside_new_database();
    let run = rebuilt.rebuild();
    prop_assert_eq!((run.summary.loaded, run.summary.dead_letters), files, "{}", run.lines());
    prop_assert_eq!(rebuilt.digest(), in_order);
    Ok(())
}

/// A page that was asked for a day of UTC, with a live row weeks later.
#[test]
fn a_page_of_a_single_day_with_a_live_row_decides_nothing_between() {
    check(8_330_756_117_617_786_275, 2_049_680_320, 5).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if ON_POSTGRES { 6 } else { 24 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_any_number_of_times_and_a_rebuild_end_the_same(
        seed: u64, shuffle: u64, count in 3_usize..9
    ) {
        check(seed, shuffle, count)?;
    }
}
