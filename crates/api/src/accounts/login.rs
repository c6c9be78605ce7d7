//! Logging in and out.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::{Password, Scopes, Token, TokenKind};
use cream_models::Timestamp;
use cream_store::{AuditKind, NewToken, User, UserName};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::{CalledBy, Caller};
use crate::accounts::audit::Happened;
use crate::body::Json;
use crate::json::Object;
use crate::openapi::people;
use crate::params::Params;
use crate::problem::ApiError;
use crate::state::State;

/// The body of `POST /auth/login`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "ann", "password": "correct horse battery"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The user's name.
    name: String,
    /// The password.
    #[schema(value_type = String, format = Password, write_only)]
    password: Zeroizing<String>,
}

/// `POST /auth/login`
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "logIn",
    tag = "accounts",
    request_body = Login,
    responses((status = 200, description = "The token of a session", body = people::LoggedIn)),
)]
pub(crate) async fn login(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    Json(Login { name, password }): Json<Login>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let happened = Happened::in_request(&request);
    // As much of it as can be a name; what is none is looked for all the same, in the same time.
    let account: String = name.chars().take(UserName::MAX_LEN).collect();
    let turn = state.passwords.turn(&state).await?;
    happened.check_failures(&state, &account).await?;
    let wanted: Option<UserName> = name.parse().ok();
    let found = state
        .blocking(move |store| {
            Ok(store.read(|reader| match &wanted {
                Some(name) => reader.user_named(name),
                None => Ok(None),
            })?)
        })
        .await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    // What can be nobody's password is still looked at like one that is wrong.
    let password = Password::new(password.to_string()).or_else(|_| Password::new("?".to_owned()));
    let password = password.map_err(|_| ApiError::invalid_credentials())?;
    let (verdict, password) = state.passwords.verify(&turn, password, hash.clone()).await?;
    let user = user.filter(|user| verdict.is_right && user.is_active);
    let (Some(user), Some(old)) = (user, hash) else {
        happened.login_failed(&state, &account, "a login").await?;
        return Err(ApiError::invalid_credentials());
    };
    let newer = match verdict.needs_rehash {
        true => Some(state.passwords.hash(&turn, password).await?),
        false => None,
    };
    drop(turn);
    let token = Token::generate(TokenKind::Session).map_err(ApiError::internal)?;
    let now = state.now();
    let length = i64::try_from(state.settings.session.as_micros()).unwrap_or(i64::MAX);
    let session = NewToken {
        user: user.id,
        kind: TokenKind::Session,
        name: "login".to_owned(),
        digest: token.digest(),
        scopes: user.role.scopes(),
        created_at: now,
        expires_at: Timestamp::from_micros(now.micros().saturating_add(length)),
    };
    let (logged_in, expires_at) = (user.clone(), session.expires_at);
    let is_done = state
        .blocking(move |store| {
            let User { id, password_at, name, .. } = logged_in;
            Ok(store.write(|writer| {
                if let Some(newer) = &newer {
                    writer.rehash(id, &old, newer)?;
                }
                // The password may have been changed, or the account disabled, in between.
                let Some(password_at) = password_at else { return Ok(false) };
                if !writer.logged_in(id, password_at, now)? {
                    return Ok(false);
                }
                writer.add_token(&session)?;
                happened.record(writer, AuditKind::Login, name.as_str(), None, now)?;
                Ok::<_, cream_store::StoreError>(true)
            })?)
        })
        .await?;
    if !is_done {
        return Err(ApiError::invalid_credentials());
    }
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    object.string("token", token.expose());
    object.string("token_type", "Bearer");
    object.instant("expires_at", expires_at);
    object.strings("scopes", user.role.scopes().iter().map(cream_auth::Scope::name));
    write_user(&mut object, user.id.0, user.name.as_str(), user.role.name());
    object.close();
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}

fn write_user(object: &mut Object<'_>, id: i64, name: &str, role: &str) {
    let mut user = Object::open(object.key("user"));
    user.integer("id", Some(id));
    user.string("name", name);
    user.string("role", role);
    user.close();
}

/// `POST /auth/logout`
#[utoipa::path(
    post,
    path = "/auth/logout",
    operation_id = "logOut",
    tag = "accounts",
    responses((status = 204, description = "The session has ended")),
)]
pub(crate) async fn logout(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let Caller { token, name, .. } = Caller::clone(&caller);
    state
        .blocking(move |store| {
            store.write(|writer| {
                if writer.revoke_token(token, None, now)? {
                    happened.record(writer, AuditKind::Logout, name.as_str(), None, now)?;
                }
                Ok::<_, cream_store::StoreError>(())
            })?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /auth/me`
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "getMe",
    tag = "accounts",
    responses((status = 200, description = "Whose token it is", body = people::Me)),
)]
pub(crate) async fn me(
    CalledBy(caller): CalledBy,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    write_user(&mut object, caller.user.0, caller.name.as_str(), caller.role.name());
    let mut token = Object::open(object.key("token"));
    token.integer("id", Some(caller.token.0));
    token.string("kind", caller.kind.name());
    token.string("name", &caller.token_name);
    write_scopes(&mut token, caller.scopes);
    token.instant("expires_at", caller.expires_at);
    token.close();
    object.close();
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}

pub(crate) fn write_scopes(object: &mut Object<'_>, scopes: Scopes) {
    object.strings("scopes", scopes.iter().map(cream_auth::Scope::name));
}
