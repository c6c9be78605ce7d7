//! Rows into the vocabulary of the rest of the program.
//!
//! The schema's constraints let nothing in that cannot be read back; what is found all the same was
//! written by hand or by a newer program, and is an error rather than a guess.

use cream_auth::{PasswordHash, TokenKind};
use cream_models::{
    ActionKind, ActionKinds, Bar, BarField, BarFlags, CorporateAction, CorporateEvent, Coverage,
    DateRange, Price, SplitRatio, Symbol, Timestamp, Vendor,
};
use cream_schema::{
    ActionRow, AuditRow, BarRow, CoverageRow, ResponseRow, SeriesRow, StockRow, TaskRow, TokenRow,
    TrackedRow, UserRow, VendorStateRow, WorkerRow,
};

use crate::StoreError;
use crate::accounts::{AccessToken, TokenId, User, UserId, UserName};
use crate::audit::{AuditEvent, AuditId};
use crate::tracking::Tracked;
use crate::types::{
    Description, Response, ResponseId, ResponseStatus, Said, Series, Stock, StockId, StoredAction,
    StoredBar,
};
use crate::vendors::{PullStatus, Validators, VendorState};
use crate::workers::{TaskOutcome, TaskState, WorkerState};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn vendor(table: &'static str, code: i16) -> Result<Vendor> {
    Vendor::from_code(code).ok_or_else(|| StoreError::corrupt(table, "vendor", code))
}

pub(crate) fn stock(row: StockRow) -> Result<Stock> {
    let symbol = Symbol::parse(&row.symbol)
        .ok()
        .filter(|symbol| symbol.as_str() == row.symbol)
        .ok_or_else(|| StoreError::corrupt("stock", "symbol", format!("{:?}", row.symbol)))?;
    Ok(Stock { id: StockId(row.id), symbol })
}

fn said(text: Option<String>, at: Option<i64>) -> Option<Said> {
    // The schema has both or neither.
    Some(Said { at: Timestamp::from_micros(at?), text: text? })
}

pub(crate) fn series(row: SeriesRow) -> Result<Series> {
    Ok(Series {
        stock_id: StockId(row.stock_id),
        vendor: vendor("series", row.vendor)?,
        description: Description {
            name: said(row.name, row.name_at),
            exchange: said(row.exchange, row.exchange_at),
            kind: said(row.kind, row.kind_at),
            currency: said(row.currency, row.currency_at),
            time_zone: said(row.time_zone, row.time_zone_at),
        },
        bars: row.bars,
        first_date: row.first_date.map(|day| day.0),
        last_date: row.last_date.map(|day| day.0),
        actions_known: actions_known(row.actions_known.as_deref())?,
        revision: row.revision,
        changed_at: Timestamp::from_micros(row.changed_at),
    })
}

/// The dates as they are stored in `series`, where none are an empty text.
fn actions_known(text: Option<&str>) -> Result<Vec<DateRange>> {
    ranges("series", "actions_known", text.filter(|text| !text.is_empty()))
}

pub(crate) fn bar(row: &BarRow) -> Result<StoredBar> {
    let flags = u16::try_from(row.flags)
        .ok()
        .and_then(BarFlags::from_bits)
        .ok_or_else(|| StoreError::corrupt("stock_data", "flags", row.flags))?;
    let mut bar = Bar::new(row.date.0).with_final(row.is_final).with_flags(flags);
    bar.set(BarField::Open, row.open);
    bar.set(BarField::High, row.high);
    bar.set(BarField::Low, row.low);
    bar.set(BarField::Close, row.close);
    bar.set(BarField::AdjClose, row.adj_close);
    bar.set(BarField::Volume, row.volume);
    Ok(StoredBar {
        bar,
        as_of: Timestamp::from_micros(row.as_of),
        withdrawn_at: row.withdrawn_at.map(Timestamp::from_micros),
    })
}

pub(crate) fn action(row: &ActionRow) -> Result<StoredAction> {
    let corrupt = |column| {
        let of = format!("{:?} on {}", row.kind, row.date.0);
        StoreError::corrupt("corporate_action", column, of)
    };
    let price =
        |value: Option<i64>, column| value.map(Price::from_nanos).ok_or_else(|| corrupt(column));
    let event = match ActionKind::from_name(&row.kind).ok_or_else(|| corrupt("kind"))? {
        ActionKind::Dividend => CorporateEvent::Dividend { amount: price(row.amount, "amount")? },
        ActionKind::CapitalGain => {
            CorporateEvent::CapitalGain { amount: price(row.amount, "amount")? }
        }
        ActionKind::Split => CorporateEvent::Split(
            SplitRatio::new(
                price(row.numerator, "numerator")?,
                price(row.denominator, "denominator")?,
            )
            .map_err(|error| StoreError::corrupt("corporate_action", "numerator", error))?,
        ),
    };
    Ok(StoredAction {
        action: CorporateAction { date: row.date.0, event },
        as_of: Timestamp::from_micros(row.as_of),
        withdrawn_at: row.withdrawn_at.map(Timestamp::from_micros),
    })
}

/// Amount, numerator and denominator of an action, as they are stored.
pub(crate) fn action_values(event: &CorporateEvent) -> (Option<i64>, Option<i64>, Option<i64>) {
    match event {
        CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
            (Some(amount.nanos()), None, None)
        }
        CorporateEvent::Split(ratio) => {
            (None, Some(ratio.numerator().nanos()), Some(ratio.denominator().nanos()))
        }
    }
}

pub(crate) fn coverage(row: &CoverageRow) -> Result<Coverage> {
    let corrupt = |column, value| StoreError::corrupt("raw_response", column, value);
    let range = match (row.covers_from, row.covers_to) {
        (Some(from), Some(to)) => Some(
            DateRange::new(from.0, to.0)
                .map_err(|error| corrupt("covers_from", error.to_string()))?,
        ),
        _ => None,
    };
    let kinds = row.undecided_kinds.as_deref().unwrap_or_default();
    let ranges = |column, text: &Option<String>| ranges("raw_response", column, text.as_deref());
    Ok(Coverage {
        range,
        undecided_bars: ranges("undecided_bars", &row.undecided_bars)?,
        undecided_actions: ranges("undecided_actions", &row.undecided_actions)?,
        undecided_kinds: ActionKinds::from_names(kinds)
            .ok_or_else(|| corrupt("undecided_kinds", format!("{kinds:?}")))?,
    })
}

fn ranges(table: &'static str, column: &'static str, text: Option<&str>) -> Result<Vec<DateRange>> {
    let read = |part: &str| {
        part.parse().map_err(|_| StoreError::corrupt(table, column, format!("{part:?}")))
    };
    text.map_or_else(|| Ok(Vec::new()), |text| text.split(',').map(read).collect())
}

/// Ranges as they are stored; none as NULL.
pub(crate) fn ranges_text(ranges: &[DateRange]) -> Option<String> {
    if ranges.is_empty() {
        return None;
    }
    Some(ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// Kinds of corporate action as they are stored; none as NULL.
pub(crate) fn kinds_text(kinds: ActionKinds) -> Option<String> {
    (!kinds.is_empty()).then(|| kinds.to_string())
}

pub(crate) fn response(row: ResponseRow) -> Result<Response> {
    Ok(Response {
        coverage: coverage(&row.coverage)?,
        id: ResponseId(row.id),
        stock_id: row.stock_id.map(StockId),
        vendor: row.vendor.map(|code| vendor("raw_response", code)).transpose()?,
        sha256: row.sha256.try_into().map_err(|bytes: Vec<u8>| {
            StoreError::corrupt("raw_response", "sha256", format!("{} bytes", bytes.len()))
        })?,
        byte_len: row.byte_len,
        registered_at: Timestamp::from_micros(row.registered_at),
        fetched_at: row.fetched_at.map(Timestamp::from_micros),
        status: ResponseStatus::from_name(&row.status)
            .ok_or_else(|| StoreError::corrupt("raw_response", "status", &row.status))?,
        file_name: row.file_name,
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at.map(Timestamp::from_micros),
        error: row.error,
        lease_until: row.lease_until.map(Timestamp::from_micros),
        inserted: row.inserted,
        updated: row.updated,
        unchanged: row.unchanged,
        withdrawn: row.withdrawn,
    })
}

pub(crate) fn tracked(row: TrackedRow) -> Result<Tracked> {
    let validators = row.validator_url.map(|url| Validators {
        url,
        etag: row.etag,
        last_modified: row.last_modified,
    });
    let last_pull_status = PullStatus::from_name(&row.last_pull_status).ok_or_else(|| {
        StoreError::corrupt("tracked_stock", "last_pull_status", &row.last_pull_status)
    })?;
    // What an older program recorded as a success may still hold it.
    let unknown_since = row.unknown_since.filter(|_| last_pull_status != PullStatus::Success);
    // What an older program tracked again still holds it.
    let untracked_at = row.untracked_at.filter(|_| !row.is_active);
    Ok(Tracked {
        stock_id: StockId(row.stock_id),
        vendor: vendor("tracked_stock", row.vendor)?,
        vendor_symbol: row.vendor_symbol,
        is_active: row.is_active,
        last_pull_at: row.last_pull_at.map(Timestamp::from_micros),
        last_pull_status,
        error: row.error_message,
        failures: row.failures,
        next_pull_at: row.next_pull_at.map(Timestamp::from_micros),
        unknown_since: unknown_since.map(Timestamp::from_micros),
        untracked_at: untracked_at.map(Timestamp::from_micros),
        validators,
        lease_until: row.lease_until.map(Timestamp::from_micros),
    })
}

pub(crate) fn vendor_state(row: VendorStateRow) -> Result<(Vendor, VendorState)> {
    let state = VendorState {
        failures: u32::try_from(row.failures)
            .map_err(|_| StoreError::corrupt("vendor_state", "failures", row.failures))?,
        blocked_until: row.blocked_until.map(Timestamp::from_micros),
        reason: row.reason,
    };
    Ok((vendor("vendor_state", row.vendor)?, state))
}

pub(crate) fn worker(row: WorkerRow) -> WorkerState {
    WorkerState {
        name: row.name,
        host: row.host,
        pid: row.pid,
        version: row.version,
        started_at: Timestamp::from_micros(row.started_at),
        seen_at: Timestamp::from_micros(row.seen_at),
        ended_at: row.ended_at.map(Timestamp::from_micros),
        in_hand: row.in_hand,
        is_stopping: row.is_stopping,
    }
}

pub(crate) fn task(row: TaskRow) -> Result<TaskState> {
    let outcome = row.outcome.map(|name| {
        TaskOutcome::from_name(&name).ok_or_else(|| StoreError::corrupt("task", "outcome", name))
    });
    Ok(TaskState {
        worker: row.worker,
        task: row.name,
        schedule: row.schedule,
        is_running: row.is_running,
        last_started_at: row.last_started_at.map(Timestamp::from_micros),
        last_ended_at: row.last_ended_at.map(Timestamp::from_micros),
        outcome: outcome.transpose()?,
        message: row.message,
        failures: row.failures,
        runs: row.runs,
        next_run_at: row.next_run_at.map(Timestamp::from_micros),
    })
}

fn user_name(name: &str) -> Result<UserName> {
    name.parse()
        .ok()
        .filter(|parsed: &UserName| parsed.as_str() == name)
        .ok_or_else(|| StoreError::corrupt("app_user", "name", format!("{name:?}")))
}

pub(crate) fn user(row: UserRow) -> Result<User> {
    Ok(User {
        id: UserId(row.id),
        name: user_name(&row.name)?,
        role: row.role.parse().map_err(|_| StoreError::corrupt("app_user", "role", &row.role))?,
        is_active: row.is_active,
        created_at: Timestamp::from_micros(row.created_at),
        changed_at: Timestamp::from_micros(row.changed_at),
        password_at: row.password_at.map(Timestamp::from_micros),
        last_login_at: row.last_login_at.map(Timestamp::from_micros),
    })
}

/// A hash that cannot be checked is told without the hash.
pub(crate) fn password_hash(text: &str) -> Result<PasswordHash> {
    PasswordHash::parse(text)
        .map_err(|error| StoreError::corrupt("app_user", "password_hash", error))
}

/// A token, and the name of whose it is.
pub(crate) fn token(row: TokenRow, user_name: UserName) -> Result<AccessToken> {
    let kind = TokenKind::ALL.into_iter().find(|kind| kind.name() == row.kind);
    let scopes = row.scopes.parse();
    Ok(AccessToken {
        id: TokenId(row.id),
        user: UserId(row.user_id),
        user_name,
        kind: kind.ok_or_else(|| StoreError::corrupt("api_token", "kind", &row.kind))?,
        name: row.name,
        scopes: scopes.map_err(|_| StoreError::corrupt("api_token", "scopes", &row.scopes))?,
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
        last_used_at: row.last_used_at.map(Timestamp::from_micros),
        revoked_at: row.revoked_at.map(Timestamp::from_micros),
    })
}

/// A token, and the name of whose it is as it is stored.
pub(crate) fn token_of((row, name): (TokenRow, String)) -> Result<AccessToken> {
    token(row, user_name(&name)?)
}

/// An event, and the name of who did it.
pub(crate) fn audit_event((row, actor): (AuditRow, Option<String>)) -> Result<AuditEvent> {
    let actor_name = actor.map(|name| user_name(&name)).transpose()?;
    Ok(AuditEvent {
        id: AuditId(row.id),
        at: Timestamp::from_micros(row.at),
        kind: row.kind,
        account: row.account,
        actor: row.actor_id.map(UserId),
        actor_name,
        address: row.address,
        request_id: row.request_id,
        detail: row.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_schema::DayValue;

    #[test]
    fn what_means_nothing_is_told_with_its_place() {
        let message = |error: StoreError| error.to_string();
        let bar_row = BarRow { flags: 1 << 10, ..BarRow::default() };
        assert!(message(bar(&bar_row).unwrap_err()).contains("stock_data.flags holds 1024"));
        let row = StockRow { id: 1, symbol: "tsla".to_owned() };
        assert!(message(stock(row).unwrap_err()).contains("stock.symbol holds \"tsla\""));
        let undecided = |bars: Option<&str>, kinds: Option<&str>| CoverageRow {
            undecided_bars: bars.map(str::to_owned),
            undecided_kinds: kinds.map(str::to_owned),
            ..CoverageRow::default()
        };
        let error = coverage(&undecided(Some("2020-01-01,x"), None)).unwrap_err();
        assert!(message(error).contains("raw_response.undecided_bars holds \"x\""));
        let error = coverage(&undecided(None, Some("split,merger"))).unwrap_err();
        assert!(message(error).contains("raw_response.undecided_kinds holds \"split,merger\""));
        let error = actions_known(Some("2020-02-30")).unwrap_err();
        assert!(message(error).contains("series.actions_known holds \"2020-02-30\""));
        let row = ActionRow {
            date: DayValue::default(),
            kind: "split".to_owned(),
            amount: None,
            numerator: Some(1),
            denominator: None,
            as_of: 0,
            withdrawn_at: None,
        };
        assert!(message(action(&row).unwrap_err()).contains("corporate_action.denominator"));
        assert!(message(vendor("series", 60).unwrap_err()).contains("series.vendor holds 60"));
    }

    #[test]
    fn ranges_read_back() {
        let list: Vec<DateRange> =
            ["2020-01-03..2020-01-07", "2020-02-01"].map(|text| text.parse().unwrap()).to_vec();
        let text = ranges_text(&list);
        assert_eq!(text.as_deref(), Some("2020-01-03..2020-01-07,2020-02-01"));
        assert_eq!(ranges("raw_response", "undecided_bars", text.as_deref()).unwrap(), list);
        assert_eq!(ranges_text(&[]), None);
        assert_eq!(ranges("raw_response", "undecided_bars", None).unwrap(), []);
        assert_eq!(actions_known(text.as_deref()).unwrap(), list);
        assert_eq!(actions_known(Some("")).unwrap(), actions_known(None).unwrap());
    }
}
