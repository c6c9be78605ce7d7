//! The guard against broken responses, and rebuilds.

use cream_archive::Folder;
use cream_store::ResponseStatus;
use cream_testkit::SyntheticSeries;

use crate::support::{Site, chart_name, series};

/// The history without ten of its rows.
fn lacking(truth: &SyntheticSeries) -> SyntheticSeries {
    truth.rows[100..110].iter().fold(truth.clone(), |series, row| series.without_row(row.date))
}

#[test]
fn a_suspicious_response_stays_out_of_the_series() {
    let site = Site::new();
    let truth = series("GUARD1", 400);
    let (good, bad) = (chart_name("GUARD1", 14), chart_name("GUARD1", 15));
    site.put("raw", &good, truth.chart_json());
    site.put("raw", &bad, lacking(&truth).chart_json());
    let run = site.process();
    assert_eq!(run.counts(), [1, 0, 1, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!(site.bars(), 400);
    let known = site.response(&bad).unwrap();
    assert_eq!(known.status, ResponseStatus::Deadletter);
    assert!(site.holds(Folder::Deadletter, &bad));
    let reason = known.error.unwrap();
    assert!(
        reason.starts_with("suspicious: it would withdraw 10 of the series' 400 final bars"),
        "{reason}"
    );
    assert!(known.stock_id.is_some() && known.vendor.is_some() && known.fetched_at.is_some());

    let digest = site.digest();
    let rebuilt = site.beside_new_database();
    assert_eq!(rebuilt.rebuild().counts(), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(rebuilt.digest(), digest);
}

#[test]
fn a_rebuild_accepts_what_was_accepted_in_another_order() {
    let site = Site::new();
    let truth = series("GUARD1", 400);
    let (older, newer) = (chart_name("GUARD1", 14), chart_name("GUARD1", 15));
    let newer = site.put("in", &newer, lacking(&truth).chart_json());
    let older = site.put("in", &older, truth.chart_json());
    // The newer one first: nothing was there to be withdrawn.
    for path in [newer, older] {
        assert_eq!(site.import(&[path]).counts(), [1, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(site.bars(), 390);
    let digest = site.digest();
    let rebuilt = site.beside_new_database();
    assert_eq!(rebuilt.rebuild().counts(), [2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rebuilt.digest(), digest);
}

#[test]
fn a_rebuild_refuses_again_what_was_refused() {
    let site = Site::new();
    let truth = series("GUARD1", 400);
    // The third covers eight of the ten dates: after it, the second would withdraw but two.
    let range = cream_models::DateRange::new(truth.rows[102].date, truth.rows[399].date).unwrap();
    let told = [truth.clone(), lacking(&truth), truth.sliced(range)];
    for (day, told) in (14..).zip(&told) {
        site.put("raw", &chart_name("GUARD1", day), told.chart_json());
    }
    assert_eq!(site.process().counts(), [2, 0, 1, 0, 0, 0, 0]);
    let digest = site.digest();
    let rebuilt = site.beside_new_database();
    let run = rebuilt.rebuild();
    assert_eq!(run.counts(), [2, 0, 1, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!(rebuilt.digest(), digest);
}

#[test]
fn a_rebuild_loads_nothing_that_was_kept_apart_for_its_name() {
    let site = Site::new();
    let name = chart_name("GUARD1", 16);
    site.put("raw", &name, series("GUARD1", 40).chart_json());
    let _ = site.process();
    site.put("raw", &name, series("GUARD1", 60).chart_json());
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    let (digest, files) = (site.digest(), site.files());
    let rebuilt = site.beside_new_database();
    let run = rebuilt.rebuild();
    assert_eq!(run.counts(), [1, 0, 1, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!((rebuilt.digest(), rebuilt.files()), (digest, files));
}

#[test]
fn a_rebuild_again_changes_nothing() {
    let site = Site::new();
    crate::support::put_some(&site);
    let _ = site.process();
    let (digest, files) = (site.digest(), site.files());
    assert_eq!(site.rebuild().counts(), [0, 4, 0, 1, 0, 0, 0]);
    assert_eq!((site.digest(), site.files()), (digest, files));
}
