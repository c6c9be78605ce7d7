//! The page's table held against the data embedded in the page.

use cream_models::{
    ActionKind, Bar, BarField, CorporateAction, CorporateEvent, Date, PriceHistory, WarningKind,
};

use crate::table::{Row, Table};
use crate::warnings::Warnings;

/// Warns of each cell that differs by more than half a unit of the last decimal the table shows,
/// and of rows and actions that stand in only one of both. The embedded data decides.
pub(crate) fn tables(html: &[u8], history: &PriceHistory, table: &Table, warnings: &mut Warnings) {
    let mut bad = table.unreadable.iter().peekable();
    let mut order: Vec<&Row> = Vec::new();
    let is_descending = table.rows.is_sorted_by(|a, b| a.bar.date() > b.bar.date());
    let rows: Box<dyn Iterator<Item = &Row>> = if !is_descending || bad.peek().is_some() {
        for (index, row) in table.rows.iter().enumerate() {
            match bad.next_if(|bad| bad.row == index) {
                None => order.push(row),
                Some(bad) => warnings.push(bad.position, || WarningKind::UnreadableRow {
                    date: bad.date,
                    reason: format!(
                        "in the page's table, {}; the embedded data was taken",
                        bad.reason
                    ),
                }),
            }
        }
        order.sort_by_key(|row| row.bar.date());
        one_a_date(&mut order, history, &warnings.repeated());
        Box::new(order.into_iter())
    } else {
        Box::new(table.rows.iter().rev())
    };
    let bad_dates = sorted(table.unreadable.iter().filter_map(|bad| bad.date));
    let bad_date = |date: Date| bad_dates.binary_search(&date).is_ok();
    let mut bars = history.bars.iter().peekable();
    // The first and last date and the number of bars that the table lacks, in a run.
    let mut missing: Option<(Date, Date, usize)> = None;
    let tell = |run: Option<(Date, Date, usize)>, warnings: &mut Warnings| {
        if let Some((first, last, count)) = run {
            warnings.push(table.start, || WarningKind::OnlyInOne {
                date: first,
                what: format!(
                    "{count} rows up to {last} stand in the embedded data but not in the table"
                ),
            });
        }
    };
    let lacks = |bar: &Bar, missing: &mut Option<(Date, Date, usize)>| {
        if bad_date(bar.date()) {
            return;
        }
        match missing {
            Some((_, last, count)) => (*last, *count) = (bar.date(), *count + 1),
            None => *missing = Some((bar.date(), bar.date(), 1)),
        }
    };
    for row in rows {
        let date = row.bar.date();
        while let Some(bar) = bars.next_if(|bar| bar.date() < date) {
            lacks(bar, &mut missing);
        }
        match bars.next_if(|bar| bar.date() == date) {
            Some(bar) => {
                tell(missing.take(), warnings);
                cells(html, bar, row, table, warnings);
            }
            // A row without a price says nothing; neither does one that the other leaves open.
            None if row.bar.has_price() && history.coverage.decides_bar(date) => {
                warnings.push(row.position, || WarningKind::OnlyInOne {
                    date,
                    what: "a row stands in the table but not in the embedded data".to_owned(),
                });
            }
            None => {}
        }
    }
    for bar in bars {
        lacks(bar, &mut missing);
    }
    tell(missing.take(), warnings);
    actions(history, table, warnings);
}

/// Of the rows of a date that the embedded data repeats as well, the one that agrees with what was
/// kept, or else the first. The rows ascend by date.
fn one_a_date(rows: &mut Vec<&Row>, history: &PriceHistory, repeated: &[Date]) {
    let agrees = |row: &Row| {
        let bars = &history.bars;
        let found = bars.binary_search_by_key(&row.bar.date(), Bar::date).ok();
        found.and_then(|index| bars.get(index)).is_some_and(|bar| differing(bar, row).count() == 0)
    };
    rows.dedup_by(|later, kept| {
        let date = kept.bar.date();
        if later.bar.date() != date || repeated.binary_search(&date).is_err() {
            return false;
        }
        if !agrees(kept) && agrees(later) {
            *kept = *later;
        }
        true
    });
}

#[inline(always)]
fn cells(html: &[u8], bar: &Bar, row: &Row, table: &Table, warnings: &mut Warnings) {
    for field in differing(bar, row) {
        mismatch(html, bar, row, field, table, warnings);
    }
}

/// The cells that differ by more than the table's rounding.
#[inline(always)]
fn differing(bar: &Bar, row: &Row) -> impl Iterator<Item = BarField> {
    let cells = BarField::ALL.into_iter().zip(row.decimals);
    let differs = |(field, decimals)| match (bar.value(field), row.bar.value(field)) {
        (Some(embedded), Some(shown)) if field == BarField::Volume => embedded != shown,
        (Some(embedded), Some(shown)) => {
            let unit = 10_u64.pow(9_u32.saturating_sub(u32::from(decimals)));
            embedded.abs_diff(shown) > unit / 2
        }
        (None, None) => false,
        // The page shows a volume of 0 as unknown.
        (Some(0), None) => field != BarField::Volume,
        _ => true,
    };
    cells.filter(move |cell| differs(*cell)).map(|(field, _)| field)
}

#[cold]
fn mismatch(
    html: &[u8],
    bar: &Bar,
    row: &Row,
    field: BarField,
    table: &Table,
    warnings: &mut Warnings,
) {
    warnings.push(row.position, || WarningKind::CellMismatch {
        date: bar.date(),
        field,
        table: table.cell_text(html, row.position, field),
        embedded: match (bar.value(field), field) {
            (None, _) => "unknown".to_owned(),
            (Some(volume), BarField::Volume) => volume.to_string(),
            (Some(nanos), _) => cream_models::Price::from_nanos(nanos).to_string(),
        },
    });
}

fn actions(history: &PriceHistory, table: &Table, warnings: &mut Warnings) {
    let keys = sorted(table.actions.iter().map(|(action, _)| action.key()));
    let bad_dates = sorted(table.bad_actions.iter().map(|(date, ..)| *date));
    for (shown, position) in &table.actions {
        let embedded = history
            .actions
            .binary_search_by_key(&shown.key(), CorporateAction::key)
            .ok()
            .and_then(|index| history.actions.get(index));
        let what = match embedded {
            None if history.coverage.decides_action(shown.key()) => {
                format!("a {} stands in the table but not in the embedded data", shown.kind())
            }
            Some(embedded) if !agree(embedded.event, shown.event) => format!(
                "the {} is {} in the table but {} in the embedded data",
                shown.kind(),
                amount(shown.event),
                amount(embedded.event)
            ),
            _ => continue,
        };
        warnings.push(*position, || WarningKind::OnlyInOne { date: shown.date, what });
    }
    // A page that shows no event at all may have been asked for prices alone.
    let dates = table.rows.first().zip(table.rows.last());
    for action in &history.actions {
        let within = dates.is_some_and(|(one, other)| {
            let (one, other) = (one.bar.date(), other.bar.date());
            one.min(other) <= action.date && action.date <= one.max(other)
        });
        // Those without a date come first.
        let is_unreadable =
            bad_dates.first() == Some(&None) || bad_dates.binary_search(&Some(action.date)).is_ok();
        if within && !is_unreadable && keys.binary_search(&action.key()).is_err() {
            warnings.push(table.start, || WarningKind::OnlyInOne {
                date: action.date,
                what: format!(
                    "a {} stands in the embedded data but not in the table",
                    action.kind()
                ),
            });
        }
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}

/// Whether an event in the table, perhaps rounded to two decimals or more, is the embedded one.
fn agree(embedded: CorporateEvent, shown: CorporateEvent) -> bool {
    use CorporateEvent::{CapitalGain, Dividend, Split};
    match (embedded, shown) {
        (Dividend { amount }, Dividend { amount: shown })
        | (CapitalGain { amount }, CapitalGain { amount: shown }) => {
            let mut unit = 1;
            while unit < 10_000_000 && shown.nanos() % (unit * 10) == 0 {
                unit *= 10;
            }
            amount.nanos().abs_diff(shown.nanos()) <= unit.unsigned_abs() / 2
        }
        (Split(one), Split(other)) => {
            let product = |a: cream_models::Price, b: cream_models::Price| {
                i128::from(a.nanos()) * i128::from(b.nanos())
            };
            product(one.numerator(), other.denominator())
                == product(other.numerator(), one.denominator())
        }
        _ => false,
    }
}

fn amount(event: CorporateEvent) -> String {
    match event {
        CorporateEvent::Split(ratio) => ratio.to_string(),
        CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
            amount.to_string()
        }
    }
}

/// Keeps the kinds in step: a new one must say how it is compared.
const _: () = assert!(ActionKind::ALL.len() == 3);
