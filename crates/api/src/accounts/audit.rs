//! What happened to accounts and by them: recorded, counted, listed.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::redact;
use cream_models::Timestamp;
use cream_store::{
    AuditId, AuditKind, AuditQuery, FailedLogins, NewAuditEvent, StoreError, UserId, Writer,
};

use crate::access::Caller;
use crate::client::counted;
use crate::cursor::Fingerprint;
use crate::facts::Facts;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{params as takes, people};
use crate::pages::PageQuery;
use crate::params::Params;
use crate::problem::{ApiError, ErrorCode};
use crate::state::State;

/// Who does something, from where and in which request: what an event is recorded with.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    actor: Option<UserId>,
    address: String,
    request_id: String,
}

impl Happened {
    /// In a request of nobody who is known.
    pub(crate) fn in_request(request: &HttpRequest) -> Self {
        let facts = Facts::of(request);
        // Counted as requests are: by the network, of IPv6.
        let address = facts.as_ref().map(|facts| counted(facts.client).to_string());
        Self {
            actor: None,
            address: address.unwrap_or_default(),
            request_id: facts.map(|facts| facts.request_id.clone()).unwrap_or_default(),
        }
    }

    /// In a request of somebody.
    pub(crate) fn by(request: &HttpRequest, caller: &Caller) -> Self {
        Self { actor: Some(caller.user), ..Self::in_request(request) }
    }

    /// Records an event, in the transaction of what happened. What may be a token in it, a name
    /// typed in the wrong place or one's own name for a token, is left out.
    pub(crate) fn record(
        &self,
        writer: &mut Writer<'_>,
        kind: AuditKind,
        account: &str,
        detail: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        writer.record(&NewAuditEvent {
            account: Some(&redact(account)),
            actor: self.actor,
            address: Some(&self.address),
            request_id: Some(&self.request_id),
            detail: detail.map(redact).as_deref(),
            ..NewAuditEvent::new(kind, at)
        })
    }

    /// Refuses where too many logins have failed of late.
    ///
    /// # Errors
    ///
    /// `login_limited`.
    pub(crate) async fn check_failures(
        &self,
        state: &web::Data<State>,
        account: &str,
    ) -> Result<(), ApiError> {
        let (limits, now) = (state.settings.logins, state.now());
        let window = i64::try_from(limits.window.as_micros()).unwrap_or(i64::MAX);
        let since = Timestamp::from_micros(now.micros().saturating_sub(window));
        // As it is recorded.
        let (this, account) = (self.clone(), redact(account).into_owned());
        let is_refused = state
            .blocking(move |store| {
                let FailedLogins { of_account, from_address } =
                    store.read(|reader| reader.failed_logins(&account, &this.address, since))?;
                let is_refused = of_account >= i64::from(limits.of_account)
                    || from_address >= i64::from(limits.from_address);
                if is_refused {
                    log::warn!(
                        client = this.address.as_str(), request_id = this.request_id.as_str();
                        "a login is refused: too many have failed"
                    );
                }
                Ok(is_refused)
            })
            .await?;
        if !is_refused {
            return Ok(());
        }
        let minutes = limits.window.as_secs().div_ceil(60);
        let detail = format!(
            "too many logins to this account or from this address have failed within {minutes} \
             minutes; the password was not looked at"
        );
        Err(ApiError::limited(ErrorCode::LoginLimited, detail, limits.window.as_secs()))
    }

    /// Records that a name and a password did not fit.
    pub(crate) async fn login_failed(
        &self,
        state: &web::Data<State>,
        account: &str,
        detail: &'static str,
    ) -> Result<(), ApiError> {
        let (this, account, now) = (self.clone(), account.to_owned(), state.now());
        state
            .blocking(move |store| {
                store.write(|writer| {
                    this.record(writer, AuditKind::LoginFailed, &account, Some(detail), now)
                })?;
                Ok(())
            })
            .await
    }
}

/// `GET /admin/audit`
#[utoipa::path(
    get,
    path = "/admin/audit",
    operation_id = "listEvents",
    tag = "administration",
    params(takes::Events, IfNoneMatch),
    responses((status = 200, description = "A page of what happened", body = people::Events)),
)]
pub(crate) async fn events(
    request: HttpRequest,
    state: web::Data<State>,
    mut params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let kinds = AuditKind::ALL.map(|kind| (kind.name(), kind));
    let kind = params.word("kind", &kinds);
    let account = params.short_text("account", 64);
    let scope =
        Fingerprint::new("audit").optional(kind.map(AuditKind::name)).optional(account.as_ref());
    let query: PageQuery<i64> = PageQuery::read(params, "/admin/audit", scope)?;
    let answer = state.blocking(move |store| {
        let (before, limit) = (query.after.map(AuditId), query.to_read());
        let asked = AuditQuery { kind, account, before, limit };
        let events = store.read(|reader| reader.audit_events(&asked))?;
        let page = query.page(events, |event| event.id.0);
        let reason = || "nothing like this has happened".to_owned();
        Ok(page.answer(
            "events",
            &held,
            reason,
            |_| {},
            |out, event| {
                let mut object = Object::open(out);
                object.integer("id", Some(event.id.0));
                object.instant("at", event.at);
                object.string("kind", &event.kind);
                object.optional_string("account", event.account.as_deref());
                object
                    .optional_string("actor", event.actor_name.as_ref().map(|name| name.as_str()));
                object.optional_string("address", event.address.as_deref());
                object.optional_string("request_id", event.request_id.as_deref());
                object.optional_string("detail", event.detail.as_deref());
                object.close();
            },
        ))
    });
    Ok(answer.await?.into())
}
