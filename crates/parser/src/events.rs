//! The events of Yahoo's chart: dividends, splits and capital gains.

use cream_models::{
    ActionKind, CorporateAction, CorporateEvent, Date, Price, SplitRatio, WarningKind,
};

use crate::error::Result;
use crate::finish::{Actions, RowLimit, cash};
use crate::json::Reader;
use crate::number::Number;
use crate::values;
use crate::warnings::Warnings;
use crate::zone::Zone;

/// Reads the object of events at `start`: a map a kind, whose keys mean nothing (the vendor's
/// keys can differ from the events' dates). `currency` is that of the prices: cash in another one is
/// unreadable.
pub(crate) fn read(
    json: &[u8],
    start: usize,
    currency: Option<&str>,
    zone: &mut Zone,
    limit: RowLimit,
    warnings: &mut Warnings,
) -> Result<Actions> {
    let mut reader = Reader::new(json, start);
    let mut actions = Actions::default();
    let mut kinds = reader.object("an object of events")?;
    while let Some(key) = reader.next_key(&mut kinds)? {
        let kind = match key.as_ref() {
            b"dividends" => ActionKind::Dividend,
            b"splits" => ActionKind::Split,
            b"capitalGains" => ActionKind::CapitalGain,
            _ => {
                reader.skip()?;
                continue;
            }
        };
        if reader.null()? {
            continue;
        }
        let mut events = reader.object("an object of events by time")?;
        while reader.next_key(&mut events)?.is_some() {
            reader.peek();
            let position = reader.pos;
            limit.check(actions.read.len() + actions.unreadable.len(), position)?;
            let (date, event) = event(&mut reader, kind, currency, zone)?;
            match (date, event) {
                (Some(date), Ok(event)) => {
                    actions.read.push((CorporateAction { date, event }, position));
                }
                (date, event) => {
                    actions.unreadable.push(date);
                    let reason = event.err().unwrap_or("it has no readable \"date\" in seconds");
                    warnings.push(position, || WarningKind::UnreadableAction {
                        date,
                        reason: format!("{kind}: {reason}: {}", values::value_at(json, position)),
                    });
                }
            }
        }
    }
    Ok(actions)
}

/// Reads one event: its date, and what it is or why it cannot be read.
fn event(
    reader: &mut Reader<'_>,
    kind: ActionKind,
    currency: Option<&str>,
    zone: &mut Zone,
) -> Result<(Option<Date>, Result<CorporateEvent, &'static str>)> {
    if reader.peek() != Some(b'{') {
        reader.skip()?;
        return Ok((None, Err("it is not an object")));
    }
    let (mut date, mut amount, mut is_foreign) = (None, None, false);
    let (mut numerator, mut denominator, mut ratio) = (None, None, None);
    let mut members = reader.object("an event")?;
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"date" => {
                reader.peek();
                let number = Number::scan(reader.bytes(), reader.pos).ok();
                let seconds = number.and_then(|number| number.integer(reader.bytes()));
                date = seconds.and_then(|seconds| zone.date(seconds));
            }
            b"amount" => amount = values::price(reader),
            // Only shares that pay in another currency than they are quoted in have one that tells.
            b"currency" if reader.peek() == Some(b'"') => {
                let code = reader.string()?.text()?;
                is_foreign = !code.is_empty() && currency.is_some_and(|prices| prices != code);
                continue;
            }
            b"numerator" => numerator = values::price(reader),
            b"denominator" => denominator = values::price(reader),
            b"splitRatio" if reader.peek() == Some(b'"') => {
                ratio = parse_ratio(reader.string()?.raw());
                continue;
            }
            _ => {}
        }
        reader.skip()?;
    }
    let event = if kind == ActionKind::Split {
        let numbers = numerator.zip(denominator).and_then(|(n, d)| SplitRatio::new(n, d).ok());
        numbers
            .or(ratio)
            .map(CorporateEvent::Split)
            .ok_or("it has neither numerator and denominator above 0 nor a ratio such as \"3:2\"")
    } else if is_foreign {
        Err("its currency is not that of the prices")
    } else {
        amount.map(|amount| cash(kind, amount)).ok_or("it has no readable \"amount\"")
    };
    Ok((date, event))
}

/// The ratio of a text such as `3:2`, `1,000:961` or `5/1`.
pub(crate) fn parse_ratio(text: &[u8]) -> Option<SplitRatio> {
    let text = std::str::from_utf8(text).ok()?;
    let (numerator, denominator) = text.split_once([':', '/'])?;
    SplitRatio::new(side(numerator)?, side(denominator)?).ok()
}

/// A side of a ratio, whose commas stand between groups of three: `1,5` is no 15.
fn side(text: &str) -> Option<Price> {
    let text = text.trim();
    let (whole, behind) = text.split_at_checked(text.find('.').unwrap_or(text.len()))?;
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut is_grouped = false;
    for group in groups {
        if group.len() != 3 || first.is_empty() || first.len() > 3 {
            return None;
        }
        is_grouped = true;
    }
    if is_grouped {
        format!("{}{behind}", whole.replace(',', "")).parse().ok()
    } else {
        text.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParseError;

    fn actions(json: &str) -> (Vec<String>, Vec<Option<String>>, Vec<String>) {
        let mut zone = Zone::named("America/New_York").unwrap();
        let mut warnings = Warnings::new(10);
        let actions =
            read(json.as_bytes(), 0, Some("USD"), &mut zone, RowLimit::default(), &mut warnings)
                .unwrap();
        (
            actions.read.iter().map(|(a, _)| format!("{} {:?}", a.date, a.event)).collect(),
            actions.unreadable.iter().map(|date| date.map(|date| date.to_string())).collect(),
            warnings.into_vec().iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn every_kind_is_read_by_its_own_date() {
        let (read, unreadable, warnings) = actions(
            r#"{"dividends":{"560059200":{"amount":0.20499999821186066,"date":1604673000,"x":[1]}},
               "splits":{"1":{"date":1598880600,"numerator":4.0,"denominator":1,"splitRatio":"4:1"},
                         "2":{"date":1661434200,"splitRatio":"1,000:961"},
                         "3":{"date":1661434200,"numerator":1000,"denominator":961}},
               "capitalGains":{"3":{"amount":1.5,"date":1604673000}},
               "earnings":{"4":{}},"other":null}"#,
        );
        assert_eq!(read.len(), 5, "{read:?}");
        assert!(read[0].starts_with("2020-11-06 Dividend") && read[0].contains("205000000"));
        assert!(read[1].starts_with("2020-08-31 Split"));
        assert_eq!(read[2], read[3]);
        assert!(read[4].starts_with("2020-11-06 CapitalGain"));
        assert!(unreadable.is_empty() && warnings.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_and_its_date_is_kept() {
        let (read, unreadable, warnings) = actions(
            r#"{"dividends":{"1":{"amount":"x","date":1604673000},"2":{"amount":1,"date":null},"3":7},
               "splits":{"4":{"date":1598880600,"numerator":0,"denominator":1},
                         "5":{"date":1598880600,"splitRatio":"a:b"}}}"#,
        );
        assert!(read.is_empty());
        let dates: Vec<_> = unreadable.iter().map(Option::as_deref).collect();
        let split = Some("2020-08-31");
        assert_eq!(dates, [Some("2020-11-06"), None, None, split, split]);
        assert!(warnings[0].contains("dividend: it has no readable \"amount\""), "{warnings:?}");
        assert!(warnings[1].contains("no readable \"date\""), "{warnings:?}");
        assert!(warnings[2].contains("not an object"), "{warnings:?}");
        assert!(warnings[3].contains("above 0"), "{warnings:?}");
    }

    #[test]
    fn cash_in_another_currency_than_the_prices_is_unreadable() {
        for (currency, is_read) in [
            ("\"USD\"", true),
            ("\"\"", true),
            ("null", true),
            ("\"CAD\"", false),
            ("\"USd\"", false),
        ] {
            let (read, unreadable, warnings) = actions(&format!(
                r#"{{"dividends":{{"1":{{"amount":1.5,"currency":{currency},"date":1604673000}}}}}}"#
            ));
            assert_eq!((read.len(), unreadable.len()), (is_read.into(), (!is_read).into()));
            let told = warnings.iter().any(|text| text.contains("its currency is not that of"));
            assert_eq!(told, !is_read, "{currency}: {warnings:?}");
        }
    }

    #[test]
    fn more_events_than_any_history_has_are_an_error() {
        let mut zone = Zone::named("America/New_York").unwrap();
        let mut read = |count: usize| {
            let half = r#""":7,"#.repeat(count / 2) + r#""":7"#;
            let json = format!(r#"{{"splits":{{{half}}},"dividends":{{{half}}}}}"#);
            let limit = RowLimit(1000);
            read(json.as_bytes(), 0, None, &mut zone, limit, &mut Warnings::new(0))
        };
        assert_eq!(read(998).unwrap().unreadable.len(), 1000);
        assert!(matches!(read(1000), Err(ParseError::TooManyRows { limit: 1000, .. })));
    }

    #[test]
    fn ratios_of_zero_or_nonsense_are_none() {
        assert_eq!(parse_ratio(b"3:2").unwrap().to_string(), "3:2");
        assert_eq!(parse_ratio(b"4.000000/1.000000").unwrap().to_string(), "4:1");
        assert_eq!(parse_ratio(b"1,000,000.5:1").unwrap().to_string(), "1000000.5:1");
        for text in [
            &b"0:1"[..],
            b"1:0",
            b"-1:1",
            b"1",
            b"",
            b":",
            b"a:1",
            b"\xff:1",
            b"1,5:1",
            b"3:1,50",
            b"1000,000:1",
            b",500:1",
            b"1.5,000:1",
        ] {
            assert_eq!(parse_ratio(text), None, "{text:?}");
        }
    }
}
