//! Responses about one series over time, between which the vendor changes its mind.

use cream_models::{
    ActionKind, CorporateAction, CorporateEvent, Date, DateRange, SplitRatio, Timestamp,
};

use crate::{
    ChartOptions, KeyOrder, Listing, LiveRow, PageOptions, Rng, Row, Scenario, SyntheticSeries,
    chart_file_name, page_file_name,
};

/// One response of a story.
#[derive(Clone, Debug)]
pub struct Telling {
    /// When it was fetched. No two of a story have the same instant; a page's name tells the day
    /// only.
    pub fetched_at: Timestamp,
    /// The dates asked for; what the response lacks within them is not so.
    pub asked: DateRange,
    /// What it says: the part of the history that lies within the dates asked for.
    pub series: SyntheticSeries,
    /// Whether it is a history page; a chart answer otherwise.
    pub is_page: bool,
    /// Its name in the archive.
    pub name: String,
    /// The response.
    pub bytes: Vec<u8>,
}

/// So many responses about one symbol, oldest first: of overlapping ranges and ranges with gaps
/// between them, with null rows that come and go, bars and actions that are corrected or
/// withdrawn, and live rows. Pages hold a table too, and come at most once a day.
///
/// Made for the property that the order of loading decides nothing.
#[must_use]
pub fn story(symbol: &str, seed: u64, count: usize) -> Vec<Telling> {
    let mut rng = Rng::new(seed);
    let days = 30 + rng.below(40);
    let scenario = Scenario::new(Listing::us_stock(symbol, "Cream Story, Inc."), rng.bits());
    // More days than are told at first, for the tellings to move into.
    let mut truth = scenario.starting(Date::from_ymd(2025, 1, 6).unwrap(), days + count).build();
    let first_today = truth.rows[days].date;
    let mut tellings: Vec<Telling> = Vec::with_capacity(count);
    for number in 0..count {
        for _ in 0..rng.below(6) {
            truth = changed(truth, &mut rng);
        }
        // Two tellings a day; the vendor tells what lies before today.
        let step = i32::try_from(number / 2).unwrap();
        let today = Date::from_days(first_today.days() + step).unwrap();
        let minutes = i64::try_from(number % 2).unwrap() * 60;
        let fetched_at = Timestamp::start_of(today).plus_seconds(15 * 3600 + minutes * 60);
        let asked = asked(&truth, today, &mut rng);
        let mut series = truth.sliced(asked);
        if rng.below(3) == 0 && series.rows.last().is_some_and(|row| row.date < today) {
            let row = live_row(today, &mut rng);
            series = series.with_live(LiveRow { at: fetched_at.plus_seconds(-20), row });
        }
        tellings.push(told(series, asked, fetched_at, number % 2 == 0, &mut rng));
    }
    tellings
}

fn asked(truth: &SyntheticSeries, today: Date, rng: &mut Rng) -> DateRange {
    let yesterday = today.previous().unwrap();
    let first = truth.rows[0].date;
    let span = (yesterday.days() - first.days()).max(1) as usize;
    let (from, to) = match rng.below(3) {
        0 => (0, span),
        1 => (rng.below(span), span),
        _ => {
            let from = rng.below(span);
            (from, from + rng.below(span - from + 1))
        }
    };
    let day = |after: usize| Date::from_days(first.days() + after as i32).unwrap();
    DateRange::new(day(from), day(to)).unwrap()
}

fn live_row(date: Date, rng: &mut Rng) -> Row {
    let close = (rng.between(50.0, 60.0) * 100.0).round() / 100.0;
    Row::new(date, [55.0, 61.0, 49.0, close as f32], rng.below(1_000_000) as i64)
}

fn changed(truth: SyntheticSeries, rng: &mut Rng) -> SyntheticSeries {
    if truth.rows.len() < 10 {
        return truth;
    }
    let row = truth.rows[rng.below(truth.rows.len())];
    // The first row stays, so that ranges keep their start.
    if row.date == truth.rows[0].date {
        return truth;
    }
    match rng.below(8) {
        0 | 7 => truth.without_row(row.date),
        1 => truth.with_null_row(row.date),
        2 | 3 => {
            let volume = rng.below(5_000_000) as i64;
            let price = (rng.between(80.0, 90.0) * 100.0).round() as f32 / 100.0;
            truth.with_row(Row::new(row.date, [85.0, 91.0, 79.0, price], volume))
        }
        4 => {
            let amount = cream_models::Price::from_nanos(rng.below(90) as i64 * 10_000_000);
            let event = CorporateEvent::Dividend { amount };
            truth.with_action(CorporateAction { date: row.date, event })
        }
        5 => {
            let side = |rng: &mut Rng| {
                cream_models::Price::from_nanos((1 + rng.below(9)) as i64 * 500_000_000)
            };
            let event = CorporateEvent::Split(SplitRatio::new(side(rng), side(rng)).unwrap());
            truth.with_action(CorporateAction { date: row.date, event })
        }
        _ => match truth.actions.first().map(CorporateAction::key) {
            Some((date, kind)) => truth.without_action(date, kind),
            None => truth.without_action(row.date, ActionKind::Dividend),
        },
    }
}

fn told(
    series: SyntheticSeries,
    asked: DateRange,
    fetched_at: Timestamp,
    may_be_page: bool,
    rng: &mut Rng,
) -> Telling {
    let symbol = &series.listing.symbol;
    let is_page = may_be_page && rng.below(2) == 0;
    let chart = ChartOptions {
        key_order: KeyOrder::Shuffled(rng.bits()),
        pretty: rng.below(4) == 0,
        // An old slice does not change when the last trade was.
        regular_market_time: Some(series.live.map_or(fetched_at.plus_seconds(-20), |live| live.at)),
        ..ChartOptions::default()
    };
    let (name, bytes) = if is_page {
        let period_end = Timestamp::start_of(asked.last()).plus_seconds(86_400);
        let options = PageOptions {
            chart,
            filler_bytes: 1_000,
            period_start: Some(Timestamp::start_of(asked.first())),
            period_end: Some(period_end),
            ..PageOptions::default()
        };
        (page_file_name(symbol, fetched_at.date()), series.history_page(&options))
    } else {
        (chart_file_name(symbol, fetched_at), series.chart_json_with(&chart))
    };
    Telling { fetched_at, asked, series, is_page, name, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn stories_are_varied_named_apart_and_the_same_each_time() {
        let (mut pages, mut withdrawn, mut live, mut nulls) = (0, 0, 0, 0);
        for seed in 0..60 {
            let tellings = story("CREAM8", seed, 6);
            let names: BTreeSet<_> = tellings.iter().map(|telling| &telling.name).collect();
            assert_eq!(names.len(), 6);
            assert!(tellings.windows(2).all(|pair| pair[0].fetched_at < pair[1].fetched_at));
            pages += tellings.iter().filter(|telling| telling.is_page).count();
            live += tellings.iter().filter(|telling| telling.series.live.is_some()).count();
            for telling in &tellings {
                nulls += telling.series.null_dates().len();
                let range = telling.series.rows.iter().map(|row| row.date);
                assert!(range.clone().all(|date| telling.asked.contains(date)));
            }
            for pair in tellings.windows(2) {
                let later = &pair[1];
                let dates: BTreeSet<_> = later.series.rows.iter().map(|row| row.date).collect();
                let gone =
                    |row: &&Row| later.asked.contains(row.date) && !dates.contains(&row.date);
                withdrawn += pair[0].series.rows.iter().filter(gone).count();
            }
            let again = story("CREAM8", seed, 6);
            assert!(tellings.iter().zip(&again).all(|(a, b)| a.bytes == b.bytes));
        }
        let counts = [pages, withdrawn, live, nulls];
        assert!(counts.iter().all(|count| *count > 30), "{counts:?}");
    }
}
