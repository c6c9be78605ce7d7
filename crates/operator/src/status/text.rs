//! The status, for people.

use std::io::Write;

use anyhow::Result;
use cream_models::Timestamp;
use cream_processor::OneLine;

use super::{Contents, KeyState, Status, Task, TrackedStock, VendorStatus, Worker};
use crate::batch::files;
use crate::display::to_the_second;
use crate::table::Table;

pub(super) fn write(status: &Status, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "database           {}", status.database)?;
    let Some(contents) = &status.contents else {
        let pending = status.migrations.pending;
        writeln!(out, "migrations         {pending} pending: `worker migrate up` applies them")?;
        return Ok(());
    };
    writeln!(out, "migrations         {} applied", status.migrations.applied)?;
    holdings(contents, out)?;
    for vendor in &contents.vendors {
        if let Some(until) = vendor.blocked_until {
            let (vendor, reason) = (vendor.vendor, blocked_reason(vendor));
            writeln!(
                out,
                "left alone         {vendor} until {}: {}",
                to_the_second(until),
                OneLine(reason)
            )?;
        }
    }
    tracked(contents, out)?;
    stocks("failing", &contents.failing, failing_in_all(contents), out)?;
    stocks("disabled", &contents.disabled, disabled_in_all(contents), out)?;
    vendors(contents, out)?;
    workers(&contents.workers, out)?;
    tasks(&contents.tasks, out)?;
    dead_letters(contents, out)
}

fn holdings(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "stocks             {}", contents.stocks)?;
    writeln!(out, "series             {}", contents.series)?;
    writeln!(out, "bars               {}", contents.bars)?;
    writeln!(out, "corporate actions  {}", contents.corporate_actions)?;
    let responses = &contents.responses;
    writeln!(
        out,
        "responses          {} parsed, {} pending, {} dead letters",
        responses.parsed, responses.pending, responses.dead_letters
    )?;
    if let Some(oldest) = responses.oldest_pending_at {
        writeln!(out, "oldest pending     since {}", to_the_second(oldest))?;
    }
    for folder in &contents.archive {
        let label = folder.folder.replace('_', " ");
        match (folder.files, &folder.error) {
            (Some(count), _) => {
                writeln!(out, "{label:<18} {} in {}", files(count), folder.path)?;
            }
            (None, error) => writeln!(out, "{label:<18} {}", error.as_deref().unwrap_or_default())?,
        }
    }
    Ok(())
}

fn tracked(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    if contents.tracked.is_empty() {
        return Ok(());
    }
    writeln!(out, "tracked:")?;
    let mut table = Table::new([
        "vendor",
        "active",
        "due",
        "in hand",
        "failing",
        "disabled",
        "oldest due",
        "next due",
    ]);
    for row in &contents.tracked {
        table.add([
            row.vendor.name().to_owned(),
            row.active.to_string(),
            row.due.to_string(),
            row.in_hand.to_string(),
            row.failing.to_string(),
            row.disabled.to_string(),
            instant(row.oldest_due_at),
            instant(row.next_due_at),
        ]);
    }
    Ok(table.write("  ", out)?)
}

fn failing_in_all(contents: &Contents) -> i64 {
    contents.tracked.iter().map(|row| row.failing).sum()
}

fn disabled_in_all(contents: &Contents) -> i64 {
    contents.tracked.iter().map(|row| row.disabled).sum()
}

fn stocks(label: &str, stocks: &[TrackedStock], all: i64, out: &mut dyn Write) -> Result<()> {
    if stocks.is_empty() {
        return Ok(());
    }
    writeln!(out, "{label}:")?;
    for stock in stocks {
        let reason = stock.reason.as_deref().unwrap_or("no reason was recorded");
        write!(out, "  {}: {}: ", stock.symbol, stock.vendor)?;
        match (stock.failures, stock.next_pull_at) {
            (1, _) => write!(out, "failed once")?,
            (failures, _) => write!(out, "failed {failures} times in a row")?,
        }
        if let Some(next) = stock.next_pull_at {
            write!(out, ", next try {}", to_the_second(next))?;
        }
        writeln!(out, ": {}", OneLine(reason))?;
    }
    more(stocks.len(), all, out)
}

/// Says how many are left out of a list.
fn more(shown: usize, all: i64, out: &mut dyn Write) -> Result<()> {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    if all > shown {
        writeln!(out, "  and {} more", all - shown)?;
    }
    Ok(())
}

/// The vendors of which there is something to tell: they are pulled from, were asked, or failed.
fn vendors(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    let is_used = |vendor: &&VendorStatus| {
        let is_tracked =
            contents.tracked.iter().any(|row| row.vendor == vendor.vendor && row.active > 0);
        let is_asked = vendor.limits.iter().any(|budget| budget.used > 0);
        is_tracked || is_asked || vendor.failures > 0 || vendor.blocked_until.is_some()
    };
    let used: Vec<_> = contents.vendors.iter().filter(is_used).collect();
    if used.is_empty() {
        return Ok(());
    }
    writeln!(out, "vendors:")?;
    let mut table = Table::new(["vendor", "API key", "asked", "failures", "left alone"]);
    for vendor in used {
        let asked: Vec<String> = vendor
            .limits
            .iter()
            .map(|budget| format!("{} of {}", budget.used, budget.limit))
            .collect();
        let asked = if asked.is_empty() { "no limit".to_owned() } else { asked.join(", ") };
        let left_alone = vendor.blocked_until.map_or_else(
            || "no".to_owned(),
            |until| format!("until {}: {}", to_the_second(until), blocked_reason(vendor)),
        );
        table.add([
            vendor.vendor.name().to_owned(),
            key(vendor.key).to_owned(),
            asked,
            vendor.failures.to_string(),
            left_alone,
        ]);
    }
    Ok(table.write("  ", out)?)
}

const fn key(state: KeyState) -> &'static str {
    match state {
        KeyState::Set => "set",
        KeyState::NotNeeded => "none needed",
        KeyState::OptionalNotSet => "optional, not set",
        KeyState::Missing => "needed, NOT SET",
    }
}

fn blocked_reason(vendor: &VendorStatus) -> &str {
    vendor.blocked_reason.as_deref().unwrap_or("no reason was recorded")
}

fn workers(workers: &[Worker], out: &mut dyn Write) -> Result<()> {
    if workers.is_empty() {
        return Ok(());
    }
    writeln!(out, "workers:")?;
    let mut table = Table::new(["name", "host", "version", "state", "in hand", "seen"]);
    for worker in workers {
        table.add([
            worker.name.clone(),
            worker.host.clone(),
            worker.version.clone(),
            worker.state.to_owned(),
            worker.in_hand.to_string(),
            ago(worker.seen_seconds_ago),
        ]);
    }
    Ok(table.write("  ", out)?)
}

fn tasks(tasks: &[Task], out: &mut dyn Write) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    writeln!(out, "tasks:")?;
    let mut table =
        Table::new(["worker", "task", "schedule", "last run", "next run", "runs", "outcome"]);
    for task in tasks {
        let outcome = match (task.is_running, task.outcome, &task.message) {
            (true, _, _) => "running".to_owned(),
            (false, Some(outcome), Some(message)) => format!("{outcome}: {message}"),
            (false, outcome, _) => outcome.unwrap_or("unknown").to_owned(),
        };
        table.add([
            task.worker.clone(),
            task.task.clone(),
            task.schedule.clone(),
            instant(task.last_started_at),
            instant(task.next_run_at),
            task.runs.to_string(),
            outcome,
        ]);
    }
    Ok(table.write("  ", out)?)
}

fn dead_letters(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    if contents.dead_letters.is_empty() {
        return Ok(());
    }
    writeln!(out, "dead letters:")?;
    for letter in &contents.dead_letters {
        writeln!(out, "  {}: {}", OneLine(&letter.file), OneLine(letter.reason()))?;
    }
    more(contents.dead_letters.len(), contents.responses.dead_letters, out)
}

fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "none".to_owned(), |at| to_the_second(at).to_string())
}

/// A span of seconds in its largest unit.
fn ago(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7200 => (seconds / 60, "min"),
        7200..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let spans = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(ago);
        let told = ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"];
        assert_eq!(spans, told.map(|span| format!("{span} ago")));
    }
}
