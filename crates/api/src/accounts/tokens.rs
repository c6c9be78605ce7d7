//! Tokens for programs: made by somebody who has logged in, shown once, taken back.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::{Scope, Scopes, Token, TokenKind};
use cream_models::Timestamp;
use cream_store::{AccessToken, AuditKind, NewToken, StoreError, TokenId, TokenQuery};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::CalledBy;
use crate::accounts::audit::Happened;
use crate::accounts::login::write_scopes;
use crate::body::Json;
use crate::json::Object;
use crate::negotiate::IfNoneMatch;
use crate::openapi::{people, words};
use crate::pages::Page;
use crate::params::{NumberInPath, Params};
use crate::problem::{ApiError, ErrorCode, FieldError};
use crate::state::State;

/// Valid tokens that one user has at most, sessions included.
const MAX_TOKENS: u32 = 1_000;
/// The longest name, in characters.
pub(crate) const MAX_NAME: usize = 100;
/// For how many days a token is good where nothing is said, and at most.
pub(crate) const DEFAULT_DAYS: u16 = 90;
pub(crate) const MAX_DAYS: u16 = 366;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The body of `POST /auth/tokens`.
#[derive(Deserialize, ToSchema)]
#[schema(
    as = WantedToken,
    example = json!({"name": "notebook", "scopes": ["read"], "expires_in_days": 30})
)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What its owner calls it.
    #[schema(value_type = words::TokenName)]
    name: String,
    /// What it shall be good for.
    #[schema(value_type = Vec<words::ScopeName>, min_items = 1, max_items = 100)]
    scopes: Vec<String>,
    /// For how many days; 90 where it is absent or null.
    #[schema(value_type = Option<words::TokenDays>)]
    expires_in_days: Option<u16>,
}

impl Wanted {
    fn check(&self, allowed: Scopes) -> Result<(Scopes, u16), ApiError> {
        let mut errors = Vec::new();
        let name = &self.name;
        if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            let message = format!("expected 1 to {MAX_NAME} characters, none a control character");
            errors.push(FieldError::new("name", Some(name), message));
        }
        let scopes: Result<Scopes, _> =
            self.scopes.iter().map(|scope| scope.parse::<Scope>()).collect();
        match &scopes {
            Err(error) => errors.push(FieldError::new("scopes", None, error.to_string())),
            Ok(scopes) if scopes.is_empty() => {
                let message = "expected at least one of read, track, admin";
                errors.push(FieldError::new("scopes", None, message));
            }
            Ok(scopes) if !scopes.is_within(allowed) => {
                let message = format!("you may give no more than {allowed}");
                errors.push(FieldError::new("scopes", Some(&scopes.to_string()), message));
            }
            Ok(_) => {}
        }
        let days = self.expires_in_days.unwrap_or(DEFAULT_DAYS);
        if !(1..=MAX_DAYS).contains(&days) {
            let message = format!("expected 1 to {MAX_DAYS}");
            errors.push(FieldError::new("expires_in_days", Some(&days.to_string()), message));
        }
        match scopes {
            Ok(scopes) if errors.is_empty() => Ok((scopes, days)),
            _ => Err(ApiError::fields(errors)),
        }
    }
}

/// `POST /auth/tokens`
#[utoipa::path(
    post,
    path = "/auth/tokens",
    operation_id = "createToken",
    tag = "accounts",
    request_body = Wanted,
    responses((status = 201, description = "The token, shown this once", body = people::CreatedToken)),
)]
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
    Json(wanted): Json<Wanted>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let (scopes, days) = wanted.check(caller.scopes)?;
    let token = Token::generate(TokenKind::Api).map_err(ApiError::internal)?;
    let now = state.now();
    let length = i64::from(days).saturating_mul(MICROS_PER_DAY);
    let new = NewToken {
        user: caller.user,
        kind: TokenKind::Api,
        name: wanted.name,
        digest: token.digest(),
        scopes,
        created_at: now,
        expires_at: Timestamp::from_micros(now.micros().saturating_add(length)),
    };
    let happened = Happened::by(&request, &caller);
    let (name, expires_at) = (new.name.clone(), new.expires_at);
    let user = caller.name.clone();
    let id = state
        .blocking(move |store| {
            store.write(|writer| {
                let held = TokenQuery {
                    user: Some(new.user),
                    kind: None,
                    unended_at: Some(now),
                    after: None,
                    limit: MAX_TOKENS,
                };
                let held = u32::try_from(writer.tokens(&held)?.len()).unwrap_or(u32::MAX);
                if held >= MAX_TOKENS {
                    let detail = format!(
                        "{user} has {held} valid tokens, and may have no more; take some back"
                    );
                    return Err(ApiError::new(ErrorCode::TooManyTokens, detail));
                }
                let id = writer.add_token(&new)?;
                let detail = format!("{id}: {} ({scopes})", new.name, id = id.0);
                let kind = AuditKind::TokenCreated;
                happened.record(writer, kind, user.as_str(), Some(&detail), now)?;
                Ok(id)
            })
        })
        .await?;
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    object.integer("id", Some(id.0));
    object.string("token", token.expose());
    object.string("name", &name);
    write_scopes(&mut object, scopes);
    object.instant("created_at", now);
    object.instant("expires_at", expires_at);
    object.close();
    Ok(HttpResponse::Created()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/auth/tokens/{}", id.0)))
        .body(bytes))
}

/// `GET /auth/tokens`
#[utoipa::path(
    get,
    path = "/auth/tokens",
    operation_id = "listTokens",
    tag = "accounts",
    params(IfNoneMatch),
    responses((status = 200, description = "One's valid tokens", body = people::Tokens)),
)]
pub(crate) async fn list(
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let (user, now) = (caller.user, state.now());
    let answer = state.blocking(move |store| {
        let query = TokenQuery {
            user: Some(user),
            kind: None,
            unended_at: Some(now),
            after: None,
            // Sessions may be more than tokens are made.
            limit: MAX_TOKENS,
        };
        let tokens = store.read(|reader| reader.tokens(&query))?;
        let reason = || "you have none".to_owned();
        Ok(Page::whole(tokens).answer("tokens", &held, reason, |_| {}, write_token))
    });
    Ok(answer.await?.into())
}

fn write_token(out: &mut Vec<u8>, token: &AccessToken) {
    let mut object = Object::open(out);
    object.integer("id", Some(token.id.0));
    object.string("kind", token.kind.name());
    object.string("name", &token.name);
    write_scopes(&mut object, token.scopes);
    object.instant("created_at", token.created_at);
    object.instant("expires_at", token.expires_at);
    let used = token.last_used_at.map(|at| at.to_string());
    object.optional_string("last_used_at", used.as_deref());
    object.close();
}

/// `DELETE /auth/tokens/{id}`
#[utoipa::path(
    delete,
    path = "/auth/tokens/{id}",
    operation_id = "revokeToken",
    tag = "accounts",
    params(NumberInPath),
    responses((status = 204, description = "The token is good for nothing from now on")),
)]
pub(crate) async fn revoke(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    NumberInPath(id): NumberInPath,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let unknown = || {
        let detail = "none of your valid tokens has this number; GET /auth/tokens lists them";
        ApiError::new(ErrorCode::UnknownToken, detail)
    };
    let id = TokenId(id.ok_or_else(unknown)?);
    // A program may end its own token and no other.
    if caller.kind == TokenKind::Api && caller.token != id {
        let detail = "a token made for a program takes back itself alone; log in for the others";
        return Err(ApiError::new(ErrorCode::Forbidden, detail));
    }
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let (user, name) = (caller.user, caller.name.clone());
    let is_done = state
        .blocking(move |store| {
            Ok(store.write(|writer| {
                let is_done = writer.revoke_token(id, Some(user), now)?;
                if is_done {
                    let (kind, detail) = (AuditKind::TokenRevoked, id.0.to_string());
                    happened.record(writer, kind, name.as_str(), Some(&detail), now)?;
                }
                Ok::<_, StoreError>(is_done)
            })?)
        })
        .await?;
    if is_done { Ok(HttpResponse::NoContent().finish()) } else { Err(unknown()) }
}
