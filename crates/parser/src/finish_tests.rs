use cream_models::{SplitRatio, Vendor};
use proptest::prelude::*;

use super::*;

fn day(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

fn bar(days: i32, close: i64) -> Bar {
    Bar::new(day(days)).with_close(Price::from_nanos(close))
}

fn bad(row: usize, date: Option<i32>) -> Unreadable {
    Unreadable { row, date: date.map(day), position: row * 10, reason: "it is odd".to_owned() }
}

fn finished(
    rows: Vec<Bar>,
    unreadable: Vec<Unreadable>,
    asked: Option<DateRange>,
) -> Result<PriceHistory> {
    let mut history = PriceHistory::new(Vendor::YahooChart);
    let mut warnings = Warnings::new(100);
    let asked = asked.map_or(Asked::Unknown, Asked::Dates);
    bars(&mut history, rows, unreadable, asked, &mut warnings)?;
    history.warnings = warnings.into_vec();
    Ok(history)
}

fn range(first: i32, last: i32) -> DateRange {
    DateRange::new(day(first), day(last)).unwrap()
}

#[test]
fn rows_are_sorted_whichever_way_they_come() {
    for rows in [
        vec![bar(1, 10), bar(2, 20), bar(3, 30)],
        vec![bar(3, 30), bar(2, 20), bar(1, 10)],
        vec![bar(2, 20), bar(3, 30), bar(1, 10)],
    ] {
        let history = finished(rows, vec![], None).unwrap();
        assert_eq!(history.bars, [bar(1, 10), bar(2, 20), bar(3, 30)]);
        assert_eq!(history.coverage.range, Some(range(1, 3)));
        assert!(history.coverage.undecided_bars.is_empty() && history.warnings.is_empty());
    }
}

#[test]
fn neat_rows_come_out_as_the_same_rows_backwards_do() {
    let plain = |days: i32| {
        let price = Price::from_nanos(10);
        bar(days, 10).with_open(price).with_high(price).with_low(price).with_volume(1)
    };
    for rows in [
        vec![plain(1), plain(2), plain(4)],
        vec![plain(1), plain(2).with_low(Price::from_nanos(11)), plain(4).with_volume(0)],
        vec![plain(1), Bar::new(day(2)), plain(4)],
        vec![plain(1)],
    ] {
        for asked in [None, Some(range(2, 9))] {
            let forwards = finished(rows.clone(), vec![], asked);
            let backwards = finished(rows.iter().rev().copied().collect(), vec![], asked);
            assert_eq!(forwards, backwards);
        }
    }
}

#[test]
fn the_settled_row_wins_over_the_live_one_in_either_order() {
    let live = bar(2, 25).with_final(false);
    for rows in [vec![bar(1, 10), bar(2, 20), live], vec![live, bar(2, 20), bar(1, 10)]] {
        let history = finished(rows, vec![], None).unwrap();
        assert_eq!(history.bars, [bar(1, 10), bar(2, 20)]);
        assert!(history.warnings[0].to_string().contains("the settled row was kept"));
    }
}

#[test]
fn of_two_settled_rows_the_later_is_kept_and_flagged() {
    let history = finished(vec![bar(1, 10), bar(1, 11), bar(1, 11)], vec![], None).unwrap();
    assert_eq!(history.bars, [bar(1, 11).with_flags(BarFlags::DUPLICATE_DATE)]);
    let texts: Vec<_> = history.warnings.iter().map(ToString::to_string).collect();
    assert!(texts[0].contains("the later in the response was kept"), "{texts:?}");
    assert!(texts[1].contains("identical"), "{texts:?}");
    assert!(texts[2].contains("duplicate_date"), "{texts:?}");
}

#[test]
fn empty_and_unreadable_rows_leave_their_dates_open() {
    let rows = vec![bar(1, 10), Bar::new(day(2)).with_volume(7), bar(3, 0), bar(4, 40)];
    let history = finished(rows, vec![bad(2, Some(3))], Some(range(0, 9))).unwrap();
    assert_eq!(history.bars, [bar(1, 10), bar(4, 40)]);
    assert_eq!(history.coverage.range, Some(range(0, 9)));
    assert_eq!(history.coverage.undecided_bars, [range(2, 3)]);
    assert_eq!(history.warnings.len(), 1);
    assert_eq!(history.warnings[0].position, 20);
}

#[test]
fn a_row_without_a_date_opens_the_gap_between_its_neighbours() {
    let open = |rows: Vec<Bar>, unreadable, asked| {
        finished(rows, unreadable, asked).unwrap().coverage.undecided_bars
    };
    let none = bar(0, 0);
    let asked = Some(range(0, 30));
    assert_eq!(open(vec![bar(5, 1), none, bar(9, 1)], vec![bad(1, None)], asked), [range(6, 8)]);
    assert_eq!(open(vec![bar(9, 1), none, bar(5, 1)], vec![bad(1, None)], asked), [range(6, 8)]);
    assert_eq!(open(vec![bar(5, 1), none, bar(6, 1)], vec![bad(1, None)], asked), []);
    assert_eq!(open(vec![bar(4, 1), bar(5, 1), none], vec![bad(2, None)], asked), [range(6, 30)]);
    assert_eq!(open(vec![none, bar(4, 1), bar(5, 1)], vec![bad(0, None)], asked), [range(0, 3)]);
    assert_eq!(open(vec![bar(5, 1), bar(4, 1), none], vec![bad(2, None)], asked), [range(0, 3)]);
    assert_eq!(open(vec![none, bar(5, 1), bar(4, 1)], vec![bad(0, None)], asked), [range(6, 30)]);
    assert_eq!(open(vec![none], vec![bad(0, None)], asked), [range(0, 30)]);
    assert_eq!(open(vec![none], vec![bad(0, None)], None), []);
}

#[test]
fn a_date_with_a_bar_is_decided_whatever_else_was_there() {
    let rows = vec![bar(5, 1), bar(0, 0), bar(9, 1), bar(7, 2)];
    let history = finished(rows, vec![bad(1, None)], None).unwrap();
    assert_eq!(history.coverage.undecided_bars, [range(6, 6), range(8, 8)]);
}

#[test]
fn one_in_a_hundred_may_be_unreadable_but_not_more() {
    let rows = |count: i32| (0..count).map(|days| bar(days, 1)).collect::<Vec<_>>();
    let three = || vec![bad(1, None), bad(5, None), bad(6, None)];
    assert_eq!(finished(rows(300), three(), None).unwrap().bars.len(), 297);
    assert_eq!(finished(rows(3), vec![bad(1, None), bad(2, None)], None).unwrap().bars.len(), 1);
    let error = finished(rows(299), three(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "3 of 299 rows are unreadable, the first at byte 10: it is odd; expected at most 1 % of \
         them"
    );
}

#[test]
fn odd_bars_are_warned_of_once_a_flag() {
    let zero = |days| bar(days, 1).with_volume(0);
    let history = finished(vec![zero(1), bar(2, -5), zero(3)], vec![], None).unwrap();
    let texts: Vec<_> = history.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0].contains("1970-01-03") && texts[0].contains("negative_price"), "{texts:?}");
    assert!(texts[1].contains("2 bars") && texts[1].contains("zero_volume"), "{texts:?}");
}

fn acted(read: Vec<CorporateAction>, unreadable: Vec<Option<Date>>, decided: bool) -> PriceHistory {
    let mut history = finished(vec![bar(0, 1), bar(50, 1)], vec![], None).unwrap();
    let mut warnings = Warnings::new(100);
    let read = read.into_iter().map(|action| (action, 7)).collect();
    actions(&mut history, Actions { read, unreadable, decided }, &mut warnings);
    history.warnings = warnings.into_vec();
    history
}

fn paid(days: i32, amount: i64) -> CorporateAction {
    let event = cash(ActionKind::Dividend, Price::from_nanos(amount));
    CorporateAction { date: day(days), event }
}

fn split(days: i32, numerator: i64) -> CorporateAction {
    let ratio = SplitRatio::new(Price::from_nanos(numerator), Price::from_nanos(1)).unwrap();
    CorporateAction { date: day(days), event: CorporateEvent::Split(ratio) }
}

#[test]
fn repeated_actions_are_joined_where_that_means_something() {
    let history = acted(vec![paid(9, 5), split(9, 2), paid(9, 5), split(9, 2)], vec![], true);
    assert_eq!(history.actions, [paid(9, 5), split(9, 2)]);
    assert_eq!(history.warnings.len(), 2);
    let history = acted(vec![paid(9, 5), paid(9, 6), paid(3, 1)], vec![], true);
    assert_eq!(history.actions, [paid(3, 1), paid(9, 11)]);
    assert!(history.coverage.undecided_actions.is_empty());
    // One that comes again is the same one, wherever it stands.
    for amounts in [[5, 6, 5], [5, 5, 6], [6, 5, 6]] {
        let history = acted(amounts.map(|amount| paid(9, amount)).to_vec(), vec![], true);
        assert_eq!(history.actions, [paid(9, 11)], "{amounts:?}");
    }
    // What stands beside them is left open with them.
    let history = acted(vec![split(9, 5), split(9, 6), paid(9, 1), paid(8, 1)], vec![], true);
    assert_eq!(history.actions, [paid(8, 1)]);
    assert_eq!(history.coverage.undecided_actions, [range(9, 9)]);
    let history = acted(vec![paid(9, i64::MAX), paid(9, 6)], vec![], true);
    assert_eq!(history.actions, []);
}

#[test]
fn what_was_not_asked_or_not_readable_stays_open() {
    let open = |unreadable, decided| {
        acted(vec![paid(9, 5)], unreadable, decided).coverage.undecided_actions
    };
    assert_eq!(open(vec![], true), []);
    assert_eq!(open(vec![Some(day(4))], true), [range(4, 4)]);
    // What is there is decided all the same.
    assert_eq!(open(vec![None], true), [range(0, 8), range(10, 50)]);
    assert_eq!(open(vec![], false), [range(0, 8), range(10, 50)]);
    let history = acted(vec![paid(9, 5), paid(8, 5)], vec![Some(day(9))], true);
    assert_eq!(history.actions, [paid(8, 5)]);
}

#[test]
fn a_row_outside_of_what_was_asked_for_decides_its_own_date_alone() {
    let rows = vec![bar(1, 1), bar(9, 1), bar(40, 1).with_final(false)];
    let mut history = finished(rows, vec![], Some(range(0, 10))).unwrap();
    let found = Actions { read: vec![(paid(20, 1), 7)], unreadable: vec![], decided: true };
    actions(&mut history, found, &mut Warnings::new(100));
    assert_eq!(history.coverage.undecided_actions, [range(11, 19), range(21, 40)]);
    assert_eq!(history.coverage.range, Some(range(0, 40)));
    assert_eq!(history.coverage.undecided_bars, [range(11, 39)]);
    assert!(history.coverage.decides_bar(day(5)) && history.coverage.decides_bar(day(40)));
}

#[test]
fn actions_without_any_row_are_decided_alone() {
    let mut history = PriceHistory::new(Vendor::YahooPage);
    let read = vec![(paid(5, 1), 7), (paid(9, 1), 8)];
    let found = Actions { read, unreadable: vec![Some(day(5))], decided: true };
    actions(&mut history, found, &mut Warnings::new(100));
    assert_eq!(history.actions, [paid(9, 1)]);
    assert_eq!(history.coverage.range, Some(range(9, 9)));
    assert!(
        history.coverage.decides_action((day(9), ActionKind::Dividend))
            && !history.coverage.decides_bar(day(9))
    );
}

#[test]
fn an_action_outside_of_the_rows_is_decided_and_nothing_else_out_there_is() {
    let history = acted(vec![paid(-9, 5), split(-9, 2), paid(60, 5)], vec![], true);
    assert_eq!(history.actions.len(), 3);
    let coverage = &history.coverage;
    assert_eq!(coverage.range, Some(range(-9, 60)));
    assert_eq!(coverage.undecided_bars, [range(-9, -1), range(51, 60)]);
    assert_eq!(coverage.undecided_actions, [range(-8, -1), range(51, 59)]);
}

proptest! {
    #[test]
    fn a_date_has_a_bar_or_is_open_or_was_not_there(
        rows in prop::collection::vec((0_i32..40, 0_u8..12, any::<bool>()), 1..60),
    ) {
        let mut bad_rows = Vec::new();
        let bars: Vec<Bar> = rows.iter().enumerate().map(|(index, &(days, kind, is_final))| {
            match kind {
                0 if bad_rows.len() < 2 => { bad_rows.push(bad(index, Some(days))); bar(0, 0) }
                1 => Bar::new(day(days)),
                _ => bar(days, i64::from(kind)).with_final(is_final),
            }
        }).collect();
        let history = finished(bars, bad_rows, None).unwrap();
        for pair in history.bars.windows(2) {
            prop_assert!(pair[0].date() < pair[1].date());
        }
        for &(days, ..) in &rows {
            let has_bar = history.bars.iter().any(|bar| bar.date() == day(days));
            prop_assert_eq!(has_bar, history.coverage.decides_bar(day(days)));
        }
    }
}
