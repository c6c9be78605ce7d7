//! People and what they are, for admins.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::Role;
use cream_store::{
    AuditKind, NewUser, StoreError, User, UserAdded, UserChange, UserChanged, UserId, UserName,
};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::CalledBy;
use crate::accounts::audit::Happened;
use crate::accounts::password::chosen;
use crate::body::Json;
use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{params as takes, people, words};
use crate::pages::PageQuery;
use crate::params::{NumberInPath, Params};
use crate::problem::{ApiError, ErrorCode, FieldError};
use crate::state::State;

/// `GET /admin/users`
#[utoipa::path(
    get,
    path = "/admin/users",
    operation_id = "listUsers",
    tag = "administration",
    params(takes::ListUsers, IfNoneMatch),
    responses((status = 200, description = "A page of people", body = people::Users)),
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let query: PageQuery<UserName> =
        PageQuery::read(params, "/admin/users", Fingerprint::new("users"))?;
    let answer = state.blocking(move |store| {
        let users = store.read(|reader| reader.users(query.after.as_ref(), query.to_read()))?;
        let page = query.page(users, |user| user.name.clone());
        Ok(page.answer("users", &held, || "the list ends here".to_owned(), |_| {}, write_user))
    });
    Ok(answer.await?.into())
}

fn write_user(out: &mut Vec<u8>, user: &User) {
    let mut object = Object::open(out);
    object.integer("id", Some(user.id.0));
    object.string("name", user.name.as_str());
    object.string("role", user.role.name());
    object.boolean("is_active", user.is_active);
    object.boolean("has_password", user.has_password());
    object.instant("created_at", user.created_at);
    object.instant("changed_at", user.changed_at);
    let last = user.last_login_at.map(|at| at.to_string());
    object.optional_string("last_login_at", last.as_deref());
    object.close();
}

/// The body of `POST /admin/users`.
#[derive(Deserialize, ToSchema)]
#[schema(
    as = NewUser,
    example = json!({"name": "ben", "role": "user", "password": "correct horse battery"})
)]
#[serde(deny_unknown_fields)]
pub(crate) struct Added {
    /// The name.
    #[schema(value_type = words::UserName)]
    name: String,
    /// What they are.
    #[schema(value_type = words::RoleName)]
    role: String,
    /// Their password; without one they cannot log in.
    #[schema(value_type = Option<words::NewPassword>)]
    password: Option<Zeroizing<String>>,
}

/// `POST /admin/users`
#[utoipa::path(
    post,
    path = "/admin/users",
    operation_id = "addUser",
    tag = "administration",
    request_body = Added,
    responses((status = 201, description = "Who was added", body = people::User)),
)]
pub(crate) async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
    Json(added): Json<Added>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let field =
        |name: &str, message: String| ApiError::fields(vec![FieldError::new(name, None, message)]);
    let name: UserName = added.name.parse().map_err(|error| field("name", format!("{error}")))?;
    let role: Role = added.role.parse().map_err(|error| field("role", format!("{error}")))?;
    let password = match added.password {
        Some(text) => {
            let password = chosen(text, name.as_str())?;
            let turn = state.passwords.turn(&state).await?;
            Some(state.passwords.hash(&turn, password).await?)
        }
        None => None,
    };
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let user = state
        .blocking(move |store| {
            store.write(|writer| {
                let new = NewUser { name: name.clone(), role, password, now };
                let UserAdded::New(id) = writer.add_user(&new)? else {
                    let detail = format!("there is a user {name} already");
                    return Err(ApiError::new(ErrorCode::NameTaken, detail));
                };
                let (kind, detail) = (AuditKind::UserAdded, role.name());
                happened.record(writer, kind, name.as_str(), Some(detail), now)?;
                writer.user(id)?.ok_or_else(|| ApiError::internal("the new user is gone"))
            })
        })
        .await?;
    let mut bytes = Vec::new();
    write_user(&mut bytes, &user);
    Ok(HttpResponse::Created()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/admin/users/{}", user.id.0)))
        .body(bytes))
}

/// The body of `PATCH /admin/users/{id}`. What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = UserChange, example = json!({"is_active": false}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    /// What they are from now on.
    #[schema(value_type = Option<words::RoleName>)]
    role: Option<String>,
    /// Whether they are let in from now on.
    is_active: Option<bool>,
    /// Their password from now on; their sessions end.
    #[schema(value_type = Option<words::NewPassword>)]
    password: Option<Zeroizing<String>>,
}

/// `PATCH /admin/users/{id}`
#[utoipa::path(
    patch,
    path = "/admin/users/{id}",
    operation_id = "changeUser",
    tag = "administration",
    params(NumberInPath),
    request_body = Changed,
    responses((status = 200, description = "What they are now", body = people::User)),
)]
pub(crate) async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    NumberInPath(id): NumberInPath,
    params: Params,
    Json(changed): Json<Changed>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let unknown = || {
        let detail = "there is no user by this number; GET /admin/users lists them";
        ApiError::new(ErrorCode::UnknownUser, detail)
    };
    let id = UserId(id.ok_or_else(unknown)?);
    let role = changed.role.as_deref().map(str::parse::<Role>).transpose().map_err(|error| {
        ApiError::fields(vec![FieldError::new("role", None, error.to_string())])
    })?;
    let change = UserChange { role, is_active: changed.is_active };
    let hash = match changed.password {
        Some(text) => {
            let user = state.blocking(move |store| Ok(store.read(|reader| reader.user(id))?));
            let user = user.await?.ok_or_else(unknown)?;
            let password = chosen(text, user.name.as_str())?;
            let turn = state.passwords.turn(&state).await?;
            Some(state.passwords.hash(&turn, password).await?)
        }
        None => None,
    };
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let changed = state
        .blocking(move |store| {
            Ok(store.write(|writer| {
                let changed = writer.change_user(id, &change, now)?;
                if let UserChanged::Done(user) = &changed {
                    let name = user.name.as_str();
                    if change != UserChange::default() {
                        let is_active = if user.is_active { "active" } else { "disabled" };
                        let detail = format!("{}, {is_active}", user.role);
                        happened.record(
                            writer,
                            AuditKind::UserChanged,
                            name,
                            Some(&detail),
                            now,
                        )?;
                    }
                    if let Some(hash) = &hash {
                        writer.set_password(id, hash, None, now)?;
                        happened.record(writer, AuditKind::PasswordChanged, name, None, now)?;
                        let user = writer.user(id)?;
                        return Ok(user.map_or(UserChanged::Unknown, UserChanged::Done));
                    }
                }
                Ok::<_, StoreError>(changed)
            })?)
        })
        .await?;
    match changed {
        UserChanged::Done(user) => {
            let mut bytes = Vec::new();
            write_user(&mut bytes, &user);
            Ok(HttpResponse::Ok()
                .content_type("application/json")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(bytes))
        }
        UserChanged::Unknown => Err(unknown()),
        UserChanged::LastAdmin => {
            let detail = "it would leave nobody who is an active admin";
            Err(ApiError::new(ErrorCode::LastAdmin, detail))
        }
    }
}
