use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;

fn plan(schedule: &str, now: i64, seed: u64) -> (Schedule, Turn) {
    let schedule = Schedule::parse(schedule).unwrap();
    let now = Timestamp::from_micros(now);
    let turn = Turn::after(&schedule, now, now, fastrand::Rng::with_seed(seed));
    (schedule, turn)
}

fn seconds(wait: Option<Duration>) -> u64 {
    wait.unwrap().as_secs()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn draws_fill_their_range() {
    let waits: Vec<i64> =
        (0..1000).map(|seed| plan("1000s", 0, seed).1.next().unwrap().seconds()).collect();
    let mean = waits.iter().sum::<i64>() / 1000;
    assert!((940..960).contains(&mean), "{mean}");
    assert!(waits.iter().all(|wait| (900..=1000).contains(wait)));
    assert!(waits.iter().any(|wait| *wait < 905) && waits.iter().any(|wait| *wait > 995));
    let late: Vec<i64> = (0..1000)
        .map(|seed| plan("0 1 * * *", 0, seed).1.next().unwrap().micros() - 3600 * SECOND)
        .collect();
    assert!(late.iter().all(|late| (0..=30 * SECOND).contains(late)));
    assert!(late.iter().any(|late| *late < 2 * SECOND));
    assert!(late.iter().any(|late| *late > 28 * SECOND));
}

#[test]
fn a_clock_that_jumps_back_leaves_an_interval_what_was_left() {
    let (schedule, mut turn) = plan("1000s", 0, 7);
    let whole = seconds(turn.wait(&schedule, at(0)));
    assert_eq!(seconds(turn.wait(&schedule, at(300))), whole - 300);
    assert_eq!(seconds(turn.wait(&schedule, at(-1_000_000))), whole - 300, "weeks back");
    assert_eq!(seconds(turn.wait(&schedule, at(-1_000_000 + 500))), whole - 800);
    assert_eq!(seconds(turn.wait(&schedule, at(-2_000_000))), whole - 800);
    assert_eq!(turn.wait(&schedule, at(-2_000_000 + 400)), Some(Duration::ZERO));
}

#[test]
fn a_clock_that_jumps_back_leaves_cron_the_times_ahead() {
    // The clock was a year ahead.
    let (schedule, mut turn) = plan("0 * * * *", 365 * 86_400 * SECOND, 7);
    assert!((3600..=3630).contains(&seconds(turn.wait(&schedule, at(365 * 86_400)))));
    assert!((1800..=1830).contains(&seconds(turn.wait(&schedule, at(1800)))));
    assert!((600..=630).contains(&seconds(turn.wait(&schedule, at(3000)))));
}

#[test]
fn a_clock_that_jumps_forwards_makes_one_run() {
    for schedule in ["60s", "* * * * *"] {
        let (schedule, mut turn) = plan(schedule, 0, 7);
        let now = at(1_000_000_000);
        assert_eq!(turn.wait(&schedule, now), Some(Duration::ZERO));
        turn.ended(&schedule, now);
        assert!(seconds(turn.wait(&schedule, now)) > 0);
    }
}

#[test]
fn where_time_ends_a_task_waits_for_ever() {
    let (schedule, mut turn) = plan("1s", i64::MAX, 7);
    assert_eq!((turn.next(), turn.wait(&schedule, Timestamp::from_micros(i64::MAX))), (None, None));
    assert_eq!(turn.wait(&schedule, at(0)), None);
    turn.ended(&schedule, at(0));
    assert!(turn.next().is_some());
}

proptest! {
    /// Whatever the clock does, an interval's wait is never longer than its drawn length, and the
    /// next run is planned at most 10 % of the interval earlier than that, from the end of the last.
    #[test]
    fn no_clock_stalls_an_interval(
        interval in 1_u64..=366 * 86_400,
        start in -(1_i64 << 58)..(1_i64 << 58),
        looks in prop::collection::vec((any::<bool>(), -(1_i64 << 50)..(1_i64 << 50)), 1..30),
        seed: u64,
    ) {
        let (schedule, mut turn) = plan(&interval.to_string(), start, seed);
        let (mut now, mut drawn) = (start, turn.next().unwrap().micros() - start);
        let mut elapsed = 0;
        for (is_run, step) in looks {
            let whole = i64::try_from(interval).unwrap() * SECOND;
            prop_assert!((whole - whole / 10 - 1..=whole).contains(&drawn));
            now += step;
            elapsed += step.max(0);
            let left = turn.wait(&schedule, Timestamp::from_micros(now)).unwrap();
            let left = i64::try_from(left.as_micros()).unwrap();
            prop_assert_eq!(left, (drawn - elapsed).max(0));
            if is_run && left == 0 {
                turn.ended(&schedule, Timestamp::from_micros(now));
                (drawn, elapsed) = (turn.next().unwrap().micros() - now, 0);
            }
        }
    }

    #[test]
    fn extremes_do_not_panic(moments in prop::collection::vec(any::<i64>(), 1..10), cron: bool) {
        let (schedule, mut turn) = plan(if cron { "0 0 * * * Asia/Tokyo" } else { "366d" }, 0, 1);
        for moment in moments {
            let now = Timestamp::from_micros(moment);
            if turn.wait(&schedule, now) == Some(Duration::ZERO) {
                turn.ended(&schedule, now);
                prop_assert!(turn.next().is_none_or(|next| next > now));
            }
        }
    }
}
