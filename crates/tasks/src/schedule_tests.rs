use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(schedule: &str, after: &str) -> String {
    Schedule::parse(schedule).unwrap().next(at(after)).unwrap().to_string()
}

#[test]
fn intervals_are_read_within_their_bounds() {
    for (text, seconds, shown) in [
        ("90", 90, "90s"),
        ("300s", 300, "5m"),
        ("5m", 300, "5m"),
        ("24h", 86_400, "24h"),
        ("7d", 604_800, "168h"),
        (" 1 ", 1, "1s"),
        ("366d", 366 * 86_400, "8784h"),
        ("0000061", 61, "61s"),
    ] {
        let schedule = Schedule::parse(text).unwrap();
        assert_eq!(schedule, Schedule::Every(Duration::from_secs(seconds)), "{text}");
        assert_eq!(schedule.to_string(), shown);
    }
    for text in ["0", "0s", "367d", "8785h", "18446744073709551616", "18446744073709551615d"] {
        let error = Schedule::parse(text).unwrap_err();
        assert!(matches!(error, ScheduleError::Interval { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{text} is not an interval")), "{error}");
    }
    for text in ["", " ", "s", "-5s", "+5", "1.5h", "5w", "5M", "5min", "٣", "5\u{a0}m", "5m5s"] {
        let error = Schedule::parse(text).unwrap_err();
        assert!(matches!(error, ScheduleError::Syntax { .. }), "{text}: {error}");
        assert!(error.to_string().contains("such as 90 (seconds), 300s"), "{error}");
    }
}

#[test]
fn cron_expressions_are_read_and_shown() {
    for (text, shown) in [
        ("0 22 * * 1-5", "0 22 * * 1-5"),
        ("  0\t22  *   * 1-5   America/New_York ", "0 22 * * 1-5 America/New_York"),
        ("*/5 0-6,20-23/3 1,15 jan-Mar mon,FRI UTC", "*/5 0-6,20-23/3 1,15 jan-Mar mon,FRI UTC"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn what_cron_does_not_know_is_refused_with_its_field() {
    for (text, what) in [
        ("60 * * * *", "\"60\" is not a minute"),
        ("0 24 * * *", "\"24\" is not an hour"),
        ("0 MON * * *", "\"MON\" is not an hour"),
        ("0 0 0 * *", "\"0\" is not a day of the month"),
        ("0 0 L * *", "\"L\" is not a day of the month"),
        ("0 0 15W * *", "\"15W\" is not"),
        ("0 0 * 13 *", "\"13\" is not a month"),
        ("0 0 * MON *", "\"MON\" is not a month"),
        ("0 0 * JANUARY *", "\"JANUARY\" is not a month"),
        ("0 0 * * 8", "\"8\" is not a day of the week"),
        ("0 0 * * 5#2", "\"5#2\" is not a day"),
        ("0 0 ? * *", "\"?\" is not"),
        ("*/0 * * * *", "\"*/0\" is not a minute"),
        ("5-1 * * * *", "\"5-1\" is not a minute"),
        ("1, * * * *", "\"1,\" is not a minute"),
        ("1-2-3 * * * *", "\"1-2-3\" is not a minute"),
        ("1/2/3 * * * *", "\"1/2/3\" is not a minute"),
        ("99999999999999999999 * * * *", "is not a minute"),
        ("0 0 * * * Mars/Phobos", "\"Mars/Phobos\" is not a time zone"),
        ("0 0 * * * +02:00", "\"+02:00\" is not a time zone"),
        ("0 0 30 2 *", "names a day that never comes"),
        ("0 0 31 4,6,9,11 *", "names a day that never comes"),
        ("0 0 * *", "is not a schedule"),
        ("0 0 0 1 1 * UTC", "is not a schedule"),
        ("5 minutes", "is not a schedule"),
        ("@daily x", "is not a schedule"),
    ] {
        let error = Schedule::parse(text).expect_err(text).to_string();
        assert!(error.contains(what) && error.contains(&format!("{text:?}")), "{text}: {error}");
    }
    let long = Schedule::parse(&"1 ".repeat(100_000)).unwrap_err().to_string();
    assert!(long.len() < 500, "{long}");
    let long = format!("0{} * * * *", ",1".repeat(10_000));
    assert!(Schedule::parse(&long).unwrap_err().to_string().len() < 500);
}

#[test]
fn a_cron_time_is_one_of_the_wall_clock() {
    let evening = "0 22 * * 1-5 America/New_York";
    assert_eq!(next(evening, "2025-06-16T12:00:00Z"), "2025-06-17T02:00:00Z");
    assert_eq!(next(evening, "2025-06-17T02:00:00Z"), "2025-06-18T02:00:00Z", "strictly after");
    assert_eq!(next(evening, "2025-06-17T01:59:59.999999Z"), "2025-06-17T02:00:00Z");
    assert_eq!(next(evening, "2025-01-18T12:00:00Z"), "2025-01-21T03:00:00Z", "Monday, in winter");
    assert_eq!(next("0 0 29 2 *", "2025-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
    assert_eq!(next("0 0 29 2 *", "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z");
    assert_eq!(next("0 0 31 12 *", "2025-01-01T00:00:00Z"), "2025-12-31T00:00:00Z");
    // Either day is enough where both are restricted: the 13th, and Fridays.
    assert_eq!(next("0 0 13 * 5", "2025-06-06T00:00:00Z"), "2025-06-13T00:00:00Z");
    assert_eq!(next("0 0 13 * 5", "2025-07-11T00:00:00Z"), "2025-07-13T00:00:00Z");
    assert_eq!(next("0 0 * * 7", "2025-06-16T00:00:00Z"), "2025-06-22T00:00:00Z", "Sunday");
}

#[test]
fn summer_time_loses_no_run_and_makes_none_twice() {
    // 2025-03-09: from 02:00 to 03:00 in New York, at 07:00Z.
    let skipped = "30 2 * * * America/New_York";
    assert_eq!(next(skipped, "2025-03-08T12:00:00Z"), "2025-03-09T07:00:00Z");
    assert_eq!(next(skipped, "2025-03-09T07:00:00Z"), "2025-03-10T06:30:00Z");
    // 2025-11-02: from 02:00 back to 01:00, at 06:00Z.
    let repeated = "30 1 * * * America/New_York";
    assert_eq!(next(repeated, "2025-11-01T12:00:00Z"), "2025-11-02T05:30:00Z");
    assert_eq!(next(repeated, "2025-11-02T05:30:00Z"), "2025-11-03T06:30:00Z");
    // What is run all the time is run then too.
    let often = "*/20 * * * * America/New_York";
    assert_eq!(next(often, "2025-11-02T05:40:00Z"), "2025-11-02T06:00:00Z");
    assert_eq!(next(often, "2025-11-02T06:40:00Z"), "2025-11-02T07:00:00Z");
    assert_eq!(next(often, "2025-03-09T06:40:00Z"), "2025-03-09T07:00:00Z");
}

#[test]
fn where_time_ends_there_is_no_next() {
    for schedule in ["1s", "366d", "* * * * *"] {
        let schedule = Schedule::parse(schedule).unwrap();
        assert_eq!(schedule.next(Timestamp::from_micros(i64::MAX)), None);
    }
    let zero = Schedule::Every(Duration::ZERO);
    assert_eq!(zero.next(at("2025-01-01T00:00:00Z")), Some(at("2025-01-01T00:00:01Z")));
    assert!(zero.check().is_err() && Schedule::Every(Duration::MAX).check().is_err());
    assert!(Schedule::Every(Duration::from_millis(1500)).check().is_err());
}

/// A field's text and its values, told independently of the parser.
fn field(low: u32, high: u32) -> impl Strategy<Value = (String, BTreeSet<u32>)> {
    let item = prop_oneof![
        2 => (low..=high).prop_map(|value| (value.to_string(), BTreeSet::from([value]))),
        1 => (low..=high, low..=high).prop_map(|(a, b)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}"), (a..=b).collect())
        }),
        1 => (low..=high, low..=high, 1..=high).prop_map(|(a, b, step)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}/{step}"), (a..=b).step_by(step as usize).collect())
        }),
    ];
    let list = prop::collection::vec(item, 1..4).prop_map(|items| {
        let (texts, values): (Vec<_>, Vec<BTreeSet<u32>>) = items.into_iter().unzip();
        (texts.join(","), values.into_iter().flatten().collect())
    });
    let all = move || (low..=high).collect::<BTreeSet<u32>>();
    prop_oneof![
        2 => Just(("*".to_owned(), all())),
        1 => (2..=high).prop_map(move |step| {
            (format!("*/{step}"), (low..=high).step_by(step as usize).collect())
        }),
        3 => list,
    ]
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![
        "\\PC*",
        "[0-9]{0,25}[smhd]{0,2}",
        "([-0-9*/,#LW?+@a-zA-Z]{1,6}[ \t]){4,6}[A-Za-z/_]{0,20}",
        "([0-9]{1,2}([-/,][0-9]{1,2}){0,3} ){4}[0-7] (UTC|Europe/London)?",
        "0 0 [0-9]{1,2} [0-9]{1,2} [*0-7]",
    ], after: i64) {
        if let Ok(schedule) = Schedule::parse(&text) {
            let after = Timestamp::from_micros(after);
            prop_assert!(schedule.next(after).is_none_or(|next| next > after));
            prop_assert_eq!(Schedule::parse(&schedule.to_string()).unwrap(), schedule);
        }
    }

    #[test]
    fn an_interval_is_exact_and_reads_back(
        seconds in prop_oneof![1_u64..=366 * 86_400, (1_u64..=8784).prop_map(|hours| hours * 3600)],
        after in -(1_i64 << 60)..(1_i64 << 60),
    ) {
        let schedule = Schedule::Every(Duration::from_secs(seconds));
        prop_assert_eq!(Schedule::parse(&schedule.to_string()).unwrap(), schedule.clone());
        let next = schedule.next(Timestamp::from_micros(after)).unwrap();
        prop_assert_eq!(next.micros() - after, i64::try_from(seconds).unwrap() * 1_000_000);
    }

    /// Against a walk from minute to minute over the wall clock's readings.
    #[test]
    fn cron_is_what_a_walk_by_minutes_finds(
        minute in field(0, 59),
        hour in field(0, 23),
        day in prop_oneof![2 => Just(("*".to_owned(), (1..=31).collect())), 1 => field(1, 31)],
        month in prop_oneof![3 => Just(("*".to_owned(), (1..=12).collect())), 1 => field(1, 12)],
        weekday in prop_oneof![2 => Just(("*".to_owned(), (0..=6).collect())), 1 => field(0, 7)],
        // Zones without summer time: what it does to cron has a test of its own.
        zone in prop_oneof![Just("UTC"), Just("Asia/Tokyo"), Just("Asia/Kolkata"), Just("America/Phoenix")],
        after in 1_735_689_600_000_000_i64..1_900_000_000_000_000,
    ) {
        let text = format!("{} {} {} {} {} {zone}", minute.0, hour.0, day.0, month.0, weekday.0);
        let schedule = match Schedule::parse(&text) {
            Ok(schedule) => schedule,
            Err(ScheduleError::Never { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        let zone = TimeZone::get(zone).unwrap();
        let is_match = |micros: i64| {
            let local = jiff::Timestamp::from_microsecond(micros).unwrap().to_zoned(zone.clone());
            let is = |values: &BTreeSet<u32>, value: i8| values.contains(&u32::try_from(value).unwrap());
            let on = local.weekday().to_sunday_zero_offset();
            let is_weekday = is(&weekday.1, on) || on == 0 && weekday.1.contains(&7);
            let is_day = is(&day.1, local.day());
            let both = day.0 != "*" && weekday.0 != "*";
            is(&minute.1, local.minute()) && is(&hour.1, local.hour()) && is(&month.1, local.month())
                && if both { is_day || is_weekday } else { is_day && is_weekday }
        };
        const MINUTE: i64 = 60_000_000;
        let first = (after.div_euclid(MINUTE) + 1) * MINUTE;
        let walked = (0..40 * 1440).map(|step| first + step * MINUTE).find(|at| is_match(*at));
        let next = schedule.next(Timestamp::from_micros(after)).map(Timestamp::micros);
        match walked {
            Some(walked) => prop_assert_eq!(next, Some(walked), "{}", text),
            None => prop_assert!(next.is_some_and(|next| next >= first + 40 * 1440 * MINUTE && is_match(next))),
        }
    }
}
